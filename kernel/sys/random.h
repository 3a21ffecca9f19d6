/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's random numbers: random(4), getrandom(2). */
#ifndef KERNEL_SYS_RANDOM_H
#define KERNEL_SYS_RANDOM_H

#include "kernel/kernel.h"

struct io_iter;

/* Fit for keys. Never fails, never sleeps. */
void get_random_bytes(void *buffer, size_t n);
static inline u64 get_random_u64(void)
{
	u64 value;

	get_random_bytes(&value, sizeof(value));
	return value;
}
/* Mixes in what a program wrote to /dev/random. */
void add_random_bytes(const void *data, size_t n);
/* Fills the iterator; bytes moved, -EFAULT if none. Stops at a signal after the first 256 bytes. */
ssize_t random_fill_iter(struct io_iter *to);

#endif
