# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# sqlite3 with WAL from several processes.
cd /data
sqlite3 db 'pragma journal_mode=wal; create table t(p int, i int);'
for p in 1 2 3 4; do
	(for i in $(seq 1 25); do sqlite3 -cmd '.timeout 20000' db "begin immediate; insert into t values($p, $i); commit;"; done) &
done
for r in 1 2; do (for i in $(seq 1 20); do sqlite3 -cmd '.timeout 20000' db 'select count(*) from t' >/dev/null; done) & done
wait
sqlite3 db 'select p, count(*), sum(i) from t group by p; pragma integrity_check;'
sqlite3 db 'pragma wal_checkpoint(truncate); pragma journal_mode=delete;'
sqlite3 db 'create table big as with recursive n(x) as (select 1 union all select x + 1 from n where x < 50000) select x, hex(x * 7919) h from n; create index bi on big(h); select count(distinct h), min(h), max(h) from big;'
(sqlite3 db 'begin exclusive;' '.system sleep 1' 'commit;') &
sleep 0.4; sqlite3 db 'insert into t values(9, 9)'; echo "locked status $?"
wait
ls
