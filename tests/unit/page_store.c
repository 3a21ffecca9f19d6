// SPDX-License-Identifier: Apache-2.0
// sources: lib/rbtree.c
// flags: -ffreestanding -fno-strict-aliasing -DLINUXD_KERNEL -DCONFIG_DEBUG -Wno-unused -I .
/*
 * Page stores against a model: random writes, reads, holes, truncations, preallocation, mappings, and an allocator that
 * runs out. The bytes must be the model's; data pages, charges and allocated pages must add up.
 */
#include "host.gen.h"
long test_fallocate(int fd, int mode, unsigned long offset, unsigned long length);
#define host_fallocate test_fallocate
#include "kernel/mm/object.c"

extern int printf(const char *, ...);
extern void *malloc(size_t);
extern void *calloc(size_t, size_t);
extern void free(void *);
extern void exit(int);

#define NR_PAGES 3000
#define FILE_PAGES 1024
#define FILE_SIZE (FILE_PAGES * PAGE_SIZE)
#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); exit(1); } } while (0)

static unsigned char memory[NR_PAGES][4096] __attribute__((aligned(4096)));
static unsigned char model[FILE_PAGES * 4096];
static int counts[NR_PAGES];
static unsigned page_limit = NR_PAGES, pages_used;
static s64 charged, charge_limit = 1 << 30;
static struct boot_params boot_params;
struct boot_params *boot = &boot_params;

static u64 seed = 12345;
static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void kfree(void *p) { free(p); }
void panic(const char *format, ...)
{
	printf("panic %s\n", format);
	exit(1);
	__builtin_unreachable();
}
void *page_address(page_t page) { return memory[page]; }
page_t page_alloc_run(unsigned n)
{
	for (unsigned start = 1 + rnd(50); start + n <= NR_PAGES && pages_used + n < page_limit; start++) {
		unsigned i = 0;

		while (i < n && !counts[start + i])
			i++;
		if (i < n)
			continue;
		for (i = 0; i < n; i++) {
			counts[start + i] = 1;
			memset(memory[start + i], 0, 4096);
		}
		pages_used += n;
		return start;
	}
	return 0;
}
page_t page_alloc(void) { return page_alloc_run(1); }
void page_usage(struct page_usage *ret_usage) { *ret_usage = (struct page_usage){ pages_used, NR_PAGES, NR_PAGES }; }
void page_put(page_t page)
{
	CHECK(counts[page] == 1);
	counts[page] = 0;
	pages_used--;
	memset(memory[page], 0xee, 4096);
}
void unmap_object_range(struct page_object *object, u64 first, u64 nr) { CHECK(nr && page_store_of(object)->maps); }
long test_fallocate(int fd, int mode, unsigned long offset, unsigned long length)
{
	memset((char *)memory + offset, 0, length);
	return 0;
}
size_t copy_to_iter(struct io_iter *it, const void *src, size_t n)
{
	memcpy((void *)(it->vectors->base + it->offset), src, n);
	it->offset += n;
	return n;
}
size_t zero_iter(struct io_iter *it, size_t n)
{
	memset((void *)(it->vectors->base + it->offset), 0, n);
	it->offset += n;
	return n;
}
size_t copy_from_iter(struct io_iter *it, void *dst, size_t n)
{
	memcpy(dst, (void *)(it->vectors->base + it->offset), n);
	it->offset += n;
	return n;
}

static int charge(struct page_store *store, s64 pages)
{
	if (pages > 0 && charged + pages > charge_limit)
		return -ENOSPC;
	charged += pages;
	return 0;
}
static bool freed;
static void store_freed(struct page_store *store) { freed = true; }
static const struct page_store_ops ops = { charge, store_freed };

static unsigned char scratch[1 << 17];

static void check_all(struct page_store *store)
{
	u64 present = 0, data = 0;

	for (struct rb_node *node = rb_first(&store->chunks); node; node = rb_next(node)) {
		struct page_chunk *chunk = rb_entry(node, struct page_chunk, node);
		unsigned n = 0;

		for (unsigned i = 0; i < CHUNK_PAGES; i++) {
			n += chunk->pages[i] != 0;
			CHECK(!(chunk->data >> i & 1) || chunk->pages[i]);
		}
		CHECK(n == chunk->present);
		present += n;
		data += (u64)__builtin_popcountll(chunk->data);
	}
	CHECK(data == store->data_pages && (s64)data == charged && data == page_stores_data_pages);
	CHECK(present == pages_used && present == data + store->reserved_pages);
	for (u64 i = 0; i < FILE_PAGES; i++) {
		page_t page = store_find(store, i);
		u64 next = page_store_next(store, i, true);

		for (u64 k = 0; k < 4096; k += 64)
			CHECK((page ? memory[page][k] : 0) == model[i * 4096 + k]);
		CHECK(next >= i);
		if (i % 37 == 0)
			for (u64 k = i; k < min(next, (u64)FILE_PAGES); k++) {
				struct page_chunk *chunk = chunk_find(store, k / 64, false);
				CHECK(!chunk || !(chunk->data >> (k % 64) & 1));
			}
	}
}

static void step(struct page_store *store)
{
	struct io_vector vector = { (u64)scratch, sizeof(scratch) };
	struct io_iter it = { .vectors = &vector, .nr_vectors = 1, .count = sizeof(scratch) };
	u64 start = rnd(FILE_SIZE), n = 1 + rnd(rnd(2) ? 60000 : 5000), first, run;
	page_t page;
	ssize_t got;

	if (start + n > FILE_SIZE)
		n = FILE_SIZE - start;
	if (start + n > store->size)
		start = store->size > n ? store->size - n : 0;
	switch (rnd(12)) {
	case 0 ... 3:
		if (rnd(3) == 0 && store->size + n <= FILE_SIZE)
			start = store->size; /* append */
		for (u64 i = 0; i < n; i++)
			scratch[i] = (unsigned char)(rnd(255) + 1);
		got = page_store_write(store, start, &it, n);
		CHECK(got > 0 || got == -ENOSPC || got == -ENOMEM);
		if (got > 0) {
			memcpy(model + start, scratch, (size_t)got);
			store->size = max(store->size, start + (u64)got);
		}
		break;
	case 4 ... 5:
		got = page_store_read(store, start, &it, n);
		CHECK(got == (ssize_t)n && !memcmp(scratch, model + start, n));
		break;
	case 6:
		page_store_punch(store, start, start + n);
		memset(model + start, 0, n);
		break;
	case 7:
		n = rnd(3) ? rnd(FILE_SIZE) : store->size;
		page_store_truncate(store, n);
		memset(model + n, 0, FILE_SIZE - n);
		break;
	case 8:
		first = start / 4096;
		page_store_preallocate(store, first, rnd(40));
		/* At once, not after counting for days. */
		CHECK(page_store_preallocate(store, first, 1UL << 50) == -ENOSPC);
		break;
	case 9:
		first = start / 4096;
		n = 1 + rnd(100);
		while (n && !store->object.ops->extent(&store->object, first, n, &page, &run)) {
			CHECK(run >= 1 && run <= n);
			for (u64 i = 0; i < run; i++)
				CHECK(store_find(store, first + i) == page + i);
			first += run;
			n -= run;
		}
		break;
	case 10:
		if (store->maps)
			store->object.ops->unmap(&store->object, true);
		else
			store->object.ops->map(&store->object, true);
		break;
	case 11:
		page_store_trim(store);
		if (rnd(4) == 0)
			page_limit = rnd(2) ? NR_PAGES : pages_used + rnd(100);
		if (rnd(4) == 0)
			charge_limit = rnd(2) ? 1 << 30 : charged + rnd(100);
	}
}

int main(void)
{
	for (int round = 0; round < 20; round++) {
		struct page_store store;

		memset(model, 0, sizeof(model));
		freed = false;
		page_store_init(&store, &ops, 0);
		for (int i = 0; i < 400; i++) {
			step(&store);
			if (i % 10 == 0)
				check_all(&store);
		}
		check_all(&store);
		store.maps = 0;
		page_store_put(&store);
		CHECK(freed && !pages_used && !charged && !page_stores_data_pages);
		page_limit = NR_PAGES;
		charge_limit = 1 << 30;
	}
	printf("page stores: ok\n");
	return 0;
}
