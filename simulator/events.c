// SPDX-License-Identifier: Apache-2.0
/* The heap of cpus by the time of their next event; equal times in the order of their numbers. */
#include "simulator/engine.h"

static bool before(const struct sim_cpu *a, const struct sim_cpu *b) { return a->due != b->due ? a->due < b->due : a->id < b->id; }

static void put(struct sim_cpu *cpu, int at)
{
	sim.heap[at] = cpu;
	cpu->heap_at = at;
}

void events_init(void)
{
	for (int i = 0; i < (int)sim.scenario->cpus; i++) {
		sim.cpus[i] = (struct sim_cpu){ .id = i, .run_end = NEVER, .tick = NEVER, .due = NEVER };
		put(&sim.cpus[i], i);
	}
}

void events_update(struct sim_cpu *cpu)
{
	int at = cpu->heap_at, n = (int)sim.scenario->cpus;

	for (; at > 0 && before(cpu, sim.heap[(at - 1) / 2]); at = (at - 1) / 2)
		put(sim.heap[(at - 1) / 2], at);
	for (;;) {
		int child = 2 * at + 1;

		if (child + 1 < n && before(sim.heap[child + 1], sim.heap[child]))
			child++;
		if (child >= n || !before(sim.heap[child], cpu))
			break;
		put(sim.heap[child], at);
		at = child;
	}
	put(cpu, at);
}
