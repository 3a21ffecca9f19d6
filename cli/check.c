/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd check: what this host offers and lacks. Exit status 0 if the modes that were asked about can work here, else 1. */
#include <string.h>

#include "cli/cli.h"
#include "commands.gen.h"
#include "runtime/check/check.h"
#include "runtime/sandbox/sandbox.h"

#define EXIT_DOES_NOT_WORK 1

static int report_error(const struct error *error)
{
	fprintf(stderr, "linuxd: %s\n", error->text);
	return EXIT_LINUXD;
}

int command_check(const struct cli_command *command, int argc, char **argv)
{
	bool json = false, all = false;
	int index = 2, modes = CHECK_BOTH, option, status;
	struct check_report report;
	const char *value;
	struct error error;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0) {
		if (option == CHECK_ALL) {
			all = true;
		} else if (option == CHECK_FORMAT) {
			json = !strcmp(value, "json");
			if (!json && strcmp(value, "table")) {
				fail(&error, 0, "check: --format is table or json, not \"%s\"", value);
				return report_error(&error);
			}
		} else if (!strcmp(value, "native") || !strcmp(value, "sandbox")) {
			modes = *value == 'n' ? CHECK_NATIVE : CHECK_SANDBOX;
		} else {
			fail(&error, 0, "check: --mode is native or sandbox, not \"%s\"", value);
			return report_error(&error);
		}
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && index < argc)
		option = fail(&error, 0, "check takes no arguments: \"%s\"", argv[index]) ? CLI_ERROR : option;
	if (option == CLI_ERROR || check_host(&report, &error))
		return report_error(&error);
	if (json)
		check_print_json(&report, modes, stdout);
	else
		check_print_table(&report, modes, all, stdout);
	status = check_works(&report, modes) ? 0 : EXIT_DOES_NOT_WORK;
	check_free(&report);
	return fflush(stdout) ? EXIT_LINUXD : status;
}
