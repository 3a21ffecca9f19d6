/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd list */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/oci/oci.h"
#include "cli/tasks.h"
#include "commands.gen.h"
#include "runtime/json.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/state.h"

static void print_json(const struct state_entry *entries, int nr)
{
	fputs("[", stdout);
	for (int i = 0; i < nr; i++) {
		printf("%s\n  {\"ociVersion\": \"1.2.0\", \"id\": ", i ? "," : "");
		json_string(stdout, entries[i].id);
		fputs(", \"status\": ", stdout);
		json_string(stdout, entries[i].status);
		printf(", \"pid\": %d, \"bundle\": ", entries[i].pid);
		json_string(stdout, entries[i].bundle);
		fputs(", \"created\": ", stdout);
		json_string(stdout, entries[i].created);
		fputs(", \"name\": ", stdout);
		json_string(stdout, entries[i].name);
		fputs("}", stdout);
	}
	puts(nr ? "\n]" : "]");
}

/* state.json may have been within a container's reach, with --bind or --rootfs /. */
static void print_row(const char *id, const char *name, const char *status, const char *pid, const char *created, const char *root)
{
	struct line line;

	line_start(&line, 0, false);
	line_put(&line, 14, id);
	line_put(&line, 18, name);
	line_put(&line, 10, status);
	line_put(&line, 10, pid);
	line_put(&line, 22, created);
	line_put(&line, 0, root);
	line_end(&line, stdout);
}

static void print_table(const struct state_entry *entries, int nr)
{
	print_row("ID", "NAME", "STATUS", "PID", "CREATED", "ROOT");
	for (int i = 0; i < nr; i++) {
		const struct state_entry *entry = &entries[i];
		char pid[16], created[20];

		snprintf(pid, sizeof(pid), "%d", entry->pid);
		snprintf(created, sizeof(created), "%.19s", entry->created);
		print_row(entry->id, entry->name[0] ? entry->name : "-", entry->status, pid, created, entry->bundle);
	}
}

struct listing {
	struct state_entry *entries;
	int nr;
};

/* A sandbox that an OCI runtime made is among those of `run` already: its entry, or a new one; NULL: out of memory. */
static struct state_entry *entry_for(struct listing *listing, const char *id)
{
	struct state_entry *entries;

	for (int i = 0; i < listing->nr; i++)
		if (!strcmp(listing->entries[i].id, id))
			return &listing->entries[i];
	entries = realloc(listing->entries, (listing->nr + 1) * sizeof(*entries));
	if (!entries)
		return NULL;
	listing->entries = entries;
	return &entries[listing->nr++];
}

/* OCI containers of the default root stand beside those of `run`. */
static void add_oci(struct container *container, void *argument)
{
	struct state_entry *entry = entry_for(argument, container->id);
	enum container_status status;

	if (!entry)
		return;
	*entry = (struct state_entry){ .pid = 0 };
	status = container->mode->status ? container->mode->status(container) : CONTAINER_STOPPED;
	snprintf(entry->id, sizeof(entry->id), "%.*s", STATE_ID_SIZE - 1, container->id);
	snprintf(entry->status, sizeof(entry->status), "%s", container_status_name(status));
	snprintf(entry->created, sizeof(entry->created), "%s", container->created);
	snprintf(entry->bundle, sizeof(entry->bundle), "%s", container->bundle ? container->bundle : "");
	entry->pid = status == CONTAINER_STOPPED ? 0 : container->pid;
}

static int print(const char *format, bool quiet, bool names, struct error *error)
{
	struct listing all = { 0 };
	const struct state_entry *entries;
	int nr;

	if (strcmp(format, "table") && strcmp(format, "json"))
		return fail(error, 0, "--format %s: expected table or json", format);
	if (oci_is_asked())
		return oci_list(!strcmp(format, "json"), quiet, error);
	if (state_list(&all.entries, &all.nr, error) || container_each(&oci_globals, add_oci, &all, error))
		return -1;
	entries = all.entries;
	nr = all.nr;
	if (quiet || names)
		for (int i = 0; i < nr; i++)
			puts(names && state_name_is_valid(entries[i].name) ? entries[i].name : entries[i].id);
	else if (!strcmp(format, "json"))
		print_json(entries, nr);
	else
		print_table(entries, nr);
	free(all.entries);
	return 0;
}

int command_list(const struct cli_command *command, int argc, char **argv)
{
	const char *value, *format = "table";
	struct error error = { 0 };
	bool quiet = false, names = false;
	int index = 2, option;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0) {
		if (option == LIST_QUIET || option == LIST_Q)
			quiet = true;
		else if (option == LIST_NAMES)
			names = true;
		else
			format = value;
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && index < argc)
		fail(&error, 0, "list: takes no argument, but there is %s", argv[index]);
	else if (option == CLI_END)
		print(format, quiet, names, &error);
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	return error.text[0] ? EXIT_LINUXD : 0;
}
