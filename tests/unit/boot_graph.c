/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/boot/graph.c runtime/boot/record.c runtime/boot/chart.c runtime/error.c
// flags: -D_GNU_SOURCE
/* Graphs of made-up steps in all lanes: the order, every failure and every pair of failures, what is undone, what overlaps, bad tables, the chart. */
#include "tests/unit/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/boot/graph.h"

#define NR 7

/* What happened: bits of steps that began, were completed, undone. */
struct world {
	uint32_t fails, began, done, undone;
	int undo_order[NR], nr_undone;
	int running;
	bool overlap; /* b was under way while c ran */
};

static struct world world;

static void nap(void)
{
	nanosleep(&(struct timespec){ 0, 200000 + rand() % 400000 }, NULL);
}

static const uint32_t before[NR] = { 0, 1, 1, 2 | 4, 8, 8, 16 | 32 };

static int begin(int i, struct error *error)
{
	CHECK(!(world.began & 1U << i) && !world.undone);
	CHECK((world.done & before[i]) == before[i]);
	world.began |= 1U << i;
	world.running++;
	world.overlap |= i == 2 && world.running > 1;
	return 0;
}

static int end(int i, struct error *error)
{
	bool fails = world.fails & 1U << i;

	world.running--;
	if (!fails)
		world.done |= 1U << i;
	return fails ? fail(error, 0, "step %c", 'a' + i) : 0;
}

static int step(int i, struct error *error)
{
	begin(i, error);
	nap();
	return end(i, error);
}

static void undo(int i)
{
	CHECK(world.running == 0);
	CHECK(!(world.undone & 1U << i));
	/* Nothing that comes after it still stands, unless all is up. */
	for (int j = 0; world.fails && j < NR; j++)
		CHECK(!(before[j] & 1U << i) || !(world.done & 1U << j) || (world.undone & 1U << j));
	world.undone |= 1U << i;
	world.undo_order[world.nr_undone++] = i;
}

#define STEP(letter, i)                                                                 \
	static int run_##letter(void *context, struct error *error) { return step(i, error); } \
	static void undo_##letter(void *context) { undo(i); }

/* As if another process did it. */
#define ELSEWHERE(letter, i)                                                             \
	static int run_##letter(void *context, struct error *error) { return begin(i, error); } \
	static int finish_##letter(void *context, struct error *error)                   \
	{                                                                                \
		nap();                                                                   \
		return end(i, error);                                                    \
	}                                                                                \
	static void undo_##letter(void *context) { undo(i); }

STEP(a, 0)
ELSEWHERE(b, 1)
STEP(c, 2)
STEP(d, 3)
ELSEWHERE(e, 4)
ELSEWHERE(f, 5)
STEP(g, 6)

static const struct boot_step steps[NR] = {
	{ "a", BOOT_CALLER, 0, NULL, run_a, NULL, undo_a },
	{ "b", BOOT_PROCESS, 0, "a", run_b, finish_b, undo_b },
	{ "c", BOOT_CALLER, BOOT_UNDO_PARTIAL, "a", run_c, NULL, undo_c },
	{ "d", BOOT_CALLER, 0, "b c", run_d, NULL, undo_d },
	{ "e", BOOT_PROCESS, 0, "d", run_e, finish_e, undo_e },
	{ "f", BOOT_PROCESS, BOOT_TEMPORARY, "d", run_f, finish_f, undo_f },
	{ "g", BOOT_CALLER, 0, "e f", run_g, NULL, undo_g },
};

static int run(uint32_t fails, enum boot_order order, struct boot_record *record, struct error *error)
{
	world = (struct world){ .fails = fails };
	return boot_run(steps, NR, NULL, order, record, error);
}

static void check_success(enum boot_order order)
{
	struct error error = { 0 };

	CHECK(run(0, order, NULL, &error) == 0);
	CHECK(!error.text[0]);
	CHECK(world.done == (1U << NR) - 1);
	CHECK(world.undone == 1U << 5); /* what is needed until all is up only */
	CHECK(world.overlap == (order == BOOT_SIDE_BY_SIDE));
}

/* The steps in @fails fail if they are reached. */
static void check_failure(uint32_t fails, enum boot_order order)
{
	struct error error = { 0 };
	uint32_t expected, failed;
	char text[16];

	CHECK(run(fails, order, NULL, &error) == -1);
	failed = world.began & ~world.done;
	CHECK(failed && !(failed & ~fails));
	sprintf(text, "step %c", 'a' + __builtin_ctz(failed));
	CHECK(!strcmp(error.text, text));
	/* All that was completed, and those that failed and know how much there is. */
	expected = world.done | (failed & (1U << 2 | 1U << 5));
	CHECK(world.undone == expected);
	CHECK(world.running == 0);
	if (order == BOOT_SEQUENTIAL)
		CHECK(world.began == (2U << __builtin_ctz(fails)) - 1);
}

static void check_failures(enum boot_order order)
{
	for (uint32_t fails = 1; fails < 1U << NR; fails++)
		check_failure(fails, order);
}

/* Of two that fail at the same time, the table decides, whichever was first: c is, b is waited for. */
static void check_joined(void)
{
	struct error error = { 0 };

	CHECK(run(2 | 4, BOOT_SIDE_BY_SIDE, NULL, &error) == -1);
	CHECK(world.overlap && !strcmp(error.text, "step b"));
	CHECK(world.undone == (1 | 4));
}

static int ok(void *context, struct error *error) { return 0; }

static void check_bad(const struct boot_step *table, int nr, const char *says)
{
	struct error error = { 0 };

	CHECK(boot_run(table, nr, NULL, BOOT_SIDE_BY_SIDE, NULL, &error) == -1);
	CHECK(strstr(error.text, says));
}

static void check_tables(void)
{
	static struct boot_step many[BOOT_MAX_STEPS + 1];

	check_bad((struct boot_step[]){ { "a", 0, 0, "b", ok, NULL, NULL }, { "b", 0, 0, "a", ok, NULL, NULL } }, 2, "a: after b, which comes later");
	check_bad((struct boot_step[]){ { "a", 0, 0, "a", ok, NULL, NULL } }, 1, "a: after a, which comes later");
	check_bad((struct boot_step[]){ { "a", 0, 0, NULL, ok, NULL, NULL }, { "b", 0, 0, "a  zeta", ok, NULL, NULL } }, 2,
		  "b: after zeta, which there is not");
	check_bad((struct boot_step[]){ { "a", 0, 0, NULL, ok, NULL, NULL }, { "a", 0, 0, NULL, ok, NULL, NULL } }, 2, "a: there twice");
	check_bad((struct boot_step[]){ { "a", BOOT_PROCESS, 0, NULL, ok, NULL, NULL } }, 1, "finish");
	check_bad((struct boot_step[]){ { "a", BOOT_CALLER, 0, NULL, ok, ok, NULL } }, 1, "finish");
	check_bad(many, BOOT_MAX_STEPS + 1, "steps");
}

static void check_record(void)
{
	struct error error = { 0 };
	struct boot_record *record = boot_record_new(&error);
	char path[] = "/tmp/boot-chart-XXXXXX", text[16384];
	int fd = mkstemp(path);
	ssize_t length;

	CHECK(record && fd >= 0);
	CHECK(run(1 << 6, BOOT_SIDE_BY_SIDE, record, &error) == -1);
	CHECK(record->nr == NR);
	for (int i = 0; i < NR; i++) {
		const struct boot_mark *mark = &record->marks[i];

		CHECK(mark->begin >= record->origin && mark->end >= mark->begin + 200000);
		CHECK(mark->state == (mark->name[0] == 'g' ? BOOT_FAILED : BOOT_DONE));
	}
	/* Another process writes into it, too; what never ends and what does not fit does no harm. */
	if (fork() == 0) {
		boot_mark_end(record, boot_mark_begin(record, "a < b & c", BOOT_PROCESS), BOOT_DONE);
		_exit(0);
	}
	wait(NULL);
	CHECK(record->nr == NR + 1);
	boot_mark_begin(record, "endless", BOOT_PROCESS);
	CHECK(boot_chart_write(record, path, "title", &error) == 0);
	length = read(fd, text, sizeof(text) - 1);
	CHECK(length > 0);
	text[length] = '\0';
	CHECK(!strncmp(text, "<svg ", 5) && !strcmp(text + length - 7, "</svg>\n"));
	CHECK(strstr(text, ">a &#60; b &#38; c ") && strstr(text, ", failed<") && strstr(text, "endless") && strstr(text, "has not ended"));
	for (int i = 0; i < 2 * BOOT_MAX_MARKS; i++)
		boot_mark_end(record, boot_mark_begin(record, "more", BOOT_CALLER), BOOT_DONE);
	CHECK(boot_chart_write(record, path, "title", &error) == 0);
	CHECK(boot_chart_write(record, "/nowhere/at/all", "title", &error) == -1);
	boot_mark_end(NULL, boot_mark_begin(NULL, "nobody", BOOT_CALLER), BOOT_DONE);
	unlink(path);
	close(fd);
	boot_record_free(record);
}

int main(void)
{
	for (int i = 0; i < 10; i++) {
		check_success(BOOT_SIDE_BY_SIDE);
		check_success(BOOT_SEQUENTIAL);
	}
	check_failures(BOOT_SIDE_BY_SIDE);
	check_failures(BOOT_SEQUENTIAL);
	check_joined();
	check_tables();
	check_record();
	return 0;
}
