// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel heap: a buddy allocator over the heap range, and slabs of equal objects on its pages.
 *
 * Every page has a descriptor; free blocks and slabs are linked through descriptors, so that free memory is never
 * touched. The range is carved up on demand in blocks of the largest order.
 *
 * A free block is clean if the host holds no memory for it: nobody has used it yet, or heap_trim() has given it back. Dirty blocks
 * stand first in their lists, so that what the host holds anyway is used first.
 */
#include "kernel/mm/alloc.h"

#include <linux/falloc.h>

#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"

#define MAX_ORDER 10 /* 4 MiB */
#define NR_ORDERS (MAX_ORDER + 1)
#define TRIM_ORDER 4 /* smaller free blocks are not worth a host call */
#define TRIM_BLOCKS 32
#define TRIM_PAGES 256 /* so much may stay for the next burst */

enum { PAGE_UNUSED, PAGE_FREE, PAGE_BLOCK, PAGE_SLAB, PAGE_SLAB_TAIL, PAGE_LARGE };

struct heap_page {
	struct list_head link; /* free list of its order, or partial list of its class */
	void *free_objects;
	u16 used_objects;
	u8 state, order, class;
	bool clean;
	u32 large_pages;
};

static const u16 class_size[] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048 };
#define NR_CLASSES ARRAY_SIZE(class_size)
static u8 class_of_size[2048 / 16 + 1];
static struct list_head partial[NR_CLASSES];
static struct list_head free_blocks[NR_ORDERS];
static struct heap_page *pages;
static u64 nr_pages, carved, used_pages, peak_pages;
static u64 dirty_pages; /* in free blocks of TRIM_ORDER and more */
static struct spinlock heap_lock;

static u64 page_index(const void *address) { return ((u64)address - LAYOUT_HEAP) >> PAGE_SHIFT; }
static void *address_of(u64 index) { return (void *)(LAYOUT_HEAP + (index << PAGE_SHIFT)); }
static u64 index_of(const struct heap_page *page) { return (u64)(page - pages); }

void heap_init(u64 limit)
{
	u64 descriptors;

	nr_pages = limit >> PAGE_SHIFT;
	pages = (struct heap_page *)LAYOUT_HEAP;
	descriptors = PAGE_ALIGN(nr_pages * sizeof(struct heap_page)) >> PAGE_SHIFT;
	for (int i = 0; i < NR_ORDERS; i++)
		list_init(&free_blocks[i]);
	for (unsigned i = 0; i < NR_CLASSES; i++)
		list_init(&partial[i]);
	for (unsigned size = 0, class = 0; size <= 2048; size += 16) {
		if (size > class_size[class])
			class++;
		class_of_size[size / 16] = (u8)class;
	}
	carved = ALIGN_UP(descriptors, 1UL << MAX_ORDER);
}

static void block_put_free(u64 index, unsigned order, bool clean)
{
	pages[index].state = PAGE_FREE;
	pages[index].order = (u8)order;
	pages[index].clean = clean;
	if (clean) {
		list_add_tail(&pages[index].link, &free_blocks[order]);
		return;
	}
	list_add(&pages[index].link, &free_blocks[order]);
	if (order >= TRIM_ORDER)
		dirty_pages += 1UL << order;
}

static void block_take_free(struct heap_page *page)
{
	list_del(&page->link);
	if (!page->clean && page->order >= TRIM_ORDER)
		dirty_pages -= 1UL << page->order;
}

static bool carve(void)
{
	if (carved + (1UL << MAX_ORDER) > nr_pages)
		return false;
	block_put_free(carved, MAX_ORDER, true);
	carved += 1UL << MAX_ORDER;
	return true;
}

static void *block_alloc(unsigned order)
{
	unsigned o = order;
	struct heap_page *page;
	u64 index;

	while (o <= MAX_ORDER && list_empty(&free_blocks[o]))
		o++;
	if (o > MAX_ORDER) {
		if (!carve())
			return NULL;
		o = MAX_ORDER;
	}
	page = list_first_entry(&free_blocks[o], struct heap_page, link);
	block_take_free(page);
	index = index_of(page);
	while (o > order) {
		o--;
		block_put_free(index + (1UL << o), o, page->clean);
	}
	page->state = PAGE_BLOCK;
	page->order = (u8)order;
	used_pages += 1UL << order;
	if (used_pages > peak_pages)
		peak_pages = used_pages;
	return address_of(index);
}

/* Free from now on, as part of the largest block that it completes. */
static void block_merge(u64 index, unsigned order, bool clean)
{
	while (order < MAX_ORDER) {
		u64 buddy = index ^ (1UL << order);

		if (pages[buddy].state != PAGE_FREE || pages[buddy].order != order)
			break;
		block_take_free(&pages[buddy]);
		clean = clean && pages[buddy].clean;
		pages[buddy].state = PAGE_UNUSED;
		index = min(index, buddy);
		order++;
	}
	block_put_free(index, order, clean);
}

static void block_free(u64 index)
{
	unsigned order = pages[index].order;

	used_pages -= 1UL << order;
	block_merge(index, order, false);
}

static struct heap_page *first_dirty(void)
{
	for (int order = MAX_ORDER; order >= TRIM_ORDER; order--) {
		struct heap_page *page = list_empty(&free_blocks[order]) ? NULL : list_first_entry(&free_blocks[order], struct heap_page, link);

		if (page && !page->clean)
			return page;
	}
	return NULL;
}

static void give_to_host(u64 index, u64 n)
{
	host_fallocate(boot->heap_fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, HEAP_FILE_HEAP + (index << PAGE_SHIFT), n << PAGE_SHIFT);
}

bool heap_wants_trim(void) { return READ_ONCE(dirty_pages) > TRIM_PAGES; }

void heap_trim(void)
{
	spin_lock(&heap_lock);
	for (int i = 0; i < TRIM_BLOCKS && dirty_pages > TRIM_PAGES; i++) {
		struct heap_page *page = first_dirty();
		unsigned order = page->order;

		/* Nobody finds it while the host takes it. */
		block_take_free(page);
		page->state = PAGE_UNUSED;
		spin_unlock(&heap_lock);
		give_to_host(index_of(page), 1UL << order);
		spin_lock(&heap_lock);
		block_merge(index_of(page), order, true);
	}
	spin_unlock(&heap_lock);
}

static unsigned order_for(size_t n)
{
	unsigned order = 0;

	while ((1UL << order) < n)
		order++;
	return order;
}

/* More than the largest block: a run of fresh blocks from the end of what is carved. Kept for ever, but reused as blocks. */
static void *large_alloc(size_t n)
{
	u64 blocks = ROUND_UP(n, 1UL << MAX_ORDER) >> MAX_ORDER, index = carved;

	if (carved + (blocks << MAX_ORDER) > nr_pages)
		return NULL;
	carved += blocks << MAX_ORDER;
	pages[index].state = PAGE_LARGE;
	pages[index].large_pages = (u32)(blocks << MAX_ORDER);
	used_pages += blocks << MAX_ORDER;
	if (used_pages > peak_pages)
		peak_pages = used_pages;
	return address_of(index);
}

static void large_free(u64 index)
{
	u64 n = pages[index].large_pages;

	give_to_host(index, n);
	used_pages -= n;
	for (u64 i = 0; i < n; i += 1UL << MAX_ORDER)
		block_put_free(index + i, MAX_ORDER, true);
}

void *heap_pages_alloc(size_t n)
{
	unsigned order = order_for(n);
	void *block;

	spin_lock(&heap_lock);
	block = order > MAX_ORDER ? large_alloc(n) : block_alloc(order);
	spin_unlock(&heap_lock);
	return block;
}

void heap_pages_free(void *ptr, size_t n)
{
	if (!ptr)
		return;
	spin_lock(&heap_lock);
	if (pages[page_index(ptr)].state == PAGE_LARGE)
		large_free(page_index(ptr));
	else
		block_free(page_index(ptr));
	spin_unlock(&heap_lock);
}

static unsigned slab_order(unsigned class) { return class_size[class] > 512 ? 2 : 0; }

static struct heap_page *slab_make(unsigned class)
{
	unsigned order = slab_order(class), size = class_size[class];
	char *base = block_alloc(order);
	struct heap_page *page;
	void **link;

	if (!base)
		return NULL;
	page = &pages[page_index(base)];
	for (unsigned i = 1; i < 1U << order; i++) {
		page[i].state = PAGE_SLAB_TAIL;
		page[i].order = (u8)i; /* distance to the head */
	}
	page->state = PAGE_SLAB;
	page->class = (u8)class;
	page->used_objects = 0;
	link = &page->free_objects;
	for (char *object = base; object + size <= base + (PAGE_SIZE << order); object += size) {
		*link = object;
		link = (void **)object;
	}
	*link = NULL;
	list_add(&page->link, &partial[class]);
	return page;
}

static void *slab_alloc(unsigned class)
{
	struct heap_page *page = list_empty(&partial[class]) ? slab_make(class) :
				 list_first_entry(&partial[class], struct heap_page, link);
	void **object;

	if (!page)
		return NULL;
	object = page->free_objects;
	page->free_objects = *object;
	page->used_objects++;
	if (!page->free_objects)
		list_del(&page->link);
	return object;
}

static void slab_free(struct heap_page *page, void *ptr)
{
	if (!page->free_objects)
		list_add(&page->link, &partial[page->class]);
	*(void **)ptr = page->free_objects;
	page->free_objects = ptr;
	/* An empty slab goes back, unless it is the last with room. */
	if (--page->used_objects == 0 && page->link.next != page->link.prev) {
		unsigned order = slab_order(page->class);

		list_del(&page->link);
		for (unsigned i = 1; i < 1U << order; i++)
			page[i].state = PAGE_UNUSED;
		page->order = (u8)order;
		block_free(index_of(page));
	}
}

void *kmalloc(size_t size)
{
	void *object;

	if (size > 2048)
		return heap_pages_alloc(PAGE_ALIGN(size) >> PAGE_SHIFT);
	spin_lock(&heap_lock);
	object = slab_alloc(class_of_size[(size + 15) / 16]);
	spin_unlock(&heap_lock);
	return object;
}

static struct heap_page *page_of(const void *ptr)
{
	struct heap_page *page = &pages[page_index(ptr)];

	return page->state == PAGE_SLAB_TAIL ? page - page->order : page;
}

void kfree(void *ptr)
{
	struct heap_page *page;

	if (!ptr)
		return;
	page = page_of(ptr);
	if (page->state != PAGE_SLAB) {
		debug_assert(page->state == PAGE_BLOCK || page->state == PAGE_LARGE);
		heap_pages_free(ptr, 0);
		return;
	}
#ifdef CONFIG_DEBUG
	memset(ptr, 0xdb, class_size[page->class]);
#endif
	spin_lock(&heap_lock);
	slab_free(page, ptr);
	spin_unlock(&heap_lock);
}

static size_t usable_size(const void *ptr)
{
	struct heap_page *page = page_of(ptr);

	if (page->state == PAGE_SLAB)
		return class_size[page->class];
	return page->state == PAGE_LARGE ? (u64)page->large_pages << PAGE_SHIFT : PAGE_SIZE << page->order;
}

void *kzalloc(size_t size)
{
	void *object = kmalloc(size);

	if (object)
		memset(object, 0, size);
	return object;
}

void *kcalloc(size_t n, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(n, size, &total) ? NULL : kzalloc(total);
}

void *krealloc(void *ptr, size_t size)
{
	void *new;

	if (ptr && usable_size(ptr) >= size)
		return ptr;
	new = kmalloc(size);
	if (new && ptr) {
		memcpy(new, ptr, usable_size(ptr));
		kfree(ptr);
	}
	return new;
}

void *kmemdup(const void *src, size_t n)
{
	void *copy = kmalloc(n);

	if (copy)
		memcpy(copy, src, n);
	return copy;
}

char *kstrndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *copy = kmalloc(length + 1);

	if (copy) {
		memcpy(copy, s, length);
		copy[length] = '\0';
	}
	return copy;
}

char *kstrdup(const char *s) { return kmemdup(s, strlen(s) + 1); }

char *kasprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = n < 0 ? NULL : kmalloc((size_t)n + 1);
	if (text) {
		va_start(args, format);
		vsnprintf(text, (size_t)n + 1, format, args);
		va_end(args);
	}
	return text;
}

void heap_usage(struct heap_usage *ret_usage)
{
	ret_usage->used = used_pages << PAGE_SHIFT;
	ret_usage->peak = peak_pages << PAGE_SHIFT;
	ret_usage->limit = nr_pages << PAGE_SHIFT;
}
