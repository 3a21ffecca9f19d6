/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/sync.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/init.h"

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

/* ---- what was made after the clone ---- */

struct join_packet {
	int32_t kind, nr_doors; /* -1: the runtime puts it there */
	uint32_t nr_instructions, filter_flags, filter_listener;
	uint32_t groups; /* cgroup_made */
};

void sync_send_join(int fd, const struct init *init)
{
	struct join_packet packet = { SYNC_JOIN, init->nr_doors, init->filter ? init->filter->len : 0, init->filter_flags, init->filter_listener,
				      cgroup_made(init->cgroup) };
	struct iovec parts[2] = { { &packet, sizeof(packet) },
				  { init->filter ? init->filter->filter : NULL, packet.nr_instructions * sizeof(struct sock_filter) } };
	char control[CMSG_SPACE(sizeof(init->doors))] = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct cmsghdr *header;

	if (init->nr_doors > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(init->nr_doors * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(init->nr_doors * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(header), init->doors, init->nr_doors * sizeof(int));
	}
	while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static int take_doors(struct init *init, struct msghdr *message, int nr)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	init->nr_doors = nr;
	if (nr <= 0)
		return 0;
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(nr * sizeof(int)))
		return -1;
	memcpy(init->doors, CMSG_DATA(header), nr * sizeof(int));
	return 0;
}

static int take_filter(struct init *init, const struct join_packet *packet, struct sock_filter *instructions)
{
	struct sock_fprog *filter = packet->nr_instructions ? malloc(sizeof(*filter)) : NULL;

	if (!filter) {
		free(instructions);
		return packet->nr_instructions ? -1 : 0;
	}
	*filter = (struct sock_fprog){ packet->nr_instructions, instructions };
	init->filter = filter;
	init->filter_flags = packet->filter_flags;
	init->filter_listener = packet->filter_listener;
	return 0;
}

int sync_ask_join(struct init *init, struct error *error)
{
	struct join_packet packet;
	const size_t room = BPF_MAXINSNS * sizeof(struct sock_filter);
	struct iovec parts[2] = { { &packet, sizeof(packet) }, { malloc(room), room } };
	char control[CMSG_SPACE(sizeof(init->doors))];
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t length;

	sync_send(init->sync, SYNC_JOIN, 0);
	do
		length = parts[1].iov_base ? recvmsg(init->sync, &message, MSG_CMSG_CLOEXEC) : 0;
	while (length < 0 && errno == EINTR);
	if (length >= (ssize_t)sizeof(packet) && packet.kind == SYNC_JOIN && take_doors(init, &message, packet.nr_doors) == 0 &&
	    length == (ssize_t)(sizeof(packet) + packet.nr_instructions * sizeof(struct sock_filter))) {
		cgroup_take_made(init->cgroup, packet.groups);
		return take_filter(init, &packet, parts[1].iov_base) ? fail(error, 0, "out of memory") : 0;
	}
	free(parts[1].iov_base);
	return fail(error, 0, "the runtime has given up");
}

int fault(const char *name, struct error *error)
{
	const char *wanted = getenv("LINUXD_FAULT");

	if (!wanted || strcmp(wanted, name))
		return 0;
	return fail(error, EIO, "LINUXD_FAULT: step %s", name);
}
