# SPDX-License-Identifier: Apache-2.0
"""OCI bundles with busybox in them, and a runtime's commands on them."""
import copy
import json
import os
import shutil
import subprocess

from run import Failure, Skip

NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "cgroup"]
APPLETS = "sh true false sleep cat ls id hostname ps env stat grep head tail touch mkdir echo mount umount ln rm kill dd tty stty seq wc cut sort test readlink nproc ip ulimit".split()

CONFIG = {
    "ociVersion": "1.2.0",
    "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["true"], "cwd": "/",
                "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "capabilities": {s: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"] for s in ("bounding", "effective", "permitted")},
                "noNewPrivileges": True},
    "root": {"path": "rootfs", "readonly": False},
    "hostname": "bundle",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
    ],
    "linux": {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [{"type": t} for t in NAMESPACES],
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}


def need_root(context):
    """What a native container needs of the host; a skip with the reason otherwise."""
    if os.geteuid() != 0:
        raise Skip("native containers with all namespaces need root")
    if not context.can_unshare():
        raise Skip("this host lets nobody make namespaces")
    if not os.path.exists("/bin/busybox"):
        raise Skip("busybox is not installed")


def expect(condition, message):
    if not condition:
        raise Failure(message)


class Bundle:
    """A bundle directory of its own, and a state directory beside it. Everything is removed at the end."""

    def __init__(self, context, name, mode="native"):
        need_root(context)
        self.context, self.name, self.mode = context, f"test-{name}-{os.getpid()}", mode
        self.path = context.out("bundles", name, "x")[:-2]
        shutil.rmtree(self.path, ignore_errors=True)
        self.rootfs, self.root = os.path.join(self.path, "rootfs"), os.path.join(self.path, "state")
        os.makedirs(os.path.join(self.rootfs, "bin"))
        os.makedirs(os.path.join(self.rootfs, "tmp"))
        shutil.copy("/bin/busybox", os.path.join(self.rootfs, "bin/busybox"))
        for applet in APPLETS:
            os.symlink("busybox", os.path.join(self.rootfs, "bin", applet))
        self.config = copy.deepcopy(CONFIG)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in self.left():
            self.command("delete", "--force", name)
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def process(self):
        return self.config["process"]

    @property
    def linux(self):
        return self.config["linux"]

    def script(self, text):
        """What the container runs."""
        self.process["args"] = ["sh", "-c", text]
        return self

    def mount(self, destination, type=None, source=None, options=()):
        entry = {"destination": destination, "options": list(options)}
        entry.update({k: v for k, v in (("type", type), ("source", source)) if v})
        self.config["mounts"].append(entry)

    def namespace(self, type, path=None):
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != type]
        self.linux["namespaces"].append({"type": type, **({"path": path} if path else {})})

    def without_namespace(self, type):
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != type]

    def write(self):
        with open(os.path.join(self.path, "config.json"), "w") as f:
            json.dump(self.config, f)

    def command(self, *arguments, timeout=30, globals=(), **more):
        return self.context.run([self.context.linuxd, "--root", self.root, "--mode", self.mode, *globals, *arguments], timeout=timeout,
                                cwd=self.path, **more)

    def run(self, *options, **more):
        """In the foreground: its output and exit status."""
        self.write()
        return self.command("run", *options, self.name, **more)

    def output(self, **more):
        result = self.run(merge=False, **more)
        if result.status != 0:
            raise Failure(f"status {result.status}: {(result.error or result.output).decode(errors='replace')[:300]}")
        return result.output.decode()

    def create(self, *options, log=None, check=True, **more):
        """A container's process keeps our standard streams: they go to a file, for who waits for the end of a pipe."""
        self.write()
        log = log or os.path.join(self.path, "output")
        with open(log, "wb") as out:
            child = subprocess.run([self.context.linuxd, "--root", self.root, "--mode", self.mode, "create", *options, self.name],
                                   cwd=self.path, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=30, **more)
        text = open(log, "rb").read()
        self.context.write_log(b"$ create\n" + text + f"[status {child.returncode}]\n".encode())
        if check and child.returncode:
            raise Failure(f"create: {text.decode(errors='replace')[:300]}")
        return child.returncode, text

    def start(self):
        return self.command("start", self.name, check=True)

    def state(self):
        return json.loads(self.command("state", self.name, check=True).output)

    def wait_for(self, status, patience=10):
        import time
        end = time.monotonic() + patience
        while self.state()["status"] != status:
            if time.monotonic() > end:
                raise Failure(f"is {self.state()['status']}, not {status}")
            time.sleep(0.02)

    def printed(self):
        return open(os.path.join(self.path, "output")).read()

    def refused(self, *words):
        """Create fails, says these words, and leaves nothing."""
        status, text = self.create(check=False)
        expect(status == 1, f"create gave {status}")
        for word in words:
            expect(word in text.decode(errors="replace"), f"the message has no {word!r}: {text.decode(errors='replace')[:300]}")
        expect(self.left() == [], "a state directory was left")

    def left(self):
        """Containers that are there; beside them stands only what is kept of seccomp filters."""
        return [name for name in os.listdir(self.root) if name[0] != "~"] if os.path.isdir(self.root) else []

