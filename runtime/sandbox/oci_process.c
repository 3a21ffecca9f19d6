/* SPDX-License-Identifier: Apache-2.0 */
/* From a process of config.json, or of `exec`, to struct sandbox_process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/sandbox/oci.h"

/* Names that are not known are passed over, as runc does: a config is written for newer kernels, too. */
static uint64_t capabilities(const struct spec_strings *list)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < list->nr; i++)
		for (int j = 0; caps_name(j); j++)
			if (!strcmp(caps_name(j), list->items[i]))
				mask |= 1ULL << j;
	return mask;
}

static void take_capabilities(const struct spec_capabilities *sets, struct process_spec *spec)
{
	static const struct spec_capabilities none;

	if (!sets)
		sets = &none;
	spec->flags |= PROCESS_CAPABILITIES;
	spec->bounding = capabilities(&sets->bounding);
	spec->effective = capabilities(&sets->effective);
	spec->inheritable = capabilities(&sets->inheritable);
	spec->permitted = capabilities(&sets->permitted);
	spec->ambient = capabilities(&sets->ambient);
}

static int take_limits(const struct spec_process *process, struct process_spec *spec, struct error *error)
{
	for (size_t i = 0; i < process->nr_rlimits; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];

		if (limit->type >= PROCESS_LIMITS)
			return fail(error, 0, "process.rlimits[%zu]: %s is not known in a sandbox", i, spec_rlimit_name(limit->type));
		spec->limits |= 1U << limit->type;
		spec->limit[limit->type].soft = limit->soft.value;
		spec->limit[limit->type].hard = limit->hard.value;
	}
	return 0;
}

/* The home directory in the root file system's /etc/passwd; malloc'ed, "/" if there is none. */
static char *home_of(const char *rootfs, uint32_t uid)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : syscall(SYS_openat2, root, "etc/passwd", &how, sizeof(how));
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[1024], *home = NULL;

	while (file && !home && fgets(line, sizeof(line), file)) {
		char *field[7] = { line };
		int nr = 1;

		for (char *at = line; *at && nr < 7; at++) {
			if (*at != ':')
				continue;
			*at = '\0';
			field[nr++] = at + 1;
		}
		if (nr == 7 && *field[2] && strtoul(field[2], NULL, 10) == uid && *field[5])
			home = strdup(field[5]);
	}
	if (file)
		fclose(file);
	if (root >= 0)
		close(root);
	return home ? home : strdup("/");
}

/* HOME is always there. */
static const char *const *environment(const struct spec_process *process, const char *rootfs)
{
	const char **env = calloc(process->env.nr + 2, sizeof(*env));
	char *home, *assignment = NULL;
	bool has_home = false;

	for (size_t i = 0; env && i < process->env.nr; i++) {
		env[i] = process->env.items[i];
		has_home |= !strncmp(env[i], "HOME=", 5) && env[i][5];
	}
	if (!env || has_home)
		return env;
	home = home_of(rootfs, process->user.uid);
	if (home && asprintf(&assignment, "HOME=%s", home) > 0)
		env[process->env.nr] = assignment;
	free(home);
	return env;
}

static int take_filter(const struct spec *spec, struct sandbox_process *to, struct error *error)
{
	struct sock_fprog *program;
	bool listener;

	if (!spec->linux_ || !spec->linux_->seccomp)
		return 0;
	if (seccomp_compile(NULL, spec, &program, &to->spec.filter_flags, &listener, error))
		return -1;
	if (listener) {
		fail(error, 0, "linux.seccomp: SCMP_ACT_NOTIFY: there is no user notification in a sandbox");
		return fail_remedy(error, "leave the rule out, or run the container with --mode native");
	}
	to->filter = program->filter;
	to->nr_filter = program->len;
	return 0;
}

static uint32_t personality_of(const struct spec_personality *wanted)
{
	return wanted ? wanted->domain : 0;
}

int oci_process_make(const struct spec *spec, const struct spec_process *process, const char *rootfs, struct sandbox_process *ret_process,
		     struct error *error)
{
	struct process_spec *to = &ret_process->spec;
	uint32_t *groups = calloc(process->user.nr_additional_gids + 1, sizeof(*groups));

	*ret_process = (struct sandbox_process){ .argv = process->args.items, .env = environment(process, rootfs), .cwd = process->cwd };
	if (!groups || !ret_process->env)
		return fail(error, 0, "out of memory");
	if (!process->args.nr)
		return fail(error, 0, "process.args: is empty");
	to->uid = process->user.uid;
	to->gid = process->user.gid;
	if (process->user.umask.set) {
		to->flags |= PROCESS_UMASK;
		to->umask = process->user.umask.value;
	}
	for (size_t i = 0; i < process->user.nr_additional_gids; i++)
		groups[i] = process->user.additional_gids[i].value;
	ret_process->groups = groups;
	ret_process->nr_groups = process->user.nr_additional_gids;
	if (process->oom_score_adj.set) {
		to->flags |= PROCESS_OOM_SCORE;
		to->oom_score_adj = process->oom_score_adj.value;
	}
	to->flags |= (process->no_new_privileges ? PROCESS_NO_NEW_PRIVS : 0) | (process->terminal ? PROCESS_TERMINAL : 0);
	if (process->terminal && process->console_size) {
		to->rows = process->console_size->height.value;
		to->columns = process->console_size->width.value;
	}
	to->personality = personality_of(spec->linux_ ? spec->linux_->personality : NULL);
	take_capabilities(process->capabilities, to);
	return take_limits(process, to, error) ? -1 : take_filter(spec, ret_process, error);
}
