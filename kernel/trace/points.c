// SPDX-License-Identifier: Apache-2.0
/* The trace points: what each of them writes. */
#include "kernel/trace/trace.h"

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/locking.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"
#include "kernel/trace/ring.h"
#include "kernel/vfs/vfs.h"

#define OBJECT_RECORDS 5 /* 240 bytes of what a task waits for, or of a path */
#define ARGUMENT_RECORDS 3 /* 144 bytes of an argument */
#define FILE_RECORDS 2     /* 96 bytes of the name of an open file */
_Static_assert(1 + OBJECT_RECORDS <= TRACE_BURST && 1 + FILE_RECORDS + 2 * ARGUMENT_RECORDS <= TRACE_BURST, "");

pid_t trace_tid(const struct task_struct *task)
{
	if (!task)
		return 0;
	/* Kernel threads have no number of their own: their place in the heap is one. */
	return task->tid ? task->tid : -(pid_t)(((u64)task >> 4 & 0x7ffffff) | 1);
}

static struct trace_record record_of(enum trace_type type, const struct task_struct *task)
{
	return (struct trace_record){ .time = ktime_get(), .type = (u8)type, .tid = trace_tid(task) };
}

static enum trace_state state_of(const struct task_struct *task)
{
	if (task->state == TASK_DEAD || task->exit_state)
		return TRACE_DEAD;
	return task->sched.on_rq || task->state == TASK_RUNNING ? TRACE_RUNNABLE : TRACE_ASLEEP;
}

void __trace_task(struct task_struct *task, bool born)
{
	struct trace_record record = record_of(TRACE_TASK, task);

	record.small = (u8)state_of(task);
	for (int cpu = 0; cpu < nr_cpus; cpu++)
		if (cpus[cpu].rq->curr == task)
			record.small = TRACE_RUNNING;
	record.number = task->trace_syscall >= 0 ? (u16)task->trace_syscall : TRACE_NO_SYSCALL;
	record.task.tgid = task->tgid;
	record.task.parent = task->real_parent ? task->real_parent->tgid : 0;
	record.task.cpu = (s16)task->sched.cpu;
	record.task.born = born;
	record.task.wait_kind = (u8)task_block_kind(task);
	memcpy(record.task.name, task->comm, sizeof(record.task.name));
	trace_write(&record, 1);
}

void __trace_exec(struct task_struct *task, const char *path)
{
	struct trace_record records[1 + OBJECT_RECORDS];

	records[0] = record_of(TRACE_EXEC, task);
	memcpy(records[0].exec.name, task->comm, sizeof(records[0].exec.name));
	trace_write(records, 1 + trace_text(records + 1, OBJECT_RECORDS, records, TRACE_TEXT_OBJECT, path, strlen(path)));
}

void __trace_exit(struct task_struct *task, int code)
{
	struct trace_record record = record_of(TRACE_EXIT, task);

	record.exit.code = code;
	trace_write(&record, 1);
}

void __trace_signal(struct task_struct *task, int sig, int code, pid_t sender, u64 address)
{
	struct trace_record record = record_of(TRACE_SIGNAL, task);

	record.small = (u8)sig;
	record.signal.code = code;
	record.signal.sender = sender;
	record.signal.address = address;
	trace_write(&record, 1);
}

void __trace_switch(int cpu, struct task_struct *prev, struct task_struct *next)
{
	struct trace_record record = record_of(TRACE_SWITCH, prev);

	record.small = prev ? (u8)state_of(prev) : TRACE_RUNNABLE;
	record.number = (u16)cpu;
	record.to.tid = trace_tid(next);
	if (next) {
		record.to.nice = (s8)next->sched.nice;
		record.to.policy = (u8)next->sched.policy;
		record.to.rt_priority = (u8)next->sched.rt_priority;
		memcpy(record.to.name, next->comm, sizeof(record.to.name));
	}
	trace_write(&record, 1);
}

static void write_move(enum trace_type type, struct task_struct *task, int from_cpu, int to_cpu)
{
	struct trace_record record = record_of(type, task);
	const struct carrier *here = this_carrier();

	record.wake.waker = here->cpu && here->cpu->active == here ? trace_tid(here->task) : 0;
	record.wake.from_cpu = (s16)from_cpu;
	record.wake.to_cpu = (s16)to_cpu;
	record.wake.since = task->block_start;
	trace_write(&record, 1);
}

void __trace_wakeup(struct task_struct *task, int from_cpu, int to_cpu) { write_move(TRACE_WAKE, task, from_cpu, to_cpu); }
void __trace_migrate(struct task_struct *task, int from_cpu, int to_cpu) { write_move(TRACE_MIGRATE, task, from_cpu, to_cpu); }

void __trace_handoff(struct task_struct *next, struct carrier *target, bool was_idle)
{
	struct trace_record record = record_of(TRACE_HANDOFF, next);

	record.handoff.host_pid = target->host_pid;
	record.handoff.woken = was_idle;
	trace_write(&record, 1);
}

void __trace_wait(struct task_struct *task)
{
	struct trace_record records[1 + OBJECT_RECORDS];
	struct wait_info info;

	records[0] = record_of(TRACE_WAIT_BEGIN, task);
	records[0].small = (u8)task_block_kind(task);
	records[0].number = task->trace_syscall >= 0 ? (u16)task->trace_syscall : TRACE_NO_SYSCALL;
	records[0].wait.object = (u64)task->block_object;
	records[0].wait.since = task->block_start;
	records[0].wait.uninterruptible = !(task->state & TASK_INTERRUPTIBLE);
	if (!task_wait_text(task, &info))
		info.length = 0;
	trace_write(records, info.length ? 1 + trace_text(records + 1, OBJECT_RECORDS, records, TRACE_TEXT_OBJECT, info.text, info.length) : 1);
}

void __trace_io(struct task_struct *task, u64 queued, u64 started, long result)
{
	struct trace_record record = record_of(TRACE_IO, task);

	record.io.queued = queued;
	record.io.started = started;
	record.io.result = result;
	trace_write(&record, 1);
}

/* ---- system calls ---- */

static bool is_name(u8 kind) { return kind == ARG_PATH || kind == ARG_STRING; }

/* Files whose names were written lately, by number: those that meet in a place here are written again when they take turns. */
static u64 files_named[TRACE_FILES_NAMED] __cold_data;

void trace_forget_files(void) { memset(files_named, 0, sizeof(files_named)); }

/* The number of the open file behind a descriptor, and its name in `text` if that is to be written. 0: there is none. */
static u64 describe_file(struct task_struct *task, u64 fd, char *text, size_t size, size_t *ret_length)
{
	static char path[1024]; /* of whoever holds the kernel lock */
	u64 number = 0;
	struct file *file;
	const char *name;

	assert_kernel_locked();
	file = task->files && fd <= INT32_MAX ? fget_task(task, (unsigned)fd) : NULL;
	if (file) {
		number = file->serial;
		name = files_named[number % TRACE_FILES_NAMED] == number ? NULL : path_string_from(&init_fs.root, &file->path, path, sizeof(path));
		if (!IS_ERR_OR_NULL(name)) {
			files_named[number % TRACE_FILES_NAMED] = number;
			/* The end of a long one says more than its beginning. */
			*ret_length = min(strlen(name), size);
			memcpy(text, name + strlen(name) - *ret_length, *ret_length);
		}
		file_put(file);
	}
	return number;
}

static bool has_file(const struct syscall_entry *entry)
{
	return entry->nargs && entry->nargs <= TRACE_FILE_ARGUMENT && entry->args[0].kind == ARG_FD;
}

/* With the kernel lock. Returns how many texts follow the record. */
static unsigned describe_first(struct task_struct *task, struct trace_record *records)
{
	char text[FILE_RECORDS * TRACE_TEXT_SIZE];
	size_t length = 0;

	records->args[TRACE_FILE_ARGUMENT] = describe_file(task, records->args[0], text, sizeof(text), &length);
	return length ? trace_text(records + 1, FILE_RECORDS, records, 0, text, length) : 0;
}

/* Called without the kernel lock: reads the program's memory, and which file a descriptor is. */
void trace_syscall_enter(struct task_struct *task, const struct syscall_entry *entry, long number, const u64 args[6], u64 now)
{
	struct trace_record records[1 + FILE_RECORDS + 2 * ARGUMENT_RECORDS];
	unsigned n = 1;

	records[0] = (struct trace_record){ .time = now, .type = TRACE_SYSCALL_ENTER, .tid = trace_tid(task), .number = (u16)number };
	memcpy(records[0].args, args, sizeof(records[0].args));
	if (has_file(entry)) {
		kernel_lock();
		n += describe_first(task, records);
		kernel_unlock();
	} else if (entry->nargs <= TRACE_FILE_ARGUMENT) {
		records[0].args[TRACE_FILE_ARGUMENT] = 0;
	}
	for (int i = 0; i < entry->nargs && n + ARGUMENT_RECORDS <= ARRAY_SIZE(records); i++) {
		char text[ARGUMENT_RECORDS * TRACE_TEXT_SIZE];
		long length;

		if (!is_name(entry->args[i].kind) || !args[i])
			continue;
		length = strncpy_from_user(text, user_ptr_at(args[i]), sizeof(text));
		if (length >= 0)
			n += trace_text(records + n, ARGUMENT_RECORDS, records, (u8)i, text, (size_t)length);
	}
	trace_write(records, n);
}

void __trace_begun(struct task_struct *task)
{
	const struct pt_regs *regs = task->regs;
	const struct syscall_entry *entry = &syscall_table[task->trace_syscall];
	struct trace_record records[1 + FILE_RECORDS];
	unsigned n = 1;

	records[0] = record_of(TRACE_SYSCALL_ENTER, task);
	records[0].small = TRACE_BEGUN;
	records[0].number = (u16)task->trace_syscall;
	memcpy(records[0].args, (u64[]){ regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 }, sizeof(records[0].args));
	if (has_file(entry))
		n += describe_first(task, records);
	else if (entry->nargs <= TRACE_FILE_ARGUMENT)
		records[0].args[TRACE_FILE_ARGUMENT] = 0;
	trace_write(records, n);
	task->work |= TIF_TRACE_BEGUN;
}

void trace_syscall_exit(struct task_struct *task, long number, long result, u64 start, u64 now)
{
	struct trace_record record = { .time = now, .type = TRACE_SYSCALL_EXIT, .tid = trace_tid(task), .number = (u16)number };

	record.result.result = result;
	record.result.start = start;
	trace_write(&record, 1);
}
