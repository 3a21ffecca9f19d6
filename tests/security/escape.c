// SPDX-License-Identifier: Apache-2.0
/*
 * Runs inside a container and tries to find a file of the host: escape TOKEN HOSTPATH HOSTPID SECONDS
 * Prints "FOUND how" if it reads TOKEN; the caller put it into the file HOSTPATH outside the container's root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *token, *host_path;
static volatile int stop;

static void look(int fd, const char *how)
{
	char buffer[256] = { 0 };

	if (fd < 0)
		return;
	if (read(fd, buffer, sizeof(buffer) - 1) > 0 && strstr(buffer, token))
		printf("FOUND %s\n", how);
	close(fd);
}

static void try_path(const char *format, const char *with)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), format, with);
	look(open(path, O_RDONLY), path);
	look(openat(AT_FDCWD, path, O_RDWR), path);
	int dir = open("/data", O_PATH);
	look(openat(dir, path, O_RDONLY), path);
	close(dir);
	unlink("/data/link");
	if (!symlink(path, "/data/link"))
		look(open("/data/link", O_RDONLY), path);
	unlink("/data/link");
	if (!link(path, "/data/hard")) {
		look(open("/data/hard", O_RDONLY), "hard link");
		unlink("/data/hard");
	}
}

static void paths(void)
{
	static const char *const formats[] = {
		"%s", "../../../../../../../..%s", "/../../../../..%s", "/data/../../../../..%s", "/proc/self/root%s", "/proc/1/root%s",
		"/proc/self/root/../..%s", "/proc/self/cwd/../../../..%s", "/proc/thread-self/root/..%s", "/dev/fd/../../../..%s", "//..//..//%s",
		"/proc/self/fd/3/../../..%s",
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		try_path(formats[i], host_path);
	for (int fd = 0; fd < 4096; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d%s", fd, host_path);
		look(open(path, O_RDONLY), path);
		look(openat(fd, host_path + 1, O_RDONLY), "a descriptor that was there");
		snprintf(path, sizeof(path), "../../../../..%s", host_path);
		look(openat(fd, path, O_RDONLY), "a descriptor that was there, upwards");
	}
}

/* Out of a chroot and of a moved directory, the classic ways. */
static void chroots(void)
{
	char path[PATH_MAX] = "";

	mkdir("/data/jail", 0755);
	mkdir("/data/jail/deep", 0755);
	mkdir("/data/other", 0755);
	int top = open("/", O_RDONLY | O_DIRECTORY);
	if (!chdir("/data/jail/deep") && !rename("/data/jail/deep", "/data/other/deep")) {
		for (int i = 0; i < 12; i++)
			strcat(path, "../");
		strcat(path, host_path + 1);
		look(open(path, O_RDONLY), "moved directory");
	}
	if (!chroot("/data/jail")) {
		for (int i = 0; i < 100; i++) {
			if (chdir(".."))
				break;
		}
		chroot(".");
		look(open(host_path, O_RDONLY), "chroot");
		look(openat(top, host_path + 1, O_RDONLY), "descriptor from before chroot");
		fchdir(top);
		chroot(".");
	}
	chdir("/");
}

static void mounts(void)
{
	mkdir("/data/mnt", 0755);
	if (!mount(host_path, "/data/mnt", NULL, MS_BIND, NULL))
		printf("FOUND bind mount\n");
	for (int i = 0; i < 3; i++) {
		static const char *const types[] = { "ext4", "overlay", "hostfs" };
		if (!mount("/", "/data/mnt", types[i], 0, "lowerdir=/")) {
			char path[PATH_MAX];
			snprintf(path, sizeof(path), "/data/mnt%s", host_path);
			look(open(path, O_RDONLY), types[i]);
			umount("/data/mnt");
		}
	}
}

static void *swapper(void *arg)
{
	mkdir("/data/a", 0755);
	mkdir("/data/a/b", 0755);
	while (!stop) {
		rename("/data/a/b", "/data/b");
		symlink("/../../../../..", "/data/a/b");
		unlink("/data/a/b");
		rename("/data/b", "/data/a/b");
	}
	return arg;
}

static void races(int seconds)
{
	pthread_t t;
	char path[PATH_MAX], up[PATH_MAX];
	time_t end = time(NULL) + seconds;

	snprintf(path, sizeof(path), "/data/a/b/../../../../../..%s", host_path);
	snprintf(up, sizeof(up), "/data/a/b%s", host_path);
	pthread_create(&t, NULL, swapper, NULL);
	while (time(NULL) < end) {
		look(open(path, O_RDONLY), "race with rename");
		look(open(up, O_RDONLY), "race with symlink");
	}
	stop = 1;
	pthread_join(t, NULL);
}

/* The kernel's own range is not ours to map, protect, unmap or pass. */
static void kernel_range(void)
{
	static const uint64_t addresses[] = { 0x7f060000, 0x680000000000, 0x680000001000, 0x680100000000, 0x680110000000, 0x680120000000,
					      0x680200000000, 0x680300000000, 0x681000000000, 0x690000000000, 0x6bfffffff000 };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		void *at = (void *)addresses[i];
		if (mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			printf("FOUND mmap at %p\n", at);
		if (mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at)
			printf("FOUND mmap without replacing at %p\n", at);
		if (mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == at)
			printf("FOUND hinted mmap at %p\n", at);
		if (!mprotect(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
			printf("FOUND mprotect at %p\n", at);
		void *mine = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mremap(mine, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, at) != MAP_FAILED)
			printf("FOUND mremap to %p\n", at);
		if (mremap(at, 4096, 8192, MREMAP_MAYMOVE) != MAP_FAILED)
			printf("FOUND mremap from %p\n", at);
		munmap(at, 4096); /* may succeed, as for any hole: nothing of the kernel may go */
		madvise(at, 4096, MADV_DONTNEED);
		syscall(SYS_brk, at);
	}
	/* one that spans it all */
	munmap((void *)0x670000000000, 0x100000000000);
	mprotect((void *)0x670000000000, 0x100000000000, PROT_NONE);
	if (mmap((void *)0x67ffffff0000, 0x100000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		printf("FOUND mmap across the start\n");
	printf("kernel %s\n", getpid() > 0 && access("/", F_OK) == 0 ? "alive" : "gone");
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	token = argv[1];
	host_path = argv[2];
	pid_t host_pid = atoi(argv[3]);
	paths();
	mounts();
	races(atoi(argv[4]));
	kernel_range();
	signal(SIGTERM, SIG_IGN);
	kill(host_pid, SIGKILL);
	kill(-host_pid, SIGKILL);
	syscall(SYS_tgkill, host_pid, host_pid, SIGKILL);
	kill(-1, SIGTERM);
	chroots();
	printf("end\n");
	return 0;
}
