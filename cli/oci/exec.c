/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd exec */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "commands.gen.h"

#define MAX_LIST 256

struct exec {
	struct container_exec options;
	const char *process_file;
	const char *user, *cwd, *apparmor, *label;
	const char *env[MAX_LIST], *caps[MAX_LIST], *gids[MAX_LIST], *subgroups[MAX_LIST];
	size_t nr_env, nr_caps, nr_gids;
	bool tty, no_new_privs;
};

static int add(const char *list[MAX_LIST], size_t *nr, const char *name, const char *value, struct error *error)
{
	if (*nr == MAX_LIST)
		return fail(error, 0, "more than %d options --%s", MAX_LIST, name);
	list[(*nr)++] = value;
	return 0;
}

static int take(struct exec *exec, int option, const char *value, struct error *error)
{

	switch (option) {
	case EXEC_PROCESS:
	case EXEC_P:
		exec->process_file = value;
		return 0;
	case EXEC_CONSOLE_SOCKET:
		exec->options.console_socket = value;
		return 0;
	case EXEC_PID_FILE:
		exec->options.pid_file = value;
		return 0;
	case EXEC_CWD:
		exec->cwd = value;
		return 0;
	case EXEC_ENV:
	case EXEC_E:
		return add(exec->env, &exec->nr_env, "env", value, error);
	case EXEC_TTY:
	case EXEC_T:
		exec->tty = true;
		return 0;
	case EXEC_USER:
	case EXEC_U:
		exec->user = value;
		return 0;
	case EXEC_ADDITIONAL_GIDS:
	case EXEC_G:
		return add(exec->gids, &exec->nr_gids, "additional-gids", value, error);
	case EXEC_DETACH:
	case EXEC_D:
		exec->options.detach = true;
		return 0;
	case EXEC_PROCESS_LABEL:
		exec->label = value;
		return 0;
	case EXEC_APPARMOR:
		exec->apparmor = value;
		return 0;
	case EXEC_NO_NEW_PRIVS:
		exec->no_new_privs = true;
		return 0;
	case EXEC_CAP:
	case EXEC_C:
		return add(exec->caps, &exec->nr_caps, "cap", value, error);
	case EXEC_PRESERVE_FDS:
		return oci_take_preserved(value, &exec->options.preserve_fds, error);
	case EXEC_CGROUP:
		exec->options.subgroups = exec->subgroups;
		return add(exec->subgroups, &exec->options.nr_subgroups, "cgroup", value, error);
	case EXEC_IGNORE_PAUSED:
		exec->options.ignore_paused = true;
		return 0;
	}
	return 0; /* --no-subreaper: none was made */
}

static int number(const char *name, const char *text, uint32_t *ret_number, struct error *error)
{
	unsigned long value;

	if (parse_number(text, 0, UINT32_MAX - 1, &value))
		return fail(error, 0, "--%s %s: expected a number", name, text);
	*ret_number = value;
	return 0;
}

static int set_user(struct spec_user *user, const char *text, struct error *error)
{
	char uid[16];
	const char *colon = strchr(text, ':');

	snprintf(uid, sizeof(uid), "%.*s", colon ? (int)(colon - text) : 15, text);
	if (number("user", uid, &user->uid, error))
		return -1;
	return colon ? number("user", colon + 1, &user->gid, error) : 0;
}

/* The longer of two lists, made of malloc'ed memory that lives as long as the command. */
static int append(struct spec_strings *list, const char **more, size_t nr, struct error *error)
{
	const char **items = calloc(list->nr + nr + 1, sizeof(char *));

	if (!items)
		return fail(error, 0, "out of memory");
	memcpy(items, list->items, list->nr * sizeof(char *));
	memcpy(items + list->nr, more, nr * sizeof(char *));
	*list = (struct spec_strings){ .items = items, .nr = list->nr + nr };
	return 0;
}

/* "kill" and "cap_kill" are CAP_KILL. */
static void spell_out(const char **caps, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		char *text = NULL;

		if (asprintf(&text, "%s%s", strncasecmp(caps[i], "CAP_", 4) ? "CAP_" : "", caps[i]) < 0)
			continue;
		for (char *at = text; *at; at++)
			*at = toupper((unsigned char)*at);
		caps[i] = text;
	}
}

static int add_capabilities(struct spec_process *process, struct exec *exec, struct error *error)
{
	struct spec_capabilities *own = calloc(1, sizeof(*own));

	if (!own)
		return fail(error, 0, "out of memory");
	if (process->capabilities)
		*own = *process->capabilities;
	process->capabilities = own;
	spell_out(exec->caps, exec->nr_caps);
	return append(&own->bounding, exec->caps, exec->nr_caps, error) || append(&own->effective, exec->caps, exec->nr_caps, error) ||
			       append(&own->permitted, exec->caps, exec->nr_caps, error)
		       ? -1
		       : 0;
}

static int add_groups(struct spec_user *user, const struct exec *exec, struct error *error)
{
	struct spec_unsigned *groups = calloc(user->nr_additional_gids + exec->nr_gids, sizeof(*groups));

	if (!groups)
		return fail(error, 0, "out of memory");
	memcpy(groups, user->additional_gids, user->nr_additional_gids * sizeof(*groups));
	for (size_t i = 0; i < exec->nr_gids; i++) {
		uint32_t gid = 0;

		if (number("additional-gids", exec->gids[i], &gid, error))
			return -1;
		groups[user->nr_additional_gids++] = (struct spec_unsigned){ .set = true, .value = gid };
	}
	user->additional_gids = groups;
	return 0;
}

/* The container's own process, with other arguments and what options say. */
static int change_process(struct spec_process *process, struct exec *exec, char **arguments, struct error *error)
{
	size_t nr = 0;

	while (arguments[nr])
		nr++;
	if (nr == 0)
		return fail(error, 0, "exec: expected a command behind the id, or --process");
	process->args = (struct spec_strings){ .items = (const char **)arguments, .nr = nr };
	process->terminal = exec->tty;
	process->no_new_privileges |= exec->no_new_privs;
	if (exec->cwd)
		process->cwd = exec->cwd;
	if (exec->apparmor)
		process->apparmor_profile = exec->apparmor;
	if (exec->label)
		process->selinux_label = exec->label;
	if (exec->user && set_user(&process->user, exec->user, error))
		return -1;
	if (exec->nr_caps && add_capabilities(process, exec, error))
		return -1;
	if (exec->nr_gids && add_groups(&process->user, exec, error))
		return -1;
	return append(&process->env, exec->env, exec->nr_env, error);
}

static int run(struct container *container, struct exec *exec, char **arguments, struct error *error)
{
	struct spec *spec = container_spec(container, error), *own = NULL;
	enum container_status status;
	int result = -1;

	if (!spec)
		return -1;
	status = container->mode->status(container);
	if (status == CONTAINER_STOPPED)
		fail(error, 0, "cannot exec in a stopped container");
	else if (status == CONTAINER_PAUSED && !exec->options.ignore_paused)
		fail(error, 0, "cannot exec in a paused container (use --ignore-paused to override)");
	else if (!container->mode->exec)
		fail(error, 0, "mode %s has no exec", container->mode->name);
	else if (exec->process_file) {
		own = spec_read_process(exec->process_file, error);
		exec->options.process = own ? own->process : NULL;
	} else if (change_process(spec->process, exec, arguments, error) == 0) {
		exec->options.process = spec->process;
	}
	if (exec->options.process)
		result = container->mode->exec(container, spec, &exec->options, error);
	spec_free(own);
	spec_free(spec);
	return result;
}

int command_exec(const struct cli_command *command, int argc, char **argv)
{
	struct exec exec = { 0 };
	struct container *container = NULL;
	struct error error = { 0 };
	int index = 2, option, result = -1;
	const char *value;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		if (take(&exec, option, value, &error))
			break;
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (!error.text[0] && index >= argc)
		fail(&error, 0, "exec: expected the id of a container");
	if (!error.text[0])
		container = container_open(&oci_globals, argv[index], false, &error);
	if (container && (!container->mode->prepare || container->mode->prepare(&error) == 0))
		result = run(container, &exec, argv + index + 1, &error);
	container_free(container);
	/* What the program ended with; 255 if it could not be started, as runc has it. */
	if (error.text[0]) {
		oci_end(&error);
		return 255;
	}
	return result;
}
