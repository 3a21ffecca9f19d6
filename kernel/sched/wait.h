/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wait queues: how a task sleeps until something happens, and how others wake it.
 *
 * A sleeper puts itself on the queue, sets its state, checks the condition and calls schedule(). A waker
 * makes the condition true, then wakes the queue. Both hold the kernel lock, which schedule() gives up
 * only after the sleeper stands on the queue; so no wake-up is lost.
 *
 * Every sleep names what it is (a wait_type, which has a kind) and its object: /proc, `linuxd ps` and the trace show them.
 */
#ifndef KERNEL_SCHED_WAIT_H
#define KERNEL_SCHED_WAIT_H

#include "kernel/kernel.h"

struct task_struct;
struct wait_info;

enum block_kind {
	BLOCK_NONE,
	BLOCK_DISK,  /* host I/O in flight; uninterruptible */
	BLOCK_QUEUE, /* pipe, socket, poll: waits for readable or writable */
	BLOCK_LOCK,  /* futex, flock, fcntl lock, kernel mutex */
	BLOCK_TIMER, /* nanosleep, timerfd */
	BLOCK_CHILD, /* wait4, vfork */
	BLOCK_STOP,  /* stopped by a signal, frozen */
};

/*
 * One reason to sleep, in whose terms the object is to be read. Each part of the kernel defines its own next to the code
 * that sleeps.
 */
struct wait_type {
	const char *name; /* completes "waits for": "pipe to be readable" is name "pipe read" */
	enum block_kind kind;
	/*
	 * Says what the object is and who it depends on (sched/wait_info.h). Called with the kernel lock held while a task
	 * still sleeps on the object, in no particular task; must not sleep.
	 */
	void (*describe)(const void *object, struct wait_info *info);
};

struct wait_queue_head {
	struct list_head entries; /* exclusive waiters stand at the end */
};

struct wait_queue_entry;
/*
 * Called by wake_up() for each entry with the kernel lock held; must not sleep. `key` is what the waker
 * passed (EPOLL* bits for files). Returns true if it woke somebody: that is what counts against the number
 * of exclusive wake-ups.
 */
typedef bool wait_func_t(struct wait_queue_entry *entry, unsigned key);

struct wait_queue_entry {
	struct list_head link;
	struct task_struct *task;
	wait_func_t *func;
	void *private;
	bool exclusive;
};

static inline void wait_queue_init(struct wait_queue_head *wq) { list_init(&wq->entries); }
static inline bool wait_queue_active(struct wait_queue_head *wq) { return !list_empty(&wq->entries); }

/* An entry that wakes the current task. */
void wait_entry_init(struct wait_queue_entry *entry);
/* An entry that calls `func` instead. */
void wait_entry_init_func(struct wait_queue_entry *entry, wait_func_t *func, void *private);
void wait_queue_add(struct wait_queue_head *wq, struct wait_queue_entry *entry);           /* non-exclusive */
void wait_queue_add_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry); /* at the end */
void wait_queue_remove(struct wait_queue_entry *entry);

/* Wakes all non-exclusive waiters and up to `nr` exclusive ones (0: all). Returns how many woke. */
int wake_up_common(struct wait_queue_head *wq, int nr_exclusive, unsigned key);
static inline int wake_up(struct wait_queue_head *wq) { return wake_up_common(wq, 1, 0); }
static inline int wake_up_nr(struct wait_queue_head *wq, int nr) { return wake_up_common(wq, nr, 0); }
static inline int wake_up_all(struct wait_queue_head *wq) { return wake_up_common(wq, 0, 0); }
/* The waker is about to sleep itself: the woken task is best run on this cpu (pipes, sockets). */
int wake_up_sync_poll(struct wait_queue_head *wq, unsigned poll_events);
static inline int wake_up_poll(struct wait_queue_head *wq, unsigned poll_events) { return wake_up_common(wq, 1, poll_events); }

#define NEVER UINT64_MAX /* no deadline */

/*
 * Puts the current task to sleep in `state` (TASK_*). The object is never NULL and stays what `type` says it is until
 * finish_sleep().
 */
void prepare_to_sleep(unsigned state, const struct wait_type *type, const void *object);
/* Sleeps until woken or until `deadline` (CLOCK_MONOTONIC, ns; NEVER for none). False: the deadline passed. */
bool schedule_until(u64 deadline);
void finish_sleep(void);

bool signal_pending(struct task_struct *task);       /* any signal to act upon */
bool fatal_signal_pending(struct task_struct *task); /* SIGKILL, or the group is exiting */

/*
 * Sleeps on `wq` until `condition`, evaluated with the kernel lock held, is true.
 * Interruptible forms return 0, -ERESTARTSYS on a signal, -ETIME when `deadline` passed first.
 */
#define wait_event_common(wq, state, type, object, deadline, exclusive_, condition, interrupted)   \
	({                                                                                         \
		long _ret = 0;                                                                     \
		if (!(condition)) {                                                                \
			struct wait_queue_entry _entry;                                            \
			wait_entry_init(&_entry);                                                  \
			for (;;) {                                                                 \
				if (list_empty(&_entry.link)) {                                    \
					if (exclusive_)                                            \
						wait_queue_add_exclusive(wq, &_entry);             \
					else                                                       \
						wait_queue_add(wq, &_entry);                       \
				}                                                                  \
				prepare_to_sleep(state, type, object);                             \
				if (condition)                                                     \
					break;                                                     \
				if (interrupted) {                                                 \
					_ret = -ERESTARTSYS;                                       \
					break;                                                     \
				}                                                                  \
				if (!schedule_until(deadline)) {                                   \
					finish_sleep();                                            \
					if (!(condition))                                          \
						_ret = -ETIME;                                     \
					break;                                                     \
				}                                                                  \
			}                                                                          \
			finish_sleep();                                                            \
			wait_queue_remove(&_entry);                                                \
		}                                                                                  \
		_ret;                                                                              \
	})

#define wait_event_interruptible(wq, type, object, condition)                                      \
	wait_event_common(wq, TASK_INTERRUPTIBLE, type, object, NEVER, false, condition, signal_pending(current))
#define wait_event_interruptible_exclusive(wq, type, object, condition)                            \
	wait_event_common(wq, TASK_INTERRUPTIBLE, type, object, NEVER, true, condition, signal_pending(current))
#define wait_event_interruptible_until(wq, type, object, deadline, condition)                      \
	wait_event_common(wq, TASK_INTERRUPTIBLE, type, object, deadline, false, condition, signal_pending(current))
#define wait_event_killable(wq, type, object, condition)                                           \
	wait_event_common(wq, TASK_INTERRUPTIBLE | TASK_KILLABLE_ONLY, type, object, NEVER, false, condition, fatal_signal_pending(current))
#define wait_event(wq, type, object, condition)                                                    \
	((void)wait_event_common(wq, TASK_UNINTERRUPTIBLE, type, object, NEVER, false, condition, false))

#endif
