# SPDX-License-Identifier: Apache-2.0
"""The cgroup library on this host's cgroups, whatever their layout, through tests/cgroups/tool.c."""
import glob
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from run import Failure, Skip

SOURCES = ["runtime/error.c", "runtime/remedy.c", "runtime/json.c", "runtime/native/cgroup/*.c", "runtime/oci/s*.c"]
CONTAINER_DEVICES = ["c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm",
                     "c 10:200 rwm"]


def build_tool(context):
    """Static, so that it also runs in a virtual machine with nothing else."""
    tool = context.out("cgroups", "tool")
    sources = [path for pattern in SOURCES for path in sorted(glob.glob(context.path(pattern)))]
    newest = max(os.stat(path).st_mtime for path in sources + glob.glob(context.path("runtime/native/cgroup/*.h")) + [context.path("tests/cgroups/tool.c")])
    if not os.path.exists(tool) or os.stat(tool).st_mtime < newest:
        context.run(["gcc", "-std=gnu11", "-g", "-O1", "-static", "-D_GNU_SOURCE", "-I", context.source, "-o", tool, context.path("tests/cgroups/tool.c"),
                     *sources, "-ljson-c", "-lseccomp", "-lm"], check=True, timeout=120)
    return tool


def expect(condition, message):
    if not condition:
        raise Failure(message)


class Group:
    """A container's groups, made and removed again."""

    def __init__(self, context, resources=None, path="-", *flags, name="linuxd-test"):
        self.context, self.tool, self.name = context, build_tool(context), f"{name}-{os.getpid()}"
        self.directory = tempfile.TemporaryDirectory()
        os.chmod(self.directory.name, 0o777)
        self.state = os.path.join(self.directory.name, "state")
        self.made = self.call("create", self.state, self.name, path, self.write(resources), *flags)

    def write(self, resources):
        if resources is None:
            return "-"
        name = os.path.join(self.directory.name, "resources.json")
        with open(name, "w") as f:
            json.dump(resources, f)
        return name

    def call(self, *arguments, **more):
        return self.context.run([self.tool, *arguments], timeout=30, **more)

    def do(self, command, *arguments, **more):
        return self.call(command, self.state, *arguments, **more)

    def update(self, resources):
        return self.do("update", self.write(resources))

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if os.path.exists(self.state):
            self.do("remove")
        self.directory.cleanup()

    def groups(self):
        with open(self.state) as f:
            return json.load(f)["groups"]

    def path(self, controller):
        for group in self.groups():
            if controller in group["controllers"].split(",") or (controller == "" and group["version"] == 2):
                return group["path"]
        return None

    def version(self, controller):
        return next((group["version"] for group in self.groups() if controller in group["controllers"].split(",")), None)

    def read(self, controller, name):
        path = self.path(controller)
        if path is None:
            raise Skip(f"this host has no controller {controller}")
        with open(os.path.join(path, name)) as f:
            return f.read().strip()

    def expect(self, controller, name, value):
        got = self.read(controller, name)
        expect(got == str(value), f"{name} is {got!r} instead of {value!r}")


def cgroups(context):
    def need_root():
        if os.geteuid() != 0:
            raise Skip("needs root")
        with Group(context) as group:
            if group.made.status != 0:
                raise Skip("this host lets nobody make cgroups: " + group.made.output.decode(errors="replace").split("\n")[0])

    def made(group):
        expect(group.made.status == 0, group.made.output.decode(errors="replace"))
        return group

    def fails(result, *words):
        text = result.output.decode(errors="replace")
        expect(result.status == 1, f"status {result.status} instead of an error: {text}")
        for word in words:
            expect(word in text, f"the error does not say {word!r}: {text}")

    def limits():
        need_root()
        resources = {"memory": {"limit": 64 << 20, "reservation": 32 << 20, "disableOOMKiller": False},
                     "cpu": {"shares": 2000, "quota": 20000, "period": 50000, "cpus": "0", "mems": "0"}, "pids": {"limit": 100}}
        with made(Group(context, resources)) as group:
            if group.version("memory") == 1:
                for controller, name, value in (("memory", "memory.limit_in_bytes", 64 << 20), ("memory", "memory.soft_limit_in_bytes", 32 << 20),
                                                ("cpu", "cpu.shares", 2000), ("cpu", "cpu.cfs_quota_us", 20000), ("cpu", "cpu.cfs_period_us", 50000)):
                    group.expect(controller, name, value)
            else:
                for controller, name, value in (("memory", "memory.max", 64 << 20), ("memory", "memory.low", 32 << 20), ("cpu", "cpu.weight", 170),
                                                ("cpu", "cpu.max", "20000 50000")):
                    group.expect(controller, name, value)
            for controller, name, value in (("cpuset", "cpuset.cpus", "0"), ("cpuset", "cpuset.mems", "0"), ("pids", "pids.max", 100)):
                group.expect(controller, name, value)
            inside = group.do("run", "cat", "/proc/self/cgroup").output.decode()
            ours = [":" + (one["controllers"] if one["version"] == 1 else "") + ":" for one in group.groups()]
            for line in inside.splitlines():
                expect(line.endswith(group.name) or not any(f":{line.split(':', 2)[1]}:" == name for name in ours), f"a program is not in {line}")
            paths = [one["path"] for one in group.groups()]
            expect(group.do("remove").status == 0 and not [path for path in paths if os.path.exists(path)], "groups are left")

    def update():
        """Memory and swap in an order that the kernel takes, up and down; what is not named stays."""
        need_root()
        with made(Group(context, {"memory": {"limit": 32 << 20, "swap": 64 << 20}, "pids": {"limit": 7}})) as group:
            steps = [(128, 256), (16, 32), (300, 300), (300, -1), (-1, -1), (8, 8)]
            for limit, swap in steps:
                limit, swap = (value << 20 if value > 0 else value for value in (limit, swap))
                result = group.update({"memory": {"limit": limit, "swap": swap}})
                expect(result.status == 0, f"{limit}, {swap}: {result.output}")
                if limit > 0:
                    group.expect("memory", "memory.limit_in_bytes" if group.version("memory") == 1 else "memory.max", limit)
            group.expect("pids", "pids.max", 7)
            fails(group.update({"memory": {"limit": 4 << 20, "swap": 2 << 20}}), "config.json" if group.version("memory") == 2 else "memory", "swap")
            expect(group.update({"pids": {"limit": -1}}).status == 0, "no limit of processes cannot be set")
            group.expect("pids", "pids.max", "max")

    def cpu_order():
        """Quota, period and burst, each step of which would not fit alone."""
        need_root()
        with made(Group(context, {"cpu": {"quota": 50000, "period": 100000, "burst": 50000}})) as group:
            for quota, period, burst in ((5000, 10000, 2000), (500000, 1000000, 400000), (1000, 1000, 0), (-1, 100000, 0)):
                result = group.update({"cpu": {"quota": quota, "period": period, "burst": burst}})
                expect(result.status == 0, f"{quota}/{period}+{burst}: {result.output}")
                if group.version("cpu") == 1:
                    group.expect("cpu", "cpu.cfs_quota_us", quota)
                    group.expect("cpu", "cpu.cfs_period_us", period)
                else:
                    group.expect("cpu", "cpu.max", f"{quota if quota > 0 else 'max'} {period}")
            fails(group.update({"cpu": {"quota": 10, "period": 100000}}), "10", "quota at least 1000")
            fails(group.update({"cpu": {"cpus": "999"}}), "cpuset.cpus", "999", "name cpus")

    def device_rules():
        need_root()
        rules = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}]
        script = ("cat /dev/kmsg >/dev/null 2>&1 & p=$!; sleep 0.2; kill $p 2>/dev/null && echo kmsg; echo x >/dev/kmsg && echo written;"
                  "cat /dev/null && echo null; head -c 1 /dev/urandom | wc -c; (: </dev/mem) && echo mem; rm -f $D/n; mknod $D/n c 9 9 && echo made")
        with made(Group(context, {"devices": rules})) as group:
            environment = {**os.environ, "D": group.directory.name}
            output = group.do("run", "sh", "-c", script, env=environment, merge=False).output.decode().split()
            expect(output == ["kmsg", "null", "1", "made"], f"with a rule for kmsg: {output}")
            rules[1] = {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}
            expect(group.update({"devices": rules}).status == 0, "no update")
            output = group.do("run", "sh", "-c", script, env=environment, merge=False).output.decode().split()
            expect(output == ["written", "null", "1", "made"], f"after an update: {output}")
            if group.version("devices") == 1:
                group_rules = group.read("devices", "devices.list").splitlines()
                expect(sorted(group_rules) == sorted(CONTAINER_DEVICES + ["c 1:11 w"]), f"devices.list: {group_rules}")
            expect(group.update({"devices": [{"allow": True, "access": "rwm"}]}).status == 0, "no update")
            output = group.do("run", "sh", "-c", "true </dev/kmsg && echo all").output.decode().split()
            expect(output == ["all"], f"all allowed: {output}")
            fails(group.update({"devices": [{"allow": True, "type": "c", "access": "rx"}]}), "devices[0].access")

    def freeze():
        need_root()
        with made(Group(context)) as group:
            child = subprocess.Popen([group.tool, "run", group.state, "sh", "-c", "while echo x; do sleep 0.02; done"], stdout=subprocess.PIPE)
            child.stdout.read(10)
            expect(group.do("freeze").status == 0 and group.do("frozen").output == b"yes\n", "it is not frozen")
            time.sleep(0.2)
            while select.select([child.stdout], [], [], 0)[0] and os.read(child.stdout.fileno(), 4096):
                pass
            expect(not select.select([child.stdout], [], [], 0.5)[0], "a frozen program runs")
            expect(len(group.do("pids").output.split()) >= 1, "no processes are listed")
            expect(group.do("thaw").status == 0 and group.do("frozen").output == b"no\n", "it is frozen still")
            expect(select.select([child.stdout], [], [], 10)[0], "a thawed program does not run")
            expect(group.do("freeze").status == 0, "it cannot be frozen again")
            expect(group.do("remove").status == 0, "frozen processes are not killed")
            child.communicate(timeout=10)

    def remove():
        """With programs that have children without end, and groups below."""
        need_root()
        with made(Group(context)) as group:
            for one in group.groups():
                os.makedirs(os.path.join(one["path"], "a/b"))
            child = subprocess.Popen([group.tool, "run", group.state, "sh", "-c", "f() { sleep 0.01 & f2 & wait; }; f2() { (while :; do (sleep 5) & sleep 0.02; done); }; f"],
                                     stderr=subprocess.DEVNULL)
            time.sleep(0.5)
            paths = [one["path"] for one in group.groups()]
            result = group.do("remove")
            expect(result.status == 0, f"{result.output}")
            expect(child.wait(timeout=10) == 137, "the program was not killed")
            expect(not [path for path in paths if os.path.exists(path)], "groups are left")
            expect(group.do("remove").status == 0, "removing what is gone is an error")

    def out_of_memory():
        need_root()
        with made(Group(context, {"memory": {"limit": 16 << 20, "swap": 16 << 20}})) as group:
            watch = subprocess.Popen([group.tool, "oom", group.state], stdout=subprocess.PIPE)
            watch.stdout.readline()
            result = group.do("run", "sh", "-c", "sh -c 'x=$(head -c 40000000 /dev/zero | tr \"\\\\0\" a); echo ${#x}'; echo alive")
            expect(b"alive" in result.output or result.status == 137, f"{result.output}")
            expect(watch.stdout.readline() == b"oom\n", "running out of memory is not told")
            stats = json.loads(group.do("stats").output)
            expect(stats["data"]["memory"]["usage"]["limit"] == 16 << 20 and stats["data"]["memory"]["usage"]["max"] >= 8 << 20, "memory is not counted")
            group.do("remove")
            expect(watch.communicate(timeout=10)[0].endswith(b"gone\n"), "that the group is gone is not told")

    def tiny():
        """A container with 512k of memory runs a program."""
        need_root()
        with made(Group(context, {"memory": {"limit": 512 << 10}})) as group:
            for way in ("run",) + (("clone",) if group.version("memory") == 2 else ()):
                expect(group.do(way, "/bin/true").status == 0, f"{way}: /bin/true needs more")

    def cold():
        """The same as a native container, whose program is not in memory: what is read ahead of it would be more than it has."""
        need_root()
        with tempfile.TemporaryDirectory() as bundle:
            root = os.path.join(bundle, "rootfs")
            for directory in ("bin", "proc", "dev", "lib64", "lib/x86_64-linux-gnu"):
                os.makedirs(os.path.join(root, directory))
            files = [("/bin/true", "bin/true"), ("/lib64/ld-linux-x86-64.so.2", "lib64/ld-linux-x86-64.so.2"),
                     ("/lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libc.so.6")]
            for source, to in files:
                shutil.copy(source, os.path.join(root, to))
            with open(os.path.join(bundle, "config.json"), "w") as f:
                json.dump({"ociVersion": "1.2.0", "root": {"path": "rootfs"}, "process": {"args": ["true"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
                           "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
                           "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network", "cgroup")],
                                     "resources": {"memory": {"limit": 512 << 10}}}}, f)
            for _ in range(3):
                for _, name in files:
                    fd = os.open(os.path.join(root, name), os.O_RDONLY)
                    os.fsync(fd)
                    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                    os.close(fd)
                result = context.run([context.linuxd, "--root", os.path.join(bundle, "state"), "--mode", "native", "run", "--bundle", bundle,
                                      f"linuxd-cold-{os.getpid()}"])
                expect(result.status == 0, f"status {result.status}: {result.output}")

    def statistics():
        need_root()
        with made(Group(context, {"pids": {"limit": 50}})) as group:
            group.do("run", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
            event = json.loads(group.do("stats").output)
            data = event["data"]
            expect(event["type"] == "stats" and set(data) == {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"},
                   f"members: {sorted(data)}")
            expect(data["cpu"]["usage"]["total"] > 1000000 and {"kernel", "user"} <= set(data["cpu"]["usage"]), f"cpu: {data['cpu']}")
            expect(data["pids"]["limit"] == 50 and data["memory"]["raw"] and "failcnt" in data["memory"]["usage"], f"{data['pids']}")

    def paths():
        need_root()
        for path, end in (("/linuxd-a/b", "/linuxd-a/b"), ("linuxd-rel/../linuxd-c", "/linuxd-c"), ("/../../linuxd-d//e/", "/linuxd-d/e")):
            with made(Group(context, None, path)) as group:
                for one in group.groups():
                    expect(one["path"].endswith(end) and os.path.isdir(one["path"]), f"{path} is {one['path']}")
                    expect(not path.startswith("/") or one["path"] == one["mount"] + end, f"{path} is {one['path']}")
                    expect(one["path"].startswith(one["mount"]), f"{path} leads out")
                if path.startswith("/"):
                    parents = [os.path.dirname(one["path"]) for one in group.groups()]
                    group.do("remove")
                    for parent in parents:
                        os.rmdir(parent)
        with Group(context, None, "/") as group:
            fails(group.made, "root group")
        with Group(context, None, "a:b:c:d", "systemd") as group:
            fails(group.made, "slice:prefix:name")
        with made(Group(context)) as group:
            child = subprocess.Popen([group.tool, "run", group.state, "sleep", "20"])
            time.sleep(0.2)
            second = group.call("create", group.state + "2", group.name, "-", "-")
            child.kill()
            group.do("kill", "9")
            child.wait()
            fails(second, "is in it", "choose another linux.cgroupsPath")

    def undone():
        """A create that fails leaves nothing, not even the groups above."""
        need_root()
        # A program in the group that comes last.
        with made(Group(context, None, "/linuxd-u/v")) as group:
            last = group.groups()[-1]["path"]
            others = [one["path"] for one in group.groups()[:-1]]
            for path in others:
                os.rmdir(path)
                os.rmdir(os.path.dirname(path))
            child = subprocess.Popen(["sleep", "20"])
            with open(os.path.join(last, "cgroup.procs"), "w") as f:
                f.write(str(child.pid))
            second = group.call("create", group.state + "2", "x", "/linuxd-u/v", "-")
            left = [path for path in others if os.path.exists(os.path.dirname(path))]
            child.kill()
            child.wait()
            group.do("remove")
            os.rmdir(os.path.dirname(last))
            fails(second, "is in it")
            expect(not left, f"left: {left}")

    def refused():
        """Values that the kernel does not take: file, value, reason, remedy."""
        need_root()
        # A file that the kernel has not, a size that the host has not, a device that is none.
        with Group(context, {"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}) as group:
            fails(group.made, "3MB" if group.made.output.count(b"pageSize") else "hugetlb")
        with Group(context, {"cpu": {"cpus": "4000"}}) as group:
            fails(group.made, "cpuset.cpus", '"4000"', "name cpus that the group above may use")
        with Group(context, {"unified": {"memory.nonsense": "1"}}) as group:
            fails(group.made, "memory.nonsense")
        with Group(context, {"unified": {"../x": "1"}}) as group:
            fails(group.made, "../x")
        with Group(context, {"blockIO": {"throttleReadBpsDevice": [{"major": 999, "minor": 7, "rate": 1}]}}) as group:
            fails(group.made, "999:7 1" if b"blkio" in group.made.output else "999:7", "name a whole disk")

    def rootless():
        """An ordinary user goes on without groups, unless something is asked of them."""
        if os.geteuid() != 0:
            raise Skip("needs root to become another")

        def user(group, name, *arguments):
            return context.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", group.tool, "create", group.state + "-" + name,
                                group.name, *arguments])
        with Group(context) as group:
            tool = os.path.join(group.directory.name, "tool")
            shutil.copy(group.tool, tool)
            os.chmod(tool, 0o755)
            group.tool = tool
            result = user(group, "plain", "-", "-", "rootless")
            expect(result.status == 0, f"without limits: {result.output}")
            with open(group.state + "-plain") as f:
                expect(json.load(f)["groups"] == [], "groups that were not made")
            limited = group.write({"pids": {"limit": 10}})
            os.chmod(limited, 0o644)
            fails(user(group, "limited", "-", limited, "rootless"), "pids", "leave out linux.resources")
            fails(user(group, "path", "/linuxd-x", "-", "rootless"), "/linuxd-x", "Permission denied")

    def all_controllers():
        """Those that this host has not mounted, in a mount namespace of our own."""
        need_root()
        script = """set -e
mount -t tmpfs cg "$D"
for c in net_cls net_prio perf_event hugetlb; do
	grep -q "^$c	.*	1$" /proc/cgroups || continue
	! grep -q " - cgroup cgroup .*$c" /proc/self/mountinfo || continue
	mkdir "$D/$c"
	mount -t cgroup -o $c none "$D/$c" 2>/dev/null || { rmdir "$D/$c"; continue; }
	echo "have $c"
done
"$TOOL" create "$S" all-$$ - "$R"
"$TOOL" run "$S" cat /proc/self/cgroup
for f in "$D"/net_cls/all-$$/net_cls.classid "$D"/net_prio/all-$$/net_prio.ifpriomap "$D"/hugetlb/all-$$/hugetlb.2MB.limit_in_bytes; do
	[ ! -e "$f" ] || { echo "$f:"; cat "$f"; }
done
"$TOOL" stats "$S"
"$TOOL" remove "$S"
for c in net_cls net_prio perf_event hugetlb; do [ ! -d "$D/$c" ] || rmdir "$D/$c"/linuxd-* 2>/dev/null || :; done
umount "$D"/* 2>/dev/null || :
"""
        with tempfile.TemporaryDirectory() as directory:
            with open("/proc/cgroups") as f:
                free = [line.split("\t")[0] for line in f if line.strip().endswith("1")]
            with open("/proc/self/mountinfo") as f:
                mounted = [option for line in f if " - cgroup " in line for option in line.strip().rsplit(" ", 1)[1].split(",")]
            free = [name for name in free if name not in mounted]
            if "net_cls" not in free or os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
                raise Skip("this host has no v1 controllers left to mount")
            resources = {"network": {"classID": 0x100001, "priorities": [{"name": "lo", "priority": 5}]}}
            if "hugetlb" in free:
                resources["hugepageLimits"] = [{"pageSize": "2MB", "limit": 4 << 20}]
            path = os.path.join(directory, "r.json")
            mounts = os.path.join(directory, "m")
            os.mkdir(mounts)
            with open(path, "w") as f:
                json.dump(resources, f)
            result = context.run(["unshare", "--mount", "sh", "-c", script],
                                 env={**os.environ, "D": mounts, "S": os.path.join(directory, "s"), "R": path, "TOOL": build_tool(context)})
            text = result.output.decode()
            expect(result.status == 0, text)
            expect("\n1048577\n" in text and "lo 5" in text, f"network limits are not set: {text}")
            for controller in ("net_cls", "net_prio", "perf_event"):
                expect(f":{controller}:/all-" in text, f"not in a group of {controller}: {text}")
            if "have hugetlb" in text:
                expect("\n4194304\n" in text, "no limit of huge pages")

    def systemd():
        """Against a systemd that writes down what it is asked, on a real bus."""
        need_root()
        if not shutil.which("dbus-daemon"):
            raise Skip("dbus-daemon is not installed")
        with tempfile.TemporaryDirectory() as directory:
            address, log = os.path.join(directory, "bus"), os.path.join(directory, "log")
            config = os.path.join(directory, "config")
            with open(config, "w") as f:
                f.write(f"<busconfig><type>session</type><listen>unix:path={address}</listen><auth>EXTERNAL</auth><policy context=\"default\">"
                        "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>")
            daemon = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}"], stderr=context.log)
            fake = None
            try:
                for _ in range(200):
                    if os.path.exists(address):
                        break
                    time.sleep(0.05)
                fake = subprocess.Popen(["python3", context.path("tests/cgroups/fake_systemd.py"), address, log], stdout=subprocess.PIPE, stderr=context.log)
                expect(fake.stdout.readline() == b"ready\n", "no systemd on the bus")
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={address}"
                systemd_calls(log)
            finally:
                os.environ.pop("DBUS_SYSTEM_BUS_ADDRESS", None)
                for process in (fake, daemon):
                    if process:
                        process.kill()
                        process.wait()
        with Group(context, None, "-", "systemd") as group:
            if not os.path.exists("/run/systemd/private") and not os.path.exists("/run/dbus/system_bus_socket"):
                fails(group.made, "cannot connect to systemd", "do without --systemd-cgroup")

    def systemd_calls(log):
        def calls():
            with open(log) as f:
                return [json.loads(line) for line in f]

        resources = {"memory": {"limit": 64 << 20}, "cpu": {"shares": 512, "quota": 15000, "period": 100000, "cpus": "0-1"}, "pids": {"limit": 33},
                     "devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}]}
        with made(Group(context, resources, "machine-test.slice:linuxd:one", "systemd")) as group:
            start = next(call for call in calls() if call[0] == "StartTransientUnit")
            properties = dict((name, value) for name, value in start[3])
            expect(start[1:3] == ["linuxd-one.scope", "replace"] and start[4] == [], f"{start}")
            for name, value in (("Slice", "machine-test.slice"), ("Delegate", True), ("TasksMax", 33), ("DefaultDependencies", False),
                                ("CPUQuotaPerSecUSec", 150000), ("PIDs", [int(group.made.output)]), ("DevicePolicy", "strict"),
                                ("MemoryLimit" if group.version("memory") == 1 else "MemoryMax", 64 << 20)):
                expect(properties.get(name) == value, f"{name} is {properties.get(name)} instead of {value}")
            allowed = properties["DeviceAllow"]
            expect(["/dev/char/1:11", "r"] in allowed and ["char-pts", "rwm"] in allowed and ["block-*", "m"] in allowed, f"{allowed}")
            for one in group.groups():
                expect(one["path"].endswith("/machine.slice/machine-test.slice/linuxd-one.scope"), f"{one}")
                with open(os.path.join(one["path"], "cgroup.procs")) as f:
                    expect(f.read() == group.made.output.decode(), f"the process is not in {one['path']}")
            expect(group.update({"pids": {"limit": 44}}).status == 0, "no update")
            update = calls()[-1]
            expect(update == ["SetUnitProperties", "linuxd-one.scope", True, [["TasksMax", 44]]], f"{update}")
            group.expect("pids", "pids.max", 44)
            # A second of the same name.
            fails(group.call("create", group.state + "2", "x", "machine-test.slice:linuxd:one", "-", "systemd"), "is in it")
            expect(group.do("remove").status == 0, "it is not removed")
            expect(any(call[:2] == ["StopUnit", "linuxd-one.scope"] for call in calls()), "it is not stopped")
            expect(group.do("remove").status == 0, "a unit that is gone is an error")
            for one in group.groups():
                parent = os.path.dirname(one["path"])
                os.rmdir(parent)
                os.rmdir(os.path.dirname(parent))
        with Group(context, None, ":linuxd:fails", "systemd") as group:
            fails(group.made, "systemd cannot start linuxd-fails.scope", "journalctl -u linuxd-fails.scope")

    tests = [systemd, limits, update, cpu_order, device_rules, freeze, remove, out_of_memory, tiny, cold, statistics, paths, undone, refused, rootless, all_controllers]
    return [(test.__name__.replace("_", "-"), test) for test in tests]
