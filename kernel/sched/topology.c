// SPDX-License-Identifier: Apache-2.0
/*
 * Scheduling domains: a tree over the cpus by what they share. From small to large: SMT (threads of a core), CORE (cores of a
 * socket), SOCKET (sockets of a node), NUMA (nodes). A level at which nothing is joined is left out; with nothing known there is
 * one domain, CORE, with all cpus.
 *
 * Balancing moves tasks between the groups of a domain: between the domains below it, or its cpus. The larger a domain, the rarer.
 */
#include "kernel/sched/internal.h"

enum { LEVEL_SMT, LEVEL_CORE, LEVEL_SOCKET, LEVEL_NUMA, NR_LEVELS };
static const char *const level_names[NR_LEVELS] = { "SMT", "CORE", "SOCKET", "NUMA" };

struct sched_domain sched_domains[MAX_CPUS] __cold_data; /* each joins at least two: less than one per cpu */
int nr_sched_domains;
struct sched_domain *top_domain;

/* The two cpus are in one domain of that level. */
static bool together(const struct cpu_topology *a, const struct cpu_topology *b, int level)
{
	return level == LEVEL_NUMA ||
	       (a->node == b->node && (level == LEVEL_SOCKET ||
				       (a->socket == b->socket && (level == LEVEL_CORE || a->core == b->core))));
}

static struct sched_domain *new_domain(int level, const cpumask_t *span, unsigned flags)
{
	struct sched_domain *sd = &sched_domains[nr_sched_domains++];

	memset(sd, 0, sizeof(*sd));
	sd->name = level_names[level];
	sd->span = *span;
	sd->weight = (unsigned)cpumask_weight(span);
	sd->flags = flags | (level == LEVEL_SMT ? SD_SHARE_CORE : 0);
	sd->min_interval = max(4u, min(sd->weight, 64u)) * NSEC_PER_MSEC;
	sd->max_interval = 2 * sd->min_interval;
	sd->balance_interval = sd->min_interval;
	return sd;
}

/* The domain of the cpus in `span`; those that they were in before become its groups. */
static void join(int level, const cpumask_t *span, unsigned flags)
{
	struct sched_domain *sd = runqueues[cpumask_first(span)].domain, *joined;

	for (; sd && sd->parent; sd = sd->parent)
		;
	if (cpumask_weight(span) < 2 || (sd && cpumask_subset(span, &sd->span)))
		return;
	joined = new_domain(level, span, flags);
	for_each_cpu_in(cpu, span) {
		struct sched_domain *group = runqueues[cpu].domain;

		for (; group && group->parent; group = group->parent)
			;
		if (!group)
			runqueues[cpu].domain = joined;
		else if (group != joined)
			group->parent = joined;
	}
}

void sched_build_domains(const struct cpu_topology *cpus, unsigned flags)
{
	static const struct cpu_topology unknown;

	nr_sched_domains = 0;
	for (int i = 0; i < nr_cpus; i++)
		runqueues[i].domain = NULL;
	for (int level = cpus ? LEVEL_SMT : LEVEL_CORE; level < NR_LEVELS; level++) {
		cpumask_t done = { { 0 } };

		for (int i = 0; i < nr_cpus; i++) {
			cpumask_t span = { { 0 } };

			if (cpumask_test(&done, i))
				continue;
			for (int j = i; j < nr_cpus; j++) {
				if (!together(cpus ? &cpus[i] : &unknown, cpus ? &cpus[j] : &unknown, level))
					continue;
				cpumask_set(&span, j);
				cpumask_set(&done, j);
			}
			join(level, &span, flags);
		}
	}
	top_domain = nr_sched_domains ? &sched_domains[nr_sched_domains - 1] : NULL;
}

cpumask_t sched_group_of(const struct sched_domain *sd, int cpu)
{
	const struct sched_domain *group = runqueues[cpu].domain;
	cpumask_t single = { { 0 } };

	for (; group && group != sd; group = group->parent)
		if (group->parent == sd)
			return group->span;
	cpumask_set(&single, cpu);
	return single;
}
