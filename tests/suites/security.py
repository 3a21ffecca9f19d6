# SPDX-License-Identifier: Apache-2.0
"""Security: programs inside a container that try to get out of it, or to make a host call that is not in host.tbl."""
import os
import re
import secrets
import subprocess

from run import Failure

from .conformance import clean_data, make_rootfs

REFUSED = {-1, -38}  # EPERM, ENOSYS
# Calls that hosts since 6.11 and 6.18 never show to a filter, because their own probes make them; from elsewhere they only fail.
UNFILTERED = {335: -38, 336: -6}  # uretprobe, uprobe
LAST_CALL = 600


def host_table(context):
    with open(context.path("kernel/host/host.tbl")) as f:
        return {int(line.split()[0]) for line in f if line[:1].isdigit()}


def kernel_syscall_instructions(context):
    """Addresses of the system call instructions in the kernel's text."""
    image = os.path.join(context.build, "kernel/linuxd-kernel.elf")
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", image], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [int(m[1], 16) for m in re.finditer(r"^\s*([0-9a-f]+):\s+syscall\b", listing, re.M)]


class Sentinels:
    """A file and a process of the host that nobody inside may reach."""

    def __init__(self, context):
        self.token = secrets.token_hex(16)
        self.path = f"/tmp/linuxd-sentinel-{os.getpid()}"
        self.context = context

    def __enter__(self):
        with open(self.path, "w") as f:
            f.write(self.token + "\n")
        os.chmod(self.path, 0o666)
        self.process = subprocess.Popen(["sleep", "600"])
        return self

    def check(self):
        with open(self.path) as f:
            if f.read() != self.token + "\n":
                raise Failure("the host's file was changed")
        if self.process.poll() is not None:
            raise Failure("the host's process was killed")
        if os.path.exists("/tmp/linuxd-escape"):
            raise Failure("a file was made on the host")

    def __exit__(self, *_):
        os.unlink(self.path)
        self.process.kill()
        self.process.wait()


def security(context):
    def program(name):
        root = make_rootfs(context)
        context.run(["gcc", "-O1", "-g", "-Wall", "-static", "-o", os.path.join(root, "bin", name),
                     context.path("tests/security", name + ".c"), "-lpthread"], check=True)
        clean_data(root)
        return root

    def direct_calls():
        root = program("host_calls")
        with Sentinels(context) as sentinels:
            result = context.inside(root, ["/bin/host_calls", "all-direct", "0"], timeout=400, options=["--tmpfs", "/tmp"])
            sentinels.check()
        if result.status != 0 or not result.output.endswith(b"end\n"):
            raise Failure(f"the container ended early (status {result.status})")

    def gadget_calls():
        root = program("host_calls")
        table = host_table(context)
        addresses = kernel_syscall_instructions(context)
        if not addresses:
            raise Failure("the kernel has no system call instruction")
        performed, calls, at = [], 0, 0
        with Sentinels(context) as sentinels:
            while at <= LAST_CALL:
                result = context.inside(root, ["/bin/host_calls", "all-gadget", hex(addresses[0]), str(at)], timeout=120,
                                        options=["--tmpfs", "/tmp"])
                text = result.output.decode(errors="replace")
                for number, value in re.findall(r"^(\d+)/\d+ = (-?\d+)$", text, re.M):
                    calls += 1
                    if int(number) not in table and int(value) not in REFUSED and int(value) != UNFILTERED.get(int(number)):
                        performed.append(f"{number} = {value}")
                started = re.findall(r"^call (\d+)$", text, re.M)
                if not started:
                    raise Failure("the program does not start")
                at = LAST_CALL + 1 if text.endswith("end\n") else int(started[-1]) + 1
                sentinels.check()
        if performed:
            raise Failure("host calls outside the table: " + ", ".join(performed[:5]))

    def escape():
        root = program("escape")
        with Sentinels(context) as sentinels:
            result = context.inside(root, ["/bin/escape", sentinels.token, sentinels.path, str(sentinels.process.pid), "3"], timeout=120,
                                    options=["--tmpfs", "/tmp"])
            sentinels.check()
        text = result.output.decode(errors="replace")
        if "FOUND" in text:
            raise Failure(re.search("FOUND.*", text)[0])
        if "kernel alive" not in text or not text.endswith("end\n"):
            raise Failure(f"the program did not finish (status {result.status})")

    def bind_is_confined():
        """A bound directory does not lead to its neighbours, and a read-only one is not written."""
        root = make_rootfs(context)
        shared = context.out("bind-test", "shared", "x")
        shared = os.path.dirname(shared)
        with Sentinels(context) as sentinels:
            link = os.path.join(shared, "link")
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(sentinels.path, link)
            script = ("cat /mnt/link; cat /mnt/../../../../../.." + sentinels.path + "; echo x > /mnt/new && echo WROTE; "
                      "ln /mnt/link /mnt/hard; rm /mnt/link && echo REMOVED; true")
            result = context.inside(root, ["/bin/sh", "-c", script], options=["--bind", f"{shared}:/mnt:ro"])
            sentinels.check()
            if sentinels.token.encode() in result.output:
                raise Failure("the host's file was read")
            if b"WROTE" in result.output or b"REMOVED" in result.output:
                raise Failure("the read-only directory was changed")
            if result.status != 0:
                raise Failure(f"status {result.status}")

    def kernel_addresses():
        """Pointers into the kernel's range are EFAULT, mappings there are refused."""
        root = make_rootfs(context)
        table = context.out("security", "syscalls.fuzz.gen.h")
        context.run(["python3", context.path("tools/gen_syscalls.py"), "fuzz", context.path("kernel/syscalls.tbl"), table], check=True)
        context.run(["gcc", "-O1", "-g", "-w", "-static", "-I", os.path.dirname(table), "-o", os.path.join(root, "bin/kernel_addresses"),
                     context.path("tests/security/kernel_addresses.c"), "-lpthread"], check=True)
        result = context.inside(root, ["/bin/kernel_addresses"], timeout=200, options=["--tmpfs", "/tmp"])
        failed = re.findall(r"^FAIL.*", result.output.decode(errors="replace"), re.M)
        if failed or result.status:
            raise Failure("; ".join(failed[:5]) or f"status {result.status}")

    return [("direct-calls", direct_calls), ("gadget-calls", gadget_calls), ("escape", escape), ("bind", bind_is_confined),
            ("kernel-addresses", kernel_addresses)]
