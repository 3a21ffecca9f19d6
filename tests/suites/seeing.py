# SPDX-License-Identifier: Apache-2.0
"""Looking into running containers: list, ps, and what they say when there is nothing to see."""
import ctypes
import fcntl
import json
import math
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

from run import Failure, Skip, descendants

from .bundles import Bundle
from .conformance import build, clean_data, make_rootfs


def expect(condition, message):
    if not condition:
        raise Failure(message)


class Container:
    """One that runs in the background, in a state directory of its own; it has said "ready" on its standard output."""

    def __init__(self, context, *arguments, name=None):
        if not os.path.exists(context.linuxd):
            raise Failure("linuxd is not built")
        self.context = context
        self.directory = tempfile.TemporaryDirectory(prefix="linuxd-test-")
        self.env = dict(os.environ, LINUXD_STATE_DIR=self.directory.name + "/linuxd")
        options = ["--name", name] if name else []
        self.child = subprocess.Popen([context.linuxd, "run", *options, *arguments], env=self.env, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, start_new_session=True)
        line = self.child.stdout.readline()
        if line != b"ready\n":
            self.end()
            raise Failure(f"the container does not get ready: {line!r}")

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.end()

    def ask(self, *arguments, status=0, timeout=40):
        result = self.context.run([self.context.linuxd, *arguments], env=self.env, timeout=timeout)
        expect(result.status == status, f"linuxd {arguments[0]} ends with {result.status} instead of {status}: {result.output[-300:]!r}")
        return result.output.decode()

    def list(self):
        return json.loads(self.ask("list", "--format", "json"))

    def ps(self, *options):
        """The tasks, by tid."""
        return {t["tid"]: t for t in json.loads(self.ask("ps", *options, "--format", "json", self.list()[0]["id"]))["tasks"]}

    def wait_for(self, condition, what, timeout=30):
        """Looks until a task fits; that task."""
        end = time.monotonic() + timeout
        while True:
            tasks = self.ps()
            found = [t for t in tasks.values() if condition(t)]
            if found:
                return found[0]
            expect(time.monotonic() < end, f"{what}: not seen in {list(tasks.values())}")
            time.sleep(0.05)

    def end(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.child.stdin.close()
        self.directory.cleanup()


def seeing(context):
    def container(script, *options, name=None):
        return Container(context, *options, "builtin:busybox", "sh", "-c", script, name=name)

    def scene(name, *options):
        root = make_rootfs(context)
        program = build(context, root, "waiting", "static", folder="tests/seeing")
        clean_data(root)
        return Container(context, *options, "--rootfs", root, "--tmpfs", "/tmp", "--", program, name, name="one")

    def named(c, name, condition=lambda t: t["wait"], what="does not wait"):
        return c.wait_for(lambda t: t["command"] == name and condition(t), f"{name} {what}")

    def explain(c, task, status=0):
        return json.loads(c.ask("explain-wait", "--format", "json", "one", str(task["tid"]), status=status))

    def listing():
        with container("echo ready; read x", name="web-1") as c:
            entry, = c.list()
            expect(re.fullmatch("[0-9a-f]{12}", entry["id"]), f"the id is {entry['id']}")
            expect(entry["name"] == "web-1" and entry["status"] == "running" and entry["ociVersion"], f"wrong entry: {entry}")
            expect(os.path.exists(f"/proc/{entry['pid']}"), "the pid is no process of the host")
            expect(c.ask("list", "--quiet") == entry["id"] + "\n", "list --quiet does not print the id")
            expect(entry["id"] in c.ask("list") and "web-1" in c.ask("list"), "the table lacks the container")
            for reference in ("web-1", entry["id"], entry["id"][:3]):
                expect("sh" in c.ask("ps", reference), f"ps {reference} does not show the shell")
            state = os.path.join(c.directory.name, "linuxd", entry["id"])
            expect(os.stat(state).st_mode & 0o777 == 0o700, "others may enter the state directory")
            with open(state + "/state.json") as f:
                expect(json.load(f)["id"] == entry["id"], "state.json is not the state")
            output = c.ask("run", "--name", "web-1", "builtin:busybox", "true", status=125)
            expect("web-1" in output and entry["id"] in output, f"a second web-1: {output}")
            expect("no running container" in c.ask("ps", "web-2", status=125), "ps of nothing is not refused clearly")
            expect("--name" in c.ask("run", "--name", "../x", "builtin:busybox", "true", status=125), "a path is taken as a name")
            c.child.stdin.close()
            c.child.wait(timeout=20)
            c.child.stdin = open(os.devnull)
            expect(c.list() == [] and os.listdir(c.directory.name + "/linuxd/names") == [], "something is left after the end")
            expect(not os.path.exists(state), "the state directory is left after the end")

    def places():
        """With LINUXD_STATE_DIR, containers of an OCI runtime too are made and seen there, and nowhere else."""
        with Bundle(context, "places", "sandbox") as bundle, tempfile.TemporaryDirectory() as directory:
            bundle.write()
            here, there = (dict(os.environ, LINUXD_STATE_DIR=os.path.join(directory, name)) for name in ("here", "there"))

            def linuxd(env, *arguments):
                result = context.run([context.linuxd, *arguments], env=env, cwd=bundle.path)
                expect(result.status == 0, f"linuxd {arguments}: {result.output}")
                return result.output.decode()
            with open(os.path.join(directory, "output"), "wb") as out:
                subprocess.run([context.linuxd, "--mode", "sandbox", "create", bundle.name], cwd=bundle.path, env=here, stdin=subprocess.DEVNULL,
                               stdout=out, stderr=out, timeout=30, check=False)
            try:
                expect([e["id"] for e in json.loads(linuxd(here, "list", "--format", "json"))] == [bundle.name], "it is not where it was made")
                expect(json.loads(linuxd(there, "list", "--format", "json")) == [], "it is elsewhere")
            finally:
                linuxd(here, "delete", "--force", bundle.name)

    def not_running():
        """Who asks about what cannot answer is told why: a container that has ended, one on the host's kernel."""
        for mode, words in (("sandbox", "there is no running container"), ("native", "is native: its programs run on the host's kernel")):
            with Bundle(context, "not-running", mode) as bundle:
                bundle.script("exit 3")
                env = dict(os.environ, LINUXD_STATE_DIR=bundle.root)
                bundle.create()
                bundle.start()
                bundle.wait_for("stopped")
                for command in (["trace"], ["trace", "-o", os.path.join(bundle.path, "x.html")], ["top"], ["explain-wait"]):
                    result = context.run([context.linuxd, command[0], bundle.name, *command[1:], *(["1"] if command[0] == "explain-wait" else [])], env=env)
                    expect(result.status == 125 and f"container {bundle.name}" in result.output.decode() and words in result.output.decode(),
                           f"{command} of a {mode} container: {result.output}")
                expect(not os.path.exists(os.path.join(bundle.path, "x.html")), "an empty trace is left")

    def leftovers():
        """A monitor that was killed leaves its directory; the next look removes it, and its name is free."""
        with container("echo ready; read x", name="dead") as c:
            c.child.send_signal(signal.SIGKILL)
            c.child.wait()
            for _ in range(100):
                if not c.list():
                    break
                time.sleep(0.1)
            expect(c.list() == [], "a dead container is listed")
            expect(os.listdir(c.directory.name + "/linuxd") == ["names"], "its directory is left")
            expect(c.ask("run", "--name", "dead", "builtin:busybox", "echo", "again") == "again\n", "its name is not free")

    def impostors():
        """Directories that are not this user's alone are not used; rubbish in ours is passed over."""
        with container("echo ready; read x", name="one") as c:
            root = c.directory.name + "/linuxd"
            os.mkdir(root + "/000000000000")
            os.symlink("/etc", root + "/111111111111")
            os.symlink("../../../etc", root + "/names/evil")
            with open(root + "/222222222222", "w") as f:
                f.write("x")
            expect([e["name"] for e in c.list()] == ["one"], "rubbish is listed")
            for name in ("000000000000", "111111111111", "222222222222", "evil"):
                expect("no running container" in c.ask("ps", name, status=125), f"{name} is taken for a container")
            state = root + "/" + c.list()[0]["id"] + "/state.json"
            with open(state) as f:
                text = f.read()
            for broken in ("", "{", "x" * 100000, text.replace("running", r"\u001b[2J\"\\"), text.replace('"pid": ', '"pid": 99999999999999'), text[:-40]):
                with open(state, "w") as f:
                    f.write(broken)
                expect(len(c.list()) == 1, f"a broken state.json hides the container: {broken[:100]}")
                expect("\033" not in c.ask("list"), "an escape sequence reaches the terminal")
            with open(state, "w") as f:
                f.write(text)
            os.chmod(root, 0o755)
            expect(c.list() == [], "a directory open to others is trusted")
            os.chmod(root, 0o700)

    def protocol():
        """What a client may send without harm to the monitor."""
        with container("echo ready; read x; exit 5", name="one") as c:
            path = f"{c.directory.name}/linuxd/{c.list()[0]['id']}/control"
            for message in (b"x", b"\0" * 48, os.urandom(48), b"y" * 5000, b"ldxl\1\0\0\0\1\0\0\0" + b"\0" * 40):
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                    s.settimeout(20)
                    s.connect(path)
                    s.send(message)
                    reply = s.recv(4096)
                    expect(len(reply) > 200, f"no answer to {message[:20]!r}")
            clients = []
            for _ in range(30): # more than it serves at once; they say nothing
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.setblocking(False)
                try:
                    s.connect(path)
                except BlockingIOError:
                    pass
                clients.append(s)
            for s in clients:
                s.close()
            expect("sh" in c.ask("ps", "one"), "ps no longer works")
            c.child.stdin.close()
            expect(c.child.wait(timeout=20) == 5, "the container does not end as it should")
            c.child.stdin = open(os.devnull)

    def tasks():
        """States, times, classes."""
        with container("while :; do :; done & sleep 100 & echo ready; read x", name="one") as c:
            spinner = c.wait_for(lambda t: t["pid"] != 1 and t["runNs"] > 50_000_000, "a task that spins")
            expect(spinner["state"] in ("running", "ready") and spinner["class"] == "fair", f"the spinner: {spinner}")
            sleeper = c.wait_for(lambda t: t["command"] == "sleep" and t["wait"], "a sleeper")
            expect(sleeper["wait"]["kind"] == "timer" and sleeper["state"] == "sleeping", f"the sleeper: {sleeper}")
            time.sleep(0.2)
            later = c.ps()
            expect(later[spinner["tid"]]["runNs"] > spinner["runNs"], "running takes no time")
            expect(later[sleeper["tid"]]["wait"]["sinceNs"] == sleeper["wait"]["sinceNs"], "one sleep has two beginnings")
            expect(later[sleeper["tid"]]["wait"]["forNs"] >= sleeper["wait"]["forNs"] + 200_000_000, "a sleep does not get longer")
            table = c.ask("ps", "one").splitlines()
            expect(len(table) == len(later) + 1 and table[0].split()[:3] == ["PID", "TID", "STATE"], f"the table: {table[:3]}")
            expect("\033" not in "".join(table), "colours in a pipe")

    def hostile_names():
        """A program can call itself anything: nothing of that reaches the terminal, and JSON stays JSON."""
        script = (r"""printf '#!/bin/sh\necho ready; read x\n' > "$(printf '/tmp/\033[2J\n"\\')"; chmod +x /tmp/*; exec /tmp/*""")
        with container(script, "--tmpfs", "/tmp", name="one") as c:
            names = [t["command"] for t in c.ps().values()]
            expect(any("\033[2J\n\"\\" in n for n in names), f"the name is not in JSON: {names}")
            for output in (c.ask("ps", "one"), c.ask("top", "one"), c.ask("explain-wait", "one", "1")):
                expect("\\x1b[2J\\x0a" in output, f"the name is not shown escaped: {output}")
                expect("\033" not in output, "an escape sequence reaches the terminal")

    def kinds():
        """What each of a zoo of sleepers is said to wait for."""
        with scene("kinds") as c:
            zoo = {"sleep": ("timer", "sleep", "S"), "poll": ("queue", "poll", "S"), "child": ("child", "child", "S"),
                   "socket": ("queue", "socket read", "S"), "posix-2": ("lock", "file lock", "S"), "stop": ("stop", "stopped", "T"),
                   "fifo": ("queue", "FIFO open for reading", "S"), "futex": ("lock", "futex", "S"), "posix-1": ("timer", "sleep", "S")}
            tasks = {}
            for name, (kind, wait, state) in zoo.items():
                task = tasks[name] = named(c, name)
                expect((task["wait"]["kind"], task["wait"]["type"]) == (kind, wait), f"{name}: {task}")
                expect(task["state"] == {"S": "sleeping", "T": "stopped"}[state], f"{name}: {task}")
            wait = tasks["sleep"]["wait"]
            expect(wait["untilNs"] - wait["sinceNs"] > 900e9, f"sleep has no end: {wait}")
            expect(tasks["poll"]["wait"]["untilNs"], f"poll has no end: {tasks['poll']}")
            expect("/tmp/range" in tasks["posix-2"]["wait"]["object"], f"the range's file: {tasks['posix-2']}")
            expect([p["tid"] for p in tasks["posix-2"]["wait"]["peers"]] == [tasks["posix-1"]["tid"]], f"who has the range: {tasks['posix-2']}")
            pi = named(c, "pi", lambda t: t["wait"] and t["wait"]["type"] == "PI futex", "does not wait for its mutex")
            holder = named(c, "pi-holder")
            expect(pi["wait"]["peers"] == [{"tid": holder["tid"], "role": "holder"}] and pi["wait"]["object"] != "futex 0x0", f"whose mutex: {pi}")
            child = named(c, "grandchild")
            expect([p["tid"] for p in tasks["child"]["wait"]["peers"]] == [child["tid"]], f"whose end: {tasks['child']}")
            expect("fifo" in tasks["fifo"]["wait"]["object"], f"which FIFO: {tasks['fifo']}")
            nice = named(c, "nice", lambda t: t["nice"] == 7, "has no nice value")
            expect(nice["policy"] == "batch" and nice["class"] == "fair" and nice["state"] in ("running", "ready"), f"nice: {nice}")
            rr = named(c, "rr")
            expect(rr["policy"] == "rr" and rr["rtPriority"] == 10 and rr["class"] == "rt", f"rr: {rr}")
            expect(explain(c, nice)["chain"][0]["task"]["wait"] is None, "a task that runs waits")
            expect("rt/rr:10" in c.ask("ps", "one") and "fair/batch" in c.ask("ps", "one"), "classes in the table")

    def chain():
        """A reader waits for a pipe, its writer for a lock, the lock's holder for the disk."""
        with scene("chain") as c:
            reader = named(c, "reader")
            named(c, "writer", lambda t: t["wait"] and t["wait"]["type"] == "file lock")
            end = time.monotonic() + 60
            while True:
                steps = explain(c, reader)["chain"]
                names = [s["task"]["command"] for s in steps]
                expect(names == ["reader", "writer", "holder"], f"the chain is {names}")
                waits = [s["task"]["wait"]["kind"] if s["task"]["wait"] else None for s in steps]
                expect(waits[:2] == ["queue", "lock"] and not any(s["stuck"] for s in steps), f"the chain's waits are {waits}")
                if waits[2] == "disk" and steps[2]["task"]["state"] == "blocked":
                    break
                expect(time.monotonic() < end, "the holder is never seen waiting for the disk")
            expect([s["role"] for s in steps] == [None, "peer", "holder"] and [s["depth"] for s in steps] == [0, 1, 2], f"{steps}")
            expect("/tmp/lock" in steps[1]["task"]["wait"]["object"], f"which lock: {steps[1]}")
            holder = steps[2]["task"]["tid"]
            while holder not in [t["task"] for t in json.loads(c.ask("ps", "--threads", "--format", "json", "one"))["threads"] if t["role"] == "async"]:
                expect(time.monotonic() < end, "no async thread is seen working for the holder")
            text = c.ask("explain-wait", "one", str(reader["tid"]))
            expect(re.search(r"reader.*pipe read.*\n.*peer \d+ writer.*file lock.*/tmp/lock.*\n.*holder \d+ holder", text), text)

    def deadlocks():
        """Circles are called so, with exit status 3; what only looks like one is not."""
        for name, members, others in (("flocks", "abc", ["outsider"]), ("pipes", ["left", "right"], []), ("threads", ["one", "other"], [])):
            with scene(name) as c:
                # In the end all of them wait for something without end.
                tasks = {n: named(c, n, lambda t: t["wait"] and t["wait"]["untilNs"] is None) for n in [*members, *others]}
                for n, task in tasks.items():
                    found = explain(c, task, status=3)
                    expect(sorted(found["deadlock"]) == sorted(tasks[m]["tid"] for m in members), f"{name}, from {n}: {found['deadlock']}")
                expect("deadlock: " in c.ask("explain-wait", "one", str(tasks[members[0]]["tid"]), status=3), "no deadlock in words")
                expect(explain(c, c.ps()[1])["deadlock"] is None, "pid 1 is no part of it")
        with scene("way-out") as c:
            left = named(c, "left")
            third = named(c, "third")
            found = explain(c, left)
            expect(found["deadlock"] is None and third["tid"] in [s["task"]["tid"] for s in found["chain"]], f"a way out: {found}")

    def threads():
        with container("echo ready; read x", "--cpus", "2", "--async-threads", "3", name="one") as c:
            found = json.loads(c.ask("ps", "--threads", "--format", "json", "one"))["threads"]
            roles = [t["role"] for t in found]
            for role, count in (("cpu", 2), ("async", 1), ("clock", 1), ("aux", 1), ("poll", 1)):
                expect(roles.count(role) == count, f"{roles.count(role)} {role} threads")
            expect(any(t["role"] == "carrier" and t["pid"] == 1 for t in found), "pid 1 has no carrier")
            for t in found:
                with open(f"/proc/{t['hostPid']}/task/{t['hostTid']}/comm") as f:
                    expect(f.read().startswith("linuxd"), f"no thread of linuxd: {t}")
            tids = [t["hostTid"] for t in found if t["role"] != "cpu"]
            expect(len(set(tids)) == len(tids), "two threads are one")
            expect({t["hostTid"] for t in found if t["role"] == "cpu"} <= set(tids), "a cpu without a carrier")
            table = c.ask("ps", "--threads", "one")
            expect("monitor:signals" in table and "monitor:slots" in table, "the monitor's threads are missing")

    def clock():
        """Once the container has booted its clock is a deadline task of the host, and nothing else of it is, if the host lets one be."""
        def deadline_task():
            """Whether this thread could be one: asks, and takes it back."""
            libc = ctypes.CDLL(None, use_errno=True)
            attributes = {policy: struct.pack("<IIQiIQQQ", 48, policy, 0, 0, 0, *times) for policy, times in ((6, (500000, 10000000, 10000000)), (0, (0, 0, 0)))}
            return [libc.syscall(314, 0, attributes[policy], 0) for policy in (6, 0)][0] == 0

        if not deadline_task():
            raise Skip("no thread here may be a deadline task")
        with container("echo ready; read x", "--cpus", "2", name="one") as c:
            found = json.loads(c.ask("ps", "--threads", "--format", "json", "one"))["threads"]
            for role in ("clock", "carrier", "poll", "aux", "async"):
                policies = {os.sched_getscheduler(t["hostTid"]) & 0xff for t in found if t["role"] == role}
                expect(policies == {6 if role == "clock" else 0}, f"the host's policies of {role}: {policies}")

    def async_threads():
        """There are as many as requests at the same time needed, and never more than were asked for."""
        root = make_rootfs(context)
        clean_data(root)
        script = "echo ready; for i in 1 2 3 4 5 6; do while :; do dd if=/dev/zero of=/data/$i count=1 conv=fsync 2>/dev/null; done & done; read x"
        with container(script, "--async-threads", "3", "--bind", os.path.join(root, "data") + ":/data", name="one") as c:
            def count():
                return [t["role"] for t in json.loads(c.ask("ps", "--threads", "--format", "json", "one"))["threads"]].count("async")

            end = time.monotonic() + 60
            while count() < 3:
                expect(time.monotonic() < end, f"{count()} async threads for six writers")
            for _ in range(20):
                expect(count() == 3, "not three async threads any more")

    def idle():
        """Nothing of a container in which nothing happens runs on the host; load averages go down all the same."""
        script = ("for i in 1 2 3 4 5 6 7 8; do timeout 6 sh -c 'while :; do :; done' & done; wait; echo ready; "
                  "cat /proc/loadavg; read x; cat /proc/loadavg")
        with container(script, name="one") as c:
            def switches():
                found = {}
                for pid in [c.child.pid, *descendants(c.child.pid)]:
                    for task in os.listdir(f"/proc/{pid}/task"):
                        with open(f"/proc/{pid}/task/{task}/status") as f:
                            found[pid, task] = sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", f.read())))
                return found
            before, since = float(c.child.stdout.readline().split()[0]), time.monotonic()
            time.sleep(7)
            # What the spinners left may be cleared away in some steps; what comes back every few seconds never leaves 11 of them in peace.
            for _ in range(4):
                first = switches()
                time.sleep(11)
                second = switches()
                if first == second:
                    break
            expect(len(first) > 5, "a container has more threads than that")
            expect(first == second, f"threads that ran: {[(name, n - first.get(name, 0)) for name, n in second.items() if n != first.get(name)]}")
            c.child.stdin.write(b"x\n")
            c.child.stdin.flush()
            after, idle = float(c.child.stdout.readline().split()[0]), time.monotonic() - since
            # Every 5 s times exp(-1/12), give or take a step and the two digits.
            wanted = before * math.exp(-idle / 60)
            expect(before > 0.5 and abs(after - wanted) < 0.1 * wanted + 0.01, f"the load average was {before} and is {after} after {idle} s, not {wanted}")

    def silence():
        """A kernel that does not answer does not hang the one who asks, and answers later questions again."""
        with container("echo ready; read x", name="one") as c:
            pid = c.list()[0]["pid"]
            os.kill(pid, signal.SIGSTOP)
            for task in os.listdir(f"/proc/{pid}/task"): # its threads stop one after the other
                while True:
                    with open(f"/proc/{pid}/task/{task}/stat") as f:
                        if f.read().rsplit(")", 1)[1].split()[0] == "T":
                            break
                    time.sleep(0.02)
            output = c.ask("ps", "one", status=125)
            expect("did not answer within" in output, f"a stopped kernel: {output}")
            os.kill(pid, signal.SIGCONT)
            expect("sh" in c.ask("ps", "one"), "no answer after it goes on")

    def completion():
        """In bash: commands, options, the words an option takes, containers that run."""
        with container("echo ready; read x", name="web-1") as c:
            def complete(*words):
                script = ('source <(linuxd completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _linuxd; echo "${COMPREPLY[@]}"')
                env = dict(c.env, PATH=os.path.dirname(context.linuxd) + ":" + os.environ["PATH"])
                result = context.run(["bash", "-c", script, "bash", *words], env=env, merge=False)
                return result.output.decode().split()
            expect("explain-wait" in complete("linuxd", "ex"), "commands")
            expect(complete("linuxd", "ps", "--th") == ["--threads"], "options")
            expect(complete("linuxd", "top", "--format", "j") == ["json"], "words of an option")
            for command in ("ps", "top", "explain-wait", "trace"):
                expect(complete("linuxd", command, "web") == ["web-1"], f"containers for {command}")
            expect("bash" in c.ask("completion", "csh", status=125), "a shell that is not known")

    def errors():
        with container("echo ready; read x", name="one") as c:
            for arguments, words in ((["ps"], "expected one container"), (["ps", "one", "two"], "expected one container"),
                                     (["ps", "--format", "xml", "one"], "--format xml"), (["top", "--interval", "0", "one"], "--interval 0"),
                                     (["top", "--sort", "x", "one"], "--sort x"), (["top", "no"], "no running container no"),
                                     (["explain-wait", "one"], "expected a container and"), (["explain-wait", "one", "x"], "x is no number"),
                                     (["explain-wait", "one", "4000000"], "no task 4000000"), (["explain-wait", "no", "1"], "no running container"),
                                     (["list", "x"], "takes no argument")):
                output = c.ask(*arguments, status=125)
                expect(words in output, f"{arguments}: {output}")

    def top():
        with container("while :; do :; done & sleep 100 & echo ready; read x", name="one") as c:
            c.wait_for(lambda t: t["runNs"] > 10_000_000 and t["state"] != "sleeping", "a task that spins")
            lines = c.ask("top", "one").splitlines()
            expect(lines[0].startswith("one: 3 tasks") and "%CPU" in lines[1] and len(lines) == 5, f"top in a pipe: {lines}")
            looks = c.ask("top", "--format", "json", "--count", "2", "--interval", "0.1", "one").splitlines()
            expect(len(looks) == 2 and json.loads(looks[0])["nowNs"] < json.loads(looks[1])["nowNs"], "two looks as JSON")
            lines = [l for l in c.ask("top", "--sort", "tid", "one").splitlines()[2:]]
            expect([int(l.split()[1]) for l in lines] == [1, 2, 3], f"not sorted by tid: {lines}")

    def top_terminal():
        with container("while :; do :; done & sleep 100 & echo ready; read x", name="one") as c:
            pid, fd = pty.fork()
            if pid == 0:
                os.environ.update(c.env, TERM="xterm")
                os.environ.pop("NO_COLOR", None)
                os.execv(context.linuxd, [context.linuxd, "top", "--interval", "0.2", "one"])
            seen = b""

            def until(condition, what):
                nonlocal seen
                end = time.monotonic() + 20
                while not condition():
                    ready = select.select([fd], [], [], max(0, end - time.monotonic()))[0]
                    try:
                        data = os.read(fd, 65536) if ready else b""
                    except OSError:
                        data = b""
                    context.write_log(data)
                    if not data:
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)
                        raise Failure(f"{what}: {seen[-300:]!r}")
                    seen += data

            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
            until(lambda: b"\033[H" in seen and b"sleep" in seen and b"\033[1;32m" in seen and b"sorted by cpu" in seen, "no picture")
            expect(b"\033[?25l" in seen, "the cursor is not hidden")
            seen = b""
            os.write(fd, b"t")
            until(lambda: b"sorted by tid" in seen, "key t does not sort")
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))

            def narrow():
                pictures = seen.split(b"\033[H")[1:-1]
                lines = re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", pictures[-1]).split(b"\r\n") if pictures else [b"x" * 99]
                return max(map(len, lines)) <= 50
            until(narrow, "a smaller window does not cut the lines")
            seen = b""
            os.write(fd, b"q")
            until(lambda: b"\033[?25h" in seen, "the cursor does not come back")
            _, status = os.waitpid(pid, 0)
            os.close(fd)
            expect(status == 0, f"top ends with {status}")

    return [(f.__name__, f) for f in (listing, places, not_running, leftovers, impostors, protocol, tasks, kinds, chain, deadlocks, hostile_names, threads, clock, async_threads, idle, silence, completion, errors, top, top_terminal)]
