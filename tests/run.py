#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests: one line per test, then "N passed, N failed, N skipped".

usage: tests/run.py [--build DIR] [--cpus N] [--group GROUP]... [NAME]...

The groups are listed below. NAMEs select tests whose name contains one of them.
With --cpus every sandbox has N cpus that does not ask for a number itself (LINUXD_CPUS), and variants that differ only in that run once.
What a test prints goes to BUILD/test-logs/NAME.log. Exit status 1 if a test failed.
"""
import argparse
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# In this order; tests/suites/GROUP.py has a function of that name that returns (name, function) pairs.
GROUPS = """
checks
unit
command
conformance
schedsim
inside
seeing
freezer
trace
native
oci
network
cgroups
vm
integration
programs
erlang
deterministic
security
callers
runc
fuzz
""".split()
MORE_GROUPS = ["python", "runtime_tools"]  # run only if named
PR_SET_CHILD_SUBREAPER = 36
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Skip(Exception):
    pass


class Failure(Exception):
    pass


def descendants(pid):
    """Processes below pid, from /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def kill_leftovers():
    """What a test left behind was handed to us, because we are a subreaper."""
    left = 0
    for _ in range(20):
        pids = descendants(os.getpid())
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                left += 1
            except OSError:
                pass
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        time.sleep(0.02)
    return left


class Result:
    def __init__(self, status, output, error=b""):
        """Standard error is in the output, or apart with merge=False."""
        self.status, self.output, self.error = status, output, error or b""


class Context:
    """What tests are given."""

    def __init__(self, source, build):
        self.source, self.build = source, build
        self.linuxd = os.path.join(build, "linuxd")
        self.cpus = None
        self.log = None

    def set_cpus(self, cpus):
        """From now on a sandbox has so many, unless a test says otherwise."""
        os.environ["LINUXD_CPUS"] = str(cpus)
        self.cpus = cpus

    def cpu_counts(self, *counts):
        """The numbers of cpus that variants of a test run with."""
        return (self.cpus,) if self.cpus else counts

    def path(self, *parts):
        return os.path.join(self.source, *parts)

    def out(self, *parts):
        path = os.path.join(self.build, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write_log(self, text):
        self.log.write(text if isinstance(text, bytes) else text.encode())
        self.log.flush()

    def run(self, command, timeout=60, check=False, stdin=None, env=None, cwd=None, merge=True):
        """Runs a command; a Result with its status (128+n for a signal) and output."""
        self.write_log("$ " + " ".join(command) + "\n")
        stderr = subprocess.STDOUT if merge else subprocess.PIPE
        child = subprocess.Popen(command, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=stderr, env=env, cwd=cwd, start_new_session=True)
        try:
            output, errors = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            pids = descendants(child.pid)
            for pid in [child.pid] + pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            output = b""
            try:
                output = child.communicate(timeout=5)[0]
            except (subprocess.TimeoutExpired, ValueError):
                child.stdout.close()
            self.write_log(output)
            raise Failure(f"still running after {timeout} s") from None
        status = child.returncode if child.returncode >= 0 else 128 - child.returncode
        self.write_log(output)
        if errors:
            self.write_log(b"[stderr]\n" + errors)
        self.write_log(f"[status {status}]\n")
        if check and status != 0:
            raise Failure(f"{os.path.basename(command[0])} exited with {status}")
        return Result(status, output, errors)

    def inside(self, rootfs, command, cpus=None, timeout=60, options=(), stdin=None, merge=True):
        if not os.path.exists(self.linuxd):
            raise Failure("linuxd is not built")
        return self.run([self.linuxd, "run", "--rootfs", rootfs, "--cpus", str(cpus or self.cpus or 2), "--hostname", "linuxd",
                         "--network", "none",  # as the oracle; options may say otherwise
                         "--env", PATH, "--env", "HOME=/root", "--env", "TERM=dumb", *options, "--", *command],
                        timeout=timeout, stdin=stdin, merge=merge)

    def oracle(self, rootfs, command, timeout=60, stdin=None, merge=True, binds=()):
        """With binds ("SOURCE:TARGET") everything else in the root file system is read-only."""
        env = dict(os.environ, LINUXD_TEST_BINDS=" ".join(binds)) if binds else None
        return self.run([self.path("tests/oracle.sh"), rootfs, *command], timeout=timeout, stdin=stdin, merge=merge, env=env)

    def same(self, host, inside):
        """Fails with the first difference."""
        if host.output == inside.output and host.status == inside.status:
            return
        a, b = host.output.splitlines(), inside.output.splitlines()
        for number, (x, y) in enumerate(zip(a, b), 1):
            if x != y:
                raise Failure(f"line {number}: host {short(x)}, inside {short(y)}")
        if len(a) != len(b):
            more, which = (a, "host") if len(a) > len(b) else (b, "inside")
            raise Failure(f"{len(a)} lines on the host, {len(b)} inside (status {inside.status}); {which} goes on with "
                          f"{short(more[min(len(a), len(b))])}")
        raise Failure(f"status {host.status} on the host, {inside.status} inside")

    def can_unshare(self):
        if not hasattr(self, "_can_unshare"):
            user = [] if os.getuid() == 0 else ["--map-root-user"]
            self._can_unshare = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", *user, "true"],
                                               capture_output=True).returncode == 0
        return self._can_unshare


def short(line):
    text = line.decode(errors="replace")
    return "'" + (text if len(text) < 100 else text[:97] + "...") + "'"


def collect(context, groups):
    tests = []
    for group in groups:
        module = importlib.import_module("suites." + group)
        tests += [(group, name, function) for name, function in getattr(module, group)(context)]
    return tests


def main():
    # Tests start with the dispositions of a login shell, whoever started us (nohup ignores SIGHUP, a shell's background SIGINT and SIGQUIT).
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--group", action="append", choices=GROUPS + MORE_GROUPS)
    parser.add_argument("--cpus", type=int)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    context = Context(source, os.path.abspath(options.build))
    if options.cpus:
        context.set_cpus(options.cpus)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.makedirs(os.path.join(context.build, "test-logs"), exist_ok=True)

    passed, failed, skipped = 0, [], 0
    started = time.monotonic()
    for group, name, function in collect(context, options.group or GROUPS):
        full = f"{group}/{name}"
        if options.names and not any(part in full for part in options.names):
            continue
        if options.list:
            print(full)
            continue
        begin = time.monotonic()
        with open(os.path.join(context.build, "test-logs", full.replace("/", "-") + ".log"), "wb") as context.log:
            try:
                function()
                verdict = "pass"
                passed += 1
            except Skip as reason:
                verdict = f"skip: {reason}"
                skipped += 1
            except Failure as reason:
                verdict = f"FAIL: {reason}"
                failed.append((full, reason))
            except Exception as error:  # a test that breaks is a failed one, and the others still run
                context.write_log(traceback.format_exc())
                verdict = f"FAIL: {type(error).__name__}: {error}"
                failed.append((full, f"{type(error).__name__}: {error}"))
            left = kill_leftovers()
            if left and verdict == "pass":
                context.write_log(f"[{left} processes were left]\n")
        print(f"{full:<44} {verdict} ({time.monotonic() - begin:.1f} s)", flush=True)
    if options.list:
        return 0
    print(f"{time.monotonic() - started:.0f} s")
    # Once more at the end, with the reason: often the end is all that is kept of a run.
    for name, reason in failed:
        print(f"failed: {name}: {reason} (log: {os.path.join(context.build, 'test-logs', name.replace('/', '-') + '.log')})")
    print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    # Modules of the tests import this one by its name.
    sys.modules["run"] = sys.modules["__main__"]
    sys.exit(main())
