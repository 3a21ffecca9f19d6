/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/sandbox/slots.h"

#define MAX_CHILDREN 65536

/* The number behind @name in a file of "name number" lines; with an empty name, the file's only number. */
static uint64_t read_counter(const struct sandbox *sandbox, const char *file, const char *name)
{
	char path[600], line[128];
	uint64_t number = 0;
	FILE *lines;

	snprintf(path, sizeof(path), "%s/%s", sandbox->cgroup, file);
	lines = fopen(path, "re");
	while (lines && fgets(line, sizeof(line), lines)) {
		size_t length = strlen(name);

		if (strncmp(line, name, length) || (length && line[length] != ' '))
			continue;
		number = strtoull(line + length, NULL, 10);
		break;
	}
	if (lines)
		fclose(lines);
	return number;
}

/* The memory cgroup knows it best. Page cache is in its sum too, which the host drops when it must: that does not count. */
static uint64_t cgroup_memory(const struct sandbox *sandbox)
{
	bool second = sandbox->cgroup_version == 2;
	uint64_t limit = __atomic_load_n(&sandbox->memory, __ATOMIC_RELAXED);
	uint64_t used = read_counter(sandbox, second ? "memory.current" : "memory.usage_in_bytes", "");

	if (!limit || used <= limit)
		return used;
	return read_counter(sandbox, "memory.stat", second ? "anon" : "rss") + read_counter(sandbox, "memory.stat", "shmem");
}

/* Without one: private memory of the host processes (what a fork shares counts twice), and what the two memory files hold. */
static uint64_t process_memory_sum(const struct sandbox *sandbox)
{
	pid_t *pids = malloc(MAX_CHILDREN * sizeof(*pids));
	int nr = pids ? children_list(pids, MAX_CHILDREN) : 0;
	uint64_t used = 0;
	struct stat status;

	for (int i = 0; i < nr; i++) {
		struct process_info info;

		if (process_info(pids[i], &info) == 0)
			used += info.anonymous;
	}
	free(pids);
	if (fstat(sandbox->heap_fd, &status) == 0)
		used += status.st_blocks * 512;
	if (fstat(sandbox->pages_fd, &status) == 0)
		used += status.st_blocks * 512;
	return used;
}

uint64_t memory_used(const struct sandbox *sandbox) { return sandbox->cgroup[0] ? cgroup_memory(sandbox) : process_memory_sum(sandbox); }

void *memory_watch(void *argument)
{
	struct sandbox *sandbox = argument;
	bool has_cgroup = sandbox->cgroup[0];

	prctl(PR_SET_NAME, "monitor:memory");
	for (;;) {
		uint64_t limit = __atomic_load_n(&sandbox->memory, __ATOMIC_RELAXED), used = memory_used(sandbox);
		struct timespec pause = { 0, (has_cgroup ? 10 : 50) * 1000000L };

		limit = limit ? limit : UINT64_MAX;
		if (used > limit)
			send_event(sandbox->channel, EVENT_OOM);
		/* Close to the limit it can be reached quickly. */
		if (used > limit / 2)
			pause.tv_nsec /= has_cgroup ? 2 : 5;
		nanosleep(&pause, NULL);
	}
	return NULL;
}
