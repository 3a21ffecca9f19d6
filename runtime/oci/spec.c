/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: the file as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/oci/shape.h"

#define MAX_SIZE (16 << 20)
#define MAX_DEPTH 64

#define STRUCT spec
static const struct shape spec_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("ociVersion", STRING, oci_version, .required = true),
	FIELD("process", OBJECT, process, .more = &process_shape),
	FIELD("root", OBJECT, root, .more = &root_shape),
	FIELD("hostname", STRING, hostname),
	FIELD("domainname", STRING, domainname),
	FIELD("mounts", OBJECTS, mounts, .more = &mount_shape),
	FIELD("hooks", OBJECT, hooks, .more = &hooks_shape),
	FIELD("annotations", MAP, annotations),
	FIELD("linux", OBJECT, linux_, .more = &linux_shape),
	{ 0 } } };

static struct spec *new_spec(const char *name, struct error *error)
{
	struct arena *arena = arena_new();
	struct spec *spec = arena ? arena_take(arena, sizeof(*spec)) : NULL;

	if (!spec) {
		arena_free(arena);
		fail(error, 0, "%s: out of memory", name);
		return NULL;
	}
	spec->arena = arena;
	return spec;
}

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	json_object_put(spec->json);
	arena_free(spec->arena);
}

/* Lines are counted from 1. */
static unsigned long line_of(const char *text, size_t offset)
{
	unsigned long line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

static struct json_object *parse_json(const char *text, size_t length, const char *name, struct error *error)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *json;
	enum json_tokener_error result;
	size_t end;

	if (!tokener || length > MAX_SIZE) {
		fail(error, 0, "%s: %s", name, tokener ? "larger than 16 MiB" : "out of memory");
		json_tokener_free(tokener);
		return NULL;
	}
	/* A number at the very end is complete only when something follows; files of ours are objects. */
	json = json_tokener_parse_ex(tokener, text, length);
	result = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	while (result == json_tokener_success && end < length && strchr(" \t\r\n", text[end]))
		end++;
	if (result == json_tokener_success && end == length && json_object_is_type(json, json_type_object))
		return json;
	if (result == json_tokener_success && end < length)
		fail(error, 0, "%s: line %lu: something follows the end of the JSON value", name, line_of(text, end));
	else if (result == json_tokener_success)
		fail(error, 0, "%s: is not a JSON object", name);
	else
		fail(error, 0, "%s: line %lu: not JSON: %s", name, line_of(text, end < length ? end : length),
		     result == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(result));
	json_object_put(json);
	return NULL;
}

static struct spec *read_shape(const struct shape *shape, size_t offset, const char *text, size_t length, const char *name,
			       struct error *error)
{
	struct spec *spec = new_spec(name, error);
	struct reader reader = { .name = name, .error = error };
	void *part;

	if (!spec)
		return NULL;
	reader.arena = spec->arena;
	spec->json = parse_json(text, length, name, error);
	part = shape == &spec_shape ? (void *)spec : arena_take(spec->arena, shape->size);
	if (spec->json && part && shape_read(&reader, shape, spec->json, NULL, part) == 0) {
		if (part != spec)
			*(void **)((char *)spec + offset) = part;
		return spec;
	}
	spec_free(spec);
	return NULL;
}

struct spec *spec_parse(const char *text, size_t length, const char *name, struct error *error)
{
	struct spec *spec = read_shape(&spec_shape, 0, text, length, name, error);

	if (spec && !spec->linux_)
		spec->linux_ = arena_take(spec->arena, sizeof(*spec->linux_));
	if (spec && (!spec->linux_ || spec_check(spec, name, error))) {
		spec_free(spec);
		return NULL;
	}
	return spec;
}

/* malloc'ed, with a NUL behind it. */
static char *read_file(int directory, const char *path, const char *name, size_t *ret_length, struct error *error)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;
	size_t used = 0, room;
	char *text = NULL;
	ssize_t got = -1;

	if (fd < 0 || fstat(fd, &status)) {
		fail(error, errno, "cannot open %s", name);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	room = S_ISREG(status.st_mode) && status.st_size < MAX_SIZE ? (size_t)status.st_size + 1 : MAX_SIZE;
	text = malloc(room + 1);
	while (text && used < room && (got = read(fd, text + used, room - used)) > 0)
		used += got;
	if (!text || got < 0)
		fail(error, text ? errno : 0, "cannot read %s", name);
	close(fd);
	if (!text || got < 0) {
		free(text);
		return NULL;
	}
	text[used] = '\0';
	*ret_length = used;
	return text;
}

struct spec *spec_read(int directory, const char *path, const char *name, struct error *error)
{
	size_t length;
	char *text = read_file(directory, path, name, &length, error);
	struct spec *spec = text ? spec_parse(text, length, name, error) : NULL;

	free(text);
	return spec;
}

struct spec *spec_read_process(const char *path, struct error *error)
{
	size_t length;
	char *text = read_file(AT_FDCWD, path, path, &length, error);
	struct spec *spec = text ? read_shape(&process_shape, offsetof(struct spec, process), text, length, path, error) : NULL;

	free(text);
	if (spec && spec_check_process(spec->process, path, error)) {
		spec_free(spec);
		return NULL;
	}
	return spec;
}

struct spec *spec_parse_resources(const char *text, size_t length, const char *name, struct error *error)
{
	struct spec *spec = new_spec(name, error);
	struct reader reader = { .name = name, .error = error };

	if (!spec)
		return NULL;
	reader.arena = spec->arena;
	spec->linux_ = arena_take(spec->arena, sizeof(*spec->linux_));
	if (spec->linux_)
		spec->linux_->resources = arena_take(spec->arena, sizeof(*spec->linux_->resources));
	spec->json = parse_json(text, length, name, error);
	if (spec->json && spec->linux_ && spec->linux_->resources &&
	    shape_read(&reader, &resources_shape, spec->json, NULL, spec->linux_->resources) == 0)
		return spec;
	spec_free(spec);
	return NULL;
}

const struct spec_namespace *spec_namespace(const struct spec *spec, int type)
{
	for (size_t i = 0; i < spec->linux_->nr_namespaces; i++)
		if (spec->linux_->namespaces[i].type == type)
			return &spec->linux_->namespaces[i];
	return NULL;
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->annotations.nr; i++)
		if (!strcmp(spec->annotations.items[i].key, key))
			return spec->annotations.items[i].value;
	return NULL;
}

static const char *name_of(const struct word *words, long value)
{
	for (; words->name; words++)
		if (words->value == value)
			return words->name;
	return "?";
}

const char *spec_namespace_name(int type) { return name_of(namespace_types, type); }
const char *spec_rlimit_name(int type) { return name_of(rlimit_types, type); }
