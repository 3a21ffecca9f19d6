// SPDX-License-Identifier: Apache-2.0
/*
 * `linuxd run --strace`: a line per system call.
 *
 * A line is made in two steps, because a call may overwrite what it reads: strace_enter decodes the arguments up to
 * the first one that the call fills, strace_exit the rest and the result. In between the line hangs on the task. It is
 * written with one host call, so that lines of different cpus do not mix.
 */
#include "kernel/trace/strace.h"

#include "include/abi/boot.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"
#include "kernel/trace/decode.h"
#include "kernel/trace/trace.h"
#include "host.gen.h"

static int trace_fd = -1;

void line_vprintf(struct trace_line *line, size_t limit, const char *format, va_list args)
{
	if (line->length >= limit)
		return;
	int n = vsnprintf(line->text + line->length, limit - line->length, format, args);
	line->length = min((size_t)line->length + (n > 0 ? (size_t)n : 0), limit - 1);
}

void line_printf(struct trace_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_vprintf(line, TRACE_LINE_SIZE - TRACE_LINE_ROOM, format, args);
	va_end(args);
}

/* The end of a line may use the room that arguments may not. */
static void __printf(2, 3) line_finish(struct trace_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_vprintf(line, TRACE_LINE_SIZE - 1, format, args);
	va_end(args);
}

static void line_write(struct trace_line *line)
{
	struct io_vector vector;
	int attempts = 0;

	if (trace_fd < 0)
		return;
	line->text[line->length++] = '\n';
	vector = (struct io_vector){ (u64)line->text, line->length };
	/* A pipe nobody reads from may be full: the reader is given a moment, then the line is lost. */
	while (vector.length) {
		long n = host_pwritev2(trace_fd, &vector, 1, (u64)-1, (u64)-1, 0);
		if (n > 0) {
			vector.base += (u64)n;
			vector.length -= (u64)n;
		} else if ((n != -EAGAIN && n != -EINTR) || attempts++ > 100000) {
			break;
		}
	}
}

static struct trace_line *line_start(struct task_struct *task)
{
	struct trace_line *line = kmalloc(sizeof(*line));

	if (!line)
		return NULL;
	line->length = 0;
	line->next_argument = 0;
	line_printf(line, "[%d] ", task->tid);
	return line;
}

static void line_argument(struct trace_line *line, const struct syscall_entry *entry, int i, const u64 args[6], long result)
{
	if (i)
		line_printf(line, ", ");
	decode_argument(line, entry, i, args, result);
}

void strace_enter(struct task_struct *task, const struct syscall_entry *entry, const u64 args[6], u64 start_ns)
{
	struct trace_line *line = line_start(task);
	int i = 0;

	kfree(task->trace_line);
	task->trace_line = line;
	if (!line || !entry->name)
		return;
	line_printf(line, "%s(", entry->name);
	while (i < entry->nargs && !argument_is_late(entry->args[i].kind))
		line_argument(line, entry, i, args, 0), i++;
	line->next_argument = (u8)i;
	if (entry->flags & SYSCALL_NORETURN) {
		line_finish(line, ") = ?");
		line_write(line);
		task->trace_line = NULL;
		kfree(line);
	}
}

static void line_result(struct trace_line *line, const struct syscall_entry *entry, long result)
{
	static const char *const restarts[] = { "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ENOIOCTLCMD",
						"ERESTART_RESTARTBLOCK" };

	if (result >= 0 || result < -MAX_ERRNO) {
		bool address = entry->fn == syscall_table[SYS_mmap].fn || entry->fn == syscall_table[SYS_brk].fn ||
			       entry->fn == syscall_table[SYS_mremap].fn || entry->fn == syscall_table[SYS_shmat].fn;
		line_finish(line, address ? ") = 0x%lx" : ") = %ld", result);
	} else if (-result >= ERESTARTSYS && -result <= ERESTART_RESTARTBLOCK) {
		line_finish(line, ") = ? %s", restarts[-result - ERESTARTSYS]);
	} else {
		const char *name = errno_name((int)-result);
		line_finish(line, ") = -1 (%s)", name ? name : "unknown error");
	}
}

void strace_exit(struct task_struct *task, const struct syscall_entry *entry, const u64 args[6], long result,
		 u64 start_ns, u64 end_ns)
{
	struct trace_line *line = task->trace_line;
	unsigned long took = (unsigned long)(end_ns - start_ns);

	/* A child starts its life at the end of its parent's fork: it has no beginning to show. */
	if (!line)
		return;
	if (!entry->name) {
		line_printf(line, "syscall_%ld(0x%lx, 0x%lx, 0x%lx", task->trace_syscall, args[0], args[1], args[2]);
	} else {
		for (int i = line->next_argument; i < entry->nargs; i++)
			line_argument(line, entry, i, args, result);
	}
	line_result(line, entry, result);
	line_finish(line, " <%lu.%06lu>", took / 1000000000, took / 1000 % 1000000);
	line_write(line);
	task->trace_line = NULL;
	kfree(line);
}

void strace_signal(struct task_struct *task, int sig, const void *siginfo)
{
	const siginfo_t *info = siginfo;
	struct trace_line *line = line_start(task);

	if (!line)
		return;
	line_printf(line, "--- ");
	line_signal(line, sig);
	line_printf(line, " {si_code=%d", info->si_code);
	if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP)
		line_printf(line, ", si_addr=0x%lx", (u64)info->si_addr);
	else
		line_printf(line, ", si_pid=%d", info->si_pid);
	line_finish(line, "} ---");
	line_write(line);
	kfree(line);
}

void strace_exited(struct task_struct *task, int exit_code)
{
	struct trace_line *line = task->trace_line;

	task->trace_line = NULL;
	if (line) { /* killed inside a call */
		line_finish(line, " <unfinished>");
		line_write(line);
		kfree(line);
	}
	line = line_start(task);
	if (!line)
		return;
	if (exit_code & 0x7f) {
		line_printf(line, "+++ killed by ");
		line_signal(line, exit_code & 0x7f);
		line_finish(line, " +++");
	} else {
		line_finish(line, "+++ exited with %d +++", exit_code >> 8 & 0xff);
	}
	line_write(line);
	kfree(line);
}

static int strace_init(void)
{
	const struct monitor_channel *channel = (const struct monitor_channel *)LAYOUT_CHANNEL;

	trace_fd = channel->boot.trace_fd;
	if ((channel->boot.flags & BOOT_STRACE) && trace_fd >= 0)
		trace_flags |= TRACE_STRACE;
	return 0;
}
INITCALL(strace, strace_init, "");
