# SPDX-License-Identifier: Apache-2.0
set -e
cd /tmp
javac -version
javac -d . /mnt/Threads.java
for options in -XX:+UseSerialGC "-XX:+UseG1GC -Xmx128m" -XX:+UseZGC -Xint; do
	echo "== $options"
	java $options Threads
done
echo "== a signal"
: >out
java -XX:+UseSerialGC Threads wait >out &
pid=$!
until grep -q waits out; do sleep 0.05; done
kill $pid
wait $pid 2>/dev/null || echo "status $?"
tail -2 out
echo "== network"
javac -d . /mnt/Server.java
java -XX:+UseSerialGC Server
jshell -s - 2>/dev/null <<'END'
System.out.println(java.util.stream.IntStream.range(0, 1000).parallel().sum())
END
