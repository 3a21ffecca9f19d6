#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sees to the Debian packages that building, the demonstration, tests and benchmarks need.
set -eu
packages="gcc clang make meson ninja-build python3 libc6-dev linux-libc-dev libjson-c-dev libseccomp-dev busybox-static dbus-daemon mmdebstrap util-linux runc git"
# What tests skip without: a browser, a virtual machine for other kernels, those who call an OCI runtime. Large, so it is not a reason to fail.
optional="chromium chromium-driver qemu-system-x86 secilc apparmor containerd docker.io podman conmon crun criu iproute2 iptables jq gawk bats"
absent() {
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$package"
	done
}
missing=$(absent $optional)
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } ||
		echo "Not installed:$missing; the tests that need them are skipped"
fi
missing=$(absent $packages)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
	exit 0
fi
# Without these nothing can be built; the rest is for tests and benchmarks, which say what they skip.
need=
for package in $missing; do
	case $package in
	gcc | make | meson | ninja-build | python3 | libc6-dev | linux-libc-dev | libjson-c-dev | libseccomp-dev | busybox-static) need="$need $package" ;;
	esac
done
echo "Not installed:$missing"
echo "Install them with: sudo apt-get install$missing"
[ -z "$need" ]
