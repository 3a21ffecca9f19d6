# SPDX-License-Identifier: Apache-2.0
set -e
memcached -u nobody -l 127.0.0.1 -p 11300 -U 11300 -t 4 -m 16 -d
until nc -z 127.0.0.1 11300; do sleep 0.05; done
printf 'set name 0 0 5\r\nvalue\r\nget name\r\nincr none 1\r\nset n 0 0 1\r\n1\r\nincr n 41\r\nquit\r\n' | nc 127.0.0.1 11300
python3 - <<'END'
import socket, threading
counts = []
def client(number):
    with socket.create_connection(("127.0.0.1", 11300)) as connection, connection.makefile("rwb") as stream:
        good = 0
        for i in range(500):
            value = f"{number}.{i}".encode() * 50
            stream.write(b"set key%d 0 0 %d\r\n%s\r\nget key%d\r\n" % (number, len(value), value, number))
            stream.flush()
            good += stream.readline() == b"STORED\r\n" and b"VALUE" in stream.readline() and stream.readline().strip() == value
            stream.readline()
        counts.append(good)
threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(counts))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(10)
    s.sendto(b"\0\1\0\0\0\1\0\0get name\r\n", ("127.0.0.1", 11300))
    print(s.recv(2000))
END
pkill memcached
while pgrep memcached >/dev/null; do sleep 0.05; done
nc -z 127.0.0.1 11300 || echo "gone"
