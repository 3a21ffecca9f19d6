#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the layer law (ARCHITECTURE.md): who may include whom, where the host is called, and the length of files.

  include/abi -> lib -> kernel/host -> kernel/* -> kernel/arch        a layer may include itself and those left of it
  include/abi, lib -> runtime -> cli
  include/abi, lib, kernel -> simulator
"""
import os
import re
import sys

SYSTEM = "linux asm asm-generic".split()
FREESTANDING = {"stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h", "cpuid.h", "immintrin.h",
                "x86intrin.h", "x86gprintrin.h"}
MAY = {
    "include": {"include"},
    "lib": {"lib"},
    "kernel": {"include", "lib", "kernel"},
    "runtime": {"include", "lib", "runtime"},
    "cli": {"include", "lib", "runtime", "cli"},
    "simulator": {"include", "lib", "kernel", "simulator"},
}
MAX_LINES = 900
LENGTH_WORD = "Longer than 800 lines:"  # a file that needs more says why, with these words, in its header


def problems(path, text):
    layer = path.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if match and match[1] == '"':
            target = match[2].split("/")[0]
            if "/" in match[2] and target in MAY and target not in MAY[layer]:
                yield number, f"{layer} may not include {match[2]}"
        elif match and layer == "kernel":
            name = match[2]
            if name not in FREESTANDING and name.split("/")[0] not in SYSTEM:
                yield number, f"the kernel is freestanding: <{name}>"
        elif match and layer == "lib" and match[2] not in FREESTANDING | {"linux/errno.h"}:
            yield number, f"lib depends on nothing: <{match[2]}>"
        if layer == "kernel" and not path.startswith(("kernel/arch/", "kernel/host/")) and \
                re.search(r'asm.*\bsyscall\b|"\s*syscall\\n|^\s*syscall\s*$', line):
            yield number, "only kernel/host calls the host"
    lines = text.count("\n")
    if lines > MAX_LINES and LENGTH_WORD not in text:
        yield lines, f"{lines} lines: split it, or say why in its header ({LENGTH_WORD} ...)"
    if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 3)[0] + text.split("\n", 3)[1]:
        yield 1, "no SPDX line"


def main():
    found = 0
    for top in MAY:
        for directory, _, names in os.walk(top):
            for name in sorted(names):
                if not name.endswith((".c", ".h", ".S")):
                    continue
                path = os.path.join(directory, name)
                with open(path) as f:
                    for number, message in problems(path, f.read()):
                        print(f"{path}:{number}: {message}")
                        found += 1
    sys.exit(1 if found else 0)


main()
