// SPDX-License-Identifier: Apache-2.0
/* One process looks into another: process_vm_readv(2), kcmp(2), membarrier(2). */
#include <linux/kcmp.h>
#include <linux/membarrier.h>

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include "syscalls.gen.h"

#define BOUNCE_SIZE (16 * PAGE_SIZE)
#define IOV_MAX_REMOTE 1024
#define KCMP_UNORDERED 3

/* ptrace(2), "Ptrace access mode checking", with the real ids. */
static bool may_look_into(const struct task_struct *task)
{
	const struct cred *mine = current->cred, *its = task->cred;

	if (task->signal == current->signal || capable(CAP_SYS_PTRACE))
		return true;
	return mine->uid == its->euid && mine->uid == its->suid && mine->uid == its->uid && mine->gid == its->egid &&
	       mine->gid == its->sgid && mine->gid == its->gid && !(its->cap_permitted & ~mine->cap_permitted) &&
	       task->mm && task->mm->dumpable == 1;
}

/* Moves one remote range through a buffer: bytes moved, short at a fault on either side. */
static ssize_t move_range(struct mm_struct *mm, struct io_iter *local, u64 address, u64 length, bool write, char *bounce)
{
	u64 done = 0;

	while (done < length && local->count) {
		size_t n = min(min((size_t)(length - done), (size_t)BOUNCE_SIZE), local->count);
		ssize_t moved;

		if (write) {
			n = copy_from_iter(local, bounce, n);
			moved = n ? mm_write(mm, address + done, bounce, n) : -EFAULT;
		} else {
			moved = mm_read(mm, address + done, bounce, n);
			if (moved > 0)
				moved = (ssize_t)copy_to_iter(local, bounce, (size_t)moved);
		}
		if (moved <= 0)
			return done ? (ssize_t)done : -EFAULT;
		done += (u64)moved;
		if ((size_t)moved < n)
			break;
	}
	return (ssize_t)done;
}

static ssize_t move_ranges(struct mm_struct *mm, struct io_iter *local, const struct io_vector *remote, u64 nr_remote,
			   bool write)
{
	char *bounce = kmalloc(BOUNCE_SIZE);
	ssize_t done = 0;

	if (!bounce)
		return -ENOMEM;
	for (u64 i = 0; i < nr_remote && local->count; i++) {
		u64 want = min(remote[i].length, (u64)local->count);
		ssize_t moved = want ? move_range(mm, local, remote[i].base, want, write, bounce) : 0;

		if (moved < 0) {
			done = done ? done : moved;
			break;
		}
		done += moved;
		if ((u64)moved < want)
			break;
	}
	kfree(bounce);
	return done;
}

static long get_remote_mm(pid_t pid, struct mm_struct **ret_mm)
{
	struct task_struct *task = task_find(pid);

	if (!task)
		return -ESRCH;
	if (!may_look_into(task))
		return -EPERM;
	if (!task->mm)
		return -ESRCH;
	*ret_mm = mm_get(task->mm);
	return 0;
}

static long process_vm(pid_t pid, user_ptr local, u64 nr_local, user_ptr remote, u64 nr_remote, u64 flags, bool write)
{
	struct io_vector *vectors;
	struct mm_struct *mm;
	struct io_iter it;
	long result;

	if (flags || nr_local > IOV_MAX_REMOTE || nr_remote > IOV_MAX_REMOTE)
		return -EINVAL;
	if (!nr_local || !nr_remote)
		return 0;
	result = io_iter_user_vector(&it, local, nr_local);
	if (result)
		return result;
	vectors = kcalloc(nr_remote, sizeof(*vectors));
	result = !vectors ? -ENOMEM : copy_from_user(vectors, remote, nr_remote * sizeof(*vectors));
	for (u64 i = 0; !result && i < nr_remote; i++)
		if ((s64)vectors[i].length < 0)
			result = -EINVAL;
	if (!result && it.count)
		result = get_remote_mm(pid, &mm);
	if (!result && it.count) {
		result = move_ranges(mm, &it, vectors, nr_remote, write);
		mm_put(mm);
	}
	kfree(vectors);
	io_iter_release(&it);
	return result;
}

long sys_process_vm_readv(pid_t pid, user_ptr local, u64 nr_local, user_ptr remote, u64 nr_remote, u64 flags)
{
	return process_vm(pid, local, nr_local, remote, nr_remote, flags, false);
}

long sys_process_vm_writev(pid_t pid, user_ptr local, u64 nr_local, user_ptr remote, u64 nr_remote, u64 flags)
{
	return process_vm(pid, local, nr_local, remote, nr_remote, flags, true);
}

/* 0 equal, 1 less, 2 greater: an order of some kind, which does not give kernel addresses away. */
static long compare(const void *a, const void *b)
{
	u64 x = hash_u64((u64)a), y = hash_u64((u64)b);

	return a == b ? 0 : x < y ? 1 : 2;
}

static long compare_files(struct task_struct *task1, struct task_struct *task2, u64 fd1, u64 fd2)
{
	struct file *file1 = fget_task(task1, (unsigned)fd1), *file2 = fget_task(task2, (unsigned)fd2);
	long result = file1 && file2 ? compare(file1, file2) : -EBADF;

	if (file1)
		file_put(file1);
	if (file2)
		file_put(file2);
	return result;
}

long sys_kcmp(pid_t pid1, pid_t pid2, int type, u64 idx1, u64 idx2)
{
	struct task_struct *task1 = task_find(pid1), *task2 = task_find(pid2);

	if (!task1 || !task2)
		return -ESRCH;
	if (!may_look_into(task1) || !may_look_into(task2))
		return -EPERM;
	switch (type) {
	case KCMP_FILE: return compare_files(task1, task2, idx1, idx2);
	case KCMP_VM: return compare(task1->mm, task2->mm);
	case KCMP_FILES: return compare(task1->files, task2->files);
	case KCMP_FS: return compare(task1->fs, task2->fs);
	case KCMP_SIGHAND: return compare(task1->sighand, task2->sighand);
	case KCMP_IO: return 0; /* there are no I/O contexts to differ in */
	case KCMP_SYSVSEM: return compare(task1->sysv_undo, task2->sysv_undo);
	default: return -EINVAL;
	}
}

/*
 * Every other cpu that runs a task of `mm` (NULL: any) passes through the kernel once. Entering it takes the kernel lock, which
 * is the barrier. A cpu has passed when it has taken note of the interruption, or runs something else.
 */
static void all_cpus_pass(struct mm_struct *mm)
{
	struct task_struct *seen[MAX_CPUS] = { NULL };
	struct carrier *carriers[MAX_CPUS];
	bool interrupted = false;

	atomic_thread_fence(memory_order_seq_cst);
	for (int i = 0; i < nr_cpus; i++) {
		struct carrier *carrier = cpus[i].active;

		if (!carrier || carrier == this_carrier() || !carrier->task || (mm && carrier->task->mm != mm))
			continue;
		seen[i] = carrier->task;
		carriers[i] = carrier;
		cpu_preempt(&cpus[i]);
	}
	for (int i = 0; i < nr_cpus; i++) {
		while (seen[i] && cpus[i].active == carriers[i] && carriers[i]->task == seen[i] &&
		       seen[i]->state == TASK_RUNNING && READ_ONCE(carriers[i]->need_resched)) {
			/* Somebody who waits for us at the same time: we are in the kernel, so we have passed. */
			if (READ_ONCE(this_carrier()->need_resched)) {
				interrupted = true;
				WRITE_ONCE(this_carrier()->need_resched, 0);
			}
			kernel_unlock();
			cpu_relax();
			kernel_lock();
		}
	}
	if (interrupted)
		WRITE_ONCE(this_carrier()->need_resched, 1);
	atomic_thread_fence(memory_order_seq_cst);
}

/* Every task of the program serializes before it executes another instruction of its own. */
static void sync_cores(struct mm_struct *mm)
{
	struct task_struct *task;

	for_each_task(task)
		if (task->mm == mm)
			task->work |= TIF_SYNC_CORE;
	if (mm->nr_tasks > 1)
		all_cpus_pass(mm);
}

#define MEMBARRIER_SUPPORTED                                                                       \
	(MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |              \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |                                    \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

long sys_membarrier(int cmd, unsigned flags, int cpu)
{
	struct mm_struct *mm = current->mm;

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_SUPPORTED;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED: /* all processes are served, registered or not */
		all_cpus_pass(NULL);
		return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		mm->membarrier_registered = true;
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		if (!mm->membarrier_registered)
			return -EPERM;
		if (mm->nr_tasks > 1)
			all_cpus_pass(mm);
		return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		mm->membarrier_sync_core = true;
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		if (!mm->membarrier_sync_core)
			return -EPERM;
		sync_cores(mm);
		return 0;
	default:
		return -EINVAL;
	}
}
