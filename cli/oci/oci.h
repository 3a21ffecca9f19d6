/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the OCI runtime share: global options, and how they end. */
#ifndef CLI_OCI_OCI_H
#define CLI_OCI_OCI_H

#include "cli/cli.h"
#include "runtime/oci/container.h"

/* As they stood before the command. */
extern struct container_globals oci_globals;

/*
 * Takes the options before the command out of argv: afterwards argv[1] is the command. Also knows by the name in argv[0] which mode is meant.
 * Returns the new argc, or -1 with @error set.
 */
int oci_take_globals(int argc, char **argv, struct error *error);
/* --root was given: the caller wants an OCI runtime's answers. */
bool oci_is_asked(void);

/*
 * The end of a command: 0 without an error, else 1, with the error on standard error and in --log, there in the format of --log-format, as a line
 * {"level":"error","msg":"...","time":"..."}.
 */
int oci_end(struct error *error);
void oci_log(const char *level, const char *text);
/* Makes the --log file; with --debug the first entry, which goes to standard error without --log, is the command. 0, or -1 with @error set. */
int oci_open_log(int argc, char **argv, struct error *error);

/* The single argument that is an id, after options. NULL with @error set. */
const char *oci_take_id(const struct cli_command *command, int argc, char **argv, int index, struct error *error);

/* Which mode a new container has. */
const struct container_mode *oci_choose_mode(const struct spec *spec, struct error *error);

/* Makes a container from a bundle; 0, or -1 with @error set and nothing left. The container is open and locked then. */
struct container *oci_create(const char *id, const char *bundle, const struct container_create *options, struct spec **ret_spec,
			     struct error *error);
/* What a new container knows from its config.json and its bundle (absolute). 0, or -1 with @error set. */
int oci_take_config(struct container *container, const struct spec *spec, const char *bundle, struct error *error);
/* After its start in the foreground: others may get at it while it runs. Its exit status, or -1. */
int oci_wait(struct container *container, struct error *error);
/* delete, of a container that was opened and locked. */
int oci_remove(struct container *container, bool force, struct error *error);

/*
 * --preserve-fds: checks that they are open, while nothing of our own is: a number that is free now would be that of one of our files soon. 0, or -1
 * with @error set.
 */
int oci_take_preserved(const char *value, unsigned int *ret_nr, struct error *error);

/* Signals by number, or by name with or without SIG. -1 with @error set. */
int oci_parse_signal(const char *text, struct error *error);

/* Whether `run` means a bundle (and not --rootfs or an image); and that. */
bool oci_run_is_meant(int argc, char **argv);
int oci_run(const struct cli_command *command, int argc, char **argv);

/* `ps` and `list` as an OCI runtime has them. */
int oci_ps(const char *id, bool json, char **ps_arguments, struct error *error);
int oci_list(bool json, bool quiet, struct error *error);
bool oci_container_exists(const char *id);
/* It exists, and its programs run on a kernel of its own. */
bool oci_container_is_sandbox(const char *id);

#endif
