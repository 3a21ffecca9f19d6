# SPDX-License-Identifier: Apache-2.0
"""usage: python_cases.py [--jobs N] [--limit SECONDS] [--only PATTERN]... [--without PATTERN]... MODULE...

Runs modules of Python's own regression tests, each in a process and a directory of its own, N at a time, and prints one line per test
case: its name and ok, skipped, FAIL or ERROR. Tracebacks, and how long modules and slow cases took, go to standard error.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SLOW = 2  # seconds; cases that take longer are named


class Cases(unittest.TextTestResult):
    """Writes a line per case to a descriptor that the tests do not know of."""

    report = None

    def __init__(self, stream, descriptions, verbosity):
        super().__init__(stream, descriptions, 0)

    def say(self, test, word):
        os.write(self.report, f"{test.id()} {word}\n".encode())

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        if time.monotonic() - self.begin > SLOW:
            self.stream.writeln(f"{test.id()} took {time.monotonic() - self.begin:.1f} s")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say(test, "ok")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say(test, "skipped")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say(test, "FAIL")

    def addError(self, test, err):
        super().addError(test, err)
        self.say(test, "ERROR")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say(subtest, "FAIL")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.say(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.say(test, "succeeded although it should not")


class Loader(unittest.TestLoader):
    """Leaves out the cases that match a pattern."""

    without = ()

    def getTestCaseNames(self, case):
        names = super().getTestCaseNames(case)
        return [name for name in names if not any(fnmatch.fnmatch(f"{case.__module__}.{case.__qualname__}.{name}", p) for p in self.without)]


def run_module(name, options):
    """In the child: runs one module. No resource is enabled that asks the outside world."""
    from test import support
    from test.support import os_helper
    support.use_resources = ["subprocess", "cpu"]
    os_helper.SAVEDCWD = os.getcwd()
    report = options.child
    os.set_inheritable(report, False)
    Cases.report = report
    loader = Loader()
    loader.testNamePatterns = options.only or None
    loader.without = options.without
    try:
        suite = loader.loadTestsFromName("test." + name)
    except unittest.SkipTest:
        os.write(report, f"test.{name} ran nothing: skipped\n".encode())
        return
    result = unittest.TextTestRunner(resultclass=Cases, stream=sys.stderr).run(suite)
    for error in loader.errors:
        print(error, file=sys.stderr)
    support.reap_children()
    os.write(report, f"test.{name} ran {result.testsRun}\n".encode())


def gather(reader, lines):
    with os.fdopen(reader) as f:
        lines.extend(f)


def module_lines(name, options):
    """Runs a module in a process of its own; its lines, sorted."""
    begin = time.monotonic()
    place = tempfile.mkdtemp()
    reader, writer = os.pipe()
    patterns = [word for pattern in options.only for word in ("--only", pattern)]
    patterns += [word for pattern in options.without for word in ("--without", pattern)]
    process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--child", str(writer), *patterns, name], cwd=place,
                               stdin=subprocess.DEVNULL, stdout=sys.stderr, pass_fds=[writer], start_new_session=True)
    os.close(writer)
    lines = []
    thread = threading.Thread(target=gather, args=(reader, lines), daemon=True)
    thread.start()
    try:
        status = process.wait(timeout=options.limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        status = "still running"
    thread.join(5)
    lines.sort()
    if status != 0:
        lines.append(f"test.{name} status {status}\n")
    print(f"{name}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
    shutil.rmtree(place, ignore_errors=True)
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--child", type=int)
    parser.add_argument("modules", nargs="+")
    options = parser.parse_args()
    if options.child is not None:
        run_module(options.modules[0], options)
        return
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for lines in pool.map(lambda name: module_lines(name, options), options.modules):
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
