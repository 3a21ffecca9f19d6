// SPDX-License-Identifier: Apache-2.0
/* The tree of vmas of an address space: finding, splitting, merging, gaps. mmap_lock is held by the caller. */
#include "kernel/mm/internal.h"

#include <linux/sched.h>

#include "kernel/arch/x86_64/patch_cache.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

static bool starts_before(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct vma, node)->start < rb_entry(b, struct vma, node)->start;
}

struct vma *vma_find(struct mm_struct *mm, u64 address)
{
	struct rb_node *node = mm->vmas.node;
	struct vma *found = NULL;

	while (node) {
		struct vma *vma = rb_entry(node, struct vma, node);

		if (vma->end > address) {
			found = vma;
			if (vma->start <= address)
				break;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

struct vma *vma_next(struct vma *vma) { return rb_entry_or_null(rb_next(&vma->node), struct vma, node); }
struct vma *vma_prev(struct vma *vma) { return rb_entry_or_null(rb_prev(&vma->node), struct vma, node); }

void vma_account(struct mm_struct *mm, struct vma *vma, int sign)
{
	s64 pages = (s64)((vma->end - vma->start) >> PAGE_SHIFT) * sign;

	mm->total_vm += (u64)pages;
	if (mm->total_vm > mm->peak_vm)
		mm->peak_vm = mm->total_vm;
	if (vma->flags & VM_LOCKED)
		mm->locked_vm += (u64)pages;
	if (vma->flags & VM_GROWSDOWN)
		mm->stack_vm += (u64)pages;
	else if ((vma->prot & PROT_WRITE) && !(vma->flags & VM_SHARED))
		mm->data_vm += (u64)pages;
}

struct vma *vma_insert(struct mm_struct *mm, u64 start, u64 end)
{
	struct vma *vma = kzalloc(sizeof(*vma));

	if (!vma)
		return NULL;
	vma->start = start;
	vma->end = end;
	vma->mm = mm;
	vma->host_fd = -1;
	vma->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
	rb_add(&mm->vmas, &vma->node, starts_before);
	mm->nr_vmas++;
	return vma;
}

static bool shared_writable(const struct vma *vma)
{
	return (vma->flags & VM_SHARED) && (vma->max_prot & PROT_WRITE);
}

static void vma_drop_refs(struct vma *vma)
{
	if (vma->object) {
		if (vma->object->ops->unmap)
			vma->object->ops->unmap(vma->object, shared_writable(vma));
		vma->object->ops->put(vma->object);
	}
	if (vma->file)
		file_put(vma->file);
	text_copy_put(vma->text);
}

void vma_free(struct vma *vma)
{
	rb_erase(&vma->mm->vmas, &vma->node);
	vma->mm->nr_vmas--;
	vma_drop_refs(vma);
	kfree(vma);
}

static struct vma *vma_clone(struct mm_struct *mm, const struct vma *from, u64 start, u64 end)
{
	struct vma *vma = vma_insert(mm, start, end);

	if (!vma)
		return NULL;
	vma->prot = from->prot;
	vma->max_prot = from->max_prot;
	vma->flags = from->flags;
	vma->file_offset = from->file_offset + (start - from->start);
	vma->backing = from->backing;
	vma->host_fd = from->host_fd;
	vma->name = from->name;
	vma->text = text_copy_get(from->text);
	if (from->object) {
		vma->object = from->object;
		vma->object->ops->get(vma->object);
		if (vma->object->ops->map && vma->object->ops->map(vma->object, shared_writable(vma)) < 0)
			printk(KERN_WARNING, "a mapped object refuses a second mapping");
	}
	if (from->file)
		vma->file = file_get(from->file);
	return vma;
}

int vma_split_at(struct mm_struct *mm, u64 address)
{
	struct vma *vma = vma_find(mm, address);
	u64 end;

	if (!vma || vma->start >= address)
		return 0;
	end = vma->end;
	/* Shorten first: the clone must not overlap. */
	if (!vma_clone(mm, vma, address, end))
		return -ENOMEM;
	vma->end = address;
	return 0;
}

void vma_remove_range(struct mm_struct *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find(mm, start);

	while (vma && vma->start < end) {
		struct vma *next = vma_next(vma);

		vma_account(mm, vma, -1);
		vma_free(vma);
		vma = next;
	}
}

static bool can_merge(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags && a->backing == b->backing &&
	       a->file == b->file && a->object == b->object && a->host_fd == b->host_fd && a->name == b->name &&
	       a->max_prot == b->max_prot && a->text == b->text &&
	       (a->backing == VMA_ANON || a->file_offset + (a->end - a->start) == b->file_offset);
}

static struct vma *merge(struct vma *a, struct vma *b)
{
	u64 end = b->end;

	vma_free(b);
	a->end = end;
	return a;
}

void vma_merge_around(struct mm_struct *mm, struct vma *vma)
{
	struct vma *prev = vma_prev(vma), *next = vma_next(vma);

	if (next && can_merge(vma, next))
		merge(vma, next);
	if (prev && can_merge(prev, vma))
		merge(prev, vma);
}

bool range_is_user(u64 address, u64 length)
{
	u64 end = address + length;

	return end >= address && end <= USER_MAX && (end <= KERNEL_RANGE_START || address >= KERNEL_RANGE_END) &&
	       (end <= SITE_TABLE_START || address >= SITE_TABLE_END);
}

/* The highest gap of `length` bytes below `limit` and above `floor`; 0: none. */
static u64 gap_below(struct mm_struct *mm, u64 length, u64 floor, u64 limit)
{
	u64 end = limit;
	struct vma *vma = vma_find(mm, limit - 1);

	if (!vma)
		vma = rb_entry_or_null(rb_last(&mm->vmas), struct vma, node);
	for (; vma; vma = vma_prev(vma)) {
		if (vma->start >= end)
			continue;
		if (vma->end <= end && end - vma->end >= length)
			break;
		end = min(end, vma->start);
		if (end < floor + length)
			return 0;
	}
	return end >= floor + length ? end - length : 0;
}

static bool is_free(struct mm_struct *mm, u64 address, u64 length)
{
	struct vma *vma;

	if (address < USER_MIN || !range_is_user(address, length))
		return false;
	vma = vma_find(mm, address);
	return !vma || vma->start >= address + length;
}

u64 vma_find_low_gap(struct mm_struct *mm, u64 length, u64 hint)
{
	u64 address = LOW_MAP_START;
	struct vma *vma;

	if (length > LOW_MAP_END)
		return 0;
	if (hint <= LOW_MAP_END - length && is_free(mm, hint, length))
		return hint;
	while (address + length <= LOW_MAP_END) {
		if (!range_is_user(address, length)) {
			address = SITE_TABLE_END;
			continue;
		}
		vma = vma_find(mm, address);
		if (!vma || vma->start >= address + length)
			return address;
		address = vma->end;
	}
	return 0;
}

u64 vma_find_gap(struct mm_struct *mm, u64 length, u64 hint)
{
	u64 address;

	if (is_free(mm, hint, length))
		return hint;
	address = gap_below(mm, length, KERNEL_RANGE_END, mm->mmap_base);
	if (!address)
		address = gap_below(mm, length, SITE_TABLE_END, KERNEL_RANGE_START);
	if (!address)
		address = gap_below(mm, length, USER_MIN, SITE_TABLE_START);
	return address;
}

/*
 * What the child is not to have (MADV_DONTFORK), though the host's fork has copied it: keeps the range until mm_shape_child() has taken it
 * away. It refers to nothing: for the object behind it the child never had a mapping.
 */
static struct vma *vma_placeholder(struct mm_struct *mm, const struct vma *from)
{
	struct vma *vma = vma_insert(mm, from->start, from->end);

	if (vma) {
		vma->prot = PROT_NONE;
		vma->flags = VM_DONTFORK;
	}
	return vma;
}

int mm_copy_vmas(struct mm_struct *to, struct mm_struct *from)
{
	struct rb_node *node;

	for (node = rb_first(&from->vmas); node; node = rb_next(node)) {
		struct vma *vma = rb_entry(node, struct vma, node), *copy;

		copy = vma->flags & VM_DONTFORK ? vma_placeholder(to, vma) : vma_clone(to, vma, vma->start, vma->end);
		if (!copy)
			return -ENOMEM;
		copy->flags &= ~(unsigned)VM_LOCKED;
		vma_account(to, copy, 1);
	}
	return 0;
}

void mm_drop_vmas(struct mm_struct *mm)
{
	while (!rb_empty(&mm->vmas))
		vma_free(rb_entry(rb_first(&mm->vmas), struct vma, node));
	mm->total_vm = mm->locked_vm = mm->data_vm = mm->stack_vm = 0;
}
