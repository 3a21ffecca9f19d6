/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: tables made from commands.tbl, and what the commands share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "runtime/error.h"

enum { VALUE_NONE, VALUE_REQUIRED, VALUE_OPTIONAL };

struct cli_option {
	const char *name;
	int value;         /* VALUE_* */
	const char *shown; /* with its value, as in the help text */
	const char *help;
};

struct cli_command {
	const char *name, *arguments, *help;
	const struct cli_option *options; /* ends with an empty one; NULL: none */
	int (*main)(const struct cli_command *command, int argc, char **argv);
};

/*
 * Takes the next option from argv[*index] and moves *index behind it. Returns the option's place in the table, CLI_END at the first argument
 * that is none (a "--" is passed over), CLI_HELP for --help, CLI_ERROR with @error set.
 */
enum { CLI_END = -1, CLI_HELP = -2, CLI_ERROR = -3 };
int cli_next(const struct cli_command *command, int argc, char **argv, int *index, const char **ret_value, struct error *error);
void cli_print_command_help(const struct cli_command *command, FILE *out);

/*
 * A whole command line of options and @nr arguments (the table says which) in any order: @take is given each option and returns 0, or -1
 * with @error set; arguments[] gets the others. Returns 0, CLI_HELP when help was asked for, and printed, CLI_ERROR with @error set.
 * @expected: the arguments in words, "one container".
 */
typedef int cli_take(void *request, int option, const char *value, struct error *error);
int cli_take_line(const struct cli_command *command, int argc, char **argv, cli_take *take, void *request, const char **arguments, int nr,
		  const char *expected, struct error *error);

/* "512M" or "1.5GiB" to bytes, at least one. */
int parse_size(const char *text, uint64_t *ret_size);
int parse_number(const char *text, unsigned long least, unsigned long most, unsigned long *ret_number);

/* users.c: who "U[:G]" is, in the /etc/passwd and /etc/group of the root file system. *ret_home is malloc'ed. */
int users_resolve(const char *rootfs, const char *user, uint32_t *ret_uid, uint32_t *ret_gid, char **ret_home, struct error *error);

/* builtin.c: a new root file system with busybox in it, in a private temporary directory; returns its path, NULL with @error set. */
char *builtin_make_rootfs(const char *name, struct error *error);
void builtin_remove_rootfs(const char *path);
bool builtin_exists(void);

#endif
