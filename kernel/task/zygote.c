// SPDX-License-Identifier: Apache-2.0
/*
 * Fresh address spaces for exec: a small pool of host processes, cloned from the kernel process, which has nothing but the
 * kernel mapped. A kernel thread keeps the pool filled.
 */
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/internal.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/switch.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/lifecycle.h"

#define POOL_SIZE 4

static struct mm_struct *pool[POOL_SIZE];
static int pooled, waiting;
static struct wait_queue_head taken = { LIST_HEAD_INIT(taken.entries) }, filled = { LIST_HEAD_INIT(filled.entries) };
static int clone_error;

static struct mm_struct *make(void)
{
	struct mm_struct *mm = mm_alloc();
	struct carrier *carrier = mm ? carrier_alloc(mm) : NULL;
	int error = -ENOMEM;

	if (carrier) {
		carrier->prefault = true;
		error = carrier_clone_process(carrier);
	}

	if (error > 0)
		return mm;
	if (mm)
		mm_put(mm);
	return ERR_PTR(error);
}

static const struct wait_type pool_full_wait = { "zygote", BLOCK_QUEUE, wait_describe_text };
static const struct wait_type pool_empty_wait = { "process pool", BLOCK_QUEUE, wait_describe_text };

static void zygote(void *arg)
{
	for (;;) {
		struct mm_struct *mm;

		wait_event(&taken, &pool_full_wait, "a place in the pool of processes", pooled < POOL_SIZE && (!clone_error || waiting));
		mm = make();
		if (IS_ERR(mm)) {
			clone_error = (int)PTR_ERR(mm);
		} else {
			clone_error = 0;
			pool[pooled++] = mm;
		}
		wake_up(&filled);
	}
}

struct mm_struct *zygote_take(void)
{
	struct mm_struct *mm;

	waiting++;
	while (!pooled) {
		clone_error = 0;
		wake_up(&taken);
		wait_event(&filled, &pool_empty_wait, "a fresh process", pooled || clone_error);
		if (!pooled && clone_error) {
			waiting--;
			return ERR_PTR(-EAGAIN);
		}
	}
	waiting--;
	mm = pool[--pooled];
	if (pooled <= POOL_SIZE / 2)
		wake_up(&taken);
	return mm;
}

struct mm_struct *zygote_pooled(int n) { return n < pooled ? pool[n] : NULL; }

int zygote_start(void)
{
	struct task_struct *thread = kernel_thread("zygote", PF_KERNEL_MM, zygote, NULL);

	return IS_ERR(thread) ? (int)PTR_ERR(thread) : 0;
}
