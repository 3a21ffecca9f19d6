// SPDX-License-Identifier: Apache-2.0
/* Memory mapping system calls: mmap(2), munmap(2), mprotect(2), mremap(2), madvise(2), brk(2), msync(2), mlock(2), mincore(2). */
#include <linux/mman.h>
#include <linux/sched.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/patch_cache.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include "syscalls.gen.h"

long sys_mmap(u64 addr, u64 length, unsigned prot, unsigned flags, int fd, s64 offset)
{
	struct file *file = NULL;
	u64 result;

	if ((u64)offset & ~PAGE_MASK)
		return -EINVAL;
	if (!length)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		file = fget((unsigned)fd);
		if (!file)
			return -EBADF;
	}
	result = do_mmap(file, addr, length, prot, flags, (u64)offset);
	if (file)
		file_put(file);
	return (long)result;
}

long sys_munmap(u64 addr, size_t length) { return do_munmap(addr, length); }
long sys_mprotect(u64 addr, u64 length, unsigned prot) { return do_mprotect(addr, length, prot); }

static int brk_grow(struct mm_struct *mm, u64 from, u64 to)
{
	struct vma *vma, *there;
	int error;

	if (!range_is_user(from, to - from) || mm->nr_vmas >= 65530)
		return -ENOMEM;
	there = vma_find(mm, from);
	if (there && there->start < to)
		return -ENOMEM;
	if ((mm->total_vm << PAGE_SHIFT) + (to - from) > rlimit(RLIMIT_AS) || to - mm->start_brk > rlimit(RLIMIT_DATA))
		return -ENOMEM;
	vma = vma_insert(mm, from, to);
	if (!vma)
		return -ENOMEM;
	vma->prot = PROT_READ | PROT_WRITE;
	vma->backing = VMA_ANON;
	vma->name = "[heap]";
	error = vma_map_host(vma, from, to, 0);
	if (error) {
		vma_free(vma);
		return error;
	}
	vma_account(mm, vma, 1);
	vma_merge_around(mm, vma);
	return 0;
}

long sys_brk(u64 brk)
{
	struct mm_struct *mm = current->mm;
	u64 old_end, new_end;

	mutex_lock(&mm->mmap_lock);
	old_end = PAGE_ALIGN(mm->brk);
	new_end = PAGE_ALIGN(brk);
	if (brk < mm->start_brk || brk > USER_MAX)
		goto out;
	if (new_end < old_end) {
		if (vma_split_at(mm, new_end) || vma_split_at(mm, old_end))
			goto out;
		kernel_unlock();
		host_munmap(new_end, old_end - new_end);
		kernel_lock();
		vma_remove_range(mm, new_end, old_end);
	} else if (new_end > old_end && brk_grow(mm, old_end, new_end)) {
		goto out;
	}
	mm->brk = brk;
out:
	mutex_unlock(&mm->mmap_lock);
	return (long)mm->brk;
}

/*
 * Moves what the program wrote, when the host cannot move the mapping in one piece. What is beyond the end of a file is
 * accessible at neither place and stays so.
 */
static int copy_mapping(struct vma *vma, u64 from, u64 to, u64 length)
{
	unsigned prot = vma->prot;
	u64 end = vma->end;
	int error;

	vma->prot = PROT_READ | PROT_WRITE;
	error = vma_map_host(vma, vma->start, vma->end, 0);
	vma->prot = prot;
	if (error)
		return error;
	if (vma->backing == VMA_PAGES && vma->object->ops->end) {
		u64 first = vma->file_offset >> PAGE_SHIFT, last = vma->object->ops->end(vma->object);

		end = min(end, vma->start + (last > first ? min(last - first, (end - vma->start) >> PAGE_SHIFT) << PAGE_SHIFT : 0));
		length = min(length, end - vma->start);
	}
	kernel_unlock();
	host_mprotect(from, length, PROT_READ);
	kernel_lock();
	for (u64 done = 0; done < length; done += PAGE_SIZE) {
		char page[512];

		for (u64 i = 0; i < PAGE_SIZE; i += sizeof(page))
			if (copy_from_user(page, user_ptr_at(from + done + i), sizeof(page)) ||
			    copy_to_user(user_ptr_at(to + done + i), page, sizeof(page)))
				return -EFAULT;
	}
	kernel_unlock();
	host_mprotect(vma->start, end - vma->start, (int)prot);
	kernel_lock();
	return 0;
}

/* A vma like `vma` at `to`, `new_length` long, with the contents moved there. mmap_lock held; vma is exactly the old range. */
static long move_mapping(struct vma *vma, u64 to, u64 new_length, bool keep_old)
{
	struct mm_struct *mm = vma->mm;
	u64 from = vma->start, old_length = vma->end - vma->start;
	struct vma *moved = vma_insert(mm, to, to + new_length);
	long result;
	int error = 0;

	if (!moved)
		return -ENOMEM;
	moved->prot = vma->prot;
	moved->max_prot = vma->max_prot;
	moved->flags = vma->flags;
	moved->file_offset = vma->file_offset;
	moved->backing = vma->backing;
	moved->host_fd = vma->host_fd;
	moved->name = vma->name;
	moved->text = text_copy_get(vma->text);
	moved->object = vma->object;
	if (moved->object) {
		moved->object->ops->get(moved->object);
		if (moved->object->ops->map)
			error = moved->object->ops->map(moved->object, (moved->flags & VM_SHARED) && (moved->max_prot & PROT_WRITE));
	}
	moved->file = vma->file ? file_get(vma->file) : NULL;
	if (!error && moved->backing == VMA_PAGES && (moved->flags & VM_SHARED)) {
		error = vma_map_host(moved, to, to + new_length, 0);
	} else if (!error) {
		kernel_unlock();
		result = host_mremap(from, old_length, new_length, MREMAP_MAYMOVE | MREMAP_FIXED | (keep_old ? MREMAP_DONTUNMAP : 0), to);
		kernel_lock();
		if ((u64)result != to)
			error = keep_old ? (int)result : copy_mapping(moved, from, to, min(old_length, new_length));
	}
	if (error) {
		vma_free(moved);
		return error;
	}
	vma_account(mm, moved, 1);
	if (!keep_old) {
		kernel_unlock();
		host_munmap(from, old_length);
		kernel_lock();
		vma_remove_range(mm, from, from + old_length);
	}
	vma_merge_around(mm, moved);
	return (long)to;
}

static bool room_after(struct mm_struct *mm, struct vma *vma, u64 end)
{
	struct vma *next = vma_next(vma);

	return range_is_user(vma->start, end - vma->start) && (!next || next->start >= end);
}

static long grow_in_place(struct vma *vma, u64 end)
{
	u64 old_end = vma->end;
	int error;

	vma->end = end;
	error = vma_map_host(vma, old_end, end, 0);
	vma->end = old_end;
	if (error)
		return error;
	vma_account(vma->mm, vma, -1);
	vma->end = end;
	vma_account(vma->mm, vma, 1);
	return 0;
}

static long remap_locked(u64 old, u64 old_length, u64 new_length, int flags, u64 new_address)
{
	struct mm_struct *mm = current->mm;
	struct vma *vma = vma_find(mm, old);
	u64 to;
	long error;

	if (!vma || vma->start > old)
		return -EFAULT;
	if (!old_length) {
		if (!(vma->flags & VM_SHARED))
			return -EINVAL;
		return -EINVAL; /* second mapping of shared pages: not offered */
	}
	if (vma->end < old + old_length)
		return -EFAULT;
	if (new_length > old_length &&
	    (mm->total_vm << PAGE_SHIFT) + (new_length - old_length) > rlimit(RLIMIT_AS))
		return -ENOMEM;
	if (new_length <= old_length && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
		if (new_length < old_length) {
			if (vma_split_at(mm, old + new_length) || vma_split_at(mm, old + old_length))
				return -ENOMEM;
			kernel_unlock();
			host_munmap(old + new_length, old_length - new_length);
			kernel_lock();
			vma_remove_range(mm, old + new_length, old + old_length);
		}
		return (long)old;
	}
	if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && vma->end == old + old_length && room_after(mm, vma, old + new_length)) {
		error = grow_in_place(vma, old + new_length);
		return error ? error : (long)old;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (flags & MREMAP_FIXED) {
		to = new_address;
		if ((to & ~PAGE_MASK) || !range_is_user(to, new_length) || to < USER_MIN ||
		    (to < old + old_length && old < to + new_length))
			return -EINVAL;
		if (vma_split_at(mm, to) || vma_split_at(mm, to + new_length))
			return -ENOMEM;
		vma_remove_range(mm, to, to + new_length);
	} else {
		to = vma_find_gap(mm, new_length, flags & MREMAP_DONTUNMAP ? new_address : 0);
		if (!to)
			return -ENOMEM;
	}
	if (vma_split_at(mm, old) || vma_split_at(mm, old + old_length))
		return -ENOMEM;
	return move_mapping(vma_find(mm, old), to, new_length, flags & MREMAP_DONTUNMAP);
}

long sys_mremap(u64 old_address, u64 old_length, u64 new_length, unsigned flags, u64 new_address)
{
	long result;

	if (flags & ~(unsigned)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && old_length != new_length)
		return -EINVAL;
	old_length = PAGE_ALIGN(old_length);
	new_length = PAGE_ALIGN(new_length);
	if ((old_address & ~PAGE_MASK) || !new_length || !range_is_user(old_address, old_length))
		return -EINVAL;
	mutex_lock(&current->mm->mmap_lock);
	result = remap_locked(old_address, old_length, new_length, (int)flags, new_address);
	mutex_unlock(&current->mm->mmap_lock);
	return result;
}

static long advise_vma(struct vma *vma, u64 start, u64 end, int advice)
{
	long result;

	switch (advice) {
	case MADV_DONTFORK:
		vma->flags |= VM_DONTFORK;
		return 0;
	case MADV_DOFORK:
		vma->flags &= ~(unsigned)VM_DONTFORK;
		return 0;
	case MADV_WIPEONFORK:
		if (vma->backing != VMA_ANON || vma->file || vma->flags & VM_SHARED)
			return -EINVAL;
		vma->flags |= VM_WIPEONFORK;
		return 0;
	case MADV_KEEPONFORK:
		vma->flags &= ~(unsigned)VM_WIPEONFORK;
		return 0;
	case MADV_DONTDUMP:
		vma->flags |= VM_DONTDUMP;
		return 0;
	case MADV_DODUMP:
		vma->flags &= ~(unsigned)VM_DONTDUMP;
		return 0;
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTNEED: case MADV_FREE:
	case MADV_HUGEPAGE: case MADV_NOHUGEPAGE: case MADV_COLD: case MADV_PAGEOUT: case MADV_POPULATE_READ: case MADV_POPULATE_WRITE:
		break;
	default:
		return -EINVAL;
	}
	if (advice == MADV_FREE && (vma->backing != VMA_ANON || (vma->flags & VM_SHARED)))
		return -EINVAL;
	if ((advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_PAGEOUT) && (vma->flags & VM_LOCKED))
		return -EINVAL;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return mm_populate(start, end, advice);
	kernel_unlock();
	result = host_madvise(start, end - start, advice);
	kernel_lock();
	/* Text from the patch cache is mapped over the file: dropping private changes must not bring stale text back. */
	return result;
}

/* One host call will do for a thread's stack with its guard page: how far the advice can go at once. */
static u64 advise_together(struct vma *vma, u64 end, int advice)
{
	u64 to = vma->end;

	while (advice == MADV_DONTNEED && to < end && vma->backing == VMA_ANON && !(vma->flags & VM_LOCKED)) {
		struct vma *next = vma_find(vma->mm, to);

		if (!next || next->start != to || next->backing != VMA_ANON || (next->flags & VM_LOCKED))
			break;
		vma = next;
		to = next->end;
	}
	return min(to, end);
}

long sys_madvise(u64 addr, size_t length, int advice)
{
	struct mm_struct *mm = current->mm;
	u64 end = addr + PAGE_ALIGN(length), at = addr;
	bool holes = false;
	long result = 0;

	if ((addr & ~PAGE_MASK) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (!range_is_user(addr, end - addr))
		return -ENOMEM;
	mutex_lock(&mm->mmap_lock);
	if (advice == MADV_DONTFORK || advice == MADV_DOFORK || advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK) {
		if (vma_split_at(mm, addr) || vma_split_at(mm, end))
			result = -ENOMEM;
	}
	while (at < end && !result) {
		struct vma *vma = vma_find(mm, at);
		u64 to;

		if (!vma || vma->start >= end) {
			holes = true;
			break;
		}
		if (vma->start > at) {
			holes = true;
			at = vma->start;
		}
		to = advise_together(vma, end, advice);
		result = advise_vma(vma, at, to, advice);
		at = to;
	}
	if (!result && holes)
		result = -ENOMEM;
	mutex_unlock(&mm->mmap_lock);
	return result;
}

static bool range_mapped(struct mm_struct *mm, u64 start, u64 end)
{
	while (start < end) {
		struct vma *vma = vma_find(mm, start);

		if (!vma || vma->start > start)
			return false;
		start = vma->end;
	}
	return true;
}

long sys_msync(u64 addr, size_t length, int flags)
{
	struct mm_struct *mm = current->mm;
	u64 end = addr + PAGE_ALIGN(length), at = addr;
	long result = 0;

	if ((flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) || ((flags & MS_ASYNC) && (flags & MS_SYNC)) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	mutex_lock(&mm->mmap_lock);
	while (at < end) {
		struct vma *vma = vma_find(mm, at);

		if (!vma || vma->start >= end || vma->start > at)
			result = -ENOMEM;
		if (!vma || vma->start >= end)
			break;
		if ((flags & MS_SYNC) && (vma->flags & VM_SHARED) && vma->file && vma->file->ops->fsync) {
			struct file *file = file_get(vma->file);

			at = vma->end;
			mutex_unlock(&mm->mmap_lock);
			long error = file->ops->fsync(file, true);
			file_put(file);
			mutex_lock(&mm->mmap_lock);
			if (error)
				result = error;
			continue;
		}
		at = vma->end;
	}
	mutex_unlock(&mm->mmap_lock);
	return result;
}

static long lock_range(u64 addr, size_t length, bool lock)
{
	struct mm_struct *mm = current->mm;
	u64 start = addr & PAGE_MASK, end = PAGE_ALIGN(addr + length);
	long result = 0;

	if (end < start)
		return -EINVAL;
	if (start == end)
		return 0;
	if (lock && (mm->locked_vm << PAGE_SHIFT) + (end - start) > rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return rlimit(RLIMIT_MEMLOCK) ? -ENOMEM : -EPERM;
	mutex_lock(&mm->mmap_lock);
	if (!range_is_user(start, end - start) || !range_mapped(mm, start, end))
		result = -ENOMEM;
	else if (vma_split_at(mm, start) || vma_split_at(mm, end))
		result = -ENOMEM;
	for (struct vma *vma = vma_find(mm, start); !result && vma && vma->start < end; vma = vma_next(vma)) {
		vma_account(mm, vma, -1);
		vma->flags = lock ? vma->flags | VM_LOCKED : vma->flags & ~(unsigned)VM_LOCKED;
		vma_account(mm, vma, 1);
	}
	mutex_unlock(&mm->mmap_lock);
	if (!result && lock)
		mm_populate(start, end, MADV_POPULATE_READ);
	return result;
}

long sys_mlock(u64 addr, size_t length) { return lock_range(addr, length, true); }
long sys_munlock(u64 addr, size_t length) { return lock_range(addr, length, false); }

long sys_mlock2(u64 addr, size_t length, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(addr, length, true);
}

long sys_mlockall(int flags)
{
	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!capable(CAP_IPC_LOCK) && current->mm->total_vm << PAGE_SHIFT > rlimit(RLIMIT_MEMLOCK))
		return rlimit(RLIMIT_MEMLOCK) ? -ENOMEM : -EPERM;
	return 0;
}

long sys_munlockall(void)
{
	struct mm_struct *mm = current->mm;

	mutex_lock(&mm->mmap_lock);
	for (struct vma *vma = vma_find(mm, 0); vma; vma = vma_next(vma)) {
		vma_account(mm, vma, -1);
		vma->flags &= ~(unsigned)VM_LOCKED;
		vma_account(mm, vma, 1);
	}
	mutex_unlock(&mm->mmap_lock);
	return 0;
}

long sys_mincore(u64 addr, size_t length, user_ptr vec)
{
	struct mm_struct *mm = current->mm;
	u64 pages = PAGE_ALIGN(length) >> PAGE_SHIFT;
	char ones[256];
	bool mapped;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!range_is_user(addr, length))
		return -ENOMEM;
	mutex_lock(&mm->mmap_lock);
	mapped = range_mapped(mm, addr, addr + PAGE_ALIGN(length));
	mutex_unlock(&mm->mmap_lock);
	if (!mapped)
		return -ENOMEM;
	memset(ones, 1, sizeof(ones));
	for (u64 i = 0; i < pages; i += sizeof(ones))
		if (copy_to_user(user_ptr_add(vec, i), ones, min(pages - i, sizeof(ones))))
			return -EFAULT;
	return 0;
}
