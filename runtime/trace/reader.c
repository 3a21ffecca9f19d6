// SPDX-License-Identifier: Apache-2.0
#include "runtime/trace/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/trace/syscall.h"

#define LATEST (1UL << 60) /* of a virtual clock: 36 years */

uint64_t trace_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000UL + now.tv_nsec;
}

int trace_reader_attach(struct trace_reader *reader, const void *memory, size_t size, struct error *error)
{
	const struct trace_area *area = memory;
	struct trace_area copy;

	memset(reader, 0, sizeof(*reader));
	if (size < TRACE_AREA_HEADER)
		return fail(error, 0, "the trace area is too small");
	memcpy(&copy, area, sizeof(copy));
	if (copy.magic != TRACE_MAGIC || copy.version != TRACE_VERSION || copy.record_size != sizeof(struct trace_record))
		return fail(error, 0, "the container's kernel writes no trace that this linuxd can read (version %u, expected %u)", copy.version,
			    TRACE_VERSION);
	if (copy.nr_cpus == 0 || copy.nr_cpus >= TRACE_MAX_RINGS || copy.nr_rings != copy.nr_cpus + 1 || copy.nr_slots < TRACE_MIN_SLOTS ||
	    copy.nr_slots > TRACE_MAX_SLOTS || (copy.nr_slots & (copy.nr_slots - 1)) || copy.records_offset != TRACE_AREA_HEADER ||
	    TRACE_AREA_HEADER + (uint64_t)copy.nr_rings * copy.nr_slots * sizeof(struct trace_record) > size)
		return fail(error, 0, "the trace area makes no sense: the container has written to it");
	reader->area = area;
	reader->size = size;
	reader->nr_rings = copy.nr_rings;
	reader->nr_slots = copy.nr_slots;
	reader->batch = malloc(copy.nr_slots * sizeof(struct trace_record));
	reader->log = (struct trace_log){ .nr_rings = copy.nr_rings, .nr_cpus = copy.nr_cpus, .start = copy.start, .what = copy.what & RECORD_ALL,
					  .files = trace_files_new() };
	if (!reader->batch || !reader->log.files) {
		free(reader->batch);
		trace_files_free(reader->log.files);
		memset(reader, 0, sizeof(*reader));
		return fail(error, ENOMEM, "cannot read the trace");
	}
	reader->virtual_time = copy.virtual_time != 0;
	if (reader->log.start > (reader->virtual_time ? LATEST : trace_now()))
		reader->log.start = trace_now();
	for (unsigned int i = 0; i < copy.nr_rings; i++)
		reader->log.rings[i].last_time = reader->log.start;
	return 0;
}

int trace_reader_open(struct trace_reader *reader, int fd, uint64_t offset, uint64_t length, struct error *error)
{
	struct stat status;
	void *memory;

	memset(reader, 0, sizeof(*reader));
	if (fstat(fd, &status))
		return fail(error, errno, "cannot look at the container's memory");
	/* Beyond the end of the file a read would be a SIGBUS. */
	if ((offset & 4095) || !length || length > (1UL << 40) || offset > (uint64_t)status.st_size || length > (uint64_t)status.st_size - offset)
		return fail(error, 0, "the trace area makes no sense: the container has written to it");
	memory = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	if (memory == MAP_FAILED)
		return fail(error, errno, "cannot map the trace");
	if (trace_reader_attach(reader, memory, length, error)) {
		munmap(memory, length);
		return -1;
	}
	return 0;
}

void trace_reader_close(struct trace_reader *reader)
{
	if (reader->area)
		munmap((void *)reader->area, reader->size);
	free(reader->batch);
	reader->area = NULL;
	reader->batch = NULL;
}

static int reserve(struct trace_ring_log *ring, size_t more)
{
	struct trace_record *records;
	size_t capacity = ring->capacity ? ring->capacity : 1024;

	while (capacity < ring->nr + more)
		capacity *= 2;
	if (capacity == ring->capacity)
		return 0;
	records = realloc(ring->records, capacity * sizeof(*records));
	if (!records)
		return -1;
	ring->records = records;
	ring->capacity = capacity;
	return 0;
}

static void note_loss(struct trace_log *log, struct trace_ring_log *ring, uint64_t lost)
{
	struct trace_record *last = ring->nr ? &ring->records[ring->nr - 1] : NULL;

	if (!lost)
		return;
	log->lost += lost;
	if (last && last->type == TRACE_LOST) {
		last->args[0] += lost;
		return;
	}
	ring->records[ring->nr++] = (struct trace_record){ .time = ring->last_time, .type = TRACE_LOST, .args = { lost } };
}

static void take(struct trace_log *log, struct trace_ring_log *ring, const struct trace_record *record, uint64_t now)
{
	struct trace_record *copy = &ring->records[ring->nr];

	if (record->type == TRACE_NOTHING || record->type >= TRACE_TYPES) {
		log->nonsense++;
		return;
	}
	*copy = *record;
	if (copy->time > now)
		copy->time = now;
	if (copy->time < ring->last_time)
		copy->time = ring->last_time;
	ring->last_time = copy->time;
	ring->nr++;
}

/* Before anything is made of the records: a call may stand in another ring, earlier, than the one that says its file's name. */
static void learn_files(struct trace_log *log, const struct trace_ring_log *ring, size_t from)
{
	for (size_t i = from, next; i < ring->nr; i = next) {
		for (next = i + 1; next < ring->nr && ring->records[next].type == TRACE_TEXT;)
			next++;
		if (ring->records[i].type == TRACE_SYSCALL_ENTER && next > i + 1)
			trace_syscall_learn(&ring->records[i], (unsigned int)(next - i - 1), log->files);
	}
}

static long drain_ring(struct trace_reader *reader, unsigned int number, uint64_t now)
{
	const struct trace_record *slots = (const void *)((const char *)reader->area + TRACE_AREA_HEADER);
	struct trace_ring_log *ring = &reader->log.rings[number];
	uint64_t *tail = &reader->tail[number], head, first, lost;
	size_t before = ring->nr;
	uint32_t n;

	slots += (size_t)number * reader->nr_slots;
	head = __atomic_load_n(&reader->area->rings[number].head, __ATOMIC_ACQUIRE);
	if (head < *tail) { /* never, from an honest writer */
		reader->log.nonsense++;
		*tail = head;
	}
	if (head == *tail)
		return 0;
	first = head - *tail > reader->nr_slots ? head - reader->nr_slots : *tail;
	n = (uint32_t)(head - first);
	for (uint32_t i = 0; i < n; i++)
		memcpy(&reader->batch[i], &slots[(first + i) & (reader->nr_slots - 1)], sizeof(struct trace_record));
	/* What the writer may have overwritten meanwhile, those that it may be writing right now included. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	head = __atomic_load_n(&reader->area->rings[number].head, __ATOMIC_ACQUIRE);
	lost = first - *tail;
	if (head + TRACE_BURST > first + reader->nr_slots) {
		uint64_t overwritten = head + TRACE_BURST - first - reader->nr_slots;

		lost += overwritten < n ? overwritten : n;
	}
	if (reserve(ring, n + 1))
		return -1;
	note_loss(&reader->log, ring, lost);
	for (uint32_t i = (uint32_t)(lost - (first - *tail)); i < n; i++)
		take(&reader->log, ring, &reader->batch[i], now);
	learn_files(&reader->log, ring, before);
	*tail = first + n;
	return n;
}

long trace_reader_drain(struct trace_reader *reader, uint64_t now)
{
	long sum = 0;

	if (reader->virtual_time)
		now = LATEST;
	for (unsigned int i = 0; i < reader->nr_rings; i++) {
		long n = drain_ring(reader, i, now);

		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

/* ---- the log ---- */

void trace_cursor_init(struct trace_cursor *cursor, const struct trace_log *log)
{
	*cursor = (struct trace_cursor){ .log = log };
}

const struct trace_record *trace_cursor_next(struct trace_cursor *cursor, uint64_t before, unsigned int *ret_ring, unsigned int *ret_texts)
{
	const struct trace_record *best = NULL;
	const struct trace_ring_log *ring;
	size_t *at;

	for (unsigned int i = 0; i < cursor->log->nr_rings; i++) {
		ring = &cursor->log->rings[i];
		/* A text whose beginning is lost. */
		while (cursor->at[i] < ring->nr && ring->records[cursor->at[i]].type == TRACE_TEXT)
			cursor->at[i]++;
		if (cursor->at[i] < ring->nr && (!best || ring->records[cursor->at[i]].time < best->time)) {
			best = &ring->records[cursor->at[i]];
			*ret_ring = i;
		}
	}
	if (!best || best->time >= before)
		return NULL;
	ring = &cursor->log->rings[*ret_ring];
	at = &cursor->at[*ret_ring];
	for (++*at; *at < ring->nr && ring->records[*at].type == TRACE_TEXT && ring->records[*at].tid == best->tid;)
		++*at;
	*ret_texts = (unsigned int)(&ring->records[*at] - best - 1);
	return best;
}

bool trace_record_text(const struct trace_record *record, unsigned int nr_texts, unsigned int about, char *text, size_t size)
{
	size_t length = 0, whole = 0;
	bool found = false;

	for (unsigned int i = 1; i <= nr_texts; i++) {
		const struct trace_record *part = &record[i];
		size_t here = part->number < TRACE_TEXT_SIZE ? part->number : TRACE_TEXT_SIZE;

		if (part->small != about || (found && part->number + length != whole))
			continue;
		if (!found)
			whole = part->number;
		found = true;
		if (here > size - 1 - length)
			here = size - 1 - length;
		memcpy(text + length, part->text, here);
		length += here;
	}
	text[length] = '\0';
	return found;
}

void trace_log_drop(struct trace_log *log, struct trace_cursor *cursor)
{
	for (unsigned int i = 0; i < log->nr_rings; i++) {
		struct trace_ring_log *ring = &log->rings[i];

		if (!cursor->at[i])
			continue;
		ring->nr -= cursor->at[i];
		memmove(ring->records, ring->records + cursor->at[i], ring->nr * sizeof(*ring->records));
		cursor->at[i] = 0;
	}
}

size_t trace_log_size(const struct trace_log *log)
{
	size_t size = 0;

	for (unsigned int i = 0; i < log->nr_rings; i++)
		size += log->rings[i].nr;
	return size;
}

void trace_log_free(struct trace_log *log)
{
	for (unsigned int i = 0; i < log->nr_rings; i++)
		free(log->rings[i].records);
	trace_files_free(log->files);
	memset(log, 0, sizeof(*log));
}
