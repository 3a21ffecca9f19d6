# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# Building, installing and removing a package.
cd /data
mkdir -p p/DEBIAN p/usr/share/linuxd-test
printf 'Package: linuxd-test\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <n@b>\nDescription: test\n' >p/DEBIAN/control
printf '#!/bin/sh\necho "postinst $1"\n' >p/DEBIAN/postinst; chmod 755 p/DEBIAN/postinst
printf '#!/bin/sh\necho "prerm $1"\n' >p/DEBIAN/prerm; chmod 755 p/DEBIAN/prerm
echo content >p/usr/share/linuxd-test/file
dpkg-deb --root-owner-group -Zxz -b p t.deb
dpkg-deb -c t.deb | awk '{ print $1, $2, $6 }'
dpkg -i t.deb 2>&1 | grep -v -e 'database' -e '^$'
dpkg -s linuxd-test | grep Status
cat /usr/share/linuxd-test/file; dpkg -L linuxd-test; dpkg -V linuxd-test
dpkg -P linuxd-test 2>&1 | grep -v database
ls /usr/share/linuxd-test 2>&1
dpkg --audit; dpkg-query -W | wc -l
