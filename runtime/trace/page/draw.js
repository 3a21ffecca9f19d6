/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing. Only what is visible is looked at: the first visible state is found by bisection, and what falls into one pixel is drawn as the kind
 * that fills most of it, so a frame costs about (lanes x pixels), however long the trace is.
 */

const GUTTER = 190; /* names, left of the time */
const TASK_LANE = 36, CPU_LANE = 44;
const STATE_TOP = 5, STATE_HEIGHT = 15, CALL_TOP = 22, CALL_HEIGHT = 9;
const LOOK_AT_MOST = 48; /* slices within one pixel */
/* Heights of the bands say the kind again, for eyes that do not see the colour: what runs is tall. */
const RISE = { running: 0, runnable: 2, asleep: 4, disk: 4, queue: 4, lock: 4, timer: 4, child: 4, stopped: 4 };

function palette() {
	const style = getComputedStyle(document.documentElement), colours = {};
	for (const name of [...KINDS, "paper", "raised", "ink", "soft", "line", "strong", "accent", "call", "failed", "mark", "band"])
		colours[name] = style.getPropertyValue("--" + name).trim();
	return colours;
}

/* A canvas in device pixels that is drawn in CSS pixels. */
function sized(canvas, height) {
	const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
	if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
		canvas.width = Math.round(width * ratio);
		canvas.height = Math.round(height * ratio);
	}
	const context = canvas.getContext("2d");
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	return context;
}

/* Dark or light, whichever is read better on a colour. */
function inkOn(colour) {
	const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04 ? c / 12.9 : ((c + 0.055) / 1.055) ** 2.4));
	return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.19 ? "#10151c" : "#f4f7fa";
}

function hatch(colour, background) {
	const tile = document.createElement("canvas");
	tile.width = tile.height = 6;
	const context = tile.getContext("2d");
	context.fillStyle = background;
	context.fillRect(0, 0, 6, 6);
	context.strokeStyle = colour;
	context.lineWidth = 2.2;
	context.beginPath();
	for (const shift of [-6, 0, 6]) {
		context.moveTo(shift - 1, 7);
		context.lineTo(shift + 7, -1);
	}
	context.stroke();
	return context.createPattern(tile, "repeat");
}

/* Walks over the slices of a lane in [t0, t1): visit(x0, x1, index) for those wider than a pixel, visit(x, x + 1, index of the longest) for the rest. */
function walk(start, end, n, t0, t1, scale, visit) {
	let i = above(end, n, t0);
	while (i < n && start[i] < t1) {
		const x0 = (start[i] - t0) * scale, x1 = (end[i] - t0) * scale;
		if (x1 - x0 >= 1) {
			visit(x0, x1, i++);
			continue;
		}
		const pixel = Math.floor(x0), limit = t0 + (pixel + 1) / scale;
		let best = i, most = -1, looked = 0;
		for (; i < n && start[i] < limit && looked < LOOK_AT_MOST && (end[i] - start[i]) * scale < 1; i++, looked++) {
			if (end[i] - start[i] > most) {
				most = end[i] - start[i];
				best = i;
			}
		}
		if (looked === LOOK_AT_MOST)
			i = Math.max(i, above(end, n, limit));
		visit(pixel, pixel + 1, best);
	}
}

/* Text that fits, or nothing. */
function label(context, text, x0, x1, y) {
	const room = x1 - x0 - 8;
	if (room < 18 || !text)
		return;
	if (context.measureText(text).width > room) {
		let keep = Math.floor(room / 6.2);
		if (keep < 3)
			return;
		text = text.slice(0, keep - 1) + "…";
		while (text.length > 2 && context.measureText(text).width > room)
			text = text.slice(0, -2) + "…";
	}
	context.fillText(text, x0 + 4, y);
}

/* Colours of tasks in the view of cpus: of one lightness, so that names stay readable. */
function taskColour(task, dark) {
	const hue = (task.tgid * 137.508 + 200) % 360;
	return dark ? `hsl(${hue} 45% 42%)` : `hsl(${hue} 55% 78%)`;
}

function niceStep(span, most) {
	const raw = span / most, power = 10 ** Math.floor(Math.log10(raw));
	for (const step of [1, 2, 5, 10])
		if (step * power >= raw)
			return step * power;
	return 10 * power;
}

function drawAxis(app) {
	const context = sized(app.axis, 24), colours = app.colours, width = app.axis.clientWidth;
	const span = app.t1 - app.t0, step = niceStep(span, Math.max(2, (width - GUTTER) / 110));
	context.fillStyle = colours.paper;
	context.fillRect(0, 0, width, 24);
	context.font = "11px system-ui, sans-serif";
	context.fillStyle = colours.soft;
	context.fillText(duration(span) + " shown", 12, 16);
	for (let t = Math.ceil(app.t0 / step) * step; t < app.t1; t += step) {
		const x = GUTTER + (t - app.t0) * app.scale;
		context.fillStyle = colours.strong;
		context.fillRect(Math.round(x), 16, 1, 8);
		context.fillStyle = colours.soft;
		const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / 1e9))));
		context.fillText((t / 1e9).toFixed(digits) + " s", x + 4, 14);
	}
}

/* How busy the cpus were, over the whole trace, and which part of it is shown. */
function drawOverview(app) {
	const height = 44, context = sized(app.overview, height), width = app.overview.clientWidth - GUTTER, colours = app.colours;
	context.fillStyle = colours.paper;
	context.fillRect(0, 0, width + GUTTER, height);
	context.font = "11px system-ui, sans-serif";
	context.fillStyle = colours.soft;
	context.fillText(app.trace.what.sched ? "CPUs busy" : "Overview", 12, 26);
	if (!app.busy || app.busy.length !== width)
		app.busy = busyColumns(app, width);
	context.fillStyle = colours.running;
	app.busy.forEach((busy, x) => context.fillRect(GUTTER + x, height - 2 - busy * (height - 6), 1, busy * (height - 6)));
	for (const loss of app.trace.losses) {
		context.fillStyle = colours.failed;
		context.fillRect(GUTTER + loss[0] / app.trace.duration * width, 0, 2, height);
	}
	const x0 = GUTTER + app.t0 / app.trace.duration * width, x1 = GUTTER + app.t1 / app.trace.duration * width;
	context.globalAlpha = 0.55;
	context.fillStyle = colours.band;
	context.fillRect(GUTTER, 0, x0 - GUTTER, height);
	context.fillRect(x1, 0, GUTTER + width - x1, height);
	context.globalAlpha = 1;
	context.strokeStyle = colours.accent;
	context.lineWidth = 1.5;
	context.strokeRect(x0 + 0.5, 1, Math.max(2, x1 - x0 - 1), height - 2);
}

function busyColumns(app, width) {
	const busy = new Float64Array(Math.max(1, width)), column = app.trace.duration / busy.length;
	for (const cpu of app.cpus) {
		for (let i = 0; i < cpu.n; i++) {
			let x = Math.min(busy.length - 1, Math.floor(cpu.start_[i] / column));
			for (let from = cpu.start_[i]; from < cpu.end_[i] && x < busy.length; x++) {
				const to = Math.min(cpu.end_[i], (x + 1) * column);
				busy[x] += Math.max(0, to - from) / column / app.cpus.length;
				from = to;
			}
		}
	}
	return busy;
}

function drawGrid(app, context, width, height) {
	const step = niceStep(app.t1 - app.t0, Math.max(2, (width - GUTTER) / 110));
	context.fillStyle = app.colours.line;
	for (let t = Math.ceil(app.t0 / step) * step; t < app.t1; t += step)
		context.fillRect(Math.round(GUTTER + (t - app.t0) * app.scale), 0, 1, height);
}

function drawName(app, context, lane, y, height) {
	const colours = app.colours, task = lane.task;
	context.fillStyle = lane.index === app.lane ? colours.band : colours.paper;
	context.fillRect(0, y, GUTTER - 1, height);
	context.save();
	context.beginPath();
	context.rect(0, y, GUTTER - 6, height);
	context.clip();
	context.fillStyle = app.found && task && app.found.tasks.has(task.index) ? colours.accent : colours.ink;
	context.font = lane.indent ? "12px system-ui, sans-serif" : "600 12px system-ui, sans-serif";
	context.fillText(lane.title, 12 + lane.indent, y + height / 2 - 1);
	context.fillStyle = colours.soft;
	context.font = "11px system-ui, sans-serif";
	context.fillText(lane.subtitle, 12 + lane.indent, y + height / 2 + 12);
	context.restore();
	context.fillStyle = colours.line;
	context.fillRect(0, y + height - 1, GUTTER, 1);
	context.fillRect(GUTTER - 1, y, 1, height);
}

function drawTask(app, context, task, y) {
	const { colours, trace, found } = app, rects = KINDS.map(() => []), dim = KINDS.map(() => []), labels = [];
	const lane = found && found.tasks.has(task.index);
	walk(task.start_, task.end_, task.n, app.t0, app.t1, app.scale, (x0, x1, i) => {
		x0 = Math.max(x0, -2);
		x1 = Math.min(x1, app.plot + 2);
		const hit = !found || lane || found.strings[task.object[i]];
		(hit ? rects : dim)[task.kind[i]].push(x0, x1);
		if (x1 - x0 > 40 && task.kind[i] > 1)
			labels.push(Math.max(x0, 0), x1, trace.strings[task.object[i]] || KINDS[task.kind[i]], hit ? KINDS[task.kind[i]] : "");
	});
	for (const [lists, alpha] of [[dim, 0.25], [rects, 1]]) {
		context.globalAlpha = alpha;
		lists.forEach((list, kind) => {
			const rise = RISE[KINDS[kind]];
			context.fillStyle = KINDS[kind] === "runnable" ? app.hatches.runnable : KINDS[kind] === "stopped" ? app.hatches.stopped : colours[KINDS[kind]];
			for (let i = 0; i < list.length; i += 2)
				context.fillRect(GUTTER + list[i], y + STATE_TOP + rise, Math.max(1, list[i + 1] - list[i] - (list[i + 1] - list[i] > 4 ? 0.5 : 0)),
					STATE_HEIGHT - rise);
		});
	}
	context.font = "10px system-ui, sans-serif";
	for (let i = 0; i < labels.length; i += 4) {
		context.fillStyle = labels[i + 3] ? app.inks[labels[i + 3]] : colours.ink;
		label(context, labels[i + 2], GUTTER + labels[i], GUTTER + labels[i + 1], y + STATE_TOP + 13);
	}
	drawCalls(app, context, task, y, lane);
	drawMarks(app, context, task, y);
}

function drawCalls(app, context, task, y, lane) {
	const { colours, trace, found } = app, calls = task.calls;
	context.font = "9px ui-monospace, monospace";
	walk(calls.start, calls.end, calls.n, app.t0, app.t1, app.scale, (x0, x1, i) => {
		const hit = !found || lane || found.strings[calls.text[i]] || found.strings[calls.result[i]];
		x0 = Math.max(x0, -2);
		x1 = Math.min(x1, app.plot + 2);
		context.globalAlpha = hit ? found && !lane ? 1 : 0.62 : 0.15;
		context.fillStyle = calls.flags[i] & 1 ? colours.failed : found && hit && !lane ? colours.accent : colours.call;
		context.fillRect(GUTTER + x0, y + CALL_TOP, Math.max(1, x1 - x0 - (x1 - x0 > 3 ? 1 : 0)), CALL_HEIGHT);
		if (x1 - x0 > 26) {
			context.globalAlpha = 1;
			context.fillStyle = colours.paper;
			label(context, trace.names[calls.number[i]] || "", GUTTER + Math.max(x0, 0) - 2, GUTTER + x1 + 4, y + CALL_TOP + 7.5);
		}
	});
	context.globalAlpha = 1;
}

function drawMarks(app, context, task, y) {
	let last = -9;
	for (let i = above(task.markTimes, task.marks.length, app.t0); i < task.marks.length && task.marks[i].time <= app.t1; i++) {
		const mark = task.marks[i], x = GUTTER + (mark.time - app.t0) * app.scale;
		if (x < last + 2)
			continue;
		last = x;
		context.fillStyle = MARKS[mark.kind] === "signal" ? app.colours.failed : app.colours.mark;
		context.beginPath();
		context.moveTo(x - 3, y + 1);
		context.lineTo(x + 3, y + 1);
		context.lineTo(x, y + 6);
		context.fill();
	}
}

function drawCpu(app, context, cpu, y) {
	const { colours, trace, found } = app, dark = document.documentElement.dataset.theme === "dark";
	context.font = "11px system-ui, sans-serif";
	walk(cpu.start_, cpu.end_, cpu.n, app.t0, app.t1, app.scale, (x0, x1, i) => {
		const task = trace.tasks[cpu.task[i]];
		x0 = Math.max(x0, -2);
		x1 = Math.min(x1, app.plot + 2);
		context.globalAlpha = !found || !found.tasks.size || found.tasks.has(task.index) ? 1 : 0.2;
		context.fillStyle = task.tid < 0 ? colours.asleep : taskColour(task, dark);
		context.fillRect(GUTTER + x0, y + 8, Math.max(1, x1 - x0 - (x1 - x0 > 4 ? 1 : 0)), CPU_LANE - 16);
		if (x1 - x0 > 26) {
			context.fillStyle = colours.ink;
			label(context, task.name + (task.tid > 0 ? " " + task.tid : ""), GUTTER + Math.max(x0, 0), GUTTER + x1, y + CPU_LANE / 2 + 4);
		}
	});
	context.globalAlpha = 1;
}

/* The chosen event, and an arrow from whoever woke it. */
function drawChoice(app, context, top) {
	const choice = app.choice, lane = app.lanes[choice.lane];
	if (!lane)
		return;
	const y = lane.y - top, x0 = GUTTER + (choice.start - app.t0) * app.scale, x1 = GUTTER + (choice.end - app.t0) * app.scale;
	context.save();
	context.beginPath();
	context.rect(GUTTER, 0, app.plot, 1e5);
	context.clip();
	context.strokeStyle = app.colours.accent;
	context.lineWidth = 2;
	const band = choice.type === "call" ? [CALL_TOP, CALL_HEIGHT] : choice.type === "run" ? [8, CPU_LANE - 16] : [STATE_TOP, STATE_HEIGHT];
	context.strokeRect(x0 - 1, y + band[0] - 1, Math.max(3, x1 - x0 + 2), band[1] + 2);
	const waker = choice.waker >= 0 ? app.lanes.find((other) => other.task && other.task.index === choice.waker) : null;
	if (waker && app.view === "tasks") {
		const from = waker.y - top + STATE_TOP + STATE_HEIGHT / 2, to = y + STATE_TOP + STATE_HEIGHT / 2;
		context.setLineDash([4, 3]);
		context.beginPath();
		context.moveTo(x0, from);
		context.lineTo(x0, to);
		context.stroke();
		context.setLineDash([]);
		context.beginPath();
		context.arc(x0, from, 3, 0, 7);
		context.stroke();
	}
	context.restore();
}

function draw(app) {
	const holder = app.holder, height = holder.clientHeight, context = sized(app.canvas, height), width = app.canvas.clientWidth;
	const top = holder.scrollTop, colours = app.colours;
	app.plot = width - GUTTER;
	app.scale = app.plot / (app.t1 - app.t0);
	context.globalAlpha = 1;
	context.textBaseline = "alphabetic";
	context.fillStyle = colours.paper;
	context.fillRect(0, 0, width, height);
	drawGrid(app, context, width, height);
	app.drawn = 0;
	for (let i = app.laneAt(top); i < app.lanes.length && app.lanes[i].y < top + height; i++) {
		const lane = app.lanes[i], y = lane.y - top;
		app.drawn++;
		if (lane.index === app.lane) {
			context.globalAlpha = 0.5;
			context.fillStyle = colours.band;
			context.fillRect(GUTTER, y, app.plot, lane.height);
			context.globalAlpha = 1;
		}
		context.save();
		context.beginPath();
		context.rect(GUTTER, y, app.plot, lane.height);
		context.clip();
		if (lane.cpu)
			drawCpu(app, context, lane.cpu, y);
		else
			drawTask(app, context, lane.task, y);
		context.restore();
		context.fillStyle = colours.line;
		context.fillRect(GUTTER, y + lane.height - 1, app.plot, 1);
		drawName(app, context, lane, y, lane.height);
	}
	if (app.choice)
		drawChoice(app, context, top);
	if (app.marked) {
		context.globalAlpha = 0.2;
		context.fillStyle = colours.accent;
		context.fillRect(Math.min(...app.marked), 0, Math.abs(app.marked[1] - app.marked[0]), height);
		context.globalAlpha = 1;
	}
	drawAxis(app);
	drawOverview(app);
}
