// SPDX-License-Identifier: Apache-2.0
/*
 * usage: seccompagent -socketfile=SOCKET -pid-file FILE
 *
 * Answers seccomp notifications for runc's integration tests (seccomp-notify.bats says what it must do): mkdir makes the directory
 * with "-" and the listener's metadata added to its name, chmod and its kin fail with ENOMEDIUM, everything else goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int read_path(pid_t pid, __u64 address, char *path, size_t size)
{
	char name[64];
	ssize_t got;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = pread(fd, path, size - 1, address);
	close(fd);
	if (got <= 0)
		return -1;
	path[got] = '\0';
	return 0;
}

static int make_directory(const struct seccomp_notif *request, const char *metadata)
{
	char name[2048], path[4200];

	if (read_path(request->pid, request->data.args[0], name, sizeof(name)))
		return -ENOSYS;
	snprintf(path, sizeof(path), "/proc/%d/%s/%s-%s", request->pid, name[0] == '/' ? "root" : "cwd", name, metadata);
	return mkdir(path, request->data.args[1]) ? -ENOSYS : 0;
}

static void answer_all(int listener, const char *metadata)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp answer;

	for (;;) {
		memset(&request, 0, sizeof(request));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request)) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return;
		}
		answer = (struct seccomp_notif_resp){ .id = request.id };
		switch (request.data.nr) {
		case SYS_mkdir:
			answer.error = make_directory(&request, metadata);
			break;
		case SYS_chmod:
		case SYS_fchmod:
		case SYS_fchmodat:
			answer.error = -ENOMEDIUM;
			break;
		default:
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		}
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static void serve(int client)
{
	char data[8192], control[CMSG_SPACE(sizeof(int))], *found;
	struct iovec piece = { data, sizeof(data) - 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	char metadata[64] = "";
	ssize_t got = recvmsg(client, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int fd;

	if (!header || header->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	data[got] = '\0';
	found = strstr(data, "\"metadata\":");
	if (found)
		sscanf(found + strlen("\"metadata\":"), " \"%63[^\"]", metadata);
	answer_all(fd, metadata);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *pid_file = NULL;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "-socketfile=", 12))
			snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[i] + 12);
		else if (!strcmp(argv[i], "-pid-file") && i + 1 < argc)
			pid_file = argv[++i];
	}
	signal(SIGCHLD, SIG_IGN);
	unlink(address.sun_path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 8)) {
		perror(address.sun_path);
		return 1;
	}
	if (pid_file) {
		FILE *file = fopen(pid_file, "we");

		if (!file)
			return 1;
		fprintf(file, "%d", getpid());
		fclose(file);
	}
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			continue;
		if (fork() == 0) {
			/* When the agent is killed all of its listeners must be closed. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve(client);
			_exit(0);
		}
		close(client);
	}
}
