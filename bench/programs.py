# SPDX-License-Identifier: Apache-2.0
"""Rows of make bench about servers with their clients in one container, and about language runtimes that compute (bench/programs)."""
import os
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPTS = os.path.join(SOURCE, "bench/programs")
ROWS = [
    ("redis-get", "redis-benchmark GET, 50 clients: a request", 0.5, "bash /mnt/redis.sh get"),
    ("redis-set", "redis-benchmark SET, 50 clients: a request", 0.5, "bash /mnt/redis.sh set"),
    ("nginx-wrk", "nginx and wrk with 50 connections, 1 KiB: a request", 0.67, "bash /mnt/nginx.sh"),
    ("pgbench", "PostgreSQL and pgbench, select only, 8 clients: a transaction", 0.91, "bash /mnt/pgbench.sh"),
    ("node", "Node.js, computing", 1.03, "node /mnt/cpu.js"),
    ("java", "OpenJDK, computing and collecting garbage, two threads", 1.03, "java -XX:ActiveProcessorCount=2 /mnt/Cpu.java"),
    ("python", "Python, computing", 1.03, "python3 /mnt/cpu.py"),
]


def programs_table(bench, options, show):
    """Lines, how many fall short, how many failed."""
    lines, short, broken = [], 0, 0
    rows = [row for row in ROWS if not options.rows or row[0] in options.rows]
    if not rows:
        return lines, short, broken
    # Nothing is written to it: no copy.
    root = subprocess.run([os.path.join(SOURCE, "tools/make_rootfs.sh"), "programs"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    os.environ["LINUXD_TEST_BINDS"] = f"{SCRIPTS}:/mnt"
    lines += ["", "| programs | native | inside | times native | at most | |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for _, title, limit, command in rows:
        native = bench.native(*command.split(), rootfs=root)
        inside = bench.inside(*command.split(), rootfs=root, options=["--read-only", "--network", "none", "--bind", f"{SCRIPTS}:/mnt:ro"])
        try:
            native, inside, ratio = bench.pairs(lambda: bench.nanoseconds(native), lambda: bench.nanoseconds(inside), options.rounds)
            short += ratio > limit
            verdict = "ok" if ratio <= limit else f"falls short by {ratio / limit:.2f} times"
            lines.append(f"| {title} | {show(native)} | {show(inside)} | {ratio:.3f} | {limit} | {verdict} |")
        except (RuntimeError, subprocess.SubprocessError, ValueError, IndexError) as error:
            lines.append(f"| {title} | | | | {limit} | failed: {error} |")
            broken += 1
        print(lines[-1], flush=True)
    del os.environ["LINUXD_TEST_BINDS"]
    return lines, short, broken
