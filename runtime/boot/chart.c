/* SPDX-License-Identifier: Apache-2.0 */
/* One bar below the other, in the order in which the steps began; the axis in milliseconds since the record was made. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/boot/record.h"

#define WIDTH 960
#define LEFT 20
#define RIGHT 20
#define TOP 78
#define ROW 22
#define BAR 15
#define GLYPH 6.6 /* about as wide as a character of 11 px is at most */

static const struct {
	const char *name, *colour;
} lanes[] = {
	[BOOT_CALLER] = { "the runtime", "#3b6ea5" },
	[BOOT_PROCESS] = { "the process that is started", "#c2783c" },
	[BOOT_KERNEL] = { "the sandbox's kernel", "#7a5195" },
};

static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<' || *text == '>' || *text == '&' || (unsigned char)*text < ' ')
			fprintf(out, "&#%d;", (unsigned char)*text < ' ' ? '?' : *text);
		else
			fputc(*text, out);
	}
}

static int by_begin(const void *a, const void *b)
{
	const struct boot_mark *one = *(const struct boot_mark *const *)a, *other = *(const struct boot_mark *const *)b;

	return one->begin < other->begin ? -1 : one->begin > other->begin;
}

/* 1, 2 or 5 times a power of ten, for at most ten lines. */
static double grid_of(double ms)
{
	double grid = 0.001;

	for (int i = 0; ms / grid > 10; i++)
		grid *= i % 3 == 1 ? 2.5 : 2;
	return grid;
}

static void put_grid(FILE *out, double ms, double scale, int height)
{
	double grid = grid_of(ms);

	for (double at = 0; at <= ms + grid / 1000; at += grid) {
		double x = LEFT + at * scale;

		fprintf(out, "<path class=\"grid\" d=\"M%.1f %d V%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g ms</text>\n", x, TOP - 6,
			height - 12, x, TOP - 12, at);
	}
}

static void put_bar(FILE *out, const struct boot_mark *mark, int64_t origin, int64_t last, double scale, int y)
{
	int64_t end = mark->end ? mark->end : last;
	double begin = LEFT + (mark->begin - origin) / 1e6 * scale, width = (end - mark->begin) / 1e6 * scale;
	/* Behind the bar, unless that would be outside: then before it. */
	double room = (strlen(mark->name) + 12) * GLYPH;
	bool before = begin + width + 6 + room > WIDTH && begin > room;

	fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", begin, y, width < 1 ? 1 : width, BAR,
		mark->state == BOOT_FAILED ? "#b3261e" : lanes[mark->lane].colour);
	fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", before ? begin - 6 : begin + (width < 1 ? 1 : width) + 6, y + BAR - 4,
		before ? "end" : "start");
	put_text(out, mark->name);
	fprintf(out, " %.2f ms%s</text>\n", (end - mark->begin) / 1e6,
		mark->state == BOOT_FAILED ? ", failed" : mark->end ? "" : ", has not ended");
}

static void put_legend(FILE *out)
{
	double x = LEFT;

	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		fprintf(out, "<rect x=\"%.1f\" y=\"36\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%.1f\" y=\"46\">%s</text>\n", x,
			lanes[i].colour, x + 17, lanes[i].name);
		x += 40 + strlen(lanes[i].name) * GLYPH;
	}
}

static void put_chart(const struct boot_record *record, const struct boot_mark **marks, int nr, const char *title, FILE *out)
{
	int64_t last = record->origin + 1000, busy = 0;
	int height = TOP + nr * ROW + 16;
	double ms, scale;

	for (int i = 0; i < nr; i++) {
		last = marks[i]->begin > last ? marks[i]->begin : last;
		last = marks[i]->end > last ? marks[i]->end : last;
		busy += marks[i]->end ? marks[i]->end - marks[i]->begin : 0;
	}
	ms = (last - record->origin) / 1e6;
	scale = (WIDTH - LEFT - RIGHT) / ms;
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", WIDTH, height, WIDTH, height);
	fputs("<style>text{font:11px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}.grid{stroke:#ddd;fill:none}</style>\n"
	      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
	      out);
	fprintf(out, "<text class=\"title\" x=\"%d\" y=\"22\">", LEFT);
	put_text(out, title);
	fprintf(out, ": %.2f ms, steps of %.2f ms</text>\n", ms, busy / 1e6);
	put_legend(out);
	put_grid(out, ms, scale, height);
	for (int i = 0; i < nr; i++)
		put_bar(out, marks[i], record->origin, last, scale, TOP + i * ROW);
	fputs("</svg>\n", out);
}

int boot_chart_write(const struct boot_record *record, const char *path, const char *title, struct error *error)
{
	const struct boot_mark *marks[BOOT_MAX_MARKS];
	int nr = record->nr < BOOT_MAX_MARKS ? record->nr : BOOT_MAX_MARKS, fd;
	FILE *out;

	for (int i = 0; i < nr; i++)
		marks[i] = &record->marks[i];
	qsort(marks, nr, sizeof(marks[0]), by_begin);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return fail(error, errno, "--boot-chart: cannot write %s", path);
	put_chart(record, marks, nr, title, out);
	return fclose(out) ? fail(error, errno, "--boot-chart: cannot write %s", path) : 0;
}
