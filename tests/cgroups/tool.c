/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup library as a command, for tests without containers.
 *
 *	tool create STATE ID PATH RESOURCES [systemd|rootless]    PATH and RESOURCES may be "-": none
 *	tool run STATE COMMAND...       in the groups, entered by pid; exit status as a shell's
 *	tool clone STATE COMMAND...     the same with CLONE_INTO_CGROUP
 *	tool update|freeze|thaw|pids|kill|stats|oom|remove STATE [ARGUMENT]
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/oci/spec.h"

static struct error error;

static void check(int result)
{
	if (result == 0)
		return;
	fprintf(stderr, "%s\n", error.text);
	exit(1);
}

static const struct spec_resources *read_resources(const char *path)
{
	static char text[65536];
	static struct spec *spec; /* for as long as the program runs */
	FILE *file;

	if (!strcmp(path, "-"))
		return NULL;
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(1);
	}
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	spec = spec_parse_resources(text, strlen(text), path, &error);
	check(spec ? 0 : -1);
	return spec->linux_->resources;
}

static struct cgroup *load(const char *path)
{
	struct json_object *saved = json_object_from_file(path);
	struct cgroup *cgroup;

	if (!saved) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	check(cgroup_load(saved, &cgroup, &error));
	json_object_put(saved);
	return cgroup;
}

static void save(const struct cgroup *cgroup, const char *path)
{
	struct json_object *saved = cgroup_save(cgroup);

	json_object_to_file(path, saved);
	json_object_put(saved);
	if (*cgroup_warnings(cgroup))
		fprintf(stderr, "warning: %s\n", cgroup_warnings(cgroup));
}

static int create(int argc, char **argv)
{
	struct cgroup_options options = { .id = argv[3], .path = strcmp(argv[4], "-") ? argv[4] : NULL };
	const struct spec_resources *resources = read_resources(argv[5]);
	struct cgroup *cgroup;
	pid_t pid = 0;

	for (int i = 6; i < argc; i++) {
		options.systemd |= !strcmp(argv[i], "systemd");
		options.rootless |= !strcmp(argv[i], "rootless");
	}
	check(cgroup_new(&options, &cgroup, &error));
	if (cgroup_needs_process(cgroup)) {
		pid = fork();
		if (pid == 0) {
			close(0);
			close(1);
			close(2);
			execlp("sleep", "sleep", "60", NULL);
			_exit(127);
		}
	}
	if (cgroup_create(cgroup, pid, resources, &error) || cgroup_apply(cgroup, resources, &error)) {
		struct error ignored;

		if (pid)
			kill(pid, SIGKILL);
		cgroup_remove(cgroup, &ignored);
		check(-1);
	}
	save(cgroup, argv[2]);
	if (pid)
		printf("%d\n", pid);
	cgroup_free(cgroup);
	return 0;
}

static int finish(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(struct cgroup *cgroup, char **command)
{
	int pipes[2];
	char byte;
	pid_t pid;

	if (pipe(pipes))
		return 1;
	pid = fork();
	if (pid == 0) {
		close(pipes[1]);
		if (read(pipes[0], &byte, 1) == 1)
			execvp(command[0], command);
		_exit(127);
	}
	if (cgroup_enter(cgroup, pid, &error)) {
		kill(pid, SIGKILL);
		check(-1);
	}
	if (write(pipes[1], "x", 1) != 1)
		return 1;
	return finish(pid);
}

static int clone_into(struct cgroup *cgroup, char **command)
{
	struct clone_args arguments = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = cgroup_clone_fd(cgroup) };
	pid_t pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0) {
		perror("clone3");
		return 1;
	}
	return finish(pid);
}

/* A line for each time it ran out of memory, until the group is gone. */
static int oom(struct cgroup *cgroup)
{
	struct cgroup_oom watch;
	int nr;

	check(cgroup_oom_open(cgroup, &watch, &error));
	printf("watching\n");
	fflush(stdout);
	for (;;) {
		struct pollfd poller = { .fd = watch.fd, .events = POLLIN };

		poll(&poller, 1, 1000);
		nr = cgroup_oom_read(&watch);
		if (nr < 0)
			break;
		for (int i = 0; i < nr; i++)
			printf("oom\n");
		fflush(stdout);
	}
	cgroup_oom_close(&watch);
	printf("gone\n");
	return 0;
}

static int pids(struct cgroup *cgroup)
{
	pid_t *list;
	int nr;

	check(cgroup_pids(cgroup, &list, &nr, &error));
	for (int i = 0; i < nr; i++)
		printf("%d\n", list[i]);
	free(list);
	return 0;
}

int main(int argc, char **argv)
{
	struct cgroup *cgroup;
	int result = 0;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "create"))
		return argc < 6 ? 2 : create(argc, argv);
	cgroup = load(argv[2]);
	if (!strcmp(argv[1], "run") && argc > 3)
		result = run(cgroup, argv + 3);
	else if (!strcmp(argv[1], "clone") && argc > 3)
		result = clone_into(cgroup, argv + 3);
	else if (!strcmp(argv[1], "update") && argc > 3)
		check(cgroup_update(cgroup, read_resources(argv[3]), &error));
	else if (!strcmp(argv[1], "freeze") || !strcmp(argv[1], "thaw"))
		check(cgroup_freeze(cgroup, !strcmp(argv[1], "freeze"), &error));
	else if (!strcmp(argv[1], "frozen"))
		printf("%s\n", cgroup_is_frozen(cgroup) ? "yes" : "no");
	else if (!strcmp(argv[1], "pids"))
		result = pids(cgroup);
	else if (!strcmp(argv[1], "kill") && argc > 3)
		check(cgroup_kill(cgroup, atoi(argv[3]), &error));
	else if (!strcmp(argv[1], "stats"))
		check(cgroup_write_stats(cgroup, "tool", stdout, &error));
	else if (!strcmp(argv[1], "oom"))
		result = oom(cgroup);
	else if (!strcmp(argv[1], "remove"))
		check(cgroup_remove(cgroup, &error));
	else
		result = 2;
	if (*cgroup_warnings(cgroup))
		fprintf(stderr, "warning: %s\n", cgroup_warnings(cgroup));
	cgroup_free(cgroup);
	return result;
}
