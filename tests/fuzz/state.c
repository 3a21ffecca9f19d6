/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/json.c
// flags: -D_GNU_SOURCE
/*
 * state.json as somebody else may have left it: every field ends within its bounds, and what was written with json_string is read back.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include "runtime/state.c"

#include <stdint.h>

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

#define ENDS(field) memchr(field, 0, sizeof(field))

static void read_bytes(int directory, const uint8_t *data, size_t size)
{
	struct state_entry entry = { 0 };
	int fd = openat(directory, "state.json", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size, "state.json");
	close(fd);
	read_state(directory, &entry);
	must(ENDS(entry.name) && ENDS(entry.status) && ENDS(entry.created) && ENDS(entry.bundle), "a field without end");
}

/* Any ASCII text survives being written and read. */
static void round_trip(const uint8_t *data, size_t size)
{
	char text[100] = "", back[100], *line = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&line, &length);

	for (size_t i = 0; i < size && i < sizeof(text) - 1; i++)
		text[i] = data[i] % 127 + 1;
	fputs("\"x\": ", out);
	json_string(out, text);
	fputs(",\n", out);
	fclose(out);
	must(json_line_string(line, "x", back, sizeof(back)) && !strcmp(text, back), "not read as it was written");
	must(strchr(line, '\n') == line + length - 1, "more than one line");
	free(line);
}

static char place[] = "/tmp/linuxd-fuzz-state-XXXXXX";
static int directory = -1;

static void clean_up(void)
{
	rmdir(place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (directory < 0) {
		must(mkdtemp(place) != NULL, "mkdtemp");
		directory = open(place, O_RDONLY | O_DIRECTORY);
		atexit(clean_up);
	}
	read_bytes(directory, data, size);
	round_trip(data, size);
	unlinkat(directory, "state.json", 0);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

/* Lines that are nearly right. */
static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const pieces[] = { "\"pid\": ", "-1", "99999999999999999999", "\"status\": \"", "\"bundle\": \"", "\"created\": \"",
					      "\"linuxd.name\": \"", "\\u00", "\\", "\"", "\",\n", "\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };
	size_t used = 0;

	for (int n = rand() % 40; n > 0; n--) {
		const char *piece = pieces[rand() % (sizeof(pieces) / sizeof(pieces[0]))];

		for (int repeat = rand() % 50 ? 1 : 200; repeat > 0 && used + strlen(piece) < room; repeat--) {
			memcpy(bytes + used, piece, strlen(piece));
			used += strlen(piece);
		}
		if (rand() % 8 == 0 && used < room)
			bytes[used++] = rand();
	}
	return used;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
