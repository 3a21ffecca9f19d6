# SPDX-License-Identifier: Apache-2.0
# cgroups where there is only v1, mounted as distributions did: all twelve controllers, some of them together, and rdma.
. /lib.sh
cg=/sys/fs/cgroup
mount -t tmpfs cg $cg
for c in cpu,cpuacct cpuset memory devices freezer blkio pids net_cls,net_prio perf_event hugetlb rdma; do
	mkdir -p $cg/$c
	mount -t cgroup -o $c cg $cg/$c || bad "no $c"
done
mkdir $cg/systemd
mount -t cgroup -o none,name=systemd cg $cg/systemd
cat >/limits <<END
{"memory":{"limit":67108864,"swap":100663296,"reservation":33554432,"swappiness":10,"kernel":1000000,"kernelTCP":1048576,"disableOOMKiller":true,"useHierarchy":true},
 "cpu":{"shares":2000,"quota":20000,"period":50000,"burst":5000,"cpus":"0","mems":"0"},"pids":{"limit":20},
 "blockIO":{"throttleReadBpsDevice":[{"major":7,"minor":0,"rate":1048576}],"throttleWriteIOPSDevice":[{"major":7,"minor":0,"rate":77}]},
 "hugepageLimits":[{"pageSize":"2MB","limit":4194304}],"network":{"classID":1048577,"priorities":[{"name":"lo","priority":3}]},
 "devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"w"}]}
END
ok /tool create /st t1 /a/t1 /limits
grep -q "memory.kmem.limit_in_bytes is not set" /out || is $cg/memory/a/t1/memory.kmem.limit_in_bytes 999424
is $cg/memory/a/t1/memory.limit_in_bytes 67108864
is $cg/memory/a/t1/memory.memsw.limit_in_bytes 100663296
is $cg/memory/a/t1/memory.soft_limit_in_bytes 33554432
is $cg/memory/a/t1/memory.swappiness 10
is $cg/memory/a/t1/memory.kmem.tcp.limit_in_bytes 1048576
has $cg/memory/a/t1/memory.oom_control "oom_kill_disable 1"
is $cg/cpu,cpuacct/a/t1/cpu.shares 2000
is $cg/cpu,cpuacct/a/t1/cpu.cfs_quota_us 20000
is $cg/cpu,cpuacct/a/t1/cpu.cfs_period_us 50000
is $cg/cpu,cpuacct/a/t1/cpu.cfs_burst_us 5000
is $cg/cpuset/a/cpuset.mems 0
is $cg/cpuset/a/t1/cpuset.cpus 0
is $cg/pids/a/t1/pids.max 20
is $cg/blkio/a/t1/blkio.throttle.read_bps_device "7:0 1048576"
is $cg/blkio/a/t1/blkio.throttle.write_iops_device "7:0 77"
is $cg/hugetlb/a/t1/hugetlb.2MB.limit_in_bytes 4194304
is $cg/net_cls,net_prio/a/t1/net_cls.classid 1048577
has $cg/net_cls,net_prio/a/t1/net_prio.ifpriomap "lo 3"
has $cg/devices/a/t1/devices.list "c 1:11 w"
/tool run /st cat /proc/self/cgroup | grep -v ':/a/t1$' | grep -v '^0::' && bad "not in every group"
[ "$(/tool run /st cat /proc/self/cgroup | grep -c ':/a/t1$')" = 12 ] || bad "groups: $(/tool run /st cat /proc/self/cgroup)"
echo '{"memory":{"limit":209715200,"swap":419430400},"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}]}' >/r
ok /tool update /st /r
is $cg/memory/a/t1/memory.memsw.limit_in_bytes 419430400
has $cg/devices/a/t1/devices.list "c 1:11 r$"
/tool run /st sh -c 'while :; do (sleep 1) & sleep 0.05; done' &
sleep 0.5
ok /tool freeze /st
is $cg/freezer/a/t1/freezer.state FROZEN
ok /tool stats /st
grep -q '"percpu_kernel".*"hierarchical_memsw_limit":419430400.*"2MB":{"failcnt":0}' /out || bad "stats: $(cat /out)"
ok /tool remove /st
for c in memory cpu,cpuacct devices systemd; do gone $cg/$c/a/t1; done
echo '{"unified":{"memory.high":"1000000"}}' >/r
refuses "has no cgroup v2 group" /tool create /st x - /r
gone $cg/memory/x
finish
