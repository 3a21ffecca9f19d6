// SPDX-License-Identifier: Apache-2.0
/* Giving GS to programs: see gs.h. */
#include "kernel/arch/x86_64/gs.h"

#include "kernel/arch/x86_64/patch.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/vdso/vdso.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/freezer.h"

/* The other tasks of an address space. */
struct others {
	struct freezer freezer;
	struct mm_struct *mm;
	struct task_struct *self;
	struct wait_queue_head wait;
};

static bool is_other(const struct freezer *freezer, const struct task_struct *task)
{
	const struct others *others = container_of(freezer, struct others, freezer);

	return task->mm == others->mm && task != others->self;
}

static void others_stand_still(struct freezer *freezer)
{
	wake_up_all(&container_of(freezer, struct others, freezer)->wait);
}

static void describe_others(const void *object, struct wait_info *info)
{
	wait_info_printf(info, "the other threads, to stop for a moment");
}
static const struct wait_type others_wait = { "GS", BLOCK_STOP, describe_others };

static void give(struct mm_struct *mm)
{
	struct task_struct *task;

	mutex_lock(&mm->mmap_lock);
	patch_remove_all(mm);
	vdso_without_gs(mm);
	mm->no_patch = mm->user_gs = true;
	mutex_unlock(&mm->mmap_lock);
	for_each_task(task)
		if (task->mm == mm)
			task->work |= TIF_USER_GS;
}

int gs_give_up(void)
{
	struct mm_struct *mm = current->mm;
	struct others others = { .freezer = { .member = is_other, .frozen = others_stand_still }, .mm = mm, .self = current };
	int error;

	if (mm->user_gs)
		return 0;
	if (mm->giving_gs) {
		/* This task is being frozen for it. It comes back afterwards. */
		current->work |= TIF_SIGPENDING;
		return -ERESTARTNOINTR;
	}
	mm->giving_gs = true;
	wait_queue_init(&others.wait);
	freezer_freeze(&others.freezer);
	error = (int)wait_event_killable(&others.wait, &others_wait, mm, freezer_is_frozen(&others.freezer));
	if (!error)
		give(mm);
	freezer_thaw(&others.freezer);
	mm->giving_gs = false;
	return error;
}

void gs_fork(struct task_struct *child)
{
	child->gs_base = current->gs_base;
	if (child->mm->user_gs)
		child->work |= TIF_USER_GS;
}

void gs_exec(void)
{
	current->mm->user_gs = false;
	current->gs_base = 0;
	current->work &= ~(unsigned)TIF_USER_GS;
}

void gs_prepare_exit(struct pt_regs *regs)
{
	regs->entry = ENTRY_INTERRUPT;                 /* the way out that looks at TIF_USER_GS */
	regs->rip = patch_present_address(regs->rip);  /* a call that came in through a site which is no longer patched */
}
