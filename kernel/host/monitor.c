/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the monitor's slots.
 *
 *   caller                               monitor
 *   FREE -> CLAIMED, fill
 *   state = SUBMITTED, doorbell++, wake  waits on the doorbell
 *   waits while state == SUBMITTED       performs, state = DONE, wake
 *   reads the result, state = FREE
 */
#include "kernel/host/monitor.h"

#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/init/async.h"
#include "kernel/locking.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

static struct wait_queue_head slot_wait = { LIST_HEAD_INIT(slot_wait.entries) };

static struct monitor_slot *claim_slot(void)
{
	for (unsigned i = 0; i < MONITOR_SLOTS; i++) {
		struct monitor_slot *slot = &monitor_channel->slots[i];
		u32 expected = SLOT_FREE;
		if (__atomic_compare_exchange_n(&slot->state, &expected, SLOT_CLAIMED, false, __ATOMIC_ACQUIRE,
		                                __ATOMIC_RELAXED))
			return slot;
	}
	return NULL;
}

static long wait_until_done(void *arg)
{
	struct monitor_slot *slot = arg;

	while (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != SLOT_DONE)
		host_futex(&slot->state, FUTEX_WAIT_BITSET, SLOT_SUBMITTED, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
	return 0;
}

/* Most operations take the monitor a moment; writing everything to disk may take seconds, and the cpu is not to wait that long. */
static void submit_and_wait(struct monitor_slot *slot)
{
	__atomic_store_n(&slot->state, SLOT_SUBMITTED, __ATOMIC_RELEASE);
	__atomic_fetch_add(&monitor_channel->doorbell, 1, __ATOMIC_RELEASE);
	kernel_unlock();
	host_futex(&monitor_channel->doorbell, FUTEX_WAKE, 1, NULL, NULL, 0);
	if (slot->op != MON_SYNCFS)
		wait_until_done(slot);
	kernel_lock();
	if (slot->op == MON_SYNCFS)
		async_host_io(wait_until_done, slot, &(struct async_subject){ "sync", NULL, 0, 0 });
}

static const struct wait_type slot_wait_type = { "monitor", BLOCK_LOCK, wait_describe_text };

long monitor_call(enum monitor_op op, int mount, const char *path, const s64 arg[4], const void *data, size_t data_size,
		  void *ret_data, size_t ret_size)
{
	size_t length = path ? strlen(path) : 0;
	struct monitor_slot *slot = NULL;
	long result;

	if (length >= MONITOR_PATH)
		return -ENAMETOOLONG;
	if (data_size >= MONITOR_DATA)
		return -E2BIG;
	/* A thread that is no task cannot wait for the others. */
	if (!current && !(slot = claim_slot()))
		return -EAGAIN;
	if (!slot)
		wait_event(&slot_wait, &slot_wait_type, "a free slot of the monitor's", (slot = claim_slot()) != NULL);
	slot->op = op;
	slot->mount = mount;
	for (int i = 0; i < 4; i++)
		slot->arg[i] = arg ? arg[i] : 0;
	memcpy(slot->path, path ? path : "", length + 1);
	if (data_size)
		memcpy(slot->data, data, data_size);
	slot->data[data_size] = 0;
	submit_and_wait(slot);
	result = slot->result;
	if (result >= 0 && ret_size)
		memcpy(ret_data, slot->data, ret_size < MONITOR_DATA ? ret_size : MONITOR_DATA);
	__atomic_store_n(&slot->state, SLOT_FREE, __ATOMIC_RELEASE);
	wake_up(&slot_wait);
	return result;
}
