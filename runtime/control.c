/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/state.h"

/* Longer than the monitor gives the kernel, so that its answer says what is wrong. */
#define PATIENCE_MS 15000

/* A path to the socket that is short enough whatever the directory's is, and cannot be exchanged on the way. */
static int connect_to(int directory, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(error, errno, "cannot make a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", directory);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		fail(error, errno, "cannot reach the container's monitor");
		close(fd);
		return -1;
	}
	return fd;
}

int control_connect_in(int directory, struct error *error)
{
	return connect_to(directory, error);
}

int control_connect(const char *container, struct error *error)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	char id[STATE_ID_SIZE];
	int directory = state_open(container, id, error), fd;

	if (directory < 0)
		return -1;
	fd = connect_to(directory, error);
	close(directory);
	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || (peer.uid != geteuid() && peer.uid != 0 && geteuid() != 0)) {
		close(fd);
		return fail(error, 0, "the control socket of container %s belongs to another user (uid %u)", id, peer.uid);
	}
	return fd;
}

static int receive(int connection, struct control_reply *reply, int *ret_fd, struct error *error)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec piece = { reply, sizeof(*reply) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t got;

	do
		got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno != ECONNRESET)
		return fail(error, errno, "cannot read the monitor's answer");
	if (got <= 0) {
		fail(error, 0, "the container has ended");
		error->code = ECONNRESET;
		return -1;
	}
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
	if (got != sizeof(*reply) || reply->magic != CONTROL_MAGIC)
		return fail(error, 0, "the monitor's answer is not understood: the container was started by another version of linuxd");
	reply->message[sizeof(reply->message) - 1] = '\0';
	return 0;
}

int control_call(int connection, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
		 struct error *error)
{
	struct control_request request = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION, .kind = kind };
	struct pollfd wait = { .fd = connection, .events = POLLIN };
	int fd = -1, ready;

	if (argument)
		memcpy(request.argument, argument, sizeof(request.argument));
	if (send(connection, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request)) {
		if (errno != EPIPE && errno != ECONNRESET)
			return fail(error, errno, "cannot ask the container's monitor");
		fail(error, 0, "the container has ended");
		error->code = ECONNRESET;
		return -1;
	}
	do
		ready = poll(&wait, 1, PATIENCE_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return fail(error, 0, "the container's monitor does not answer (stopped, or busy with other clients)");
	memset(ret_reply, 0, sizeof(*ret_reply));
	if (receive(connection, ret_reply, &fd, error)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (ret_reply->error) {
		if (fd >= 0)
			close(fd);
		if (ret_reply->message[0])
			fail(error, 0, "%s", ret_reply->message);
		else
			fail(error, ret_reply->error, "the container's kernel refuses");
		error->code = ret_reply->error;
		return -1;
	}
	if (ret_fd)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return 0;
}

int control_freeze(int connection, unsigned timeout_ms, struct error *error)
{
	const uint64_t argument[4] = { timeout_ms };
	struct control_reply reply;

	return control_call(connection, CONTROL_FREEZE, argument, &reply, NULL, error);
}

int control_thaw(int connection, struct error *error)
{
	struct control_reply reply;

	return control_call(connection, CONTROL_THAW, NULL, &reply, NULL, error);
}

int control_freezer_state(int connection, struct error *error)
{
	struct control_reply reply;

	if (control_call(connection, CONTROL_PING, NULL, &reply, NULL, error))
		return -1;
	if (reply.value[1] > CONTAINER_FROZEN)
		return fail(error, 0, "the container's kernel answers nonsense");
	return (int)reply.value[1];
}
