// SPDX-License-Identifier: Apache-2.0
/* Vector state: saved on a switch, loaded on the way to user mode, both only when needed. */
#include "kernel/arch/x86_64/fpu.h"

#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"

int raw_xrstor(const void *buffer, u64 mask);

static u64 state_mask, state_size;

void fpu_init(u64 mask, u64 size)
{
	state_mask = mask;
	state_size = ALIGN_UP(size, 64UL);
}

u64 fpu_size(void) { return state_size; }
u64 fpu_mask(void) { return state_mask; }

static void xsave(void *buffer)
{
	__asm__ __volatile__("xsaveopt64 (%0)" : : "r"(buffer), "a"((u32)state_mask), "d"((u32)(state_mask >> 32)) : "memory");
}

static void init_state(void *buffer)
{
	memset(buffer, 0, state_size);
	*(u16 *)buffer = 0x37f;               /* x87 control word */
	*(u32 *)((char *)buffer + 24) = 0x1f80; /* mxcsr */
}

int fpu_alloc(struct task_struct *task)
{
	char *raw = kmalloc(state_size + 64);

	if (!raw)
		return -ENOMEM;
	/* The offset of the aligned buffer is kept in the byte before it. */
	char *buffer = (char *)ALIGN_UP((u64)raw + 1, 64UL);
	buffer[-1] = (char)(buffer - raw);
	init_state(buffer);
	task->xstate = (struct xstate *)buffer;
	return 0;
}

void fpu_free(struct task_struct *task)
{
	char *buffer = (char *)task->xstate;

	if (!buffer)
		return;
	if (task->xstate_carrier && task->xstate_carrier->xstate_owner == task)
		task->xstate_carrier->xstate_owner = NULL;
	kfree(buffer - (u8)buffer[-1]);
	task->xstate = NULL;
}

void *fpu_buffer(struct task_struct *task) { return task->xstate; }

void fpu_save_current(void)
{
	if (current->xstate_live)
		xsave(current->xstate);
}

void fpu_fork(struct task_struct *child)
{
	fpu_save_current();
	memcpy(child->xstate, current->xstate, state_size);
}

void fpu_mark_loaded_from_buffer(void)
{
	current->xstate_live = false;
	current->xstate_carrier = NULL;
}

void fpu_reset_current(void)
{
	init_state(current->xstate);
	fpu_mark_loaded_from_buffer();
}

void fpu_switch_out(struct task_struct *prev)
{
	if (prev->xstate_live) {
		xsave(prev->xstate);
		prev->xstate_live = false;
	}
}

void fpu_prepare_exit(struct task_struct *task)
{
	struct carrier *carrier = this_carrier();

	if (task->xstate_live)
		return;
	if (carrier->xstate_owner != task || task->xstate_carrier != carrier) {
		if (raw_xrstor(task->xstate, state_mask))
			panic("invalid vector state of task %d", task->tid);
		carrier->xstate_owner = task;
		task->xstate_carrier = carrier;
	}
	task->xstate_live = true;
}

void fpu_load_from_signal_frame(const void *fpstate)
{
	struct carrier *carrier = this_carrier();

	if (!fpstate || raw_xrstor(fpstate, state_mask))
		panic("the host's signal frame has no valid vector state");
	carrier->xstate_owner = current;
	current->xstate_carrier = carrier;
	current->xstate_live = true;
}
