// SPDX-License-Identifier: Apache-2.0
// sources: lib/rbtree.c
// flags: -ffreestanding -fno-strict-aliasing -DLINUXD_KERNEL -Wno-unused -I .
/*
 * The kernel heap against a model: blocks do not overlap, what is allocated keeps its contents, all comes back. And it stays small:
 * for hours of allocating and freeing about the same amount, the pages that were ever touched hardly exceed the most that was
 * in use at once, since what was in use before is used again first.
 */
#include "host.gen.h"
long test_fallocate(int fd, int mode, unsigned long offset, unsigned long length);
#define host_fallocate test_fallocate
#include "kernel/mm/heap.c"

extern int printf(const char *, ...);
extern void exit(int);
extern void *mmap(void *, unsigned long, int, int, int, long);

#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); exit(1); } } while (0)
#define HEAP_SIZE (64UL << 20)
#define SLOTS 3000

static struct boot_params boot_params;
struct boot_params *boot = &boot_params;
static bool touched[HEAP_SIZE / PAGE_SIZE];
static u64 nr_touched;
static struct { unsigned char *at; size_t size; unsigned char fill; bool pages; } slots[SLOTS];

static u64 seed = 12345;
static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

/* The host's side of giving memory back: what is in use must not go. */
long test_fallocate(int fd, int mode, unsigned long offset, unsigned long length)
{
	u64 first = (offset - HEAP_FILE_HEAP) >> PAGE_SHIFT;

	CHECK(mode == 3 && offset % PAGE_SIZE == 0 && length % PAGE_SIZE == 0);
	__builtin_memset(address_of(first), 0xee, length);
	for (u64 page = first; page < first + (length >> PAGE_SHIFT); page++) {
		nr_touched -= touched[page];
		touched[page] = false;
	}
	return 0;
}
void spin_lock(struct spinlock *lock) {}
void spin_unlock(struct spinlock *lock) {}
int vsnprintf(char *buffer, size_t size, const char *format, va_list args) { return -1; }

static void release(unsigned i)
{
	for (size_t at = 0; at < slots[i].size; at += 1 + slots[i].size / 16)
		CHECK(slots[i].at[at] == slots[i].fill);
	if (slots[i].pages)
		heap_pages_free(slots[i].at, slots[i].size >> PAGE_SHIFT);
	else
		kfree(slots[i].at);
	slots[i].at = NULL;
}

/* Sizes as the kernel has them: mostly small objects, kernel stacks, single pages, now and then a large table. */
static void take(unsigned i)
{
	static const size_t in_pages[] = { 1, 4, 4, 4, 2, 8, 16, 1 };
	size_t size;

	slots[i].pages = rnd(10) < 2;
	size = slots[i].pages ? in_pages[rnd(8)] << PAGE_SHIFT : 1 + rnd(rnd(4) ? 300 : 4000);
	slots[i].at = slots[i].pages ? heap_pages_alloc(size >> PAGE_SHIFT) : kmalloc(size);
	CHECK(slots[i].at);
	slots[i].size = size;
	slots[i].fill = (unsigned char)rnd(256);
	__builtin_memset(slots[i].at, slots[i].fill, size);
	for (u64 page = page_index(slots[i].at); page <= page_index(slots[i].at + size - 1); page++) {
		nr_touched += !touched[page];
		touched[page] = true;
	}
}

static void trim_all(void)
{
	for (int i = 0; i < 100; i++)
		heap_trim();
	CHECK(dirty_pages <= TRIM_PAGES);
}

/* Rounds of load and quiet, as in a container that goes on for hours. */
static void churn(unsigned rounds, bool trims)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned step = 0; step < 2 * SLOTS; step++) {
			unsigned i = rnd(SLOTS);

			if (slots[i].at)
				release(i);
			else
				take(i);
		}
		for (unsigned i = 0; i < SLOTS; i++)
			if (slots[i].at && rnd(8))
				release(i);
		if (trims)
			trim_all();
	}
}

int main(void)
{
	struct heap_usage usage;
	u64 early;

	CHECK(mmap((void *)LAYOUT_HEAP, HEAP_SIZE, 3, 0x100022, -1, 0) == (void *)LAYOUT_HEAP);
	heap_init(HEAP_SIZE);
	churn(20, false);
	early = nr_touched;
	churn(200, false);
	heap_usage(&usage);
	printf("in use at most %llu pages, touched %llu early, %llu in the end\n", (unsigned long long)(usage.peak >> PAGE_SHIFT),
	       (unsigned long long)early, (unsigned long long)nr_touched);
	CHECK(nr_touched <= (usage.peak >> PAGE_SHIFT) * 5 / 4);
	churn(50, true);
	heap_usage(&usage);
	printf("in use %llu pages, held %llu after trimming\n", (unsigned long long)(usage.used >> PAGE_SHIFT), (unsigned long long)nr_touched);
	/* Everything back: nothing is lost, and a large block can be had again. */
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots[i].at)
			release(i);
	heap_usage(&usage);
	CHECK(usage.used >> PAGE_SHIFT <= 2 * NR_CLASSES * 4);
	trim_all();
	CHECK(nr_touched <= TRIM_PAGES + 8 * NR_CLASSES * (1 << TRIM_ORDER));
	for (int i = 0; i < 10; i++) {
		void *block = heap_pages_alloc(1UL << MAX_ORDER);

		CHECK(block);
		heap_pages_free(block, 1UL << MAX_ORDER);
	}
	return 0;
}
