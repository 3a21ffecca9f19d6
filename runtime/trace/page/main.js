/* SPDX-License-Identifier: Apache-2.0 */
/* The page: what is shown, pointer and keys, search, tooltips. */

const $ = (id) => document.getElementById(id);

const app = {
	trace: null, cpus: [], lanes: [], view: "tasks", t0: 0, t1: 1, scale: 1, plot: 1, colours: {}, inks: {}, hatches: {},
	kernel: false, lane: -1, choice: null, found: null, hits: [], hit: -1, marked: null, drawn: 0, frames: 0, frameTime: 0, busy: null,
	canvas: $("canvas"), axis: $("axis"), overview: $("overview"), holder: $("lanes"),
	laneAt(y) {
		let low = 0, high = this.lanes.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.lanes[middle].y + this.lanes[middle].height > y)
				high = middle;
			else
				low = middle + 1;
		}
		return low;
	},
};

/* ---- lanes ---- */

function taskLanes(trace) {
	const processes = new Map();
	for (const task of trace.tasks) {
		if ((!task.n && !task.calls.n && !task.marks.length) || (task.tid < 0 && !app.kernel))
			continue;
		const key = task.tid < 0 ? "kernel" : task.tgid + "/" + (task.tid === task.tgid ? task.index : "");
		let group = processes.get(key);
		if (!group && task.tid !== task.tgid && task.tid > 0) /* a thread goes with the newest process of its number */
			for (const other of processes.values())
				if (other[0].tgid === task.tgid && other[0].tid === task.tgid)
					group = other;
		if (group)
			group.push(task);
		else
			processes.set(key, [task]);
	}
	const groups = [...processes.values()].sort((a, b) => (a[0].tid < 0) - (b[0].tid < 0) || a[0].begin - b[0].begin || a[0].tid - b[0].tid);
	return groups.flatMap((group) => group.map((task, i) => ({
		task, indent: i ? 14 : 0, height: TASK_LANE, title: task.name,
		subtitle: task.tid < 0 ? "kernel thread" : task.tid === task.tgid ? `process ${task.tid}` : `thread ${task.tid} of ${task.tgid}`,
	})));
}

function cpuLanes(cpus) {
	return cpus.map((cpu) => ({ cpu, indent: 0, height: CPU_LANE, title: "CPU " + cpu.cpu,
		subtitle: (100 * cpu.busy / app.trace.duration).toFixed(1) + " % busy, " + cpu.n + " runs" }));
}

function setView(view) {
	app.view = view;
	app.lanes = view === "tasks" ? taskLanes(app.trace) : cpuLanes(app.cpus);
	let y = 0;
	app.lanes.forEach((lane, index) => {
		lane.index = index;
		lane.y = y;
		y += lane.height;
	});
	app.lane = -1;
	app.choice = null;
	app.total = y;
	for (const name of ["tasks", "cpus"])
		$("view-" + name).setAttribute("aria-selected", String(name === view));
	resize();
}

/* The kernel's own threads are shown only on demand. */
function toggleKernel() {
	app.kernel = !app.kernel;
	$("kernel").setAttribute("aria-pressed", String(app.kernel));
	setView("tasks");
}

function resize() {
	const height = app.holder.clientHeight;
	app.canvas.style.height = height + "px";
	$("height").style.height = Math.max(0, app.total - height + 100) + "px";
	invalidate();
}

/* ---- what part is shown ---- */

let pending = false;
function invalidate() {
	if (pending)
		return;
	pending = true;
	requestAnimationFrame(() => {
		pending = false;
		const begin = performance.now();
		draw(app);
		app.frames++;
		app.frameTime = performance.now() - begin;
	});
}

function show(t0, t1) {
	const span = Math.min(Math.max(t1 - t0, 50), app.trace.duration);
	t0 = Math.min(Math.max(t0, 0), app.trace.duration - span);
	app.t0 = t0;
	app.t1 = t0 + span;
	invalidate();
}

function zoom(factor, at = (app.t0 + app.t1) / 2) {
	const span = Math.min(Math.max((app.t1 - app.t0) * factor, 50), app.trace.duration);
	const t0 = at - (at - app.t0) * span / (app.t1 - app.t0);
	show(t0, t0 + span);
}

function pan(fraction) {
	const step = (app.t1 - app.t0) * fraction;
	show(app.t0 + step, app.t1 + step);
}

function fit() { show(0, app.trace.duration); }

function reveal(start, end) {
	const span = Math.max((end - start) * 4, Math.min(app.t1 - app.t0, app.trace.duration), 200);
	if (start < app.t0 || end > app.t1)
		show((start + end) / 2 - span / 2, (start + end) / 2 + span / 2);
	else
		invalidate();
}

function revealLane(index) {
	const lane = app.lanes[index], holder = app.holder;
	if (!lane)
		return;
	if (lane.y < holder.scrollTop)
		holder.scrollTop = lane.y;
	else if (lane.y + lane.height > holder.scrollTop + holder.clientHeight)
		holder.scrollTop = lane.y + lane.height - holder.clientHeight;
}

const timeAt = (x) => app.t0 + (x - GUTTER) / app.scale;

/* ---- events: what is under the pointer or chosen ---- */

function stateEvent(lane, i) {
	const task = lane.task;
	return { type: "state", lane: lane.index, i, task, start: task.start_[i], end: task.end_[i], kind: KINDS[task.kind[i]], waker: task.waker[i] };
}

function callEvent(lane, i) {
	const task = lane.task, calls = task.calls;
	return { type: "call", lane: lane.index, i, task, start: calls.start[i], end: calls.end[i] };
}

function runEvent(lane, i) {
	const cpu = lane.cpu, task = app.trace.tasks[cpu.task[i]];
	return { type: "run", lane: lane.index, i, task, start: cpu.start_[i], end: cpu.end_[i], kind: "running", state: cpu.state[i] };
}

/* The index of the slice that holds `time`, or lies within 3 pixels of it; -1. */
function sliceAt(start, end, n, time) {
	const slack = 3 / app.scale, i = above(end, n, time);
	if (i < n && start[i] <= time)
		return i;
	if (i < n && start[i] - time < slack)
		return i;
	return i > 0 && time - end[i - 1] < slack ? i - 1 : -1;
}

function eventAt(x, y) {
	const lane = app.lanes[app.laneAt(y + app.holder.scrollTop)];
	if (!lane || x < GUTTER || y + app.holder.scrollTop >= app.total)
		return null;
	const time = timeAt(x), inside = y + app.holder.scrollTop - lane.y;
	if (lane.cpu) {
		const i = sliceAt(lane.cpu.start_, lane.cpu.end_, lane.cpu.n, time);
		return i < 0 ? null : runEvent(lane, i);
	}
	const calls = lane.task.calls;
	const call = sliceAt(calls.start, calls.end, calls.n, time), state = sliceAt(lane.task.start_, lane.task.end_, lane.task.n, time);
	if (call >= 0 && (inside >= CALL_TOP - 1 || state < 0))
		return callEvent(lane, call);
	return state < 0 ? null : stateEvent(lane, state);
}

/* The system call that a task is in at a time. */
function callDuring(task, time) {
	const i = above(task.calls.end, task.calls.n, time);
	return i < task.calls.n && task.calls.start[i] <= time ? i : -1;
}

function who(task) { return task.name + (task.tid > 0 ? " " + task.tid : ""); }

/* Rows of [name, text, is code] that describe an event. */
function describe(event) {
	const { trace } = app, task = event.task, rows = [];
	const kind = event.type === "call" ? "system call" : event.kind;
	const call = event.type === "call" ? event.i : callDuring(task, event.type === "run" ? (event.start + event.end) / 2 : event.start);
	if (event.type === "state" && task.object[event.i])
		rows.push(["waits for", trace.strings[task.object[event.i]], true]);
	if (event.type === "state" && task.cpu[event.i] >= 0 && task.kind[event.i] < 2)
		rows.push(["cpu", String(task.cpu[event.i])]);
	if (event.type === "state" && task.waker[event.i] >= 0)
		rows.push(["woken by", who(trace.tasks[task.waker[event.i]])]);
	if (call >= 0) {
		const calls = task.calls, open = calls.flags[call] & 2;
		rows.push([event.type === "call" ? "call" : "in", trace.strings[calls.text[call]], true]);
		rows.push(["result", open ? "has not returned" : trace.strings[calls.result[call]], true, calls.flags[call] & 1]);
		if (event.type !== "call")
			rows.push(["call took", duration(calls.end[call] - calls.start[call])]);
	} else if (event.type === "state" && task.within[event.i] !== NO_SYSCALL) {
		rows.push(["in", trace.names[task.within[event.i]] || "system call " + task.within[event.i], true]);
	}
	rows.push(["took", duration(event.end - event.start)]);
	rows.push(["since", moment(event.start)]);
	return { kind, title: who(task), text: event.type === "call" ? "system call" : KIND_TEXT[kind], rows };
}

function marksNear(event, time) {
	const marks = event.task.marks, slack = 4 / app.scale, texts = [];
	if (event.type === "run")
		return texts;
	for (let i = above(event.task.markTimes, marks.length, time - slack); i < marks.length && marks[i].time < time + slack && texts.length < 4; i++)
		texts.push([MARKS[marks[i].kind], app.trace.strings[marks[i].text], true]);
	return texts;
}

function element(name, text, className) {
	const made = document.createElement(name);
	if (text !== undefined)
		made.textContent = text;
	if (className)
		made.className = className;
	return made;
}

function showTip(event, x, y) {
	const tip = $("tip");
	if (!event) {
		tip.hidden = true;
		return;
	}
	const about = describe(event), head = element("div"), table = element("table"), swatch = element("span", "", "swatch");
	swatch.style.background = event.type === "call" ? app.colours.call : app.colours[about.kind];
	head.append(swatch, element("b", about.title), " " + about.text);
	for (const [name, text, code, failed] of [...about.rows, ...marksNear(event, timeAt(x))]) {
		const row = element("tr"), cell = element("td");
		cell.append(code ? element("code", text, failed ? "failed" : "") : text);
		row.append(element("td", name), cell);
		table.append(row);
	}
	tip.replaceChildren(head, table);
	tip.hidden = false;
	const box = app.canvas.getBoundingClientRect(), size = tip.getBoundingClientRect();
	let left = box.left + x + 14, top = box.top + y + 18;
	if (left + size.width > innerWidth - 8)
		left = Math.max(8, box.left + x - size.width - 14);
	if (top + size.height > innerHeight - 8)
		top = Math.max(8, box.top + y - size.height - 12);
	tip.style.left = left + "px";
	tip.style.top = top + "px";
}

function choose(event) {
	app.choice = event;
	if (event)
		app.lane = event.lane;
	if (!event) {
		$("details").textContent = "";
	} else {
		const about = describe(event);
		$("details").textContent = about.title + ": " + about.text + ". " + about.rows.map(([name, text]) => name + " " + text).join(", ");
		reveal(event.start, event.end);
		revealLane(event.lane);
	}
	invalidate();
}

/* The next or previous event of the chosen lane; system calls and states, in turn of their starts. */
function step(direction) {
	const lane = app.lanes[Math.max(app.lane, 0)];
	if (!lane)
		return;
	app.lane = lane.index;
	if (lane.cpu) {
		const i = app.choice && app.choice.type === "run" ? app.choice.i + direction : above(lane.cpu.end_, lane.cpu.n, app.t0);
		if (i >= 0 && i < lane.cpu.n)
			choose(runEvent(lane, i));
		return;
	}
	const { task } = lane, { calls } = task, last = app.choice && app.choice.lane === lane.index && app.choice.type !== "run" ? app.choice : null;
	if (!last) {
		const i = above(task.end_, task.n, app.t0), call = above(calls.end, calls.n, app.t0);
		if (i < task.n)
			choose(stateEvent(lane, i));
		else if (call < calls.n)
			choose(callEvent(lane, call));
		return;
	}
	/* A state comes before a call that begins at the same time. */
	const later = direction > 0 ? 0 : 1;
	const i = last.type === "state" ? last.i + direction : above(task.start_, task.n, last.start) - later;
	const call = last.type === "call" ? last.i + direction : above(calls.start, calls.n, last.start - 0.5) - later;
	const hasState = i >= 0 && i < task.n, hasCall = call >= 0 && call < calls.n;
	if (hasState && (!hasCall || (direction > 0 ? task.start_[i] <= calls.start[call] : task.start_[i] > calls.start[call])))
		choose(stateEvent(lane, i));
	else if (hasCall)
		choose(callEvent(lane, call));
}

/* ---- search ---- */

function search(text) {
	const { trace } = app, needle = text.trim().toLowerCase();
	app.hits = [];
	app.hit = -1;
	app.found = null;
	if (needle) {
		const strings = new Uint8Array(trace.strings.length), tasks = new Set();
		trace.strings.forEach((string, i) => { strings[i] = string.toLowerCase().includes(needle); });
		strings[0] = 0;
		for (const task of trace.tasks)
			if ((task.name + " " + task.tid).toLowerCase().includes(needle))
				tasks.add(task.index);
		app.found = { strings, tasks };
		collectHits();
	}
	const n = app.hits.length, tasks = app.found ? app.found.tasks.size : 0;
	$("found").textContent = !app.found ? "" : !n && !tasks ? "nothing" : (tasks ? tasks + (tasks === 1 ? " task " : " tasks ") : "") + (n ? n + (n === 1 ? " event" : " events") : "");
	invalidate();
}

function collectHits() {
	const { strings, tasks } = app.found, hits = app.hits;
	for (const task of app.trace.tasks) {
		for (let i = 0; i < task.calls.n; i++)
			if (strings[task.calls.text[i]] || strings[task.calls.result[i]])
				hits.push({ task: task.index, type: "call", i, time: task.calls.start[i] });
		for (let i = 0; i < task.n; i++)
			if (task.object[i] && strings[task.object[i]])
				hits.push({ task: task.index, type: "state", i, time: task.start_[i] });
		if (tasks.has(task.index) && task.n)
			hits.push({ task: task.index, type: "state", i: 0, time: task.start_[0] });
	}
	hits.sort((a, b) => a.time - b.time);
}

function goToHit(direction) {
	if (!app.hits.length)
		return;
	if (app.view !== "tasks")
		setView("tasks");
	app.hit = (app.hit + direction + app.hits.length) % app.hits.length;
	if (app.hit < 0)
		app.hit = 0;
	const hit = app.hits[app.hit], lane = app.lanes.find((other) => other.task.index === hit.task);
	$("found").textContent = (app.hit + 1) + " of " + app.hits.length;
	if (lane)
		choose(hit.type === "call" ? callEvent(lane, hit.i) : stateEvent(lane, hit.i));
}

/* ---- pointer ---- */

function place(event) {
	const box = app.canvas.getBoundingClientRect();
	return [event.clientX - box.left, event.clientY - box.top];
}

let drag = null;

function onDown(event) {
	const [x, y] = place(event);
	app.canvas.focus();
	if (event.button)
		return;
	drag = { x, y, t0: app.t0, t1: app.t1, top: app.holder.scrollTop, moved: false, marks: event.shiftKey && x > GUTTER };
	try {
		app.canvas.setPointerCapture(event.pointerId);
	} catch (error) { /* a pointer that is gone already */ }
}

function onMove(event) {
	const [x, y] = place(event);
	if (!drag) {
		showTip(eventAt(x, y), x, y);
		return;
	}
	if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > 4)
		drag.moved = true;
	if (!drag.moved)
		return;
	showTip(null);
	if (drag.marks) {
		app.marked = [drag.x, Math.max(x, GUTTER)];
		invalidate();
		return;
	}
	app.canvas.classList.add("moving");
	app.holder.scrollTop = drag.top - (y - drag.y);
	const shift = (x - drag.x) / app.scale;
	show(drag.t0 - shift, drag.t1 - shift);
}

function onUp(event) {
	const [x, y] = place(event), was = drag;
	drag = null;
	app.canvas.classList.remove("moving");
	if (!was)
		return;
	if (app.marked) {
		const times = app.marked.map(timeAt).sort((a, b) => a - b);
		app.marked = null;
		show(times[0], times[1]);
	} else if (!was.moved && x < GUTTER) {
		app.lane = app.laneAt(y + app.holder.scrollTop);
		invalidate();
	} else if (!was.moved) {
		choose(eventAt(x, y));
	}
}

function onWheel(event) {
	const [x] = place(event);
	if (x < GUTTER && !event.shiftKey)
		return; /* the lanes scroll */
	event.preventDefault();
	const unit = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 300 : 1;
	if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
		pan((event.deltaX || event.deltaY) * unit / app.plot);
	else
		zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY * unit / 500))), timeAt(Math.max(x, GUTTER)));
	showTip(null);
}

function zoomToChoice() {
	const event = app.choice;
	if (event)
		show(event.start - (event.end - event.start) * 0.25, event.end + (event.end - event.start) * 0.25);
}

function dragOverview(event) {
	const box = app.overview.getBoundingClientRect(), width = box.width - GUTTER;
	const time = (event.clientX - box.left - GUTTER) / width * app.trace.duration, span = app.t1 - app.t0;
	show(time - span / 2, time + span / 2);
}

/* ---- keys ---- */

const KEYS = {
	"+": () => zoom(0.6), "=": () => zoom(0.6), w: () => zoom(0.6), "-": () => zoom(1 / 0.6), s: () => zoom(1 / 0.6),
	a: () => pan(-0.15), d: () => pan(0.15), ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), "0": fit, Enter: zoomToChoice,
	Home: () => show(0, app.t1 - app.t0), End: () => show(app.trace.duration - (app.t1 - app.t0), app.trace.duration),
	ArrowUp: () => moveLane(-1), ArrowDown: () => moveLane(1), PageUp: () => moveLane(-10), PageDown: () => moveLane(10),
	",": () => step(-1), ".": () => step(1), n: () => goToHit(1), N: () => goToHit(-1), "/": () => $("search").focus(),
	k: toggleKernel, v: () => setView(app.view === "tasks" ? "cpus" : "tasks"), t: toggleTheme, "?": () => $("keys").showModal(),
	Escape: () => {
		$("search").value = "";
		search("");
		choose(null);
		showTip(null);
	},
};

function moveLane(by) {
	app.lane = Math.min(Math.max(app.lane + by, 0), app.lanes.length - 1);
	app.choice = null;
	const lane = app.lanes[app.lane];
	if (lane)
		$("details").textContent = lane.title + ", " + lane.subtitle;
	revealLane(app.lane);
	invalidate();
}

function onKey(event) {
	if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open)
		return;
	if (event.target === $("search")) {
		if (event.key === "Escape") {
			KEYS.Escape();
			app.canvas.focus();
		} else if (event.key === "Enter") {
			goToHit(event.shiftKey ? -1 : 1);
		}
		return;
	}
	if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " "))
		return;
	const action = KEYS[event.key];
	if (action) {
		event.preventDefault();
		action();
	}
}

/* ---- looks ---- */

function setTheme(dark) {
	document.documentElement.dataset.theme = dark ? "dark" : "light";
	app.colours = palette();
	app.inks = Object.fromEntries(KINDS.map((kind) => [kind, inkOn(app.colours[kind])]));
	app.hatches = { runnable: hatch(app.colours.runnable, app.colours.paper), stopped: hatch(app.colours.stopped, app.colours.paper) };
	makeLegend();
	invalidate();
}

function toggleTheme() { setTheme(document.documentElement.dataset.theme !== "dark"); }

function makeLegend() {
	const used = new Set();
	for (const task of app.trace.tasks)
		for (const kind of task.kind)
			used.add(kind);
	$("legend").replaceChildren(...KINDS.filter((kind, i) => used.has(i)).map((kind) => {
		const item = element("li"), rise = RISE[kind], colour = app.colours[kind];
		const striped = kind === "runnable" || kind === "stopped";
		item.innerHTML = `<svg viewBox="0 0 16 12" aria-hidden="true"><defs><pattern id="p-${kind}" width="4" height="4" patternUnits="userSpaceOnUse"
			patternTransform="rotate(45)"><rect width="2" height="4" fill="${colour}"/></pattern></defs><rect y="${rise / 2}" width="16"
			height="${12 - rise}" rx="2" fill="${striped ? `url(#p-${kind})` : colour}" stroke="${striped ? colour : "none"}"/></svg>`;
		item.append(KIND_TEXT[kind]);
		return item;
	}));
}

function plural(n, word) { return n.toLocaleString("en") + " " + word + (n === 1 ? "" : "s"); }

function listen() {
	app.canvas.addEventListener("pointerdown", onDown);
	app.canvas.addEventListener("pointermove", onMove);
	app.canvas.addEventListener("pointerup", onUp);
	app.canvas.addEventListener("pointerleave", () => showTip(null));
	app.canvas.addEventListener("dblclick", zoomToChoice);
	app.canvas.addEventListener("wheel", onWheel, { passive: false });
	app.overview.addEventListener("pointerdown", (event) => {
		app.overview.setPointerCapture(event.pointerId);
		dragOverview(event);
	});
	app.overview.addEventListener("pointermove", (event) => event.buttons && dragOverview(event));
	app.holder.addEventListener("scroll", invalidate);
	addEventListener("resize", resize);
	addEventListener("keydown", onKey);
	$("view-tasks").onclick = () => setView("tasks");
	$("view-cpus").onclick = () => setView("cpus");
	$("kernel").onclick = toggleKernel;
	$("zoom-in").onclick = KEYS["+"];
	$("zoom-out").onclick = KEYS["-"];
	$("zoom-fit").onclick = fit;
	$("theme").onclick = toggleTheme;
	$("help").onclick = KEYS["?"];
	$("search").oninput = (event) => search(event.target.value);
	$("found-next").onclick = () => goToHit(1);
	$("found-back").onclick = () => goToHit(-1);
}

function begin() {
	app.trace = readTrace($("data").textContent.trim(), JSON.parse($("facts-json").textContent));
	app.cpus = makeCpus(app.trace);
	if (!app.trace.what.sched) /* who has a cpu is not known then */
		KIND_TEXT.running = "awake: running or runnable";
	const calls = app.trace.tasks.reduce((sum, task) => sum + task.calls.n, 0);
	$("facts").textContent = [duration(app.trace.duration), plural(app.trace.tasks.filter((task) => task.tid > 0).length, "task"),
		plural(app.trace.cpus, "cpu"), plural(calls, "system call")].join(" · ");
	if (app.trace.lost) {
		$("warning").hidden = false;
		$("warning").textContent = plural(app.trace.lost, "record") + " are missing: they came faster than they were read. A larger --buffer helps.";
	}
	listen();
	setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
	app.t1 = app.trace.duration;
	setView(app.trace.what.sched || app.trace.what.wait || app.trace.what.syscalls ? "tasks" : "cpus");
	fit();
	app.canvas.focus();
	app.ready = true;
}

/* For tests, and for whoever opens the console. */
window.linuxdTrace = app;
begin();
