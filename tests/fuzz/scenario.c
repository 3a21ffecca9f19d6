/* SPDX-License-Identifier: Apache-2.0 */
// sources: simulator/words.c simulator/script.c simulator/parse.c simulator/print.c
// flags: -D_GNU_SOURCE
/*
 * Scenario files of the scheduler's simulator. Whatever the file: either an error of one printable line that begins with the file's
 * name and a line number, or a scenario that, printed and read again, prints the same.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/scenario.h"

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check_error(const struct sim_error *error)
{
	char *end;

	must(memchr(error->text, 0, sizeof(error->text)) != NULL, "an endless message");
	must(!strncmp(error->text, "input:", 6), "a message without the file's name");
	must(strtol(error->text + 6, &end, 10) > 0 && end[0] == ':' && end[1] == ' ' && end[2], "a message without a line or text");
	for (const char *at = error->text; *at; at++)
		must(isprint((unsigned char)*at), "a message that could act on the terminal");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario *scenario, *again;
	struct sim_error error = { "" };
	char *printed, *reprinted;

	if (scenario_parse("input", (const char *)data, size, &scenario, &error)) {
		check_error(&error);
		return 0;
	}
	printed = scenario_print(scenario);
	must(printed != NULL, "out of memory");
	must(scenario_parse("printed", printed, strlen(printed), &again, &error) == 0, error.text);
	reprinted = scenario_print(again);
	must(reprinted && !strcmp(printed, reprinted), "a scenario that changes when it is printed and read again");
	free(printed);
	free(reprinted);
	scenario_free(scenario);
	scenario_free(again);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

/* Words of the language, mostly in places where they may stand. */
static size_t invent(uint8_t *bytes, size_t room)
{
	char *text = (char *)bytes;
	static const char *const heads[] = { "cpus 4\n", "cpus 2", "topology nodes 2 cores 4\n", "topology threads 2 sockets 3\n", "until 1s\n", "until 20ms\n",
					     "sample 1.5ms\n", "seed 7\n", "latency 12ms\n", "rt-runtime 0ns\n", "tick 4ms\n", "# words\n", "balance-min 1ms" };
	static const char *const tasks[] = { "task a {", "task b count 7 every 1ms {", "template c {", "task d nice 5 policy fifo 10 {",
					     "task e policy deadline 1ms 10ms 10ms cpus 0-1 {", "task f start 3ms cpus 0 {\n", "template" };
	static const char *const commands[] = { "run 1ms", "run 1us..2ms", "sleep 5ms", "sleep until 9ms", "wait q", "wake q", "wake r all", "wake q 3 sync",
						"loop {", "loop 3 { run 1ms", "}", "}", "fork c", "yield", "nice -5", "policy rr 1", "policy other", "cpus 0",
						"cpus 0,1", "exit", "run", "sleep 0s", "wake", "loop", "}\n}" };
	static const char *const ends[] = { "\n", ";", " ; ", "\n\n", " ", "#\n", "" };
	size_t n = 0;

	for (int i = rand() % 5; i > 0; i--)
		n += snprintf(text + n, room - n, "%s", heads[rand() % (sizeof(heads) / sizeof(*heads))]);
	for (int t = rand() % 4; t >= 0 && n < room / 2; t--) {
		n += snprintf(text + n, room - n, "%s", tasks[rand() % (sizeof(tasks) / sizeof(*tasks))]);
		for (int c = rand() % 8; c > 0; c--)
			n += snprintf(text + n, room - n, "%s%s", commands[rand() % (sizeof(commands) / sizeof(*commands))],
				      ends[rand() % 16 ? rand() % 4 : rand() % 7]);
		n += snprintf(text + n, room - n, "}\n");
	}
	if (rand() % 4)
		n += snprintf(text + n, room - n, "until 1s\n");
	for (int i = rand() % 8 ? 0 : rand() % 4; i > 0; i--)
		text[rand() % n] = rand();
	return n;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
