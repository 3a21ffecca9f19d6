/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd update, events */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "commands.gen.h"

/* ---- update ---- */

/* All from the command line; what a file says comes first. */
struct update {
	struct spec_resources resources;
	struct spec_memory memory;
	struct spec_cpu cpu;
	struct spec_pids pids;
	struct spec_block_io block_io;
	struct spec *file;
	const char *l3_cache_schema, *mem_bw_schema;
};

static int take_unsigned(const char *name, const char *value, struct spec_unsigned *to, struct error *error)
{
	char *end;

	errno = 0;
	to->value = strtoull(value, &end, 10);
	to->set = true;
	if (errno || end == value || *end || value[0] == '-')
		return fail(error, 0, "--%s %s: expected a number", name, value);
	return 0;
}

static int take_number(const char *name, const char *value, struct spec_number *to, struct error *error)
{
	char *end;

	errno = 0;
	to->value = strtoll(value, &end, 10);
	to->set = true;
	return errno || end == value || *end ? fail(error, 0, "--%s %s: expected a number", name, value) : 0;
}

static int take_memory(const char *name, const char *value, struct spec_number *to, struct error *error)
{
	uint64_t size;

	to->set = true;
	if (!strcmp(value, "-1") || !strcmp(value, "0")) {
		to->value = strtol(value, NULL, 10);
		return 0;
	}
	if (parse_size(value, &size))
		return fail(error, 0, "--%s %s: expected a size, as in 512M, or -1", name, value);
	to->value = size;
	return 0;
}

static int take_file(struct update *update, const char *path, struct error *error)
{
	size_t room = 1 << 20, used = 0;
	char *text = malloc(room);
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : 0;
	ssize_t got = -1;

	while (text && fd >= 0 && used < room && (got = read(fd, text + used, room - used)) > 0)
		used += got;
	if (fd < 0 || got < 0 || !text)
		fail(error, errno, "--resources %s: cannot read it", path);
	else
		update->file = spec_parse_resources(text, used, strcmp(path, "-") ? path : "standard input", error);
	free(text);
	if (fd > 0)
		close(fd);
	return update->file ? 0 : -1;
}

static int take(struct update *update, int option, const char *value, struct error *error)
{
	struct spec_cpu *cpu = &update->cpu;
	struct spec_memory *memory = &update->memory;

	switch (option) {
	case UPDATE_RESOURCES:
	case UPDATE_R:
		return take_file(update, value, error);
	case UPDATE_BLKIO_WEIGHT:
		return take_unsigned("blkio-weight", value, &update->block_io.weight, error);
	case UPDATE_CPU_PERIOD:
		return take_unsigned("cpu-period", value, &cpu->period, error);
	case UPDATE_CPU_QUOTA:
		return take_number("cpu-quota", value, &cpu->quota, error);
	case UPDATE_CPU_BURST:
		return take_unsigned("cpu-burst", value, &cpu->burst, error);
	case UPDATE_CPU_SHARE:
		return take_unsigned("cpu-share", value, &cpu->shares, error);
	case UPDATE_CPU_IDLE:
		return take_number("cpu-idle", value, &cpu->idle, error);
	case UPDATE_CPU_RT_PERIOD:
		return take_unsigned("cpu-rt-period", value, &cpu->realtime_period, error);
	case UPDATE_CPU_RT_RUNTIME:
		return take_number("cpu-rt-runtime", value, &cpu->realtime_runtime, error);
	case UPDATE_CPUSET_CPUS:
		cpu->cpus = value;
		return 0;
	case UPDATE_CPUSET_MEMS:
		cpu->mems = value;
		return 0;
	case UPDATE_MEMORY:
		return take_memory("memory", value, &memory->limit, error);
	case UPDATE_MEMORY_RESERVATION:
		return take_memory("memory-reservation", value, &memory->reservation, error);
	case UPDATE_MEMORY_SWAP:
		return take_memory("memory-swap", value, &memory->swap, error);
	case UPDATE_PIDS_LIMIT:
		return take_number("pids-limit", value, &update->pids.limit, error);
	case UPDATE_L3_CACHE_SCHEMA:
		update->l3_cache_schema = value;
		return 0;
	case UPDATE_MEM_BW_SCHEMA:
		update->mem_bw_schema = value;
		return 0;
	}
	/* Kernel memory has no limit of its own any more: runc accepts the options, too. */
	return 0;
}

static bool any(const void *part, size_t size)
{
	const char *bytes = part;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return true;
	return false;
}

static const struct spec_resources *complete(struct update *update)
{
	if (any(&update->memory, sizeof(update->memory)))
		update->resources.memory = &update->memory;
	if (any(&update->cpu, sizeof(update->cpu)))
		update->resources.cpu = &update->cpu;
	if (any(&update->pids, sizeof(update->pids)))
		update->resources.pids = &update->pids;
	if (any(&update->block_io, sizeof(update->block_io)))
		update->resources.block_io = &update->block_io;
	return update->file ? update->file->linux_->resources : &update->resources;
}

static int apply(struct container *container, struct update *update, struct error *error)
{
	if (container->mode->status(container) == CONTAINER_STOPPED)
		return fail(error, 0, "container not running");
	if (!container->mode->update)
		return fail(error, 0, "mode %s cannot change limits", container->mode->name);
	if (container->mode->update(container, complete(update), error))
		return -1;
	if (!update->l3_cache_schema && !update->mem_bw_schema)
		return 0;
	if (!container->mode->update_schemata)
		return fail(error, 0, "mode %s has no shares of caches and memory bandwidth", container->mode->name);
	return container->mode->update_schemata(container, update->l3_cache_schema, update->mem_bw_schema, error);
}

int command_update(const struct cli_command *command, int argc, char **argv)
{
	struct update update = { 0 };
	struct container *container = NULL;
	struct error error = { 0 };
	const char *value, *id = NULL;
	int index = 2, option;

	for (;;) {
		option = cli_next(command, argc, argv, &index, &value, &error);
		/* runc's callers write the id before options, too. */
		if (option == CLI_END && index < argc && !id) {
			id = argv[index++];
			continue;
		}
		if (option < 0 || take(&update, option, value, &error))
			break;
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (!error.text[0] && (!id || index < argc))
		fail(&error, 0, "update: expected the id of a container");
	if (!error.text[0])
		container = container_open(&oci_globals, id, true, &error);
	if (container)
		apply(container, &update, &error);
	container_free(container);
	spec_free(update.file);
	return oci_end(&error);
}

/* ---- events ---- */

static int take_interval(const char *value, unsigned int *ret_ms, struct error *error)
{
	char *end;
	double number = strtod(value, &end);
	double unit = !strcmp(end, "ms") ? 1 : !strcmp(end, "s") || !*end ? 1000 : !strcmp(end, "m") ? 60000 : 0;

	if (end == value || unit == 0 || !(number * unit >= 1) || number * unit > 1e9)
		return fail(error, 0, "--interval %s: expected a time, as in 5s or 500ms", value);
	*ret_ms = number * unit;
	return 0;
}

int command_events(const struct cli_command *command, int argc, char **argv)
{
	struct container_events options = { .interval_ms = 5000, .out = stdout };
	struct container *container = NULL;
	struct error error = { 0 };
	const char *value, *id;
	int index = 2, option;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0) {
		if (option == EVENTS_STATS)
			options.stats = true;
		else if (take_interval(value, &options.interval_ms, &error))
			return oci_end(&error);
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && (id = oci_take_id(command, argc, argv, index, &error)))
		container = container_open(&oci_globals, id, false, &error);
	if (container && container->mode->status(container) == CONTAINER_STOPPED)
		fail(&error, 0, "container with id %s is not running", container->id);
	else if (container && !container->mode->events)
		fail(&error, 0, "mode %s has no events", container->mode->name);
	else if (container)
		container->mode->events(container, &options, &error);
	container_free(container);
	return oci_end(&error);
}
