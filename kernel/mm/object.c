/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse arrays of pages that programs can map; see object.h for the states of a page.
 *
 * Chunks of 64 pages stand in a tree by their number. Missing pages are allocated in runs: a mapping asks for as much
 * as it covers, a growing file for about as much as it has. Runs that do not fit are halved, so a nearly full page
 * memfd still serves single pages.
 *
 * While a store is mapped none of its pages is ever freed: a page that a truncation or a hole drops is zeroed and kept
 * as reserved. So a host mapping never shows a page that belongs to somebody else.
 */
#include <linux/falloc.h>

#include "host.gen.h"
#include "include/abi/boot.h"
#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/object.h"

#define CHUNK_PAGES 64u
#define RUN_MAX 512u
/* From this many pages on it is cheaper to let the host drop them than to write zeros. */
#define PUNCH_ON_HOST 32u

struct page_chunk {
	struct rb_node node;
	u64 number;
	u64 data;               /* bit i: pages[i] is data */
	unsigned present;
	page_t pages[CHUNK_PAGES]; /* 0: missing */
};

extern struct boot_params *boot;
u64 page_stores_data_pages;

static const struct page_object_ops store_object_ops;

void page_store_init(struct page_store *store, const struct page_store_ops *ops, u64 size)
{
	*store = (struct page_store){ .object.ops = &store_object_ops, .ops = ops, .size = size, .chunks = RB_ROOT };
	refcount_set(&store->count, 1);
}

static u64 store_size_pages(const struct page_store *store)
{
	return store->size == UINT64_MAX ? UINT64_MAX >> PAGE_SHIFT : store->size / PAGE_SIZE + (store->size % PAGE_SIZE != 0);
}

/* The chunk with this number, or the next one after it if `next`, or NULL. */
static struct page_chunk *chunk_find(struct page_store *store, u64 number, bool next)
{
	struct rb_node *node = store->chunks.node;
	struct page_chunk *after = NULL;

	if (store->last && store->last->number == number)
		return store->last;
	while (node) {
		struct page_chunk *chunk = rb_entry(node, struct page_chunk, node);
		if (number == chunk->number) {
			store->last = chunk;
			return chunk;
		}
		if (number < chunk->number) {
			after = chunk;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return next ? after : NULL;
}

static struct page_chunk *chunk_make(struct page_store *store, u64 number)
{
	struct page_chunk *chunk = chunk_find(store, number, false);
	struct rb_node *parent = NULL, **link = &store->chunks.node;

	if (chunk)
		return chunk;
	chunk = kzalloc(sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->number = number;
	while (*link) {
		parent = *link;
		link = number < rb_entry(parent, struct page_chunk, node)->number ? &parent->left : &parent->right;
	}
	rb_insert(&store->chunks, &chunk->node, parent, link);
	store->last = chunk;
	return chunk;
}

static void chunk_free(struct page_store *store, struct page_chunk *chunk)
{
	if (store->last == chunk)
		store->last = NULL;
	rb_erase(&store->chunks, &chunk->node);
	kfree(chunk);
}

static page_t store_find(struct page_store *store, u64 index)
{
	struct page_chunk *chunk = chunk_find(store, index / CHUNK_PAGES, false);

	return chunk ? chunk->pages[index % CHUNK_PAGES] : 0;
}

static int store_charge(struct page_store *store, s64 pages)
{
	if (store->ops && store->ops->charge) {
		int error = store->ops->charge(store, pages);
		if (error)
			return error;
	}
	store->data_pages += (u64)pages;
	page_stores_data_pages += (u64)pages;
	return 0;
}

/* Makes the reserved pages of [index, index + nr) data; a part of them if the file system is nearly full. */
static int store_mark_data(struct page_store *store, u64 index, u64 nr, u64 *ret_marked)
{
	u64 i;

	*ret_marked = 0;
	for (i = index; i < index + nr; i++) {
		struct page_chunk *chunk = chunk_find(store, i / CHUNK_PAGES, false);
		u64 bit = 1ULL << (i % CHUNK_PAGES);
		int error;

		if (chunk->data & bit)
			continue;
		error = store_charge(store, 1);
		if (error)
			return error;
		chunk->data |= bit;
		store->reserved_pages--;
		*ret_marked += 1;
	}
	return 0;
}

/* Missing pages from index on, at most nr. */
static u64 store_gap(struct page_store *store, u64 index, u64 nr)
{
	u64 gap = 0;

	while (gap < nr && !store_find(store, index + gap))
		gap++;
	return gap;
}

/* Fills up to nr missing pages from index on with a run of reserved ones; how many, or -ENOMEM. */
static long store_reserve(struct page_store *store, u64 index, u64 nr)
{
	u64 number, run = min(store_gap(store, index, min(nr, (u64)RUN_MAX)), (u64)RUN_MAX);
	page_t first = 0;
	u64 i;

	for (number = index / CHUNK_PAGES; number <= (index + run - 1) / CHUNK_PAGES; number++)
		if (!chunk_make(store, number))
			return -ENOMEM;
	for (; run > 1; run /= 2) {
		first = page_alloc_run((unsigned)run);
		if (first)
			break;
	}
	if (run == 1)
		first = page_alloc();
	if (!first)
		return -ENOMEM;
	for (i = 0; i < run; i++) {
		struct page_chunk *chunk = chunk_find(store, (index + i) / CHUNK_PAGES, false);
		chunk->pages[(index + i) % CHUNK_PAGES] = first + (page_t)i;
		chunk->present++;
	}
	store->reserved_pages += run;
	return (long)run;
}

/* The page at index as data, for a writer; ERR in *ret_error. */
static page_t store_page_for_write(struct page_store *store, u64 index, int *ret_error)
{
	u64 marked, end = store_size_pages(store), want = 1;

	if (!store_find(store, index)) {
		long n;

		if (index >= end) { /* the file grows: reserve in proportion to what it has */
			while (want * 2 <= index && want < CHUNK_PAGES)
				want *= 2;
		} else {
			want = min(end - index, (u64)16);
		}
		n = store_reserve(store, index, want);
		if (n < 0) {
			*ret_error = (int)n;
			return 0;
		}
	}
	*ret_error = store_mark_data(store, index, 1, &marked);
	return *ret_error ? 0 : store_find(store, index);
}

ssize_t page_store_read(struct page_store *store, u64 position, struct io_iter *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		u64 offset = position % PAGE_SIZE;
		size_t part = min((size_t)(PAGE_SIZE - offset), n - done), moved;
		page_t page = store_find(store, position / PAGE_SIZE);

		moved = page ? copy_to_iter(to, (char *)page_address(page) + offset, part) : zero_iter(to, part);
		done += moved;
		position += moved;
		if (moved < part)
			break;
	}
	return done || !n ? (ssize_t)done : -EFAULT;
}

ssize_t page_store_write(struct page_store *store, u64 position, struct io_iter *from, size_t n)
{
	size_t done = 0;
	int error = -EFAULT;

	while (done < n) {
		u64 offset = position % PAGE_SIZE;
		size_t part = min((size_t)(PAGE_SIZE - offset), n - done), moved;
		page_t page = store_page_for_write(store, position / PAGE_SIZE, &error);

		if (!page)
			break;
		error = -EFAULT;
		moved = copy_from_iter(from, (char *)page_address(page) + offset, part);
		done += moved;
		position += moved;
		if (moved < part)
			break;
	}
	return done || !n ? (ssize_t)done : error;
}

static void zero_run(page_t first, u64 nr)
{
	if (nr < PUNCH_ON_HOST ||
	    host_fallocate(boot->pages_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page_offset(first), nr * PAGE_SIZE) < 0)
		memset(page_address(first), 0, nr * PAGE_SIZE);
}

/* Drops the pages [first, end): freed, or if mapped zeroed and kept. */
static void store_drop(struct page_store *store, u64 first, u64 end)
{
	struct page_chunk *chunk;
	page_t run = 0;
	u64 run_length = 0;

	while (first < end && (chunk = chunk_find(store, first / CHUNK_PAGES, true))) {
		u64 base = chunk->number * CHUNK_PAGES, i = first > base ? first - base : 0;

		for (; i < CHUNK_PAGES && base + i < end; i++) {
			page_t page = chunk->pages[i];

			if (!page)
				continue;
			if (chunk->data >> i & 1) {
				chunk->data &= ~(1ULL << i);
				store_charge(store, -1);
				store->reserved_pages++;
			}
			if (store->maps) {
				if (run && page == run + run_length) {
					run_length++;
					continue;
				}
				if (run)
					zero_run(run, run_length);
				run = page;
				run_length = 1;
			} else {
				chunk->pages[i] = 0;
				chunk->present--;
				store->reserved_pages--;
				page_put(page);
			}
		}
		first = base + CHUNK_PAGES;
		if (!chunk->present)
			chunk_free(store, chunk);
	}
	if (run)
		zero_run(run, run_length);
}

static void store_zero_part(struct page_store *store, u64 start, u64 end)
{
	page_t page = start < end ? store_find(store, start / PAGE_SIZE) : 0;

	if (page)
		memset((char *)page_address(page) + start % PAGE_SIZE, 0, end - start);
}

void page_store_truncate(struct page_store *store, u64 size)
{
	u64 old_pages = store_size_pages(store), new_pages, old_size = store->size;

	store->size = size;
	new_pages = store_size_pages(store);
	if (size < old_size) {
		store_zero_part(store, size, PAGE_ALIGN(size));
		store_drop(store, new_pages, UINT64_MAX >> PAGE_SHIFT);
	}
	if (store->maps && new_pages != old_pages)
		unmap_object_range(&store->object, min(old_pages, new_pages),
				   max(old_pages, new_pages) - min(old_pages, new_pages));
}

void page_store_punch(struct page_store *store, u64 start, u64 end)
{
	u64 first = PAGE_ALIGN(start), last = end & PAGE_MASK;

	if (first > last) { /* within one page */
		store_zero_part(store, start, end);
		return;
	}
	store_zero_part(store, start, first);
	store_zero_part(store, last, end);
	store_drop(store, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
}

int page_store_preallocate(struct page_store *store, u64 first, u64 nr)
{
	u64 i, end = first + nr, missing = 0, marked;
	struct page_usage usage;
	int error;

	/* More than there is in all need not be counted: the range may be longer than anybody could wait. */
	page_usage(&usage);
	if (nr > store->data_pages && nr - store->data_pages > usage.limit)
		return -ENOSPC;
	for (i = first; i < end; i++) {
		struct page_chunk *chunk = chunk_find(store, i / CHUNK_PAGES, false);
		if (!chunk) {
			u64 step = min(end - i, (u64)CHUNK_PAGES - i % CHUNK_PAGES);
			missing += step;
			i += step - 1;
		} else if (!(chunk->data >> (i % CHUNK_PAGES) & 1)) {
			missing++;
		}
	}
	/* Ask for all of it at once, so that a failure leaves nothing behind. */
	error = store_charge(store, (s64)missing);
	if (error)
		return error;
	store_charge(store, -(s64)missing);
	for (i = first; i < end;) {
		long n = store_find(store, i) ? 1 : store_reserve(store, i, end - i);

		error = n < 0 ? (int)n : store_mark_data(store, i, (u64)n, &marked);
		if (error)
			return error == -ENOMEM ? -ENOSPC : error;
		i += (u64)n;
	}
	return 0;
}

u64 page_store_next(struct page_store *store, u64 index, bool data)
{
	struct page_chunk *chunk = chunk_find(store, index / CHUNK_PAGES, data);

	while (chunk) {
		u64 base = chunk->number * CHUNK_PAGES, from = index > base ? index - base : 0;
		u64 bits = (data ? chunk->data : ~chunk->data) & (from < CHUNK_PAGES ? ~0ULL << from : 0);

		if (bits)
			return base + (u64)__builtin_ctzll(bits);
		index = base + CHUNK_PAGES;
		chunk = chunk_find(store, chunk->number + 1, data);
	}
	return data ? UINT64_MAX : index;
}

void page_store_trim(struct page_store *store)
{
	if (!store->maps && store->reserved_pages)
		store_drop(store, store_size_pages(store), UINT64_MAX >> PAGE_SHIFT);
}

void page_store_get(struct page_store *store) { refcount_inc(&store->count); }

void page_store_put(struct page_store *store)
{
	if (!refcount_dec_and_test(&store->count))
		return;
	store->maps = 0;
	store_drop(store, 0, UINT64_MAX >> PAGE_SHIFT);
	if (store->ops)
		store->ops->free(store);
	else
		kfree(store);
}

struct page_object *page_object_anon(void)
{
	struct page_store *store = kmalloc(sizeof(*store));

	if (!store)
		return NULL;
	page_store_init(store, NULL, UINT64_MAX);
	return &store->object;
}

static page_t store_object_get_page(struct page_object *object, u64 index)
{
	struct page_store *store = page_store_of(object);
	int error;

	if (index >= store_size_pages(store))
		return 0;
	return store_page_for_write(store, index, &error);
}

static int store_object_extent(struct page_object *object, u64 index, u64 nr, page_t *ret_first, u64 *ret_run)
{
	struct page_store *store = page_store_of(object);
	u64 end = store_size_pages(store), run = 1, marked;
	page_t first;
	int error;

	if (index >= end)
		return -ERANGE;
	nr = min(nr, end - index);
	first = store_find(store, index);
	if (first) {
		while (run < nr && store_find(store, index + run) == first + run)
			run++;
	} else {
		long n = store_reserve(store, index, nr);
		if (n < 0)
			return (int)n;
		run = (u64)n;
		first = store_find(store, index);
	}
	/* From now on the program may write there unseen. */
	error = store_mark_data(store, index, run, &marked);
	if (error) {
		struct page_chunk *chunk;
		u64 usable = 0;

		while (usable < run && (chunk = chunk_find(store, (index + usable) / CHUNK_PAGES, false)) &&
		       chunk->data >> ((index + usable) % CHUNK_PAGES) & 1)
			usable++;
		if (!usable)
			return error;
		run = usable;
	}
	*ret_first = first;
	*ret_run = run;
	return 0;
}

static u64 store_object_end(struct page_object *object) { return store_size_pages(page_store_of(object)); }
static void store_object_get(struct page_object *object) { page_store_get(page_store_of(object)); }
static void store_object_put(struct page_object *object) { page_store_put(page_store_of(object)); }

static int store_object_map(struct page_object *object, bool shared_writable)
{
	struct page_store *store = page_store_of(object);

	store->maps++;
	store->writable_maps += shared_writable;
	return 0;
}

static void store_object_unmap(struct page_object *object, bool shared_writable)
{
	struct page_store *store = page_store_of(object);

	store->maps--;
	store->writable_maps -= shared_writable;
	if (!store->maps)
		page_store_trim(store);
}

static const struct page_object_ops store_object_ops = {
	.get_page = store_object_get_page,
	.extent = store_object_extent,
	.end = store_object_end,
	.get = store_object_get,
	.put = store_object_put,
	.map = store_object_map,
	.unmap = store_object_unmap,
};
