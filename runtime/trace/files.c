// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers of open files and their names.
 *
 * The kernel counts open files; it writes the name of one again when another whose number differs by a multiple of TRACE_FILES_NAMED has been
 * named since. So in each of the places here, whose number is such a multiple too, the newest name is enough for who reads records as they
 * come (`newest_only`). A whole log wants all of them: the name may have come in another ring after the call in the order of time.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/syscall.h"

#define PLACES (64 * TRACE_FILES_NAMED)
#define LONGEST 1024 /* of the files in one place, as many are looked at: more of them only a hostile container has */

struct named_file {
	struct named_file *older;
	uint64_t number;
	char name[];
};

struct trace_files {
	bool newest_only;
	struct named_file *places[PLACES];
};

struct trace_files *trace_files_new(void) { return calloc(1, sizeof(struct trace_files)); }

static void forget(struct named_file *file)
{
	while (file) {
		struct named_file *older = file->older;

		free(file);
		file = older;
	}
}

void trace_files_free(struct trace_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < PLACES; i++)
		forget(files->places[i]);
	free(files);
}

void trace_files_newest_only(struct trace_files *files) { files->newest_only = true; }

const char *trace_files_name(const struct trace_files *files, uint64_t number)
{
	const struct named_file *file = files->places[number % PLACES];

	for (int i = 0; file && i < LONGEST; file = file->older, i++)
		if (file->number == number)
			return file->name;
	return NULL;
}

void trace_files_learn(struct trace_files *files, uint64_t number, const char *name)
{
	struct named_file **place = &files->places[number % PLACES], *file;
	const char *known = trace_files_name(files, number);

	if (known && !strcmp(known, name))
		return;
	file = malloc(sizeof(*file) + strlen(name) + 1);
	if (!file)
		return;
	file->number = number;
	strcpy(file->name, name);
	if (files->newest_only) {
		forget(*place);
		*place = NULL;
	}
	file->older = *place;
	*place = file;
}
