# SPDX-License-Identifier: Apache-2.0
# inside only
# timeout: 240
# Four kinds of load at once on two cpus, for ten seconds.
cd /data
end=$((SECONDS + 10))
(while [ $SECONDS -lt $end ]; do seq 1 2000 | sort -rn | tail -1 >/dev/null; done; echo a >>done) &
(while [ $SECONDS -lt $end ]; do python3 -c 'import threading
ts = [threading.Thread(target=sum, args=(range(20000),)) for _ in range(20)]
[t.start() for t in ts]; [t.join() for t in ts]' || exit 1; done; echo b >>done) &
(while [ $SECONDS -lt $end ]; do tar c /etc 2>/dev/null | xz -0 | xz -dc | tar t >/dev/null || exit 1; done; echo c >>done) &
(while [ $SECONDS -lt $end ]; do for i in 1 2 3 4 5; do echo $i >f$i; mv f$i g$i; rm g$i; done; done; echo d >>done) &
wait
[ "$(sort done | tr -d '\n')" = abcd ] || { cat done; exit 1; }
echo ok
