// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes on their way to a socket: a list of chunks. Small sends join in one chunk; an idle connection has none.
 * Freed chunks of the common sizes are kept, so that an exchange of small messages stays in the same cache lines.
 */
#include "include/abi/boot.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/tcp.h"

extern struct boot_params *boot;
u64 tcp_memory;

static struct {
	u32 size; /* with the header */
	u32 most; /* kept free */
	u32 nr;
	struct tcp_chunk *free;
} caches[] = {
	{ .size = 1024, .most = 128 },
	{ .size = 4096, .most = 32 },
	{ .size = 65536, .most = 8 },
};

static struct tcp_chunk *chunk_alloc(u32 n)
{
	struct tcp_chunk *chunk;
	u8 i = 0;

	while (i < ARRAY_SIZE(caches) - 1 && n + sizeof(*chunk) > caches[i].size)
		i++;
	chunk = caches[i].free;
	if (chunk) {
		caches[i].free = chunk->next;
		caches[i].nr--;
	} else {
		chunk = kmalloc(caches[i].size);
		if (!chunk)
			return NULL;
		chunk->cache = i;
		chunk->room = caches[i].size - (u32)sizeof(*chunk);
	}
	chunk->next = NULL;
	chunk->start = chunk->end = 0;
	tcp_memory += caches[i].size;
	return chunk;
}

static void chunk_free(struct tcp_chunk *chunk)
{
	u8 i = chunk->cache;

	tcp_memory -= caches[i].size;
	if (caches[i].nr >= caches[i].most) {
		kfree(chunk);
		return;
	}
	chunk->next = caches[i].free;
	caches[i].free = chunk;
	caches[i].nr++;
}

/* At most a quarter of the kernel's memory is for data that nobody reads. */
enum tcp_pressure tcp_memory_pressure(void)
{
	if (likely(tcp_memory < boot->heap_limit / 8))
		return TCP_MEMORY_AMPLE;
	return tcp_memory < boot->heap_limit / 4 ? TCP_MEMORY_SHORT : TCP_MEMORY_OUT;
}

ssize_t tcp_queue_put(struct tcp_queue *q, struct io_iter *from, u32 n)
{
	u32 done = 0;

	while (done < n) {
		struct tcp_chunk *chunk = q->last;
		u32 want, copied;

		if (!chunk || chunk->end == chunk->room) {
			/* Nothing is read: many small sends should not take a chunk each. */
			u32 size = max(n - done, (u32)min(queue_bytes(q) / 4, (u64)4000));

			chunk = chunk_alloc(size);
			if (!chunk)
				return done ? (ssize_t)done : -ENOMEM;
			if (q->last)
				q->last->next = chunk;
			else
				q->first = chunk;
			q->last = chunk;
		}
		want = min(n - done, chunk->room - chunk->end);
		copied = (u32)copy_from_iter(from, chunk->data + chunk->end, want);
		chunk->end += copied;
		q->tail += copied;
		done += copied;
		if (copied < want)
			break;
	}
	return done;
}

static void drop_first(struct tcp_queue *q)
{
	struct tcp_chunk *chunk = q->first;

	q->first = chunk->next;
	if (!q->first)
		q->last = NULL;
	chunk_free(chunk);
}

size_t tcp_queue_peek(const struct tcp_queue *q, u64 offset, struct io_iter *to, size_t n)
{
	struct tcp_chunk *chunk = q->first;
	size_t done = 0;

	for (; chunk && done < n; chunk = chunk->next) {
		u32 length = chunk->end - chunk->start, want;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		want = (u32)min((size_t)(length - offset), n - done);
		if (to && copy_to_iter(to, chunk->data + chunk->start + offset, want) != want)
			break;
		done += want;
		offset = 0;
	}
	return done;
}

size_t tcp_queue_take(struct tcp_queue *q, struct io_iter *to, size_t n)
{
	size_t done = 0;

	while (done < n && q->first) {
		struct tcp_chunk *chunk = q->first;
		u32 want = (u32)min((size_t)(chunk->end - chunk->start), n - done), copied = want;

		if (to)
			copied = (u32)copy_to_iter(to, chunk->data + chunk->start, want);
		chunk->start += copied;
		q->head += copied;
		done += copied;
		if (chunk->start == chunk->end)
			drop_first(q);
		if (copied < want)
			break;
	}
	return done;
}

void tcp_queue_clear(struct tcp_queue *q)
{
	while (q->first)
		drop_first(q);
	q->head = q->tail;
}
