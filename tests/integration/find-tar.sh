# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# The whole tree: names, and contents through tar.
find / -xdev -not -path '/data*' -not -path '/root*' -not -path '/proc*' -not -path '/sys*' -not -path '/dev*' -not -path '/src*' | LC_ALL=C sort | sha256sum
tar c --sort=name usr -C / 2>/dev/null | sha256sum
cd / && du -s --apparent-size usr/share/doc | cut -f1
find usr -type f -name '*.h' | LC_ALL=C sort | xargs cat | md5sum
ls -lR --time-style=+%s usr/bin | sha256sum
