# SPDX-License-Identifier: Apache-2.0
# Nanoseconds a select takes, of 8 connections over TCP.
set -e
PATH=$PATH:/usr/lib/postgresql/15/bin
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
export PGHOST=127.0.0.1 PGPORT=5433 PGUSER=postgres
cd /tmp
mkdir /tmp/pg
chown postgres /tmp/pg
as initdb -D /tmp/pg/data -A trust >/dev/null
as pg_ctl -D /tmp/pg/data -o "-p 5433 -c unix_socket_directories=/tmp -c fsync=off" -l /tmp/log -w start >/dev/null
pgbench -i -s 5 -q postgres >/dev/null 2>&1
pgbench -S -n -c 8 -j 2 -T 2 postgres >/dev/null 2>&1
rate=$(pgbench -S -n -c 8 -j 2 -T 4 postgres 2>/dev/null | awk '/^tps/ { print $3 }')
as pg_ctl -D /tmp/pg/data -m immediate stop >/dev/null
awk "BEGIN { print 1e9 / $rate }"
