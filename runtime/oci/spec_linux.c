/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux, but for resources and seccomp. */
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "runtime/oci/shape.h"

const struct word namespace_types[] = { { "pid", CLONE_NEWPID },   { "network", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
					{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },     { "user", CLONE_NEWUSER },
					{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME }, { 0 } };

#define STRUCT spec_namespace
static const struct shape namespace_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("type", WORD, type, .more = namespace_types, .required = true),
	FIELD("path", STRING, path),
	{ 0 } } };

static const struct word node_types[] = { { "c", SPEC_DEVICE_CHAR }, { "u", SPEC_DEVICE_CHAR }, { "b", SPEC_DEVICE_BLOCK },
					  { "p", SPEC_DEVICE_FIFO }, { 0 } };

#undef STRUCT
#define STRUCT spec_device
static const struct shape device_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("path", STRING, path, .required = true),
	FIELD("type", WORD, type, .more = node_types, .required = true),
	FIELD("major", I64, major),
	FIELD("minor", I64, minor),
	FIELD("fileMode", UNSIGNED, file_mode, .most = UINT32_MAX),
	FIELD("uid", UNSIGNED, uid, .most = UINT32_MAX - 1),
	FIELD("gid", UNSIGNED, gid, .most = UINT32_MAX - 1),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_net_device
static const struct shape net_device_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("name", STRING, name),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_intel_rdt
static const struct shape intel_rdt_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("closID", STRING, clos_id),
	FIELD("l3CacheSchema", STRING, l3_cache_schema),
	FIELD("memBwSchema", STRING, mem_bw_schema),
	FIELD("schemata", STRINGS, schemata),
	FIELD("enableCMT", BOOL, enable_cmt),
	FIELD("enableMBM", BOOL, enable_mbm),
	FIELD("enableMonitoring", BOOL, enable_monitoring),
	{ 0 } } };

static const struct word domains[] = { { "LINUX", PER_LINUX }, { "LINUX32", PER_LINUX32 }, { 0 } };

#undef STRUCT
#define STRUCT spec_personality
static const struct shape personality_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("domain", WORD, domain, .more = domains, .required = true),
	FIELD("flags", STRINGS, flags),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_time_offset
static const struct shape time_offset_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("secs", I64, secs),
	FIELD("nanosecs", U32, nanosecs, .most = 999999999),
	{ 0 } } };

static const struct word memory_modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },       { "MPOL_PREFERRED", MPOL_PREFERRED }, { "MPOL_BIND", MPOL_BIND },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE }, { "MPOL_LOCAL", MPOL_LOCAL },         { "MPOL_PREFERRED_MANY", 5 },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6 },      { 0 }
};
static const struct word memory_flags[] = { { "MPOL_F_STATIC_NODES", 1 << 15 },
					    { "MPOL_F_RELATIVE_NODES", 1 << 14 },
					    { "MPOL_F_NUMA_BALANCING", 1 << 13 },
					    { 0 } };

#undef STRUCT
#define STRUCT spec_memory_policy
static const struct shape memory_policy_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("mode", WORD, mode, .more = memory_modes, .required = true),
	FIELD("nodes", STRING, nodes),
	FIELD("flags", WORDS, flags, .more = memory_flags),
	{ 0 } } };

static const struct word propagations[] = {
	{ "shared", MS_SHARED },       { "rshared", MS_SHARED | MS_REC },         { "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC }, { "private", MS_PRIVATE },               { "rprivate", MS_PRIVATE | MS_REC },
	{ "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | MS_REC }, { 0 }
};

#undef STRUCT
#define STRUCT spec_linux
const struct shape linux_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("uidMappings", OBJECTS, uid_mappings, .more = &mapping_shape),
	FIELD("gidMappings", OBJECTS, gid_mappings, .more = &mapping_shape),
	FIELD("sysctl", MAP, sysctl),
	FIELD("resources", OBJECT, resources, .more = &resources_shape),
	FIELD("cgroupsPath", STRING, cgroups_path),
	FIELD("namespaces", OBJECTS, namespaces, .more = &namespace_shape),
	FIELD("devices", OBJECTS, devices, .more = &device_shape),
	FIELD("netDevices", NAMED, net_devices, .more = &net_device_shape),
	FIELD("seccomp", OBJECT, seccomp, .more = &seccomp_shape),
	FIELD("rootfsPropagation", WORD, rootfs_propagation, .more = propagations),
	FIELD("maskedPaths", STRINGS, masked_paths),
	FIELD("readonlyPaths", STRINGS, readonly_paths),
	FIELD("mountLabel", STRING, mount_label),
	FIELD("intelRdt", OBJECT, intel_rdt, .more = &intel_rdt_shape),
	FIELD("personality", OBJECT, personality, .more = &personality_shape),
	FIELD("timeOffsets", NAMED, time_offsets, .more = &time_offset_shape),
	FIELD("memoryPolicy", OBJECT, memory_policy, .more = &memory_policy_shape),
	{ 0 } } };

const struct word *const memory_policy_modes = memory_modes, *const memory_policy_flags = memory_flags;
