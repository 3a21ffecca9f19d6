# SPDX-License-Identifier: Apache-2.0
"""`linuxd trace` and `linuxd run --trace`: what is recorded, how it is written, what goes wrong."""
import os
import re
import tempfile

from run import Failure


def expect(condition, message):
    if not condition:
        raise Failure(message)


def trace(context):
    def run(*arguments, timeout=60):
        return context.run([context.linuxd, *arguments], timeout=timeout)

    def text():
        """From the start: tasks, programs, system calls with names and results, waits with what they wait for, wake-ups, the end."""
        script = "mkfifo /tmp/f; (sleep 0.2; echo x >/tmp/f) & cat /tmp/f; wait; ls /nowhere; exit 3"
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "trace.txt")
            result = run("run", "--trace", path, "--tmpfs", "/tmp", "builtin:busybox", "sh", "-c", script)
            expect(result.status == 3, f"status {result.status} instead of 3")
            with open(path) as f:
                lines = f.read()
        context.write_log(lines)
        for what, pattern in (
                ("a child", r" +2 sh +born, a child of 1"),
                ("the first program", r" 1 sh +runs /bin/sh"),
                ("a system call with its result", r'newfstatat\(AT_FDCWD, "/nowhere", .* = -1 ENOENT \(No such file or directory\) <'
                                                  r'|stat\("/nowhere", .* = -1 ENOENT \(No such file or directory\) <'),
                ("a timer", r"sleep +waits: timer, in (clock_)?nanosleep"),
                ("a child waited for", r" 1 sh +waits: child, any child, in wait4"),
                ("a wake-up", r"woken by \d+ \w+, to cpu \d+, slept 0\.[0-9]+ s"),
                ("a switch", r"sleeps, next is "),
                ("a signal", r" 1 sh +gets SIGCHLD from \d+"),
                ("the end", r" 1 sh +exited with 3")):
            expect(re.search(pattern, lines), f"the trace does not show {what}: {pattern}")
        times = [float(line.split()[0]) for line in lines.splitlines() if re.match(r" *\d+\.\d+ ", line)]
        expect(len(times) > 100 and times == sorted(times), "lines are not in the order of time")
        expect("lost" not in lines, "records were lost")

    def unwritable():
        """It is said before anything runs."""
        result = run("run", "--trace", "/nowhere/trace.txt", "builtin:busybox", "echo", "ran")
        expect(result.status == 125 and b"/nowhere/trace.txt: No such file or directory" in result.output and b"ran" not in result.output,
               f"status {result.status}: {result.output}")

    def full():
        """A disk that fills up while the trace is written."""
        if not os.path.exists("/dev/full"):
            return
        result = run("run", "--trace", "/dev/full", "builtin:busybox", "sh", "-c", "ls / >/dev/null")
        expect(result.status == 125 and b"cannot write all of the trace to /dev/full" in result.output, f"status {result.status}: {result.output}")

    tests = [text, unwritable, full]
    return [(test.__name__.replace("_", "-"), test) for test in tests]
