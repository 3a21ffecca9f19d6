// SPDX-License-Identifier: Apache-2.0
/* UNIX sockets: process descriptors of peers, peeking with an offset, SIOCUNIXFILE, sendfile and splice to them, other families. */
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#define SCM_PIDFD 4
#define UNIX_FILE (SIOCPROTOPRIVATE + 0)

static long pid_of(int pidfd)
{
	char path[64], line[256];
	long pid = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Pid: %ld", &pid);
	if (f)
		fclose(f);
	return pid;
}

static void peer_pidfd(void)
{
	int s[2], fd = -1, value = 1;
	socklen_t length = sizeof(fd);

	SECTION("SO_PEERPIDFD");
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &length));
	say("%d own process %d", length, pid_of(fd) == getpid());
	SHOW(fcntl(fd, F_GETFD));
	close(fd);
	length = 2;
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &length));
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &value, sizeof(value)));
	close(s[0]);
	close(s[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	length = sizeof(value);
	SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &value, &length));
	char sec[64];
	length = sizeof(sec);
	SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERSEC, sec, &length));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_PEERSEC, &value, sizeof(value)));
	close(fd);
}

static void show_control(int fd)
{
	union { char buf[256]; struct cmsghdr align; } control;
	char data[16];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };

	SHOW(recvmsg(fd, &m, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		say("level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
		if (c->cmsg_type == SCM_PIDFD) {
			int pidfd;

			memcpy(&pidfd, CMSG_DATA(c), sizeof(pidfd));
			say("own process %d, flags %d", pid_of(pidfd) == getpid(), fcntl(pidfd, F_GETFD));
			close(pidfd);
		}
	}
	say("flags %x", (unsigned)m.msg_flags);
}

static void pass_pidfd(int type)
{
	int s[2], one = 1, value = 0;
	socklen_t length = sizeof(value);
	char buf[8];

	say("-- SO_PASSPIDFD, type %d", type);
	socketpair(AF_UNIX, type, 0, s);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one)));
	SHOW(getsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &value, &length));
	say("%d", value);
	write(s[0], "one", 3);
	show_control(s[1]);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	write(s[0], "two", 3);
	show_control(s[1]);
	write(s[0], "three", 5);
	struct iovec iov = { buf, sizeof(buf) };
	char small[CMSG_SPACE(sizeof(struct ucred))];
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = small, .msg_controllen = sizeof(small) };
	SHOW(recvmsg(s[1], &m, 0));
	say("flags %x length %zu", (unsigned)m.msg_flags, (size_t)m.msg_controllen);
	close(s[0]);
	close(s[1]);
}

static void pass_rights(void)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	int s[2], value = 0, zero = 0;
	socklen_t length = sizeof(value);

	SECTION("SO_PASSRIGHTS");
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	SHOW(getsockopt(s[1], SOL_SOCKET, SO_PASSRIGHTS, &value, &length));
	say("%d", value);
	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.align), &s[0], sizeof(int));
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSRIGHTS, &zero, sizeof(zero)));
	SHOW(sendmsg(s[0], &m, 0));
	close(s[0]);
	close(s[1]);
}

static void peek_offset(int type)
{
	int s[2], value = -2;
	socklen_t length = sizeof(value);
	char buf[16];

	say("-- SO_PEEK_OFF, type %d", type);
	socketpair(AF_UNIX, type, 0, s);
	SHOW(getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length));
	say("%d", value);
	value = 2;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value)));
	write(s[0], "abcdefgh", 8);
	write(s[0], "ijkl", 4);
	for (int i = 0; i < 4; i++) {
		memset(buf, 0, sizeof(buf));
		SHOW(recv(s[1], buf, 3, MSG_PEEK | MSG_DONTWAIT));
		getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
		say("%s %d", buf, value);
	}
	memset(buf, 0, sizeof(buf));
	SHOW(recv(s[1], buf, 4, MSG_DONTWAIT));
	getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
	say("%s %d", buf, value);
	SHOW(recv(s[1], buf, 10, MSG_PEEK | MSG_DONTWAIT));
	getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
	say("%d", value);
	value = -1;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value)));
	SHOW(recv(s[1], buf, 10, MSG_PEEK | MSG_DONTWAIT));
	value = -5;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value)));
	SHOW(recv(s[1], buf, 10, MSG_PEEK | MSG_DONTWAIT));
	close(s[0]);
	close(s[1]);
}

static void socket_file(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/bound" };
	struct stat of_file, of_path;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), file;

	SECTION("SIOCUNIXFILE");
	SHOW(ioctl(fd, UNIX_FILE));
	unlink(a.sun_path);
	bind(fd, (void *)&a, sizeof(a));
	file = ioctl(fd, UNIX_FILE);
	CHECK(file >= 0);
	say("%x %d", fcntl(file, F_GETFL) & ~O_LARGEFILE, fcntl(file, F_GETFD));
	fstat(file, &of_file);
	stat(a.sun_path, &of_path);
	CHECK(of_file.st_ino == of_path.st_ino && S_ISSOCK(of_file.st_mode));
	close(file);
	IN_CHILD({
		setuid(65534);
		SHOW(ioctl(fd, UNIX_FILE));
	});
	close(fd);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	strcpy(a.sun_path + 1, "lxd-more-abstract");
	bind(fd, (void *)&a, 20);
	SHOW(ioctl(fd, UNIX_FILE));
	close(fd);
}

static void moving_data(void)
{
	int s[2], p[2], fd = open("/tmp/source", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char buf[32];
	loff_t offset = 2;

	SECTION("sendfile and splice");
	write(fd, "0123456789", 10);
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		socketpair(AF_UNIX, type, 0, s);
		SHOW(sendfile(s[0], fd, &offset, 5));
		memset(buf, 0, sizeof(buf));
		SHOW(read(s[1], buf, sizeof(buf)));
		say("%s %ld", buf, (long)offset);
		pipe(p);
		write(p[1], "through a pipe", 14);
		SHOW(splice(p[0], NULL, s[0], NULL, 9, 0));
		memset(buf, 0, sizeof(buf));
		SHOW(read(s[1], buf, sizeof(buf)));
		say("%s", buf);
		write(s[0], "back", 4);
		SHOW(splice(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
		offset = 2;
		close(p[0]);
		close(p[1]);
		close(s[0]);
		close(s[1]);
	}
	close(fd);
}

static void other_families(void)
{
	int s[2];

	SECTION("families and types");
	SHOW(socketpair(AF_UNIX, SOCK_RAW, 0, s));
	SHOW(socketpair(AF_UNIX, SOCK_RDM, 0, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 7, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, AF_UNIX, s));
	SHOW(socket(AF_UNIX, 11, 0));
	SHOW(socket(AF_UNIX, -1, 0));
	SHOW(socket(-1, SOCK_STREAM, 0));
	SHOW(socket(1000, SOCK_STREAM, 0));
	SHOW(socket(AF_UNSPEC, SOCK_STREAM, 0));
	SHOW(socket(AF_APPLETALK, SOCK_DGRAM, 0));
	SHOW(socket(AF_IPX, SOCK_DGRAM, 0));
}

int main(void)
{
	peer_pidfd();
	pass_pidfd(SOCK_STREAM);
	pass_pidfd(SOCK_DGRAM);
	pass_rights();
	peek_offset(SOCK_STREAM);
	peek_offset(SOCK_DGRAM);
	socket_file();
	moving_data();
	other_families();
}
