/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For conformance programs: they print what they see, and the runner compares that with what the same program
 * prints on the host's Linux. So they print nothing that may differ from run to run.
 */
#ifndef TEST_H
#define TEST_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static inline const char *error_name(int error)
{
	const char *name = strerrorname_np(error);
	return name ? name : "?";
}

/* Prints the expression with its value, or with its error. */
#define SHOW(expr)                                                                                 \
	({                                                                                         \
		errno = 0;                                                                         \
		long _r = (long)(expr);                                                            \
		int _e = errno;                                                                    \
		if (_r == -1 && _e)                                                                \
			say("%s = -1 %s", #expr, error_name(_e));                                  \
		else                                                                               \
			say("%s = %ld", #expr, _r);                                                \
		errno = _e;                                                                        \
		_r;                                                                                \
	})
/* The same for values that differ from run to run (descriptors are fine in SHOW, pids and addresses are not). */
#define OK(expr)                                                                                   \
	({                                                                                         \
		errno = 0;                                                                         \
		long _r = (long)(expr);                                                            \
		int _e = errno;                                                                    \
		if (_r == -1 && _e)                                                                \
			say("%s = -1 %s", #expr, error_name(_e));                                  \
		else                                                                               \
			say("%s: ok", #expr);                                                      \
		errno = _e;                                                                        \
		_r;                                                                                \
	})
#define CHECK(condition) say("%s: %s", #condition, (condition) ? "yes" : "NO")
#define SECTION(name) say("-- %s", name)

static inline void show_status(const char *who, int status)
{
	if (WIFEXITED(status))
		say("%s exited with %d", who, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		say("%s killed by %s", who, sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "RT");
	else if (WIFSTOPPED(status))
		say("%s stopped by %s", who, sigabbrev_np(WSTOPSIG(status)) ? sigabbrev_np(WSTOPSIG(status)) : "RT");
	else if (WIFCONTINUED(status))
		say("%s continued", who);
}

/* Runs the statements in a child and shows how it ended. */
#define IN_CHILD(...)                                                                              \
	do {                                                                                       \
		pid_t _pid = fork();                                                               \
		if (_pid == 0) {                                                                   \
			__VA_ARGS__;                                                                      \
			fflush(stdout);                                                            \
			_exit(0);                                                                  \
		}                                                                                  \
		int _status = 0;                                                                   \
		if (waitpid(_pid, &_status, 0) == _pid)                                            \
			show_status("child", _status);                                             \
	} while (0)

static inline uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

#endif
