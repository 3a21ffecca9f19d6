# SPDX-License-Identifier: Apache-2.0
"""What the tests of the network share. Each runs in a network namespace of its own (tests/suites/network.py): lo, and an interface that leads
nowhere with the addresses OWN and a default route. Nothing leaves the machine."""
import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

LINUXD, ROOTFS, SOURCE, BUILD = sys.argv[1:5]
OWN = "198.18.0.1"
OWN6 = "2001:db8:1::1"
FAR = "198.18.0.2"  # a neighbour that is not there
LIMIT = 20


class Failure(Exception):
    pass


def expect(good, what):
    if not good:
        raise Failure(what)


def set_up_namespace():
    for command in ("link set lo up", "link add eth9 type veth peer name far9", "link set eth9 up", "link set far9 up", f"addr add {OWN}/24 dev eth9",
                    f"addr add {OWN6}/64 dev eth9 nodad", f"route add default via {FAR}", "-6 route add default via 2001:db8:1::2"):
        subprocess.run(["ip", *command.split()], check=True)


def command_line(arguments, options):
    return [LINUXD, "run", "--rootfs", ROOTFS, "--hostname", "box", *options, "--", *arguments]


class Result:
    def __init__(self, status, output, error):
        self.status, self.output, self.error = status, output, error


def run(arguments, *options, limit=LIMIT, stdin=None):
    """A container to its end."""
    done = subprocess.run(command_line(arguments, options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit, input=stdin)
    result = Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    print("$", " ".join([*options, "--", *arguments]), f"[{result.status}]\n{result.output}{result.error}", flush=True)
    return result


@contextlib.contextmanager
def running(arguments, *options, ready=b"ready"):
    """A container in the background; it says when it is ready."""
    print("$", " ".join([*options, "--", *arguments]), "&", flush=True)
    child = subprocess.Popen(command_line(arguments, options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    lines = []

    def read():
        for line in child.stdout:
            lines.append(line)
            print("| " + line.decode(errors="replace"), end="", flush=True)

    reader = threading.Thread(target=read)
    reader.start()
    child.lines = lines
    try:
        wait_until(lambda: any(ready in line for line in lines) or child.poll() is not None, "the container is not ready")
        expect(child.poll() is None, f"the container has ended with {child.poll()}")
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait()
        reader.join(5)


def wait_until(condition, what, limit=LIMIT):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise Failure(what)
        time.sleep(0.02)


def program(name, source=None):
    """Compiles tests/network/NAME.c (or another source) into the root file system; its path there."""
    path = os.path.join(ROOTFS, "bin", name)
    subprocess.run(["gcc", "-O1", "-g", "-Wall", "-static", "-w", "-I", SOURCE, "-o", path, source or os.path.join(SOURCE, "tests/network", name + ".c"),
                    "-lpthread"], check=True, stderr=subprocess.DEVNULL)
    return "/bin/" + name


class TcpServer:
    """Hands each connection to a function, in a thread."""

    def __init__(self, function, host="::", port=0):
        self.socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, dualstack_ipv6=host == "::", backlog=64)
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.function = function
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                self.function(connection)
            except OSError:
                pass


def echo(connection):
    while True:
        data = connection.recv(65536)
        if not data:
            connection.shutdown(socket.SHUT_WR)
            return
        connection.sendall(data)


def recv_all(connection):
    data = b""
    while True:
        part = connection.recv(65536)
        if not part:
            return data
        data += part


class UdpServer:
    def __init__(self, answer, host="::", port=0):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        if host == "::":
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind((host, port))
        self.port = self.socket.getsockname()[1]
        self.datagrams = []
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            data, peer = self.socket.recvfrom(65536)
            self.datagrams.append(data)
            reply = self.answer(data)
            if reply is not None:
                self.socket.sendto(reply, peer)


class NameServer(UdpServer):
    """names: {name: [answers, ...]}, each a list of addresses; the last one is repeated."""

    def __init__(self, names, delay=0):
        self.names, self.delay, self.questions = names, delay, []
        super().__init__(self.reply, "127.0.0.1")
        self.option = f"127.0.0.1:{self.port}"

    def reply(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels)
        self.questions.append((name, kind))
        answers = self.names.get(name)
        time.sleep(self.delay)
        addresses = []
        if answers:
            addresses = answers[0]
            # Both kinds of addresses are asked for before the next answer's turn comes.
            if len(answers) > 1 and kind == 28:
                answers.pop(0)
        records = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if kind == (28 if family == socket.AF_INET6 else 1):
                packed = socket.inet_pton(family, address)
                records.append(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(packed)) + packed)
        return (query[:2] + bytes([0x81, 0x80 if answers else 0x83]) + b"\0\1" + struct.pack("!HHH", len(records), 0, 0) + query[12:at + 5] +
                b"".join(records))


def connect(port, host="127.0.0.1", limit=5):
    return socket.create_connection((host, port), limit)


def refused(port, host="127.0.0.1"):
    try:
        connect(port, host).close()
        return False
    except ConnectionRefusedError:
        return True


def main(tests):
    set_up_namespace()
    name = sys.argv[5]
    try:
        tests[name]()
    except Failure as failure:
        print("FAILURE:", failure)
        os._exit(1)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the test has failed
        import traceback
        traceback.print_exc()
        print("FAILURE:", repr(error))
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)
