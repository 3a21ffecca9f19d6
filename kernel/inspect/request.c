// SPDX-License-Identifier: Apache-2.0
/*
 * Takes questions from the channel and puts answers there.
 *
 *   monitor                                     aux thread
 *   kind, argument; asked++; EVENT_REQUEST      sees asked, calls the handler
 *   copies the area                             answer; answered = asked; doorbell
 *   released = answered; EVENT_REQUEST          frees the area
 *
 * A monitor that gave up waiting asks its next question without releasing: that frees the last answer too.
 */
#include "kernel/inspect/inspect.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"

static struct {
	u32 number;  /* of the last question that was answered */
	void *data;  /* its answer, until it is released */
	size_t pages;
} last;

static inspect_handler_t *const handlers[CONTROL_KIND_MAX] = {
	[CONTROL_SNAPSHOT] = inspect_snapshot,
	[CONTROL_START] = inspect_start,
	[CONTROL_KILL] = inspect_kill,
	[CONTROL_STATS] = inspect_stats,
	[CONTROL_UPDATE] = inspect_update,
	[CONTROL_EXEC] = inspect_exec,
	[CONTROL_EXEC_SIGNAL] = inspect_exec_signal,
	[CONTROL_EXEC_RESIZE] = inspect_exec_resize,
	[CONTROL_TRACE_START] = inspect_trace_start,
	[CONTROL_TRACE_STOP] = inspect_trace_stop,
	[CONTROL_FREEZE] = inspect_freeze,
	[CONTROL_THAW] = inspect_thaw,
};

static void release(void)
{
	if (last.data)
		heap_pages_free(last.data, last.pages);
	last.data = NULL;
}

static void answer(struct kernel_request *request, u32 number)
{
	u32 kind = READ_ONCE(request->kind);
	struct inspect_answer answer = { 0 };
	u64 argument[4];
	long error = -EOPNOTSUPP;

	for (int i = 0; i < 4; i++)
		argument[i] = READ_ONCE(request->argument[i]);
	if (kind < CONTROL_KIND_MAX && handlers[kind])
		error = handlers[kind](argument, &answer);
	request->error = (int)-error;
	request->shared = answer.shared;
	request->length = answer.data ? answer.length : 0;
	request->offset = answer.data ? (u64)answer.data - LAYOUT_KERNEL_DATA : 0;
	request->value[0] = answer.value[0];
	request->value[1] = answer.value[1];
	if (answer.data && !answer.shared) {
		last.data = answer.data;
		last.pages = answer.pages;
	}
	last.number = number;
	__atomic_store_n(&request->answered, number, __ATOMIC_RELEASE);
	ring_doorbell();
}

void inspect_serve(void)
{
	struct kernel_request *request = &channel->request;
	u32 asked = __atomic_load_n(&request->asked, __ATOMIC_ACQUIRE);

	assert_kernel_locked();
	if (asked != last.number || READ_ONCE(request->released) == last.number)
		release();
	if (asked != last.number)
		answer(request, asked);
}
