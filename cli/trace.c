/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd trace */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "commands.gen.h"
#include "runtime/control.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/trace/record.h"

struct request {
	const char *container;
	struct trace_target target;
	uint32_t what; /* TRACE_*; 0: all */
	double seconds; /* 0: no end */
	uint64_t slots;
};

static int take_seconds(struct request *request, const char *value, struct error *error)
{
	char *end;

	request->seconds = strtod(value, &end);
	if (end == value || *end || !(request->seconds > 0) || request->seconds > 1e6)
		return fail(error, 0, "--time %s: expected a number of seconds, as in 10 or 0.5", value);
	return 0;
}

static int take_buffer(struct request *request, const char *value, struct error *error)
{
	const uint64_t least = TRACE_MIN_SLOTS * sizeof(struct trace_record), most = TRACE_MAX_SLOTS * sizeof(struct trace_record);
	uint64_t size;

	if (parse_size(value, &size) || size < least || size > most)
		return fail(error, 0, "--buffer %s: expected a size from %luK to %luM", value, least >> 10, most >> 20);
	request->slots = size / sizeof(struct trace_record);
	return 0;
}

static int take_option(void *context, int option, const char *value, struct error *error)
{
	struct request *request = context;
	unsigned long pid;

	switch (option) {
	case TRACE_SCHED:
		request->what |= RECORD_SCHED;
		return 0;
	case TRACE_SYSCALLS:
		request->what |= RECORD_SYSCALLS;
		return 0;
	case TRACE_WAIT:
		request->what |= RECORD_WAIT;
		return 0;
	case TRACE_O:
		request->target.path = value;
		return 0;
	case TRACE_FORMAT:
		return trace_target_format(&request->target, value, error);
	case TRACE_PID:
		if (parse_number(value, 1, INT32_MAX, &pid))
			return fail(error, 0, "--pid %s: expected the number of a process in the container (linuxd ps shows them)", value);
		request->target.pid = (int)pid;
		return 0;
	case TRACE_TIME:
		return take_seconds(request, value, error);
	case TRACE_BUFFER:
		return take_buffer(request, value, error);
	}
	return fail(error, 0, "option %d has no meaning", option);
}

static int begin(const struct request *request, int connection, struct control_reply *ret_reply, int *ret_fd, struct error *error)
{
	uint64_t argument[4] = { request->what ? request->what : RECORD_ALL, request->slots, (uint64_t)request->target.pid };
	struct error problem = { 0 };

	if (control_call(connection, CONTROL_TRACE_START, argument, ret_reply, ret_fd, &problem) == 0)
		return 0;
	switch (problem.code) {
	case ESRCH:
		fail(error, 0, "there is no process %d in container %s", request->target.pid, request->container);
		return fail_remedy(error, "\"linuxd ps %s\" shows those that there are", request->container);
	case EBUSY:
		fail(error, 0, "container %s is being traced already", request->container);
		return fail_remedy(error, "one trace at a time: end the other one first");
	case ENOMEM:
		fail(error, 0, "the container's kernel has no memory for the trace");
		return fail_remedy(error, "try a smaller --buffer");
	}
	return fail(error, 0, "%s", problem.text);
}

/* Until Ctrl-C, the end of the time or of the container. The connection breaks when the container has ended. */
static void wait_for_end(const struct request *request, const struct trace_recorder *recorder, int connection, int signals)
{
	uint64_t end = trace_now() + (uint64_t)(request->seconds * 1e9);

	for (;;) {
		/* The third one: nobody reads our output any more. */
		struct pollfd polls[3] = { { .fd = connection, .events = POLLIN }, { .fd = signals, .events = POLLIN },
					   { .fd = request->target.path ? -1 : 1 } };
		int timeout = 200; /* to see whether it is full */

		if (request->seconds && end - trace_now() < 200000000UL)
			timeout = (int)((end - trace_now()) / 1000000) + 1;
		if (poll(polls, 3, timeout) < 0 && errno != EINTR)
			return;
		if (polls[0].revents || polls[1].revents || (polls[2].revents & POLLERR) || trace_record_full(recorder) ||
		    (request->seconds && trace_now() >= end))
			return;
	}
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* From here on a second Ctrl-C is meant for us. */
static void let_signals_through(int signals)
{
	struct pollfd ready = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo info;
	sigset_t all;

	while (poll(&ready, 1, 0) == 1 && read(signals, &info, sizeof(info)) > 0)
		;
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

static int record(struct request *request, struct error *error)
{
	struct trace_recorder *recorder;
	struct trace_summary summary;
	struct control_reply reply;
	int connection = control_connect(request->container, error), fd = -1, signals, result;

	if (connection < 0)
		return -1;
	/* Before the container does anything for us. */
	if (trace_target_open(&request->target, error)) {
		close(connection);
		return -1;
	}
	signals = block_signals();
	if (begin(request, connection, &reply, &fd, error)) {
		trace_target_discard(&request->target);
		close(connection);
		return -1;
	}
	recorder = trace_record_start(&request->target, fd, &reply.offset, &reply.length, error);
	if (!recorder) {
		close(connection);
		return -1;
	}
	if (request->target.path)
		fprintf(stderr, "recording %s to %s%s\n", request->container, request->target.path, request->seconds ? "" : "; Ctrl-C ends it");
	wait_for_end(request, recorder, connection, signals);
	trace_record_stop(recorder);
	close(connection); /* which ends it in the container, too */
	close(fd);
	let_signals_through(signals);
	result = trace_record_finish(recorder, &summary, error);
	if (summary.full && result == 0)
		fprintf(stderr, "linuxd: warning: the trace ends here: %lu records are as many as can be shown; with fewer kinds it lasts longer\n",
			summary.records);
	if (result == 0 && request->target.path)
		fprintf(stderr, "%lu records of %.3f s written to %s\n", summary.records, summary.seconds, request->target.path);
	if (summary.lost)
		fprintf(stderr, "linuxd: warning: %lu records are lost: a larger --buffer, or fewer kinds of them, help\n", summary.lost);
	return result;
}

int command_trace(const struct cli_command *command, int argc, char **argv)
{
	struct request request = { 0 };
	struct error error = { 0 };

	switch (cli_take_line(command, argc, argv, take_option, &request, &request.container, 1, "one container", &error)) {
	case CLI_HELP:
		return 0;
	case 0:
		request.target.title = request.container;
		record(&request, &error);
	}
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	return error.text[0] ? EXIT_LINUXD : 0;
}
