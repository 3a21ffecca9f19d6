/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without libFuzzer. Arguments: files or directories of inputs, which are replayed; "--random N [SEED]": N invented ones;
 * "--write N DIR [SEED]": N invented ones become files, for the corpus.
 */
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes an input that is nearly right in `bytes`, of `room` bytes; its length. */
typedef size_t invent_t(uint8_t *bytes, size_t room);

static void replay(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		exit(2);
	}
	LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, sizeof(bytes), file));
	fclose(file);
}

static void replay_all(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[4096];

	if (!directory) {
		replay(path);
		return;
	}
	while ((entry = readdir(directory))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			replay(name);
	}
	closedir(directory);
}

static void write_input(const char *directory, long number, const uint8_t *bytes, size_t size)
{
	char name[4096];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%ld", directory, number);
	file = fopen(name, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
		perror(name);
		exit(2);
	}
}

static int replay_main(int argc, char **argv, invent_t *invent)
{
	static uint8_t bytes[65536] __attribute__((aligned(16)));

	if (argc > 2 && !strcmp(argv[1], "--random")) {
		srand(argc > 3 ? atoi(argv[3]) : 1);
		for (long n = atol(argv[2]); n > 0; n--)
			LLVMFuzzerTestOneInput(bytes, invent(bytes, sizeof(bytes)));
	} else if (argc > 3 && !strcmp(argv[1], "--write")) {
		srand(argc > 4 ? atoi(argv[4]) : 7);
		for (long n = 0; n < atol(argv[2]); n++)
			write_input(argv[3], n, bytes, invent(bytes, sizeof(bytes)));
	} else {
		for (int i = 1; i < argc; i++)
			replay_all(argv[i]);
	}
	return 0;
}

#endif
