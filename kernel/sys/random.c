/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The random generator: ChaCha20 with fast key erasure. Every request runs the cipher under the current key; the first
 * 32 bytes of its output replace the key before anything is handed out, so that what was given away cannot be computed
 * from the kernel's memory afterwards. The seed comes from the host at boot, once: the same seed gives the same numbers.
 */
#include <linux/random.h>

#include "include/abi/boot.h"
#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/sys/random.h"
#include "kernel/task/task.h"
#include "syscalls.gen.h"

extern struct boot_params *boot;

#define KEY_WORDS 8
#define BLOCK_SIZE 64

static struct {
	u32 key[KEY_WORDS];
	bool seeded;
} generator; /* kernel lock */

static inline u32 rotate(u32 x, int n) { return x << n | x >> (32 - n); }

static inline void quarter_round(u32 *x, int a, int b, int c, int d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

/* RFC 8439, section 2.3, with a 64-bit block counter and a zero nonce. */
static void chacha20_block(const u32 key[KEY_WORDS], u64 counter, u8 out[BLOCK_SIZE])
{
	u32 start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];

	memcpy(start + 4, key, KEY_WORDS * sizeof(u32));
	start[12] = (u32)counter;
	start[13] = (u32)(counter >> 32);
	memcpy(x, start, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		x[i] += start[i];
	memcpy(out, x, BLOCK_SIZE);
}

/* One request: a key of its own, and half a block of first output. */
struct random_stream {
	u32 key[KEY_WORDS];
	u64 counter;
};

static void stream_start(struct random_stream *stream)
{
	u8 block[BLOCK_SIZE];

	if (!generator.seeded) {
		memcpy(generator.key, boot->random, sizeof(generator.key));
		generator.seeded = true;
		add_random_bytes(boot->random + sizeof(generator.key), sizeof(boot->random) - sizeof(generator.key));
	}
	chacha20_block(generator.key, 0, block);
	memcpy(generator.key, block, sizeof(generator.key));
	memcpy(stream->key, block + sizeof(generator.key), sizeof(stream->key));
	stream->counter = 0;
	memset(block, 0, sizeof(block));
	barrier();
}

void add_random_bytes(const void *data, size_t n)
{
	const u8 *bytes = data;
	u8 block[BLOCK_SIZE];

	while (n) {
		size_t part = min(n, sizeof(generator.key));

		for (size_t i = 0; i < part; i++)
			((u8 *)generator.key)[i] ^= bytes[i];
		chacha20_block(generator.key, part, block);
		memcpy(generator.key, block, sizeof(generator.key));
		bytes += part;
		n -= part;
	}
	memset(block, 0, sizeof(block));
	barrier();
}

void get_random_bytes(void *buffer, size_t n)
{
	struct random_stream stream;
	u8 block[BLOCK_SIZE];

	stream_start(&stream);
	while (n) {
		size_t part = min(n, (size_t)BLOCK_SIZE);

		chacha20_block(stream.key, stream.counter++, block);
		memcpy(buffer, block, part);
		buffer = (char *)buffer + part;
		n -= part;
	}
	memset(&stream, 0, sizeof(stream));
	memset(block, 0, sizeof(block));
	barrier();
}

ssize_t random_fill_iter(struct io_iter *to)
{
	struct random_stream stream;
	u8 block[BLOCK_SIZE];
	size_t done = 0;

	if (!to->count)
		return 0;
	stream_start(&stream);
	while (to->count) {
		size_t part = min(to->count, (size_t)BLOCK_SIZE), moved;

		chacha20_block(stream.key, stream.counter++, block);
		moved = copy_to_iter(to, block, part);
		done += moved;
		if (moved < part)
			break;
		if (done % 4096 == 0) {
			if (signal_pending(current))
				break;
			cond_resched();
		}
	}
	memset(&stream, 0, sizeof(stream));
	memset(block, 0, sizeof(block));
	barrier();
	return done ? (ssize_t)done : -EFAULT;
}

long sys_getrandom(user_ptr buf, size_t count, unsigned flags)
{
	struct io_iter to;
	long result;

	if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	result = io_iter_user(&to, buf, count);
	if (result)
		return result;
	result = random_fill_iter(&to);
	io_iter_release(&to);
	return result;
}
