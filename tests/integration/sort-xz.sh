# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# sort --parallel, xz -T2, sed, awk, grep on a few megabytes.
cd /data
seq 1 300000 | awk '{ print ($1 * 7919) % 1000003, $1 }' >numbers
sort --parallel=2 -S 4M -n numbers | sha256sum
sort --parallel=2 -k2,2n numbers | head -2
xz -T2 -3 -k --block-size=500000 numbers && xz -t numbers.xz && xz -dc numbers.xz | cmp - numbers && echo same
xz -dc -T2 numbers.xz | gzip -9 | gzip -d | sha256sum
sed -n 's/^\([0-9]*\)7 /[\1] /p' numbers | wc -l
grep -c 99 numbers; gawk '{ s += $1 } END { print s }' numbers
split -n 4 numbers part. && cat part.* | cmp - numbers && echo joined
tar cJf t.tar.xz numbers part.aa && tar tf t.tar.xz && tar xJOf t.tar.xz numbers | md5sum
dd if=numbers of=copy bs=4k conv=fsync 2>/dev/null; cmp copy numbers; cp --sparse=always numbers sparse; cmp sparse numbers
