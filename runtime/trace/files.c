// SPDX-License-Identifier: Apache-2.0
/* Numbers of open files and their names: a hash table with open addressing. */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/syscall.h"

struct entry {
	uint64_t number; /* 0: free */
	char *name;
};

struct trace_files {
	struct entry *entries;
	size_t nr, size; /* a power of 2 */
};

struct trace_files *trace_files_new(void)
{
	struct trace_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->size = 256;
	files->entries = calloc(files->size, sizeof(*files->entries));
	if (!files->entries) {
		free(files);
		return NULL;
	}
	return files;
}

void trace_files_free(struct trace_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->size; i++)
		free(files->entries[i].name);
	free(files->entries);
	free(files);
}

/* Where the number is, or would be. */
static struct entry *find(const struct trace_files *files, uint64_t number)
{
	size_t at = (number * 0x9e3779b97f4a7c15UL) >> 32 & (files->size - 1);

	while (files->entries[at].number && files->entries[at].number != number)
		at = (at + 1) & (files->size - 1);
	return &files->entries[at];
}

static int make_room(struct trace_files *files)
{
	struct trace_files bigger = { .size = files->size * 2 };

	if (files->nr * 2 < files->size)
		return 0;
	bigger.entries = calloc(bigger.size, sizeof(*bigger.entries));
	if (!bigger.entries)
		return -1;
	for (size_t i = 0; i < files->size; i++)
		if (files->entries[i].number)
			*find(&bigger, files->entries[i].number) = files->entries[i];
	free(files->entries);
	files->entries = bigger.entries;
	files->size = bigger.size;
	return 0;
}

void trace_files_learn(struct trace_files *files, uint64_t number, const char *name)
{
	struct entry *entry;
	char *copy;

	if (make_room(files))
		return;
	entry = find(files, number);
	if (entry->name && !strcmp(entry->name, name))
		return;
	copy = strdup(name);
	if (!copy)
		return;
	files->nr += !entry->number;
	free(entry->name);
	*entry = (struct entry){ number, copy };
}

const char *trace_files_name(const struct trace_files *files, uint64_t number) { return find(files, number)->name; }
