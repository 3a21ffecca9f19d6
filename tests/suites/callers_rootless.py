# SPDX-License-Identifier: Apache-2.0
"""podman of a user who is not root, with linuxd as its runtime: "nobody" gets subordinate ids, a home and a runtime directory for the time of the
test, in a mount namespace of its own."""
import os
import shutil
import signal
import subprocess

from run import Skip

from . import callers

UID = 65534
FIRST_SUBORDINATE, SUBORDINATES = 500000, 65536
CONTAINERFILE = """FROM bb
RUN echo built > /made && chown 1000 /made
CMD ["sh", "-c", "cat /made; stat -c %u /made"]
"""


def give_subordinate_ids(context, work, prefix):
    path = os.path.join(work, "sub")
    with open(path, "w") as f:
        f.write(f"nobody:{FIRST_SUBORDINATE}:{SUBORDINATES}\n")
    for name in ("/etc/subuid", "/etc/subgid"):
        if not os.path.exists(name):
            raise Skip(f"there is no {name} (apt-get install uidmap)")
        context.run([*prefix, "mount", "--bind", path, name], check=True)


def prepare(context, work, binary):
    """What the user must be able to reach, in a directory that is theirs; the runtime."""
    for name in ("home/.config/containers", "xdg", "build", "volume"):
        os.makedirs(os.path.join(work, name), 0o700)
    with open(os.path.join(work, "home/.config/containers/policy.json"), "w") as f:
        f.write('{"default": [{"type": "insecureAcceptAnything"}]}')
    with open(os.path.join(work, "containers.conf"), "w") as f:
        f.write('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[containers]\nlog_driver = "k8s-file"\n'
                'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    with open(os.path.join(work, "build/Containerfile"), "w") as f:
        f.write(CONTAINERFILE)
    shutil.copy(callers.busybox_root(context)[1], os.path.join(work, "busybox.tar"))
    if os.path.islink(binary):  # ours, in a directory that may be root's alone
        copy = os.path.join(work, os.path.basename(binary))
        shutil.copy(binary, copy)
        binary = copy
    return binary


def end_pause_process(work):
    """podman keeps one to hold the user namespace."""
    path = os.path.join(work, "xdg/libpod/tmp/pause.pid")
    if os.path.exists(path):
        with open(path) as f:
            try:
                os.kill(int(f.read()), signal.SIGKILL)
            except (ValueError, ProcessLookupError):
                pass


def rootless_test(context, binary, mode):
    work = callers.work_directory(context, "rootless")
    try:
        binary = prepare(context, work, binary)
        with callers.namespaces() as prefix:
            give_subordinate_ids(context, work, prefix)
            env = {"HOME": f"{work}/home", "XDG_RUNTIME_DIR": f"{work}/xdg", "CONTAINERS_CONF": f"{work}/containers.conf", "TMPDIR": work}
            as_user = [*prefix, "sh", "-c", f'cd {work} && exec setpriv --reuid {UID} --regid {UID} --clear-groups "$@"', "-"]
            podman = ["podman", "--root", f"{work}/storage", "--runroot", f"{work}/run", "--runtime", binary, "--storage-driver", "vfs"]
            subprocess.run(["chown", "-R", f"{UID}:{UID}", work], check=True)
            steps = callers.Steps(context, prefix=as_user, env=env)
            try:
                rootless_steps(steps, podman, work, mode)
            finally:
                steps.run(*podman, "rm", "-fa", "-t", "0")
                end_pause_process(work)
    finally:
        callers.remove_tree(work)
    return steps.failed


def rootless_steps(steps, podman, work, mode):
    run = ["--network", "none"]

    def step(name, *command, **more):
        return steps.step(name, *podman, *command, **more)

    step("import", "import", f"{work}/busybox.tar", "bb")
    step("run", "run", "--rm", *run, "bb", "id", "-u", shows="^0\n$")
    step("exit status", "run", "--rm", *run, "bb", "sh", "-c", "exit 7", status=7)
    step("another user", "run", "--rm", *run, "-u", "user", "bb", "sh", "-c", "id -u; touch /tmp/x && stat -c %u /tmp/x", shows="^1000\n1000\n$")
    volume = ["-v", f"{work}/volume:/v"]
    step("root of the container is the user", "run", "--rm", *run, *volume, "bb", "sh", "-c", "touch /v/as-root; stat -c %u /v/as-root", shows="^0\n$")
    steps.step("on the host it is the user's", "stat", "-c", "%u", f"{work}/volume/as-root", shows=f"^{UID}\n")
    step("a subordinate id", "run", "--rm", *run, *volume, "bb", "sh", "-c", "touch /v/as-1000; chown 1000 /v/as-1000; stat -c %u /v/as-1000", shows="^1000\n")
    steps.step("on the host it is a subordinate one", "stat", "-c", "%u", f"{work}/volume/as-1000", shows=f"^{FIRST_SUBORDINATE + 999}\n")
    step("keep-id", "run", "--rm", *run, "--userns=keep-id", *volume, "bb", "sh", "-c", "id -u; touch /v/kept; stat -c %u /v/kept",
         shows=f"^{UID}\n{UID}\n$")
    steps.step("keep-id on the host", "stat", "-c", "%u", f"{work}/volume/kept", shows=f"^{UID}\n")
    step("detached", "run", "-d", "--name", "long", *run, "--userns=keep-id", "bb", "sh", "-c", "echo started; exec sleep 100")
    steps.wait_for("logs", *podman, "logs", "long", shows="started")
    step("exec with keep-id", "exec", "long", "id", "-u", shows=f"^{UID}\n")
    step("exec as root with keep-id", "exec", "-u", "0", "long", "id", "-u", shows="^0\n")
    step("health", "run", "-d", "--name", "healthy", "--health-cmd", "true", "--health-interval", "disable", *run, "bb", "sleep", "100")
    step("healthcheck", "healthcheck", "run", "healthy")
    step("kill", "kill", "long")
    steps.wait_for("killed", *podman, "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "long", shows="exited 137")
    step("remove", "rm", "long")
    step("build", "build", "--network", "none", "-t", "built", f"{work}/build", timeout=120)
    # Waited for: once in a hundred runs, on a machine with much else to do, podman showed nothing of what the container had said.
    steps.wait_for("run what was built", *podman, "run", "--rm", *run, "built", shows="^built\n1000\n$")
    step("pod", "pod", "create", "--name", "pod", "--infra-image", "bb", "--infra-command", "sleep 100", "--network", "none")
    if mode == "native":
        step("container in the pod", "run", "-d", "--pod", "pod", "--name", "member", "bb", "sleep", "100")
        step("pod shares its host name", "exec", "member", "hostname", shows="pod")
    step("remove the pod", "pod", "rm", "-f", "-t", "0", "pod", status=None)
