/* SPDX-License-Identifier: Apache-2.0 */
/* From init to the program of the container: limits, identity, rights, environment. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/native/cpulist.h"
#include "runtime/native/init.h"
#include "runtime/native/path.h"
#include "runtime/native/self.h"
#include "runtime/native/sync.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- from the runtime ---- */

int process_limits(pid_t pid, const struct spec_process *process, bool rootless, struct error *error)
{
	char path[40], text[24];
	int proc;

	if (FAULT("limits"))
		return -1;
	for (size_t i = 0; i < process->nr_rlimits; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];
		struct rlimit value = { .rlim_cur = limit->soft.value, .rlim_max = limit->hard.value };

		if (prlimit(pid, limit->type, &value, NULL))
			return fail(error, errno, "process.rlimits[%zu]: cannot set %s to %llu, %llu", i, spec_rlimit_name(limit->type),
				    (unsigned long long)limit->soft.value, (unsigned long long)limit->hard.value);
	}
	if (!process->oom_score_adj.set)
		return 0;
	proc = path_open_procfs(error);
	if (proc < 0)
		return -1;
	snprintf(path, sizeof(path), "%d/oom_score_adj", pid);
	snprintf(text, sizeof(text), "%lld", (long long)process->oom_score_adj.value);
	/* Lowering it takes the host's rights: without them it stays, as runc has it. */
	if (path_write(proc, path, text) && !(rootless && (errno == EACCES || errno == EPERM))) {
		fail(error, errno, "process.oomScoreAdj: cannot set it to %s", text);
		close(proc);
		return -1;
	}
	close(proc);
	return 0;
}

int process_check_preserved(unsigned int preserve_fds, struct error *error)
{
	for (unsigned int i = 0; i < preserve_fds; i++)
		if (fcntl(3 + i, F_GETFD) < 0 || (int)(3 + i) == self_mount())
			return fail(error, 0, "--preserve-fds %u: descriptor %u is not open", preserve_fds, 3 + i);
	return 0;
}

/* ---- attributes ---- */

static int set_scheduler(const struct spec_scheduler *scheduler, struct error *error)
{
	struct sched_attr attributes = {
		.size = sizeof(attributes),
		.sched_policy = scheduler->policy,
		.sched_flags = scheduler->flags,
		.sched_nice = scheduler->nice,
		.sched_priority = scheduler->priority,
		.sched_runtime = scheduler->runtime,
		.sched_deadline = scheduler->deadline,
		.sched_period = scheduler->period,
	};

	if (syscall(SYS_sched_setattr, 0, &attributes, 0))
		return fail(error, errno, "process.scheduler: cannot set it");
	return 0;
}

static int set_memory_policy(const struct spec_memory_policy *policy, struct error *error)
{
	unsigned long nodes[CPULIST_WORDS] = { 0 };

	if (policy->nodes && cpulist_parse(policy->nodes, nodes))
		return fail(error, 0, "linux.memoryPolicy.nodes: \"%.100s\" is no list of nodes, as in 0-1,3", policy->nodes);
	if (syscall(SYS_set_mempolicy, policy->mode | policy->flags, policy->nodes ? nodes : NULL, policy->nodes ? CPULIST_BITS + 1 : 0))
		return fail(error, errno, "linux.memoryPolicy: cannot set it");
	return 0;
}

int process_attributes(struct init *init, struct error *error)
{
	const struct spec_process *process = init->process;
	const struct spec_linux *l = init->spec->linux_;

	if (FAULT("attributes"))
		return -1;
	if (process->scheduler && set_scheduler(process->scheduler, error))
		return -1;
	if (process->io_priority && syscall(SYS_ioprio_set, 1, 0, process->io_priority->class << 13 | process->io_priority->priority))
		return fail(error, errno, "process.ioPriority: cannot set it");
	if (l->personality && personality(l->personality->domain) < 0)
		return fail(error, errno, "linux.personality: cannot set it");
	return l->memory_policy ? set_memory_policy(l->memory_policy, error) : 0;
}

/* ---- identity ---- */

static int set_groups(const struct spec_user *user, struct error *error)
{
	gid_t *groups = calloc(user->nr_additional_gids + 1, sizeof(*groups));
	int result;

	if (!groups)
		return fail(error, 0, "out of memory");
	for (size_t i = 0; i < user->nr_additional_gids; i++)
		groups[i] = user->additional_gids[i].value;
	result = setgroups(user->nr_additional_gids, groups);
	free(groups);
	/* In a user namespace with a single group nobody may set groups, not even to none. */
	if (result && (errno != EPERM || user->nr_additional_gids))
		return fail(error, errno, "process.user.additionalGids: cannot set them");
	return 0;
}

/* A program that is not root must be able to open /dev/stdout again. */
static void give_streams(uid_t uid)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat status;

		if (fstat(fd, &status) || status.st_uid == uid || (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)))
			continue;
		if (fchown(fd, uid, -1))
			continue; /* of a read-only file system, or of an owner who is not in our user namespace: as it is */
	}
}

static int become_user(const struct spec_user *user, struct error *error)
{
	give_streams(user->uid);
	if (set_groups(user, error))
		return -1;
	if (setresgid(user->gid, user->gid, user->gid))
		return fail(error, errno, "process.user.gid: cannot become group %u", user->gid);
	if (setresuid(user->uid, user->uid, user->uid))
		return fail(error, errno, "process.user.uid: cannot become user %u", user->uid);
	return 0;
}

int process_become(struct init *init, struct error *error)
{
	const struct spec_process *process = init->process;

	if (FAULT("identity"))
		return -1;
	if (caps_drop_bounding(process->capabilities, error))
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return fail(error, errno, "cannot keep capabilities over a change of user");
	if (become_user(&process->user, error))
		return -1;
	/* The change of identity has made us dumpable again where it could; the program's own exec decides that anew. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (process_change_directory(init, error))
		return -1;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	if (caps_apply(process->capabilities, error))
		return -1;
	umask(process->user.umask.set ? process->user.umask.value : 0022);
	return 0;
}

/*
 * As the user, with the capabilities of root still there. A descriptor that leaked, as /proc/self/fd/7, would lead out of the container: the
 * kernel says for each directory whether it can be reached from the root.
 */
int process_change_directory(struct init *init, struct error *error)
{
	const char *cwd = init->process->cwd;
	char path[4200];

	if (chdir(cwd))
		return fail(error, errno, "process.cwd: cannot change to %s", cwd);
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return fail(error, errno, "process.cwd: cannot tell where %s is", cwd);
	if (path[0] != '/')
		return fail(error, 0, "process.cwd: %s is outside of the container's root file system", cwd);
	return 0;
}

int process_close(const struct init *init, struct error *error)
{
	if (close_range(3 + init->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC)) {
		/* Before Linux 5.11. */
		for (int fd = 3 + init->preserve_fds, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	for (unsigned int fd = 3; fd < 3 + init->preserve_fds; fd++)
		if (fcntl(fd, F_SETFD, 0))
			return fail(error, errno, "cannot pass descriptor %u on", fd);
	return 0;
}

/* ---- environment and program ---- */

static const char *get(char **env, const char *name)
{
	size_t length = strlen(name);
	const char *found = NULL;

	for (; *env; env++)
		if (!strncmp(*env, name, length) && (*env)[length] == '=')
			found = *env + length + 1;
	return found;
}

/* The home directory of @uid in the container's /etc/passwd; "/" if there is none. malloc'ed, with "HOME=" before it. */
static char *home_of(uid_t uid)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL, *result = NULL;
	size_t size = 0;

	while (!result && file && getline(&line, &size, file) > 0) {
		char *at = line, *fields[7] = { NULL };

		for (int i = 0; i < 7; i++)
			fields[i] = strsep(&at, ":\n");
		if (fields[5] && *fields[5] && fields[2] && *fields[2] && strtoul(fields[2], NULL, 10) == uid &&
		    asprintf(&result, "HOME=%s", fields[5]) < 0)
			result = NULL;
	}
	free(line);
	if (file)
		fclose(file);
	return result ? result : strdup("HOME=/");
}

char **process_environment(const struct spec_process *process, unsigned int listen_fds, struct error *error)
{
	char **env = calloc(process->env.nr + 4, sizeof(char *)), *text = NULL;
	size_t nr = 0;

	if (!env) {
		fail(error, 0, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < process->env.nr; i++)
		if (strchr(process->env.items[i], '='))
			env[nr++] = (char *)process->env.items[i];
	if (listen_fds && asprintf(&text, "LISTEN_FDS=%u", listen_fds) >= 0) {
		env[nr++] = text;
		env[nr++] = "LISTEN_PID=1";
	}
	if (!get(env, "HOME"))
		env[nr++] = home_of(process->user.uid);
	return env;
}

/*
 * Directories and what may not be executed are passed over when there may be more in PATH. The container's seccomp filter may be there already, and
 * forbid to ask by the newer call (faccessat2), or at all: then the exec will tell.
 */
static int check_program(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno == EPERM && faccessat(AT_FDCWD, path, X_OK, 0) == 0)
		return 0;
	return errno == EPERM ? 0 : errno;
}

static char *search(const char *name, const char *directories, int *ret_errno)
{
	*ret_errno = ENOENT;
	while (*directories) {
		size_t length = strcspn(directories, ":");
		char *path = NULL;
		int result;

		if (asprintf(&path, "%.*s/%s", length ? (int)length : 1, length ? directories : ".", name) < 0)
			return NULL;
		result = check_program(path);
		if (result == 0)
			return path;
		if (result == EACCES)
			*ret_errno = EACCES;
		free(path);
		directories += length + (directories[length] == ':');
	}
	return NULL;
}

/* In the words, and the case, that dockerd looks for when it decides between the exit statuses 126 and 127. */
static void explain_program(const char *name, int problem, struct error *error)
{
	if (problem == EACCES || problem == EISDIR)
		fail(error, 0, "exec: \"%s\": %s", name, problem == EACCES ? "permission denied" : "is a directory");
	else if (problem == ENOENT)
		fail(error, 0, "exec: \"%s\": stat %s: no such file or directory", name, name);
	else
		fail(error, problem, "exec: \"%s\": stat %s", name, name);
	error->code = problem;
}

char *process_find(const struct init *init, struct error *error)
{
	const char *name = init->process->args.items[0], *directories = get(init->env, "PATH");
	char *found;
	int problem;

	if (strchr(name, '/')) {
		problem = check_program(name);
		if (problem == 0)
			return strdup(name);
		explain_program(name, problem, error);
		return NULL;
	}
	found = search(name, directories ? directories : DEFAULT_PATH, &problem);
	if (!found && problem == EACCES)
		explain_program(name, problem, error);
	else if (!found)
		fail(error, 0, "exec: \"%s\": executable file not found in $PATH", name);
	return found;
}
