#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tools/demo.sh BUILD
# Runs a container from the built-in busybox image: its kernel, its processes, its memory; then what the host saw of it.
set -e
linuxd=$1/linuxd
stats=$(mktemp)
trap 'rm -f "$stats"' EXIT

status=0
"$linuxd" run --stats --hostname demo builtin:busybox sh 2>"$stats" <<'SCRIPT' || status=$?
echo "== the kernel in the container: uname -a"
uname -a
echo
echo "== its processes: ps"
sleep 100 &
sleep 100 | cat &
ps -o pid,ppid,user,args
kill %1 %2
echo
echo "== its memory: free -m"
free -m
SCRIPT
if [ $status != 0 ]; then
	cat "$stats" >&2
	exit $status
fi

echo
echo "== what the container's programs called, and what the host saw of it"
awk '/^system calls/ { print "system calls of the programs:"; part = "system"; next }
     /^host calls/ { print "system calls that the host executed for them:"; part = "host"; next }
     /^[^ ]/ { part = "" }
     part == "system" && $1 == "all" { print "  " $2 " (" $3 " by patched call sites, " $4 " trapped)" }
     part == "host" && $1 == "all" { print "  " $2 ", namely" }
     part == "host" && $1 != "all" { print "    " $0 }' "$stats"
