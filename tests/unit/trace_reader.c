/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/trace/reader.c runtime/trace/syscall.c runtime/trace/files.c runtime/trace/names.c runtime/trace/text.c runtime/error.c
// flags: -D_GNU_SOURCE
/* The reader of trace rings: order, what is lost when the writer goes round, what a hostile writer may put there. */
#include <string.h>

#include "runtime/trace/reader.h"
#include "runtime/trace/syscall.h"
#include "runtime/trace/text.h"
#include "tests/unit/check.h"

#define SLOTS TRACE_MIN_SLOTS
static union {
	struct trace_area area;
	char bytes[TRACE_AREA_HEADER + 3 * SLOTS * sizeof(struct trace_record)];
} memory;
static struct trace_reader reader;
static struct error problem;

static void reset(void)
{
	memset(&memory, 0, sizeof(memory));
	memory.area = (struct trace_area){ .magic = TRACE_MAGIC, .version = TRACE_VERSION, .record_size = 64, .nr_rings = 3, .nr_cpus = 2,
					   .nr_slots = SLOTS, .records_offset = TRACE_AREA_HEADER, .start = 1000, .what = RECORD_ALL };
}

static void attach(void)
{
	CHECK(trace_reader_attach(&reader, &memory, sizeof(memory), &problem) == 0);
}

static void finish(void)
{
	trace_log_free(&reader.log);
	reader.area = NULL;
	trace_reader_close(&reader);
}

static struct trace_record *append(int ring, enum trace_type type, uint64_t time, int tid)
{
	struct trace_record *slots = (void *)(memory.bytes + TRACE_AREA_HEADER);
	struct trace_record *record = &slots[ring * SLOTS + memory.area.rings[ring].head++ % SLOTS];

	*record = (struct trace_record){ .time = time, .type = type, .tid = tid };
	return record;
}

static void order(void)
{
	struct trace_cursor cursor;
	unsigned int ring, texts;
	uint64_t last = 0;
	int n = 0;

	reset();
	attach();
	for (int i = 0; i < 90; i++)
		append(i % 3, TRACE_EXIT, 2000 + 10 * i, i);
	CHECK(trace_reader_drain(&reader, 100000) == 90);
	CHECK(trace_reader_drain(&reader, 100000) == 0);
	trace_cursor_init(&cursor, &reader.log);
	for (const struct trace_record *record; (record = trace_cursor_next(&cursor, UINT64_MAX, &ring, &texts)); n++) {
		CHECK(record->time > last && record->tid == n && ring == n % 3 && texts == 0);
		last = record->time;
	}
	CHECK(n == 90 && reader.log.lost == 0);
	/* Not beyond a time, and later from there. */
	trace_cursor_init(&cursor, &reader.log);
	for (n = 0; trace_cursor_next(&cursor, 2500, &ring, &texts);)
		n++;
	CHECK(n == 50);
	CHECK(trace_cursor_next(&cursor, 2501, &ring, &texts)->tid == 50);
	finish();
}

/* The writer goes round: the oldest are lost, and it is said where. */
static void overrun(void)
{
	struct trace_ring_log *log = &reader.log.rings[0];

	reset();
	attach();
	for (int i = 0; i < 10; i++)
		append(0, TRACE_EXIT, 2000 + i, i);
	CHECK(trace_reader_drain(&reader, 100000) == 10);
	for (int i = 10; i < 10 + 3 * (int)SLOTS; i++)
		append(0, TRACE_EXIT, 2000 + i, i);
	trace_reader_drain(&reader, 100000);
	CHECK(reader.log.lost == 2 * SLOTS + TRACE_BURST);
	CHECK(log->records[10].type == TRACE_LOST && log->records[10].args[0] == reader.log.lost);
	CHECK(log->records[11].tid == (int)(10 + reader.log.lost));
	CHECK(log->records[log->nr - 1].tid == 9 + 3 * (int)SLOTS);
	finish();
}

static void texts(void)
{
	struct trace_cursor cursor;
	const struct trace_record *record;
	unsigned int ring, nr;
	char text[256], call[256];

	reset();
	attach();
	append(1, TRACE_TEXT, 1500, 5)->number = 4; /* whose beginning is lost */
	append(1, TRACE_SYSCALL_ENTER, 2000, 5)->number = 257;
	record = append(1, TRACE_TEXT, 2000, 5);
	((struct trace_record *)record)->small = 1;
	((struct trace_record *)record)->number = 60;
	memset((void *)record->text, 'a', 48);
	record = append(1, TRACE_TEXT, 2000, 5);
	((struct trace_record *)record)->small = 1;
	((struct trace_record *)record)->number = 12;
	memcpy((void *)record->text, "bb\nb\xff\xc3\xa4\"bcde", 12);
	append(1, TRACE_TEXT, 2000, 6)->number = 3; /* of somebody else */
	trace_reader_drain(&reader, 100000);
	trace_cursor_init(&cursor, &reader.log);
	record = trace_cursor_next(&cursor, UINT64_MAX, &ring, &nr);
	CHECK(record->type == TRACE_SYSCALL_ENTER && nr == 2);
	CHECK(trace_record_text(record, nr, 1, text, sizeof(text)) && strlen(text) == 60);
	CHECK(!trace_record_text(record, nr, 0, text, sizeof(text)));
	CHECK(trace_record_text(record, nr, 1, text, 50) && strlen(text) == 49);
	trace_syscall_call(record, nr, NULL, call, sizeof(call));
	CHECK(!strncmp(call, "openat(0, \"aaaa", 15) && strstr(call, "bb\\x0ab\\xff\xc3\xa4\"bcde\", "));
	CHECK(trace_cursor_next(&cursor, UINT64_MAX, &ring, &nr) == NULL);
	finish();
}

static void enter_read(int ring, uint64_t time, int tid, uint64_t file, const char *name)
{
	struct trace_record *record = append(ring, TRACE_SYSCALL_ENTER, time, tid); /* number 0 is read */

	record->args[0] = 3;
	record->args[TRACE_FILE_ARGUMENT] = file;
	if (!name)
		return;
	record = append(ring, TRACE_TEXT, time, tid);
	record->number = (uint16_t)strlen(name);
	memcpy(record->text, name, strlen(name));
}

/* The second cpu entered the call first, the first one named the file: both calls show the name. */
static void files(void)
{
	struct trace_cursor cursor;
	const struct trace_record *record;
	unsigned int ring, nr;
	char call[256];
	int n = 0;

	reset();
	attach();
	enter_read(1, 2000, 5, 7, NULL);
	enter_read(0, 2001, 6, 7, "/a");
	enter_read(0, 2002, 6, 7 + 64 * TRACE_FILES_NAMED, "/b"); /* of the same place in the reader's table */
	trace_reader_drain(&reader, 100000);
	trace_cursor_init(&cursor, &reader.log);
	for (; (record = trace_cursor_next(&cursor, UINT64_MAX, &ring, &nr)); n++) {
		trace_syscall_call(record, nr, reader.log.files, call, sizeof(call));
		CHECK(!strncmp(call, n == 2 ? "read(3</b>, " : "read(3</a>, ", 12));
	}
	CHECK(n == 3);
	/* Who reads as records come remembers only the newest name of a place: the kernel will say the other again. */
	trace_files_newest_only(reader.log.files);
	enter_read(0, 3000, 6, 7 + 2 * 64 * TRACE_FILES_NAMED, "/c");
	trace_reader_drain(&reader, 100000);
	CHECK(!trace_files_name(reader.log.files, 7) && !strcmp(trace_files_name(reader.log.files, 7 + 2 * 64 * TRACE_FILES_NAMED), "/c"));
	finish();
}

static void refuse(size_t size)
{
	CHECK(trace_reader_attach(&reader, &memory, size, &problem) == -1);
	CHECK(!reader.area);
	reset();
}

static void hostile(void)
{
	struct trace_record *record;
	FILE *out = fopen("/dev/null", "w");
	struct trace_text_writer *writer = trace_text_new(out, 0);

	reset();
	refuse(100);
	refuse(sizeof(memory) - 1);
	memory.area.magic++;
	refuse(sizeof(memory));
	memory.area.nr_slots = 300;
	refuse(sizeof(memory));
	memory.area.nr_slots = 1u << 31;
	refuse(sizeof(memory));
	memory.area.nr_cpus = 65, memory.area.nr_rings = 66;
	refuse(sizeof(memory));
	memory.area.records_offset = 0;
	refuse(sizeof(memory));
	/* Times from the past and the future, types that are none. */
	attach();
	append(0, TRACE_EXIT, 5, 1);
	append(0, TRACE_EXIT, UINT64_MAX, 1);
	append(0, TRACE_EXIT, 2000, 1);
	append(0, 200, 2000, 1);
	append(0, TRACE_NOTHING, 2000, 1);
	record = append(0, TRACE_SWITCH, 2000, -5);
	memset(record->to.name, 0xff, 16);
	record = append(0, TRACE_SYSCALL_EXIT, 2000, 1);
	record->number = 0xffff;
	record->result.start = UINT64_MAX;
	record = append(0, TRACE_WAIT_BEGIN, 2000, 1);
	record->small = 255;
	CHECK(trace_reader_drain(&reader, 90000) == 8);
	CHECK(reader.log.nonsense == 2 && reader.log.rings[0].nr == 6);
	CHECK(reader.log.rings[0].records[0].time == 1000);
	for (int i = 1; i < 6; i++)
		CHECK(reader.log.rings[0].records[i].time == 90000);
	/* A head that jumps, and one that goes back. */
	memory.area.rings[1].head = UINT64_MAX;
	CHECK(trace_reader_drain(&reader, 90001) == SLOTS);
	memory.area.rings[1].head = 3;
	CHECK(trace_reader_drain(&reader, 90002) == 0);
	trace_text_write(writer, &reader.log, UINT64_MAX);
	trace_text_end(writer, &reader.log);
	fclose(out);
	finish();
}

int main(void)
{
	order();
	overrun();
	texts();
	files();
	hostile();
	return 0;
}
