/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources in the files of cgroup v1.
 *
 * Where two values depend on each other the kernel wants them in the right order: memory may never exceed memory and swap together, a quota with its
 * period and burst must fit the group above at every step. So the first value is tried, and again after the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"
#include "runtime/remedy.h"

#define NO_SUPPORT 524

/* The v1 group of a controller, or NULL: then it is v2's business, or an error. */
static const struct group *v1_group(const struct cgroup *cgroup, const char *controller)
{
	const struct group *group = group_of(cgroup, controller);

	return group && group->version == 1 ? group : NULL;
}

/* ---- cpuset ---- */

/* Gives @dir what the group above has, if it has nothing: an empty cpuset takes no process. From the top down. */
static int cpuset_fill(const struct cgroup *cgroup, const struct group *group, const char *dir, struct error *error)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	struct group here = *group, above = *group;
	int result = 0;

	if (!strcmp(dir, group->mount))
		return 0;
	here.dir = (char *)dir;
	above.dir = strndup(dir, strrchr(dir, '/') - dir);
	if (!above.dir)
		return fail(error, ENOMEM, "cannot set up the cpuset of %s", dir);
	result = cpuset_fill(cgroup, group, above.dir, error);
	for (int i = 0; !result && i < 2; i++) {
		char *value = group_read(&here, files[i]), *from = group_read(&above, files[i]);

		if (!from)
			result = fail(error, errno, "cannot read %s/%s", above.dir, files[i]);
		else if (!value || !*value)
			result = group_write(cgroup, &here, files[i], from, error);
		free(value);
		free(from);
	}
	free(above.dir);
	return result;
}

int cpuset_init(const struct cgroup *cgroup, const struct group *group, struct error *error)
{
	return cpuset_fill(cgroup, group, group->dir, error);
}

/* ---- memory ---- */

/* Swap accounting may be off: then only wanting no swap limit can be granted. */
static int set_memory_and_swap(const struct cgroup *cgroup, const struct group *group, const struct spec_memory *memory, struct error *error)
{
	static const char limit_file[] = "memory.limit_in_bytes", swap_file[] = "memory.memsw.limit_in_bytes";
	int64_t swap = memory->swap.value, now;
	bool set_swap = memory->swap.set && swap, set_limit = memory->limit.set && memory->limit.value;

	/* No limit at all means none of both together either, as far as that is counted. */
	if (set_limit && memory->limit.value == -1 && !set_swap && group_has(group, swap_file)) {
		set_swap = true;
		swap = -1;
	}
	if (set_swap && swap == -1 && !group_has(group, swap_file) && !cgroup->fake)
		set_swap = false;
	if (set_limit && set_swap) {
		/* The sum first if it grows beyond what it is now, else the memory. */
		now = group_read_number(group, swap_file, 0);
		if (swap == -1 || (uint64_t)swap > (uint64_t)now)
			return group_write_number(cgroup, group, swap_file, swap, error) ||
			       group_write_number(cgroup, group, limit_file, memory->limit.value, error) ? -1 : 0;
		return group_write_number(cgroup, group, limit_file, memory->limit.value, error) ||
		       group_write_number(cgroup, group, swap_file, swap, error) ? -1 : 0;
	}
	if (set_limit)
		return group_write_number(cgroup, group, limit_file, memory->limit.value, error);
	return set_swap ? group_write_number(cgroup, group, swap_file, swap, error) : 0;
}

/* Linux has given these up, and so have other runtimes: without them the container runs the same. */
static int set_kernel_memory(struct cgroup *cgroup, const struct group *group, const char *file, struct spec_number limit, struct error *error)
{
	char text[32];
	int result;

	if (!limit.set || !limit.value)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)limit.value);
	result = group_try_write(cgroup, group, file, text);
	/* Some kernels take the number and do nothing. */
	if (!result && limit.value > 0 && group_read_number(group, file, 0) > (uint64_t)limit.value)
		result = -NO_SUPPORT;
	if (result == -NO_SUPPORT || result == -EOPNOTSUPP || result == -ENOENT || result == -EINVAL) {
		cgroup_warn(cgroup, "%s is not set: %s", file, remedy_text(REMEDY_KERNEL_MEMORY));
		return 0;
	}
	return result ? group_write_failed(group, file, text, -result, error) : 0;
}

static int check_before_update(const struct group *group, const struct spec_memory *memory, struct error *error)
{
	uint64_t usage = group_read_number(group, "memory.usage_in_bytes", 0);

	if (!memory->check_before_update.value || !memory->limit.set || memory->limit.value <= 0 || usage <= (uint64_t)memory->limit.value)
		return 0;
	fail(error, 0, "cannot set the memory limit of %s to %lld: %llu bytes are in use, and linux.resources.memory.checkBeforeUpdate is set", group->dir,
	     (long long)memory->limit.value, (unsigned long long)usage);
	return fail_remedy_of(error, REMEDY_MEMORY_IN_USE);
}

static int set_memory(struct cgroup *cgroup, const struct group *group, const struct spec_memory *memory, struct error *error)
{
	if (memory->use_hierarchy.set && group_read_number(group, "memory.use_hierarchy", 2) != memory->use_hierarchy.value &&
	    group_write(cgroup, group, "memory.use_hierarchy", memory->use_hierarchy.value ? "1" : "0", error))
		return -1;
	if (check_before_update(group, memory, error) || set_memory_and_swap(cgroup, group, memory, error) ||
	    set_kernel_memory(cgroup, group, "memory.kmem.limit_in_bytes", memory->kernel, error) ||
	    set_kernel_memory(cgroup, group, "memory.kmem.tcp.limit_in_bytes", memory->kernel_tcp, error))
		return -1;
	if (memory->reservation.set && memory->reservation.value &&
	    group_write_number(cgroup, group, "memory.soft_limit_in_bytes", memory->reservation.value, error))
		return -1;
	if (memory->disable_oom_killer.set && (memory->disable_oom_killer.value || group_has(group, "memory.oom_control")) &&
	    group_write(cgroup, group, "memory.oom_control", memory->disable_oom_killer.value ? "1" : "0", error))
		return -1;
	/* -1 of the specification's unsigned number, which some callers send, is "not said". */
	if (memory->swappiness.set && memory->swappiness.value != UINT64_MAX) {
		if (memory->swappiness.value > 100)
			return fail(error, 0, "config.json: linux.resources.memory.swappiness: %llu is not from 0 to 100",
				    (unsigned long long)memory->swappiness.value);
		return group_write_number(cgroup, group, "memory.swappiness", memory->swappiness.value, error);
	}
	return 0;
}

/* ---- cpu ---- */

/* The kernel makes the nearest possible of a value: that would be silence. */
static int set_shares(const struct cgroup *cgroup, const struct group *group, uint64_t shares, struct error *error)
{
	uint64_t got;

	if (group_write_number(cgroup, group, "cpu.shares", shares, error))
		return -1;
	got = group_read_number(group, "cpu.shares", shares);
	if (got == shares)
		return 0;
	fail(error, 0, "cannot write \"%llu\" to %s/cpu.shares: the %s is %llu", (unsigned long long)shares, group->dir,
	     got > shares ? "least" : "most", (unsigned long long)got);
	return fail_remedy(error, "choose linux.resources.cpu.shares from 2 to 262144");
}

/* Writes @first and @second; if the one cannot be set before the other, it is set after it. Either may be NULL. */
static int write_pair(const struct cgroup *cgroup, const struct group *group, const char *first_file, const char *first, const char *second_file,
		      const char *second, struct error *error)
{
	int result = first ? group_try_write(cgroup, group, first_file, first) : 0;

	if (result && (result != -EINVAL || !second))
		return group_write_failed(group, first_file, first, -result, error);
	if (second && group_write(cgroup, group, second_file, second, error))
		return -1;
	return result ? group_write(cgroup, group, first_file, first, error) : 0;
}

static const char *number_text(char text[32], bool set, long long value)
{
	snprintf(text, 32, "%lld", value);
	return set ? text : NULL;
}

static int set_cpu(const struct cgroup *cgroup, const struct group *group, const struct spec_cpu *cpu, struct error *error)
{
	char quota_text[32], period_text[32], burst_text[32], runtime_text[32], rt_period_text[32];
	const char *quota = number_text(quota_text, cpu->quota.set && cpu->quota.value, cpu->quota.value);
	const char *period = number_text(period_text, cpu->period.set && cpu->period.value, cpu->period.value);
	const char *burst = number_text(burst_text, cpu->burst.set, cpu->burst.value);
	const char *runtime = number_text(runtime_text, cpu->realtime_runtime.set && cpu->realtime_runtime.value, cpu->realtime_runtime.value);
	const char *rt_period = number_text(rt_period_text, cpu->realtime_period.set && cpu->realtime_period.value, cpu->realtime_period.value);
	bool idle = cpu->idle.set && cpu->idle.value;
	int burst_result;

	if (cpu->idle.set && !idle && group_has(group, "cpu.idle") && group_write(cgroup, group, "cpu.idle", "0", error))
		return -1;
	/* An idle group has no shares of its own. */
	if (cpu->shares.set && cpu->shares.value && !idle && set_shares(cgroup, group, cpu->shares.value, error))
		return -1;
	if (idle && group_write_number(cgroup, group, "cpu.idle", cpu->idle.value, error))
		return -1;
	if (write_pair(cgroup, group, "cpu.rt_period_us", rt_period, "cpu.rt_runtime_us", runtime, error))
		return -1;
	/* A burst above the old quota may fit the new one, and a new quota below the old burst needs the new burst first. */
	burst_result = burst ? group_try_write(cgroup, group, "cpu.cfs_burst_us", burst) : 0;
	if (burst_result && (burst_result != -EINVAL || !quota))
		return group_write_failed(group, "cpu.cfs_burst_us", burst, -burst_result, error);
	if (write_pair(cgroup, group, "cpu.cfs_period_us", period, "cpu.cfs_quota_us", quota, error))
		return -1;
	return burst_result ? group_write(cgroup, group, "cpu.cfs_burst_us", burst, error) : 0;
}

static int set_cpuset(const struct cgroup *cgroup, const struct group *group, const struct spec_cpu *cpu, struct error *error)
{
	if (cpu->cpus && *cpu->cpus && group_write(cgroup, group, "cpuset.cpus", cpu->cpus, error))
		return -1;
	return cpu->mems && *cpu->mems ? group_write(cgroup, group, "cpuset.mems", cpu->mems, error) : 0;
}

/* ---- the others ---- */

static int set_pids(const struct cgroup *cgroup, const struct group *group, const struct spec_pids *pids, struct error *error)
{
	if (!pids->limit.set || pids->limit.value == 0)
		return 0;
	if (pids->limit.value < 0)
		return group_write(cgroup, group, "pids.max", "max", error);
	return group_write_number(cgroup, group, "pids.max", pids->limit.value, error);
}

/* BFQ's files took the place of CFQ's, which had the plain names; whichever this kernel has. */
static const char *weight_file(const struct group *group, const char *plain, const char *bfq)
{
	return group_has(group, bfq) && !group_has(group, plain) ? bfq : plain;
}

static int set_throttles(const struct cgroup *cgroup, const struct group *group, const char *file, const struct spec_throttle_list *list,
			 struct error *error)
{
	char line[80];

	for (size_t i = 0; i < list->nr; i++) {
		snprintf(line, sizeof(line), "%lld:%lld %llu", (long long)list->items[i].major, (long long)list->items[i].minor,
			 (unsigned long long)list->items[i].rate);
		if (group_write(cgroup, group, file, line, error))
			return -1;
	}
	return 0;
}

static int set_block_io(const struct cgroup *cgroup, const struct group *group, const struct spec_block_io *io, struct error *error)
{
	char line[80];

	if (io->weight.set && io->weight.value &&
	    group_write_number(cgroup, group, weight_file(group, "blkio.weight", "blkio.bfq.weight"), io->weight.value, error))
		return -1;
	if (io->leaf_weight.set && io->leaf_weight.value &&
	    group_write_number(cgroup, group, "blkio.leaf_weight", io->leaf_weight.value, error))
		return -1;
	for (size_t i = 0; i < io->nr_weight_devices; i++) {
		const struct spec_weight_device *device = &io->weight_devices[i];

		if (device->weight.set && device->weight.value) {
			snprintf(line, sizeof(line), "%lld:%lld %llu", (long long)device->major, (long long)device->minor,
				 (unsigned long long)device->weight.value);
			if (group_write(cgroup, group, weight_file(group, "blkio.weight_device", "blkio.bfq.weight_device"), line, error))
				return -1;
		}
		if (device->leaf_weight.set && device->leaf_weight.value) {
			snprintf(line, sizeof(line), "%lld:%lld %llu", (long long)device->major, (long long)device->minor,
				 (unsigned long long)device->leaf_weight.value);
			if (group_write(cgroup, group, "blkio.leaf_weight_device", line, error))
				return -1;
		}
	}
	return set_throttles(cgroup, group, "blkio.throttle.read_bps_device", &io->read_bps, error) ||
	       set_throttles(cgroup, group, "blkio.throttle.write_bps_device", &io->write_bps, error) ||
	       set_throttles(cgroup, group, "blkio.throttle.read_iops_device", &io->read_iops, error) ||
	       set_throttles(cgroup, group, "blkio.throttle.write_iops_device", &io->write_iops, error) ? -1 : 0;
}

static int set_network(const struct cgroup *cgroup, const struct spec_network *network, struct error *error)
{
	const struct group *cls = v1_group(cgroup, "net_cls"), *prio = v1_group(cgroup, "net_prio");
	char line[80];

	if (cls && network->class_id.set && network->class_id.value &&
	    group_write_number(cgroup, cls, "net_cls.classid", network->class_id.value, error))
		return -1;
	for (size_t i = 0; prio && i < network->nr_priorities; i++) {
		snprintf(line, sizeof(line), "%.60s %u", network->priorities[i].name, network->priorities[i].priority);
		if (group_write(cgroup, prio, "net_prio.ifpriomap", line, error))
			return -1;
	}
	return 0;
}

static int set_devices(struct cgroup *cgroup, const struct group *group, const struct spec_resources *resources, int how, struct error *error)
{
	struct device_rules rules;
	int result;

	if (how == APPLY_UPDATE && !resources->nr_devices)
		return 0;
	if (device_rules_make(resources->devices, resources->nr_devices, true, &rules, error))
		return -1;
	result = devices_v1_apply(cgroup, group, &rules, error);
	device_rules_free(&rules);
	/* Only the host's root may; what a user's container may open is limited by the user's own rights. */
	return result && cgroup->rootless ? forgive(error) : result;
}

int v1_apply(struct cgroup *cgroup, const struct spec_resources *resources, int how, struct error *error)
{
	const struct group *group;

	if ((group = v1_group(cgroup, "devices")) && set_devices(cgroup, group, resources, how, error))
		return -1;
	if (resources->memory && (group = v1_group(cgroup, "memory")) && set_memory(cgroup, group, resources->memory, error))
		return -1;
	if (resources->cpu && (group = v1_group(cgroup, "cpu")) && set_cpu(cgroup, group, resources->cpu, error))
		return -1;
	if (resources->cpu && (group = v1_group(cgroup, "cpuset")) && set_cpuset(cgroup, group, resources->cpu, error))
		return -1;
	if (resources->pids && (group = v1_group(cgroup, "pids")) && set_pids(cgroup, group, resources->pids, error))
		return -1;
	if (resources->block_io && (group = v1_group(cgroup, "blkio")) && set_block_io(cgroup, group, resources->block_io, error))
		return -1;
	return resources->network ? set_network(cgroup, resources->network, error) : 0;
}
