/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page stores: the contents of tmpfs files, memfds and shared anonymous memory, as a sparse array of pages.
 *
 * A page of a store is in one of three states:
 *   missing    nothing allocated; reads as zeros
 *   reserved   allocated so that neighbours in the file are neighbours in the page memfd (few host mappings),
 *              still zero; costs no host memory
 *   data       written, preallocated or mapped: what st_blocks, SEEK_DATA and the size limit count
 *
 * Everything is protected by the kernel lock. Only page_store_truncate and page_store_punch may sleep, as their
 * last action.
 */
#ifndef KERNEL_MM_OBJECT_H
#define KERNEL_MM_OBJECT_H

#include "kernel/mm/mm.h"
#include "lib/rbtree.h"

struct io_iter;

struct page_store;
struct page_store_ops {
	/* `pages` more (or fewer) data pages: 0, or -ENOSPC when the file system is full. */
	int (*charge)(struct page_store *store, s64 pages);
	/* The last reference is gone and all pages are freed. */
	void (*free)(struct page_store *store);
};

struct page_store {
	struct page_object object;
	refcount_t count;
	const struct page_store_ops *ops; /* NULL: no limit, the store is its own heap object */
	struct rb_root chunks;
	struct page_chunk *last; /* the chunk found last */
	u64 size;                /* bytes; UINT64_MAX: no end (anonymous memory) */
	u64 data_pages;
	u64 reserved_pages;      /* allocated, not data */
	unsigned maps;           /* vmas */
	unsigned writable_maps;  /* of them shared and writable */
};

void page_store_init(struct page_store *store, const struct page_store_ops *ops, u64 size);
static inline struct page_store *page_store_of(struct page_object *object) { return container_of(object, struct page_store, object); }
void page_store_get(struct page_store *store);
void page_store_put(struct page_store *store);

/* Bytes moved; short at a fault. A write that moves nothing returns -EFAULT, -ENOSPC or -ENOMEM. Neither looks at store->size. */
ssize_t page_store_read(struct page_store *store, u64 position, struct io_iter *to, size_t n);
ssize_t page_store_write(struct page_store *store, u64 position, struct io_iter *from, size_t n);
/* Sets store->size; what lies beyond is dropped and reads as zeros when the file grows again. */
void page_store_truncate(struct page_store *store, u64 size);
/* Makes [start, end) read as zeros and gives its whole pages back. */
void page_store_punch(struct page_store *store, u64 start, u64 end);
/* Makes every page of [first, first + nr) data: 0, -ENOSPC, -ENOMEM (then nothing has changed). */
int page_store_preallocate(struct page_store *store, u64 first, u64 nr);
/* The first page >= index that is data (or not data); UINT64_MAX: none. */
u64 page_store_next(struct page_store *store, u64 index, bool data);
/* Gives back reserved pages beyond the end; nothing happens while the store is mapped. */
void page_store_trim(struct page_store *store);

/* Data pages of all stores: "Shmem" in /proc/meminfo. */
extern u64 page_stores_data_pages;

#endif
