// SPDX-License-Identifier: Apache-2.0
/* What the writers ask the simulation. */
#include "simulator/engine.h"

unsigned sim_nr_tasks(void) { return sim.nr_tasks; }

void sim_task_info(unsigned number, struct sim_task_info *ret_info)
{
	struct task_struct *task = sim.tasks[number];
	u64 runtime = task_runtime(task); /* brings vruntime up to date, too */

	*ret_info = (struct sim_task_info){
		.type = task->type,
		.copy = task->copy,
		.policy = task->sched.policy,
		.nice = task->sched.nice,
		.priority = task->sched.rt_priority,
		.runtime = runtime,
		.vruntime = task->sched.entity.vruntime,
		.waited = task->waited + (task->shown == SIM_STATE_RUNNABLE ? sim.now - task->ready_since : 0),
		.latency_max = task->latency_max,
		.latency_sum = task->latency_sum,
		.latency_count = task->latency_count,
		.switches = task->sched.nvcsw + task->sched.nivcsw,
		.migrations = task->sched.nr_migrations,
		.state = task->shown,
	};
}

void sim_cpu_info(unsigned number, struct sim_cpu_info *ret_info)
{
	struct sim_cpu *cpu = &sim.cpus[number];

	ret_info->busy = cpu->busy + (runqueues[number].curr ? sim.now - cpu->busy_since : 0);
	ret_info->switches = runqueues[number].nr_switches;
}

void sim_totals(struct sim_totals *ret_totals)
{
	*ret_totals = sim.totals;
	ret_totals->end = sim.now;
	for (unsigned i = 0; i < sim.nr_tasks; i++)
		ret_totals->wakeups += sim.tasks[i]->sched.nr_wakeups;
}

const struct sim_record *sim_records(size_t *ret_count)
{
	*ret_count = sim.nr_records;
	return sim.records;
}

const char *sim_task_name(const struct scenario *scenario, unsigned number, char *text)
{
	struct task_struct *task = sim.tasks[number];
	const struct sim_task_type *type = &scenario->types[task->type];

	if (type->count == 1 || (type->template && sim.copies[task->type] == 1))
		snprintf(text, SIM_TASK_TEXT, "%s", type->name);
	else
		snprintf(text, SIM_TASK_TEXT, "%s.%u", type->name, task->copy);
	return text;
}
