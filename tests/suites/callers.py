# SPDX-License-Identifier: Apache-2.0
"""linuxd as the OCI runtime of those who call one: containerd (ctr and its runc shim), docker's dockerd, podman; each in native and in
sandbox mode. The daemons come from Debian packages, keep everything below the build directory and run in namespaces
of their own. LINUXD_CALLERS_RUNTIME=/usr/sbin/runc runs the same steps against another runtime.

Each test is a list of steps; all are tried, and the test fails with the names of those that did not do what they should. Where some
did not, the same steps run with runc: what fails there as well is the machine's doing, and a test with nothing else is skipped.
"""
import contextlib
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

from run import Failure, Skip

MODES = ("native", "sandbox")


class Steps:
    """Runs commands in one environment and remembers what went wrong."""

    def __init__(self, context, prefix=(), env=None):
        self.context, self.prefix, self.env = context, list(prefix), dict(os.environ, **(env or {}))
        self.failed = {}  # name of the step: what it did instead

    def run(self, *command, timeout=60, stdin=None, merge=True):
        return self.context.run([*self.prefix, *command], timeout=timeout, env=self.env, stdin=stdin, merge=merge)

    def step(self, name, *command, status=0, shows=None, timeout=60, stdin=None):
        """A command must end with @status, and its output match the pattern @shows."""
        try:
            result = self.run(*command, timeout=timeout, stdin=stdin)
        except Failure as failure:
            self.miss(name, str(failure))
            return ""
        text = result.output.decode(errors="replace")
        if status is not None and result.status != status:
            self.miss(name, f"status {result.status}")
        elif shows is not None and not re.search(shows, text):
            self.miss(name, f"it shows {text[-80:]!r}")
        return text

    def on_terminal(self, name, *command, shows, timeout=60):
        """A command with a terminal of its own must end with 0 and show the pattern."""
        self.context.write_log("$ " + " ".join(command) + " (on a terminal)\n")
        pid, master = pty.fork()
        if pid == 0:
            os.execvpe(self.prefix[0] if self.prefix else command[0], [*self.prefix, *command], self.env)
        shown, end = b"", time.monotonic() + timeout
        while time.monotonic() < end and select.select([master], [], [], max(0, end - time.monotonic()))[0]:
            try:
                part = os.read(master, 4096)
            except OSError:  # the last of its other side is closed
                break
            if not part:
                break
            shown += part
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(master)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.context.write_log(shown + f"[status {status}]\n".encode())
        text = shown.decode(errors="replace").replace("\r", "")
        if status != 0:
            self.miss(name, f"status {status}, it shows {text[-80:]!r}")
        elif not re.search(shows, text):
            self.miss(name, f"it shows {text[-80:]!r}")

    def wait_for(self, name, *command, shows, seconds=20):
        """The same, until the output matches."""
        end = time.monotonic() + seconds
        while True:
            text = self.run(*command, timeout=seconds).output.decode(errors="replace")
            if re.search(shows, text):
                return
            if time.monotonic() > end:
                self.miss(name, f"it never shows {shows!r} but {text[-80:]!r}")
                return
            time.sleep(0.2)

    def miss(self, name, reason):
        self.context.write_log(f"[step {name}: {reason}]\n")
        self.failed[name] = reason


def describe(steps):
    return f"{len(steps)} steps: " + "; ".join(f"{name} ({reason})" for name, reason in steps.items())[:900]


def misses(context, try_steps, binary, mode):
    """What the steps did not do; that a daemon does not start is one of them."""
    try:
        return try_steps(context, binary, mode)
    except Failure as reason:
        return {"the daemon": str(reason)}


def compared(context, name, mode, try_steps):
    """Tries the steps with linuxd and, where some fail, those of native mode with runc."""
    failed = misses(context, try_steps, runtime(context, mode), mode)
    control = shutil.which("runc")
    if not failed:
        return
    if control and not os.environ.get("LINUXD_CALLERS_RUNTIME"):
        context.write_log("[the same with runc]\n")
        machine = misses(context, try_steps, control, "native")
        ours = {step: reason for step, reason in failed.items() if step not in machine}
        if not ours:
            raise Skip(f"{name} cannot do this with runc here either: " + describe(failed))
        failed = ours
    raise Failure(describe(failed))


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise Skip("not installed: " + " ".join(missing))
    if os.getuid() != 0:
        raise Skip("needs root")


def busybox_root(context):
    """A root file system of busybox, and the same as a tar archive."""
    root, archive = context.out("callers", "busybox"), context.out("callers", "busybox.tar")
    if not os.path.exists(archive):
        shutil.rmtree(root, ignore_errors=True)
        for directory in "bin etc tmp root home dev proc sys var run".split():
            os.makedirs(os.path.join(root, directory))
        os.chmod(os.path.join(root, "tmp"), 0o1777)
        shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
        for applet in subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split():
            if applet != "busybox":
                os.symlink("busybox", os.path.join(root, "bin", applet))
        with open(os.path.join(root, "etc/passwd"), "w") as f:
            f.write("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n")
        with open(os.path.join(root, "etc/group"), "w") as f:
            f.write("root:x:0:\nuser:x:1000:\n")
        with tarfile.open(archive + ".new", "w") as tar:
            tar.add(root, arcname=".")
        os.rename(archive + ".new", archive)
    return root, archive


def oci_image(context, archive):
    """An OCI image archive of one layer."""
    made = context.out("callers", "image.tar")
    layout = context.out("callers", "layout", "x")[:-2]
    shutil.rmtree(layout, ignore_errors=True)
    os.makedirs(os.path.join(layout, "blobs/sha256"))

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(layout, "blobs/sha256", digest), "wb") as f:
            f.write(data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}

    with open(archive, "rb") as f:
        layer = blob(f.read(), "layer.v1.tar")
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
                              "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode(), "config.v1+json")
    manifest = blob(json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode(), "manifest.v1+json")
    with open(os.path.join(layout, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, f)
    with open(os.path.join(layout, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion": "1.0.0"}')
    with tarfile.open(made, "w") as tar:
        tar.add(layout, arcname=".")
    return made


def runtime(context, mode):
    """The binary that callers get: linuxd's mode is decided by the name it is called by."""
    other = os.environ.get("LINUXD_CALLERS_RUNTIME")
    if other:
        return other
    path = context.out("callers", "linuxd-native" if mode == "native" else "linuxd")
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(os.path.join(context.build, "linuxd"), path)
    if not context.cpus:
        return path
    # Not every caller passes its environment on to the runtime.
    with open(f"{path}-{context.cpus}cpu", "w") as f:
        f.write(f'#!/bin/sh\nLINUXD_CPUS={context.cpus} exec {path} "$@"\n')
    os.chmod(f.name, 0o755)
    return f.name


def work_directory(context, name):
    """Short, because sockets are made in it."""
    path = tempfile.mkdtemp(prefix=f"linuxd-{name}-")
    os.chmod(path, 0o711)
    return path


@contextlib.contextmanager
def daemon(context, command, ready, log, prefix=()):
    """A daemon, until the block ends; @ready says when it answers."""
    with open(log, "wb") as f:
        child = subprocess.Popen([*prefix, *command], stdout=f, stderr=f, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(150):
            if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
                break
            if child.poll() is not None:
                break
            time.sleep(0.2)
        else:
            child.poll()
        if subprocess.run(ready, capture_output=True, check=False).returncode != 0:
            with open(log, "rb") as f:
                context.write_log(f.read()[-4000:])
            with open(log, errors="replace") as f:
                last = (f.read().strip().splitlines() or ["no message"])[-1]
            raise Failure(f"{command[0]} does not start: {last[-300:]}")
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        with open(log, "rb") as f:
            context.write_log(b"[log of the daemon]\n" + f.read()[-20000:])


def remove_tree(path):
    """What may still be mounted below it goes first."""
    with open("/proc/self/mounts") as f:
        points = [line.split()[1] for line in f]
    for point in sorted((p for p in points if p.startswith(path + "/")), key=len, reverse=True):
        subprocess.run(["umount", "-l", point], capture_output=True, check=False)
    shutil.rmtree(path, ignore_errors=True)


def unmounted_hierarchies():
    """Version 1 hierarchies that are alive and mounted nowhere: somebody had them mounted, and a group in them is still dying."""
    with open("/proc/self/cgroup") as f:
        alive = {line.split(":")[1] for line in f} - {""}
    with open("/proc/self/mountinfo") as f:
        mounted = {option for line in f if " - cgroup " in line for option in line.split(" - ")[1].split()[2].split(",")}
    return sorted(names for names in alive if not set(names.split(",")) & mounted)


@contextlib.contextmanager
def namespaces():
    """A network with loopback up, and mounts in which every hierarchy of the host can be found, without which containerd's library
    gives up; yields what to put in front of a command to run it there."""
    missing = [names for names in unmounted_hierarchies() if "=" not in names]
    made = [path for path in (f"/sys/fs/cgroup/{names}" for names in missing) if not os.path.exists(path)]
    for path in made:
        os.mkdir(path)
    mounts = "".join(f"mount -t cgroup -o {names} none /sys/fs/cgroup/{names}; " for names in missing)
    holder = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", f"{mounts}ip link set lo up; echo; exec sleep 3600"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        yield ["nsenter", "-t", str(holder.pid), "-n", "-m", f"--wd={os.getcwd()}"]
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
        for path in made:
            with contextlib.suppress(OSError):
                os.rmdir(path)


@contextlib.contextmanager
def containerd(context, work, prefix):
    with open(os.path.join(work, "config.toml"), "w") as f:
        f.write(f"""version = 2
root = "{work}/root"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
                    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "{work}/c.sock"
[ttrpc]
  address = "{work}/t.sock"
""")
    with daemon(context, ["containerd", "-c", f"{work}/config.toml"], ["ctr", "-a", f"{work}/c.sock", "version"],
                os.path.join(work, "containerd.log"), prefix) as child:
        yield child


def containerd_test(context, binary, mode):
    work = work_directory(context, "ctr")
    image = oci_image(context, busybox_root(context)[1])
    try:
        with namespaces() as prefix, containerd(context, work, prefix):
            steps = Steps(context, prefix=prefix, env={"CONTAINERD_ADDRESS": f"{work}/c.sock"})
            containerd_steps(steps, ["--runc-binary", binary, "--runc-root", f"{work}/runtime"], image)
    finally:
        remove_tree(work)
    return steps.failed


def containerd_steps(steps, options, image):
    step, name = steps.step, "docker.io/library/bb:latest"
    step("import", "ctr", "image", "import", "--index-name", name, image)
    step("run", "ctr", "run", "--rm", *options, name, "one", "/bin/echo", "hello", shows="^hello\n$")
    step("exit status", "ctr", "run", "--rm", *options, name, "two", "/bin/sh", "-c", "exit 7", status=7)
    step("not found", "ctr", "run", "--rm", *options, name, "three", "/bin/nothing", status=1, shows="(?i)no such file|not found")
    step("environment", "ctr", "run", "--rm", "--env", "A=b", "--cwd", "/tmp", *options, name, "five", "/bin/sh", "-c", "echo $A; pwd",
         shows="^b\n/tmp\n$")
    step("read-only", "ctr", "run", "--rm", "--read-only", *options, name, "six", "/bin/touch", "/x", status=1, shows="Read-only")
    step("detached", "ctr", "run", "-d", *options, name, "long", "/bin/sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done")
    step("list", "ctr", "task", "ls", shows=r"long\s+\d+\s+RUNNING")
    step("exec", "ctr", "task", "exec", "--exec-id", "e1", "long", "/bin/echo", "in exec", shows="^in exec\n$")
    step("exec status", "ctr", "task", "exec", "--exec-id", "e2", "long", "/bin/sh", "-c", "exit 9", status=9)
    step("exec sees processes", "ctr", "task", "exec", "--exec-id", "e3", "long", "/bin/ps", shows="trap")
    step("processes", "ctr", "task", "ps", "long", shows=r"\n\d+")
    step("metrics", "ctr", "task", "metrics", "long", shows="memory|pids|cpu")
    step("pause", "ctr", "task", "pause", "long")
    step("paused", "ctr", "task", "ls", shows=r"long\s+\d+\s+PAUSED")
    step("resume", "ctr", "task", "resume", "long")
    step("kill", "ctr", "task", "kill", "-s", "TERM", "long")
    steps.wait_for("stopped", "ctr", "task", "ls", shows=r"long\s+\d+\s+STOPPED")
    step("delete task", "ctr", "task", "delete", "long")
    step("delete container", "ctr", "container", "rm", "long")
    step("killed", "ctr", "run", "-d", *options, name, "long", "/bin/sleep", "100")
    step("kill all", "ctr", "task", "kill", "-s", "KILL", "--all", "long")
    steps.wait_for("killed stops", "ctr", "task", "ls", shows=r"long\s+\d+\s+STOPPED")
    step("delete killed", "ctr", "task", "delete", "long")
    step("delete killed container", "ctr", "container", "rm", "long")
    steps.on_terminal("terminal", "ctr", "run", "--rm", "-t", *options, name, "tty", "/bin/sh", "-c", "tty; stty size", shows=r"/dev/(pts/\d+|console)")
    step("nothing left", "ctr", "task", "ls", shows=r"^TASK\s+PID\s+STATUS\s*$")


DOCKERFILE = """FROM bb
COPY file /copied
RUN echo built > /made && echo builder:x:1001:1001::/:/bin/sh >> /etc/passwd
USER builder
ENV GREETING=hi
CMD ["sh", "-c", "cat /copied /made; id -un; echo $GREETING"]
"""


def docker_test(context, binary, mode):
    work = work_directory(context, "docker")
    socket = f"unix://{work}/d.sock"
    settings = {"runtimes": {"tested": {"path": binary}}, "default-runtime": "tested", "data-root": f"{work}/data", "exec-root": f"{work}/exec",
                "pidfile": f"{work}/pid", "hosts": [socket], "containerd": f"{work}/c.sock"}
    with open(os.path.join(work, "daemon.json"), "w") as f:
        json.dump(settings, f)
    os.mkdir(os.path.join(work, "build"))
    for name, text in (("Dockerfile", DOCKERFILE), ("file", "copied\n")):
        with open(os.path.join(work, "build", name), "w") as f:
            f.write(text)
    try:
        with namespaces() as prefix, containerd(context, work, prefix), \
             daemon(context, ["dockerd", "--config-file", f"{work}/daemon.json"], ["docker", "-H", socket, "version"],
                    os.path.join(work, "dockerd.log"), prefix):
            steps = Steps(context, prefix=prefix, env={"DOCKER_HOST": socket, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": work})
            docker_steps(steps, busybox_root(context)[1], work, mode)
            steps.run("sh", "-c", "docker rm -f $(docker ps -aq) 2>/dev/null")
    finally:
        remove_tree(work)
    return steps.failed


def docker_steps(steps, archive, work, mode):
    step = steps.step
    step("import", "docker", "import", archive, "bb")
    step("run", "docker", "run", "--rm", "bb", "echo", "hello", shows="^hello\n$")
    step("exit status", "docker", "run", "--rm", "bb", "sh", "-c", "exit 7", status=7)
    step("not found", "docker", "run", "--rm", "bb", "nothing-there", status=127, shows="(?i)not found|no such file")
    step("not executable", "docker", "run", "--rm", "bb", "/etc/passwd", status=126, shows="ermission denied")
    step("input", "docker", "run", "--rm", "-i", "bb", "cat", stdin=b"through\n", shows="^through\n$")
    steps.on_terminal("terminal", "docker", "run", "--rm", "-it", "bb", "sh", "-c", "tty; stty size", shows=r"/dev/(pts/0|console)")
    step("user and directory", "docker", "run", "--rm", "-u", "user", "-w", "/tmp", "-e", "A=b", "bb", "sh", "-c", "id -un; pwd; echo $A",
         shows="^user\n/tmp\nb\n$")
    step("hostname and hosts", "docker", "run", "--rm", "-h", "boxed", "bb", "sh", "-c", "hostname; cat /etc/hosts", shows="^boxed\n(.*\n)*.*boxed")
    step("read-only and tmpfs", "docker", "run", "--rm", "--read-only", "--tmpfs", "/t", "bb", "sh", "-c", "touch /x; touch /t/x && echo written",
         shows="(?s)Read-only.*written|written.*Read-only")
    step("volume", "docker", "run", "--rm", "-v", f"{work}/build:/v", "-v", f"{work}/build:/r:ro", "bb", "sh", "-c",
         "cat /v/file; echo new > /v/new; echo no > /r/no", status=1, shows="(?s)copied.*Read-only|Read-only.*copied")
    step("volume is written", "cat", f"{work}/build/new", shows="new")
    step("capabilities dropped", "docker", "run", "--rm", "--cap-drop", "ALL", "bb", "chown", "1000", "/tmp", status=1, shows="not permitted")
    step("capabilities added", "docker", "run", "--rm", "--cap-drop", "ALL", "--cap-add", "CHOWN", "bb", "chown", "1000", "/tmp")
    step("masked", "docker", "run", "--rm", "bb", "sh", "-c", "cat /proc/keys | wc -c", shows="0\n$")
    step("limits", "docker", "run", "--rm", "--memory", "64m", "--cpus", "1", "--pids-limit", "20", "--ulimit", "nofile=77", "bb", "sh", "-c",
         "ulimit -n", shows="^77\n")
    step("pids limit", "docker", "run", "--rm", "--pids-limit", "10", "bb", "sh", "-c",
         "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait", status=2, shows="(?i)can't fork|resource temporarily")
    step("memory limit", "docker", "run", "--rm", "--memory", "32m", "--memory-swap", "32m", "bb", "sh", "-c", "tail -c 500m /dev/zero >/dev/null",
         status=137)
    step("detached", "docker", "run", "-d", "--name", "long", "bb", "sh", "-c",
         "echo started; trap 'echo bye; exit 3' TERM; while :; do sleep 0.1; done")
    steps.wait_for("logs", "docker", "logs", "long", shows="started")
    step("exec", "docker", "exec", "long", "echo", "in exec", shows="^in exec\n$")
    step("exec status", "docker", "exec", "long", "sh", "-c", "exit 9", status=9)
    step("exec with user", "docker", "exec", "-u", "user", "-e", "B=c", "-w", "/tmp", "long", "sh", "-c", "id -u; echo $B; pwd", shows="^1000\nc\n/tmp\n$")
    step("exec with input", "docker", "exec", "-i", "long", "cat", stdin=b"piped\n", shows="^piped\n$")
    steps.on_terminal("exec with terminal", "docker", "exec", "-it", "long", "tty", shows=r"/dev/pts/\d+")
    step("exec of nothing", "docker", "exec", "long", "nothing-there", status=None, shows="(?i)not found|no such file")
    # A sandbox's programs are no processes of the host, which is where docker looks.
    step("top", "docker", "top", "long", shows="trap" if mode == "native" else "linuxd")
    step("stats", "docker", "stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "long", shows=r"^[1-9]\d* [0-9.]+")
    step("pause", "docker", "pause", "long")
    step("paused", "docker", "inspect", "-f", "{{.State.Status}}", "long", shows="paused")
    step("unpause", "docker", "unpause", "long")
    step("update", "docker", "update", "--memory", "100m", "--memory-swap", "100m", "--cpus", "1", "long")
    step("stop", "docker", "stop", "long")
    step("status after stop", "docker", "inspect", "-f", "{{.State.ExitCode}}", "long", shows="^3\n")
    step("start again", "docker", "start", "long")
    step("running again", "docker", "inspect", "-f", "{{.State.Running}}", "long", shows="true")
    step("restart", "docker", "restart", "-t", "2", "long")
    step("kill", "docker", "kill", "long")
    steps.wait_for("killed", "docker", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "long", shows="exited 137")
    step("remove", "docker", "rm", "long")
    step("restart policy", "docker", "run", "-d", "--name", "again", "--restart", "on-failure:2", "bb", "sh", "-c", "exit 5")
    steps.wait_for("restarted", "docker", "inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "again", shows="2 exited")
    step("build", "docker", "build", "-t", "built", f"{work}/build", timeout=120)
    step("run what was built", "docker", "run", "--rm", "built", shows="^copied\nbuilt\nbuilder\nhi\n$")
    step("health", "docker", "run", "-d", "--name", "healthy", "--health-cmd", "true", "--health-interval", "1s", "bb", "sleep", "100")
    steps.wait_for("is healthy", "docker", "inspect", "-f", "{{.State.Health.Status}}", "healthy", shows="^healthy")
    step("copy", "docker", "cp", f"{work}/build/file", "healthy:/into")
    step("copied", "docker", "exec", "healthy", "cat", "/into", shows="copied")
    if mode == "native":
        step("network", "docker", "run", "--rm", "bb", "ip", "addr", "show", "eth0", shows="inet 172")


@contextlib.contextmanager
def podman_settings(work, binary, prefix_options=()):
    """A registry-less podman that keeps everything below @work; yields the command."""
    with open(os.path.join(work, "policy.json"), "w") as f:
        f.write('{"default": [{"type": "insecureAcceptAnything"}]}')
    with open(os.path.join(work, "containers.conf"), "w") as f:
        f.write('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[containers]\nlog_driver = "k8s-file"\n'
                'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    command = ["podman", "--root", f"{work}/storage", "--runroot", f"{work}/run", "--tmpdir", f"{work}/tmp", "--runtime", binary,
               "--storage-driver", "vfs", *prefix_options]
    try:
        yield command
    finally:
        subprocess.run([*command, "rm", "-fa", "-t", "0"], capture_output=True, check=False,
                       env=dict(os.environ, CONTAINERS_CONF=f"{work}/containers.conf"))


def podman_test(context, binary, mode):
    work = work_directory(context, "podman")
    try:
        with namespaces() as prefix, podman_settings(work, binary) as podman:
            steps = Steps(context, prefix=prefix, env={"CONTAINERS_CONF": f"{work}/containers.conf"})
            podman_steps(steps, podman, busybox_root(context)[1], work, mode)
    finally:
        remove_tree(work)
    return steps.failed


def podman_steps(steps, podman, archive, work, mode):
    run = ["--network", "none"]

    def step(name, *command, **more):
        return steps.step(name, *podman, *command, **more)

    os.mkdir(os.path.join(work, "build"))
    for name, text in (("Containerfile", DOCKERFILE), ("file", "copied\n")):
        with open(os.path.join(work, "build", name), "w") as f:
            f.write(text)
    step("import", "import", archive, "bb")
    step("run", "run", "--rm", *run, "bb", "echo", "hello", shows="hello\n$")
    step("exit status", "run", "--rm", *run, "bb", "sh", "-c", "exit 7", status=7)
    step("not found", "run", "--rm", *run, "bb", "nothing-there", status=127)
    step("not executable", "run", "--rm", *run, "bb", "/etc/passwd", status=126)
    step("input", "run", "--rm", "-i", *run, "bb", "cat", stdin=b"through\n", shows="through\n$")
    step("detached", "run", "-d", "--name", "long", *run, "bb", "sh", "-c",
         "echo started; trap 'echo bye; exit 3' TERM; while :; do sleep 0.1; done")
    steps.wait_for("logs", *podman, "logs", "long", shows="started")
    step("exec", "exec", "long", "echo", "in exec", shows="in exec\n$")
    step("exec status", "exec", "long", "sh", "-c", "exit 9", status=9)
    step("exec with user", "exec", "-u", "user", "-w", "/tmp", "long", "sh", "-c", "id -u; pwd", shows="1000\n/tmp\n$")
    step("top", "top", "long", "pid", "comm", shows="sh")
    step("pause", "pause", "long")
    step("paused", "inspect", "-f", "{{.State.Status}}", "long", shows="paused")
    step("unpause", "unpause", "long")
    step("stop", "stop", "-t", "5", "long")
    step("status after stop", "inspect", "-f", "{{.State.ExitCode}}", "long", shows="^3\n")
    step("start again", "start", "long")
    step("kill", "kill", "long")
    steps.wait_for("killed", *podman, "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "long", shows="exited 137")
    step("remove", "rm", "long")
    step("build", "build", "--network", "none", "-t", "built", f"{work}/build", timeout=120)
    step("run what was built", "run", "--rm", *run, "built", shows="copied\nbuilt\nbuilder\nhi\n$")
    step("health", "run", "-d", "--name", "healthy", "--health-cmd", "true", "--health-interval", "disable", *run, "bb", "sleep", "100")
    step("healthcheck", "healthcheck", "run", "healthy")
    step("pod", "pod", "create", "--name", "pod", "--infra-image", "bb", "--infra-command", "sleep 100", "--network", "none")
    if mode == "native":
        step("container in the pod", "run", "-d", "--pod", "pod", "--name", "member", "bb", "sleep", "100")
        step("pod shares its host name", "exec", "member", "hostname", shows="pod")
    else:
        step("a sandbox in a pod is refused", "run", "-d", "--pod", "pod", "--name", "member", "bb", "sleep", "100", status=126,
             shows="cannot be shared with others in a sandbox")
    # On hosts with v1 hierarchies podman trips over a directory of its own where a controller is not mounted.
    step("remove the pod", "pod", "rm", "-f", "-t", "0", "pod", status=None)
    step("the pod's container is gone", "container", "exists", "member", status=1)


CALLERS = (
    ("containerd", containerd_test, ("containerd", "ctr", "busybox")),
    ("docker", docker_test, ("containerd", "dockerd", "docker", "iptables", "busybox")),
    ("podman", podman_test, ("podman", "conmon", "busybox")),
)


def callers(context):
    from .callers_rootless import rootless_test  # it uses what stands above

    def test(name, try_steps, programs, mode):
        need(*programs)
        compared(context, name, mode, try_steps)

    rootless = ("podman-rootless", rootless_test, ("podman", "conmon", "busybox", "newuidmap", "setpriv"))
    return [(f"{caller[0]}-{mode}", lambda caller=caller, mode=mode: test(*caller, mode)) for mode in MODES for caller in (*CALLERS, rootless)]
