# SPDX-License-Identifier: Apache-2.0
"""What only linuxd has: programs in tests/inside that look at it from within and judge for themselves (exit status 0)."""
import glob
import os
import re
import time

from run import Failure

from .conformance import build, clean_data, make_rootfs

OPTIONS = {}  # more options of linuxd run, by the program's name


def inside(context):
    def test(name, cpus):
        def run():
            root = make_rootfs(context)
            program = build(context, root, name, "static", folder="tests/inside")
            clean_data(root)
            result = context.inside(root, [program], cpus=cpus, options=["--tmpfs", "/tmp", *OPTIONS.get(name, [])])
            if result.status != 0:
                raise Failure(f"status {result.status}: {result.output.decode(errors='replace')[-400:]}")
        return f"{name}-{cpus}cpu", run

    def no_host_calls(cpus, *more):
        """What sockets of one container say to each other does not reach the host, but to sleep and to wake: the number of host calls does not depend
        on how much it is, only on how long it takes: two a millisecond for the clock's ticks."""
        def run():
            root = make_rootfs(context)
            program = build(context, root, "network_calls", "static", folder="tests/inside")
            calls = {}
            for rounds in (100, 5000):
                start = time.monotonic()
                result = context.inside(root, [program, str(rounds), *more], cpus=cpus, options=["--stats", "--network", "outside"])
                elapsed = time.monotonic() - start
                table = re.search(rb"^host calls +total\n((?:  .*\n)+)", result.output, re.M)
                if result.status != 0 or not table:
                    raise Failure(f"status {result.status}: {result.output.decode(errors='replace')[-400:]}")
                calls[rounds] = {name.decode(): int(count) for name, count in re.findall(rb"^  (\S+) +(\d+)", table[1], re.M)}
            # Between threads on one cpu nobody has to sleep.
            sleeping = ("all", "futex") if more or cpus > 1 else ("all",)
            for name, count in calls[5000].items():
                extra = count - calls[100].get(name, 0)
                if name not in sleeping and extra > 60 + 2000 * elapsed:
                    raise Failure(f"{extra} more calls of {name} in {elapsed:.2f} s")
        return run

    names = sorted(os.path.basename(path)[:-2] for path in glob.glob(context.path("tests/inside/*.c")))
    return [test(name, cpus) for name in names for cpus in context.cpu_counts(2, 1)] + [
        ("network-without-host", no_host_calls(1)), ("network-without-host-processes", no_host_calls(1, "processes")),
        ("network-without-host-cpus", no_host_calls(2, "processes"))]
