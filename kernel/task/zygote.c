// SPDX-License-Identifier: Apache-2.0
/*
 * Fresh address spaces for exec: a small pool of host processes which have nothing but the kernel mapped. Some are cloned from the
 * kernel process, by a kernel thread: one for the first program; the pool is kept filled once a program has made a child that shares its
 * address space, as posix_spawn(3) does, and which needs another at its exec. A container of one program is not to pay for more. Then, when there
 * is a place, the host process of an address space that has ended is wiped and used again: the host needs neither end it nor make one, and
 * it has the kernel in its page tables.
 */
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/internal.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sched/switch.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/lifecycle.h"

#define POOL_SIZE 4

static struct mm_struct *pool[POOL_SIZE];
static int pooled, coming; /* `coming` ones are being cloned or wiped, and have a place */
static int waiting, wanted = 1;
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

static bool should_make(void)
{
	return pooled + coming < POOL_SIZE && (waiting > pooled || (pooled + coming < wanted && !clone_error));
}

static void zygote(void *arg)
{
	for (;;) {
		struct mm_struct *mm;

		wait_event(&taken, &pool_full_wait, "a place in the pool of processes", should_make());
		coming++;
		mm = make();
		coming--;
		if (IS_ERR(mm)) {
			clone_error = (int)PTR_ERR(mm);
		} else {
			clone_error = 0;
			pool[pooled++] = mm;
		}
		wake_up(&filled);
	}
}

struct mm_struct *zygote_recycle(struct carrier *carrier)
{
	struct mm_struct *old = carrier->mm, *mm;

	/* No spare ones where nobody takes any. And when the host is done with the wiping would decide what a reproducible run does. */
	if (!carrier->sole || wanted != POOL_SIZE || pooled + coming >= POOL_SIZE || deterministic)
		return NULL;
	mm = mm_alloc();
	if (!mm)
		return NULL;
	list_move_tail(&carrier->mm_link, &mm->carriers);
	old->nr_carriers--;
	mm->nr_carriers++;
	mm->host_pid = old->host_pid;
	old->host_pid = 0;
	mm_put(old);
	carrier->mm = mm;
	carrier->leaving = carrier->sole = false;
	carrier->xstate_owner = NULL;
	coming++;
	return mm;
}

void zygote_ready(struct mm_struct *mm)
{
	coming--;
	pool[pooled++] = mm;
	wake_up(&filled);
}

/* The most recent one, but of those whose host thread is bound to this cpu already if there is any. */
static struct mm_struct *take_from_pool(void)
{
	int best = pooled - 1;
	struct mm_struct *mm;

	for (int i = pooled - 1; i >= 0; i--) {
		if (list_first_entry(&pool[i]->carriers, struct carrier, mm_link)->bound_cpu == this_carrier()->cpu->id) {
			best = i;
			break;
		}
	}
	mm = pool[best];
	pool[best] = pool[--pooled];
	return mm;
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
	mm = take_from_pool();
	if (wanted != POOL_SIZE)
		wanted = 0;
	else if (pooled + coming <= POOL_SIZE / 2)
		wake_up(&taken);
	return mm;
}

void zygote_expect_more(void)
{
	if (wanted == POOL_SIZE)
		return;
	wanted = POOL_SIZE;
	wake_up(&taken);
}

struct mm_struct *zygote_pooled(int n) { return n < pooled ? pool[n] : NULL; }

int zygote_start(void)
{
	struct task_struct *thread = kernel_thread("zygote", PF_KERNEL_MM, zygote, NULL);

	return IS_ERR(thread) ? (int)PTR_ERR(thread) : 0;
}
