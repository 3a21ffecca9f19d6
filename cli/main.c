/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/oci/oci.h"
#include "commands.gen.h"
#include "filter.gen.h"
#include "runtime/sandbox/sandbox.h"

#ifndef LINUXD_VERSION
#define LINUXD_VERSION "unknown"
#endif

extern const char bash_completion_start[], bash_completion_end[], zsh_completion_start[], zsh_completion_end[];
extern const char fish_completion_start[], fish_completion_end[];

static const struct cli_command *find_command(const char *name)
{
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

int command_version(const struct cli_command *command, int argc, char **argv)
{
	printf("linuxd %s\n", LINUXD_VERSION);
	return 0;
}

int command_help(const struct cli_command *command, int argc, char **argv)
{
	const struct cli_command *about = argc > 2 ? find_command(argv[2]) : NULL;

	if (argc > 2 && !about) {
		fprintf(stderr, "linuxd: there is no command %s\n", argv[2]);
		return EXIT_LINUXD;
	}
	if (about) {
		cli_print_command_help(about, stdout);
		return 0;
	}
	printf("usage: linuxd COMMAND [OPTION...] [ARG...]\n\n"
	       "Runs Linux containers on a kernel of their own, in user space.\n\ncommands:\n");
	for (const struct cli_command *each = cli_commands; each->name; each++)
		printf("  %-14s%s\n", each->name, each->help);
	printf("\noptions before the command:\n");
	for (const struct cli_option *option = cli_globals; option->name; option++)
		printf("  %-30s%s\n", option->shown, option->help);
	printf("\n\"linuxd COMMAND --help\" says more. Try: linuxd run builtin:busybox sh\n");
	return 0;
}

int command_completion(const struct cli_command *command, int argc, char **argv)
{
	const struct {
		const char *shell, *start, *end;
	} shells[] = { { "bash", bash_completion_start, bash_completion_end },
		       { "zsh", zsh_completion_start, zsh_completion_end },
		       { "fish", fish_completion_start, fish_completion_end } };

	for (size_t i = 0; argc == 3 && i < sizeof(shells) / sizeof(shells[0]); i++)
		if (!strcmp(argv[2], shells[i].shell)) {
			fwrite(shells[i].start, 1, shells[i].end - shells[i].start, stdout);
			return fflush(stdout) ? EXIT_LINUXD : 0;
		}
	fprintf(stderr, "linuxd: completion: expected the name of a shell: bash, zsh or fish\n");
	return EXIT_LINUXD;
}

int main(int argc, char **argv)
{
	const struct cli_command *command;
	struct error error = { 0 };
	int fd;

	/* What is opened later must not take the place of a standard descriptor that we were started without. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	close(fd);
	if (argc > 1) {
		argc = oci_take_globals(argc, argv, &error);
		if (argc < 0 || oci_open_log(argc, argv, &error))
			return oci_end(&error);
	}
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		command_help(NULL, 1, argv);
		return argc < 2 ? EXIT_LINUXD : 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-v"))
		return command_version(NULL, argc, argv);
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "linuxd: there is no command %s\n\"linuxd --help\" lists the commands\n", argv[1]);
		return EXIT_LINUXD;
	}
	if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"))) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	return command->main(command, argc, argv);
}
