/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/intel_rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/native/path.h"

#define PLACE "/sys/fs/resctrl"

#ifndef RDTGROUP_SUPER_MAGIC
#define RDTGROUP_SUPER_MAGIC 0x7655821
#endif

static int open_place(struct error *error)
{
	int fd = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == RDTGROUP_SUPER_MAGIC)
		return fd;
	if (fd >= 0)
		close(fd);
	fail(error, 0, "linux.intelRdt: no resctrl file system is mounted at " PLACE);
	return fail_remedy(error, "mount -t resctrl resctrl " PLACE ", if the processor has cache allocation or monitoring; else leave linux.intelRdt out");
}

static int write_line(int group, const char *file, const char *text, struct error *error)
{
	char line[1024];

	snprintf(line, sizeof(line), "%.1000s\n", text);
	return path_write(group, file, line) ? fail(error, errno, "linux.intelRdt: cannot write \"%.200s\" to %s", text, file) : 0;
}

static int write_schemata(int group, const struct spec_intel_rdt *config, struct error *error)
{
	if (config->l3_cache_schema && write_line(group, "schemata", config->l3_cache_schema, error))
		return -1;
	if (config->mem_bw_schema && write_line(group, "schemata", config->mem_bw_schema, error))
		return -1;
	for (size_t i = 0; i < config->schemata.nr; i++)
		if (write_line(group, "schemata", config->schemata.items[i], error))
			return -1;
	return 0;
}

/* The group that closID names, else the container's own; with @make it is made. */
static int open_group(const struct spec_intel_rdt *config, const char *id, bool make, struct error *error)
{
	const char *name = config->clos_id ? config->clos_id : id;
	int place = open_place(error), group = -1;

	if (place < 0)
		return -1;
	if (strchr(name, '/') || !strcmp(name, ".."))
		fail(error, 0, "linux.intelRdt.closID: \"%.100s\" is no name of a directory", name);
	else if (make && mkdirat(place, name, 0755) && errno != EEXIST)
		fail(error, errno, "linux.intelRdt: cannot make the group %s", name);
	else if ((group = openat(place, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		fail(error, errno, "linux.intelRdt: cannot open the group %s", name);
	close(place);
	return group;
}

int intel_rdt_apply(const struct spec_intel_rdt *config, const char *id, pid_t pid, struct error *error)
{
	int group = open_group(config, id, true, error), result = -1;
	char number[16];

	if (group >= 0) {
		snprintf(number, sizeof(number), "%d", pid);
		result = write_schemata(group, config, error) || write_line(group, "tasks", number, error) ? -1 : 0;
		close(group);
	}
	if (result && !config->clos_id)
		intel_rdt_remove(config, id);
	return result;
}

int intel_rdt_update(const struct spec_intel_rdt *config, const char *id, struct error *error)
{
	int group = open_group(config, id, false, error), result;

	if (group < 0)
		return -1;
	result = write_schemata(group, config, error);
	close(group);
	return result;
}

void intel_rdt_remove(const struct spec_intel_rdt *config, const char *id)
{
	struct error ignored = { 0 };
	int place = config->clos_id ? -1 : open_place(&ignored);

	if (place < 0)
		return;
	unlinkat(place, id, AT_REMOVEDIR);
	close(place);
}
