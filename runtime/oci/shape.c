/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oci/shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

#define CHUNK 8192

struct arena {
	struct arena *next; /* older chunks */
	size_t used, size;
	_Alignas(16) char bytes[];
};

static struct arena *new_chunk(size_t size)
{
	struct arena *chunk = calloc(1, sizeof(*chunk) + size);

	if (chunk)
		chunk->size = size;
	return chunk;
}

struct arena *arena_new(void) { return new_chunk(CHUNK - sizeof(struct arena)); }

void arena_free(struct arena *arena)
{
	while (arena) {
		struct arena *next = arena->next;

		free(arena);
		arena = next;
	}
}

/* The first chunk stays the arena; what does not fit into it goes into the one behind it. */
void *arena_take(struct arena *arena, size_t size)
{
	struct arena *chunk = arena;
	void *taken;

	size = (size + 15) & ~(size_t)15;
	if (chunk->size - chunk->used < size && chunk->next)
		chunk = chunk->next;
	if (chunk->size - chunk->used < size) {
		chunk = new_chunk(size > CHUNK ? size : CHUNK);
		if (!chunk)
			return NULL;
		chunk->next = arena->next;
		arena->next = chunk;
	}
	taken = chunk->bytes + chunk->used;
	chunk->used += size;
	return taken;
}

/* ---- messages ---- */

static size_t print_place(const struct place *place, char *to, size_t size)
{
	size_t length = 0;

	if (!place || size < 2)
		return 0;
	if (place->up)
		length = print_place(place->up, to, size);
	if (place->key)
		length += snprintf(to + length, size - length, "%s%.100s", length ? "." : "", place->key);
	else
		length += snprintf(to + length, size - length, "[%zu]", place->index);
	return length < size ? length : size - 1;
}

int shape_fail(struct reader *reader, const struct place *place, const char *format, ...)
{
	char path[512] = "", message[1024];
	va_list arguments;

	print_place(place, path, sizeof(path));
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return fail(reader->error, 0, "%s: %s%s%s", reader->name, path, path[0] ? ": " : "", message);
}

static const char *type_name(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return "a truth value";
	case json_type_double:
		return "a fraction";
	case json_type_int:
		return "a number";
	case json_type_object:
		return "an object";
	case json_type_array:
		return "an array";
	case json_type_string:
		return "a string";
	default:
		return "null";
	}
}

static int wrong_type(struct reader *reader, const struct place *place, struct json_object *value, const char *expected)
{
	return shape_fail(reader, place, "found %s, expected %s", type_name(value), expected);
}

static int no_memory(struct reader *reader) { return fail(reader->error, 0, "%s: out of memory", reader->name); }

/* ---- values ---- */

static int read_string(struct reader *reader, struct json_object *value, const struct place *place, const char **to)
{
	if (!json_object_is_type(value, json_type_string))
		return wrong_type(reader, place, value, "a string");
	*to = json_object_get_string(value);
	if (strlen(*to) != (size_t)json_object_get_string_len(value))
		return shape_fail(reader, place, "a string with a NUL character in it");
	return 0;
}

static int read_strings(struct reader *reader, struct json_object *value, const struct place *place, struct spec_strings *to)
{
	if (!json_object_is_type(value, json_type_array))
		return wrong_type(reader, place, value, "an array of strings");
	to->nr = json_object_array_length(value);
	to->items = arena_take(reader->arena, (to->nr + 1) * sizeof(char *));
	if (!to->items)
		return no_memory(reader);
	for (size_t i = 0; i < to->nr; i++) {
		struct place item = { .up = place, .index = i };

		if (read_string(reader, json_object_array_get_idx(value, i), &item, &to->items[i]))
			return -1;
	}
	return 0;
}

static int read_unsigned(struct reader *reader, struct json_object *value, const struct place *place, uint64_t most, uint64_t *to)
{
	if (!json_object_is_type(value, json_type_int))
		return wrong_type(reader, place, value, "a whole number");
	if (json_object_get_int64(value) < 0)
		return shape_fail(reader, place, "%s is below 0", json_object_get_string(value));
	*to = json_object_get_uint64(value);
	if (most && *to > most)
		return shape_fail(reader, place, "%llu is more than %llu", (unsigned long long)*to, (unsigned long long)most);
	return 0;
}

static int read_signed(struct reader *reader, struct json_object *value, const struct place *place, uint64_t most, int64_t *to)
{
	if (!json_object_is_type(value, json_type_int))
		return wrong_type(reader, place, value, "a whole number");
	*to = json_object_get_int64(value);
	if (*to >= 0 && json_object_get_uint64(value) > (most ? most : INT64_MAX))
		return shape_fail(reader, place, "%s is more than %llu", json_object_get_string(value),
				  (unsigned long long)(most ? most : INT64_MAX));
	if (most && *to < -(int64_t)most - 1)
		return shape_fail(reader, place, "%lld is less than %lld", (long long)*to, -(long long)most - 1);
	return 0;
}

static int unknown_word(struct reader *reader, const struct word *words, const struct place *place, const char *text)
{
	char allowed[700] = "";
	size_t length = 0;

	for (; words->name && length < sizeof(allowed); words++)
		length += snprintf(allowed + length, sizeof(allowed) - length, "%s%s", length ? ", " : "", words->name);
	return shape_fail(reader, place, "\"%.100s\" is none of %s", text, allowed);
}

static int read_word(struct reader *reader, const struct word *words, struct json_object *value, const struct place *place, long *to)
{
	const char *text = "";

	if (read_string(reader, value, place, &text))
		return -1;
	for (const struct word *word = words; word->name; word++) {
		if (!strcmp(word->name, text)) {
			*to = word->value;
			return 0;
		}
	}
	return unknown_word(reader, words, place, text);
}

static int read_words(struct reader *reader, const struct word *words, struct json_object *value, const struct place *place, uint32_t *to)
{
	if (!json_object_is_type(value, json_type_array))
		return wrong_type(reader, place, value, "an array of strings");
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct place item = { .up = place, .index = i };
		long bit = 0;

		if (read_word(reader, words, json_object_array_get_idx(value, i), &item, &bit))
			return -1;
		*to |= bit;
	}
	return 0;
}

static int read_checked(struct reader *reader, const struct word *words, struct json_object *value, const struct place *place,
			struct spec_strings *to)
{
	uint32_t ignored = 0;

	return read_strings(reader, value, place, to) || read_words(reader, words, value, place, &ignored) ? -1 : 0;
}

static int read_map(struct reader *reader, struct json_object *value, const struct place *place, struct spec_map *to)
{
	if (!json_object_is_type(value, json_type_object))
		return wrong_type(reader, place, value, "an object");
	to->items = arena_take(reader->arena, (json_object_object_length(value) + 1) * sizeof(*to->items));
	if (!to->items)
		return no_memory(reader);
	json_object_object_foreach(value, key, member) {
		struct place item = { .up = place, .key = key };

		if (!member)
			continue;
		to->items[to->nr].key = key;
		if (read_string(reader, member, &item, &to->items[to->nr++].value))
			return -1;
	}
	return 0;
}

/* ---- lists and objects ---- */

/* What FIELD_OBJECTS and its like fill. */
struct list {
	void *items;
	size_t nr;
};

static int read_objects(struct reader *reader, const struct shape *shape, struct json_object *value, const struct place *place,
			struct list *to)
{
	size_t nr;

	if (!json_object_is_type(value, json_type_array))
		return wrong_type(reader, place, value, "an array of objects");
	nr = json_object_array_length(value);
	to->items = arena_take(reader->arena, nr * shape->size + 1);
	if (!to->items)
		return no_memory(reader);
	for (; to->nr < nr; to->nr++) {
		struct place item = { .up = place, .index = to->nr };

		if (shape_read(reader, shape, json_object_array_get_idx(value, to->nr), &item, (char *)to->items + to->nr * shape->size))
			return -1;
	}
	return 0;
}

static int read_named(struct reader *reader, const struct shape *shape, struct json_object *value, const struct place *place,
		      struct list *to)
{
	if (!json_object_is_type(value, json_type_object))
		return wrong_type(reader, place, value, "an object");
	to->items = arena_take(reader->arena, json_object_object_length(value) * shape->size + 1);
	if (!to->items)
		return no_memory(reader);
	json_object_object_foreach(value, key, member) {
		struct place item = { .up = place, .key = key };
		char *entry = (char *)to->items + to->nr * shape->size;

		if (!member)
			continue;
		if (shape_read(reader, shape, member, &item, entry))
			return -1;
		*(const char **)entry = key;
		to->nr++;
	}
	return 0;
}

static int read_unsigneds(struct reader *reader, const struct field *field, struct json_object *value, const struct place *place,
			  struct list *to)
{
	struct spec_unsigned *items;
	size_t nr;

	if (!json_object_is_type(value, json_type_array))
		return wrong_type(reader, place, value, "an array of numbers");
	nr = json_object_array_length(value);
	to->items = items = arena_take(reader->arena, nr * sizeof(*items) + 1);
	if (!items)
		return no_memory(reader);
	for (; to->nr < nr; to->nr++) {
		struct place item = { .up = place, .index = to->nr };

		items[to->nr].set = true;
		if (read_unsigned(reader, json_object_array_get_idx(value, to->nr), &item, field->most, &items[to->nr].value))
			return -1;
	}
	return 0;
}

static int read_number_field(struct reader *reader, const struct field *field, struct json_object *value, const struct place *place,
			     void *to)
{
	uint64_t positive;
	int64_t number;

	switch (field->kind) {
	case FIELD_U32:
		if (read_unsigned(reader, value, place, field->most ? field->most : UINT32_MAX, &positive))
			return -1;
		*(uint32_t *)to = positive;
		return 0;
	case FIELD_U64:
		return read_unsigned(reader, value, place, field->most, to);
	case FIELD_UNSIGNED:
		((struct spec_unsigned *)to)->set = true;
		return read_unsigned(reader, value, place, field->most, &((struct spec_unsigned *)to)->value);
	case FIELD_NUMBER:
		((struct spec_number *)to)->set = true;
		return read_signed(reader, value, place, field->most, &((struct spec_number *)to)->value);
	case FIELD_I32:
		if (read_signed(reader, value, place, field->most ? field->most : INT32_MAX, &number))
			return -1;
		*(int32_t *)to = number;
		return 0;
	default:
		return read_signed(reader, value, place, field->most, to);
	}
}

static int read_bool(struct reader *reader, struct json_object *value, const struct place *place, bool *to)
{
	if (!json_object_is_type(value, json_type_boolean))
		return wrong_type(reader, place, value, "true or false");
	*to = json_object_get_boolean(value);
	return 0;
}

static int read_pointer(struct reader *reader, const struct shape *shape, struct json_object *value, const struct place *place, void **to)
{
	*to = arena_take(reader->arena, shape->size);
	return *to ? shape_read(reader, shape, value, place, *to) : no_memory(reader);
}

static int read_field(struct reader *reader, const struct field *field, struct json_object *value, const struct place *place, void *to)
{
	long word = 0;

	/* Go programs write what they do not say as an empty string. */
	if (!field->required && (field->kind == FIELD_STRING || field->kind == FIELD_WORD) && json_object_is_type(value, json_type_string) &&
	    json_object_get_string_len(value) == 0)
		return 0;
	switch (field->kind) {
	case FIELD_BOOL:
		return read_bool(reader, value, place, to);
	case FIELD_OPTIONAL_BOOL:
		((struct spec_bool *)to)->set = true;
		return read_bool(reader, value, place, &((struct spec_bool *)to)->value);
	case FIELD_STRING:
		return read_string(reader, value, place, to);
	case FIELD_STRINGS:
		return read_strings(reader, value, place, to);
	case FIELD_WORD:
		if (read_word(reader, field->more, value, place, &word))
			return -1;
		*(int *)to = word;
		return 0;
	case FIELD_WORDS:
		return read_words(reader, field->more, value, place, to);
	case FIELD_CHECKED:
		return read_checked(reader, field->more, value, place, to);
	case FIELD_MAP:
		return read_map(reader, value, place, to);
	case FIELD_OBJECT:
		return read_pointer(reader, field->more, value, place, to);
	case FIELD_INLINE:
		return shape_read(reader, field->more, value, place, to);
	case FIELD_OBJECTS:
		return read_objects(reader, field->more, value, place, to);
	case FIELD_NAMED:
		return read_named(reader, field->more, value, place, to);
	case FIELD_UNSIGNEDS:
		return read_unsigneds(reader, field, value, place, to);
	default:
		return read_number_field(reader, field, value, place, to);
	}
}

int shape_read(struct reader *reader, const struct shape *shape, struct json_object *object, const struct place *place, void *to)
{
	if (!json_object_is_type(object, json_type_object))
		return wrong_type(reader, place, object, "an object");
	for (const struct field *field = shape->fields; field->name; field++) {
		struct place member = { .up = place, .key = field->name };
		struct json_object *value = NULL;

		json_object_object_get_ex(object, field->name, &value);
		if (!value && field->required)
			return shape_fail(reader, &member, "is missing");
		if (value && read_field(reader, field, value, &member, (char *)to + field->offset))
			return -1;
	}
	return 0;
}
