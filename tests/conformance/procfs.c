// SPDX-License-Identifier: Apache-2.0
/* /proc: the formats of its files, and that they say what the system calls say. */
#include "test.h"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

static char text[1 << 20];

static long slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = 0, m;

	text[0] = 0;
	if (fd < 0)
		return -errno;
	while ((m = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
		n += m;
	close(fd);
	text[n] = 0;
	return m < 0 ? -errno : n;
}

/* The value after "key:" at the start of a line of the text. */
static const char *field(const char *key)
{
	static char values[8][256];
	static unsigned turn;
	char *value = values[turn++ % 8];
	size_t n = strlen(key);

	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, key, n) && line[n] == ':') {
			sscanf(line + n + 1, " %255[^\n]", value);
			return value;
		}
	return "(none)";
}

static void status(void)
{
	char expected[64];

	SECTION("status");
	CHECK(slurp("/proc/self/status") > 500);
	sprintf(expected, "%d", getpid());
	CHECK(!strcmp(field("Pid"), expected) && !strcmp(field("Tgid"), expected));
	sprintf(expected, "%d", getppid());
	CHECK(!strcmp(field("PPid"), expected));
	say("%s|%s|%s", field("State"), field("Umask"), field("Threads"));
	say("%s|%s|%s", field("TracerPid"), field("NoNewPrivs"), field("Seccomp"));
	umask(027);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	slurp("/proc/self/status");
	say("%s|%s|%s|%s|%s", field("Umask"), field("SigBlk"), field("SigIgn"), field("ShdPnd"), field("SigPnd"));
	signal(SIGUSR2, SIG_IGN);
	const char *keys[] = { "VmPeak", "VmSize", "VmRSS", "VmData", "VmStk", "VmExe", "FDSize", "SigQ", "CapEff", "Cpus_allowed_list",
			       "Mems_allowed_list", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches", "Groups", "NSpid" };
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		say("%s %s", keys[i], strcmp(field(keys[i]), "(none)") ? "is there" : "is missing");
}

static void stat_file(void)
{
	int pid, ppid, pgrp, session, n = 0;
	char comm[64], state;

	SECTION("stat");
	prctl(PR_SET_NAME, "a (b) c");
	slurp("/proc/self/stat");
	char *end = strrchr(text, ')');
	CHECK(end && sscanf(text, "%d (", &pid) == 1 && pid == getpid());
	say("%.*s", (int)(end - strchr(text, '(') + 1), strchr(text, '('));
	CHECK(sscanf(end + 2, "%c %d %d %d", &state, &ppid, &pgrp, &session) == 4);
	CHECK(state == 'R' && ppid == getppid() && pgrp == getpgrp() && session == getsid(0));
	for (char *p = end + 2; *p; p++)
		n += *p == ' ';
	say("%d fields after the name", n + 1);
	slurp("/proc/self/comm");
	say("%s", text);
	int fd = open("/proc/self/comm", O_WRONLY);
	SHOW(write(fd, "a-name-that-is-much-too-long", 28));
	close(fd);
	prctl(PR_GET_NAME, comm);
	say("%s", comm);
	slurp("/proc/self/statm");
	n = 0;
	for (char *p = text; *p; p++)
		n += *p == ' ';
	say("%d spaces in statm", n);
}

static void command(int argc, char **argv)
{
	size_t n = 0;

	SECTION("cmdline, environ, auxv, exe");
	long length = slurp("/proc/self/cmdline");
	for (int i = 0; i < argc; i++)
		n += strlen(argv[i]) + 1;
	CHECK(length == (long)n && !strcmp(text, argv[0]));
	setenv("LATER", "1", 1);
	length = slurp("/proc/self/environ");
	CHECK(length >= 0 && !memmem(text, (size_t)length, "LATER", 5));
	length = slurp("/proc/self/auxv");
	CHECK(length >= 160 && length % 16 == 0);
	unsigned long *auxv = (unsigned long *)text;
	for (int i = 0; i < length / 8; i += 2)
		if (auxv[i] == 6)
			say("page size %lu", auxv[i + 1]);
	CHECK(auxv[length / 8 - 2] == 0);
	char exe[PATH_MAX] = { 0 }, cwd[PATH_MAX] = { 0 };
	readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	CHECK(strrchr(exe, '/') && !strcmp(strrchr(exe, '/'), strrchr(argv[0], '/')));
	chdir("/dev");
	readlink("/proc/self/cwd", cwd, sizeof(cwd) - 1);
	say("%s", cwd);
	struct stat a, b;
	CHECK(!stat("/proc/self/exe", &a) && !stat(exe, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	CHECK(!stat("/proc/self/root", &a) && !stat("/", &b) && a.st_ino == b.st_ino);
	chdir("/");
}

static void maps(void)
{
	unsigned long start, end, offset, inode, last = 0;
	char prot[8], name[256];
	unsigned major, minor;
	int heap = 0, stack = 0, vdso = 0, bad = 0, n = 0, found = 0;

	SECTION("maps");
	malloc(100);
	char *mine = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(mine + 4096, 4096, PROT_NONE);
	slurp("/proc/self/maps");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		name[0] = 0;
		if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %255[^\n]", &start, &end, prot, &offset, &major, &minor, &inode, name) < 7)
			bad++;
		bad += start < last || end <= start;
		last = end;
		n++;
		heap += !strcmp(name, "[heap]");
		stack += !strcmp(name, "[stack]");
		vdso += !strcmp(name, "[vdso]");
		if (name[0] && strlen(line) > 73 && line[72] != ' ')
			bad++;
		if (start == (unsigned long)mine + 4096 && end == start + 4096)
			found += !strcmp(prot, "---p");
	}
	CHECK(n > 5);
	say("bad %d heap %d stack %d vdso %d found %d", bad, heap, stack, vdso, found);
	munmap(mine, 3 * 4096);
	CHECK(slurp("/proc/self/smaps") > 1000);
	CHECK(strstr(text, "\nSize:") && strstr(text, "\nRss:") && strstr(text, "\nVmFlags:"));
	CHECK(slurp("/proc/self/smaps_rollup") > 100 && strstr(text, "[rollup]") && strstr(text, "\nPss:"));
	int fd = open("/proc/self/mem", O_RDWR);
	int value = 12345, copy = 0;
	SHOW(pread(fd, &copy, sizeof(copy), (off_t)&value));
	say("%d", copy);
	copy = 999;
	SHOW(pwrite(fd, &copy, sizeof(copy), (off_t)&value));
	say("%d", *(volatile int *)&value);
	SHOW(pread(fd, &copy, sizeof(copy), 4096));
	close(fd);
}

static void descriptors(void)
{
	struct dirent *e;
	char buf[64] = { 0 }, path[64];
	int p[2], n = 0;
	DIR *dir;

	SECTION("fd");
	pipe(p);
	fcntl(p[1], F_SETFD, FD_CLOEXEC);
	sprintf(path, "/proc/self/fd/%d", p[0]);
	CHECK(readlink(path, buf, sizeof(buf) - 1) > 7 && !strncmp(buf, "pipe:[", 6));
	struct stat st, sp;
	lstat(path, &st);
	say("%o", st.st_mode);
	stat(path, &st);
	fstat(p[0], &sp);
	CHECK(st.st_ino == sp.st_ino && S_ISFIFO(st.st_mode));
	sprintf(path, "/proc/self/fd/%d", p[1]);
	lstat(path, &st);
	say("%o", st.st_mode);
	write(p[1], "through", 7);
	sprintf(path, "/proc/self/fd/%d", p[0]);
	int again = SHOW(open(path, O_RDONLY));
	memset(buf, 0, sizeof(buf));
	SHOW(read(again, buf, 7));
	say("%s", buf);
	sprintf(path, "/proc/self/fdinfo/%d", p[1]);
	slurp(path);
	say("%s %s", field("pos"), field("flags"));
	dir = opendir("/proc/self/fd");
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	say("%d open", n);
	closedir(dir);
	close(p[0]);
	close(p[1]);
	SHOW(open(path, O_RDONLY));
	SHOW(access("/proc/self/fd/777", F_OK));
	SHOW(access("/proc/self/fd/x", F_OK));
	int fd = open("/tmp/file", O_RDWR | O_CREAT, 0600);
	sprintf(path, "/proc/self/fd/%d", fd);
	unlink("/tmp/file");
	memset(buf, 0, sizeof(buf));
	readlink(path, buf, sizeof(buf) - 1);
	say("%s", buf);
	close(fd);
	close(again);
	SHOW(open("/proc/self/fd/x", O_CREAT | O_RDWR, 0600));
	SHOW(mkdir("/proc/self/x", 0700));
	SHOW(unlink("/proc/self/stat"));
	SHOW(rmdir("/proc/sys"));
	SHOW(chmod("/proc/self/stat", 0777));
}

static void *thread(void *arg)
{
	char path[64];
	int tid = (int)syscall(SYS_gettid);
	int n = 0;
	struct dirent *e;

	prctl(PR_SET_NAME, "worker");
	sprintf(path, "/proc/self/task/%d/comm", tid);
	slurp(path);
	say("%s", text);
	DIR *dir = opendir("/proc/self/task");
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	say("%d threads", n);
	sprintf(path, "%d/task/%d", getpid(), tid);
	char link[64] = { 0 };
	readlink("/proc/thread-self", link, sizeof(link) - 1);
	CHECK(!strcmp(path, link));
	return NULL;
}

static void processes(void)
{
	char path[64];
	struct stat st;
	int found = 0;
	struct dirent *e;

	SECTION("processes");
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_NAME, "sleeper");
		pause();
		_exit(0);
	}
	sleep_ms(50);
	DIR *dir = opendir("/proc");
	while ((e = readdir(dir)))
		found += atoi(e->d_name) == pid;
	closedir(dir);
	say("found %d", found);
	sprintf(path, "/proc/%d/status", pid);
	slurp(path);
	say("%s %s", field("Name"), field("State"));
	kill(pid, SIGSTOP);
	sleep_ms(50);
	slurp(path);
	say("%s", field("State"));
	sprintf(path, "/proc/%d/cmdline", pid);
	CHECK(slurp(path) > 0);
	kill(pid, SIGKILL);
	sleep_ms(50);
	SHOW(slurp(path));
	sprintf(path, "/proc/%d/status", pid);
	slurp(path);
	say("%s %s %s", field("State"), field("VmSize"), field("Threads"));
	sprintf(path, "/proc/%d/exe", pid);
	SHOW(readlink(path, text, 100));
	sprintf(path, "/proc/%d/fd", pid);
	dir = opendir(path);
	waitpid(pid, NULL, 0);
	sprintf(path, "/proc/%d", pid);
	SHOW(stat(path, &st));
	if (dir)
		closedir(dir);
	sprintf(path, "/proc/%d/stat", getpid());
	int fd = open(path, O_RDONLY);
	char a[16] = { 0 }, b[16] = { 0 };
	read(fd, a, 3);
	lseek(fd, 0, SEEK_SET);
	read(fd, b, 3);
	CHECK(!strcmp(a, b));
	close(fd);
	SHOW(access("/proc/0", F_OK));
	SHOW(access("/proc/01", F_OK));
	SHOW(access("/proc/99999999", F_OK));
	stat("/proc/self", &st);
	say("%o", st.st_mode);
}

static void rights(void)
{
	SECTION("rights");
	pid_t root = getpid();
	IN_CHILD({
		char path[64];
		setresgid(65534, 65534, 65534);
		setresuid(65534, 65534, 65534);
		const char *names[] = { "status", "stat", "cmdline", "environ", "maps", "fd", "mem", "io", "limits", "comm", "auxv" };
		for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
			sprintf(path, "/proc/%d/%s", root, names[i]);
			int fd = open(path, O_RDONLY);
			say("%s: %s", names[i], fd < 0 ? error_name(errno) : "open");
			close(fd);
		}
		sprintf(path, "/proc/%d/exe", root);
		SHOW(readlink(path, text, 100));
		sprintf(path, "/proc/%d/fd/1", root);
		SHOW(readlink(path, text, 100));
		SHOW(open("/proc/sys/kernel/hostname", O_WRONLY));
	});
}

static void machine(void)
{
	struct utsname names;
	struct statfs fs;
	double up, idle;

	SECTION("machine");
	uname(&names);
	slurp("/proc/sys/kernel/hostname");
	text[strcspn(text, "\n")] = 0;
	CHECK(!strcmp(text, names.nodename));
	slurp("/proc/sys/kernel/osrelease");
	text[strcspn(text, "\n")] = 0;
	CHECK(!strcmp(text, names.release));
	slurp("/proc/sys/kernel/ostype");
	say("%s", text);
	CHECK(slurp("/proc/version") > 20 && !strncmp(text, "Linux version ", 14));
	slurp("/proc/uptime");
	CHECK(sscanf(text, "%lf %lf", &up, &idle) == 2 && up > 0);
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	CHECK(up > now.tv_sec - 2 && up < now.tv_sec + 2);
	slurp("/proc/loadavg");
	double load;
	int running, total, last;
	CHECK(sscanf(text, "%lf %lf %lf %d/%d %d", &load, &load, &load, &running, &total, &last) == 6 && running > 0 && total > 0);
	slurp("/proc/meminfo");
	CHECK(atol(field("MemTotal")) > 10000 && atol(field("MemFree")) > 0 && atol(field("MemAvailable")) > 0);
	slurp("/proc/stat");
	CHECK(!strncmp(text, "cpu  ", 5) && strstr(text, "\ncpu0 ") && strstr(text, "\nbtime ") && strstr(text, "\nctxt ") &&
	      strstr(text, "\nprocs_running "));
	slurp("/proc/cpuinfo");
	CHECK(strstr(text, "processor\t: 0\n") && strstr(text, "\nmodel name\t: ") && strstr(text, "\nflags\t\t: fpu "));
	long cpus = 0;
	for (char *p = text; (p = strstr(p, "processor\t:")); p++)
		cpus++;
	CHECK(cpus == sysconf(_SC_NPROCESSORS_ONLN));
	slurp("/proc/self/mountinfo");
	CHECK(strstr(text, " / /proc "));
	slurp("/proc/mounts");
	CHECK(strstr(text, "proc /proc proc "));
	slurp("/proc/filesystems");
	CHECK(strstr(text, "nodev\tproc\n") && strstr(text, "nodev\ttmpfs\n"));
	statfs("/proc", &fs);
	say("%lx", (long)fs.f_type);
	CHECK(slurp("/proc/sys/kernel/random/uuid") == 37 && text[8] == '-' && text[14] == '4');
	CHECK(slurp("/proc/sys/kernel/random/boot_id") == 37);
	char id[64];
	strcpy(id, text);
	slurp("/proc/sys/kernel/random/boot_id");
	CHECK(!strcmp(id, text));
	slurp("/proc/sys/kernel/cap_last_cap");
	CHECK(atoi(text) >= 38);
	slurp("/proc/self/limits");
	CHECK(!strncmp(text, "Limit                     Soft Limit           Hard Limit           Units     \n", 79));
	struct rlimit limit = { 123, 456 };
	setrlimit(RLIMIT_CORE, &limit);
	slurp("/proc/self/limits");
	char *line = strstr(text, "Max core file size");
	say("%.*s", (int)strcspn(line, "\n"), line);
	int fd = open("/proc/self/oom_score_adj", O_RDWR);
	SHOW(write(fd, "500", 3));
	SHOW(write(fd, "5000", 4));
	close(fd);
	slurp("/proc/self/oom_score_adj");
	say("%s", text);
	SHOW(slurp("/proc/self/mountstats") > 0);
	SHOW(slurp("/proc/self/uid_map"));
	SHOW(slurp("/proc/self/setgroups"));
	SHOW(slurp("/proc/self/timerslack_ns"));
	SHOW(slurp("/proc/self/personality"));
	SHOW(slurp("/proc/self/loginuid") > 0);
	SHOW(slurp("/proc/sys/vm/overcommit_memory"));
	SHOW(slurp("/proc/sys/fs/pipe-max-size"));
	SHOW(slurp("/proc/sys/kernel/pid_max") > 0);
	SHOW(slurp("/proc/sys/kernel/none"));
	SHOW(slurp("/proc/sys/kernel"));
	char link[64] = { 0 };
	SHOW(readlink("/proc/self/ns/uts", link, sizeof(link)) > 5);
	CHECK(!strncmp(link, "uts:[", 5));
	struct stat a, b;
	CHECK(!stat("/proc/self/ns/uts", &a) && !stat("/proc/self/ns/ipc", &b) && a.st_dev == b.st_dev && a.st_ino != b.st_ino);
	fd = SHOW(open("/proc/self/ns/uts", O_RDONLY));
	close(fd);
}

/* The C library keeps 32 and 33 for itself and would not say SIG_DFL for them; who started us on the host may have ignored them. */
static void default_signals(void)
{
	struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action = { 0 };

	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, &action, NULL, 8);
}

int main(int argc, char **argv)
{
	default_signals();
	status();
	stat_file();
	command(argc, argv);
	maps();
	descriptors();
	processes();
	rights();
	machine();
	return 0;
}
