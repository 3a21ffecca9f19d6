/* SPDX-License-Identifier: Apache-2.0 */
/* Describing what a task waits for: the part that knows no objects. Those are described where they are defined. */
#include "kernel/sched/wait_info.h"

#include "kernel/locking.h"
#include "kernel/task/task.h"
#include "lib/format.h"

const char *const block_kind_names[] = {
	[BLOCK_NONE] = "none", [BLOCK_DISK] = "disk", [BLOCK_QUEUE] = "queue", [BLOCK_LOCK] = "lock",
	[BLOCK_TIMER] = "timer", [BLOCK_CHILD] = "child", [BLOCK_STOP] = "stop",
};

const char *const wait_relation_names[] = {
	[WAIT_HOLDER] = "holder", [WAIT_HOLDER_HINT] = "holder?", [WAIT_PEER] = "peer", [WAIT_CHILD] = "child",
};

static bool describe(const struct task_struct *task, struct wait_info *ret_info, bool text_only)
{
	assert_kernel_locked();
	if (!task_blocked(task))
		return false;
	ret_info->task = task;
	ret_info->text_only = text_only;
	ret_info->text[0] = 0;
	ret_info->length = 0;
	ret_info->nr_tasks = 0;
	ret_info->more = false;
	task->block_type->describe(task->block_object, ret_info);
	return true;
}

bool task_wait_info(const struct task_struct *task, struct wait_info *ret_info) { return describe(task, ret_info, false); }
bool task_wait_text(const struct task_struct *task, struct wait_info *ret_info) { return describe(task, ret_info, true); }

void wait_info_printf(struct wait_info *info, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	info->length += (size_t)vscnprintf(info->text + info->length, sizeof(info->text) - info->length, format, args);
	va_end(args);
}

void wait_info_task(struct wait_info *info, enum wait_relation relation, const struct task_struct *task)
{
	if (task == info->task || info->text_only)
		return;
	for (unsigned i = 0; i < info->nr_tasks; i++)
		if (info->tasks[i].tid == task->tid)
			return;
	if (info->nr_tasks == WAIT_INFO_TASKS) {
		info->more = true;
		return;
	}
	info->tasks[info->nr_tasks].tid = task->tid;
	info->tasks[info->nr_tasks++].relation = relation;
}

void wait_describe_text(const void *text, struct wait_info *info) { wait_info_printf(info, "%s", (const char *)text); }
