# SPDX-License-Identifier: Apache-2.0
"""linuxd run --deterministic: the same seed gives the same system calls and the same output, every time; docs/deterministic.md."""
import os
import shutil
import subprocess
import time

from run import Failure
from .command import expect
from .integration import make_rootfs

PYTHON = """
import os, random, threading, time
lines = []
def work(n):
    for i in range(15):
        time.sleep(random.random() / 100)
        lines.append((n, i, time.monotonic()))
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(lines, hash("a"), set("hello"), time.time(), time.process_time(), os.urandom(4))
"""
SHELL = """
for i in 1 2 3; do (echo $RANDOM $i; sleep 0.1; date +%s.%N) & done; wait
ls /usr/bin | sort | head -50 | md5sum; cat /proc/uptime /proc/loadavg /proc/sys/kernel/random/uuid; head -c 9 /dev/urandom | od -x; echo $$ $!
"""


def deterministic(context):
    roots = []

    def debian():
        if not roots:
            roots.append(make_rootfs(context))
        return roots[0]

    def once(root, seed, command, options, stdin):
        trace = context.out("deterministic", "trace")
        result = context.run([context.linuxd, "run", "--deterministic", str(seed), f"--strace={trace}", *options, "--rootfs", root, *command],
                             timeout=400, stdin=stdin)
        with open(trace, "rb") as file:
            return result.status, result.output, file.read()

    def same(root, command, options=("--read-only", "--tmpfs", "/tmp"), seed=1, times=2, stdin=None):
        """The status, the output and the trace of several runs, which are all the same."""
        first = once(root, seed, command, options, stdin)
        expect(len(first[2]) > 100, "there is no trace")
        for _ in range(times - 1):
            again = once(root, seed, command, options, stdin)
            if again != first:
                pairs = zip(first[2].split(b"\n"), again[2].split(b"\n"))
                where = next(((n, a, b) for n, (a, b) in enumerate(pairs, 1) if a != b), "at the end")
                raise Failure(f"seed {seed}: the runs differ: status {first[0]}, {again[0]}; first line of the trace that differs: {where}")
        return first

    def shell():
        status, output, _ = same(debian(), ["/bin/bash", "-c", SHELL])
        expect(status == 0 and b"1893456" in output, f"not the virtual date: {output}")

    def python_threads():
        root = debian()
        results = [same(root, ["python3", "-c", PYTHON], seed=seed) for seed in (1, 2)]
        expect(all(status == 0 for status, _, _ in results), f"it fails: {results[0][1]}")
        expect(results[0][1] != results[1][1], "two seeds give the same")

    def perl():
        script = 'for (1..4) { if (!fork) { select undef, undef, undef, rand; print "$_ $$ ", rand, " ", time, "\\n"; exit } } 1 while wait > 0'
        status, output, _ = same(debian(), ["perl", "-e", "$| = 1;" + script])
        expect(status == 0 and output.count(b"\n") == 4, f"{status}: {output}")

    def erlang():
        """The ring of 10,000 processes and the crypto library, in a BEAM with one scheduler and with several."""
        root = make_rootfs(context, "erlang")
        options = ["--read-only", "--tmpfs", "/tmp", "--bind", context.path("tests/integration/erlang") + ":/mnt:ro"]
        for flags in ("+S 1", "+S 4:4"):
            script = (f"cd /tmp && erlc /mnt/ring.erl && erl {flags} -noshell -s ring main -eval 'crypto:start(), "
                      "io:format(\"~p ~p ~p~n\", [crypto:strong_rand_bytes(8), erlang:system_time(), make_ref()])' -s erlang halt")
            status, output, _ = same(root, ["/bin/sh", "-c", script], options)
            expect(status == 0 and b"left: []" in output, f"{flags}: {status} {output}")

    def compiler():
        """gcc with its pipes and temporary files, in a root file system that stays as it is."""
        script = ("printf '#include <stdio.h>\\nint main(void) { puts(__DATE__ __TIME__); return 0; }\\n' > /tmp/a.c && "
                  "gcc -pipe -O2 -o /tmp/a /tmp/a.c && /tmp/a && md5sum /tmp/a")
        status, output, _ = same(debian(), ["/bin/bash", "-c", script])
        expect(status == 0 and output.startswith(b"Jan  1 203000:00"), f"{status} {output}")

    def build_and_keep():
        """make with several jobs, git, sqlite: processes, pipes, locks, times of files in a tmpfs."""
        script = ("mkdir /tmp/p && cd /tmp/p && for i in 1 2 3 4; do echo \"int f$i;\" > f$i.c; done && echo 'int main(void) { return 0; }' > m.c &&"
                  "printf 'm: $(patsubst %%.c,%%.o,$(wildcard *.c))\\n\\tcc -o $@ $^\\n' > Makefile && make -j4 && ./m && make && md5sum m &&"
                  "git init -q . && git add . && git -c user.email=a@b -c user.name=n commit -qm x && git log --stat && "
                  "sqlite3 t.db 'create table t(a, b); insert into t select random(), datetime(); select * from t'")
        status, output, _ = same(debian(), ["/bin/bash", "-c", script])
        expect(status == 0 and b"is up to date" in output and b"2030-01-01 00:00:00" in output, f"{status} {output}")

    def python_processes():
        script = ("import asyncio, multiprocessing, os, random, time\n"
                  "def f(x): time.sleep(random.random() / 50); return x * x, os.getpid()\n"
                  "async def g(i): await asyncio.sleep(random.random()); return i, time.monotonic()\n"
                  "async def main(): print(await asyncio.gather(*[g(i) for i in range(5)]))\n"
                  "with multiprocessing.Pool(3) as p: print(p.map(f, range(10)))\n"
                  "asyncio.run(main())")
        status, output, _ = same(debian(), ["python3", "-c", script])
        expect(status == 0, f"{status} {output}")

    def host_files():
        """Files that a run makes on the host: numbers, times, order of names, free space."""
        script = ("cd /data && mkdir w && cd w && for i in 5 3 9 1; do echo $i > f$i; ln -s f$i l$i; mkdir d$i; done; ln f5 h5; mv f3 g3;"
                  "truncate -s 100000 f9; cp -a f9 f10; rm f1; echo again > f1; stat -c '%n %i %h %s %b %x %y %z %w' * . ..; ls -ifU;"
                  "find . -printf '%p %i %T@ %C@\\n'; df /data; tar cf - . | md5sum; free; ps aux; cat /proc/meminfo /proc/self/status; rm -rf /data/w")
        root = debian()
        shutil.rmtree(os.path.join(root, "data/w"), ignore_errors=True)
        status, output, _ = same(root, ["/bin/bash", "-c", script], [])
        expect(status == 0 and b"f10" in output, f"{status} {output}")

    def stdin_pace():
        """Input that comes slowly and in pieces is read as if it came at once."""
        root = debian()
        command = [context.linuxd, "run", "--deterministic", "1", "--strace=" + context.out("deterministic", "trace"), "--read-only",
                   "--rootfs", root, "/bin/bash", "-c", "while read -r -t 1 line; do echo got $line; date +%N; done; echo end; cat | wc"]
        outputs = []
        for pause in (0, 0.02):
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for piece in (b"one\ntw", b"o\nthr", b"ee", b"\nfour"):
                child.stdin.write(piece)
                child.stdin.flush()
                time.sleep(pause)
            outputs.append(child.communicate(timeout=60)[0])
            with open(context.out("deterministic", "trace"), "rb") as file:
                outputs[-1] += file.read()
        expect(outputs[0] == outputs[1] and outputs[0].startswith(b"got one\n"), f"differs: {outputs}")

    def race_root():
        root = context.out("deterministic-root", "bin", "x")[:-6]
        for name in ("proc", "dev", "sys", "tmp"):
            os.makedirs(os.path.join(root, name), exist_ok=True)
        shutil.copy(os.path.join(context.build, "examples/race"), os.path.join(root, "bin/race"))
        return root

    def chance():
        """Clocks, counters, addresses, random numbers, memory."""
        root = race_root()
        context.run(["gcc", "-O1", "-static", "-D_GNU_SOURCE", "-o", os.path.join(root, "bin/chance"),
                     context.path("tests/deterministic/chance.c"), "-lpthread"], check=True)
        outputs = set()
        for seed in (1, 2, 3):
            status, output, _ = same(root, ["/bin/chance"], [], seed=seed, times=3)
            expect(status == 0 and b"tsc and clock agree: yes" in output, f"{status} {output}")
            expect((b"rdrand hidden" in output) == (b"rdseed hidden" in output), f"one of rdrand and rdseed is hidden: {output}")
            outputs.add(output)
        expect(len(outputs) == 3, "two seeds give the same")

    def race(which, failed):
        """Some of the first seeds fail, some do not, and one that fails does so every time."""
        root, failing, fine = race_root(), None, 0
        for seed in range(1, 301):
            status, output, trace = once(root, seed, ["/bin/race", which], [], None)
            if failed(status, output):
                failing = failing or (seed, status, output, trace)
            else:
                expect(status == 0, f"seed {seed}: neither fine nor the mistake: {status} {output}")
                fine += 1
            if failing and fine:
                break
        expect(failing and fine, f"{fine} of 300 seeds are fine, " + (f"seed {failing[0]} fails" if failing else "none fails"))
        for _ in range(10):
            expect(once(root, failing[0], ["/bin/race", which], [], None) == failing[1:], f"seed {failing[0]} does not fail the same way again")

    def race_balance():
        race("balance", lambda status, output: status == 1 and output.startswith(b"balance 1"))

    def race_free():
        race("free", lambda status, output: status == 1 and b"that is gone" in output)

    def race_deadlock():
        race("deadlock", lambda status, output: status == 125 and b"nothing can happen any more" in output)

    def spinning():
        """A thread that waits for another without a system call does not stop it, and takes the same course every time."""
        for seed in range(1, 4):
            status, output, _ = same(race_root(), ["/bin/race", "spin"], [], seed=seed)
            expect(status == 0 and output == b"fine\n", f"seed {seed}: {status} {output}")
        # Nor does how long the host takes change the course.
        busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4 * (os.cpu_count() or 1))]
        try:
            same(race_root(), ["/bin/race", "spin"], [], seed=3, times=25)
        finally:
            for child in busy:
                child.kill()
                child.wait()

    def python_spins():
        script = ("import threading, time; done = []\n"
                  "def wait():\n while not done: pass\n print('seen')\n"
                  "t = threading.Thread(target=wait); t.start(); time.sleep(0.5); done.append(1); t.join(); print(time.monotonic())")
        status, output, _ = same(debian(), ["python3", "-c", script])
        expect(status == 0 and output.startswith(b"seen\n1000.5"), f"{status} {output}")

    def time_passes_at_once():
        result = context.run([context.linuxd, "run", "--deterministic", "3", "builtin:busybox", "sh", "-c",
                              "sleep 86400; cat /proc/uptime; date"], timeout=30)
        expect(result.output.startswith(b"87400.") and b"Wed Jan  2 00:00:00 UTC 2030" in result.output, f"not a day later: {result.output}")

    def deadlock_is_named():
        result = context.run([context.linuxd, "run", "--deterministic", "3", "builtin:busybox", "sh", "-c",
                              "mkfifo /tmp/a; cat /tmp/a"], timeout=30)
        expect(result.status == 125 and b"nothing can happen any more" in result.output and b"(cat)" in result.output,
               f"{result.status}: {result.output}")

    def wrong_options():
        for arguments, text in ((["--deterministic", "x"], b"expected a seed"), (["--deterministic=1", "--tty"], b"does not go with --tty"),
                                (["--deterministic=1", "--cpus=2"], b"has one cpu")):
            result = context.run([context.linuxd, "run", *arguments, "builtin:busybox", "true"], timeout=30)
            expect(result.status == 125 and text in result.output, f"{arguments}: {result.status} {result.output}")

    tests = [chance, shell, python_threads, python_spins, perl, erlang, compiler, build_and_keep, python_processes, host_files, stdin_pace, race_balance, race_free, race_deadlock, spinning, time_passes_at_once, deadlock_is_named, wrong_options]
    return [(test.__name__.replace("_", "-"), test) for test in tests]
