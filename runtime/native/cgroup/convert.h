/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the units of config.json, which are those of cgroup v1, to those of v2.
 */
#ifndef RUNTIME_NATIVE_CGROUP_CONVERT_H
#define RUNTIME_NATIVE_CGROUP_CONVERT_H

#include <stdint.h>

/*
 * cpu.shares (2 to 262144, usual 1024) to cpu.weight (1 to 10000, usual 100), so that ends and usual values meet: the curve through the three
 * points that runc (from 1.3.2) and crun (from 1.23) use. 0, "not said", stays 0; values outside go to the nearest end.
 */
uint64_t convert_shares(uint64_t shares);

/* blkio.weight (10 to 1000) to io.weight (1 to 10000); 0 stays 0. io.bfq.weight takes the former as it is. */
uint64_t convert_io_weight(uint64_t weight);

/*
 * memory.swap of config.json is memory and swap together, memory.swap.max is swap alone: -1 is no limit, with @unlimited_memory there is none either.
 * 0 with *ret_swap set, -1 if @swap is smaller than @memory.
 */
int convert_swap(int64_t swap, int64_t memory, int64_t *ret_swap);

#endif
