/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands host descriptors into the running sandbox.
 *
 * The host processes of a sandbox share one descriptor table, in which the monitor has no part: so descriptors travel over a socket pair.
 * The sandbox may read its end, write to it, close it, or leave it alone. None of this reaches the monitor: it does not read its own end,
 * which refuses what is sent to it, and it waits for room once and not again. What the sandbox does not fetch is bounded by the socket's buffer, and the
 * host frees it with the socket.
 */
#include "runtime/sandbox/handover.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STUCK_MS 1000

int handover_prepare(struct sandbox *sandbox, struct error *error)
{
	struct epoll_event event = { EPOLLIN | EPOLLET, { .u64 = EPOLL_DATA_HANDOVER } };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fail(error, errno, "cannot make the socket pair for descriptors");
	sandbox->handover_fd = ends[0];
	sandbox->handover_inside = ends[1];
	sandbox->channel->boot.handover_fd = ends[1];
	if (shutdown(ends[0], SHUT_RD) || epoll_ctl(sandbox->epoll_fd, EPOLL_CTL_ADD, ends[1], &event))
		return fail(error, errno, "cannot set up the socket pair for descriptors");
	return 0;
}

uint64_t handover_token(struct sandbox *sandbox)
{
	return HANDOVER_OF_MONITOR | __atomic_fetch_add(&sandbox->handover_tokens, 1, __ATOMIC_RELAXED);
}

int handover_watch(struct sandbox *sandbox, int fd, uint64_t token, uint32_t events)
{
	struct epoll_event event = { events | EPOLLET, { .u64 = token } };

	return epoll_ctl(sandbox->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int handover_send_with(struct sandbox *sandbox, int fd, const struct handover_message *message, const void *payload, size_t length)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec pieces[2] = { { (void *)message, sizeof(*message) }, { (void *)payload, length } };
	struct msghdr packet = { .msg_iov = pieces, .msg_iovlen = length ? 2 : 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t sent;

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (fd < 0) {
		packet.msg_control = NULL;
		packet.msg_controllen = 0;
	}
	for (;;) {
		struct pollfd room = { .fd = sandbox->handover_fd, .events = POLLOUT };

		do
			sent = sendmsg(sandbox->handover_fd, &packet, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (sent < 0 && errno == EINTR);
		if (sent >= 0) {
			sandbox->handover_stuck = false;
			return 0;
		}
		if (errno != EAGAIN || sandbox->handover_stuck)
			return -errno;
		/* The kernel fetches what comes as soon as it has its lock. One that does not is waited for once. */
		sandbox->handover_stuck = poll(&room, 1, STUCK_MS) != 1;
	}
}

int handover_send(struct sandbox *sandbox, int fd, const struct handover_message *message)
{
	return handover_send_with(sandbox, fd, message, NULL, 0);
}
