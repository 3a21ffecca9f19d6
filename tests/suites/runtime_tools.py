# SPDX-License-Identifier: Apache-2.0
"""The validation programs of opencontainers/runtime-tools, in both modes. They are not in Debian: RUNTIME_TOOLS names a checkout (with its vendored
packages), else ~/.cache/linuxd/runtime-tools is one; where there is none, or no go that can build it, the tests are skipped. What fails must stand in
tests/runtime-tools/known-failures.txt with its reason, and what stands there must fail.

RUNTIME_TOOLS_RUNTIME=/usr/sbin/runc runs them with another runtime and only reports; docs/conformance.md has the counts.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from run import Failure, Skip

from .callers import runtime
from .runc import REAPER, cache_directory

PATIENCE = 60  # seconds for each program
# Hierarchies that some hosts have not mounted, for the programs that look for their files. In a mount namespace of our own.
PREPARE = """
[ -e /sys/fs/cgroup/cgroup.controllers ] || for c in net_cls net_prio hugetlb; do
	! grep -q " - cgroup .*[ ,]$c\\(,\\|$\\)" /proc/self/mountinfo || continue
	[ -d /sys/fs/cgroup/$c ] || { mkdir /sys/fs/cgroup/$c && new="$new $c"; }
	mount -t cgroup -o $c none /sys/fs/cgroup/$c 2>/dev/null && made="$made $c"
done
"$@"
status=$?
for c in $made; do
	find /sys/fs/cgroup/$c -mindepth 1 -depth -type d -exec rmdir {} +
	umount /sys/fs/cgroup/$c
done
for c in $new; do rmdir /sys/fs/cgroup/$c; done
exit $status
"""


def checkout():
    path = os.environ.get("RUNTIME_TOOLS") or os.path.join(cache_directory(), "runtime-tools")
    if not os.path.isdir(os.path.join(path, "validation")):
        raise Skip(f"no checkout of opencontainers/runtime-tools at {path} (RUNTIME_TOOLS names one)")
    return path


def build(context):
    """A directory with the programs in bin/, and beside it what they look for in their working directory."""
    source = checkout()
    if not shutil.which("go"):
        raise Skip("go is not installed (apt-get install golang-go)")
    place = context.out("runtime-tools", "bin", "x")[:-6]
    env = dict(os.environ, GOFLAGS="-mod=vendor", GOPROXY="off", GOTOOLCHAIN="local", CGO_ENABLED="0")
    names = sorted(name for name in os.listdir(os.path.join(source, "validation")) if os.path.exists(os.path.join(source, "validation", name, name + ".go")))
    if not names:
        raise Failure(f"{source}/validation has no programs")
    for command in (["go", "build", "-tags", "netgo osusergo", "-o", os.path.join(place, "runtimetest"), "./cmd/runtimetest"],
                    ["go", "build", "-o", os.path.join(place, "bin") + "/", *("./validation/" + name for name in names)]):
        result = context.run(command, cwd=source, env=env, timeout=600)
        if result.status != 0:
            newer = b"module requires Go" in result.output
            raise (Skip if newer else Failure)("this go is too old for the checkout" if newer else "the programs cannot be built")
    for name in os.listdir(source):
        if name.startswith("rootfs-"):
            shutil.copy(os.path.join(source, name), place)
    return place, names


def run_program(context, place, name, binary):
    """{what is checked: passed, failed or skipped}; what a program says beside its checks is called by an empty name."""
    tap = os.path.join(place, "tap")
    bundles = tempfile.mkdtemp(prefix="linuxd-tools-")
    os.chmod(bundles, 0o711)
    state, wrapper = os.path.join(bundles, "state"), os.path.join(bundles, "runtime")
    with open(wrapper, "w") as f:
        f.write(f'#!/bin/sh\nexec {binary} --root {state} "$@"\n')
    os.chmod(wrapper, 0o755)
    command = ["unshare", "--mount", "sh", "-c", PREPARE, "-", sys.executable, "-c", REAPER, "timeout", str(PATIENCE), os.path.join("bin", name)]
    with open(tap, "wb") as out, open(tap + ".err", "wb") as err, open(os.devnull) as null:
        child = subprocess.Popen(command, cwd=place, env=dict(os.environ, RUNTIME=wrapper, TMPDIR=bundles, new="", made=""), stdin=null, stdout=out, stderr=err)
        child.wait()
    # Some leave containers, when they give up.
    for name in os.listdir(state) if os.path.isdir(state) else ():
        if name[0] != "~":
            context.run([wrapper, "delete", "--force", name])
    # Not into what a container without a mount namespace has left mounted there.
    context.run(["rm", "-rf", "--one-file-system", bundles])
    with open(tap, errors="replace") as f:
        text = f.read()
    with open(tap + ".err", errors="replace") as f:
        errors = f.read()
    context.write_log(f"=== {name}: status {child.returncode}\n{text}\n--- standard error:\n{errors}\n")
    # A number alone does not name a check: programs that run others' checks go through them several times.
    results = {}
    for verdict, number, what in re.findall(r"^(ok|not ok) (\d+)(.*)$", text, re.M):
        skipped = re.search(r"# *skip", what, re.I)
        results[number + what.rstrip()] = "skipped" if skipped else "passed" if verdict == "ok" else "failed"
    said_error = not results and '"error":' in text
    if said_error or "bail out!" in text.lower() or (child.returncode != 0 and "failed" not in results.values()):
        results[""] = "failed"
    return results


def known_failures(context, mode):
    """[(program, pattern of the checks, reason)]"""
    known = []
    with open(context.path("tests/runtime-tools/known-failures.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                modes, program, rest = (part.strip() for part in line.split("|", 2))
                pattern, reason = (part.strip() for part in rest.rsplit("|", 1))  # patterns have alternatives
                if mode in modes.split(","):
                    known.append((program, pattern, reason))
    return known


def is_known(known, program, check):
    return any(program == name and re.search(pattern, check) for name, pattern, _ in known)


def validation(context, mode):
    if os.getuid() != 0:
        raise Skip("needs root")
    place, names = build(context)
    other = os.environ.get("RUNTIME_TOOLS_RUNTIME")
    binary = other or runtime(context, mode)
    known = [] if other else known_failures(context, mode)
    all_results = {}
    for name in names:
        # Some look for what happens at the same time: how often depends on who else works here.
        for _ in range(3):
            all_results[name] = run_program(context, place, name, binary)
            if all(verdict != "failed" or is_known(known, name, check) for check, verdict in all_results[name].items()):
                break
    verdicts = [verdict for results in all_results.values() for verdict in results.values()]
    bad = [name for name, results in all_results.items() if "failed" in results.values()]
    print(f"    runtime-tools' validation, {other or mode}: {len(names) - len(bad)} programs passed, {len(bad)} failed; of their checks "
          + ", ".join(f"{verdicts.count(kind)} {kind}" for kind in ("passed", "failed", "skipped")), flush=True)
    failed = [(name, check) for name, results in all_results.items() for check, verdict in results.items() if verdict == "failed"]
    context.write_log("".join(f"failed: {name}: {check}\n" for name, check in failed))
    if other:
        return
    unexpected = [f"{name} ({check})" if check else name for name, check in failed if not is_known(known, name, check)]
    if unexpected:
        raise Failure(f"{len(unexpected)} fail that should not: " + "; ".join(unexpected)[:900])
    better = [f"{program} | {pattern}" for program, pattern, reason in known
              if not reason.startswith("sometimes") and not any(name == program and re.search(pattern, check) for name, check in failed)]
    if better:
        raise Failure("these pass now and must leave tests/runtime-tools/known-failures.txt: " + "; ".join(better)[:900])


def runtime_tools(context):
    return [(f"validation-{mode}", lambda mode=mode: validation(context, mode)) for mode in ("native", "sandbox")]
