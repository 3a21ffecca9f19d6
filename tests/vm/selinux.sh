# SPDX-License-Identifier: Apache-2.0
# Labels of SELinux with a policy that tells them apart (selinux.cil), enforcing.
. /lib.sh
mount -t cgroup2 cg /sys/fs/cgroup
mount -t selinuxfs selinuxfs /sys/fs/selinux || { bad "no SELinux in this kernel"; finish; }
dd if=/policy of=/sys/fs/selinux/load bs=64k 2>/dev/null || bad "the kernel refuses the policy"
echo 1 >/sys/fs/selinux/enforce
is /sys/fs/selinux/enforce 1
[ "$(tr -d '\0' </proc/self/attr/current)" = u:r:kernel_t ] || bad "the shell is $(cat /proc/self/attr/current)"
L="/linuxd --mode native"

mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/dev /b/rootfs/tmp /b/rootfs/secret /secret
mount -t tmpfs -o context=u:object_r:secret_t secret /secret
echo hidden >/secret/key
cp /bin/busybox /b/rootfs/bin/
for a in sh cat sleep echo grep tr; do ln -s busybox /b/rootfs/bin/$a; done
cd /b
# config LABELS PROGRAM: LABELS are members of process, then of linux.
config() {
	cat >config.json <<END
{"ociVersion":"1.2.0","root":{"path":"rootfs"},
 "process":{$1"user":{"uid":0,"gid":0},"args":["sh","-c","$3"],"env":["PATH=/bin"],"cwd":"/"},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]},
  {"destination":"/dev/pts","type":"devpts","source":"devpts","options":["newinstance"]},
  {"destination":"/tmp","type":"tmpfs","source":"tmpfs"},{"destination":"/secret","type":"bind","source":"/secret","options":["bind"]}],
 "linux":{$2"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}]}}
END
}
process='"selinuxLabel":"u:r:container_t",' mounts='"mountLabel":"u:object_r:container_file_t",'
look='cat /proc/self/attr/current | tr -d \"\\\\0\"; echo; cat /secret/key 2>&1; echo x >/tmp/x && cat /tmp/x'

# Without labels it is what we are, and may what we may.
config "" "" "$look"
$L run c >/out 2>&1
[ "$(tr '\n' ' ' </out)" = "u:r:kernel_t hidden x " ] || bad "without labels: $(cat /out)"

config "$process" "$mounts" "$look; grep -c context=u:object_r:container_file_t /proc/self/mounts; grep ' /dev ' /proc/self/mounts"
$L run c >/out 2>&1
grep -qx u:r:container_t /out || bad "the process has not its label: $(cat /out)"
grep -q "/secret/key': Permission denied" /out || bad "the policy does not hold for the container: $(cat /out)"
grep -qx x /out || bad "it cannot write to its own files: $(cat /out)"
# /dev, /dev/pts, /tmp
grep -qx 3 /out || bad "file systems of the container have not the mount label: $(cat /out)"

# exec as the container, and with a label of its own.
config "$process" "$mounts" "sleep 100"
ok $L create c
ok $L start c
for i in 1 2 3 4 5; do [ "$(tr -d '\0' </proc/$($L state c | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')/attr/current)" = u:r:container_t ] && break || sleep 0.2; done
$L exec c sh -c 'cat /proc/self/attr/current | tr -d "\0"; echo; cat /secret/key' >/out 2>&1
grep -qx u:r:container_t /out && grep -q "Permission denied" /out || bad "exec: $(cat /out)"
$L exec --process-label u:r:kernel_t c cat /secret/key >/out 2>&1
has /out '^hidden$'
ok $L delete -f c

# What the policy does not know.
config '"selinuxLabel":"u:r:nobody_knows_t",' "" true
refuses "process.selinuxLabel: cannot set u:r:nobody_knows_t.*Invalid argument" $L run c
has /out "its policy must know this label"
config "" '"mountLabel":"u:object_r:nobody_knows_t",' true
refuses "the file system refuses" $L run c
$L state c >/out 2>&1 && bad "a container is left"
/linuxd check --mode native --all >/out 2>&1
grep -qi "selinux" /out || bad "check does not tell SELinux: $(cat /out)"
finish
