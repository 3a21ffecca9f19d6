// SPDX-License-Identifier: Apache-2.0
/*
 * Changing how a task is scheduled: policy, nice value, affinity, and what a child inherits.
 */
#include "kernel/sched/internal.h"

/* The task leaves its queue, changes, and competes anew: behind its equals, unless its priority was lowered (sched(7)). */
static void requeue(struct task_struct *task, void (*change)(struct task_struct *, const void *), const void *value)
{
	struct rq *rq = task_rq(task);
	bool queued = task->sched.on_rq, running = rq->curr == task, throttled = task->sched.dl.throttled && !queued;
	int priority = sched_effective_priority(&task->sched);

	rq_clock_update(rq);
	if (running)
		task->sched.class->update_curr(rq);
	if (queued)
		deactivate_task(rq, task, 0);
	if (running)
		task->sched.class->put_prev_task(rq, task);
	change(task, value);
	if (throttled && !task->sched.dl.throttled) /* it was to wait, now it need not */
		queued = task->state == TASK_RUNNING;
	/* The running one stands before its equals already. */
	if (queued)
		activate_task(rq, task, sched_effective_priority(&task->sched) < priority + running ? ENQUEUE_HEAD : 0);
	if (running && queued) {
		task->sched.class->set_curr_task(rq, task);
		resched_curr(rq);
	} else if (queued) {
		check_preempt(rq, task);
	}
}

static void change_nice(struct task_struct *task, const void *value)
{
	task->sched.nice = *(const int *)value;
	task->sched.entity.weight = task->sched.policy == SCHED_IDLE ? 3 : nice_to_weight[task->sched.nice + 20];
}

void set_user_nice(struct task_struct *task, int nice)
{
	nice = max(-20, min(19, nice));
	if (task->sched.class == &fair_sched_class)
		requeue(task, change_nice, &nice);
	else
		change_nice(task, &nice);
}

/* The class that policy and loan ask for. */
static void choose_class(struct task_struct *task)
{
	const struct sched_class *class = &fair_sched_class, *old = task->sched.class;

	if (task->sched.policy == SCHED_DEADLINE)
		class = &dl_sched_class;
	else if (sched_effective_priority(&task->sched))
		class = &rt_sched_class;
	if (class == old)
		return;
	if (old->task_leave)
		old->task_leave(task_rq(task), task);
	task->sched.class = class;
	if (class == &fair_sched_class)
		task->sched.entity.vruntime = fair_floor(task_rq(task));
}

static void change_pi_priority(struct task_struct *task, const void *value)
{
	task->sched.pi_priority = *(const int *)value;
	choose_class(task);
}

void sched_set_pi_priority(struct task_struct *task, int rt_priority)
{
	if (task->sched.pi_priority != rt_priority)
		requeue(task, change_pi_priority, &rt_priority);
}

static bool is_rt(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

static void change_policy(struct task_struct *task, const void *value)
{
	const struct sched_params *params = value;

	task->sched.policy = params->policy;
	task->sched.reset_on_fork = params->reset_on_fork;
	task->sched.rt_priority = params->rt_priority;
	choose_class(task);
	if (params->policy == SCHED_DEADLINE)
		dl_set_params(task, params, task_rq(task)->clock);
	else if (is_rt(params->policy))
		task->sched.entity.slice_start = task->sched.entity.sum_exec_runtime;
	else
		change_nice(task, &params->nice);
}

bool sched_params_valid(const struct sched_params *params)
{
	switch (params->policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return params->rt_priority >= 1 && params->rt_priority <= 99;
	case SCHED_DEADLINE:
		return params->rt_priority == 0 && dl_params_valid(params);
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return params->rt_priority == 0;
	default:
		return false;
	}
}

/* Nothing would change: a task keeps its place in its queue. */
static bool same_params(const struct sched_task *s, const struct sched_params *params)
{
	if (params->policy != s->policy)
		return false;
	if (is_rt(s->policy))
		return params->rt_priority == s->rt_priority;
	if (s->policy == SCHED_DEADLINE)
		return params->dl_runtime == s->dl.dl_runtime && params->dl_deadline == s->dl.dl_deadline &&
		       (params->dl_period ? params->dl_period : params->dl_deadline) == s->dl.dl_period && params->dl_flags == s->dl.flags;
	return params->nice == s->nice;
}

int sched_set_policy(struct task_struct *task, const struct sched_params *params)
{
	cpumask_t online = cpumask_first_n(nr_cpus);

	if (!sched_params_valid(params))
		return -EINVAL;
	if (same_params(&task->sched, params)) {
		task->sched.reset_on_fork = params->reset_on_fork;
		return 0;
	}
	if (params->policy == SCHED_DEADLINE) {
		/* Which cpu has bandwidth left is not looked at: so it may have to run on any. */
		if (!cpumask_subset(&online, &task->sched.cpus_allowed) || sched_tunables.rt_runtime == 0)
			return -EPERM;
		if (dl_admit(task, params))
			return -EBUSY;
	}
	requeue(task, change_policy, params);
	return 0;
}

/* ---- affinity ---- */

static void set_allowed(struct sched_task *s, const cpumask_t *mask)
{
	s->cpus_allowed = *mask;
	s->nr_cpus_allowed = cpumask_weight(mask);
}

int sched_set_affinity(struct task_struct *task, const cpumask_t *mask)
{
	cpumask_t online = cpumask_first_n(nr_cpus), wanted = cpumask_and(mask, &online);
	struct rq *rq = task_rq(task);

	if (task->sched.policy == SCHED_DEADLINE && !cpumask_subset(&online, &wanted))
		return -EBUSY;
	if (cpumask_empty(&wanted))
		return -EINVAL;
	if (task->sched.on_rq)
		rq->nr_pinned -= task->sched.nr_cpus_allowed == 1;
	set_allowed(&task->sched, &wanted);
	if (task->sched.on_rq)
		rq->nr_pinned += task->sched.nr_cpus_allowed == 1;
	if (allowed_on(task, rq->cpu) || !task->sched.on_rq)
		return 0;
	if (rq->curr == task)
		resched_curr(rq);
	else
		sched_move_queued(task, task->sched.class->select_task_rq(task, SELECT_EXEC));
	if (task == current)
		schedule(); /* it goes on where it may */
	return 0;
}

bool sched_exec(void)
{
	struct task_struct *task = current;

	if (task->sched.class->select_task_rq(task, SELECT_EXEC) == task->sched.cpu)
		return false;
	task->sched.execs = true;
	resched_curr(&runqueues[task->sched.cpu]);
	return true;
}

/* ---- new tasks ---- */

void sched_task_init(struct task_struct *task)
{
	struct sched_task *s = &task->sched;
	cpumask_t online = cpumask_first_n(nr_cpus);

	memset(s, 0, sizeof(*s));
	s->class = &fair_sched_class;
	s->entity.weight = NICE_0_WEIGHT;
	list_init(&s->rt_link);
	set_allowed(s, &online);
}

int sched_fork(struct task_struct *child)
{
	const struct sched_task *parent = &current->sched;
	struct sched_task *s = &child->sched;

	if (parent->policy == SCHED_DEADLINE && !parent->reset_on_fork)
		return -EAGAIN;
	sched_task_init(child);
	s->class = parent->class;
	s->policy = parent->policy;
	s->nice = parent->nice;
	s->rt_priority = parent->rt_priority;
	s->cpu = parent->cpu;
	s->cpus_allowed = parent->cpus_allowed;
	s->nr_cpus_allowed = parent->nr_cpus_allowed;
	s->entity.vruntime = parent->entity.vruntime;
	if (parent->reset_on_fork) {
		if (is_rt(s->policy) || s->policy == SCHED_DEADLINE) {
			s->policy = SCHED_NORMAL;
			s->rt_priority = 0;
		}
		s->nice = max(s->nice, 0);
	} else {
		s->reset_on_fork = false;
	}
	s->class = s->rt_priority ? &rt_sched_class : &fair_sched_class; /* loans are not inherited */
	s->entity.weight = s->policy == SCHED_IDLE ? 3 : nice_to_weight[s->nice + 20];
	child->state = TASK_NEW;
	return 0;
}

u64 sched_rr_interval(struct task_struct *task)
{
	return task->sched.class->get_rr_interval(task_rq(task), task);
}
