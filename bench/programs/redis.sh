# SPDX-License-Identifier: Apache-2.0
# usage: redis.sh set|get   Nanoseconds a request takes, of 50 connections without pipelining.
set -e
redis-server --port 7000 --save '' --daemonize yes --logfile /tmp/log >/dev/null
until redis-cli -p 7000 ping 2>/dev/null | grep -q PONG; do sleep 0.05; done
redis-benchmark -p 7000 -c 50 -n 20000 -t set -q >/dev/null
rate=$(redis-benchmark -p 7000 -c 50 -n "${REQUESTS:-200000}" -t "$1" --csv | tail -1 | cut -d'"' -f4)
redis-cli -p 7000 shutdown nosave >/dev/null
awk "BEGIN { print 1e9 / $rate }"
