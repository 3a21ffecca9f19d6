# SPDX-License-Identifier: Apache-2.0
"""The scheduler in virtual time (build/schedsim): tables exact to the nanosecond, every output format, and random scenarios under the rules of
--check. A random scenario that breaks one is made as short as possible and printed; SCHEDSIM_SEEDS=FIRST-LAST plays others than the usual ones."""
import glob
import importlib.util
import json
import math
import os
import re
import subprocess
import xml.etree.ElementTree

from run import Failure

SEEDS = os.environ.get("SCHEDSIM_SEEDS", "1-300")


def play(context, *arguments, stdin=None, check=True):
    result = context.run([os.path.join(context.build, "schedsim"), *arguments], timeout=300, stdin=stdin, merge=False)
    if check and result.status != 0:
        raise Failure(f"schedsim {' '.join(arguments)} exited with {result.status}")
    return result


def golden_table(context, path):
    def run():
        made = play(context, "--check", path).output.decode()
        with open(path[:-len(".sched")] + ".table") as f:
            wanted = f.read()
        for number, (a, b) in enumerate(zip(wanted.splitlines(), made.splitlines()), 1):
            if a != b:
                raise Failure(f"line {number}: '{b}' instead of '{a}'")
        if wanted != made:
            raise Failure("the table has another length")
    return run


def milliseconds(text):
    """Milliseconds with decimals as whole nanoseconds."""
    whole, _, part = text.partition(".")
    return int(whole) * 1000000 + int((part + "000000")[:6])


def formats(context, path):
    """Every format tells of the same: CPU times, in the summary, in JSON, and as slices of the trace; and does so twice."""
    def run():
        summary = play(context, "--check", "-f", "summary", path).output.decode()
        tasks = json.loads(play(context, "-f", "json", path).output)
        trace_text = play(context, "-f", "trace", path).output
        drawing = play(context, "-f", "svg", path).output
        if trace_text != play(context, "-f", "trace", path).output:
            raise Failure("the same scenario played differently the second time")
        by_name = {task["name"]: task for task in tasks["tasks"]}
        compare_summary(summary, by_name)
        compare_trace(json.loads(trace_text, parse_float=str), by_name, tasks)
        texts = [element.text for element in xml.etree.ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
        for name in list(by_name) + [f"cpu {i}" for i in range(len(tasks["cpus"]))]:
            if name not in texts:
                raise Failure(f"{name} is not in the drawing")
    return run


def compare_summary(summary, by_name):
    sums = {}
    for name, task in by_name.items():
        kind = re.sub(r"\.\d+$", "", name)
        sums[kind] = sums.get(kind, 0) + task["runtime"]
    rows = {row[1].strip(): row for row in (line.split("|") for line in summary.splitlines()) if len(row) > 9}
    for kind, runtime in sums.items():
        if milliseconds(rows[kind][3].strip()) != runtime:
            raise Failure(f"{kind} ran for {runtime} ns, the summary says{rows[kind][3]}ms")


def compare_trace(trace, by_name, tasks):
    names, ran, busy = {}, {}, {}
    for event in trace["traceEvents"]:
        if event["ph"] == "M" and event["name"] == "thread_name" and event["pid"] == 1:
            names[event["tid"]] = event["args"]["name"]
        if event["ph"] != "X":
            continue
        length = milliseconds(event["dur"]) // 1000
        if event["pid"] == 0:
            busy[event["tid"]] = busy.get(event["tid"], 0) + length
            ran[event["name"]] = ran.get(event["name"], 0) + length
    for name, task in by_name.items():
        if name not in names.values():
            raise Failure(f"{name} has no track in the trace")
        if ran.get(name, 0) != task["runtime"]:
            raise Failure(f"{name} ran for {task['runtime']} ns, and for {ran.get(name, 0)} ns in the trace")
    for cpu, info in enumerate(tasks["cpus"]):
        if busy.get(cpu, 0) != info["busy"]:
            raise Failure(f"cpu {cpu} was busy for {info['busy']} ns, and for {busy.get(cpu, 0)} ns in the trace")


def printed(context):
    """What --print prints plays the same."""
    def run():
        for path in sorted(glob.glob(context.path("tests/schedsim/*.sched"))):
            text = play(context, "--print", path).output
            if play(context, "-f", "json", path).output.split(b"\n", 1)[1] != play(context, "-f", "json", "-", stdin=text).output.split(b"\n", 1)[1]:
                raise Failure(f"{os.path.basename(path)} plays differently when it was printed")
    return run


ERRORS = [
    ([], None, 2, "no scenario"),
    (["a", "b"], None, 2, "more than one scenario"),
    (["/nowhere/x.sched"], None, 2, "/nowhere/x.sched: cannot open it: No such file"),
    (["-f", "png", "-"], "", 2, "no such format"),
    (["-"], "until 1s\ntask a {\n\trnu 1ms\n}\n", 2, "-:3: 'rnu' is no command"),
    (["-"], "until 1s\ntask a policy deadline 9ms 5ms 10ms {}\n", 2, "-:2: policy deadline: its times must grow"),
    (["-f", "table", "-"], "until 1s\ntask a { run 1s }\n", 2, "a table needs to know when"),
    (["--sample", "1ms", "-"], "until 1s\ntask a count 17 { run 1s }\n", 2, "room for 16 tasks only"),
    (["--from", "2s", "-f", "svg", "-"], "until 1s\ntask a { run 1s }\n", 2, "the scenario ends before"),
    (["--from", "1s", "--to", "1s", "-"], "", 2, "the part to show is empty"),
    (["-o", "/nowhere/x", "-"], "until 1s\ntask a { run 1s }\n", 2, "/nowhere/x: cannot write it"),
    (["-f", "json", "-o", "/dev/full", "-"], "until 1s\ntask a { run 1s }\n", 2, "/dev/full: cannot write it: No space left"),
    (["-"], "until 1s\ntask a {\n\tloop { wake q }\n}\n", 1, "-:3: task a repeats commands that take no time"),
]


def errors(context):
    def run():
        for arguments, text, status, message in ERRORS:
            result = subprocess.run([os.path.join(context.build, "schedsim"), *arguments], input=text, capture_output=True, text=True, timeout=60)
            context.write_log(f"$ schedsim {' '.join(arguments)}\n{result.stderr}")
            if result.returncode != status or message not in result.stderr:
                raise Failure(f"schedsim {' '.join(arguments)}: status {result.returncode}, '{result.stderr.strip()}' instead of {status}, '{message}'")
    return run


def breaks(context, text):
    """The rule that the scenario breaks; None. A scenario that is not one at all breaks none."""
    try:
        result = subprocess.run([os.path.join(context.build, "schedsim"), "--check", "-f", "summary", "-"], input=text, capture_output=True,
                                text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "the simulation does not end"
    # Part of a scenario may be no scenario (2), or a task that does nothing for ever.
    if result.returncode in (0, 2) or "repeats commands that take no time" in result.stderr:
        return None
    return result.stderr.strip() or f"killed by signal {-result.returncode}"


def shorten(context, text):
    """Leaves out lines as long as something is still broken."""
    lines, size = text.splitlines(), max(1, len(text.splitlines()) // 2)
    while size:
        at = 0
        while at < len(lines):
            shorter = lines[:at] + lines[at + size:]
            if breaks(context, "\n".join(shorter) + "\n"):
                lines = shorter
            else:
                at += size
        size //= 2
    return "\n".join(lines) + "\n"


def random_scenarios(context):
    def run():
        first, _, last = SEEDS.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            text = play(context, "--random", str(seed)).output.decode()
            if breaks(context, text):
                shortest = shorten(context, text)
                rule = breaks(context, shortest)
                context.write_log(f"\nrandom scenario {seed} breaks a rule, and so does this part of it:\n\n{shortest}\n{rule}\n")
                print(f"{shortest}\n{rule}", flush=True)
                raise Failure(f"random scenario {seed}: {rule}")
    return run


def load_bench(context):
    """bench/sched_cost.py as a module: how the program that counts is built."""
    spec = importlib.util.spec_from_file_location("sched_cost", context.path("bench/sched_cost.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cost(context):
    """Picking and waking execute a few basic blocks more for ten times as many tasks: no loop over tasks or cpus."""
    def run():
        bench = load_bench(context)
        program = context.out("bench", "sched-cost-count")
        context.run(bench.compile_command(program, True), check=True)
        for cpus, sizes in ((1, (10, 1000, 30000)), (1024, (3000, 30000))):
            costs = [bench.parse(context.run([program, str(cpus), str(n)], check=True, timeout=300).output.decode()) for n in sizes]
            for what in ("pick", "wake"):
                first, last, decades = costs[0][what], costs[-1][what], math.log10(sizes[-1] / sizes[0])
                if last - first > 25 * decades or first > 300:
                    raise Failure(f"{what} with {cpus} cpus: {first} basic blocks for {sizes[0]} tasks, {last} for {sizes[-1]}")
    return run


LARGE = """topology nodes 4 sockets 1 cores 16 threads 2
until 100ms
task spinner count 2000 { loop { run 1ms..5ms } }
task sleeper count 3000 { loop { run 100us..1ms; sleep 5ms..50ms } }
task producer count 500 { loop { run 100us; wake q; sleep 1ms..9ms } }
task consumer count 500 { loop { wait q; run 200us } }
"""


def large(context):
    """128 cpus and 6,000 tasks: as many events as there is something to do, and not more."""
    def run():
        result = json.loads(play(context, "-f", "json", "-", stdin=LARGE.encode()).output)
        done = result["switches"] + result["wakeups"] + len(result["tasks"])
        if result["events"] > 2 * done:
            raise Failure(f"{result['events']} events for {done} switches, wake-ups and tasks")
        if any(task["runtime"] == 0 for task in result["tasks"] if task["name"].startswith("sleeper")):
            raise Failure("a sleeper never ran")
    return run


def schedsim(context):
    paths = sorted(glob.glob(context.path("tests/schedsim/*.sched")))
    name = lambda path: os.path.basename(path)[:-len(".sched")]
    tests = [("table-" + name(path), golden_table(context, path)) for path in paths if os.path.exists(path[:-len(".sched")] + ".table")]
    tests += [("formats-" + name(path), formats(context, path)) for path in paths]
    return tests + [("printed", printed(context)), ("errors", errors(context)), ("cost", cost(context)),
                    ("large", large(context)), ("random", random_scenarios(context))]
