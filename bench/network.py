# SPDX-License-Identifier: Apache-2.0
"""Rows of make bench about containers and the host: a server inside with its client on the host, and many idle servers at once.

Natively the same server runs on the host. Everything goes over the host's loopback."""
import os
import random
import re
import socket
import statistics
import subprocess
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVERS = 64
MEMORY_LIMIT_MIB = 8
NGINX = """
worker_processes 1;
daemon off;
master_process off;
pid /tmp/nginx-{port}.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000000;
	client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
	server {{ listen {port}; location / {{ root {root}; }} }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def wait_for(port, child, limit=20):
    end = time.monotonic() + limit
    while child.poll() is None and time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError(f"nobody listens (status {child.poll()})")


class Network:
    def __init__(self, bench):
        self.bench = bench

    def of_rootfs(self, root, program):
        """A program of a root file system, on the host: with its own libraries, in no other namespace."""
        libraries = ":".join(os.path.join(root, path) for path in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"))
        return [os.path.join(root, "lib64/ld-linux-x86-64.so.2"), "--library-path", libraries, os.path.join(root, program)]

    def stop(self, child):
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def requests(self, command, port, root):
        """ns for each request, of 50 connections at once."""
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            wait_for(port, child).close()
            done = subprocess.run([*self.of_rootfs(root, "usr/bin/wrk"), "-t1", "-c50", "-d3", f"http://127.0.0.1:{port}/file"], stdout=subprocess.PIPE,
                                  text=True, timeout=60, check=True)
        finally:
            self.stop(child)
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise RuntimeError("wrk saw errors")
        return 1e9 / float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])

    def nginx(self):
        # Nothing is written to it: no copy.
        root = subprocess.run([os.path.join(SOURCE, "tools/make_rootfs.sh"), "programs"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        folder = os.path.join(self.bench.build, "bench-www")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "file"), "wb") as f:
            f.write(os.urandom(1024))
        port, inner = free_port(), 8000
        for name, config in (("native", NGINX.format(port=port, root=folder)), ("inside", NGINX.format(port=inner, root="/mnt"))):
            with open(os.path.join(folder, name), "w") as f:
                f.write(config)
        native = [*self.of_rootfs(root, "usr/sbin/nginx"), "-c", os.path.join(folder, "native"), "-p", "/tmp"]
        inside = self.bench.inside("/usr/sbin/nginx", "-c", "/mnt/inside", "-p", "/tmp", rootfs=root,
                                   options=["--read-only", "--bind", f"{folder}:/mnt:ro", "-p", f"127.0.0.1:{port}:{inner}"])
        return self.bench.pairs(lambda: self.requests(native, port, root), lambda: self.requests(inside, port, root), self.bench.options.rounds)

    def answer_time(self, connections):
        """ns from a byte to its answer, of servers that have slept for a while: median, 99th percentile."""
        times = []
        for _ in range(8):
            random.shuffle(connections)
            for s in connections:
                time.sleep(0.002)
                start = time.monotonic_ns()
                s.send(b"x")
                s.recv(1)
                times.append(time.monotonic_ns() - start)
        times.sort()
        return statistics.median(times), times[len(times) * 99 // 100]

    def pss(self, pid):
        """Of a process and all below it, in KiB."""
        total, queue = 0, [pid]
        while queue:
            at = queue.pop()
            try:
                with open(f"/proc/{at}/smaps_rollup") as f:
                    total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
                for task in os.listdir(f"/proc/{at}/task"):
                    with open(f"/proc/{at}/task/{task}/children") as f:
                        queue += [int(child) for child in f.read().split()]
            except (OSError, StopIteration):
                continue
        return total

    def idle(self, command_of):
        """Memory of each of many idle servers in KiB, and how soon they answer."""
        children, connections = [], []
        try:
            for _ in range(SERVERS):
                port = free_port()
                child = subprocess.Popen(command_of(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
                children.append(child)
                connections.append(wait_for(port, child))
                connections[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            time.sleep(1)
            memory = sum(self.pss(child.pid) for child in children) / SERVERS
            return memory, *self.answer_time(connections)
        finally:
            for s in connections:
                s.close()
            # The first process of a container has no handler for SIGTERM, and is not ended by it.
            for child in children:
                child.kill()
            for child in children:
                child.wait()

    def idle_servers(self):
        program = os.path.join(self.bench.rootfs, "usr/bin/idle_server")
        subprocess.run(["gcc", "-O2", "-static", "-o", program, os.path.join(SOURCE, "bench/idle_server.c")], check=True)
        native = self.idle(lambda port: [program, str(port)])
        inside = self.idle(lambda port: self.bench.inside("/usr/bin/idle_server", "80", options=["-p", f"127.0.0.1:{port}:80"]))
        return native, inside


def network_table(bench, options, show):
    """Lines, how many fall short, how many failed."""
    network, lines, short, broken = Network(bench), [], 0, 0

    def put(line):
        if not lines:
            lines.extend(["", "| between container and host | native | inside | times native | at most | |", "|---|---|---|---|---|---|"])
            print("\n".join(lines), flush=True)
        lines.append(line)
        print(line, flush=True)

    if not options.rows or "nginx-host" in options.rows:
        title, limit = "nginx inside, wrk with 50 connections on the host, 1 KiB: a request", round(1 / 0.7, 2)
        try:
            native, inside, ratio = network.nginx()
            short += ratio > limit
            put(f"| {title} | {show(native)} | {show(inside)} | {ratio:.3f} | {limit} | {'ok' if ratio <= limit else f'falls short by {ratio / limit:.2f} times'} |")
        except (OSError, RuntimeError, subprocess.SubprocessError, ValueError, TypeError) as error:
            put(f"| {title} | | | | {limit} | failed: {error} |")
            broken += 1
    if not options.rows or "idle-servers" in options.rows:
        title = f"{SERVERS} idle servers, each in a sandbox"
        try:
            native, inside = network.idle_servers()
            extra = (inside[0] - native[0]) / 1024
            short += extra > MEMORY_LIMIT_MIB
            put(f"| {title}: memory of each beyond the program's own (PSS) | | {extra:.2f} MiB | | {MEMORY_LIMIT_MIB} MiB | "
                f"{'ok' if extra <= MEMORY_LIMIT_MIB else 'falls short'} |")
            put(f"| {title}: a byte and its answer, median | {show(native[1])} | {show(inside[1])} | {inside[1] / native[1]:.3f} | | |")
            put(f"| {title}: the same, 99th percentile | {show(native[2])} | {show(inside[2])} | {inside[2] / native[2]:.3f} | | |")
        except (OSError, RuntimeError, subprocess.SubprocessError, ValueError) as error:
            put(f"| {title} | | | | | failed: {error} |")
            broken += 1
    return lines, short, broken
