// SPDX-License-Identifier: Apache-2.0
/* Limits, prctl, uname, scheduling calls, random, extended attributes, mounts, chroot, umask, odd numbers. */
#include "test.h"

#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

static void limits(void)
{
	struct rlimit l = { 5, 4 };

	SECTION("limits");
	SHOW(setrlimit(RLIMIT_CORE, &l));
	l = (struct rlimit){ 100, 200 };
	SHOW(setrlimit(RLIMIT_CORE, &l));
	SHOW(getrlimit(RLIMIT_CORE, &l));
	say("%ld %ld", (long)l.rlim_cur, (long)l.rlim_max);
	SHOW(getrlimit(99, &l));
	SHOW(prlimit(0, RLIMIT_CORE, NULL, &l));
	SHOW(prlimit(99999, RLIMIT_CORE, NULL, &l));
	IN_CHILD({
		struct rlimit n = { 0, 0 };
		setrlimit(RLIMIT_NPROC, &n);
		setuid(1000);
		SHOW(fork());
	});
	IN_CHILD({
		struct rlimit n = { 64 << 10, 64 << 10 };
		setrlimit(RLIMIT_MEMLOCK, &n);
		setuid(1000);
		void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		SHOW(mlock(p, 4096));
		SHOW(mlock(p, 1 << 20));
		SHOW(munlock(p, 4096));
	});
}

static void names(void)
{
	struct utsname u;
	char name[17] = { 0 };
	struct sysinfo info;

	SECTION("names");
	uname(&u);
	say("%s %s %s", u.sysname, u.nodename, u.machine);
	SHOW(sethostname("other", 5));
	uname(&u);
	say("%s", u.nodename);
	SHOW(syscall(SYS_sethostname, "x", -1));
	SHOW(sethostname("linuxd", 6));
	SHOW(prctl(PR_SET_NAME, "a name that is too long"));
	SHOW(prctl(PR_GET_NAME, name));
	say("%s", name);
	SHOW(prctl(99999));
	SHOW(prctl(PR_SET_PDEATHSIG, 99));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 5));
	SHOW(prctl(PR_GET_TIMERSLACK) > 0);
	SHOW(sysinfo(&info));
	CHECK(info.totalram > 0 && info.procs >= 1 && info.uptime >= 0);
	SHOW(personality(0xffffffff));
	char random[32] = { 0 };
	SHOW(getrandom(random, 32, 0));
	SHOW(getrandom(random, 32, 0x100));
	SHOW(umask(027));
	SHOW(umask(022));
}

static void scheduling(void)
{
	struct sched_param param = { 0 };
	cpu_set_t set;
	struct timespec t;

	SECTION("scheduling");
	SHOW(sched_yield());
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, 5));
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(getpriority(9, 0));
	SHOW(sched_getscheduler(0));
	SHOW(sched_get_priority_max(SCHED_FIFO));
	SHOW(sched_get_priority_min(SCHED_OTHER));
	SHOW(sched_get_priority_min(77));
	SHOW(sched_getparam(0, &param));
	param.sched_priority = 5;
	SHOW(sched_setscheduler(0, SCHED_OTHER, &param));
	SHOW(sched_setscheduler(99999, SCHED_OTHER, &param));
	param.sched_priority = 0;
	SHOW(sched_setscheduler(0, SCHED_BATCH, &param));
	SHOW(sched_getscheduler(0));
	SHOW(sched_setscheduler(0, SCHED_OTHER, &param));
	SHOW(sched_rr_get_interval(0, &t));
	SHOW(syscall(SYS_sched_getaffinity, 0, 128, &set) > 0);
	SHOW(CPU_ISSET(0, &set) != 0);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	CPU_ZERO(&set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	CPU_SET(0, &set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	unsigned cpu;
	SHOW(syscall(SYS_getcpu, &cpu, NULL, NULL));
	say("cpu %u", cpu);
}

static void attributes(const char *path)
{
	char buf[64];

	say("-- xattr on %s", path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	SHOW(setxattr(path, "user.one", "value", 5, 0));
	SHOW(setxattr(path, "user.one", "v2", 2, XATTR_CREATE));
	SHOW(setxattr(path, "user.two", "v2", 2, XATTR_REPLACE));
	SHOW(getxattr(path, "user.one", NULL, 0));
	SHOW(getxattr(path, "user.one", buf, 2));
	SHOW(getxattr(path, "user.one", buf, 64));
	SHOW(getxattr(path, "user.none", buf, 64));
	SHOW(getxattr(path, "bad", buf, 64));
	SHOW(removexattr(path, "user.one"));
	SHOW(removexattr(path, "user.one"));
	unlink(path);
}

static void mounts(void)
{
	struct stat st;

	SECTION("mounts");
	mkdir("/tmp/m", 0755);
	mkdir("/tmp/b", 0755);
	SHOW(mount("none", "/tmp/m", "nonexistent", 0, NULL));
	SHOW(mount("none", "/tmp/none", "tmpfs", 0, NULL));
	SHOW(mount("none", "/tmp/m", "tmpfs", 0, "size=64k,mode=700"));
	stat("/tmp/m", &st);
	say("%o", st.st_mode);
	int fd = open("/tmp/m/file", O_RDWR | O_CREAT, 0600);
	char block[4096] = { 0 };
	int blocks = 0;
	while (blocks < 100 && write(fd, block, sizeof(block)) == sizeof(block))
		blocks++;
	say("blocks %d %s", blocks, error_name(errno));
	SHOW(umount("/tmp/m"));
	SHOW(mount("/tmp/m", "/tmp/b", NULL, MS_BIND, NULL));
	SHOW(stat("/tmp/b/file", &st));
	SHOW(mount(NULL, "/tmp/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SHOW(open("/tmp/b/x", O_CREAT | O_RDWR, 0600));
	SHOW(unlink("/tmp/b/file"));
	SHOW(umount("/tmp/b"));
	SHOW(umount("/tmp/b"));
	close(fd);
	SHOW(umount("/tmp/m"));
	SHOW(rmdir("/tmp/m"));
	/* chroot */
	mkdir("/tmp/b/inner", 0755);
	close(open("/tmp/outer", O_CREAT | O_RDWR, 0600));
	IN_CHILD({
		SHOW(chroot("/tmp/b"));
		SHOW(chdir("/"));
		SHOW(stat("/inner", &st));
		SHOW(stat("/../outer", &st));
		SHOW(stat("/tmp", &st));
		symlink("/inner", "link");
		SHOW(stat("/link", &st));
		char cwd[64];
		getcwd(cwd, sizeof(cwd));
		say("%s", cwd);
	});
}

static void openat2s(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };

	SECTION("openat2");
	mkdir("/tmp/o", 0755);
	close(open("/tmp/o/f", O_CREAT | O_RDWR, 0600));
	symlink("/etc/passwd", "/tmp/o/abs");
	symlink("f", "/tmp/o/rel");
	symlink("../o/f", "/tmp/o/up");
	int d = open("/tmp/o", O_PATH);
	CHECK(syscall(SYS_openat2, d, "f", &how, sizeof(how)) >= 0);
	SHOW(syscall(SYS_openat2, d, "../o/f", &how, sizeof(how)));
	SHOW(syscall(SYS_openat2, d, "abs", &how, sizeof(how)));
	SHOW(syscall(SYS_openat2, d, "up", &how, sizeof(how)));
	CHECK(syscall(SYS_openat2, d, "rel", &how, sizeof(how)) >= 0);
	how.resolve = RESOLVE_NO_SYMLINKS;
	SHOW(syscall(SYS_openat2, d, "rel", &how, sizeof(how)));
	how.resolve = RESOLVE_IN_ROOT;
	CHECK(syscall(SYS_openat2, d, "/f", &how, sizeof(how)) >= 0);
	SHOW(syscall(SYS_openat2, d, "abs", &how, sizeof(how)));
	how.resolve = 0x1000;
	SHOW(syscall(SYS_openat2, d, "f", &how, sizeof(how)));
	how.resolve = 0;
	how.mode = 0600;
	SHOW(syscall(SYS_openat2, d, "f", &how, sizeof(how)));
	SHOW(syscall(SYS_openat2, d, "f", &how, 8));
}

static void numbers(void)
{
	SECTION("numbers");
	SHOW(syscall(SYS_afs_syscall));
	SHOW(syscall(400));
	SHOW(syscall(5000));
	SHOW(syscall(-1));
	SHOW(syscall(1L << 32 | 400));
	SHOW(syscall(SYS_time, NULL) > 1000000000);
	SHOW(syscall(SYS_membarrier, 0, 0, 0) >= 0);
	SHOW(syscall(SYS_restart_syscall));
}

int main(void)
{
	limits();
	names();
	scheduling();
	attributes("/tmp/xattr");
	mounts();
	openat2s();
	numbers();
	return 0;
}
