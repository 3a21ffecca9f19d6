#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: each row natively and inside linuxd, alternately; median of the pairs, ratio, and the limit it should keep.

usage: bench/run.py [--build DIR] [--rounds N] [--dynamic] [--cpus N] [--readme] [ROW]...

Native is the host's kernel in the same root file system (namespaces and chroot, tests/oracle.sh); for the whole command it is
`runc run`. Both sides run the same binaries. Writes the table also to BUILD/bench.md, and with --readme into README.md.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from network import network_table
from programs import programs_table

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH_ROWS = [
    ("getppid", "getppid", 0.06),
    ("clock_gettime", "clock_gettime through the vDSO", 1.3),
    ("pipe", "pipe write+read, 64 B", 0.3),
    ("unix", "UNIX stream write+read, 64 B", 0.15),
    ("tcp", "TCP loopback write+read, 64 B", 0.15),
    ("tcp-request", "TCP loopback request/response 64 B, two processes", 0.33),
    ("tcp-connection", "TCP loopback connect+accept+close", 0.33),
    ("epoll", "eventfd ready in epoll_wait", 0.2),
    ("stat", "stat, cached", 0.35),
    ("open", "open+close, cached", 0.6),
    ("pread", "pread 64 B, hostfs, in page cache", 1.3),
    ("create", "create+write+unlink on tmpfs", 0.6),
    ("mmap", "mmap, touch, munmap 64 KiB", 1.15),
    ("pingpong-threads", "pipe ping-pong between two threads", 0.02),
    ("pingpong-processes", "pipe ping-pong between two processes", 0.25),
    ("pthread", "pthread create+join", 0.06),
    ("fork", "fork+exit+wait", 1.2),
    ("exec", "vfork+exec /bin/true+wait", 0.7),
]
SCRIPT_ROWS = [
    ("bash", "bash running /bin/true 300 times", 1.0),
    ("gcc", "gcc -O2 of one 5,000-line file", 1.05),
]
# tests/integration/erlang/NAME.erl, benchmark/0, in a root file system with Erlang.
ERLANG_ROWS = [
    ("erlang-ring", "Erlang: a hop in a ring of 10,000 processes", 1.1),
    ("erlang-messages", "Erlang: a message, ping-pong and all to one", 1.1),
]
# Not against the host: the first column is linuxd with 10 idle connections.
IDLE = ("epoll-idle", "epoll with 10,000 idle connections and one active (against: 10 idle)", 1.05)
# Not against the host: the first column is linuxd without recording.
TRACED = ("gcc-traced", "gcc inside, while everything is recorded (against: not recorded)", 1.05)
# create, start and delete --force of /bin/true, against runc. 100 in sequence or 100 in groups of 8; cold: what the runtime and the program consist of
# is not in the page cache, and the runtime has nothing that it has kept from before (compiled filters).
OCI_ROWS = [("oci-native", "OCI: create, start, delete of /bin/true, native mode, 100 in sequence (against runc)", 0.12),
            ("oci-native-8", "the same, 8 at a time", 0.12),
            ("oci-native-cold", "the same in sequence, cold", 0.12),
            ("oci-native-cold-8", "the same 8 at a time, cold", 0.12),
            ("oci-native-floor", "the host calls and executions that this cannot do without (bench/native_floor.c, against runc)", None),
            ("oci-native-order", "the same: steps side by side (against: one after the other, LINUXD_BOOT=sequential)", 1.0),
            ("oci-sandbox", "OCI: create, start, delete of /bin/true, sandbox mode (against runc)", 0.2)]
# Not against the host: the first column is one step after the other (LINUXD_BOOT=sequential).
SEQUENTIAL = ("run-order", "the same, its steps side by side (against: one after the other)", 1.0)
WHOLE = ("run", "`linuxd run --rootfs D -- /bin/true`, whole command", 0.25)
MEMORY_LIMIT_MIB = 8
# How well cpus are shared (bench/sched.c). Ten seconds each; natively for comparison only.
SCHED_ROWS = [
    ("latency", "wakes every 5 ms beside two spinners per cpu: starts late by (99th percentile)", "ns", 1e6),
    ("fair", "two spinners per cpu: CPU time off the mean by", "%", 2),
    ("fair-odd", "one spinner more than cpus: CPU time off the mean by", "%", 2),
    ("nice", "nice 0 against nice 5 on one cpu: off 1024:335 by", "%", 5),
    ("rt", "SCHED_FIFO spinner beside an ordinary one: has of the cpu", "%", 95.5),
    ("deadline", "8 ms of work, reservation 10 ms every 100 ms, beside three spinners per cpu: misses of 100", "", 0),
]
ENVIRONMENT = dict(os.environ)


def c_program(lines):
    """A C file of about `lines` lines that keeps an optimiser busy as ordinary code does."""
    out = ["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>", "struct node { struct node *next; int key; char name[16]; };"]
    number = 0
    while len(out) < lines - 12:
        n = number
        number += 1
        out += [f"static int work_{n}(struct node *list, int limit)", "{", f"\tint sum = {n};",
                "\tfor (struct node *at = list; at && sum < limit; at = at->next) {",
                f"\t\tif (at->key % {n % 17 + 2} == 0)", "\t\t\tsum += at->key * (int)strlen(at->name);", "\t\telse",
                f"\t\t\tsum ^= at->key << {n % 7};", "\t}", f"\tif (sum > {n * 3})",
                f"\t\tprintf(\"%d %s\\n\", sum, list ? list->name : \"none\");", "\treturn sum;", "}"]
    out += ["int main(int argc, char **argv)", "{", "\tstruct node *list = calloc(1, sizeof(*list));", "\tint sum = 0;", "\tlist->key = argc;"]
    out += [f"\tsum += work_{n}(list, 1000);" for n in range(number)] + ["\treturn sum;", "}"]
    return "\n".join(out) + "\n"


def timed_script(name):
    """Shell code that prints the milliseconds the row takes."""
    work = {"bash": "for i in {1..300}; do /bin/true; done",
            "gcc": "gcc -O2 -c -o /tmp/big.o /bench-dir/big.c"}[name]
    return f"start=$(date +%s%N); {work}; end=$(date +%s%N); echo $((end - start))"


class Bench:
    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.linuxd = os.path.join(self.build, "linuxd")
        self.options = options
        self.rootfs = self.make_rootfs("debian", "bench-root")
        self.erlang_rootfs = None
        os.makedirs(os.path.join(self.rootfs, "bench-dir"), exist_ok=True)
        with open(os.path.join(self.rootfs, "bench-dir/big.c"), "w") as f:
            f.write(c_program(5000))
        link = [] if options.dynamic else ["-static"]
        for program in ("bench", "sched"):
            subprocess.run(["gcc", "-O2", *link, "-o", os.path.join(self.rootfs, "usr/bin", program),
                            os.path.join(SOURCE, "bench", program + ".c"), "-lpthread"], check=True)

    def make_rootfs(self, variant, name):
        base = subprocess.run([os.path.join(SOURCE, "tools/make_rootfs.sh"), variant], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        rootfs = os.path.join(self.build, name)
        if not os.path.exists(rootfs + ".ready"):
            shutil.rmtree(rootfs, ignore_errors=True)
            subprocess.run(["cp", "-a", "--reflink=auto", base, rootfs], check=True)
            open(rootfs + ".ready", "w").close()
        return rootfs

    def inside(self, *command, rootfs=None, options=()):
        return [self.linuxd, "run", *options, "--rootfs", rootfs or self.rootfs, "--cpus", str(self.options.cpus), "--tmpfs", "/tmp", "--env", "HOME=/root", "--",
                *command]

    def native(self, *command, rootfs=None):
        return [os.path.join(SOURCE, "tests/oracle.sh"), rootfs or self.rootfs, *command]

    @staticmethod
    def nanoseconds(command, timeout=300):
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=timeout, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"status {result.returncode}: {result.stderr.strip()[-200:]}")
        return float(result.stdout.split()[-1])

    @staticmethod
    def wall(command):
        start = time.monotonic_ns()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True, timeout=60)
        return time.monotonic_ns() - start

    def pairs(self, measure_native, measure_inside, rounds):
        native, inside = [], []
        for _ in range(rounds):
            native.append(measure_native())
            inside.append(measure_inside())
        return statistics.median(native), statistics.median(inside), statistics.median(b / a for a, b in zip(native, inside))

    def erlang(self, name):
        """Compiles the program on the host, runs it with as many schedulers as there are cpus."""
        if not self.erlang_rootfs:
            root = self.make_rootfs("erlang", "bench-erlang-root")
            for program in ("ring", "messages"):
                shutil.copy(os.path.join(SOURCE, "tests/integration/erlang", program + ".erl"), os.path.join(root, "root"))
                subprocess.run(self.native("erlc", "-o", "/root", f"/root/{program}.erl", rootfs=root), check=True)
            self.erlang_rootfs = root
        schedulers = f"{self.options.cpus}:{self.options.cpus}"
        command = ["erl", "+S", schedulers, "-noshell", "-noinput", "-pa", "/root", "-s", name, "benchmark", "-s", "erlang", "halt"]
        return self.pairs(lambda: self.nanoseconds(self.native(*command, rootfs=self.erlang_rootfs)),
                          lambda: self.nanoseconds(self.inside(*command, rootfs=self.erlang_rootfs)), self.options.rounds)

    def row(self, name):
        if name.startswith("erlang-"):
            return self.erlang(name[len("erlang-"):])
        if name in ("bash", "gcc"):
            command = ["/bin/bash", "-c", timed_script(name)]
        else:
            command = ["/usr/bin/bench", name]
        return self.pairs(lambda: self.nanoseconds(self.native(*command)), lambda: self.nanoseconds(self.inside(*command)), self.options.rounds)

    def traced(self):
        command, trace = ["/bin/bash", "-c", timed_script("gcc")], os.path.join(self.build, "bench-trace.txt")
        return self.pairs(lambda: self.nanoseconds(self.inside(*command)),
                          lambda: self.nanoseconds(self.inside(*command, options=["--trace", trace])), self.options.rounds)

    def idle(self):
        return self.pairs(lambda: self.nanoseconds(self.inside("/usr/bin/bench", "epoll-idle-10")),
                          lambda: self.nanoseconds(self.inside("/usr/bin/bench", "epoll-idle-10000")), self.options.rounds)

    def runc_bundle(self):
        bundle = os.path.join(self.build, "bench-bundle")
        os.makedirs(bundle, exist_ok=True)
        config = os.path.join(bundle, "config.json")
        if os.path.exists(config):
            os.unlink(config)
        subprocess.run(["runc", "spec", *([] if os.getuid() == 0 else ["--rootless"])], cwd=bundle, check=True)
        with open(config) as f:
            spec = json.load(f)
        spec["process"]["terminal"] = False
        spec["process"]["args"] = ["/bin/true"]
        spec["root"] = {"path": self.rootfs, "readonly": False}
        with open(config, "w") as f:
            json.dump(spec, f)
        return bundle

    def whole(self):
        bundle = self.runc_bundle()
        native = ["runc", "run", "--bundle", bundle, f"linuxd-bench-{os.getpid()}"]
        return self.pairs(lambda: self.wall(native), lambda: self.wall(self.inside("/bin/true")), self.options.rounds * 3)

    def order(self):
        command = self.inside("/bin/true")
        return self.pairs(lambda: self.wall(["env", "LINUXD_BOOT=sequential", *command]), lambda: self.wall(["env", "LINUXD_BOOT=any", *command]),
                          self.options.rounds * 6)

    def state_directory(self):
        """In memory if possible, as /run is on ordinary hosts: the disk's discards are no part of a runtime's speed."""
        with open("/proc/mounts") as f:
            in_memory = any(line.split()[1:3] == ["/dev/shm", "tmpfs"] for line in f)
        return tempfile.mkdtemp(prefix="linuxd-bench-", dir="/dev/shm" if in_memory else self.build)

    def make_cold(self, state):
        """Of the files that a start reads, what is in the page cache and not in use goes; nobody else's does."""
        shutil.rmtree(os.path.join(state, "linuxd"), ignore_errors=True)
        libraries = os.path.join(self.rootfs, "lib/x86_64-linux-gnu")
        for path in (self.linuxd, shutil.which("runc"), os.path.join(self.rootfs, "bin/true"), os.path.join(self.rootfs, "etc/passwd"),
                     os.path.join(self.rootfs, "etc/ld.so.cache"), os.path.join(libraries, "libc.so.6"), os.path.join(libraries, "ld-linux-x86-64.so.2")):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)

    def oci(self, name):
        """create, start and delete --force by a shell, which costs both sides the same."""
        bundle, state = self.runc_bundle(), self.state_directory()
        at_once = 8 if name.endswith("-8") else 1
        mode = "sandbox" if "sandbox" in name else "native"
        linuxd, runc = f"{self.linuxd} --root {state}/linuxd --mode {mode}", f"runc --root {state}/runc"

        def script(runtime):
            one = f"{runtime} create --bundle {bundle} $1 && {runtime} start $1 && {runtime} delete --force $1"
            calls = "for i in 1 2 3 4 5 6 7 8; do (one bench-$$-$i) & done; wait" if at_once == 8 else "one bench-$$-0"
            return ["sh", "-c", f"one() {{ {one}; }}; {calls}"]

        def measure(runtime):
            if "cold" in name:
                self.make_cold(state)
            return self.wall(script(runtime)) / at_once

        first, second = lambda: measure(runc), lambda: measure(linuxd)
        if name.endswith("-order"):
            first = lambda: measure("LINUXD_BOOT=sequential " + linuxd)
        elif name.endswith("-floor"):
            program = os.path.join(self.build, "native-floor")
            subprocess.run(["gcc", "-O2", "-static", "-o", program, os.path.join(SOURCE, "bench/native_floor.c")], check=True)
            second = lambda: self.nanoseconds([program, self.rootfs, state, "1"])
        try:
            return self.pairs(first, second, self.options.rounds * 20 // at_once)
        finally:
            shutil.rmtree(state, ignore_errors=True)

    def memory(self):
        """Proportional set size of all host processes of a container that sleeps, beyond the program's own, in KiB."""
        def pss(pid):
            with open(f"/proc/{pid}/smaps_rollup") as f:
                return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))

        def tree(pid):
            pids, queue = [], [pid]
            while queue:
                at = queue.pop()
                pids.append(at)
                for task in os.listdir(f"/proc/{at}/task"):
                    with open(f"/proc/{at}/task/{task}/children") as f:
                        queue += [int(child) for child in f.read().split()]
            return pids

        def total(command, only_last):
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            try:
                time.sleep(2)
                pids = tree(child.pid)
                return pss(pids[-1]) if only_last else sum(pss(pid) for pid in pids)
            finally:
                child.terminate()
                child.wait(timeout=20)
        program = total([os.path.join(self.rootfs, "bin/sleep"), "20"], True)
        return total(self.inside("/bin/sleep", "20"), False) - program


def show(value):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} ns"


def sched_table(bench, options):
    """The second table: one run natively, and the median of several inside."""
    def value(number, unit):
        return show(number) if unit == "ns" else f"{number:.3g}{' ' + unit if unit else ''}"

    lines, short, broken = [], 0, 0
    for name, title, unit, limit in SCHED_ROWS:
        if options.rows and name not in options.rows:
            continue
        try:
            native = bench.nanoseconds(bench.native("/usr/bin/sched", name))
            inside = statistics.median(bench.nanoseconds(bench.inside("/usr/bin/sched", name)) for _ in range(min(options.rounds, 3)))
        except (RuntimeError, subprocess.SubprocessError, ValueError, IndexError) as error:
            lines.append(f"| {title} | | | {value(limit, unit)} | failed: {error} |")
            broken += 1
        else:
            short += inside > limit
            lines.append(f"| {title} | {value(native, unit)} | {value(inside, unit)} | {value(limit, unit)} | {'ok' if inside <= limit else 'falls short'} |")
        if len(lines) == 1:
            lines[:0] = ["", "| scheduling | native | inside | at most | |", "|---|---|---|---|---|"]
            print("\n".join(lines), flush=True)
        else:
            print(lines[-1], flush=True)
    return lines, short, broken


def write_readme(lines, options):
    path = os.path.join(SOURCE, "README.md")
    with open(path) as f:
        text = f.read()
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "an unknown processor")
    load = os.getloadavg()[0]
    note = f"Measured on {os.cpu_count()} cpus of {model}, Linux {os.uname().release}, `--cpus {options.cpus}`, median of {options.rounds} pairs"
    commit = subprocess.run(["git", "-C", SOURCE, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, text=True).stdout.strip()
    note += f", at commit {commit}" if commit else ""
    note += f"; the machine was not quiet (load average {load:.1f})." if load > 2.5 else "."
    start, end = "<!-- bench:start -->", "<!-- bench:end -->"
    before, after = text.split(start)[0], text.split(end)[1]
    with open(path, "w") as f:
        f.write(before + start + "\n" + note + "\n\n" + "\n".join(lines) + "\n" + end + after)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("rows", nargs="*")
    options = parser.parse_args()
    bench = Bench(options)
    lines, short, broken = [], 0, 0

    def put(line):
        print(line, flush=True)
        lines.append(line)

    put("| row | native | inside | times native | at most | |")
    put("|---|---|---|---|---|---|")
    for name, title, limit in BENCH_ROWS + SCRIPT_ROWS + ERLANG_ROWS + [IDLE, TRACED, WHOLE, SEQUENTIAL] + OCI_ROWS:
        if options.rows and name not in options.rows:
            continue
        try:
            if (name == "run" or name.startswith("oci-")) and not shutil.which("runc"):
                put(f"| {title} | | | | {limit} | runc is not installed |")
                continue
            special = {"run": bench.whole, "run-order": bench.order, "gcc-traced": bench.traced, "epoll-idle": bench.idle,
                       **{row[0]: lambda name=row[0]: bench.oci(name) for row in OCI_ROWS}}
            native, inside, ratio = special[name]() if name in special else bench.row(name)
        except (RuntimeError, subprocess.SubprocessError, ValueError, IndexError) as error:
            put(f"| {title} | | | | {limit} | failed: {error} |")
            broken += 1
            continue
        verdict = "" if limit is None else "ok" if ratio <= limit else f"falls short by {ratio / limit:.2f} times"
        short += limit is not None and ratio > limit
        put(f"| {title} | {show(native)} | {show(inside)} | {ratio:.3f} | {limit or ''} | {verdict} |")
    if not options.rows or "memory" in options.rows:
        try:
            extra = bench.memory() / 1024
            put(f"| memory beyond the program's own (PSS) | | {extra:.1f} MiB | | {MEMORY_LIMIT_MIB} MiB | "
                f"{'ok' if extra <= MEMORY_LIMIT_MIB else 'falls short'} |")
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            put(f"| memory beyond the program's own (PSS) | | | | {MEMORY_LIMIT_MIB} MiB | failed: {error} |")
            broken += 1
    for more, more_short, more_broken in (programs_table(bench, options, show), network_table(bench, options, show), sched_table(bench, options)):
        lines += more
        short += more_short
        broken += more_broken
    print(f"\n{short} rows fall short, {broken} failed")
    with open(os.path.join(bench.build, "bench.md"), "w") as f:
        f.write("\n".join(lines) + "\n")
    if options.readme:
        write_readme(lines, options)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
