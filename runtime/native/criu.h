/* SPDX-License-Identifier: Apache-2.0 */
/* Calling CRIU, the program that saves and restores processes: its arguments, and its log when it fails. */
#ifndef RUNTIME_NATIVE_CRIU_H
#define RUNTIME_NATIVE_CRIU_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/error.h"

#define CRIU_MAX_ARGUMENTS 512

struct criu {
	char *arguments[CRIU_MAX_ARGUMENTS]; /* malloc'ed */
	int nr;
	bool overflow;         /* of arguments, or of memory: found by criu_run */
	const char *directory; /* where it writes its log: work path or image path */
	const char *log;       /* the name of that */
	int inherited;         /* a descriptor that it gets beside the standard ones; 0: none */
};

/* criu COMMAND with what each call needs. */
void criu_begin(struct criu *criu, const char *command, const char *image_path, const char *work_path, const char *log);
void criu_add(struct criu *criu, const char *argument);
void __attribute__((format(printf, 2, 3))) criu_format(struct criu *criu, const char *format, ...);
/* Two arguments: an option and its value. */
void criu_pair(struct criu *criu, const char *option, const char *value);

/* In a child that becomes CRIU: does not return on success. */
int criu_exec(struct criu *criu, struct error *error);
/* Waits for that child; its failure becomes an error with what the log says. */
int criu_wait(struct criu *criu, pid_t pid, struct error *error);
/* Both. */
int criu_run(struct criu *criu, struct error *error);
void criu_end(struct criu *criu);

#endif
