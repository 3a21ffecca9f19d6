// SPDX-License-Identifier: Apache-2.0
// Node.js over TCP: an http server in a cluster of processes, clients that keep connections, upload, give up; net and dgram.
'use strict';
const cluster = require('cluster');
const crypto = require('crypto');
const dgram = require('dgram');
const http = require('http');
const net = require('net');

function serve() {
	http.createServer((request, response) => {
		if (request.url === '/slow')
			return;
		const sum = crypto.createHash('md5');
		request.on('data', data => sum.update(data));
		request.on('end', () => response.end(request.url === '/large' ? Buffer.alloc(2000000, 'y') : sum.digest('hex')));
	}).listen(8090, '127.0.0.1');
}

function ask(agent, path, body) {
	return new Promise((resolve, reject) => {
		const request = http.request({ port: 8090, host: '127.0.0.1', path, agent, method: body ? 'POST' : 'GET' }, response => {
			const pieces = [];
			response.on('data', data => pieces.push(data));
			response.on('end', () => resolve(Buffer.concat(pieces)));
		});
		request.on('error', reject);
		request.end(body);
	});
}

async function main() {
	cluster.fork();
	cluster.fork();
	let listening = 0;
	await new Promise(resolve => cluster.on('listening', () => { if (++listening === 2) resolve(); }));
	const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
	const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => ask(agent, '/', 'b'.repeat(i * 100 + 1))));
	console.log('posts', crypto.createHash('md5').update(answers.join('')).digest('hex'));
	const large = await Promise.all(Array.from({ length: 10 }, () => ask(agent, '/large')));
	console.log('large', large.reduce((sum, data) => sum + data.length, 0));
	await new Promise(resolve => {
		const request = http.get({ port: 8090, host: '127.0.0.1', path: '/slow', timeout: 50 });
		request.on('timeout', () => request.destroy());
		request.on('error', error => { console.log('slow', error.code); resolve(); });
	});
	agent.destroy();
	await new Promise(resolve => cluster.disconnect(resolve));
	await new Promise(resolve => net.connect(8090, '127.0.0.1').on('error', error => { console.log(error.code); resolve(); }));

	const echo = net.createServer({ allowHalfOpen: true }, socket => socket.pipe(socket)).listen(0, '::1');
	await new Promise(resolve => echo.on('listening', resolve));
	const sum = await new Promise(resolve => {
		const socket = net.connect(echo.address().port, '::1');
		let bytes = 0;
		socket.on('data', data => { bytes += data.length; }).on('end', () => resolve(bytes));
		for (let i = 0; i < 200; i++)
			socket.write(Buffer.alloc(10007, i));
		socket.end();
	});
	echo.close();
	console.log('echoed', sum);
	const receiver = dgram.createSocket('udp4');
	receiver.bind(0, '127.0.0.1', () => {
		const sender = dgram.createSocket('udp4');
		for (let i = 0; i < 20; i++)
			sender.send('datagram ' + i, receiver.address().port, '127.0.0.1');
		let heard = 0;
		receiver.on('message', text => {
			if (++heard === 20) {
				console.log(String(text));
				sender.close();
				receiver.close();
			}
		});
	});
}

if (cluster.isPrimary)
	main();
else
	serve();
