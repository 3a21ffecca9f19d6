/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks (threads), thread groups (processes), pids, credentials: what Linux keeps per thread and per process.
 * Everything here is protected by the kernel lock unless a field says otherwise.
 */
#ifndef KERNEL_TASK_TASK_H
#define KERNEL_TASK_TASK_H

#include <linux/capability.h>
#include <linux/resource.h>
#include <asm/signal.h>
#include <asm/siginfo.h>

#include "kernel/arch/x86_64/regs.h"
#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/kernel.h"
#include "kernel/sched/current.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/wait.h"
#include "kernel/time/timer.h"

struct files_struct;
struct fs_struct;
struct mm_struct;
struct nsproxy;
struct pid;
struct session;
struct tty_struct;

#define NSIG_LINUX 64
typedef u64 sigmask_t; /* bit n-1 is signal n */
#define SIGMASK(sig) (1ULL << ((sig) - 1))

/* As the kernel ABI has it (rt_sigaction(2)). */
struct k_sigaction {
	u64 handler; /* SIG_DFL 0, SIG_IGN 1, or a user address */
	u64 flags;
	u64 restorer;
	u64 mask;
};

struct sigqueue {
	struct list_head link;
	siginfo_t info;
	struct posix_timer *timer; /* preallocated by a timer, not freed on delivery */
	uid_t uid;      /* whose RLIMIT_SIGPENDING it counts against */
};
struct sigpending {
	struct list_head queue;
	sigmask_t mask;
};

/* Dispositions: shared by CLONE_SIGHAND. */
struct sighand_struct {
	refcount_t count;
	struct k_sigaction action[NSIG_LINUX];
	struct wait_queue_head signalfd_wait; /* woken with POLL_IN when a signal is queued to any user of it */
};

#define RLIM_COUNT 16

/* A thread group: what POSIX calls a process. */
struct signal_struct {
	refcount_t count;
	struct list_head threads; /* task->thread_link */
	int nr_threads;           /* not yet exited */
	int nr_live;              /* not yet past exit_notify */
	struct task_struct *leader;
	struct sigpending shared_pending;
	struct wait_queue_head wait_child; /* wait4 sleepers of this process */

	bool group_exit;    /* exit_group or a fatal signal: all threads leave */
	int exit_code;      /* as wait4 encodes it */
	bool exec_in_progress;
	struct task_struct *exec_task; /* the thread that survives */
	unsigned stop_flags;           /* SIGNAL_STOP_*: task/signal.c */
	int stop_count;                /* threads still to stop */
	int stop_signal;               /* of the stop or continue to report */

	struct pid *pgrp, *session; /* counted */
	bool session_leader;
	struct tty_struct *tty;     /* controlling terminal, counted */
	struct pid *tty_old_pgrp;   /* counted: its foreground group when it hung up; told when the session leader exits */
	struct list_head pgrp_link;    /* pgrp->processes */
	struct list_head session_link; /* session->session_processes */

	struct rlimit64 rlimits[RLIM_COUNT];
	struct list_head posix_timers; /* time/posix_timer.c */
	int next_timer_id;
	int nr_cpu_timers;             /* armed POSIX timers, of anybody, on CPU clocks of this process */
	struct ktimer real_timer;      /* ITIMER_REAL */
	u64 real_interval;
	u64 virt_expires, virt_interval; /* ITIMER_VIRTUAL, ns of user time; 0: off */
	u64 prof_expires, prof_interval;

	/* Sums of exited threads, and of waited-for children. */
	u64 utime, stime, child_utime, child_stime;
	u64 nvcsw, nivcsw, child_nvcsw, child_nivcsw;
	u64 minflt, majflt;
	u64 maxrss_kib, child_maxrss_kib;
	bool child_subreaper, has_child_subreaper;
	int oom_score_adj;
	unsigned outside;       /* its parent is outside: slot + 1 of channel->exec; 0 */
	bool coredump;
	u64 start_time; /* CLOCK_BOOTTIME */
};

struct group_info {
	refcount_t count;
	int n;
	gid_t gids[];
};

/* Immutable once it is in task->cred; change a copy (prepare_creds, commit_creds). credentials(7), capabilities(7). */
struct cred {
	refcount_t count;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	unsigned securebits;
	struct group_info *groups;
};
#define CAP_ALL ((1ULL << (CAP_LAST_CAP + 1)) - 1)
static inline bool cred_capable(const struct cred *cred, int cap) { return cred->cap_effective >> cap & 1; }
bool capable(int cap); /* current */
struct cred *prepare_creds(void);  /* a private copy of current's; NULL when out of memory */
void commit_creds(struct cred *new); /* takes over the reference */
const struct cred *cred_get(const struct cred *cred);
void cred_put(const struct cred *cred);
struct cred *cred_alloc_root(void);   /* uid 0 with all capabilities and no groups, one reference; NULL */
struct group_info *groups_alloc(int n); /* one reference, gids not set; NULL */
struct group_info *groups_get(struct group_info *groups);
void groups_put(struct group_info *groups);
struct inode;
/* What exec of `inode` does to the credentials (capabilities(7), execve(2)): set-id bits unless nosuid, file capabilities,
 * ambient set. `new` is a private copy of current's. *ret_secure: AT_SECURE. */
int cred_exec(struct cred *new, struct inode *inode, bool nosuid, bool *ret_secure);
/* The credential options of prctl(2); -ENOSYS: not one of them. */
long cred_prctl(int option, u64 arg2, u64 arg3, u64 arg4, u64 arg5);
bool in_group(gid_t gid); /* fsgid or supplementary group of current */

/* Host names, IPC and the like, by namespace. One set per container until the namespace issue. */
struct uts_namespace {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
extern struct uts_namespace init_uts;

/* A process id. It stays reserved while any task, group or session uses it. */
struct pid {
	refcount_t count;
	pid_t number;
	struct hlist_node hash;
	struct task_struct *task;           /* the thread with this id, NULL once gone */
	struct list_head group_processes;   /* signal_struct.pgrp_link */
	struct list_head session_processes; /* signal_struct.session_link */
	struct wait_queue_head pidfd_wait;  /* woken with POLL_IN when the process exits */
};
struct pid *pid_alloc(void); /* NULL: -EAGAIN */
struct pid *pid_find(pid_t number);
struct pid *pid_get(struct pid *pid);
void pid_put(struct pid *pid);
struct task_struct *task_find(pid_t tid); /* any thread; not counted */
/* The process with the smallest number above `pid`, kernel threads left out; not counted. NULL. */
struct task_struct *process_after(pid_t pid);

struct restart_block {
	/* Called by restart_syscall(2); NULL: -EINTR. */
	long (*restart)(struct restart_block *block);
	union {
		struct { int clock; u64 deadline; user_ptr remaining; } nanosleep; /* deadline on that clock */
		struct { user_ptr word; u32 expected; u32 flags; u32 bitset; u64 deadline; } futex;
		struct { user_ptr fds; unsigned nr; u64 deadline; } poll;
	};
};

#define PF_EXITING 0x1
#define PF_KTHREAD 0x2      /* has no user mode; runs on any carrier unless PF_KERNEL_MM */
#define PF_KERNEL_MM 0x4    /* must run in the kernel process */
#define PF_FORKNOEXEC 0x8
#define PF_SUPERPRIV 0x10
#define PF_VFORK_CHILD 0x20 /* completes the parent's vfork at exec or exit */
#define PF_DUMPCORE 0x40
#define PF_SIGNALED 0x80

/* Exit work at the next return to user mode, besides signals and rescheduling. */
#define TIF_SIGPENDING 0x1
#define TIF_RESTORE_SIGMASK 0x2 /* saved_mask is to be restored after the call (sigsuspend, ppoll, ...) */
#define TIF_NOTIFY_STOP 0x4
#define TIF_MM_WORK 0x8 /* mm->work has something for a carrier of this mm */
#define TIF_FREEZE 0x20 /* it is to stand still: task->freezers */
#define TIF_TRACE_BEGUN 0x100 /* it was in a system call when recording began; the end of that call is to be recorded */
#define TIF_SYNC_CORE 0x80 /* its cpu is to forget instructions it has fetched: membarrier(2) */
#define TIF_USER_GS 0x40 /* always set where programs use GS */
#define TIF_DETERMINISTIC 0x10 /* always set with --deterministic (sched/deterministic.h) */

struct task_struct {
	/* Fixed offsets: arch/x86_64/asm-offsets.h */
	struct pt_regs *regs;   /* user registers, at the top of the kernel stack */
	u64 kernel_sp;          /* while not running */

	unsigned state;         /* TASK_* */
	unsigned flags;         /* PF_* */
	unsigned work;          /* TIF_* */
	refcount_t count;
	void *stack;            /* KERNEL_STACK_SIZE bytes */
	u64 gs_base;            /* the program's, with TIF_USER_GS (arch/x86_64/gs.h) */

	struct sched_task sched; /* sched/sched.h: class, entity, policy, cpu, accounting */
	/* What it sleeps on (sched/wait.h). True while it is blocked: task_blocked(). */
	const struct wait_type *block_type; /* NULL: it does not sleep */
	const void *block_object;
	u64 block_start;        /* CLOCK_MONOTONIC, ns; 0 when not blocked */
	u64 block_until;        /* when it gives up, CLOCK_MONOTONIC, ns; NEVER */

	struct mm_struct *mm;   /* NULL: kernel thread, or exited */
	struct xstate *xstate;  /* saved vector state, arch/x86_64/fpu.c */
	u64 fs_base;
	bool xstate_live;       /* the state is in the registers of `xstate_carrier` */
	struct carrier *xstate_carrier;

	pid_t tid, tgid;
	struct pid *pid;        /* of tid, counted */
	struct task_struct *parent, *real_parent;
	struct list_head children, sibling; /* processes (leaders) by real_parent */
	struct list_head thread_link;
	struct list_head all_link;  /* all_tasks: leaders and threads */
	int exit_signal;        /* -1 for a thread that is not leader */
	int exit_code;
	int exit_state;         /* 0, EXIT_ZOMBIE, EXIT_DEAD */
	int pdeath_signal;
	bool in_proc; /* a proc has, or had, a name for it */
	bool did_exec;
	char comm[16];

	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct sigpending pending;
	sigmask_t blocked, saved_mask, sigwait_mask;
	u64 sas_sp, sas_size;   /* sigaltstack */
	unsigned sas_flags;
	int mutexes_held;
	bool stop_pending;      /* this thread still has to stop */
	unsigned freezers;      /* that freeze it (task/freezer.h) */
	struct restart_block restart_block;
	/* The last fault in user mode, for the handler's ucontext. force_signal_fault sets trap and address; the trap
	 * code sets the error before. */
	u64 fault_trap, fault_error, fault_address;

	struct files_struct *files;
	struct fs_struct *fs;
	const struct cred *cred;
	struct mnt_namespace *mnt_ns;

	user_ptr set_child_tid, clear_child_tid;
	user_ptr robust_list;   /* get_robust_list(2) */
	struct futex_pi *pi_blocked_on;
	struct list_head pi_owned;
	u64 futex_woke_at;      /* TSC when it last woke somebody by futex; 0: has slept since */
	u64 futex_wake_gap;     /* TSC ticks it usually goes on after that, until it sleeps */
	struct wait_queue_head *vfork_done_wait;
	struct task_struct *vfork_child; /* while blocked in vfork */
	struct wait_queue_head vfork_wait;
	bool vfork_finished;
	struct hlist_head sem_undo;      /* ipc/sem.c */
	void *sysv_undo;

	unsigned personality;
	bool no_new_privs;
	u8 seccomp_mode;        /* SECCOMP_MODE_* */
	struct seccomp_filter *seccomp; /* counted; the last one attached */
	int ioprio;
	u64 timer_slack, default_timer_slack;
	u64 start_time;         /* CLOCK_BOOTTIME */
	u64 min_flt, maj_flt;
	u64 rchar, wchar, syscr, syscw;
	bool spins;             /* when last looked at, it waited in a loop without system calls (sched/deterministic.c) */
	unsigned steps_left;    /* instructions until another task is to run; 0: nobody counts (arch/x86_64/step.h) */
	long trace_syscall;     /* number of the call it is in, -1 outside */
	u64 trace_start;
	struct trace_line *trace_line; /* --strace: the line of the call it is in */
};

#define EXIT_ZOMBIE 0x10
#define EXIT_DEAD 0x20
#define KERNEL_STACK_SIZE 16384UL
#define STACK_CANARY 0x6c696e757864UL /* in the last word of every kernel stack */

extern struct list_head all_tasks;
extern struct task_struct *init_task; /* pid 1; NULL before it is made */
extern int nr_tasks, tasks_limit; /* limit 0: none */
extern u64 tasks_limit_hits;      /* so many times there was to be one more */
#define for_each_thread(task, t) list_for_each_entry(t, &(task)->signal->threads, thread_link)
#define for_each_task(t) list_for_each_entry(t, &all_tasks, all_link)
/* Asleep, and has been since t->block_start. */
static inline bool task_blocked(const struct task_struct *t)
{
	return t->block_start && t->block_type && t->state != TASK_RUNNING && !t->exit_state;
}
static inline enum block_kind task_block_kind(const struct task_struct *t)
{
	return task_blocked(t) ? t->block_type->kind : BLOCK_NONE;
}
static inline bool thread_group_leader(const struct task_struct *t) { return t->signal->leader == t; }
static inline u64 rlimit(unsigned limit) { return current->signal->rlimits[limit].rlim_cur; }

static inline struct task_struct *task_get(struct task_struct *t) { refcount_inc(&t->count); return t; }
void task_put(struct task_struct *t);

/* Kernel thread. fn returns: it exits. ERR_PTR. */
struct task_struct *kernel_thread(const char *name, unsigned pf_flags, void (*fn)(void *arg), void *arg);

void do_exit(int code) __noreturn;       /* this thread; code as wait4 encodes it */
void do_group_exit(int code) __noreturn;
/* Signals: see task/signal.h. */

/* Times of a task, ns, and of its whole group. */
void task_cputime(struct task_struct *t, u64 *ret_utime, u64 *ret_stime);
void group_cputime(struct task_struct *t, u64 *ret_utime, u64 *ret_stime);

#endif
