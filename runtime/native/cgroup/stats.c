/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the groups have counted, in the JSON that `runc events` writes and its callers read: members whose value is 0 are left out where runc leaves
 * them out, names and units (nanoseconds, bytes) are v1's, whichever version the numbers come from.
 */
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"

static struct json_object *new_object(struct json_object *in, const char *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(in, name, object);
	return object;
}

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

static void add_unless_zero(struct json_object *object, const char *name, uint64_t value)
{
	if (value)
		add_number(object, name, value);
}

/* All lines "name number". */
static void add_lines(struct json_object *object, const char *text)
{
	char name[64];
	unsigned long long value;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0)
		if (sscanf(line, "%63s %llu", name, &value) == 2)
			add_number(object, name, value);
}

/* ---- pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same for "full" ---- */

static void add_pressure(struct json_object *object, const struct group *group, const char *file)
{
	char *text = group_read(group, file), kind[8];
	struct json_object *psi = NULL;
	double average[3];
	unsigned long long total;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		struct json_object *entry;

		if (sscanf(line, "%7s avg10=%lf avg60=%lf avg300=%lf total=%llu", kind, &average[0], &average[1], &average[2], &total) != 5)
			continue;
		if (!psi)
			psi = new_object(object, "psi");
		entry = new_object(psi, kind);
		json_object_object_add(entry, "avg10", json_object_new_double(average[0]));
		json_object_object_add(entry, "avg60", json_object_new_double(average[1]));
		json_object_object_add(entry, "avg300", json_object_new_double(average[2]));
		add_number(entry, "total", total);
	}
	free(text);
}

/* ---- cpu ---- */

/* Numbers with spaces between them. */
static void add_row(struct json_object *object, const char *name, const char *text)
{
	struct json_object *row;
	char *end;

	if (!text || !*text)
		return;
	row = json_object_new_array();
	for (const char *at = text;; at = end) {
		unsigned long long value = strtoull(at, &end, 10);

		if (end == at)
			break;
		json_object_array_add(row, json_object_new_uint64(value));
	}
	json_object_object_add(object, name, row);
}

/* The columns of cpuacct.usage_all: cpu, user, system. */
static void add_per_cpu(struct json_object *usage, const struct group *group)
{
	char *text = group_read(group, "cpuacct.usage_all");
	struct json_object *kernel, *user;
	unsigned long long in_user, in_kernel;

	if (!text)
		return;
	kernel = json_object_new_array();
	user = json_object_new_array();
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0)
		if (sscanf(line, "%*u %llu %llu", &in_user, &in_kernel) == 2) {
			json_object_array_add(user, json_object_new_uint64(in_user));
			json_object_array_add(kernel, json_object_new_uint64(in_kernel));
		}
	json_object_object_add(usage, "percpu_kernel", kernel);
	json_object_object_add(usage, "percpu_user", user);
	free(text);
}

static void cpu_v1(const struct cgroup *cgroup, struct json_object *usage, struct json_object *throttling)
{
	const struct group *acct = group_of(cgroup, "cpuacct"), *cpu = group_of(cgroup, "cpu");
	uint64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);
	char *text;

	if (acct && acct->version == 1) {
		add_unless_zero(usage, "total", group_read_number(acct, "cpuacct.usage", 0));
		text = group_read(acct, "cpuacct.usage_percpu");
		add_row(usage, "percpu", text);
		free(text);
		add_per_cpu(usage, acct);
		text = group_read(acct, "cpuacct.stat");
		add_number(usage, "kernel", lines_number(text, "system", 0) * tick);
		add_number(usage, "user", lines_number(text, "user", 0) * tick);
		free(text);
	}
	if (cpu && cpu->version == 1) {
		text = group_read(cpu, "cpu.stat");
		add_unless_zero(throttling, "periods", lines_number(text, "nr_periods", 0));
		add_unless_zero(throttling, "throttledPeriods", lines_number(text, "nr_throttled", 0));
		add_unless_zero(throttling, "throttledTime", lines_number(text, "throttled_time", 0));
		free(text);
	}
}

static void add_cpu(const struct cgroup *cgroup, struct json_object *data)
{
	struct json_object *cpu = new_object(data, "cpu"), *usage = new_object(cpu, "usage"), *throttling = new_object(cpu, "throttling");
	const struct group *acct = group_of(cgroup, "cpuacct"), *group = group_of(cgroup, "");
	char *text;

	cpu_v1(cgroup, usage, throttling);
	/* cpu.stat is there without any controller; the numbers of throttling only with it. */
	if (acct || !group)
		return;
	text = group_read(group, "cpu.stat");
	add_unless_zero(usage, "total", lines_number(text, "usage_usec", 0) * 1000);
	add_number(usage, "kernel", lines_number(text, "system_usec", 0) * 1000);
	add_number(usage, "user", lines_number(text, "user_usec", 0) * 1000);
	add_unless_zero(throttling, "periods", lines_number(text, "nr_periods", 0));
	add_unless_zero(throttling, "throttledPeriods", lines_number(text, "nr_throttled", 0));
	add_unless_zero(throttling, "throttledTime", lines_number(text, "throttled_usec", 0) * 1000);
	free(text);
	add_pressure(cpu, group, "cpu.pressure");
}

/* "0-2,5" as a row of numbers. */
static void add_list(struct json_object *object, const char *name, const struct group *group, const char *file)
{
	char *text = group_read(group, file), *at = text, *end;
	struct json_object *row;

	if (text && *text) {
		row = json_object_new_array();
		while (*at) {
			unsigned long first = strtoul(at, &end, 10), last = first;

			if (end == at)
				break;
			if (*end == '-')
				last = strtoul(end + 1, &end, 10);
			for (unsigned long i = first; i <= last && i < first + 8192; i++)
				json_object_array_add(row, json_object_new_uint64(i));
			at = *end == ',' ? end + 1 : end;
		}
		json_object_object_add(object, name, row);
	}
	free(text);
}

static void add_cpuset(const struct cgroup *cgroup, struct json_object *data)
{
	static const char *const flags[] = { "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab", "memory_pressure",
					     "sched_load_balance" };
	struct json_object *cpuset = new_object(data, "cpuset");
	const struct group *group = group_of(cgroup, "cpuset");
	char file[64], *level;

	if (group)
		add_list(cpuset, "cpus", group, group->version == 1 ? "cpuset.cpus" : "cpuset.cpus.effective");
	add_number(cpuset, "cpu_exclusive", group ? group_read_number(group, "cpuset.cpu_exclusive", 0) : 0);
	if (group)
		add_list(cpuset, "mems", group, group->version == 1 ? "cpuset.mems" : "cpuset.mems.effective");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		snprintf(file, sizeof(file), "cpuset.%s", flags[i]);
		add_number(cpuset, flags[i], group ? group_read_number(group, file, 0) : 0);
	}
	level = group ? group_read(group, "cpuset.sched_relax_domain_level") : NULL;
	json_object_object_add(cpuset, "sched_relax_domain_level", json_object_new_int64(level ? strtol(level, NULL, 10) : 0));
	free(level);
}

/* ---- memory ---- */

static struct json_object *memory_entry(struct json_object *memory, const char *name, uint64_t limit, uint64_t usage, uint64_t max, uint64_t failcnt)
{
	struct json_object *entry = new_object(memory, name);

	add_number(entry, "limit", limit);
	add_unless_zero(entry, "usage", usage);
	add_unless_zero(entry, "max", max);
	add_number(entry, "failcnt", failcnt);
	return entry;
}

static void memory_v1(const struct group *group, struct json_object *memory)
{
	static const struct {
		const char *name, *files;
	} entries[] = { { "usage", "memory" }, { "swap", "memory.memsw" }, { "kernel", "memory.kmem" }, { "kernelTCP", "memory.kmem.tcp" } };
	char *stat = group_read(group, "memory.stat"), limit[64], usage[64], max[64], failcnt[64];

	add_unless_zero(memory, "cache", lines_number(stat, "cache", 0));
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		snprintf(limit, sizeof(limit), "%s.limit_in_bytes", entries[i].files);
		snprintf(usage, sizeof(usage), "%s.usage_in_bytes", entries[i].files);
		snprintf(max, sizeof(max), "%s.max_usage_in_bytes", entries[i].files);
		snprintf(failcnt, sizeof(failcnt), "%s.failcnt", entries[i].files);
		memory_entry(memory, entries[i].name, group_read_number(group, limit, 0), group_read_number(group, usage, 0),
			     group_read_number(group, max, 0), group_read_number(group, failcnt, 0));
	}
	add_lines(new_object(memory, "raw"), stat);
	free(stat);
}

/* Swap in v1 means memory and swap together. */
static void memory_v2(const struct group *group, struct json_object *memory)
{
	char *stat = group_read(group, "memory.stat"), *events = group_read(group, "memory.events"), *swap_events = group_read(group, "memory.swap.events");
	uint64_t usage = group_read_number(group, "memory.current", 0), limit = group_read_number(group, "memory.max", UINT64_MAX);
	uint64_t swap = group_read_number(group, "memory.swap.current", 0), swap_limit = group_read_number(group, "memory.swap.max", UINT64_MAX);

	add_unless_zero(memory, "cache", lines_number(stat, "file", 0));
	memory_entry(memory, "usage", limit, usage, group_read_number(group, "memory.peak", 0), lines_number(events, "max", 0));
	memory_entry(memory, "swap", limit == UINT64_MAX || swap_limit == UINT64_MAX ? UINT64_MAX : limit + swap_limit, usage + swap, 0,
		     lines_number(swap_events, "fail", 0));
	memory_entry(memory, "kernel", 0, 0, 0, 0);
	memory_entry(memory, "kernelTCP", 0, 0, 0, 0);
	add_lines(new_object(memory, "raw"), stat);
	add_pressure(memory, group, "memory.pressure");
	free(stat);
	free(events);
	free(swap_events);
}

static void add_memory(const struct cgroup *cgroup, struct json_object *data)
{
	struct json_object *memory = new_object(data, "memory");
	const struct group *group = group_of(cgroup, "memory");

	if (group && group->version == 1) {
		memory_v1(group, memory);
	} else if (group) {
		memory_v2(group, memory);
	} else {
		memory_entry(memory, "usage", 0, 0, 0, 0);
		memory_entry(memory, "swap", 0, 0, 0, 0);
		memory_entry(memory, "kernel", 0, 0, 0, 0);
		memory_entry(memory, "kernelTCP", 0, 0, 0, 0);
	}
}

/* ---- the others ---- */

static void add_pids(const struct cgroup *cgroup, struct json_object *data)
{
	struct json_object *pids = new_object(data, "pids");
	const struct group *group = group_of(cgroup, "pids");
	uint64_t limit;

	if (!group)
		return;
	limit = group_read_number(group, "pids.max", 0);
	add_unless_zero(pids, "current", group_read_number(group, "pids.current", 0));
	add_unless_zero(pids, "limit", limit == UINT64_MAX ? 0 : limit);
}

static void io_entry(struct json_object *blkio, const char *name, unsigned int major, unsigned int minor, const char *op, uint64_t value)
{
	struct json_object *list, *entry = json_object_new_object();

	if (!json_object_object_get_ex(blkio, name, &list)) {
		list = json_object_new_array();
		json_object_object_add(blkio, name, list);
	}
	add_unless_zero(entry, "major", major);
	add_unless_zero(entry, "minor", minor);
	if (*op)
		json_object_object_add(entry, "op", json_object_new_string(op));
	add_unless_zero(entry, "value", value);
	json_object_array_add(list, entry);
}

/* Lines "8:0 Read 4096", or without the word. Whether there were any. */
static bool io_lines(struct json_object *blkio, const char *name, const struct group *group, const char *file)
{
	char *text = group_read(group, file), op[32];
	unsigned int major, minor;
	unsigned long long value;
	bool any = false;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		*op = '\0';
		if (sscanf(line, "%u:%u %31[A-Za-z] %llu", &major, &minor, op, &value) != 4 && sscanf(line, "%u:%u %llu", &major, &minor, &value) != 3)
			continue;
		io_entry(blkio, name, major, minor, op, value);
		any = true;
	}
	free(text);
	return any;
}

/* The scheduler that a disk has decides who counts: BFQ, CFQ (old), or only the throttling layer. */
static void io_v1(struct json_object *blkio, const struct group *group)
{
	static const struct {
		const char *name, *files[3];
	} lists[] = {
		{ "ioServiceBytesRecursive",
		  { "blkio.bfq.io_service_bytes_recursive", "blkio.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive" } },
		{ "ioServicedRecursive", { "blkio.bfq.io_serviced_recursive", "blkio.io_serviced_recursive", "blkio.throttle.io_serviced_recursive" } },
		{ "ioQueueRecursive", { "blkio.bfq.io_queued_recursive", "blkio.io_queued_recursive" } },
		{ "ioServiceTimeRecursive", { "blkio.bfq.io_service_time_recursive", "blkio.io_service_time_recursive" } },
		{ "ioWaitTimeRecursive", { "blkio.bfq.io_wait_time_recursive", "blkio.io_wait_time_recursive" } },
		{ "ioMergedRecursive", { "blkio.bfq.io_merged_recursive", "blkio.io_merged_recursive" } },
		{ "ioTimeRecursive", { "blkio.bfq.time_recursive", "blkio.time_recursive" } },
		{ "sectorsRecursive", { "blkio.bfq.sectors_recursive", "blkio.sectors_recursive" } },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < 3 && lists[i].files[j]; j++)
			if (io_lines(blkio, lists[i].name, group, lists[i].files[j]))
				break;
}

/* io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void io_v2(struct json_object *blkio, const struct group *group)
{
	static const struct {
		const char *key, *name, *op;
	} columns[] = {
		{ "rbytes=", "ioServiceBytesRecursive", "Read" },   { "wbytes=", "ioServiceBytesRecursive", "Write" },
		{ "dbytes=", "ioServiceBytesRecursive", "Discard" }, { "rios=", "ioServicedRecursive", "Read" },
		{ "wios=", "ioServicedRecursive", "Write" },	    { "dios=", "ioServicedRecursive", "Discard" },
	};
	char *text = group_read(group, "io.stat"), *rest, *words;
	unsigned int major, minor;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%u:%u", &major, &minor) != 2)
			continue;
		for (char *word = strtok_r(line, " ", &words); word; word = strtok_r(NULL, " ", &words))
			for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
				if (!strncmp(word, columns[i].key, strlen(columns[i].key)))
					io_entry(blkio, columns[i].name, major, minor, columns[i].op, strtoull(word + strlen(columns[i].key), NULL, 10));
	}
	free(text);
	add_pressure(blkio, group, "io.pressure");
}

static void add_io(const struct cgroup *cgroup, struct json_object *data)
{
	struct json_object *blkio = new_object(data, "blkio");
	const struct group *group = group_of(cgroup, "blkio");

	if (group) {
		io_v1(blkio, group);
		return;
	}
	group = group_of(cgroup, "io");
	if (group)
		io_v2(blkio, group);
}

static void hugepage_entry(const struct group *group, struct json_object *hugetlb, const char *size)
{
	struct json_object *entry = new_object(hugetlb, size);
	char file[96], *events;

	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, group->version == 1 ? "usage_in_bytes" : "current");
	add_unless_zero(entry, "usage", group_read_number(group, file, 0));
	if (group->version == 1) {
		snprintf(file, sizeof(file), "hugetlb.%s.max_usage_in_bytes", size);
		add_unless_zero(entry, "max", group_read_number(group, file, 0));
		snprintf(file, sizeof(file), "hugetlb.%s.failcnt", size);
		add_number(entry, "failcnt", group_read_number(group, file, 0));
	} else {
		snprintf(file, sizeof(file), "hugetlb.%s.events", size);
		events = group_read(group, file);
		add_number(entry, "failcnt", lines_number(events, "max", 0));
		free(events);
	}
}

static void add_hugetlb(const struct cgroup *cgroup, struct json_object *data)
{
	struct json_object *hugetlb = new_object(data, "hugetlb");
	const struct group *group = group_of(cgroup, "hugetlb");
	DIR *stream = group ? opendir(group->dir) : NULL;
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char size[32], end[32];

		if (sscanf(entry->d_name, "hugetlb.%31[0-9A-Za-z].%31s", size, end) == 2 &&
		    (!strcmp(end, "limit_in_bytes") || !strcmp(end, "max")))
			hugepage_entry(group, hugetlb, size);
	}
	if (stream)
		closedir(stream);
}

int cgroup_write_stats(const struct cgroup *cgroup, const char *id, FILE *out, struct error *error)
{
	struct json_object *event = json_object_new_object(), *data;

	if (!event || !cgroup_exists(cgroup)) {
		json_object_put(event);
		return fail(error, 0, "container %s has no cgroups: nothing counts what it uses", id);
	}
	json_object_object_add(event, "type", json_object_new_string("stats"));
	json_object_object_add(event, "id", json_object_new_string(id));
	data = new_object(event, "data");
	add_cpu(cgroup, data);
	add_cpuset(cgroup, data);
	add_memory(cgroup, data);
	add_pids(cgroup, data);
	add_io(cgroup, data);
	add_hugetlb(cgroup, data);
	new_object(data, "intel_rdt");
	json_object_object_add(data, "network_interfaces", NULL);
	fprintf(out, "%s\n", json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(out);
	json_object_put(event);
	return ferror(out) ? fail(error, EIO, "cannot write the statistics of container %s", id) : 0;
}
