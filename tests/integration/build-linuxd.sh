# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# gcc and make -j2 build linuxd itself; the kernel must come out byte-identical to the one built on the host.
cd /src && rm -rf build
export SOURCE_DATE_EPOCH=1 GIT_CEILING_DIRECTORIES=/
meson setup build --buildtype=release >/data/setup.log 2>&1 || { tail -20 /data/setup.log; exit 1; }
cat >/data/Makefile <<'END'
all:
	ninja -C /src/build -j2 kernel/linuxd-kernel.elf
END
make -j2 -C /data >/data/build.log 2>&1 || { tail -20 /data/build.log; exit 1; }
sha256sum build/kernel/linuxd-kernel.elf
