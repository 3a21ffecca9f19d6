// SPDX-License-Identifier: Apache-2.0
/* Directory notification by fcntl(2), F_NOTIFY: which events send the signal, to whom, once or for ever, and what ends it. */
#include "test.h"

static int fd;

static void quiet(void)
{
	struct timespec none = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN + 1);
	while (sigtimedwait(&set, NULL, &none) > 0)
		;
}

/* The signals that are there, with whose descriptor it is. */
static void show(const char *what)
{
	struct timespec none = { 0, 0 };
	siginfo_t info;
	sigset_t set;
	int sig, nr = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN + 1);
	printf("%s:", what);
	while ((sig = sigtimedwait(&set, &info, &none)) > 0) {
		nr++;
		if (sig == SIGIO)
			printf(" SIGIO code %d", info.si_code);
		else
			printf(" [code %d band %lx %s]", info.si_code, info.si_band, info.si_fd == fd ? "fd" : info.si_fd == fd + 1 ? "fd+1" : "other");
	}
	say(nr ? "" : " nothing");
}

static void touch(const char *name)
{
	close(open(name, O_WRONLY | O_CREAT, 0644));
}

static void watch(const char *place, unsigned long mask)
{
	fd = open(place, O_RDONLY | O_DIRECTORY);
	if (fcntl(fd, F_SETSIG, SIGRTMIN + 1) || fcntl(fd, F_NOTIFY, mask))
		say("cannot watch %lx: %s", mask, error_name(errno));
}

static void kinds(const char *base)
{
	static const struct { const char *name; unsigned long mask; } masks[] = {
		{ "DN_ACCESS", DN_ACCESS }, { "DN_MODIFY", DN_MODIFY }, { "DN_CREATE", DN_CREATE },
		{ "DN_DELETE", DN_DELETE }, { "DN_RENAME", DN_RENAME }, { "DN_ATTRIB", DN_ATTRIB },
	};
	char path[64], buffer[8];

	chdir(base);
	mkdir("d", 0755);
	mkdir("other", 0755);
	for (int i = 0; i < 6; i++) {
		int file, there;

		say("%s", masks[i].name);
		unlink("d/x");
		unlink("d/old");
		unlink("other/x");
		touch("d/old");
		snprintf(path, sizeof(path), "%s/d", base);
		watch(path, masks[i].mask | DN_MULTISHOT);
		quiet();
		there = open("d/old", O_RDWR);
		show("open");
		write(there, "abc", 3);
		show("write");
		pread(there, buffer, 3, 0);
		show("read");
		ftruncate(there, 1);
		show("truncate");
		fchmod(there, 0600);
		show("chmod");
		futimens(there, NULL);
		show("times");
		close(there);
		show("close");
		file = open("d/x", O_WRONLY | O_CREAT, 0644);
		show("create");
		close(file);
		mkdir("d/sub", 0755);
		show("mkdir");
		link("d/x", "d/y");
		show("link");
		symlink("x", "d/l");
		show("symlink");
		rename("d/y", "d/z");
		show("rename inside");
		rename("d/z", "other/z");
		show("rename out");
		rename("other/z", "d/z");
		show("rename in");
		touch("d/sub/deep");
		show("below");
		unlink("d/sub/deep");
		unlink("d/z");
		show("unlink");
		unlink("d/l");
		rmdir("d/sub");
		show("unlink and rmdir");
		chmod("d", 0700);
		show("chmod of itself");
		touch("other/x");
		show("elsewhere");
		close(fd);
		touch("d/more");
		unlink("d/more");
		show("closed");
	}
}

static void life(void)
{
	int other, pair[2];

	mkdir("/tmp/w", 0755);
	watch("/tmp/w", DN_CREATE);
	touch("/tmp/w/1");
	show("once");
	touch("/tmp/w/2");
	show("not again");
	fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
	SHOW(fcntl(fd, F_NOTIFY, DN_DELETE));
	touch("/tmp/w/3");
	unlink("/tmp/w/3");
	show("masks add up");
	SHOW(fcntl(fd, F_NOTIFY, 0));
	touch("/tmp/w/4");
	show("none");
	SHOW(fcntl(fd, F_NOTIFY, DN_MULTISHOT));
	touch("/tmp/w/5");
	show("nothing to see");

	fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
	other = dup(fd);
	fcntl(other, F_NOTIFY, DN_DELETE | DN_MULTISHOT);
	touch("/tmp/w/6");
	unlink("/tmp/w/6");
	printf("%s ", other == fd + 1 ? "next" : "far");
	show("two descriptors of one file");
	close(other);
	touch("/tmp/w/7");
	show("one of them closed");
	close(fd);

	/* A child's close is not the parent's; its own notifications are its own. */
	watch("/tmp/w", DN_CREATE | DN_MULTISHOT);
	pipe(pair);
	if (fork() == 0) {
		close(fd);
		_exit(0);
	}
	wait(NULL);
	touch("/tmp/w/8");
	show("closed by a child");
	if (fork() == 0) {
		touch("/tmp/w/9");
		show("in a child");
		_exit(0);
	}
	wait(NULL);
	show("a child's doing");
	fcntl(fd, F_SETSIG, 0);
	touch("/tmp/w/10");
	show("without F_SETSIG");
	fcntl(fd, F_SETOWN, 0);
	touch("/tmp/w/11");
	show("without an owner");
	SHOW(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	CHECK(fcntl(fd, F_GETOWN) == getpid());
	dup2(0, fd);
	touch("/tmp/w/12");
	show("replaced");
	close(fd);
}

static void errors(void)
{
	int file = open("/tmp/f", O_RDWR | O_CREAT, 0600), path = open("/tmp", O_PATH), dir = open("/tmp", O_RDONLY | O_DIRECTORY);

	SHOW(fcntl(file, F_NOTIFY, DN_CREATE));
	SHOW(fcntl(path, F_NOTIFY, DN_CREATE));
	SHOW(fcntl(99, F_NOTIFY, DN_CREATE));
	SHOW(fcntl(file, F_NOTIFY, 0));
	SHOW(fcntl(dir, F_NOTIFY, 0));
	SHOW(fcntl(dir, F_NOTIFY, 0x40));
	SHOW(fcntl(dir, F_NOTIFY, 0x40000000));
	CHECK(fcntl(dir, F_GETOWN) == 0);
	SHOW(fcntl(dir, F_NOTIFY, DN_CREATE));
	CHECK(fcntl(dir, F_GETOWN) == getpid());
}

int main(void)
{
	sigset_t set;

	signal(SIGIO, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kinds("/tmp");
	kinds("/data");
	life();
	errors();
	return 0;
}
