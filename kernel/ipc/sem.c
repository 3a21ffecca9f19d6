// SPDX-License-Identifier: Apache-2.0
/*
 * System V semaphores (semget(2), semop(2), semctl(2)).
 *
 * All operations of one semop(2) happen at once or not at all. A call that cannot go on waits in the set's list; whoever
 * changes a value performs what has become possible for the waiters, in the order in which they came, and wakes
 * them. So a waiter that is woken has its answer already.
 *
 * SEM_UNDO adjustments are kept per process (shared by CLONE_SYSVSEM) and set, and are applied at exit.
 */
#include <linux/sem.h>

#include "kernel/fs/seqfile.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/time/convert.h"
#include "syscalls.gen.h"

#define SEM_PENDING 1 /* sem_waiter.status until somebody answers */
#define SEM_FAST_OPS 16

struct sem {
	int value;
	pid_t pid; /* who changed it last */
};

struct sem_set {
	struct ipc_object ipc;
	int nr;
	s64 op_time, change_time;
	struct list_head waiters; /* sem_waiter, oldest first */
	struct list_head undos;   /* sem_undo.set_link */
	struct sem sems[];
};

struct sem_waiter {
	struct list_head link;
	struct task_struct *task;
	const struct sem_set *set;
	const struct sembuf *ops;
	unsigned nr;
	struct sem_undo *undo;
	pid_t pid;
	int status;   /* SEM_PENDING, 0 or an error */
	unsigned blocked_on; /* index in ops */
};

/* Adjustments of one process on one set. */
struct sem_undo {
	struct list_head list_link, set_link;
	struct sem_set *set; /* NULL: removed */
	short adjust[];
};

struct sem_undo_list {
	refcount_t count; /* tasks */
	struct list_head undos;
};

static struct ipc_table sets = IPC_TABLE_INIT;
static int total_sems;

static struct sem_set *set_of(struct ipc_object *ipc) { return container_of(ipc, struct sem_set, ipc); }

static void set_free(struct ipc_object *ipc)
{
	total_sems -= set_of(ipc)->nr;
	kfree(set_of(ipc));
}

static struct ipc_object *set_create(u64 nr, int flags)
{
	struct sem_set *set;

	if (!nr)
		return ERR_PTR(-EINVAL);
	if ((u64)total_sems + nr > SEMMNS)
		return ERR_PTR(-ENOSPC);
	set = kzalloc(sizeof(*set) + nr * sizeof(set->sems[0]));
	if (!set)
		return ERR_PTR(-ENOMEM);
	refcount_set(&set->ipc.count, 1);
	set->ipc.free = set_free;
	set->nr = (int)nr;
	set->change_time = ipc_now();
	list_init(&set->waiters);
	list_init(&set->undos);
	total_sems += (int)nr;
	return &set->ipc;
}

static int set_fits(const struct ipc_object *ipc, u64 nr)
{
	return nr > (u64)container_of(ipc, struct sem_set, ipc)->nr ? -EINVAL : 0;
}

static const struct ipc_kind set_kind = { &sets, set_create, set_fits };

long sys_semget(unsigned key, int nr, int flags)
{
	if (nr < 0 || nr > SEMMSL)
		return -EINVAL;
	return ipc_find_or_create(&set_kind, (int)key, (u64)nr, flags);
}

/* Takes back the first n operations. */
static void roll_back(struct sem_set *set, const struct sembuf *ops, unsigned n, struct sem_undo *undo)
{
	while (n-- > 0) {
		set->sems[ops[n].sem_num].value -= ops[n].sem_op;
		if (ops[n].sem_flg & SEM_UNDO)
			undo->adjust[ops[n].sem_num] = (short)(undo->adjust[ops[n].sem_num] + ops[n].sem_op);
	}
}

/* One operation: 0, SEM_PENDING if it has to wait, or an error. */
static int perform_one(struct sem_set *set, const struct sembuf *op, struct sem_undo *undo)
{
	struct sem *sem = &set->sems[op->sem_num];
	int result = sem->value + op->sem_op, adjust;

	if ((!op->sem_op && sem->value) || result < 0)
		return op->sem_flg & IPC_NOWAIT ? -EAGAIN : SEM_PENDING;
	if (result > SEMVMX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		adjust = undo->adjust[op->sem_num] - op->sem_op;
		if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
			return -ERANGE;
		undo->adjust[op->sem_num] = (short)adjust;
	}
	sem->value = result;
	return 0;
}

/* All of a waiter's operations, or none. */
static int perform(struct sem_set *set, struct sem_waiter *waiter)
{
	int status = 0;
	unsigned i;

	for (i = 0; i < waiter->nr; i++) {
		status = perform_one(set, &waiter->ops[i], waiter->undo);
		if (status) {
			waiter->blocked_on = i;
			roll_back(set, waiter->ops, i, waiter->undo);
			return status;
		}
	}
	for (i = 0; i < waiter->nr; i++)
		set->sems[waiter->ops[i].sem_num].pid = waiter->pid;
	set->op_time = ipc_now();
	return 0;
}

static bool alters(const struct sembuf *ops, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (ops[i].sem_op)
			return true;
	}
	return false;
}

static void answer(struct sem_waiter *waiter, int status)
{
	list_del(&waiter->link);
	waiter->status = status;
	wake_up_process(waiter->task);
}

/* Values have changed: serves the waiters until nothing more is possible. Those that wait for zero come first. */
static void serve_waiters(struct sem_set *set)
{
	struct sem_waiter *waiter, *next;
	bool changed;

	do {
		changed = false;
		for (int pass = 0; pass < 2 && !changed; pass++) {
			list_for_each_entry_safe(waiter, next, &set->waiters, link) {
				bool alter = alters(waiter->ops, waiter->nr);
				int status;

				if (alter != (pass == 1))
					continue;
				status = perform(set, waiter);
				if (status == SEM_PENDING)
					continue;
				answer(waiter, status);
				if (alter && !status) {
					changed = true;
					break;
				}
			}
		}
	} while (changed);
}

static struct sem_undo_list *undo_list(void)
{
	struct sem_undo_list *list = current->sysv_undo;

	if (list)
		return list;
	list = kmalloc(sizeof(*list));
	if (!list)
		return NULL;
	refcount_set(&list->count, 1);
	list_init(&list->undos);
	current->sysv_undo = list;
	return list;
}

static struct sem_undo *find_undo(struct sem_set *set)
{
	struct sem_undo_list *list = undo_list();
	struct sem_undo *undo;

	if (!list)
		return NULL;
	list_for_each_entry(undo, &list->undos, list_link) {
		if (undo->set == set)
			return undo;
	}
	undo = kzalloc(sizeof(*undo) + (size_t)set->nr * sizeof(undo->adjust[0]));
	if (!undo)
		return NULL;
	undo->set = set;
	list_add(&undo->list_link, &list->undos);
	list_add(&undo->set_link, &set->undos);
	return undo;
}

static void free_undo(struct sem_undo *undo)
{
	list_del(&undo->list_link);
	list_del(&undo->set_link);
	kfree(undo);
}

int sem_fork(struct task_struct *child, u64 clone_flags)
{
	child->sysv_undo = NULL;
	if (!(clone_flags & CLONE_SYSVSEM))
		return 0;
	if (!undo_list())
		return -ENOMEM;
	child->sysv_undo = current->sysv_undo;
	refcount_inc(&((struct sem_undo_list *)child->sysv_undo)->count);
	return 0;
}

static void apply_undo(struct task_struct *task, struct sem_undo *undo)
{
	struct sem_set *set = undo->set;

	if (!set)
		return;
	for (int i = 0; i < set->nr; i++) {
		struct sem *sem = &set->sems[i];

		if (!undo->adjust[i])
			continue;
		sem->value = min(max(sem->value + undo->adjust[i], 0), SEMVMX);
		sem->pid = task->tgid;
	}
	set->op_time = ipc_now();
	serve_waiters(set);
}

void sem_exit(struct task_struct *task)
{
	struct sem_undo_list *list = task->sysv_undo;

	task->sysv_undo = NULL;
	if (!list || !refcount_dec_and_test(&list->count))
		return;
	while (!list_empty(&list->undos)) {
		struct sem_undo *undo = list_first_entry(&list->undos, struct sem_undo, list_link);

		apply_undo(task, undo);
		free_undo(undo);
	}
	kfree(list);
}

static void describe_sem(const void *object, struct wait_info *info)
{
	const struct sem_waiter *waiter = object;
	const struct sembuf *op = &waiter->ops[waiter->blocked_on];
	const struct sem *sem = &waiter->set->sems[op->sem_num];
	struct task_struct *last = sem->pid ? task_find(sem->pid) : NULL;

	wait_info_printf(info, "semaphore %u of set %d: value %d, operation %d", op->sem_num, waiter->set->ipc.id, sem->value, op->sem_op);
	if (last)
		wait_info_task(info, WAIT_HOLDER_HINT, last);
}
static const struct wait_type sem_wait = { "semaphore", BLOCK_LOCK, describe_sem };

/* Sleeps until somebody has answered, the deadline passes or a signal comes. */
static int wait_for_answer(struct sem_set *set, struct sem_waiter *waiter, u64 deadline)
{
	bool in_time = true;

	waiter->set = set;
	list_add_tail(&waiter->link, &set->waiters);
	for (;;) {
		prepare_to_sleep(TASK_INTERRUPTIBLE, &sem_wait, waiter);
		if (waiter->status != SEM_PENDING || !in_time || signal_pending(current))
			break;
		in_time = schedule_until(deadline);
	}
	finish_sleep();
	if (waiter->status != SEM_PENDING)
		return waiter->status;
	list_del(&waiter->link);
	return in_time ? -EINTR : -EAGAIN;
}

static int check_ops(struct sem_set *set, const struct sembuf *ops, unsigned nr, bool *ret_undo)
{
	*ret_undo = false;
	for (unsigned i = 0; i < nr; i++) {
		if (ops[i].sem_num >= set->nr)
			return -EFBIG;
		if (ops[i].sem_flg & SEM_UNDO && ops[i].sem_op)
			*ret_undo = true;
	}
	return ipc_permission(&set->ipc, alters(ops, nr) ? IPC_PERM_W : IPC_PERM_R);
}

static long do_semop(int id, struct sembuf *ops, unsigned nr, u64 deadline)
{
	struct sem_waiter waiter = { .task = current, .ops = ops, .nr = nr, .pid = current->tgid, .status = SEM_PENDING };
	struct ipc_object *ipc = ipc_find(&sets, id);
	bool undo;
	int error;

	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	error = check_ops(set_of(ipc), ops, nr, &undo);
	if (error)
		return error;
	/* SEM_UNDO on an operation that only waits leaves nothing to undo. */
	for (unsigned i = 0; i < nr; i++) {
		if (!ops[i].sem_op)
			ops[i].sem_flg &= (short)~SEM_UNDO;
	}
	if (undo) {
		waiter.undo = find_undo(set_of(ipc));
		if (!waiter.undo)
			return -ENOMEM;
	}
	error = perform(set_of(ipc), &waiter);
	if (!error && alters(ops, nr))
		serve_waiters(set_of(ipc));
	if (error != SEM_PENDING)
		return error;
	ipc_get(ipc);
	error = wait_for_answer(set_of(ipc), &waiter, deadline);
	ipc_put(ipc);
	return error;
}

long sys_semtimedop(int id, user_ptr user_ops, unsigned nr, user_ptr user_timeout)
{
	struct sembuf fast[SEM_FAST_OPS], *ops = fast;
	u64 deadline = NEVER, timeout;
	long result;
	int error;

	if (!nr || id < 0)
		return -EINVAL;
	if (nr > SEMOPM)
		return -E2BIG;
	if (!user_ptr_is_null(user_timeout)) {
		error = get_user_timespec(&timeout, user_timeout);
		if (error)
			return error;
		deadline = ktime_add(ktime_get(), timeout);
	}
	if (nr > SEM_FAST_OPS) {
		ops = kmalloc(nr * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
	}
	if (copy_from_user(ops, user_ops, nr * sizeof(*ops)))
		result = -EFAULT;
	else
		result = do_semop(id, ops, nr, deadline);
	if (ops != fast)
		kfree(ops);
	return result;
}

long sys_semop(int id, user_ptr ops, unsigned nr)
{
	return sys_semtimedop(id, ops, nr, USER_NULL);
}

static long info(int cmd, user_ptr buf)
{
	struct seminfo info = {
		.semmap = SEMMAP, .semmni = SEMMNI, .semmns = SEMMNS, .semmnu = SEMMNU, .semmsl = SEMMSL,
		.semopm = SEMOPM, .semume = SEMUME, .semusz = SEMUSZ, .semvmx = SEMVMX, .semaem = SEMAEM,
	};

	if (cmd == SEM_INFO) {
		info.semusz = sets.in_use;
		info.semaem = total_sems;
	}
	return put_user_object(buf, &info) ? -EFAULT : ipc_max_index(&sets);
}

static long stat(int id, int cmd, user_ptr buf)
{
	struct semid64_ds ds;
	struct ipc_object *ipc;
	int result;

	ipc = ipc_for_stat(&sets, id, cmd != IPC_STAT, cmd == SEM_STAT_ANY, &result);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	memset(&ds, 0, sizeof(ds));
	ipc_fill_perm(ipc, &ds.sem_perm);
	ds.sem_otime = set_of(ipc)->op_time;
	ds.sem_ctime = set_of(ipc)->change_time;
	ds.sem_nsems = (u64)set_of(ipc)->nr;
	return put_user_object(buf, &ds) ? -EFAULT : result;
}

static void set_remove(struct sem_set *set)
{
	ipc_get(&set->ipc);
	while (!list_empty(&set->undos)) {
		struct sem_undo *undo = list_first_entry(&set->undos, struct sem_undo, set_link);

		list_del(&undo->set_link);
		undo->set = NULL;
	}
	while (!list_empty(&set->waiters))
		answer(list_first_entry(&set->waiters, struct sem_waiter, link), -EIDRM);
	ipc_remove(&sets, &set->ipc);
	ipc_put(&set->ipc);
}

static long change(int id, int cmd, user_ptr buf)
{
	struct semid64_ds ds;
	struct ipc_object *ipc;
	int error;

	if (cmd == IPC_SET && get_user_object(&ds, buf))
		return -EFAULT;
	ipc = ipc_find(&sets, id);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	error = ipc_owner(ipc);
	if (error)
		return error;
	if (cmd == IPC_RMID) {
		set_remove(set_of(ipc));
		return 0;
	}
	error = ipc_set_perm(ipc, &ds.sem_perm);
	if (!error)
		set_of(ipc)->change_time = ipc_now();
	return error;
}

/* After SETVAL and SETALL nobody undoes what he did before. */
static void forget_undo(struct sem_set *set, int from, int to)
{
	struct sem_undo *undo;

	list_for_each_entry(undo, &set->undos, set_link) {
		for (int i = from; i < to; i++)
			undo->adjust[i] = 0;
	}
}

static long get_all(struct sem_set *set, user_ptr array)
{
	for (int i = 0; i < set->nr; i++) {
		u16 value = (u16)set->sems[i].value;

		if (copy_to_user(user_ptr_add(array, (u64)i * sizeof(value)), &value, sizeof(value)))
			return -EFAULT;
	}
	return 0;
}

static long set_all(struct sem_set *set, user_ptr array)
{
	u16 *values = kmalloc((size_t)set->nr * sizeof(*values));
	long error = 0;

	if (!values)
		return -ENOMEM;
	if (copy_from_user(values, array, (size_t)set->nr * sizeof(*values)))
		error = -EFAULT;
	for (int i = 0; !error && i < set->nr; i++) {
		if (values[i] > SEMVMX)
			error = -ERANGE;
	}
	if (!error) {
		for (int i = 0; i < set->nr; i++) {
			set->sems[i].value = values[i];
			set->sems[i].pid = current->tgid;
		}
		forget_undo(set, 0, set->nr);
		set->change_time = ipc_now();
		serve_waiters(set);
	}
	kfree(values);
	return error;
}

static long set_value(struct sem_set *set, int nr, int value)
{
	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	forget_undo(set, nr, nr + 1);
	set->sems[nr].value = value;
	set->sems[nr].pid = current->tgid;
	set->change_time = ipc_now();
	serve_waiters(set);
	return 0;
}

/* Who sleeps because of semaphore nr: for it to rise, or to become zero. */
static long count_waiters(struct sem_set *set, int nr, bool for_zero)
{
	struct sem_waiter *waiter;
	long n = 0;

	list_for_each_entry(waiter, &set->waiters, link) {
		const struct sembuf *op = &waiter->ops[waiter->blocked_on];

		if (op->sem_num == nr && (op->sem_op == 0) == for_zero)
			n++;
	}
	return n;
}

static long values(int id, int nr, int cmd, u64 arg)
{
	bool writes = cmd == SETVAL || cmd == SETALL;
	struct ipc_object *ipc = ipc_find(&sets, id);
	struct sem_set *set;
	int error;

	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	set = set_of(ipc);
	if (cmd != GETALL && cmd != SETALL && cmd != SETVAL && (nr < 0 || nr >= set->nr) && !ipc_permission(ipc, IPC_PERM_R))
		return -EINVAL;
	if (cmd == SETVAL && (nr < 0 || nr >= set->nr))
		return (int)arg < 0 || (int)arg > SEMVMX ? -ERANGE : -EINVAL;
	error = ipc_permission(ipc, writes ? IPC_PERM_W : IPC_PERM_R);
	if (error)
		return error;
	switch (cmd) {
	case GETALL: return get_all(set, user_ptr_at(arg));
	case SETALL: return set_all(set, user_ptr_at(arg));
	case SETVAL: return set_value(set, nr, (int)arg);
	case GETVAL: return set->sems[nr].value;
	case GETPID: return set->sems[nr].pid;
	case GETNCNT: return count_waiters(set, nr, false);
	default: return count_waiters(set, nr, true);
	}
}

long sys_semctl(int id, int nr, int cmd, u64 arg)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return info(cmd, user_ptr_at(arg));
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat(id, cmd, user_ptr_at(arg));
	case GETALL:
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETALL:
	case SETVAL:
		return values(id, nr, cmd, arg);
	case IPC_SET:
	case IPC_RMID:
		return change(id, cmd, user_ptr_at(arg));
	default:
		return -EINVAL;
	}
}

void proc_sysvipc_sem(struct seq_buffer *seq)
{
	seq_puts(seq, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (int i = 0; i <= ipc_max_index(&sets); i++) {
		struct ipc_object *ipc = ipc_at(&sets, i);

		if (!ipc)
			continue;
		seq_printf(seq, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", ipc->key, ipc->id, ipc->mode,
			   (unsigned)set_of(ipc)->nr, ipc->uid, ipc->gid, ipc->cuid, ipc->cgid, (u64)set_of(ipc)->op_time,
			   (u64)set_of(ipc)->change_time);
	}
}
