// SPDX-License-Identifier: Apache-2.0
/*
 * Patched text is kept and shown to the next program that maps the same file at the same address, so that a process does not
 * pay a trap, two changes of protection and a page copy for every call site again.
 *
 *   text     one per (file, offset, address, length): which call sites have been found in it
 *   copy     its pages that hold sites, with all sites patched, in one run of the page memfd; immutable once made.
 *            A mapping holds its copy. A text with sites its copy lacks gets a new copy at the next mapping.
 *
 * Pages are filled from the file, never from a program's memory. Runs of patched pages with short gaps are copied whole, so that
 * few host mappings do.
 */
#include "kernel/arch/x86_64/patch_cache.h"

#include <linux/mman.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/patch.h"
#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/vfs/vfs.h"
#include "lib/bitmap.h"

#define MAX_TEXTS 512
#define MAX_TEXT_PAGES 16384UL /* 64 MiB of text */
#define MAX_CACHED_PAGES 2048  /* 8 MiB in all copies */
#define GAP_PAGES 12

struct text {
	struct hlist_node hash;
	struct inode *inode; /* counted */
	u64 inode_version, size;
	struct timespec64 mtime;
	u64 offset, start, length;
	u32 *slots;          /* patch slots whose sites lie here */
	unsigned times;      /* asked for by patch_cache_second_time */
	unsigned nr_slots, capacity, copied_slots;
	struct text_copy *copy;
};

static struct hlist_head buckets[64];
static unsigned nr_texts, cached_pages;

static bool usable(const struct vma *vma)
{
	return vma->file && vma->backing == VMA_HOST_FILE && !(vma->flags & VM_SHARED) && (vma->prot & PROT_EXEC) &&
	       !(vma->prot & PROT_WRITE);
}

static struct hlist_head *bucket_of(const struct inode *inode, u64 start)
{
	return &buckets[hash_u64((u64)inode ^ start) % ARRAY_SIZE(buckets)];
}

static struct text *text_find(const struct vma *vma)
{
	const struct inode *inode = vma->file->inode;
	struct text *t;

	hlist_for_each_entry(t, bucket_of(inode, vma->start), hash)
		if (t->inode == inode && t->start == vma->start && t->length == vma->end - vma->start &&
		    t->offset == vma->file_offset && t->inode_version == inode->version && t->size == (u64)inode->size &&
		    t->mtime.tv_sec == inode->mtime.tv_sec && t->mtime.tv_nsec == inode->mtime.tv_nsec)
			return t;
	return NULL;
}

static struct text *text_make(const struct vma *vma)
{
	struct inode *inode = vma->file->inode;
	struct text *t;

	if (nr_texts >= MAX_TEXTS || (vma->end - vma->start) >> PAGE_SHIFT > MAX_TEXT_PAGES)
		return NULL;
	t = kzalloc(sizeof(*t));
	if (!t)
		return NULL;
	t->inode = inode_get(inode);
	t->inode_version = inode->version;
	t->size = (u64)inode->size;
	t->mtime = inode->mtime;
	t->offset = vma->file_offset;
	t->start = vma->start;
	t->length = vma->end - vma->start;
	hlist_add(&t->hash, bucket_of(inode, vma->start));
	nr_texts++;
	return t;
}

void patch_cache_add(const struct vma *vma, u32 slot)
{
	struct text *t;

	if (!usable(vma))
		return;
	t = text_find(vma);
	if (!t)
		t = text_make(vma);
	if (!t)
		return;
	for (unsigned i = 0; i < t->nr_slots; i++)
		if (t->slots[i] == slot)
			return;
	if (t->nr_slots == t->capacity) {
		unsigned capacity = t->capacity ? t->capacity * 2 : 16;
		u32 *bigger = krealloc(t->slots, capacity * sizeof(u32));

		if (!bigger)
			return;
		t->slots = bigger;
		t->capacity = capacity;
	}
	t->slots[t->nr_slots++] = slot;
}

bool patch_cache_second_time(const struct vma *vma)
{
	struct text *t;

	if (!usable(vma) || vma->mm->no_patch)
		return false;
	t = text_find(vma);
	if (!t)
		t = text_make(vma);
	return t && t->times < 2 && ++t->times == 2;
}

void text_copy_put(struct text_copy *copy)
{
	if (!copy || !refcount_dec_and_test(&copy->count))
		return;
	for (u64 i = 0; i < copy->nr_pages; i++)
		page_put(copy->first + (page_t)i);
	cached_pages -= copy->nr_filled;
	kfree(copy);
}

/* Marks the pages that hold sites, and short gaps between them. */
static unsigned mark_pages(const struct text *t, u64 *map, u64 nr_pages)
{
	unsigned filled = 0;
	u64 last = nr_pages;

	for (unsigned i = 0; i < t->nr_slots; i++) {
		u64 from = patch_slot_start(t->slots[i]) - t->start;

		bitmap_set(map, from >> PAGE_SHIFT);
		bitmap_set(map, (from + 7) >> PAGE_SHIFT);
	}
	for (u64 i = 0; i < nr_pages; i++) {
		if (!bitmap_test(map, i))
			continue;
		if (last < i && i - last <= GAP_PAGES)
			for (u64 gap = last + 1; gap < i; gap++)
				bitmap_set(map, gap);
		last = i;
	}
	for (u64 i = 0; i < nr_pages; i++)
		filled += bitmap_test(map, i);
	return filled;
}

/* Reads the marked pages from the file. False: it could not be read. May sleep. */
static bool fill_pages(const struct text *t, struct file *file, const struct text_copy *copy)
{
	for (u64 from = bitmap_next_set(copy->filled, copy->nr_pages, 0); from < copy->nr_pages;) {
		u64 to = bitmap_next_zero(copy->filled, copy->nr_pages, from);
		size_t n = (to - from) << PAGE_SHIFT;
		ssize_t got = kernel_read(file, page_address(copy->first + (page_t)from), n, (loff_t)(t->offset + (from << PAGE_SHIFT)));

		/* The last page may end with the file. */
		if (got < 0 || ((size_t)got < n && to != copy->nr_pages))
			return false;
		from = bitmap_next_set(copy->filled, copy->nr_pages, to);
	}
	return true;
}

static struct text_copy *copy_make(struct text *t, struct file *file)
{
	u64 nr_pages = t->length >> PAGE_SHIFT;
	unsigned nr_slots = t->nr_slots;
	struct text_copy *copy = kzalloc(sizeof(*copy) + BITMAP_WORDS(nr_pages) * 8);

	if (!copy)
		return NULL;
	refcount_set(&copy->count, 1);
	copy->nr_filled = mark_pages(t, copy->filled, nr_pages);
	if (cached_pages + copy->nr_filled > MAX_CACHED_PAGES || !(copy->first = page_alloc_run((unsigned)nr_pages))) {
		kfree(copy);
		return NULL;
	}
	copy->nr_pages = nr_pages;
	cached_pages += copy->nr_filled;
	if (!fill_pages(t, file, copy)) {
		text_copy_put(copy);
		return NULL;
	}
	for (unsigned i = 0; i < nr_slots; i++)
		patch_write_site((u8 *)page_address(copy->first) + (patch_slot_start(t->slots[i]) - t->start), t->slots[i]);
	t->copied_slots = nr_slots;
	return copy;
}

void patch_cache_apply(struct vma *vma)
{
	struct text *t = usable(vma) && !vma->mm->no_patch ? text_find(vma) : NULL;
	struct text_copy *copy;

	if (!t || !t->nr_slots)
		return;
	if (t->copied_slots < t->nr_slots) {
		copy = copy_make(t, vma->file);
		if (copy) {
			text_copy_put(t->copy);
			t->copy = copy;
		}
	}
	copy = t->copy;
	if (!copy)
		return;
	refcount_inc(&copy->count);
	text_copy_put(vma->text); /* an older one, its pages go by the mappings below */
	vma->text = copy;
	vma->flags |= VM_PATCHED;
	kernel_unlock();
	for (u64 from = bitmap_next_set(copy->filled, copy->nr_pages, 0); from < copy->nr_pages;) {
		u64 to = bitmap_next_zero(copy->filled, copy->nr_pages, from);

		/* If the host refuses, the file's own pages stay: slower, not wrong. */
		host_mmap(vma->start + (from << PAGE_SHIFT), (to - from) << PAGE_SHIFT, (int)vma->prot, MAP_PRIVATE | MAP_FIXED,
			  boot->pages_fd, page_offset(copy->first + (page_t)from));
		from = bitmap_next_set(copy->filled, copy->nr_pages, to);
	}
	kernel_lock();
}
