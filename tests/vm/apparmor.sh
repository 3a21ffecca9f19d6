# SPDX-License-Identifier: Apache-2.0
# Profiles of AppArmor.
. /lib.sh
export PATH=/usr/local/bin:/bin:/sbin:/usr/sbin
mount -t cgroup2 cg /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
is /sys/module/apparmor/parameters/enabled Y
cat >/profile <<'END'
profile linuxd-test flags=(attach_disconnected,mediate_deleted) {
	file,
	capability,
	network,
	signal,
	ptrace,
	unix,
	deny /secret r,
	deny /proc/sys/kernel/hostname w,
}
END
ok apparmor_parser --skip-cache --add /profile
has /sys/kernel/security/apparmor/profiles "linuxd-test (enforce)"
L="/linuxd --mode native"

mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/dev /b/rootfs/tmp
echo hidden >/b/rootfs/secret
cp /bin/busybox /b/rootfs/bin/
for a in sh cat sleep echo; do ln -s busybox /b/rootfs/bin/$a; done
cd /b
config() {
	cat >config.json <<END
{"ociVersion":"1.2.0","root":{"path":"rootfs"},"hostname":"c",
 "process":{$1"user":{"uid":0,"gid":0},"args":["sh","-c","$2"],"env":["PATH=/bin"],"cwd":"/"},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]}],
 "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}]}}
END
}
look='cat /proc/self/attr/current /secret 2>&1; echo y >/proc/sys/kernel/hostname 2>/dev/null && echo written; :'

for profile in "" '"apparmorProfile":"unconfined",'; do
	config "$profile" "$look"
	$L run c >/out 2>&1
	[ "$(tr '\n' ' ' </out)" = "unconfined hidden written " ] || bad "unconfined: $(cat /out)"
done
for more in "" '"noNewPrivileges":true,'; do
	config "\"apparmorProfile\":\"linuxd-test\",$more" "$look"
	$L run c >/out 2>&1
	grep -qx "linuxd-test (enforce)" /out || bad "$more: the process has not its profile: $(cat /out)"
	grep -q "/secret': Permission denied" /out || bad "$more: the profile does not hold: $(cat /out)"
	grep -q "hidden\|written" /out && bad "$more: what it denies is there: $(cat /out)"
done

config '"apparmorProfile":"linuxd-test",' "sleep 100"
ok $L create c
ok $L start c
$L exec c cat /proc/self/attr/current /secret >/out 2>&1
grep -qx "linuxd-test (enforce)" /out && grep -q "Permission denied" /out || bad "exec: $(cat /out)"
$L exec --apparmor unconfined c cat /proc/self/attr/current /secret >/out 2>&1
[ "$(tr '\n' ' ' </out)" = "unconfined hidden " ] || bad "exec --apparmor unconfined: $(cat /out)"
ok $L delete -f c

config '"apparmorProfile":"not-loaded",' true
refuses "process.apparmorProfile: cannot apply the profile not-loaded" $L run c
has /out "the profile loaded"
$L state c >/out 2>&1 && bad "a container is left"
/linuxd check --mode native --all >/out 2>&1
grep -qi "apparmor" /out || bad "check does not tell AppArmor: $(cat /out)"
finish
