// SPDX-License-Identifier: Apache-2.0
/*
 * The drawing: above, who ran on which cpu; below, the state of each task. One colour for each task, or for each kind where there are
 * many; waiting for a cpu is red, so that what is late stands out. Pointing at a stretch shows its task, state and times.
 */
#include <stdlib.h>
#include <string.h>

#include "simulator/output.h"

#define LEFT 132
#define PLOT 1040
#define RIGHT 28
#define ROW 20
#define BAR 14
#define TOP 92

/* Told apart also by those who see fewer colours; none is the red or grey of the states. */
static const char *const colours[] = { "#3b7dd8", "#e69f00", "#2a9d74", "#b56cc4", "#56b4e9", "#8c6d31", "#6b6fb8", "#9bb53c", "#c77f9f", "#3fa7a3" };
#define NR_COLOURS (sizeof(colours) / sizeof(colours[0]))
static const char *const state_colours[SIM_NR_STATES] = {
	[SIM_STATE_RUNNABLE] = "#d64545",
	[SIM_STATE_SLEEPING] = "#c9d3dd",
	[SIM_STATE_WAITING] = "#8e9aaf",
};

struct row {
	double end; /* of what is drawn already */
};

struct svg {
	struct output *output;
	struct row *cpu_rows, *task_rows;
	unsigned cpus, tasks;
	int cpu_top, task_top, bottom;
	double scale; /* pixels per ns */
};

static const char *colour_of(const struct scenario *s, unsigned task)
{
	struct sim_task_info info;

	if (sim_nr_tasks() <= NR_COLOURS)
		return colours[task];
	sim_task_info(task, &info);
	return colours[info.type % NR_COLOURS];
}

static double x_of(const struct svg *svg, uint64_t time) { return LEFT + (double)(time - svg->output->from) * svg->scale; }

static void text_at(struct svg *svg, double x, double y, const char *class, const char *text)
{
	FILE *file = svg->output->file;

	fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	for (; *text; text++) {
		if (*text == '<' || *text == '&')
			fprintf(file, "&#%d;", *text);
		else
			fputc(*text, file);
	}
	fprintf(file, "</text>\n");
}

static void describe(struct svg *svg, const struct interval *at)
{
	const struct scenario *s = svg->output->scenario;
	char name[SIM_TASK_TEXT], from[MS_TEXT], to[MS_TEXT], length[MS_TEXT];

	fprintf(svg->output->file, "<title>%s: %s", sim_task_name(s, at->task, name), sim_state_names[at->state]);
	if (at->state == SIM_STATE_RUNNING)
		fprintf(svg->output->file, " on cpu %u", at->cpu);
	if (at->state == SIM_STATE_WAITING)
		fprintf(svg->output->file, " %s", s->queues[at->queue]);
	fprintf(svg->output->file, "\n%s .. %s ms (%s ms)</title>", ms_text(from, at->from), ms_text(to, at->to), ms_text(length, at->to - at->from));
}

/* A bar in a row, unless it would vanish in what stands there already. */
static bool bar(struct svg *svg, struct row *row, const struct interval *at, double y, double height, const char *colour)
{
	double x = x_of(svg, at->from), end = x_of(svg, at->to);

	if (end < x + 0.4)
		end = x + 0.4;
	if (end < row->end + 0.2)
		return false;
	if (x < row->end)
		x = row->end;
	row->end = end;
	fprintf(svg->output->file, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"%s\">", x, y, end - x, height, colour);
	describe(svg, at);
	fprintf(svg->output->file, "</rect>\n");
	return true;
}

static void one_interval(void *arg, const struct interval *at)
{
	struct svg *svg = arg;
	const struct scenario *s = svg->output->scenario;
	char name[SIM_TASK_TEXT];

	if (at->state == SIM_STATE_RUNNING && at->cpu < svg->cpus) {
		double y = svg->cpu_top + (double)at->cpu * ROW + (ROW - BAR) / 2.0, width = (double)(at->to - at->from) * svg->scale;

		if (bar(svg, &svg->cpu_rows[at->cpu], at, y, BAR, colour_of(s, at->task)) &&
		    width > 8 + 6.2 * strlen(sim_task_name(s, at->task, name)))
			text_at(svg, x_of(svg, at->from) + width / 2, y + 10.5, "in", name);
	}
	if (at->task < svg->tasks) {
		bool runs = at->state == SIM_STATE_RUNNING;
		/* Running stands tall, waiting for a cpu less so, sleeping is a line. */
		double height = runs ? BAR : at->state == SIM_STATE_RUNNABLE ? 8 : 3;
		double y = svg->task_top + (double)at->task * ROW + (ROW - height) / 2.0;

		bar(svg, &svg->task_rows[at->task], at, y, height, runs ? colour_of(s, at->task) : state_colours[at->state]);
	}
}

/* 1, 2 or 5 times a power of ten nanoseconds, so that there are about ten. */
static uint64_t grid_step(uint64_t length)
{
	uint64_t step = 1;

	for (;;) {
		static const unsigned factors[] = { 1, 2, 5 };

		for (int i = 0; i < 3; i++)
			if (step * factors[i] * 12 >= length)
				return step * factors[i];
		step *= 10;
	}
}

static void draw_grid(struct svg *svg)
{
	uint64_t from = svg->output->from, to = svg->output->to, step = grid_step(to - from);
	char text[SIM_TIME_TEXT];

	for (uint64_t t = (from + step - 1) / step * step; t <= to; t += step) {
		fprintf(svg->output->file, "<path d=\"M%.1f %d V%d\" class=\"grid\"/>\n", x_of(svg, t), TOP - 14, svg->bottom);
		text_at(svg, x_of(svg, t), TOP - 18, "axis", t ? sim_time_text(text, t) : "0");
	}
}

static void draw_legend(struct svg *svg)
{
	static const struct {
		int height;
		const char *colour, *text;
	} entries[] = {
		{ BAR, "#3b7dd8", "running (each task its colour)" },
		{ 8, "#d64545", "runnable, waits for a cpu" },
		{ 3, "#8e9aaf", "waits in a queue" },
		{ 3, "#c9d3dd", "sleeps" },
	};
	double x = LEFT;

	for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		fprintf(svg->output->file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"26\" height=\"%d\" fill=\"%s\"/>\n", x, 44 - entries[i].height / 2.0,
			entries[i].height, entries[i].colour);
		text_at(svg, x + 32, 48, "legend", entries[i].text);
		x += 32 + 6.6 * strlen(entries[i].text) + 22;
	}
}

static void draw_label(struct svg *svg, int top, unsigned row, const char *text)
{
	char shown[20];

	snprintf(shown, sizeof(shown), "%.18s", text);
	text_at(svg, LEFT - 10, top + row * ROW + 14, "label", shown);
	if (row % 2 == 0)
		fprintf(svg->output->file, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"band\"/>\n", LEFT, top + (int)row * ROW, PLOT, ROW);
}

static void draw_more(struct svg *svg, int top, unsigned shown, unsigned all, const char *what)
{
	char text[64];

	if (shown == all)
		return;
	snprintf(text, sizeof(text), "and %u more %s (--rows)", all - shown, what);
	text_at(svg, LEFT, top + shown * ROW + 13, "legend", text);
}

static void draw_rows(struct svg *svg)
{
	const struct scenario *s = svg->output->scenario;
	char text[SIM_TASK_TEXT];

	text_at(svg, 16, svg->cpu_top - 8, "head", "cpus");
	text_at(svg, 16, svg->task_top - 8, "head", "tasks");
	for (unsigned i = 0; i < svg->cpus; i++) {
		snprintf(text, sizeof(text), "cpu %u", i);
		draw_label(svg, svg->cpu_top, i, text);
	}
	for (unsigned i = 0; i < svg->tasks; i++)
		draw_label(svg, svg->task_top, i, sim_task_name(s, i, text));
	draw_more(svg, svg->cpu_top, svg->cpus, s->cpus, "cpus");
	draw_more(svg, svg->task_top, svg->tasks, sim_nr_tasks(), "tasks");
}

static const char style[] =
	"<style>text{font:11px system-ui,'DejaVu Sans',Verdana,sans-serif;fill:#3a4350}.title{font-size:15px;font-weight:600;fill:#1b2430}"
	".head{font-weight:600;fill:#1b2430}.label{text-anchor:end}.axis{text-anchor:middle;fill:#66717f}.in{text-anchor:middle;fill:#fff;"
	"pointer-events:none}.band{fill:#f5f7f9}.grid{stroke:#dde3e9;stroke-width:1}.legend{fill:#3a4350}rect:hover{opacity:.75}</style>\n";

void svg_write(struct output *output)
{
	struct svg svg = { .output = output };
	unsigned cpus = output->scenario->cpus, tasks = sim_nr_tasks();
	const char *slash = strrchr(output->title, '/');

	svg.cpus = cpus < output->rows ? cpus : output->rows;
	svg.tasks = tasks < output->rows ? tasks : output->rows;
	svg.cpu_top = TOP;
	svg.task_top = TOP + (int)(svg.cpus + (svg.cpus < cpus)) * ROW + 34;
	svg.bottom = svg.task_top + (int)svg.tasks * ROW;
	svg.scale = PLOT / (double)(output->to - output->from);
	svg.cpu_rows = calloc(svg.cpus + 1, sizeof(struct row));
	svg.task_rows = calloc(svg.tasks + 1, sizeof(struct row));
	if (!svg.cpu_rows || !svg.task_rows)
		return;
	fprintf(output->file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n%s"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", LEFT + PLOT + RIGHT, svg.bottom + 36, LEFT + PLOT + RIGHT,
		svg.bottom + 36, style);
	text_at(&svg, 16, 26, "title", slash ? slash + 1 : output->title);
	draw_legend(&svg);
	draw_rows(&svg);
	draw_grid(&svg);
	intervals_each(output, one_interval, &svg);
	fprintf(output->file, "</svg>\n");
	free(svg.cpu_rows);
	free(svg.task_rows);
}
