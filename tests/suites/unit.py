# SPDX-License-Identifier: Apache-2.0
"""Unit tests: tests/unit/NAME.c with the sources it names in a line "// sources: ...", built for the host with the
address and undefined behaviour sanitizers."""
import glob
import os
import re


def unit(context):
    def test(path):
        name = os.path.basename(path)[:-2]

        def run():
            with open(path) as f:
                text = f.read()
            sources = re.search(r"^// sources:(.*)$", text, re.M)
            flags = re.search(r"^// flags:(.*)$", text, re.M)
            program = context.out("unit", name)
            context.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-sign-compare",
                         "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", context.source,
                         "-I", os.path.join(context.build, "kernel"), "-o", program, path,
                         *[context.path(s) for s in (sources[1].split() if sources else [])],
                         *(flags[1].split() if flags else [])], check=True)
            context.run([program], check=True)
        return name, run
    return [test(path) for path in sorted(glob.glob(context.path("tests/unit/*.c")))]
