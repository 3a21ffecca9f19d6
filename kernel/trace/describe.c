// SPDX-License-Identifier: Apache-2.0
/*
 * What a sleeping task waits for, in words. It sleeps in a system call whose arguments are still in its registers: they name the file, the
 * process or the address.
 */
#include "kernel/locking.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/task.h"
#include "kernel/trace/ring.h"
#include "kernel/vfs/vfs.h"

#define PATH_ROOM 1024

static u64 argument(const struct task_struct *task, int i)
{
	const struct pt_regs *regs = task->regs;

	switch (i) {
	case 0: return regs->rdi;
	case 1: return regs->rsi;
	case 2: return regs->rdx;
	case 3: return regs->r10;
	case 4: return regs->r8;
	default: return regs->r9;
	}
}

/* The end of a long path says more than its beginning. */
static size_t describe_file(struct task_struct *task, unsigned fd, char *text, size_t size)
{
	static char buffer[PATH_ROOM]; /* of whoever holds the kernel lock */
	struct file *file = task->files ? fget_task(task, fd) : NULL;
	const char *name;
	size_t length;

	if (!file)
		return 0;
	name = current && current->fs ? path_string(&file->path, buffer, sizeof(buffer)) : NULL;
	file_put(file);
	if (IS_ERR_OR_NULL(name))
		return 0;
	length = strlen(name);
	if (length >= size)
		return (size_t)scnprintf(text, size, "...%s", name + (length - size + 4));
	memcpy(text, name, length);
	return length;
}

static size_t describe_child(struct task_struct *task, char *text, size_t size)
{
	pid_t pid = (pid_t)argument(task, 0);

	if (task->trace_syscall == SYS_wait4 && pid > 0)
		return (size_t)scnprintf(text, size, "process %d", pid);
	if (task->trace_syscall == SYS_wait4 || task->trace_syscall == SYS_waitid)
		return (size_t)scnprintf(text, size, "any child");
	if (task->vfork_child)
		return (size_t)scnprintf(text, size, "process %d, to exec or exit", task->vfork_child->tid);
	return 0;
}

size_t trace_describe_wait(struct task_struct *task, char *text, size_t size)
{
	const struct syscall_entry *entry;

	if (task_block_kind(task) == BLOCK_CHILD)
		return describe_child(task, text, size);
	if (!task->regs || task->trace_syscall < 0 || task->trace_syscall >= NR_SYSCALLS || task_block_kind(task) == BLOCK_STOP)
		return 0;
	if (task->trace_syscall == SYS_futex)
		return (size_t)scnprintf(text, size, "futex 0x%lx", argument(task, 0));
	entry = &syscall_table[task->trace_syscall];
	if (entry->nargs && entry->args[0].kind == ARG_FD)
		return describe_file(task, (unsigned)argument(task, 0), text, size);
	return 0;
}
