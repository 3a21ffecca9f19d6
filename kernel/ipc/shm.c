// SPDX-License-Identifier: Apache-2.0
/*
 * System V shared memory (shmget(2), shmop(2), shmctl(2)). A segment is a page object; each mapping of it counts as an
 * attach, also those that fork copies and munmap splits. After IPC_RMID a segment lives on until the last detach.
 */
#include <asm/shmbuf.h>

#include "kernel/fs/seqfile.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/object.h"
#include "syscalls.gen.h"

#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_HUGETLB 04000
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15
#define SHM_DEST 01000
#define SHM_LOCKED 02000
#define SHM_MAX (UINT64_MAX - (1UL << 24))
#define SHM_SEGMENTS 4096

struct shm_info {
	int used_ids;
	u64 total, resident, swapped, swap_attempts, swap_successes;
};

struct shm_segment {
	struct ipc_object ipc;
	struct page_object object; /* what vmas hold; its references are ipc.count */
	struct page_store *store;
	u64 size;
	u64 attached;
	s64 attach_time, detach_time, change_time;
	pid_t creator, last;
	char name[32]; /* shown in /proc/PID/maps */
};

static struct ipc_table segments = IPC_TABLE_INIT;
static u64 total_pages;
static const struct page_object_ops segment_object_ops;

static struct shm_segment *segment_of(struct page_object *object) { return container_of(object, struct shm_segment, object); }
static struct shm_segment *segment_of_ipc(struct ipc_object *ipc) { return container_of(ipc, struct shm_segment, ipc); }

static page_t segment_get_page(struct page_object *object, u64 index)
{
	struct page_object *store = &segment_of(object)->store->object;

	return store->ops->get_page(store, index);
}

static int segment_extent(struct page_object *object, u64 index, u64 nr, page_t *ret_first, u64 *ret_run)
{
	struct page_object *store = &segment_of(object)->store->object;

	return store->ops->extent(store, index, nr, ret_first, ret_run);
}

static void segment_get(struct page_object *object)
{
	ipc_get(&segment_of(object)->ipc);
}

static void segment_put(struct page_object *object)
{
	ipc_put(&segment_of(object)->ipc);
}

static int segment_map(struct page_object *object, bool shared_writable)
{
	struct shm_segment *shm = segment_of(object);
	struct page_object *store = &shm->store->object;
	int error = store->ops->map ? store->ops->map(store, shared_writable) : 0;

	if (error)
		return error;
	shm->attached++;
	shm->attach_time = ipc_now();
	shm->last = current->tgid;
	return 0;
}

static void segment_unmap(struct page_object *object, bool shared_writable)
{
	struct shm_segment *shm = segment_of(object);
	struct page_object *store = &shm->store->object;

	if (store->ops->unmap)
		store->ops->unmap(store, shared_writable);
	shm->attached--;
	shm->detach_time = ipc_now();
	shm->last = current->tgid;
	if (!shm->attached && shm->ipc.mode & SHM_DEST && !shm->ipc.deleted)
		ipc_remove(&segments, &shm->ipc);
}

static void segment_free(struct ipc_object *ipc)
{
	struct shm_segment *shm = segment_of_ipc(ipc);

	total_pages -= PAGE_ALIGN(shm->size) >> PAGE_SHIFT;
	page_store_put(shm->store);
	kfree(shm);
}

static struct ipc_object *segment_create(u64 size, int flags)
{
	struct shm_segment *shm;

	if (!size || size > SHM_MAX)
		return ERR_PTR(-EINVAL);
	if (segments.in_use >= SHM_SEGMENTS || total_pages + (PAGE_ALIGN(size) >> PAGE_SHIFT) > SHM_MAX)
		return ERR_PTR(-ENOSPC);
	if (flags & SHM_HUGETLB)
		return ERR_PTR(-ENOMEM);
	shm = kzalloc(sizeof(*shm));
	if (!shm)
		return ERR_PTR(-ENOMEM);
	shm->store = kmalloc(sizeof(*shm->store));
	if (!shm->store) {
		kfree(shm);
		return ERR_PTR(-ENOMEM);
	}
	page_store_init(shm->store, NULL, PAGE_ALIGN(size));
	refcount_set(&shm->ipc.count, 1);
	shm->ipc.free = segment_free;
	shm->object.ops = &segment_object_ops;
	shm->size = size;
	shm->change_time = ipc_now();
	shm->creator = current->tgid;
	total_pages += PAGE_ALIGN(size) >> PAGE_SHIFT;
	return &shm->ipc;
}

static int segment_fits(const struct ipc_object *ipc, u64 size)
{
	return container_of(ipc, struct shm_segment, ipc)->size < size ? -EINVAL : 0;
}

static const struct ipc_kind segment_kind = { &segments, segment_create, segment_fits };

long sys_shmget(unsigned key, size_t size, int flags)
{
	long id = ipc_find_or_create(&segment_kind, (int)key, size, flags);

	if (id >= 0) {
		struct shm_segment *shm = segment_of_ipc(ipc_find(&segments, (int)id));

		if (!shm->name[0])
			snprintf(shm->name, sizeof(shm->name), "/SYSV%08x (deleted)", key);
	}
	return id;
}

/* Whether nothing is mapped at [address, address + length). */
static bool range_free(u64 address, u64 length)
{
	struct mm_struct *mm = current->mm;
	struct vma *vma;

	mutex_lock(&mm->mmap_lock);
	vma = vma_find(mm, address);
	mutex_unlock(&mm->mmap_lock);
	return !vma || vma->start >= address + length;
}

static long attach(struct shm_segment *shm, u64 address, int flags)
{
	unsigned prot = PROT_READ, map_flags = MAP_SHARED, access = IPC_PERM_R;
	u64 length = PAGE_ALIGN(shm->size), result;
	struct vma *vma;
	int error;

	if (!(flags & SHM_RDONLY)) {
		prot |= PROT_WRITE;
		access |= IPC_PERM_W;
	}
	if (flags & SHM_EXEC) {
		prot |= PROT_EXEC;
		access |= IPC_PERM_X;
	}
	error = ipc_permission(&shm->ipc, access);
	if (error)
		return error;
	if (address) {
		map_flags |= MAP_FIXED;
		if (!(flags & SHM_REMAP) && (address + length < address || !range_free(address, length)))
			return -EINVAL;
	}
	result = do_mmap_object(&shm->object, address, length, prot, map_flags, 0);
	if (IS_ERR((void *)result))
		return (long)result;
	mutex_lock(&current->mm->mmap_lock);
	vma = vma_find(current->mm, result);
	if (vma && vma->start == result && vma->object == &shm->object && !vma->name)
		vma->name = shm->name;
	mutex_unlock(&current->mm->mmap_lock);
	return (long)result;
}

long sys_shmat(int id, u64 address, int flags)
{
	struct ipc_object *ipc;
	long result;

	if (id < 0)
		return -EINVAL;
	if (address & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		address &= PAGE_MASK;
		if (!address && flags & SHM_REMAP)
			return -EINVAL;
	} else if (!address && flags & SHM_REMAP) {
		return -EINVAL;
	}
	ipc = ipc_find(&segments, id);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	ipc_get(ipc);
	result = attach(segment_of_ipc(ipc), address, flags);
	ipc_put(ipc);
	return result;
}

/* The first piece of the attach at `address` that is still mapped; its range and object. */
static bool find_attached(u64 address, struct page_object **object, u64 *ret_start, u64 *ret_end)
{
	struct mm_struct *mm = current->mm;
	u64 at = address, end = UINT64_MAX;
	bool found = false;
	struct vma *vma;

	mutex_lock(&mm->mmap_lock);
	while (!found && at < end && (vma = vma_find(mm, at)) != NULL) {
		if (vma->backing == VMA_PAGES && vma->object && vma->object->ops == &segment_object_ops &&
		    (!*object || vma->object == *object) && vma->start - vma->file_offset == address) {
			*object = vma->object;
			*ret_start = vma->start;
			*ret_end = vma->end;
			found = true;
		}
		if (*object)
			end = address + PAGE_ALIGN(segment_of(*object)->size);
		at = vma->end;
	}
	mutex_unlock(&mm->mmap_lock);
	return found;
}

long sys_shmdt(u64 address)
{
	struct page_object *object = NULL;
	u64 start, end;
	int error;

	if (address & ~PAGE_MASK || !find_attached(address, &object, &start, &end))
		return -EINVAL;
	object->ops->get(object);
	do
		error = do_munmap(start, end - start);
	while (!error && find_attached(address, &object, &start, &end));
	object->ops->put(object);
	return error;
}

static long info(int cmd, user_ptr buf)
{
	if (cmd == IPC_INFO) {
		struct shminfo64 limits = {
			.shmmax = SHM_MAX, .shmmin = 1, .shmmni = SHM_SEGMENTS, .shmseg = SHM_SEGMENTS, .shmall = SHM_MAX,
		};

		if (put_user_object(buf, &limits))
			return -EFAULT;
	} else {
		struct shm_info usage = { .used_ids = segments.in_use, .total = total_pages };

		for (int i = 0; i <= ipc_max_index(&segments); i++) {
			struct ipc_object *ipc = ipc_at(&segments, i);

			if (ipc)
				usage.resident += segment_of_ipc(ipc)->store->data_pages;
		}
		if (put_user_object(buf, &usage))
			return -EFAULT;
	}
	return ipc_max_index(&segments);
}

static long stat(int id, int cmd, user_ptr buf)
{
	struct shmid64_ds ds;
	struct shm_segment *shm;
	struct ipc_object *ipc;
	int result;

	ipc = ipc_for_stat(&segments, id, cmd != IPC_STAT, cmd == SHM_STAT_ANY, &result);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	shm = segment_of_ipc(ipc);
	memset(&ds, 0, sizeof(ds));
	ipc_fill_perm(ipc, &ds.shm_perm);
	ds.shm_segsz = shm->size;
	ds.shm_atime = shm->attach_time;
	ds.shm_dtime = shm->detach_time;
	ds.shm_ctime = shm->change_time;
	ds.shm_cpid = shm->creator;
	ds.shm_lpid = shm->last;
	ds.shm_nattch = shm->attached;
	return put_user_object(buf, &ds) ? -EFAULT : result;
}

static long change(int id, int cmd, user_ptr buf)
{
	struct shmid64_ds ds;
	struct ipc_object *ipc;
	int error;

	if (cmd == IPC_SET && get_user_object(&ds, buf))
		return -EFAULT;
	ipc = ipc_find(&segments, id);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	error = ipc_owner(ipc);
	if (error)
		return error;
	if (cmd == IPC_SET) {
		error = ipc_set_perm(ipc, &ds.shm_perm);
		if (!error)
			segment_of_ipc(ipc)->change_time = ipc_now();
		return error;
	}
	if (!segment_of_ipc(ipc)->attached) {
		ipc_remove(&segments, ipc);
	} else {
		ipc->mode |= SHM_DEST;
		ipc_hide_key(ipc);
	}
	return 0;
}

/* Pages of the container are not swapped by its kernel: the lock is only remembered. */
static long lock(int id, int cmd)
{
	struct ipc_object *ipc = ipc_find(&segments, id);
	uid_t euid = current->cred->euid;

	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	if (!capable(CAP_IPC_LOCK)) {
		if (euid != ipc->uid && euid != ipc->cuid)
			return -EPERM;
		if (cmd == SHM_LOCK && !rlimit(RLIMIT_MEMLOCK))
			return -EPERM;
	}
	if (cmd == SHM_LOCK)
		ipc->mode |= SHM_LOCKED;
	else
		ipc->mode &= ~(unsigned)SHM_LOCKED;
	return 0;
}

long sys_shmctl(int id, int cmd, user_ptr buf)
{
	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SHM_INFO:
		return info(cmd, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
		return change(id, cmd, buf);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return lock(id, cmd);
	default:
		return -EINVAL;
	}
}

void proc_sysvipc_shm(struct seq_buffer *seq)
{
	seq_puts(seq, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
		      "      atime      dtime      ctime                   rss                  swap\n");
	for (int i = 0; i <= ipc_max_index(&segments); i++) {
		struct ipc_object *ipc = ipc_at(&segments, i);
		struct shm_segment *shm;

		if (!ipc)
			continue;
		shm = segment_of_ipc(ipc);
		seq_printf(seq, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21lu\n", ipc->key,
			   ipc->id, ipc->mode, shm->size, (unsigned)shm->creator, (unsigned)shm->last, shm->attached, ipc->uid,
			   ipc->gid, ipc->cuid, ipc->cgid, (u64)shm->attach_time, (u64)shm->detach_time,
			   (u64)shm->change_time, shm->store->data_pages * PAGE_SIZE, 0UL);
	}
}

static const struct page_object_ops segment_object_ops = {
	.get_page = segment_get_page,
	.extent = segment_extent,
	.get = segment_get,
	.put = segment_put,
	.map = segment_map,
	.unmap = segment_unmap,
};
