// SPDX-License-Identifier: Apache-2.0
/* seccomp(2): modes, filters, every answer, threads, inheritance, what is refused. */
#include "test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#define SECCOMP(op, flags, args) syscall(SYS_seccomp, op, flags, args)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ATTACH(flags, ...)                                                              \
	({                                                                              \
		struct sock_filter _filter[] = { __VA_ARGS__ };                         \
		struct sock_fprog _program = { LENGTH(_filter), _filter };              \
		SECCOMP(SECCOMP_SET_MODE_FILTER, flags, &_program);                     \
	})
/* getppid() gets an answer of its own. */
#define ANSWER(value) LOAD(nr), UNLESS(SYS_getppid, 1), RETURN(value), RETURN(SECCOMP_RET_ALLOW)

static void privileges(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void errno_answers(void)
{
	SECTION("errno");
	IN_CHILD(privileges(); SHOW(ATTACH(0, ANSWER(SECCOMP_RET_ERRNO | 42))); SHOW(syscall(SYS_getppid)); OK(getpid());
		 SHOW(syscall(SYS_getppid)));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_ERRNO)); SHOW(syscall(SYS_getppid)));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_ERRNO | 0xffff)); SHOW(syscall(SYS_getppid) == -4095 || errno == 4095));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_TRACE | 1)); SHOW(syscall(SYS_getppid)));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_LOG)); OK(syscall(SYS_getppid)));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_KILL_THREAD)); syscall(SYS_getppid); say("not reached"));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_KILL_PROCESS)); syscall(SYS_getppid); say("not reached"));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(0x00010000)); syscall(SYS_getppid); say("not reached"));
}

static void arguments(void)
{
	SECTION("arguments");
	IN_CHILD(privileges(); SHOW(ATTACH(0, LOAD(arch), UNLESS(AUDIT_ARCH_X86_64, 4), LOAD(nr), UNLESS(SYS_getpriority, 2), LOAD(args[0]),
					   BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 7, 1, 0), RETURN(SECCOMP_RET_ALLOW),
					   RETURN(SECCOMP_RET_ERRNO | EXDEV)));
		 SHOW(syscall(SYS_getpriority, 8, 0)); SHOW(syscall(SYS_getpriority, 0, 0)); SHOW(syscall(SYS_getpriority, 6, 0));
		 SHOW(syscall(SYS_getpriority, 0x100000000, 0)); SHOW(syscall(SYS_getpriority, 9, 0)));
	/* All operations of the machine, on an argument. */
	IN_CHILD(privileges();
		 SHOW(ATTACH(0, LOAD(nr), UNLESS(SYS_getppid, 18), LOAD(args[0]), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 5),
			     BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), BPF_STMT(BPF_ST, 3),
			     BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1), BPF_STMT(BPF_STX, 15), BPF_STMT(BPF_LDX | BPF_MEM, 15),
			     BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0), BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
			     BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff), BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
			     BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
			     BPF_STMT(BPF_RET | BPF_A, 0), BPF_STMT(BPF_JMP | BPF_JA, 0), RETURN(SECCOMP_RET_ALLOW)));
		 for (long i = 0; i < 40; i += 3) SHOW(syscall(SYS_getppid, i)););
	IN_CHILD(privileges();
		 SHOW(ATTACH(0, LOAD(nr), UNLESS(SYS_getppid, 4), LOAD(args[0]), BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
			     RETURN(SECCOMP_RET_ERRNO | 1), RETURN(SECCOMP_RET_ALLOW)));
		 syscall(SYS_getppid); say("not reached"));
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	say("signal %d code %d errno %d call %d arch %x rax %lld behind the call %d", sig, info->si_code, info->si_errno, info->si_syscall,
	    info->si_arch, (long long)user->uc_mcontext.gregs[REG_RAX], (char *)info->si_call_addr == (char *)user->uc_mcontext.gregs[REG_RIP]);
	user->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void traps(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	SECTION("trap");
	IN_CHILD(sigaction(SIGSYS, &action, NULL); privileges(); ATTACH(0, ANSWER(SECCOMP_RET_TRAP | 77)); SHOW(syscall(SYS_getppid));
		 for (int i = 0; i < 3; i++) SHOW(syscall(SYS_getppid)););
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_TRAP)); syscall(SYS_getppid); say("not reached"));
	IN_CHILD(signal(SIGSYS, SIG_IGN); privileges(); ATTACH(0, ANSWER(SECCOMP_RET_TRAP)); syscall(SYS_getppid); say("not reached"));
}

static void several(void)
{
	SECTION("several filters");
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_ERRNO | 5)); ATTACH(0, ANSWER(SECCOMP_RET_ERRNO | 6)); SHOW(syscall(SYS_getppid));
		 ATTACH(0, ANSWER(SECCOMP_RET_ALLOW)); SHOW(syscall(SYS_getppid)); ATTACH(0, ANSWER(SECCOMP_RET_TRACE)); SHOW(syscall(SYS_getppid));
		 ATTACH(0, ANSWER(SECCOMP_RET_KILL_PROCESS)); syscall(SYS_getppid); say("not reached"));
	IN_CHILD(privileges(); int n = 0; static struct sock_filter big[4096];
		 for (int i = 0; i < 4096; i++) big[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, i);
		 big[4095] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
		 struct sock_fprog program = { 4096, big };
		 while (n < 20 && SECCOMP(SECCOMP_SET_MODE_FILTER, 0, &program) == 0) n++;
		 say("%d large filters, then %s", n, error_name(errno)));
}

static void show_status_lines(void)
{
	char line[256];
	FILE *status = fopen("/proc/thread-self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10))
			fputs(line, stdout);
	fclose(status);
	fflush(stdout);
}

static void inheritance(void)
{
	SECTION("inheritance");
	show_status_lines();
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_ERRNO | 9)); show_status_lines(); SHOW(prctl(PR_GET_SECCOMP));
		 IN_CHILD(SHOW(syscall(SYS_getppid)); ATTACH(0, ANSWER(SECCOMP_RET_ALLOW)); show_status_lines()); SHOW(syscall(SYS_getppid)););
	fflush(stdout);
	IN_CHILD(privileges(); ATTACH(0, LOAD(nr), UNLESS(SYS_uname, 1), RETURN(SECCOMP_RET_ERRNO | EPERM), RETURN(SECCOMP_RET_ALLOW));
		 execl("/bin/busybox", "busybox", "uname", NULL));
}

static volatile int go;
static int pipe_to[2], pipe_from[2];

static void *other_thread(void *own_filter)
{
	char byte;

	if (own_filter)
		ATTACH(0, ANSWER(SECCOMP_RET_ERRNO | 21));
	write(pipe_from[1], "r", 1);
	read(pipe_to[0], &byte, 1);
	SHOW(syscall(SYS_getppid));
	return NULL;
}

static void sync_threads(bool own_filter, unsigned flags)
{
	pthread_t thread;
	char byte;
	long result;

	pipe(pipe_to);
	pipe(pipe_from);
	privileges();
	pthread_create(&thread, NULL, other_thread, own_filter ? &thread : NULL);
	read(pipe_from[0], &byte, 1);
	result = ATTACH(flags, ANSWER(SECCOMP_RET_ERRNO | 33));
	say("%s %s", result > 0 ? "a thread's id" : result ? "error" : "done", result < 0 ? error_name(errno) : "");
	SHOW(prctl(PR_GET_SECCOMP));
	write(pipe_to[1], "g", 1);
	pthread_join(thread, NULL);
}

static void *killed_thread(void *unused)
{
	syscall(SYS_getppid);
	return NULL;
}

static void threads(void)
{
	SECTION("threads");
	IN_CHILD(sync_threads(false, 0));
	IN_CHILD(sync_threads(false, SECCOMP_FILTER_FLAG_TSYNC));
	IN_CHILD(sync_threads(true, SECCOMP_FILTER_FLAG_TSYNC));
	IN_CHILD(sync_threads(true, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_KILL_THREAD)); pthread_t thread; pthread_create(&thread, NULL, killed_thread, NULL);
		 sleep_ms(100); say("still there"));
	IN_CHILD(privileges(); ATTACH(0, ANSWER(SECCOMP_RET_KILL_PROCESS)); pthread_t thread; pthread_create(&thread, NULL, killed_thread, NULL);
		 sleep_ms(5000); say("not reached"));
}

static void strict(void)
{
	SECTION("strict mode");
	SHOW(SECCOMP(SECCOMP_SET_MODE_STRICT, 1, NULL));
	SHOW(SECCOMP(SECCOMP_SET_MODE_STRICT, 0, &go));
	IN_CHILD(if (SECCOMP(SECCOMP_SET_MODE_STRICT, 0, NULL) == 0) write(1, "strict\n", 7); syscall(SYS_exit, 3));
	IN_CHILD(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT); write(1, "strict\n", 7); syscall(SYS_getpid); write(1, "not reached\n", 12));
	IN_CHILD(privileges(); ATTACH(0, RETURN(SECCOMP_RET_ALLOW)); SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)));
	SHOW(prctl(PR_SET_SECCOMP, 0));
	SHOW(prctl(PR_SET_SECCOMP, 3));
}

static void refused(void)
{
	static const unsigned actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
					    SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000 };
	struct sock_fprog none = { 0, NULL }, nowhere = { 1, (void *)16 };
	unsigned action = SECCOMP_RET_ALLOW;

	SECTION("refused");
	SHOW(SECCOMP(77, 0, NULL));
	SHOW(SECCOMP(SECCOMP_SET_MODE_FILTER, 1 << 9, NULL));
	SHOW(SECCOMP(SECCOMP_SET_MODE_FILTER, 0, NULL));
	SHOW(SECCOMP(SECCOMP_SET_MODE_FILTER, 0, &none));
	IN_CHILD(privileges(); SHOW(SECCOMP(SECCOMP_SET_MODE_FILTER, 0, &nowhere)));
	SHOW(SECCOMP(SECCOMP_GET_ACTION_AVAIL, 1, &action));
	SHOW(SECCOMP(SECCOMP_GET_ACTION_AVAIL, 0, NULL));
	for (size_t i = 0; i < LENGTH(actions); i++) {
		say("%x", actions[i]);
		SHOW(SECCOMP(SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
	}
	IN_CHILD(setresuid(1000, 1000, 1000); SHOW(ATTACH(0, RETURN(SECCOMP_RET_ALLOW))); privileges(); SHOW(ATTACH(0, RETURN(SECCOMP_RET_ALLOW))));
}

static void programs(void)
{
	SECTION("programs that are none");
	privileges();
	SHOW(ATTACH(0, BPF_STMT(BPF_LD | BPF_IMM, 1)));
	SHOW(ATTACH(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_ST, 16), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RETURN(0)));
	SHOW(ATTACH(0, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_MEM, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(0xffff, 0), RETURN(0)));
	SHOW(ATTACH(0, BPF_STMT(BPF_RET | BPF_X, 0)));
	IN_CHILD(SHOW(ATTACH(0, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_ST, 0),
			     BPF_STMT(BPF_LD | BPF_MEM, 0), RETURN(SECCOMP_RET_ALLOW))));
}

int main(void)
{
	errno_answers();
	arguments();
	traps();
	several();
	inheritance();
	threads();
	strict();
	refused();
	programs();
	return 0;
}
