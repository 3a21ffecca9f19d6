# SPDX-License-Identifier: Apache-2.0
# nginx with two workers, asked by curl, wrk and ab; reload and upgrade without a lost request; a proxy in front of another server.
set -e
mkdir /tmp/n /tmp/n/root
cd /tmp/n
head -c 1024 /dev/zero | tr '\0' x >root/small
seq 400000 >root/large
cat >conf <<'END'
user root;
worker_processes 2;
pid /run/nginx.pid;
error_log /tmp/n/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	client_body_temp_path /tmp/n/body; proxy_temp_path /tmp/n/proxy; fastcgi_temp_path /tmp/n/fastcgi; scgi_temp_path /tmp/n/scgi; uwsgi_temp_path /tmp/n/uwsgi;
	upstream behind { server unix:/tmp/n/socket; keepalive 4; }
	server { listen 8080 reuseport; listen [::1]:8080 reuseport; root /tmp/n/root; location /proxy/ { proxy_pass http://behind/; proxy_http_version 1.1; proxy_set_header Connection ""; } }
	server { listen unix:/tmp/n/socket; root /tmp/n/root; }
}
END
nginx -c /tmp/n/conf
curl -s http://127.0.0.1:8080/small | md5sum
curl -s "http://[::1]:8080/large" | md5sum
curl -s http://localhost:8080/proxy/large | md5sum
curl -s -r 1000-1999 http://localhost:8080/large | md5sum
curl -s -o /dev/null -w '%{http_code} %{size_download}\n' http://localhost:8080/none
curl -s -I http://localhost:8080/small | head -1
curl -s --limit-rate 2M http://localhost:8080/large | md5sum
curl -s -d @root/small -o /dev/null -w '%{http_code}\n' http://localhost:8080/small
seq 300 | xargs -P 8 -n 10 sh -c 'for n; do curl -s http://localhost:8080/small | wc -c; done' sh | sort | uniq -c | sed 's/^ *//'
wrk -t 2 -c 50 -d 2 http://127.0.0.1:8080/small >wrk.log
grep -c Requests/sec wrk.log
grep -E 'Socket errors|Non-2xx' wrk.log || echo "no errors"
ab -q -n 5000 -c 20 http://127.0.0.1:8080/small | grep -E 'Complete|Failed'
ab -q -k -n 5000 -c 20 http://127.0.0.1:8080/proxy/small | grep -E 'Complete|Failed|Keep-Alive'
echo "== reload"
wrk -t 1 -c 10 -d 2 http://127.0.0.1:8080/large >wrk.log &
for i in 1 2 3; do sleep 0.3; nginx -c /tmp/n/conf -s reload 2>/dev/null; done
wait
grep -c Non-2xx wrk.log || :
curl -s http://localhost:8080/small | wc -c
nginx -c /tmp/n/conf -s quit 2>/dev/null
for i in $(seq 100); do [ -e /run/nginx.pid ] || break; sleep 0.1; done
curl -s http://localhost:8080/small || echo "curl $?"
grep -cE 'emerg|alert|crit' error.log || :
