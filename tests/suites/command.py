# SPDX-License-Identifier: Apache-2.0
"""The command itself, with the built-in image: options, exit status, signals, terminal, walls, what is left behind."""
import fcntl
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

from run import Failure, Skip


def expect(condition, message):
    if not condition:
        raise Failure(message)


class Terminal:
    """linuxd in a terminal of its own."""

    def __init__(self, context, *arguments, command=None):
        self.context, self.seen, self.all = context, b"", b""
        command = command or [context.linuxd, "run", "--tty", *arguments]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text, timeout=10):
        end = time.monotonic() + timeout
        while text not in self.seen:
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            try:
                data = os.read(self.fd, 65536) if ready else b""
            except OSError:
                data = b""
            self.context.write_log(data)
            if not data:
                raise Failure(f"the terminal does not show {text!r} but {self.seen[-200:]!r}")
            self.seen += data
            self.all += data
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text, answer, timeout=10):
        os.write(self.fd, text)
        self.wait_for(answer, timeout)

    def end(self):
        for _ in range(100):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError: # the other side is closed: linuxd is on its way out
                    time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise Failure("linuxd does not end")


def command(context):
    def run(*arguments, stdin=None, timeout=30, merge=True, env=None):
        if not os.path.exists(context.linuxd):
            raise Failure("linuxd is not built")
        return context.run([context.linuxd, *arguments], timeout=timeout, stdin=stdin, merge=merge, env=env)

    def busybox(script, *options, **more):
        return run("run", *options, "builtin:busybox", "sh", "-c", script, **more)

    def shows(result, output, status=0):
        expect(result.status == status, f"status {result.status} instead of {status}")
        expect(result.output == output, f"printed {result.output[:200]!r} instead of {output!r}")

    def exit_status():
        shows(busybox("exit 7"), b"", 7)
        shows(busybox("sh -c 'kill -9 $$'; exit $?"), b"Killed\n", 137)
        shows(busybox("(reboot -f); echo no"), b"", 129)
        shows(busybox("(poweroff -f); echo no"), b"", 130)
        expect(run("run", "builtin:busybox", "nothing").status == 127, "not found is not 127")
        expect(run("run", "builtin:busybox", "/etc/passwd").status == 126, "not executable is not 126")
        expect(run("run", "--rootfs", "/nonexistent", "true").status == 125, "linuxd's own failure is not 125")
        expect(run("run", "--nonsense").status == 125, "an unknown option is not 125")
        expect(run("nonsense").status == 125, "an unknown command is not 125")

    def options():
        shows(busybox("echo $A $B; env | grep -c ^HOME=/root", "--env", "A=1", "--env", "B=x y"), b"1 x y\n1\n")
        shows(busybox("pwd", "--workdir", "/tmp"), b"/tmp\n")
        shows(busybox("hostname", "--hostname", "somewhere"), b"somewhere\n")
        shows(busybox("id -u; id -g; echo $HOME", "--user", "nobody"), b"65534\n65534\n/\n")
        shows(busybox("id -u; id -g", "--user", "12:34"), b"12\n34\n")
        shows(busybox("grep -c ^processor /proc/cpuinfo", "--cpus", "3"), b"3\n")

        def default_cpus(number, *more):
            return context.run([context.linuxd, "run", *more, "builtin:busybox", "grep", "-c", "^processor", "/proc/cpuinfo"],
                               env=dict(os.environ, LINUXD_CPUS=number))
        shows(default_cpus("3"), b"3\n")
        shows(default_cpus("3", "--cpus", "2"), b"2\n")
        shows(default_cpus("3", "--deterministic", "1"), b"1\n")
        for wrong in ("0", "two", "-1", "65"):
            result = default_cpus(wrong)
            expect(result.status == 125 and f"LINUXD_CPUS={wrong}: expected a number from 1 to 64".encode() in result.output, f"LINUXD_CPUS={wrong}: {result.output}")
        shows(busybox("touch /x 2>/dev/null || echo refused; touch /t/x && ls /t", "--read-only", "--tmpfs", "/t"), b"refused\nx\n")
        shows(run("run", "builtin:busybox", "cat", stdin=b"through\n"), b"through\n")

    def binds():
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            os.mkdir(directory + "/in")
            with open(directory + "/in/file", "w") as f:
                f.write("content\n")
            with open(directory + "/single", "w") as f:
                f.write("single\n")
            script = ("cat /b/file; echo new > /b/new; cat /b/../b/new; touch /ro/x 2>/dev/null || echo refused; cat /one;"
                      "ls /b/.. | grep -c single; ln -s ../single /b/link; cat /b/link 2>/dev/null || echo outside")
            shows(busybox(script, "--bind", directory + "/in:/b", "--bind", directory + "/in:/ro:ro",
                          "--bind", directory + "/single:/one"), b"content\nnew\nrefused\nsingle\n0\noutside\n")
            with open(directory + "/in/new") as f:
                expect(f.read() == "new\n", "the host does not see the new file")

    def streams():
        result = busybox("echo out; echo err >&2", merge=False)
        expect(result.output == b"out\n", "standard output and error are not kept apart")
        order = busybox("for i in 1 2 3 4 5 6 7 8; do echo $i; echo $i >&2; done").output
        expect(order == b"".join(b"%d\n%d\n" % (i, i) for i in range(1, 9)), "the order of output and error is lost")
        size = 20 << 20
        result = busybox(f"head -c {size} /dev/zero | tee /dev/stderr", merge=False)
        expect(len(result.output) == size, f"{len(result.output)} of {size} bytes arrived")
        result = busybox("cat | wc -c", stdin=b"x" * size)
        expect(result.output.strip() == b"%d" % size, f"{result.output} of {size} bytes went in")
        closed = subprocess.run(f"{context.linuxd} run builtin:busybox sh -c 'yes; echo after >&2' | head -1", shell=True,
                                capture_output=True, timeout=30)
        expect(closed.stdout == b"y\n", "a closed reader is not noticed")

    def signals():
        for name in ("TERM", "INT", "HUP", "USR1"):
            child = subprocess.Popen([context.linuxd, "run", "builtin:busybox", "sh", "-c",
                                      f"trap 'echo got {name}; exit 3' {name}; echo ready; while :; do sleep 0.05; done"],
                                     stdout=subprocess.PIPE)
            child.stdout.readline()
            child.send_signal(getattr(signal, "SIG" + name))
            output, _ = child.communicate(timeout=20)
            expect(output == f"got {name}\n".encode() and child.returncode == 3, f"SIG{name} does not arrive: {output}")
        child = subprocess.Popen([context.linuxd, "run", "builtin:busybox", "sh", "-c", "echo ready; trap '' TERM; sleep 100"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.stdout.readline()
        for _ in range(3):
            child.terminate()
            time.sleep(0.1)
        expect(child.wait(timeout=20) == 137, "the third SIGTERM does not end the container")

    def leaves_nothing():
        """Killing linuxd itself takes every process of the container with it."""
        before = set(glob.glob("/proc/[0-9]*"))
        place = tempfile.mkdtemp(prefix="linuxd-test-")
        child = subprocess.Popen([context.linuxd, "run", "builtin:busybox", "sh", "-c", "sleep 100 & sleep 100 & echo ready; sleep 100"],
                                 stdout=subprocess.PIPE, env=dict(os.environ, TMPDIR=place))
        child.stdout.readline()
        child.kill()
        child.wait()
        for _ in range(100):
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
            left = []
            for path in set(glob.glob("/proc/[0-9]*")) - before:
                try:
                    with open(path + "/stat") as f:
                        stat = f.read()
                    if "(linuxd-" in stat and ") Z" not in stat and str(os.getsid(0)) == stat.rsplit(")", 1)[1].split()[3]:
                        left.append(stat)
                except OSError:
                    pass
            if not left:
                break
            time.sleep(0.05)
        shutil.rmtree(place)
        expect(not left, f"{len(left)} host processes are left: {left[:1]}")

    def left_over():
        """The built-in image of a linuxd that was killed is removed by the next one, that of a running one is not."""
        with tempfile.TemporaryDirectory() as directory:
            def start():
                child = subprocess.Popen([context.linuxd, "run", "builtin:busybox", "sh", "-c", "echo ready; cat"],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": directory})
                child.stdout.readline()
                return child

            killed = start()
            gone = os.listdir(directory)
            killed.kill()
            killed.communicate(timeout=20)
            lives = start()
            there = [name for name in os.listdir(directory) if name not in gone]
            expect(len(gone) == len(there) == 1, f"{gone} and {there} instead of one directory each")
            for name in gone + there:
                os.utime(os.path.join(directory, name), (0, 0))
            result = run("run", "builtin:busybox", "true", env={**os.environ, "TMPDIR": directory})
            now = os.listdir(directory)
            lives.communicate(timeout=20)
            expect(result.status == 0 and now == there, f"{now} instead of {there}")
            expect(os.listdir(directory) == [], "the last one has not removed its own")

    def host_death():
        """A host process that is killed ends the container, with the reason."""
        child = subprocess.Popen([context.linuxd, "run", "builtin:busybox", "sh", "-c", "echo ready; sleep 100"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.readline()
        with open(f"/proc/{child.pid}/task/{child.pid}/children") as f:
            pids = [int(pid) for pid in f.read().split()]
        for pid in pids:
            with open(f"/proc/{pid}/comm") as f:
                if f.read() == "linuxd-kernel\n":
                    os.kill(pid, signal.SIGKILL)
                    break
        _, errors = child.communicate(timeout=20)
        expect(child.returncode == 125 and b"killed by signal 9" in errors, f"status {child.returncode}: {errors}")

    def terminal():
        t = Terminal(context, "builtin:busybox", "sh")
        t.wait_for(b"# ")
        t.resize(33, 101)
        time.sleep(0.2)
        t.type(b"stty size; tty\n", b"33 101\r\n")
        t.wait_for(b"/dev/pts/")
        t.type(b"sleep 50\n", b"sleep 50\r\n")
        time.sleep(0.2)
        t.type(b"\x1a", b"Stopped")
        t.type(b"fg\n", b"fg\r\nsleep 50\r\n")
        time.sleep(0.2)
        t.type(b"\x03", b"# ")
        t.type(b"echo $?\n", b"130\r\n")
        t.type(b"cat\n", b"cat\r\n")
        time.sleep(0.2)
        t.type(b"line\n", b"line\r\nline\r\n")
        t.type(b"\x04", b"# ")
        os.write(t.fd, b"exit 9\n")
        expect(t.end() == 9, "the terminal's shell does not end with its status")

    def strace_and_stats():
        with tempfile.TemporaryDirectory() as directory:
            shows(run("run", f"--strace={directory}/trace", "builtin:busybox", "echo", "x"), b"x\n")
            with open(directory + "/trace") as f:
                trace = f.read()
            expect('write(1, "x\\n"' in trace and "exited with 0" in trace, "the trace lacks calls")
        result = run("run", "--stats", "builtin:busybox", "true")
        for word in (b"system calls", b"host calls", b"context switches", b"peak memory"):
            expect(word in result.output, f"no {word.decode()} in the statistics")

    def memory():
        result = busybox("head -c 400m /dev/zero | tail >/dev/null; echo status $?; echo goes on", "--memory", "64M")
        expect(b"goes on" in result.output and result.status == 0, "the container did not survive its memory limit")
        expect(b"killed process" in result.output, "nothing says what was killed")
        # Several at once: all of them go, before the host has to step in, and nobody else.
        result = busybox("sleep 100 & for i in 1 2 3 4 5 6; do tail /dev/zero & eaters=\"$eaters $!\"; done; wait $eaters;"
                         "kill -0 %1 && echo the small one lives", "--memory", "64M", merge=False)
        expect(result.status == 0 and result.output == b"the small one lives\n", f"{result.status}: {result.output!r} {result.error!r}")

    def init_killed():
        """Whoever finds that a container has ended with 137 reads why."""
        result = busybox("ulimit -t 1; while :; do :; done", merge=False)
        expect(result.status == 137, f"status {result.status} when pid 1 has used up its CPU time")
        expect(b"RLIMIT_CPU" in result.error, f"the message does not name the limit: {result.error!r}")
        result = busybox("exec tail /dev/zero", "--memory", "64M", merge=False)
        expect(result.status == 137, f"status {result.status} when pid 1 has used up the memory")
        expect(b"pid 1 (tail)" in result.error and b"out of memory" in result.error, f"the message is {result.error!r}")
        # What processes of the container send it is not for pid 1.
        result = busybox("(kill -9 1; kill -9 -1; kill -STOP 1); sh -c 'ulimit -t 1; while :; do :; done'; echo goes on", merge=False)
        expect(result.output == b"goes on\n" and b"pid 1" not in result.error, f"{result.output!r} {result.error!r}")

    def several():
        children = [subprocess.Popen([context.linuxd, "run", "builtin:busybox", "sh", "-c",
                                      f"i=0; while [ $i -lt 50 ]; do i=$((i+1)); /bin/busybox true; done; hostname; echo {n}"],
                                     stdout=subprocess.PIPE) for n in range(8)]
        for n, child in enumerate(children):
            expect(child.communicate(timeout=60)[0] == f"linuxd\n{n}\n".encode(), f"container {n} failed")

    def ordinary_user():
        if os.getuid() != 0:
            raise Skip("is one already")
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            subprocess.run(["cp", context.linuxd, directory + "/linuxd"], check=True)
            script = "id -u; touch /x; chown 3:4 /x; stat -c %u:%g /x; chmod 600 /x; stat -c %a /x; ln /x /y; mkfifo /f && echo ok"
            result = context.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", directory + "/linuxd", "run",
                                  "builtin:busybox", "sh", "-c", script], env={"PATH": os.environ["PATH"]})
            shows(result, b"0\n3:4\n600\nok\n")

    def landlock():
        """Where the host allows no namespaces."""
        if json.loads(run("features").output)["walls"]["landlockAbi"] == 0:
            raise Skip("this host has no Landlock")
        script = ("cd /proc/sys/user && for f in max_pid_namespaces max_mnt_namespaces max_user_namespaces; do echo 0 >$f; done;"
                  f"exec {context.linuxd} run builtin:busybox sh -c 'echo fine; cat /../../etc/debian_version 2>/dev/null || echo nothing'")
        shows(context.run(["unshare", "--user", "--map-root-user", "sh", "-c", script]), b"fine\nnothing\n")

    def boot_chart():
        """Every step of the start is drawn, those of the kernel inside too; one after the other they are the same; what fails is drawn, and leaves nothing."""
        drawn = {}
        with tempfile.TemporaryDirectory() as directory:
            chart = os.path.join(directory, "chart.svg")
            for order in ("any", "sequential"):
                shows(run("run", "--boot-chart", chart, "builtin:busybox", "echo", "up", env=dict(os.environ, LINUXD_BOOT=order)), b"up\n")
                with open(chart) as f:
                    drawn[order] = re.findall(r">([a-z_]+) [0-9.]+ ms<", f.read())
            for step in ("image", "memory", "process", "namespaces", "filter", "network", "go", "carriers", "rootfs", "etcfiles", "program", "exec"):
                expect(step in drawn["any"], f"{step} is not in the chart: {drawn['any']}")
            expect(sorted(drawn["any"]) == sorted(drawn["sequential"]), f"{drawn}")
            for step, drawn_as in (("walls", "process"), ("description", "description")):
                for order in ("any", "sequential"):
                    failed = run("run", "--boot-chart", chart, "builtin:busybox", "true", env=dict(os.environ, LINUXD_BOOT=order, LINUXD_FAULT=step))
                    expect(failed.status == 125 and f"LINUXD_FAULT: step {step}".encode() in failed.output, f"step {step}: {failed.status} {failed.output}")
                    with open(chart) as f:
                        expect(re.search(f">{drawn_as} [0-9.]+ ms, failed<", f.read()), f"the chart does not say that {drawn_as} failed")
            failed = run("run", "--boot-chart", os.path.join(directory, "no/chart.svg"), "builtin:busybox", "true")
            shows(failed, f"linuxd: --boot-chart: cannot write {directory}/no/chart.svg: No such file or directory\n".encode(), 125)

    def help_and_features():
        expect(b"usage" in run("--help").output and b"--rootfs" in run("run", "--help").output, "no help")
        features = json.loads(run("features").output)
        expect(features["hostCalls"]["always"] <= 22 and features["hostCalls"]["withHostDirectory"] <= 29, "too many host calls")
        with open("/proc/sys/kernel/cap_last_cap") as f:
            last = int(f.read())
        native = features["modes"]["native"]
        expect(len(native["linux"]["capabilities"]) >= last and native["linux"]["seccomp"]["enabled"], "native: capabilities or seccomp are not told")
        expect({"rro", "tmpcopyup", "nosymfollow"} <= set(native["mountOptions"]) and len(native["hooks"]) == 6, "native: mount options or hooks")
        for name, mode in features["modes"].items():
            top = json.loads(run("features", "--mode", name).output)
            expect({key: top[key] for key in mode} == mode, f"--mode {name} shows another")
        expect(run("features", "--mode", "x").status != 0 and run("features", "more").status != 0, "bad arguments are no error")
        expect(run("version").output.startswith(b"linuxd "), "no version")
        for text, arguments in ((b"expected a size", ["--memory", "1x"]), (b"unknown user", ["--user", "noone"]),
                                (b"HOST:CTR", ["--bind", "x"]), (b"number from 1", ["--cpus", "0"])):
            result = run("run", *arguments, "builtin:busybox", "true")
            expect(result.status == 125 and text in result.output, f"{arguments}: {result.output}")

    def check():
        """What it says is what is so: the verdict, and a few items that can be looked at from here."""
        result = run("check", "--format", "json")
        report = json.loads(result.output)
        items = {(item["group"], item["name"]): item for item in report["checks"]}
        expect(result.status == (0 if all(mode["works"] for mode in report["modes"].values()) else 1), f"status {result.status}: {report['modes']}")
        expect(report["modes"]["sandbox"]["works"], "it says that the sandbox does not work, which works")
        expect(report["host"]["kernel"] == os.uname().release, f"{report['host']}")
        with open("/proc/sys/vm/max_map_count") as f:
            expect(items["limits", "vm.max_map_count"]["found"] == f.read().strip(), "vm.max_map_count is another")
        abi = json.loads(run("features").output)["walls"]["landlockAbi"]
        expect((items["security", "Landlock"]["status"] == "ok") == (abi > 0), "Landlock")
        with open("/proc/cpuinfo") as f:
            expect((items["kernel and processor", "protection keys"]["status"] == "ok") == (" pku" in f.read()), "protection keys")
        with open("/proc/swaps") as f:
            expect((items["swap", "swap"]["status"] == "ok") == (len(f.readlines()) == 1), "swap")
        for item in report["checks"]:
            expect(item["status"] in ("ok", "note", "missing", "failed"), f"{item}")
            expect(item["status"] == "ok" or (item["consequence"] and item["remedy"]), f"no consequence or remedy: {item}")
        table = run("check").output.decode()
        for item in report["checks"]:
            expect(item["status"] == "ok" or item["remedy"] in table, f"the table has no remedy for {item['name']}")
        only = json.loads(run("check", "--mode", "sandbox", "--format", "json").output)
        expect(list(only["modes"]) == ["sandbox"] and all(item["modes"] != "native" for item in only["checks"]), "--mode shows the other mode")
        expect(run("check", "--format", "x").status == 125 and run("check", "more").status == 125, "bad arguments are no error")

    def pages_and_completions():
        """What is made from commands.tbl is well formed, and there is a page for each command."""
        help_text = run("help").output.decode().split("options before")[0]
        names = [line.split()[0] for line in help_text.splitlines() if line.startswith("  ")]
        for name in names:
            expect(os.path.exists(os.path.join(context.build, "cli", f"linuxd-{name}.1")), f"no page for {name}")
        for shell in ("bash", "zsh", "fish"):
            text = run("completion", shell).output
            expect(all(name.encode() in text for name in names), f"{shell} does not complete all commands")
            if shutil.which(shell):
                result = context.run([shell, "-n", "/dev/stdin"], stdin=text)
                expect(result.status == 0 and not result.output, f"{shell}: {result.output}")
        if shutil.which("mandoc"):
            for page in sorted(glob.glob(os.path.join(context.build, "cli", "*.1"))):
                result = context.run(["mandoc", "-T", "lint", "-W", "warning", page])
                bad = [line for line in result.output.decode().splitlines() if "missing date" not in line]
                expect(not bad, f"{bad}")

    tests = [check, pages_and_completions, exit_status, options, binds, streams, signals, leaves_nothing, left_over, host_death, terminal, strace_and_stats, boot_chart, memory, init_killed, several,
             ordinary_user, landlock, help_and_features]
    return [(test.__name__.replace("_", "-"), test) for test in tests]
