# SPDX-License-Identifier: Apache-2.0
"""runc's own integration tests (the bats files of Debian's source package) against linuxd in both modes. What fails
must stand in tests/runc/known-failures.txt with its reason, and what stands there must fail. The source package is fetched by
apt-get into ~/.cache/linuxd; where it cannot be had the tests are skipped.

RUNC_SUITE_FILES="a.bats b.bats" runs only these. RUNC_SUITE_RUNTIME=/usr/sbin/runc runs them against another runtime and only reports;
docs/conformance.md has the counts.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from run import Failure, Skip

from .callers import busybox_root, runtime

VERSION = "1.1.5"
SOURCES = """Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
PATIENCE = 400  # seconds
TEST_PATIENCE = 60  # of one test; bats has a bound of its own, but tests that wait for all of their children wait for that
PROGRAMS = {"contrib/cmd/recvtty/recvtty": "recvtty.c", "contrib/cmd/seccompagent/seccompagent": "seccomp_agent.c"}


# The suite's orphans need someone who reaps them, which tests/run.py does between tests only: an init of a pid namespace waits for each.
REAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
child = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
while True:
    pid, status = os.wait()
    if pid == child:
        sys.exit(os.waitstatus_to_exitcode(status))
"""


def cache_directory():
    return os.environ.get("LINUXD_CACHE") or os.path.join(os.path.expanduser("~"), ".cache/linuxd")


def fetch(context):
    """The unpacked source package."""
    target = os.path.join(cache_directory(), f"runc-{VERSION}")
    if os.path.exists(os.path.join(target, "tests/integration/helpers.bash")):
        return target
    os.makedirs(cache_directory(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_directory()) as work:
        os.makedirs(os.path.join(work, "parts"))
        os.makedirs(os.path.join(work, "lists/partial"))
        with open(os.path.join(work, "parts/source.sources"), "w") as f:
            f.write(SOURCES)
        apt = ["apt-get", "-q", "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={work}/parts",
               "-o", f"Dir::State::lists={work}/lists", "-o", "APT::Sandbox::User=root"]
        for command in ([*apt, "update"], [*apt, "source", "--download-only", "runc"]):
            if context.run(command, cwd=work, timeout=300).status != 0:
                raise Skip("Debian's source package of runc cannot be had here")
        archives = [name for name in os.listdir(work) if name.startswith(f"runc_{VERSION}") and ".orig.tar" in name]
        if not archives:
            raise Skip(f"Debian's source package of runc is not {VERSION}")
        context.run(["tar", "-xf", archives[0]], cwd=work, check=True)
        unpacked = next(os.path.join(work, name) for name in os.listdir(work) if name.startswith("runc-") and os.path.isdir(os.path.join(work, name)))
        shutil.rmtree(target, ignore_errors=True)
        os.rename(unpacked, target)
    return target


def prepare(context):
    """A copy whose helper programs and images are ours: the originals are written in Go, and downloaded."""
    source = fetch(context)
    copy = context.out("runc-suite", "x")[:-2]
    if not os.path.exists(os.path.join(copy, "tests/integration/helpers.bash")):
        shutil.copytree(source, copy, symlinks=True, dirs_exist_ok=True)
    for target, name in PROGRAMS.items():
        context.run(["gcc", "-O1", "-Wall", "-static", "-o", os.path.join(copy, target), context.path("tests/runc", name)], check=True)
    images = os.path.join(copy, "tests/integration/get-images.sh")
    with open(images, "w") as f:
        f.write(f"echo BUSYBOX_IMAGE={image_without_users(context)}\necho DEBIAN_IMAGE=/nonexistent\n")
    os.chmod(images, 0o755)
    return copy


def image_without_users(context):
    """The suite runs processes as users that the image must not know."""
    root = context.out("runc-suite-image", "x")[:-2]
    archive = context.out("runc-suite-image.tar")
    shutil.rmtree(root)
    shutil.copytree(busybox_root(context)[0], root, symlinks=True)
    # Tests put links in their places.
    os.rmdir(os.path.join(root, "proc"))
    os.rmdir(os.path.join(root, "sys"))
    for name, text in (("passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("group", "root:x:0:\n")):
        with open(os.path.join(root, "etc", name), "w") as f:
            f.write(text)
    context.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    return archive


def known_failures(context, mode):
    """{pattern of the test's name: reason}"""
    known = {}
    with open(context.path("tests/runc/known-failures.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                modes, name, reason = (part.strip() for part in line.split("|"))
                if mode in modes.split(","):
                    known[name] = reason
    return known


def is_complete(tap):
    with open(tap, errors="replace") as f:
        text = f.read()
    plan = re.search(r"^1\.\.(\d+)", text, re.M)
    return plan is not None and len(re.findall(r"^(?:not )?ok \d+ ", text, re.M)) == int(plan[1])


def results_so_far(tap):
    with open(tap, errors="replace") as f:
        return len(re.findall(r"^(?:not )?ok \d+ ", f.read(), re.M))


def end_commands(binary, suite):
    """The runtime's commands that a test waits for: those that a shell of the suite has started."""
    processes = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                processes[int(pid)] = parent, f.read().split(b"\0")[0].decode(errors="replace")
        except OSError:
            continue
    for pid, (parent, command) in processes.items():
        above, within = parent, False
        while above in processes and not within:
            within = above == suite
            above = processes[above][0]
        if command == binary and within and processes.get(parent, (0, ""))[1].endswith("bash"):
            os.kill(pid, signal.SIGTERM)


def run_suite(context, binary, files):
    suite = prepare(context)
    tap = context.out("runc-suite.tap")
    # Others may run the suite, too; sockets are made in it.
    temporary = tempfile.mkdtemp(prefix="linuxd-runc-")
    os.chmod(temporary, 0o755)
    environment = dict(os.environ, RUNC=binary, TERM="xterm", TMPDIR=temporary)
    # The suite wants a terminal on all of its standard descriptors.
    command = f"timeout {PATIENCE} bats --tap {' '.join(files)}"
    with open(os.devnull) as null, open(tap, "wb") as out:
        child = subprocess.Popen([sys.executable, "-c", REAPER, "script", "-qec", command, "/dev/null"], cwd=os.path.join(suite, "tests/integration"),
                                 env=environment, stdin=null, stdout=out, stderr=out)
        seen, since = 0, time.monotonic()
        for _ in range(PATIENCE + 10):
            if child.poll() is not None:
                break
            time.sleep(1)
            if results_so_far(tap) != seen:
                seen, since = results_so_far(tap), time.monotonic()
            elif time.monotonic() - since > TEST_PATIENCE:
                end_commands(binary, child.pid)
                since = time.monotonic()
            # What a failed test has left holds the pipe that bats waits for.
            if is_complete(tap):
                subprocess.run(["pkill", "-9", "-x", "recvtty", "-P", str(child.pid)], check=False)
        child.kill()
        child.wait()
    shutil.rmtree(temporary, ignore_errors=True)
    with open(tap, errors="replace") as f:
        text = f.read().replace("\r", "")
    context.write_log(text)
    results = {}
    for verdict, name, skip in re.findall(r"^(ok|not ok) \d+ (.*?)( # skip.*)?$", text, re.M):
        results[name] = "failed" if verdict != "ok" else "skipped" if skip else "passed"
    return results


def suite_test(context, mode):
    if os.getuid() != 0:
        raise Skip("needs root")
    missing = [program for program in ("bats", "jq", "gawk", "script", "busybox", "apt-get") if not shutil.which(program)]
    if missing:
        raise Skip("not installed: " + " ".join(missing))
    other = os.environ.get("RUNC_SUITE_RUNTIME")
    files = sorted(name for name in os.listdir(os.path.join(prepare(context), "tests/integration")) if name.endswith(".bats"))
    if not shutil.which("criu") or subprocess.run(["criu", "check"], capture_output=True, check=False).returncode != 0:
        print("    left out: checkpoint.bats, because CRIU does not work with this kernel (tests/vm/criu.sh is our test)", flush=True)
        files.remove("checkpoint.bats")
    only = os.environ.get("RUNC_SUITE_FILES")
    results = run_suite(context, other or runtime(context, mode), only.split() if only else files)
    counts = {kind: sum(1 for verdict in results.values() if verdict == kind) for kind in ("passed", "failed", "skipped")}
    print(f"    runc's integration tests, {other or mode}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    if other:
        return
    known = known_failures(context, mode)
    failed = {name for name, verdict in results.items() if verdict == "failed"}
    unexpected = sorted(failed - set(known))
    if not results:
        raise Failure("the suite did not run")
    if unexpected:
        raise Failure(f"{len(unexpected)} fail that should not: " + "; ".join(unexpected)[:900])
    better = sorted(name for name in known if results.get(name) == "passed")
    if better:
        raise Failure("these pass now and must leave tests/runc/known-failures.txt: " + "; ".join(better)[:900])


def runc(context):
    return [(f"suite-{mode}", lambda mode=mode: suite_test(context, mode)) for mode in ("native", "sandbox")]
