/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/json.c runtime/snapshot.c runtime/wait_graph.c cli/tasks.c
// flags: -D_GNU_SOURCE
/*
 * A snapshot from a hostile kernel: ps, top and explain-wait must survive it, and what they print must be plain text (or, as JSON, free of
 * control characters), whatever the names are. Stuck tasks must wait for stuck ones only.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/tasks.h"
#include "runtime/control.h"
#include "runtime/wait_graph.h"

int control_call(int connection, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
		 struct error *error)
{
	return -1;
}

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check_text(const char *text, size_t size, int json)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = text[i];

		must(c == '\n' || (c >= ' ' && c != 0x7f), "a control character");
		must(json || c < 0x80, "not ASCII");
	}
}

static void check_graph(const struct snapshot_view *view)
{
	const struct snapshot_task *circle[16];
	struct wait_graph graph;
	struct error error = { 0 };

	must(wait_graph_make(view, &graph, &error) == 0, "no graph");
	for (uint32_t i = 0; i < view->header->nr_tasks; i++) {
		const struct snapshot_task *task = &view->tasks[i];
		int nr = wait_graph_circle(&graph, task, circle, 16);

		must(nr == 0 || wait_graph_stuck(&graph, task), "a circle of one that is not stuck");
		must(!wait_graph_stuck(&graph, task) || task->since, "stuck, but does not wait");
		for (int k = 0; k < nr; k++)
			must(wait_graph_stuck(&graph, circle[k]), "a circle through one that is not stuck");
	}
	wait_graph_free(&graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_view view;
	struct error error = { 0 };
	void *memory = malloc(size ? size : 1);
	char *text = NULL;
	size_t length = 0;
	FILE *out;

	memcpy(memory, data, size);
	if (snapshot_parse(memory, size, &view, &error) == 0) {
		out = open_memstream(&text, &length);
		for (uint32_t i = 0; i < view.header->nr_tasks; i++) {
			struct line line;

			line_start(&line, i % 3 ? 0 : 80, false);
			task_table_row(&line, &view, &view.tasks[i], i % 2 ? -1 : (int)i);
			must(!line.width || line.column <= line.width, "a line that is too wide");
			line_end(&line, out);
		}
		fflush(out);
		check_text(text, length, 0);
		tasks_print_json(out, &view, "name", size % 2);
		fflush(out);
		check_text(text, length, 1);
		fclose(out);
		free(text);
		check_graph(&view);
	}
	snapshot_free(&view);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

static void scribble(char *text, size_t size)
{
	if (rand() % 3 == 0)
		for (size_t i = 0; i < size; i++)
			text[i] = rand() % 4 ? rand() : 0;
	else
		strncpy(text, rand() % 2 ? "\033[2J\r\n\"\\" : "plain", size);
}

/* Well-formed counts, anything in the records; tids from a small range, so that they meet. */
static size_t invent(uint8_t *bytes, size_t room)
{
	struct snapshot *header = (struct snapshot *)bytes;
	struct snapshot_task *task = (struct snapshot_task *)(header + 1);
	struct snapshot_peer *peer;
	struct snapshot_thread *thread;

	*header = (struct snapshot){ .magic = SNAPSHOT_MAGIC, .version = SNAPSHOT_VERSION, .nr_tasks = rand() % 8, .nr_peers = rand() % 12,
				     .nr_threads = rand() % 3, .nr_cpus = rand() % 3, .now = rand() };
	for (uint32_t i = 0; i < header->nr_tasks; i++, task++) {
		memset(task, rand() % 8 ? 0 : rand(), sizeof(*task));
		task->tid = rand() % 9;
		task->tgid = rand() % 4 ? task->tid : rand() % 9;
		task->state = "RSDTZ"[rand() % 5];
		task->since = rand() % 4 ? rand() : 0;
		task->until = rand() % 8 ? UINT64_MAX : rand();
		scribble(task->comm, sizeof(task->comm));
		scribble(task->object, sizeof(task->object));
		scribble(task->wait, sizeof(task->wait));
		scribble(task->kind, sizeof(task->kind));
		scribble(task->class, sizeof(task->class));
	}
	peer = (struct snapshot_peer *)task;
	for (uint32_t i = 0; i < header->nr_peers; i++, peer++) {
		peer->waiter = rand() % 9;
		peer->tid = rand() % 9;
		scribble(peer->role, sizeof(peer->role));
		if (rand() % 2)
			strcpy(peer->role, "holder");
	}
	thread = (struct snapshot_thread *)peer;
	for (uint32_t i = 0; i < header->nr_threads; i++, thread++) {
		memset(thread, rand(), sizeof(*thread));
		scribble(thread->role, sizeof(thread->role));
	}
	return (uint8_t *)thread - bytes + (rand() % 16 ? 0 : rand() % 9 - 4);
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
