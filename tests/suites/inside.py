# SPDX-License-Identifier: Apache-2.0
"""What only linuxd has: programs in tests/inside that look at it from within and judge for themselves (exit status 0)."""
import glob
import os
import re

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

    def no_host_calls():
        """What sockets of one container say to each other does not reach the host: the number of host calls does not depend on it."""
        root = make_rootfs(context)
        program = build(context, root, "network_calls", "static", folder="tests/inside")
        calls = {}
        for rounds in (100, 5000):
            result = context.inside(root, [program, str(rounds)], cpus=1, options=["--stats"])
            found = re.search(rb"host calls +total\n +all +(\d+)", result.output)
            if result.status != 0 or not found:
                raise Failure(f"status {result.status}: {result.output.decode(errors='replace')[-400:]}")
            calls[rounds] = int(found[1])
        # 59,000 more system calls. Some host calls are due to time: preemption, the clock.
        if calls[5000] > calls[100] + 4900:
            raise Failure(f"{calls[100]} host calls for 100 rounds, {calls[5000]} for 5000")

    names = sorted(os.path.basename(path)[:-2] for path in glob.glob(context.path("tests/inside/*.c")))
    return [test(name, cpus) for name in names for cpus in context.cpu_counts(2, 1)] + [("network-without-host", no_host_calls)]
