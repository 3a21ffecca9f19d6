/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From config.json to what the sandbox is made of. Each field is either done, or refused with a remedy, or, where a program and its user
 * would not notice, noted in the container's log: docs/sandbox-oci.md has the table. Mounts: oci_mounts.c; the process: oci_process.c.
 */
#include <linux/filter.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

#include "runtime/native/cgroup/convert.h"
#include "runtime/network/config.h"
#include "runtime/sandbox/oci.h"
#include "runtime/sandbox/oci_mounts.h"

#define ANNOTATION "org.linuxd."

void oci_warn(const struct container *container, const char *format, ...)
{
	int fd = openat(container->fd, "monitor.log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	va_list arguments;
	char text[1024];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	container_warn(container, "%s", text);
	if (fd < 0)
		return;
	dprintf(fd, "linuxd: warning: %s\n", text);
	close(fd);
}

static int refuse(struct error *error, const char *field, const char *why)
{
	fail(error, 0, "%s: %s in a sandbox", field, why);
	return fail_remedy(error, "leave it out, or run the container with --mode native (annotation org.linuxd.mode=native)");
}

/* ---- namespaces ---- */

static const char *const joined_namespaces[] = { "a mount namespace", "UTS names", "System V IPC", "pids", "a user namespace", "cgroups", "a clock" };
static const int joined_types[] = { CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWCGROUP, 0x80 /* CLONE_NEWTIME */ };

/* A user namespace is the container's kernel's own; what is left of it on the host is whom files belong to. */
static int take_mappings(const struct spec_mappings *mappings, const char *field, struct boot_id_range *ranges, uint32_t *ret_nr, struct error *error)
{
	if (mappings->nr > BOOT_MAX_ID_RANGES)
		return fail(error, 0, "%s: more than %d of them", field, BOOT_MAX_ID_RANGES);
	for (size_t i = 0; i < mappings->nr; i++)
		ranges[i] = (struct boot_id_range){ mappings->items[i].container_id, mappings->items[i].host_id, mappings->items[i].size };
	*ret_nr = mappings->nr;
	return 0;
}

/* The sandbox has all namespaces of its own; only the network is the host's, and can be any. */
static int check_namespaces(const struct container *container, const struct spec *spec, struct error *error)
{
	for (size_t i = 0; i < sizeof(joined_types) / sizeof(joined_types[0]); i++) {
		const struct spec_namespace *namespace = spec_namespace(spec, joined_types[i]);
		char why[64];

		snprintf(why, sizeof(why), "%s cannot be shared with others", joined_namespaces[i]);
		if (namespace && namespace->path)
			return refuse(error, "linux.namespaces", why);
	}
	if (!spec_namespace(spec, CLONE_NEWPID))
		oci_warn(container, "linux.namespaces: there is no pid namespace in it, but the container does not see the host's processes");
	return 0;
}

/*
 * The monitor is in the network namespace of the config, and what it can reach there is what the container can. An annotation may ask for less, or
 * for a network in user space.
 */
static int take_network(struct oci_sandbox *sandbox, struct error *error)
{
	const struct spec_namespace *network = spec_namespace(sandbox->spec, CLONE_NEWNET);
	const char *mode = spec_annotation(sandbox->spec, ANNOTATION "network");

	/* Callers mount /etc/hosts and the like; but a network in user space has a name server of its own. */
	sandbox->config.network.image_files = !mode;
	if (mode)
		return network_config_mode(&sandbox->config.network, mode, error) || network_config_check(&sandbox->config.network, error) ? -1 : 0;
	return network_config_mode(&sandbox->config.network, network && !network->path && geteuid() != 0 ? "none" : "host", error);
}

/* ---- resources ---- */

unsigned int oci_cpus(const struct spec_cpu *cpu)
{
	uint64_t period;

	if (!cpu || !cpu->quota.set || cpu->quota.value <= 0)
		return 0;
	period = cpu->period.set && cpu->period.value ? cpu->period.value : 100000;
	return (cpu->quota.value + period - 1) / period;
}

static unsigned int host_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

#define HARD_MEMORY(bytes) ((bytes) + (bytes) / 4 + (256L << 20)) /* as in walls.c: the container's own kernel acts first */

void oci_host_resources(struct oci_sandbox *sandbox, const struct spec_resources *resources)
{
	static struct spec_device_rule all = { .allow = true, .type = SPEC_DEVICE_ALL };

	sandbox->host_resources = *resources;
	/* Tasks and devices are the container's kernel's; its host processes are others, and have their filter. */
	sandbox->host_resources.pids = NULL;
	sandbox->host_resources.devices = &all;
	sandbox->host_resources.nr_devices = 1;
	if (!resources->memory)
		return;
	sandbox->host_memory = *resources->memory;
	if (sandbox->host_memory.limit.set && sandbox->host_memory.limit.value > 0)
		sandbox->host_memory.limit.value = HARD_MEMORY(sandbox->host_memory.limit.value);
	sandbox->host_memory.swap.set = false;
	sandbox->host_memory.disable_oom_killer.set = false;
	sandbox->host_resources.memory = &sandbox->host_memory;
}

/* A terminal's console is a device of its own here. */
static int take_devices(struct oci_sandbox *sandbox, const struct spec_resources *resources, struct error *error)
{
	static const struct spec_device_rule console = { .allow = true, .type = SPEC_DEVICE_CHAR, .major = { .set = true, .value = 5 },
							 .minor = { .set = true, .value = 1 } };
	struct spec_device_rule *rules;
	int result;

	if (!resources->nr_devices)
		return 0;
	rules = calloc(resources->nr_devices + 1, sizeof(*rules));
	if (!rules)
		return fail(error, 0, "out of memory");
	memcpy(rules, resources->devices, resources->nr_devices * sizeof(*rules));
	rules[resources->nr_devices] = console;
	result = device_rules_make(rules, resources->nr_devices + sandbox->config.tty, true, &sandbox->devices, error);
	free(rules);
	sandbox->config.devices = &sandbox->devices;
	return result;
}

static int take_resources(struct oci_sandbox *sandbox, struct error *error)
{
	static const struct spec_resources none;
	const struct spec_resources *resources = sandbox->spec->linux_->resources ? sandbox->spec->linux_->resources : &none;
	struct sandbox_config *config = &sandbox->config;
	unsigned int cpus = oci_cpus(resources->cpu), most = host_cpus();

	if (resources->memory && resources->memory->limit.set && resources->memory->limit.value > 0) {
		config->memory = resources->memory->limit.value;
		if (config->memory < 8 << 20) {
			fail(error, 0, "linux.resources.memory.limit: %lu bytes are too few for a sandbox", config->memory);
			return fail_remedy(error, "give it at least 8 MiB, or run the container with --mode native");
		}
	}
	if (resources->pids && resources->pids->limit.set && resources->pids->limit.value > 0)
		config->tasks_limit = resources->pids->limit.value;
	if (cpus)
		config->cpus = cpus < most ? cpus : most;
	if (resources->cpu) {
		const struct spec_cpu *cpu = resources->cpu;

		config->cpu_quota = cpu->quota.set && cpu->quota.value > 0 ? cpu->quota.value : 0;
		config->cpu_period = cpu->period.value;
		config->cpu_weight = convert_shares(cpu->shares.value);
	}
	oci_host_resources(sandbox, resources);
	return take_devices(sandbox, resources, error);
}

/* ---- annotations ---- */

static int annotation_number(const struct spec *spec, const char *key, unsigned long most, unsigned long *ret_number, struct error *error)
{
	const char *text = spec_annotation(spec, key);
	char *end;

	if (!text)
		return 0;
	*ret_number = strtoul(text, &end, 10);
	if (!*text || *end || *text == '-' || *ret_number > most)
		return fail(error, 0, "annotations[\"%s\"]: \"%s\" is no number from 0 to %lu", key, text, most);
	return 1;
}

static int take_annotations(struct oci_sandbox *sandbox, struct error *error)
{
	struct sandbox_config *config = &sandbox->config;
	unsigned long number;
	int found;

	found = annotation_number(sandbox->spec, ANNOTATION "cpus", BOOT_MAX_CPUS, &number, error);
	if (found < 0)
		return -1;
	if (found)
		config->cpus = number;
	found = annotation_number(sandbox->spec, ANNOTATION "async-threads", 64, &number, error);
	if (found < 0)
		return -1;
	if (found)
		config->async_threads = number;
	found = annotation_number(sandbox->spec, ANNOTATION "seed", ~0UL, &number, error);
	if (found < 0)
		return -1;
	config->deterministic = found;
	if (found)
		config->seed = number;
	if (config->deterministic && config->tty)
		return fail(error, 0, "annotations[\"" ANNOTATION "seed\"]: a deterministic container cannot have a terminal");
	return 0;
}

/* ---- the rest ---- */

static int check_others(const struct container *container, const struct spec *spec, struct error *error)
{
	const struct spec_linux *l = spec->linux_;
	const struct spec_process *process = spec->process;

	if (l->nr_time_offsets)
		return refuse(error, "linux.timeOffsets", "clocks cannot be moved");
	if (l->nr_net_devices)
		return refuse(error, "linux.netDevices", "network devices cannot be moved");
	if (l->intel_rdt)
		return refuse(error, "linux.intelRdt", "cache and memory bandwidth cannot be assigned");
	if (l->memory_policy)
		return refuse(error, "linux.memoryPolicy", "memory cannot be bound to nodes");
	if (process->scheduler)
		return refuse(error, "process.scheduler", "the first program cannot be given a scheduling policy");
	if (process->io_priority)
		oci_warn(container, "process.ioPriority is not applied: the container's host threads do its input and output");
	if (process->exec_cpu_affinity)
		oci_warn(container, "process.execCPUAffinity is not applied");
	if (process->apparmor_profile)
		oci_warn(container, "process.apparmorProfile is not applied: programs of a sandbox do not reach the host's kernel");
	if (process->selinux_label || l->mount_label)
		oci_warn(container, "SELinux labels are not applied: programs of a sandbox do not reach the host's kernel");
	if (l->rootfs_propagation)
		oci_warn(container, "linux.rootfsPropagation is not applied: mounts made on the host later do not appear in the container");
	return 0;
}

static const char **sysctls_make(const struct spec_map *map)
{
	const char **list = calloc(2 * map->nr + 1, sizeof(*list));

	for (size_t i = 0; list && i < map->nr; i++) {
		char *name = strdup(map->items[i].key);

		/* With dots for slashes, unless there are slashes. */
		if (name && !strchr(name, '/'))
			for (char *at = name; *at; at++)
				*at = *at == '.' ? '/' : *at;
		list[2 * i] = name;
		list[2 * i + 1] = map->items[i].value;
	}
	return list;
}

int oci_config_make(struct oci_sandbox *sandbox, struct error *error)
{
	const struct spec *spec = sandbox->spec;
	const struct container *container = sandbox->container;
	struct sandbox_config *config = &sandbox->config;

	*config = (struct sandbox_config){ .rootfs = container->rootfs, .async_threads = 4, .exact_mounts = true, .process = &sandbox->process,
					   .detached = &sandbox->detached, .read_only = spec->root->readonly, .tty = spec->process->terminal };
	config->hostname = spec->hostname ? spec->hostname : "linuxd";
	config->domainname = spec->domainname;
	if (check_namespaces(container, spec, error) || check_others(container, spec, error) || take_network(sandbox, error) ||
	    take_resources(sandbox, error) ||
	    take_mappings(&spec->linux_->uid_mappings, "linux.uidMappings", config->uid_ranges, &config->nr_uid_ranges, error) ||
	    take_mappings(&spec->linux_->gid_mappings, "linux.gidMappings", config->gid_ranges, &config->nr_gid_ranges, error) ||
	    take_annotations(sandbox, error))
		return -1;
	if (oci_process_make(spec, spec->process, container->rootfs, &sandbox->process, error) || oci_mounts_make(sandbox, error))
		return -1;
	sandbox->process.spec.flags |= PROCESS_MAKE_CWD;
	config->masked = spec->linux_->masked_paths.items;
	config->read_only_paths = spec->linux_->readonly_paths.items;
	config->sysctls = sysctls_make(&spec->linux_->sysctl);
	if (spec->process->terminal && spec->process->console_size) {
		sandbox->detached.rows = spec->process->console_size->height.value;
		sandbox->detached.columns = spec->process->console_size->width.value;
	}
	return config->sysctls ? 0 : fail(error, 0, "out of memory");
}
