# SPDX-License-Identifier: Apache-2.0
"""A virtual machine for what this host's kernel is not: cgroup v2 alone, a security module, another processor.

    machine = Machine(context)                              # skips the test, with the reason, where there is no qemu or kernel
    result = machine.run("echo hello; /linuxd version", files={"/linuxd": path}, append="cgroup_no_v1=all", modules=["overlay"])
    result.status, result.output

The kernel is Debian's for clouds, from its package, emulated (TCG: it also has what the host's processor has not, and needs no /dev/kvm). The root file
system is in memory: busybox, and what the test adds. The script runs as root with /proc, /sys, /dev, /tmp and /run mounted; its output comes over a
serial line of its own, what the kernel says is in the test's log.
"""
import glob
import os
import shutil
import struct
import subprocess
import time

from run import Failure, Result, Skip

KERNEL_PACKAGE = "linux-image-cloud-amd64"
# To a root that is a mount like others: nobody can pivot away from the initial one, which containers do.
INIT = """#!/bin/sh
mkdir /new
mount -t tmpfs root /new
for name in /*; do [ "$name" = /new ] || cp -a "$name" /new/; done
exec switch_root /new /init2
"""
SECOND_INIT = """#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
mkdir -p /dev/pts /dev/shm /dev/mqueue; mount -t devpts pts /dev/pts; mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd
hostname vm; ip link set lo up
for module in $(cat /modules); do insmod "$module" || echo "no module $module" >/dev/console; done
cd /
sh /script >/dev/ttyS1 2>&1 </dev/null
echo "@status $?" >/dev/ttyS1
sync
poweroff -f
"""


class Cpio:
    """The format of an initial file system: "newc", not compressed, because unpacking would be emulated."""

    def __init__(self):
        self.data, self.inode, self.known = bytearray(), 0, set()

    def add(self, path, mode, content=b"", device=(0, 0)):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.known:
            self.add(parent, 0o40755)
        if path in self.known:
            return
        self.known.add(path)
        self.inode += 1
        name = path.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name), 0)
        self.data += b"070701" + b"".join(b"%08x" % field for field in fields) + name
        self.pad()
        self.data += content
        self.pad()

    def pad(self):
        self.data += b"\0" * (-len(self.data) % 4)

    def end(self):
        self.known.discard("TRAILER!!!")
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


class Machine:
    def __init__(self, context):
        self.context = context
        self.qemu = shutil.which("qemu-system-x86_64")
        if not self.qemu:
            raise Skip("qemu-system-x86_64 is not installed (apt-get install qemu-system-x86)")
        self.busybox = next((path for path in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(path)), None)
        if not self.busybox:
            raise Skip("busybox is not installed")
        self.tree = self.kernel_tree()
        self.kernel = glob.glob(os.path.join(self.tree, "boot/vmlinuz-*"))[0]
        self.modules = glob.glob(os.path.join(self.tree, "lib/modules/*"))[0]

    def kernel_tree(self):
        """The kernel's package, unpacked below the build directory; fetched once."""
        tree = self.context.out("vm", "kernel")
        if glob.glob(os.path.join(tree, "boot/vmlinuz-*")):
            return tree
        depends = subprocess.run(["apt-cache", "depends", KERNEL_PACKAGE], capture_output=True, text=True)
        package = next((line.split(":")[1].strip() for line in depends.stdout.splitlines() if "Depends: linux-image-" in line), None)
        if not package:
            raise Skip(f"the package {KERNEL_PACKAGE} is not known here (apt-get update?)")
        directory = self.context.out("vm", "package")
        os.makedirs(directory, exist_ok=True)
        self.context.run(["apt-get", "download", package], cwd=directory, timeout=300)
        found = glob.glob(os.path.join(directory, "*.deb"))
        if not found:
            raise Skip(f"the package {package} cannot be had")
        self.context.run(["dpkg-deb", "-x", found[0], tree + ".new"], check=True, timeout=120)
        shutil.rmtree(directory)
        shutil.rmtree(tree, ignore_errors=True)
        os.rename(tree + ".new", tree)
        return tree

    def module_files(self, names):
        """With those that they need, in the order of loading."""
        paths = {os.path.basename(path)[:-3].replace("-", "_"): path
                 for path in glob.glob(os.path.join(self.modules, "kernel/**/*.ko"), recursive=True)}
        order = []

        def need(name):
            path = paths.get(name.replace("-", "_"))
            if path is None:
                raise Failure(f"this kernel has no module {name}")
            with open(path, "rb") as f:
                data = f.read()
            at = data.find(b"\0depends=") + 9
            for other in data[at:data.index(b"\0", at)].decode().split(","):
                if other and other in paths:
                    need(other)
            if path not in order:
                order.append(path)
        for name in names:
            need(name)
        return order

    def initramfs(self, script, files, modules):
        cpio = Cpio()
        with open(self.busybox, "rb") as f:
            cpio.add("bin/busybox", 0o100755, f.read())
        applets = subprocess.run([self.busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
        for applet in applets:
            cpio.add("bin/" + applet, 0o120777, b"busybox")
        for directory in ("proc", "sys", "dev", "tmp", "run", "root", "etc", "mnt"):
            cpio.add(directory, 0o40755)
        cpio.add("dev/console", 0o20600, device=(5, 1))
        cpio.add("etc/passwd", 0o100644, b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
        cpio.add("etc/group", 0o100644, b"root:x:0:\nnogroup:x:65534:\n")
        cpio.add("init", 0o100755, INIT.encode())
        if "/init2" not in files:  # a test may have a first process of its own
            cpio.add("init2", 0o100755, SECOND_INIT.encode())
        cpio.add("script", 0o100644, script.encode())
        loaded = []
        for path in self.module_files(modules):
            name = "lib/modules/" + os.path.basename(path)
            with open(path, "rb") as f:
                cpio.add(name, 0o100644, f.read())
            loaded.append("/" + name)
        cpio.add("modules", 0o100644, "\n".join(loaded).encode())
        for name, source in files.items():
            if isinstance(source, bytes):
                cpio.add(name, 0o100755, source)
            else:
                with open(source, "rb") as f:
                    cpio.add(name, 0o100755 if os.access(source, os.X_OK) else 0o100644, f.read())
        path = self.context.out("vm", f"initramfs-{os.getpid()}")
        with open(path, "wb") as f:
            f.write(cpio.end())
        return path

    def run(self, script, files={}, append="", modules=(), cpu="max", memory="512M", cpus=1, timeout=120, qemu=()):
        """Boots, runs the script, powers off. The status is the script's."""
        initramfs = self.initramfs(script, files, modules)
        output, console = initramfs + ".output", initramfs + ".console"
        command = [self.qemu, "-accel", "tcg", "-cpu", cpu, "-smp", str(cpus), "-m", memory, "-display", "none", "-no-reboot", "-nodefaults", "-kernel", self.kernel,
                   "-initrd", initramfs, "-serial", "file:" + console, "-serial", "file:" + output,
                   "-append", "console=ttyS0 loglevel=5 panic=-1 no_timer_check tsc=reliable mitigations=off " + append, *qemu]
        started = time.monotonic()
        try:
            result = self.context.run(command, timeout=timeout)
            said = self.read(output)
        finally:
            self.context.write_log(f"[{time.monotonic() - started:.1f} s in the virtual machine]\n--- kernel:\n{self.read(console)}\n--- script:\n{self.read(output)}\n")
            for path in (initramfs, output, console):
                if os.path.exists(path):
                    os.unlink(path)
        said, found, status = said.rpartition("@status ")
        if result.status != 0 or not found:
            raise Failure("the virtual machine ended before the script did")
        return Result(int(status), said.encode())

    def read(self, path):
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as f:
            return f.read().replace("\r\n", "\n")
