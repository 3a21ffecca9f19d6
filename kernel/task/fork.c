// SPDX-License-Identifier: Apache-2.0
/*
 * New tasks: threads and processes, clone(2), and kernel threads.
 *
 * A thread is a task in the same mm: no host thread is made, unless the mm has fewer carriers than it could use. A process
 * is a host clone of the caller's host process; its first host thread parks as the new mm's carrier.
 */
#include <linux/sched.h>

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/gs.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/init/init.h"
#include "kernel/ipc/ipc.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sync/futex.h"
#include "kernel/task/freezer.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/signal.h"
#include "kernel/time/posix_timer.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/vfs.h"
#include "kernel/trace/trace.h"

struct list_head all_tasks = LIST_HEAD_INIT(all_tasks);
struct task_struct *init_task;
int nr_tasks, tasks_limit;
u64 tasks_limit_hits;
struct signal_struct kthread_signal;

#define NAMESPACE_FLAGS (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

/* ---- pieces ---- */

static struct task_struct *task_alloc(void)
{
	struct task_struct *task = kzalloc(sizeof(*task));

	if (!task)
		return NULL;
	task->stack = heap_pages_alloc(KERNEL_STACK_SIZE / PAGE_SIZE);
	if (!task->stack || fpu_alloc(task)) {
		heap_pages_free(task->stack, KERNEL_STACK_SIZE / PAGE_SIZE);
		kfree(task);
		return NULL;
	}
	*(u64 *)task->stack = STACK_CANARY;
	task->regs = (struct pt_regs *)((char *)task->stack + KERNEL_STACK_SIZE) - 1;
	refcount_set(&task->count, 2); /* the tables', and the scheduler's until its stack is left */
	task->work = deterministic ? TIF_DETERMINISTIC : 0;
	task->trace_syscall = -1;
	task->exit_signal = -1;
	list_init(&task->children);
	list_init(&task->sibling);
	list_init(&task->thread_link);
	list_init(&task->all_link);
	list_init(&task->pending.queue);
	list_init(&task->pi_owned);
	wait_queue_init(&task->vfork_wait);
	return task;
}

static void task_free(struct task_struct *task)
{
	fpu_free(task);
	heap_pages_free(task->stack, KERNEL_STACK_SIZE / PAGE_SIZE);
	kfree(task);
}

void task_put(struct task_struct *task)
{
	if (!refcount_dec_and_test(&task->count))
		return;
	if (task->cred)
		cred_put(task->cred);
	seccomp_filter_put(task->seccomp);
	if (task->signal && task->signal != &kthread_signal)
		signal_struct_put(task->signal);
	task_free(task);
}

void signal_struct_put(struct signal_struct *signal)
{
	if (refcount_dec_and_test(&signal->count))
		kfree(signal);
}

static struct signal_struct *signal_alloc(const struct signal_struct *from)
{
	struct signal_struct *signal = kzalloc(sizeof(*signal));

	if (!signal)
		return NULL;
	refcount_set(&signal->count, 1);
	list_init(&signal->threads);
	list_init(&signal->shared_pending.queue);
	list_init(&signal->pgrp_link);
	list_init(&signal->session_link);
	wait_queue_init(&signal->wait_child);
	memcpy(signal->rlimits, from->rlimits, sizeof(signal->rlimits));
	signal->oom_score_adj = from->oom_score_adj;
	signal->has_child_subreaper = from->has_child_subreaper || from->child_subreaper;
	process_timers_init(signal);
	return signal;
}

static struct sighand_struct *sighand_copy(struct sighand_struct *from)
{
	struct sighand_struct *sighand = sighand_alloc();

	if (sighand)
		memcpy(sighand->action, from->action, sizeof(from->action));
	return sighand;
}

/* ---- limits and flags ---- */

static unsigned tasks_of_user(uid_t uid)
{
	struct task_struct *t;
	unsigned n = 0;

	for_each_task(t)
		if (t->cred->uid == uid)
			n++;
	return n;
}

static int check_request(const struct clone_request *r)
{
	u64 f = r->flags;

	if ((f & CLONE_PARENT) && current->signal == init_task->signal)
		return -EINVAL; /* a sibling of pid 1 would have no parent here */
	if (f & NAMESPACE_FLAGS)
		return -EPERM; /* namespaces inside the sandbox are not there yet */
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_CLEAR_SIGHAND) && (f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SETTLS) && r->tls >= USER_MAX)
		return -EPERM; /* not an address: the processor would refuse it as FS base */
	if ((f & CLONE_PIDFD) && (f & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	if (r->exit_signal < 0 || r->exit_signal > NSIG_LINUX)
		return -EINVAL;
	if (tasks_limit && nr_tasks >= tasks_limit) {
		tasks_limit_hits++;
		return -EAGAIN;
	}
	if (rlimit(RLIMIT_NPROC) != RLIM64_INFINITY && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) &&
	    current->cred->uid != 0 && tasks_of_user(current->cred->uid) >= rlimit(RLIMIT_NPROC))
		return -EAGAIN;
	return 0;
}

/* ---- what the child shares or copies ---- */

static int copy_files_and_fs(struct task_struct *child, u64 flags)
{
	if (flags & CLONE_FILES) {
		child->files = current->files;
		refcount_inc(&child->files->count);
	} else {
		child->files = files_copy(current->files);
		if (IS_ERR(child->files)) {
			long error = PTR_ERR(child->files);

			child->files = NULL;
			return (int)error;
		}
	}
	if (flags & CLONE_FS) {
		child->fs = current->fs;
		refcount_inc(&child->fs->count);
	} else {
		child->fs = fs_copy(current->fs);
		if (IS_ERR_OR_NULL(child->fs)) {
			child->fs = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}

static int copy_signals(struct task_struct *child, u64 flags)
{
	if (flags & CLONE_SIGHAND) {
		child->sighand = current->sighand;
		refcount_inc(&child->sighand->count);
	} else {
		child->sighand = flags & CLONE_CLEAR_SIGHAND ? sighand_alloc() : sighand_copy(current->sighand);
		if (!child->sighand)
			return -ENOMEM;
		if (flags & CLONE_CLEAR_SIGHAND) /* ignored ones stay ignored */
			for (int i = 0; i < NSIG_LINUX; i++)
				if (current->sighand->action[i].handler == 1)
					child->sighand->action[i].handler = 1;
	}
	if (flags & CLONE_THREAD) {
		child->signal = current->signal;
		refcount_inc(&child->signal->count);
	} else {
		child->signal = signal_alloc(current->signal);
		if (!child->signal)
			return -ENOMEM;
		child->signal->leader = child;
		child->signal->start_time = ktime_get_boot();
	}
	child->blocked = current->blocked;
	if (!(flags & CLONE_VM) || (flags & (CLONE_VM | CLONE_VFORK)) == (CLONE_VM | CLONE_VFORK)) {
		child->sas_sp = current->sas_sp;
		child->sas_size = current->sas_size;
		child->sas_flags = current->sas_flags;
	} else {
		sigaltstack_reset(child);
	}
	return 0;
}

static void copy_small_things(struct task_struct *child, const struct clone_request *r)
{
	child->flags = PF_FORKNOEXEC;
	child->cred = cred_get(current->cred);
	child->mnt_ns = current->mnt_ns;
	child->personality = current->personality;
	child->no_new_privs = current->no_new_privs;
	seccomp_fork(child);
	child->ioprio = current->ioprio;
	child->timer_slack = child->default_timer_slack = current->timer_slack;
	child->start_time = ktime_get_boot();
	memcpy(child->comm, current->comm, sizeof(child->comm));
	if (r->flags & CLONE_CHILD_SETTID)
		child->set_child_tid = r->child_tid;
	if (r->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = r->child_tid;
	futex_fork(child);
}

static void copy_registers(struct task_struct *child, const struct clone_request *r)
{
	*child->regs = *current->regs;
	child->regs->rax = 0;
	if (!user_ptr_is_null(r->stack))
		child->regs->rsp = r->stack.addr;
	child->fs_base = r->flags & CLONE_SETTLS ? r->tls : read_fs_base();
	gs_fork(child);
	fpu_fork(child);
	arch_setup_fork_stack(child);
}

/* A copy of the address space, in a host process of its own. Drops the kernel lock. */
static int copy_mm(struct task_struct *child, u64 flags)
{
	struct mm_struct *parent = current->mm, *mm;
	struct carrier *carrier;
	int error;

	if (flags & CLONE_VM) {
		error = mm_reserve_carrier(parent);
		if (error)
			return error == -ENOMEM ? error : -EAGAIN;
		child->mm = mm_get(parent);
		parent->nr_tasks++;
		if (!(flags & CLONE_THREAD))
			zygote_expect_more();
		return 0;
	}
	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	mutex_lock(&parent->mmap_lock);
	mm_copy_layout(mm, parent);
	error = mm_copy_vmas(mm, parent);
	carrier = error ? NULL : carrier_alloc(mm);
	if (!error)
		error = carrier ? carrier_clone_process(carrier) : -ENOMEM;
	mutex_unlock(&parent->mmap_lock);
	if (error < 0) {
		mm_drop_vmas(mm);
		mm_put(mm);
		return error == -ENOMEM ? error : -EAGAIN;
	}
	child->mm = mm;
	mm->nr_tasks = 1;
	return mm_shape_child(mm);
}

/* Undoes what a failed clone has made so far. */
static void abandon(struct task_struct *child)
{
	if (child->files)
		files_put(child->files);
	if (child->fs)
		fs_put(child->fs);
	if (child->sighand)
		sighand_put(child->sighand);
	if (child->mm) {
		struct mm_struct *mm = child->mm;

		if (--mm->nr_tasks == 0) {
			mm_drop_vmas(mm);
			mm_release_carriers(mm);
		}
		mm_put(mm);
	}
	if (child->pid)
		pid_put(child->pid);
	refcount_set(&child->count, 1);
	task_put(child);
}

/* ---- into the tables ---- */

static void join_tables(struct task_struct *child, const struct clone_request *r)
{
	struct signal_struct *signal = child->signal;

	child->tid = child->pid->number;
	child->pid->task = child;
	if (r->flags & CLONE_THREAD) {
		child->tgid = current->tgid;
		child->exit_signal = -1;
		child->real_parent = child->parent = current->real_parent;
	} else {
		bool same_parent = r->flags & CLONE_PARENT;

		child->tgid = child->tid;
		child->exit_signal = same_parent ? current->signal->leader->exit_signal : r->exit_signal;
		child->real_parent = child->parent = same_parent ? current->signal->leader->real_parent : current->signal->leader;
		if (!child->real_parent) /* it is outside */
			child->real_parent = child->parent = init_task;
		list_add_tail(&child->sibling, &child->real_parent->children);
		signal->pgrp = pid_get(current->signal->pgrp);
		signal->session = pid_get(current->signal->session);
		signal->tty = current->signal->tty ? tty_get(current->signal->tty) : NULL;
		list_add_tail(&signal->pgrp_link, &signal->pgrp->group_processes);
		list_add_tail(&signal->session_link, &signal->session->session_processes);
	}
	list_add_tail(&child->thread_link, &signal->threads);
	signal->nr_threads++;
	signal->nr_live++;
	list_add_tail(&child->all_link, &all_tasks);
	nr_tasks++;
	freezer_new_task(child);
}

static int install_pidfd(struct task_struct *child, const struct clone_request *r)
{
	struct file *file;
	int fd;

	if (!(r->flags & CLONE_PIDFD))
		return 0;
	file = pidfd_file(child->pid, 0);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	fd = fd_install_new(file, true);
	if (fd < 0)
		return fd;
	if (put_user_u32(r->pidfd, (u32)fd)) {
		fd_close((unsigned)fd);
		return -EFAULT;
	}
	return 0;
}

void vfork_done(struct task_struct *task)
{
	if (!(task->flags & PF_VFORK_CHILD))
		return;
	/* Still marked while it wakes the parent: that one goes to this cpu's queue. */
	task->vfork_finished = true;
	wake_up_all(&task->vfork_wait);
	task->flags &= ~(unsigned)PF_VFORK_CHILD;
}

static void describe_vfork(const void *object, struct wait_info *info)
{
	wait_info_printf(info, "exec or exit of a vfork child");
	wait_info_task(info, WAIT_CHILD, object);
}
static const struct wait_type vfork_wait_type = { "vfork", BLOCK_CHILD, describe_vfork };

long do_clone(const struct clone_request *r)
{
	struct task_struct *child;
	pid_t tid;
	int error = check_request(r);

	if (error)
		return error;
	if (signal_pending(current) && !(r->flags & CLONE_THREAD))
		return -ERESTARTNOINTR; /* a terminal signal to the group must not miss the child */
	child = task_alloc();
	if (!child)
		return -ENOMEM;
	copy_small_things(child, r);
	error = sched_fork(child);
	if (!error)
		error = copy_files_and_fs(child, r->flags);
	if (!error)
		error = copy_signals(child, r->flags);
	if (!error) {
		child->pid = pid_alloc();
		error = child->pid ? 0 : -EAGAIN;
	}
	if (!error)
		error = sem_fork(child, r->flags);
	if (!error)
		error = copy_mm(child, r->flags);
	if (!error)
		error = install_pidfd(child, r);
	if (!error && (r->flags & CLONE_THREAD) && (current->signal->group_exit || current->signal->exec_in_progress))
		error = -EAGAIN;
	if (error) {
		abandon(child);
		return error;
	}
	copy_registers(child, r);
	join_tables(child, r);
	tid = child->tid;
	if (r->flags & CLONE_PARENT_SETTID)
		(void)!put_user_u32(r->parent_tid, (u32)tid);
	if (r->flags & CLONE_VFORK) {
		child->flags |= PF_VFORK_CHILD;
		task_get(child);
	}
	trace_fork(child);
	this_carrier()->cpu->stats->forks += !(r->flags & CLONE_THREAD);
	this_carrier()->cpu->stats->threads += !!(r->flags & CLONE_THREAD);
	wake_up_new_task(child);
	if (r->flags & CLONE_VFORK) {
		current->vfork_child = child;
		(void)wait_event_killable(&child->vfork_wait, &vfork_wait_type, child, child->vfork_finished);
		current->vfork_child = NULL;
		task_put(child);
	}
	return tid;
}

/* ---- without a parent ---- */

static struct task_struct *task_without_parent(const char *name, unsigned flags)
{
	struct task_struct *task = task_alloc();

	if (!task)
		return ERR_PTR(-ENOMEM);
	task->flags = flags;
	task->cred = cred_alloc_root();
	if (!task->cred) {
		task_free(task);
		return ERR_PTR(-ENOMEM);
	}
	task->fs = &init_fs;
	task->mnt_ns = &init_mnt_ns;
	task->signal = &kthread_signal;
	sched_task_init(task);
	task->timer_slack = task->default_timer_slack = 50000;
	strlcpy(task->comm, name, sizeof(task->comm));
	return task;
}

struct task_struct *kernel_thread(const char *name, unsigned pf_flags, void (*fn)(void *arg), void *arg)
{
	struct task_struct *task = task_without_parent(name, PF_KTHREAD | pf_flags);

	if (IS_ERR(task))
		return task;
	refcount_set(&task->count, 1);
	arch_setup_kthread_stack(task, fn, arg);
	wake_up_new_task(task);
	return task;
}

/* Where a process begins that nobody has forked: the root of the mounts, which pid 1 may have left. */
static struct fs_struct *first_directories(void)
{
	struct fs_struct *fs = fs_copy(&init_fs);
	struct mount *root = init_mnt_ns.root;
	struct path path = { root, root->root };

	if (IS_ERR_OR_NULL(fs))
		return NULL;
	path_get(&path);
	path_get(&path);
	path_put(&fs->root);
	path_put(&fs->pwd);
	fs->root = fs->pwd = path;
	return fs;
}

static int give_process(struct task_struct *task)
{
	struct signal_struct *signal = signal_alloc(&kthread_signal);

	task->signal = signal;
	task->sighand = sighand_alloc();
	task->files = files_alloc();
	task->fs = first_directories();
	task->pid = pid_alloc();
	return signal && task->sighand && task->files && task->fs && task->pid ? 0 : -ENOMEM;
}

static struct task_struct *process_without_parent(const char *name)
{
	struct task_struct *task = task_without_parent(name, 0);
	struct signal_struct *signal;

	if (IS_ERR(task))
		return task;
	task->fs = NULL;
	if (give_process(task)) {
		abandon(task);
		return ERR_PTR(-ENOMEM);
	}
	signal = task->signal;
	signal->leader = task;
	signal->start_time = task->start_time = ktime_get_boot();
	task->tid = task->tgid = task->pid->number;
	task->pid->task = task;
	signal->pgrp = pid_get(task->pid);
	signal->session = pid_get(task->pid);
	signal->session_leader = true;
	list_add_tail(&signal->pgrp_link, &signal->pgrp->group_processes);
	list_add_tail(&signal->session_link, &signal->session->session_processes);
	list_add_tail(&task->thread_link, &signal->threads);
	signal->nr_threads = signal->nr_live = 1;
	task->exit_signal = SIGCHLD;
	list_add_tail(&task->all_link, &all_tasks);
	nr_tasks++;
	freezer_new_task(task);
	futex_fork(task);
	return task;
}

static void start_process(struct task_struct *task, void (*fn)(void *arg), void *arg)
{
	arch_setup_kthread_stack(task, fn, arg);
	trace_fork(task);
	wake_up_new_task(task);
}

struct task_struct *init_task_make(void (*fn)(void *arg), void *arg)
{
	struct task_struct *task = process_without_parent("init");

	if (IS_ERR(task))
		return task;
	init_task = task;
	start_process(task, fn, arg);
	return task;
}

struct task_struct *exec_task_make(unsigned slot, void (*fn)(void *arg), void *arg)
{
	struct task_struct *task = process_without_parent("exec");

	if (IS_ERR(task))
		return task;
	task->signal->outside = slot + 1;
	start_process(task, fn, arg);
	return task;
}
