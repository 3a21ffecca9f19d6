# SPDX-License-Identifier: Apache-2.0
"""Sandbox mode of the OCI commands: what becomes of parts of config.json, what the command says about the rest, and the container's own numbers."""
import json
import os
import re
import socket
import subprocess
import time

from .bundles import expect


def wait_until(condition, what, patience=10):
    end = time.monotonic() + patience
    while not condition():
        expect(time.monotonic() < end, what)
        time.sleep(0.02)


def warnings(b):
    """What is dropped is said: in --log in its format, else on standard error, and always in the container's own log."""
    b.process["apparmorProfile"] = "profile"
    b.linux["rootfsPropagation"] = "rslave"
    b.script("echo out").create(check=True)
    text = b.printed()
    expect(text.count("linuxd: warning: ") == 2 and "apparmorProfile" in text and "rootfsPropagation" in text, text)
    own = open(os.path.join(b.root, b.name, "monitor.log")).read()
    expect("apparmorProfile" in own and "rootfsPropagation" in own, own)
    b.command("delete", "--force", b.name, check=True)
    log = os.path.join(b.path, "log")
    result = b.run(globals=("--log", log, "--log-format", "json"))
    lines = [json.loads(line) for line in open(log)]
    expect([line["level"] for line in lines] == ["warning", "warning"] and "apparmorProfile" in lines[0]["msg"], lines)
    # Standard error may be the container's: nothing else comes there.
    expect(result.output == b"out\n", result.output)
    os.unlink(log)
    b.run(globals=("--log", log))
    lines = open(log).read().split("\n")
    expect(all(re.match(r'time="[^"]+" level=warning msg="', line) for line in lines[:2]) and lines[2:] == [""], lines)


def preserved(b):
    """--preserve-fds of run, create and exec: pipes and files in one direction; the rest is refused and named."""
    path = os.path.join(b.path, "given")
    with open(path, "w") as f:
        f.write("one\ntwo\n")

    def with_descriptors(fds, *arguments, **more):
        """@fds become 3, 4 and so on."""
        def place():
            for i, fd in enumerate(fds):
                os.dup2(fd, 100 + i)
            for i in range(len(fds)):
                os.dup2(100 + i, 3 + i)
        b.write()
        return subprocess.run([b.context.linuxd, "--root", b.root, "--mode", "sandbox", *arguments], cwd=b.path, preexec_fn=place, close_fds=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, **more)
    file, into, out = os.open(path, os.O_RDONLY), os.pipe(), os.pipe()
    b.script("read line <&3; echo got $line; read line <&4; echo got $line >&5; ls /proc/self/fd | wc -l")
    os.write(into[1], b"from the pipe\n")
    result = with_descriptors([file, into[0], out[1]], "run", "--preserve-fds", "3", b.name)
    os.close(out[1])
    # Its own directory is the seventh.
    expect(result.returncode == 0 and result.stdout == b"got one\n7\n", result.stdout)
    expect(os.read(out[0], 100) == b"got from the pipe\n" and os.read(out[0], 100) == b"", "the pipe, or its end")
    # exec, which waits for data, and both are told of the end.
    b.script("sleep 100").create()
    b.start()
    out = os.pipe()
    child = subprocess.Popen([b.context.linuxd, "--root", b.root, "exec", "--preserve-fds", "2", b.name, "sh", "-c", "cat <&3 >&4"], cwd=b.path,
                             close_fds=False, preexec_fn=lambda: (os.dup2(into[0], 100), os.dup2(out[1], 101), os.dup2(100, 3), os.dup2(101, 4)))
    os.close(out[1])
    time.sleep(0.3)
    os.write(into[1], b"x" * 50000)
    os.close(into[1])
    text = b""
    while data := os.read(out[0], 65536):
        text += data
    expect(text == b"x" * 50000 and child.wait(timeout=10) == 0, f"{len(text)} bytes")
    file = os.open(path, os.O_RDONLY)
    result = with_descriptors([file], "exec", "--preserve-fds", "1", b.name, "cat", "/proc/self/fd/3")
    expect(result.stdout == b"one\ntwo\n", result.stdout)
    # What cannot be passed.
    ours, theirs = socket.socketpair()
    result = with_descriptors([theirs.fileno()], "exec", "--preserve-fds", "1", b.name, "true")
    expect(result.returncode == 255 and b"descriptor 3 cannot be passed into a sandbox" in result.stdout, result.stdout)
    result = b.command("exec", "--preserve-fds", "1", b.name, "true")
    expect(result.status == 255 and b"descriptor 3 is not open" in result.output, result.output)
    b.command("delete", "--force", b.name, check=True)
    result = with_descriptors([theirs.fileno()], "run", "--preserve-fds", "1", b.name)
    expect(result.returncode == 1 and b"descriptor 3 cannot be passed into a sandbox" in result.stdout and not os.listdir(b.root), result.stdout)
    result = b.run("--preserve-fds", "1")
    expect(result.status == 1 and b"descriptor 3 is not open" in result.output, result.output)


def group(b):
    """/sys/fs/cgroup: the limits and the use of the container, for programs that size themselves; update changes them."""
    b.linux["resources"].update({"memory": {"limit": 128 << 20}, "pids": {"limit": 30}, "cpu": {"quota": 150000, "period": 100000, "shares": 512}})
    b.script("sleep 100").create()
    b.start()

    def read(name):
        return b.command("exec", b.name, "cat", f"/sys/fs/cgroup/{name}", check=True).output.decode().strip()

    expect(read("memory.max") == str(128 << 20) and read("pids.max") == "30" and read("cpu.max") == "150000 100000", "limits")
    weight = int(read("cpu.weight"))
    expect(weight < 100, f"weight {weight}")
    expect(set(read("cgroup.controllers").split()) == {"cpuset", "cpu", "memory", "pids"}, "controllers")
    procs = read("cgroup.procs").split()
    expect(procs[0] == "1" and len(procs) == 2, procs)
    expect(0 < int(read("memory.current")) < 128 << 20 and 1 < int(read("pids.current")) < 30, "use")
    expect(int(read("cpu.stat").split()[1]) > 0 and "oom_kill 0" in read("memory.events"), "counters")
    mounts = b.command("exec", b.name, "grep", "cgroup", "/proc/mounts").output.decode().split()
    expect(mounts[:3] == ["cgroup", "/sys/fs/cgroup", "cgroup2"] and mounts[3].startswith("ro,"), mounts)
    expect(b.command("exec", b.name, "cat", "/proc/self/cgroup").output == b"0::/\n", "its group")
    # A runtime looks for the hierarchy's number there.
    expect(b"memory\t0\t1\t1\n" in b.command("exec", b.name, "cat", "/proc/cgroups").output, "controllers in /proc")
    for command in ("echo 1 >/sys/fs/cgroup/cgroup.procs", "mkdir /sys/fs/cgroup/below", "echo max >/sys/fs/cgroup/memory.max"):
        expect(b.command("exec", b.name, "sh", "-c", command).status != 0, f"{command} is possible")
    before = int(read("memory.current"))
    b.command("exec", b.name, "sh", "-c", "head -c 30000000 /dev/zero >/dev/shm/big", check=True)
    after = int(read("memory.current"))
    expect(after - before > 25 << 20 and int(dict(line.split() for line in read("memory.stat").split("\n"))["shmem"]) >= 30000000, f"{before} {after}")
    b.command("exec", b.name, "sh", "-c", "i=0; while [ $i -lt 60 ]; do sleep 1 & i=$((i+1)); done")
    expect(int(read("pids.events").split()[1]) > 0, "no refusal was counted")
    result = b.command("update", "--memory", "96M", "--pids-limit", "77", "--cpu-quota", "800000", "--cpu-share", "2048", b.name, check=True)
    expect(b"worth 8 cpus" in result.output, result.output)
    expect(read("memory.max") == str(96 << 20) and read("pids.max") == "77" and read("cpu.max") == "800000 100000" and int(read("cpu.weight")) > 100,
           "after the update")
    b.command("update", "--cpu-quota", "-1", b.name, check=True)
    expect(read("cpu.max") == "max 100000", "no quota")


def events(b):
    """A line at once, one each interval, one for a program that was ended for memory; and the end with the container."""
    b.linux["resources"]["memory"] = {"limit": 64 << 20}
    b.script("sleep 100").create()
    b.start()
    log = os.path.join(b.path, "events")
    with open(log, "wb") as out:
        child = subprocess.Popen([b.context.linuxd, "--root", b.root, "events", "--interval", "100ms", b.name], stdout=out)

    def lines():
        return [json.loads(line) for line in open(log).read().split("\n") if line.endswith("}")]
    wait_until(lambda: len(lines()) >= 5, "no interval")
    expect(all(line["type"] == "stats" and line["id"] == b.name for line in lines()), lines()[0])
    expect("oom" not in open(log).read(), "the word that callers look for stands in the numbers")
    b.command("exec", b.name, "sh", "-c", "head -c 300000000 /dev/zero | tail >/dev/null")
    wait_until(lambda: {"type": "oom", "id": b.name} in lines(), "no event")
    last = lines()[-1]["data"] if lines()[-1]["type"] == "stats" else lines()[-2]["data"]
    expect(last["memory"]["usage"]["limit"] == 64 << 20 and last["pids"]["current"] >= 1 and last["cpu"]["usage"]["total"] > 0, last)
    b.command("kill", b.name, "KILL", check=True)
    expect(child.wait(timeout=10) == 0, "it does not end with the container")
    expect(b.command("events", "--stats", b.name).status == 1, "numbers of a container that has ended")


def read_only_devices(b):
    """A tmpfs that is to be read-only gets first what is to stand in it."""
    b.config["mounts"][1]["options"] += ["ro"]
    b.script("touch /dev/x 2>/dev/null || echo refused; echo x >/dev/null && echo written; ls -d /dev/pts/ptmx; touch /dev/shm/x && echo below; grep ' /dev tmpfs ' /proc/mounts")
    words = b.output().split()
    expect(words[:4] == ["refused", "written", "/dev/pts/ptmx", "below"] and words[7].startswith("ro,"), words)


def mounts_below(b):
    """rbind shows what is mounted below its source on the host; without the r of "rro" that stays writable."""
    source = os.path.join(b.path, "volume")
    os.makedirs(os.path.join(source, "sub dir"))
    os.makedirs(os.path.join(source, "fixed"))
    os.makedirs(os.path.join(source, "proc"))
    made = []
    try:
        for place, options in (("sub dir", ["-t", "tmpfs", "tmpfs"]), ("fixed", ["-t", "tmpfs", "-o", "ro", "tmpfs"]), ("proc", ["-t", "proc", "proc"])):
            subprocess.run(["mount", *options, os.path.join(source, place)], check=True)
            made.append(place)
        with open(os.path.join(source, "sub dir/file"), "w") as f:
            f.write("mounted\n")
        b.mount("/r", "bind", source, ["rbind", "ro"])
        b.mount("/rr", "bind", source, ["rbind", "rro"])
        b.mount("/one", "bind", source, ["bind"])
        b.script("cat '/r/sub dir/file'; touch '/r/sub dir/new' && echo new; touch /r/new 2>/dev/null || echo fixed; touch '/rr/sub dir/x' 2>/dev/null || echo fixed;"
                 "touch /r/fixed/x 2>/dev/null || echo fixed; cat '/one/sub dir/file' 2>/dev/null || echo bare; ls /r/proc")
        result = b.run(merge=False)
        expect(result.output.decode().split("\n") == ["mounted", "new", "fixed", "fixed", "fixed", "bare", ""], result.output)
        expect(result.error.count(b"(proc) is not shown") == 2, result.error)
    finally:
        for place in made:
            subprocess.run(["umount", os.path.join(source, place)], check=True)


def link_in_place(b):
    """An image's link in the place of /proc."""
    os.symlink("/tmp", os.path.join(b.rootfs, "proc"))
    b.refused("must be mounted on ordinary directory")


def devices(b):
    """Device rules are the container's kernel's to look at; the log of the kernel can be read where they allow it."""
    b.linux["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}]
    b.process["capabilities"] = {s: ["CAP_MKNOD"] for s in ("bounding", "effective", "permitted")}
    os.symlink("busybox", os.path.join(b.rootfs, "bin/mknod"))
    allowed = {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}
    script = """exec 2>&1; echo line >/dev/kmsg && echo wrote; head -n 1 /dev/kmsg >/tmp/read && grep -q ';' /tmp/read && echo read
                echo x >/dev/null && head -c 1 /dev/zero | wc -c; mknod /dev/kmsg2 c 1 11 && echo made"""
    for rules, wanted in (([{"allow": False, "access": "rwm"}], ["1", "made"]), ([{"allow": False, "access": "rwm"}, allowed], ["wrote", "1", "made"]),
                          ([{"allow": False, "access": "rwm"}, dict(allowed, access="rw")], ["wrote", "read", "1", "made"]),
                          ([{"allow": True, "access": "rwm"}], ["wrote", "read", "1", "made"]), ([], ["wrote", "read", "1", "made"]),
                          ([{"allow": True, "access": "rwm"}, {"allow": False, "type": "c", "major": 1, "minor": 11, "access": "r"}], ["wrote", "1", "made"])):
        b.linux["resources"]["devices"] = rules
        lines = b.script(script).output().split("\n")
        expect([line for line in lines if line in ("wrote", "read", "1", "made")] == wanted, f"{rules}: {lines}")
        expect(len([line for line in lines if "ermitted" in line]) == 4 - len(wanted), f"{rules}: {lines}")


ALL = [devices, warnings, preserved, group, events, read_only_devices, mounts_below, link_in_place]
