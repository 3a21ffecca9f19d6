#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What picking and waking cost the scheduler with 10 to 100,000 runnable tasks, and how long schedsim takes for a large machine.

usage: bench/sched_cost.py [--build DIR] [--plot FILE] [--no-large]

Costs are basic blocks executed in the scheduler's code, the same on every machine, and nanoseconds (median, with all that the
machine's caches do). --plot draws the blocks: docs/images/sched-cost.svg is made with it. The large machine has 1,024 cpus and 100,000 tasks
(bench/schedsim-large.sched); it should take less than a minute.
"""
import argparse
import os
import re
import subprocess
import sys
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TASKS = [10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000]
CPUS = [1, 1024]
LARGE_SECONDS = 60


def policy_sources():
    """The files of the scheduler that know nothing of where they run: kernel/sched/meson.build lists them."""
    with open(os.path.join(SOURCE, "kernel/sched/meson.build")) as f:
        names = re.findall(r"'([a-z_]+\.c)'", re.search(r"sched_policy_sources = files\((.*?)\)", f.read(), re.S)[1])
    return [os.path.join("kernel/sched", name) for name in names] + ["kernel/time/timer.c", "lib/rbtree.c"]


def compile_command(program, count):
    include = subprocess.run(["gcc", "-print-file-name=include"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wno-sign-compare", "-Wno-builtin-declaration-mismatch", "-fno-strict-aliasing", "-ffreestanding",
            "-nostdinc", "-isystem", include, "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu", "-DMAX_CPUS=1024",
            *(["-DCOUNT", "-fsanitize-coverage=trace-pc"] if count else []), "-I", os.path.join(SOURCE, "simulator/fake"), "-I", SOURCE,
            "-o", program, *[os.path.join(SOURCE, s) for s in ["bench/sched_cost.c"] + policy_sources()]]


def parse(output):
    """{"pick": cost, "wake": cost} of what the program prints."""
    return {line.split()[2]: float(line.split()[3]) for line in output.splitlines()}


def measure(program):
    """{(cpus, n): {"pick": ..., "wake": ...}}"""
    return {(cpus, n): parse(subprocess.run([program, str(cpus), str(n)], stdout=subprocess.PIPE, text=True, check=True).stdout)
            for cpus in CPUS for n in TASKS if n >= cpus}


# ---- the plot ----

COLOURS = {"pick": "#3b7dd8", "wake": "#d9822b"}
LEFT, TOP, WIDTH, HEIGHT = 74, 64, 520, 300


def place(n, cost, top_cost):
    import math
    return LEFT + (math.log10(n) - 1) / 4 * WIDTH, TOP + HEIGHT - cost / top_cost * HEIGHT


def curve(costs, cpus, what, top_cost):
    points = [(n, costs[(c, n)][what]) for c, n in sorted(costs) if c == cpus]
    line = " ".join("%.1f,%.1f" % place(n, cost, top_cost) for n, cost in points)
    out = [f'<polyline points="{line}" fill="none" stroke="{COLOURS[what]}" stroke-width="2"' + (' stroke-dasharray="5 4"' if cpus > 1 else "") + "/>"]
    for n, cost in points:
        x, y = place(n, cost, top_cost)
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{COLOURS[what]}"><title>{what}, {cpus} cpus, {n:,} tasks: {cost:.1f} basic blocks'
                   "</title></circle>")
    return out


def labels(costs, top_cost):
    """At the right ends of the curves, one below the other."""
    ends = []
    for cpus in CPUS:
        for what in COLOURS:
            n = max(n for c, n in costs if c == cpus)
            ends.append((*reversed(place(n, costs[(cpus, n)][what], top_cost)), f"{what}, {cpus:,} cpu{'s' if cpus > 1 else ''}"))
    out, last = [], 0
    for y, x, text in sorted(ends):
        last = max(y, last + 15)
        out.append(f'<text x="{x + 10:.1f}" y="{last + 4:.1f}">{text}</text>')
    return out


def plot(costs):
    top_cost = -(-max(cost for row in costs.values() for cost in row.values()) * 1.1 // 20) * 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 150}" height="{TOP + HEIGHT + 64}">',
           "<style>text{font:12px system-ui,'DejaVu Sans',Verdana,sans-serif;fill:#3a4350}.t{font-size:15px;font-weight:600;fill:#1b2430}"
           ".m{text-anchor:middle}.e{text-anchor:end}line{stroke:#dde3e9}</style>", '<rect width="100%" height="100%" fill="#fff"/>',
           '<text x="16" y="26" class="t">Picking and waking cost O(log n)</text>',
           '<text x="16" y="46">Basic blocks executed in the scheduler per operation; a straight line is a logarithm</text>']
    for exponent in range(1, 6):
        x, _ = place(10 ** exponent, 0, top_cost)
        out += [f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{TOP + HEIGHT}"/>',
                f'<text x="{x:.1f}" y="{TOP + HEIGHT + 20}" class="m">{10 ** exponent:,}</text>']
    for cost in range(0, int(top_cost) + 1, 20):
        _, y = place(10, cost, top_cost)
        out += [f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}"/>', f'<text x="{LEFT - 8}" y="{y + 4:.1f}" class="e">{cost}</text>']
    out.append(f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 44}" class="m">runnable tasks, all cpus together</text>')
    for cpus in CPUS:
        for what in COLOURS:
            out += curve(costs, cpus, what, top_cost)
    return "\n".join(out + labels(costs, top_cost) + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--plot")
    parser.add_argument("--no-large", action="store_true")
    options = parser.parse_args()
    os.makedirs(os.path.join(options.build, "bench"), exist_ok=True)
    results = []
    for count in (True, False):
        program = os.path.abspath(os.path.join(options.build, "bench", "sched-cost" + ("-count" if count else "")))
        subprocess.run(compile_command(program, count), check=True)
        results.append(measure(program))
    blocks, times = results
    print("| cpus | tasks | pick, blocks | wake, blocks | pick, ns | wake, ns |\n|---|---|---|---|---|---|")
    for cpus, n in sorted(blocks):
        b, t = blocks[(cpus, n)], times[(cpus, n)]
        print(f"| {cpus:,} | {n:,} | {b['pick']:.1f} | {b['wake']:.1f} | {t['pick']:.0f} | {t['wake']:.0f} |")
    if options.plot:
        with open(options.plot, "w") as f:
            f.write(plot(blocks))
    if options.no_large:
        return 0
    scenario = os.path.join(SOURCE, "bench/schedsim-large.sched")
    begin = time.monotonic()
    subprocess.run([os.path.join(options.build, "schedsim"), "-f", "summary", scenario], check=True)
    took = time.monotonic() - begin
    print(f"\n1,024 cpus, 100,000 tasks: 1 s of their time in {took:.1f} s (limit {LARGE_SECONDS} s)")
    return 0 if took < LARGE_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
