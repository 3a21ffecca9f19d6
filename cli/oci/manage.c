/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd state, kill, delete, pause, resume, list and ps as an OCI runtime has them */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "commands.gen.h"
#include "runtime/json.h"

static struct container *open_argument(const struct cli_command *command, int argc, char **argv, int index, bool lock, struct error *error)
{
	const char *id = oci_take_id(command, argc, argv, index, error);

	return id ? container_open(&oci_globals, id, lock, error) : NULL;
}

/* For commands without options: 1 when help was asked for. */
static int no_options(const struct cli_command *command, int argc, char **argv, int *index, struct error *error)
{
	const char *value;
	int option = cli_next(command, argc, argv, index, &value, error);

	if (option == CLI_HELP)
		cli_print_command_help(command, stdout);
	return option == CLI_HELP;
}

int command_state(const struct cli_command *command, int argc, char **argv)
{
	struct container *container = NULL;
	struct error error = { 0 };
	int index = 2;

	if (no_options(command, argc, argv, &index, &error))
		return 0;
	if (!error.text[0])
		container = open_argument(command, argc, argv, index, false, &error);
	if (container && container->mode->status)
		container_print(container, container->mode->status(container), true, stdout);
	container_free(container);
	return oci_end(&error);
}

/* ---- kill ---- */

int oci_parse_signal(const char *text, struct error *error)
{
	unsigned long number;

	if (parse_number(text, 0, SIGRTMAX, &number) == 0)
		return number;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int signal = 1; signal < 32; signal++) {
		const char *name = sigabbrev_np(signal);

		if (name && !strcasecmp(name, text))
			return signal;
	}
	if (!strcasecmp(text, "RTMIN"))
		return SIGRTMIN;
	if (!strcasecmp(text, "RTMAX"))
		return SIGRTMAX;
	if (!strncasecmp(text, "RTMIN+", 6) && parse_number(text + 6, 0, SIGRTMAX - SIGRTMIN, &number) == 0)
		return SIGRTMIN + number;
	if (!strncasecmp(text, "RTMAX-", 6) && parse_number(text + 6, 0, SIGRTMAX - SIGRTMIN, &number) == 0)
		return SIGRTMAX - number;
	return fail(error, 0, "unknown signal \"%s\"", text);
}

int command_kill(const struct cli_command *command, int argc, char **argv)
{
	struct container *container = NULL;
	struct error error = { 0 };
	int index = 2, option, signal = SIGTERM;
	const char *value;
	bool all = false;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		all = true;
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && index + 1 < argc) {
		signal = oci_parse_signal(argv[index + 1], &error);
		argc = index + 2 == argc ? index + 1 : argc;
	}
	if (!error.text[0])
		container = open_argument(command, argc, argv, index, false, &error);
	if (container && !container->mode->kill)
		fail(&error, 0, "mode %s cannot send signals", container->mode->name);
	else if (container)
		container->mode->kill(container, signal, all, &error);
	container_free(container);
	return oci_end(&error);
}

/* ---- delete ---- */

int oci_remove(struct container *container, bool force, struct error *error)
{
	struct error ignored = { 0 };
	/* It is needed for hooks only: a container whose create was interrupted may have none. */
	struct spec *spec = container_spec(container, &ignored);
	int result = container->mode->delete ? container->mode->delete (container, spec, force, error) : 0;

	if (result == 0)
		container_remove(container);
	spec_free(spec);
	return result;
}

int command_delete(const struct cli_command *command, int argc, char **argv)
{
	struct container *container = NULL;
	struct error error = { 0 };
	int index = 2, option;
	const char *value, *id;
	bool force = false;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		force = true;
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)))
		container = container_open(&oci_globals, id, true, &error);
	/* What is not there need not be removed, says --force. */
	if (!container && force && option == CLI_END && index < argc && !oci_container_exists(argv[index]))
		return 0;
	if (container)
		oci_remove(container, force, &error);
	container_free(container);
	return oci_end(&error);
}

bool oci_container_exists(const char *id)
{
	struct error ignored = { 0 };
	struct container *container = container_open(&oci_globals, id, false, &ignored);

	container_free(container);
	return container;
}

bool oci_container_is_sandbox(const char *id)
{
	struct error ignored = { 0 };
	struct container *container = container_open(&oci_globals, id, false, &ignored);
	bool is_sandbox = container && container->mode == &sandbox_mode;

	container_free(container);
	return is_sandbox;
}

/* ---- pause, resume ---- */

static int simple(const struct cli_command *command, int argc, char **argv, bool pause)
{
	struct container *container = NULL;
	struct error error = { 0 };
	int index = 2;

	if (no_options(command, argc, argv, &index, &error))
		return 0;
	if (!error.text[0])
		container = open_argument(command, argc, argv, index, true, &error);
	if (container) {
		int (*operation)(struct container *, struct error *) = pause ? container->mode->pause : container->mode->resume;

		if (operation)
			operation(container, &error);
		else
			fail(&error, 0, "mode %s cannot %s", container->mode->name, command->name);
	}
	container_free(container);
	return oci_end(&error);
}

int command_pause(const struct cli_command *command, int argc, char **argv) { return simple(command, argc, argv, true); }

int command_resume(const struct cli_command *command, int argc, char **argv) { return simple(command, argc, argv, false); }

/* ---- list ---- */

/* Without the C library's name services, which a static program has not. */
static const char *owner_name(uid_t uid, char *to, size_t size)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry;

	snprintf(to, size, "#%u", uid);
	while (file && (entry = fgetpwent(file)))
		if (entry->pw_uid == uid) {
			snprintf(to, size, "%s", entry->pw_name);
			break;
		}
	if (file)
		fclose(file);
	return to;
}

#define LIST_COLUMNS 6

struct listing {
	bool json, quiet;
	int nr;
	char *(*rows)[LIST_COLUMNS]; /* malloc'ed, as are the cells */
};

static const char *const list_heading[LIST_COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };

static void add_row(struct listing *listing, const struct container *container, enum container_status status, pid_t pid)
{
	char *(*rows)[LIST_COLUMNS] = realloc(listing->rows, (listing->nr + 1) * sizeof(*rows)), number[16], owner[64];
	const char *cells[LIST_COLUMNS] = { container->id, number, container_status_name(status), container->bundle, container->created,
					    owner_name(container->owner, owner, sizeof(owner)) };

	if (!rows)
		return;
	listing->rows = rows;
	snprintf(number, sizeof(number), "%d", pid);
	for (int i = 0; i < LIST_COLUMNS; i++)
		rows[listing->nr][i] = strdup(cells[i] ? cells[i] : "");
	listing->nr++;
}

static void print_cell(const char *text, int width, bool last)
{
	if (last)
		puts(text);
	else
		printf("%-*s   ", width, text);
}

/* Columns as wide as their widest cell, at least 12: who reads this by its columns knows it so from runc. */
static void print_rows(struct listing *listing)
{
	int width[LIST_COLUMNS];

	for (int i = 0; i < LIST_COLUMNS; i++) {
		width[i] = 9;
		for (int j = 0; j < listing->nr; j++)
			width[i] = (int)strlen(listing->rows[j][i]) > width[i] ? (int)strlen(listing->rows[j][i]) : width[i];
	}
	for (int i = 0; i < LIST_COLUMNS; i++)
		print_cell(list_heading[i], width[i], i == LIST_COLUMNS - 1);
	for (int j = 0; j < listing->nr; j++) {
		for (int i = 0; i < LIST_COLUMNS; i++) {
			print_cell(listing->rows[j][i], width[i], i == LIST_COLUMNS - 1);
			free(listing->rows[j][i]);
		}
	}
	free(listing->rows);
}

static void list_one(struct container *container, void *argument)
{
	struct listing *listing = argument;
	enum container_status status = container->mode->status ? container->mode->status(container) : CONTAINER_STOPPED;
	pid_t pid = status == CONTAINER_STOPPED ? 0 : container->pid;

	if (listing->quiet) {
		puts(container->id);
	} else if (listing->json) {
		fputs(listing->nr ? "," : "", stdout);
		container_print(container, status, false, stdout);
		listing->nr++;
	} else {
		add_row(listing, container, status, pid);
	}
}

int oci_list(bool json, bool quiet, struct error *error)
{
	struct listing listing = { .json = json, .quiet = quiet };

	if (json)
		fputs("[", stdout);
	container_each(&oci_globals, list_one, &listing, error);
	if (json)
		puts("]");
	else if (!quiet)
		print_rows(&listing);
	return 0;
}

/* ---- ps ---- */

static bool is_among(long pid, const pid_t *pids, int nr)
{
	for (int i = 0; i < nr; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Column of the word PID in the heading, counted in words. */
static int pid_column(const char *heading)
{
	int column = 0;

	for (const char *at = heading; *at; column++) {
		at += strspn(at, " \t\n");
		if (!strncmp(at, "PID", 3) && strchr(" \t\n", at[3]))
			return column;
		at += strcspn(at, " \t\n");
	}
	return -1;
}

static long number_in_column(const char *line, int column)
{
	for (; column > 0; column--) {
		line += strspn(line, " \t");
		line += strcspn(line, " \t");
	}
	return strtol(line, NULL, 10);
}

/* As runc does: the host's ps, and of its lines those of the container. */
static int filter_ps(char **arguments, const pid_t *pids, int nr, struct error *error)
{
	char *all[16] = { "ps" }, *line = NULL;
	int pipe_fds[2], column, count = 1, status = 0;
	size_t size = 0;
	FILE *in;
	pid_t child;

	for (; arguments && arguments[count - 1] && count < 15; count++)
		all[count] = arguments[count - 1];
	if (count == 1)
		all[count++] = "-ef";
	if (pipe2(pipe_fds, O_CLOEXEC))
		return fail(error, errno, "cannot make a pipe");
	child = fork();
	if (child == 0) {
		dup2(pipe_fds[1], 1); /* cloexec: a standard stream */
		execvp("ps", all);
		_exit(127);
	}
	close(pipe_fds[1]);
	in = fdopen(pipe_fds[0], "r");
	column = in && getline(&line, &size, in) > 0 ? pid_column(line) : -1;
	if (column >= 0)
		fputs(line, stdout);
	while (column >= 0 && getline(&line, &size, in) > 0)
		if (is_among(number_in_column(line, column), pids, nr))
			fputs(line, stdout);
	free(line);
	if (in)
		fclose(in);
	if (child > 0)
		waitpid(child, &status, 0);
	if (column < 0)
		return fail(error, 0, "ps: the host's ps has failed, or its output has no column PID");
	return 0;
}

int oci_ps(const char *id, bool json, char **ps_arguments, struct error *error)
{
	struct container *container = container_open(&oci_globals, id, false, error);
	pid_t *pids = NULL;
	int nr = 0, result;

	if (!container)
		return -1;
	if (!container->mode->ps)
		result = fail(error, 0, "mode %s has no ps", container->mode->name);
	else
		result = container->mode->ps(container, &pids, &nr, error);
	container_free(container);
	if (result == 0 && json) {
		putchar('[');
		for (int i = 0; i < nr; i++)
			printf("%s%d", i ? "," : "", pids[i]);
		puts("]");
	} else if (result == 0) {
		result = filter_ps(ps_arguments, pids, nr, error);
	}
	free(pids);
	return result;
}
