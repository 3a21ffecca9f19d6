// SPDX-License-Identifier: Apache-2.0
/* Scheduling: sched(7), sched_setscheduler(2), sched_setattr(2), sched_setaffinity(2), getpriority(2), ioprio_set(2). */
#include <linux/ioprio.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "kernel/sched/sched.h"
#include "kernel/task/task.h"
#include "kernel/time/convert.h"
#include "syscalls.gen.h"

#define RT_PRIORITY_MAX 99
#define KEEP_POLICY (-1)

static bool is_rt(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }
static bool is_fair(int policy) { return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE; }

static struct task_struct *sched_find(pid_t pid) { return pid ? task_find(pid) : current; }

static bool same_owner(const struct task_struct *task)
{
	return current->cred->euid == task->cred->euid || current->cred->euid == task->cred->uid;
}

static bool may_have_nice(const struct task_struct *task, int nice)
{
	return (u64)(20 - nice) <= task->signal->rlimits[RLIMIT_NICE].rlim_cur || capable(CAP_SYS_NICE);
}

static bool may_renice(const struct task_struct *task, int nice) { return nice >= task->sched.nice || may_have_nice(task, nice); }

/* sched(7), "Privileges and resource limits". */
static bool may_schedule(const struct task_struct *task, const struct sched_params *params)
{
	u64 limit = task->signal->rlimits[RLIMIT_RTPRIO].rlim_cur;

	if (capable(CAP_SYS_NICE))
		return true;
	if (!same_owner(task) || (task->sched.reset_on_fork && !params->reset_on_fork) || params->policy == SCHED_DEADLINE)
		return false;
	if (is_rt(params->policy)) {
		if (params->policy != task->sched.policy && !limit)
			return false;
		return params->rt_priority <= task->sched.rt_priority || (u64)params->rt_priority <= limit;
	}
	if (!may_renice(task, params->nice))
		return false;
	return task->sched.policy != SCHED_IDLE || params->policy == SCHED_IDLE || may_have_nice(task, task->sched.nice);
}

static int change_policy(struct task_struct *task, struct sched_params *params)
{
	if (params->policy == KEEP_POLICY) {
		params->policy = task->sched.policy;
		params->reset_on_fork = task->sched.reset_on_fork;
	}
	if (!is_fair(params->policy))
		params->nice = task->sched.nice;
	if (!sched_params_valid(params))
		return -EINVAL;
	if (!may_schedule(task, params))
		return -EPERM;
	return sched_set_policy(task, params);
}

/* The oldest interface: a policy and a priority. */
static long set_priority_policy(pid_t pid, int policy, bool reset_on_fork, user_ptr param)
{
	struct sched_params params = { .policy = policy, .reset_on_fork = reset_on_fork };
	struct task_struct *task;
	u32 priority;

	if (pid < 0 || user_ptr_is_null(param))
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	task = sched_find(pid);
	if (!task)
		return -ESRCH;
	params.rt_priority = (int)priority;
	params.nice = task->sched.nice;
	return change_policy(task, &params);
}

long sys_sched_setscheduler(pid_t pid, int policy, user_ptr param)
{
	if (policy < 0)
		return -EINVAL;
	return set_priority_policy(pid, policy & ~SCHED_RESET_ON_FORK, policy & SCHED_RESET_ON_FORK, param);
}

long sys_sched_setparam(pid_t pid, user_ptr param) { return set_priority_policy(pid, KEEP_POLICY, false, param); }

long sys_sched_getscheduler(pid_t pid)
{
	struct task_struct *task = pid < 0 ? NULL : sched_find(pid);

	if (!task)
		return pid < 0 ? -EINVAL : -ESRCH;
	return task->sched.policy | (task->sched.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_getparam(pid_t pid, user_ptr param)
{
	struct task_struct *task;

	if (pid < 0 || user_ptr_is_null(param))
		return -EINVAL;
	task = sched_find(pid);
	return task ? put_user_u32(param, (u32)task->sched.rt_priority) : -ESRCH;
}

/* struct sched_attr of any size, sched_setattr(2): what we do not know must be zero. */
static int get_attr(struct sched_attr *ret_attr, user_ptr src)
{
	u32 size;

	if (get_user_u32(&size, src))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		goto too_big;
	for (u32 i = sizeof(*ret_attr); i < size; i++) {
		u8 byte;

		if (get_user_object(&byte, user_ptr_add(src, i)))
			return -EFAULT;
		if (byte)
			goto too_big;
	}
	memset(ret_attr, 0, sizeof(*ret_attr));
	if (copy_from_user(ret_attr, src, min((size_t)size, sizeof(*ret_attr))))
		return -EFAULT;
	ret_attr->size = size;
	return 0;

too_big:
	return put_user_u32(src, sizeof(*ret_attr)) ? -EFAULT : -E2BIG;
}

static void keep_params(struct sched_attr *attr, const struct sched_task *s)
{
	attr->sched_priority = (u32)s->rt_priority;
	attr->sched_nice = s->nice;
	attr->sched_runtime = s->dl.dl_runtime;
	attr->sched_deadline = s->dl.dl_deadline;
	attr->sched_period = s->dl.dl_period;
	if (s->policy == SCHED_DEADLINE)
		attr->sched_flags = (attr->sched_flags & ~(u64)SCHED_FLAG_DL_OVERRUN) | s->dl.flags;
}

long sys_sched_setattr(pid_t pid, user_ptr attr, unsigned flags)
{
	struct sched_params params;
	struct task_struct *task;
	struct sched_attr a;
	int error;

	if (user_ptr_is_null(attr) || pid < 0 || flags)
		return -EINVAL;
	error = get_attr(&a, attr);
	if (error)
		return error;
	if ((a.sched_flags & SCHED_FLAG_UTIL_CLAMP) && a.size < SCHED_ATTR_SIZE_VER1)
		return -EINVAL;
	if ((int)a.sched_policy < 0)
		return -EINVAL;
	task = sched_find(pid);
	if (!task)
		return -ESRCH;
	if (a.sched_flags & ~(u64)SCHED_FLAG_ALL)
		return -EINVAL;
	if (a.sched_flags & SCHED_FLAG_KEEP_PARAMS)
		keep_params(&a, &task->sched);
	params = (struct sched_params){
		.policy = a.sched_flags & SCHED_FLAG_KEEP_POLICY ? KEEP_POLICY : (int)a.sched_policy,
		.nice = a.sched_nice < -20 ? -20 : a.sched_nice > 19 ? 19 : a.sched_nice,
		.rt_priority = (int)a.sched_priority,
		.reset_on_fork = a.sched_flags & SCHED_FLAG_RESET_ON_FORK,
		.dl_runtime = a.sched_runtime, .dl_deadline = a.sched_deadline,
		.dl_period = a.sched_period ? a.sched_period : a.sched_deadline,
		.dl_flags = a.sched_flags & SCHED_FLAG_DL_OVERRUN,
	};
	/* There are no utilisation clamps, nor is the unused bandwidth of others given away. */
	if ((a.sched_flags & SCHED_FLAG_UTIL_CLAMP) || (params.policy == SCHED_DEADLINE && (a.sched_flags & SCHED_FLAG_RECLAIM)))
		return -EOPNOTSUPP;
	return change_policy(task, &params);
}

long sys_sched_getattr(pid_t pid, user_ptr attr, unsigned size, unsigned flags)
{
	struct sched_attr a = { 0 };
	struct task_struct *task;

	if (user_ptr_is_null(attr) || pid < 0 || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -EINVAL;
	task = sched_find(pid);
	if (!task)
		return -ESRCH;
	a.size = (u32)min((size_t)size, sizeof(a));
	a.sched_policy = (u32)task->sched.policy;
	a.sched_flags = task->sched.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_rt(task->sched.policy)) {
		a.sched_priority = (u32)task->sched.rt_priority;
	} else if (task->sched.policy == SCHED_DEADLINE) {
		a.sched_runtime = task->sched.dl.dl_runtime;
		a.sched_deadline = task->sched.dl.dl_deadline;
		a.sched_period = task->sched.dl.dl_period;
		a.sched_flags |= task->sched.dl.flags;
	} else {
		a.sched_nice = task->sched.nice;
	}
	a.sched_util_max = 1024;
	return copy_to_user(attr, &a, a.size);
}

long sys_sched_get_priority_max(int policy)
{
	if (is_rt(policy))
		return RT_PRIORITY_MAX;
	return is_fair(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	return is_rt(policy) ? 1 : sys_sched_get_priority_max(policy);
}

long sys_sched_rr_get_interval(pid_t pid, user_ptr interval)
{
	struct task_struct *task = pid < 0 ? NULL : sched_find(pid);

	if (!task)
		return pid < 0 ? -EINVAL : -ESRCH;
	return put_user_timespec(interval, sched_rr_interval(task));
}

long sys_sched_yield(void)
{
	sched_yield_current();
	return 0;
}

static u64 online_cpus(void)
{
	return nr_cpus >= 64 ? ~0ULL : (1ULL << nr_cpus) - 1;
}

long sys_sched_setaffinity(pid_t pid, unsigned size, user_ptr mask)
{
	struct task_struct *task;
	cpumask_t wanted = { { 0 } };

	if (copy_from_user(&wanted, mask, min((size_t)size, sizeof(wanted))))
		return -EFAULT;
	task = pid < 0 ? NULL : sched_find(pid);
	if (!task)
		return -ESRCH;
	if (!same_owner(task) && !capable(CAP_SYS_NICE))
		return -EPERM;
	return sched_set_affinity(task, &wanted);
}

long sys_sched_getaffinity(pid_t pid, unsigned size, user_ptr mask)
{
	struct task_struct *task;
	u64 allowed;

	if (size * 8ULL < (u64)nr_cpus || size % sizeof(u64))
		return -EINVAL;
	task = pid < 0 ? NULL : sched_find(pid);
	if (!task)
		return -ESRCH;
	allowed = task->sched.cpus_allowed.bits[0] & online_cpus();
	return put_user_u64(mask, allowed) ? -EFAULT : (long)sizeof(allowed);
}

/* One task of those that getpriority(2) and ioprio_set(2) select; the result so far is in and out. */
typedef void task_visitor(struct task_struct *task, long value, long *result);
enum { SELECT_TASK, SELECT_GROUP, SELECT_USER };

static void visit_tasks(int select, int who, task_visitor *visit, long value, long *result)
{
	struct signal_struct *signal;
	struct task_struct *task;
	struct pid *pgrp;
	uid_t uid;

	switch (select) {
	case SELECT_TASK:
		task = sched_find(who);
		if (task)
			visit(task, value, result);
		break;
	case SELECT_GROUP:
		pgrp = who ? pid_find(who) : current->signal->pgrp;
		if (!pgrp)
			break;
		list_for_each_entry(signal, &pgrp->group_processes, pgrp_link)
			list_for_each_entry(task, &signal->threads, thread_link)
				visit(task, value, result);
		break;
	case SELECT_USER:
		uid = who ? (uid_t)who : current->cred->uid;
		for_each_task(task)
			if (task->cred && task->cred->uid == uid)
				visit(task, value, result);
		break;
	}
}

static void set_priority(struct task_struct *task, long nice, long *result)
{
	if (!same_owner(task) && !capable(CAP_SYS_NICE)) {
		*result = -EPERM;
	} else if (!may_renice(task, (int)nice)) {
		*result = -EACCES;
	} else {
		if (*result == -ESRCH)
			*result = 0;
		set_user_nice(task, (int)nice);
	}
}

long sys_setpriority(int which, int who, int nice)
{
	long result = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	visit_tasks(which - PRIO_PROCESS, who, set_priority, nice, &result);
	return result;
}

static void get_priority(struct task_struct *task, long value, long *result)
{
	*result = max(*result, (long)(20 - task->sched.nice));
}

long sys_getpriority(int which, int who)
{
	long result = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	visit_tasks(which - PRIO_PROCESS, who, get_priority, 0, &result);
	return result;
}

static void set_ioprio(struct task_struct *task, long ioprio, long *result)
{
	const struct cred *mine = current->cred;

	if (task->cred->uid != mine->euid && task->cred->uid != mine->uid && !capable(CAP_SYS_NICE)) {
		*result = -EPERM;
		return;
	}
	task->ioprio = (int)ioprio;
	if (*result == -ESRCH)
		*result = 0;
}

long sys_ioprio_set(int which, int who, int ioprio)
{
	int class = ioprio >> IOPRIO_CLASS_SHIFT, data = ioprio & 0x1fff;
	long result = -ESRCH;

	switch (class) {
	case IOPRIO_CLASS_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		/* fallthrough */
	case IOPRIO_CLASS_BE:
		if ((data & 7) != data && data >= 8)
			return -EINVAL;
		break;
	case IOPRIO_CLASS_IDLE:
		break;
	case IOPRIO_CLASS_NONE:
		if (data)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	visit_tasks(which - IOPRIO_WHO_PROCESS, who, set_ioprio, ioprio, &result);
	return result;
}

/* The most important of several: the lower class, then the lower level; none counts as best effort 4. */
static void get_ioprio(struct task_struct *task, long value, long *result)
{
	long rank = task->ioprio >> IOPRIO_CLASS_SHIFT ? task->ioprio : IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | 4;
	long best = *result < 0 || *result >> IOPRIO_CLASS_SHIFT ? *result : IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | 4;

	if (*result < 0 || rank < best)
		*result = task->ioprio;
}

long sys_ioprio_get(int which, int who)
{
	long result = -ESRCH;

	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	visit_tasks(which - IOPRIO_WHO_PROCESS, who, get_ioprio, 0, &result);
	return result;
}
