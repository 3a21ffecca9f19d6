/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of cpus. One word in the kernel; as many as MAX_CPUS asks for elsewhere. */
#ifndef KERNEL_SCHED_CPUMASK_H
#define KERNEL_SCHED_CPUMASK_H

#include "kernel/kernel.h"

#ifndef MAX_CPUS
#define MAX_CPUS 64
#endif
#define CPUMASK_WORDS ((MAX_CPUS + 63) / 64)

typedef struct cpumask {
	u64 bits[CPUMASK_WORDS];
} cpumask_t;

static inline bool cpumask_test(const cpumask_t *mask, int cpu) { return mask->bits[cpu / 64] >> (cpu % 64) & 1; }
static inline void cpumask_set(cpumask_t *mask, int cpu) { mask->bits[cpu / 64] |= 1ULL << (cpu % 64); }
static inline void cpumask_clear(cpumask_t *mask, int cpu) { mask->bits[cpu / 64] &= ~(1ULL << (cpu % 64)); }

/* The set of the cpus 0 .. n - 1. */
static inline cpumask_t cpumask_first_n(int n)
{
	cpumask_t mask;

	for (int i = 0; i < CPUMASK_WORDS; i++, n -= 64)
		mask.bits[i] = n >= 64 ? ~0ULL : n > 0 ? (1ULL << n) - 1 : 0;
	return mask;
}

static inline cpumask_t cpumask_and(const cpumask_t *a, const cpumask_t *b)
{
	cpumask_t mask;

	for (int i = 0; i < CPUMASK_WORDS; i++)
		mask.bits[i] = a->bits[i] & b->bits[i];
	return mask;
}

static inline bool cpumask_empty(const cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		if (mask->bits[i])
			return false;
	return true;
}

/* Every cpu of `part` is in `whole`. */
static inline bool cpumask_subset(const cpumask_t *part, const cpumask_t *whole)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		if (part->bits[i] & ~whole->bits[i])
			return false;
	return true;
}

static inline int cpumask_weight(const cpumask_t *mask)
{
	int n = 0;

	for (int i = 0; i < CPUMASK_WORDS; i++)
		for (u64 word = mask->bits[i]; word; word &= word - 1)
			n++;
	return n;
}

/* The first cpu from `from` on; MAX_CPUS or more: none. */
static inline int cpumask_next(const cpumask_t *mask, int from)
{
	for (int i = from / 64; i < CPUMASK_WORDS; i++) {
		u64 word = mask->bits[i];

		if (i == from / 64)
			word &= ~0ULL << (from % 64);
		if (word)
			return i * 64 + __builtin_ctzll(word);
	}
	return CPUMASK_WORDS * 64;
}
static inline int cpumask_first(const cpumask_t *mask) { return cpumask_next(mask, 0); }

/* A statement or block for each cpu of the set. */
#define for_each_cpu_in(cpu, mask) for (int cpu = cpumask_first(mask); cpu < MAX_CPUS; cpu = cpumask_next(mask, cpu + 1))

#endif
