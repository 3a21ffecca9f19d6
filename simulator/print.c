// SPDX-License-Identifier: Apache-2.0
/* Writes a scenario in its own language. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/policy.h"
#include "simulator/scenario.h"
#include "simulator/settings.h"

static const char *policy_name(int policy)
{
	const struct sim_policy_name *name = sim_policy_names;

	while (name->name && name->policy != policy)
		name++;
	return name->name;
}

static void print_policy(FILE *out, const struct sim_policy *policy)
{
	char text[3][SIM_TIME_TEXT];

	fprintf(out, "policy %s", policy_name(policy->policy));
	if (policy->policy == SIM_SCHED_FIFO || policy->policy == SIM_SCHED_RR)
		fprintf(out, " %d", policy->priority);
	if (policy->policy == SIM_SCHED_DEADLINE)
		fprintf(out, " %s %s %s", sim_time_text(text[0], policy->runtime), sim_time_text(text[1], policy->deadline),
			sim_time_text(text[2], policy->period));
}

static void print_cpus(FILE *out, const struct scenario *s, uint64_t mask)
{
	const char *comma = "";

	fprintf(out, "cpus ");
	for (unsigned first = 0, last; first < s->cpus; first = last + 1) {
		last = first;
		if (!sim_cpus_has(&s->masks[mask], first))
			continue;
		while (last + 1 < s->cpus && sim_cpus_has(&s->masks[mask], last + 1))
			last++;
		fprintf(out, first == last ? "%s%u" : "%s%u-%u", comma, first, last);
		comma = ",";
	}
}

static void print_range(FILE *out, const char *command, const struct sim_instruction *at)
{
	char text[SIM_TIME_TEXT];

	fprintf(out, "%s %s", command, sim_time_text(text, at->a));
	if (at->b != at->a)
		fprintf(out, "..%s", sim_time_text(text, at->b));
}

static void print_wake(FILE *out, const struct scenario *s, const struct sim_instruction *at)
{
	fprintf(out, "wake %s", s->queues[at->a]);
	if (at->b == 0)
		fprintf(out, " all");
	else if (at->b > 1)
		fprintf(out, " %llu", (unsigned long long)at->b);
	if (at->sync)
		fprintf(out, " sync");
}

static void print_command(FILE *out, const struct scenario *s, const struct sim_instruction *at)
{
	char text[SIM_TIME_TEXT];

	switch (at->op) {
	case SIM_RUN:
		print_range(out, "run", at);
		break;
	case SIM_SLEEP:
		print_range(out, "sleep", at);
		break;
	case SIM_UNTIL:
		fprintf(out, "sleep until %s", sim_time_text(text, at->a));
		break;
	case SIM_WAIT:
		fprintf(out, "wait %s", s->queues[at->a]);
		break;
	case SIM_WAKE:
		print_wake(out, s, at);
		break;
	case SIM_LOOP:
		fprintf(out, at->a ? "loop %llu {" : "loop {", (unsigned long long)at->a);
		break;
	case SIM_END:
		fprintf(out, "}");
		break;
	case SIM_FORK:
		fprintf(out, "fork %s", s->types[at->a].name);
		break;
	case SIM_YIELD:
		fprintf(out, "yield");
		break;
	case SIM_EXEC:
		fprintf(out, "exec");
		break;
	case SIM_NICE:
		fprintf(out, "nice %d", (int)at->a - 20);
		break;
	case SIM_POLICY:
		print_policy(out, &s->policies[at->a]);
		break;
	case SIM_CPUS:
		print_cpus(out, s, at->a);
		break;
	case SIM_EXIT:
		fprintf(out, "exit");
		break;
	}
}

static void print_script(FILE *out, const struct scenario *s, unsigned first, unsigned end)
{
	int depth = 1;

	for (const struct sim_instruction *at = &s->code[first]; at < &s->code[end]; at++) {
		depth -= at->op == SIM_END;
		for (int i = 0; i < depth; i++)
			fputc('\t', out);
		print_command(out, s, at);
		fputc('\n', out);
		depth += at->op == SIM_LOOP;
	}
}

static void print_type(FILE *out, const struct scenario *s, unsigned number)
{
	const struct sim_task_type *type = &s->types[number];
	unsigned end = number + 1 < s->nr_types ? s->types[number + 1].first : s->nr_code;
	char text[SIM_TIME_TEXT];

	fprintf(out, "\n%s %s", type->template ? "template" : "task", type->name);
	if (!type->template && type->count != 1)
		fprintf(out, " count %u", type->count);
	if (type->start)
		fprintf(out, " start %s", sim_time_text(text, type->start));
	if (type->every)
		fprintf(out, " every %s", sim_time_text(text, type->every));
	if (type->has_policy) {
		fputc(' ', out);
		print_policy(out, &type->policy);
		fprintf(out, " nice %d", type->policy.nice);
	}
	if (type->cpus >= 0) {
		fputc(' ', out);
		print_cpus(out, s, (uint64_t)type->cpus);
	}
	fprintf(out, " {\n");
	/* Without the exit that the parser adds. */
	print_script(out, s, type->first, end - 1);
	fprintf(out, "}\n");
}

static void print_head(FILE *out, const struct scenario *s)
{
	const struct sim_topology *t = &s->topology;
	char text[SIM_TIME_TEXT];

	if (t->nodes == 1 && t->sockets == 1 && t->threads == 1)
		fprintf(out, "cpus %u\n", s->cpus);
	else
		fprintf(out, "topology nodes %u sockets %u cores %u threads %u\n", t->nodes, t->sockets, t->cores, t->threads);
	for (const struct sim_setting *setting = sim_settings; setting->name; setting++) {
		uint64_t value = *sim_setting_of((struct sim_settings *)&s->settings, setting);

		if (value != setting->value)
			fprintf(out, "%s %s\n", setting->name, sim_time_text(text, value));
	}
	fprintf(out, "until %s\n", sim_time_text(text, s->until));
	if (s->sample)
		fprintf(out, "sample %s\n", sim_time_text(text, s->sample));
	if (s->seed)
		fprintf(out, "seed %llu\n", (unsigned long long)s->seed);
}

char *scenario_print(const struct scenario *scenario)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_head(out, scenario);
	for (unsigned i = 0; i < scenario->nr_types; i++)
		print_type(out, scenario, i);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
