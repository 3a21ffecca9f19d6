// SPDX-License-Identifier: Apache-2.0
/* Limits and use of resources: getrlimit(2), prlimit(2), getrusage(2). */
#include <linux/resource.h>

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/time/convert.h"
#include "syscalls.gen.h"

#define NR_OPEN_MAX 1048576ULL

static int check_new_limit(unsigned resource, const struct rlimit64 *old, const struct rlimit64 *new)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (resource == RLIMIT_NOFILE && new->rlim_max > NR_OPEN_MAX)
		return -EPERM;
	if (new->rlim_max > old->rlim_max && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

static int change_limit(struct task_struct *task, unsigned resource, const struct rlimit64 *new)
{
	struct rlimit64 *limit = &task->signal->rlimits[resource];
	int error = check_new_limit(resource, limit, new);

	if (error)
		return error;
	*limit = *new;
	if (resource == RLIMIT_CPU && !limit->rlim_cur)
		limit->rlim_cur = 1; /* 0 would be "now": SIGXCPU comes after a second */
	if (resource == RLIMIT_CPU)
		sched_request_tick();
	return 0;
}

/* prlimit(2): same user and group in all three forms, or the capability. */
static bool may_limit(const struct task_struct *task)
{
	const struct cred *mine = current->cred, *its = task->cred;

	return task->signal == current->signal ||
	       (mine->uid == its->euid && mine->uid == its->suid && mine->uid == its->uid &&
		mine->gid == its->egid && mine->gid == its->sgid && mine->gid == its->gid) ||
	       capable(CAP_SYS_RESOURCE);
}

long sys_prlimit64(pid_t pid, unsigned resource, user_ptr new, user_ptr old)
{
	struct task_struct *task;
	struct rlimit64 new_limit, old_limit;
	int error;

	if (resource >= RLIM_COUNT)
		return -EINVAL;
	if (!user_ptr_is_null(new) && get_user_object(&new_limit, new))
		return -EFAULT;
	task = pid ? task_find(pid) : current;
	if (!task)
		return -ESRCH;
	if (!may_limit(task))
		return -EPERM;
	old_limit = task->signal->rlimits[resource];
	if (!user_ptr_is_null(new)) {
		error = change_limit(task, resource, &new_limit);
		if (error)
			return error;
	}
	return user_ptr_is_null(old) ? 0 : put_user_object(old, &old_limit);
}

long sys_getrlimit(unsigned resource, user_ptr rlim)
{
	if (resource >= RLIM_COUNT)
		return -EINVAL;
	return put_user_object(rlim, &current->signal->rlimits[resource]);
}

long sys_setrlimit(unsigned resource, user_ptr rlim)
{
	struct rlimit64 new;

	if (get_user_object(&new, rlim))
		return -EFAULT;
	return resource < RLIM_COUNT ? change_limit(current, resource, &new) : -EINVAL;
}

static void thread_usage(struct task_struct *task, struct rusage *usage)
{
	usage->ru_minflt += (long)task->min_flt;
	usage->ru_majflt += (long)task->maj_flt;
	usage->ru_nvcsw += (long)task->sched.nvcsw;
	usage->ru_nivcsw += (long)task->sched.nivcsw;
}

static u64 current_maxrss(void)
{
	u64 now = current->mm ? mm_rss_pages(current->mm) * (PAGE_SIZE / 1024) : 0;

	return max(now, current->signal->maxrss_kib);
}

static void put_times(struct rusage *usage, u64 utime, u64 stime)
{
	struct __kernel_old_timeval user = ktime_to_timeval(utime), system = ktime_to_timeval(stime);

	usage->ru_utime.tv_sec = user.tv_sec;
	usage->ru_utime.tv_usec = user.tv_usec;
	usage->ru_stime.tv_sec = system.tv_sec;
	usage->ru_stime.tv_usec = system.tv_usec;
}

static void process_usage(struct rusage *usage)
{
	struct signal_struct *signal = current->signal;
	struct task_struct *t;
	u64 utime, stime;

	group_cputime(current, &utime, &stime);
	put_times(usage, utime, stime);
	for_each_thread(current, t)
		thread_usage(t, usage);
	usage->ru_minflt += (long)signal->minflt;
	usage->ru_majflt += (long)signal->majflt;
	usage->ru_nvcsw += (long)signal->nvcsw;
	usage->ru_nivcsw += (long)signal->nivcsw;
	usage->ru_maxrss = (long)current_maxrss();
}

long sys_getrusage(int who, user_ptr usage)
{
	struct signal_struct *signal = current->signal;
	struct rusage result;
	u64 utime, stime;

	memset(&result, 0, sizeof(result));
	switch (who) {
	case RUSAGE_SELF:
		process_usage(&result);
		break;
	case RUSAGE_CHILDREN:
		put_times(&result, signal->child_utime, signal->child_stime);
		result.ru_nvcsw = (long)signal->child_nvcsw;
		result.ru_nivcsw = (long)signal->child_nivcsw;
		result.ru_maxrss = (long)signal->child_maxrss_kib;
		break;
	case RUSAGE_THREAD:
		task_cputime(current, &utime, &stime);
		put_times(&result, utime, stime);
		thread_usage(current, &result);
		result.ru_maxrss = (long)current_maxrss();
		break;
	default:
		return -EINVAL;
	}
	return put_user_object(usage, &result);
}
