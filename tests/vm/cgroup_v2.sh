# SPDX-License-Identifier: Apache-2.0
# cgroups where there is only v2: the kernel has cgroup_no_v1=all.
. /lib.sh
cg=/sys/fs/cgroup
mount -t cgroup2 -o nsdelegate cg $cg
# As on a host: the root has no processes that a user made.
mkdir $cg/me
for p in $(cat $cg/cgroup.procs); do echo $p >$cg/me/cgroup.procs 2>/dev/null; done
# (No controllers for our own group: it has processes.)

cat >/limits <<END
{"memory":{"limit":67108864,"swap":100663296,"reservation":33554432,"swappiness":10,"kernel":1000000},
 "cpu":{"shares":2000,"quota":20000,"period":50000,"burst":5000,"cpus":"0","mems":"0"},"pids":{"limit":20},
 "blockIO":{"weight":505,"throttleReadBpsDevice":[{"major":7,"minor":0,"rate":1048576}]},
 "hugepageLimits":[{"pageSize":"2MB","limit":4194304}],
 "devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"w"}],
 "unified":{"memory.high":"60000000","cgroup.max.depth":"3"}}
END
ok /tool create /st t1 - /limits
grep -q "swappiness is not set" /out || bad "no warning: $(cat /out)"
g=$cg/t1
is $g/memory.max 67108864
is $g/memory.swap.max 33554432
is $g/memory.low 33554432
is $g/memory.high 59998208
is $g/cpu.weight 170
is $g/cpu.max "20000 50000"
is $g/cpu.max.burst 5000
is $g/cpuset.cpus 0
is $g/pids.max 20
is $g/io.max "7:0 rbps=1048576 wbps=max riops=max wiops=max"
is $g/io.weight "default 5000"
is $g/hugetlb.2MB.max 4194304
is $g/hugetlb.2MB.rsvd.max 4194304
is $g/cgroup.max.depth 3
has $cg/cgroup.subtree_control memory
for way in run clone; do
	[ "$(/tool $way /st cat /proc/self/cgroup)" = 0::/t1 ] || bad "$way does not enter"
done

# Devices: a program for the kernel.
try() { /tool clone /st sh -c 'echo x >/dev/kmsg && echo write; head -c1 /dev/kmsg >/dev/null && echo read; echo >/dev/null && echo null; mknod /tmp/n b 9 9 && rm /tmp/n && echo mknod; : ' 2>/dev/null | tr '\n' ' '; }
[ "$(try)" = "write null mknod " ] || bad "devices: $(try)"
rules() { echo "{\"devices\":[{\"allow\":$1,\"access\":\"rwm\"},{\"allow\":$2,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"$3\"}]}" >/rules; ok /tool update /st /rules; }
rules false true r
[ "$(try)" = "read null mknod " ] || bad "devices after an update: $(try)"
rules true false w
[ "$(try)" = "read null mknod " ] || bad "devices with a rule that forbids: $(try)"
rules true true rwm
[ "$(try)" = "write read null mknod " ] || bad "devices without limits: $(try)"
rules false false rwm
[ "$(try)" = "null mknod " ] || bad "devices without exceptions: $(try)"

# Updates: what is not named stays.
echo '{"memory":{"limit":16777216,"swap":16777216},"cpu":{"quota":-1}}' >/r
ok /tool update /st /r
is $g/memory.max 16777216
is $g/memory.swap.max 0
is $g/cpu.max "max 50000"
is $g/pids.max 20
echo '{"memory":{"limit":-1}}' >/r
ok /tool update /st /r
is $g/memory.max max
is $g/memory.swap.max max
echo '{"cpu":{"idle":1}}' >/r
ok /tool update /st /r
is $g/cpu.idle 1
echo '{"cpu":{"idle":0,"shares":1024}}' >/r
ok /tool update /st /r
is $g/cpu.weight 100
echo '{"memory":{"limit":1000000,"checkBeforeUpdate":true,"swap":2000000}}' >/r
/tool run /st sleep 60 &
sleep 0.3
ok /tool freeze /st
[ "$(/tool frozen /st)" = yes ] || bad "not frozen"
is $g/cgroup.freeze 1
ok /tool thaw /st
[ "$(/tool pids /st | wc -w)" = 1 ] || bad "pids: $(/tool pids /st)"

# In the way of others.
refuses "is in it" /tool create /st2 t1 - -
refuses "choose a cgroupsPath whose parents have none" /tool create /st2 x /me/x /limits
gone $cg/me/x
is $cg/me/cgroup.type domain
echo '{"cpu":{"realtimeRuntime":1000}}' >/r
refuses "cgroup v2 has no such limits" /tool create /st2 x - /r
echo '{"network":{"classID":5}}' >/r
refuses "cgroup v1's alone" /tool create /st2 x - /r
echo '{"blockIO":{"throttleReadBpsDevice":[{"major":99,"minor":0,"rate":1}]}}' >/r
refuses "name a whole disk" /tool create /st2 x - /r
echo '{"memory":{"limit":1048576,"swap":1000}}' >/r
refuses "memory and swap together" /tool create /st2 x - /r
gone $cg/x
mkdir $cg/thr $cg/thr/a
echo threaded >$cg/thr/a/cgroup.type
echo '{"memory":{"limit":1048576}}' >/r
refuses "threaded group" /tool create /st2 x /thr/b /r
gone $cg/thr/b
echo '{"pids":{"limit":5}}' >/r
ok /tool create /st2 x /thr/b /r
is $cg/thr/b/cgroup.type threaded
is $cg/thr/b/pids.max 5
ok /tool remove /st2
rmdir $cg/thr/a $cg/thr

# Frozen processes, and groups below, are removed.
ok /tool freeze /st
mkdir -p $g/a/b
ok /tool remove /st
gone $g

# Memory: too little for a shell with much to say, enough for true.
echo '{"memory":{"limit":524288}}' >/r
ok /tool create /st tiny - /r
/tool clone /st /bin/true || bad "512k: cloned true $?"
/tool run /st /bin/true || bad "512k: true $?"
/tool oom /st >/oom &
sleep 0.3
/tool run /st sh -c 'x=$(head -c 3000000 /dev/zero | tr "\0" a); [ ${#x} = 3000000 ]' >/dev/null 2>&1 && bad "3 MB fit into 512k"
ok /tool stats /st
grep -q '"type":"stats".*"limit":524288.*"oom_kill\|"limit":524288' /out || bad "stats: $(cat /out)"
ok /tool remove /st
wait
grep -q oom /oom && grep -q gone /oom || bad "oom: $(cat /oom)"

# A user with a group of its own, and one without.
mkdir -p $cg/deleg/own
echo "+memory +pids" >$cg/cgroup.subtree_control
echo "+memory +pids" >$cg/deleg/cgroup.subtree_control
chown nobody $cg/deleg/own $cg/deleg/own/cgroup.procs $cg/deleg/own/cgroup.subtree_control
mkdir $cg/deleg/own/shell
chown -R nobody $cg/deleg/own/shell
mkdir -m 777 /w
echo '{"pids":{"limit":5}}' >/r
(
	echo 0 >$cg/deleg/own/shell/cgroup.procs
	exec su nobody -s /bin/sh -c '/tool create /w/st c - /r rootless && cat /sys/fs/cgroup/deleg/own/c/pids.max && /tool clone /w/st cat /proc/self/cgroup && /tool remove /w/st'
) >/out 2>&1
[ "$(tr '\n' ' ' </out)" = "5 0::/deleg/own/c " ] || bad "delegated: $(cat /out)"
refuses "Delegate=" su nobody -s /bin/sh -c '/tool create /w/st2 c - /r rootless'
ok su nobody -s /bin/sh -c '/tool create /w/st3 c - - rootless'
refuses "Permission denied" su nobody -s /bin/sh -c '/tool create /w/st4 c /nope/x - rootless'
finish
