# SPDX-License-Identifier: Apache-2.0
"""`linuxd trace` and `linuxd run --trace`: what is recorded, how it is written, what goes wrong; the page in a browser."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from run import Failure, Skip

from .browser import Browser
from .seeing import Container, expect

# One of each kind of wait, again and again.
WAITS = """
import os, subprocess, threading, time
lock = threading.Lock()
r, w = os.pipe()

def holder():
    while True:
        with lock:
            time.sleep(0.04)
        time.sleep(0.002)

def contender():
    while True:
        with lock:
            pass
        time.sleep(0.01)

def reader():
    while os.read(r, 10):
        pass

for f in (holder, contender, reader):
    threading.Thread(target=f, daemon=True, name=f.__name__).start()
print("ready", flush=True)
while True:
    os.write(w, b"hello")
    subprocess.run(["sleep", "0.02"])
    f = open("/host/data", "wb")
    f.write(b"x" * 4000000)
    f.flush()
    os.fsync(f.fileno())
    f.close()
    try:
        open("/nowhere/at/all")
    except OSError:
        pass
    sum(range(300000))
"""


def debian(context):
    made = subprocess.run([context.path("tools/make_rootfs.sh")], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        raise Failure("tools/make_rootfs.sh failed")
    return made.stdout.strip()


class Waits(Container):
    def __init__(self, context):
        self.host = tempfile.TemporaryDirectory(prefix="linuxd-trace-")
        super().__init__(context, "--cpus", "2", "--read-only", "--tmpfs", "/tmp", "--bind", self.host.name + ":/host", "--rootfs",
                         debian(context), "--", "python3", "-c", WAITS, name="waits")

    def end(self):
        super().end()
        self.host.cleanup()


def recording(context, box, *arguments):
    """linuxd trace in the background, that has begun to record."""
    child = subprocess.Popen([context.linuxd, *arguments], env=box.env, stderr=subprocess.PIPE)
    line = child.stderr.readline()
    if not line.startswith(b"recording "):
        child.kill()
        raise Failure(f"linuxd trace does not begin: {line + child.communicate()[1]}")
    return child


def record_while_fed(context, box, text, *command):
    """Once it records, the container gets @text; then to the end of the recording."""
    child = recording(context, box, *command)
    box.child.stdin.write(text)
    box.child.stdin.flush()
    errors = child.communicate(timeout=30)[1]
    expect(child.returncode == 0, f"linuxd trace: {errors}")


def check_chrome(path):
    """What the format asks for, and what a timeline must be: states of a thread follow each other."""
    with open(path) as f:
        trace = json.load(f)
    events = trace["traceEvents"]
    named, opened, arrows, tracks = set(), {}, {}, {}
    for event in events:
        expect(isinstance(event["pid"], int) and isinstance(event["tid"], int) and event["ts"] >= 0, f"bad event {event}")
        phase = event["ph"]
        if phase == "M":
            expect(event["name"] in ("process_name", "thread_name") and event["args"]["name"], f"bad name {event}")
            named.add((event["name"], event["pid"]) + ((event["tid"],) if event["name"] == "thread_name" else ()))
        elif phase == "X":
            expect(event["dur"] >= 0 and event["name"], f"bad slice {event}")
            tracks.setdefault((event["pid"], event["tid"]), []).append(event)
        elif phase in "be":
            key = (event["pid"], event["id"], event["name"])
            expect((key in opened) == (phase == "e"), f"a call that begins twice or ends only: {event}")
            if phase == "b":
                opened[key] = event["ts"]
            else:
                expect(opened.pop(key) <= event["ts"], f"a call ends before it begins: {event}")
        elif phase in "sf":
            expect((event["id"] in arrows) == (phase == "f"), f"half an arrow: {event}")
            arrows[event["id"]] = event["ts"]
        else:
            expect(phase == "i", f"unknown phase {phase}")
    expect(not opened, f"{len(opened)} calls have no end")
    for (pid, tid), slices in tracks.items():
        expect(("thread_name", pid, tid) in named and ("process_name", pid) in named, f"track {pid} {tid} has no name")
        slices.sort(key=lambda s: s["ts"])
        for a, b in zip(slices, slices[1:]):
            expect(round((a["ts"] + a["dur"]) * 1000) <= round(b["ts"] * 1000) + 1, f"two states at a time: {a} {b}")
    return events


def trace(context):
    def run(*arguments, timeout=60):
        return context.run([context.linuxd, *arguments], timeout=timeout)

    def text():
        """From the start: tasks, programs, system calls with names and results, waits with what they wait for, wake-ups, the end."""
        script = "mkfifo /tmp/f; (sleep 0.2; echo x >/tmp/f) & cat /tmp/f; wait; ls /nowhere; exit 3"
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "trace.txt")
            result = run("run", "--trace", path, "--tmpfs", "/tmp", "builtin:busybox", "sh", "-c", script)
            expect(result.status == 3, f"status {result.status} instead of 3")
            with open(path) as f:
                lines = f.read()
        context.write_log(lines)
        for what, pattern in (
                ("a child", r" +2 sh +born, a child of 1"),
                ("the first program", r" 1 sh +runs /bin/sh"),
                ("a system call with its result", r'stat(at)?\((AT_FDCWD, )?"/nowhere", .* = -1 ENOENT \(No such file or directory\) <'),
                ("a timer", r"sleep +waits: timer, .*in (clock_)?nanosleep"),
                ("a child waited for", r" 1 sh +waits: child, .*, in wait4"),
                ("a queue waited for", r"waits: queue, /tmp/f"),
                ("a wake-up", r"woken by \d+ \w+, to cpu \d+, slept 0\.[0-9]+ s"),
                ("a switch", r"sleeps, next is "),
                ("a signal", r" 1 sh +gets SIGCHLD from \d+"),
                ("the end", r" 1 sh +exited with 3")):
            expect(re.search(pattern, lines), f"the trace does not show {what}: {pattern}")
        times = [float(line.split()[0]) for line in lines.splitlines() if re.match(r" *\d+\.\d+ ", line)]
        expect(len(times) > 100 and times == sorted(times), "lines are not in the order of time")
        expect("lost" not in lines, "records were lost")

    def short_calls():
        """Calls that go a shorter way through the kernel while nobody looks."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "trace.txt")
            program = "import os\nfor i in range(300): os.getppid()"
            result = run("run", "--trace", path, "--rootfs", debian(context), "--read-only", "--", "python3", "-c", program)
            expect(result.status == 0, f"status {result.status}")
            with open(path) as f:
                n = f.read().count(" getppid() = 0 <")
        expect(n == 300, f"{n} calls of 300 are in the trace")

    def file_names():
        """An open file is not called what another was called that had its memory before."""
        program = """
import os
for i in range(200):
    r, w = os.pipe()
    os.write(w, b"p" * 7)
    os.close(r)
    os.close(w)
    f = os.open(f"/tmp/f{i}", os.O_CREAT | os.O_WRONLY)
    os.write(f, b"x" * (1000 + i))
    os.close(f)
    os.unlink(f"/tmp/f{i}")
"""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "trace.txt")
            result = run("run", "--trace", path, "--rootfs", debian(context), "--read-only", "--tmpfs", "/tmp", "--", "python3", "-c", program)
            expect(result.status == 0, f"status {result.status}")
            with open(path) as f:
                calls = re.findall(r" write\(\d+(?:<(\S+)>)?, 0x[0-9a-f]+, (\d+)\)", f.read())
        expect(len(calls) == 400, f"{len(calls)} writes of 400 are in the trace")
        for name, n in calls:
            fits = name == f"/tmp/f{int(n) - 1000}" if int(n) >= 1000 else name.startswith("pipe:[")
            expect(fits, f"a write of {n} bytes goes to {name}")

    def virtual_time():
        """With --deterministic the clock may be far ahead of the host's, and two traces are the same to the byte."""
        seen = []
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "trace.txt")
            for _ in range(2):
                result = run("run", "--deterministic", "5", "--trace", path, "builtin:busybox", "sh", "-c", "sleep 100000; ls / | sort >/dev/null")
                expect(result.status == 0, f"status {result.status}")
                with open(path) as f:
                    seen.append(f.read())
        expect(seen[0] == seen[1], "two runs with one seed have different traces")
        expect(re.search(r"^100000\.\d+ .* exited with 0", seen[0], re.M), "the times are not those of the container")

    def unwritable():
        """It is said before anything runs."""
        result = run("run", "--trace", "/nowhere/trace.txt", "builtin:busybox", "echo", "ran")
        expect(result.status == 125 and b"/nowhere/trace.txt: No such file or directory" in result.output and b"ran" not in result.output,
               f"status {result.status}: {result.output}")

    def full():
        """A disk that fills up while the trace is written."""
        if not os.path.exists("/dev/full"):
            raise Skip("there is no /dev/full")
        result = run("run", "--trace", "/dev/full", "builtin:busybox", "sh", "-c", "ls / >/dev/null")
        expect(result.status == 125 and b"cannot write all of the trace to /dev/full" in result.output, f"status {result.status}: {result.output}")

    def live():
        """A running container: kinds one by one, one process only, errors that name what is wrong, one trace at a time, Ctrl-C."""
        script = "echo ready; while :; do ls / >/dev/null; sleep 0.02; done"
        with Container(context, "builtin:busybox", "sh", "-c", script, name="busy") as box:
            lines = box.ask("trace", "busy", "--time", "0.5", "--syscalls")
            expect(" = " in lines and "next is" not in lines and "waits:" not in lines, "--syscalls shows more or less than system calls")
            lines = box.ask("trace", "--sched", "busy", "--time=0.5")
            expect("next is" in lines and "waits:" not in lines and "execve(" not in lines, "--sched shows more or less than the scheduler")
            lines = box.ask("trace", "--wait", "--time", "0.5", "busy")
            expect("waits: child" in lines and "next is" not in lines, "--wait shows more or less than waits")
            lines = box.ask("trace", "busy", "--time", "0.5", "--pid", "1")
            tids = {int(line.split()[2]) for line in lines.splitlines() if re.match(r" *\d+\.\d+ cpu\d+ +\d+ .*( = |waits)", line)}
            expect(tids == {1}, f"--pid 1 shows {tids}")
            directory = box.directory.name
            for status, text, arguments in (
                    (125, "there is no process 4000 in container busy", ["busy", "--pid", "4000"]),
                    (125, "no running container nobody", ["nobody"]),
                    (125, "/nowhere/x.html: No such file or directory", ["busy", "-o", "/nowhere/x.html"]),
                    (125, f"{directory}: Is a directory", ["busy", "-o", directory]),
                    (125, "expected text, json or html", ["busy", "--format", "svg"]),
                    (125, "--time never", ["busy", "--time", "never"]),
                    (125, "--buffer 1", ["busy", "--buffer", "1"]),
                    (125, "-o needs a value", ["busy", "-o"]),
                    (125, "expected one container", [])):
                answer = box.ask("trace", *arguments, status=status)
                expect(text in answer, f"trace {arguments}: {answer}")
            path = os.path.join(directory, "trace.json")
            first = recording(context, box, "trace", "busy", "-o" + path)
            expect("is being traced already" in box.ask("trace", "busy", "--time", "0.05", status=125), "two traces at a time")
            time.sleep(0.3)
            first.send_signal(signal.SIGINT)
            errors = first.communicate(timeout=30)[1]
            expect(first.returncode == 0 and b"written to " + path.encode() in errors, f"Ctrl-C: {errors}")
            expect(any(e.get("cat") == "syscall" for e in check_chrome(path)), "no system calls in the file")
            # It is off again, and can be begun again.
            expect("next is" in box.ask("trace", "busy", "--time", "0.3"), "the next trace shows nothing")

    def to_the_end():
        """The container ends while it is traced: the trace is complete."""
        with Container(context, "builtin:busybox", "sh", "-c", "echo ready; read x; ls /; exit 4", name="short") as box:
            path = os.path.join(box.directory.name, "trace")
            record_while_fed(context, box, b"x\n", "trace", "short", "-o", path)
            with open(path) as f:
                lines = f.read()
            expect("1 sh               exited with 4" in lines, "the end of the container is missing")

    def loss():
        """Records that come faster than they are read are lost, and it is said; nothing waits for the reader."""
        script = "echo ready; dd if=/dev/zero of=/dev/null bs=1 count=100000000"
        with Container(context, "builtin:busybox", "sh", "-c", script, name="fast") as box:
            child = subprocess.Popen([context.linuxd, "trace", "fast", "--buffer", "16K", "--time", "1"], env=box.env, text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            lines, errors = child.communicate(timeout=60)
            expect(re.search(r"--- \d+ records lost: they came faster", lines) and "records are lost" in errors, "nothing is said to be lost")
            expect(lines.count(" read(0") > 10, "nothing is left")

    def begun():
        """A call that a task is in when recording begins is there with its arguments, and with its end."""
        program = """
import os, threading
r, w = os.pipe()
def reader():
    while os.read(r, 10):
        pass
threading.Thread(target=reader, daemon=True).start()
print("ready", flush=True)
while os.read(0, 10):
    os.write(w, b"abc")
"""
        with Container(context, "--rootfs", debian(context), "--read-only", "--", "python3", "-c", program, name="begun") as box:
            path, text = (os.path.join(box.directory.name, name) for name in ("trace.json", "trace.txt"))
            for file in path, text:
                box.wait_for(lambda task: task["tid"] == 2 and (task["wait"] or {}).get("kind") == "queue", "the thread waits")
                record_while_fed(context, box, b"x", "trace", "begun", "--time", "0.5", "-o", file)
            with open(text) as f:
                lines = f.read()
            context.write_log(lines)
            first = {e["tid"]: e for e in check_chrome(path) if e["ph"] == "b" and e["ts"] == 0}
            for tid, result in (1, "1"), (2, "3"):
                expect(re.match(r"read\(\d+<pipe:\[\d+\]>, 0x[0-9a-f]+, 10\)", first[tid]["args"]["call"]) and first[tid]["args"]["result"] == result,
                       f"the read of {tid}: {first[tid]}")
                expect(re.search(rf" {tid} python3 +read\(\d+<pipe:\[\d+\]>, 0x[0-9a-f]+, 10\) = {result} <since before the trace>", lines),
                       f"the text does not have the read of {tid}")

    def page():
        """Lanes, states, zoom, search, hover, keys; nothing is fetched."""
        with Browser(context) as browser, Waits(context) as box:
            path = os.path.join(box.directory.name, "trace.html")
            box.ask("trace", "waits", "--time", "2", "-o", path)
            browser.open(path)
            try:
                check_page(browser)
            finally:
                browser.screenshot(context.out("test-logs", "trace-page.png"))
                context.write_log(f"[see {context.out('test-logs', 'trace-page.png')}]\n")

    def chrome():
        with Waits(context) as box:
            path = os.path.join(box.directory.name, "trace.json")
            box.ask("trace", "waits", "--time", "1.5", "-o", path)
            events = check_chrome(path)
        states = {e["name"] for e in events if e.get("cat") == "state"}
        expect({"running", "disk", "queue", "lock", "timer", "child"} <= states, f"states are only {states}")
        expect(any(e.get("cat") == "state" and e["name"] == "queue" and "pipe:[" in e["args"].get("object", "") for e in events), "no pipe is named")
        expect(any(e["ph"] == "s" for e in events), "no wake-ups")

    def large():
        """A million records: read without loss, and drawn."""
        with Browser(context) as browser, tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "large.html")
            result = run("run", "--trace", path, "builtin:busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=250000", timeout=120)
            expect(result.status == 0, f"status {result.status}")
            browser.open(path)
            calls = browser.wait("return window.linuxdTrace && linuxdTrace.ready && linuxdTrace.trace.tasks.reduce((n, t) => n + t.calls.n, 0)")
            lost = browser.script("return linuxdTrace.trace.lost")
            expect(calls + lost / 2 > 500000, f"only {calls} calls, {lost} records lost")
            browser.wait("return linuxdTrace.frames > 0 && linuxdTrace.drawn > 0")
            context.write_log(f"{calls} calls, {lost} records lost, a frame takes {browser.script('return linuxdTrace.frameTime'):.1f} ms\n")
            expect(not browser.problems(), "the page has errors")

    tests = [text, short_calls, file_names, virtual_time, unwritable, full, live, to_the_end, loss, begun, chrome, page, large]
    return [(test.__name__.replace("_", "-"), test) for test in tests]


# Where an event of the page is on the screen, after it was brought into view: the longest state of a kind, or a call by a part of its text.
PLACE = """
const app = window.linuxdTrace, [type, what] = arguments;
let best = null;
for (const lane of app.lanes) {
    const task = lane.task;
    const list = type === "state" ? Array.from({ length: task.n }, (_, i) => [task.start_[i], task.end_[i], KINDS[task.kind[i]] === what && task.object[i]]) :
        Array.from({ length: task.calls.n }, (_, i) => [task.calls.start[i], task.calls.end[i], app.trace.strings[task.calls.text[i]].includes(what)]);
    for (const [start, end, fits] of list)
        if (fits && start > 0 && end < app.trace.duration && (!best || end - start > best.end - best.start))
            best = { start, end, lane };
}
if (!best)
    return null;
const span = best.end - best.start;
show(best.start - span, best.end + span);
revealLane(best.lane.index);
draw(app);
const box = app.canvas.getBoundingClientRect();
return { x: box.left + GUTTER + ((best.start + best.end) / 2 - app.t0) * app.scale,
    y: box.top + best.lane.y - app.holder.scrollTop + (type === "state" ? STATE_TOP + 9 : CALL_TOP + 4), name: best.lane.title };
"""


def check_page(browser):
    app = "const app = window.linuxdTrace; "
    browser.wait("return window.linuxdTrace && window.linuxdTrace.ready && window.linuxdTrace.frames > 0")

    # Lanes: the process and its threads, one below the other.
    lanes = browser.script(app + "return app.lanes.map((lane) => [lane.title, lane.subtitle])")
    process = [i for i, lane in enumerate(lanes) if lane == ["python3", "process 1"]]
    expect(len(process) == 1 and [lane[1] for lane in lanes[process[0] + 1:process[0] + 4]] == [f"thread {n} of 1" for n in (2, 3, 4)],
           f"lanes are {lanes}")
    expect(any(title == "sleep" for title, _ in lanes), "children have no lanes")

    # States: every kind, one after the other without overlap.
    kinds = browser.script(app + "return [...new Set(app.trace.tasks.flatMap((task) => [...task.kind].map((kind) => KINDS[kind])))]")
    expect({"running", "disk", "queue", "lock", "timer", "child"} <= set(kinds), f"states are only {kinds}")
    expect(browser.script(app + """return app.trace.tasks.every((task) => task.start_.every((start, i) => start <= task.end_[i] &&
        (!i || task.end_[i - 1] <= start)) && task.calls.start.every((start, i) => !i || task.calls.end[i - 1] <= start + 1))"""), "states overlap")
    legend = browser.script("return document.getElementById('legend').textContent")
    for text in ("running", "waits for disk", "waits for a queue", "waits for a lock", "waits for a timer", "waits for a child"):
        expect(text in legend, f"the legend lacks '{text}': {legend}")
    expect(browser.script("""const app = window.linuxdTrace, pixels = app.canvas.getContext("2d").getImageData(0, 0, app.canvas.width, app.canvas.height).data;
        const colours = new Set();
        for (let i = 0; i < pixels.length; i += 4)
            colours.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
        return ["running", "queue", "lock", "timer"].every((kind) => colours.has(parseInt(app.colours[kind].slice(1), 16)))"""),
           "the colours of the states are not on the canvas")

    # The wheel zooms where the pointer is; dragging moves; 0 shows all.
    at = browser.script("const box = linuxdTrace.canvas.getBoundingClientRect(); return [box.left + 700, box.top + 100]")
    before = browser.script(app + "return [app.t1 - app.t0, timeAt(700)]")
    browser.wheel(*at, -400)
    browser.wait(app + "return app.t1 - app.t0 < arguments[0] * 0.7", before[0])
    after = browser.script(app + "return [app.t1 - app.t0, timeAt(700), 1 / app.scale]")
    expect(abs(after[1] - before[1]) <= 2 * after[2], f"the time below the pointer moved from {before[1]} to {after[1]}")
    browser.pointer(("move", *at), "down", ("move", at[0] + 100, at[1]), ("move", at[0] + 150, at[1]), "up")
    moved = browser.script(app + "return timeAt(700 + 150)")
    expect(abs(moved - after[1]) <= 3 * after[2], "dragging does not move what is below the pointer")
    browser.keys("0")
    browser.wait(app + "return app.t0 === 0 && app.t1 === app.trace.duration")
    browser.keys("++")
    browser.wait(app + "return app.t1 - app.t0 < app.trace.duration * 0.5")

    # Hover: the system call with result, the object, since when.
    def hover(kind, what, *texts):
        place = browser.script(PLACE, kind, what)
        expect(place, f"there is no {kind} {what}")
        browser.pointer(("move", place["x"] - 3, place["y"]), ("move", place["x"], place["y"]))
        browser.wait("return !document.getElementById('tip').hidden", timeout=10)
        tip = browser.script("return document.getElementById('tip').innerText")
        for text in texts:
            expect(re.search(text, tip), f"hovering over {kind} {what} shows no {text}: {tip}")

    hover("state", "lock", r"waits for a lock", r"futex 0x", r"futex\(0x.*", r"took", r"since\s+[0-9.]+ s")
    hover("state", "queue", r"waits for a queue", r"pipe:\[\d+\]", r"read\(\d+<pipe:\[\d+\]>, 0x[0-9a-f]+, 10\)", r"result\s+5")
    hover("state", "disk", r"waits for disk", r"/host/data", r"\w+\(\d+</host/data>")
    # The longest is for the child to end, or, where the cpus are busy, for it to begin: subprocess uses vfork.
    hover("state", "child", r"waits for a child", r"wait4\(\d+, |vfork\(\)")
    hover("call", "/nowhere/at/all", r"system call", r'openat\(AT_FDCWD, "/nowhere/at/all", O_RDONLY\|O_CLOEXEC', r"-1 ENOENT \(No such file or directory\)")

    # Search: counts, goes from match to match, dims the rest; Escape ends it.
    browser.keys("/")
    browser.type("#search", "pipe:[")
    found = browser.script("return document.getElementById('found').textContent")
    expect(re.match(r"[1-9]\d* events?$", found), f"searching for pipe:[ finds '{found}'")
    browser.type("#search", "\ue007")
    expect(re.match(r"1 of \d+", browser.script("return document.getElementById('found').textContent")), "Enter does not go to a match")
    details = browser.script("return document.getElementById('details').textContent")
    # The wait, or the call that waited: which one comes first depends on when recording began.
    expect(("waits for a queue" in details or "system call" in details) and "pipe:[" in details, f"the match is not described: {details}")
    browser.script("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))")
    browser.type("#search", "sleep")
    expect(" tasks" in browser.script("return document.getElementById('found').textContent"), "tasks are not found by name")
    browser.type("#search", "xyzzy")
    expect(browser.script("return document.getElementById('found').textContent") == "nothing", "what is not there is found")
    browser.type("#search", "\ue00c")
    browser.wait("return linuxdTrace.found === null")

    # Keys: from event to event of a lane, with words for who does not see them.
    browser.script("linuxdTrace.canvas.focus()")
    browser.keys("0\ue015.")
    first = browser.wait("return document.getElementById('details').textContent")
    browser.keys(".")
    second = browser.script("return document.getElementById('details').textContent")
    expect(first != second and "took" in second, f"the next event: {first} - {second}")
    # There and back again, in the lane that has the most: each event once, in turn of their beginnings.
    there, back = browser.script(app + """
        const busy = (lane) => Math.min(lane.task.n, lane.task.calls.n), at = () => [app.choice.type, app.choice.i, app.choice.start];
        app.lane = app.lanes.reduce((best, lane) => busy(lane) > busy(best) ? lane : best).index;
        app.choice = null;
        const walk = (direction) => Array.from({ length: 40 }, () => (step(direction), at()));
        const there = walk(1);
        step(1);
        return [there, walk(-1)];""")
    starts = [start for _, _, start in there]
    expect(starts == sorted(starts) and {"state", "call"} == {kind for kind, _, _ in there}, f"from event to event: {there}")
    for kind in ("state", "call"):
        numbers = [i for name, i, _ in there if name == kind]
        expect(numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"a {kind} is left out or comes twice: {numbers}")
    expect(back == there[::-1], f"back again is another way: {there} {back}")

    # The other view, and the other colours.
    browser.click("#view-cpus")
    cpus = browser.wait(app + "return app.view === 'cpus' && app.lanes.map((lane) => lane.title)")
    expect(cpus == ["CPU 0", "CPU 1"], f"lanes of cpus are {cpus}")
    expect(browser.script(app + """return app.cpus.some((cpu) => cpu.n > 10) && app.cpus.every((cpu) =>
        cpu.start_.every((start, i) => !i || cpu.end_[i - 1] <= start))"""), "two tasks on one cpu at a time")
    theme = browser.script("return [document.documentElement.dataset.theme, linuxdTrace.colours.paper]")
    browser.click("#theme")
    other = browser.script("return [document.documentElement.dataset.theme, linuxdTrace.colours.paper]")
    expect(theme[0] != other[0] and theme[1] != other[1], f"the theme stays {theme}")

    fetched = browser.script("return performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => !name.startsWith('data:'))")
    expect(not fetched, f"the page fetches {fetched}")
    problems = browser.problems()
    expect(not problems, f"the page has errors: {problems}")
