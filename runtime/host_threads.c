/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/host_threads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
	struct host_thread *threads;
	int nr;
};

static void add_thread(struct list *list, pid_t pid, pid_t tid)
{
	struct host_thread *thread, *threads = realloc(list->threads, (list->nr + 1) * sizeof(*threads));
	char path[64], line[256];
	FILE *file;

	if (!threads)
		return;
	list->threads = threads;
	thread = &threads[list->nr];
	*thread = (struct host_thread){ .pid = pid, .tid = tid, .inner_tid = tid };
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return;
	list->nr++;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Name:\t", 6))
			snprintf(thread->comm, sizeof(thread->comm), "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
		else if (!strncmp(line, "NSpid:", 6))
			thread->inner_tid = atoi(strrchr(line, '\t') + 1);
	}
	fclose(file);
}

static void add_process(struct list *list, pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)))
		if (atoi(entry->d_name) > 0)
			add_thread(list, pid, atoi(entry->d_name));
	if (directory)
		closedir(directory);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512], *at;
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* A name may hold anything, but the last parenthesis ends it. */
	if (fgets(line, sizeof(line), file) && (at = strrchr(line, ')')) && sscanf(at + 1, " %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

int host_threads_read(pid_t monitor, struct host_thread **ret_threads)
{
	struct list list = { 0 };
	struct dirent *entry;
	DIR *directory = opendir("/proc");

	add_process(&list, monitor);
	while (directory && (entry = readdir(directory)))
		if (atoi(entry->d_name) > 0 && parent_of(atoi(entry->d_name)) == monitor)
			add_process(&list, atoi(entry->d_name));
	if (directory)
		closedir(directory);
	*ret_threads = list.threads;
	return list.nr;
}
