/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd run */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/oci/oci.h"
#include "commands.gen.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/state.h"

#define MAX_ENV 1024

struct run {
	struct sandbox_config config;
	const char *user;
	char *env[MAX_ENV + 1];
	int nr_env;
	char *made_rootfs; /* builtin image, to be removed */
	struct trace_target trace;
};

/* A later setting of a variable replaces an earlier one. */
static int set_env(struct run *run, char *assignment, bool keep_existing, struct error *error)
{
	size_t length = strcspn(assignment, "=") + 1;

	for (int i = 0; i < run->nr_env; i++) {
		if (!strncmp(run->env[i], assignment, length)) {
			if (!keep_existing)
				run->env[i] = assignment;
			return 0;
		}
	}
	if (run->nr_env == MAX_ENV)
		return fail(error, 0, "more than %d environment variables", MAX_ENV);
	run->env[run->nr_env++] = assignment;
	return 0;
}

static int add_env(struct run *run, const char *value, struct error *error)
{
	char *assignment = strdup(value);

	if (!*value || *value == '=')
		return fail(error, 0, "--env %s: expected NAME=VALUE", value);
	if (!strchr(value, '=')) {
		const char *host_value = getenv(value);

		if (!host_value)
			return 0;
		free(assignment);
		if (asprintf(&assignment, "%s=%s", value, host_value) < 0)
			return fail(error, 0, "out of memory");
	}
	return set_env(run, assignment, false, error);
}

static int default_env(struct run *run, const char *home, struct error *error)
{
	char *text[3] = { NULL };

	if (asprintf(&text[0], "HOSTNAME=%s", run->config.hostname) < 0 || asprintf(&text[1], "HOME=%s", home) < 0)
		return fail(error, 0, "out of memory");
	text[2] = strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	for (int i = 2; i >= 0; i--)
		if (set_env(run, text[i], true, error))
			return -1;
	if (run->config.tty)
		return set_env(run, strdup("TERM=xterm"), true, error);
	return 0;
}

static struct sandbox_mount *new_mount(struct run *run, struct error *error)
{
	if (run->config.nr_mounts == BOOT_MAX_MOUNTS - 1) {
		fail(error, 0, "more than %d mounts", BOOT_MAX_MOUNTS - 1);
		return NULL;
	}
	return &run->config.mounts[run->config.nr_mounts++];
}

static int add_bind(struct run *run, const char *value, struct error *error)
{
	char *source = strdup(value), *target = strchr(source, ':'), *mode;
	struct sandbox_mount *mount;

	if (!target || target == source || target[1] != '/')
		return fail(error, 0, "--bind %s: expected HOST:CTR[:ro] with an absolute path in the container", value);
	*target++ = '\0';
	mode = strchr(target, ':');
	if (mode)
		*mode++ = '\0';
	if (mode && strcmp(mode, "ro") && strcmp(mode, "rw"))
		return fail(error, 0, "--bind %s: after the second colon stands ro or rw", value);
	mount = new_mount(run, error);
	if (!mount)
		return -1;
	*mount = (struct sandbox_mount){ .source = source, .target = target, .read_only = mode && !strcmp(mode, "ro") };
	return 0;
}

static int add_tmpfs(struct run *run, const char *value, struct error *error)
{
	struct sandbox_mount *mount;

	if (value[0] != '/')
		return fail(error, 0, "--tmpfs %s: expected an absolute path in the container", value);
	mount = new_mount(run, error);
	if (!mount)
		return -1;
	*mount = (struct sandbox_mount){ .target = value };
	return 0;
}

static int set_number(const char *name, const char *value, unsigned long least, unsigned long most,
		      unsigned int *ret_number, struct error *error)
{
	unsigned long number;

	if (parse_number(value, least, most, &number))
		return fail(error, 0, "--%s %s: expected a number from %lu to %lu", name, value, least, most);
	*ret_number = number;
	return 0;
}

static int set_hostname(struct sandbox_config *config, const char *value, struct error *error)
{
	if (!*value || strlen(value) > 64)
		return fail(error, 0, "--hostname %s: a host name has 1 to 64 characters", value);
	config->hostname = value;
	return 0;
}

static int set_name(struct sandbox_config *config, const char *value, struct error *error)
{
	if (!state_name_is_valid(value))
		return fail(error, 0, "--name %s: a name has up to %d letters, digits, or _.- after the first", value, STATE_NAME_SIZE - 1);
	config->name = value;
	return 0;
}

static int set_deterministic(struct sandbox_config *config, const char *value, struct error *error)
{
	unsigned long seed;

	if (parse_number(value, 0, ULONG_MAX, &seed))
		return fail(error, 0, "--deterministic %s: expected a seed, a number from 0 to %lu", value, ULONG_MAX);
	config->deterministic = true;
	config->seed = seed;
	return 0;
}

static int take_option(struct run *run, int option, const char *value, struct error *error)
{
	struct sandbox_config *config = &run->config;

	switch (option) {
	case RUN_ROOTFS:
		config->rootfs = value;
		return 0;
	case RUN_NAME:
		return set_name(config, value, error);
	case RUN_CPUS:
		return set_number("cpus", value, 1, BOOT_MAX_CPUS, &config->cpus, error);
	case RUN_MEMORY:
		if (parse_size(value, &config->memory) || config->memory < 8 << 20)
			return fail(error, 0, "--memory %s: expected a size of at least 8M, as in 512M or 2G", value);
		return 0;
	case RUN_ENV:
		return add_env(run, value, error);
	case RUN_WORKDIR:
		if (value[0] != '/')
			return fail(error, 0, "--workdir %s: expected an absolute path in the container", value);
		config->workdir = value;
		return 0;
	case RUN_USER:
		run->user = value;
		return 0;
	case RUN_HOSTNAME:
		return set_hostname(config, value, error);
	case RUN_BIND:
		return add_bind(run, value, error);
	case RUN_TMPFS:
		return add_tmpfs(run, value, error);
	case RUN_NETWORK:
		return network_config_mode(&config->network, value, error);
	case RUN_PUBLISH:
	case RUN_P:
		return network_config_publish(&config->network, value, error);
	case RUN_ALLOW:
	case RUN_DENY:
		return policy_add(&config->network.policy, value, option == RUN_ALLOW, error);
	case RUN_DNS:
		return network_config_dns(&config->network, value, error);
	case RUN_ADD_HOST:
		return network_config_host(&config->network, value, error);
	case RUN_TTY:
		config->tty = true;
		return 0;
	case RUN_READ_ONLY:
		config->read_only = true;
		return 0;
	case RUN_STRACE:
		config->strace = true;
		config->strace_file = value;
		return 0;
	case RUN_TRACE:
		run->trace = (struct trace_target){ .path = value };
		config->trace = &run->trace;
		config->trace_what = RECORD_ALL;
		return trace_target_open(&run->trace, error);
	case RUN_STATS:
		config->stats = true;
		return 0;
	case RUN_ASYNC_THREADS:
		return set_number("async-threads", value, 0, 64, &config->async_threads, error);
	case RUN_INSECURE_HOST_FILES:
		config->insecure_host_files = true;
		return 0;
	case RUN_DETERMINISTIC:
		return set_deterministic(config, value, error);
	case RUN_DEBUG:
		config->debug = true;
		return 0;
	case RUN_BOOT_CHART:
		config->boot_chart = value;
		if (!config->boot)
			config->boot = boot_record_new(error);
		/* A file that cannot be written is found out before anything runs. */
		return config->boot ? boot_chart_write(config->boot, value, "nothing yet", error) : -1;
	}
	return fail(error, 0, "option %d has no meaning", option);
}

/* Returns 0, 1 when help was asked for, -1. */
static int take_options(const struct cli_command *command, struct run *run, int argc, char **argv, int *index, struct error *error)
{
	const char *value;
	int option;

	for (;;) {
		option = cli_next(command, argc, argv, index, &value, error);
		if (option == CLI_ERROR)
			return -1;
		if (option == CLI_HELP)
			return 1;
		if (option != CLI_END) {
			if (take_option(run, option, value, error))
				return -1;
			continue;
		}
		/* The image is an argument; options may follow it. */
		if (!run->config.rootfs && *index < argc && strcmp(argv[*index - 1], "--")) {
			run->config.rootfs = argv[(*index)++];
			continue;
		}
		return 0;
	}
}

static int prepare(const struct cli_command *command, struct run *run, char **arguments, struct error *error)
{
	static char *shell[] = { "/bin/sh", NULL };
	struct sandbox_config *config = &run->config;
	char *home;

	if (!config->rootfs) {
		fail(error, 0, "run: no root file system");
		return fail_remedy(error, "usage: linuxd %s [OPTION...] %s", command->name, command->arguments);
	}
	if (config->deterministic && config->tty) {
		fail(error, 0, "run: --deterministic does not go with --tty: keys are pressed when they are pressed");
		return fail_remedy(error, "give the input as a file or a pipe");
	}
	if (config->deterministic && config->cpus > 1)
		return fail(error, 0, "run: --deterministic has one cpu, --cpus %u asks for more", config->cpus);
	if (network_config_check(&config->network, error))
		return -1;
	if (config->deterministic && (config->network.nr_published || (config->network.chosen && config->network.mode != NETWORK_NONE)))
		return fail(error, 0, "run: --deterministic has no network: what comes from outside comes when it comes");
	config->argv = arguments[0] ? arguments : shell;
	run->trace.title = config->name ? config->name : config->argv[0];
	if (!strncmp(config->rootfs, "builtin:", 8)) {
		run->made_rootfs = builtin_make_rootfs(config->rootfs, error);
		if (!run->made_rootfs)
			return -1;
		config->rootfs = run->made_rootfs;
	}
	if (users_resolve(config->rootfs, run->user, &config->uid, &config->gid, &home, error) || default_env(run, home, error))
		return -1;
	config->env = run->env;
	return 0;
}

int command_run(const struct cli_command *command, int argc, char **argv)
{
	static struct run run = { .config = { .hostname = "linuxd", .async_threads = 4 } };
	struct error error = { 0 };
	int index = 2, result = EXIT_LINUXD;

	if (oci_run_is_meant(argc, argv))
		return oci_run(command, argc, argv);

	switch (take_options(command, &run, argc, argv, &index, &error)) {
	case 1:
		cli_print_command_help(command, stdout);
		return 0;
	case 0:
		if (prepare(command, &run, argv + index, &error) == 0)
			result = sandbox_run(&run.config, &error);
	}
	if (run.made_rootfs)
		builtin_remove_rootfs(run.made_rootfs);
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	return result;
}
