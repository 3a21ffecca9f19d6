#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: oracle.sh ROOTFS COMMAND ARG...
# Runs a command on the host's own kernel in the same root file system that a container gets, in namespaces of its own, as
# process 1: what it prints is what linuxd is compared with. There is a network of its own too, with nothing but a loopback.
# LINUXD_TEST_ENV is put into its environment; LINUXD_TEST_BINDS="SOURCE:TARGET..." shows host directories, and makes all else read-only.
set -eu
rootfs=$1
shift
user=$([ "$(id -u)" = 0 ] || echo --map-root-user)
exec unshare --mount --pid --ipc --uts --net --fork --kill-child $user sh -c '
	root=$1
	shift
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	if mount -t sysfs sysfs "$root/sys" 2>/dev/null; then
		mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup" || :
	else
		mount --rbind /sys "$root/sys"
	fi
	busybox ip link set lo up
	mount -t tmpfs -o mode=1777,size=1g tmp "$root/tmp"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		: >"$root/dev/$node"
		mount --bind /dev/$node "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	mount -t mqueue mqueue "$root/dev/mqueue" || :
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	hostname linuxd
	for bind in ${LINUXD_TEST_BINDS:-}; do
		mount --bind "${bind%%:*}" "$root${bind#*:}"
	done
	if [ -n "${LINUXD_TEST_BINDS:-}" ]; then
		mount -t tmpfs -o mode=755 run "$root/run"
		mount -o remount,bind,ro "$root"
	fi
	renice -n 0 -p $$ >/dev/null 2>&1 || :
	cd "$root"
	exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb ${LINUXD_TEST_ENV:-} chroot "$root" "$@"
' sh "$rootfs" "$@"
