// SPDX-License-Identifier: Apache-2.0
/* Life of an address space, and reading one from outside. */
#include "kernel/arch/x86_64/trap.h"
#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/host/monitor.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/switch.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/signal.h"
#include "kernel/vfs/aio.h"
#include "kernel/vfs/vfs.h"

struct mm_struct kernel_mm = {
	.users = { 1 },
	.carriers = LIST_HEAD_INIT(kernel_mm.carriers),
	.work = LIST_HEAD_INIT(kernel_mm.work),
	.kernel_mm = true,
};

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	refcount_set(&mm->users, 1);
	mutex_init(&mm->mmap_lock);
	list_init(&mm->carriers);
	list_init(&mm->work);
	wait_queue_init(&mm->core_wait);
	mm->dumpable = 1;
	return mm;
}

struct mm_struct *mm_get(struct mm_struct *mm)
{
	refcount_inc(&mm->users);
	return mm;
}

void mm_put(struct mm_struct *mm)
{
	if (!refcount_dec_and_test(&mm->users))
		return;
	mm_drop_vmas(mm);
	if (mm->exe)
		file_put(mm->exe);
	kfree(mm);
}

void mm_copy_layout(struct mm_struct *to, const struct mm_struct *from)
{
	to->mmap_base = from->mmap_base;
	to->start_code = from->start_code;
	to->end_code = from->end_code;
	to->start_data = from->start_data;
	to->end_data = from->end_data;
	to->start_brk = from->start_brk;
	to->brk = from->brk;
	to->start_stack = from->start_stack;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->vdso = from->vdso;
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->exe = from->exe ? file_get(from->exe) : NULL;
	to->dumpable = from->dumpable;
	to->no_patch = from->no_patch;
	to->user_gs = from->user_gs;
}

static void wipe(struct mm_struct *mm, u64 start, u64 end)
{
	struct vma *first = mm ? vma_find(mm, start) : NULL;

	if (!mm || (first && first->start < end))
		host_munmap(start, end - start);
}

void mm_wipe_host(struct mm_struct *mm)
{
	wipe(mm, USER_MIN, SITE_TABLE_START);
	wipe(mm, SITE_TABLE_END, KERNEL_RANGE_START);
	wipe(mm, KERNEL_RANGE_END, USER_MAX);
}

static bool needs_shaping(const struct mm_struct *mm)
{
	for (struct rb_node *node = rb_first(&mm->vmas); node; node = rb_next(node))
		if (rb_entry(node, struct vma, node)->flags & (VM_DONTFORK | VM_WIPEONFORK))
			return true;
	return false;
}

/* On the child's carrier, without the kernel lock. */
static void shape(void *arg)
{
	struct mm_struct *mm = arg;
	struct rb_node *node, *next;

	kernel_lock();
	for (node = rb_first(&mm->vmas); node; node = next) {
		struct vma *vma = rb_entry(node, struct vma, node);
		u64 start = vma->start, end = vma->end;

		next = rb_next(node);
		if (vma->flags & VM_DONTFORK) {
			vma_remove_range(mm, start, end);
			host_munmap(start, end - start);
		} else if (vma->flags & VM_WIPEONFORK) {
			vma_map_host(vma, start, end, 0);
		}
	}
	kernel_unlock();
}

/* The host's fork has copied everything: takes MADV_DONTFORK ranges away and empties MADV_WIPEONFORK ones. May sleep. */
int mm_shape_child(struct mm_struct *mm)
{
	return needs_shaping(mm) ? mm_run_on_carrier(mm, shape, mm) : 0;
}

void task_change_mm(struct mm_struct *mm)
{
	struct task_struct *task = current;
	struct mm_struct *old = task->mm;
	struct carrier *carrier = this_carrier();

	if (old)
		carrier_unload_task(task);
	task->xstate_live = false;
	task->mm = mm;
	if (mm) {
		mm->nr_tasks++;
		carrier->handoff_to = task;
		switch_stacks(&task->kernel_sp, carrier->carrier_sp);
	}
	if (old) {
		if (old->nr_tasks == 1)
			aio_exit(old);
		if (--old->nr_tasks == 0) {
			mm_drop_vmas(old);
			mm_release_carriers(old);
		}
		mm_put(old);
	}
}

/* ---- from outside ---- */

struct access {
	u64 address;
	char *buffer;
	size_t n, done;
	bool write;
};

static void do_access(void *arg)
{
	struct access *a = arg;

	if (a->write)
		a->done = copy_to_user_partial(user_ptr_at(a->address), a->buffer, a->n);
	else
		a->done = copy_from_user_partial(a->buffer, user_ptr_at(a->address), a->n);
}

static ssize_t access_mm(struct mm_struct *mm, struct access *a)
{
	int error;

	if (mm->dying)
		return -ESRCH;
	mm_get(mm);
	error = mm_run_on_carrier(mm, do_access, a);
	mm_put(mm);
	if (error)
		return error;
	return a->done || !a->n ? (ssize_t)a->done : -EIO;
}

ssize_t mm_read(struct mm_struct *mm, u64 address, void *buffer, size_t n)
{
	struct access a = { address, buffer, n, 0, false };

	return access_mm(mm, &a);
}

ssize_t mm_write(struct mm_struct *mm, u64 address, const void *buffer, size_t n)
{
	struct access a = { address, (char *)buffer, n, 0, true };

	return access_mm(mm, &a);
}

/* Asking the monitor takes long; ps and top ask several times for each process. */
#define RSS_FRESH (2 * NSEC_PER_MSEC)

u64 mm_rss_pages(struct mm_struct *mm)
{
	s64 arg[4] = { mm->host_pid };
	long pages;

	if (unlikely(deterministic)) /* which of its pages are there is the host's business */
		return mm->total_vm;
	if (mm->rss_time && ktime_get() - mm->rss_time < RSS_FRESH)
		return mm->rss_pages;
	/* Its last task may leave it meanwhile. */
	mm_get(mm);
	pages = mm->host_pid > 0 ? monitor_call(MON_RSS, 0, "", arg, NULL, 0, NULL, 0) : 0;
	mm->rss_pages = pages > 0 ? (u64)pages : 0;
	mm->rss_time = ktime_get();
	pages = (long)mm->rss_pages;
	mm_put(mm);
	return (u64)pages;
}

s64 memory_in_use(void) { return monitor_call(MON_MEMORY, 0, "", NULL, NULL, 0, NULL, 0); }
