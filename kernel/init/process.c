// SPDX-License-Identifier: Apache-2.0
/*
 * From the host side's description of a program (abi/process.h) to the program: limits, directory, user, capabilities, seccomp filter.
 * The description comes from the monitor, but what is in it from a configuration: every offset is looked at.
 */
#include "kernel/init/process.h"

#include <linux/capability.h>
#include <linux/resource.h>

#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/cred.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/seccomp.h"
#include "kernel/vfs/vfs.h"

static const char *string_at(const struct program *program, u32 offset)
{
	const char *at = program->strings + offset;

	return offset < program->size && memchr(at, 0, program->size - offset) ? at : NULL;
}

/* The NUL-terminated strings at `offset` as a NULL-terminated array on the heap. */
static int string_array(const struct program *program, u32 offset, u32 n, const char ***ret_array)
{
	const char **array;

	if (n > program->size)
		return -EINVAL;
	*ret_array = array = kcalloc(n + 1UL, sizeof(*array));
	if (!array)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		array[i] = string_at(program, offset);
		if (!array[i])
			return -EINVAL;
		offset = (u32)(array[i] + strlen(array[i]) + 1 - program->strings);
	}
	return 0;
}

static bool table_fits(const struct program *program, u32 offset, u32 n, size_t each)
{
	return n <= program->size / each && offset <= program->size - n * each;
}

int process_read(struct program *program)
{
	const struct process_spec *spec = &program->spec;
	int error;

	program->step = PROCESS_STEP_SETUP;
	if (!spec->nr_argv || !table_fits(program, spec->groups, spec->nr_groups, sizeof(u32)) || spec->groups % sizeof(u32) ||
	    !table_fits(program, spec->filter, spec->nr_filter, 8) || !string_at(program, spec->cwd))
		return -EINVAL;
	error = string_array(program, spec->argv, spec->nr_argv, &program->argv);
	return error ? error : string_array(program, spec->env, spec->nr_env, &program->envp);
}

void process_release(struct program *program)
{
	kfree(program->argv);
	kfree(program->envp);
	kfree(program->path);
	program->argv = program->envp = NULL;
	program->path = NULL;
}

static void set_limits(const struct process_spec *spec)
{
	struct rlimit64 *limits = current->signal->rlimits;

	for (int i = 0; i < PROCESS_LIMITS && i < RLIM_COUNT; i++)
		if (spec->limits >> i & 1)
			limits[i] = (struct rlimit64){ spec->limit[i].soft, spec->limit[i].hard };
}

static int make_directories(const char *name)
{
	char *path = kstrdup(name);
	int error = 0;

	if (!path)
		return -ENOMEM;
	for (char *slash = strchr(path + 1, '/'); slash && !error; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		error = kernel_mkdir(path, 0755);
		*slash = '/';
		error = error == -EEXIST ? 0 : error;
	}
	if (!error)
		error = kernel_mkdir(path, 0755);
	kfree(path);
	return error == -EEXIST ? 0 : error;
}

static int enter_directory(const char *name, u32 flags)
{
	struct path path;
	int error;

	if (!*name)
		return 0;
	error = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	if (error == -ENOENT && flags & PROCESS_MAKE_CWD) {
		error = make_directories(name);
		if (!error)
			error = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	}
	if (error)
		return error;
	path_put(&current->fs->pwd);
	current->fs->pwd = path;
	return 0;
}

/* For setgroups(2)'s lookup they are kept in order. */
static int set_groups(struct cred *cred, const u32 *gids, u32 n)
{
	struct group_info *groups;

	if (!n)
		return 0;
	groups = groups_alloc((int)n);
	if (!groups)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		u32 at = i;

		for (; at && groups->gids[at - 1] > gids[i]; at--)
			groups->gids[at] = groups->gids[at - 1];
		groups->gids[at] = gids[i];
	}
	groups_put(cred->groups);
	cred->groups = groups;
	return 0;
}

static int become_user(const struct program *program)
{
	const struct process_spec *spec = &program->spec;
	struct cred *cred = prepare_creds();
	int error;

	if (!cred)
		return -ENOMEM;
	error = set_groups(cred, (const u32 *)(program->strings + spec->groups), spec->nr_groups);
	if (error) {
		cred_put(cred);
		return error;
	}
	cred->uid = cred->euid = cred->suid = cred->fsuid = spec->uid;
	cred->gid = cred->egid = cred->sgid = cred->fsgid = spec->gid;
	if (spec->flags & PROCESS_CAPABILITIES) {
		cred->cap_bounding = spec->bounding & CAP_ALL;
		cred->cap_permitted = spec->permitted & CAP_ALL;
		cred->cap_effective = spec->effective & cred->cap_permitted;
		cred->cap_inheritable = spec->inheritable & CAP_ALL;
		cred->cap_ambient = spec->ambient & cred->cap_permitted & cred->cap_inheritable;
	} else if (spec->uid) {
		cred->cap_permitted = cred->cap_effective = cred->cap_ambient = cred->cap_inheritable = 0;
	}
	commit_creds(cred);
	return 0;
}

static int set_filter(const struct program *program)
{
	const struct process_spec *spec = &program->spec;

	if (!spec->nr_filter)
		return 0;
	return (int)seccomp_attach((const void *)(program->strings + spec->filter), spec->nr_filter, spec->filter_flags);
}

int process_enter(struct program *program)
{
	const struct process_spec *spec = &program->spec;
	int error;

	program->step = PROCESS_STEP_SETUP;
	set_limits(spec);
	if (spec->flags & PROCESS_OOM_SCORE)
		current->signal->oom_score_adj = spec->oom_score_adj;
	if (spec->flags & PROCESS_UMASK)
		current->fs->umask = spec->umask & 0777;
	current->personality = spec->personality;
	program->step = PROCESS_STEP_CWD;
	/* As root, which makes what is missing; then again as the user, unless only root may go there. */
	error = enter_directory(string_at(program, spec->cwd), spec->flags);
	if (error)
		return error;
	program->step = PROCESS_STEP_SETUP;
	error = become_user(program);
	if (error)
		return error;
	if (spec->flags & PROCESS_NO_NEW_PRIVS)
		current->no_new_privs = true;
	return set_filter(program);
}

int process_find(struct program *program)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *name = program->argv[0];
	int error = -ENOENT;

	program->step = PROCESS_STEP_PROGRAM;
	if (strchr(name, '/')) {
		program->path = kstrdup(name);
		return program->path ? exec_check(name) : -ENOMEM;
	}
	for (const char *const *e = program->envp; *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			path = *e + 5;
	while (*path) {
		const char *end = strchr(path, ':');
		size_t length = end ? (size_t)(end - path) : strlen(path);
		char *candidate = kasprintf("%.*s/%s", (int)length, length ? path : ".", name);
		int this_error;

		if (!candidate)
			return -ENOMEM;
		this_error = exec_check(candidate);
		if (!this_error) {
			program->path = candidate;
			return 0;
		}
		kfree(candidate);
		if (this_error != -ENOENT && this_error != -ENOTDIR)
			error = this_error;
		path += length + (end ? 1 : 0);
	}
	return error;
}

long process_execute(struct program *program)
{
	struct exec_strings strings = { .kernel = true, .argv = program->argv, .envp = program->envp };

	program->step = PROCESS_STEP_PROGRAM;
	return do_execve(AT_FDCWD, program->path, &strings, 0);
}
