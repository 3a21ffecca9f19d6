# SPDX-License-Identifier: Apache-2.0
# Erlang over TCP: gen_tcp, and two nodes that find each other through epmd, call, monitor and lose each other.
set -e
cd /tmp
export HOME=/tmp ERL_CRASH_DUMP_SECONDS=0
cp /mnt/network.erl .
erlc network.erl
erl -noshell -s network gen_tcp -s erlang halt
erl -noshell -s network gen_udp -s erlang halt
epmd -daemon
erl -noshell -sname one@localhost -setcookie c -s network answering &
first=$!
until epmd -names 2>/dev/null | grep -q 'name one'; do sleep 0.05; done
erl -noshell -sname two@localhost -setcookie c -s network asking -s erlang halt
wait $first
erl -noshell -sname three@localhost -setcookie c -eval 'io:format("~p~n", [net_adm:ping(one@localhost)]), halt().'
epmd -kill >/dev/null
