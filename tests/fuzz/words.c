/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/native/cpulist.c runtime/native/mount_options.c cli/parse.c
// flags: -D_GNU_SOURCE
// seconds: 5
/*
 * Words that stand on command lines and in config.json: numbers, sizes, lists of cpus, options of mounts. What is taken means what it says; all
 * else is refused. The first byte chooses which.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cli/cli.h"
#include "runtime/native/cpulist.h"
#include "runtime/native/mount_options.h"

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void try_number(const char *text)
{
	unsigned long number;
	char again[32];

	if (parse_number(text, 3, 1000000, &number))
		return;
	must(number >= 3 && number <= 1000000, "a number out of its range");
	snprintf(again, sizeof(again), "%lu", number);
	text += strspn(text, "0");
	must(!strcmp(text, again), "a number that stands there differently");
}

static void try_size(const char *text)
{
	uint64_t size, number;
	char again[32];

	if (parse_size(text, &size))
		return;
	must(size > 0 && size < 1ULL << 62, "a size out of its range");
	must(isdigit((unsigned char)text[0]) || text[0] == '.', "a size that begins with something else");
	snprintf(again, sizeof(again), "%lu", size);
	must(!parse_size(again, &number) && (number == size || size > 1ULL << 53), "a size that cannot be written as a number");
}

static void try_cpus(const char *text)
{
	unsigned long mask[CPULIST_WORDS] = { 0 }, again[CPULIST_WORDS] = { 0 };
	char list[CPULIST_BITS * 5 + 1] = "";
	size_t length = 0;

	if (cpulist_parse(text, mask))
		return;
	for (unsigned int bit = 0; bit < CPULIST_BITS; bit++)
		if (mask[bit / 64] >> bit % 64 & 1)
			length += (size_t)sprintf(list + length, "%s%u", length ? "," : "", bit);
	must(length > 0, "a list of nothing");
	must(!cpulist_parse(list, again) && !memcmp(mask, again, sizeof(mask)), "a list that means something else when written again");
}

static void try_mount_options(char *text)
{
	const char *words[64] = { 0 };
	struct spec_mount mount = { .destination = "/x", .type = "bind", .options.items = words };
	struct mount_options options;
	struct error error = { 0 };
	size_t length = 0;

	for (char *word; mount.options.nr < 63 && (word = strsep(&text, ","));)
		words[mount.options.nr++] = word;
	if (mount_options_parse(&mount, &options, &error)) {
		must(error.text[0], "an error without words");
		return;
	}
	must(options.bind, "the type says bind");
	must(!(options.set & options.clear & ~(uint64_t)MOUNT_ATTR__ATIME), "set and clear at once");
	must(!(options.rec_set & options.rec_clear & ~(uint64_t)MOUNT_ATTR__ATIME), "set and clear at once, below");
	must(memchr(options.data, '\0', sizeof(options.data)) != NULL, "options without an end");
	for (size_t i = 0; i < mount.options.nr; i++)
		length += strlen(words[i]) + 1;
	must(strlen(options.data) < length + 1, "more options than were given");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: try_number(text); break;
	case 1: try_size(text); break;
	case 2: try_cpus(text); break;
	default: try_mount_options(text);
	}
	free(text);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const pieces[4][12] = {
		{ "0", "7", "42", "999999", "-", "+", " ", "0x10", "18446744073709551616", "1e3", "", "00" },
		{ "512", "1", ".5", "0.1", "M", "GiB", "k", "kB", "inf", "nan", "1e400", "0x1" },
		{ "0", "1", "-", ",", "1023", "1024", "0-3", "63", "64", " ", "99999999999999999999", "7-" },
		{ "ro", "rw,", "rrelatime", ",", "strictatime", "noexec", "size=64k", "rshared", "tmpcopyup", "", "mode=755,", "atime" },
	};
	size_t used = 1;

	bytes[0] = rand();
	for (int n = rand() % 8; n > 0; n--) {
		const char *piece = pieces[bytes[0] % 4][rand() % 12];

		for (int repeat = rand() % 40 ? 1 : 900; repeat > 0 && used + strlen(piece) < room; repeat--) {
			memcpy(bytes + used, piece, strlen(piece));
			used += strlen(piece);
		}
		if (bytes[0] % 4 == 3 && rand() % 2 && used < room)
			bytes[used++] = ',';
		if (rand() % 12 == 0 && used < room)
			bytes[used++] = rand();
	}
	return used;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
