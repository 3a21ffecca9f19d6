/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct cli_option *find_option(const struct cli_command *command, const char *name, size_t length)
{
	for (const struct cli_option *option = command->options; option && option->name; option++)
		if (strlen(option->name) == length && !strncmp(option->name, name, length))
			return option;
	return NULL;
}

int cli_next(const struct cli_command *command, int argc, char **argv, int *index, const char **ret_value, struct error *error)
{
	const struct cli_option *option;
	const char *argument, *equals;

	*ret_value = NULL;
	if (*index >= argc || argv[*index][0] != '-' || !argv[*index][1])
		return CLI_END;
	argument = argv[(*index)++];
	if (!strcmp(argument, "--"))
		return CLI_END;
	if (!strcmp(argument, "--help") || !strcmp(argument, "-h"))
		return CLI_HELP;
	equals = argument[1] == '-' ? strchr(argument, '=') : NULL;
	option = find_option(command, argument + 1 + (argument[1] == '-'),
			     argument[1] != '-' ? 1 : equals ? (size_t)(equals - argument) - 2 : strlen(argument) - 2);
	/* One dash stands before names of one letter, and before no others. */
	if (option && (argument[1] == '-') == (strlen(option->name) == 1))
		option = NULL;
	if (option && argument[1] != '-' && argument[2]) {
		if (option->value == VALUE_NONE)
			option = NULL;
		else
			equals = argument + 1; /* -oFILE: the value begins behind the letter */
	}
	if (!option) {
		fail(error, 0, "%s: unknown option %s", command->name, argument);
		fail_remedy(error, "\"linuxd %s --help\" lists the options", command->name);
		return CLI_ERROR;
	}
	if (option->value == VALUE_NONE && equals) {
		fail(error, 0, "%s: option --%s takes no value", command->name, option->name);
		return CLI_ERROR;
	}
	if (equals) {
		*ret_value = equals + 1;
	} else if (option->value == VALUE_REQUIRED) {
		if (*index >= argc) {
			fail(error, 0, "%s: option %s needs a value: %s", command->name, argument, option->shown);
			return CLI_ERROR;
		}
		*ret_value = argv[(*index)++];
	}
	return option - command->options;
}

int cli_take_line(const struct cli_command *command, int argc, char **argv, cli_take *take, void *request, const char **arguments, int nr,
		  const char *expected, struct error *error)
{
	int index = 2, taken = 0, option;
	const char *value;

	for (;;) {
		option = cli_next(command, argc, argv, &index, &value, error);
		if (option == CLI_HELP)
			cli_print_command_help(command, stdout);
		if (option == CLI_HELP || option == CLI_ERROR)
			return option;
		if (option != CLI_END) {
			if (take(request, option, value, error))
				return CLI_ERROR;
			continue;
		}
		if (index == argc || taken == nr)
			break;
		arguments[taken++] = argv[index++];
	}
	if (taken == nr && index == argc)
		return 0;
	fail(error, 0, "%s: expected %s", command->name, expected);
	fail_remedy(error, "usage: linuxd %s [OPTION...] %s; \"linuxd list\" shows the containers that run", command->name,
		    command->arguments);
	return CLI_ERROR;
}

void cli_print_command_help(const struct cli_command *command, FILE *out)
{
	fprintf(out, "usage: linuxd %s %s%s\n\n%s\n", command->name, command->options ? "[OPTION...] " : "", command->arguments,
		command->help);
	if (command->options)
		fputs("\noptions:\n", out);
	for (const struct cli_option *option = command->options; option && option->name; option++) {
		const char *help = option->help;
		size_t width = strlen(option->shown);

		fprintf(out, "  %-24s", option->shown);
		if (width > 23)
			fprintf(out, "\n  %24s", "");
		while (strlen(help) > 74) {
			int cut = 74;

			while (cut > 0 && help[cut] != ' ')
				cut--;
			fprintf(out, "%.*s\n  %24s", cut, help, "");
			help += cut + 1;
		}
		fprintf(out, "%s\n", help);
	}
}

int parse_number(const char *text, unsigned long least, unsigned long most, unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	/* No blanks and no sign before it: strtoul makes large numbers of negative ones. */
	if (errno || !isdigit((unsigned char)text[0]) || *end || number < least || number > most)
		return -1;
	*ret_number = number;
	return 0;
}

int parse_size(const char *text, uint64_t *ret_size)
{
	static const char units[] = "KMGT";
	const char *unit;
	double size;
	char *end;
	int shift = 0;

	size = strtod(text, &end);
	/* strtod also knows signs, exponents, hexadecimal numbers and "inf". */
	if (end == text || strspn(text, "0123456789.") != (size_t)(end - text))
		return -1;
	if (*end) {
		unit = strchr(units, *end >= 'a' ? *end - 32 : *end);
		if (!unit)
			return -1;
		shift = 10 * (unit - units + 1);
		end++;
		if (!strcmp(end, "iB") || !strcmp(end, "B") || !strcmp(end, "b"))
			end += strlen(end);
	}
	size *= 1UL << shift;
	if (*end || !(size >= 1 && size < 0x1p62))
		return -1;
	*ret_size = size;
	return 0;
}
