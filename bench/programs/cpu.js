// SPDX-License-Identifier: Apache-2.0
// Computes: objects and maps, strings, regular expressions, sorting, numbers. Prints the nanoseconds it took.
'use strict';
function once(round) {
	const map = new Map();
	for (let i = 0; i < 200000; i++)
		map.set('key' + (i * 7919) % 50000, { number: i, next: map.get('key' + i % 1000) });
	let text = '';
	for (const [key, value] of map)
		if (value.number % 3 === round % 3)
			text += key + '=' + value.number + ';';
	let sum = 0;
	for (const match of text.matchAll(/key(\d+)=(\d+);/g))
		sum = (sum * 31 + Number(match[1]) + Number(match[2])) % 1000003;
	const numbers = Array.from({ length: 200000 }, (_, i) => (i * 7919 + sum) % 1000003);
	numbers.sort((a, b) => a - b);
	const matrix = new Float64Array(200 * 200);
	for (let i = 0; i < 200; i++)
		for (let j = 0; j < 200; j++)
			for (let k = 0; k < 200; k++)
				matrix[i * 200 + j] += numbers[i * k] * 1e-6 + j;
	return sum + numbers[1000] + matrix[777] + JSON.parse(JSON.stringify(numbers)).length;
}
const start = process.hrtime.bigint();
let sum = 0;
for (let round = 0; round < 8; round++)
	sum += once(round);
if (!(sum > 0))
	process.exit(1);
console.log(String(process.hrtime.bigint() - start));
