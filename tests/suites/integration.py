# SPDX-License-Identifier: Apache-2.0
"""Integration: real programs of a Debian root file system, inside linuxd with two cpus; what they print and how they end must be
the same as on the host (chroot of the same root file system in namespaces of its own, tests/oracle.sh).

The scripts are tests/integration/NAME.sh. A line "# inside only" leaves the host's run out: the script then prints "ok" itself.
A line "# options: ..." gives options for `linuxd run`, "# timeout: N" seconds, "# rootfs: NAME" another root file system than debian.
"""
import glob
import os
import re
import shutil
import subprocess
import time

from run import Failure, Skip, descendants


ONE_CPU = {"bash", "perl", "python"}  # also with one cpu; tests/run.py --cpus 1 does that with all


def cached_rootfs(context, variant):
    """The cached Debian itself (tools/make_rootfs.sh has the variants): nobody may write into it."""
    made = subprocess.run([context.path("tools/make_rootfs.sh"), variant], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        raise Failure(f"tools/make_rootfs.sh {variant} failed")
    return made.stdout.strip()


def make_rootfs(context, variant="debian"):
    """A copy of the cached Debian, so that tests may write into it."""
    base = cached_rootfs(context, variant)
    name = "integration-root" if variant == "debian" else f"{variant}-root"
    root = context.out(name)
    mark = os.path.join(context.build, name + ".from")
    if not os.path.exists(mark) or open(mark).read() != base:
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
        with open(mark, "w") as f:
            f.write(base)
    os.makedirs(os.path.join(root, "data"), exist_ok=True)
    return root


def copy_sources(context, root):
    source = os.path.join(root, "src")
    shutil.rmtree(source, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=context.source, stdout=subprocess.PIPE, check=False).stdout.decode().split("\0")
    if names == [""]:
        raise Skip("the sources are not a git tree")
    for name in filter(None, names):
        if os.path.isfile(context.path(name)):
            target = os.path.join(source, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(context.path(name), target)


def clean_data(root):
    subprocess.run(["rm", "-rf", os.path.join(root, "data")], check=True)
    os.makedirs(os.path.join(root, "data"))


def check_nothing_left():
    """The container's host processes go with it."""
    for _ in range(30):
        left = descendants(os.getpid())
        if not left:
            return
        time.sleep(0.1)
    raise Failure(f"{len(left)} host processes are left")


def integration(context):
    roots = {}

    def rootfs(variant="debian"):
        if variant not in roots:
            roots[variant] = make_rootfs(context, variant)
        return roots[variant]

    def test(path, cpus=None):
        name = os.path.basename(path)[:-3]
        with open(path) as f:
            text = f.read()
        options = re.search(r"^# options:(.*)$", text, re.M)
        timeout = re.search(r"^# timeout:(.*)$", text, re.M)
        variant = re.search(r"^# rootfs:(.*)$", text, re.M)
        timeout = int(timeout[1]) if timeout else 120
        only_inside = "\n# inside only" in text

        def run():
            root = rootfs(variant[1].strip() if variant else "debian")
            if "/src" in text:
                copy_sources(context, root)
            shutil.copy(path, os.path.join(root, "root", name + ".sh"))
            command = ["/bin/bash", f"/root/{name}.sh"]
            if not only_inside:
                if not context.can_unshare():
                    raise Skip("needs the right to make namespaces, to run the same script on the host")
                clean_data(root)
                answer = context.oracle(root, command, timeout=timeout)
            clean_data(root)
            result = context.inside(root, command, cpus=cpus, timeout=timeout, options=["--tmpfs", "/tmp", *(options[1].split() if options else [])])
            if only_inside:
                if result.status != 0 or result.output.split(b"\n")[-2:] != [b"ok", b""]:
                    raise Failure(f"status {result.status}, last line {result.output.splitlines()[-1:]}")
            else:
                context.same(answer, result)
            check_nothing_left()
        return f"{name}-{cpus}cpu" if cpus else name, run

    def full_disk():
        """A host directory on a full disk: ENOSPC inside, and the container goes on."""
        if os.getuid() != 0:
            raise Skip("needs root to mount a small file system")
        root = rootfs()
        clean_data(root)
        small = context.out("small-disk", "x")[:-2]
        context.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", small], check=True)
        try:
            script = ("dd if=/dev/zero of=/mnt/f bs=64k count=100 2>&1 | grep -c 'No space left'; stat -c %s /mnt/f; mkdir /mnt/d && echo made; "
                      "rm /mnt/f; dd if=/dev/zero of=/mnt/g bs=64k count=10 2>/dev/null && echo again; echo goes on | cat")
            result = context.inside(root, ["/bin/bash", "-c", script], options=["--tmpfs", "/tmp", "--bind", f"{small}:/mnt"])
        finally:
            context.run(["umount", "-l", small])
        if result.output != b"1\n1048576\nmade\nagain\ngoes on\n":
            raise Failure(f"it printed {result.output[-200:]}")

    paths = sorted(glob.glob(context.path("tests/integration/*.sh")))
    one_cpu = [] if context.cpus else [test(path, 1) for path in paths if os.path.basename(path)[:-3] in ONE_CPU]
    return [test(path) for path in paths] + one_cpu + [("full-disk", full_disk)]
