# SPDX-License-Identifier: Apache-2.0
set -e
node --version
node /mnt/node-workers.js
(node -e 'process.abort()' || echo "abort: $?") 2>/dev/null
: >/tmp/out
node -e 'setInterval(() => {}, 1000); process.on("SIGTERM", () => { console.log("terminated"); process.exit(3) }); console.log("up")' >/tmp/out &
pid=$!
until [ -s /tmp/out ]; do sleep 0.05; done
kill $pid
wait $pid 2>/dev/null || echo "status $?"
cat /tmp/out
node /mnt/node-http.js
