#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tools/demo.sh BUILD
# Runs a container from the built-in busybox image: its kernel, its processes, its memory; then what the host saw of it.
set -e
linuxd=$1/linuxd

exec "$linuxd" run --stats builtin:busybox sh -c '
echo "== uname"
uname -a
echo
echo "== processes"
sleep 100 & sleep 100 | cat &
ps
kill %1 %2 2>/dev/null
echo
echo "== memory"
free
echo
echo "== what the host saw (by linuxd, when the container has ended)"
'
