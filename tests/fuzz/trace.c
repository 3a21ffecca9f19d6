/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/trace/names.c runtime/trace/reader.c runtime/trace/syscall.c runtime/trace/chrome.c runtime/trace/timeline.c
// flags: -D_GNU_SOURCE
/*
 * The reader of trace rings, and all that is made of them, against a hostile container. The input is what it may write into its rings, in two
 * steps with a look of the reader after each. The states of a task must come out one after the other, the text without control characters.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/json.c"
#include "runtime/trace/files.c"
#include "runtime/trace/page.c"
#include "runtime/trace/text.c"

__asm__(".globl trace_page_start, trace_page_end\n.data\ntrace_page_start:\n.ascii \"@TITLE@ x @FACTS@ @DATA@ @ @x\"\ntrace_page_end:\n.byte 0\n.text\n");

#define SLOTS TRACE_MIN_SLOTS
#define RINGS 3
static union {
	struct trace_area area;
	unsigned char bytes[TRACE_AREA_HEADER + RINGS * SLOTS * sizeof(struct trace_record)];
} memory;

static void check_timeline(const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->nr_tasks; i++) {
		const struct timeline_task *task = &timeline->tasks[i];

		for (size_t s = 0; s < task->nr_states; s++) {
			assert(task->states[s].start <= task->states[s].end && task->states[s].kind < TIMELINE_KINDS);
			assert(!s || task->states[s - 1].end <= task->states[s].start);
			assert(task->states[s].object < timeline->nr_strings);
			assert(task->states[s].waker == TIMELINE_NOBODY || task->states[s].waker < timeline->nr_tasks);
			assert(task->states[s].cpu >= -1 && task->states[s].cpu < (int)timeline->nr_cpus);
		}
		for (size_t c = 0; c < task->nr_calls; c++) {
			assert(task->calls[c].start <= task->calls[c].end);
			assert(!c || task->calls[c - 1].start <= task->calls[c].start);
			assert(task->calls[c].text < timeline->nr_strings && task->calls[c].result < timeline->nr_strings);
		}
		for (size_t m = 1; m < task->nr_marks; m++)
			assert(task->marks[m - 1].time <= task->marks[m].time);
	}
}

static void check_clean(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		assert(((unsigned char)text[i] >= ' ' || text[i] == '\n') && text[i] != 0x7f);
}

static void show(struct trace_log *log, int pid)
{
	struct timeline *timeline = timeline_build(log, pid);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct trace_text_writer *writer;

	assert(timeline);
	check_timeline(timeline);
	timeline_write_chrome(timeline, out);
	timeline_write_page(timeline, "a <title>\n", out);
	if (!pid) { /* which empties the log: last */
		writer = trace_text_new(out, 0);
		trace_text_write(writer, log, log->start + 1000);
		trace_text_end(writer, log);
		assert(trace_log_size(log) == 0);
	}
	fclose(out);
	check_clean(text, size);
	free(text);
	timeline_free(timeline);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_record *slots = (void *)(memory.bytes + TRACE_AREA_HEADER);
	struct trace_reader reader;
	struct error error = { 0 };

	if (size < 1)
		return 0;
	memset(&memory, 0, sizeof(memory));
	memory.area = (struct trace_area){ .magic = TRACE_MAGIC, .version = TRACE_VERSION, .record_size = 64, .nr_rings = RINGS, .nr_cpus = RINGS - 1,
					   .nr_slots = SLOTS, .records_offset = TRACE_AREA_HEADER, .start = 1000, .what = RECORD_ALL };
	if (data[0] & 1 && size > 65) /* the header is nonsense, too */
		memcpy(&memory.area, data + 1, 64);
	if (trace_reader_attach(&reader, &memory, sizeof(memory), &error))
		return 0;
	data++, size--;
	/* A byte that says which ring and how its head goes on, then the record. */
	for (unsigned int n = 0; size >= 1 + sizeof(struct trace_record); n++) {
		unsigned int ring = data[0] % RINGS;
		uint64_t *head = &memory.area.rings[ring].head;

		memcpy(&slots[ring * SLOTS + *head % SLOTS], data + 1, sizeof(struct trace_record));
		*head += data[0] >> 2 == 63 ? 0x123456789abcULL * data[1] : 1;
		data += 1 + sizeof(struct trace_record);
		size -= 1 + sizeof(struct trace_record);
		if (n == 5)
			trace_reader_drain(&reader, 5000);
	}
	trace_reader_drain(&reader, 100000);
	show(&reader.log, 1);
	show(&reader.log, 0);
	trace_log_free(&reader.log);
	reader.area = NULL;
	trace_reader_close(&reader);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

/* Records that are nearly right, of few tasks, in the order of time with exceptions. */
static size_t invent(uint8_t *bytes, size_t room)
{
	static const int tids[] = { 0, 1, 2, 3, 7, -5, INT32_MIN };
	uint8_t *at = bytes;
	uint64_t time = 1000;

	*at++ = rand() % 30 == 0;
	for (int n = rand() % 120; n >= 0; n--) {
		struct trace_record record;
		uint8_t *raw = (uint8_t *)&record;

		for (size_t i = 0; i < sizeof(record); i++)
			raw[i] = rand() % 3 ? 0 : rand();
		time += rand() % 100;
		record.time = rand() % 40 ? time : (uint64_t)rand() * rand();
		record.tid = rand() % 40 ? tids[rand() % 7] : rand();
		record.type = rand() % (TRACE_TYPES + 1);
		record.small = rand() % 30 ? rand() % 8 : rand();
		record.number = rand() % 10 ? rand() % 450 : rand();
		if (record.type == TRACE_SWITCH || record.type == TRACE_WAKE)
			record.to.tid = tids[rand() % 7];
		*at++ = rand() % 60 ? rand() % RINGS : 252 + rand() % 4;
		memcpy(at, &record, sizeof(record));
		at += sizeof(record);
	}
	return at - bytes;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
