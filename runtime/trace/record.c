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

#include "runtime/trace/text.h"

struct trace_recorder {
	struct trace_target *target;
	int fd;
	const uint64_t *offset, *length; /* shared with the container */
	struct trace_reader reader;
	struct trace_text_writer *text;
	bool open, out_of_memory;
	atomic_bool stop;
	pthread_t thread;
	struct error error;
};

int trace_target_open(struct trace_target *target, struct error *error)
{
	int fd;

	target->format = TRACE_FORMAT_TEXT;
	if (!target->path || !strcmp(target->path, "-")) {
		fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return fail(error, errno, "cannot write the trace to standard output");
	} else {
		fd = open(target->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			return fail(error, errno, "cannot write the trace to %s", target->path);
	}
	target->file = fdopen(fd, "w");
	if (!target->file)
		return fail(error, errno, "cannot write the trace");
	return 0;
}

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
		recorder->open = true;
		recorder->text = trace_text_new(recorder->target->file, recorder->target->pid);
		if (!recorder->text)
			return fail(&recorder->error, ENOMEM, "cannot write the trace");
	}
	n = trace_reader_drain(&recorder->reader, now);
	if (n < 0)
		return fail(&recorder->error, ENOMEM, "cannot record any further");
	trace_text_write(recorder->text, &recorder->reader.log, now - HOLD_BACK_NS);
	return n;
}

static void *record_main(void *argument)
{
	struct trace_recorder *recorder = argument;

	while (!atomic_load(&recorder->stop)) {
		long n = drain(recorder);
		struct timespec pause = { 0, 5000000 };

		if (n < 0)
			return NULL;
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

int trace_record_stop(struct trace_recorder *recorder, struct error *error)
{
	int result = 0;

	if (!recorder)
		return 0;
	atomic_store(&recorder->stop, true);
	pthread_join(recorder->thread, NULL);
	if (!recorder->error.text[0])
		drain(recorder);
	if (recorder->text)
		trace_text_end(recorder->text, &recorder->reader.log);
	if (recorder->error.text[0])
		result = fail(error, 0, "%s", recorder->error.text);
	if ((ferror(recorder->target->file) | fclose(recorder->target->file)) && !result)
		result = fail(error, errno, "cannot write all of the trace to %s", recorder->target->path ? recorder->target->path : "standard output");
	trace_reader_close(&recorder->reader);
	trace_log_free(&recorder->reader.log);
	free(recorder);
	return result;
}
