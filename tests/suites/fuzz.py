# SPDX-License-Identifier: Apache-2.0
"""Fuzz targets: tests/fuzz/NAME.c with a line "// sources: ..." are host programs. Their corpus (tests/fuzz/corpus/NAME) is replayed,
then they run on inputs of their own for a while: with libFuzzer where clang has it, else with random ones. "// seconds: N" is for small
parsers, which are soon seen through."""
import glob
import os
import re
import shutil

from run import Failure

from .conformance import clean_data, make_rootfs

SECONDS = 15
SYSCALL_SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))


def host_target(context, path):
    name = os.path.basename(path)[:-2]
    corpus = context.path("tests/fuzz/corpus/" + name)
    with open(path) as f:
        text = f.read()
    sources = " ".join(re.findall(r"^// sources:(.*)$", text, re.M)).split()
    flags = re.search(r"^// flags:(.*)$", text, re.M)
    seconds = re.search(r"^// seconds:(.*)$", text, re.M)

    def build(compiler, kind, program):
        return context.run([compiler, "-std=gnu11", "-g", "-O1", "-Wno-unused-parameter", "-Wno-sign-compare", *kind,
                            "-fno-sanitize-recover=all", "-I", context.source, "-I", os.path.join(context.build, "kernel"),
                            "-o", program, path, *[path for s in sources for path in sorted(glob.glob(context.path(s)))], *(flags[1].split() if flags else [])],
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
            context.run([program, f"-max_total_time={int(seconds[1]) if seconds else SECONDS}", "-max_len=2048", found, corpus], check=True, timeout=300)
    return name, run


def syscall_target(context, cpus, source="syscalls"):
    """The system call fuzzer against a kernel built with its checks: no oops, no hang, no leaked object."""
    def run():
        root = make_rootfs(context)
        table = context.out("fuzz", "syscalls.fuzz.gen.h")
        context.run(["python3", context.path("tools/gen_syscalls.py"), "fuzz", context.path("kernel/syscalls.tbl"), table], check=True)
        context.run(["gcc", "-O1", "-g", "-static", "-I", os.path.dirname(table), "-o", os.path.join(root, "bin/syscall-fuzzer"),
                     context.path(f"tests/fuzz/{source}.c"), "-lpthread"], check=True)
        clean_data(root)
        # The same seeds every time, so that a change is judged by itself; FUZZ_SEED=... to look for more.
        seed = os.environ.get("FUZZ_SEED") or {"syscalls": "20261121", "lives": "42"}[source]
        linuxd = os.path.join(context.build, "builds", "gcc-debug", "linuxd")
        saved, context.linuxd = context.linuxd, linuxd if os.path.exists(linuxd) else context.linuxd
        try:
            result = context.inside(root, ["/bin/syscall-fuzzer", str(SYSCALL_SECONDS // 2), seed], cpus=cpus,
                                    timeout=SYSCALL_SECONDS // 2 + 60, options=["--tmpfs", "/tmp", "--memory", "512M", "--read-only",
                                             "--bind", os.path.join(root, "data") + ":/data"])
        finally:
            context.linuxd = saved
        if result.status != 0 or b"kernel sane" not in result.output:
            raise Failure(f"status {result.status}, seed {seed}")
    return f"{source}-{cpus}cpu", run


def container_target(context, path):
    """A program with a line "// container": runs inside for a while and exits with 0 if all went well."""
    name = os.path.basename(path)[:-2]

    def run():
        root = make_rootfs(context)
        context.run(["gcc", "-O1", "-g", "-static", "-o", os.path.join(root, "bin/fuzz-" + name), path, "-lpthread"], check=True)
        clean_data(root)
        linuxd = os.path.join(context.build, "builds", "gcc-debug", "linuxd")
        saved, context.linuxd = context.linuxd, linuxd if os.path.exists(linuxd) else context.linuxd
        try:
            result = context.inside(root, ["/bin/fuzz-" + name, str(SECONDS)], timeout=SECONDS + 60)
        finally:
            context.linuxd = saved
        if result.status != 0:
            raise Failure(f"status {result.status}")
    return name, run


def fuzz(context):
    tests = [syscall_target(context, cpus, source) for source in ("syscalls", "lives") for cpus in context.cpu_counts(2, 1)]
    for path in sorted(glob.glob(context.path("tests/fuzz/*.c"))):
        with open(path) as f:
            text = f.read()
        if re.search(r"^// sources:", text, re.M):
            tests.append(host_target(context, path))
        elif re.search(r"^// container$", text, re.M):
            tests.append(container_target(context, path))
    return tests
