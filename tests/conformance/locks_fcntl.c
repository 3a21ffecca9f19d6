// SPDX-License-Identifier: Apache-2.0
/* POSIX record locks, open file description locks, flock: conflicts, merging, waiting, deadlock, release. */
#include "test.h"

#include <sys/file.h>

static int sync_pipe[2];

static struct flock range(short type, long start, long length)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
}

static int set(int fd, int cmd, short type, long start, long length)
{
	struct flock l = range(type, start, length);
	return fcntl(fd, cmd, &l);
}

static void get(int fd, int cmd, short type, long start, long length, pid_t holder)
{
	struct flock l = range(type, start, length);

	if (fcntl(fd, cmd, &l))
		say("get: %s", error_name(errno));
	else if (l.l_type == F_UNLCK)
		say("get %ld+%ld: free", start, length);
	else
		say("get %ld+%ld: type %d at %ld+%ld by %s", start, length, l.l_type, (long)l.l_start, (long)l.l_len,
		    l.l_pid == holder ? "holder" : l.l_pid == -1 ? "nobody" : "?");
}

static void ranges(int fd, const char *path)
{
	pid_t me = getpid();

	SECTION("ranges");
	SHOW(set(fd, F_SETLK, F_WRLCK, 10, 10));
	SHOW(set(fd, F_SETLK, F_RDLCK, 13, 3));
	SHOW(set(fd, F_SETLK, F_WRLCK, 20, 5));
	SHOW(set(fd, F_SETLK, F_WRLCK, 100, 0));
	IN_CHILD({
		int f = open(path, O_RDWR);
		get(f, F_GETLK, F_WRLCK, 0, 10, me);
		get(f, F_GETLK, F_WRLCK, 0, 0, me);
		get(f, F_GETLK, F_RDLCK, 13, 3, me);
		get(f, F_GETLK, F_WRLCK, 13, 3, me);
		get(f, F_GETLK, F_RDLCK, 16, 1, me);
		get(f, F_GETLK, F_WRLCK, 25, 75, me);
		get(f, F_GETLK, F_RDLCK, 1000000, 1, me);
		SHOW(set(f, F_SETLK, F_WRLCK, 13, 1));
		SHOW(set(f, F_SETLK, F_RDLCK, 13, 1));
		SHOW(set(f, F_SETLK, F_WRLCK, 25, 75));
		SHOW(set(f, F_SETLK, F_WRLCK, 24, 1));
	});
	SHOW(set(fd, F_SETLK, F_UNLCK, 12, 6));
	IN_CHILD({
		int f = open(path, O_RDWR);
		get(f, F_GETLK, F_WRLCK, 0, 18, me);
		get(f, F_GETLK, F_WRLCK, 12, 6, me);
		get(f, F_GETLK, F_WRLCK, 17, 20, me);
	});
	/* any close drops them all */
	close(dup(fd));
	IN_CHILD({
		int f = open(path, O_RDWR);
		get(f, F_GETLK, F_WRLCK, 0, 0, me);
	});
	SHOW(set(fd, F_SETLK, 7, 0, 1));
	SHOW(set(fd, F_SETLK, F_RDLCK, -1, 1));
	SHOW(set(fd, F_SETLK, F_RDLCK, 5, -5));
	SHOW(set(fd, F_SETLK, F_RDLCK, 5, -6));
	SHOW(set(fd, F_SETLK, F_UNLCK, 0, 0));
	SHOW(set(99, F_SETLK, F_RDLCK, 0, 0));
	int ro = open(path, O_RDONLY);
	SHOW(set(ro, F_SETLK, F_WRLCK, 0, 1));
	SHOW(set(ro, F_SETLK, F_RDLCK, 0, 1));
	close(ro);
	struct flock l = { .l_type = F_RDLCK, .l_whence = 9 };
	SHOW(fcntl(fd, F_SETLK, &l));
	SHOW(fcntl(fd, F_SETLK, (void *)8));
}

static void waits(int fd, const char *path)
{
	char c;

	SECTION("waiting");
	set(fd, F_SETLK, F_WRLCK, 0, 1);
	pid_t pid = fork();
	if (!pid) {
		int f = open(path, O_RDWR);
		write(sync_pipe[1], "r", 1);
		say("child gets %d", set(f, F_SETLKW, F_WRLCK, 0, 1));
		_exit(0);
	}
	read(sync_pipe[0], &c, 1);
	sleep_ms(30);
	say("parent unlocks");
	set(fd, F_SETLK, F_UNLCK, 0, 0);
	waitpid(pid, NULL, 0);

	SECTION("deadlock");
	set(fd, F_SETLK, F_WRLCK, 0, 1);
	pid = fork();
	if (!pid) {
		int f = open(path, O_RDWR);
		set(f, F_SETLK, F_WRLCK, 1, 1);
		write(sync_pipe[1], "r", 1);
		int r = set(f, F_SETLKW, F_WRLCK, 0, 1);
		_exit(r ? 1 : 0);
	}
	read(sync_pipe[0], &c, 1);
	sleep_ms(30);
	SHOW(set(fd, F_SETLKW, F_WRLCK, 1, 1));
	set(fd, F_SETLK, F_UNLCK, 0, 0);
	int status;
	waitpid(pid, &status, 0);
	show_status("child", status);
}

static void on_alarm(int sig) { (void)sig; }

static void interrupted(int fd, const char *path)
{
	SECTION("interrupted");
	set(fd, F_SETLK, F_WRLCK, 0, 1);
	IN_CHILD({
		int f = open(path, O_RDWR);
		struct sigaction sa = { .sa_handler = on_alarm };
		sigaction(SIGALRM, &sa, NULL);
		struct itimerval it = { { 0, 0 }, { 0, 20000 } };
		setitimer(ITIMER_REAL, &it, NULL);
		SHOW(set(f, F_SETLKW, F_WRLCK, 0, 1));
		setitimer(ITIMER_REAL, &it, NULL);
		SHOW(flock(f, LOCK_EX));
		SHOW(flock(f, LOCK_EX | LOCK_NB));
		setitimer(ITIMER_REAL, &it, NULL);
		int g = open(path, O_RDWR);
		SHOW(flock(g, LOCK_SH));
	});
	set(fd, F_SETLK, F_UNLCK, 0, 0);
}

static void descriptions(const char *path)
{
	SECTION("open file descriptions");
	int a = open(path, O_RDWR), b = open(path, O_RDWR), dupped = dup(a);
	SHOW(set(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	SHOW(set(b, F_OFD_SETLK, F_WRLCK, 5, 10));
	SHOW(set(b, F_SETLK, F_WRLCK, 5, 10));
	SHOW(set(dupped, F_OFD_SETLK, F_RDLCK, 0, 5));
	get(b, F_OFD_GETLK, F_WRLCK, 0, 100, 1);
	get(b, F_GETLK, F_WRLCK, 5, 100, 1);
	struct flock l = range(F_WRLCK, 0, 1);
	l.l_pid = 5;
	SHOW(fcntl(a, F_OFD_SETLK, &l));
	close(a);
	SHOW(set(b, F_OFD_SETLK, F_WRLCK, 5, 10));
	close(dupped);
	SHOW(set(b, F_OFD_SETLK, F_WRLCK, 5, 10));
	close(b);
}

static void flocks(const char *path)
{
	SECTION("flock");
	int a = open(path, O_RDWR), b = open(path, O_RDONLY);
	SHOW(flock(a, LOCK_SH));
	SHOW(flock(b, LOCK_SH | LOCK_NB));
	SHOW(flock(a, LOCK_EX | LOCK_NB));
	SHOW(flock(b, LOCK_EX | LOCK_NB));
	SHOW(flock(b, LOCK_UN));
	SHOW(flock(a, LOCK_EX | LOCK_NB));
	SHOW(flock(b, LOCK_SH | LOCK_NB));
	IN_CHILD({ SHOW(flock(a, LOCK_SH | LOCK_NB)); SHOW(flock(b, LOCK_SH | LOCK_NB)); });
	SHOW(flock(b, LOCK_EX | LOCK_NB));
	close(b);
	SHOW(flock(a, LOCK_EX | LOCK_NB));
	SHOW(flock(a, 0));
	SHOW(flock(99, LOCK_SH));
	close(a);
}

int main(void)
{
	char path[] = "/tmp/locksXXXXXX";
	int fd = mkstemp(path);

	pipe(sync_pipe);
	ranges(fd, path);
	waits(fd, path);
	interrupted(fd, path);
	descriptions(path);
	flocks(path);
	unlink(path);
	return 0;
}
