/* SPDX-License-Identifier: Apache-2.0 */
/* For attack programs: each line of output is "ok WHAT" or "FAIL WHAT"; the exit status says if one failed. */
#ifndef ATTACK_H
#define ATTACK_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* As in include/abi/layout.h. */
#define KERNEL_IMAGE 0x680000000000UL
#define KERNEL_HEAP 0x681000000000UL
#define KERNEL_PAGES 0x690000000000UL
#define KERNEL_START 0x680000000000UL
#define KERNEL_END 0x6c0000000000UL
#define SITE_TABLE 0x7f060000UL

static int failures;

static inline void result(bool good, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs(good ? "ok " : "FAIL ", stdout);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
	failures += !good;
}

static inline long raw_call(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ __volatile__("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return ret;
}

/* A seconds' limit for what may block. */
static inline void no_handler(int sig) { }

#endif
