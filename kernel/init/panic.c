// SPDX-License-Identifier: Apache-2.0
/* The kernel log, and the end when something is wrong: registers, back trace, message; the monitor prints them with symbols. */
#include <asm/sigcontext.h>
#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/init/init.h"
#include "kernel/init/log.h"
#include "kernel/task/task.h"
#include "kernel/trace/stats.h"

size_t raw_copy(void *dst, const void *src, size_t n);
extern char text_start[], text_end[];

void ring_doorbell(void)
{
	__atomic_add_fetch(&channel->doorbell, 1, __ATOMIC_SEQ_CST);
	host_futex(&channel->doorbell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void note_monitor(void)
{
	__atomic_add_fetch(&channel->notes, 1, __ATOMIC_SEQ_CST);
	ring_doorbell();
}

char first_error_line[256];

void printk(int level, const char *format, ...)
{
	char line[512];
	struct io_vector vector = { (u64)line, 0 };
	va_list args;
	int n = scnprintf(line, sizeof(line), "linuxd: ");

	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	/* The first one says why; others follow from it. */
	if (level <= KERN_ERR && !*first_error_line)
		strlcpy(first_error_line, line + strlen("linuxd: "), sizeof(first_error_line));
	log_keep(level, line + strlen("linuxd: "), (size_t)n - strlen("linuxd: "));
	line[n++] = '\n';
	vector.length = (u64)n;
	if (boot && boot->log_fd >= 0 && (level <= KERN_WARNING || (boot->flags & BOOT_DEBUG)))
		host_pwritev2(boot->log_fd, &vector, 1, (u64)-1, (u64)-1, 0);
}

static void collect_back_trace(u64 rip, u64 rbp)
{
	struct monitor_status *status = &channel->status;
	u32 n = 0;

	if (rip)
		status->back_trace[n++] = rip;
	while (n < ARRAY_SIZE(status->back_trace)) {
		u64 frame[2];

		if (rbp < LAYOUT_KERNEL_IMAGE || rbp % 8 || raw_copy(frame, (void *)rbp, sizeof(frame)))
			break;
		if (frame[1] < (u64)text_start || frame[1] >= (u64)text_end)
			break;
		status->back_trace[n++] = frame[1];
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
	status->nr_back_trace = n;
}

static __noreturn void finish(int state)
{
	__atomic_store_n(&channel->status.state, state, __ATOMIC_SEQ_CST);
	ring_doorbell();
	for (;;) {
		static u32 never;

		host_futex(&never, FUTEX_WAIT_BITSET, 0, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
	}
}

static u32 panicking;

static __noreturn void vpanic(u64 rip, u64 rbp, const char *registers, const char *format, va_list args)
{
	int n;

	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_SEQ_CST))
		finish(KERNEL_PANICKED);
	n = vsnprintf(channel->status.message, sizeof(channel->status.message), format, args);
	if (n >= 0 && n < (int)sizeof(channel->status.message))
		scnprintf(channel->status.message + n, sizeof(channel->status.message) - (size_t)n, "%s", registers);
	collect_back_trace(rip, rbp);
	finish(KERNEL_PANICKED);
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vpanic(0, (u64)__builtin_frame_address(0), "", format, args);
}

void panic_at(const struct sigcontext *mc, const char *format, ...)
{
	static char registers[400];
	va_list args;

	scnprintf(registers, sizeof(registers),
		  "\n  rip %016lx rsp %016lx rax %016lx rbx %016lx\n  rcx %016lx rdx %016lx rsi %016lx rdi %016lx\n"
		  "  rbp %016lx r12 %016lx r13 %016lx r14 %016lx",
		  (u64)mc->rip, (u64)mc->rsp, (u64)mc->rax, (u64)mc->rbx, (u64)mc->rcx, (u64)mc->rdx, (u64)mc->rsi, (u64)mc->rdi,
		  (u64)mc->rbp, (u64)mc->r12, (u64)mc->r13, (u64)mc->r14);
	va_start(args, format);
	vpanic(mc->rip, mc->rbp, registers, format, args);
}

/* No back trace: it is not the kernel that is wrong. */
void container_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(channel->status.message, sizeof(channel->status.message), format, args);
	va_end(args);
	channel->status.nr_back_trace = 0;
	finish(KERNEL_PANICKED);
}

void container_exit(int wait_status)
{
	if (boot->flags & BOOT_STATS)
		stats_write();
	channel->status.exit_code = wait_status;
	finish(KERNEL_EXITED);
}
