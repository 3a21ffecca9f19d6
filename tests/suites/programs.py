# SPDX-License-Identifier: Apache-2.0
"""Programs that people deploy: servers with their own clients, and language runtimes, from Debian packages. What tests/programs/NAME.sh
prints and how it ends must be the same inside and on the host (tests/oracle.sh).

They share one root file system, which is read-only: /srv is an empty directory of the host, /tmp and /run are in memory, and
tests/programs is /mnt. A line "# inside only" in a script leaves the host's run out: it then prints "ok" itself. "# timeout: N"
gives seconds, "# options: ..." options for `linuxd run`.

Some of Python's own regression tests are here, too; the group "python" has all that the project names.
"""
import glob
import os
import re
import shutil

from run import Failure, Skip

from .integration import cached_rootfs, check_nothing_left

# Modules of Python's regression tests that run together, as many at a time as there are jobs; slow ones first.
PYTHON_QUICK = {
    "files": ["test_os", "test_posix", "test_shutil", "test_tempfile", "test_mmap", "test_fcntl", "test_select", "test_epoll", "test_time", "test_pty"],
    "waiting": ["test_subprocess", "test_signal", "test_selectors", "test_socket", "test_ssl", "test_threading", "test_eintr", "test_poll",
                "test_multiprocessing_main_handling"],
}
# These take half a minute by waiting: only in the group python.
PYTHON_PATIENT = ["*.test_siginterrupt_off", "*.test_poll2"]


class Place:
    """Where programs run: the root file system and what is shown in it."""

    def __init__(self, context):
        self.context, self.root = context, None
        self.data = context.out("programs-data", "x")[:-2]

    def prepare(self):
        if not self.root:
            self.root = cached_rootfs(self.context, "programs")
        shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(self.data)

    def host(self, command, timeout, merge=True):
        if not self.context.can_unshare():
            raise Skip("needs the right to make namespaces, to run the same on the host")
        self.prepare()
        return self.context.oracle(self.root, command, timeout=timeout, merge=merge,
                                   binds=[f"{self.data}:/srv", f"{self.context.path('tests/programs')}:/mnt"])

    def inside(self, command, timeout, options=(), merge=True):
        self.prepare()
        result = self.context.inside(self.root, command, timeout=timeout, merge=merge, options=[
            "--read-only", "--tmpfs", "/tmp", "--tmpfs", "/run", "--bind", f"{self.data}:/srv",
            "--bind", f"{self.context.path('tests/programs')}:/mnt:ro", *options])
        check_nothing_left()
        return result


def exceptions(context):
    """tests/programs/python-exceptions.txt: patterns of test cases that differ, each with its reason."""
    patterns = []
    with open(context.path("tests/programs/python-exceptions.txt")) as f:
        for line in f:
            pattern, _, reason = line.partition("#")
            if pattern.strip():
                if not reason.strip():
                    raise Failure(f"no reason for {pattern.strip()}")
                patterns.append(re.compile(re.escape(pattern.strip()).replace(r"\*", ".*").encode() + rb"( .*)?"))
    return patterns


def patience(context, seconds):
    """With one cpu, what is waited for at the same time elsewhere is waited for one after the other: threads of a compiler, jobs of a test."""
    return seconds * 3 if context.cpus == 1 else seconds


def python_test(context, place, modules, jobs, timeout, without=()):
    timeout = patience(context, timeout)

    def run():
        # The same limits and rights on both sides; nobody sets the host's clock.
        command = ["setpriv", "--bounding-set=-sys_time,-sys_resource", "prlimit", "--nofile=1024:20000",
                   "python3", "/mnt/python_cases.py", "--jobs", str(jobs), "--limit", str(timeout // 2),
                   *[word for pattern in without for word in ("--without", pattern)], *modules]
        host = place.host(command, timeout, merge=False)
        inside = place.inside(command, timeout, merge=False)
        ignored = exceptions(context)
        for result in (host, inside):
            lines = result.output.splitlines()
            for module in modules:
                if not any(line.startswith(f"test.{module} ran ".encode()) for line in lines):
                    raise Failure(f"{module} did not come to its end {'on the host' if result is host else 'inside'}")
            result.output = b"\n".join(line for line in lines if not any(p.fullmatch(line) for p in ignored))
        context.same(host, inside)
    return run


def programs(context):
    place = Place(context)

    def script(path):
        name = os.path.basename(path)[:-3]
        with open(path) as f:
            text = f.read()
        options = re.search(r"^# options:(.*)$", text, re.M)
        timeout = re.search(r"^# timeout:(.*)$", text, re.M)
        timeout = patience(context, int(timeout[1]) if timeout else 120)

        def run():
            command = ["/bin/bash", f"/mnt/{name}.sh"]
            only_inside = "\n# inside only" in text
            answer = None if only_inside else place.host(command, timeout)
            result = place.inside(command, timeout, options[1].split() if options else [])
            if answer:
                context.same(answer, result)
            if (answer or result).status != 0:
                raise Failure(f"status {(answer or result).status}, last line {(answer or result).output.splitlines()[-1:]}")
            if only_inside and result.output.split(b"\n")[-2:] != [b"ok", b""]:
                raise Failure(f"last line {result.output.splitlines()[-1:]}")
        return name, run

    return [*[script(path) for path in sorted(glob.glob(context.path("tests/programs/*.sh")))],
            *[(f"python-{name}", python_test(context, place, modules, 6, 300, PYTHON_PATIENT)) for name, modules in PYTHON_QUICK.items()]]
