// SPDX-License-Identifier: Apache-2.0
/* Names of UNIX sockets, connection set-up, backlog, who accepts. */
#include "test.h"

#include <sys/ioctl.h>

static socklen_t path_name(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, path);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static int bind_path(int fd, const char *path)
{
	struct sockaddr_un a;
	socklen_t length = path_name(&a, path);

	return bind(fd, (void *)&a, length);
}

static int connect_path(int fd, const char *path)
{
	struct sockaddr_un a;
	socklen_t length = path_name(&a, path);

	return connect(fd, (void *)&a, length);
}

static void show_name(int fd, bool peer)
{
	struct sockaddr_un a = { 0 };
	socklen_t length = sizeof(a);

	if (peer ? getpeername(fd, (void *)&a, &length) : getsockname(fd, (void *)&a, &length))
		say("%s: %s", peer ? "peer" : "name", error_name(errno));
	else
		say("%s: %d '%s%s'", peer ? "peer" : "name", length, length > 2 && !a.sun_path[0] ? "@" : "",
		    length > 2 ? a.sun_path + !a.sun_path[0] : "");
}

static int stream(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }

static void paths(void)
{
	struct sockaddr_un a;
	struct stat st;
	int l, c, d;

	SECTION("paths");
	umask(027);
	l = stream();
	show_name(l, false);
	SHOW(bind_path(l, "sock"));
	SHOW(stat("sock", &st));
	say("%o %ld", st.st_mode, (long)st.st_size);
	show_name(l, false);
	c = stream();
	SHOW(bind_path(c, "sock"));
	SHOW(bind_path(l, "sock"));
	SHOW(bind_path(l, "other"));
	SHOW(access("other", F_OK));
	SHOW(bind_path(c, "missing/sock"));
	SHOW(bind_path(c, "/proc/sock"));
	SHOW(bind_path(c, "sock/below"));
	SHOW(connect_path(c, "sock"));
	SHOW(connect_path(c, "nothing"));
	close(open("plain", O_CREAT | O_RDWR, 0777));
	SHOW(connect_path(c, "plain"));
	SHOW(connect_path(c, "."));
	d = socket(AF_UNIX, SOCK_DGRAM, 0);
	SHOW(connect_path(d, "sock"));
	SHOW(open("sock", O_RDWR));
	SHOW(listen(l, 5));
	SHOW(connect_path(c, "sock"));
	show_name(c, false);
	show_name(c, true);
	SHOW(connect_path(c, "sock"));
	SHOW(listen(c, 5));
	SHOW(connect_path(l, "sock"));
	socklen_t length = 5;
	memset(&a, 'x', sizeof(a));
	d = accept(l, (void *)&a, &length);
	say("%d %c", length, a.sun_path[0]);
	show_name(d, false);
	show_name(d, true);
	length = 5;
	memset(&a, 0, sizeof(a));
	SHOW(getsockname(d, (void *)&a, &length));
	say("%d %s", length, a.sun_path);
	SHOW(rename("sock", "moved"));
	close(c);
	c = stream();
	SHOW(connect_path(c, "moved"));
	show_name(c, true);
	SHOW(unlink("moved"));
	close(c);
	c = stream();
	SHOW(connect_path(c, "moved"));
	close(l);
	symlink("target", "link");
	l = stream();
	SHOW(bind_path(l, "link"));
	SHOW(bind_path(l, "target"));
	listen(l, 1);
	SHOW(connect_path(c, "link"));
	show_name(c, true);
	close(l);
	close(c);
	c = stream();
	SHOW(connect_path(c, "target"));
	close(c);

	/* A path that fills sun_path. */
	char full[109];
	memset(full, 'p', 108);
	full[108] = 0;
	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	memcpy(a.sun_path, full, 108);
	l = stream();
	SHOW(bind(l, (void *)&a, sizeof(a)));
	length = sizeof(a);
	SHOW(getsockname(l, (void *)&a, &length));
	say("%d", length);
	SHOW(stat(full, &st));
	close(l);
	l = stream();
	path_name(&a, "short");
	SHOW(bind(l, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 3));
	show_name(l, false);
	close(l);
	l = stream();
	SHOW(bind(l, (void *)&a, 1));
	SHOW(bind(l, (void *)&a, 111));
	SHOW(bind(l, (void *)&a, -1));
	SHOW(bind(l, (void *)&a, 129));
	a.sun_family = AF_INET;
	SHOW(bind(l, (void *)&a, 20));
	SHOW(connect(l, (void *)&a, 20));
	SHOW(bind(l, (void *)8, 20));
	close(l);
}

static void permissions(void)
{
	int l = stream();

	SECTION("permissions");
	bind_path(l, "guarded");
	listen(l, 5);
	chmod("guarded", 0600);
	mkdir("closed", 0700);
	chmod(".", 0755);
	IN_CHILD({
		setgid(65534);
		setuid(65534);
		int c = stream();
		SHOW(connect_path(c, "guarded"));
		SHOW(connect_path(c, "closed/x"));
		SHOW(bind_path(c, "closed/x"));
		SHOW(bind_path(c, "new"));
	});
	chmod("guarded", 0622);
	IN_CHILD({
		setgid(65534);
		setuid(65534);
		int c = stream();
		SHOW(connect_path(c, "guarded"));
		struct ucred cred;
		socklen_t length = sizeof(cred);
		SHOW(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &length));
		say("%d %u %u", cred.pid == getppid(), cred.uid, cred.gid);
	});
	int s = accept(l, NULL, NULL);
	struct ucred cred;
	socklen_t length = sizeof(cred);
	SHOW(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &length));
	say("%u %u", cred.uid, cred.gid);
	SHOW(getsockopt(l, SOL_SOCKET, SO_PEERCRED, &cred, &length));
	say("%d", cred.pid == getpid());
	SHOW(getsockopt(stream(), SOL_SOCKET, SO_PEERCRED, &cred, &length));
	say("%d %d %d", cred.pid, (int)cred.uid, (int)cred.gid);
	close(s);
	close(l);
}

static void abstract(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int x = stream(), y = stream(), d = socket(AF_UNIX, SOCK_DGRAM, 0);

	SECTION("abstract and automatic names");
	memcpy(a.sun_path, "\0lxd\0name", 9);
	SHOW(bind(x, (void *)&a, 2 + 9));
	SHOW(bind(y, (void *)&a, 2 + 9));
	SHOW(bind(d, (void *)&a, 2 + 9));
	SHOW(bind(y, (void *)&a, 2 + 8));
	SHOW(listen(x, 1));
	int c = stream();
	SHOW(connect(c, (void *)&a, 2 + 10));
	SHOW(connect(c, (void *)&a, 2 + 8));
	SHOW(connect(c, (void *)&a, 2 + 9));
	close(x);
	close(c);
	c = stream();
	SHOW(connect(c, (void *)&a, 2 + 9));
	close(c);
	c = stream();
	SHOW(bind(c, (void *)&a, 2));
	socklen_t length = sizeof(a);
	getsockname(c, (void *)&a, &length);
	say("%d %d %zu", length, a.sun_path[0], strspn(a.sun_path + 1, "0123456789abcdef"));
	SHOW(bind(c, (void *)&a, 2));
	int one = 1;
	int z = socket(AF_UNIX, SOCK_DGRAM, 0);
	setsockopt(z, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	memcpy(a.sun_path, "\0lxd\0name", 9);
	SHOW(connect(z, (void *)&a, 2 + 9));
	length = sizeof(a);
	getsockname(z, (void *)&a, &length);
	say("%d", length);
	close(z);
	close(c);
	close(d);
	close(y);
}

static void backlog(void)
{
	int l = stream(), n = 0, c[16];
	char buf[8];

	SECTION("backlog");
	bind_path(l, "backlog");
	listen(l, 2);
	for (n = 0; n < 16; n++) {
		c[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect_path(c[n], "backlog"))
			break;
		write(c[n], "hi", 2);
	}
	say("%d then %s", n, error_name(errno));
	pid_t pid = fork();
	if (!pid) {
		fcntl(c[n], F_SETFL, 0);
		if (connect_path(c[n], "backlog"))
			_exit(errno);
		_exit(write(c[n], "late", 4) == 4 ? 0 : 1);
	}
	sleep_ms(20);
	close(c[n]);
	for (int i = 0; i <= n; i++) {
		int s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
		buf[0] = 0;
		long r = read(s, buf, 4);
		say("%ld %.*s %d", r, (int)r, buf, fcntl(s, F_GETFD));
		close(s);
	}
	int status;
	waitpid(pid, &status, 0);
	show_status("late", status);
	SHOW(accept4(l, NULL, NULL, 0x1000));
	fcntl(l, F_SETFL, O_NONBLOCK);
	SHOW(accept(l, NULL, NULL));
	struct timeval tv = { 0, 20000 };
	fcntl(l, F_SETFL, 0);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	SHOW(accept(l, NULL, NULL));
	SHOW(read(l, buf, 1));
	SHOW(ioctl(l, FIONREAD, buf));
	struct pollfd p = { l, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	say("%x", (unsigned)p.revents);
	int k = stream();
	connect_path(k, "backlog");
	poll(&p, 1, 0);
	say("%x", (unsigned)p.revents);
	close(l);
	SHOW(read(k, buf, 1));
	SHOW(read(k, buf, 1));
	SHOW(send(k, buf, 1, MSG_NOSIGNAL));
	close(k);
	k = stream();
	SHOW(connect_path(k, "backlog"));
	l = stream();
	SHOW(listen(l, 1));
	unlink("backlog");
	bind_path(l, "backlog");
	listen(l, 1);
	SHOW(shutdown(l, SHUT_RD));
	SHOW(accept(l, NULL, NULL));
	SHOW(connect_path(k, "backlog"));
}

/* Of many processes in accept exactly one gets each connection. */
static void accept_one(void)
{
	int l = stream(), report[2];
	pid_t pids[6];
	char buf[64];

	SECTION("many acceptors");
	pipe(report);
	bind_path(l, "acceptors");
	listen(l, 16);
	for (int i = 0; i < 6; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			int s = accept(l, NULL, NULL);
			write(report[1], s >= 0 ? "y" : "n", 1);
			_exit(0);
		}
	}
	sleep_ms(50);
	for (int i = 0; i < 3; i++) {
		int c = stream();
		connect_path(c, "acceptors");
		SHOW(read(report[0], buf, 64));
		sleep_ms(5);
	}
	fcntl(report[0], F_SETFL, O_NONBLOCK);
	SHOW(read(report[0], buf, 64));
	for (int i = 0; i < 6; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	char dir[] = "/tmp/unix_names.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	paths();
	permissions();
	abstract();
	backlog();
	accept_one();
}
