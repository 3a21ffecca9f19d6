// SPDX-License-Identifier: Apache-2.0
/*
 * `linuxd run --stats`: what the kernel did and what it asked of the host, as text for the monitor to print.
 *
 *   system calls          total   patched   trapped
 *     read                 1202      1201         1
 *   host calls
 *     futex                  17
 *   ...
 */
#include "kernel/init/async.h"
#include "kernel/trace/stats.h"

#include "include/abi/boot.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/pages.h"
#include "kernel/sys/syscall.h"
#include "host.gen.h"

struct kernel_stats kernel_stats[MAX_CPUS + 1] __attribute__((section(".stats,\"aw\",@nobits#")));

struct text {
	char *at;
	size_t room;
};

static void __printf(2, 3) put(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	size_t stored = n < 0 ? 0 : min((size_t)n, text->room ? text->room - 1 : 0);
	text->at += stored;
	text->room -= stored;
}

/* The sum over all cpus of the counter at `offset` in struct kernel_stats. */
static unsigned long sum(size_t offset)
{
	u64 total = 0;

	for (int cpu = 0; cpu <= MAX_CPUS; cpu++)
		total += *(const u64 *)((const char *)&kernel_stats[cpu] + offset);
	return (unsigned long)total;
}
#define SUM(field) sum(offsetof(struct kernel_stats, field))

static unsigned long syscall_count(int nr, int way)
{
	return sum(offsetof(struct kernel_stats, syscalls) + ((size_t)nr * 2 + (size_t)way) * sizeof(u64));
}

/* The number with the highest count below `limit` (ties: `after` and up), so that rows come out sorted without a buffer. */
static int next_row(const unsigned long *counts, int n, unsigned long limit, int after)
{
	int best = -1;

	for (int i = 0; i < n; i++) {
		if (!counts[i] || counts[i] > limit || (counts[i] == limit && i <= after))
			continue;
		if (best < 0 || counts[i] > counts[best])
			best = i;
	}
	return best;
}

static void put_syscalls(struct text *text)
{
	static unsigned long counts[NR_SYSCALLS];
	unsigned long total = 0, trapped = 0;

	for (int nr = 0; nr < NR_SYSCALLS; nr++) {
		counts[nr] = syscall_count(nr, STATS_PATCHED) + syscall_count(nr, STATS_TRAPPED);
		total += counts[nr];
		trapped += syscall_count(nr, STATS_TRAPPED);
	}
	put(text, "%-28s %10s %10s %10s\n", "system calls", "total", "patched", "trapped");
	put(text, "  %-26s %10lu %10lu %10lu\n", "all", total, total - trapped, trapped);
	for (int nr = next_row(counts, NR_SYSCALLS, ~0UL, -1); nr >= 0; nr = next_row(counts, NR_SYSCALLS, counts[nr], nr))
		put(text, "  %-26s %10lu %10lu %10lu\n", syscall_table[nr].name ? syscall_table[nr].name : "?", counts[nr],
		    syscall_count(nr, STATS_PATCHED), syscall_count(nr, STATS_TRAPPED));
	if (SUM(syscalls_unknown[0]) + SUM(syscalls_unknown[1]))
		put(text, "  %-26s %10lu\n", "(unknown numbers)", SUM(syscalls_unknown[0]) + SUM(syscalls_unknown[1]));
}

static void put_host_calls(struct text *text)
{
	static unsigned long counts[HOST_CALL_MAX];
	unsigned long total = 0;

	for (int i = 0; i < HOST_CALL_MAX; i++) {
		counts[i] = (unsigned long)host_call_count[i];
		total += counts[i];
	}
	put(text, "%-28s %10s\n  %-26s %10lu\n", "host calls", "total", "all", total);
	for (int i = next_row(counts, HOST_CALL_MAX, ~0UL, -1); i >= 0; i = next_row(counts, HOST_CALL_MAX, counts[i], i))
		put(text, "  %-26s %10lu\n", host_call_names[i], counts[i]);
}

#define PUT(text, label, field) put(text, "  %-26s %10lu\n", label, SUM(field))

static void put_scheduling(struct text *text)
{
	put(text, "context switches\n");
	PUT(text, "same address space", switches_same);
	PUT(text, "cross address space", switches_cross);
	PUT(text, "to idle", switches_idle);
	PUT(text, "woken before they slept", idle_polled);
	PUT(text, "preemptions", preemptions);
	PUT(text, "preemption signals", preempt_signals);
	PUT(text, "wake-ups of sleeping cpus", remote_wakeups);
	PUT(text, "migrations", migrations);
	put(text, "kernel lock\n");
	PUT(text, "contended", lock_contended);
	PUT(text, "slept", lock_slept);
	put(text, "input and output\n  %-26s %10lu\n", "on async threads", (unsigned long)async_requests);
	put(text, "call sites\n");
	PUT(text, "patched", sites_patched);
	PUT(text, "not patchable", sites_refused);
	put(text, "tasks\n");
	PUT(text, "forks", forks);
	PUT(text, "threads", threads);
	PUT(text, "execs", execs);
	PUT(text, "faults", faults);
	PUT(text, "host processes made", host_processes);
	PUT(text, "host threads made", carriers);
}

void stats_write(void)
{
	struct monitor_channel *channel = (struct monitor_channel *)LAYOUT_CHANNEL;
	struct text text = { channel->stats, sizeof(channel->stats) };
	struct heap_usage heap;
	struct page_usage pages;

	heap_usage(&heap);
	page_usage(&pages);
	put_syscalls(&text);
	put_host_calls(&text);
	put_scheduling(&text);
	put(&text, "peak memory\n");
	put(&text, "  %-26s %10lu KiB\n", "kernel heap", (unsigned long)heap.peak / 1024);
	put(&text, "  %-26s %10lu KiB\n", "kernel pages", (unsigned long)pages.peak * 4);
	WRITE_ONCE(channel->stats_length, (u32)(text.at - channel->stats));
}
