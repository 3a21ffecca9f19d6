#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: make_rootfs.sh [debian | erlang | network]
# Makes a Debian root file system for the integration tests and prints where it is: "debian" and "network" for tests/integration/*.sh,
# "erlang" for tests/integration/erlang/*. Kept in ~/.cache/linuxd (or $LINUXD_CACHE) and made again when its recipe changes.
set -eu
variant=${1:-debian}
case $variant in
debian) packages="bash coreutils findutils grep sed gawk perl python3 gcc make git sqlite3 procps util-linux tar xz-utils
libc6-dev libjson-c-dev libseccomp-dev linux-libc-dev meson ninja-build pkg-config busybox-static dpkg-dev strace" ;;
erlang) packages="bash coreutils procps erlang-base erlang-crypto" ;;
network) packages="bash coreutils grep sed iproute2 iputils-ping net-tools python3" ;;
*)
	echo "$0: there is no variant $variant; it is debian, erlang or network" >&2
	exit 2
	;;
esac
cache=${LINUXD_CACHE:-${HOME:-/root}/.cache/linuxd}
make() {
	mode=$([ "$(id -u)" = 0 ] && echo root || echo unshare)
	mmdebstrap --quiet --mode=$mode --variant=minbase --include="$(echo $packages | tr ' ' ,)" \
		--customize-hook='rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*' \
		bookworm "$1" >&2
}
key=$({ echo $packages; sed -n '/^make()/,/^}/p' "$0"; } | sha256sum | cut -c1-12)
rootfs=$cache/$variant-$key
if [ ! -e "$rootfs.ready" ]; then
	mkdir -p "$cache"
	rm -rf "$rootfs" "$rootfs.$$"
	make "$rootfs.$$" || { rm -rf "$rootfs.$$"; exit 1; }
	mv -T "$rootfs.$$" "$rootfs"
	touch "$rootfs.ready"
fi
echo "$rootfs"
