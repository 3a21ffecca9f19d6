/* SPDX-License-Identifier: Apache-2.0 */
/* What a process is doing and has used: stat, status, statm, limits, io, sched and their like. Formats: proc(5). */
#include "include/abi/boot.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/signal.h"

extern struct boot_params *boot;

char proc_state(const struct task_struct *task, const char **ret_word)
{
	static const char *const words[] = { "R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)",
					     "t (tracing stop)", "Z (zombie)", "X (dead)" };
	int i;

	if (task->exit_state == EXIT_ZOMBIE)
		i = 5;
	else if (task->exit_state || task->state & TASK_DEAD)
		i = 6;
	else if (task->state & TASK_STOPPED)
		i = 3;
	else if (task->state & TASK_TRACED)
		i = 4;
	else if (task->state & (TASK_UNINTERRUPTIBLE | TASK_KILLABLE_ONLY))
		i = 2;
	else
		i = task->state & TASK_INTERRUPTIBLE ? 1 : 0;
	if (ret_word)
		*ret_word = words[i];
	return words[i][0];
}

static pid_t parent_number(const struct task_struct *task)
{
	const struct task_struct *parent = task->real_parent;

	return parent && !(parent->flags & PF_KTHREAD) && parent != task ? parent->tgid : 0;
}

u64 proc_rss(struct task_struct *task) { return task->mm && !(task->flags & PF_KTHREAD) ? mm_rss_pages(task->mm) : 0; }

static void handled_signals(const struct task_struct *task, sigmask_t *ret_ignored, sigmask_t *ret_caught)
{
	*ret_ignored = *ret_caught = 0;
	if (!task->sighand)
		return;
	for (int sig = 1; sig <= NSIG_LINUX; sig++) {
		u64 handler = task->sighand->action[sig - 1].handler;

		if (handler == 1)
			*ret_ignored |= SIGMASK(sig);
		else if (handler)
			*ret_caught |= SIGMASK(sig);
	}
}

int proc_shown_priority(const struct task_struct *task)
{
	switch (task->sched.policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return -1 - task->sched.rt_priority;
	case SCHED_DEADLINE:
		return -101;
	default:
		return 20 + task->sched.nice;
	}
}

struct stat_sums {
	u64 utime, stime, min_flt, maj_flt;
};

static void stat_sums(struct task_struct *task, bool whole, struct stat_sums *sums)
{
	struct task_struct *t;

	*sums = (struct stat_sums){ .min_flt = task->min_flt, .maj_flt = task->maj_flt };
	if (!whole) {
		task_cputime(task, &sums->utime, &sums->stime);
		return;
	}
	group_cputime(task, &sums->utime, &sums->stime);
	sums->min_flt = task->signal->minflt;
	sums->maj_flt = task->signal->majflt;
	for_each_thread(task, t) {
		sums->min_flt += t->min_flt;
		sums->maj_flt += t->maj_flt;
	}
}

int proc_show_stat(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct signal_struct *signal;
	struct stat_sums sums;
	sigmask_t ignored, caught;
	struct mm_struct *mm;
	bool look;

	if (!task)
		return -ESRCH;
	signal = task->signal;
	stat_sums(task, !proc_i(file->inode)->thread, &sums);
	handled_signals(task, &ignored, &caught);
	mm = proc_mm(task);
	look = mm && proc_may_look(task);
	seq_printf(seq, "%d (%s", task->tid, task->comm);
	seq_printf(seq, ") %c %d %d %d %d %d %u %llu 0 %llu 0 ", proc_state(task, NULL), parent_number(task),
		   signal->pgrp ? signal->pgrp->number : 0, signal->session ? signal->session->number : 0,
		   signal->tty ? (int)tty_device(signal->tty) : 0, signal->tty ? tty_foreground_pgrp(signal->tty) : -1,
		   task->flags & 0x3f ? 0x400000 | (task->flags & PF_FORKNOEXEC ? 0x40 : 0) : 0x400000,
		   (unsigned long long)sums.min_flt, (unsigned long long)sums.maj_flt);
	seq_printf(seq, "%llu %llu %llu %llu ", (unsigned long long)TICKS(sums.utime), (unsigned long long)TICKS(sums.stime),
		   (unsigned long long)TICKS(signal->child_utime), (unsigned long long)TICKS(signal->child_stime));
	seq_printf(seq, "%d %d %d 0 %llu %llu %llu %llu ", proc_shown_priority(task), task->sched.nice, signal->nr_threads,
		   (unsigned long long)TICKS(task->start_time), (unsigned long long)(mm ? mm->total_vm * PAGE_SIZE : 0),
		   (unsigned long long)proc_rss(task), (unsigned long long)signal->rlimits[RLIMIT_RSS].rlim_cur);
	seq_printf(seq, "%llu %llu %llu 0 0 ", (unsigned long long)(look ? mm->start_code : !!mm),
		   (unsigned long long)(look ? mm->end_code : !!mm), (unsigned long long)(look ? mm->start_stack : 0));
	seq_printf(seq, "%llu %llu %llu %llu ", (unsigned long long)(task->pending.mask & 0x7fffffff),
		   (unsigned long long)(task->blocked & 0x7fffffff), (unsigned long long)(ignored & 0x7fffffff),
		   (unsigned long long)(caught & 0x7fffffff));
	seq_printf(seq, "%d 0 0 %d %d %d %d 0 0 0 ", task->state != TASK_RUNNING && look, thread_group_leader(task) ? task->exit_signal : -1,
		   task->sched.cpu, task->sched.rt_priority, task->sched.policy);
	if (look)
		seq_printf(seq, "%llu %llu %llu %llu %llu %llu %llu %d\n", (unsigned long long)mm->start_data,
			   (unsigned long long)mm->end_data, (unsigned long long)mm->start_brk, (unsigned long long)mm->arg_start,
			   (unsigned long long)mm->arg_end, (unsigned long long)mm->env_start, (unsigned long long)mm->env_end,
			   task->exit_code);
	else
		seq_printf(seq, "0 0 0 0 0 0 0 %d\n", proc_may_look(task) ? task->exit_code : 0);
	if (mm)
		mm_put(mm);
	task_put(task);
	return 0;
}

/* Words of 32 bits, the highest first, as many as nr_cpus needs. */
void seq_cpumask(struct seq_buffer *seq, u64 mask)
{
	unsigned bits = (unsigned)nr_cpus;

	mask &= bits < 64 ? (1ULL << bits) - 1 : ~0ULL;
	if (bits > 32)
		seq_printf(seq, "%0*llx,%08llx", (int)((bits - 32 + 3) / 4), (unsigned long long)(mask >> 32),
			   (unsigned long long)(mask & 0xffffffff));
	else
		seq_printf(seq, "%0*llx", (int)((bits + 3) / 4), (unsigned long long)mask);
}

void seq_cpulist(struct seq_buffer *seq, u64 mask)
{
	const char *separator = "";

	for (int i = 0; i < nr_cpus; i++) {
		int last = i;

		if (!(mask >> i & 1))
			continue;
		while (last + 1 < nr_cpus && mask >> (last + 1) & 1)
			last++;
		seq_printf(seq, last > i ? "%s%d-%d" : "%s%d", separator, i, last);
		separator = ",";
		i = last;
	}
}

static void status_memory(struct seq_buffer *seq, struct task_struct *task, struct mm_struct *mm)
{
	u64 rss = mm_rss_pages(mm) * 4, code = (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) >> 10;
	const struct {
		const char *name;
		u64 kib;
	} rows[] = {
		{ "VmPeak", max(mm->peak_vm, mm->total_vm) * 4 },
		{ "VmSize", mm->total_vm * 4 },
		{ "VmLck", mm->locked_vm * 4 },
		{ "VmPin", 0 },
		{ "VmHWM", max(rss, task->signal->maxrss_kib) },
		{ "VmRSS", rss },
		{ "RssAnon", rss },
		{ "RssFile", 0 },
		{ "RssShmem", 0 },
		{ "VmData", mm->data_vm * 4 },
		{ "VmStk", mm->stack_vm * 4 },
		{ "VmExe", code },
		{ "VmLib", 0 },
		{ "VmPTE", (mm->total_vm / 512 + 8) * 4 },
		{ "VmSwap", 0 },
		{ "HugetlbPages", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		seq_printf(seq, "%s:\t%8llu kB\n", rows[i].name, (unsigned long long)rows[i].kib);
	seq_printf(seq, "CoreDumping:\t%d\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n", !!(task->flags & PF_DUMPCORE));
}

static void status_ids(struct seq_buffer *seq, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	struct signal_struct *signal = task->signal;

	seq_printf(seq, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", task->tgid, task->tid, parent_number(task));
	seq_printf(seq, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", cred->uid, cred->euid, cred->suid,
		   cred->fsuid, cred->gid, cred->egid, cred->sgid, cred->fsgid, task->files ? task->files->capacity : 0);
	for (int i = 0; cred->groups && i < cred->groups->n; i++)
		seq_printf(seq, "%s%u", i ? " " : "", cred->groups->gids[i]);
	seq_printf(seq, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", task->tgid, task->tid,
		   signal->pgrp ? signal->pgrp->number : 0, signal->session ? signal->session->number : 0);
}

static void status_signals(struct seq_buffer *seq, struct task_struct *task)
{
	sigmask_t ignored, caught;
	struct sigqueue *queued;
	int n = 0;

	handled_signals(task, &ignored, &caught);
	list_for_each_entry(queued, &task->pending.queue, link)
		n++;
	list_for_each_entry(queued, &task->signal->shared_pending.queue, link)
		n++;
	seq_printf(seq, "Threads:\t%d\nSigQ:\t%d/%llu\n", task->signal->nr_threads, n,
		   (unsigned long long)task->signal->rlimits[RLIMIT_SIGPENDING].rlim_cur);
	seq_printf(seq, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		   (unsigned long long)task->pending.mask, (unsigned long long)task->signal->shared_pending.mask,
		   (unsigned long long)task->blocked, (unsigned long long)ignored, (unsigned long long)caught);
}

int proc_show_status(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	const struct cred *cred;
	const char *state;
	struct mm_struct *mm;

	if (!task)
		return -ESRCH;
	proc_state(task, &state);
	seq_puts(seq, "Name:\t");
	seq_escape(seq, task->comm, "\n\\");
	seq_putc(seq, '\n');
	if (task->fs)
		seq_printf(seq, "Umask:\t%04o\n", task->fs->umask);
	seq_printf(seq, "State:\t%s\n", state);
	status_ids(seq, task);
	mm = proc_mm(task);
	if (mm) {
		status_memory(seq, task, mm);
		mm_put(mm);
	}
	status_signals(seq, task);
	cred = task->cred;
	seq_printf(seq, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
		   (unsigned long long)cred->cap_inheritable, (unsigned long long)cred->cap_permitted,
		   (unsigned long long)cred->cap_effective, (unsigned long long)cred->cap_bounding,
		   (unsigned long long)cred->cap_ambient);
	seq_printf(seq, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\nSpeculation_Store_Bypass:\tnot vulnerable\n"
			"SpeculationIndirectBranch:\talways enabled\nCpus_allowed:\t", task->no_new_privs, task->seccomp_mode, seccomp_filter_count(task));
	seq_cpumask(seq, task->sched.cpus_allowed.bits[0]);
	seq_puts(seq, "\nCpus_allowed_list:\t");
	seq_cpulist(seq, task->sched.cpus_allowed.bits[0]);
	seq_printf(seq, "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (unsigned long long)task->sched.nvcsw, (unsigned long long)task->sched.nivcsw);
	task_put(task);
	return 0;
}

int proc_show_statm(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;

	if (!task)
		return -ESRCH;
	if (mm) {
		seq_printf(seq, "%llu %llu 0 %llu 0 %llu 0\n", (unsigned long long)mm->total_vm, (unsigned long long)mm_rss_pages(mm),
			   (unsigned long long)((PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) >> PAGE_SHIFT),
			   (unsigned long long)(mm->data_vm + mm->stack_vm));
		mm_put(mm);
	} else {
		seq_puts(seq, "0 0 0 0 0 0 0\n");
	}
	task_put(task);
	return 0;
}

int proc_show_comm(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);

	if (!task)
		return -ESRCH;
	seq_printf(seq, "%s\n", task->comm);
	task_put(task);
	return 0;
}

int proc_write_comm(struct file *file, char *text, size_t n)
{
	struct task_struct *task = proc_file_task(file);
	int error = -EINVAL;

	if (!task)
		return -ESRCH;
	if (task->signal == current->signal) {
		memset(task->comm, 0, sizeof(task->comm));
		memcpy(task->comm, text, min(strnlen(text, n), sizeof(task->comm) - 1));
		error = 0;
	}
	task_put(task);
	return error;
}

int proc_show_limits(struct file *file, struct seq_buffer *seq)
{
	static const struct {
		const char *name, *unit;
	} rows[RLIM_COUNT] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" },
		[RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" },
		[RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" },
		[RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" },
		[RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
		[RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
		[RLIMIT_NICE] = { "Max nice priority", NULL },
		[RLIMIT_RTPRIO] = { "Max realtime priority", NULL },
		[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	struct task_struct *task = proc_file_task(file);

	if (!task)
		return -ESRCH;
	seq_printf(seq, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_COUNT; i++) {
		u64 values[2] = { task->signal->rlimits[i].rlim_cur, task->signal->rlimits[i].rlim_max };

		seq_printf(seq, "%-25s ", rows[i].name);
		for (int k = 0; k < 2; k++) {
			if (values[k] == UINT64_MAX)
				seq_printf(seq, "%-20s ", "unlimited");
			else
				seq_printf(seq, "%-20llu ", (unsigned long long)values[k]);
		}
		if (rows[i].unit)
			seq_printf(seq, "%-10s\n", rows[i].unit);
		else
			seq_putc(seq, '\n');
	}
	task_put(task);
	return 0;
}

int proc_show_io(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file), *t;
	u64 rchar = 0, wchar = 0, syscr = 0, syscw = 0;

	if (!task)
		return -ESRCH;
	for_each_thread(task, t) {
		if (proc_i(file->inode)->thread && t != task)
			continue;
		rchar += t->rchar;
		wchar += t->wchar;
		syscr += t->syscr;
		syscw += t->syscw;
	}
	seq_printf(seq, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
		   (unsigned long long)rchar, (unsigned long long)wchar, (unsigned long long)syscr, (unsigned long long)syscw);
	task_put(task);
	return 0;
}

int proc_show_oom_score(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	s64 points, memory = (s64)((boot->memory_limit ? boot->memory_limit : boot->host_memory) / PAGE_SIZE);

	if (!task)
		return -ESRCH;
	points = (s64)proc_rss(task) * 1000 / max(memory, (s64)1) + task->signal->oom_score_adj;
	points = (1000 + points) * 2 / 3;
	seq_printf(seq, "%lld\n", (long long)(task->signal->oom_score_adj == -1000 || points < 0 ? 0 : points));
	task_put(task);
	return 0;
}

int proc_show_oom_score_adj(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);

	if (!task)
		return -ESRCH;
	seq_printf(seq, "%d\n", task->signal->oom_score_adj);
	task_put(task);
	return 0;
}

int proc_write_oom_score_adj(struct file *file, char *text, size_t n)
{
	struct task_struct *task;
	int64_t value;
	int error = 0;

	if (parse_s64(text, 0, &value) || value < -1000 || value > 1000)
		return -EINVAL;
	task = proc_file_task(file);
	if (!task)
		return -ESRCH;
	if (value < task->signal->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		error = -EACCES;
	else
		task->signal->oom_score_adj = (int)value;
	task_put(task);
	return error;
}

int proc_show_loginuid(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "4294967295"); return 0; }
int proc_show_sessionid(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "4294967295"); return 0; }
int proc_show_cgroup(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "0::/\n"); return 0; }
int proc_show_setgroups(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "allow\n"); return 0; }

int proc_show_uid_map(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%10u %10u %10u\n", 0, 0, UINT32_MAX);
	return 0;
}

int proc_write_denied(struct file *file, char *text, size_t n) { return -EPERM; }
int proc_write_ignored(struct file *file, char *text, size_t n) { return 0; }

int proc_show_personality(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);

	if (!task)
		return -ESRCH;
	seq_printf(seq, "%08x\n", task->personality);
	task_put(task);
	return 0;
}

int proc_show_timerslack(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	int error = 0;

	if (!task)
		return -ESRCH;
	if (task != current && !capable(CAP_SYS_NICE))
		error = -EPERM;
	else
		seq_printf(seq, "%llu\n", (unsigned long long)task->timer_slack);
	task_put(task);
	return error;
}

int proc_write_timerslack(struct file *file, char *text, size_t n)
{
	struct task_struct *task;
	u64 value;
	int error = 0;

	if (parse_u64(text, 10, &value))
		return -EINVAL;
	task = proc_file_task(file);
	if (!task)
		return -ESRCH;
	if (task != current && !capable(CAP_SYS_NICE))
		error = -EPERM;
	else
		task->timer_slack = value ? value : task->default_timer_slack;
	task_put(task);
	return error;
}

/* Where it sleeps: the name of the system call it is in. */
static const char *block_where(const struct task_struct *task)
{
	long nr = task->trace_syscall;
	const char *name = nr >= 0 && nr < NR_SYSCALLS ? syscall_table[nr].name : NULL;

	return name ? name : block_kind_names[task_block_kind(task)];
}

static void show_ns(struct seq_buffer *seq, const char *name, u64 ns)
{
	seq_printf(seq, "%s:\t%llu.%09llu\n", name, (unsigned long long)(ns / NSEC_PER_SEC), (unsigned long long)(ns % NSEC_PER_SEC));
}

int proc_show_block(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct wait_info info;
	u64 now = ktime_get();

	if (!task)
		return -ESRCH;
	if (!proc_may_look(task)) {
		task_put(task);
		return -EACCES;
	}
	if (!task_wait_info(task, &info)) {
		seq_puts(seq, "kind:\tnone\n");
		task_put(task);
		return 0;
	}
	seq_printf(seq, "kind:\t%s\nwait:\t%s\nobject:\t%s\n", block_kind_names[task_block_kind(task)], task->block_type->name, info.text);
	seq_printf(seq, "state:\t%s\n", task->state & TASK_KILLABLE_ONLY ? "killable" :
		   task->state & TASK_INTERRUPTIBLE ? "interruptible" : task->state & TASK_UNINTERRUPTIBLE ? "uninterruptible" : "stopped");
	seq_printf(seq, "call:\t%s\n", block_where(task));
	show_ns(seq, "start", task->block_start);
	show_ns(seq, "since", now - min(now, task->block_start));
	if (task->block_until != NEVER)
		show_ns(seq, "left", task->block_until - min(now, task->block_until));
	for (unsigned i = 0; i < info.nr_tasks; i++)
		seq_printf(seq, "%s:\t%d\n", wait_relation_names[info.tasks[i].relation], info.tasks[i].tid);
	if (info.more)
		seq_puts(seq, "more:\tyes\n");
	task_put(task);
	return 0;
}

int proc_show_wchan(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);

	if (!task)
		return -ESRCH;
	seq_puts(seq, task_blocked(task) && proc_may_look(task) ? block_where(task) : "0");
	task_put(task);
	return 0;
}

int proc_show_syscall(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct pt_regs *regs;

	if (!task)
		return -ESRCH;
	regs = task->regs;
	if (task->state == TASK_RUNNING || !regs) {
		seq_puts(seq, "running\n");
	} else {
		seq_printf(seq, "%lld", (long long)(s64)regs->orig_rax);
		for (int i = 0; (s64)regs->orig_rax >= 0 && i < 6; i++)
			seq_printf(seq, " 0x%llx", (unsigned long long)regs_arg(regs, i));
		seq_printf(seq, " 0x%llx 0x%llx\n", (unsigned long long)regs->rsp, (unsigned long long)regs->rip);
	}
	task_put(task);
	return 0;
}
