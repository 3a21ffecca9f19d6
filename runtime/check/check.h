/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `linuxd check`: what this host offers and lacks for each mode.
 *
 * A report is a list of items: what was looked at, what was found, what follows from that, what helps. Things are tried rather than read about where
 * that changes nothing; what the kernel was built with is only asked where nothing can be tried. The remedies are those that errors give
 * (runtime/remedy.h).
 */
#ifndef RUNTIME_CHECK_CHECK_H
#define RUNTIME_CHECK_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "runtime/remedy.h"

enum check_status {
	CHECK_OK,
	CHECK_NOTE,    /* works, but something follows that one should know */
	CHECK_MISSING, /* something optional is not there */
	CHECK_FAILED,  /* a mode cannot work without it */
};

/* Which modes an item is about; or-ed. */
enum { CHECK_NATIVE = 1, CHECK_SANDBOX = 2, CHECK_BOTH = 3 };

struct check_item {
	const char *group, *name;
	enum check_status status;
	int modes;
	char found[256];
	char consequence[320];   /* "": none */
	enum remedy remedy;
	const char *remedy_text; /* instead of one of the table; NULL: none */
};

struct check_report {
	const char *prefix;      /* stands before the paths of files, for tests; "" */
	struct check_item *items;
	size_t nr, size;
	bool failed;             /* no memory */
};

/* Adds an item; more about the last one: what follows, what helps. */
void check_add(struct check_report *report, const char *group, const char *name, enum check_status status, int modes, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
void check_consequence(struct check_report *report, enum remedy remedy, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A file below the prefix, malloc'ed, without the last newline; NULL if it cannot be read. */
char *check_read(const struct check_report *report, const char *path);
/* A number in a file; -1 if there is none. */
long check_number(const struct check_report *report, const char *path);

/* The parts, in order. */
void check_kernel(struct check_report *report);
void check_namespaces(struct check_report *report);
void check_cgroups(struct check_report *report);
void check_security(struct check_report *report);
void check_filesystems(struct check_report *report);
void check_swap(struct check_report *report);
void check_limits(struct check_report *report);
void check_tools(struct check_report *report);

/* All of them. *report is to be given to check_free. */
int check_host(struct check_report *ret_report, struct error *error);
void check_free(struct check_report *report);

/* Whether these modes can work: nothing that one of them needs has failed. */
bool check_works(const struct check_report *report, int modes);
const char *check_status_name(enum check_status status);
void check_print_table(const struct check_report *report, int modes, bool all, FILE *out);
void check_print_json(const struct check_report *report, int modes, FILE *out);

#endif
