/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers that a seed repeats, for the fuzzers that run inside: each thread has a state of its own, which is never 0 (xorshift). */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline struct random random_from(uint64_t seed) { return (struct random){ seed * 2654435761u + 88172645463325252ULL }; }

static inline uint64_t next(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}
static inline uint64_t below(struct random *r, uint64_t n) { return next(r) % n; }
static inline bool one_in(struct random *r, uint64_t n) { return below(r, n) == 0; }

#endif
