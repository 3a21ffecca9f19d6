# SPDX-License-Identifier: Apache-2.0
# Native containers where there is only cgroup v2.
. /lib.sh
cg=/sys/fs/cgroup
mount -t cgroup2 -o nsdelegate cg $cg
mkdir $cg/me
for p in $(cat $cg/cgroup.procs); do echo $p >$cg/me/cgroup.procs 2>/dev/null; done
L="/linuxd --mode native"

mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/sys /b/rootfs/dev /b/rootfs/tmp /b/rootfs/etc
cp /bin/busybox /b/rootfs/bin/
for a in sh cat sleep true echo head mknod ls mkdir; do ln -s busybox /b/rootfs/bin/$a; done
cd /b
# config "ARGS" "RESOURCES" "MORE OF linux": with a cgroup namespace and a mount of it.
config() {
	cat >config.json <<END
{"ociVersion":"1.2.0","root":{"path":"rootfs"},"hostname":"c",
 "process":{"user":{"uid":0,"gid":0},"args":$1,"env":["PATH=/bin"],"cwd":"/","capabilities":{"bounding":["CAP_MKNOD"],"effective":["CAP_MKNOD"],"permitted":["CAP_MKNOD"]}},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]},
  {"destination":"/sys","type":"sysfs","source":"sysfs","options":["ro"]},
  {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro"]}],
 "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"}],"cgroupsPath":"/ctr/c1","resources":$2}}
END
}
config '["sh","-c","cat /proc/self/cgroup /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max; echo x >/dev/null && echo null; mknod /tmp/k c 1 11 && head -c1 /tmp/k && echo kmsg; :"]' \
	'{"memory":{"limit":67108864},"pids":{"limit":10},"devices":[{"allow":false,"access":"rwm"}]}'
$L run c1 >/out 2>/err
[ "$(tr '\n' ' ' </out)" = "0::/ 67108864 10 null " ] || bad "run: $(cat /out /err)"
gone $cg/ctr/c1

config '["sleep","100"]' '{"memory":{"limit":67108864},"devices":[{"allow":false,"access":"rwm"}]}'
ok $L create c1
is $cg/ctr/c1/memory.max 67108864
[ "$(wc -l <$cg/ctr/c1/cgroup.procs)" = 1 ] || bad "procs: $(cat $cg/ctr/c1/cgroup.procs)"
ok $L start c1
ok $L exec c1 cat /proc/self/cgroup
has /out '0::/$'
ok $L update --memory 100M --memory-swap -1 --pids-limit 33 --cpu-share 2000 --cpu-quota 50000 --cpu-period 100000 --cpuset-cpus 0 c1
is $cg/ctr/c1/memory.max 104857600
is $cg/ctr/c1/pids.max 33
is $cg/ctr/c1/cpu.weight 170
is $cg/ctr/c1/cpu.max "50000 100000"
echo '{"memory":{"reservation":33554432},"unified":{"memory.high":"90000000"}}' | $L update -r - c1 || bad "update -r"
is $cg/ctr/c1/memory.low 33554432
echo '{"memory":{"kernel":1048576}}' | $L update -r - c1 2>&1 | grep -q "warning: memory.kernel and memory.kernelTCP are not set" || bad "no warning about kernel memory"
ok $L pause c1
$L state c1 | grep -q '"status": "paused"' || bad "state: $($L state c1)"
is $cg/ctr/c1/cgroup.freeze 1
ok $L resume c1
ok $L events --stats c1
grep -q '"type":"stats","id":"c1".*"limit":104857600' /out || bad "events: $(cat /out)"
[ "$($L ps --format json c1)" = "[$(cat $cg/ctr/c1/cgroup.procs)]" ] || bad "ps: $($L ps --format json c1)"
# In a group below, as engines in containers do it; a second program follows.
mkdir $cg/ctr/c1/init
cat $cg/ctr/c1/cgroup.procs >$cg/ctr/c1/init/cgroup.procs
echo +pids >$cg/ctr/c1/cgroup.subtree_control
ok $L exec c1 true
ok $L pause c1
ok $L kill c1 KILL
sleep 0.5
$L state c1 | grep -q '"status": "stopped"' || bad "a paused container does not die: $($L state c1)"
ok $L delete -f c1
gone $cg/ctr/c1

# Out of memory, as `events` tells it.
config '["sh","-c","sleep 1; dd if=/dev/zero of=/dev/null bs=60M count=1; sleep 1"]' '{"memory":{"limit":16777216}}'
ln -sf busybox /b/rootfs/bin/dd
ok $L create c1
$L events c1 >/events 2>&1 &
ok $L start c1
for i in 1 2 3 4 5 6 7 8 9; do grep -q '"type":"oom"' /events && break; sleep 1; done
grep -q '{"type":"oom","id":"c1"}' /events || bad "events: $(cat /events)"
ok $L delete -f c1
wait

# 512k of memory, warm and with nothing of the program in memory.
config '["true"]' '{"memory":{"limit":524288}}'
$L run t1 >/out 2>&1 || bad "512k: $? $(cat /out)"
gone $cg/ctr/c1
/linuxd check --mode native >/out 2>&1 || bad "check: $(cat /out)"
/linuxd check --mode native --format json | grep -q '"name": "layout".*"found": "v2 at /sys/fs/cgroup"' || bad "check does not tell v2: $(/linuxd check --all)"
finish
