/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/criu.h"
#include "runtime/remedy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_LINE 1024

void criu_add(struct criu *criu, const char *argument)
{
	char *copy = criu->nr < CRIU_MAX_ARGUMENTS - 1 ? strdup(argument) : NULL;

	if (copy)
		criu->arguments[criu->nr++] = copy;
	else
		criu->overflow = true;
}

void criu_format(struct criu *criu, const char *format, ...)
{
	va_list values;
	char *text = NULL;

	va_start(values, format);
	if (vasprintf(&text, format, values) < 0)
		text = NULL;
	va_end(values);
	if (text)
		criu_add(criu, text);
	else
		criu->overflow = true;
	free(text);
}

void criu_pair(struct criu *criu, const char *option, const char *value)
{
	criu_add(criu, option);
	criu_add(criu, value);
}

void criu_begin(struct criu *criu, const char *command, const char *image_path, const char *work_path, const char *log)
{
	*criu = (struct criu){ .directory = work_path ? work_path : image_path, .log = log };
	criu_pair(criu, "criu", command);
	criu_pair(criu, "--images-dir", image_path);
	criu_pair(criu, "--work-dir", criu->directory);
	criu_pair(criu, "--log-file", log);
	criu_add(criu, "-v4");
}

int criu_exec(struct criu *criu, struct error *error)
{
	if (criu->overflow)
		return fail(error, 0, "too many arguments for criu: more than %d mounts and descriptors", CRIU_MAX_ARGUMENTS / 2);
	if (criu->inherited && fcntl(criu->inherited, F_SETFD, 0))
		return fail(error, errno, "cannot pass a descriptor to criu");
	execvp("criu", criu->arguments);
	if (errno != ENOENT)
		return fail(error, errno, "cannot run criu");
	fail(error, 0, "criu is not installed");
	return fail_remedy_of(error, REMEDY_CRIU);
}

/* It tries programs that need not be there, and tells how each ended. */
static bool is_reason(const char *line)
{
	return line[0] == '(' && strstr(line, "Error (") && !strstr(line, "-V failed") && !strstr(line, "exited, status=");
}

/* The first line of the log that is an error: what follows is what came of it. */
static bool first_error(const struct criu *criu, char line[LOG_LINE])
{
	char path[4096];
	bool found = false;
	FILE *log;

	snprintf(path, sizeof(path), "%s/%s", criu->directory, criu->log);
	log = fopen(path, "re");
	while (log && !found && fgets(line, LOG_LINE, log))
		found = is_reason(line);
	if (log)
		fclose(log);
	line[strcspn(line, "\n")] = '\0';
	return found;
}

int criu_wait(struct criu *criu, pid_t pid, struct error *error)
{
	char line[LOG_LINE] = "";
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(error, errno, "cannot wait for criu");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	/* The child has said it itself. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return fail(error, 0, "criu could not be started");
	if (first_error(criu, line))
		fail(error, 0, "criu failed: %s", line);
	else
		fail(error, 0, "criu failed: %s %d", WIFSIGNALED(status) ? "signal" : "exit status",
		     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return fail_remedy(error, "its log is %s/%s; \"criu check\" tells whether it works with this kernel at all", criu->directory, criu->log);
}

int criu_run(struct criu *criu, struct error *error)
{
	pid_t pid = fork();

	if (pid < 0)
		return fail(error, errno, "cannot fork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0)
			dup3(null, 1, 0); /* cloexec: a standard stream */
		criu_exec(criu, error);
		fprintf(stderr, "linuxd: %s\n", error->text);
		_exit(127);
	}
	return criu_wait(criu, pid, error);
}

void criu_end(struct criu *criu)
{
	for (int i = 0; i < criu->nr; i++)
		free(criu->arguments[i]);
}
