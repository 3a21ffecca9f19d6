// SPDX-License-Identifier: Apache-2.0
/* `linuxd trace`: beginning and ending a recording. The rings stay the kernel's; the client maps them, read-only. */
#include "kernel/inspect/inspect.h"
#include "kernel/task/task.h"
#include "kernel/trace/trace.h"

/* argument: what (TRACE_*), records in each ring (0: default), a process that must be there (0: any). -ESRCH, -EBUSY, -EINVAL, -ENOMEM. */
long inspect_trace_start(const u64 argument[4], struct inspect_answer *ret_answer)
{
	struct trace_area *area;
	long error;

	if (argument[0] > UINT32_MAX || argument[2] > INT32_MAX)
		return -EINVAL;
	if (argument[2] && !task_find((pid_t)argument[2]))
		return -ESRCH;
	error = trace_start((u32)argument[0], argument[1], &area, &ret_answer->length);
	if (error)
		return error;
	ret_answer->data = area;
	ret_answer->shared = true;
	return 0;
}

long inspect_trace_stop(const u64 argument[4], struct inspect_answer *ret_answer) { return trace_stop(); }
