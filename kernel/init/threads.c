// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel process's own host threads: clock, async I/O, poll (host descriptors), aux (events from the monitor). They are
 * no cpus: they take the kernel lock, do their piece, and sleep on the host.
 */
#include <linux/eventpoll.h>
#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/asm-offsets.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/host/handover.h"
#include "kernel/init/async.h"
#include "kernel/init/init.h"
#include "kernel/inspect/inspect.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/oom.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/time/timer.h"
#include "kernel/trace/trace.h"

extern char carrier_clone_start[];

static void futex_sleep_until(u32 *word, u32 value, u64 deadline)
{
	struct { s64 tv_sec, tv_nsec; } ts = { (s64)(deadline / NSEC_PER_SEC), (s64)(deadline % NSEC_PER_SEC) };

	this_carrier()->sleeps_on_host = true;
	host_futex(word, FUTEX_WAIT_BITSET, value, deadline == NEVER ? NULL : (void *)&ts, NULL, FUTEX_BITSET_MATCH_ANY);
	this_carrier()->sleeps_on_host = false;
}


/* ---- clock ---- */

static u32 clock_word;
static u64 clock_deadline = NEVER;

static u64 tick_deadline = NEVER;
bool tick_hint; /* a cpu has more than one runnable task, or a timer on CPU time */

void clock_thread_kick_if_needed(void)
{
	u64 wanted = clock_thread_owns_timers() ? ktimers_next() : NEVER;

	if (unlikely(deterministic)) /* there is no clock thread */
		return;
	timer_cpu_kick_if_needed();
	if (tick_hint && tick_deadline == NEVER)
		tick_deadline = ktime_get() + sched_tick_period();
	wanted = min(wanted, tick_deadline);
	if (wanted >= clock_deadline)
		return;
	clock_deadline = wanted;
	clock_word++;
	host_futex(&clock_word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void clock_thread(struct carrier *self)
{
	kernel_lock();
	for (;;) {
		u64 now = ktime_get(), next = ktimers_run(now);
		u32 seen;

		/* Whoever asks for ticks wakes this thread at once, but the tick is for later. */
		if (now >= tick_deadline) {
			tick_hint = false;
			tick_deadline = sched_clock_tick(now);
		}
		clock_deadline = min(clock_thread_owns_timers() ? next : NEVER, tick_deadline);
		seen = clock_word;
		kernel_unlock();
		futex_sleep_until(&clock_word, seen, clock_deadline);
		kernel_lock();
	}
}

/* ---- async I/O ---- */

struct async_request {
	struct list_head link;
	long (*function)(void *arg);
	void *arg;
	long result;
	bool done;
	struct wait_queue_head wait;
	struct task_struct *task; /* sleeps until it is done */
	u64 queued;
};
static LIST_HEAD(async_queue);
static u32 async_word;
static unsigned async_threads, async_idle, async_max;
u64 async_requests;

static void describe_async(const void *object, struct wait_info *info)
{
	const struct async_subject *subject = object;

	wait_info_printf(info, "%s of ", subject->what);
	if (subject->inode)
		wait_info_inode(info, subject->inode);
	else
		wait_info_printf(info, "a file system");
	if (subject->length)
		wait_info_printf(info, ", %llu bytes at %llu", (unsigned long long)subject->length, (unsigned long long)subject->offset);
}
static const struct wait_type async_wait = { "disk", BLOCK_DISK, describe_async };

long async_host_io(long (*function)(void *arg), void *arg, const struct async_subject *subject)
{
	struct async_request request = { .function = function, .arg = arg };

	if (!async_threads) {
		kernel_unlock();
		request.result = function(arg);
		kernel_lock();
		return request.result;
	}
	async_requests++;
	wait_queue_init(&request.wait);
	request.task = current;
	request.queued = trace_flags & RECORD_WAIT ? ktime_get() : 0;
	list_add_tail(&request.link, &async_queue);
	async_word++;
	host_futex(&async_word, FUTEX_WAKE, 1, NULL, NULL, 0);
	wait_event(&request.wait, &async_wait, subject, request.done);
	return request.result;
}

static int async_add(void);

static void async_thread(struct carrier *self)
{
	kernel_lock();
	for (;;) {
		struct async_request *request;
		u64 started;

		if (list_empty(&async_queue)) {
			u32 seen = async_word;

			async_idle++;
			kernel_unlock();
			futex_sleep_until(&async_word, seen, NEVER);
			kernel_lock();
			async_idle--;
			continue;
		}
		request = list_first_entry(&async_queue, struct async_request, link);
		list_del(&request->link);
		/* One stands ready for the next request as long as there may be more of them. Where the host refuses, fewer do. */
		if (!async_idle && async_threads < async_max)
			async_add();
		self->serves = request->task;
		started = request->queued ? ktime_get() : 0;
		kernel_unlock();
		request->result = request->function(request->arg);
		kernel_lock();
		self->serves = NULL;
		if (started)
			trace_io(request->task, request->queued, started, request->result);
		request->done = true;
		wake_up_all(&request->wait);
	}
}

/* Drops the kernel lock. By a thread of the kernel process: no other's may stand in for it. */
static int async_add(void)
{
	int error;

	async_threads++;
	error = kernel_host_thread("async", async_thread);
	if (error)
		async_threads--;
	return error;
}

int async_start(unsigned max_threads)
{
	async_max = max_threads;
	return max_threads ? async_add() : 0;
}

/* ---- poll: the container's stdio, and what the monitor hands in ---- */

static void host_event(const struct epoll_event *event)
{
	if (event->data < EPOLL_DATA_HANDOVER)
		hostpipe_ready((int)event->data, event->events);
	else
		host_watch_event(event->data, event->events);
}

static void poll_thread(struct carrier *self)
{
	const struct { s64 sec, nsec; } watch = { 0, DETERMINISTIC_WATCH_MS * (s64)NSEC_PER_MSEC };

	for (;;) {
		struct epoll_event events[64];
		long n;

		self->sleeps_on_host = true;
		n = host_epoll_pwait2(boot->epoll_fd, events, 64, deterministic ? (const void *)&watch : NULL, NULL, 8);
		self->sleeps_on_host = false;
		if (n < 0 && n != -EINTR) {
			printk(KERN_ERR, "poll thread: epoll_pwait2 fails with %ld", n);
			return;
		}
		kernel_lock();
		for (long i = 0; i < n; i++)
			host_event(&events[i]);
		if (deterministic && n > 0)
			deterministic_host_event();
		else if (deterministic)
			deterministic_watch();
		kernel_unlock();
	}
}

/* ---- aux: events from the monitor ---- */

static void signal_from_host(int sig)
{
	if (!container_started())
		container_end_unstarted(sig);
	else if (sig == SIGKILL)
		kill_process(init_task, "linuxd was asked to");
	else
		send_signal_process(sig, SEND_SIG_KERNEL, init_task);
}

static void handle_events(u32 events)
{
	if (events & EVENT_WINSIZE)
		console_resize(channel->rows, channel->columns);
	if (events & EVENT_SIGNAL) {
		u64 signals = __atomic_exchange_n(&channel->signals, 0, __ATOMIC_SEQ_CST);

		for (int sig = 1; sig <= NSIG_LINUX && init_task; sig++)
			if (signals >> (sig - 1) & 1)
				signal_from_host(sig);
	}
	if (events & EVENT_OOM)
		oom_kill();
	if (events & EVENT_REQUEST)
		inspect_serve();
}

static void aux_thread(struct carrier *self)
{
	for (;;) {
		u32 events = __atomic_exchange_n(&channel->events, 0, __ATOMIC_SEQ_CST);

		if (!events) {
			futex_sleep_until(&channel->events, 0, NEVER);
			continue;
		}
		kernel_lock();
		handle_events(events);
		if (deterministic)
			deterministic_host_event();
		kernel_unlock();
	}
}

/* ---- making them ---- */

/* Called by host_thread_start (entry.S), and by the boot thread. */
void host_thread_main(struct carrier *self)
{
	struct { void *sp; int flags; size_t size; } altstack = {
		(char *)self + CARRIER_OWN_STACK_TOP, 0, CARRIER_BLOCK_SIZE - CARRIER_OWN_STACK_TOP
	};
	void (*fn)(struct carrier *) = (void (*)(struct carrier *))self->scratch;

	host_sigaltstack((void *)&altstack, NULL);
	fn(self);
	for (;;)
		futex_sleep_until(&clock_word, clock_word, NEVER);
}

extern char host_thread_start[];

LIST_HEAD(kernel_host_threads);

static struct carrier *host_thread_alloc(const char *role, void (*fn)(struct carrier *self))
{
	struct carrier *c = heap_pages_alloc(CARRIER_BLOCK_SIZE / PAGE_SIZE);

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->self = c;
	c->mm = &kernel_mm;
	c->claimed_for = c->bound_cpu = -1;
	c->role = role;
	list_add_tail(&c->mm_link, &kernel_host_threads);
	c->scratch = (u64)fn;
	return c;
}

/* The boot thread: the launcher has asked the host to let it begin soon, so it is the clock. */
struct carrier *kernel_boot_thread(void) { return host_thread_alloc("clock", clock_thread); }

int kernel_host_thread(const char *role, void (*fn)(struct carrier *self))
{
	struct carrier *c = host_thread_alloc(role, fn);
	u64 *sp;
	long tid;

	if (!c)
		return -ENOMEM;
	sp = (u64 *)((char *)c + CARRIER_OWN_STACK_TOP);
	*--sp = 0;
	*--sp = (u64)c;
	*--sp = (u64)host_thread_start;
	kernel_unlock();
	tid = host_clone(HOST_CLONE_THREAD, sp, &c->host_tid, NULL, 0);
	kernel_lock();
	if (tid < 0) {
		list_del(&c->mm_link);
		heap_pages_free(c, CARRIER_BLOCK_SIZE / PAGE_SIZE);
	}
	return tid < 0 ? (int)tid : 0;
}

int kernel_threads_start(void)
{
	int error = kernel_host_thread("aux", aux_thread);

	if (!error && boot->epoll_fd >= 0)
		error = kernel_host_thread("poll", poll_thread);
	return error ? error : async_start(boot->async_threads);
}
