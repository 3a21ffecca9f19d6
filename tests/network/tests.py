# SPDX-License-Identifier: Apache-2.0
"""The network of a container against real peers on the host: usage tests.py LINUXD ROOTFS SOURCE BUILD NAME, in a network namespace of its own."""
import hashlib
import os
import re
import resource
import socket
import struct
import subprocess
import threading
import time

from lib import (BUILD, FAR, LIMIT, OWN, OWN6, ROOTFS, SOURCE, Failure, NameServer, TcpServer, UdpServer, command_line, connect, echo, expect, main, program, recv_all, refused, run,
                 running, wait_until)

PYTHON = ["/usr/bin/python3", "-c"]
GATEWAY = "10.0.2.2"

ECHO_SERVER = """
import socket, sys, threading
server = socket.create_server(("", int(sys.argv[1])), backlog=int(sys.argv[2]) if len(sys.argv) > 2 else 64)
print("ready", flush=True)
def one(connection, peer):
    print("from", *peer, "to", *connection.getsockname(), flush=True)
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)
while True:
    threading.Thread(target=one, args=server.accept()).start()
"""

UDP_SERVER = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[1])))
print("ready", flush=True)
while True:
    data, peer = server.recvfrom(65536)
    print("from", *peer, len(data), flush=True)
    server.sendto(b"re: " + data, peer)
"""


def inside(script, *options, **more):
    """Runs a Python script in a container; it must end well. What it printed."""
    result = run([*PYTHON, script], *options, **more)
    expect(result.status == 0, f"status {result.status}: {result.error[-300:]}")
    return result.output


# ---- out ----

def tcp_out():
    server = TcpServer(echo)
    output = inside(f"""
import socket, hashlib, os, threading
s = socket.create_connection(("{GATEWAY}", {server.port}))
print(s.getsockname()[0], *s.getpeername())
data = os.urandom(3000000)
def send():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
got = b""
while part := s.recv(100000):
    got += part
print(got == data, len(got))
s.close()
s = socket.create_connection(("{GATEWAY}", {server.port}))
s.sendall(b"peeked")
while len(s.recv(100, socket.MSG_PEEK)) < 6: pass
print(s.recv(3), s.recv(3, socket.MSG_WAITALL), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)
print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)[0])
""", "--allow", f"127.0.0.1:{server.port}")
    expect(output == f"10.0.2.15 {GATEWAY} {server.port}\nTrue 3000000\nb'pee' b'ked' 0\n77 1\n", "not as it should be")


def corked():
    """TCP_CORK and MSG_MORE put small writes together; nothing is lost at shutdown and close, nor held back for long."""
    parts = []

    def collect(connection):
        got = []
        while data := connection.recv(65536):
            got.append(data)
        parts.append(got)
    server = TcpServer(collect)
    inside(f"""
import socket, time
def connect():
    s = socket.create_connection(("{GATEWAY}", {server.port}))
    return s
s = connect()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
for i in range(20): s.send(b"%02d" % i)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
time.sleep(0.2)
s.send(b"more", socket.MSG_MORE)
s.send(b"done")
s.close()
time.sleep(0.3)
s = connect()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
s.send(b"late")
time.sleep(0.6)
s.send(b"x" * 10000)
s.shutdown(socket.SHUT_WR)
s.recv(1)
time.sleep(0.3)
s = connect()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
s.send(b"closed")
s.close()
time.sleep(0.3)
""", "--allow", f"127.0.0.1:{server.port}")
    wait_until(lambda: len(parts) == 3, f"{len(parts)} connections")
    expect(parts[0] == [b"".join(b"%02d" % i for i in range(20)), b"moredone"], f"{parts[0]}")
    expect(parts[1][0] == b"late" and b"".join(parts[1]) == b"late" + b"x" * 10000, f"{len(b''.join(parts[1]))}")
    expect(parts[2] == [b"closed"], f"{parts[2]}")


def ipv6_out():
    tcp, udp = TcpServer(echo), UdpServer(lambda data: b"re: " + data)
    output = inside(f"""
import socket
for address in ("{OWN6}", "::ffff:{OWN}"):
    s = socket.create_connection((address, {tcp.port}))
    s.sendall(b"six")
    print(s.recv(10), s.getpeername()[0])
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b"six", ("{OWN6}", {udp.port}))
print(s.recvfrom(100)[0])
""", "--allow", f"[{OWN6}]:{tcp.port}", "--allow", f"{OWN}:{tcp.port}", "--allow", f"[{OWN6}]:{udp.port}")
    expect(output == f"b'six' {OWN6}\nb'six' ::ffff:{OWN}\nb're: six'\n", "not as it should be")


def tcp_errors():
    """Refused, reset, nobody there, never answered: the errors of Linux, and of the policy EACCES with a reason."""
    def reset(connection):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server = TcpServer(reset)
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    nobody = closed.getsockname()[1]
    result = run([*PYTHON, f"""
import socket, select, errno
def attempt(address, port, **more):
    try:
        socket.create_connection((address, port), **more).close()
        print(address, "connected")
    except OSError as e:
        print(address, errno.errorcode.get(e.errno, e))
attempt("{GATEWAY}", {nobody})
attempt("{GATEWAY}", {server.port + 1})
attempt("{FAR}", 9)
attempt("203.0.113.1", 80)
s = socket.socket()
s.setblocking(False)
print(errno.errorcode[s.connect_ex(("{GATEWAY}", {nobody}))], len(select.select([], [s], [], 5)[1]),
      errno.errorcode[s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)], s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
s = socket.create_connection(("{GATEWAY}", {server.port}))
s.sendall(b"x")
try:
    print(s.recv(10))
except OSError as e:
    print(errno.errorcode[e.errno])
try:
    s.send(b"x")
    s.send(b"x")
except OSError as e:
    print(errno.errorcode[e.errno])
s = socket.create_connection(("{GATEWAY}", {server.port}))
poll = select.poll()
poll.register(s, select.POLLIN)
s.sendall(b"x")
print(poll.poll(5000)[0][1] & select.POLLIN, errno.errorcode[s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)], s.recv(1))
"""], "--allow", f"127.0.0.1:{nobody}", "--allow", f"127.0.0.1:{server.port}", "--allow", FAR)
    expect(result.output == f"{GATEWAY} ECONNREFUSED\n{GATEWAY} EACCES\n{FAR} EHOSTUNREACH\n203.0.113.1 EACCES\nEINPROGRESS 1 ECONNREFUSED 0\n"
           "ECONNRESET\nEPIPE\n1 ECONNRESET b''\n", "other errors")
    expect(f"refused: TCP to 127.0.0.1:{server.port + 1}" in result.error and "refused: TCP to 203.0.113.1:80: no --allow rule names it" in result.error,
           "no reasons")


def many_connections():
    """Thousands of connections, one after the other and at once: none is mixed up, and the monitor keeps none."""
    server = TcpServer(echo)
    output = inside(f"""
import socket, threading
def some(n):
    for i in range(60):
        with socket.create_connection(("{GATEWAY}", {server.port})) as s:
            text = b"%d %d" % (n, i)
            s.sendall(text)
            assert s.recv(100, socket.MSG_WAITALL if False else 0) == text
threads = [threading.Thread(target=some, args=(n,)) for n in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
many = [socket.create_connection(("{GATEWAY}", {server.port})) for i in range(300)]
for i, s in enumerate(many): s.sendall(b"%d" % i)
print(all(s.recv(100) == b"%d" % i for i, s in enumerate(many)))
[s.close() for s in many]
import os, time
time.sleep(0.5)
""", "--allow", f"127.0.0.1:{server.port}", limit=60)
    expect(output == "True\n" and server.connections == 16 * 60 + 300, f"{output} {server.connections}")


def udp_out():
    server = UdpServer(lambda data: b"re: " + data)
    output = inside(f"""
import socket, errno
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b"one", ("{GATEWAY}", {server.port}))
print(*s.recvfrom(100))
s.sendto(b"x" * 5000, ("{GATEWAY}", {server.port}))
print(len(s.recvfrom(100)[0]), s.getsockname()[0])
s.connect(("{GATEWAY}", {server.port}))
s.send(b"two")
print(s.recv(100), s.getsockname()[0])
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.settimeout(5)
six.sendto(b"three", ("::ffff:{GATEWAY}", {server.port}))
print(six.recvfrom(100)[0])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("{GATEWAY}", {server.port + 1}))
try:
    s.send(b"x")
    s.recv(1)
except OSError as e:
    print(errno.errorcode.get(e.errno, e))
""", "--allow", f"127.0.0.1:{server.port}-{server.port}")
    expect(output == f"b're: one' ('{GATEWAY}', {server.port})\n100 0.0.0.0\nb're: two' 10.0.2.15\nb're: three'\nEACCES\n", "not as it should be")


def names():
    server = NameServer({"good.test": [["127.0.0.1", "198.18.0.9", "2001:db8:1::9"], ["198.18.0.10"]], "evil.test": [["127.0.0.1"]],
                         "mine.test": [[OWN]], "sub.wild.test": [["198.18.0.11"]], "other.test": [["198.18.0.12"]]})
    script = """
import socket
for name in ("good.test", "GOOD.test", "evil.test", "mine.test", "sub.wild.test", "wild.test", "other.test", "host.linuxd.internal", "more.test", "box"):
    try:
        print(name, *sorted({entry[4][0] for entry in socket.getaddrinfo(name, 80, proto=6)}))
    except OSError as e:
        print(name, "-")
"""
    options = ["--dns", server.option, "--allow", "good.test:443", "--allow", "evil.test", "--allow", "mine.test", "--allow", "*.wild.test", "--add-host",
               "more.test:203.0.113.9"]
    result = run([*PYTHON, script], *options)
    expect(result.output == "good.test 198.18.0.9 2001:db8:1::9\nGOOD.test 198.18.0.9 2001:db8:1::9\nevil.test -\nmine.test -\nsub.wild.test 198.18.0.11\n"
           "wild.test -\nother.test -\nhost.linuxd.internal 10.0.2.2\nmore.test 203.0.113.9\nbox 10.0.2.15\n", "other names")
    expect("refused: the name other.test: no --allow rule names it" in result.error, "no reason")
    asked = [name for name, _ in server.questions]
    expect(asked.count("good.test") == 2 and "other.test" not in asked and "wild.test" not in asked, f"asked for {asked}")
    # Without a policy the questions go where they would from the host.
    server = NameServer({"other.test": [["198.18.0.12"], ["198.18.0.13"]]})
    output = inside(script, "--dns", server.option)
    expect("other.test 198.18.0.12\n" in output and "good.test -\n" in output, "other names")


def files():
    """What the container sees of its network; the image's files stay as they are."""
    etc = os.path.join(ROOTFS, "etc")
    before = {name: os.path.lexists(os.path.join(etc, name)) for name in ("hosts", "resolv.conf", "hostname")}
    output = run(["/bin/sh", "-c", "cat /etc/hostname /etc/resolv.conf; grep -c . /etc/hosts; echo more >> /etc/hosts; tail -1 /etc/hosts; ip -o -4 addr; ip route"],
                 "--add-host", "db:192.0.2.5").output
    expect(output.startswith("box\nnameserver 10.0.2.3\n") and "\nmore\n" in output, "files")
    expect("eth0    inet 10.0.2.15/24" in output and "default via 10.0.2.2 dev eth0" in output, "interface")
    output = run(["/bin/sh", "-c", "ip -o addr; ip route"], "--network", "none").output
    expect("eth0" not in output and "127.0.0.1/8" in output, "--network none")
    expect(before == {name: os.path.lexists(os.path.join(etc, name)) for name in before}, "the image was changed")


# ---- in ----

def published():
    with running([*PYTHON, ECHO_SERVER, "80"], "-p", "127.0.0.1:8080:80", "-p", "8081:80", "-p", "127.0.0.1:9000-9002:7000-7002") as box:
        with connect(8080) as s:
            data = os.urandom(2000000)
            sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
            sender.start()
            expect(recv_all(s) == data, "other bytes came back")
            sender.join()
        expect(refused(9001), "nobody listens at 7001")
        expect(refused(8080, OWN), "published at the loopback only")
        for host in (OWN, "::1", OWN6):
            with connect(8081, host) as s:
                s.sendall(b"hello")
                expect(s.recv(10) == b"hello", f"through {host}")
        sources = {line.split()[1] for line in box.lines if line.startswith(b"from")}
        expect(sources == {b"10.0.2.2", OWN.encode()}, f"the peers were shown as {sources}")
        expect(all(b"to 10.0.2.15 80" in line for line in box.lines if line.startswith(b"from")), "our own address")
    expect(refused(8080), "after the end")


def races():
    """Threads that send, receive, shut down, disconnect and close the same sockets at once: whatever each gets, the kernel goes on."""
    server = TcpServer(echo)
    output = inside(f"""
import ctypes, os, random, socket, threading, time
libc = ctypes.CDLL(None)
end = time.monotonic() + 3
sockets = [None] * 3
def fresh():
    s = socket.socket()
    s.settimeout(0.05)
    try: s.connect(("{GATEWAY}", {server.port}))
    except OSError: pass
    return s
sockets = [fresh() for _ in sockets]
data = bytes(100000)
def work(seed):
    draw = random.Random(seed)
    while time.monotonic() < end:
        i = draw.randrange(len(sockets))
        s = sockets[i]
        try:
            what = draw.randrange(12)
            if what < 4: s.send(data[:draw.choice((10, 4096, 100000))])
            elif what < 8: s.recv(draw.choice((10, 4096, 200000)))
            elif what == 8: s.setsockopt(6, 3, draw.randrange(2))
            elif what == 9: s.shutdown(draw.randrange(3))
            elif what == 10: libc.connect(s.fileno(), b"\\0" * 16, 16)
            else:
                sockets[i] = fresh()
                s.close()
        except OSError:
            pass
threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
s = socket.create_connection(("{GATEWAY}", {server.port}))
s.sendall(b"alive")
print(s.recv(10))
""", "--allow", f"127.0.0.1:{server.port}", limit=40)
    expect(output == "b'alive'\n", output)


def nothing_left():
    """Connections of all kinds come and go; afterwards the monitor and the sandbox have as many descriptors as before."""
    server = TcpServer(echo)
    udp = UdpServer(lambda data: data)
    script = f"""
import socket, threading, sys
server = socket.create_server(("", 80))
def serve():
    while True:
        with server.accept()[0] as connection:
            while data := connection.recv(1000):
                connection.sendall(data)
threading.Thread(target=serve, daemon=True).start()
def once(i):
    with socket.create_connection(("{GATEWAY}", {server.port})) as s:
        s.sendall(b"x")
        if i % 3: s.recv(1)
        if i % 5 == 0: s.shutdown(socket.SHUT_WR)
        if i % 7 == 0: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(b"x", ("{GATEWAY}", {udp.port}))
        if i % 3: s.recv(1)
    with socket.socket() as s:
        s.setblocking(False)
        s.connect_ex(("{GATEWAY}", {server.port} if i % 2 else 1))
once(1)
print("ready", flush=True)
for line in sys.stdin:
    for i in range(200): once(i)
    print("again", flush=True)
"""
    options = ["-p", "127.0.0.1:8080:80", "--allow", f"127.0.0.1:{server.port}", "--allow", f"127.0.0.1:{udp.port}"]
    child = subprocess.Popen(command_line([*PYTHON, script], options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def descriptors(pid):
        return len(os.listdir(f"/proc/{pid}/fd"))

    def sandbox():
        with open(f"/proc/{child.pid}/task/{child.pid}/children") as f:
            return f.read().split()[-1]
    try:
        expect(child.stdout.readline() == b"ready\n", "not ready")
        with connect(8080) as s:
            s.sendall(b"x")
            s.recv(1)
        time.sleep(0.5)
        before = descriptors(child.pid), descriptors(sandbox())
        for _ in range(100):
            with connect(8080) as s:
                s.sendall(b"x")
                s.recv(1)
        child.stdin.write(b"go\n")
        child.stdin.flush()
        expect(child.stdout.readline() == b"again\n", "the program has ended")
        wait_until(lambda: descriptors(child.pid) <= before[0], f"the monitor had {before[0]} descriptors, now {descriptors(child.pid)}", 5)
        wait_until(lambda: descriptors(sandbox()) <= before[1], f"the sandbox had {before[1]} descriptors, now {descriptors(sandbox())}", 5)
    finally:
        child.kill()
        child.wait()


def listens_late():
    """The port is refused until somebody listens, and again afterwards, and works again."""
    script = """
import socket, sys
for line in sys.stdin:
    if line == "listen\\n":
        server = socket.create_server(("", 80))
    elif line == "serve\\n":
        server.accept()[0].sendall(b"served")
    else:
        server.close()
    print("done", line, end="", flush=True)
"""
    child = subprocess.Popen(command_line([*PYTHON, script], ["-p", "127.0.0.1:8080:80"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        def say(word):
            child.stdin.write(word + b"\n")
            child.stdin.flush()
            expect(child.stdout.readline() == b"done " + word + b"\n", f"{word} did not work")
        for _ in range(3):
            wait_until(lambda: refused(8080), "somebody listens")
            say(b"listen")
            with connect(8080) as s:
                say(b"serve")
                expect(s.recv(10) == b"served", "not served")
            say(b"close")
    finally:
        child.kill()
        child.wait()


def listening_race():
    """Who gets a connection while listen(2) is under way is served: between the monitor's listening and the container's there is no gap."""
    script = """
import socket, time
print("ready", flush=True)
while True:
    server = socket.create_server(("", 80))
    connection = server.accept()[0]
    server.close()
    connection.sendall(b"served")
    connection.close()
    time.sleep(0.05)
"""
    with running([*PYTHON, script], "-p", "127.0.0.1:8080:80"):
        for i in range(80):
            end = time.monotonic() + LIMIT
            while True:
                try:
                    connection = connect(8080)
                    break
                except ConnectionRefusedError:
                    expect(time.monotonic() < end, "nobody listens")
            with connection:
                try:
                    answer = connection.recv(10)
                except ConnectionResetError:
                    answer = b"a reset"
            expect(answer == b"served", f"connection {i} got {answer}")
            time.sleep(0.03)  # until the old listener is gone with the host, too


def backlog():
    """Who is slow to accept has only so many connections waiting; the others get theirs later. None is lost."""
    script = """
import socket, time
server = socket.create_server(("", 80), backlog=4)
print("ready", flush=True)
time.sleep(1.5)
while True:
    connection = server.accept()[0]
    connection.sendall(connection.recv(100))
    connection.close()
"""
    with running([*PYTHON, script], "-p", "127.0.0.1:8080:80"):
        answers = []

        def one(i):
            with connect(8080, limit=15) as s:
                s.sendall(b"%d" % i)
                answers.append(s.recv(100) == b"%d" % i)
        threads = [threading.Thread(target=one, args=(i,)) for i in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        expect(len(answers) == 40 and all(answers), f"{sum(answers)} of 40 were served")


def udp_published():
    with running([*PYTHON, UDP_SERVER, "53"], "-p", "127.0.0.1:5300:53/udp", "-p", "5301:53/udp") as box:
        clients = []
        for i in range(20):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(5)
            s.connect(("127.0.0.1" if i % 2 else OWN, 5300 + (i + 1) % 2))
            clients.append(s)
        for turn in range(3):
            for i, s in enumerate(clients):
                s.send(b"%d %d" % (turn, i))
            for i, s in enumerate(clients):
                expect(s.recv(100) == b"re: %d %d" % (turn, i), "another answer")
        clients[0].send(b"x" * 40000)
        expect(len(clients[0].recv(65536)) == 40004, "a large one")
        expect({line.split()[1] for line in box.lines if line.startswith(b"from")} == {b"10.0.2.2", OWN.encode()}, "peers")


# ---- the host's networks ----

def host_network():
    server = TcpServer(echo, "127.0.0.1")
    with running([*PYTHON, ECHO_SERVER, "8080"], "--network", "host"):
        for host in ("127.0.0.1", OWN):
            with connect(8080, host) as s:
                s.sendall(b"hello")
                expect(s.recv(10) == b"hello", f"through {host}")
        result = run([*PYTHON, f"""
import socket, errno
try:
    socket.create_server(("", 8080))
except OSError as e:
    print(errno.errorcode[e.errno])
for address in ("127.0.0.1", "{OWN}"):
    s = socket.create_connection((address, 8080))
    s.sendall(b"from another container")
    print(s.recv(100), s.getpeername()[0])
s = socket.create_connection(("127.0.0.1", {server.port}))
s.sendall(b"to the host")
print(s.recv(100))
"""], "--network", "host")
        expect(result.output == f"EADDRINUSE\nb'from another container' 127.0.0.1\nb'from another container' {OWN}\nb'to the host'\n", "host network")
    output = run(["/bin/sh", "-c", "ip -o -4 addr show eth9; ip route"], "--network", "host").output
    expect(f"inet {OWN}/24" in output and f"default via {FAR} dev eth9" in output, "interfaces")


def namespace():
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    for command in ("netns add blue", "link add veth0 type veth peer name veth1 netns blue", "addr add 198.18.9.1/24 dev veth0", "link set veth0 up",
                    "-n blue addr add 198.18.9.2/24 dev veth1", "-n blue link set veth1 up", "-n blue link set lo up"):
        subprocess.run(["ip", *command.split()], check=True)
    server = TcpServer(echo)
    with running([*PYTHON, ECHO_SERVER, "80"], "--network", "blue"):
        with connect(80, "198.18.9.2") as s:
            s.sendall(b"hello")
            expect(s.recv(10) == b"hello", "into the namespace")
    output = inside(f"""
import socket
s = socket.create_connection(("198.18.9.1", {server.port}))
s.sendall(b"hello")
print(s.recv(10), s.getpeername()[0])
try:
    socket.create_connection(("{OWN}", {server.port}))
except OSError as e:
    print(e)
""", "--network", "blue")
    expect(output == "b'hello' 198.18.9.1\n[Errno 101] Network is unreachable\n", "out of the namespace")
    result = run([*PYTHON, f"""
import socket, errno
for port in ({server.port}, {server.port + 1}):
    try:
        s = socket.create_connection(("198.18.9.1", port))
        s.sendall(b"hello")
        print(s.recv(10))
    except OSError as e:
        print(errno.errorcode[e.errno])
"""], "--network", "blue", "--allow", f"198.18.9.1:{server.port}")
    expect(result.output == "b'hello'\nEACCES\n" and "no --allow rule names it" in result.error, "a policy in the namespace")
    result = run(["/bin/true"], "--network", "green")
    expect(result.status == 125 and "/run/netns/green" in result.error and "ip netns add green" in result.error, "no remedy")


def policy_of_networks(option, reached, refused_address):
    """--allow and --deny beside a network of the host's: TCP, UDP and names are judged as with "filtered"."""
    tcp, udp = TcpServer(echo, reached), UdpServer(lambda data: b"re: " + data, reached)
    server = NameServer({"good.test": [["203.0.113.7"]], "evil.test": [["127.0.0.1", OWN]], "other.test": [["203.0.113.8"]]})
    script = f"""
import errno, socket
def attempt(kind, address, port):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as s:
        s.settimeout(5)
        try:
            s.connect((address, port))
            s.send(b"hello")
            print(address, s.recv(20))
        except OSError as e:
            print(address, errno.errorcode.get(e.errno, e))
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    port = {tcp.port} if kind == socket.SOCK_STREAM else {udp.port}
    attempt(kind, "{reached}", port)
    attempt(kind, "{refused_address}", port)
    attempt(kind, "::ffff:{refused_address}", port)
    attempt(kind, "{reached}", 9)
own = socket.create_server(("127.0.0.1", 0))
attempt_own = socket.create_connection(own.getsockname())
print("own", attempt_own.getpeername() == own.getsockname())
for name in ("good.test", "evil.test", "other.test"):
    try:
        print(name, *sorted({{entry[4][0] for entry in socket.getaddrinfo(name, 80, proto=6)}}))
    except OSError as e:
        print(name, "-")
"""
    result = run([*PYTHON, script], "--network", option, "--dns", server.option, "--allow", f"{reached}:{tcp.port}", "--allow", f"{reached}:{udp.port}",
                 "--allow", "good.test", "--allow", "evil.test", limit=40)
    def tried(answer):
        return f"{reached} {answer}\n{refused_address} EACCES\n::ffff:{refused_address} EACCES\n{reached} EACCES\n"
    expect(result.output == tried("b'hello'") + tried("b're: hello'") + "own True\ngood.test 203.0.113.7\nevil.test -\nother.test -\n", "allowed")
    expect(f"refused: TCP to {refused_address}:{tcp.port}: no --allow rule names it" in result.error, "no reason")
    expect("refused: the name other.test: no --allow rule names it" in result.error, "no reason for a name")
    expect("other.test" not in [name for name, _ in server.questions], "it was asked for")
    # Denials alone leave the rest open.
    result = run([*PYTHON, script], "--network", option, "--dns", server.option, "--deny", refused_address, "--deny", f"{reached}:9", "--deny", "other.test", limit=40)
    expect(result.output == tried("b'hello'") + tried("b're: hello'") + f"own True\ngood.test 203.0.113.7\nevil.test 127.0.0.1 {OWN}\nother.test -\n", "denied")


def host_network_policy():
    policy_of_networks("host", OWN, "127.0.0.1")


# ---- robustness ----

def far_host():
    """Somebody at the other end of eth9, in a namespace of its own, who also passes things on: FAR."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    for command in ("netns add far", "link set far9 netns far", f"-n far addr add {FAR}/24 dev far9", "-n far link set far9 up", "-n far link set lo up",
                    "-n far link add beyond type veth peer name beyond9", "-n far link set beyond9 up", "-n far link set beyond up", "-n far route add 203.0.113.0/24 dev beyond"):
        subprocess.run(["ip", *command.split()], check=True)
    subprocess.run(["ip", "netns", "exec", "far", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0"], check=True)


def error_queue():
    """IP_RECVERR on UDP sockets to the outside: the same program on the host and inside sees the same errors (MSG_ERRQUEUE)."""
    far_host()
    script = f"""
import errno, select, socket, struct, time
def errors(s, n):
    poll = select.poll()
    poll.register(s, 0)
    for _ in range(n):
        poll.poll(5000)
        end = time.monotonic() + 5
        while True:
            try:
                data, control, flags, name = s.recvmsg(2000, 512, socket.MSG_ERRQUEUE)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        for level, kind, value in control:
            number, origin, type, code, _, info, _ = struct.unpack("IBBBBII", value[:16])
            print(level, kind, errno.errorcode[number], origin, type, code, info, socket.inet_ntoa(value[20:24]), end=" ")
        print(data, flags & socket.MSG_ERRQUEUE != 0, name)
def attempt(f, *arguments):
    try:
        print(f(*arguments))
    except OSError as e:
        print(errno.errorcode.get(e.errno, e))
for connected in (True, False):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.setsockopt(0, 11, 1)  # IP_RECVERR
    def send(data):
        return s.send(data) if connected else s.sendto(data, ("{FAR}", 9))
    if connected:
        s.connect(("{FAR}", 9))
    attempt(send, b"nobody is there")
    attempt(s.recv, 10)
    errors(s, 1)
    s.setblocking(False)
    attempt(s.recvmsg, 10, 512, socket.MSG_ERRQUEUE)
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    # Off again: nothing is queued.
    s.setsockopt(0, 11, 0)
    attempt(send, b"again")
    time.sleep(0.2)
    attempt(s.recvmsg, 10, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
# As traceroute does: the first router says that it gave up.
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.setsockopt(0, 11, 1)
for ttl in (1, 64, 1):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    s.sendto(b"%d hops" % ttl, ("203.0.113.9", 33434))
    if ttl == 1: errors(s, 1)
    try:
        s.setblocking(False)
        s.recv(1)
    except OSError:
        s.settimeout(5)
"""
    on_host = subprocess.run([*PYTHON, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    print(on_host.stdout, on_host.stderr)
    expect(on_host.returncode == 0 and on_host.stdout.count("EHOSTUNREACH 2 11 0") >= 2, "the host has no such errors")
    expect(inside(script, limit=60) == on_host.stdout, "other errors than on the host")
    # Whoever has not asked for it hears as before.
    expect(inside(f"""
import socket, errno
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("{FAR}", 9))
s.send(b"x")
try: s.recv(1)
except OSError as e: print(errno.errorcode[e.errno])
""") == "ECONNREFUSED\n", "no error")


def half_open():
    """Peers that vanish without a word: keep-alive and TCP_USER_TIMEOUT find out (ETIMEDOUT), for connections out and in; others are not affected."""
    far_host()
    # What nobody answers any more must not look like a neighbour that is gone.
    hardware = subprocess.run(["ip", "netns", "exec", "far", "cat", "/sys/class/net/far9/address"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    subprocess.run(["ip", "neigh", "replace", FAR, "lladdr", hardware, "dev", "eth9", "nud", "permanent"], check=True)
    server = subprocess.Popen(["ip", "netns", "exec", "far", "python3", "-c", """
import socket, threading, time
server = socket.create_server(("", 80))
print("ready", flush=True)
kept = []
for i in range(3): kept.append(server.accept())
while True:
    try:
        c = socket.create_connection(("%s", 8080))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
c.sendall(b"x")
print("connected", flush=True)
time.sleep(100)
""" % OWN], stdout=subprocess.PIPE)
    expect(server.stdout.readline() == b"ready\n", "no server")
    here = TcpServer(echo)
    script = f"""
import errno, socket, threading, time
idle, written, patient = [socket.create_connection(("{FAR}", 80)) for _ in range(3)]
def keep_alive(s):
    for name, value in (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2)):
        s.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
keep_alive(idle)
TCP_USER_TIMEOUT = 18
written.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1500)
listener = socket.socket()
keep_alive(listener)
listener.bind(("", 80))
listener.listen()
print("ready", flush=True)
accepted = listener.accept()[0]
accepted.recv(1)
fine = socket.create_connection(("{GATEWAY}", {here.port}))
print("cut", flush=True)
fine.recv(2)
fine.send(b"go")
def end_of(name, s):
    start = time.monotonic()
    if s is written: s.send(b"never acknowledged")
    try: how = s.recv(1)
    except OSError as e: how = errno.errorcode[e.errno]
    took = time.monotonic() - start
    results[name] = (how, 0.5 < took < 15)
    print(name, how, took, flush=True)
results = {{}}
threads = [threading.Thread(target=end_of, args=one) for one in (("idle", idle), ("written", written), ("accepted", accepted))]
[t.start() for t in threads]
rounds = 0
while any(t.is_alive() for t in threads):
    fine.send(b"fine")
    assert fine.recv(10)
    rounds += 1
    time.sleep(0.05)
print(results["idle"], results["written"], results["accepted"], rounds > 10)
patient.settimeout(0.2)
try: patient.recv(1)
except TimeoutError: print("the patient one still waits", flush=True)
"""
    cut = threading.Event()

    def serve(connection):
        cut.wait(30)
        connection.sendall(b"go")
        echo(connection)
    here.function = serve
    with running([*PYTHON, script], "-p", f"{OWN}:8080:80", "--allow", f"127.0.0.1:{here.port}", "--allow", FAR) as box:
        wait_until(lambda: b"cut\n" in box.lines or box.poll() is not None, "the connections are not there")
        # Nothing that the far host says comes through from now on: no acknowledgement, FIN or reset.
        subprocess.run(["ip", "-n", "far", "route", "add", "blackhole", OWN], check=True)
        cut.set()
        wait_until(lambda: box.poll() is not None, "it has not ended", 40)
        text = b"".join(box.lines).decode()
        late = "('ETIMEDOUT', True)"
        expect(f"{late} {late} {late} True\nthe patient one still waits" in text, "not as it should be")
    server.kill()
    server.wait()


def slow_peers():
    """A peer that never reads holds up itself only; one that is killed in the middle leaves nothing behind."""
    with running([*PYTHON, ECHO_SERVER, "80"], "-p", "127.0.0.1:8080:80"):
        stuck = [connect(8080) for _ in range(5)]
        for s in stuck:
            s.setblocking(False)
            try:
                while True:
                    s.send(b"x" * 65536)
            except BlockingIOError:
                pass
        for i in range(50):
            with connect(8080) as s:
                s.sendall(b"%d" % i)
                expect(s.recv(10) == b"%d" % i, "another connection is affected")
        for s in stuck:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        with connect(8080) as s:
            s.sendall(b"still")
            expect(s.recv(10) == b"still", "not served any more")


def few_descriptors():
    """The monitor under descriptor exhaustion: connections wait, none is lost, and when there is room they are served."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (150, 150))
    try:
        box = running([*PYTHON, ECHO_SERVER, "80"], "-p", "127.0.0.1:8080:80")
        box.__enter__()
    finally:
        pass
    children = []
    try:
        # Others hold more connections than the monitor can have descriptors.
        script = """
import socket, sys, time
all = []
for i in range(60):
    s = socket.create_connection(("127.0.0.1", 8080), 10)
    s.sendall(b"x")
    all.append(s)
time.sleep(2)
n = 0
for s in all:
    s.settimeout(0.2)
    try: n += s.recv(1) == b"x"
    except OSError: pass
print(n)
for s in all: s.close()
"""
        children = [subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE) for _ in range(3)]
        counts = [int(child.communicate(timeout=60)[0]) for child in children]
        print("served at once:", counts)
        expect(0 < sum(counts), "nobody was served")

        def served():
            try:
                with connect(8080, limit=3) as s:
                    s.sendall(b"y")
                    return s.recv(1) == b"y"
            except OSError:
                return False
        wait_until(served, "the port does not come back", 30)
    finally:
        box.__exit__(None, None, None)


# ---- attacks ----

def attack_with(*options, names=None):
    caught = []

    def take(connection):
        caught.append(("TCP", connection.getpeername()))

    tcp = TcpServer(take)
    udp = UdpServer(lambda data: caught.append(("UDP", data)), port=tcp.port)
    abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    abstract.bind(b"\0linuxd-attack")
    abstract.listen()
    abstract.setblocking(False)
    server = NameServer({"rebind.test": [[FAR], ["127.0.0.1", OWN]], "loop.test": [["127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"]],
                         "localhost.test": [[OWN, OWN6, "169.254.169.254"]], "deny.test": [[OWN]]})
    result = run(["/bin/outside", str(udp.port), "linuxd-attack", OWN, OWN6], "--dns", server.option, *options, limit=100)
    expect(result.output.endswith("end\n") and result.status == 0, "the program did not come to its end")
    time.sleep(0.2)
    expect(not caught, f"it got out: {caught[:4]}")
    try:
        abstract.accept()
        raise Failure("it reached an abstract socket of the host")
    except BlockingIOError:
        pass
    expect("refused:" in result.error, "no reason was given")
    return result


def attack_filtered():
    program("outside", os.path.join(SOURCE, "tests/security/outside.c"))
    result = attack_with("--allow", "rebind.test", "--allow", "loop.test", "--allow", "localhost.test")
    expect(result.output.count(f"name rebind.test is {FAR}") >= 2 and "name loop.test: resolved" not in result.output, "names were not pinned")


def attack_default():
    program("outside", os.path.join(SOURCE, "tests/security/outside.c"))
    attack_with("--deny", "192.0.2.0/24", "--deny", "10.0.0.0/8", "--deny", "deny.test")


def attack_everything_allowed():
    program("outside", os.path.join(SOURCE, "tests/security/outside.c"))
    attack_with("--network", "filtered", "--allow", "*", "--deny", "192.0.2.0/24", "--allow", "0.0.0.0/0")


def attack_host_network():
    program("outside", os.path.join(SOURCE, "tests/security/outside.c"))
    attack_with("--network", "host", "--allow", "rebind.test", "--allow", "loop.test", "--allow", "localhost.test")


def attack_raw():
    """Host calls of a program that has taken over the kernel: none names a destination, and the monitor outlives the rest."""
    program("outside", os.path.join(SOURCE, "tests/security/outside.c"))
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", os.path.join(BUILD, "kernel/linuxd-kernel.elf")], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    gadget = "0x" + re.search(r"^\s*([0-9a-f]+):\s+syscall\b", listing, re.M)[1]
    caught = []
    tcp = TcpServer(lambda connection: caught.append(connection.recv(100)))
    other = UdpServer(caught.append, port=tcp.port)
    allowed = TcpServer(recv_all)
    # What is allowed can be reached; that is the connection that the attack has to work with.
    with running(["/bin/outside", str(allowed.port), "-", "raw", gadget], "--allow", f"127.0.0.1:{allowed.port}", "-p", "127.0.0.1:8080:80", ready=b"end") as box:
        wait_until(lambda: box.poll() is not None, "the monitor goes on without a sandbox", 30)
        failed = [line for line in box.lines if line.startswith(b"FAIL")]
        expect(not failed and any(b"ok socket calls" in line for line in box.lines), f"{failed[:3]}")
    expect(not caught and other.socket, f"it got out: {caught[:3]}")
    expect(refused(8080), "the published port is still taken")


TESTS = [tcp_out, ipv6_out, corked, tcp_errors, many_connections, udp_out, names, files, published, races, nothing_left, listens_late, listening_race, backlog, udp_published, host_network, host_network_policy, namespace, slow_peers, error_queue, half_open,
         few_descriptors, attack_filtered, attack_default, attack_everything_allowed, attack_host_network,
         attack_raw]

if __name__ == "__main__":
    main({test.__name__: test for test in TESTS})
