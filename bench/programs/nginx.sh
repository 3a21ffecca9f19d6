# SPDX-License-Identifier: Apache-2.0
# Nanoseconds a request for a file of 1 KiB takes, of 50 connections that are kept.
set -e
mkdir -p /tmp/n/root
head -c 1024 /dev/urandom >/tmp/n/root/file
cat >/tmp/n/conf <<'END'
user root;
worker_processes 1;
pid /tmp/n/pid;
error_log /tmp/n/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000000;
	client_body_temp_path /tmp/n/b; proxy_temp_path /tmp/n/p; fastcgi_temp_path /tmp/n/f; uwsgi_temp_path /tmp/n/u; scgi_temp_path /tmp/n/s;
	server { listen 8080; root /tmp/n/root; }
}
END
nginx -c /tmp/n/conf
wrk -t 1 -c 50 -d 1 http://127.0.0.1:8080/file >/dev/null
wrk -t 1 -c 50 -d 3 http://127.0.0.1:8080/file >/tmp/n/result
nginx -c /tmp/n/conf -s stop 2>/dev/null
if grep -E 'Socket errors|Non-2xx' /tmp/n/result >&2; then exit 1; fi
awk '/^Requests\/sec/ { print 1e9 / $2 }' /tmp/n/result
