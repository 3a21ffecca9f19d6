/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `update` and `events` in a sandbox. Limits of tasks and memory are the container's kernel's, the rest is the host's cgroup, which everything of
 * the container is in. Numbers are the kernel's own; only how much memory its host processes take is asked of the cgroup.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "include/abi/control.h"
#include "include/abi/stats.h"
#include "runtime/json.h"
#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/cgroup/convert.h"
#include "runtime/sandbox/oci.h"

#define OOM_INTERVAL_MS 1000

static struct cgroup *saved_cgroup(const struct container *container, struct error *error)
{
	struct json_object *saved;
	struct cgroup *cgroup = NULL;

	if (!json_object_object_get_ex(container->data, "cgroup", &saved))
		fail(error, 0, "container %s has no cgroup in its state", container->id);
	else if (cgroup_load(saved, &cgroup, error))
		return NULL;
	return cgroup;
}

static int read_stats(const struct container *container, struct container_stats *ret_stats, struct error *error)
{
	struct control_reply reply;
	int fd, result = -1;

	if (oci_ask(container, CONTROL_STATS, NULL, &reply, &fd, error))
		return -1;
	if (fd >= 0 && reply.length == sizeof(*ret_stats) && pread(fd, ret_stats, sizeof(*ret_stats), 0) == sizeof(*ret_stats))
		result = 0;
	if (fd >= 0)
		close(fd);
	/* It comes from the container. */
	if (result || ret_stats->magic != STATS_MAGIC || ret_stats->version != STATS_VERSION || ret_stats->nr_cpus > BOOT_MAX_CPUS)
		return fail(error, 0, "the container's kernel answers nonsense");
	return 0;
}

/* 0: as it is; no limit is the largest number. */
static uint64_t new_limit(const struct spec_number *limit)
{
	return !limit->set || limit->value == 0 ? 0 : limit->value < 0 ? UINT64_MAX : (uint64_t)limit->value;
}

static uint64_t new_weight(const struct spec_cpu *cpu)
{
	return (cpu->period.value & UINT32_MAX) | convert_shares(cpu->shares.value) << 32;
}

/* How many there are was decided when its kernel booted. */
static void warn_about_cpus(const struct container *container, const struct spec_cpu *cpu)
{
	struct container_stats stats;
	struct error ignored = { 0 };
	unsigned int wanted = oci_cpus(cpu);

	if (wanted && read_stats(container, &stats, &ignored) == 0 && wanted > stats.nr_cpus)
		container_warn(container, "update: the quota is worth %u cpus, but the container was made with %u, and has no more to use it with",
			       wanted, stats.nr_cpus);
}

int oci_update(struct container *container, const struct spec_resources *resources, struct error *error)
{
	static const struct spec_number unset;
	const uint64_t argument[4] = { new_limit(resources->memory ? &resources->memory->limit : &unset),
				       new_limit(resources->pids ? &resources->pids->limit : &unset),
				       new_limit(resources->cpu ? &resources->cpu->quota : &unset),
				       resources->cpu ? new_weight(resources->cpu) : 0 };
	struct oci_sandbox sandbox = { .container = container };
	struct cgroup *cgroup = saved_cgroup(container, error);
	struct control_reply reply;
	int result;

	if (!cgroup)
		return -1;
	if (argument[0] && argument[0] < 8 << 20) {
		cgroup_free(cgroup);
		return fail(error, 0, "update: %" PRIu64 " bytes of memory are too few for a sandbox: give it at least 8 MiB", argument[0]);
	}
	oci_host_resources(&sandbox, resources);
	result = oci_ask(container, CONTROL_UPDATE, argument, &reply, NULL, error);
	if (result == 0 && resources->cpu)
		warn_about_cpus(container, resources->cpu);
	if (result == 0)
		result = cgroup_update(cgroup, &sandbox.host_resources, error);
	if (result == 0)
		json_object_object_add(container->data, "cgroup", cgroup_save(cgroup));
	cgroup_free(cgroup);
	return result ? -1 : container_save(container, error);
}

/* ---- events ---- */

static uint64_t read_number(const char *directory, const char *file)
{
	char path[4096], line[64];
	uint64_t number = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	in = fopen(path, "re");
	if (in && fgets(line, sizeof(line), in))
		number = strtoull(line, NULL, 10);
	if (in)
		fclose(in);
	return number;
}

struct memory_use {
	uint64_t usage, peak;
};

static struct memory_use memory_use(const struct cgroup *cgroup)
{
	const char *directory = cgroup_path(cgroup, "memory");
	char path[4096];
	struct memory_use use = { 0 };

	if (!directory)
		return use;
	snprintf(path, sizeof(path), "%s/memory.current", directory);
	if (access(path, F_OK) == 0)
		return (struct memory_use){ read_number(directory, "memory.current"), read_number(directory, "memory.peak") };
	return (struct memory_use){ read_number(directory, "memory.usage_in_bytes"), read_number(directory, "memory.max_usage_in_bytes") };
}

static void write_event(const struct container *container, const char *type, FILE *out)
{
	fprintf(out, "{\"type\":\"%s\",\"id\":", type);
	json_string(out, container->id);
}

static void write_stats(const struct container *container, const struct container_stats *stats, const struct memory_use *memory, FILE *out)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < stats->nr_cpus; i++)
		total += stats->busy[i];
	write_event(container, "stats", out);
	fprintf(out, ",\"data\":{\"cpu\":{\"usage\":{\"total\":%" PRIu64 ",\"percpu\":[", total);
	for (uint32_t i = 0; i < stats->nr_cpus; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", stats->busy[i]);
	fprintf(out, "],\"kernel\":%" PRIu64 ",\"user\":%" PRIu64 "},\"throttling\":{}},\"cpuset\":{}", stats->system, stats->user);
	fprintf(out, ",\"memory\":{\"usage\":{\"limit\":%" PRIu64 ",\"usage\":%" PRIu64 ",\"max\":%" PRIu64 ",\"failcnt\":%u}", stats->memory_limit,
		memory->usage, memory->peak, stats->oom_kills);
	fprintf(out, ",\"swap\":{\"limit\":0,\"failcnt\":0},\"kernel\":{\"limit\":0,\"usage\":%" PRIu64 ",\"failcnt\":0}", stats->kernel);
	fprintf(out, ",\"kernelTCP\":{\"limit\":0,\"failcnt\":0},\"raw\":{\"shmem\":%" PRIu64 "}}", stats->shared);
	fprintf(out, ",\"pids\":{\"current\":%" PRIu64 "%s", stats->tasks, stats->tasks_limit ? ",\"limit\":" : "");
	if (stats->tasks_limit)
		fprintf(out, "%" PRIu64, stats->tasks_limit);
	fprintf(out, "},\"blkio\":{},\"hugetlb\":{},\"intel_rdt\":{},\"network_interfaces\":null,");
	fprintf(out, "\"linuxd\":{\"switches\":%" PRIu64 ",\"syscalls\":%" PRIu64 ",\"forks\":%" PRIu64 ",\"processes\":%" PRIu64 "}}}\n", stats->switches,
		stats->syscalls, stats->forks, stats->processes);
	fflush(out);
}

static void rest(unsigned int ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

int oci_events(struct container *container, const struct container_events *options, struct error *error)
{
	struct cgroup *cgroup = saved_cgroup(container, error);
	struct container_stats stats;
	uint32_t seen = 0;

	if (!cgroup || read_stats(container, &stats, error))
		return -1;
	seen = stats.oom_kills;
	for (unsigned int waited = options->interval_ms;;) {
		struct memory_use memory;
		unsigned int step;

		for (; seen != stats.oom_kills; seen++) {
			write_event(container, "oom", options->out);
			fprintf(options->out, "}\n");
			fflush(options->out);
		}
		if (options->stats || waited >= options->interval_ms) {
			memory = memory_use(cgroup);
			write_stats(container, &stats, &memory, options->out);
			waited = 0;
		}
		if (options->stats || ferror(options->out))
			break;
		step = options->interval_ms - waited < OOM_INTERVAL_MS ? options->interval_ms - waited : OOM_INTERVAL_MS;
		rest(step);
		waited += step;
		/* With the container its events end. */
		if (read_stats(container, &stats, error)) {
			error->text[0] = '\0';
			break;
		}
	}
	cgroup_free(cgroup);
	return 0;
}
