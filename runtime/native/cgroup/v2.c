/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources in the files of cgroup v2, and what a v2 group needs before it has such files.
 *
 * The specification's limits are those of v1: weights and swap are converted (convert.h), what v2 does not know is an error where the container would
 * run differently from what was asked, else a warning.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/native/cgroup/convert.h"
#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"
#include "runtime/remedy.h"

/* Controllers that work in a group of single threads; the others need a group of processes. */
static const char threaded_controllers[] = "cpu,cpuset,pids,perf_event";

static const struct group *v2_group(const struct cgroup *cgroup, const char *controller)
{
	const struct group *group = group_of(cgroup, controller);

	return group && group->version == 2 ? group : NULL;
}

/* ---- controllers ---- */

/*
 * Only the root may have processes and give controllers to groups below. The kernel would take cpu and pids elsewhere, too, but make the group one of
 * threads by that: nobody asked for it.
 */
static bool has_inner_processes(const struct group *group)
{
	char *procs = group_has(group, "cgroup.type") ? group_read(group, "cgroup.procs") : NULL;
	bool has = procs && *procs;

	free(procs);
	return has;
}

/* Enables in @dir all controllers that it can give to groups below. What cannot be is seen by who needs it: *ret_failed is the last reason. */
static void enable_below(const struct cgroup *cgroup, const struct group *group, char *dir, int *ret_failed)
{
	struct group here = *group;
	char *offered, *enabled, *rest, all[512] = "";

	here.dir = dir;
	offered = group_read(&here, "cgroup.controllers");
	enabled = group_read(&here, "cgroup.subtree_control");
	for (char *at = enabled; at && *at; at++)
		*at = *at == ' ' ? ',' : *at;
	for (char *name = offered ? strtok_r(offered, " ", &rest) : NULL; name; name = strtok_r(NULL, " ", &rest))
		if ((!enabled || !list_has(enabled, name)) && strlen(all) + strlen(name) + 3 < sizeof(all))
			sprintf(all + strlen(all), "%s+%s", *all ? " " : "", name);
	if (*all && has_inner_processes(&here))
		*ret_failed = -EBUSY;
	else if (*all && group_try_write(cgroup, &here, "cgroup.subtree_control", all))
		/* One that cannot be takes all with it: each by itself. */
		for (char *name = strtok_r(all, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
			int failed = group_try_write(cgroup, &here, "cgroup.subtree_control", name);

			if (failed)
				*ret_failed = failed;
		}
	free(offered);
	free(enabled);
}

static bool domain_controllers_needed(const struct spec_resources *resources)
{
	static const char *const names[] = { "memory", "io", "hugetlb", "rdma", "misc" };

	for (size_t i = 0; resources && i < sizeof(names) / sizeof(names[0]); i++)
		if (resources_need(resources, names[i]) && !list_has(threaded_controllers, names[i]))
			return true;
	return false;
}

/* Below a group of threads a new one can hold nothing but threads. */
static int check_type(const struct cgroup *cgroup, const struct group *group, const struct spec_resources *resources, struct error *error)
{
	char *type = group_read(group, "cgroup.type");
	int result = 0;

	if (type && strcmp(type, "domain")) {
		if (domain_controllers_needed(resources)) {
			result = fail(error, 0, "cannot limit memory or io in %s: it is of type \"%s\"", group->dir, type);
			fail_remedy_of(error, REMEDY_THREADED);
		} else if (!strcmp(type, "domain invalid")) {
			result = group_write(cgroup, group, "cgroup.type", "threaded", error);
		}
	}
	free(type);
	return result;
}

int v2_enable_controllers(const struct cgroup *cgroup, const struct group *group, const struct spec_resources *resources, struct error *error)
{
	char *dir = strdup(group->dir), *list, *rest, *have;
	int failed = 0, result = 0;

	if (!dir)
		return fail(error, ENOMEM, "cannot set up %s", group->dir);
	/* From the root down to the group above. */
	for (char *at = dir + strlen(group->mount); *at == '/'; at += 1 + strcspn(at + 1, "/")) {
		*at = '\0';
		enable_below(cgroup, group, dir, &failed);
		*at = '/';
	}
	free(dir);
	result = check_type(cgroup, group, resources, error);
	if (result || cgroup->fake)
		return result;
	have = group_read(group, "cgroup.controllers");
	list = strdup(group->controllers);
	for (char *at = have; at && *at; at++)
		*at = *at == ' ' ? ',' : *at;
	for (char *name = list ? strtok_r(list, ",", &rest) : NULL; name && !result; name = strtok_r(NULL, ",", &rest)) {
		if (!resources || !resources_need(resources, name) || list_has(have ? have : "", name))
			continue;
		result = fail(error, -failed, "cannot enable the controller %s for %s", name, group->dir);
		fail_remedy_of(error, failed == -EBUSY ? REMEDY_INNER_PROCESSES : failed == -EROFS ? REMEDY_CGROUP_READ_ONLY : REMEDY_DELEGATE);
	}
	free(list);
	free(have);
	return result;
}

/* ---- memory ---- */

static int write_limit(const struct cgroup *cgroup, const struct group *group, const char *file, int64_t limit, struct error *error)
{
	return limit < 0 ? group_write(cgroup, group, file, "max", error) : group_write_number(cgroup, group, file, limit, error);
}

static int set_swap(const struct cgroup *cgroup, const struct group *group, const struct spec_memory *memory, struct error *error)
{
	uint64_t now = group_read_number(group, "memory.max", UINT64_MAX);
	int64_t limit = memory->limit.set && memory->limit.value ? memory->limit.value : now == UINT64_MAX ? -1 : (int64_t)now, swap;
	bool asked = memory->swap.set && memory->swap.value;

	/* No limit of memory means none of both either. */
	if (!asked && (!memory->limit.set || memory->limit.value != -1))
		return 0;
	if (convert_swap(asked ? memory->swap.value : -1, limit, &swap)) {
		fail(error, 0, "cannot limit memory and swap of %s to %lld: %s", group->dir, (long long)memory->swap.value,
		     limit < 0 ? "memory has no limit" : "memory alone may be more");
		return fail_remedy_of(error, REMEDY_SWAP_ORDER);
	}
	/* A host without swap, or that does not count it, grants no swap and any swap alike. */
	if (swap <= 0 && !cgroup->fake && !group_has(group, "memory.swap.max"))
		return 0;
	return write_limit(cgroup, group, "memory.swap.max", swap, error);
}

static int check_before_update(const struct group *group, const struct spec_memory *memory, struct error *error)
{
	uint64_t usage = group_read_number(group, "memory.current", 0);

	if (!memory->check_before_update.value || !memory->limit.set || memory->limit.value <= 0 || usage <= (uint64_t)memory->limit.value)
		return 0;
	fail(error, 0, "cannot set the memory limit of %s to %lld: %llu bytes are in use, and linux.resources.memory.checkBeforeUpdate is set", group->dir,
	     (long long)memory->limit.value, (unsigned long long)usage);
	return fail_remedy_of(error, REMEDY_MEMORY_IN_USE);
}

static int set_memory(struct cgroup *cgroup, const struct group *group, const struct spec_memory *memory, struct error *error)
{
	if (check_before_update(group, memory, error) || set_swap(cgroup, group, memory, error))
		return -1;
	if (memory->limit.set && memory->limit.value && write_limit(cgroup, group, "memory.max", memory->limit.value, error))
		return -1;
	if (memory->reservation.set && memory->reservation.value &&
	    write_limit(cgroup, group, "memory.low", memory->reservation.value, error))
		return -1;
	if ((memory->kernel.set && memory->kernel.value) || (memory->kernel_tcp.set && memory->kernel_tcp.value))
		cgroup_warn(cgroup, "memory.kernel and memory.kernelTCP are not set: %s", remedy_text(REMEDY_KERNEL_MEMORY));
	if (memory->swappiness.set && memory->swappiness.value != UINT64_MAX)
		cgroup_warn(cgroup, "memory.swappiness is not set: cgroup v2 has none");
	if (memory->disable_oom_killer.value)
		cgroup_warn(cgroup, "memory.disableOOMKiller is not set: cgroup v2 cannot do without the OOM killer");
	if (memory->use_hierarchy.set && !memory->use_hierarchy.value)
		cgroup_warn(cgroup, "memory.useHierarchy is not cleared: cgroup v2 is always hierarchical");
	return 0;
}

/* ---- cpu ---- */

static int set_cpu_max(const struct cgroup *cgroup, const struct group *group, const struct spec_cpu *cpu, struct error *error)
{
	char text[64], quota[32] = "max", *now = group_read(group, "cpu.max");
	unsigned long long period = 100000;

	if (now)
		sscanf(now, "%31s %llu", quota, &period);
	free(now);
	if (cpu->quota.set && cpu->quota.value)
		snprintf(quota, sizeof(quota), cpu->quota.value < 0 ? "max" : "%lld", (long long)cpu->quota.value);
	if (cpu->period.set && cpu->period.value)
		period = cpu->period.value;
	snprintf(text, sizeof(text), "%s %llu", quota, period);
	return group_write(cgroup, group, "cpu.max", text, error);
}

static int set_cpu(const struct cgroup *cgroup, const struct group *group, const struct spec_cpu *cpu, struct error *error)
{
	bool idle = cpu->idle.set && cpu->idle.value, max = (cpu->quota.set && cpu->quota.value) || (cpu->period.set && cpu->period.value);
	char burst[32];
	int burst_result = 0;

	if ((cpu->realtime_runtime.set && cpu->realtime_runtime.value) || (cpu->realtime_period.set && cpu->realtime_period.value)) {
		fail(error, 0, "cannot set linux.resources.cpu.realtimeRuntime or realtimePeriod: cgroup v2 has no such limits");
		return fail_remedy(error, "leave them out, or use a host where the cpu controller is mounted as cgroup v1");
	}
	if (cpu->idle.set && !idle && group_has(group, "cpu.idle") && group_write(cgroup, group, "cpu.idle", "0", error))
		return -1;
	/* An idle group has no weight of its own. */
	if (cpu->shares.set && cpu->shares.value && !idle &&
	    group_write_number(cgroup, group, "cpu.weight", convert_shares(cpu->shares.value), error))
		return -1;
	if (idle && group_write_number(cgroup, group, "cpu.idle", cpu->idle.value, error))
		return -1;
	/* Burst and quota depend on each other: see v1.c. */
	if (cpu->burst.set) {
		snprintf(burst, sizeof(burst), "%llu", (unsigned long long)cpu->burst.value);
		burst_result = group_try_write(cgroup, group, "cpu.max.burst", burst);
		if (burst_result && (burst_result != -EINVAL || !max))
			return group_write_failed(group, "cpu.max.burst", burst, -burst_result, error);
	}
	if (max && set_cpu_max(cgroup, group, cpu, error))
		return -1;
	return burst_result ? group_write(cgroup, group, "cpu.max.burst", burst, error) : 0;
}

static int set_cpuset(const struct cgroup *cgroup, const struct group *group, const struct spec_cpu *cpu, struct error *error)
{
	if (cpu->cpus && *cpu->cpus && group_write(cgroup, group, "cpuset.cpus", cpu->cpus, error))
		return -1;
	return cpu->mems && *cpu->mems ? group_write(cgroup, group, "cpuset.mems", cpu->mems, error) : 0;
}

/* ---- io ---- */

/* BFQ's weights are those of the specification, iocost's are not; who has both does not know which of them a disk uses. */
static int set_weight(const struct cgroup *cgroup, const struct group *group, const char *device, uint64_t weight, struct error *error)
{
	bool bfq = group_has(group, "io.bfq.weight"), cost = group_has(group, "io.weight") || !bfq;
	char line[80];

	snprintf(line, sizeof(line), "%s %llu", device, (unsigned long long)weight);
	if (bfq && group_write(cgroup, group, "io.bfq.weight", line, error))
		return -1;
	snprintf(line, sizeof(line), "%s %llu", device, (unsigned long long)convert_io_weight(weight));
	return cost ? group_write(cgroup, group, "io.weight", line, error) : 0;
}

static int set_throttles(const struct cgroup *cgroup, const struct group *group, const char *what, const struct spec_throttle_list *list,
			 struct error *error)
{
	char line[80];

	for (size_t i = 0; i < list->nr; i++) {
		/* 0 is no limit in v1, and here too much of one. */
		if (list->items[i].rate)
			snprintf(line, sizeof(line), "%lld:%lld %s=%llu", (long long)list->items[i].major, (long long)list->items[i].minor, what,
				 (unsigned long long)list->items[i].rate);
		else
			snprintf(line, sizeof(line), "%lld:%lld %s=max", (long long)list->items[i].major, (long long)list->items[i].minor, what);
		if (group_write(cgroup, group, "io.max", line, error))
			return -1;
	}
	return 0;
}

static int set_block_io(struct cgroup *cgroup, const struct group *group, const struct spec_block_io *io, struct error *error)
{
	bool leaf = io->leaf_weight.set && io->leaf_weight.value;
	char device[48];

	if (io->weight.set && io->weight.value && set_weight(cgroup, group, "default", io->weight.value, error))
		return -1;
	for (size_t i = 0; i < io->nr_weight_devices; i++) {
		leaf |= io->weight_devices[i].leaf_weight.set && io->weight_devices[i].leaf_weight.value;
		if (!io->weight_devices[i].weight.set || !io->weight_devices[i].weight.value)
			continue;
		snprintf(device, sizeof(device), "%lld:%lld", (long long)io->weight_devices[i].major, (long long)io->weight_devices[i].minor);
		if (set_weight(cgroup, group, device, io->weight_devices[i].weight.value, error))
			return -1;
	}
	if (leaf)
		cgroup_warn(cgroup, "blockIO leaf weights are not set: cgroup v2 has no processes in inner groups that they could apply to");
	return set_throttles(cgroup, group, "rbps", &io->read_bps, error) || set_throttles(cgroup, group, "wbps", &io->write_bps, error) ||
	       set_throttles(cgroup, group, "riops", &io->read_iops, error) || set_throttles(cgroup, group, "wiops", &io->write_iops, error) ? -1 : 0;
}

/* ---- devices ---- */

/* In a user namespace BPF is not to be had, and devices are out of reach anyway; but what is forbidden by name must not be allowed silently. */
static bool may_do_without(const struct cgroup *cgroup, const struct spec_resources *resources)
{
	if (!cgroup->rootless)
		return false;
	for (size_t i = 0; i < resources->nr_devices; i++) {
		const struct spec_device_rule *rule = &resources->devices[i];

		if (!rule->allow && rule->access && *rule->access &&
		    !(strchr(rule->access, 'r') && strchr(rule->access, 'w') && strchr(rule->access, 'm')))
			return false;
	}
	return true;
}

static int set_devices(struct cgroup *cgroup, const struct group *group, const struct spec_resources *resources, int how, struct error *error)
{
	struct device_rules rules;
	int result;

	if (cgroup->fake || (how == APPLY_UPDATE && !resources->nr_devices))
		return 0;
	if (device_rules_make(resources->devices, resources->nr_devices, true, &rules, error))
		return -1;
	result = devices_v2_apply(cgroup, group, &rules, error);
	device_rules_free(&rules);
	return result && may_do_without(cgroup, resources) ? forgive(error) : result;
}

int v2_apply(struct cgroup *cgroup, const struct spec_resources *resources, int how, struct error *error)
{
	const struct group *group;

	if (!group_of(cgroup, "devices") && (group = v2_group(cgroup, "")) && set_devices(cgroup, group, resources, how, error))
		return -1;
	if (resources->memory && (group = v2_group(cgroup, "memory")) && set_memory(cgroup, group, resources->memory, error))
		return -1;
	if (resources->cpu && (group = v2_group(cgroup, "cpu")) && set_cpu(cgroup, group, resources->cpu, error))
		return -1;
	if (resources->cpu && (group = v2_group(cgroup, "cpuset")) && set_cpuset(cgroup, group, resources->cpu, error))
		return -1;
	if (resources->pids && (group = v2_group(cgroup, "pids")) && resources->pids->limit.set && resources->pids->limit.value &&
	    write_limit(cgroup, group, "pids.max", resources->pids->limit.value, error))
		return -1;
	if (resources->block_io && (group = v2_group(cgroup, "io")) && set_block_io(cgroup, group, resources->block_io, error))
		return -1;
	return 0;
}
