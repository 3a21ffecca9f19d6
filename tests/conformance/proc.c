// SPDX-License-Identifier: Apache-2.0
/* /proc: what programs read there. Only what does not differ between machines and runs is shown. */
#include "test.h"

#include <dirent.h>
#include <sys/prctl.h>

static char text[65536];

static int load(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, got;

	memset(text, 0, sizeof(text));
	if (fd < 0) {
		say("%s: %s", path, error_name(errno));
		return -1;
	}
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(fd);
	return (int)n;
}

static void field(const char *path, const char *name)
{
	load(path);
	char *at = strstr(text, name);
	if (at && (at == text || at[-1] == '\n'))
		say("%s %.*s", path, (int)strcspn(at, "\n"), at);
	else
		say("%s has no %s", path, name);
}

static void has(const char *path, const char *name)
{
	load(path);
	say("%s %s: %s", path, name, strstr(text, name) ? "there" : "missing");
}

int main(int argc, char **argv)
{
	char buf[4096] = { 0 };

	prctl(PR_SET_NAME, "proc test");
	SECTION("self");
	field("/proc/self/status", "Name:");
	field("/proc/self/status", "State:");
	field("/proc/self/status", "Uid:");
	field("/proc/self/status", "Threads:");
	field("/proc/self/status", "SigBlk:");
	field("/proc/self/status", "NoNewPrivs:");
	load("/proc/self/comm");
	say("%s", text);
	load("/proc/self/stat");
	int pid, ppid, pgrp;
	char state, *end = strrchr(text, ')');
	sscanf(text, "%d", &pid);
	sscanf(end + 2, "%c %d %d", &state, &ppid, &pgrp);
	say("%d %c %d %d", pid == getpid(), state, ppid == getppid(), pgrp == getpgrp());
	int fields = 0;
	for (char *p = end; *p; p++)
		fields += *p == ' ';
	say("fields %d", fields + 1);
	int n = load("/proc/self/cmdline");
	say("cmdline %d %s", n == (int)strlen(argv[0]) + 1, strcmp(text, argv[0]) ? "differs" : "same");
	n = load("/proc/self/environ");
	CHECK(strstr(text, "PATH=") != NULL);
	SHOW(readlink("/proc/self/exe", buf, sizeof(buf)) > 0);
	memset(buf, 0, sizeof(buf));
	readlink("/proc/self", buf, sizeof(buf));
	CHECK(atoi(buf) == getpid());
	chdir("/data");
	memset(buf, 0, sizeof(buf));
	readlink("/proc/self/cwd", buf, sizeof(buf));
	say("cwd %s", buf);
	memset(buf, 0, sizeof(buf));
	readlink("/proc/self/root", buf, sizeof(buf));
	say("root %s", buf);
	SECTION("fd");
	int fd = open("/data/file", O_RDWR | O_CREAT, 0600);
	int copy = fcntl(fd, F_DUPFD, 40);
	memset(buf, 0, sizeof(buf));
	readlink("/proc/self/fd/40", buf, sizeof(buf));
	say("%s", buf);
	write(fd, "contents", 8);
	int again = open("/proc/self/fd/40", O_RDONLY);
	SHOW(read(again, buf, 8));
	unlink("/data/file");
	memset(buf, 0, sizeof(buf));
	readlink("/proc/self/fd/40", buf, sizeof(buf));
	say("%s", buf);
	again = open("/proc/self/fd/40", O_RDONLY);
	SHOW(read(again, buf, 8));
	int p[2];
	pipe(p);
	snprintf(buf, sizeof(buf), "/proc/self/fd/%d", p[0]);
	char link[64] = { 0 };
	readlink(buf, link, sizeof(link));
	say("%.6s", link);
	field("/proc/self/fdinfo/40", "pos:");
	SHOW(open("/proc/self/fd/99", O_RDONLY));
	close(copy);
	SECTION("maps");
	char *map = mmap((void *)0x10000000, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mprotect(map, 4096, PROT_READ);
	field("/proc/self/maps", "10000000-10001000");
	field("/proc/self/maps", "10001000-10002000");
	has("/proc/self/maps", "[stack]");
	has("/proc/self/maps", "[heap]");
	has("/proc/self/maps", "[vdso]");
	has("/proc/self/maps", "/bin/proc-");
	has("/proc/self/smaps", "Rss:");
	has("/proc/self/mountinfo", "/proc");
	has("/proc/mounts", " /tmp tmpfs ");
	has("/proc/self/limits", "Max open files");
	has("/proc/self/io", "rchar:");
	has("/proc/self/auxv", "");
	has("/proc/self/cgroup", "");
	SECTION("other processes");
	pid_t child = fork();
	if (!child) {
		prctl(PR_SET_NAME, "sleeper");
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	int status;
	waitpid(child, &status, WUNTRACED);
	snprintf(buf, sizeof(buf), "/proc/%d/status", child);
	load(buf);
	char *at = strstr(text, "State:");
	say("%.*s", (int)strcspn(at, "\n"), at);
	at = strstr(text, "PPid:");
	CHECK(atoi(at + 5) == getpid());
	kill(child, SIGKILL);
	siginfo_t info;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	load(buf);
	at = strstr(text, "State:");
	say("%.*s", (int)strcspn(at, "\n"), at);
	snprintf(buf, sizeof(buf), "/proc/%d/cmdline", child);
	SHOW(load(buf));
	snprintf(buf, sizeof(buf), "/proc/%d/fd", child);
	waitpid(child, &status, 0);
	SHOW(open(buf, O_RDONLY));
	SHOW(open("/proc/99999", O_RDONLY));
	int numbers = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e; (e = readdir(d));)
		numbers += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	closedir(d);
	say("processes %d", numbers);
	d = opendir("/proc/self/task");
	numbers = 0;
	for (struct dirent *e; (e = readdir(d));)
		numbers += e->d_name[0] != '.';
	closedir(d);
	say("threads %d", numbers);
	SECTION("system");
	has("/proc/cpuinfo", "processor\t: 0");
	has("/proc/meminfo", "MemTotal:");
	has("/proc/meminfo", "MemAvailable:");
	has("/proc/stat", "cpu0");
	has("/proc/stat", "btime");
	has("/proc/filesystems", "tmpfs");
	has("/proc/version", "Linux version");
	has("/proc/uptime", ".");
	has("/proc/loadavg", "/");
	has("/proc/sys/kernel/ostype", "Linux");
	load("/proc/sys/kernel/hostname");
	say("%s", text);
	CHECK(load("/proc/sys/kernel/osrelease") > 0);
	CHECK(load("/proc/sys/kernel/pid_max") > 0);
	CHECK(load("/proc/sys/kernel/random/boot_id") == 37);
	CHECK(load("/proc/sys/kernel/random/uuid") == 37);
	CHECK(load("/proc/sys/fs/file-max") > 0);
	SHOW(open("/proc/none", O_RDONLY));
	SHOW(open("/proc/newfile", O_RDWR | O_CREAT, 0600));
	SHOW(unlink("/proc/self/status"));
	SHOW(mkdir("/proc/dir", 0700));
	SECTION("mem");
	int mem = open("/proc/self/mem", O_RDWR);
	char secret[] = "secret";
	SHOW(pread(mem, buf, 7, (off_t)(uintptr_t)secret));
	say("%s", buf);
	SHOW(pwrite(mem, "S", 1, (off_t)(uintptr_t)secret));
	say("%s", secret);
	SHOW(pread(mem, buf, 7, 8));
	SECTION("devices");
	fd = open("/dev/null", O_RDWR);
	SHOW(read(fd, buf, 10));
	SHOW(write(fd, buf, 10));
	fd = open("/dev/zero", O_RDWR);
	buf[0] = 1;
	SHOW(read(fd, buf, 10));
	say("%d", buf[0]);
	fd = open("/dev/full", O_RDWR);
	SHOW(write(fd, buf, 10));
	fd = open("/dev/urandom", O_RDONLY);
	SHOW(read(fd, buf, 100));
	SHOW(open("/dev/tty", O_RDWR));
	struct stat st;
	stat("/dev/null", &st);
	say("%o %lx", st.st_mode, (long)st.st_rdev);
	memset(buf, 0, sizeof(buf));
	readlink("/dev/fd", buf, sizeof(buf));
	say("%s", buf);
	return 0;
}
