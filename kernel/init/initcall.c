// SPDX-License-Identifier: Apache-2.0
/* Runs the initcalls, each after the ones it needs; those that are ready at the same time run as tasks of their own. */
#include "kernel/init/initcall.h"

#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"

#define MAX_INITCALLS 64

extern const struct initcall initcalls_start[], initcalls_end[];

enum { WAITING, RUNNING, DONE };
static u8 states[MAX_INITCALLS];
static unsigned nr_done;
static int first_error;
static struct wait_queue_head progress = { LIST_HEAD_INIT(progress.entries) };

static unsigned nr_initcalls(void) { return (unsigned)(initcalls_end - initcalls_start); }

/* Index of the initcall whose name is the `length` bytes at `name`; -1 if there is none. */
static int find(const char *name, size_t length)
{
	for (unsigned i = 0; i < nr_initcalls(); i++)
		if (strlen(initcalls_start[i].name) == length && memcmp(initcalls_start[i].name, name, length) == 0)
			return (int)i;
	return -1;
}

/* 1 if everything it needs is done, 0 if not yet, -ENOENT for a name that nobody has. */
static int ready(const struct initcall *call)
{
	const char *p = call->needs;

	while (*p) {
		size_t length = 0;
		int i;

		while (*p == ' ')
			p++;
		while (p[length] && p[length] != ' ')
			length++;
		if (!length)
			break;
		i = find(p, length);
		if (i < 0) {
			printk(KERN_ERR, "initcall %s needs %s, which does not exist", call->name, p);
			return -ENOENT;
		}
		if (states[i] != DONE)
			return 0;
		p += length;
	}
	return 1;
}

static void run(void *arg)
{
	const struct initcall *call = arg;
	int error = call->function();

	if (error) {
		printk(KERN_ERR, "initcall %s failed: error %d", call->name, error);
		if (!first_error)
			first_error = error;
	}
	states[call - initcalls_start] = DONE;
	nr_done++;
	wake_up_all(&progress);
}

/* Begins everything that is ready: each in a kernel thread of its own, the last one here. Returns how many began. */
static int start_ready(unsigned n)
{
	const struct initcall *last = NULL;
	int started = 0;

	for (unsigned i = 0; i < n; i++) {
		int is_ready = states[i] == WAITING ? ready(&initcalls_start[i]) : 0;

		if (is_ready < 0)
			return is_ready;
		if (!is_ready)
			continue;
		states[i] = RUNNING;
		started++;
		if (last && IS_ERR(kernel_thread(last->name, 0, run, (void *)last)))
			run((void *)last);
		last = &initcalls_start[i];
	}
	if (last)
		run((void *)last);
	return started;
}

static const struct wait_type initcall_wait = { "initcall", BLOCK_LOCK, wait_describe_text };

int initcalls_run(void)
{
	unsigned n = nr_initcalls(), started = 0;

	BUG_ON(n > MAX_INITCALLS);
	while (nr_done < n && !first_error) {
		int now = start_ready(n);
		unsigned seen = nr_done;

		if (now < 0)
			return now;
		started += (unsigned)now;
		if (now)
			continue;
		if (nr_done == started) {
			printk(KERN_ERR, "initcalls wait for each other in a circle");
			return -ELOOP;
		}
		wait_event(&progress, &initcall_wait, "another initcall", nr_done != seen);
	}
	return first_error;
}
