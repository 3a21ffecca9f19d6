// SPDX-License-Identifier: Apache-2.0
/* Makes intervals of the records: from one change of a task's state to the next. */
#include <stdlib.h>

#include "simulator/output.h"

static void finish(struct output *output, const struct sim_record *begin, uint64_t end, void (*each)(void *, const struct interval *), void *arg)
{
	struct interval interval = { .task = begin->task, .state = begin->state, .cpu = begin->cpu, .queue = begin->queue };

	interval.from = begin->time > output->from ? begin->time : output->from;
	interval.to = end < output->to ? end : output->to;
	if (interval.state != SIM_STATE_NONE && interval.from < interval.to)
		each(arg, &interval);
}

void intervals_each(struct output *output, void (*each)(void *arg, const struct interval *interval), void *arg)
{
	size_t count;
	const struct sim_record *records = sim_records(&count);
	const struct sim_record **last = calloc(sim_nr_tasks() + 1, sizeof(*last));
	struct sim_totals totals;

	sim_totals(&totals);
	for (size_t i = 0; last && i < count; i++) {
		const struct sim_record *before = last[records[i].task];

		if (before)
			finish(output, before, records[i].time, each, arg);
		last[records[i].task] = &records[i];
	}
	for (unsigned i = 0; last && i < sim_nr_tasks(); i++)
		if (last[i])
			finish(output, last[i], totals.end, each, arg);
	free(last);
}
