// SPDX-License-Identifier: Apache-2.0
/* Resource limits, prctl, personality, names, scheduling parameters, looking into other processes. */
#include "test.h"

#include <linux/kcmp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

static void limits(void)
{
	struct rlimit l, old;

	SECTION("limits");
	SHOW(getrlimit(99, &l));
	SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, (void *)8));
	l = (struct rlimit){ 100, 50 };
	SHOW(setrlimit(RLIMIT_NOFILE, &l));
	l = (struct rlimit){ 50, 60 };
	SHOW(setrlimit(RLIMIT_NOFILE, &l));
	SHOW(prlimit(0, RLIMIT_NOFILE, NULL, &old));
	say("%ld %ld", (long)old.rlim_cur, (long)old.rlim_max);
	SHOW(prlimit(999999, RLIMIT_NOFILE, NULL, &old));
	SHOW(fcntl(0, F_DUPFD, 50));
	SHOW(fcntl(0, F_DUPFD, 49));
	close(49);
	IN_CHILD(if (setresuid(65534, 65534, 65534)) say("setresuid"); l.rlim_max = 70; SHOW(setrlimit(RLIMIT_NOFILE, &l));
		 l.rlim_max = 55; SHOW(setrlimit(RLIMIT_NOFILE, &l)); SHOW(prlimit(1, RLIMIT_NOFILE, NULL, &old)));
	l = (struct rlimit){ 0, 0 };
	SHOW(setrlimit(RLIMIT_CORE, &l));
	IN_CHILD(getrlimit(RLIMIT_CORE, &l); say("%ld", (long)l.rlim_cur));
}

static void prctls(void)
{
	char name[17] = "";
	int value = -1;

	SECTION("prctl");
	SHOW(prctl(9999, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NAME, "a-very-long-thread-name"));
	SHOW(prctl(PR_GET_NAME, name));
	say("%s", name);
	SHOW(prctl(PR_SET_NAME, 8));
	SHOW(prctl(PR_SET_PDEATHSIG, 65));
	SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SHOW(prctl(PR_GET_PDEATHSIG, &value));
	say("%d", value);
	IN_CHILD(prctl(PR_GET_PDEATHSIG, &value); say("%d", value));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 2));
	SHOW(prctl(PR_SET_DUMPABLE, 0));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 1));
	SHOW(prctl(PR_SET_TIMERSLACK, 1000));
	SHOW(prctl(PR_GET_TIMERSLACK));
	IN_CHILD(SHOW(prctl(PR_GET_TIMERSLACK)));
	SHOW(prctl(PR_SET_TIMERSLACK, 0));
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	SHOW(prctl(PR_GET_CHILD_SUBREAPER, &value));
	say("%d", value);
	IN_CHILD(prctl(PR_GET_CHILD_SUBREAPER, &value); say("%d", value));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(prctl(PR_GET_TIMING));
	SHOW(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
	SHOW(prctl(PR_GET_TSC, &value));
	say("%d", value);
	SHOW(prctl(PR_GET_SECCOMP));
	SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SHOW(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	SHOW(personality(0xffffffff));
	SHOW(personality(ADDR_NO_RANDOMIZE));
	SHOW(personality(0));
	uint64_t fs = 0;
	SHOW(syscall(SYS_arch_prctl, 0x1003, &fs));
	CHECK(fs == (uint64_t)pthread_self());
	SHOW(syscall(SYS_arch_prctl, 0x1003, (void *)8));
	SHOW(syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000));
	SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
	SHOW(syscall(SYS_arch_prctl, 0x1011, 0));
}

static void machine(void)
{
	struct utsname u;
	struct sysinfo info;
	struct tms tms;
	unsigned cpu = 99, node = 99;

	SECTION("machine");
	SHOW(uname(&u));
	say("%s %s", u.sysname, u.machine);
	SHOW(syscall(SYS_uname, (void *)8));
	SHOW(syscall(SYS_sethostname, "x", -1));
	SHOW(syscall(SYS_sethostname, "x", 65));
	SHOW(sysinfo(&info));
	CHECK(info.totalram > info.freeram && info.procs >= 1 && info.mem_unit >= 1 && info.uptime >= 0);
	CHECK(times(&tms) > 0);
	SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
	CHECK(cpu < 64 && node == 0);
	CHECK(sched_getcpu() >= 0);
	SHOW(syscall(SYS_getcpu, (void *)8, NULL, NULL));
	IN_CHILD(if (setresuid(65534, 65534, 65534)) say("setresuid"); SHOW(sethostname("x", 1)); SHOW(setdomainname("x", 1)));
}

static void scheduling(void)
{
	struct sched_param param = { 0 };
	cpu_set_t set;
	struct timespec t;

	SECTION("scheduling");
	SHOW(sched_getscheduler(0));
	SHOW(sched_getscheduler(-1));
	SHOW(sched_getscheduler(999999));
	SHOW(sched_getparam(0, &param));
	say("%d", param.sched_priority);
	SHOW(sched_get_priority_max(SCHED_FIFO));
	SHOW(sched_get_priority_min(SCHED_RR));
	SHOW(sched_get_priority_max(SCHED_OTHER));
	SHOW(sched_get_priority_max(SCHED_BATCH));
	SHOW(sched_get_priority_max(77));
	param.sched_priority = 1;
	SHOW(sched_setscheduler(0, SCHED_OTHER, &param));
	SHOW(sched_setscheduler(0, 77, &param));
	SHOW(sched_setscheduler(0, SCHED_FIFO, NULL));
	param.sched_priority = 100;
	SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
	param.sched_priority = 0;
	SHOW(sched_setscheduler(0, SCHED_RR, &param));
	SHOW(sched_setscheduler(0, SCHED_BATCH, &param));
	SHOW(sched_getscheduler(0));
	SHOW(sched_setscheduler(0, SCHED_IDLE, &param));
	SHOW(sched_getscheduler(0));
	SHOW(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param));
	CHECK(sched_getscheduler(0) == (SCHED_OTHER | SCHED_RESET_ON_FORK));
	SHOW(sched_rr_get_interval(-1, &t));
	SHOW(sched_yield());
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, 5));
	SHOW(getpriority(PRIO_PROCESS, 0));
	IN_CHILD(SHOW(getpriority(PRIO_PROCESS, 0)));
	SHOW(setpriority(PRIO_PROCESS, 0, 100));
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(getpriority(9, 0));
	SHOW(setpriority(PRIO_PROCESS, 999999, 1));
	SHOW(setpriority(PRIO_PGRP, 999999, 1));
	CPU_ZERO(&set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	SHOW(sched_setaffinity(999999, sizeof(set), &set));
	CPU_SET(0, &set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	CPU_ZERO(&set);
	SHOW(sched_getaffinity(0, sizeof(set), &set));
	SHOW(CPU_COUNT(&set));
	CHECK(sched_getcpu() == 0);
	SHOW(syscall(SYS_sched_getaffinity, 0, 3, &set));
	SHOW(syscall(SYS_ioprio_get, 1, 0));
	SHOW(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3));
	SHOW(syscall(SYS_ioprio_get, 1, 0));
	SHOW(syscall(SYS_ioprio_set, 1, 0, 0 << 13 | 3));
	SHOW(syscall(SYS_ioprio_get, 7, 0));
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t x[3]; uint32_t y[2]; } attr;
	memset(&attr, 0, sizeof(attr));
	SHOW(syscall(SYS_sched_getattr, 0, &attr, 40, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &attr, 48, 0));
	say("size %u policy %u nice %d", attr.size, attr.policy, attr.nice);
	attr.nice = 19;
	attr.flags = 0;
	SHOW(syscall(SYS_sched_setattr, 0, &attr, 0));
	attr.size = 20;
	SHOW(syscall(SYS_sched_setattr, 0, &attr, 0));
	IN_CHILD(if (setresuid(65534, 65534, 65534)) say("setresuid"); SHOW(setpriority(PRIO_PROCESS, 0, 1));
		 SHOW(setpriority(PRIO_PROCESS, 1, 1)); param.sched_priority = 1; SHOW(sched_setscheduler(0, SCHED_FIFO, &param)));
}

static void inspection(void)
{
	char buffer[32] = "", *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec local[2] = { { buffer, 5 }, { buffer + 10, 20 } }, remote = { page, 12 };
	int fd = open("/", O_RDONLY), fd2 = dup(fd), fd3 = open("/", O_RDONLY), ready[2], status;
	pid_t pid, me = getpid();
	char byte;

	SECTION("inspection");
	SHOW(syscall(SYS_kcmp, me, me, KCMP_FILE, fd, fd2));
	CHECK(syscall(SYS_kcmp, me, me, KCMP_FILE, fd, fd3) > 0);
	SHOW(syscall(SYS_kcmp, me, me, KCMP_FILE, fd, 999));
	SHOW(syscall(SYS_kcmp, me, me, KCMP_VM, 0, 0));
	SHOW(syscall(SYS_kcmp, me, me, 99, 0, 0));
	SHOW(syscall(SYS_kcmp, me, 999999, KCMP_VM, 0, 0));
	if (pipe(ready))
		return;
	pid = fork();
	if (!pid) {
		strcpy(page, "hello, world");
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		while (page[4096] == 0)
			sleep_ms(1);
		_exit(page[4096]);
	}
	if (read(ready[0], &byte, 1) != 1)
		say("read failed");
	CHECK(syscall(SYS_kcmp, me, pid, KCMP_VM, 0, 0) > 0);
	SHOW(syscall(SYS_kcmp, me, pid, KCMP_FILE, fd, fd));
	SHOW(process_vm_readv(pid, local, 2, &remote, 1, 0));
	say("%.5s %s", buffer, buffer + 10);
	SHOW(process_vm_readv(pid, local, 2, &remote, 1, 1));
	SHOW(process_vm_readv(999999, local, 2, &remote, 1, 0));
	remote = (struct iovec){ (void *)8, 12 };
	SHOW(process_vm_readv(pid, local, 2, &remote, 1, 0));
	remote = (struct iovec){ page + 8192 - 4, 12 };
	byte = 7;
	local[0] = (struct iovec){ &byte, 1 };
	remote = (struct iovec){ page + 4096, 1 };
	SHOW(process_vm_writev(pid, local, 1, &remote, 1, 0));
	waitpid(pid, &status, 0);
	show_status("child", status);
	SHOW(syscall(SYS_membarrier, 4, 0, 0));
	SHOW(syscall(SYS_membarrier, 12345, 0, 0));
	CHECK(syscall(SYS_membarrier, 0, 0, 0) & 8);
	SHOW(syscall(SYS_membarrier, 8, 0, 0));
	SHOW(syscall(SYS_membarrier, 16, 0, 0));
	SHOW(syscall(SYS_membarrier, 8, 0, 0));
	SHOW(syscall(SYS_membarrier, 1, 0, 0));
	CHECK(syscall(SYS_membarrier, 0, 0, 0) & 32);
	SHOW(syscall(SYS_membarrier, 32, 0, 0));
	SHOW(syscall(SYS_membarrier, 64, 0, 0));
	SHOW(syscall(SYS_membarrier, 32, 0, 0));
	SHOW(syscall(SYS_membarrier, 64, 1, 0));
	SHOW(syscall(SYS_reboot, 0, 0, 0, NULL)); /* with the right numbers the host would do it */
	SHOW(syscall(SYS_reboot, 0xfee1dead, 0, 0, NULL));
	close(fd), close(fd2), close(fd3);
}

int main(void)
{
	limits();
	prctls();
	machine();
	scheduling();
	inspection();
	return 0;
}
