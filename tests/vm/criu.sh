# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore in native mode. A container cannot pivot_root on the initial ramdisk, so all moves to a tmpfs first.
if [ ! -e /moved ]; then
	mkdir /r && mount -t tmpfs -o size=400m r /r && touch /r/moved
	for d in bin lib lib64 usr etc root lib.sh script linuxd criu; do [ -e /$d ] && cp -a /$d /r/; done
	mkdir -p /r/proc /r/sys /r/dev /r/tmp /r/run /r/mnt /r/sbin
	for d in proc sys dev run tmp; do mount --move /$d /r/$d; done
	cd /r && mount --move . / && chroot . sh /script
	status=$?
	mknod /dev/ttyS1 c 4 65
	exit $status
fi
. /lib.sh
export PATH=/usr/local/bin:/bin:/sbin:/usr/sbin
mount -t cgroup2 cg /sys/fs/cgroup
mkdir -p /b/rootfs/bin /b/rootfs/proc /b/rootfs/sys /b/rootfs/dev /b/rootfs/tmp /bound
cp /bin/busybox /b/rootfs/bin/ && ln -s busybox /b/rootfs/bin/sh
for a in sleep echo cat; do ln -s busybox /b/rootfs/bin/$a; done
cd /b
l="/linuxd --mode native --root /run/l"
$l spec
sed -i 's/"terminal": true/"terminal": false/; s/"readonly": true/"readonly": false/' config.json
sed -i 's#"sh"#"sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/bound/count; sleep 0.1; done"#' config.json
sed -i 's#"mounts": \[#"mounts": [ {"destination": "/bound", "type": "bind", "source": "/bound", "options": ["rbind", "rw"]},#' config.json
ok criu check
$l run -d t1 </dev/null >/dev/null 2>&1 || bad "run fails"
for i in 1 2 3 4 5 6 7 8 9; do [ -s /bound/count ] || sleep 1; done
[ -s /bound/count ] || bad "it does not run"

ok $l checkpoint --image-path /img1 --leave-running t1
$l state t1 | grep -q '"status": "running"' || bad "it does not go on after --leave-running"
ok $l checkpoint --image-path /img2 --work-path /work2 t1
$l state t1 >/out 2>&1 && bad "it is still there after checkpoint: $(cat /out)"
[ -s /work2/dump.log ] || bad "no log in --work-path"
before=$(cat /bound/count)
sleep 1
[ "$(cat /bound/count)" = "$before" ] || bad "something runs on after checkpoint"
$l restore -d --image-path /img2 --pid-file /pid t1 </dev/null >/dev/null 2>/out || bad "restore fails: $(cat /out; grep Error /img2/restore.log)"
sleep 1
$l state t1 | grep -q '"status": "running"' || bad "it does not run after restore"
[ "$(cat /bound/count)" -gt "$before" ] || bad "it does not count on from $before but is at $(cat /bound/count)"
[ -d /proc/$(cat /pid) ] || bad "the pid file has not its pid"
ok $l pause t1
ok $l resume t1
ok $l kill t1 KILL
sleep 1
ok $l delete t1

# An image of the container's own must not lead the host's directories elsewhere.
rm -rf /b/rootfs/bound && ln -s /etc /b/rootfs/bound
refuses "without a symbolic link" $l restore -d --image-path /img2 t1
$l state t1 >/out 2>&1 && bad "a restore that failed leaves a container"
refuses "cannot open the image directory" $l restore -d --image-path /nothing t1
refuses "does not exist" $l checkpoint --image-path /img3 t9
ls /sys/fs/cgroup | grep t1 && bad "a cgroup is left"
finish
