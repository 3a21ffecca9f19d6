#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the Debian root file system of the integration tests and prints where it is.
# Kept in ~/.cache/linuxd (or $LINUXD_CACHE) and made again when this script changes.
set -eu
packages="bash coreutils findutils grep sed gawk perl python3 gcc make git sqlite3 procps util-linux tar xz-utils
libc6-dev linux-libc-dev meson ninja-build pkg-config busybox-static dpkg-dev strace"
cache=${LINUXD_CACHE:-${HOME:-/root}/.cache/linuxd}
key=$(sha256sum "$0" | cut -c1-12)
rootfs=$cache/debian-$key
if [ ! -e "$rootfs.ready" ]; then
	mkdir -p "$cache"
	rm -rf "$rootfs"
	mode=$([ "$(id -u)" = 0 ] && echo root || echo unshare)
	mmdebstrap --quiet --mode=$mode --variant=minbase --include="$(echo $packages | tr ' ' ,)" \
		--customize-hook='rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*' \
		bookworm "$rootfs" >&2
	touch "$rootfs.ready"
fi
echo "$rootfs"
