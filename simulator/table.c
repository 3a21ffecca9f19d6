// SPDX-License-Identifier: Apache-2.0
/* The table: at every sample the CPU time and the vruntime of each task, in milliseconds, exact to the nanosecond. */
#include <stdlib.h>
#include <string.h>

#include "simulator/output.h"

#define MAX_COLUMNS 16

static struct column {
	unsigned type, copy;
	int task; /* -1: not there yet */
	char name[SIM_TASK_TEXT];
} columns[MAX_COLUMNS];
static unsigned nr_columns, nr_known;

const char *ms_text(char *text, uint64_t ns)
{
	int n = snprintf(text, MS_TEXT, "%llu.%06llu", (unsigned long long)(ns / 1000000), (unsigned long long)(ns % 1000000));

	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	text[n] = '\0';
	return text;
}

int table_begin(struct output *output, struct sim_error *ret_error)
{
	const struct scenario *s = output->scenario;

	for (unsigned i = 0; i < s->nr_types; i++) {
		for (unsigned copy = 0; copy < s->types[i].count; copy++) {
			struct column *column = &columns[nr_columns];

			if (nr_columns == MAX_COLUMNS) {
				snprintf(ret_error->text, sizeof(ret_error->text), "%s: a table has room for %d tasks only: use --format summary",
					 output->title, MAX_COLUMNS);
				return -1;
			}
			*column = (struct column){ .type = i, .copy = copy, .task = -1 };
			snprintf(column->name, sizeof(column->name), s->types[i].count == 1 ? "%s" : "%s.%u", s->types[i].name, copy);
			nr_columns++;
		}
	}
	fprintf(output->file, "| real |");
	for (unsigned i = 0; i < nr_columns; i++)
		fprintf(output->file, " %s |", columns[i].name);
	for (unsigned i = 0; i < nr_columns; i++)
		fprintf(output->file, " v(%s) |", columns[i].name);
	fprintf(output->file, "\n|");
	for (unsigned i = 0; i < 2 * nr_columns + 1; i++)
		fprintf(output->file, "---|");
	fputc('\n', output->file);
	return 0;
}

/* Tasks that have come since the last row. */
static void find_tasks(void)
{
	for (; nr_known < sim_nr_tasks(); nr_known++) {
		struct sim_task_info info;

		sim_task_info(nr_known, &info);
		for (unsigned i = 0; i < nr_columns; i++)
			if (columns[i].type == info.type && columns[i].copy == info.copy)
				columns[i].task = (int)nr_known;
	}
}

int table_row(void *arg, uint64_t now)
{
	struct output *output = arg;
	char text[MS_TEXT];

	find_tasks();
	fprintf(output->file, "| %s |", ms_text(text, now));
	for (int v = 0; v < 2; v++) {
		for (unsigned i = 0; i < nr_columns; i++) {
			struct sim_task_info info;

			if (columns[i].task < 0) {
				fprintf(output->file, " - |");
				continue;
			}
			sim_task_info((unsigned)columns[i].task, &info);
			fprintf(output->file, " %s |", ms_text(text, v ? info.vruntime : info.runtime));
		}
	}
	fputc('\n', output->file);
	return 0;
}
