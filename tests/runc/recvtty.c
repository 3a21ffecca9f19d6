// SPDX-License-Identifier: Apache-2.0
/*
 * usage: recvtty [--pid-file FILE] [--mode null|single] SOCKET
 *
 * Listens on a console socket for runc's integration tests and keeps the terminals that it is sent. What they print is
 * thrown away.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_FDS 64

static int receive(int client)
{
	char data[4096], control[CMSG_SPACE(sizeof(int))];
	struct iovec piece = { data, sizeof(data) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(client, &message, MSG_CMSG_CLOEXEC) < 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8)) {
		perror(path);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd polls[MAX_FDS] = { { .events = POLLIN } };
	const char *path = NULL, *pid_file = NULL;
	char buffer[4096];
	int nr = 1;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--pid-file") && i + 1 < argc)
			pid_file = argv[++i];
		else if (!strcmp(argv[i], "--mode") && i + 1 < argc)
			i++;
		else
			path = argv[i];
	}
	if (!path)
		return 2;
	polls[0].fd = listen_at(path);
	if (pid_file) {
		FILE *file = fopen(pid_file, "we");

		if (!file)
			return 1;
		fprintf(file, "%d", getpid());
		fclose(file);
	}
	for (;;) {
		if (poll(polls, nr, -1) < 0)
			continue;
		for (int i = 1; i < nr; i++) {
			if (polls[i].revents && read(polls[i].fd, buffer, sizeof(buffer)) <= 0) {
				close(polls[i].fd);
				polls[i--] = polls[--nr];
			}
		}
		if (polls[0].revents && nr < MAX_FDS) {
			int client = accept4(polls[0].fd, NULL, NULL, SOCK_CLOEXEC), fd = client < 0 ? -1 : receive(client);

			if (fd >= 0)
				polls[nr++] = (struct pollfd){ .fd = fd, .events = POLLIN };
			if (client >= 0)
				close(client);
		}
	}
}
