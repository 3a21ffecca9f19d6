# SPDX-License-Identifier: Apache-2.0
# inside only
# timeout: 240
# options: --memory 256M
# A fork bomb against the processes' limit, a process that eats the memory limit, a full tmpfs: the right error, and it goes on.
cd /data
cat >bomb.py <<'END'
import os, resource, sys, time
resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
os.setgid(1000); os.setuid(1000)
end, failed = time.time() + 3, 0
while time.time() < end:
    try:
        if os.fork() == 0: pass
    except BlockingIOError:
        failed += 1; time.sleep(0.05)
os._exit(0 if failed else 1)
END
timeout -k 1 20 python3 bomb.py; status=$?
pkill -9 -u 1000; sleep 0.3
[ $status = 0 ] || { echo "fork bomb: $status"; exit 1; }
[ "$(ps -u 1000 --no-headers | wc -l)" = 0 ] || { echo "bomb is left"; exit 1; }
mkdir -p /tmp/small && mount -t tmpfs -o size=1m none /tmp/small
dd if=/dev/zero of=/tmp/small/f bs=64k count=100 2>err; grep -q 'No space left' err || { cat err; echo "no ENOSPC"; exit 1; }
[ "$(stat -c %s /tmp/small/f)" = 1048576 ] || { stat /tmp/small/f; exit 1; }
rm /tmp/small/f; dd if=/dev/zero of=/tmp/small/f bs=64k count=10 2>/dev/null || exit 1
umount /tmp/small
python3 -c '
import sys
blocks = []
try:
    for i in range(1000):
        blocks.append(bytearray(b"x") * (1 << 20))
except MemoryError:
    sys.exit(77)
' ; status=$?
case $status in 137 | 77) ;; *) echo "memory eater: $status"; exit 1 ;; esac
python3 -c '
import resource
resource.setrlimit(resource.RLIMIT_AS, (100 << 20, 100 << 20))
try:
    bytearray(500 << 20); print("no MemoryError")
except MemoryError:
    pass
' || exit 1
echo alive | cat | grep -q alive || exit 1
dd if=/dev/full of=/dev/null count=1 2>/dev/null; echo x >/dev/full 2>err; grep -q 'No space left' err || exit 1
echo ok
