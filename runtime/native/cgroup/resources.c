/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as a whole: which controllers it needs, whether they are there, and what is the same in v1 and v2.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"
#include "runtime/remedy.h"

/* ---- what is needed ---- */

static bool number_asked(struct spec_number number) { return number.set && number.value; }
static bool unsigned_asked(struct spec_unsigned number) { return number.set && number.value; }

static bool memory_needed(const struct spec_memory *memory)
{
	return memory && (number_asked(memory->limit) || number_asked(memory->reservation) || number_asked(memory->swap) || number_asked(memory->kernel) ||
			  number_asked(memory->kernel_tcp) || (memory->swappiness.set && memory->swappiness.value != UINT64_MAX) ||
			  memory->disable_oom_killer.value);
}

static bool cpu_needed(const struct spec_cpu *cpu)
{
	return cpu && (unsigned_asked(cpu->shares) || unsigned_asked(cpu->burst) || unsigned_asked(cpu->period) || number_asked(cpu->quota) ||
		       unsigned_asked(cpu->realtime_period) || number_asked(cpu->realtime_runtime) || number_asked(cpu->idle));
}

static bool io_needed(const struct spec_block_io *io)
{
	return io && (unsigned_asked(io->weight) || unsigned_asked(io->leaf_weight) || io->nr_weight_devices || io->read_bps.nr || io->write_bps.nr ||
		      io->read_iops.nr || io->write_iops.nr);
}

static bool unified_needs(const struct spec_resources *resources, const char *controller)
{
	size_t length = strlen(controller);

	for (size_t i = 0; i < resources->unified.nr; i++)
		if (!strncmp(resources->unified.items[i].key, controller, length) && resources->unified.items[i].key[length] == '.')
			return true;
	return false;
}

bool resources_need(const struct spec_resources *resources, const char *controller)
{
	const struct spec_network *network = resources->network;

	if (!strcmp(controller, "memory"))
		return memory_needed(resources->memory) || unified_needs(resources, controller);
	if (!strcmp(controller, "cpu"))
		return cpu_needed(resources->cpu) || unified_needs(resources, controller);
	if (!strcmp(controller, "cpuset"))
		return (resources->cpu && ((resources->cpu->cpus && *resources->cpu->cpus) || (resources->cpu->mems && *resources->cpu->mems))) ||
		       unified_needs(resources, controller);
	if (!strcmp(controller, "pids"))
		return (resources->pids && number_asked(resources->pids->limit)) || unified_needs(resources, controller);
	if (!strcmp(controller, "io") || !strcmp(controller, "blkio"))
		return io_needed(resources->block_io) || unified_needs(resources, controller);
	if (!strcmp(controller, "hugetlb"))
		return resources->nr_hugepage_limits || unified_needs(resources, controller);
	if (!strcmp(controller, "rdma"))
		return resources->nr_rdma || unified_needs(resources, controller);
	if (!strcmp(controller, "net_cls"))
		return network && unsigned_asked(network->class_id);
	if (!strcmp(controller, "net_prio"))
		return network && network->nr_priorities;
	return unified_needs(resources, controller);
}

/* v1's name, and v2's where that differs; "" where v2 has none. */
static const struct {
	const char *v1, *v2, *what;
} limited[] = {
	{ "memory", "memory", "memory" },
	{ "cpu", "cpu", "cpu" },
	{ "cpuset", "cpuset", "cpu.cpus and cpu.mems" },
	{ "pids", "pids", "pids" },
	{ "blkio", "io", "blockIO" },
	{ "hugetlb", "hugetlb", "hugepageLimits" },
	{ "rdma", "rdma", "rdma" },
	{ "net_cls", "", "network.classID" },
	{ "net_prio", "", "network.priorities" },
};

#define NR_LIMITED (sizeof(limited) / sizeof(limited[0]))

bool cgroup_limits_asked(const struct spec_resources *resources)
{
	for (size_t i = 0; resources && i < NR_LIMITED; i++)
		if (resources_need(resources, limited[i].v1))
			return true;
	return resources && resources->unified.nr;
}

/* Every limit has a group whose controller can keep it. */
static int check_controllers(const struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	for (size_t i = 0; i < NR_LIMITED; i++) {
		if (!resources_need(resources, limited[i].v1) || group_of(cgroup, limited[i].v1) || (*limited[i].v2 && group_of(cgroup, limited[i].v2)))
			continue;
		/* It may be only the unified part that asks. */
		if (unified_needs(resources, limited[i].v1))
			continue;
		fail(error, 0, "cannot set linux.resources.%s: the container has no group of the controller %s", limited[i].what, limited[i].v1);
		return fail_remedy_of(error, cgroup->rootless ? REMEDY_DELEGATE : *limited[i].v2 ? REMEDY_CONTROLLER_MISSING : REMEDY_NETWORK_V1);
	}
	return 0;
}

/* ---- huge pages, RDMA ---- */

/* "2MB 1GB": the sizes that the group knows. */
static void hugepage_sizes(const struct group *group, char *sizes, size_t size)
{
	DIR *stream = opendir(group->dir);
	struct dirent *entry;

	*sizes = '\0';
	while (stream && (entry = readdir(stream))) {
		const char *end = strncmp(entry->d_name, "hugetlb.", 8) ? NULL : strchr(entry->d_name + 8, '.');
		size_t length = strlen(sizes);

		if (end && (!strcmp(end, ".limit_in_bytes") || !strcmp(end, ".max")))
			snprintf(sizes + length, size - length, "%s%.*s", length ? ", " : "", (int)(end - entry->d_name - 8), entry->d_name + 8);
	}
	if (stream)
		closedir(stream);
}

static int set_hugepages(const struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	const struct group *group = group_of(cgroup, "hugetlb");

	for (size_t i = 0; group && i < resources->nr_hugepage_limits; i++) {
		const struct spec_hugepage_limit *limit = &resources->hugepage_limits[i];
		const char *end = group->version == 1 ? "limit_in_bytes" : "max";
		char file[80], reserved[80], value[32], sizes[128];
		int result;

		snprintf(file, sizeof(file), "hugetlb.%.32s.%s", limit->page_size, end);
		snprintf(reserved, sizeof(reserved), "hugetlb.%.32s.rsvd.%s", limit->page_size, end);
		snprintf(value, sizeof(value), "%llu", (unsigned long long)limit->limit);
		result = strchr(file, '/') ? -ENOENT : group_try_write(cgroup, group, file, value);
		if (result == -ENOENT) {
			hugepage_sizes(group, sizes, sizeof(sizes));
			fail(error, 0, "config.json: linux.resources.hugepageLimits[%zu].pageSize: \"%s\" is no size of this host", i, limit->page_size);
			return fail_remedy(error, "it has %s", *sizes ? sizes : "no huge pages");
		}
		if (result)
			return group_write_failed(group, file, value, -result, error);
		/* Reservations (5.7), so that mmap fails instead of the program dying by SIGBUS. */
		if (group_has(group, reserved) && group_write(cgroup, group, reserved, value, error))
			return -1;
	}
	return 0;
}

static int set_rdma(const struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	const struct group *group = group_of(cgroup, "rdma");
	char line[200], handles[48], objects[48];

	for (size_t i = 0; group && i < resources->nr_rdma; i++) {
		const struct spec_rdma *rdma = &resources->rdma[i];

		snprintf(handles, sizeof(handles), " hca_handle=%llu", (unsigned long long)rdma->hca_handles.value);
		snprintf(objects, sizeof(objects), " hca_object=%llu", (unsigned long long)rdma->hca_objects.value);
		snprintf(line, sizeof(line), "%.64s%s%s", rdma->key, rdma->hca_handles.set ? handles : "", rdma->hca_objects.set ? objects : "");
		if (group_write(cgroup, group, "rdma.max", line, error))
			return -1;
	}
	return 0;
}

/* ---- unified ---- */

static int set_unified_file(const struct cgroup *cgroup, const struct group *group, const struct spec_pair *pair, struct error *error)
{
	char *lines = strdup(pair->value), *rest;
	int result = lines ? 0 : fail(error, ENOMEM, "cannot set linux.resources.unified");

	/* Files such as io.max take a line at a time. */
	for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line && !result; line = strtok_r(NULL, "\n", &rest)) {
		int failed = group_try_write(cgroup, group, pair->key, line);

		if (failed == -ENOENT) {
			result = fail(error, 0, "invalid configuration: linux.resources.unified[\"%s\"]: there is no file %s/%s", pair->key,
				      group->dir, pair->key);
			fail_remedy(error, "its controller is not enabled there (%s/cgroup.controllers), or this kernel has no such file",
				    group->dir);
		} else if (failed) {
			result = group_write_failed(group, pair->key, line, -failed, error);
		}
	}
	free(lines);
	return result;
}

static int set_unified(const struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	const struct group *group = group_of(cgroup, "");

	for (size_t i = 0; i < resources->unified.nr; i++) {
		const struct spec_pair *pair = &resources->unified.items[i];

		if (!group || group->version != 2) {
			fail(error, 0, "cannot set linux.resources.unified[\"%s\"]: the container has no cgroup v2 group", pair->key);
			return fail_remedy_of(error, REMEDY_MOUNT_CGROUPS);
		}
		if (!*pair->key || strchr(pair->key, '/') || pair->key[0] == '.')
			return fail(error, 0, "config.json: linux.resources.unified: \"%s\" is no name of a file", pair->key);
		if (set_unified_file(cgroup, group, pair, error))
			return -1;
	}
	return 0;
}

/* ---- all ---- */

static int apply(struct cgroup *cgroup, const struct spec_resources *resources, int how, struct error *error)
{
	static const struct spec_resources none;

	if (!resources)
		resources = &none;
	if (check_controllers(cgroup, resources, error) || v1_apply(cgroup, resources, how, error) || v2_apply(cgroup, resources, how, error))
		return -1;
	return set_hugepages(cgroup, resources, error) || set_rdma(cgroup, resources, error) || set_unified(cgroup, resources, error) ? -1 : 0;
}

int cgroup_apply(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	cgroup->limited = cgroup_limits_asked(resources);
	return apply(cgroup, resources, APPLY_NEW, error);
}

int cgroup_update(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	bool pause = cgroup->systemd && resources->nr_devices && group_of(cgroup, "devices") && !cgroup_is_frozen(cgroup);
	struct error ignored;
	int result;

	if (!cgroup->systemd)
		return apply(cgroup, resources, APPLY_UPDATE, error);
	/* systemd sets v1's device rules by forbidding everything first: nobody may look meanwhile. */
	if (pause)
		cgroup_freeze(cgroup, true, &ignored);
	result = systemd_set(cgroup, resources, error) || apply(cgroup, resources, APPLY_UPDATE, error) ? -1 : 0;
	if (pause)
		cgroup_freeze(cgroup, false, &ignored);
	return result;
}
