/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program to be started, as the host side describes it to the kernel: the container's first (boot_params.process), and what
 * `linuxd exec` adds (CONTROL_EXEC). Offsets are into the area of strings that comes with it.
 */
#ifndef ABI_PROCESS_H
#define ABI_PROCESS_H

#include <stdint.h>

#define PROCESS_TERMINAL 0x1     /* its standard descriptors are one terminal */
#define PROCESS_NO_NEW_PRIVS 0x2
#define PROCESS_CAPABILITIES 0x4 /* the five sets are meant; else those of uid 0, or none */
#define PROCESS_UMASK 0x8
#define PROCESS_OOM_SCORE 0x10
#define PROCESS_MAKE_CWD 0x20    /* a working directory that is missing is made */

/* Descriptors from 3 on that a program is given (--preserve-fds): pipes and files of the host. */
#define PRESERVED_MAX 16

#define PROCESS_LIMITS 16 /* RLIMIT_* */

struct process_spec {
	uint32_t flags;              /* PROCESS_* */
	uint32_t uid, gid, umask;
	int32_t oom_score_adj;
	uint32_t nr_argv, argv;      /* consecutive NUL-terminated strings */
	uint32_t nr_env, env;
	uint32_t cwd;                /* may be "" */
	uint32_t nr_groups, groups;  /* uint32_t each, at a multiple of 4 */
	uint32_t limits;             /* bit n: limit[n] is meant */
	uint32_t personality;
	struct {
		uint64_t soft, hard;
	} limit[PROCESS_LIMITS];
	uint64_t bounding, effective, inheritable, permitted, ambient;
	uint32_t nr_filter, filter;  /* struct sock_filter each, at a multiple of 8; 0: no seccomp filter */
	uint32_t filter_flags;       /* SECCOMP_FILTER_FLAG_* */
	uint16_t rows, columns;      /* of the terminal; 0: not known */
};

/* Where starting it failed. */
enum process_step { PROCESS_STEP_NONE, PROCESS_STEP_SETUP, PROCESS_STEP_CWD, PROCESS_STEP_PROGRAM };

#endif
