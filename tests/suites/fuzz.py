# SPDX-License-Identifier: Apache-2.0
"""Fuzz targets: tests/fuzz/NAME.c with a line "// sources: ..." are host programs. Their corpus (tests/fuzz/corpus/NAME) is replayed,
then they run on inputs of their own for a while: with libFuzzer where clang has it, else with random ones."""
import glob
import os
import re
import shutil

SECONDS = 15


def host_target(context, path):
    name = os.path.basename(path)[:-2]
    corpus = context.path("tests/fuzz/corpus/" + name)
    with open(path) as f:
        text = f.read()
    sources = re.search(r"^// sources:(.*)$", text, re.M)[1].split()
    flags = re.search(r"^// flags:(.*)$", text, re.M)

    def build(compiler, kind, program):
        return context.run([compiler, "-std=gnu11", "-g", "-O1", "-Wno-unused-parameter", "-Wno-sign-compare", *kind,
                            "-fno-sanitize-recover=all", "-I", context.source, "-I", os.path.join(context.build, "kernel"),
                            "-o", program, path, *[context.path(s) for s in sources], *(flags[1].split() if flags else [])],
                           check=not kind[0].startswith("-fsanitize=fuzzer"))

    def run():
        program = context.out("fuzz", name)
        build("gcc", ["-fsanitize=address,undefined", "-DREPLAY"], program)
        context.run([program, corpus], check=True)
        context.run([program, "--random", "10000"], check=True, timeout=300)
        if not shutil.which("clang"):
            return
        found = context.out("fuzz", name + "-corpus")
        os.makedirs(found, exist_ok=True)
        program += "-libfuzzer"
        build("clang", ["-fsanitize=fuzzer,address,undefined"], program)
        if os.path.exists(program):
            context.run([program, f"-max_total_time={SECONDS}", "-max_len=2048", found, corpus], check=True, timeout=300)
    return name, run


def fuzz(context):
    tests = []
    for path in sorted(glob.glob(context.path("tests/fuzz/*.c"))):
        with open(path) as f:
            if re.search(r"^// sources:", f.read(), re.M):
                tests.append(host_target(context, path))
    return tests
