# SPDX-License-Identifier: Apache-2.0
"""Attacks that worked against container runtimes, named by their CVE: each is written down as an image or a program, and must fail."""
import hashlib
import os
import shutil
import subprocess
import threading
import time

from .bundles import expect

ALL = {s: ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_CHOWN", "CAP_KILL"]
       for s in ("bounding", "effective", "permitted")}


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def cve_2019_5736(b):
    """A container executes the runtime by /proc/self/exe and another process in it writes to that program's file."""
    program = os.path.join(b.path, "linuxd")
    shutil.copy(b.context.linuxd, program)
    before = digest(program)
    b.process["capabilities"] = ALL
    # What reads our standard input stays for as long as that is open.
    b.script("""while true; do for p in /proc/[0-9]*; do
case $(readlink $p/exe) in */busybox|'') ;;
*) (echo x > $p/exe) 2>&1; (echo x >> $p/exe) 2>&1; exec 9< $p/exe; (echo x > /proc/self/fd/9) 2>&1; echo attacked;; esac; done; sleep 0.02; done""")
    b.write()
    base = [program, "--root", b.root, "--mode", "native"]
    with open(os.path.join(b.path, "output"), "wb") as out:
        subprocess.run(base + ["run", "-d", b.name], cwd=b.path, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
    victim = subprocess.Popen(base + ["exec", b.name, "/proc/self/exe", "update", "-r", "-", "x"], cwd=b.path, stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while "attacked" not in b.printed() and time.monotonic() < end:
        time.sleep(0.05)
    victim.stdin.close()
    victim.wait(10)
    time.sleep(0.1)
    expect("attacked" in b.printed(), "the attack was not tried: " + b.printed()[:200])
    expect("Read-only file system" in b.printed(), "not refused as it should be: " + b.printed()[:300])
    expect(digest(program) == before, "the runtime's program was changed")


def cve_2019_5736_sealed(b):
    """The same where no mount can be made: the program runs from a sealed copy in memory."""
    program = os.path.join(b.path, "linuxd")
    shutil.copy(b.context.linuxd, program)
    os.chmod(b.path, 0o755)
    os.chmod(program, 0o755)
    b.write()
    shown = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "strace", "-f", "-e", "trace=execveat,memfd_create,fcntl", program,
                            "--root", "/tmp/none-such/x", "--mode", "native", "create", "x"], cwd=b.path, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=30).stdout.decode() if shutil.which("strace") else ""
    if shown:
        expect("F_ADD_SEALS" in shown and "execveat(" in shown, shown[-500:])


def cve_2019_16884(b):
    """The image has a volume at /proc: labels, sysctls and masks would go to files of its own."""
    os.makedirs(os.path.join(b.path, "fake/sys/net/ipv4"))
    for options in (["bind"], ["rbind"]):
        b.config["mounts"][0] = {"destination": "/proc", "type": "bind", "source": b.path + "/fake", "options": options}
        b.refused("mount /proc: only a procfs may be mounted there")
    b.config["mounts"][0] = {"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}
    b.refused("mount /proc: only a procfs may be mounted there")


def cve_2019_19921(b):
    """/proc of the image is a directory with what looks like the kernel's files, and nothing is mounted there."""
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/proc"]
    os.makedirs(b.rootfs + "/proc/sys/net/ipv4")
    open(b.rootfs + "/proc/sys/net/ipv4/ip_forward", "w").write("untouched")
    os.makedirs(b.rootfs + "/proc/self/attr")
    open(b.rootfs + "/proc/self/attr/exec", "w").write("untouched")
    b.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    b.linux["maskedPaths"] = b.linux["readonlyPaths"] = []
    b.script("sleep 100").create()
    pid = b.state()["pid"]
    expect(open(b.rootfs + "/proc/sys/net/ipv4/ip_forward").read() == "untouched", "the image's file was written")
    real = subprocess.run(["nsenter", "-t", str(pid), "-n", "cat", "/proc/sys/net/ipv4/ip_forward"], stdout=subprocess.PIPE).stdout
    expect(real == b"1\n", "the kernel's setting was not")


def cve_2021_30465(b):
    """A directory on the way to a mount's place is swapped for a symbolic link out of the root, again and again."""
    victim = os.path.join(b.path, "victim")
    os.makedirs(victim)
    os.makedirs(b.rootfs + "/swap")
    os.symlink("../victim", b.rootfs + "/swap-link")
    os.symlink(victim, b.rootfs + "/swap-link-2")
    stop = threading.Event()

    def swap():
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        links = [(b.rootfs + "/swap-link").encode(), (b.rootfs + "/swap-link-2").encode()]
        place, n = (b.rootfs + "/swap").encode(), 0
        while not stop.is_set():
            libc.renameat2(-100, place, -100, links[n % 2], 2)
            libc.renameat2(-100, place, -100, links[n % 2], 2)
            n += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        b.mount("/swap/a/b", "tmpfs", "x")
        b.linux["maskedPaths"] += ["/swap/masked"]
        for _ in range(25):
            b.run()
    finally:
        stop.set()
        thread.join()
    expect(os.listdir(victim) == [], f"outside of the root appeared {os.listdir(victim)}")


def cve_2022_0492(b):
    """A program of the host's named by the container in release_agent."""
    b.process["capabilities"] = ALL
    b.script("""find / -xdev -name none 2>/dev/null; for f in $(busybox find /sys/fs/cgroup -name release_agent); do (echo /tmp/x > $f) 2>&1; done
for f in $(busybox find /sys/fs/cgroup -name notify_on_release); do (echo 1 > $f) 2>&1 && echo written; done; echo done""")
    out = b.output()
    expect("written" not in out and out.endswith("done\n"), out)
    # And by the default capabilities no other instance can be mounted.
    from .bundles import CONFIG
    b.process["capabilities"] = CONFIG["process"]["capabilities"]
    out = b.script("mkdir -p /tmp/c; mount -t cgroup -o rdma x /tmp/c 2>&1; mount -t cgroup2 x /tmp/c 2>&1; unshare -UrC true 2>&1; echo done").output()
    expect("denied" in out or "not permitted" in out, out)


def cve_2022_24769(b):
    """Inheritable capabilities that nobody asked for."""
    b.script("grep CapInh /proc/self/status; sleep 100").create()
    b.start()
    result = b.command("exec", "--cap", "CAP_NET_RAW", b.name, "grep", "-E", "CapInh|CapAmb", "/proc/self/status")
    expect(result.output.split()[1::2] == [b"0" * 16, b"0" * 16], result.output)
    expect("CapInh:\t0000000000000000" in b.printed(), b.printed())


def cve_2023_27561(b):
    """/proc or /sys of the image is a symbolic link."""
    os.makedirs(b.rootfs + "/elsewhere")
    for name in ("proc", "sys"):
        os.symlink("elsewhere", os.path.join(b.rootfs, name))
        b.refused(f"mount /{name}: must be mounted on ordinary directory")
        os.remove(os.path.join(b.rootfs, name))
        os.makedirs(os.path.join(b.rootfs, name))


def cve_2024_21626(b):
    """The working directory is a descriptor of the runtime that leads out of the container."""
    b.script("sleep 100").create()
    b.start()
    first, config = b.name, b.process["cwd"]
    for fd in range(3, 24):
        for path in (f"/proc/self/fd/{fd}", f"/proc/self/fd/{fd}/../../.."):
            b.name, b.process["cwd"] = first + "-2", path
            inside = b.script("pwd; ls -d linuxd* state* config.json 2>/dev/null").run()
            expect(inside.status != 0 or b"config.json" not in inside.output, f"{path}: {inside.output}")
            b.name = first
            inside = b.command("exec", "--cwd", path, b.name, "sh", "-c", "busybox pwd; ls /proc/self/cwd/ | head -50")
            expect(inside.status == 255 or b"busybox" not in inside.output and b"home" not in inside.output and b"boot" not in inside.output,
                   f"exec {path}: {inside.output}")
    b.process["cwd"] = config
    b.name = first


def cve_2025_31133(b):
    """/dev/null of the image is something else when paths are masked with it."""
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    os.makedirs(b.rootfs + "/dev")
    open(b.rootfs + "/secret", "w").write("private")
    os.symlink("/proc/sysrq-trigger", b.rootfs + "/dev/null")
    b.linux["maskedPaths"] += ["/secret"]
    status, text = b.script("cat /secret; stat -c %t:%T /secret").create(check=False)
    # Either it is refused, or masked with the true one.
    if status == 0:
        b.start()
        b.wait_for("stopped")
        expect(b.printed() == "1:3\n", b.printed())
    else:
        expect(b"/dev/null" in text, text)


def cve_2025_52565(b):
    """/dev/console of the image is a symbolic link when the terminal is mounted on it."""
    import socket
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/dev"]
    os.makedirs(b.rootfs + "/dev/pts")
    victim = os.path.join(b.path, "victim")
    open(victim, "w").write("untouched")
    os.symlink("../../victim", b.rootfs + "/dev/console")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.join(b.path, "console"))
    server.listen(1)
    b.process["terminal"] = True
    b.script("sleep 100").create("--console-socket", os.path.join(b.path, "console"), check=False)
    expect(open(victim).read() == "untouched" and victim + " " not in open("/proc/self/mounts").read(), "the terminal is outside")
    server.close()


def cve_2025_52881(b):
    """What the runtime writes to /proc goes elsewhere, because the config mounts something over a part of it."""
    os.makedirs(b.path + "/fake")
    for place in ("/proc/sys", "/proc/self/attr", "/proc/sys/kernel", "/proc//sys", "/proc/1"):
        b.mount(place, "bind", b.path + "/fake", ["bind"])
        b.refused("inside /proc, where only files that others emulate may be covered")
        b.config["mounts"].pop()
    open(b.path + "/cpuinfo", "w").write("emulated")
    b.mount("/proc/cpuinfo", "bind", b.path + "/cpuinfo", ["bind"])
    expect(b.script("cat /proc/cpuinfo").output() == "emulated", "what lxcfs does is refused, too")


def descriptors_of_the_runtime(b):
    """Nothing of the runtime is open in the container's first process, before or after its program starts, or in one of exec."""
    b.script("sleep 100").create()
    b.start()
    expect(b.command("exec", b.name, "sh", "-c", "ls /proc/self/fd | wc -l; ls /proc/1/fd | wc -l").output.split() == [b"4", b"3"], "descriptors")


TESTS = [cve_2019_5736, cve_2019_5736_sealed, cve_2019_16884, cve_2019_19921, cve_2021_30465, cve_2022_0492, cve_2022_24769, cve_2023_27561,
         cve_2024_21626, cve_2025_31133, cve_2025_52565, cve_2025_52881, descriptors_of_the_runtime]
