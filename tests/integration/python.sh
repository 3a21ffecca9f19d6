# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# python3: threads, multiprocessing, subprocess, sqlite3, mmap, signal, asyncio with pipes.
cd /data
python3 - <<'END'
import asyncio, hashlib, mmap, multiprocessing, os, queue, select, signal, socket, sqlite3, subprocess, sys, tempfile, threading, time

def threads():
    q, total, lock = queue.Queue(), [0], threading.Lock()
    def work():
        while (item := q.get()) is not None:
            with lock:
                total[0] += item
    ts = [threading.Thread(target=work) for _ in range(8)]
    for t in ts: t.start()
    for i in range(5000): q.put(i)
    for t in ts: q.put(None)
    for t in ts: t.join()
    print("threads", total[0])

def square(x): return x * x

def processes():
    with multiprocessing.Pool(4) as pool:
        print("pool", sum(pool.map(square, range(2000))))
    q = multiprocessing.Queue()
    ps = [multiprocessing.Process(target=q.put, args=(i,)) for i in range(5)]
    for p in ps: p.start()
    print("queue", sorted(q.get() for _ in ps))
    for p in ps: p.join()
    v = multiprocessing.Value("i", 0)
    def add():
        for _ in range(500):
            with v.get_lock(): v.value += 1
    ps = [multiprocessing.Process(target=add) for _ in range(3)]
    for p in ps: p.start()
    for p in ps: p.join()
    print("value", v.value)
    a, b = multiprocessing.Pipe()
    p = multiprocessing.Process(target=lambda: b.send({"k": list(range(1000))}))
    p.start(); print("pipe", len(a.recv()["k"])); p.join()

def subprocesses():
    print(subprocess.run(["sh", "-c", "cat; echo err >&2; exit 4"], input=b"in", capture_output=True))
    p = subprocess.Popen(["sleep", "60"])
    p.send_signal(signal.SIGTERM)
    print("terminated", p.wait())
    try:
        subprocess.run(["sleep", "10"], timeout=0.1)
    except subprocess.TimeoutExpired:
        print("timeout")
    try:
        subprocess.run(["/nonexistent"])
    except FileNotFoundError as e:
        print(e)

def sqlite():
    db = sqlite3.connect("py.db")
    db.execute("create table t(a integer primary key, b text)")
    db.executemany("insert into t(b) values(?)", [(hashlib.md5(str(i).encode()).hexdigest(),) for i in range(2000)])
    db.commit()
    print("sqlite", db.execute("select count(*), min(b), max(b) from t").fetchone())

def maps():
    with open("map", "wb") as f: f.truncate(1 << 20)
    with open("map", "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        m[100:105] = b"hello"; m.flush()
        print("mmap", m.find(b"hello"), open("map", "rb").read()[98:107])
    shared = mmap.mmap(-1, 4096)
    if os.fork() == 0:
        shared[:5] = b"child"; os._exit(0)
    os.wait(); print(shared[:5])

def signals():
    got = []
    signal.signal(signal.SIGUSR1, lambda s, f: got.append(s))
    signal.signal(signal.SIGALRM, lambda s, f: got.append(s))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    time.sleep(0.1)
    print("signals", [int(s) for s in got], signal.sigtimedwait([signal.SIGUSR2], 0.01))

async def aio():
    p = await asyncio.create_subprocess_exec("tr", "a-z", "A-Z", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print("asyncio", (await p.communicate(b"through tr"))[0])
    r, w = os.pipe()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r, "rb"))
    async def writer():
        for i in range(5):
            os.write(w, b"line %d\n" % i); await asyncio.sleep(0.005)
        os.close(w)
    task = asyncio.create_task(writer())
    print((await reader.read()).decode().split("\n")); await task
    async def echo(r, w):
        w.write((await r.readline()).upper()); await w.drain(); w.close()
    server = await asyncio.start_unix_server(echo, "/tmp/echo")
    answers = []
    async def client(i):
        r, w = await asyncio.open_unix_connection("/tmp/echo")
        w.write(b"client %d\n" % i); answers.append(await r.readline()); w.close()
    await asyncio.gather(*[client(i) for i in range(20)])
    print(sorted(answers)[:3], len(answers))

def rest():
    a, b = socket.socketpair()
    a.sendall(b"x" * 100000) if False else a.send(b"data"); print(b.recv(10), select.select([a], [b], [], 0)[1] == [b])
    with tempfile.TemporaryDirectory() as d:
        open(d + "/f", "w").write("x" * 100000); print(os.path.getsize(d + "/f"), os.listdir(d))
    print(sorted(os.listdir("/proc/self/fd"))[:3], os.cpu_count() >= 1)
    print(sum(len(f) > 0 for _, _, f in os.walk("/usr/lib/python3")) > 0)

multiprocessing.set_start_method("fork")
for f in (threads, processes, subprocesses, sqlite, maps, signals): f()
asyncio.run(aio()); rest()
END
echo "status $?"
