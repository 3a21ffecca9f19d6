# SPDX-License-Identifier: Apache-2.0
# The ways to start Erlang: escript, a shell that reads a pipe, detached, behind run_erl's terminal, and how it ends.
cd /tmp
cat >sums <<'END'
#!/usr/bin/env escript
main(Numbers) ->
    io:format("~p ~p~n", [lists:sum([list_to_integer(N) || N <- Numbers]), filename:basename(escript:script_name())]),
    io:format("read ~p~n", [io:get_line("")]),
    halt(length(Numbers)).
END
chmod +x sums
echo "a line" | ./sums 1 2 3
echo "status $?"
printf 'X = 6 * 7.\nX + nothing.\nio:format("~%s~~n", [X]).\nq().\n' p | erl 2>&1 | sed 's/Erlang.OTP.*//'
erl -noshell -eval 'halt(3)'; echo "status $?"
erl -noshell -eval 'erlang:halt("a slogan", [{flush, false}])' 2>&1; echo "status $?"
head -1 erl_crash.dump; grep -c '^=proc:' erl_crash.dump | sed 's/^[1-9][0-9]*$/processes/'
{ erl -noshell -eval 'erlang:halt(abort)'; } >/dev/null 2>&1; echo "status $?"
erl -noshell -eval 'io:format("ready~n"), receive never -> ok end' >out & pid=$!
until grep -qs ready out; do sleep 0.05; done
kill $pid; wait $pid; echo "after SIGTERM: $?"
rm out
erl -noshell -eval 'io:format("ready~n"), receive never -> ok end' >out & pid=$!
until grep -qs ready out; do sleep 0.05; done
kill -9 $pid; wait $pid 2>/dev/null; echo "after SIGKILL: $?"

erl -detached -noinput -eval 'file:write_file("/tmp/detached", "from a daemon\n"), halt().'
until [ -s detached ]; do sleep 0.05; done
cat detached

mkdir pipes logs
run_erl -daemon /tmp/pipes/ /tmp/logs "exec erl"
# Says something until it is answered: whatever is written before the shell reads is lost when it sets the terminal up.
for i in $(seq 200); do
	[ -p pipes/erlang.pipe.1.w ] && grep -q '1> ' logs/erlang.log.1 2>/dev/null && break
	sleep 0.1
done
echo 'file:write_file("/tmp/attached", io_lib:format("~p~n", [[io:rows(), lists:seq(1, 5)]])).' >pipes/erlang.pipe.1.w
for i in $(seq 200); do [ -s attached ] && break; sleep 0.1; done
cat attached
echo 'init:stop().' >pipes/erlang.pipe.1.w
for i in $(seq 200); do pgrep beam.smp >/dev/null || break; sleep 0.1; done
grep -c 'Eshell' logs/erlang.log.1
pgrep -l beam.smp || pgrep -l erl_child || echo "none left"
