// SPDX-License-Identifier: Apache-2.0
/* The machine and its names: uname(2), sethostname(2), sysinfo(2), syslog(2), getcpu(2), reboot(2), process ids. */
#include <linux/personality.h>
#include <linux/reboot.h>
#include <linux/signal.h>
#include <linux/sysinfo.h>

#include "include/abi/boot.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/pages.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"
#include "syscalls.gen.h"

/* syslog(2) actions */
enum { LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_READ_CLEAR, LOG_CLEAR, LOG_CONSOLE_OFF, LOG_CONSOLE_ON,
       LOG_CONSOLE_LEVEL, LOG_SIZE_UNREAD, LOG_SIZE_BUFFER };

#define LOAD_SHIFT (SI_LOAD_SHIFT - 11)

struct uts_namespace init_uts = {
	.sysname = "Linux",
	.nodename = "linuxd",
	.release = "6.1.0-linuxd",
	.version = "#1 SMP PREEMPT linuxd 0.1.0",
	.machine = "x86_64",
	.domainname = "(none)",
};

static int uts_init(void)
{
	if (boot->hostname < BOOT_STRINGS_SIZE && boot->strings[boot->hostname])
		strlcpy(init_uts.nodename, boot->strings + boot->hostname, sizeof(init_uts.nodename));
	if (boot->domainname < BOOT_STRINGS_SIZE && boot->strings[boot->domainname])
		strlcpy(init_uts.domainname, boot->strings + boot->domainname, sizeof(init_uts.domainname));
	return 0;
}
INITCALL(uts, uts_init, "");

long sys_uname(user_ptr buf)
{
	struct uts_namespace names = init_uts;

	if ((current->personality & PER_MASK) == PER_LINUX32)
		strlcpy(names.machine, "i686", sizeof(names.machine));
	return put_user_object(buf, &names);
}

static long set_uts_name(char *field, user_ptr name, int length)
{
	char text[65] = "";

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (length < 0 || length > 64)
		return -EINVAL;
	if (copy_from_user(text, name, (size_t)length))
		return -EFAULT;
	memcpy(field, text, sizeof(text));
	return 0;
}

long sys_sethostname(user_ptr name, int length)
{
	return set_uts_name(init_uts.nodename, name, length);
}

long sys_setdomainname(user_ptr name, int length)
{
	return set_uts_name(init_uts.domainname, name, length);
}

/* As in a pid namespace: it ends, its first process as if by SIGHUP (again, please) or SIGINT. */
long sys_reboot(int magic1, int magic2, unsigned cmd, user_ptr arg)
{
	unsigned second = (unsigned)magic2;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((unsigned)magic1 != LINUX_REBOOT_MAGIC1 || (second != LINUX_REBOOT_MAGIC2 && second != LINUX_REBOOT_MAGIC2A &&
							second != LINUX_REBOOT_MAGIC2B && second != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		container_exit(SIGHUP);
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		container_exit(SIGINT);
	}
	return -EINVAL;
}

long sys_sysinfo(user_ptr info)
{
	struct page_usage pages;
	struct heap_usage heap;
	struct sysinfo si;
	u64 used;

	memset(&si, 0, sizeof(si));
	page_usage(&pages);
	heap_usage(&heap);
	if (deterministic) /* what the host gives back, and when */
		heap.used = 0;
	used = heap.used + (pages.used << PAGE_SHIFT);
	si.uptime = (__kernel_long_t)(ktime_get_boot() / NSEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		si.loads[i] = avenrun[i] << LOAD_SHIFT;
	si.totalram = boot->memory_limit ? boot->memory_limit : boot->host_memory;
	si.freeram = si.totalram > used ? si.totalram - used : 0;
	si.sharedram = pages.used << PAGE_SHIFT;
	si.procs = (u16)min(nr_tasks, 65535);
	si.mem_unit = 1;
	return put_user_object(info, &si);
}

static const struct wait_type syslog_wait = { "syslog", BLOCK_QUEUE, wait_describe_text };

/* The kernel's messages go to the host's log; the ring that programs can read is always empty. */
long sys_syslog(int type, user_ptr buf, int length)
{
	static struct wait_queue_head never = { LIST_HEAD_INIT(never.entries) };

	if (type != LOG_READ_ALL && type != LOG_SIZE_BUFFER && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (type) {
	case LOG_READ:
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		if (user_ptr_is_null(buf) || length < 0)
			return -EINVAL;
		if (!length || type != LOG_READ)
			return 0;
		return wait_event_interruptible(&never, &syslog_wait, "a new kernel message", false);
	case LOG_CONSOLE_LEVEL:
		return length < 1 || length > 8 ? -EINVAL : 0;
	case LOG_CLOSE:
	case LOG_OPEN:
	case LOG_CLEAR:
	case LOG_CONSOLE_OFF:
	case LOG_CONSOLE_ON:
	case LOG_SIZE_UNREAD:
	case LOG_SIZE_BUFFER:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_getcpu(user_ptr cpu, user_ptr node, user_ptr cache)
{
	if (!user_ptr_is_null(cpu) && put_user_u32(cpu, (u32)this_carrier()->cpu->id))
		return -EFAULT;
	if (!user_ptr_is_null(node) && put_user_u32(node, 0))
		return -EFAULT;
	return 0;
}

long sys_getpid(void)
{
	return current->tgid;
}

long sys_gettid(void)
{
	return current->tid;
}

/*
 * Without the kernel lock: a parent that exits at this moment may already be freed, but the heap is never unmapped, so the
 * worst is the number of a parent that has just gone, which getppid(2) may return anyway.
 */
long sys_getppid(void)
{
	const struct task_struct *parent = READ_ONCE(current->signal->leader->real_parent);

	return parent ? parent->tgid : 0;
}
