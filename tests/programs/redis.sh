# SPDX-License-Identifier: Apache-2.0
# Redis with its own client and load generator over TCP; what was acknowledged survives kill -9.
set -e
cd /srv
up() { redis-server --dir /srv --port 7000 --bind 127.0.0.1 ::1 --daemonize yes --pidfile /tmp/redis.pid --logfile /srv/log "$@" >/dev/null; }
ready() { until redis-cli -p 7000 ping 2>/dev/null | grep -q PONG; do sleep 0.05; done; }
up --appendonly yes --appendfsync always
ready
redis-cli -p 7000 set name value
redis-cli -h ::1 -p 7000 get name
for i in $(seq 200); do echo "rpush list $i"; done | redis-cli -p 7000 | tail -1
redis-cli -p 7000 blpop list 0
redis-cli -p 7000 --pipe < <(for i in $(seq 5000); do printf '*3\r\n$3\r\nSET\r\n$%d\r\nkey%d\r\n$1\r\nx\r\n' $((${#i} + 3)) "$i"; done) | tail -1
redis-benchmark -p 7000 -c 50 -n 20000 -t set,get,lpush,mset -q -r 1000 | tr '\r' '\n' | grep -c 'per second'
redis-benchmark -p 7000 -c 20 -n 20000 -t set,get -P 16 -q | tr '\r' '\n' | grep -c 'per second'
echo "== subscribers"
for n in 1 2 3; do redis-cli -p 7000 subscribe news >/tmp/heard$n & done
until [ "$(redis-cli -p 7000 pubsub numsub news | tail -1)" = 3 ]; do sleep 0.05; done
redis-cli -p 7000 publish news hello
for n in 1 2 3; do until grep hello /tmp/heard$n; do sleep 0.05; done; done
kill $(jobs -p)
wait 2>/dev/null || :
echo "== killed while written to"
: >/tmp/acknowledged
(for i in $(seq 3000); do echo "set count $i"; done | redis-cli -p 7000 >/tmp/acknowledged 2>/dev/null) &
until [ "$(grep -c OK /tmp/acknowledged)" -ge 200 ]; do sleep 0.02; done
kill -9 "$(cat /tmp/redis.pid)"
wait
up --appendonly yes
ready
[ "$(redis-cli -p 7000 get count)" -ge "$(grep -c OK /tmp/acknowledged)" ] && echo "nothing lost"
redis-cli -p 7000 get key4999
redis-cli -p 7000 llen list
redis-cli -p 7000 bgrewriteaof >/dev/null
redis-cli -p 7000 debug sleep 0 >/dev/null
until redis-cli -p 7000 info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.05; done
echo "== snapshot"
redis-cli -p 7000 save
redis-cli -p 7000 shutdown nosave
redis-check-aof /srv/appendonlydir/appendonly.aof.manifest | grep -c 'is valid'
up
ready
redis-cli -p 7000 llen list
echo "== replica"
redis-cli -p 7000 config set repl-diskless-sync-delay 0
redis-server --dir /tmp --port 7001 --replicaof 127.0.0.1 7000 --daemonize yes --logfile /tmp/replica.log >/dev/null
until redis-cli -p 7001 info replication 2>/dev/null | grep -q 'master_link_status:up'; do sleep 0.05; done
printf 'set late yes\nwait 1 5000\n' | redis-cli -p 7000
redis-cli -p 7001 get late
redis-cli -p 7001 shutdown nosave
redis-cli -p 7000 shutdown nosave
