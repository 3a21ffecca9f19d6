/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/cgroup/convert.h"

#include <math.h>

#define SHARES_LEAST 2
#define SHARES_MOST 262144
#define WEIGHT_MOST 10000

/* 10 ^ ((l^2 + 125 l) / 612 - 7/34) with l = log2(shares): 0 at l = 1, 2 at l = 10, 4 at l = 18. */
uint64_t convert_shares(uint64_t shares)
{
	double l;

	if (shares == 0)
		return 0;
	if (shares <= SHARES_LEAST)
		return 1;
	if (shares >= SHARES_MOST)
		return WEIGHT_MOST;
	l = log2(shares);
	/* Exactly 100 must not become 101 by the last bit. */
	return ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0) - 1e-9);
}

uint64_t convert_io_weight(uint64_t weight)
{
	if (weight == 0)
		return 0;
	if (weight <= 10)
		return 1;
	if (weight >= 1000)
		return WEIGHT_MOST;
	return 1 + (weight - 10) * (WEIGHT_MOST - 1) / 990;
}

int convert_swap(int64_t swap, int64_t memory, int64_t *ret_swap)
{
	if (swap < 0 || memory < 0) {
		/* No limit of memory, but one of both together: then swap alone cannot be limited by it. */
		*ret_swap = -1;
		return swap >= 0 && memory < 0 ? -1 : 0;
	}
	if (swap < memory)
		return -1;
	*ret_swap = swap - memory;
	return 0;
}
