// SPDX-License-Identifier: Apache-2.0
/* inotify: moves, options of watches, coalescing, overflow, reads that are too short, links that go. */
#include "test.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>

static int fd;
static uint32_t last_cookie;

static void show(const char *what)
{
	char buf[8192] __attribute__((aligned(8)));
	long n = read(fd, buf, sizeof(buf));

	say("%s%s", what, n < 0 ? ": none" : "");
	for (long at = 0; at < n;) {
		struct inotify_event *e = (void *)(buf + at);
		say("  wd %d mask %x len %u%s %s", e->wd, e->mask, e->len,
		    !e->cookie ? "" : e->cookie == last_cookie ? " same cookie" : " cookie", e->len ? e->name : "");
		if (e->cookie)
			last_cookie = e->cookie;
		at += (long)sizeof(*e) + e->len;
	}
}

static void make(const char *name) { close(open(name, O_CREAT | O_WRONLY, 0600)); }

int main(void)
{
	char dir[] = "/tmp/inXXXXXX", buf[20];
	int n;

	mkdtemp(dir);
	chdir(dir);
	mkdir("a", 0700);
	mkdir("b", 0700);
	fd = inotify_init1(IN_NONBLOCK);
	int wa = SHOW(inotify_add_watch(fd, "a", IN_MOVE | IN_CREATE | IN_DELETE));
	SHOW(inotify_add_watch(fd, "b", IN_MOVE));
	make("a/f");
	rename("a/f", "b/g");
	show("move between directories");
	rename("b/g", "b/h");
	show("rename");
	make("a/x");
	make("a/y");
	rename("a/x", "a/y");
	show("replace");
	mkdir("a/dir", 0700);
	rename("a/dir", "b/dir");
	show("directory");
	symlink("y", "a/link");
	mkfifo("a/fifo", 0600);
	link("a/y", "a/hard");
	show("other kinds");
	SHOW(inotify_add_watch(fd, "a/y", IN_ONLYDIR | IN_OPEN));
	SHOW(inotify_add_watch(fd, "a", IN_MASK_CREATE | IN_OPEN));
	SHOW(inotify_add_watch(fd, "a", IN_MASK_CREATE | IN_MASK_ADD | IN_OPEN));
	SHOW(inotify_add_watch(fd, "a", IN_MASK_ADD | IN_OPEN));
	make("a/z");
	show("added open");
	SHOW(inotify_add_watch(fd, "a", IN_CLOSE_WRITE));
	make("a/z");
	show("replaced by close_write");
	SHOW(inotify_add_watch(fd, "a/z", IN_OPEN | IN_ONESHOT));
	make("a/z");
	make("a/z");
	show("one shot, and identical events are one");

	int wz = SHOW(inotify_add_watch(fd, "a/z", IN_ALL_EVENTS));
	int f = open("a/z", O_RDWR);
	write(f, "1", 1);
	write(f, "2", 1);
	SHOW(ioctl(fd, FIONREAD, &n));
	say("FIONREAD %d", n);
	SHOW(read(fd, buf, 15));
	pread(f, buf, 1, 0);
	ftruncate(f, 0);
	fchmod(f, 0640);
	show("file events");
	unlink("a/z");
	show("unlinked, still open");
	write(f, "3", 1);
	close(f);
	show("closed");
	SHOW(inotify_rm_watch(fd, wz));

	make("a/m");
	wz = SHOW(inotify_add_watch(fd, "a/m", IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB));
	rename("a/m", "a/n");
	link("a/n", "a/o");
	unlink("a/n");
	unlink("a/o");
	show("self events");

	SHOW(inotify_add_watch(fd, "a", IN_OPEN | IN_EXCL_UNLINK));
	f = open("a/y", O_RDWR);
	show("open");
	SHOW(inotify_add_watch(fd, "a", IN_MODIFY | IN_EXCL_UNLINK));
	write(f, "x", 1);
	show("modify");
	unlink("a/y");
	write(f, "x", 1);
	show("modify when unlinked");
	close(f);
	SHOW(inotify_rm_watch(fd, wa));
	show("removed");
	SHOW(inotify_rm_watch(0, 1));
	SHOW(inotify_add_watch(0, "a", IN_OPEN));
	SHOW(inotify_add_watch(fd, "nothing", IN_OPEN));
	close(fd);

	/* the default queue takes 16384 events */
	fd = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(fd, "a", IN_CREATE | IN_DELETE);
	for (int i = 0; i < 8300; i++) {
		make("a/q");
		unlink("a/q");
	}
	static char big[1 << 20] __attribute__((aligned(8)));
	long total = 0, overflow = 0, size;
	while ((size = read(fd, big, sizeof(big))) > 0) {
		for (long at = 0; at < size;) {
			struct inotify_event *e = (void *)(big + at);
			total++;
			overflow += e->mask == IN_Q_OVERFLOW && e->wd == -1;
			at += (long)sizeof(*e) + e->len;
		}
	}
	say("events %ld overflow %ld", total, overflow);
	close(fd);
	chdir("/");
	char cmd[64];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	system(cmd);
	return 0;
}
