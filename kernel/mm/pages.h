/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that programs can map: the contents of tmpfs files, memfds, shared anonymous memory, System V
 * segments and pipe buffers. They live in the page memfd (one per container), which the kernel sees through
 * a window of fixed addresses and programs map with MAP_SHARED at offset page_offset().
 *
 * Pages are reference counted; 4 KiB each; zeroed when allocated. The limit of the page memfd is the
 * container's --memory.
 */
#ifndef KERNEL_MM_PAGES_H
#define KERNEL_MM_PAGES_H

#include "kernel/kernel.h"

typedef u32 page_t; /* page number in the page memfd; 0 is never a valid page */

/* A zeroed page with one reference, or 0 when the limit is reached. */
page_t page_alloc(void);
/* `n` pages next to each other, n <= 512; 0 if there is no such run. Each has its own reference count. */
page_t page_alloc_run(unsigned n);
void page_get(page_t page);
void page_put(page_t page);
int page_refcount(page_t page);
void *page_address(page_t page);            /* kernel address of its first byte */
static inline u64 page_offset(page_t page) { return (u64)page << PAGE_SHIFT; } /* in the page memfd */

struct page_usage { u64 used, peak, limit; }; /* in pages */
void page_usage(struct page_usage *ret_usage);

#endif
