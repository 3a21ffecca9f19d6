/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/native/cgroup/convert.c
// flags: -lm
/* Units of v1 in those of v2: ends, usual values, order. */
#include "tests/unit/check.h"

#include "runtime/native/cgroup/convert.h"

int main(void)
{
	static const struct {
		uint64_t shares, weight;
	} known[] = { { 0, 0 }, { 1, 1 }, { 2, 1 }, { 1024, 100 }, { 2000, 170 }, { 262144, 10000 }, { 1000000, 10000 } };
	int64_t swap;

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		CHECK(convert_shares(known[i].shares) == known[i].weight);
	for (uint64_t shares = 2; shares < 262144; shares++)
		CHECK(convert_shares(shares) <= convert_shares(shares + 1));
	CHECK(convert_io_weight(0) == 0 && convert_io_weight(10) == 1 && convert_io_weight(1000) == 10000);
	CHECK(convert_io_weight(1) == 1 && convert_io_weight(5000) == 10000);
	for (uint64_t weight = 10; weight < 1000; weight++)
		CHECK(convert_io_weight(weight) < convert_io_weight(weight + 1));
	CHECK(convert_swap(100, 60, &swap) == 0 && swap == 40);
	CHECK(convert_swap(60, 60, &swap) == 0 && swap == 0);
	CHECK(convert_swap(-1, 60, &swap) == 0 && swap == -1);
	CHECK(convert_swap(-1, -1, &swap) == 0 && swap == -1);
	CHECK(convert_swap(50, 60, &swap) == -1);
	CHECK(convert_swap(50, -1, &swap) == -1);
	return 0;
}
