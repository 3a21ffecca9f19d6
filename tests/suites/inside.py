# SPDX-License-Identifier: Apache-2.0
"""What only linuxd has: programs in tests/inside that look at it from within and judge for themselves (exit status 0)."""
import glob
import os

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

    names = sorted(os.path.basename(path)[:-2] for path in glob.glob(context.path("tests/inside/*.c")))
    return [test(name, cpus) for name in names for cpus in context.cpu_counts(2, 1)]
