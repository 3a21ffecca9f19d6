// SPDX-License-Identifier: Apache-2.0
// Node.js without a network: worker threads, child processes, files, streams and timers.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const child = require('child_process');
const fs = require('fs');
const crypto = require('crypto');
const zlib = require('zlib');

if (!isMainThread) {
	const shared = new Int32Array(workerData.buffer);
	for (let i = 0; i < 50000; i++)
		Atomics.add(shared, 0, 1);
	Atomics.add(shared, 1, 1);
	Atomics.notify(shared, 1);
	parentPort.on('message', text => {
		parentPort.postMessage(text.toUpperCase());
		if (text === 'end')
			parentPort.close();
	});
	return;
}

async function workers() {
	const buffer = new SharedArrayBuffer(8);
	const shared = new Int32Array(buffer);
	const all = [];
	for (let i = 0; i < 4; i++)
		all.push(new Promise((resolve, reject) => {
			const worker = new Worker(__filename, { workerData: { buffer } });
			const heard = [];
			worker.on('message', text => heard.push(text));
			worker.on('error', reject);
			worker.on('exit', code => resolve([code, heard.join(' ')]));
			for (const text of ['one', 'two', 'end'])
				worker.postMessage(text);
		}));
	for (const [code, heard] of await Promise.all(all))
		console.log('worker', code, heard);
	console.log('counted', shared[0], shared[1]);
}

function children() {
	return new Promise(resolve => {
		const sort = child.spawn('sort', ['-n']);
		let out = '';
		sort.stdout.on('data', data => { out += data; });
		sort.on('close', (code, signal) => {
			console.log('sort', code, signal, JSON.stringify(out));
			const sleeper = child.spawn('sleep', ['100']);
			sleeper.on('close', (code, signal) => {
				console.log('sleep', code, signal);
				const forked = child.fork(process.argv[1], ['child']);
				forked.on('message', message => {
					console.log('fork', JSON.stringify(message));
					forked.send('enough');
				});
				forked.on('exit', code => { console.log('exit', code); resolve(); });
			});
			sleeper.kill('SIGTERM');
		});
		for (const n of [30, 4, 100, 1])
			sort.stdin.write(n + '\n');
		sort.stdin.end();
	});
}

async function files() {
	const name = '/srv/node.txt';
	await fs.promises.writeFile(name, 'x'.repeat(300000));
	const hash = await new Promise((resolve, reject) => {
		const sum = crypto.createHash('sha256');
		fs.createReadStream(name).pipe(zlib.createGzip()).pipe(zlib.createGunzip())
			.on('data', data => sum.update(data)).on('end', () => resolve(sum.digest('hex'))).on('error', reject);
	});
	console.log('hash', hash);
	const watched = new Promise(resolve => {
		const watcher = fs.watch('/srv', (event, file) => { watcher.close(); resolve(file); });
	});
	fs.writeFileSync('/srv/seen', '');
	console.log('watched', await watched);
	const many = await Promise.all(Array.from({ length: 200 }, (_, i) =>
		fs.promises.writeFile(`/srv/f${i}`, String(i)).then(() => fs.promises.readFile(`/srv/f${i}`, 'utf8'))));
	console.log('files', many.reduce((sum, text) => sum + Number(text), 0));
	const key = await new Promise((resolve, reject) =>
		crypto.pbkdf2('secret', 'salt', 20000, 32, 'sha512', (error, key) => error ? reject(error) : resolve(key)));
	console.log('key', key.toString('hex'));
}

async function timers() {
	const order = [];
	await new Promise(resolve => {
		setTimeout(() => { order.push('timeout'); }, 20);
		setTimeout(() => { order.push('later'); resolve(); }, 120);
		setImmediate(() => order.push('immediate'));
		process.nextTick(() => order.push('tick'));
		Promise.resolve().then(() => order.push('promise'));
	});
	console.log(order.join(' '));
	await new Promise(resolve => {
		process.on('SIGUSR2', signal => { console.log('got', signal); resolve(); });
		process.kill(process.pid, 'SIGUSR2');
	});
}

if (process.argv[2] === 'child') {
	process.send({ hello: process.argv.slice(2), pages: [1, 2, 3] });
	process.on('message', () => process.exit(7));
} else {
	workers().then(children).then(files).then(timers).then(() => console.log('end'));
}
