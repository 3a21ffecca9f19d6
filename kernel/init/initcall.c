// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the initcalls, each after the ones it needs. One after the other: most take less than a tenth of what it takes to hand one to another cpu
 * (docs/adr/0020-initcalls-in-turn.md).
 */
#include "kernel/init/initcall.h"

#include "kernel/init/init.h"
#include "kernel/init/times.h"
#include "kernel/locking.h"

#define MAX_INITCALLS 64

extern const struct initcall initcalls_start[], initcalls_end[];

static bool done[MAX_INITCALLS];

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
		if (!done[i])
			return 0;
		p += length;
	}
	return 1;
}

static int run(const struct initcall *call)
{
	int time = boot_time_begin(call->name), error = call->function();

	boot_time_end(time);
	if (error)
		printk(KERN_ERR, "initcall %s failed: error %d", call->name, error);
	done[call - initcalls_start] = true;
	return error;
}

int initcalls_run(void)
{
	unsigned n = nr_initcalls(), nr_done = 0;

	BUG_ON(n > MAX_INITCALLS);
	while (nr_done < n) {
		unsigned before = nr_done;

		for (unsigned i = 0; i < n; i++) {
			int result = done[i] ? 0 : ready(&initcalls_start[i]);

			if (result > 0) {
				result = run(&initcalls_start[i]);
				nr_done++;
			}
			if (result < 0)
				return result;
		}
		if (nr_done == before) {
			printk(KERN_ERR, "initcalls wait for each other in a circle");
			return -ELOOP;
		}
	}
	return 0;
}
