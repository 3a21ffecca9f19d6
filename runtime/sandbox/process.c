/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/process.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "runtime/error.h"

#define FILTER_INSTRUCTION 8

uint32_t area_bytes(struct string_area *area, const void *bytes, size_t size, size_t alignment)
{
	uint32_t offset = (area->used + alignment - 1) / alignment * alignment;

	if (offset > area->size || size > area->size - offset) {
		area->full = true;
		return 0;
	}
	/* No byte of the area keeps what somebody else has had there. */
	memset(area->bytes + area->used, 0, offset - area->used);
	if (size)
		memcpy(area->bytes + offset, bytes, size);
	area->used = offset + size;
	return offset;
}

uint32_t area_string(struct string_area *area, const char *string)
{
	return area_bytes(area, string, strlen(string) + 1, 1);
}

static uint32_t put_all(struct string_area *area, const char *const *strings, uint32_t *ret_offset)
{
	uint32_t n = 0;

	*ret_offset = area->used;
	for (; strings && strings[n]; n++)
		area_string(area, strings[n]);
	return n;
}

void process_pack(const struct sandbox_process *process, struct string_area *area, struct process_spec *ret_spec)
{
	struct process_spec spec = process->spec;

	spec.nr_argv = put_all(area, process->argv, &spec.argv);
	spec.nr_env = put_all(area, process->env, &spec.env);
	spec.cwd = area_string(area, process->cwd ? process->cwd : "");
	spec.nr_groups = process->nr_groups;
	spec.groups = area_bytes(area, process->groups, process->nr_groups * sizeof(uint32_t), sizeof(uint32_t));
	spec.nr_filter = process->nr_filter;
	spec.filter = area_bytes(area, process->filter, (size_t)process->nr_filter * FILTER_INSTRUCTION, FILTER_INSTRUCTION);
	*ret_spec = spec;
}

/* The system's words for an error, without its capital. */
static const char *words(int code, char *buffer, size_t size)
{
	strncpy(buffer, strerror(code), size - 1);
	buffer[size - 1] = '\0';
	buffer[0] = (char)tolower((unsigned char)buffer[0]);
	return buffer;
}

int explain_start(struct error *error, int code, uint32_t step, const char *name, const char *cwd)
{
	char buffer[128];

	if (step == PROCESS_STEP_CWD)
		fail(error, 0, "cannot run %s in the container: chdir to cwd (\"%s\") set in config.json failed: %s", name, cwd ? cwd : "/",
		     words(code, buffer, sizeof(buffer)));
	else if (step == PROCESS_STEP_PROGRAM && code == ENOENT && !strchr(name, '/'))
		fail(error, 0, "cannot run %s in the container: exec: \"%s\": executable file not found in $PATH: no such file or directory", name, name);
	else if (step == PROCESS_STEP_PROGRAM)
		fail(error, 0, "cannot run %s in the container: exec: \"%s\": %s", name, name, words(code, buffer, sizeof(buffer)));
	else
		fail(error, code, "cannot run %s in the container: cannot prepare the process", name);
	error->code = code;
	return -1;
}
