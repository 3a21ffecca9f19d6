/* SPDX-License-Identifier: Apache-2.0 */
/* Text with its call sites patched, shared between programs that map it. Kernel lock held. */
#ifndef KERNEL_ARCH_X86_64_PATCH_CACHE_H
#define KERNEL_ARCH_X86_64_PATCH_CACHE_H

#include "kernel/kernel.h"
#include "kernel/mm/pages.h"

struct vma;

struct text_copy {
	refcount_t count;  /* the text, and every vma that shows it */
	page_t first;
	u64 nr_pages;      /* of the whole text; only the filled ones hold anything */
	unsigned nr_filled;
	u64 filled[];      /* bitmap */
};

/* A site of this mapping has been patched. */
void patch_cache_add(const struct vma *vma, u32 slot);
/* True once: this text is mapped for the second time. */
bool patch_cache_second_time(const struct vma *vma);
/* Shows a fresh mapping of text with what is known about it. Drops the kernel lock; mmap_lock is held. */
void patch_cache_apply(struct vma *vma);
static inline struct text_copy *text_copy_get(struct text_copy *copy)
{
	if (copy)
		refcount_inc(&copy->count);
	return copy;
}
void text_copy_put(struct text_copy *copy);

#endif
