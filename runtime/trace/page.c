// SPDX-License-Identifier: Apache-2.0
/*
 * A timeline as a page for a browser. The page itself is page/, put together by tools/gen_page.py; here its data is written, as page/data.js
 * reads it: numbers of seven bits a byte, in base64.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/json.h"
#include "runtime/trace/syscall.h"
#include "runtime/trace/timeline.h"

extern const char trace_page_start[], trace_page_end[];

struct encoder {
	FILE *out;
	unsigned char bytes[3 * 4096];
	size_t nr;
};

static void put_base64(struct encoder *encoder)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[4 * 4096];
	size_t length = 0;

	for (size_t i = 0; i < encoder->nr; i += 3) {
		size_t left = encoder->nr - i;
		const unsigned char *at = encoder->bytes + i;
		unsigned int word = at[0] << 16 | (left > 1 ? at[1] : 0) << 8 | (left > 2 ? at[2] : 0);

		text[length++] = digits[word >> 18];
		text[length++] = digits[word >> 12 & 63];
		text[length++] = left > 1 ? digits[word >> 6 & 63] : '=';
		text[length++] = left > 2 ? digits[word & 63] : '=';
	}
	fwrite(text, 1, length, encoder->out);
	encoder->nr = 0;
}

static void put_byte(struct encoder *encoder, unsigned char byte)
{
	encoder->bytes[encoder->nr++] = byte;
	if (encoder->nr == sizeof(encoder->bytes))
		put_base64(encoder);
}

static void put(struct encoder *encoder, uint64_t number)
{
	for (; number > 127; number >>= 7)
		put_byte(encoder, (number & 127) | 128);
	put_byte(encoder, (unsigned char)number);
}

static void put_signed(struct encoder *encoder, int64_t number)
{
	put(encoder, number < 0 ? (uint64_t)(-number) * 2 - 1 : (uint64_t)number * 2);
}

static void put_string(struct encoder *encoder, const char *text)
{
	put(encoder, strlen(text));
	for (; *text; text++)
		put_byte(encoder, (unsigned char)*text);
}

/* Names of the system calls that occur, and of the tasks: they stand behind the timeline's own strings. */
static void put_strings(struct encoder *encoder, const struct timeline *timeline, const bool used[UINT16_MAX + 1], size_t nr_used)
{
	put(encoder, timeline->nr_strings + nr_used + timeline->nr_tasks);
	for (size_t i = 0; i < timeline->nr_strings; i++)
		put_string(encoder, timeline->strings[i]);
	for (unsigned int number = 0; number <= UINT16_MAX; number++)
		if (used[number])
			put_string(encoder, trace_syscall_name(number));
	for (size_t i = 0; i < timeline->nr_tasks; i++)
		put_string(encoder, timeline->tasks[i].name);
	put(encoder, nr_used);
	for (unsigned int number = 0, i = 0; number <= UINT16_MAX; number++) {
		if (!used[number])
			continue;
		put(encoder, number);
		put(encoder, timeline->nr_strings + i++);
	}
}

static void put_states(struct encoder *encoder, const struct timeline_task *task)
{
	uint64_t at = 0;

	put(encoder, task->nr_states);
	for (size_t i = 0; i < task->nr_states; i++) {
		const struct timeline_state *state = &task->states[i];
		bool within = state->number != TRACE_NO_SYSCALL;

		put(encoder, state->start - at);
		put(encoder, state->end - state->start);
		at = state->end;
		put(encoder, state->kind | (within ? 16 : 0));
		put(encoder, (uint64_t)(state->cpu + 1));
		put(encoder, state->object);
		put(encoder, state->waker == TIMELINE_NOBODY ? 0 : (uint64_t)state->waker + 1);
		if (within)
			put(encoder, state->number);
	}
}

static void put_task(struct encoder *encoder, const struct timeline_task *task, size_t name)
{
	uint64_t at = 0;

	put_signed(encoder, task->tid);
	put_signed(encoder, task->tgid);
	put_signed(encoder, task->parent);
	put(encoder, name);
	put(encoder, task->start);
	put(encoder, task->end > task->start ? task->end - task->start : 0);
	put_states(encoder, task);
	put(encoder, task->nr_calls);
	for (size_t i = 0; i < task->nr_calls; i++) {
		const struct timeline_call *call = &task->calls[i];

		put(encoder, call->start - at);
		at = call->start;
		put(encoder, call->end - call->start);
		put(encoder, call->number);
		put(encoder, call->failed | call->unfinished << 1);
		put(encoder, call->text);
		put(encoder, call->result);
	}
	at = 0;
	put(encoder, task->nr_marks);
	for (size_t i = 0; i < task->nr_marks; i++) {
		put(encoder, task->marks[i].time - at);
		at = task->marks[i].time;
		put(encoder, task->marks[i].kind);
		put(encoder, task->marks[i].text);
	}
}

static int write_data(const struct timeline *timeline, FILE *out)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));
	bool *used = calloc(UINT16_MAX + 1, sizeof(*used));
	size_t nr_used = 0;

	if (!encoder || !used) {
		free(encoder);
		free(used);
		return -1;
	}
	encoder->out = out;
	for (size_t i = 0; i < timeline->nr_tasks; i++) {
		const struct timeline_task *task = &timeline->tasks[i];

		for (size_t c = 0; c < task->nr_calls; c++)
			used[task->calls[c].number] = true;
		for (size_t s = 0; s < task->nr_states; s++)
			if (task->states[s].number != TRACE_NO_SYSCALL)
				used[task->states[s].number] = true;
	}
	for (unsigned int i = 0; i <= UINT16_MAX; i++)
		nr_used += used[i];
	put_strings(encoder, timeline, used, nr_used);
	put(encoder, timeline->nr_tasks);
	for (size_t i = 0; i < timeline->nr_tasks; i++)
		put_task(encoder, &timeline->tasks[i], timeline->nr_strings + nr_used + i);
	put_base64(encoder);
	free(encoder);
	free(used);
	return 0;
}

static void write_facts(const struct timeline *timeline, FILE *out)
{
	fprintf(out, "{\"duration\": %lu, \"cpus\": %u, \"lost\": %lu, \"what\": {\"sched\": %s, \"syscalls\": %s, \"wait\": %s}, \"losses\": [",
		timeline->duration, timeline->nr_cpus, timeline->lost, timeline->what & RECORD_SCHED ? "true" : "false",
		timeline->what & RECORD_SYSCALLS ? "true" : "false", timeline->what & RECORD_WAIT ? "true" : "false");
	for (size_t i = 0; i < timeline->nr_losses; i++)
		fprintf(out, "%s[%lu, %lu]", i ? ", " : "", timeline->losses[i].time, timeline->losses[i].records);
	fputs("]}", out);
}

static void write_escaped(const char *text, FILE *out)
{
	char clean[256];

	trace_clean(clean, sizeof(clean), text, strlen(text));
	for (const char *at = clean; *at; at++) {
		if (*at == '<' || *at == '>' || *at == '&' || *at == '"')
			fprintf(out, "&#%d;", *at);
		else
			fputc(*at, out);
	}
}

int timeline_write_page(const struct timeline *timeline, const char *title, FILE *out)
{
	const char *at = trace_page_start, *end = trace_page_end;
	int result = 0;

	while (at < end && result == 0) {
		size_t left = (size_t)(end - at);

		if (left > 7 && !memcmp(at, "@TITLE@", 7)) {
			write_escaped(title, out);
			at += 7;
		} else if (left > 7 && !memcmp(at, "@FACTS@", 7)) {
			write_facts(timeline, out);
			at += 7;
		} else if (left > 6 && !memcmp(at, "@DATA@", 6)) {
			result = write_data(timeline, out);
			at += 6;
		} else {
			const char *next = memchr(at + 1, '@', left - 1);

			fwrite(at, 1, (size_t)((next ? next : end) - at), out);
			at = next ? next : end;
		}
	}
	return result;
}
