/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON by tables: a shape says which members an object may have, of which type, and where in a structure they go.
 *
 * Memory comes from the spec's arena; strings are not copied, they stay in the JSON tree.
 */
#ifndef RUNTIME_OCI_SHAPE_H
#define RUNTIME_OCI_SHAPE_H

#include <json-c/json.h>
#include <stddef.h>

#include "runtime/oci/spec.h"

enum field_kind {
	FIELD_BOOL,        /* bool */
	FIELD_OPTIONAL_BOOL, /* struct spec_bool */
	FIELD_STRING,      /* const char * */
	FIELD_STRINGS,     /* struct spec_strings */
	FIELD_U32,         /* uint32_t */
	FIELD_I32,         /* int32_t */
	FIELD_U64,         /* uint64_t */
	FIELD_I64,         /* int64_t */
	FIELD_NUMBER,      /* struct spec_number */
	FIELD_UNSIGNED,    /* struct spec_unsigned, at most "most" if that is not 0 */
	FIELD_UNSIGNEDS,   /* list of struct spec_unsigned */
	FIELD_WORD,        /* int: one of "words" */
	FIELD_WORDS,       /* uint32_t: "words" of a list, or-ed */
	FIELD_CHECKED,     /* struct spec_strings, each one of "words" */
	FIELD_MAP,         /* struct spec_map */
	FIELD_OBJECT,      /* pointer to a structure of "shape" */
	FIELD_INLINE,      /* a structure of "shape" */
	FIELD_OBJECTS,     /* list: pointer to structures, and behind it size_t */
	FIELD_NAMED,       /* list made from an object: members are structures whose first field is the name */
};

struct word {
	const char *name;
	long value;
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
	const void *more; /* struct word[] that ends with an empty one, or struct shape */
	uint64_t most;    /* of numbers */
	bool required;
};

/* In tables; STRUCT is the structure of the shape. */
#define FIELD(json, type, member, ...) { .name = json, .kind = FIELD_##type, .offset = offsetof(struct STRUCT, member), __VA_ARGS__ }

struct shape {
	size_t size; /* of the structure */
	const struct field *fields; /* ends with an empty one */
};

/* Where in the file we are: for messages. */
struct place {
	const struct place *up;
	const char *key; /* NULL: an index */
	size_t index;
};

struct reader {
	struct arena *arena;
	const char *name; /* of the file */
	struct error *error;
};

struct arena *arena_new(void);
void arena_free(struct arena *arena);
/* Zeroed. NULL if there is no memory. */
void *arena_take(struct arena *arena, size_t size);

/* Fills @to as @shape says. 0, or -1 with reader->error set. */
int shape_read(struct reader *reader, const struct shape *shape, struct json_object *object, const struct place *place, void *to);
/* Fails with "NAME: path.of[2].place: ...". Returns -1. */
int shape_fail(struct reader *reader, const struct place *place, const char *format, ...) __attribute__((format(printf, 3, 4)));

extern const struct shape process_shape, root_shape, mount_shape, hooks_shape, linux_shape, resources_shape, seccomp_shape;
extern const struct shape mapping_shape;
/* For "features". */
extern const struct word *const seccomp_actions, *const seccomp_operators, *const seccomp_flags, *const seccomp_architectures;
extern const struct word *const memory_policy_modes, *const memory_policy_flags;
extern const struct word device_types[], namespace_types[], rlimit_types[];

#endif
