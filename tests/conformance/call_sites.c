// SPDX-License-Identifier: Apache-2.0
/*
 * Every way compilers write a system call, executed often enough that a kernel which rewrites call sites has done so: results,
 * the registers around it, jumps to the instruction after it, restarts, threads that end in a loop around exit.
 */
#include "test.h"

#include <linux/futex.h>
#include <sys/mman.h>

#define TIMES 5000

/* Six values that must be the same afterwards; rbx, rbp and r12 to r15 are the compiler's to check. */
struct regs {
	uint64_t rdi, rsi, rdx, r8, r9, r10;
};

static uint64_t seed = 1;

static uint64_t any(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed;
}

/* One of the three calls without arguments: their kernel may save less. */
#define REGISTERS_SURVIVE(code, nr)                                                                \
	({                                                                                         \
		long _wrong = 0;                                                                   \
		for (int _i = 0; _i < TIMES; _i++) {                                               \
			struct regs in = { any(), any(), any(), any(), any(), any() }, r = in;     \
			register uint64_t r8 __asm__("r8") = r.r8, r9 __asm__("r9") = r.r9, r10 __asm__("r10") = r.r10; \
			long ret = nr;                                                             \
			__asm__ volatile(code                                                      \
					 : "+a"(ret), "+D"(r.rdi), "+S"(r.rsi), "+d"(r.rdx), "+r"(r8), "+r"(r9), "+r"(r10) \
					 :                                                         \
					 : "rcx", "r11", "rbx", "r12", "r13", "r14", "r15", "memory"); \
			r.r8 = r8;                                                                 \
			r.r9 = r9;                                                                 \
			r.r10 = r10;                                                               \
			_wrong += memcmp(&r, &in, sizeof(r)) != 0;                                 \
			_wrong += ret != (nr == SYS_getppid ? getppid() : getpid());               \
		}                                                                                  \
		_wrong;                                                                            \
	})

static volatile sig_atomic_t alarms;
static void on_alarm(int sig) { alarms++; }

static void registers(void)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	SECTION("registers, while a timer interrupts");
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	SHOW(REGISTERS_SURVIVE("mov $39, %%eax; syscall", SYS_getpid));
	SHOW(REGISTERS_SURVIVE("mov $39, %%rax; syscall", SYS_getpid));
	SHOW(REGISTERS_SURVIVE("mov $110, %%eax; syscall", SYS_getppid));
	SHOW(REGISTERS_SURVIVE("mov $186, %%eax; syscall", SYS_gettid));
	SHOW(REGISTERS_SURVIVE("syscall; cmp $-4095, %%rax", SYS_getpid));
	SHOW(REGISTERS_SURVIVE("syscall; mov %%rax, %%rbx; mov %%rbx, %%rax", SYS_getppid));
	/* Until the timer has surely hit the calls themselves. */
	for (long n = 0; alarms < 200; n++)
		if (REGISTERS_SURVIVE("mov $110, %%eax; syscall", SYS_getppid))
			say("registers changed");
	setitimer(ITIMER_REAL, &never, NULL);
}

/* A lea of seven bytes stands before the syscall, and a branch leads behind the syscall. */
static long lea_site(char *base, bool call)
{
	long ret = SYS_access;

	__asm__ volatile("mov %[base], %%rbx\n\t"
			 "xor %%esi, %%esi\n\t"
			 "test %[call], %[call]\n\t"
			 "jz 1f\n\t"
			 "lea 0x120(%%rbx), %%rdi\n\t"
			 ".byte 0x48, 0x8d, 0xbb, 0x20, 0x01, 0x00, 0x00\n\t" /* the same once more, with a displacement of four bytes */
			 "syscall\n"
			 "1: cmpb $0, 0x120(%%rbx)\n\t"
			 "jne 2f\n\t"
			 "mov $-1, %%rax\n"
			 "2:"
			 : "+a"(ret)
			 : [base] "r"(base), [call] "r"((int)call)
			 : "rbx", "rdi", "rsi", "rcx", "r11", "memory", "cc");
	return ret;
}

static const char here[] = "/";

static long lea_relative_site(void)
{
	long ret = SYS_access;

	__asm__ volatile("xor %%esi, %%esi\n\t"
			 "lea here_for_asm(%%rip), %%rdi\n\t"
			 "syscall\n\t"
			 "jmp 1f\n"
			 "1:"
			 : "+a"(ret)
			 :
			 : "rdi", "rsi", "rcx", "r11", "memory", "cc");
	return ret;
}
__asm__(".section .rodata\nhere_for_asm: .string \"/\"\n.text");

static void leas(void)
{
	static char name[0x200];
	long wrong = 0;

	SECTION("a lea before the call");
	for (int i = 0; i < TIMES; i++) {
		bool exists = i & 1;
		long ret;

		strcpy(name + 0x120, exists ? here : "/nowhere");
		ret = lea_site(name, true);
		wrong += ret != (exists ? 0 : -ENOENT);
		wrong += lea_site(name, false) != SYS_access;
		wrong += lea_relative_site() != 0;
	}
	SHOW(wrong);
}

/* read() at a lea site, restarted after a handler: it must read into the same place. */
static void restart(void)
{
	static char place[0x200];
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval soon = { { 0, 0 }, { 0, 2000 } };
	int fds[2];
	long wrong = 0;

	SECTION("restart at a lea site");
	sigaction(SIGALRM, &action, NULL);
	if (pipe(fds))
		return;
	for (int i = 0; i < 20; i++) {
		long ret = SYS_read;
		pid_t child;
		int before = alarms;

		memset(place, 0, sizeof(place));
		child = fork();
		if (!child) {
			usleep(8000);
			_exit(write(fds[1], "abc", 3) != 3);
		}
		setitimer(ITIMER_REAL, &soon, NULL);
		__asm__ volatile("mov %[base], %%rbx\n\t"
				 "mov $3, %%edx\n\t"
				 "jmp 3f\n"
				 "3: .byte 0x48, 0x8d, 0xb3, 0x00, 0x01, 0x00, 0x00\n\t" /* lea 0x100(%rbx),%rsi */
				 "syscall\n\t"
				 "jmp 1f\n"
				 "1:"
				 : "+a"(ret)
				 : [base] "r"(place), "D"((long)fds[0])
				 : "rbx", "rsi", "rdx", "rcx", "r11", "memory", "cc");
		wrong += ret != 3 || memcmp(place + 0x100, "abc", 4) != 0 || alarms == before;
		waitpid(child, NULL, 0);
	}
	SHOW(wrong);
	close(fds[0]);
	close(fds[1]);
}

/* Threads made by hand, which end as those of a C library do. */
static int child_tid;

static long spawn(char *stack_top)
{
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	register int *ctid __asm__("r10") = &child_tid;
	register long tls __asm__("r8") = 0;
	long ret = SYS_clone;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 9f\n\t"
			 "mov $60, %%edx\n"
			 "1: xor %%edi, %%edi\n\t"
			 "mov %%edx, %%eax\n\t"
			 "syscall\n\t"
			 "jmp 1b\n"
			 "9:"
			 : "+a"(ret)
			 : "D"(flags), "S"(stack_top), "d"(&child_tid), "r"(ctid), "r"(tls)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

static void exits(void)
{
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long made = 0;

	SECTION("threads that end in a loop around exit");
	for (int i = 0; i < 2000; i++) {
		made += spawn(stack + 65536 - 64) > 0;
		for (int tid; (tid = __atomic_load_n(&child_tid, __ATOMIC_ACQUIRE));)
			syscall(SYS_futex, &child_tid, FUTEX_WAIT, tid, NULL, NULL, 0);
	}
	SHOW(made);
	munmap(stack, 65536);
}

static void *busy(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		getppid();
	return NULL;
}

static void side_by_side(void)
{
	pthread_t threads[4];
	int stop = 0;
	long wrong = 0;

	SECTION("threads at the same sites");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, busy, &stop);
	for (int i = 0; i < 3; i++)
		wrong += REGISTERS_SURVIVE("syscall; cmp $-4095, %%rax; mov %%rax, %%rax", SYS_getpid);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	SHOW(wrong);
}

int main(void)
{
	registers();
	leas();
	restart();
	exits();
	side_by_side();
	return 0;
}
