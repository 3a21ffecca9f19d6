# SPDX-License-Identifier: Apache-2.0
# inside only
# timeout: 240
# A kill -9 storm, 10,000 pipes, 2,000 threads, a 64 MiB argument list: the container goes on.
cd /data
for round in $(seq 1 15); do
	pids=
	for i in $(seq 1 10); do
		while :; do :; done &
		pids="$pids $!"
		yes | cat >/dev/null &
		pids="$pids $!"
	done
	sleep 0.05
	kill -9 $pids
	pkill -9 -x yes
	wait
done 2>/dev/null
left=$(ps -e --no-headers | wc -l)
[ "$left" -lt 30 ] || { ps -e; echo "$left processes are left"; exit 1; }
python3 - <<'END' || exit 1
import errno, os, resource, subprocess, sys, threading
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 30000) if hard > 0 else 30000, hard))
n, pipes = 10000 if hard < 0 or hard >= 20100 else (hard - 100) // 2, []
for i in range(n): pipes.append(os.pipe())
for r, w in pipes: os.write(w, b"x")
assert all(os.read(r, 2) == b"x" for r, w in pipes)
for r, w in pipes: os.close(r); os.close(w)
print(n, "pipes")
threading.stack_size(65536)
gate, count, lock = threading.Event(), [0], threading.Lock()
def wait():
    gate.wait()
    with lock: count[0] += 1
ts = [threading.Thread(target=wait) for _ in range(2000)]
for t in ts: t.start()
gate.set()
for t in ts: t.join()
assert count[0] == 2000
print("2000 threads")
big = ["x" * 100000] * 670
try:
    subprocess.run(["/bin/true"] + big); print("64 MiB of arguments: no error"); sys.exit(1)
except OSError as e:
    assert e.errno == errno.E2BIG, e
resource.setrlimit(resource.RLIMIT_STACK, (1 << 30, resource.getrlimit(resource.RLIMIT_STACK)[1]))
out = subprocess.run(["/bin/sh", "-c", "echo $#", "sh"] + ["y" * 1000] * 5000, capture_output=True).stdout
assert out == b"5000\n", out
print("5 MB of arguments")
END
echo still here | cat
echo ok
