// SPDX-License-Identifier: Apache-2.0
#include "lib/bitmap.h"

#include "tests/unit/check.h"

int main(void)
{
	uint64_t map[BITMAP_WORDS(200)] = { 0 };

	CHECK(BITMAP_WORDS(64) == 1 && BITMAP_WORDS(65) == 2);
	CHECK(bitmap_next_set(map, 200, 0) == 200);
	CHECK(bitmap_next_zero(map, 200, 0) == 0);
	bitmap_set(map, 0);
	bitmap_set(map, 63);
	bitmap_set(map, 64);
	bitmap_set(map, 199);
	CHECK(bitmap_test(map, 63) && bitmap_test(map, 64) && !bitmap_test(map, 65));
	CHECK(bitmap_next_set(map, 200, 1) == 63 && bitmap_next_set(map, 200, 65) == 199);
	CHECK(bitmap_next_set(map, 199, 65) == 199); /* beyond the size: none */
	CHECK(bitmap_next_zero(map, 200, 63) == 65);
	bitmap_clear(map, 64);
	CHECK(bitmap_next_zero(map, 200, 63) == 64);
	for (size_t i = 0; i < 200; i++)
		bitmap_set(map, i);
	CHECK(bitmap_next_zero(map, 200, 0) == 200);
	CHECK(bitmap_next_zero(map, 200, 200) == 200);
	bitmap_clear(map, 130);
	CHECK(bitmap_next_zero(map, 200, 5) == 130);
	return 0;
}
