/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/sandbox/handover.c runtime/error.c
// flags: -D_GNU_SOURCE
/*
 * Descriptors arrive as they were sent, with their events; and a sandbox that never fetches them, writes into the socket, or closes it, costs the
 * monitor an error and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/sandbox/handover.h"

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sandbox sandbox;

static void prepare(void)
{
	struct error error = { 0 };

	if (!sandbox.channel)
		sandbox.channel = mmap(NULL, sizeof(*sandbox.channel), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(sandbox.channel != MAP_FAILED, "mmap");
	sandbox.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	check(handover_prepare(&sandbox, &error) == 0, "prepare");
}

static void finish(void)
{
	close(sandbox.epoll_fd);
	close(sandbox.handover_fd);
	close(sandbox.handover_inside);
}

static int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int nr = 0;

	while (readdir(directory))
		nr++;
	closedir(directory);
	return nr;
}

static ssize_t receive(struct handover_message *message, int *ret_fd, int *ret_flags)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec piece = { message, sizeof(*message) };
	struct msghdr packet = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(sandbox.handover_inside, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (length > 0 && CMSG_FIRSTHDR(&packet))
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&packet)), sizeof(int));
	*ret_flags = packet.msg_flags;
	return length;
}

static void test_arrives(void)
{
	struct handover_message sent = { .target = 5, .argument = { 6, 7 }, .data = "address" }, got;
	struct epoll_event event;
	int pipe_fds[2], fd, flags;

	check(pipe(pipe_fds) == 0, "pipe");
	sent.token = handover_token(&sandbox);
	check(sent.token >= HANDOVER_OF_MONITOR && handover_token(&sandbox) == sent.token + 1, "tokens");
	check(handover_watch(&sandbox, pipe_fds[0], sent.token, EPOLLIN) == 0, "watch");
	check(handover_watch(&sandbox, -1, sent.token, EPOLLIN) == -EBADF, "watch nothing");
	check(handover_send(&sandbox, pipe_fds[0], &sent) == 0, "send");
	check(epoll_wait(sandbox.epoll_fd, &event, 1, 1000) == 1 && event.data.u64 == EPOLL_DATA_HANDOVER, "the socket is ready");
	check(epoll_wait(sandbox.epoll_fd, &event, 1, 0) == 0, "and says so once");
	check(receive(&got, &fd, &flags) == sizeof(got) && !memcmp(&got, &sent, sizeof(got)) && fd >= 0, "receive");
	close(pipe_fds[0]);
	check(write(pipe_fds[1], "x", 1) == 1, "write");
	check(epoll_wait(sandbox.epoll_fd, &event, 1, 1000) == 1 && event.data.u64 == sent.token, "the descriptor is ready");
	check(read(fd, &got, 8) == 1, "it is the pipe");
	close(fd);
	close(pipe_fds[1]);
	check(handover_send(&sandbox, -1, &sent) == 0, "send a message alone");
	check(receive(&got, &fd, &flags) == sizeof(got) && fd < 0 && !(flags & MSG_CTRUNC), "receive a message alone");
	check(handover_send(&sandbox, 1000000, &sent) == -EBADF, "send nothing");
}

/* A table without room loses the descriptor, not the message. */
static void test_no_room(void)
{
	struct handover_message message = { .token = 99 }, got;
	struct rlimit limit, tight;
	int fd, flags, next = dup(0);

	close(next);
	check(handover_send(&sandbox, 0, &message) == 0, "send");
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = (struct rlimit){ next, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &tight);
	check(receive(&got, &fd, &flags) == sizeof(got) && got.token == 99 && fd < 0 && (flags & MSG_CTRUNC), "lost on the way");
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void test_hostile(void)
{
	struct handover_message message = { .token = 1 };
	char junk[4096] = "junk";
	int nr = 0, before = open_descriptors(), error;

	check(write(sandbox.handover_inside, junk, sizeof(junk)) < 0 && errno == EPIPE, "the monitor takes nothing");
	while ((error = handover_send(&sandbox, sandbox.epoll_fd, &message)) == 0)
		check(++nr < 100000, "sent without end");
	check(error == -EAGAIN || error == -ETOOMANYREFS, "a full socket");
	close(sandbox.handover_inside);
	error = handover_send(&sandbox, 0, &message);
	check(error == -EPIPE || error == -ECONNRESET, "a closed socket");
	sandbox.handover_inside = dup(0);
	check(open_descriptors() == before, "no descriptor was lost");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	prepare();
	test_arrives();
	test_no_room();
	test_hostile();
	finish();
	return 0;
}
