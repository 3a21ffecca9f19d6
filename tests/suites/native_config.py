# SPDX-License-Identifier: Apache-2.0
"""One test for each field of config.json."""
import array
import ctypes
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

from run import Skip

from .bundles import expect


def executable(path, text):
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)


def process_fields(b):
    b.process.update({"user": {"uid": 5, "gid": 6, "additionalGids": [7, 8], "umask": 0o27}, "cwd": "/tmp/new", "env": ["PATH=/bin", "A=b c"]})
    b.script("id -u; id -g; id -G; umask; pwd; echo $A; echo $HOME")
    expect(b.output().splitlines() == ["5", "6", "6 7 8", "0027", "/tmp/new", "b c", "/"], b.output())


def without_process(b):
    del b.config["process"]
    for b.mode in ("native", "sandbox"):
        b.refused("config.json: process: is missing")


def rlimits(b):
    b.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 321, "soft": 123}, {"type": "RLIMIT_CORE", "hard": 0, "soft": 0}]
    expect(b.script("ulimit -n; ulimit -Hn; ulimit -c").output().split() == ["123", "321", "0"], b.output())


def capabilities(b):
    b.process["capabilities"] = {"bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_NO_SUCH"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
                                 "effective": ["CAP_KILL"], "inheritable": ["CAP_CHOWN", "CAP_KILL"], "ambient": ["CAP_CHOWN"]}
    b.process["user"] = {"uid": 1000, "gid": 1000}
    # After the exec of who is not root: the ambient set counts.
    lines = b.script("grep Cap /proc/self/status").output().split()
    expect(lines[1::2] == ["%016x" % n for n in (0x21, 1, 1, 0x21, 1)], f"sets are {lines}")
    del b.process["capabilities"]
    b.process["user"] = {"uid": 0, "gid": 0}
    lines = b.output().split()
    expect(set(lines[1::2]) == {"0" * 16}, f"without a list there are {lines}")


def root_readonly(b):
    b.config["root"]["readonly"] = True
    b.script("touch /x 2>&1; touch /dev/shm/y && echo shm")
    out = b.output()
    expect("Read-only" in out and "shm" in out, out)


def names(b):
    b.config["domainname"] = "example.org"
    expect(b.script("cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname").output().split() == ["bundle", "example.org"], b.output())


def mount_bind(b):
    source = os.path.join(b.path, "source")
    os.makedirs(source + "/sub")
    open(source + "/file", "w").write("text")
    b.mount("/a/b", "bind", source, ["rbind", "ro", "nosuid", "noexec"])
    b.mount("/one-file", "none", source + "/file", ["bind"])
    b.mount("/relative", source="source", options=["bind"])
    b.script("cat /a/b/file /one-file; ls /relative; touch /a/b/x 2>&1; grep ' /a/b ' /proc/self/mountinfo; echo more >> /one-file")
    out = b.output()
    expect(out.startswith("texttext") and "file" in out and "Read-only" in out, out)
    expect("ro,nosuid,noexec" in out and " shared:" not in out, out)
    expect(open(source + "/file").read() == "textmore\n", "the file that was bound has not changed")


def mount_recursive(b):
    source = os.path.join(b.path, "source")
    os.makedirs(source + "/sub")
    subprocess.run(["mount", "-t", "tmpfs", "x", source + "/sub"], check=True)
    try:
        b.mount("/plain", "bind", source, ["rbind", "ro"])
        b.mount("/deep", "bind", source, ["rbind", "rro", "rnosuid"])
        out = b.script("touch /plain/sub/x && echo plain; touch /deep/sub/x 2>&1; touch /plain/x 2>&1; grep /deep/sub /proc/self/mounts").output()
    finally:
        subprocess.run(["umount", source + "/sub"], check=True)
    expect("plain\n" in out and out.count("Read-only") == 2 and "ro,nosuid" in out, out)


def mount_tmpfs(b):
    os.makedirs(b.rootfs + "/full/dir")
    open(b.rootfs + "/full/dir/file", "w").write("here")
    os.symlink("dir/file", b.rootfs + "/full/link")
    os.chmod(b.rootfs + "/full/dir", 0o751)
    b.mount("/full", "tmpfs", "tmpfs", ["tmpcopyup", "size=1m", "noexec"])
    b.mount("/empty", "tmpfs", "tmpfs", ["mode=1700", "ro"])
    out = b.script("cat /full/link; stat -c ' %a' /full/dir /empty; touch /empty/x 2>&1; echo more > /full/dir/file; grep full /proc/self/mounts").output()
    expect(out.startswith("here 751\n 1700\n") and "Read-only" in out and "noexec" in out and "size=1024k" in out, out)
    expect(open(b.rootfs + "/full/dir/file").read() == "here", "the original was changed")


def mount_errors(b):
    b.mount("/x", "no-such-fs", "none")
    b.refused("mount /x", 'knows no file system "no-such-fs"')
    b.config["mounts"][-1] = {"destination": "/x", "type": "tmpfs", "source": "x", "options": ["no-such-option"]}
    b.refused("mount /x (tmpfs)", "no-such-option")
    b.config["mounts"][-1] = {"destination": "/x", "type": "bind", "source": "/no/such", "options": ["bind"]}
    b.refused("mount /x: cannot bind /no/such: No such file or directory")


def mount_propagation(b):
    b.mount("/shared", "tmpfs", "x", ["rshared"])
    b.mount("/slave", "tmpfs", "x", ["rslave"])
    b.mount("/unbindable", "tmpfs", "x", ["unbindable"])
    lines = b.script("grep -E '/(shared|unbindable) ' /proc/self/mountinfo").output()
    expect(" shared:" in lines and " unbindable " in lines, lines)


def root_kinds(b):
    for propagation, tag in (("shared", " shared:"), ("rshared", " shared:"), ("unbindable", " unbindable "), ("runbindable", " unbindable "),
                             ("private", " - "), ("rslave", " - ")):
        b.linux["rootfsPropagation"] = propagation
        fields = b.script("grep ' / / ' /proc/self/mountinfo || grep ' / ' /proc/self/mountinfo").output().splitlines()[0]
        expect(tag in fields and (tag != " - " or "shared" not in fields), f"{propagation}: {fields}")


def root_propagation(b):
    source = os.path.join(b.path, "source")
    os.makedirs(source + "/in")
    subprocess.run(["mount", "--bind", source, source], check=True)
    subprocess.run(["mount", "--make-shared", source], check=True)
    try:
        # From the host into the container with slave, and to the host with shared.
        b.linux["rootfsPropagation"] = "rslave"
        b.mount("/s", "bind", source, ["rbind", "rslave"])
        b.script("while ! test -e /s/in/seen; do sleep 0.02; done; echo arrived").create()
        b.start()
        subprocess.run(["mount", "-t", "tmpfs", "x", source + "/in"], check=True)
        open(source + "/in/seen", "w").close()
        b.wait_for("stopped")
        subprocess.run(["umount", source + "/in"], check=True)
        b.command("delete", b.name, check=True)
        expect("arrived" in b.printed(), "a mount of the host did not come into the container")
        b.linux["rootfsPropagation"] = "rshared"
        b.config["mounts"][-1]["options"] = ["rbind", "rshared"]
        b.process["capabilities"] = {s: ["CAP_SYS_ADMIN"] for s in ("bounding", "effective", "permitted")}
        b.script("mount -t tmpfs fromhere /s/in && echo mounted")
        expect("mounted" in b.output(), "cannot mount inside")
        expect(f"{source}/in " in open("/proc/self/mounts").read(), "a mount of the container did not come to the host")
    finally:
        subprocess.run(["umount", "-l", source], check=False)


def idmap_mount(b):
    source = os.path.join(b.path, "source")
    os.makedirs(source)
    open(source + "/file", "w").close()
    os.chown(source + "/file", 1000, 1000)
    mapping = [{"containerID": 1000, "hostID": 7000, "size": 10}]
    b.config["mounts"].append({"destination": "/m", "type": "bind", "source": source, "options": ["bind"],
                               "uidMappings": mapping, "gidMappings": mapping})
    b.script("stat -c '%u %g' /m/file")
    result = b.run()
    if b"cannot map its ids" in result.output:
        raise Skip("this file system or kernel has no id-mapped mounts")
    expect(result.output.split() == [b"7000", b"7000"], result.output)


def masked_and_readonly(b):
    os.makedirs(b.rootfs + "/secret")
    open(b.rootfs + "/secret/key", "w").write("private")
    open(b.rootfs + "/hidden", "w").write("private")
    os.makedirs(b.rootfs + "/fixed")
    b.linux["maskedPaths"] += ["/secret", "/hidden", "/none/such"]
    b.linux["readonlyPaths"] += ["/fixed", "/none/such"]
    out = b.script("ls /secret; cat /hidden; touch /secret/x 2>&1; touch /fixed/x 2>&1; echo done").output()
    expect("private" not in out and "key" not in out and out.count("Read-only") == 2 and "done" in out, out)


def devices(b):
    b.linux["devices"] = [{"path": "/dev/my/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4},
                          {"path": "/dev/pipe", "type": "p"}, {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600}]
    out = b.script("stat -c '%a %u %g %t:%T' /dev/my/fuse; stat -c %F /dev/pipe; stat -c %a /dev/null; ls -l /dev/ptmx; echo x > /dev/zero; head -c 3 /dev/zero | wc -c").output()
    expect(out.startswith("640 3 4 a:e5\nfifo\n600\n") and "pts/ptmx" in out and out.endswith("3\n"), out)


def device_rules(b):
    b.process["capabilities"] = {s: ["CAP_MKNOD"] for s in ("bounding", "effective", "permitted")}
    b.script("mknod /tmp/kmsg c 1 11 2>/dev/null || busybox mknod /tmp/kmsg c 1 11; cat /tmp/kmsg 2>&1 | head -c 100; head -c 2 /dev/urandom | wc -c")
    out = b.output()
    expect("not permitted" in out and out.endswith("2\n"), out)


def sysctl(b):
    b.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmni": "1234"}
    expect(b.script("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni").output().split() == ["1", "1234"], b.output())
    expect(open("/proc/sys/kernel/shmmni").read().strip() != "1234", "the host's was changed")
    b.linux["sysctl"] = {"net.no.such": "1"}
    b.refused("linux.sysctl: cannot set net.no.such")


def user_namespace(b):
    b.namespace("user")
    b.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    b.linux["gidMappings"] = [{"containerID": 0, "hostID": 200000, "size": 1000}]
    for name in (b.path, b.rootfs):
        os.chown(name, 100000, 200000)
    b.script("id -u; cat /proc/self/uid_map /proc/self/gid_map; touch /made; ls -l /dev/null; sleep 100")
    b.create()
    pid = b.state()["pid"]
    status = open(f"/proc/{pid}/status").read()
    expect(re.search(r"^Uid:\s+100000\s", status, re.M) and re.search(r"^Gid:\s+200000\s", status, re.M), status)
    b.start()
    result = b.command("exec", b.name, "id", "-u")
    expect(result.output.strip() == b"0", result.output)
    b.command("kill", b.name, "KILL", check=True)
    b.wait_for("stopped")
    out = b.printed().split()
    expect(out[:7] == ["0", "0", "100000", "1000", "0", "200000", "1000"], out)
    expect(os.stat(b.rootfs + "/made").st_uid == 100000, "a file has the wrong owner")


def time_namespace(b):
    if not os.path.exists("/proc/self/ns/time"):
        raise Skip("this kernel has no time namespaces")
    b.namespace("time")
    b.linux["timeOffsets"] = {"boottime": {"secs": 1000000, "nanosecs": 5}, "monotonic": {"secs": 7, "nanosecs": 0}}
    up = float(b.script("cat /proc/uptime").output().split()[0])
    host = float(open("/proc/uptime").read().split()[0])
    expect(abs(up - host - 1000000) < 30, f"uptime is {up}, the host's {host}")


def join_by_path(b):
    holder = subprocess.Popen(["unshare", "--net", "--uts", "--ipc", "sh", "-c", "hostname joined; echo ready; exec sleep 60"],
                              stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        for kind, name in (("network", "net"), ("uts", "uts"), ("ipc", "ipc")):
            b.namespace(kind, f"/proc/{holder.pid}/ns/{name}")
        del b.config["hostname"]
        out = b.script("hostname; readlink /proc/self/ns/net").output().split()
        expect(out == ["joined", os.readlink(f"/proc/{holder.pid}/ns/net")], out)
        b.namespace("network", f"/proc/{holder.pid}/ns/uts")
        b.refused("is a namespace of type uts, not network")
    finally:
        holder.kill()
        holder.wait()


def join_pid_namespace(b):
    b.script("sleep 100").create()
    b.start()
    pid = b.state()["pid"]
    first, b.name = b.name, b.name + "-second"
    b.namespace("pid", f"/proc/{pid}/ns/pid")
    out = b.script("cat /proc/1/cmdline").output()
    expect("sleep" in out, f"pid 1 is {out!r}")
    b.name = first


def host_namespaces(b):
    for kind in ("pid", "network", "ipc", "uts", "cgroup"):
        b.without_namespace(kind)
    del b.config["hostname"]
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup")]
    # In the host's pid namespace its processes do not end with init: kill and delete see to them.
    b.script("sleep 1000 & echo $!; readlink /proc/self/ns/net; exec sleep 1000").create()
    b.start()
    while b.printed().count("\n") < 2:
        pass
    pid, net = b.printed().split()
    expect(net == os.readlink("/proc/self/ns/net"), "not in the host's network namespace")
    b.command("kill", b.name, "KILL", check=True)
    b.wait_for("stopped")
    b.command("delete", b.name, check=True)
    expect(not os.path.exists(f"/proc/{pid}") or open(f"/proc/{pid}/stat").read().split()[2] == "Z", "a process was left")


def hooks(b):
    log = os.path.join(b.path, "hooks")
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
        path = os.path.join(b.rootfs if kind == "startContainer" else b.path, kind)
        out = "/hooks" if kind == "startContainer" else log
        executable(path, f'read state; echo "$0 $1 $V $state" >> {out}')
        b.config.setdefault("hooks", {})[kind] = [{"path": "/startContainer" if kind == "startContainer" else path,
                                                   "args": [kind, "argument"], "env": ["V=w"]}]
    b.script("cat /hooks > /copy; echo program").create()
    lines = open(log).read().splitlines()
    expect([os.path.basename(line.split()[0]) for line in lines] == ["prestart", "createRuntime", "createContainer"], lines)
    state = json.loads(lines[0].split(" ", 3)[3])
    expect(state["id"] == b.name and state["pid"] == b.state()["pid"] and state["status"] == "creating" and state["bundle"] == b.path, state)
    expect(lines[0].split()[1:3] == ["argument", "w"], lines[0])
    b.start()
    b.wait_for("stopped")
    b.command("delete", b.name, check=True)
    lines = open(log).read().splitlines()
    expect([os.path.basename(line.split()[0]) for line in lines[3:]] == ["poststart", "poststop"], lines)
    expect(json.loads(lines[4].split(" ", 3)[3])["status"] == "stopped", lines[4])
    expect(json.loads(open(b.rootfs + "/copy").read().split(" ", 3)[3])["status"] == "created", "startContainer")


def hook_failures(b):
    executable(b.path + "/bad", "echo it is broken; exit 3")
    executable(b.path + "/slow", "exec sleep 30")
    for kind in ("prestart", "createRuntime", "createContainer"):
        b.config["hooks"] = {kind: [{"path": b.path + "/bad"}]}
        b.refused(f"hook {kind}", "failed with exit status 3", "it is broken")
    b.config["hooks"] = {"prestart": [{"path": b.path + "/slow", "timeout": 1}]}
    b.refused("has not ended after 1 seconds")
    b.config["hooks"] = {"prestart": [{"path": "/no/such"}]}
    b.refused("hook prestart (/no/such)", "No such file")


def hooks_around_program(b):
    """poststart when the program runs, however long startContainer takes; all of poststop, whatever fails."""
    log = os.path.join(b.path, "log")
    executable(b.rootfs + "/slow", "read state; sleep 0.4")
    executable(b.path + "/poststart", f'read state; pid=${{state#*pid\\": }}; tr "\\0" " " </proc/${{pid%%,*}}/cmdline >>{log}')
    executable(b.path + "/bad", "echo it is broken; exit 3")
    executable(b.path + "/poststop", f"echo poststop >>{log}")
    b.config["hooks"] = {"startContainer": [{"path": "/slow"}], "poststart": [{"path": b.path + "/poststart"}],
                         "poststop": [{"path": b.path + "/bad"}, {"path": b.path + "/poststop"}]}
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    expect(open(log).read() == "sleep 100 ", open(log).read())
    result = b.command("delete", "--force", b.name)
    expect(result.status == 0 and b"warning: error running hook poststop" in result.output and b"it is broken" in result.output, result.output)
    expect(open(log).read() == "sleep 100 poststop\n" and b.left() == [], open(log).read())


def seccomp(b):
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                          "syscalls": [{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
                                       {"names": ["uname"], "action": "SCMP_ACT_ERRNO"},
                                       {"names": ["kill"], "action": "SCMP_ACT_KILL_PROCESS",
                                        "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]}
    for no_new_privs in (True, False):
        b.process["noNewPrivileges"] = no_new_privs
        out = b.script("mkdir /tmp/x 2>&1; sh -c 'kill -10 $$'; echo $?; grep Seccomp: /proc/self/status").output()
        expect("No space left" in out and "\n159\n" in out and out.split()[-1] == "2", out)
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": []}
    b.refused("init")


def seccomp_of_old(b):
    """A profile that is older than a call which looks for the program: the older call, or the exec itself, tells."""
    for names in (["faccessat2"], ["faccessat", "faccessat2"]):
        b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": names, "action": "SCMP_ACT_ERRNO"}]}
        for program in ("true", "/bin/true"):
            b.process["args"] = [program]
            result = b.run()
            expect(result.status == 0, f"{program} without {names}: {result.output}")


def seccomp_cache(b):
    """Filters are kept, and one that was damaged or belongs to another profile is not used."""
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    b.script("mkdir /tmp/x 2>&1; echo end")
    folder = os.path.join(b.root, "~seccomp")

    def right():
        out = b.output()
        expect("No space left" in out, out)
    right()
    name, = os.listdir(folder)
    good = open(os.path.join(folder, name), "rb").read()
    before = os.stat(os.path.join(folder, name)).st_ino
    right()
    expect(os.stat(os.path.join(folder, name)).st_ino == before, "it was made anew")
    for bad in (b"", good[:-8], good[:20], good[:16] + b"\xff" * 8 + good[24:], good.replace(b"mkdirat", b"mkdirxx"), good + b"x"):
        open(os.path.join(folder, name), "wb").write(bad)
        right()
        expect(open(os.path.join(folder, name), "rb").read() == good, "the damaged one was kept")
    b.linux["seccomp"]["syscalls"][0]["errnoRet"] = 17
    out = b.output()
    expect("File exists" in out and len(os.listdir(folder)) == 2, out)


def seccomp_notify(b):
    path = os.path.join(b.path, "listener")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    got = {}

    def serve():
        connection, _ = server.accept()
        message, ancillary, _, _ = connection.recvmsg(65536, 100)
        got["state"] = json.loads(message)
        fds = array.array("i")
        fds.frombytes(ancillary[0][2][:4])
        got["fd"] = fds[0]

    thread = threading.Thread(target=serve)
    thread.start()
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "my data",
                          "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}
    b.script("mkdir /tmp/answered && echo made").create()
    thread.join(10)
    expect(got.get("state", {}).get("fds") == ["seccompFd"] and got["state"]["metadata"] == "my data", got)
    expect(got["state"]["pid"] == b.state()["pid"] and got["state"]["state"]["id"] == b.name, got)
    b.start()
    # SECCOMP_IOCTL_NOTIF_RECV and _SEND of linux/seccomp.h; the answer is 0 without making anything.
    import fcntl
    notification = bytearray(80)
    fcntl.ioctl(got["fd"], 0xC0502100, notification)
    fcntl.ioctl(got["fd"], 0xC0182101, bytearray(struct.pack("QqiI", struct.unpack_from("Q", notification)[0], 0, 0, 0)))
    b.wait_for("stopped")
    expect("made" in b.printed() and not os.path.exists(b.rootfs + "/tmp/answered"), b.printed())
    os.close(got["fd"])
    server.close()
    b.command("delete", b.name, check=True)
    del b.linux["seccomp"]["listenerPath"]
    b.refused("linux.seccomp.listenerPath: is missing")


def console_socket(b):
    path = os.path.join(b.path, "console")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    b.process["terminal"] = True
    b.process["consoleSize"] = {"height": 33, "width": 99}
    b.script("tty; stty size; ls -l /dev/console; read line; echo got $line")
    b.create("--console-socket", path)
    connection, _ = server.accept()
    _, ancillary, _, _ = connection.recvmsg(100, 100)
    terminal = struct.unpack("i", ancillary[0][2][:4])[0]
    b.start()
    os.write(terminal, b"hello\n")
    text = b""
    while b"got hello" not in text:
        text += os.read(terminal, 1000)
    expect(b"/dev/pts/0" in text and b"33 99" in text, text)
    os.close(terminal)
    server.close()
    b.wait_for("stopped")
    b.command("delete", b.name, check=True)
    b.refused("cannot allocate tty")


def preserve_fds(b):
    with open(os.path.join(b.path, "passed"), "w+") as file:
        b.script("ls /proc/self/fd; echo through >&3")
        b.write()
        fd = file.fileno()
        child = subprocess.run(["sh", "-c", f'exec "$@" 3<&{fd}', "-", b.context.linuxd, "--root", b.root, "--mode", "native", "run",
                                "--preserve-fds", "1", b.name], cwd=b.path, pass_fds=[fd], stdout=subprocess.PIPE, timeout=30)
        file.seek(0)
        expect(file.read() == "through\n", "nothing came through descriptor 3")
        # ls has one of its own open.
        expect(child.stdout.split() in ([b"0", b"1", b"2", b"3", b"4"],), child.stdout)
    expect(b"is not open" in b.command("create", "--preserve-fds", "50", b.name).output, "descriptors that are not open")


def no_descriptors_leak(b):
    b.process["args"] = ["sleep", "100"]
    b.create()
    b.start()
    pid = b.state()["pid"]
    while open(f"/proc/{pid}/comm").read() != "sleep\n":  # start does not wait for the exec
        time.sleep(0.01)
    fds = sorted(os.listdir(f"/proc/{pid}/fd"))
    expect(fds == ["0", "1", "2"], f"descriptors: {fds}")


def attributes(b):
    b.process.update({"oomScoreAdj": 77, "scheduler": {"policy": "SCHED_BATCH", "nice": 5}, "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 4}})
    b.linux["personality"] = {"domain": "LINUX32"}
    b.linux["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}
    b.script("cat /proc/self/oom_score_adj; uname -m 2>/dev/null || busybox uname -m; cat /proc/self/personality; sleep 100").create()
    b.start()
    while b.printed().count("\n") < 3:
        pass
    pid = b.state()["pid"]
    lines = b.printed().split()
    expect(lines == ["77", "i686", "00000008"], lines)
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    expect(fields[16] == "5" and os.sched_getscheduler(pid) == os.SCHED_BATCH, "scheduler")
    # ioprio_get(IOPRIO_WHO_PROCESS, pid): class 3 is idle
    expect(ctypes.CDLL(None).syscall(252, 1, pid) == 3 << 13 | 4, "ioPriority")
    expect("bind:0" in open(f"/proc/{pid}/numa_maps").read(), "memory policy")


def no_pivot(b):
    expect("bin" in b.script("ls /; grep -c . /proc/self/mounts").output(), "no root")
    result = b.run("--no-pivot")
    expect(result.status == 0 and b"bin" in result.output, result.output)


def labels(b):
    if not os.path.exists("/sys/fs/selinux/enforce"):
        b.process["selinuxLabel"] = "system_u:system_r:container_t:s0"
        b.refused("process.selinuxLabel: this host has no SELinux")
        del b.process["selinuxLabel"]
    if not os.path.exists("/sys/module/apparmor"):
        b.process["apparmorProfile"] = "docker-default"
        b.refused("process.apparmorProfile: this host has no AppArmor")


def intel_rdt(b):
    if os.path.exists("/sys/fs/resctrl/schemata"):
        raise Skip("this host has resctrl; the message for those without is tested here")
    b.linux["intelRdt"] = {"closID": "x"}
    b.refused("linux.intelRdt: no resctrl file system", "mount -t resctrl")
    del b.linux["intelRdt"]
    b.script("sleep 100").create()
    result = b.command("update", "--l3-cache-schema", "L3:0=f", "--mem-bw-schema", "MB:0=50", b.name)
    expect(result.status == 1 and b"created without linux.intelRdt" in result.output, result.output)


def net_devices(b):
    name = f"ld{os.getpid()}"
    if subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", name + "p"]).returncode:
        raise Skip("this host cannot make veth devices")
    try:
        subprocess.run(["ip", "address", "add", "10.123.4.5/24", "dev", name], check=True)
        b.linux["netDevices"] = {"nosuch0": {}}
        b.refused("linux.netDevices.nosuch0: the host has no such network device")
        b.linux["netDevices"] = {name: {"name": "inside0"}}
        refused = b.create(check=False, env=dict(os.environ, LINUXD_FAULT="ready"))
        expect(refused[0] == 1 and os.path.exists(f"/sys/class/net/{name}"), "the device is lost when create fails")
        subprocess.run(["ip", "address", "add", "10.123.4.5/24", "dev", name], check=True)
        out = b.script("busybox ip -o addr show dev inside0").output()
        expect("10.123.4.5/24" in out, out)
    finally:
        subprocess.run(["ip", "link", "delete", name + "p"], check=False)


def as_user(b, *arguments, setup="true", uid=65534):
    """The command as somebody who is not root, with a bundle that is theirs."""
    program = os.path.join(b.path, "linuxd")
    if not os.path.exists(program):
        shutil.copy(b.context.linuxd, program)
        os.chmod(program, 0o755)
        directory = b.path
        while directory != "/":
            os.chmod(directory, os.stat(directory).st_mode | 0o011)
            directory = os.path.dirname(directory)
        subprocess.run(["chown", "-R", f"{uid}:{uid}", b.path], check=True)
    command = f'{setup}; cd {b.path}; exec setpriv --reuid {uid} --regid {uid} --clear-groups env -u XDG_RUNTIME_DIR "$@"'
    return b.context.run(["unshare", "--mount", "sh", "-c", command, "-", program, "--root", b.root, "--mode", "native", *arguments])


def rootless(b):
    """Without root, with a mapping of one's own id only."""
    b.command("spec", "--rootless", check=True)
    with open(os.path.join(b.path, "config.json")) as f:
        b.config = json.load(f)
    for kind in ("uidMappings", "gidMappings"):
        b.linux[kind][0]["hostID"] = 65534
    b.process["terminal"] = False
    b.script("id -u; cat /proc/self/uid_map; touch /tmp/x 2>/dev/null; echo end")
    b.write()
    result = as_user(b, "run", b.name)
    if b"has not the rights" in result.output:
        raise Skip("this host has no user namespaces for who is not root")
    expect(result.output.split() == [b"0", b"0", b"65534", b"1", b"end"], result.output)
    # Where the user can have no group, what the host has is shown.
    b.without_namespace("cgroup")
    b.mount("/cg", "cgroup", "cgroup", ["ro", "nosuid", "noexec", "nodev"])
    b.script("[ $(ls /cg | wc -l) -gt 0 ] && echo shown; mkdir /cg/made 2>/dev/null && echo written; echo end")
    b.write()
    os.chown(os.path.join(b.path, "config.json"), 65534, 65534)
    result = as_user(b, "run", b.name)
    expect(result.output.split() == [b"shown", b"end"], result.output)
    b.script("sleep 100")
    b.write()
    with open(os.path.join(b.path, "output"), "wb") as out:
        subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", "-u", "XDG_RUNTIME_DIR", b.path + "/linuxd", "--root",
                        b.root, "--mode", "native", "run", "-d", b.name], cwd=b.path, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
    expect(as_user(b, "exec", b.name, "id", "-u").output == b"0\n", "exec")
    expect(as_user(b, "kill", b.name, "KILL").status == 0, "kill")
    b.wait_for("stopped")
    expect(as_user(b, "delete", b.name).status == 0 and b.left() == [], "delete")


def rootless_ranges(b):
    """The same with subordinate ids, by newuidmap and newgidmap."""
    if not shutil.which("newuidmap") or not os.path.exists("/etc/subuid") or not os.path.exists("/etc/subgid"):
        raise Skip("uidmap is not installed")
    b.command("spec", "--rootless", check=True)
    with open(os.path.join(b.path, "config.json")) as f:
        b.config = json.load(f)
    for kind in ("uidMappings", "gidMappings"):
        b.linux[kind] = [{"containerID": 0, "hostID": 65534, "size": 1}, {"containerID": 1, "hostID": 500000, "size": 1000}]
    b.process["terminal"] = False
    b.process["user"] = {"uid": 7, "gid": 8, "additionalGids": [9]}
    b.script("id -u; id -G; cat /proc/self/gid_map")
    b.write()
    with open(os.path.join(b.path, "sub"), "w") as f:
        f.write("nobody:500000:1000\n")
    setup = f"mount --bind {b.path}/sub /etc/subuid && mount --bind {b.path}/sub /etc/subgid"
    result = as_user(b, "run", b.name, setup=setup)
    expect(result.output.split() == b"7 8 9 0 65534 1 1 500000 1000".split(), result.output)
    b.linux["uidMappings"][1]["hostID"] = 600000
    b.write()
    os.chown(os.path.join(b.path, "config.json"), 65534, 65534)
    result = as_user(b, "run", b.name, setup=setup)
    expect(result.status == 1 and b"newuidmap has refused the mapping" in result.output and b"usermod --add-subuids" in result.output, result.output)


OLD_KERNEL = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	/* Linux 5.10: neither mount_setattr (5.12) nor close_range with CLOEXEC (5.11). */
	seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), 442, 0);
	seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(close_range), 1, SCMP_A2(SCMP_CMP_EQ, 4));
	seccomp_load(filter);
	execv(argv[1], argv + 1);
	return 127;
}
"""


def old_kernel(b):
    """What Linux 5.10 has not is done otherwise."""
    program = os.path.join(b.path, "old")
    subprocess.run(["gcc", "-x", "c", "-", "-o", program, "-lseccomp"], input=OLD_KERNEL.encode(), check=True)
    source = os.path.join(b.path, "source")
    os.makedirs(source)
    b.mount("/m", "bind", source, ["bind", "ro", "nosuid"])
    b.mount("/t", "tmpfs", "x", ["ro"])
    b.config["root"]["readonly"] = True
    b.linux["readonlyPaths"] += ["/dev/shm"]
    b.script("touch /x 2>&1; touch /m/x 2>&1; touch /t/x 2>&1; touch /dev/shm/x 2>&1; touch /proc/sys/kernel/hostname 2>&1; echo end; ls /proc/self/fd | wc -l")
    b.write()

    def run(*arguments):
        return b.context.run([program, b.context.linuxd, "--root", b.root, "--mode", "native", *arguments], cwd=b.path)
    result = run("run", b.name)
    expect(result.status == 0 and result.output.count(b"Read-only") == 5 and result.output.endswith(b"end\n4\n"), result.output)
    b.mount("/r", "bind", source, ["rbind", "rro"])
    b.write()
    result = run("run", b.name)
    expect(result.status == 1 and b"use Linux 5.12" in result.output and b.left() == [], result.output)


TESTS = [process_fields, without_process, rlimits, capabilities, root_readonly, names, mount_bind, mount_recursive, mount_tmpfs, mount_errors, mount_propagation,
         root_kinds, root_propagation, idmap_mount, masked_and_readonly, devices, device_rules, sysctl, user_namespace, time_namespace, join_by_path,
         join_pid_namespace, host_namespaces, hooks, hook_failures, hooks_around_program, seccomp, seccomp_of_old, seccomp_cache, seccomp_notify, console_socket, preserve_fds, no_descriptors_leak,
         attributes, no_pivot, labels, intel_rdt, net_devices, old_kernel, rootless, rootless_ranges]
