# SPDX-License-Identifier: Apache-2.0
"""Conformance: programs that print what a kernel does, run by the host's Linux and by linuxd; the outputs must be equal.

Each is built static and dynamic and runs with one cpu and with two. /data is a host directory, /tmp a tmpfs.
"""
import glob
import os
import shutil

from run import Skip

FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wno-unused-result"]


def make_rootfs(context):
    """A root file system with the programs, busybox, and the host's C library for the dynamic ones."""
    root = context.out("conformance-root")
    for directory in ("bin", "data", "tmp", "proc", "dev", "sys", "etc", "root", "lib64", "lib/x86_64-linux-gnu"):
        os.makedirs(os.path.join(root, directory), exist_ok=True)
    with open(os.path.join(root, "etc/passwd"), "w") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    with open(os.path.join(root, "etc/group"), "w") as f:
        f.write("root:x:0:\nnogroup:x:65534:\n")
    busybox = os.path.join(root, "bin/busybox")
    if not os.path.exists(busybox):
        shutil.copy("/bin/busybox", busybox)
        os.symlink("busybox", os.path.join(root, "bin/sh"))
    shutil.copy(os.path.realpath("/lib64/ld-linux-x86-64.so.2"), os.path.join(root, "lib64/ld-linux-x86-64.so.2"))
    for library in ("libc.so.6", "libpthread.so.0", "librt.so.1", "libm.so.6", "libgcc_s.so.1"):
        shutil.copy(os.path.join("/lib/x86_64-linux-gnu", library), os.path.join(root, "lib/x86_64-linux-gnu", library))
    return root


def build(context, root, name, kind, folder="tests/conformance"):
    source = context.path(folder, name + ".c")
    program = os.path.join(root, "bin", f"{name}-{kind}")
    newest = max(os.path.getmtime(source), os.path.getmtime(context.path("tests/conformance/test.h")))
    if not os.path.exists(program) or os.path.getmtime(program) < newest:
        link = ["-static"] if kind == "static" else []
        context.run(["gcc", *FLAGS, *link, "-o", program, source, "-lpthread", "-lrt", "-lm"], check=True)
    return f"/bin/{name}-{kind}"


def clean_data(root):
    shutil.rmtree(os.path.join(root, "data"), ignore_errors=True)
    os.makedirs(os.path.join(root, "data"), exist_ok=True)


def conformance(context):
    answers = {}
    root = []

    def rootfs():
        if not root:
            root.append(make_rootfs(context))
        return root[0]

    def host_answer(name):
        if name not in answers:
            program = build(context, rootfs(), name, "static")
            clean_data(rootfs())
            answers[name] = context.oracle(rootfs(), [program])
        return answers[name]

    def test(name, kind, cpus):
        def run():
            if not context.can_unshare():
                raise Skip("needs the right to make namespaces, to run the same program on the host")
            program = build(context, rootfs(), name, kind)
            answer = host_answer(name)
            clean_data(rootfs())
            context.same(answer, context.inside(rootfs(), [program], cpus=cpus, timeout=30, options=["--tmpfs", "/tmp"]))
        return f"{name}-{kind}-{cpus}cpu", run

    variants = [("static", cpus) for cpus in context.cpu_counts(2, 1)] + [("dynamic", cpus) for cpus in context.cpu_counts(2)]
    names = sorted(os.path.basename(path)[:-2] for path in glob.glob(context.path("tests/conformance/*.c")))
    return [test(name, kind, cpus) for name in names for kind, cpus in variants]
