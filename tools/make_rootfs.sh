#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: make_rootfs.sh [debian | erlang | network | programs]
# Makes a Debian root file system for the integration tests and prints where it is: "debian" and "network" for tests/integration/*.sh,
# "erlang" for tests/integration/erlang/*, "programs" (servers and language runtimes, 2 GB) for tests/programs/*.
# Kept in ~/.cache/linuxd (or $LINUXD_CACHE) and made again when its recipe changes.
set -eu
variant=${1:-debian}
case $variant in
debian) packages="bash coreutils findutils grep sed gawk perl python3 gcc make git sqlite3 procps util-linux tar xz-utils
libc6-dev libjson-c-dev libseccomp-dev linux-libc-dev meson ninja-build pkg-config busybox-static dpkg-dev strace" ;;
erlang) packages="bash coreutils procps erlang-base erlang-crypto" ;;
network) packages="bash coreutils grep sed iproute2 iputils-ping net-tools python3" ;;
programs) packages="bash coreutils findutils grep sed gawk procps util-linux hostname iproute2 gcc libc6-dev git sqlite3
python3 python3-distutils libpython3.11-testsuite openssl curl netcat-openbsd redis-server redis-tools nginx-light wrk apache2-utils
postgresql-15 memcached openssh-server openssh-client nodejs openjdk-17-jdk-headless golang-go rustc erlang-base erlang-inets" ;;
*)
	echo "$0: there is no variant $variant; it is debian, erlang, network or programs" >&2
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
