// SPDX-License-Identifier: Apache-2.0
/*
 * The rings of include/abi/trace.h: making, writing, ending.
 *
 * A ring's writer is the active carrier of its cpu, which may write without the kernel lock (a system call marked nolock); the last ring's is
 * whoever holds the kernel lock without being a cpu. The rings may be freed only when no writer is inside:
 *
 *   writer                          trace_stop
 *     busy[ring] = 1                  trace_flags = 0
 *     full barrier                    full barrier
 *     trace_flags has TRACE_ON?       busy[all] == 0? then free
 *     write; busy[ring] = 0
 *
 * A writer that the host has put to sleep in between is not waited for: the rings are freed when the next trace begins.
 */
#include "kernel/trace/ring.h"

#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/carrier.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"
#include "kernel/time/virtual.h"

u32 trace_flags;

static struct trace_area *area;
static size_t area_pages;
static atomic_uint busy[TRACE_MAX_RINGS];
static u64 heads[TRACE_MAX_RINGS]; /* ours: the area is only written */
#define SPINS 2000

static unsigned ring_of(struct carrier *carrier)
{
	return carrier->cpu && carrier->cpu->active == carrier ? (unsigned)carrier->cpu->id : (unsigned)nr_cpus;
}

static struct trace_record *ring_slots(unsigned ring)
{
	return (struct trace_record *)((char *)area + TRACE_AREA_HEADER) + (u64)ring * area->nr_slots;
}

void trace_write(const struct trace_record *records, unsigned n)
{
	unsigned ring = ring_of(this_carrier());

	debug_assert(n <= TRACE_BURST);
	atomic_exchange(&busy[ring], 1);
	if (likely(READ_ONCE(trace_flags) & TRACE_ON)) {
		struct trace_record *slots = ring_slots(ring);
		u64 head = heads[ring], mask = area->nr_slots - 1;

		for (unsigned i = 0; i < n; i++)
			slots[(head + i) & mask] = records[i];
		heads[ring] = head + n;
		__atomic_store_n(&area->rings[ring].head, head + n, __ATOMIC_RELEASE);
	}
	atomic_store_explicit(&busy[ring], 0, memory_order_release);
}

unsigned trace_text(struct trace_record *records, unsigned room, const struct trace_record *of, u8 about, const char *text, size_t length)
{
	unsigned n = 0;

	if (length > (size_t)room * TRACE_TEXT_SIZE)
		length = (size_t)room * TRACE_TEXT_SIZE;
	do {
		struct trace_record *record = &records[n++];
		size_t here = min(length, (size_t)TRACE_TEXT_SIZE);

		record->time = of->time;
		record->tid = of->tid;
		record->type = TRACE_TEXT;
		record->small = about;
		record->number = (u16)length;
		memcpy(record->text, text, here);
		if (here < TRACE_TEXT_SIZE)
			memset(record->text + here, 0, TRACE_TEXT_SIZE - here);
		text += here;
		length -= here;
	} while (length);
	return n;
}

static bool writers_gone(void)
{
	for (int i = 0; i <= nr_cpus; i++)
		for (int spins = 0; atomic_load(&busy[i]); spins++) {
			if (spins == SPINS)
				return false;
			cpu_relax();
		}
	return true;
}

/* False: a writer is inside. */
static bool free_area(void)
{
	if (!area)
		return true;
	if (!writers_gone())
		return false;
	heap_pages_free(area, area_pages);
	area = NULL;
	return true;
}

static void describe_tasks(void)
{
	struct task_struct *task;

	for_each_task(task) {
		__trace_task(task, false);
		if ((trace_flags & RECORD_SYSCALLS) && task->trace_syscall >= 0 && !task->exit_state)
			__trace_begun(task);
		if ((trace_flags & RECORD_WAIT) && task != current && task->block_start && task->state != TASK_RUNNING && !task->exit_state)
			__trace_wait(task);
	}
}

long trace_start(u32 what, u64 nr_slots, struct trace_area **ret_area, size_t *ret_size)
{
	u32 slots = TRACE_MIN_SLOTS;

	assert_kernel_locked();
	if (!what || (what & ~(u32)RECORD_ALL) || nr_slots > TRACE_MAX_SLOTS)
		return -EINVAL;
	if ((trace_flags & TRACE_ON) || !free_area())
		return -EBUSY;
	while (slots < (nr_slots ? nr_slots : TRACE_DEFAULT_SLOTS))
		slots *= 2;
	/* Together not more than an eighth of the heap, nor, if nothing else was asked for, than 64 MiB. */
	while (!nr_slots && slots > TRACE_MIN_SLOTS && (u64)slots * 64 * (u64)(nr_cpus + 1) > (64UL << 20))
		slots /= 2;
	while (slots > TRACE_MIN_SLOTS && (u64)slots * 64 * (u64)(nr_cpus + 1) > boot->heap_limit / 8)
		slots /= 2;
	area_pages = (TRACE_AREA_HEADER + (u64)slots * sizeof(struct trace_record) * (u64)(nr_cpus + 1)) / PAGE_SIZE;
	area = heap_pages_alloc(area_pages);
	if (!area)
		return -ENOMEM;
	memset(area, 0, TRACE_AREA_HEADER);
	memset(heads, 0, sizeof(heads));
	trace_forget_files();
	area->magic = TRACE_MAGIC;
	area->version = TRACE_VERSION;
	area->record_size = sizeof(struct trace_record);
	area->nr_rings = (u32)nr_cpus + 1;
	area->nr_cpus = (u32)nr_cpus;
	area->nr_slots = slots;
	area->records_offset = TRACE_AREA_HEADER;
	area->start = ktime_get();
	area->what = what;
	area->virtual_time = deterministic;
	__atomic_store_n(&trace_flags, trace_flags | what | TRACE_ON, __ATOMIC_SEQ_CST);
	describe_tasks();
	*ret_area = area;
	*ret_size = area_pages * PAGE_SIZE;
	return 0;
}

long trace_stop(void)
{
	assert_kernel_locked();
	__atomic_store_n(&trace_flags, trace_flags & (TRACE_STRACE | TRACE_SECCOMP), __ATOMIC_SEQ_CST);
	free_area();
	return 0;
}

/* `linuxd run --trace`: from the start. */
static int trace_init(void)
{
	struct trace_area *started;
	size_t size;
	long error;

	if (!boot->trace_what)
		return 0;
	error = trace_start(boot->trace_what, boot->trace_slots, &started, &size);
	if (error)
		return (int)error;
	channel->trace_length = size;
	__atomic_store_n(&channel->trace_offset, (u64)started - LAYOUT_KERNEL_DATA, __ATOMIC_RELEASE);
	return 0;
}
INITCALL(trace, trace_init, "");
