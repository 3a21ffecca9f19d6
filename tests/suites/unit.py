# SPDX-License-Identifier: Apache-2.0
"""Unit tests: tests/unit/NAME.c with the sources it names in a line "// sources: ...", built for the host with the
address and undefined behaviour sanitizers. A test of kernel code includes the kernel's file, sees the kernel's headers
instead of the C library's, and declares the few C library functions that it uses."""
import glob
import os
import re
import subprocess


KERNEL_FLAGS = ["-ffreestanding", "-nostdinc", "-Wno-builtin-declaration-mismatch"]


def kernel_flags(context):
    compiler = subprocess.run(["gcc", "-print-file-name=include"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return KERNEL_FLAGS + ["-isystem", context.path("kernel/freestanding"), "-isystem", compiler, "-idirafter", "/usr/include",
                           "-idirafter", "/usr/include/x86_64-linux-gnu"]


def generate(context):
    """The generated headers, also when the kernel was not built."""
    for script, mode, table, name in (("gen_syscalls.py", "prototypes", "kernel/syscalls.tbl", "syscalls.gen.h"),
                                      ("gen_syscalls.py", "shapes", "kernel/syscalls.tbl", "syscalls_shapes.gen.h"),
                                      ("gen_host.py", "wrappers", "kernel/host/host.tbl", "host.gen.h"),
                                      ("gen_host.py", "filter", "kernel/host/host.tbl", "filter.gen.h")):
        context.run(["python3", context.path("tools", script), mode, context.path(table), context.out("unit-gen", name)], check=True)
    return os.path.dirname(context.out("unit-gen", "x"))


def unit(context):
    def test(path):
        name = os.path.basename(path)[:-2]

        def run():
            with open(path) as f:
                text = f.read()
            sources = " ".join(re.findall(r"^// sources:(.*)$", text, re.M)).split()
            flags = re.search(r"^// flags:(.*)$", text, re.M)
            program = context.out("unit", name)
            is_kernel = re.search(r'^#include "kernel/', text, re.M)
            context.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-sign-compare",
                         "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", context.source,
                         "-I", generate(context), *(kernel_flags(context) if is_kernel else []), "-o", program, path,
                         *[path for s in sources for path in sorted(glob.glob(context.path(s)))],
                         *(flags[1].split() if flags else [])], check=True)
            context.run([program], check=True)
        return name, run
    return [test(path) for path in sorted(glob.glob(context.path("tests/unit/*.c")))]
