/* SPDX-License-Identifier: Apache-2.0 */
/* Options before the command, the log file, and how commands end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "runtime/json.h"

static void warn(const char *text);

struct container_globals oci_globals = { .rootless = -1, .warn = warn };

static struct {
	const char *path;
	bool json;
} log_to;

static int set_flag(const char *name, const char *value, bool *to, struct error *error)
{
	if (value && strcmp(value, "true") && strcmp(value, "false"))
		return fail(error, 0, "--%s=%s: expected true or false", name, value);
	*to = !value || !strcmp(value, "true");
	return 0;
}

static int set_rootless(const char *value, struct error *error)
{
	if (!strcmp(value, "auto"))
		oci_globals.rootless = -1;
	else if (!strcmp(value, "true") || !strcmp(value, "false"))
		oci_globals.rootless = value[0] == 't';
	else
		return fail(error, 0, "--rootless %s: expected true, false or auto", value);
	return 0;
}

static int set_log_format(const char *value, struct error *error)
{
	if (strcmp(value, "json") && strcmp(value, "text"))
		return fail(error, 0, "--log-format %s: expected text or json", value);
	log_to.json = value[0] == 'j';
	return 0;
}

static int set_mode(const char *value, struct error *error)
{
	oci_globals.mode = value;
	return container_mode(value, error) ? 0 : -1;
}

/* 1: took the option and its value from @next, 0: took the option, -1; -2: it is none of ours. */
static int take(const char *name, const char *value, const char *next, struct error *error)
{
	static const char *const with_value[] = { "root", "log", "log-format", "mode", "rootless", "criu" };
	bool known = false, needs_next = !value;
	const char *given = value ? value : next;

	if (!strcmp(name, "debug"))
		return set_flag(name, value, &oci_globals.debug, error);
	if (!strcmp(name, "systemd-cgroup"))
		return set_flag(name, value, &oci_globals.systemd_cgroup, error);
	for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]); i++)
		known |= !strcmp(name, with_value[i]);
	if (!known)
		return -2;
	if (!given)
		return fail(error, 0, "option --%s needs a value", name);
	if (!strcmp(name, "root"))
		oci_globals.root = given;
	else if (!strcmp(name, "log"))
		log_to.path = given;
	else if (!strcmp(name, "log-format") && set_log_format(given, error))
		return -1;
	else if (!strcmp(name, "mode") && set_mode(given, error))
		return -1;
	else if (!strcmp(name, "rootless") && set_rootless(given, error))
		return -1;
	return needs_next;
}

int oci_take_globals(int argc, char **argv, struct error *error)
{
	const char *slash = strrchr(argv[0] ? argv[0] : "", '/');
	int at = 1;

	if (argv[0] && !strcmp(slash ? slash + 1 : argv[0], "linuxd-native"))
		oci_globals.mode = "native";
	while (at < argc && argv[at][0] == '-' && argv[at][1] == '-' && argv[at][2]) {
		char name[32];
		const char *equals = strchr(argv[at], '=');
		size_t length = equals ? (size_t)(equals - argv[at]) - 2 : strlen(argv[at]) - 2;
		int taken;

		if (length >= sizeof(name))
			break;
		memcpy(name, argv[at] + 2, length);
		name[length] = '\0';
		taken = take(name, equals ? equals + 1 : NULL, argv[at + 1], error);
		if (taken == -2)
			break;
		if (taken < 0)
			return -1;
		at += 1 + taken;
	}
	memmove(argv + 1, argv + at, (argc - at + 1) * sizeof(char *));
	return argc - at + 1;
}

bool oci_is_asked(void) { return oci_globals.root || log_to.path; }

static void print_time(FILE *out)
{
	char text[40];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fputs(text, out);
}

static void write_log(FILE *out, bool json, const char *level, const char *text)
{
	if (json) {
		fprintf(out, "{\"level\":\"%s\",\"msg\":", level);
		json_string(out, text);
		fputs(",\"time\":\"", out);
		print_time(out);
		fputs("\"}\n", out);
	} else {
		fputs("time=\"", out);
		print_time(out);
		fprintf(out, "\" level=%s msg=", level);
		json_string(out, text);
		fputc('\n', out);
	}
}

void oci_log(const char *level, const char *text)
{
	int fd = log_to.path ? open(log_to.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644) : -1;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "a");

	if (!out)
		return;
	write_log(out, log_to.json, level, text);
	fclose(out);
}

/* With --log, standard error may be the container's, and what comes there be taken for its. */
static void warn(const char *text)
{
	if (log_to.path)
		oci_log("warning", text);
	else
		fprintf(stderr, "linuxd: warning: %s\n", text);
}

int oci_open_log(int argc, char **argv, struct error *error)
{
	int fd = log_to.path ? open(log_to.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644) : -1;
	char *text = NULL;
	size_t size;
	FILE *line;

	/* Callers look for the file even if nothing is in it. */
	if (log_to.path && fd < 0)
		return fail(error, errno, "--log %s", log_to.path);
	if (fd >= 0)
		close(fd);
	if (!oci_globals.debug || !(line = open_memstream(&text, &size)))
		return 0;
	fprintf(line, "linuxd " LINUXD_VERSION ", mode %s:", oci_globals.mode ? oci_globals.mode : "as the container says");
	for (int i = 1; i < argc; i++)
		fprintf(line, " %s", argv[i]);
	fclose(line);
	if (log_to.path)
		oci_log("debug", text);
	else
		write_log(stderr, false, "debug", text);
	free(text);
	return 0;
}

int oci_end(struct error *error)
{
	if (!error->text[0])
		return 0;
	for (char *at = error->text; (at = strchr(at, '\n'));)
		*at = ';';
	oci_log("error", error->text);
	fprintf(stderr, "linuxd: %s\n", error->text);
	return 1;
}

const char *oci_take_id(const struct cli_command *command, int argc, char **argv, int index, struct error *error)
{
	if (index >= argc) {
		fail(error, 0, "%s: expected the id of a container", command->name);
		fail_remedy(error, "usage: linuxd %s %s", command->name, command->arguments);
		return NULL;
	}
	if (index + 1 < argc) {
		fail(error, 0, "%s: takes one id, but there is also %s", command->name, argv[index + 1]);
		return NULL;
	}
	return argv[index];
}
