/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/sync.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct packet {
	int32_t kind, value;
	char text[sizeof(((struct error *)0)->text)];
};

#define HEADER offsetof(struct packet, text)

int sync_open(int ret_ends[2], struct error *error)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends))
		return fail(error, errno, "cannot make a socket pair");
	return 0;
}

static void send_packet(int fd, const struct packet *packet, size_t length)
{
	while (send(fd, packet, length, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

void sync_send(int fd, enum sync_kind kind, int32_t value)
{
	send_packet(fd, &(struct packet){ .kind = kind, .value = value }, HEADER);
}

void sync_send_error(int fd, const struct error *error)
{
	struct packet packet = { .kind = SYNC_ERROR, .value = error->code };
	size_t length = strlen(error->text);

	memcpy(packet.text, error->text, length);
	send_packet(fd, &packet, HEADER + length);
}

enum sync_kind sync_receive(int fd, int32_t *ret_value, struct error *error)
{
	struct packet packet;
	ssize_t length;

	do
		length = recv(fd, &packet, sizeof(packet) - 1, 0);
	while (length < 0 && errno == EINTR);
	if (length < (ssize_t)HEADER)
		return SYNC_END;
	if (ret_value)
		*ret_value = packet.value;
	if (packet.kind == SYNC_ERROR) {
		error->code = packet.value;
		memcpy(error->text, packet.text, length - HEADER);
		error->text[length - HEADER] = '\0';
	}
	return packet.kind;
}

int sync_wait_go(int fd, struct error *error)
{
	enum sync_kind kind = sync_receive(fd, NULL, error);

	/* Who closes the socket without a word has said on its own what went wrong. */
	return kind == SYNC_GO ? 0 : fail(error, 0, "the runtime has given up");
}

int fault(const char *name, struct error *error)
{
	const char *wanted = getenv("LINUXD_FAULT");

	if (!wanted || strcmp(wanted, name))
		return 0;
	return fail(error, EIO, "LINUXD_FAULT: step %s", name);
}
