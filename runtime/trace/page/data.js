/* SPDX-License-Identifier: Apache-2.0 */
/* The data behind the page: runtime/trace/page.c writes it, this reads it. Times are nanoseconds since the trace began. */

const KINDS = ["running", "runnable", "asleep", "disk", "queue", "lock", "timer", "child", "stopped"];
const KIND_TEXT = {
	running: "running", runnable: "runnable: waits for a cpu", asleep: "asleep", disk: "waits for disk", queue: "waits for a queue",
	lock: "waits for a lock", timer: "waits for a timer", child: "waits for a child", stopped: "stopped",
};
const MARKS = ["born", "program", "signal", "exit", "host I/O"];
const NO_SYSCALL = 0xffff;

class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	/* Seven bits a byte, the lowest first; up to 2^53. */
	number() {
		let value = 0, scale = 1, byte;
		do {
			byte = this.bytes[this.at++];
			value += (byte & 127) * scale;
			scale *= 128;
		} while (byte & 128);
		return value;
	}

	signed() {
		const value = this.number();
		return value % 2 ? -(value + 1) / 2 : value / 2;
	}
}

function readStates(reader, task) {
	const n = reader.number();
	task.n = n;
	task.start_ = new Float64Array(n);
	task.end_ = new Float64Array(n);
	task.kind = new Uint8Array(n);
	task.cpu = new Int16Array(n);
	task.object = new Uint32Array(n);
	task.waker = new Int32Array(n);
	task.within = new Uint16Array(n);
	for (let i = 0, at = 0; i < n; i++) {
		at += reader.number();
		task.start_[i] = at;
		at += reader.number();
		task.end_[i] = at;
		const kind = reader.number();
		task.kind[i] = kind & 15;
		task.cpu[i] = reader.number() - 1;
		task.object[i] = reader.number();
		task.waker[i] = reader.number() - 1;
		task.within[i] = kind & 16 ? reader.number() : NO_SYSCALL;
	}
}

function readCalls(reader, task) {
	const n = reader.number();
	task.calls = { n, start: new Float64Array(n), end: new Float64Array(n), number: new Uint16Array(n), flags: new Uint8Array(n),
		text: new Uint32Array(n), result: new Uint32Array(n) };
	for (let i = 0, at = 0; i < n; i++) {
		at += reader.number();
		task.calls.start[i] = at;
		task.calls.end[i] = at + reader.number();
		task.calls.number[i] = reader.number();
		task.calls.flags[i] = reader.number(); /* 1: failed, 2: unfinished */
		task.calls.text[i] = reader.number();
		task.calls.result[i] = reader.number();
	}
}

function readMarks(reader, task) {
	const n = reader.number();
	task.marks = [];
	for (let i = 0, at = 0; i < n; i++) {
		at += reader.number();
		task.marks.push({ time: at, kind: reader.number(), text: reader.number() });
	}
	task.markTimes = Float64Array.from(task.marks, (mark) => mark.time);
}

function readTrace(base64, facts) {
	const text = atob(base64), bytes = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++)
		bytes[i] = text.charCodeAt(i);
	const reader = new Reader(bytes), decoder = new TextDecoder();
	const trace = { ...facts, strings: [], tasks: [] };
	for (let n = reader.number(); n > 0; n--) {
		const length = reader.number();
		trace.strings.push(decoder.decode(bytes.subarray(reader.at, reader.at + length)));
		reader.at += length;
	}
	trace.names = {};
	for (let n = reader.number(); n > 0; n--)
		trace.names[reader.number()] = trace.strings[reader.number()];
	for (let n = reader.number(), index = 0; n > 0; n--, index++) {
		const task = { index, tid: reader.signed(), tgid: reader.signed(), parent: reader.signed() };
		task.name = trace.strings[reader.number()] || (task.tid < 0 ? "kernel" : "?");
		task.begin = reader.number();
		task.finish = task.begin + reader.number();
		readStates(reader, task);
		readCalls(reader, task);
		readMarks(reader, task);
		trace.tasks.push(task);
	}
	trace.duration = Math.max(trace.duration, 1);
	return trace;
}

/* First index in [0, n) whose value is above `value`. */
function above(values, n, value) {
	let low = 0, high = n;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (values[middle] > value)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Which task ran on each cpu: {n, start_, end_, task, state}. */
function makeCpus(trace) {
	const cpus = [];
	for (let cpu = 0; cpu < trace.cpus; cpu++)
		cpus.push({ cpu, list: [] });
	for (const task of trace.tasks)
		for (let i = 0; i < task.n; i++)
			if (task.kind[i] === 0 && task.cpu[i] >= 0 && task.cpu[i] < cpus.length)
				cpus[task.cpu[i]].list.push(task.index * 0x200000 + i); /* 2 million states a task at most */
	for (const cpu of cpus) {
		const startOf = (packed) => trace.tasks[Math.floor(packed / 0x200000)].start_[packed % 0x200000];
		const list = Float64Array.from(cpu.list), keys = Float64Array.from(cpu.list, startOf);
		const order = Uint32Array.from(list.keys ? Array.from(list.keys()) : []).sort((a, b) => keys[a] - keys[b]);
		cpu.n = order.length;
		cpu.start_ = new Float64Array(cpu.n);
		cpu.end_ = new Float64Array(cpu.n);
		cpu.task = new Uint32Array(cpu.n);
		cpu.state = new Uint32Array(cpu.n);
		order.forEach((from, i) => {
			cpu.task[i] = Math.floor(list[from] / 0x200000);
			cpu.state[i] = list[from] % 0x200000;
			cpu.start_[i] = trace.tasks[cpu.task[i]].start_[cpu.state[i]];
			cpu.end_[i] = trace.tasks[cpu.task[i]].end_[cpu.state[i]];
		});
		cpu.busy = cpu.end_.reduce((sum, end, i) => sum + end - cpu.start_[i], 0);
		delete cpu.list;
	}
	return cpus;
}

/* 1234567 -> "1.235 ms" */
function duration(ns) {
	const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];
	for (const [size, unit] of units)
		if (ns >= size)
			return (ns / size).toPrecision(4) + " " + unit;
	return Math.round(ns) + " ns";
}

function moment(ns) { return (ns / 1e9).toFixed(6) + " s"; }
