/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel heap: a part of the shared kernel mapping, at the same address in every host process.
 * All functions may be called with or without the kernel lock (heap_lock is a leaf) and never sleep.
 * They return NULL when memory runs out: every caller handles it.
 */
#ifndef KERNEL_MM_ALLOC_H
#define KERNEL_MM_ALLOC_H

#include "kernel/kernel.h"

/* 16-byte aligned; sizes over 2 KiB are whole pages, page aligned. kfree takes NULL. */
void *kmalloc(size_t size) __attribute__((malloc));
void *kzalloc(size_t size) __attribute__((malloc));
void *kcalloc(size_t n, size_t size) __attribute__((malloc));
void *krealloc(void *ptr, size_t size);
void kfree(void *ptr);
char *kstrdup(const char *s);
char *kstrndup(const char *s, size_t n);
void *kmemdup(const void *src, size_t n);
char *kasprintf(const char *format, ...) __printf(1, 2);

/* Whole heap pages, not zeroed. */
void *heap_pages_alloc(size_t pages);
void heap_pages_free(void *ptr, size_t pages);

/* Gives free memory back to the host, a part of it at a time and not the last bit; makes host calls. */
void heap_trim(void);
/* More is free than stays for the next burst. A guess: without the heap's lock. */
bool heap_wants_trim(void);
/* heap_trim() in a while, again and again until it is no longer wanted. With the kernel lock. */
void heap_trim_later(void);

/* Bytes in use and the most there ever were, for --stats and /proc/meminfo. */
struct heap_usage { u64 used, peak, limit; };
void heap_usage(struct heap_usage *ret_usage);

#endif
