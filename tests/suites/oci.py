# SPDX-License-Identifier: Apache-2.0
"""Sandbox mode of the OCI commands, driven as their callers do: as a subreaper, with pid files, console sockets and files for logs. What
both modes have in common is tested with the functions of native.py."""
import array
import fcntl
import glob
import json
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

from . import native, oci_config
from .bundles import Bundle, expect

COMMON = [native.life, native.exit_status, native.names, native.logs, native.isolation, native.bad_config, native.pausing, native.limits,
          native.listing, native.template]


def wait_until(condition, what, patience=10):
    end = time.monotonic() + patience
    while not condition():
        expect(time.monotonic() < end, what)
        time.sleep(0.02)


def status_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def reap_any():
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def subreaper(b):
    """The container's process becomes our child, lives as long as it, and ends with its status."""
    b.script("echo out; echo err >&2; exit 13").create("--pid-file", os.path.join(b.path, "pid"))
    pid = int(open(os.path.join(b.path, "pid")).read())
    expect(os.waitpid(pid, os.WNOHANG) == (0, 0), "not our child, or it has ended already")
    b.start()
    expect(status_of(pid) == 13, "its status is another")
    expect(b.printed() == "out\nerr\n", b.printed())
    expect(b.state()["status"] == "stopped", "not stopped")
    b.command("delete", b.name, check=True)
    # Ended before it began, and killed.
    b.script("sleep 100").create("--pid-file", os.path.join(b.path, "pid"))
    pid = int(open(os.path.join(b.path, "pid")).read())
    b.command("kill", b.name, "TERM", check=True)
    expect(status_of(pid) == 128 + signal.SIGTERM, "a signal before the start")
    b.command("delete", b.name, check=True)
    b.create("--pid-file", os.path.join(b.path, "pid"))
    pid = int(open(os.path.join(b.path, "pid")).read())
    b.start()
    b.command("kill", b.name, "KILL", check=True)
    expect(status_of(pid) == 128 + signal.SIGKILL, "killed")
    expect(not os.path.exists(os.path.join(b.root, b.name, "control")), "its socket is left")
    b.command("delete", b.name, check=True)


def killed_executing(b):
    """SIGKILL while the program is being executed, which many arguments make last: it was killed, and nobody says that it could not be run."""
    b.process["args"] = ["/bin/sh", "-c", "sleep 100"] + ["x"] * 60000
    for _ in range(10):
        b.create("--pid-file", os.path.join(b.path, "pid"))
        pid = int(open(os.path.join(b.path, "pid")).read())
        b.start()
        b.command("kill", b.name, "KILL", check=True)
        expect(status_of(pid) == 128 + signal.SIGKILL, "it has another status")
        b.command("delete", "--force", b.name, check=True)


def streams(b):
    """Pipes, files and /dev/null are the container's own: ends are seen, nothing is left over."""
    b.script("cat; echo end; exec sleep 100 >/dev/null 2>&1").write()
    into, out = os.pipe(), os.pipe()
    error = os.path.join(b.path, "error")
    with open(error, "wb") as log:
        log.write(b"before\n")
        log.flush()
        subprocess.run([b.context.linuxd, "--root", b.root, "--mode", "sandbox", "create", b.name], cwd=b.path, stdin=into[0], stdout=out[1],
                       stderr=log, check=True, timeout=30)
    os.close(into[0])
    os.close(out[1])
    expect(not fcntl.fcntl(out[0], fcntl.F_GETFL) & os.O_NONBLOCK, "our end does not block any more")
    b.start()
    os.write(into[1], b"one\n")
    expect(os.read(out[0], 100) == b"one\n", "input does not arrive")
    os.write(into[1], b"x" * 100000)
    os.close(into[1])
    text = b""
    while data := os.read(out[0], 65536):
        text += data
    # The program still runs: its descriptor is closed, and nobody else has kept it.
    expect(text == b"x" * 100000 + b"end\n" and b.state()["status"] == "running", "the end of the output")
    b.command("exec", b.name, "sh", "-c", "echo to the log >/proc/1/fd/2")
    b.command("delete", "--force", b.name, check=True)
    expect(open(error, "rb").read() == b"before\n", "the log")
    # Sockets and closed descriptors.
    ours, theirs = socket.socketpair()
    b.script("read line; echo got $line").write()
    subprocess.run([b.context.linuxd, "--root", b.root, "--mode", "sandbox", "create", b.name], cwd=b.path, stdin=theirs, stdout=theirs,
                   stderr=subprocess.DEVNULL, check=True, timeout=30)
    theirs.close()
    b.start()
    ours.send(b"hello\n")
    expect(ours.recv(100) == b"got hello\n", "a socket as standard stream")


class Console:
    """A console socket, and the terminal that comes over it."""

    def __init__(self, b):
        self.path = os.path.join(b.path, "console")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.fd = -1

    def take(self):
        connection, _ = self.listener.accept()
        name, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
        expect(name and len(control) == 1, "no terminal came")
        self.fd = array.array("i", control[0][2])[0]
        connection.close()
        self.listener.close()
        os.unlink(self.path)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, wanted, patience=10):
        text = b""
        end = time.monotonic() + patience
        while wanted not in text:
            expect(select.select([self.fd], [], [], max(0, end - time.monotonic()))[0], f"no {wanted} in {text}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            expect(data, f"the end before {wanted} in {text}")
            text += data
        return text

    def rest(self):
        text = b""
        try:
            while data := os.read(self.fd, 4096):
                text += data
        except OSError:
            pass
        os.close(self.fd)
        return text


def console(b):
    """--console-socket for create: lines, keys, sizes, and the end."""
    b.process["terminal"] = True
    b.process["consoleSize"] = {"height": 31, "width": 117}
    b.script("tty; stty size; trap 'stty size' WINCH; while read line; do echo got $line; done; seq 1 2000; exit 4")
    terminal = Console(b)
    b.create("--pid-file", os.path.join(b.path, "pid"), "--console-socket", terminal.path)
    terminal.take()
    pid = int(open(os.path.join(b.path, "pid")).read())
    b.start()
    expect(b"/dev/pts/0\r\n31 117\r\n" in terminal.read_until(b"117\r\n"), "the beginning")
    os.write(terminal.fd, b"hello\n")
    expect(b"hello\r\ngot hello\r\n" in terminal.read_until(b"got hello\r\n"), "a line")
    terminal.resize(44, 99)
    os.write(terminal.fd, b"x\n")
    terminal.read_until(b"44 99\r\n")
    os.write(terminal.fd, b"\x04")
    text = terminal.rest()
    expect(text.endswith(b"1999\r\n2000\r\n"), f"the end is {text[-100:]}")
    expect(status_of(pid) == 4, "status")


def run_on_terminal(b):
    """run in the foreground: our terminal is the container's."""
    b.process["terminal"] = True
    b.script("tty; stty size; read line; echo got $line; exit 5").write()
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(b.path)
        os.execv(b.context.linuxd, [b.context.linuxd, "--root", b.root, "--mode", "sandbox", "run", b.name])
    terminal = Console.__new__(Console)
    terminal.fd = fd
    terminal.resize(40, 111)
    os.kill(pid, signal.SIGWINCH)
    terminal.read_until(b"/dev/pts/0")
    os.write(fd, b"hello\r")
    text = terminal.rest()
    expect(b"got hello" in text and status_of(pid) == 5, text)
    expect(os.listdir(b.root) == [], "something is left")


def many_devices(b):
    """As --privileged asks for: those that the kernel has work, the others are only seen."""
    b.linux["devices"] = [{"path": f"/dev/many{n}", "type": "b", "major": 7, "minor": n} for n in range(300)]
    b.linux["devices"].append({"path": "/dev/sub/other-null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 0, "gid": 6})
    b.script("ls /dev | grep -c many; echo x >/dev/sub/other-null && stat -c '%a %u %g %t:%T' /dev/sub/other-null; cat /dev/many1 2>/dev/null || echo none")
    expect(b.output().split("\n") == ["300", "640 0 6 1:3", "none", ""], "devices")


def id_mappings(b):
    """A user namespace: files of the host belong to other ids inside."""
    b.namespace("user")
    b.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 5000, "hostID": 7, "size": 1}]
    b.linux["gidMappings"] = [{"containerID": 0, "hostID": 200000, "size": 1000}]
    os.makedirs(os.path.join(b.rootfs, "data"))
    for name, uid, gid in (("mine", 100000, 200000), ("other", 100007, 200008), ("single", 7, 200000), ("foreign", 1234, 1234)):
        open(os.path.join(b.rootfs, "data", name), "w").close()
        os.chown(os.path.join(b.rootfs, "data", name), uid, gid)
    os.chown(os.path.join(b.rootfs, "data"), 100000, 200000)
    b.process["capabilities"] = {s: ["CAP_CHOWN"] for s in ("bounding", "effective", "permitted")}
    b.script("cd /data; stat -c '%u %g' mine other single foreign; touch new; mkdir dir; touch given && chown 5000:3 given; stat -c '%u %g' new given; id -u")
    expect(b.output().split() == "0 0 7 8 5000 0 65534 65534 0 0 5000 3 0".split(), "owners inside")
    owners = {name: (os.stat(os.path.join(b.rootfs, "data", name)).st_uid, os.stat(os.path.join(b.rootfs, "data", name)).st_gid)
              for name in ("new", "dir", "given")}
    expect(owners == {"new": (100000, 200000), "dir": (100000, 200000), "given": (7, 200003)}, owners)


def executing(b):
    b.process["args"] = ["sleep", "100"]
    b.create()
    # As with runc: what is to run is there already.
    early = b.command("exec", b.name, "sh", "-c", "echo early; cat /proc/1/comm")
    expect(early.status == 0 and early.output.startswith(b"early\n") and b.state()["status"] == "created", f"exec before the start: {early.output}")
    b.start()

    def run(*arguments, status=0):
        result = b.command("exec", *arguments)
        expect(result.status == status, f"exec {arguments}: status {result.status}: {result.output}")
        return result.output.decode().split()
    expect(run(b.name, "sh", "-c", "exit 7", status=7) == [], "status")
    expect(run(b.name, "sh", "-c", "kill -9 $$", status=137) == [], "killed")
    expect(run("--user", "3:4", "-g", "5", b.name, "sh", "-c", "id -u; id -g; id -G") == ["3", "4", "4", "5"], "user")
    expect(run("--cwd", "/tmp", "--env", "A=1", "-e", "B=2", b.name, "sh", "-c", "pwd; echo $A$B") == ["/tmp", "12"], "environment")
    expect(run("--cap", "CAP_CHOWN", b.name, "grep", "CapEff", "/proc/self/status")[1] == "0000000020000421", "capabilities")
    expect(run(b.name, "cat", "/proc/1/cmdline") == ["sleep\x00100\x00"], "sees the others")
    expect(run(b.name, "sh", "-c", "grep PPid /proc/self/status; ls -l /proc/$$/fd/0 | wc -l")[1] != "1", "a parent inside")
    expect("executable file not found" in " ".join(run(b.name, "no-such-program", status=255)), "no program")
    expect("chdir to cwd" in " ".join(run("--cwd", "/nowhere", b.name, "true", status=255)), "no directory")
    large = "x" * 100000
    expect(run(b.name, "sh", "-c", f"echo {large} | wc -c") == ["100001"], "a long command")
    expect(run("-t", b.name, "sh", "-c", "tty; test -t 1 && echo yes") == ["/dev/pts/1", "yes"], "terminal")
    result = b.command("exec", b.name, "cat", stdin=b"some input")
    expect(result.output == b"some input", "input")
    # Processes of exec that outlive it are pid 1's children.
    run(b.name, "sh", "-c", "sleep 50 >/dev/null 2>&1 & exit 0")
    expect("sleep 50" in b.command("exec", b.name, "ps").output.decode(), "the child of an exec has gone")


def exec_detached(b):
    """It becomes our child, gets the signals that we send to its pid, and dies with its attendant."""
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    pid_file = os.path.join(b.path, "exec-pid")

    def detach(script):
        with open(os.path.join(b.path, "exec-output"), "wb") as out:
            subprocess.run([b.context.linuxd, "--root", b.root, "exec", "--detach", "--pid-file", pid_file, b.name, "sh", "-c", script],
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True, timeout=30)
        return int(open(pid_file).read())

    def said():
        return open(os.path.join(b.path, "exec-output")).read()
    pid = detach("trap 'echo caught; exit 3' USR1; echo ready; while true; do sleep 0.02; done")
    wait_until(lambda: "ready" in said(), "it does not run")
    os.kill(pid, signal.SIGUSR1)
    expect(status_of(pid) == 3 and said() == "ready\ncaught\n", said())
    pid = detach("echo $$ >/tmp/own; exec sleep 1000")
    wait_until(lambda: b.command("exec", b.name, "cat", "/tmp/own").output.strip(), "it does not run")
    os.kill(pid, signal.SIGKILL)
    expect(status_of(pid) == -signal.SIGKILL, "status")
    wait_until(lambda: "sleep 1000" not in b.command("exec", b.name, "ps").output.decode(), "it outlives its attendant")
    pid = detach("exec sleep 1000")
    b.command("kill", b.name, "KILL", check=True)
    expect(status_of(pid) == 128 + signal.SIGKILL, "it outlives the container")


def exec_console(b):
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    terminal = Console(b)
    pid_file = os.path.join(b.path, "exec-pid")
    subprocess.run([b.context.linuxd, "--root", b.root, "exec", "--detach", "--tty", "--console-socket", terminal.path, "--pid-file", pid_file, b.name,
                    "sh", "-c", "echo ready; read line; stty size; echo $line; sleep 0.1; exit 6"], check=True, timeout=30)
    terminal.take()
    terminal.read_until(b"ready")
    terminal.resize(12, 34)
    time.sleep(0.2)
    os.write(terminal.fd, b"word\n")
    expect(b"12 34\r\nword\r\n" in terminal.rest(), "what it says")
    expect(status_of(int(open(pid_file).read())) == 6, "status")
    # Keys become signals, and the terminal's end ends the program.
    terminal = Console(b)
    subprocess.run([b.context.linuxd, "--root", b.root, "exec", "--detach", "--tty", "--console-socket", terminal.path, "--pid-file", pid_file, b.name,
                    "sh", "-c", "echo ready; exec sleep 100"], check=True, timeout=30)
    terminal.take()
    terminal.read_until(b"ready")
    time.sleep(0.1)
    os.write(terminal.fd, b"\x03")
    terminal.rest()
    expect(status_of(int(open(pid_file).read())) == 128 + signal.SIGINT, "Ctrl-C")


def process_fields(b):
    """process.* as the program finds it."""
    b.process.update({"user": {"uid": 7, "gid": 8, "umask": 0o27, "additionalGids": [20, 10]}, "cwd": "/made/here", "oomScoreAdj": 123,
                      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}],
                      "noNewPrivileges": True})
    b.process["capabilities"] = {"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"],
                                 "inheritable": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]}
    b.config["hostname"], b.config["domainname"] = "machine", "example.org"
    b.script("id -u; id -g; id -G; umask; pwd; cat /proc/self/oom_score_adj; ulimit -n; ulimit -Hn; grep -E 'Cap|NoNew' /proc/self/status; hostname;"
             "cat /proc/sys/kernel/domainname; echo $HOME")
    words = b.output().split()
    expect(words[:10] == ["7", "8", "8", "10", "20", "0027", "/made/here", "123", "77", "99"], words)
    sets = {words[i][:-1]: words[i + 1] for i in range(10, 22, 2)}
    expect(sets == {"CapInh": "0000000000000001", "CapPrm": "0000000000000001", "CapEff": "0000000000000001", "CapBnd": "0000000000000021",
                    "CapAmb": "0000000000000001", "NoNewPrivs": "1"}, sets)
    expect(words[22:] == ["machine", "example.org", "/"], words[22:])


def mounts(b):
    for name, text in (("shown", "shown"), ("hidden", "hidden")):
        os.makedirs(os.path.join(b.path, name))
        with open(os.path.join(b.path, name, "file"), "w") as f:
            f.write(text)
    b.mount("/data", "bind", "shown", ["bind"])
    b.mount("/data-ro", "bind", "shown", ["rbind", "ro", "nosuid"])
    b.mount("/etc/one", "bind", os.path.join(b.path, "hidden/file"), ["bind", "ro"])
    b.mount("/tmp", "tmpfs", "tmpfs", ["size=1m", "mode=1777", "noexec"])
    b.mount("/dev/mine", "bind", "/dev/zero", ["bind"])
    b.config["root"]["readonly"] = True
    b.linux["maskedPaths"] += ["/data/masked", "/data/secret"]
    b.linux["readonlyPaths"] += ["/data/fixed"]
    for name in ("masked", "fixed"):
        os.makedirs(os.path.join(b.path, "shown", name))
    for name in ("masked/inside", "secret", "fixed/inside"):
        open(os.path.join(b.path, "shown", name), "w").write("text")
    b.script("""
        cat /data/file; echo; cat /data-ro/file; echo; cat /etc/one; echo
        echo new >/data/new && cat /data/new
        touch /data-ro/x 2>/dev/null || echo read-only; echo x 2>/dev/null >/etc/one || echo read-only; touch /x 2>/dev/null || echo read-only
        head -c 2000000 /dev/zero >/tmp/big 2>/dev/null || echo full
        ls /data/masked; cat /data/secret; touch /data/fixed/x 2>/dev/null || echo fixed; cat /data/fixed/inside; echo
        head -c 3 /dev/mine | wc -c; test -c /dev/mine && echo device
        grep -c '^tmpfs /tmp tmpfs rw,noexec' /proc/mounts
        touch /proc/sys/kernel/x 2>/dev/null || echo no""")
    lines = b.output().split("\n")
    expect(lines == ["shown", "shown", "hidden", "new", "read-only", "read-only", "read-only", "full", "fixed", "text", "3", "device", "1", "no", ""], lines)
    expect(open(os.path.join(b.path, "shown/new")).read() == "new\n", "not on the host")


def sysctls(b):
    b.linux["sysctl"] = {"kernel.domainname": "by.sysctl", "net.ipv4.no_such_thing": "1", "fs.pipe-max-size": "65536"}
    b.script("cat /proc/sys/kernel/domainname /proc/sys/fs/pipe-max-size")
    expect(b.output().split() == ["by.sysctl", "65536"], "values")
    b.linux["sysctl"] = {"kernel.no_such_thing": "1"}
    b.refused("kernel/no_such_thing")


def seccomp(b):
    """linux.seccomp is applied inside, by the container's kernel."""
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
        {"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"},
        {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": [{"index": 1, "value": 12, "op": "SCMP_CMP_EQ"}]}]}
    b.script("mkdir /tmp/x 2>&1; hostname other; echo $?; kill -USR2 $$ 2>&1; kill -URG $$ && echo sent; grep Seccomp /proc/self/status")
    words = b.output()
    expect("Not supported" in words or "not supported" in words, words)
    expect("159\n" in words and "not implemented" in words and "sent" in words and "Seccomp:\t2\nSeccomp_filters:\t1" in words, words)
    # exec has it, too.
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    expect(b.command("exec", b.name, "mkdir", "/tmp/y").status == 1, "exec without the filter")
    b.command("delete", "--force", b.name, check=True)
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/nobody", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
    b.refused("SCMP_ACT_NOTIFY", "--mode native")


def resources(b):
    b.linux["resources"].update({"memory": {"limit": 128 << 20}, "pids": {"limit": 20}, "cpu": {"quota": 100000, "period": 100000}})
    b.script("nproc; grep MemTotal /proc/meminfo; (i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done) 2>/dev/null; echo tried; sleep 100").create()
    b.start()
    wait_until(lambda: "tried" in b.printed(), "no limit")
    expect(b.printed().split()[:3] == ["1", "MemTotal:", str(128 << 10)], b.printed())
    stats = json.loads(b.command("events", "--stats", b.name, check=True).output)["data"]
    expect(stats["pids"]["limit"] == 20 and 0 < stats["pids"]["current"] <= 20, stats["pids"])
    expect(stats["cpu"]["usage"]["total"] > 0 and len(stats["cpu"]["usage"]["percpu"]) == 1, stats["cpu"])
    b.command("update", "--pids-limit", "500", "--memory", "64M", b.name, check=True)
    expect("65536" in b.command("exec", b.name, "grep", "MemTotal", "/proc/meminfo").output.decode(), "memory was not updated")


def out_of_memory(b):
    """The container's own kernel ends what takes too much, and the container goes on."""
    b.linux["resources"]["memory"] = {"limit": 64 << 20}
    b.script("echo $$ >/tmp/pid; (head -c 300000000 /dev/zero | tail >/dev/null); echo ended $?; sleep 100").create()
    b.start()
    wait_until(lambda: "ended" in b.printed(), "it was not ended", 25)
    stats = json.loads(b.command("events", "--stats", b.name, check=True).output)["data"]
    expect(stats["memory"]["usage"]["failcnt"] >= 1 and b.state()["status"] == "running", stats["memory"])


def hooks(b):
    log = os.path.join(b.path, "hooks")
    kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    b.config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"(echo {kind}; cat; echo) >>{log}"]}] for kind in kinds}
    b.script("sleep 100").create()
    pid = b.state()["pid"]
    b.start()
    b.command("delete", "--force", b.name, check=True)
    lines = open(log).read().split("\n")
    expect([line for line in lines if line and line[0] != "{"] == kinds, lines)
    states = [json.loads(line) for line in lines if line.startswith("{")]
    expect(all(state["pid"] == pid for state in states[:5]) and states[0]["status"] == "creating", states)
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no; exit 1"]}]}
    b.refused("createRuntime")
    expect(not subprocess.run(["pgrep", "-f", b.name], stdout=subprocess.PIPE).stdout, "a process was left")


def refused(b):
    """What a sandbox cannot give is an error with a way out, and nothing is left behind."""
    before = json.dumps(b.config)
    for change, word in ((lambda: b.namespace("ipc", "/proc/self/ns/ipc"), "System V IPC"),
                         (lambda: b.linux.update({"timeOffsets": {"monotonic": {"secs": 1}}}), "linux.timeOffsets"),
                         (lambda: b.mount("/x", "bind", "/proc/self", ["bind"]), "way out"),
                         (lambda: b.mount("/x", "bind", "/no/such/place", ["bind"]), "/no/such/place"),
                         (lambda: b.linux["resources"].update({"memory": {"limit": 1 << 20}}), "memory.limit"),
                         (lambda: b.config.update({"annotations": {"org.linuxd.cpus": "many"}}), "org.linuxd.cpus"),
                         (lambda: b.process.update({"cwd": "/bin/sh"}), "chdir to cwd"),
                         (lambda: b.process.update({"args": ["nothing"]}), "executable file not found in $PATH"),
                         (lambda: b.process.update({"args": ["/tmp"]}), "permission denied")):
        b.config = json.loads(before)
        change()
        b.refused(word)
    expect(not subprocess.run(f"find /sys/fs/cgroup -name '{b.name}*'", shell=True, stdout=subprocess.PIPE).stdout, "a cgroup was left")


def annotations(b):
    b.config["annotations"] = {"org.linuxd.cpus": "1", "org.linuxd.seed": "42"}
    b.script("nproc; cat /proc/sys/kernel/random/uuid; head -c 8 /dev/urandom | od -An -tx1 2>/dev/null || :; date +%s 2>/dev/null || :")
    first, second = b.output(), b.output()
    expect(first == second and first.startswith("1\n"), f"{first!r} and {second!r} differ")


def faults(b):
    """Each step of create fails in turn: an error, and nothing is left."""
    names = set()
    for path in glob.glob(b.context.path("runtime/sandbox/*.c")):
        names |= set(re.findall(r'(?:FAULT|fault)\("([^"]+)"', open(path).read()))
    names -= {"start"}
    expect(len(names) >= 6, f"only {names}")
    b.script("sleep 100").write()
    # Of the host itself something may come and go: only what has our name counts.
    for name in sorted(names):
        status, text = b.create(check=False, env=dict(os.environ, LINUXD_FAULT=name))
        expect(status == 1 and f"LINUXD_FAULT: step {name}" in text.decode(), f"step {name}: status {status}, {text}")
        left = subprocess.run(f"find /sys/fs/cgroup -name '{b.name}*'; ls {b.root}", shell=True, stdout=subprocess.PIPE).stdout + \
               subprocess.run(["pgrep", "-f", b.name], stdout=subprocess.PIPE).stdout
        expect(not left, f"step {name} left {left}")
    b.create()
    failed = b.command("start", b.name, env=dict(os.environ, LINUXD_FAULT="start"))
    expect(failed.status == 1 and b.state()["status"] == "created", "a failed start")
    b.start()
    expect(b.state()["status"] == "running", "the start after a failed one")


# struct process_spec (include/abi/process.h): 14 numbers, limits, capabilities, filter, size of the terminal.
SPEC = struct.Struct("<5I9I32Q5Q3I2H")


def hostile_client(b):
    """A client that describes nonsense to `exec`: refused or run, and the container goes on."""
    b.script("sleep 100").create()
    b.start()
    rng = random.Random(20261128)
    strings = b"true\0A=b\0/\0"
    # The name of a socket has at most 107 bytes, the place of this build may have more.
    directory = os.open(os.path.join(b.root, b.name), os.O_PATH)
    good = [0, 0, 0, 0, 0, 1, 0, 1, 5, 9, 0, 0, 0, 0] + [0] * 32 + [0] * 5 + [0, 0, 0, 0, 0]
    for number in range(150):
        values = list(good)
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(values))
            wide = 14 <= at < 51
            values[at] = rng.choice([0, 1, 2, 3, 4, 7, 9, 12, 13, 0x7fff, rng.getrandbits(16)] + ([1 << 63, rng.getrandbits(64)] if wide else []) +
                                    ([0xffffffff, 0x80000000, rng.getrandbits(32)] if at < 54 and not wide else []))
        if not values[5] and rng.randrange(2):
            values[5] = 1
        data = SPEC.pack(*values) + strings
        data = data[:rng.randrange(len(data) + 1)] if rng.randrange(8) == 0 else data
        fd = os.memfd_create("spec")
        os.write(fd, data)
        which = rng.choice([0, 0, 0, 1, 2, 7, 8, rng.getrandbits(64)])
        null = os.open("/dev/null", os.O_RDWR)
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(f"/proc/self/fd/{directory}/control")
        extra = rng.choice([0, 0, 0, 1, 2, 3, 16, 17, rng.getrandbits(64)])
        request = struct.pack("<4I4Q", 0x6c78646c, 1, 86, 0, which, extra, rng.getrandbits(64), 0)
        socket.send_fds(client, [request], [fd] + [null] * rng.randrange(4))
        client.settimeout(10)
        if rng.randrange(4):
            try:
                expect(len(client.recv(4096)) > 0, "no answer")
            except ConnectionError:
                pass
        for each in (client.close, lambda: os.close(fd), lambda: os.close(null)):
            each()
    os.close(directory)
    result = b.command("exec", b.name, "echo", "still here")
    expect(result.output == b"still here\n", f"the container does not go on: {result.output}")


def killed_monitor(b):
    """Whoever kills the container's process on the host ends all of it."""
    b.script("sleep 100").create()
    b.start()
    pid = b.state()["pid"]
    pids = json.loads(b.command("ps", "--format", "json", b.name, check=True).output)
    expect(pid in pids and len(pids) > 1, pids)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    def gone():
        # They have become ours: the first process of their namespace cannot end before we have taken the others' statuses.
        while reap_any():
            pass
        return not any(os.path.exists(f"/proc/{p}") for p in pids)
    wait_until(gone, "host processes are left")
    expect(b.state()["status"] == "stopped", "not stopped")
    b.command("delete", b.name, check=True)


OWN = [subreaper, killed_executing, streams, console, run_on_terminal, many_devices, id_mappings, executing, exec_detached, exec_console, process_fields, mounts, sysctls, seccomp, resources, out_of_memory, hooks,
       refused, annotations, faults, hostile_client, killed_monitor]


def oci(context):
    def test(function):
        name = function.__name__.replace("_", "-")

        def run():
            with Bundle(context, "sandbox-" + name, "sandbox") as bundle:
                function(bundle)
        return name, run
    return [test(function) for function in COMMON + OWN + oci_config.ALL]
