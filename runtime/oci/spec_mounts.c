/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: root and mounts. What options mean is for the mode to say. */
#include "runtime/oci/shape.h"

#define STRUCT spec_root
const struct shape root_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("path", STRING, path, .required = true),
	FIELD("readonly", BOOL, readonly),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_id_mapping
const struct shape mapping_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("containerID", U32, container_id),
	FIELD("hostID", U32, host_id),
	FIELD("size", U32, size),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_mount
const struct shape mount_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("destination", STRING, destination, .required = true),
	FIELD("type", STRING, type),
	FIELD("source", STRING, source),
	FIELD("options", STRINGS, options),
	FIELD("uidMappings", OBJECTS, uid_mappings, .more = &mapping_shape),
	FIELD("gidMappings", OBJECTS, gid_mappings, .more = &mapping_shape),
	{ 0 } } };
