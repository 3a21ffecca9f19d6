// SPDX-License-Identifier: Apache-2.0
/*
 * Making, changing and removing mappings. The kernel decides, the host executes in the calling process: one host call each
 * where the backing is in one piece.
 */
#include "kernel/mm/internal.h"

#include <linux/mount.h>
#include <linux/sched.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/patch_cache.h"
#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/carrier.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define MAX_MAP_COUNT 65530

static u64 host_map(u64 start, u64 length, unsigned prot, unsigned flags, int fd, u64 offset)
{
	return (u64)host_mmap(start, length, (int)prot, (int)flags, fd, offset);
}

/* Pages of an object, one host mapping per run of pages that stand together; beyond the end of the file nothing is accessible. */
static int map_object(struct vma *vma, u64 start, u64 end, unsigned host_flags)
{
	unsigned flags = host_flags | MAP_FIXED | (vma->flags & VM_SHARED ? MAP_SHARED : MAP_PRIVATE);

	while (start < end) {
		u64 index = (vma->file_offset + (start - vma->start)) >> PAGE_SHIFT, run = 0;
		page_t first;
		int error = vma->object->ops->extent(vma->object, index, (end - start) >> PAGE_SHIFT, &first, &run);
		long result;

		if (error == -ERANGE) {
			kernel_unlock();
			result = (long)host_map(start, end - start, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
			kernel_lock();
			return (u64)result == start ? 0 : (int)result;
		}
		if (error)
			return error;
		kernel_unlock();
		result = (long)host_map(start, run << PAGE_SHIFT, vma->prot, flags, boot->pages_fd, page_offset(first));
		kernel_lock();
		if ((u64)result != start)
			return (int)result;
		start += run << PAGE_SHIFT;
	}
	return 0;
}

int vma_map_host(struct vma *vma, u64 start, u64 end, unsigned host_flags)
{
	unsigned flags = host_flags | MAP_FIXED | MAP_NORESERVE;
	int fd = -1;
	u64 offset = 0, result;

	if (vma->backing == VMA_PAGES)
		return map_object(vma, start, end, host_flags);
	if (vma->backing == VMA_ANON) {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	} else {
		flags |= vma->flags & VM_SHARED ? MAP_SHARED : MAP_PRIVATE;
		fd = vma->host_fd;
		offset = vma->file_offset + (start - vma->start);
	}
	kernel_unlock();
	result = host_map(start, end - start, vma->prot, flags, fd, offset);
	kernel_lock();
	return result == start ? 0 : (int)result;
}

static int check_limits(struct mm_struct *mm, u64 length, unsigned prot, unsigned flags)
{
	if (mm->nr_vmas >= MAX_MAP_COUNT)
		return -ENOMEM;
	if ((mm->total_vm << PAGE_SHIFT) + length > rlimit(RLIMIT_AS))
		return -ENOMEM;
	if ((prot & PROT_WRITE) && (flags & MAP_PRIVATE) && (mm->data_vm << PAGE_SHIFT) + length > rlimit(RLIMIT_DATA))
		return -ENOMEM;
	if (boot->memory_limit && length > boot->memory_limit && !(flags & MAP_NORESERVE) && (prot & PROT_WRITE))
		return -ENOMEM;
	if ((flags & MAP_LOCKED) && (mm->locked_vm << PAGE_SHIFT) + length > rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EAGAIN;
	return 0;
}

/* Where the mapping goes; negative errno. */
static u64 choose_address(struct mm_struct *mm, u64 address, u64 length, unsigned flags)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		struct vma *there;

		if (address & ~PAGE_MASK)
			return (u64)-EINVAL;
		if (address < USER_MIN)
			return (u64)-EPERM;
		if (!range_is_user(address, length))
			return (u64)-ENOMEM;
		there = vma_find(mm, address);
		if ((flags & MAP_FIXED_NOREPLACE) && there && there->start < address + length)
			return (u64)-EEXIST;
		return address;
	}
	address = flags & MAP_32BIT ? vma_find_low_gap(mm, length, PAGE_ALIGN(address)) : vma_find_gap(mm, length, PAGE_ALIGN(address));
	return address ? address : (u64)-ENOMEM;
}

static int fill_backing(struct vma *vma, struct file *file, struct page_object *object, unsigned flags)
{
	int error = 0;

	if (flags & MAP_SHARED)
		vma->flags |= VM_SHARED;
	if (flags & MAP_NORESERVE)
		vma->flags |= VM_NORESERVE;
	if (flags & MAP_LOCKED)
		vma->flags |= VM_LOCKED;
	if (flags & MAP_GROWSDOWN)
		vma->flags |= VM_GROWSDOWN;
	if (object) {
		vma_set_object(vma, object);
	} else if (file) {
		vma->file = file_get(file);
		if (!file->writable && (flags & MAP_SHARED))
			vma->max_prot &= ~(unsigned)PROT_WRITE;
		error = file->ops->mmap(file, vma);
	} else if (flags & MAP_SHARED) {
		vma->object = page_object_anon();
		if (!vma->object)
			return -ENOMEM;
		vma->backing = VMA_PAGES;
	}
	if (!error && vma->object && vma->object->ops->map)
		error = vma->object->ops->map(vma->object, (vma->flags & VM_SHARED) && (vma->max_prot & PROT_WRITE));
	return error;
}

static int check_file(struct file *file, unsigned prot, unsigned flags)
{
	if (!file->ops->mmap)
		return -ENODEV;
	if (!file->readable)
		return -EACCES;
	if ((flags & MAP_SHARED) && (prot & PROT_WRITE) && !file->writable)
		return -EACCES;
	if ((prot & PROT_EXEC) && (file->path.mount->flags & MS_NOEXEC))
		return -EPERM;
	return 0;
}

/* What stood there goes: in our tree, and in the host by the MAP_FIXED that follows. */
static int make_room(struct mm_struct *mm, u64 start, u64 end)
{
	struct vma *there = vma_find(mm, start);

	if (!there || there->start >= end)
		return 0;
	if (vma_split_at(mm, start) || vma_split_at(mm, end))
		return -ENOMEM;
	vma_remove_range(mm, start, end);
	return 0;
}

static u64 map_locked(struct file *file, struct page_object *object, u64 address, u64 length, unsigned prot, unsigned flags,
		      u64 offset)
{
	struct mm_struct *mm = current->mm;
	struct vma *vma;
	int error = check_limits(mm, length, prot, flags);
	u64 start;

	if (error)
		return (u64)(s64)error;
	start = choose_address(mm, address, length, flags);
	if ((s64)start < 0)
		return start;
	error = make_room(mm, start, start + length);
	if (error)
		return (u64)(s64)error;
	vma = vma_insert(mm, start, start + length);
	if (!vma)
		return (u64)-ENOMEM;
	vma->prot = prot;
	vma->file_offset = offset;
	error = fill_backing(vma, file, object, flags);
	if (!error) {
		vma_account(mm, vma, 1);
		error = vma_map_host(vma, start, start + length, flags & (MAP_POPULATE | MAP_STACK));
		if (error)
			vma_account(mm, vma, -1);
	}
	if (error) {
		kernel_unlock();
		host_munmap(start, length);
		kernel_lock();
		vma_free(vma);
		return (u64)(s64)error;
	}
	if (prot & PROT_EXEC)
		patch_cache_apply(vma);
	vma_merge_around(mm, vma);
	return start;
}

long mm_populate(u64 start, u64 end, int advice)
{
	long error = 0;

	while (start < end && !error) {
		u64 n = min(end - start, POPULATE_STEP);

		if (fatal_signal_pending(current))
			return -EINTR;
		kernel_unlock();
		error = host_madvise(start, n, advice);
		kernel_lock();
		start += n;
		cond_resched();
	}
	return error;
}

static u64 map_common(struct file *file, struct page_object *object, u64 address, u64 length, unsigned prot, unsigned flags,
		      u64 offset)
{
	u64 result;

	length = PAGE_ALIGN(length);
	if (!length)
		return (u64)-EINVAL;
	if (length > USER_MAX || offset + length < offset)
		return (u64)(length > USER_MAX ? -ENOMEM : -EOVERFLOW);
	mutex_lock(&current->mm->mmap_lock);
	result = map_locked(file, object, address, length, prot, length > POPULATE_STEP ? flags & ~(unsigned)MAP_POPULATE : flags, offset);
	mutex_unlock(&current->mm->mmap_lock);
	if ((flags & MAP_POPULATE) && length > POPULATE_STEP && (s64)result >= 0)
		mm_populate(result, result + length,
			    prot & PROT_WRITE && !(flags & MAP_SHARED) ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	return result;
}

u64 do_mmap(struct file *file, u64 address, u64 length, unsigned prot, unsigned flags, u64 offset)
{
	int error = 0;

	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		break;
	case MAP_SHARED_VALIDATE:
		if (flags & MAP_SYNC)
			return (u64)-EOPNOTSUPP;
		flags = (flags & ~(unsigned)MAP_TYPE) | MAP_SHARED;
		break;
	case MAP_SHARED:
		break;
	default:
		return (u64)-EINVAL;
	}
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	if (flags & MAP_HUGETLB)
		return (u64)-ENOMEM;
	if (file)
		error = check_file(file, prot, flags);
	if (error)
		return (u64)(s64)error;
	return map_common(file, NULL, address, length, prot, flags, file ? offset : 0);
}

u64 do_mmap_object(struct page_object *object, u64 address, u64 length, unsigned prot, unsigned flags, u64 offset)
{
	return map_common(NULL, object, address, length, prot, flags, offset);
}

static int unmap_locked(u64 address, u64 length)
{
	struct mm_struct *mm = current->mm;
	struct vma *vma = vma_find(mm, address);

	if (!vma || vma->start >= address + length)
		return 0;
	if (vma->start < address && vma->end > address + length && mm->nr_vmas >= MAX_MAP_COUNT)
		return -ENOMEM;
	if (vma_split_at(mm, address) || vma_split_at(mm, address + length))
		return -ENOMEM;
	/* The host first: the address range must not be handed out while it is still mapped. mmap_lock sees to that. */
	kernel_unlock();
	host_munmap(address, length);
	kernel_lock();
	vma_remove_range(mm, address, address + length);
	return 0;
}

int do_munmap(u64 address, u64 length)
{
	int error;

	if ((address & ~PAGE_MASK) || !length || length > USER_MAX)
		return -EINVAL;
	length = PAGE_ALIGN(length);
	if (!range_is_user(address, length))
		return -EINVAL;
	mutex_lock(&current->mm->mmap_lock);
	error = unmap_locked(address, length);
	mutex_unlock(&current->mm->mmap_lock);
	return error;
}

static int protect_vma(struct vma *vma, u64 start, u64 end, unsigned prot)
{
	struct mm_struct *mm = vma->mm;
	long result;

	if (prot & ~vma->max_prot)
		return -EACCES;
	if (vma->prot == prot)
		return 0;
	vma_account(mm, vma, -1);
	vma->prot = prot;
	vma_account(mm, vma, 1);
	if (vma->backing == VMA_PAGES && vma->object->ops->end) { /* what is beyond the end of the file stays inaccessible */
		u64 first = (vma->file_offset + (start - vma->start)) >> PAGE_SHIFT, last = vma->object->ops->end(vma->object);

		if (last <= first)
			return 0;
		end = min(end, start + (min(last - first, (end - start) >> PAGE_SHIFT) << PAGE_SHIFT));
	}
	kernel_unlock();
	result = host_mprotect(start, end - start, (int)prot);
	kernel_lock();
	return (int)result;
}

static int protect_locked(u64 start, u64 end, unsigned prot)
{
	struct mm_struct *mm = current->mm;
	u64 at = start;

	if (vma_split_at(mm, start) || vma_split_at(mm, end))
		return -ENOMEM;
	while (at < end) {
		struct vma *vma = vma_find(mm, at);
		u64 next;
		int error;

		if (!vma || vma->start > at)
			return -ENOMEM;
		next = vma->end;
		error = protect_vma(vma, vma->start, vma->end, prot);
		if (error)
			return error;
		vma_merge_around(mm, vma);
		at = next;
	}
	return 0;
}

int do_mprotect(u64 address, u64 length, unsigned prot)
{
	int error;

	if (address & ~PAGE_MASK)
		return -EINVAL;
	prot &= ~(unsigned)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (prot & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	length = PAGE_ALIGN(length);
	if (!length)
		return 0;
	if (!range_is_user(address, length))
		return -ENOMEM;
	mutex_lock(&current->mm->mmap_lock);
	error = protect_locked(address, address + length, prot);
	mutex_unlock(&current->mm->mmap_lock);
	return error;
}

/* ---- objects that change under their mappings ---- */

struct refresh {
	struct mm_struct *mm;
	struct page_object *object;
	u64 first, nr;
};

static u64 mm_refresh_pass;

static bool mm_maps_object(struct mm_struct *mm, struct page_object *object)
{
	for (struct rb_node *node = rb_first(&mm->vmas); node; node = rb_next(node))
		if (rb_entry(node, struct vma, node)->object == object)
			return true;
	return false;
}

/* In the address space itself, with mmap_lock held by the task that asked. */
static void refresh_mappings(struct refresh *r)
{
	struct rb_node *node;

	for (node = rb_first(&r->mm->vmas); node; node = rb_next(node)) {
		struct vma *vma = rb_entry(node, struct vma, node);
		u64 index = vma->file_offset >> PAGE_SHIFT, pages = (vma->end - vma->start) >> PAGE_SHIFT;
		u64 first = max(index, r->first), last = min(index + pages, r->first + r->nr);

		if (vma->object != r->object || first >= last)
			continue;
		vma_map_host(vma, vma->start + ((first - index) << PAGE_SHIFT), vma->start + ((last - index) << PAGE_SHIFT), 0);
	}
}

/* Runs without the kernel lock on a carrier of the address space. */
static void refresh_on_carrier(void *arg)
{
	kernel_lock();
	refresh_mappings(arg);
	kernel_unlock();
}

void unmap_object_range(struct page_object *object, u64 first_index, u64 nr)
{
	struct task_struct *t;
	u64 pass = ++mm_refresh_pass;

restart:
	for_each_task(t) {
		struct mm_struct *mm = t->mm;
		struct refresh r = { mm, object, first_index, min(nr, UINT64_MAX - first_index) };

		if (!mm || mm->dying || mm->refresh_pass == pass)
			continue;
		mm->refresh_pass = pass;
		if (!mm_maps_object(mm, object))
			continue;
		mm_get(mm);
		mutex_lock(&mm->mmap_lock);
		if (mm == current->mm)
			refresh_mappings(&r);
		else
			mm_run_on_carrier(mm, refresh_on_carrier, &r);
		mutex_unlock(&mm->mmap_lock);
		mm_put(mm);
		goto restart;
	}
}

/* A fault in a mapping of an object; `access`: permissions of which one is needed. The file may have grown since. True: try again. */
bool mm_fault_in(u64 address, unsigned access, bool *ret_beyond_end)
{
	struct mm_struct *mm = current->mm;
	struct vma *vma;
	bool mapped = false;

	*ret_beyond_end = false;
	mutex_lock(&mm->mmap_lock);
	vma = vma_find(mm, address);
	if (vma && vma->start <= address && vma->backing == VMA_PAGES && vma->prot & access) {
		u64 page = address & PAGE_MASK, run;
		page_t first;
		int error = vma->object->ops->extent(vma->object, (vma->file_offset + (page - vma->start)) >> PAGE_SHIFT, 1, &first, &run);

		if (error)
			*ret_beyond_end = true;
		else
			mapped = vma_map_host(vma, page, page + PAGE_SIZE, 0) == 0;
	}
	mutex_unlock(&mm->mmap_lock);
	return mapped;
}
