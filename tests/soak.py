#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make soak: mixed load in one container for a long time, without a leak.

usage: tests/soak.py [--build DIR] [--seconds N]

A container runs rounds of work (processes, threads, pipes, sockets, files, mappings, signals, compressors). After each round it is quiet for a
moment; the container's host processes, host descriptors, and kernel memory are then what they were after the first rounds. Exit status 1
if they grow, if a round fails, or if the container ends.
"""
import argparse
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

ROUND = r"""
cd /tmp || exit 1
while read -r go; do
	(for i in $(seq 1 60); do seq 1 2000 | sort -rn | tail -1; done >/dev/null || echo FAIL sort) &
	(tar c /etc 2>/dev/null | xz -0 | xz -dc | tar t >/dev/null || echo FAIL tar) &
	(for i in $(seq 1 100); do echo $i >s$i; ln -s s$i l$i; mv s$i t$i; rm l$i t$i; done || echo FAIL files) &
	(python3 -c '
import os, socket, mmap, threading, signal, select, multiprocessing, sqlite3
def t():
    a, b = socket.socketpair(); a.sendall(b"x" * 50000) if 0 else a.send(b"x" * 5000); b.recv(9000); a.close(); b.close()
for i in range(10):
    ts = [threading.Thread(target=t) for _ in range(20)]; [x.start() for x in ts]; [x.join() for x in ts]
for i in range(30):
    m = mmap.mmap(-1, 1 << 20); m[0] = 1
    if os.fork() == 0: m[1] = 2; os._exit(0)
    os.wait(); m.close()
ps = [os.pipe() for _ in range(200)]; e = select.epoll()
for r, w in ps: e.register(r); os.write(w, b"x")
assert len(e.poll(1, 500)) == 200
with multiprocessing.Pool(3) as p: assert sum(p.map(abs, range(-100, 0))) == 5050
db = sqlite3.connect("/tmp/soak.db"); db.execute("create table if not exists t(a)"); db.executemany("insert into t values(?)", [(i,) for i in range(500)]); db.commit(); db.close(); os.unlink("/tmp/soak.db")
' || echo FAIL python) &
	(for i in $(seq 1 10); do sleep 50 & pid=$!; kill -9 $pid; done; wait) 2>/dev/null &
	wait
	sync
	rm -rf /tmp/* 2>/dev/null
	echo "used $(awk '/^MemTotal/ { t = $2 } /^MemFree/ { f = $2 } END { print t - f }' /proc/meminfo) tasks $(ls -d /proc/[0-9]* | wc -l)"
done
"""


def tree(pid):
    pids, queue = [], [pid]
    while queue:
        at = queue.pop()
        pids.append(at)
        try:
            for task in os.listdir(f"/proc/{at}/task"):
                with open(f"/proc/{at}/task/{task}/children") as f:
                    queue += [int(child) for child in f.read().split()]
        except OSError:
            pass
    return pids


def measure(pid):
    """Host processes, host descriptors, and proportional set size in KiB of the whole container."""
    processes = descriptors = pss = 0
    for at in tree(pid):
        try:
            descriptors = max(descriptors, len(os.listdir(f"/proc/{at}/fd")))
            with open(f"/proc/{at}/smaps_rollup") as f:
                pss += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
            processes += 1
        except (OSError, StopIteration):
            pass
    return processes, descriptors, pss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=3600)
    options = parser.parse_args()
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    rootfs = subprocess.run([os.path.join(source, "tools/make_rootfs.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    container = subprocess.Popen([os.path.join(options.build, "linuxd"), "run", "--rootfs", rootfs, "--cpus", "2", "--memory", "1G",
                                  "--tmpfs", "/tmp", "--env", "PATH=/usr/bin:/bin", "--", "/bin/bash", "-c", ROUND],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end, number, start = time.time() + options.seconds, 0, None
    problems = []
    try:
        while time.time() < end:
            container.stdin.write("go\n")
            container.stdin.flush()
            said = ""
            while not said.startswith("used"):
                said = container.stdout.readline()
                if not said:
                    raise RuntimeError(f"the container ended in round {number}")
                if said.startswith("FAIL"):
                    problems.append(f"round {number}: {said.strip()}")
            time.sleep(1)
            words = said.split()
            now = (*measure(container.pid), int(words[1]), int(words[3]))
            number += 1
            if number == 3:
                start = now
            print(f"round {number}: {now[0]} host processes, {now[1]} descriptors, {now[2]} KiB in all, {now[3]} KiB used inside, {now[4]} tasks",
                  flush=True)
        if start:
            for name, first, last, room in zip(("host processes", "host descriptors", "KiB of host memory", "KiB used inside", "tasks"),
                                               start, now, (3, 8, 4096, 2048, 2)):
                if last > first + room:
                    problems.append(f"{name} grew from {first} to {last} in {number} rounds")
    except (RuntimeError, OSError) as error:
        problems.append(str(error))
    finally:
        container.stdin.close()
        try:
            container.wait(timeout=10)
        except subprocess.TimeoutExpired:
            container.kill()
    print("\n".join(problems) or f"{number} rounds, nothing is left")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
