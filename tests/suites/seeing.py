# SPDX-License-Identifier: Apache-2.0
"""Looking into running containers: list, ps, and what they say when there is nothing to see."""
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from run import Failure


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
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.directory.name)
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

    def end(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.child.stdin.close()
        self.directory.cleanup()


def seeing(context):
    def container(script, *options, name=None):
        return Container(context, *options, "builtin:busybox", "sh", "-c", script, name=name)

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

    return [(f.__name__, f) for f in (listing, leftovers, impostors, protocol)]
