/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd top: on a terminal it redraws in place and takes keys; else it prints plain tables. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tasks.h"
#include "commands.gen.h"
#include "runtime/control.h"
#include "runtime/sandbox/sandbox.h"

/* The first look needs one before it, to know who ran since. */
#define FIRST_INTERVAL_MS 200

enum sort { SORT_CPU, SORT_RUN, SORT_TID, SORT_WAIT };
static const char *const sort_names[] = { "cpu", "run", "tid", "wait" };

struct row {
	const struct snapshot_task *task;
	int share; /* of a cpu in the last interval, per mille */
};

struct top {
	const char *container;
	int json;
	uint64_t flags;
	int interval_ms;
	unsigned long count; /* 0: until the end */
	enum sort sort;
	bool live;           /* on a terminal */
	bool looked;
	struct termios terminal;
	struct snapshot_view before, view;
	struct row *rows;
};

static volatile sig_atomic_t stopped;

static volatile sig_atomic_t suspended;

static void on_stop(int number) { stopped = number; }
static void on_suspend(int number) { suspended = 1; }
static void on_resize(int number) { }

/* ---- rows ---- */

static enum sort sort_by; /* for qsort */

static int compare_rows(const void *a, const void *b)
{
	const struct row *one = a, *two = b;
	uint64_t x = 0, y = 0;

	if (sort_by == SORT_CPU) {
		x = one->share;
		y = two->share;
	} else if (sort_by == SORT_RUN) {
		x = one->task->run;
		y = two->task->run;
	} else if (sort_by == SORT_WAIT) {
		/* Longest first; those that do not wait at the end. */
		x = one->task->since ? UINT64_MAX - one->task->since : 0;
		y = two->task->since ? UINT64_MAX - two->task->since : 0;
	}
	if (x != y)
		return x > y ? -1 : 1;
	return one->task->tid < two->task->tid ? -1 : one->task->tid > two->task->tid;
}

static int share_of(const struct top *top, const struct snapshot_task *task)
{
	const struct snapshot_task *earlier = top->before.header ? snapshot_task(&top->before, task->tid) : NULL;
	uint64_t ran = task->run - (earlier && earlier->run <= task->run ? earlier->run : 0);
	uint64_t passed = top->before.header ? time_since(top->view.header, top->before.header->now) : 0;

	if (!top->before.header || passed / 1000 == 0)
		return 0;
	/* A task's id may be another's by now; and the kernel may say anything. */
	return ran > passed ? 1000 : (int)(ran / (passed / 1000));
}

static int make_rows(struct top *top, struct error *error)
{
	uint32_t nr = top->view.header->nr_tasks;

	free(top->rows);
	top->rows = calloc(nr ? nr : 1, sizeof(*top->rows));
	if (!top->rows)
		return fail(error, 0, "out of memory");
	for (uint32_t i = 0; i < nr; i++)
		top->rows[i] = (struct row){ &top->view.tasks[i], share_of(top, &top->view.tasks[i]) };
	sort_by = top->sort;
	qsort(top->rows, nr, sizeof(*top->rows), compare_rows);
	return 0;
}

/* ---- the picture ---- */

static void put_summary(struct line *line, const struct top *top)
{
	static const char *const kinds[] = { "disk", "queue", "lock", "timer", "child", "stop" };
	unsigned any = 0, running = 0, ready = 0, waiting[6] = { 0 };
	uint64_t share = 0;
	uint32_t nr = top->view.header->nr_tasks;

	for (uint32_t i = 0; i < nr; i++) {
		const struct snapshot_task *task = top->rows[i].task;

		running += task->state == 'R' && task->running;
		ready += task->state == 'R' && !task->running;
		share += top->rows[i].share;
		for (int k = 0; k < 6; k++)
			waiting[k] += task->since && !strcmp(task->kind, kinds[k]);
	}
	line_color(line, "1");
	line_put(line, 0, top->container);
	line_color(line, NULL);
	line_printf(line, ": %u tasks, %u running, %u ready", nr, running, ready);
	for (int k = 0; k < 6; k++)
		if (waiting[k])
			line_printf(line, "%s %u %s", any++ ? "," : "; waiting:", waiting[k], kinds[k]);
	line_printf(line, "; %u cpus, %lu.%lu %% busy; sorted by %s", top->view.header->nr_cpus,
		    share / (top->view.header->nr_cpus ? top->view.header->nr_cpus : 1) / 10,
		    share / (top->view.header->nr_cpus ? top->view.header->nr_cpus : 1) % 10, sort_names[top->sort]);
}

static void finish_line(const struct top *top, struct line *line)
{
	if (top->live)
		fputs("\033[K", stdout);
	line_end(line, stdout);
}

static int terminal_rows(void)
{
	struct winsize size;

	return ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row > 4 ? size.ws_row : 24;
}

static void draw(const struct top *top)
{
	uint32_t nr = top->view.header->nr_tasks, room = top->live ? (uint32_t)terminal_rows() - 3 : nr;
	bool color = output_has_color();
	int width = output_width();
	struct line line;

	if (top->live)
		fputs("\033[H", stdout);
	line_start(&line, width, color);
	put_summary(&line, top);
	finish_line(top, &line);
	line_start(&line, width, color);
	line_color(&line, "1");
	line_put(&line, 0, " %CPU ");
	task_table_header(&line);
	finish_line(top, &line);
	for (uint32_t i = 0; i < nr && i < room; i++) {
		line_start(&line, width, color);
		task_table_row(&line, &top->view, top->rows[i].task, top->rows[i].share);
		finish_line(top, &line);
	}
	if (top->live)
		fputs("\033[J", stdout);
}

/* ---- the terminal ---- */

static void enter_terminal(struct top *top)
{
	struct termios quiet;

	top->live = !top->json && isatty(0) && isatty(1) && tcgetattr(0, &top->terminal) == 0;
	if (!top->live)
		return;
	quiet = top->terminal;
	quiet.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(0, TCSANOW, &quiet);
	fputs("\033[?25l\033[2J", stdout);
}

static void leave_terminal(struct top *top)
{
	if (!top->live)
		return;
	fputs("\033[?25h", stdout);
	fflush(stdout);
	tcsetattr(0, TCSANOW, &top->terminal);
}

/* False: the user wants to leave. */
static bool take_key(struct top *top, char key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 'c':
		top->sort = SORT_CPU;
		break;
	case 'r':
		top->sort = SORT_RUN;
		break;
	case 't':
		top->sort = SORT_TID;
		break;
	case 'w':
		top->sort = SORT_WAIT;
		break;
	}
	return true;
}

/* Until the next look; a key or a new size of the terminal make it come at once. False: end. */
static bool pause_for(struct top *top, int ms)
{
	struct pollfd wait = { .fd = top->live ? 0 : -1, .events = POLLIN };
	char keys[16];
	ssize_t nr;
	int ready = poll(&wait, 1, ms);

	if (suspended) {
		/* Ctrl-Z: the shell gets its terminal as it was. */
		suspended = 0;
		leave_terminal(top);
		raise(SIGSTOP);
		enter_terminal(top);
	}
	if (ready <= 0)
		return !stopped;
	nr = read(0, keys, sizeof(keys));
	for (ssize_t i = 0; i < nr; i++)
		if (!take_key(top, keys[i]))
			return false;
	return nr > 0 && !stopped;
}

/* ---- the loop ---- */

static int look(struct top *top, int connection, struct error *error)
{
	snapshot_free(&top->before);
	top->before = top->view;
	top->view = (struct snapshot_view){ 0 };
	return snapshot_take(connection, top->flags, 0, 0, &top->view, error);
}

static int show(struct top *top, int connection, struct error *error)
{
	if (look(top, connection, error) || make_rows(top, error))
		return -1;
	top->looked = true;
	if (top->json)
		tasks_print_json(stdout, &top->view, top->container, true);
	else
		draw(top);
	if (fflush(stdout) == EOF)
		return fail(error, errno, "cannot write");
	return 0;
}

static void run(struct top *top, int connection, struct error *error)
{
	struct sigaction stop = { .sa_handler = on_stop }, resize = { .sa_handler = on_resize }, suspend = { .sa_handler = on_suspend };
	unsigned long done = 0;

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGWINCH, &resize, NULL);
	sigaction(SIGTSTP, &suspend, NULL);
	enter_terminal(top);
	if (top->count == 0 && !top->live)
		top->count = 1;
	if (look(top, connection, error) == 0 && pause_for(top, FIRST_INTERVAL_MS)) {
		while (show(top, connection, error) == 0) {
			if (++done == top->count || !pause_for(top, top->interval_ms))
				break;
			if (!top->live && !top->json)
				putchar('\n');
		}
	}
	leave_terminal(top);
}

static int take_option(void *request, int option, const char *value, struct error *error)
{
	struct top *top = request;
	char *end;
	double seconds;

	switch (option) {
	case TOP_FORMAT:
		top->json = parse_format(value, error);
		return top->json < 0 ? -1 : 0;
	case TOP_INTERVAL:
		seconds = strtod(value, &end);
		if (end == value || *end || !(seconds >= 0.05 && seconds <= 3600))
			return fail(error, 0, "--interval %s: expected seconds, from 0.05 to 3600", value);
		top->interval_ms = (int)(seconds * 1000);
		return 0;
	case TOP_COUNT:
		if (parse_number(value, 1, 1000000000, &top->count))
			return fail(error, 0, "--count %s: expected a number from 1", value);
		return 0;
	case TOP_SORT:
		for (int i = 0; i < 4; i++) {
			if (strcmp(sort_names[i], value))
				continue;
			top->sort = i;
			return 0;
		}
		return fail(error, 0, "--sort %s: expected cpu, run, tid or wait", value);
	}
	return fail(error, 0, "option %d has no meaning", option);
}

int command_top(const struct cli_command *command, int argc, char **argv)
{
	struct top top = { .flags = SNAPSHOT_PEERS, .interval_ms = 1000 };
	struct error error = { 0 };
	int connection, result;

	result = cli_take_line(command, argc, argv, take_option, &top, &top.container, 1, "one container", &error);
	if (result == CLI_HELP)
		return 0;
	if (result == 0) {
		connection = control_connect(top.container, &error);
		if (connection >= 0)
			run(&top, connection, &error);
	}
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	/* That it ends while one looks is no failure. */
	return error.text[0] && !(top.looked && error.code == ECONNRESET) ? EXIT_LINUXD : 0;
}
