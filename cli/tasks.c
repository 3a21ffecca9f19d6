/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tasks.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/json.h"

/* ---- lines ---- */

void line_start(struct line *line, int width, bool color)
{
	line->length = 0;
	line->column = 0;
	line->width = width;
	line->color = color;
}

static void put_bytes(struct line *line, const char *bytes, size_t nr)
{
	if (line->length + nr > sizeof(line->text) - 16 || (line->width && line->column + (int)nr > line->width))
		return;
	memcpy(line->text + line->length, bytes, nr);
	line->length += nr;
	line->column += nr;
}

static int clean_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += *text >= ' ' && *text < 0x7f ? 1 : 4;
	return width;
}

static void pad(struct line *line, int columns)
{
	while (columns-- > 0)
		put_bytes(line, " ", 1);
}

void line_put(struct line *line, int width, const char *text)
{
	if (width < 0)
		pad(line, -width - clean_width(text));
	width -= clean_width(text);
	for (; *text; text++) {
		char escaped[8];

		if (*text >= ' ' && *text < 0x7f)
			put_bytes(line, text, 1);
		else
			put_bytes(line, escaped, snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)*text));
	}
	pad(line, width);
}

void line_printf(struct line *line, const char *format, ...)
{
	va_list arguments;
	char text[256];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	line_put(line, 0, text);
}

/* There is always room: put_bytes leaves some. */
void line_color(struct line *line, const char *code)
{
	if (line->color && line->length + 16 < sizeof(line->text))
		line->length += snprintf(line->text + line->length, 16, "\033[%sm", code ? code : "0");
}

void line_end(struct line *line, FILE *out)
{
	while (line->length && line->text[line->length - 1] == ' ')
		line->length--;
	fwrite(line->text, 1, line->length, out);
	if (line->color)
		fputs("\033[0m", out);
	fputc('\n', out);
}

/* ---- words ---- */

const char *format_duration(uint64_t ns, char buffer[DURATION_SIZE])
{
	uint64_t s = ns / 1000000000;

	if (ns < 1000000)
		snprintf(buffer, DURATION_SIZE, "%luus", ns / 1000);
	else if (s == 0)
		snprintf(buffer, DURATION_SIZE, "%lums", ns / 1000000);
	else if (s < 100)
		snprintf(buffer, DURATION_SIZE, "%lu.%02lus", s, ns / 10000000 % 100);
	else if (s < 6000)
		snprintf(buffer, DURATION_SIZE, "%lum%02lus", s / 60, s % 60);
	else if (s < 100 * 3600)
		snprintf(buffer, DURATION_SIZE, "%luh%02lum", s / 3600, s / 60 % 60);
	else
		snprintf(buffer, DURATION_SIZE, "%lud%02luh", s / 86400, s / 3600 % 24);
	return buffer;
}

uint64_t time_since(const struct snapshot *header, uint64_t then)
{
	return then < header->now ? header->now - then : 0;
}

static const struct state {
	char letter;
	const char *word, *color;
} states[] = {
	{ 'S', "sleeping", "" },      { 'D', "blocked", "1;31" }, { 'T', "stopped", "1;35" }, { 't', "traced", "1;35" },
	{ 'Z', "zombie", "2" },       { 'X', "dead", "2" },       { 'I', "idle", "2" },
};

static bool is_ready(const struct snapshot_task *task)
{
	return task->state == 'R' && !task->running;
}

static const struct state *find_state(const struct snapshot_task *task)
{
	static const struct state running = { 'R', "running", "1;32" }, ready = { 'R', "ready", "1;33" }, unknown = { 0, "?", "" };

	if (task->state == 'R')
		return is_ready(task) ? &ready : &running;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (states[i].letter == task->state)
			return &states[i];
	return &unknown;
}

const char *task_state_word(const struct snapshot_task *task) { return find_state(task)->word; }
const char *task_state_color(const struct snapshot_task *task) { return find_state(task)->color; }

static const char *kind_color(const char *kind)
{
	static const char *const colors[][2] = {
		{ "disk", "31" }, { "queue", "34" }, { "lock", "35" }, { "timer", "36" }, { "child", "33" }, { "stop", "1;35" },
	};

	for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
		if (!strcmp(colors[i][0], kind))
			return colors[i][1];
	return "";
}

void task_class(const struct snapshot_task *task, char *buffer, size_t size)
{
	int length = snprintf(buffer, size, "%s", task->class);

	if (strcmp(task->policy, "other") && strcmp(task->policy, task->class) && length > 0 && (size_t)length < size)
		length += snprintf(buffer + length, size - length, "/%s", task->policy);
	if (task->rt_priority > 0 && length > 0 && (size_t)length < size)
		snprintf(buffer + length, size - length, ":%d", task->rt_priority);
}

static void put_peers(struct line *line, const struct snapshot_view *view, const struct snapshot_task *task)
{
	uint32_t nr;
	const struct snapshot_peer *peers = snapshot_peers(view, task, &nr);

	for (uint32_t i = 0; i < nr; i++) {
		const struct snapshot_task *other = snapshot_task(view, peers[i].tid);

		line_printf(line, "%s%u ", i ? ", " : " <- ", peers[i].tid);
		line_put(line, 0, other ? other->comm : "?");
		if (strcmp(peers[i].role, "peer")) {
			line_put(line, 0, " (");
			line_put(line, 0, peers[i].role);
			line_put(line, 0, ")");
		}
	}
	if (task->flags & SNAPSHOT_TASK_MORE_PEERS)
		line_put(line, 0, ", more");
	if (task->flags & SNAPSHOT_TASK_NO_PEERS)
		line_put(line, 0, " <- ?");
}

void task_put_wait(struct line *line, const struct snapshot_view *view, const struct snapshot_task *task, bool peers)
{
	char duration[DURATION_SIZE];

	if (!task->since)
		return;
	line_color(line, kind_color(task->kind));
	line_put(line, 5, task->kind);
	line_color(line, NULL);
	line_put(line, 0, "  ");
	if (task->wait[0] && strcmp(task->wait, task->kind)) {
		line_put(line, 0, task->wait);
		line_put(line, 0, task->object[0] ? ", " : "");
	}
	line_put(line, 0, task->object);
	if (task->until != UINT64_MAX && task->until > view->header->now)
		line_printf(line, " (for %s more)", format_duration(task->until - view->header->now, duration));
	if (peers)
		put_peers(line, view, task);
}

/* ---- the table ---- */

void task_table_header(struct line *line)
{
	line_color(line, "1");
	line_put(line, 0, "    PID     TID STATE    CPU CLASS         NI      RUN    READY COMMAND             SINCE WAITS FOR");
	line_color(line, NULL);
}

void task_table_row(struct line *line, const struct snapshot_view *view, const struct snapshot_task *task, int cpu_share)
{
	char class[40], run[DURATION_SIZE], ready[DURATION_SIZE], since[DURATION_SIZE] = "-";

	task_class(task, class, sizeof(class));
	if (task->since)
		format_duration(time_since(view->header, task->since), since);
	if (cpu_share >= 0)
		line_printf(line, "%3d.%d ", cpu_share / 10, cpu_share % 10);
	line_printf(line, "%7u %7u ", task->tgid, task->tid);
	line_color(line, task_state_color(task));
	line_put(line, 8, task_state_word(task));
	line_color(line, NULL);
	line_printf(line, " %3d ", task->cpu);
	line_put(line, 12, class);
	line_printf(line, " %3d %8s %8s ", task->nice, format_duration(task->run, run), format_duration(task->ready, ready));
	line_put(line, 16, task->comm);
	line_printf(line, " %8s ", since);
	task_put_wait(line, view, task, true);
}

/* ---- JSON ---- */

static void member(FILE *out, const char *name, const char *value)
{
	fprintf(out, ", \"%s\": ", name);
	json_string(out, value);
}

static void print_wait_json(FILE *out, const struct snapshot_view *view, const struct snapshot_task *task)
{
	const struct snapshot_peer *peers;
	uint32_t nr;

	fputs("{\"kind\": ", out);
	json_string(out, task->kind);
	member(out, "type", task->wait[0] ? task->wait : task->call);
	member(out, "object", task->object);
	fprintf(out, ", \"objectId\": \"%#lx\", \"sinceNs\": %lu, \"forNs\": %lu, \"untilNs\": ", task->object_id, task->since,
		time_since(view->header, task->since));
	if (task->until == UINT64_MAX)
		fputs("null", out);
	else
		fprintf(out, "%lu", task->until);
	fputs(", \"peers\": [", out);
	peers = snapshot_peers(view, task, &nr);
	for (uint32_t i = 0; i < nr; i++) {
		fprintf(out, "%s{\"tid\": %u, \"role\": ", i ? ", " : "", peers[i].tid);
		json_string(out, peers[i].role);
		fputs("}", out);
	}
	fprintf(out, "], \"morePeers\": %s, \"peersKnown\": %s}", task->flags & SNAPSHOT_TASK_MORE_PEERS ? "true" : "false",
		task->flags & SNAPSHOT_TASK_NO_PEERS ? "false" : "true");
}

void task_print_json(FILE *out, const struct snapshot_view *view, const struct snapshot_task *task)
{
	fprintf(out, "{\"pid\": %u, \"tid\": %u, \"ppid\": %u, \"uid\": %u", task->tgid, task->tid, task->ppid, task->uid);
	member(out, "command", task->comm);
	member(out, "state", task_state_word(task));
	fprintf(out, ", \"cpu\": %d", task->cpu);
	member(out, "class", task->class);
	member(out, "policy", task->policy);
	fprintf(out, ", \"nice\": %d, \"rtPriority\": %d, \"runNs\": %lu, \"readyNs\": %lu, \"syscall\": ", task->nice,
		task->rt_priority, task->run, task->ready);
	if (task->call[0])
		json_string(out, task->call);
	else
		fputs("null", out);
	fputs(", \"wait\": ", out);
	if (task->since)
		print_wait_json(out, view, task);
	else
		fputs("null", out);
	fputs("}", out);
}

static void print_thread_json(FILE *out, const struct snapshot_thread *thread)
{
	fputs("{\"role\": ", out);
	json_string(out, thread->role);
	member(out, "state", thread->state);
	fprintf(out, ", \"cpu\": %d, \"hostCpu\": %d, \"hostTid\": %d, \"hostPid\": %d, \"pid\": %u, \"task\": %u", thread->cpu,
		thread->host_cpu, thread->host_tid, thread->host_pid, thread->mm_pid, thread->task);
	member(out, "command", thread->comm);
	fputs("}", out);
}

void tasks_print_json(FILE *out, const struct snapshot_view *view, const char *container, bool one_line)
{
	const char *between = one_line ? " " : "\n  ";

	fputs("{\"container\": ", out);
	json_string(out, container);
	fprintf(out, ", \"nowNs\": %lu, \"cpus\": %u, \"tasks\": [", view->header->now, view->header->nr_cpus);
	for (uint32_t i = 0; i < view->header->nr_tasks; i++) {
		fprintf(out, "%s%s", i ? "," : "", between);
		task_print_json(out, view, &view->tasks[i]);
	}
	fputs("]", out);
	if (view->header->nr_threads)
		fputs(", \"threads\": [", out);
	for (uint32_t i = 0; i < view->header->nr_threads; i++) {
		fprintf(out, "%s%s", i ? "," : "", between);
		print_thread_json(out, &view->threads[i]);
	}
	fprintf(out, "%s}\n", view->header->nr_threads ? "]" : "");
}

/* ---- the output ---- */

bool output_has_color(void)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(1) && !(no && *no) && terminal && strcmp(terminal, "dumb");
}

int output_width(void)
{
	struct winsize size;

	return isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int parse_format(const char *value, struct error *error)
{
	if (!strcmp(value, "table"))
		return 0;
	if (!strcmp(value, "json"))
		return 1;
	return fail(error, 0, "--format %s: expected table or json", value);
}
