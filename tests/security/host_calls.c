// SPDX-License-Identifier: Apache-2.0
/*
 * Runs inside a container and tries to reach the host.
 *
 *   host_calls direct NR SET     the call from its own code, at an address the kernel cannot patch: goes to linuxd's kernel
 *   host_calls gadget NR SET ADDRESS   jumps to the system call instruction of linuxd's own kernel text at ADDRESS
 *   host_calls all-direct FROM   every number from FROM on with every set, one process each
 *   host_calls all-gadget ADDRESS FROM   the same through the gadget
 *
 * Prints per call what came back; the caller decides what may come back (tests/suites/security.py). What a filter does
 * to a call that is not in the table is to kill the process, or to refuse.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/linuxd-escape", word[4096] __attribute__((aligned(4096)));
#define MAX_CALL 600

static void arguments(int set, long a[6])
{
	const long sets[][6] = {
		{ 0, 0, 0, 0, 0, 0 },
		{ (long)path, O_RDWR | O_CREAT, 0666, 0, 0, 0 },           /* creates a file, if it were open, creat, mkdir, ... */
		{ AT_FDCWD, (long)path, O_RDWR | O_CREAT, 0666, 0, 0 },    /* openat, mkdirat, ... */
		{ 1, SIGKILL, SIGKILL, 0, 0, 0 },                          /* kill, tkill, tgkill */
		{ (long)word, 4096, 7, 0x22, -1, 0 },                      /* mmap, mprotect */
		{ 2, 1, 0, 0, 0, 0 },                                      /* socket */
		{ 3, (long)word, 64, 0, 0, 0 },                            /* reads and writes on what may be open */
		{ -1, -1, -1, -1, -1, -1 },
	};

	memcpy(a, sets[set], sizeof(sets[0]));
}
#define SETS 8

/* `syscall` in the middle of unaligned code: no `mov $nr,%eax` before it. */
static long direct(long nr, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("nop\n syscall\n nop" : "=a"(result) : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Jumps to a `syscall` in the kernel's text with our address on the stack: the instruction is followed by a return, or the
 * process dies, or the kernel does what it likes; never may the host do what it was asked. */
static long gadget(uint64_t address, long nr, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	register uint64_t target __asm__("r11") = address;
	long result;

	__asm__ volatile("call *%8" : "=a"(result), "+r"(target) : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(target), "r"(r9)
			 : "rcx", "memory");
	return result;
}

static void one(long nr, int set, uint64_t address)
{
	long a[6], result;

	arguments(set, a);
	result = address ? gadget(address, nr, a) : direct(nr, a);
	printf("%ld/%d = %ld\n", nr, set, result);
	fflush(stdout);
	_exit(0);
}

static int leaves(long nr)
{
	/* Calls that end, replace or stop this very process: they show nothing. */
	return nr == 60 || nr == 231 || nr == 15 || nr == 57 || nr == 58 || nr == 56 || nr == 435 || nr == 59 || nr == 322 || nr == 34 ||
	       nr == 130 || nr == 112 || nr == 109;
}

/* From call number `from` on. The number is printed first: where the whole container ends, the caller goes on behind it. */
static void all(uint64_t address, long from)
{
	int status;

	for (long nr = from; nr <= MAX_CALL; nr++) {
		if (leaves(nr))
			continue;
		printf("call %ld\n", nr);
		for (int set = 0; set < SETS; set++) {
			fflush(stdout);
			pid_t pid = fork();
			if (pid == 0) {
				ualarm(30000, 0); /* some calls wait */
				one(nr, set, address);
			}
			if (pid < 0 || waitpid(pid, &status, 0) != pid) {
				printf("cannot fork or wait: %s\n", strerror(errno));
				exit(1);
			}
			if (WIFSIGNALED(status))
				printf("%ld/%d killed by %d\n", nr, set, WTERMSIG(status));
		}
	}
	printf("end\n");
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "direct"))
		one(atol(argv[2]), atoi(argv[3]), 0);
	if (argc == 5 && !strcmp(argv[1], "gadget"))
		one(atol(argv[2]), atoi(argv[3]), strtoull(argv[4], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "all-direct"))
		all(0, atol(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "all-gadget"))
		all(strtoull(argv[2], NULL, 0), atol(argv[3]));
	return 0;
}
