// SPDX-License-Identifier: Apache-2.0
/* The command: schedsim [OPTION]... FILE. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulator/output.h"
#include "simulator/random.h"
#include "simulator/settings.h"

static const char help[] =
	"usage: schedsim [OPTION]... FILE\n"
	"Plays a scenario (cpus, tasks, what they do) in virtual time with the sandbox kernel's own scheduler.\n"
	"FILE is a scenario, '-' standard input; docs/schedsim.md describes the language.\n"
	"\n"
	"  -f, --format FORMAT  table    CPU time and vruntime at every 'sample' (the default if the scenario has one)\n"
	"                       summary  what each kind of task got, and how long it waited (else the default)\n"
	"                       json     the same for each single task\n"
	"                       svg      a drawing: who ran on which cpu, the state of each task\n"
	"                       trace    for ui.perfetto.dev and chrome://tracing\n"
	"  -o, --output FILE    write there, not to standard output\n"
	"  -c, --check          look after every event whether the scheduler's rules hold; exit status 1 if not\n"
	"      --from TIME      svg and trace: begin here\n"
	"      --to TIME        svg and trace: end here\n"
	"      --rows N         svg: show at most N cpus and N tasks (default 64)\n"
	"      --until TIME     instead of the scenario's\n"
	"      --sample TIME    instead of the scenario's\n"
	"      --seed N         instead of the scenario's\n"
	"      --print          print the scenario as it was read, and play nothing\n"
	"      --random SEED    print a random scenario\n"
	"  -h, --help           this text\n"
	"\n"
	"Exit status: 0 done, 1 the simulation failed or a rule was broken, 2 the command or the scenario is wrong.\n";

enum { OPTION_FROM = 256, OPTION_TO, OPTION_ROWS, OPTION_UNTIL, OPTION_SAMPLE, OPTION_SEED, OPTION_PRINT, OPTION_RANDOM };

static const struct option long_options[] = {
	{ "format", required_argument, NULL, 'f' },        { "output", required_argument, NULL, 'o' },
	{ "check", no_argument, NULL, 'c' },               { "from", required_argument, NULL, OPTION_FROM },
	{ "to", required_argument, NULL, OPTION_TO },      { "rows", required_argument, NULL, OPTION_ROWS },
	{ "until", required_argument, NULL, OPTION_UNTIL }, { "sample", required_argument, NULL, OPTION_SAMPLE },
	{ "seed", required_argument, NULL, OPTION_SEED },  { "print", no_argument, NULL, OPTION_PRINT },
	{ "random", required_argument, NULL, OPTION_RANDOM }, { "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct format {
	const char *name;
	bool records;
	void (*write)(struct output *output);
} formats[] = {
	{ "table", false, NULL },       { "summary", false, summary_write }, { "json", false, json_write },
	{ "svg", true, svg_write },     { "trace", true, trace_write },      { NULL, false, NULL },
};

struct command {
	const struct format *format;
	const char *input, *output;
	bool check, print;
	uint64_t from, to, until, sample, seed;
	bool has_seed;
	unsigned rows;
};

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "schedsim: ");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(2);
}

static uint64_t number_option(const char *name, const char *text, uint64_t high)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || number > high)
		fail("%s %s: this is no number from 0 to %llu", name, text, (unsigned long long)high);
	return number;
}

static uint64_t time_option(const char *name, const char *text)
{
	uint64_t time;

	if (!sim_time_parse(text, &time))
		fail("%s %s: this is no time: write a number and its unit (ns, us, ms, s), such as 1.5ms", name, text);
	return time;
}

static const struct format *format_option(const char *name)
{
	const struct format *format = formats;

	while (format->name && strcmp(format->name, name))
		format++;
	if (!format->name)
		fail("--format %s: there is no such format: use table, summary, json, svg or trace", name);
	return format;
}

static void print_random(const char *text)
{
	char *scenario = random_scenario(number_option("--random", text, UINT64_MAX));

	if (!scenario)
		fail("--random: out of memory");
	fputs(scenario, stdout);
	free(scenario);
	exit(0);
}

static void take_option(struct command *command, int option)
{
	switch (option) {
	case 'f':
		command->format = format_option(optarg);
		break;
	case 'o':
		command->output = optarg;
		break;
	case 'c':
		command->check = true;
		break;
	case OPTION_FROM:
		command->from = time_option("--from", optarg);
		break;
	case OPTION_TO:
		command->to = time_option("--to", optarg);
		break;
	case OPTION_ROWS:
		command->rows = (unsigned)number_option("--rows", optarg, 100000);
		break;
	case OPTION_UNTIL:
		command->until = time_option("--until", optarg);
		break;
	case OPTION_SAMPLE:
		command->sample = time_option("--sample", optarg);
		break;
	case OPTION_SEED:
		command->seed = number_option("--seed", optarg, 1000000000000);
		command->has_seed = true;
		break;
	case OPTION_PRINT:
		command->print = true;
		break;
	case OPTION_RANDOM:
		print_random(optarg);
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		fprintf(stderr, "Try 'schedsim --help'.\n");
		exit(2);
	}
}

static void read_command(struct command *command, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "f:o:ch", long_options, NULL)) >= 0)
		take_option(command, option);
	if (optind != argc - 1)
		fail(optind == argc ? "no scenario: name its file, or '-' for standard input (see --help)" : "more than one scenario: name one file");
	command->input = argv[optind];
	if (command->from >= command->to)
		fail("--from and --to: the part to show is empty: --from must be the earlier one");
}

static char *read_file(const char *path, size_t *ret_size)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = NULL;
	size_t size = 0, room = 0;

	if (!file)
		fail("%s: cannot open it: %s", path, strerror(errno));
	do {
		if (room - size < 65536)
			text = realloc(text, room = room ? room * 2 : 131072);
		if (!text)
			fail("%s: it does not fit into memory", path);
		size += fread(text + size, 1, room - size, file);
	} while (!feof(file) && !ferror(file));
	if (ferror(file))
		fail("%s: cannot read it: %s", path, strerror(errno));
	if (file != stdin)
		fclose(file);
	*ret_size = size;
	return text;
}

static struct scenario *read_scenario(const struct command *command)
{
	struct scenario *scenario;
	struct sim_error error;
	size_t size;
	char *text = read_file(command->input, &size);

	if (scenario_parse(command->input, text, size, &scenario, &error))
		fail("%s", error.text);
	free(text);
	if (command->until)
		scenario->until = command->until;
	if (command->sample)
		scenario->sample = command->sample;
	if (command->has_seed)
		scenario->seed = command->seed;
	return scenario;
}

static void print_scenario(const struct scenario *scenario)
{
	char *text = scenario_print(scenario);

	if (!text)
		fail("--print: out of memory");
	fputs(text, stdout);
	free(text);
}

static void open_output(struct output *output, const struct command *command)
{
	output->file = command->output && strcmp(command->output, "-") ? fopen(command->output, "we") : stdout;
	if (!output->file)
		fail("%s: cannot write it: %s", command->output, strerror(errno));
}

static int play(const struct command *command, struct scenario *scenario)
{
	const struct format *format = command->format ? command->format : format_option(scenario->sample ? "table" : "summary");
	struct output output = {
		.scenario = scenario,
		.title = command->input,
		.from = command->from,
		.to = command->to < scenario->until ? command->to : scenario->until,
		.rows = command->rows,
	};
	struct sim_options options = { .record = format->records, .check = command->check, .arg = &output };
	struct sim_error error;

	if (!format->write && !scenario->sample)
		fail("%s: a table needs to know when: add 'sample 10ms' to the scenario, or use --sample", command->input);
	if (output.from >= output.to)
		fail("--from: the scenario ends before: choose an earlier time");
	open_output(&output, command);
	if (!format->write) {
		options.sample = table_row;
		if (table_begin(&output, &error))
			fail("%s", error.text);
	}
	if (sim_run(scenario, command->input, &options, &error)) {
		fprintf(stderr, "schedsim: %s\n", error.text);
		sim_free();
		return 1;
	}
	if (format->write)
		format->write(&output);
	sim_free();
	if (fflush(output.file) || ferror(output.file))
		fail("%s: cannot write it: %s", command->output ? command->output : "standard output", strerror(errno));
	return 0;
}

void sim_panicked(const char *text)
{
	fprintf(stderr, "schedsim: the scheduler: %s\n", text);
	abort();
}

int main(int argc, char **argv)
{
	struct command command = { .to = UINT64_MAX, .rows = 64 };
	struct scenario *scenario;
	int status = 0;

	read_command(&command, argc, argv);
	scenario = read_scenario(&command);
	if (command.print)
		print_scenario(scenario);
	else
		status = play(&command, scenario);
	scenario_free(scenario);
	return status;
}
