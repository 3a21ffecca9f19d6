/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources and annotations as properties of a unit: systemd.resource-control(5), org.freedesktop.systemd1(5).
 */
#include "runtime/native/cgroup/unit_properties.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/convert.h"
#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"

#define MAX_CPUS 8192

void property_begin(struct dbus_writer *body, const char *name, const char *type)
{
	dbus_align(body, 8);
	dbus_put_string(body, name);
	dbus_put_signature(body, type);
}

void property_string(struct dbus_writer *body, const char *name, const char *value)
{
	property_begin(body, name, "s");
	dbus_put_string(body, value);
}

void property_bool(struct dbus_writer *body, const char *name, bool value)
{
	property_begin(body, name, "b");
	dbus_put_u32(body, value);
}

void property_number(struct dbus_writer *body, const char *name, uint64_t value)
{
	property_begin(body, name, "t");
	dbus_put_u64(body, value);
}

/* Which version the group of a controller has, or will have: it may not be there yet. */
static int version_of(const struct cgroup *cgroup, const char *controller)
{
	for (int i = 0; i < cgroup->nr; i++)
		if (list_has(cgroup->groups[i].controllers, controller))
			return cgroup->groups[i].version;
	return 0;
}

/* ---- limits ---- */

static void limit(struct dbus_writer *body, const char *name, struct spec_number number)
{
	if (number.set && number.value)
		property_number(body, name, number.value < 0 ? UINT64_MAX : (uint64_t)number.value);
}

static void put_memory(const struct cgroup *cgroup, const struct spec_memory *memory, struct dbus_writer *body)
{
	int64_t swap;

	if (version_of(cgroup, "memory") != 2) {
		limit(body, "MemoryLimit", memory->limit);
		return;
	}
	limit(body, "MemoryMax", memory->limit);
	limit(body, "MemoryLow", memory->reservation);
	if (memory->swap.set && memory->swap.value && memory->limit.set && convert_swap(memory->swap.value, memory->limit.value, &swap) == 0)
		property_number(body, "MemorySwapMax", swap < 0 ? UINT64_MAX : (uint64_t)swap);
}

/* systemd counts a quota per second and in steps of 10 ms. */
static void put_quota(const struct spec_cpu *cpu, struct dbus_writer *body)
{
	uint64_t period = cpu->period.set && cpu->period.value ? cpu->period.value : 100000, per_second = UINT64_MAX;

	if (cpu->period.set && cpu->period.value)
		property_number(body, "CPUQuotaPeriodUSec", cpu->period.value);
	if (!cpu->quota.set || !cpu->quota.value)
		return;
	if (cpu->quota.value > 0) {
		per_second = (uint64_t)cpu->quota.value * 1000000 / period;
		per_second = (per_second + 9999) / 10000 * 10000;
	}
	property_number(body, "CPUQuotaPerSecUSec", per_second);
}

/* "0-2,5" as bits, the first byte has the lowest. */
static void put_set(const char *name, const char *list, struct dbus_writer *body)
{
	uint8_t bits[MAX_CPUS / 8] = { 0 };
	size_t most = 0, array;
	char *end;

	for (const char *at = list; *at; at = *end == ',' ? end + 1 : end) {
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (end == at)
			return; /* not a list: writing cpuset.cpus will say so */
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long i = first; i <= last && i < MAX_CPUS; i++) {
			bits[i / 8] |= 1 << (i % 8);
			most = i / 8 + 1 > most ? i / 8 + 1 : most;
		}
	}
	property_begin(body, name, "ay");
	array = dbus_array_begin(body, 1);
	for (size_t i = 0; i < most; i++)
		dbus_put_byte(body, bits[i]);
	dbus_array_end(body, array, 1);
}

static void put_cpu(const struct cgroup *cgroup, const struct spec_cpu *cpu, struct dbus_writer *body)
{
	if (cpu->shares.set && cpu->shares.value) {
		if (version_of(cgroup, "cpu") == 2)
			property_number(body, "CPUWeight", convert_shares(cpu->shares.value));
		else
			property_number(body, "CPUShares", cpu->shares.value);
	}
	put_quota(cpu, body);
	if (version_of(cgroup, "cpuset") == 2) {
		if (cpu->cpus && *cpu->cpus)
			put_set("AllowedCPUs", cpu->cpus, body);
		if (cpu->mems && *cpu->mems)
			put_set("AllowedMemoryNodes", cpu->mems, body);
	}
}

/* ---- devices ---- */

/* The name of a major number in /proc/devices, as systemd wants it; the number itself if it has none. */
static void device_group(const char *devices, char type, int64_t major, char *name, size_t size)
{
	const char *section = devices ? strstr(devices, type == 'b' ? "Block devices:\n" : "Character devices:\n") : NULL;
	const char *kind = type == 'b' ? "block" : "char";

	for (const char *line = section ? strchr(section, '\n') + 1 : NULL; line && *line && *line != '\n'; line = strchr(line, '\n'), line += line ? 1 : 0) {
		char word[48];
		long number;

		if (sscanf(line, "%ld %47s", &number, word) == 2 && number == major) {
			snprintf(name, size, "%s-%s", kind, word);
			return;
		}
	}
	snprintf(name, size, "%s-%lld", kind, (long long)major);
}

static void put_device(struct dbus_writer *body, const struct device_exception *exception, const char *devices)
{
	char name[64], access[4] = "", *at = access;

	if (exception->major < 0)
		snprintf(name, sizeof(name), "%s-*", exception->type == 'b' ? "block" : "char");
	else if (exception->minor < 0)
		device_group(devices, exception->type, exception->major, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "/dev/%s/%lld:%lld", exception->type == 'b' ? "block" : "char", (long long)exception->major,
			 (long long)exception->minor);
	if (exception->access & ACCESS_READ)
		*at++ = 'r';
	if (exception->access & ACCESS_WRITE)
		*at++ = 'w';
	if (exception->access & ACCESS_MKNOD)
		*at++ = 'm';
	*at = '\0';
	dbus_align(body, 8);
	dbus_put_string(body, name);
	dbus_put_string(body, access);
}

/* Only lists that begin with "none" can be said; else systemd is to allow all, and the group's own rules forbid. */
static int put_devices(const struct spec_resources *resources, struct dbus_writer *body, struct error *error)
{
	struct device_rules rules;
	char *devices;
	size_t array;

	if (device_rules_make(resources->devices, resources->nr_devices, true, &rules, error))
		return -1;
	property_string(body, "DevicePolicy", rules.allow ? "auto" : "strict");
	property_begin(body, "DeviceAllow", "a(ss)");
	array = dbus_array_begin(body, 8);
	dbus_array_end(body, array, 8); /* an empty list takes back what was said before */
	if (!rules.allow) {
		devices = file_read("/proc/devices");
		property_begin(body, "DeviceAllow", "a(ss)");
		array = dbus_array_begin(body, 8);
		for (size_t i = 0; i < rules.nr; i++)
			put_device(body, &rules.exceptions[i], devices);
		dbus_array_end(body, array, 8);
		free(devices);
	}
	device_rules_free(&rules);
	return 0;
}

int properties_of_resources(const struct cgroup *cgroup, const struct spec_resources *resources, bool is_new, struct dbus_writer *body,
			    struct error *error)
{
	static const struct spec_resources none;

	if (!resources)
		resources = &none;
	if (resources->memory)
		put_memory(cgroup, resources->memory, body);
	if (resources->cpu)
		put_cpu(cgroup, resources->cpu, body);
	if (resources->pids)
		limit(body, "TasksMax", resources->pids->limit);
	if (resources->block_io && resources->block_io->weight.set && resources->block_io->weight.value) {
		if (version_of(cgroup, "io") == 2)
			property_number(body, "IOWeight", convert_io_weight(resources->block_io->weight.value));
		else
			property_number(body, "BlockIOWeight", resources->block_io->weight.value);
	}
	/* A user's systemd can keep no device rules. */
	if (cgroup->user_manager || (!is_new && !resources->nr_devices))
		return 0;
	return put_devices(resources, body, error);
}

/* ---- annotations ---- */

static const char *skip_spaces(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* A text in quotes, with backslashes; moves *at behind it. malloc'ed, NULL if it is none. */
static char *parse_text(const char **at)
{
	char quote = **at, *text = malloc(strlen(*at) + 1), *to = text;
	const char *from = *at + 1;

	if (!text || (quote != '\'' && quote != '"')) {
		free(text);
		return NULL;
	}
	while (*from && *from != quote) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from++;
	}
	if (!*from) {
		free(text);
		return NULL;
	}
	*to = '\0';
	*at = from + 1;
	return text;
}

/* ['a', 'b'] behind the bracket: the number of texts, written if there is a writer; -1 if it is something else. */
static int parse_texts(const char **at, struct dbus_writer *body)
{
	int nr = 0;

	for (*at = skip_spaces(*at); **at != ']'; *at = skip_spaces(*at)) {
		char *text;

		if (nr && **at == ',')
			*at = skip_spaces(*at + 1);
		else if (nr)
			return -1;
		text = parse_text(at);
		if (!text)
			return -1;
		dbus_put_string(body, text);
		free(text);
		nr++;
	}
	(*at)++;
	return nr;
}

/* Numbers may have their type before them; without, they are 32 bits with a sign. */
static const struct {
	const char *word, *type;
} number_types[] = { { "uint32 ", "u" }, { "int32 ", "i" }, { "uint64 ", "t" }, { "int64 ", "x" } };

static int put_number(const char *name, const char *text, struct dbus_writer *body)
{
	const char *type = "i";
	char *end;
	uint64_t value;

	for (size_t i = 0; i < sizeof(number_types) / sizeof(number_types[0]); i++)
		if (!strncmp(text, number_types[i].word, strlen(number_types[i].word))) {
			type = number_types[i].type;
			text = skip_spaces(text + strlen(number_types[i].word));
			break;
		}
	errno = 0;
	value = *text == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	if (end == text || errno || *skip_spaces(end) || (*text == '-' && (*type == 'u' || *type == 't')))
		return -1;
	if ((*type == 'u' && value > UINT32_MAX) || (*type == 'i' && (int64_t)value != (int32_t)value))
		return -1;
	property_begin(body, name, type);
	if (*type == 't' || *type == 'x')
		dbus_put_u64(body, value);
	else
		dbus_put_u32(body, value);
	return 0;
}

/* TimeoutStopSec: 5 is TimeoutStopUSec: uint64 5000000, as in unit files. */
static int put_seconds(const char *name, const char *text, struct dbus_writer *body)
{
	char renamed[80], *end;
	double seconds;

	for (size_t i = 0; i < sizeof(number_types) / sizeof(number_types[0]); i++)
		if (!strncmp(text, number_types[i].word, strlen(number_types[i].word)))
			text += strlen(number_types[i].word);
	seconds = strtod(text, &end);
	if (end == text || *skip_spaces(end) || !(seconds >= 0) || seconds > 1e12)
		return -1;
	snprintf(renamed, sizeof(renamed), "%.*sUSec", (int)(strlen(name) - 3), name);
	property_number(body, renamed, (uint64_t)(seconds * 1000000));
	return 0;
}

static int put_value(const char *name, const char *text, struct dbus_writer *body)
{
	size_t length = strlen(name), array;
	const char *at = text;
	char *string;

	if (*text == '\'' || *text == '"') {
		string = parse_text(&at);
		if (!string || *skip_spaces(at)) {
			free(string);
			return -1;
		}
		property_string(body, name, string);
		free(string);
		return 0;
	}
	if (*text == '[') {
		at++;
		property_begin(body, name, "as");
		array = dbus_array_begin(body, 4);
		if (parse_texts(&at, body) < 0 || *skip_spaces(at))
			return -1;
		dbus_array_end(body, array, 4);
		return 0;
	}
	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		property_bool(body, name, *text == 't');
		return 0;
	}
	if (length > 3 && !strcmp(name + length - 3, "Sec") && (length < 5 || strcmp(name + length - 4, "USec") != 0))
		return put_seconds(name, text, body);
	return put_number(name, text, body);
}

int property_parse(const char *name, const char *text, struct dbus_writer *body, struct error *error)
{
	bool good = *name && isupper((unsigned char)*name) && strlen(name) < 64;

	for (const char *at = name; *at; at++)
		good &= isalnum((unsigned char)*at) != 0;
	if (!good)
		return fail(error, 0, "config.json: annotations: \"%.64s\" is no name of a unit's property", name);
	if (!put_value(name, skip_spaces(text), body))
		return 0;
	fail(error, 0, "config.json: annotations[\"org.systemd.property.%s\"]: cannot read \"%.100s\"", name, text);
	return fail_remedy(error, "write it as systemd's tools do: 'text', true, 5, uint64 5, ['one', 'two']");
}

int properties_of_annotations(const struct cgroup *cgroup, struct dbus_writer *body, struct error *error)
{
	for (char **pair = cgroup->properties; pair && pair[0] && pair[1]; pair += 2)
		if (property_parse(pair[0], pair[1], body, error))
			return -1;
	return 0;
}
