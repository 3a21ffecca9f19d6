# SPDX-License-Identifier: Apache-2.0
# bash: pipelines, here-documents, traps, job control, process substitution.
cd /data
exec 2>/dev/null # bash names process ids there
seq 1 1000 | grep 7 | sort -rn | head -5 | tr '\n' ' '; echo
echo one two three | while read a b c; do echo "$c $b $a"; done
cat <<END
here $((6 * 7)) document $(echo nested)
END
cat <<<"here string"
diff <(seq 1 5) <(seq 2 6)
tee >(wc -l >lines) >(wc -c >chars) </etc/services >/dev/null
while [ ! -s lines ] || [ ! -s chars ]; do sleep 0.01; done
[ "$(cat lines)" = "$(wc -l </etc/services)" ] && echo lines agree
trap 'echo caught USR1' USR1
kill -USR1 $$
trap 'echo leaving' EXIT
(trap 'echo subshell exit' EXIT; exit 3); echo "status $?"
set -o pipefail
false | true; echo "pipefail $?"
yes | head -1 >/dev/null; echo "${PIPESTATUS[@]}"
sleep 100 &
pid=$!
sleep 0.3 # until then it is a bash, which would run our traps
kill $pid
wait $pid; echo "wait $?"
for i in 1 2 3; do (sleep 0.0$i; echo "job $i" >>jobs.out) & done
wait
sort jobs.out
set -m
sleep 100 &
sleep 0.3
pid=$!
kill -STOP $pid
while ! jobs | grep -q Stopped; do sleep 0.02; done
jobs | grep -o 'Stopped.*'
bg >/dev/null
kill $pid
wait $pid; echo "job over"
set +m
coproc CAT { cat; }
echo through the coprocess >&"${CAT[1]}"
read -r line <&"${CAT[0]}"; echo "$line"
exec 5>&1; echo five >&5; exec 5>&-
mkfifo fifo; (echo by fifo >fifo &) ; cat fifo
f() { local x=$1; ((x > 0)) && { echo -n "$x "; f $((x - 1)); }; }; f 20; echo
printf '%s\n' {a..e}{1..3} | paste -sd,
ulimit -n 50; ulimit -n
timeout 0.2 sleep 10; echo "timeout $?"
umask 027; touch new; stat -c %a new
echo $BASHPID | grep -c '^[0-9]*$'
exit 5
