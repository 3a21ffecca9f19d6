/* SPDX-License-Identifier: Apache-2.0 */
/* Bit arrays in 64-bit words. Not atomic. */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline void bitmap_set(uint64_t *map, size_t bit) { map[bit / 64] |= 1ULL << (bit % 64); }
static inline void bitmap_clear(uint64_t *map, size_t bit) { map[bit / 64] &= ~(1ULL << (bit % 64)); }
static inline bool bitmap_test(const uint64_t *map, size_t bit) { return map[bit / 64] >> (bit % 64) & 1; }

/* First clear / set bit at or after `from`; `bits` if there is none. */
static inline size_t bitmap_next_zero(const uint64_t *map, size_t bits, size_t from)
{
	while (from < bits) {
		uint64_t word = ~map[from / 64] >> (from % 64);
		if (word) {
			from += (size_t)__builtin_ctzll(word);
			return from < bits ? from : bits;
		}
		from = (from | 63) + 1;
	}
	return bits;
}

static inline size_t bitmap_next_set(const uint64_t *map, size_t bits, size_t from)
{
	while (from < bits) {
		uint64_t word = map[from / 64] >> (from % 64);
		if (word) {
			from += (size_t)__builtin_ctzll(word);
			return from < bits ? from : bits;
		}
		from = (from | 63) + 1;
	}
	return bits;
}

#endif
