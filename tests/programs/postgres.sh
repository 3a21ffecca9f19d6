# SPDX-License-Identifier: Apache-2.0
# PostgreSQL: a cluster on a host directory, its clients over TCP, pgbench, and recovery after all its processes were killed.
set -e
PATH=$PATH:/usr/lib/postgresql/15/bin
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
export PGHOST=127.0.0.1 PGPORT=5433 PGUSER=postgres
cd /tmp
mkdir /srv/pg
chown postgres /srv/pg
up() { as pg_ctl -D /srv/pg/data -o "-p 5433 -c listen_addresses=localhost -c unix_socket_directories=/tmp" -l /tmp/log -w "$@" start | tail -1; }
as initdb -D /srv/pg/data -A trust -E UTF8 --locale=C >/dev/null
up
psql -c 'select version()' -At | cut -d' ' -f1-2
pgbench -i -s 2 -q postgres 2>&1 | grep -c '^done'
psql -At -c 'select count(*), sum(aid) from pgbench_accounts'
pgbench -S -c 8 -j 2 -t 200 postgres 2>&1 | grep processed
pgbench -c 4 -j 2 -t 50 postgres 2>&1 | grep processed
pgbench -h /tmp -M prepared -c 4 -t 50 postgres 2>&1 | grep processed
psql -At -c 'set max_parallel_workers_per_gather = 2; set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0;
	select sum(length(filler)) from pgbench_accounts; create index on pgbench_accounts (abalance, bid)'
echo "== notifications and locks"
(psql -At -c 'begin; lock table pgbench_tellers; select pg_sleep(0.3); commit' >/dev/null) &
until [ "$(psql -At -c "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted")" -ge 1 ]; do sleep 0.02; done
psql -At -c 'update pgbench_tellers set tbalance = 0; select count(*) from pgbench_tellers'
wait; echo both
psql -At -c "set statement_timeout = 100; select pg_sleep(100)" 2>&1 || echo "status $?"
psql -At -c 'copy (select * from generate_series(1, 50000)) to stdout' | md5sum
echo "== killed"
psql -q -c 'create table log (n int)'
: >/tmp/acknowledged
(for i in $(seq 2000); do echo "insert into log values ($i) returning n;"; done | psql -At -q >/tmp/acknowledged 2>/dev/null || :) &
until [ "$(wc -l </tmp/acknowledged)" -ge 30 ]; do sleep 0.02; done
kill -9 $(head -1 /srv/pg/data/postmaster.pid)
pkill -9 -u postgres postgres || :
wait
while pgrep -u postgres postgres >/dev/null; do sleep 0.05; done
up
last=$(tail -1 /tmp/acknowledged)
[ "$(psql -At -c 'select count(*) from log')" -ge "$last" ] && echo "nothing lost"
grep -c 'automatic recovery in progress' /tmp/log
psql -At -c 'select count(*) from pgbench_accounts; select sum(abalance) = (select sum(bbalance) from pgbench_branches) from pgbench_accounts'
as pg_ctl -D /srv/pg/data -m fast stop | tail -1
