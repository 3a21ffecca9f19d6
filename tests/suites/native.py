# SPDX-License-Identifier: Apache-2.0
"""Native mode: containers on the host's kernel, as an OCI runtime's callers start them."""
import contextlib
import fcntl
import glob
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree

from run import Skip

from . import cve, native_config
from .bundles import Bundle, expect


def life(b):
    b.script("echo hello; sleep 100")
    b.create("--pid-file", "pid")
    state = b.state()
    expect(state["status"] == "created" and state["id"] == b.name and state["bundle"] == b.path, f"state is {state}")
    expect(open(os.path.join(b.path, "pid")).read() == str(state["pid"]), "the pid file is wrong")
    expect(b.printed() == "", "the program ran before start")
    b.start()
    expect(b.state()["status"] == "running", "not running")
    refused = b.command("delete", b.name)
    expect(refused.status == 1 and b"that is not stopped" in refused.output, "delete of a running container")
    again = b.command("start", b.name)
    expect(again.status == 1 and b"already running" in again.output, "a second start")
    b.command("kill", b.name, "KILL", check=True)
    b.wait_for("stopped")
    expect(b.state()["pid"] == 0, "a pid although it has ended")
    expect("hello" in b.printed(), "no output")
    gone = b.command("kill", b.name, "TERM")
    expect(gone.status == 1 and b"container not running" in gone.output, "kill of a stopped container")
    b.command("delete", b.name, check=True)
    gone = b.command("state", b.name)
    expect(gone.status == 1 and b"does not exist" in gone.output, "state of none")
    expect(b.command("delete", "--force", "nobody").status == 0, "delete --force of none")


def exit_status(b):
    for script, status in (("exit 0", 0), ("exit 42", 42), ("sh -c 'kill -9 $$'; exit $?", 137)):
        result = b.script(script).run()
        expect(result.status == status, f"{script}: status {result.status}")
    b.process["args"] = ["no-such-program"]
    result = b.run()
    expect(result.status == 1 and b"executable file not found in $PATH" in result.output, "a program that is not there")
    b.process["args"] = ["/tmp"]
    expect(b.run().status == 1, "a directory was executed")


def names(b):
    for bad in ("", ".", "..", "a/b", "a b", "ä"):
        b.write()
        result = b.command("create", bad)
        expect(result.status == 1 and b"invalid container ID" in result.output, f"id {bad!r} was taken: {result.output}")
    b.create()
    again = b.command("create", b.name)
    expect(again.status == 1 and b"already exists" in again.output, "an id was taken twice")


def logs(b):
    b.command("state", "nobody", globals=("--log", b.path + "/log", "--log-format", "json"))
    line = json.loads(open(b.path + "/log").read())
    expect(set(line) == {"level", "msg", "time"} and line["level"] == "error" and "does not exist" in line["msg"], f"log is {line}")


def isolation(b):
    b.script("hostname; id -u; cat /proc/1/comm; ls /sys/class/net; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status")
    lines = b.output().split()
    expect(lines[:4] == ["bundle", "0", "sh", "lo"], f"sees {lines}")
    expect(lines[5] == "0000000020000420" and lines[7] == "1", f"rights are {lines}")


def bad_config(b):
    b.linux["namespaces"].append({"type": "pidd"})
    b.refused('linux.namespaces[6].type: "pidd" is none of pid, network, mount')
    b.linux["namespaces"].pop()
    del b.config["root"]
    b.refused("root: is missing")


def from_a_chroot(b):
    """A runtime in a changed root: who enters the container's namespaces gets the container's root, not the host's."""
    top = os.path.join(b.path, "top")
    os.makedirs(top)
    open(os.path.join(b.rootfs, "inside"), "w").close()
    b.process["args"] = ["sleep", "100"]
    b.write()
    linuxd = f"{b.context.linuxd} --root {b.root} --mode native"
    for options in ("", "--no-pivot"):
        pid = os.path.join(b.path, "pid")
        script = f"cd {b.path} && {linuxd} run -d --pid-file {pid} {options} {b.name} </dev/null >/dev/null 2>&1; {linuxd} exec {b.name} /bin/ls -d /inside; " \
                 f"nsenter -t $(cat {pid}) -m /bin/ls -d /inside; {linuxd} delete -f {b.name}"
        result = b.context.run(["unshare", "-m", "sh", "-c", f'mount --rbind / {top} && exec chroot {top} sh -c "$1"', "sh", script], timeout=60)
        expect(result.output.decode().count("/inside\n") == 2, f"{options}: {result.output}")


def executing(b):
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()

    def run(*arguments, status=0):
        result = b.command("exec", *arguments)
        expect(result.status == status, f"exec {arguments}: status {result.status}: {result.output}")
        return result.output.decode().split()
    expect(run(b.name, "sh", "-c", "exit 7", status=7) == [], "status")
    expect(run("--user", "3:4", "-g", "5", b.name, "sh", "-c", "id -u; id -g; id -G") == ["3", "4", "4", "5"], "user")
    expect(run("--cwd", "/tmp", "--env", "A=1", "-e", "B=2", b.name, "sh", "-c", "pwd; echo $A$B") == ["/tmp", "12"], "environment")
    expect(run("--cap", "CAP_CHOWN", b.name, "grep", "CapEff", "/proc/self/status")[1] == "0000000020000421", "capabilities")
    expect(run(b.name, "cat", "/proc/1/cmdline") == ["sleep\x00100\x00"], "pid namespace")
    expect(run(b.name, "hostname") == ["bundle"], "uts namespace")
    groups = [line.split(":")[2] for line in open("/proc/%d/cgroup" % b.state()["pid"])]
    # It keeps its standard streams, and becomes our child (we are a subreaper).
    subprocess.run([b.context.linuxd, "--root", b.root, "exec", "--detach", "--pid-file", os.path.join(b.path, "pid"), b.name, "sleep", "77"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    pid = int(open(os.path.join(b.path, "pid")).read())
    expect([line.split(":")[2] for line in open(f"/proc/{pid}/cgroup")] == groups, "not in the container's cgroups")
    expect(json.loads(b.command("ps", "--format", "json", b.name).output) == sorted([b.state()["pid"], pid]), "ps does not show both")
    table = b.command("ps", b.name).output.decode()
    expect("sleep 77" in table and "sleep 100" in table and table.count("\n") == 3, table)
    expect("executable file not found" in " ".join(run(b.name, "no-such-program", status=255)), "no program")
    with open(os.path.join(b.path, "process.json"), "w") as f:
        json.dump({"args": ["sh", "-c", "id -u; echo $X"], "cwd": "/", "user": {"uid": 9, "gid": 9}, "env": ["PATH=/bin", "X=y"]}, f)
    expect(run("--process", os.path.join(b.path, "process.json"), b.name) == ["9", "y"], "process from a file")
    with open(os.path.join(b.path, "process.json"), "w") as f:
        json.dump({"args": [], "cwd": "/"}, f)
    expect("args: is empty" in " ".join(run("-p", os.path.join(b.path, "process.json"), b.name, status=255)), "bad process")
    expect(run("-t", b.name, "tty") == ["/dev/pts/0"], "terminal")
    b.command("kill", b.name, "9", check=True)
    os.waitpid(pid, 0)
    b.wait_for("stopped")
    expect("stopped" in " ".join(run(b.name, "true", status=255)), "exec in a stopped container")


def exec_affinity(b):
    """process.execCPUAffinity: on which cpus `exec` has its process begin, and go on."""
    last = max(os.sched_getaffinity(0))
    b.process["execCPUAffinity"] = {"initial": "0", "final": str(last)}
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    allowed = ["grep", "Cpus_allowed_list", "/proc/self/status"]
    expect(b.command("exec", b.name, *allowed).output.split()[1:] == [str(last).encode()], "exec is not where it should be")
    expect(os.sched_getaffinity(b.state()["pid"]) == os.sched_getaffinity(0), "the container's own process was moved")
    for wrong, words in (("0-x", b"is no list of cpus"), ("1000", b"cannot set it to 1000")):
        with open(os.path.join(b.path, "process.json"), "w") as f:
            json.dump(dict(b.process, args=allowed, execCPUAffinity={"final": wrong}), f)
        result = b.command("exec", "--process", os.path.join(b.path, "process.json"), b.name)
        expect(result.status == 255 and words in result.output, f"{wrong}: {result.output}")


NEVER_WAITS = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
child.wait()
print("ready", flush=True)
sys.stdin.read()
"""


def not_reaped(b):
    """Who does not wait for a process that it has brought into a container keeps it from ending: delete says so, and works when that is over."""
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    parent = subprocess.Popen([sys.executable, "-c", NEVER_WAITS, b.context.linuxd, "--root", b.root, "exec", "--detach", b.name, "true"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        expect(parent.stdout.readline() == b"ready\n", "exec")
        started = time.monotonic()
        result = b.command("delete", "--force", b.name)
        took = time.monotonic() - started
        expect(result.status == 1 and b"does not end, although it was killed" in result.output, result.output)
        # The kernel tells where a process waits only if it was built to.
        if os.path.exists("/proc/self/wchan") and open("/proc/1/wchan").read() not in ("", "0"):
            expect(b"parent, outside, does not wait for it" in result.output and took < 9, f"after {took} s: {result.output}")
    finally:
        parent.communicate(timeout=10)
    # It is our child now: we are a subreaper.
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    b.command("delete", "--force", b.name, check=True)
    expect(b.left() == [], "it is still there")


def subgroups(b):
    """exec --cgroup: below the container's groups, of all controllers or of some."""
    b.process["args"] = ["sleep", "100"]
    b.without_namespace("cgroup")  # to see whole paths inside
    b.create()
    b.start()

    def run(*arguments):
        return b.command("exec", *arguments, b.name, "cat", "/proc/self/cgroup")
    with open("/proc/%d/cgroup" % b.state()["pid"]) as f:
        own = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in f}
    if "memory" not in own or "pids" not in own:
        raise Skip("this host has no cgroup v1 with memory and pids apart")
    made = [f"/sys/fs/cgroup/{controller}{own[controller]}/{name}" for controller, name in (("memory", "m"), ("pids", "p"), ("memory", "p"))]
    for path in made:
        os.mkdir(path)

    def groups(*arguments):
        result = run(*arguments)
        expect(result.status == 0, f"exec {arguments}: {result.output}")
        there = {line.split(":")[1]: line.split(":", 2)[2] for line in result.output.decode().splitlines()}
        return {controller: path[len(own[controller]):] for controller, path in there.items() if path.startswith(own[controller]) and path != own[controller]}
    expect(groups() == {}, "without --cgroup")
    expect(groups("--cgroup", "memory:m") == {"memory": "/m"}, "one controller")
    expect(groups("--cgroup", "memory:m", "--cgroup", "pids:/p") == {"memory": "/m", "pids": "/p"}, "two controllers, two paths")
    expect(groups("--cgroup", "memory,pids:p") == {"memory": "/p", "pids": "/p"}, "two controllers, one path")
    expect(groups("--cgroup", "/") == {}, "the container's own")
    for arguments, words in ((("--cgroup", "nothing:m"), b"unknown controller"), (("--cgroup", "memory:../x"), b"is not a sub cgroup path"),
                             (("--cgroup", "m"), b"/m/cgroup.procs: no such file"), (("--cgroup", "memory:none"), b"/none/cgroup.procs: no such file")):
        result = run(*arguments)
        expect(result.status == 255 and words in result.output, f"exec {arguments}: {result.output}")


def pausing(b):
    b.script("while true; do echo x; sleep 0.01; done").create()
    b.start()
    b.command("pause", b.name, check=True)
    expect(b.state()["status"] == "paused", "not paused")
    before = b.printed()
    time.sleep(0.1)
    expect(b.printed() == before, "it runs although it is paused")
    expect(b.command("exec", b.name, "true").status == 255, "exec in a paused container")
    again = b.command("pause", b.name)
    expect(again.status == 1, "paused twice")
    b.command("resume", b.name, check=True)
    expect(b.state()["status"] == "running" and b.command("resume", b.name).status == 1, "not running")
    b.command("pause", b.name, check=True)
    b.command("delete", "--force", b.name, check=True)
    expect(b.command("state", b.name).status == 1, "still there")


def limits(b):
    b.linux["resources"].update({"memory": {"limit": 64 << 20}, "pids": {"limit": 50}, "cpu": {"shares": 512}})
    b.script("sleep 100").create()
    b.start()
    b.command("update", "--memory", "32M", "--pids-limit", "20", b.name, check=True)
    b.command("update", "--resources", "-", b.name, stdin=b'{"cpu": {"shares": 256}}', check=True)
    stats = json.loads(b.command("events", "--stats", b.name, check=True).output)
    expect(stats["type"] == "stats" and stats["id"] == b.name and stats["data"]["pids"]["limit"] == 20, stats)
    expect(stats["data"]["memory"]["usage"]["limit"] == 32 << 20, stats["data"]["memory"]["usage"])
    bad = b.command("update", "--memory", "lots", b.name)
    expect(bad.status == 1 and b"--memory lots: expected a size" in bad.output, bad.output)


def listing(b):
    b.script("sleep 100").create()
    lines = b.command("list").output.decode().splitlines()
    expect(lines[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] and lines[1].split()[0] == b.name, lines)
    expect(lines[1].split()[2] == "created" and lines[1].split()[-1] == "root", lines)
    both = json.loads(b.command("list", "--format", "json").output)
    expect([c["id"] for c in both] == [b.name] and both[0]["owner"] == "root", both)
    expect(b.command("list", "-q").output.decode() == b.name + "\n", "quiet")


def template(b):
    b.command("spec", check=True)
    config = json.load(open(os.path.join(b.path, "config.json")))
    expect(b.command("spec").status == 1, "config.json was replaced")
    config["process"]["terminal"] = False
    config["process"]["args"] = ["echo", "works"]
    b.config = config
    expect(b.output() == "works\n", "its container does not run")
    os.remove(os.path.join(b.path, "config.json"))
    b.command("spec", "--rootless", check=True)
    types = [n["type"] for n in json.load(open(os.path.join(b.path, "config.json")))["linux"]["namespaces"]]
    expect("user" in types and "network" not in types, types)


def terminal(b):
    """run with a terminal: ours is its."""
    import pty
    b.process["terminal"] = True
    b.script("stty size; read line; echo got $line; exit 5")
    b.write()
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(b.path)
        os.execv(b.context.linuxd, [b.context.linuxd, "--root", b.root, "--mode", "native", "run", b.name])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 111, 0, 0))
    os.kill(pid, signal.SIGWINCH)
    time.sleep(0.3)
    os.write(fd, b"hello\r")
    text = b""
    try:
        while True:
            data = os.read(fd, 1000)
            if not data:
                break
            text += data
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    expect(b"got hello" in text and status == 5, f"status {status}: {text}")


def signals(b):
    """A signal to run is one to the container, also while run is still busy with starting it."""
    b.script("trap 'echo trapped; exit 3' TERM; echo ready; while true; do sleep 0.05; done").write()
    signals_once(b)
    with open(b.path + "/slow", "w") as f:
        f.write("#!/bin/sh\nexec sleep 1\n")
    os.chmod(b.path + "/slow", 0o755)
    b.config["hooks"] = {"poststart": [{"path": b.path + "/slow"}]}
    b.write()
    signals_once(b)


def signals_once(b):
    child = subprocess.Popen([b.context.linuxd, "--root", b.root, "--mode", "native", "run", b.name], cwd=b.path, stdout=subprocess.PIPE)
    child.stdout.readline()
    child.terminate()
    out, _ = child.communicate(timeout=20)
    expect(out == b"trapped\n" and child.returncode == 3, f"{out} {child.returncode}")
    expect(b.left() == [], "something is left")


MAXRSS = r"""
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		execv(argv[2], argv + 2);
	wait4(pid, &status, 0, &usage);
	FILE *out = fopen(argv[1], "w");
	fprintf(out, "%ld\n", usage.ru_maxrss);
	return fclose(out) || status;
}
"""


def memory(b):
    """The runtime's own memory: at most 1.5 MiB at any time."""
    if '"name": "buildtype", "value": "release"' not in open(os.path.join(b.context.build, "meson-info/intro-buildoptions.json")).read():
        raise Skip("the limit is for release builds")
    program = os.path.join(b.path, "maxrss")
    subprocess.run(["gcc", "-O1", "-static", "-x", "c", "-", "-o", program], input=MAXRSS.encode(), check=True)
    b.script("sleep 100").write()
    for command in (["create"], ["start"], ["delete", "--force"]):
        report = os.path.join(b.path, "report")
        with open(os.path.join(b.path, "output"), "wb") as out:
            subprocess.run([program, report, b.context.linuxd, "--root", b.root, "--mode", "native", *command, b.name],
                           cwd=b.path, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
        kib = int(open(report).read())
        expect(500 < kib <= 1536, f"{command} takes {kib} KiB")


def left_over(b, before):
    """What a failed create may not leave."""
    now = subprocess.run("find /sys/fs/cgroup -name '%s*'; cat /proc/self/mounts | wc -l; ls %s 2>/dev/null | grep -v '~'" % (b.name, b.root),
                         shell=True, stdout=subprocess.PIPE).stdout.decode()
    expect(now == before, f"left behind: {now!r}, before: {before!r}")
    children = subprocess.run(["pgrep", "-f", b.name], stdout=subprocess.PIPE).stdout
    expect(not children, f"a process was left: {children}")


def faults(b):
    """Each step of create fails in turn: an error, and nothing is left."""
    names = set()
    for path in glob.glob(b.context.path("runtime/native/*.c")):
        names |= set(re.findall(r'FAULT\("([^"]+)"\)', open(path).read()))
    names -= {"start", "console"}
    expect(len(names) >= 15, f"only {names}")
    executable = os.path.join(b.path, "hook")
    with open(executable, "w") as f:
        f.write("#!/bin/sh\n")
    os.chmod(executable, 0o755)
    b.config["hooks"] = {"createRuntime": [{"path": executable}]}
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}
    b.write()
    before = subprocess.run("find /sys/fs/cgroup -name '%s*'; cat /proc/self/mounts | wc -l; ls %s 2>/dev/null | grep -v '~'" % (b.name, b.root),
                            shell=True, stdout=subprocess.PIPE).stdout.decode()
    for name in sorted(names):
        for order in ("", "sequential"):
            status, text = b.create(check=False, env=dict(os.environ, LINUXD_FAULT=name, LINUXD_BOOT=order))
            expect(status == 1 and f"LINUXD_FAULT: step {name}" in text.decode(), f"step {name}: status {status}, {text}")
            left_over(b, before)
    b.create()
    failed = b.command("start", b.name, env=dict(os.environ, LINUXD_FAULT="start"))
    expect(failed.status == 1 and b.state()["status"] == "created", "a failed start")
    b.start()
    b.wait_for("stopped")
    b.command("delete", b.name, check=True)
    left_over(b, before)


def boot_chart(b):
    """--boot-chart: a bar for each step; init's root file system and the groups side by side, unless the order is asked for."""
    chart = os.path.join(b.path, "chart.svg")

    def bars():
        root = xml.etree.ElementTree.parse(chart).getroot()
        expect(root.tag == "{http://www.w3.org/2000/svg}svg", root.tag)
        texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        rects = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("height") == "15"]
        names = [found[1] for found in (re.fullmatch(r"(\S+) \d+\.\d\d ms(?:, failed)?", text) for text in texts) if found]
        expect(len(names) == len(rects), f"{names}, {len(rects)} bars")
        return {name: (float(rect.get("x")), float(rect.get("x")) + float(rect.get("width"))) for name, rect in zip(names, rects)}, texts

    steps = {"config.json", "directory", "host", "birthplace", "fifo", "console", "sources", "spawn", "admit", "groups", "limits", "seccomp", "root",
             "join", "keep"}
    for order in ("", "sequential"):
        b.create("--boot-chart", chart, env=dict(os.environ, LINUXD_BOOT=order))
        b.command("delete", "--force", b.name, check=True)
        found, _ = bars()
        expect(set(found) == steps, f"{set(found) ^ steps}")
        expect((found["root"][0] <= found["groups"][0]) == (not order), f"order {order!r}: {found}")
        expect(found["join"][0] + 0.2 >= max(found["root"][1], found["limits"][1]) - 1, f"{found}")
    status, _ = b.create("--boot-chart", chart, check=False, env=dict(os.environ, LINUXD_FAULT="limits of the group"))
    found, texts = bars()
    expect(status == 1 and "keep" not in found and any(text.startswith("limits ") and text.endswith(", failed") for text in texts), f"{texts}")
    b.config["process"]["args"] = ["/bin/true"]
    result = b.run("--boot-chart", chart)
    expect(result.status == 0 and set(bars()[0]) == steps | {"start"}, f"{result.status}")
    failed = b.command("run", "--boot-chart", "/nowhere/chart", b.name)
    expect(failed.status != 0 and b"--boot-chart: cannot write /nowhere/chart" in failed.output, f"{failed.output}")


def cgroup_mounts(b):
    """What a container sees at /sys/fs/cgroup is what the host has, each hierarchy under its name, with the container's group as its root."""
    host = {line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup"}
    if not host:
        raise Skip("no v1 hierarchy")
    b.config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]})
    for own in (False, True):
        b.linux["namespaces"] = [n for n in b.linux["namespaces"] if n["type"] != "cgroup"] + ([{"type": "cgroup"}] if own else [])
        b.config["process"]["args"] = ["/bin/sh", "-c", "ls /sys/fs/cgroup; for at in /sys/fs/cgroup/*/cgroup.procs; do grep -c '^1$' $at; done; :"]
        result = b.run()
        names, counts = set(), []
        for word in result.output.decode().split():
            counts.append(word) if word.isdigit() else names.add(word)
        expect(result.status == 0 and {os.path.basename(path) for path in host} <= names, f"{names}, host {host}")
        expect(len(counts) >= len(host) and set(counts) == {"1"}, f"own namespace {own}: {counts}")


TESTS = [cgroup_mounts, boot_chart, life, exit_status, names, logs, isolation, bad_config, from_a_chroot, executing, exec_affinity, not_reaped, subgroups, pausing, limits, listing, template, terminal, signals, memory, faults]


def native(context):
    def test(function, prefix=""):
        def run():
            with Bundle(context, prefix + function.__name__.replace("_", "-")) as bundle:
                function(bundle)
        return prefix + function.__name__.replace("_", "-"), run
    return [test(function) for function in TESTS] + [test(function, "config-") for function in native_config.TESTS] + [test(function) for function in cve.TESTS]
