# SPDX-License-Identifier: Apache-2.0
"""Freezing a container's tasks through the control socket: none runs, none notices."""
import os
import select
import socket
import struct
import time

from .conformance import build, clean_data, make_rootfs
from .seeing import Container, expect

MAGIC, VERSION = 0x6c78646c, 1
PING, FREEZE, THAW = 1, 82, 83
THAWED, FREEZING, FROZEN = 0, 1, 2
REPLY = struct.Struct("<IiIIQQQQ256s")
ETIMEDOUT, ECANCELED = 110, 125


class Control:
    """A client of the control protocol (include/abi/control.h)."""

    def __init__(self, container):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(30)
        self.socket.connect(f"{container.directory.name}/linuxd/{container.list()[0]['id']}/control")

    def ask(self, kind, argument=0):
        self.socket.send(struct.pack("<IIIIQQQQ", MAGIC, VERSION, kind, 0, argument, 0, 0, 0))

    def answer(self):
        """(errno, value[0], value[1])"""
        reply = REPLY.unpack(self.socket.recv(4096))
        self.message = reply[8].split(b"\0")[0].decode()
        return reply[1], reply[6], reply[7]

    def call(self, kind, argument=0, error=0):
        self.ask(kind, argument)
        got = self.answer()
        expect(got[0] == error, f"kind {kind} is answered with error {got[0]} instead of {error}: {self.message}")
        return got[1:]

    def state(self):
        return self.call(PING)[1]


def freezer(context):
    def container(scene, *options):
        root = make_rootfs(context)
        program = build(context, root, "sleepers", "static", folder="tests/freezer")
        clean_data(root)
        return Container(context, *options, "--rootfs", root, "--tmpfs", "/tmp", "--", program, scene, name="one")

    def run_times(c):
        return {tid: task["runNs"] for tid, task in c.ps().items()}

    def finish(c):
        c.child.stdin.write(b"\n")
        c.child.stdin.flush()
        expect(select.select([c.child.stdout], [], [], 30)[0], "the programs do not end")
        line = c.child.stdout.readline()
        expect(line == b"nothing noticed\n", f"something was noticed: {line!r}")
        expect(c.child.wait(timeout=20) == 0, "the container ends with an error")

    def stands_still(*options):
        with container("all", *options) as c:
            control = Control(c)
            for name in ("spin", "stopped", "read"):
                c.wait_for(lambda t: t["command"] == name and (t["wait"] or name == "spin"), name)
            expect(control.state() == THAWED, "it is frozen from the beginning")
            control.call(FREEZE)
            expect(control.state() == FROZEN, "the state is not `frozen`")
            before = run_times(c)
            states = {t["command"]: t["state"] for t in c.ps().values()}
            time.sleep(0.3)
            expect(run_times(c) == before, "tasks run, begin or end in a frozen container")
            expect(states["spin"] == "sleeping" and states["stopped"] == "stopped" and states["read"] == "sleeping", f"states: {states}")
            control.call(FREEZE)
            control.call(THAW)
            expect(control.state() == THAWED, "the state is not `thawed`")
            time.sleep(0.3)
            after = run_times(c)
            spinner = next(t for t in c.ps().values() if t["command"] == "spin")["tid"]
            expect(after[spinner] > before[spinner], "a spinner does not go on")
            control.call(THAW)
            finish(c)

    def one_cpu():
        stands_still("--cpus", "1")

    def two_cpus():
        stands_still("--cpus", "2")

    def often():
        """Back and forth, in all states that programs may be in."""
        with container("all") as c:
            control = Control(c)
            for i in range(150):
                control.call(FREEZE)
                time.sleep(0.001 * (i % 7))
                control.call(THAW)
                time.sleep(0.001 * (i % 5))
            finish(c)

    def killed():
        """SIGKILL reaches frozen tasks: in user mode, in a system call, waiting for a vfork child."""
        with container("doomed") as c:
            control = Control(c)
            for name in ("doomed-sleeper", "doomed-runner", "doomed-vfork"):
                c.wait_for(lambda t: t["command"] == name, name)
            control.call(FREEZE)
            for name in ("doomed-sleeper", "doomed-runner", "doomed-vfork"):
                c.wait_for(lambda t: t["command"] == name and t["state"] == "zombie", f"{name} as a zombie")
            expect(control.state() == FROZEN, "it is no longer frozen")
            control.call(THAW)
            finish(c)

    def clients():
        """Who goes away while it freezes, waits too short, or is overtaken by a thaw leaves a container that runs."""
        with container("all") as c:
            first, second = Control(c), Control(c)
            for _ in range(20):
                first.ask(FREEZE)
                second.ask(THAW)
                second.answer()
                expect(first.answer()[0] in (0, ECANCELED), "a freeze that is overtaken by a thaw")
                second.call(THAW)
            for _ in range(20):
                leaver = Control(c)
                leaver.ask(FREEZE)
                leaver.socket.close()
            first.ask(FREEZE, 1)
            expect(first.answer()[0] in (0, ETIMEDOUT, ECANCELED), "a freeze within 1 ms")
            first.call(THAW)
            expect(first.state() == THAWED, "it does not end thawed")
            finish(c)

    return [(f.__name__, f) for f in (one_cpu, two_cpus, often, killed, clients)]
