# SPDX-License-Identifier: Apache-2.0
# The systemd driver with a systemd that runs: scopes, limits that survive a reload, updates, the end. With cgroup v2, and as hybrid with v1.
. /lib.sh
cg=/sys/fs/cgroup
if [ -e $cg/cgroup.controllers ]; then
	g=$cg/machine.slice/linuxd-one.scope
	p=$g m=$g
	pids=pids.max memory=memory.max
else
	g=$cg/systemd/machine.slice/linuxd-one.scope
	p=$cg/pids/machine.slice/linuxd-one.scope m=$cg/memory/machine.slice/linuxd-one.scope
	pids=pids.max memory=memory.limit_in_bytes
fi
show() { systemctl show -p "$1" --value linuxd-one.scope; }
cat >/limits <<END
{"memory":{"limit":67108864},"cpu":{"shares":2000,"quota":20000,"period":50000},"pids":{"limit":20},
 "devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"w"}]}
END
/tool create /st one machine.slice:linuxd:one /limits systemd >/pid 2>/err || { bad "create: $(cat /err)"; finish; }
is $g/cgroup.procs "$(cat /pid)"
is $p/$pids 20
is $m/$memory 67108864
[ "$(show ActiveState)" = active ] || bad "state: $(show ActiveState)"
[ "$(show TasksMax)" = 20 ] || bad "TasksMax: $(show TasksMax)"
[ "$(show Delegate)" = yes ] || bad "Delegate: $(show Delegate)"
[ "$(show Description)" = "linuxd container one" ] || bad "Description: $(show Description)"
[ "$(show CPUQuotaPerSecUSec)" = 400ms ] || bad "quota: $(show CPUQuotaPerSecUSec)"
try() { /tool run /st sh -c 'echo x >/dev/kmsg && echo write; head -c1 /dev/kmsg >/dev/null && echo read; echo >/dev/null && echo null; :' 2>/dev/null | tr '\n' ' '; }
[ "$(try)" = "write null " ] || bad "devices: $(try)"
# systemd writes its own view again: it must be the same.
ok systemctl daemon-reload
sleep 0.3
is $p/$pids 20
is $m/$memory 67108864
[ "$(try)" = "write null " ] || bad "devices after daemon-reload: $(try)"
echo '{"pids":{"limit":30},"memory":{"limit":83886080},"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}]}' >/r
ok /tool update /st /r
is $p/$pids 30
[ "$(show TasksMax)" = 30 ] || bad "TasksMax after an update: $(show TasksMax)"
ok systemctl daemon-reload
sleep 0.3
is $p/$pids 30
is $m/$memory 83886080
[ "$(try)" = "read null " ] || bad "devices after an update and daemon-reload: $(try)"
refuses "is in it" /tool create /st2 x machine.slice:linuxd:one - systemd
ok /tool freeze /st
ok /tool remove /st
gone $g
gone $p
[ "$(show ActiveState)" = inactive ] || bad "after removing: $(show ActiveState)"
# The same name again; and an annotation.
ok /tool create /st one machine.slice:linuxd:one /limits systemd
ok /tool remove /st
# As a whole container.
mkdir -p /b/rootfs/bin /b/rootfs/proc
cp /bin/busybox /b/rootfs/bin/sleep
cd /b
cat >config.json <<END
{"ociVersion":"1.2.0","root":{"path":"rootfs"},"process":{"user":{"uid":0,"gid":0},"args":["sleep","100"],"env":["PATH=/bin"],"cwd":"/"},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"}],"annotations":{"org.systemd.property.TimeoutStopUSec":"uint64 7000000"},
 "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}],"cgroupsPath":"machine.slice:linuxd:one","resources":$(cat /limits)}}
END
L="/linuxd --mode native --systemd-cgroup"
ok $L create one
[ "$(show TimeoutStopUSec)" = 7s ] || bad "annotation: $(show TimeoutStopUSec)"
is $p/$pids 20
ok $L start one
ok $L pause one
ok $L resume one
ok $L update --pids-limit 25 one
[ "$(show TasksMax)" = 25 ] || bad "TasksMax after linuxd update: $(show TasksMax)"
ok $L delete -f one
gone $g
ok /linuxd check --mode native
refuses "systemd driver" sh -c '/linuxd check --mode native | grep "missing *systemd driver" && exit 1; echo systemd driver; exit 1'
finish
