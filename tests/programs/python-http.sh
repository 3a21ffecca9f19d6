# SPDX-License-Identifier: Apache-2.0
# Python's http.server asked by curl and by many threads; asyncio's streams with TLS.
set -e
mkdir /tmp/w
cd /tmp/w
seq 100000 >numbers
python3 -m http.server -b 127.0.0.1 8000 >/dev/null 2>&1 &
pid=$!
until nc -z 127.0.0.1 8000; do sleep 0.05; done
curl -s http://127.0.0.1:8000/numbers | md5sum
curl -s http://127.0.0.1:8000/ | grep -c numbers
seq 40 | xargs -P 8 -n 5 sh -c 'for n; do curl -s http://localhost:8000/numbers | md5sum; done' sh | sort | uniq -c | sed 's/^ *//'
kill $pid
wait $pid 2>/dev/null || echo "status $?"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 10 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
python3 - <<'END'
import asyncio, ssl

async def echo(reader, writer):
    while data := await reader.read(10000):
        writer.write(data)
        await writer.drain()
    writer.close()

async def ask(port, context, number):
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context, family=2)
    total = 0
    for i in range(20):
        writer.write(bytes([number]) * (i * 97 + 1))
        total += len(await reader.readexactly(i * 97 + 1))
    writer.close()
    await writer.wait_closed()
    return total

async def main():
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain("cert", "key")
    client_side = ssl.create_default_context(cafile="cert")
    for server_context, client_context in ((None, None), (server_side, client_side)):
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context)
        port = server.sockets[0].getsockname()[1]
        print(sum(await asyncio.gather(*[ask(port, client_context, n) for n in range(100)])))
        server.close()
        await server.wait_closed()
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except OSError as error:
        print(error)
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    print((await process.communicate(b"through cat"))[0], process.returncode)

asyncio.run(main())
END
