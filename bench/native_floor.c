/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container costs at least: one process makes the host calls that create, start and delete of /bin/true cannot do without on this host, with
 * everything known in advance and nothing checked, and the same number of programs is executed as the commands of a runtime are (two for create,
 * which protects its own file, one for start, one for delete).
 *
 * usage: native_floor ROOTFS STATE-DIRECTORY TIMES      prints the median in ns; needs root
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_TREES 24
#define COMMANDS 4

struct tree {
	char mount[256], group[512];
	int unified, cpuset;
};

static struct tree trees[MAX_TREES];
static int nr_trees;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void find_trees(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char mount[256], type[64], options[512];

	while (mounts && nr_trees < MAX_TREES && fscanf(mounts, "%*s %255s %63s %511[^\n]\n", mount, type, options) == 3) {
		struct tree *tree = &trees[nr_trees];

		if (strncmp(type, "cgroup", 6))
			continue;
		tree->unified = !strcmp(type, "cgroup2");
		tree->cpuset = !tree->unified && strstr(options, "cpuset");
		strcpy(tree->mount, mount);
		snprintf(tree->group, sizeof(tree->group), "%s/linuxd-floor-%d", mount, getpid());
		nr_trees++;
	}
	if (mounts)
		fclose(mounts);
}

static void put(const char *directory, const char *file, const char *text)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void copy(const char *from, const char *to, const char *file)
{
	char path[1024], text[256];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", from, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length < 0)
		die(path);
	close(fd);
	text[length] = '\0';
	put(to, file, text);
}

static void make_groups(void)
{
	for (int i = 0; i < nr_trees; i++) {
		if (mkdir(trees[i].group, 0755))
			die(trees[i].group);
		if (trees[i].cpuset) {
			copy(trees[i].mount, trees[i].group, "cpuset.cpus");
			copy(trees[i].mount, trees[i].group, "cpuset.mems");
		}
	}
}

static void new_mount(const char *type, const char *at, int flags)
{
	if (mount(type, at, type, flags, NULL))
		die(at);
}

/* The mounts of `runc spec`. */
static void child(const char *rootfs)
{
	static const char *const masked[] = { "proc/kcore", "proc/keys", "proc/timer_list" };
	static const char *const read_only[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger" };

	for (int i = 0; i < nr_trees; i++)
		if (!trees[i].unified)
			put(trees[i].group, "tasks", "0");
	setsid();
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) || mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) || chdir(rootfs))
		die(rootfs);
	new_mount("proc", "proc", 0);
	new_mount("tmpfs", "dev", MS_NOSUID);
	mkdir("dev/pts", 0755);
	mkdir("dev/shm", 0755);
	mkdir("dev/mqueue", 0755);
	new_mount("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC);
	new_mount("tmpfs", "dev/shm", MS_NOSUID | MS_NODEV);
	new_mount("mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV);
	new_mount("sysfs", "sys", MS_RDONLY | MS_NOSUID);
	for (int i = 0; i < 6; i++) {
		char path[32];

		snprintf(path, sizeof(path), "dev/node%d", i);
		if (mknod(path, S_IFCHR | 0666, 1 << 8 | 3))
			die(path);
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (mount("dev/node0", masked[i], NULL, MS_BIND, NULL) && errno != ENOENT)
			die(masked[i]);
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		if (access(read_only[i], F_OK) == 0 && (mount(read_only[i], read_only[i], NULL, MS_BIND, NULL) ||
							mount(NULL, read_only[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL)))
			die(read_only[i]);
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/") || sethostname("floor", 5))
		die("pivot_root");
	execl("/bin/true", "true", NULL);
	die("/bin/true");
}

static void run(const char *rootfs)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET, .exit_signal = SIGCHLD };
	int group = -1, status;
	pid_t pid;

	for (int i = 0; i < nr_trees; i++)
		if (trees[i].unified)
			group = open(trees[i].group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = group;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		child(rootfs);
	if (pid < 0)
		die("clone3");
	if (group >= 0)
		close(group);
	while (waitpid(pid, &status, 0) < 0)
		;
	if (status)
		exit(1);
}

/* What the shell does for each command: this program itself, with nothing to do. */
static void execute_nothing(void)
{
	char *arguments[] = { "/proc/self/exe", NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ))
		die("/proc/self/exe");
	while (waitpid(pid, NULL, 0) < 0)
		;
}

static void cycle(const char *rootfs, const char *state)
{
	char path[512];

	for (int i = 0; i < COMMANDS; i++)
		execute_nothing();
	snprintf(path, sizeof(path), "%s/linuxd-floor-%d", state, getpid());
	if (mkdir(path, 0700))
		die(path);
	put(path, "state.json", "{}");
	make_groups();
	run(rootfs);
	for (int i = 0; i < nr_trees; i++)
		if (rmdir(trees[i].group))
			die(trees[i].group);
	strcat(path, "/state.json");
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static int compare(const void *a, const void *b)
{
	return (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}

int main(int argc, char **argv)
{
	int times = argc > 3 ? atoi(argv[3]) : 0;
	int64_t *ns = calloc(times ? times : 1, sizeof(*ns));

	if (argc < 4)
		return 0;
	find_trees();
	for (int i = 0; ns && i < times; i++) {
		struct timespec begin, end;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		cycle(argv[1], argv[2]);
		clock_gettime(CLOCK_MONOTONIC, &end);
		ns[i] = (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec;
	}
	qsort(ns, times, sizeof(*ns), compare);
	printf("%lld\n", (long long)ns[times / 2]);
	return 0;
}
