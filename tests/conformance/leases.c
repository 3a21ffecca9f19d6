// SPDX-License-Identifier: Apache-2.0
/* Leases of fcntl(2): who gets one, what breaks it and tells its holder, how long the breaker waits, what ends it. */
#include "test.h"

static char place[64];
static int fd;

static const char *type_name(int type)
{
	static char number[16];

	snprintf(number, sizeof(number), "%d", type);
	return type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : type == F_UNLCK ? "none" : number;
}

static void show_lease(const char *what) { say("%s: %s", what, type_name(fcntl(fd, F_GETLEASE))); }

/* The signal that a lease is wanted back, within a second. */
static void show_signal(const char *what)
{
	struct timespec second = { 1, 0 };
	siginfo_t info;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGIO);
	sig = sigtimedwait(&set, &info, &second);
	if (sig < 0)
		say("%s: no signal", what);
	else if (sig == SIGIO)
		say("%s: SIGIO code %d", what, info.si_code);
	else
		say("%s: code %d band %lx %s", what, info.si_code, info.si_band, info.si_fd == fd ? "fd" : "other");
}

static int take(int flags, int type)
{
	fd = open(place, flags | O_CREAT, 0644);
	fcntl(fd, F_SETSIG, SIGRTMIN + 1);
	return fcntl(fd, F_SETLEASE, type);
}

/* What a child's open, which does not wait, comes to. */
static void child_open(const char *what, int flags)
{
	fflush(stdout);
	if (fork() == 0) {
		int there = open(place, flags | O_NONBLOCK, 0644);

		say("%s: %s", what, there < 0 ? error_name(errno) : "opened");
		_exit(0);
	}
	wait(NULL);
}

/* A child that waits in open; the pipe tells when it has got it. */
static int waiting_child(int flags, bool shorten)
{
	int done[2];

	pipe(done);
	if (fork() == 0) {
		char c;

		close(fd);
		close(done[0]);
		c = shorten ? (truncate(place, 1) < 0 ? 'f' : 't') : (open(place, flags, 0644) < 0 ? 'f' : 'o');
		write(done[1], &c, 1);
		_exit(0);
	}
	close(done[1]);
	return done[0];
}

static void show_child(const char *what, int done)
{
	struct pollfd wait_for = { .fd = done, .events = POLLIN };
	char c = 0;

	if (poll(&wait_for, 1, 300) == 0) {
		say("%s: waits", what);
		return;
	}
	read(done, &c, 1);
	say("%s: %s", what, c == 'o' ? "opened" : c == 't' ? "truncated" : "failed");
	close(done);
	wait(NULL);
}

static void granted(void)
{
	int other, dir = open("/tmp", O_RDONLY | O_DIRECTORY), path, pair[2];

	SHOW(take(O_RDONLY, F_RDLCK));
	show_lease("read-only file");
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	show_lease("made a write lease");
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	show_lease("and back");
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	show_lease("given up");
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(fd, F_SETLEASE, 7));
	SHOW(fcntl(dir, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(dir, F_GETLEASE));
	pipe(pair);
	SHOW(fcntl(pair[0], F_SETLEASE, F_RDLCK));
	path = open(place, O_PATH);
	SHOW(fcntl(path, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(path, F_GETLEASE));
	close(path);
	other = open(place, O_RDONLY);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(other, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	close(other);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	close(fd);
	SHOW(take(O_RDWR, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	show_lease("file for writing");
	other = dup(fd);
	SHOW(fcntl(other, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(other, F_SETLEASE, F_WRLCK));
	close(fd);
	fd = other;
	show_lease("a descriptor is left");
	CHECK(fcntl(fd, F_GETOWN) == getpid());
	close(fd);
	other = open(place, O_WRONLY);
	SHOW(take(O_RDONLY, F_RDLCK));
	close(fd);
	close(other);
	if (fork() == 0) {
		chown(place, 5, 5);
		setresuid(1, 1, 1);
		SHOW(take(O_RDONLY, F_RDLCK));
		SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
		_exit(0);
	}
	wait(NULL);
	chown(place, 0, 0);
}

static void broken(void)
{
	int done;

	take(O_RDONLY, F_RDLCK);
	child_open("reading beside a read lease", O_RDONLY);
	child_open("writing beside a read lease", O_WRONLY);
	show_signal("read lease");
	show_lease("asked for");
	child_open("writing again", O_RDWR);
	show_signal("only once");
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	child_open("writing without a lease", O_WRONLY);
	close(fd);

	SHOW(take(O_RDWR, F_WRLCK));
	child_open("reading beside a write lease", O_RDONLY);
	show_signal("write lease");
	show_lease("asked for");
	child_open("writing beside it", O_WRONLY);
	show_signal("more is wanted");
	show_lease("asked for");
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	close(fd);

	SHOW(take(O_RDONLY, F_WRLCK));
	done = waiting_child(O_RDONLY, false);
	show_signal("a reader comes");
	show_child("reader", done);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	show_child("reader", done);
	show_lease("left");
	done = waiting_child(O_RDWR, false);
	show_signal("a writer comes");
	show_child("writer", done);
	close(fd);
	show_child("writer", done);

	take(O_RDONLY, F_RDLCK);
	done = waiting_child(0, true);
	show_signal("truncate");
	show_child("truncate", done);
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	show_child("truncate", done);
	close(fd);

	/* What does not ask for the contents breaks nothing. */
	take(O_RDONLY, F_RDLCK);
	struct stat st;
	stat(place, &st);
	chmod(place, 0600);
	link(place, "/tmp/other-name");
	child_open("O_PATH", O_PATH);
	show_lease("stat, chmod, link, O_PATH");
	close(fd);
	unlink("/tmp/other-name");
}

/* Who does not answer: the one who opens waits, 45 seconds, or until a signal comes. */
static void forced(void)
{
	struct timespec none = { 0, 0 };
	int done, status = 0;
	sigset_t set;
	pid_t pid;

	take(O_RDONLY, F_RDLCK);
	fcntl(fd, F_SETSIG, 0);
	done = waiting_child(O_WRONLY, false);
	show_signal("without F_SETSIG");
	show_child("nobody answers", done);
	close(fd);
	show_child("closed", done);
	/* A signal ends the wait of the one who opens. */
	take(O_RDONLY, F_RDLCK);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(fd);
		signal(SIGALRM, SIG_DFL);
		alarm(1);
		open(place, O_WRONLY);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	show_lease("still asked for");
	close(fd);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGIO);
	while (sigtimedwait(&set, NULL, &none) > 0)
		;
}

int main(void)
{
	static const char *const places[] = { "/tmp/lease", "/data/lease" };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 2; i++) {
		strcpy(place, places[i]);
		granted();
		broken();
		forced();
		unlink(place);
	}
	return 0;
}
