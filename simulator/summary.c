// SPDX-License-Identifier: Apache-2.0
/* The summary: what each kind of task got, how long it waited, how busy the cpus were. As text and as JSON. */
#include <stdlib.h>

#include "simulator/output.h"

struct sum {
	unsigned tasks;
	uint64_t runtime, least, most, waited;
	uint64_t latency_sum, latency_count, latency_max, switches, migrations;
};

static struct sum *sum_up(const struct scenario *s)
{
	struct sum *sums = calloc(s->nr_types, sizeof(*sums));

	for (unsigned i = 0; sums && i < sim_nr_tasks(); i++) {
		struct sim_task_info info;
		struct sum *sum;

		sim_task_info(i, &info);
		sum = &sums[info.type];
		if (!sum->tasks++ || info.runtime < sum->least)
			sum->least = info.runtime;
		if (info.runtime > sum->most)
			sum->most = info.runtime;
		if (info.latency_max > sum->latency_max)
			sum->latency_max = info.latency_max;
		sum->runtime += info.runtime;
		sum->waited += info.waited;
		sum->latency_sum += info.latency_sum;
		sum->latency_count += info.latency_count;
		sum->switches += info.switches;
		sum->migrations += info.migrations;
	}
	return sums;
}

static uint64_t mean(uint64_t sum, uint64_t n) { return n ? sum / n : 0; }

static uint64_t busy(const struct scenario *s, uint64_t *ret_least, uint64_t *ret_most)
{
	uint64_t sum = 0;

	*ret_least = UINT64_MAX;
	*ret_most = 0;
	for (unsigned i = 0; i < s->cpus; i++) {
		struct sim_cpu_info info;

		sim_cpu_info(i, &info);
		sum += info.busy;
		*ret_least = info.busy < *ret_least ? info.busy : *ret_least;
		*ret_most = info.busy > *ret_most ? info.busy : *ret_most;
	}
	return sum;
}

void summary_write(struct output *output)
{
	const struct scenario *s = output->scenario;
	struct sum *sums = sum_up(s);
	struct sim_totals totals;
	uint64_t least, most, sum;
	char text[8][MS_TEXT];

	sim_totals(&totals);
	sum = busy(s, &least, &most);
	fprintf(output->file, "%s: %s ms on %u cpus, %u tasks, %llu switches, %llu wake-ups, %llu migrations\n", output->title,
		ms_text(text[0], totals.end), s->cpus, sim_nr_tasks(), (unsigned long long)totals.switches, (unsigned long long)totals.wakeups,
		(unsigned long long)totals.migrations);
	if (totals.end)
		fprintf(output->file, "cpus busy %.2f %%, the least busy one %.2f %%, the busiest one %.2f %%\n", 100.0 * sum / totals.end / s->cpus,
			100.0 * least / totals.end, 100.0 * most / totals.end);
	fprintf(output->file, "\nAll times in ms.\n| task | n | ran, all | least | most | waited | latency, mean | longest | switches | migrations |\n"
			      "|---|---|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; sums && i < s->nr_types; i++) {
		const struct sum *at = &sums[i];

		fprintf(output->file, "| %s | %u | %s | %s | %s | %s | %s | %s | %llu | %llu |\n", s->types[i].name, at->tasks,
			ms_text(text[0], at->runtime), ms_text(text[1], at->least), ms_text(text[2], at->most), ms_text(text[3], at->waited),
			ms_text(text[4], mean(at->latency_sum, at->latency_count)), ms_text(text[5], at->latency_max),
			(unsigned long long)at->switches, (unsigned long long)at->migrations);
	}
	free(sums);
}

void json_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < 32)
			fprintf(file, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, file);
	}
	fputc('"', file);
}

static void json_task(FILE *file, const struct scenario *s, unsigned number)
{
	struct sim_task_info info;
	char name[SIM_TASK_TEXT];

	sim_task_info(number, &info);
	fprintf(file, "%s\n  {\"name\": ", number ? "," : "");
	json_string(file, sim_task_name(s, number, name));
	fprintf(file, ", \"policy\": %d, \"nice\": %d, \"priority\": %d, \"runtime\": %llu, \"vruntime\": %llu, \"waited\": %llu, ", info.policy,
		info.nice, info.priority, (unsigned long long)info.runtime, (unsigned long long)info.vruntime, (unsigned long long)info.waited);
	fprintf(file, "\"latency_max\": %llu, \"latency_sum\": %llu, \"latency_count\": %llu, \"switches\": %llu, \"migrations\": %llu, \"state\": \"%s\"}",
		(unsigned long long)info.latency_max, (unsigned long long)info.latency_sum, (unsigned long long)info.latency_count,
		(unsigned long long)info.switches, (unsigned long long)info.migrations, sim_state_names[info.state]);
}

void json_write(struct output *output)
{
	const struct scenario *s = output->scenario;
	struct sim_totals totals;

	sim_totals(&totals);
	fprintf(output->file, "{\"scenario\": ");
	json_string(output->file, output->title);
	fprintf(output->file, ", \"end\": %llu, \"events\": %llu, \"switches\": %llu, \"wakeups\": %llu, \"migrations\": %llu,\n \"cpus\": [",
		(unsigned long long)totals.end, (unsigned long long)totals.events, (unsigned long long)totals.switches,
		(unsigned long long)totals.wakeups, (unsigned long long)totals.migrations);
	for (unsigned i = 0; i < s->cpus; i++) {
		struct sim_cpu_info info;

		sim_cpu_info(i, &info);
		fprintf(output->file, "%s\n  {\"busy\": %llu, \"switches\": %llu}", i ? "," : "", (unsigned long long)info.busy,
			(unsigned long long)info.switches);
	}
	fprintf(output->file, "],\n \"tasks\": [");
	for (unsigned i = 0; i < sim_nr_tasks(); i++)
		json_task(output->file, s, i);
	fprintf(output->file, "]}\n");
}
