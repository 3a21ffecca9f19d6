/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd checkpoint, restore */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "commands.gen.h"

/* Options of both commands have the same names, but not the same numbers. */
#define COMMON_OPTIONS(COMMAND)                                                                                         \
	case COMMAND##_IMAGE_PATH: options->image_path = value; return;                                                 \
	case COMMAND##_WORK_PATH: options->work_path = value; return;                                                   \
	case COMMAND##_TCP_ESTABLISHED: options->tcp_established = true; return;                                        \
	case COMMAND##_EXT_UNIX_SK: options->ext_unix_sk = true; return;                                                \
	case COMMAND##_SHELL_JOB: options->shell_job = true; return;                                                    \
	case COMMAND##_LAZY_PAGES: options->lazy_pages = true; return;                                                  \
	case COMMAND##_FILE_LOCKS: options->file_locks = true; return;                                                  \
	case COMMAND##_MANAGE_CGROUPS_MODE: options->manage_cgroups_mode = value; return;                               \
	case COMMAND##_AUTO_DEDUP: options->auto_dedup = true; return

/* CRIU changes its directory. */
static const char *absolute(const char *path)
{
	char here[PATH_MAX], *whole;

	if (!path || path[0] == '/' || !realpath(".", here) || asprintf(&whole, "%s/%s", here, path) < 0)
		return path;
	return whole;
}

/* ---- checkpoint ---- */

static void take_checkpoint_option(struct container_checkpoint *options, int option, const char *value)
{
	switch (option) {
	COMMON_OPTIONS(CHECKPOINT);
	case CHECKPOINT_PARENT_PATH: options->parent_path = value; return;
	case CHECKPOINT_LEAVE_RUNNING: options->leave_running = true; return;
	case CHECKPOINT_PRE_DUMP: options->pre_dump = true; return;
	}
}

static int checkpoint(struct container *container, const struct container_checkpoint *options, struct error *error)
{
	enum container_status status = container->mode->status(container);
	struct spec *spec;
	int result;

	if (!container->mode->checkpoint) {
		fail(error, 0, "checkpoint: containers in %s mode cannot be saved", container->mode->name);
		return fail_remedy(error, "create it with --mode native");
	}
	if (status != CONTAINER_RUNNING && status != CONTAINER_PAUSED)
		return fail(error, 0, "container cannot be checkpointed in %s state", container_status_name(status));
	spec = container_spec(container, error);
	result = spec ? container->mode->checkpoint(container, spec, options, error) : -1;
	spec_free(spec);
	if (result == 0 && !options->leave_running && !options->pre_dump)
		result = oci_remove(container, true, error);
	return result;
}

/* CRIU would look for it as soon as the container stands still. */
static int check_parent(const struct container_checkpoint *options, struct error *error)
{
	char path[PATH_MAX];

	if (!options->parent_path)
		return 0;
	if (options->parent_path[0] == '/')
		return fail(error, 0, "--parent-path %s: expected a path relative to the image", options->parent_path);
	snprintf(path, sizeof(path), "%s/%s", options->image_path, options->parent_path);
	return access(path, F_OK) ? fail(error, errno, "--parent-path %s", options->parent_path) : 0;
}

int command_checkpoint(const struct cli_command *command, int argc, char **argv)
{
	struct container_checkpoint options = { .image_path = "checkpoint" };
	struct container *container = NULL;
	struct error error = { 0 };
	const char *value, *id;
	int index = 2, option;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		take_checkpoint_option(&options, option, value);
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	options.image_path = absolute(options.image_path);
	options.work_path = absolute(options.work_path);
	if (check_parent(&options, &error) == 0 && option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)))
		container = container_open(&oci_globals, id, true, &error);
	if (container)
		checkpoint(container, &options, &error);
	container_free(container);
	return oci_end(&error);
}

/* ---- restore ---- */

static void take_restore_option(struct container_checkpoint *options, const char **bundle, int option, const char *value)
{
	switch (option) {
	COMMON_OPTIONS(RESTORE);
	case RESTORE_BUNDLE:
	case RESTORE_B: *bundle = value; return;
	case RESTORE_DETACH:
	case RESTORE_D: options->detach = true; return;
	case RESTORE_PID_FILE: options->create.pid_file = value; return;
	case RESTORE_NO_PIVOT: options->create.no_pivot = true; return;
	}
}

static int restore_as(struct container *container, const struct spec *spec, const char *bundle, const struct container_checkpoint *options,
		      struct error *error)
{
	if (!container->mode->restore) {
		fail(error, 0, "restore: containers in %s mode cannot be restored", container->mode->name);
		return fail_remedy(error, "say --mode native");
	}
	if (oci_take_config(container, spec, bundle, error) || container_keep_config(container, bundle, error) ||
	    container->mode->restore(container, spec, options, error))
		return -1;
	if (!options->create.pid_file || container_write_pid(options->create.pid_file, container->pid, error) == 0)
		return 0;
	oci_remove(container, true, &(struct error){ 0 });
	return -1;
}

static int restore(const char *id, const char *bundle, const struct container_checkpoint *options, struct error *error)
{
	char path[PATH_MAX], name[PATH_MAX + 16];
	const struct container_mode *mode;
	struct container *container = NULL;
	struct spec *spec;
	int status = -1;

	if (!realpath(bundle ? bundle : ".", path))
		return fail(error, errno, "--bundle %s", bundle);
	snprintf(name, sizeof(name), "%s/config.json", path);
	spec = spec_read(AT_FDCWD, name, "config.json", error);
	mode = spec ? oci_choose_mode(spec, error) : NULL;
	if (mode && (!mode->prepare || mode->prepare(error) == 0))
		container = container_new(&oci_globals, id, error);
	if (container) {
		container->mode = mode;
		status = restore_as(container, spec, path, options, error);
		if (status)
			container_remove(container);
		else if (!options->detach) {
			status = oci_wait(container, error);
			oci_remove(container, true, &(struct error){ 0 });
		}
	}
	container_free(container);
	spec_free(spec);
	return status;
}

int command_restore(const struct cli_command *command, int argc, char **argv)
{
	struct container_checkpoint options = { .image_path = "checkpoint" };
	const char *value, *id, *bundle = NULL;
	struct error error = { 0 };
	int index = 2, option, status = -1;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		take_restore_option(&options, &bundle, option, value);
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	options.image_path = absolute(options.image_path);
	options.work_path = absolute(options.work_path);
	if (option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)))
		status = restore(id, bundle, &options, &error);
	return error.text[0] ? oci_end(&error) : status;
}
