// SPDX-License-Identifier: Apache-2.0
#include "runtime/trace/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/trace/syscall.h"
#include "runtime/trace/text.h"
#include "runtime/trace/timeline.h"

struct trace_recorder {
	struct trace_target *target;
	int fd;
	const uint64_t *offset, *length; /* shared with the container */
	struct trace_reader reader;
	struct trace_text_writer *text;
	bool open;
	uint64_t records, end;
	atomic_bool stop, full;
	pthread_t thread;
	struct error error;
};

int trace_target_format(struct trace_target *target, const char *name, struct error *error)
{
	static const char *const names[] = { [TRACE_FORMAT_TEXT] = "text", [TRACE_FORMAT_JSON] = "json", [TRACE_FORMAT_HTML] = "html" };

	for (int i = TRACE_FORMAT_TEXT; i <= TRACE_FORMAT_HTML; i++) {
		if (!strcmp(names[i], name)) {
			target->format = i;
			return 0;
		}
	}
	return fail(error, 0, "--format %s: expected text, json or html", name);
}

static enum trace_format format_of(const char *path)
{
	const char *end = path ? strrchr(path, '.') : NULL;

	if (end && !strcasecmp(end, ".json"))
		return TRACE_FORMAT_JSON;
	if (end && (!strcasecmp(end, ".html") || !strcasecmp(end, ".htm")))
		return TRACE_FORMAT_HTML;
	return TRACE_FORMAT_TEXT;
}

int trace_target_open(struct trace_target *target, struct error *error)
{
	int fd;

	if (target->path && !strcmp(target->path, "-"))
		target->path = NULL;
	if (target->format == TRACE_FORMAT_AUTO)
		target->format = format_of(target->path);
	if (!target->path) {
		fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return fail(error, errno, "cannot write the trace to standard output");
	} else {
		fd = open(target->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		target->made = fd >= 0;
		if (fd < 0)
			fd = open(target->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			return fail(error, errno, "cannot write the trace to %s", target->path);
	}
	target->file = fdopen(fd, "w");
	if (!target->file)
		return fail(error, errno, "cannot write the trace");
	return 0;
}

void trace_target_discard(struct trace_target *target)
{
	if (target->made)
		unlink(target->path);
	if (target->file)
		fclose(target->file);
	target->file = NULL;
}

/* Most records that a page or a JSON file is made of: half a gigabyte of them, and no browser takes more. */
#define MOST_RECORDS (8UL << 20)

/* What an event older than this would come too late for the order of the text: a writer may be preempted between clock and ring. */
#define HOLD_BACK_NS 50000000UL

static long drain(struct trace_recorder *recorder)
{
	uint64_t now = trace_now();
	long n;

	if (!recorder->open) {
		uint64_t offset = __atomic_load_n(recorder->offset, __ATOMIC_ACQUIRE);

		if (!offset)
			return 0;
		if (trace_reader_open(&recorder->reader, recorder->fd, offset, *recorder->length, &recorder->error))
			return -1;
		if (recorder->target->format == TRACE_FORMAT_TEXT) {
			recorder->text = trace_text_new(recorder->target->file, recorder->target->pid);
			if (!recorder->text)
				return fail(&recorder->error, ENOMEM, "cannot write the trace");
			/* With virtual time, too, all of it is written at the end. */
			if (!recorder->reader.virtual_time)
				trace_files_newest_only(recorder->reader.log.files);
		}
		recorder->open = true;
	}
	if (atomic_load(&recorder->full))
		return 0;
	n = trace_reader_drain(&recorder->reader, now);
	if (n < 0)
		return fail(&recorder->error, ENOMEM, "cannot record any further");
	recorder->records += (uint64_t)n;
	recorder->end = now;
	/* How late it is in virtual time, nobody knows: all of it is written at the end. */
	if (recorder->text && !recorder->reader.virtual_time)
		trace_text_write(recorder->text, &recorder->reader.log, now - HOLD_BACK_NS);
	else if (trace_log_size(&recorder->reader.log) >= MOST_RECORDS)
		atomic_store(&recorder->full, true);
	return n;
}

static void *record_main(void *argument)
{
	struct trace_recorder *recorder = argument;

	while (!atomic_load(&recorder->stop)) {
		long n = drain(recorder);
		struct timespec pause = { 0, 5000000 };

		if (n < 0) {
			atomic_store(&recorder->full, true);
			return NULL;
		}
		/* The rings are to be read before they have gone round. */
		if (recorder->open && n > recorder->reader.nr_slots / 8)
			continue;
		if (!recorder->open)
			pause.tv_nsec = 500000;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

struct trace_recorder *trace_record_start(struct trace_target *target, int fd, const uint64_t *offset, const uint64_t *length, struct error *error)
{
	struct trace_recorder *recorder = calloc(1, sizeof(*recorder));
	int code;

	if (!recorder) {
		fail(error, ENOMEM, "cannot record a trace");
		return NULL;
	}
	recorder->target = target;
	recorder->fd = fd;
	recorder->offset = offset;
	recorder->length = length;
	code = pthread_create(&recorder->thread, NULL, record_main, recorder);
	if (code) {
		fail(error, code, "cannot record a trace");
		free(recorder);
		return NULL;
	}
	return recorder;
}

static int write_all(struct trace_recorder *recorder, struct error *error)
{
	struct trace_target *target = recorder->target;
	int result = 0;

	if (!recorder->open)
		result = fail(error, 0, "the container ended before anything was recorded");
	else if (target->format == TRACE_FORMAT_TEXT)
		trace_text_end(recorder->text, &recorder->reader.log);
	else
		result = trace_timeline_write(target, &recorder->reader.log, error);
	if ((ferror(target->file) | fclose(target->file)) && !result && (target->path || errno != EPIPE))
		result = fail(error, errno, "cannot write all of the trace to %s", target->path ? target->path : "standard output");
	return result;
}

bool trace_record_full(const struct trace_recorder *recorder) { return atomic_load(&recorder->full); }

void trace_record_stop(struct trace_recorder *recorder)
{
	if (!recorder)
		return;
	atomic_store(&recorder->stop, true);
	pthread_join(recorder->thread, NULL);
	if (!recorder->error.text[0])
		drain(recorder);
	trace_reader_close(&recorder->reader);
}

int trace_record_finish(struct trace_recorder *recorder, struct trace_summary *ret_summary, struct error *error)
{
	int result;

	if (!recorder)
		return 0;
	if (ret_summary)
		*ret_summary = (struct trace_summary){ .records = recorder->records, .lost = recorder->reader.log.lost,
						       .seconds = recorder->open ? (recorder->end - recorder->reader.log.start) / 1e9 : 0,
						       .full = atomic_load(&recorder->full) };
	result = write_all(recorder, error);
	if (recorder->error.text[0])
		result = fail(error, 0, "%s", recorder->error.text);
	trace_log_free(&recorder->reader.log);
	free(recorder);
	return result;
}
