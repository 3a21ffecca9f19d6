// SPDX-License-Identifier: Apache-2.0
/* A watched file system is unmounted, at once and lazily. */
#include "test.h"

#include <sys/inotify.h>
#include <sys/mount.h>

static void show(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	long n = read(fd, buf, sizeof(buf));

	if (n < 0)
		say("  none");
	for (long at = 0; at < n;) {
		struct inotify_event *e = (void *)(buf + at);
		say("  wd %d mask %x %s", e->wd, e->mask, e->len ? e->name : "");
		at += (long)sizeof(*e) + e->len;
	}
}

int main(void)
{
	int fd = inotify_init1(IN_NONBLOCK);

	mkdir("/tmp/mnt", 0755);
	for (int lazy = 0; lazy < 2; lazy++) {
		SHOW(mount("none", "/tmp/mnt", "tmpfs", 0, NULL));
		mkdir("/tmp/mnt/d", 0755);
		inotify_add_watch(fd, "/tmp/mnt/d", IN_CREATE);
		close(open("/tmp/mnt/d/f", O_CREAT | O_WRONLY, 0600));
		show(fd);
		int held = lazy ? open("/tmp/mnt/d/f", O_RDONLY) : -1;
		SHOW(umount2("/tmp/mnt", lazy ? MNT_DETACH : 0));
		if (lazy) {
			show(fd);
			close(held);
		}
		sleep_ms(20);
		show(fd);
	}
	rmdir("/tmp/mnt");
	return 0;
}
