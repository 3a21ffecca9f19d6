/* SPDX-License-Identifier: Apache-2.0 */
/* Rare host operations, asked of the monitor through the slots of include/abi/boot.h. */
#ifndef KERNEL_HOST_MONITOR_H
#define KERNEL_HOST_MONITOR_H

#include "include/abi/boot.h"
#include "kernel/kernel.h"

extern struct boot_params *boot;
#define monitor_channel ((struct monitor_channel *)LAYOUT_CHANNEL)

/*
 * Sends one operation and waits for it; the kernel lock is dropped meanwhile. arg may be NULL. Up to ret_size bytes of the
 * slot's data are copied to ret_data if the result is not an error. The monitor's result, or -ENAMETOOLONG, -E2BIG when
 * path or data do not fit the slot.
 */
long monitor_call(enum monitor_op op, int mount, const char *path, const s64 arg[4], const void *data, size_t data_size,
		  void *ret_data, size_t ret_size);

#endif
