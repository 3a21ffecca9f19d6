/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 16384

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EAGAIN) {
			/* The user's descriptor is non-blocking; that is shared with others and stays so. */
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			poll(&wait, 1, -1);
			continue;
		}
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		data += written;
		size -= written;
	}
	return 0;
}

static int write_with_returns(int fd, const char *data, size_t size)
{
	while (size) {
		const char *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;

		if (write_all(fd, data, length) || (end && write_all(fd, "\r\n", 2)))
			return -1;
		length += end != NULL;
		data += length;
		size -= length;
	}
	return 0;
}

static ssize_t read_some(int fd, char *buffer, size_t size)
{
	for (;;) {
		ssize_t got = read(fd, buffer, size);
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (got >= 0 || (errno != EAGAIN && errno != EINTR))
			return got;
		if (errno == EAGAIN)
			poll(&wait, 1, -1);
	}
}

/*
 * The host holds a pipe's lock while splice waits for the other file, and then the sandbox's reads and writes of the pipe wait as well,
 * non-blocking or not. So both ends must be of a kind that does not wait in there.
 */
static bool can_splice(const struct relay *relay)
{
	struct stat from, to;

	if (relay->add_return || fstat(relay->from, &from) || fstat(relay->to, &to))
		return false;
	return S_ISFIFO(from.st_mode) && (S_ISFIFO(to.st_mode) || S_ISREG(to.st_mode));
}

void relay_run(struct relay *relay)
{
	char buffer[CHUNK];
	bool splices = can_splice(relay);

	for (;;) {
		ssize_t moved;

		if (splices) {
			moved = splice(relay->from, NULL, relay->to, NULL, 1 << 20, SPLICE_F_MOVE);
			if (moved > 0 || (moved < 0 && errno == EINTR))
				continue;
			if (moved == 0)
				break;
			if (errno != EINVAL && errno != EAGAIN)
				break;
			splices = false; /* a file opened for appending */
		}
		moved = read_some(relay->from, buffer, sizeof(buffer));
		if (moved <= 0)
			break;
		if (relay->add_return ? write_with_returns(relay->to, buffer, moved) : write_all(relay->to, buffer, moved))
			break;
	}
	/* A container that writes to a reader that is gone gets EPIPE, as it would have from the reader's own pipe. */
	if (relay->from > 2)
		close(relay->from);
	if (relay->close_to)
		close(relay->to);
}

static void *thread_main(void *argument)
{
	prctl(PR_SET_NAME, "monitor:relay");
	relay_run(argument);
	return NULL;
}

int relay_start(struct relay *relay)
{
	pthread_attr_t attributes;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN + 3 * CHUNK);
	error = pthread_create(&relay->thread, &attributes, thread_main, relay);
	pthread_attr_destroy(&attributes);
	relay->started = error == 0;
	return error;
}
