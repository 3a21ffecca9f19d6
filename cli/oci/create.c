/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd create, start, run (of a bundle) */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "commands.gen.h"
#include "runtime/boot/record.h"

/* ---- making one ---- */

const struct container_mode *oci_choose_mode(const struct spec *spec, struct error *error)
{
	const char *mode = oci_globals.mode ? oci_globals.mode : spec_annotation(spec, "org.linuxd.mode");

	return container_mode(mode ? mode : "sandbox", error);
}

int oci_take_config(struct container *container, const struct spec *spec, const char *bundle, struct error *error)
{
	char resolved[PATH_MAX], *path = NULL;

	container->bundle = strdup(bundle);
	container->oci_version = strdup(spec->oci_version);
	if (spec->root->path[0] != '/' && asprintf(&path, "%s/%s", bundle, spec->root->path) < 0)
		path = NULL;
	if (!realpath(path ? path : spec->root->path, resolved)) {
		fail(error, errno, "config.json: root.path: %s", path ? path : spec->root->path);
		free(path);
		return -1;
	}
	free(path);
	container->rootfs = strdup(resolved);
	for (size_t i = 0; i < spec->annotations.nr; i++)
		json_object_object_add(container->annotations, spec->annotations.items[i].key,
				       json_object_new_string(spec->annotations.items[i].value));
	container->systemd_cgroup = oci_globals.systemd_cgroup;
	container->rootless = oci_globals.rootless >= 0 ? oci_globals.rootless : geteuid() != 0 || container_in_user_namespace();
	return 0;
}

struct container *oci_create(const char *id, const char *bundle, const struct container_create *options, struct spec **ret_spec,
			     struct error *error)
{
	char path[PATH_MAX], name[PATH_MAX + 16];
	const struct container_mode *mode;
	struct container *container = NULL;
	struct spec *spec = NULL;
	int result = -1, mark;

	if (!realpath(bundle ? bundle : ".", path)) {
		fail(error, errno, "--bundle %s", bundle);
		return NULL;
	}
	snprintf(name, sizeof(name), "%s/config.json", path);
	/* It may execute this program again: before anything is read, unless what is read says which mode it is. */
	mode = oci_globals.mode ? container_mode(oci_globals.mode, error) : NULL;
	if (oci_globals.mode && (!mode || (mode->prepare && mode->prepare(error))))
		return NULL;
	container_trim();
	mark = boot_mark_begin(options->record, "config.json", BOOT_CALLER);
	spec = spec_read(AT_FDCWD, name, "config.json", error);
	boot_mark_end(options->record, mark, spec ? BOOT_DONE : BOOT_FAILED);
	if (!spec)
		return NULL;
	container_trim();
	if (!mode) {
		mode = oci_choose_mode(spec, error);
		if (mode && mode->prepare && mode->prepare(error))
			mode = NULL;
	}
	container_trim();
	container = mode ? container_new(&oci_globals, id, error) : NULL;
	if (!container) {
		spec_free(spec);
		return NULL;
	}
	container->mode = mode;
	mark = boot_mark_begin(options->record, "directory", BOOT_CALLER);
	if (oci_take_config(container, spec, path, error) == 0 && container_keep_config(container, path, error) == 0) {
		boot_mark_end(options->record, mark, BOOT_DONE);
		if (!spec->process)
			fail(error, 0, "config.json: process: is missing: a container cannot be created without");
		else if (!container->mode->create)
			fail(error, 0, "mode %s cannot create containers yet", container->mode->name);
		else
			result = container->mode->create(container, spec, options, error);
	}
	if (result == 0 && options->pid_file && container_write_pid(options->pid_file, container->pid, error)) {
		struct error ignored = { 0 };

		container->mode->delete (container, spec, true, &ignored);
		result = -1;
	}
	container_trim();
	if (result == 0) {
		*ret_spec = spec;
		return container;
	}
	container_remove(container);
	container_free(container);
	spec_free(spec);
	return NULL;
}

static int take_number(const char *name, const char *value, unsigned int *to, struct error *error)
{
	unsigned long number;

	if (parse_number(value, 0, 100000, &number))
		return fail(error, 0, "--%s %s: expected a number", name, value);
	*to = number;
	return 0;
}

/* --boot-chart: NULL is none. Written at once, so that a file that cannot be is found out before there is a container. */
static int open_chart(const char *path, struct container_create *options, struct error *error)
{
	if (!path)
		return 0;
	options->record = boot_record_new(error);
	return options->record ? boot_chart_write(options->record, path, "nothing yet", error) : -1;
}

/* Also of what failed; then @error stays what it is. */
static void close_chart(const char *path, struct container_create *options, const char *id, struct error *error)
{
	struct error ignored = { 0 };

	if (options->record)
		boot_chart_write(options->record, path, id, error->text[0] ? &ignored : error);
	boot_record_free(options->record);
	options->record = NULL;
}

int oci_take_preserved(const char *value, unsigned int *ret_nr, struct error *error)
{
	if (take_number("preserve-fds", value, ret_nr, error))
		return -1;
	for (unsigned int i = 0; i < *ret_nr; i++)
		if (fcntl(3 + i, F_GETFD) < 0)
			return fail(error, 0, "--preserve-fds %u: descriptor %u is not open", *ret_nr, 3 + i);
	return 0;
}

int command_create(const struct cli_command *command, int argc, char **argv)
{
	struct container_create options = { 0 };
	const char *value, *bundle = NULL, *chart = NULL, *id;
	struct container *container = NULL;
	struct error error = { 0 };
	struct spec *spec = NULL;
	int index = 2, option;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0) {
		if (option == CREATE_BUNDLE || option == CREATE_B)
			bundle = value;
		else if (option == CREATE_PID_FILE)
			options.pid_file = value;
		else if (option == CREATE_CONSOLE_SOCKET)
			options.console_socket = value;
		else if (option == CREATE_NO_PIVOT)
			options.no_pivot = true;
		else if (option == CREATE_NO_NEW_KEYRING)
			options.no_new_keyring = true;
		else if (option == CREATE_BOOT_CHART)
			chart = value;
		else if (option == CREATE_PRESERVE_FDS && oci_take_preserved(value, &options.preserve_fds, &error))
			return oci_end(&error);
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)) && open_chart(chart, &options, &error) == 0) {
		container = oci_create(id, bundle, &options, &spec, &error);
		close_chart(chart, &options, id, &error);
	}
	container_free(container);
	spec_free(spec);
	return oci_end(&error);
}

/* ---- start ---- */

static int start(struct container *container, const struct spec *spec, struct error *error)
{
	enum container_status status = container->mode->status(container);

	if (status == CONTAINER_STOPPED)
		return fail(error, 0, "cannot start a container that has stopped");
	if (status == CONTAINER_RUNNING)
		return fail(error, 0, "cannot start an already running container");
	if (status != CONTAINER_CREATED)
		return fail(error, 0, "cannot start a container in the %s state", container_status_name(status));
	return container->mode->start(container, spec, error);
}

int command_start(const struct cli_command *command, int argc, char **argv)
{
	struct container *container = NULL;
	struct error error = { 0 };
	struct spec *spec = NULL;
	const char *value, *id;
	int index = 2, option = cli_next(command, argc, argv, &index, &value, &error);

	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)))
		container = container_open(&oci_globals, id, true, &error);
	if (container)
		spec = container_spec(container, &error);
	if (spec)
		start(container, spec, &error);
	container_free(container);
	spec_free(spec);
	return oci_end(&error);
}

/* ---- run ---- */

bool oci_run_is_meant(int argc, char **argv)
{
	static const char *const options[] = { "--bundle", "-b", "--detach", "-d", "--pid-file", "--console-socket", "--no-pivot",
					       "--no-new-keyring", "--preserve-fds", "--keep", "--no-subreaper" };

	if (oci_is_asked())
		return true;
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++) {
		for (size_t j = 0; j < sizeof(options) / sizeof(options[0]); j++) {
			size_t length = strlen(options[j]);

			if (!strncmp(argv[i], options[j], length) && (!argv[i][length] || argv[i][length] == '='))
				return true;
		}
	}
	return argc == 3 && argv[2][0] != '-' && !strchr(argv[2], ':') && access("config.json", F_OK) == 0;
}

int oci_wait(struct container *container, struct error *error)
{
	close(container->lock_fd);
	container->lock_fd = -1;
	return container->mode->wait(container, error);
}

/* From here on signals are the container's: they wait until ->wait passes them on, and do not end us alone. */
static void keep_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

static int run(const char *id, const char *bundle, struct container_create *options, const char *chart, bool keep, struct error *error)
{
	struct spec *spec = NULL;
	struct container *container = oci_create(id, bundle, options, &spec, error);
	int status = -1, mark;

	if (container) {
		if (options->foreground)
			keep_signals();
		mark = boot_mark_begin(options->record, "start", BOOT_CALLER);
		status = start(container, spec, error);
		boot_mark_end(options->record, mark, status ? BOOT_FAILED : BOOT_DONE);
	}
	close_chart(chart, options, id, error);
	if (!container)
		return -1;
	if (status == 0 && options->foreground)
		status = oci_wait(container, error);
	if (options->foreground ? !keep || status < 0 : status < 0) {
		struct error ignored = { 0 };

		oci_remove(container, true, status < 0 ? &ignored : error);
	}
	container_free(container);
	spec_free(spec);
	return status;
}

int oci_run(const struct cli_command *command, int argc, char **argv)
{
	struct container_create options = { .foreground = true };
	const char *value, *bundle = NULL, *chart = NULL, *id;
	struct error error = { 0 };
	bool keep = false;
	int index = 2, option, status = -1;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0) {
		if (option == RUN_BUNDLE || option == RUN_B)
			bundle = value;
		else if (option == RUN_PID_FILE)
			options.pid_file = value;
		else if (option == RUN_CONSOLE_SOCKET)
			options.console_socket = value;
		else if (option == RUN_DETACH || option == RUN_D)
			options.foreground = false;
		else if (option == RUN_NO_PIVOT)
			options.no_pivot = true;
		else if (option == RUN_NO_NEW_KEYRING)
			options.no_new_keyring = true;
		else if (option == RUN_BOOT_CHART)
			chart = value;
		else if (option == RUN_KEEP)
			keep = true;
		else if (option == RUN_NO_SUBREAPER)
			continue;
		else if (option != RUN_PRESERVE_FDS)
			fail(&error, 0, "run: option %s goes with --rootfs or an image, not with a bundle", argv[index - 1]);
		else
			oci_take_preserved(value, &options.preserve_fds, &error);
		if (error.text[0])
			return oci_end(&error);
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)) && open_chart(chart, &options, &error) == 0)
		status = run(id, bundle, &options, chart, keep, &error);
	return error.text[0] ? oci_end(&error) : status;
}
