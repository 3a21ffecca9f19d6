// SPDX-License-Identifier: Apache-2.0
/*
 * Pages of the page memfd. A count per page; 0 is free. Freed pages are remembered as dirty and zeroed when they are
 * used again; when many have gathered, their memory goes back to the host.
 */
#include "kernel/mm/pages.h"

#include <linux/falloc.h>

#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "lib/bitmap.h"

static u32 *counts;       /* by page */
static u64 *in_use, *dirty;
static u64 nr_pages, cursor = 1, used, peak, nr_dirty, top = 1;
#define DIRTY_MAX 4096 /* 16 MiB */

int pages_init(u64 limit)
{
	nr_pages = min(limit, LAYOUT_PAGES_SIZE_MAX) >> PAGE_SHIFT;
	counts = heap_pages_alloc(PAGE_ALIGN(nr_pages * sizeof(u32)) >> PAGE_SHIFT);
	in_use = heap_pages_alloc(PAGE_ALIGN(BITMAP_WORDS(nr_pages) * 8) >> PAGE_SHIFT);
	dirty = heap_pages_alloc(PAGE_ALIGN(BITMAP_WORDS(nr_pages) * 8) >> PAGE_SHIFT);
	if (!counts || !in_use || !dirty)
		return -ENOMEM;
	bitmap_set(in_use, 0);
	return 0;
}

void *page_address(page_t page) { return (void *)(LAYOUT_PAGES + ((u64)page << PAGE_SHIFT)); }

static void take(u64 page)
{
	bitmap_set(in_use, page);
	counts[page] = 1;
	if (page >= top)
		top = page + 1;
	if (bitmap_test(dirty, page)) {
		bitmap_clear(dirty, page);
		nr_dirty--;
		memset(page_address((page_t)page), 0, PAGE_SIZE);
	}
	if (++used > peak)
		peak = used;
}

/* The first of `n` free pages next to each other at or after `from`; 0: none. */
static u64 find_run(u64 from, unsigned n)
{
	u64 start = from;

	while ((start = bitmap_next_zero(in_use, nr_pages, start)) + n <= nr_pages) {
		u64 end = n == 1 ? start + 1 : bitmap_next_set(in_use, min(nr_pages, start + n), start);

		if (end >= start + n)
			return start;
		start = end;
	}
	return 0;
}

page_t page_alloc_run(unsigned n)
{
	u64 first;

	assert_kernel_locked();
	if (used + n >= nr_pages)
		return 0;
	first = find_run(cursor, n);
	if (!first)
		first = find_run(1, n);
	if (!first)
		return 0;
	for (unsigned i = 0; i < n; i++)
		take(first + i);
	cursor = first + n;
	return (page_t)first;
}

page_t page_alloc(void) { return page_alloc_run(1); }

void page_get(page_t page) { counts[page]++; }
int page_refcount(page_t page) { return (int)counts[page]; }

/* Gives the memory of all dirty free pages back to the host, a run at a time. */
static void trim(void)
{
	u64 start = 1;

	while ((start = bitmap_next_set(dirty, top, start)) < top) {
		u64 end = bitmap_next_zero(dirty, top, start);

		if (host_fallocate(boot->pages_fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, start << PAGE_SHIFT,
				   (end - start) << PAGE_SHIFT))
			return;
		for (u64 i = start; i < end; i++)
			bitmap_clear(dirty, i);
		nr_dirty -= end - start;
		start = end;
	}
}

void page_put(page_t page)
{
	debug_assert(counts[page] > 0);
	if (--counts[page])
		return;
	bitmap_clear(in_use, page);
	bitmap_set(dirty, page);
	used--;
	if (page < cursor)
		cursor = page;
	if (++nr_dirty > DIRTY_MAX)
		trim();
}

void page_usage(struct page_usage *ret_usage)
{
	*ret_usage = (struct page_usage){ used, peak, nr_pages };
}
