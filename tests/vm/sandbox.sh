# SPDX-License-Identifier: Apache-2.0
# Sandboxes on Debian's kernel and an emulated processor, which has protection keys and much else that the tests' host has not.
. /lib.sh
mount -t cgroup2 cg /sys/fs/cgroup
{ grep -qw pku /proc/cpuinfo && grep -qw ospke /proc/cpuinfo; } || bad "this processor has no protection keys"
/linuxd check --mode sandbox --all >/out 2>&1 || bad "check: $(cat /out)"
grep -i "protection keys" /out | grep -q ok || bad "check does not tell protection keys: $(cat /out)"
mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/dev /b/rootfs/tmp
cp /bin/busybox /b/rootfs/bin/
for a in sh cat sleep echo grep uname; do ln -s busybox /b/rootfs/bin/$a; done

# A program, a pipe, processes.
[ "$(/linuxd run --rootfs /b/rootfs -- /bin/sh -c 'for i in 1 2 3; do echo $i | cat; done; (exit 7); echo $?' 2>/err | tr '\n' ' ')" = "1 2 3 7 " ] || bad "run: $(cat /err)"

# As an OCI runtime, with limits in the host's v2 groups.
cd /b
cat >config.json <<END
{"ociVersion":"1.2.0","root":{"path":"rootfs"},"process":{"user":{"uid":0,"gid":0},"args":["sleep","100"],"env":["PATH=/bin"],"cwd":"/"},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/tmp","type":"tmpfs","source":"scratch"}],
 "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}],"resources":{"memory":{"limit":134217728},"pids":{"limit":50}}}}
END
L="/linuxd --mode sandbox"
ok $L create s1
ok $L start s1
[ "$($L exec s1 sh -c 'echo in; grep -c scratch /proc/self/mountinfo' | tr '\n' ' ')" = "in 1 " ] || bad "exec: $($L exec s1 cat /proc/self/mountinfo 2>&1)"
ok $L pause s1
$L state s1 | grep -q '"status": "paused"' || bad "state: $($L state s1)"
ok $L resume s1
ok $L update --memory 100M s1
ok $L kill s1 KILL
for i in 1 2 3 4 5 6 7 8 9; do $L state s1 | grep -q '"status": "stopped"' && break; sleep 0.5; done
ok $L delete s1
finish
