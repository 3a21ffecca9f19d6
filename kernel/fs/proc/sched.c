// SPDX-License-Identifier: Apache-2.0
/*
 * What /proc says about scheduling: /proc/PID/sched and schedstat, /proc/schedstat (version 15), and the limits of real-time tasks
 * in /proc/sys/kernel: sched_rt_period_us, sched_rt_runtime_us (-1: none), sched_rr_timeslice_ms (0: the default). See sched(7).
 */
#include "kernel/fs/proc/proc.h"
#include "kernel/sched/internal.h"

/* ---- /proc/PID ---- */

int proc_show_schedstat(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);

	if (!task)
		return -ESRCH;
	seq_printf(seq, "%llu %llu %llu\n", (unsigned long long)task_runtime(task), (unsigned long long)task->sched.wait_sum,
		   (unsigned long long)(task->sched.nvcsw + task->sched.nivcsw));
	task_put(task);
	return 0;
}

static void show_time(struct seq_buffer *seq, const char *name, u64 ns)
{
	seq_printf(seq, "%-45s:%14llu.%06llu\n", name, (unsigned long long)(ns / NSEC_PER_MSEC), (unsigned long long)(ns % NSEC_PER_MSEC));
}

static void show_number(struct seq_buffer *seq, const char *name, s64 n) { seq_printf(seq, "%-45s:%21lld\n", name, (long long)n); }

int proc_show_sched(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	const struct sched_task *sched;

	if (!task)
		return -ESRCH;
	sched = &task->sched;
	seq_printf(seq, "%s (%d, #threads: %d)\n-------------------------------------------------------------------\n", task->comm,
		   task->tid, task->signal->nr_threads);
	show_time(seq, "se.exec_start", sched->entity.exec_start);
	show_time(seq, "se.vruntime", sched->entity.vruntime);
	show_time(seq, "se.sum_exec_runtime", task_runtime(task));
	show_number(seq, "se.nr_migrations", (s64)sched->nr_migrations);
	show_time(seq, "wait_sum", sched->wait_sum);
	show_number(seq, "nr_wakeups", (s64)sched->nr_wakeups);
	show_number(seq, "nr_switches", (s64)(sched->nvcsw + sched->nivcsw));
	show_number(seq, "nr_voluntary_switches", (s64)sched->nvcsw);
	show_number(seq, "nr_involuntary_switches", (s64)sched->nivcsw);
	show_number(seq, "se.load.weight", (s64)sched->entity.weight * 1024);
	show_number(seq, "policy", sched->policy);
	show_number(seq, "prio", 100 + proc_shown_priority(task));
	if (sched->policy == SCHED_DEADLINE) {
		show_number(seq, "dl.runtime", sched->dl.runtime);
		show_number(seq, "dl.deadline", (s64)sched->dl.deadline);
	}
	task_put(task);
	return 0;
}

/* ---- /proc/schedstat ---- */

static void show_domain(struct seq_buffer *seq, int number, const struct sched_domain *sd)
{
	seq_printf(seq, "domain%d ", number);
	seq_cpumask(seq, sd->span.bits[0]);
	/* When idle, busy, newly idle: eight numbers each; only the busy ones' count and gain are kept. Then what was pushed. */
	seq_printf(seq, " 0 0 0 0 0 0 0 0 %llu 0 0 0 %llu 0 0 0 0 0 0 0 0 0 0 0 0 0 %llu 0 0 0 0 0 0 0 0 0\n",
		   (unsigned long long)sd->nr_balanced, (unsigned long long)sd->nr_moved, (unsigned long long)sd->nr_rotated);
}

int proc_show_all_schedstat(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "version 15\ntimestamp %llu\n", (unsigned long long)(ktime_get() / (10 * NSEC_PER_MSEC)));
	for (int cpu = 0; cpu < nr_cpus; cpu++) {
		const struct rq *rq = &runqueues[cpu];
		int number = 0;

		seq_printf(seq, "cpu%d %llu 0 %llu %llu %llu %llu %llu %llu %llu\n", cpu, (unsigned long long)rq->nr_yields,
			   (unsigned long long)rq->nr_schedules, (unsigned long long)rq->nr_idle, (unsigned long long)rq->nr_wakeups,
			   (unsigned long long)rq->nr_wakeups_local, (unsigned long long)rq->run_time,
			   (unsigned long long)rq->run_delay, (unsigned long long)rq->nr_switches);
		for (const struct sched_domain *sd = rq->domain; sd; sd = sd->parent)
			show_domain(seq, number++, sd);
	}
	return 0;
}

/* ---- /proc/sys/kernel/sched_* ---- */

enum { RR_TIMESLICE, RT_PERIOD, RT_RUNTIME };

static int which_limit(struct file *file)
{
	const char *name = proc_i(file->inode)->entry->name;

	return !strcmp(name, "sched_rt_period_us") ? RT_PERIOD : !strcmp(name, "sched_rt_runtime_us") ? RT_RUNTIME : RR_TIMESLICE;
}

int proc_show_rt_limit(struct file *file, struct seq_buffer *seq)
{
	const struct sched_tunables *t = &sched_tunables;
	int which = which_limit(file);
	s64 value = which == RT_PERIOD ? t->rt_period / 1000 : which == RT_RUNTIME ? t->rt_runtime < 0 ? -1 : t->rt_runtime / 1000 :
		    (s64)(t->rr_slice / NSEC_PER_MSEC);

	seq_printf(seq, "%lld\n", (long long)value);
	return 0;
}

int proc_write_rt_limit(struct file *file, char *text, size_t n)
{
	struct sched_tunables wanted = sched_tunables;
	int which = which_limit(file);
	s64 value;

	for (; *text == ' ' || *text == '\t'; text++)
		;
	for (n = strlen(text); n && (text[n - 1] == '\n' || text[n - 1] == ' ' || text[n - 1] == '\t');)
		text[--n] = 0;
	if (parse_s64(text, 10, &value) || value > INT32_MAX || value < INT32_MIN)
		return -EINVAL;
	if (which == RR_TIMESLICE) {
		sched_tunables.rr_slice = value <= 0 ? 100 * NSEC_PER_MSEC : (u64)value * NSEC_PER_MSEC;
		return 0;
	}
	if (value < (which == RT_PERIOD ? 1 : -1))
		return -EINVAL;
	if (which == RT_PERIOD)
		wanted.rt_period = value * 1000;
	else
		wanted.rt_runtime = value < 0 ? -1 : value * 1000;
	if (wanted.rt_runtime > wanted.rt_period)
		return -EINVAL;
	if (!dl_fits(wanted.rt_runtime, wanted.rt_period))
		return -EBUSY; /* deadline tasks were promised more */
	sched_tunables = wanted;
	return 0;
}
