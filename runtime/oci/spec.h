/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of an OCI bundle as structures: runtime-spec 1.2, and what 1.3 adds. Names are those of the specification.
 *
 * Fields that linuxd does not know are ignored, null is absent. A value of a wrong type, or one that the specification does not allow, is an
 * error that names its place: `config.json: linux.namespaces[2].type: "pidd" is none of pid, network, ...`.
 *
 * Everything belongs to the struct spec, and goes with spec_free(). Pointers may be NULL: absent. Lists may have no entries.
 */
#ifndef RUNTIME_OCI_SPEC_H
#define RUNTIME_OCI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/error.h"

struct json_object;

/* items[nr] is NULL. */
struct spec_strings {
	const char **items;
	size_t nr;
};

struct spec_pair {
	const char *key, *value;
};

struct spec_map {
	struct spec_pair *items;
	size_t nr;
};

/* Numbers and truths for which "not said" means something else than 0. */
struct spec_number {
	bool set;
	int64_t value;
};

struct spec_unsigned {
	bool set;
	uint64_t value;
};

struct spec_bool {
	bool set, value;
};

/* ---- process ---- */

struct spec_console_size {
	struct spec_unsigned height, width;
};

struct spec_user {
	uint32_t uid, gid;
	struct spec_unsigned umask;
	struct spec_unsigned *additional_gids;
	size_t nr_additional_gids;
	const char *username;
};

/* Names of capabilities as they stand there; unknown ones are for caps.c to judge. */
struct spec_capabilities {
	struct spec_strings bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit {
	int type; /* RLIMIT_* */
	struct spec_unsigned hard, soft;
};

struct spec_scheduler {
	int policy; /* SCHED_* */
	int32_t nice, priority;
	uint32_t flags; /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period;
};

struct spec_io_priority {
	int class; /* IOPRIO_CLASS_* */
	int32_t priority;
};

struct spec_affinity {
	const char *initial, *final; /* lists of cpus: "0-3,7" */
};

struct spec_process {
	bool terminal, no_new_privileges;
	struct spec_console_size *console_size;
	struct spec_user user;
	struct spec_strings args, env;
	const char *cwd;
	struct spec_capabilities *capabilities;
	struct spec_rlimit *rlimits;
	size_t nr_rlimits;
	const char *apparmor_profile, *selinux_label;
	struct spec_number oom_score_adj;
	struct spec_scheduler *scheduler;
	struct spec_io_priority *io_priority;
	struct spec_affinity *exec_cpu_affinity;
};

/* ---- mounts ---- */

struct spec_root {
	const char *path;
	bool readonly;
};

struct spec_id_mapping {
	uint32_t container_id, host_id, size;
};

struct spec_mappings {
	struct spec_id_mapping *items;
	size_t nr;
};

struct spec_mount {
	const char *destination, *type, *source;
	struct spec_strings options;
	struct spec_mappings uid_mappings, gid_mappings;
};

/* ---- hooks ---- */

struct spec_hook {
	const char *path;
	struct spec_strings args, env;
	struct spec_number timeout; /* seconds, above 0 */
};

struct spec_hook_list {
	struct spec_hook *items;
	size_t nr;
};

struct spec_hooks {
	struct spec_hook_list prestart, create_runtime, create_container, start_container, poststart, poststop;
};

/* ---- linux ---- */

struct spec_namespace {
	int type; /* CLONE_NEW* */
	const char *path;
};

enum spec_device_type { SPEC_DEVICE_ALL = 'a', SPEC_DEVICE_CHAR = 'c', SPEC_DEVICE_BLOCK = 'b', SPEC_DEVICE_FIFO = 'p' };

struct spec_device {
	const char *path;
	int type; /* SPEC_DEVICE_CHAR, _BLOCK, _FIFO */
	int64_t major, minor;
	struct spec_unsigned file_mode, uid, gid;
};

struct spec_net_device {
	const char *key;  /* its name on the host */
	const char *name; /* in the container; NULL: the same */
};

struct spec_seccomp_arg {
	uint32_t index;
	uint64_t value, value_two;
	int op; /* enum scmp_compare */
};

struct spec_seccomp_rule {
	struct spec_strings names;
	uint32_t action; /* SCMP_ACT_*, without the errno */
	struct spec_unsigned errno_ret;
	struct spec_seccomp_arg *args;
	size_t nr_args;
};

struct spec_seccomp {
	uint32_t default_action;
	struct spec_unsigned default_errno_ret;
	struct spec_strings architectures;
	struct spec_strings flags; /* checked */
	const char *listener_path, *listener_metadata;
	struct spec_seccomp_rule *syscalls;
	size_t nr_syscalls;
};

struct spec_intel_rdt {
	const char *clos_id, *l3_cache_schema, *mem_bw_schema;
	struct spec_strings schemata;
	bool enable_cmt, enable_mbm, enable_monitoring;
};

struct spec_personality {
	int domain; /* PER_LINUX, PER_LINUX32 */
	struct spec_strings flags;
};

struct spec_time_offset {
	const char *key; /* "monotonic", "boottime" */
	int64_t secs;
	uint32_t nanosecs;
};

struct spec_memory_policy {
	int mode; /* MPOL_* */
	const char *nodes;
	uint32_t flags; /* MPOL_F_* */
};

/* ---- linux.resources ---- */

struct spec_device_rule {
	bool allow;
	int type; /* SPEC_DEVICE_*; absent is all */
	struct spec_number major, minor; /* not set, or -1: all */
	const char *access; /* of r, w, m; NULL: all */
};

/* Bytes; -1: no limit. */
struct spec_memory {
	struct spec_number limit, reservation, swap, kernel, kernel_tcp;
	struct spec_unsigned swappiness;
	struct spec_bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct spec_cpu {
	struct spec_unsigned shares, burst, period, realtime_period;
	struct spec_number quota, realtime_runtime, idle;
	const char *cpus, *mems;
};

struct spec_pids {
	struct spec_number limit;
};

struct spec_weight_device {
	int64_t major, minor;
	struct spec_unsigned weight, leaf_weight;
};

struct spec_throttle_device {
	int64_t major, minor;
	uint64_t rate;
};

struct spec_throttle_list {
	struct spec_throttle_device *items;
	size_t nr;
};

struct spec_block_io {
	struct spec_unsigned weight, leaf_weight;
	struct spec_weight_device *weight_devices;
	size_t nr_weight_devices;
	struct spec_throttle_list read_bps, write_bps, read_iops, write_iops;
};

struct spec_hugepage_limit {
	const char *page_size;
	uint64_t limit;
};

struct spec_priority {
	const char *name;
	uint32_t priority;
};

struct spec_network {
	struct spec_unsigned class_id;
	struct spec_priority *priorities;
	size_t nr_priorities;
};

struct spec_rdma {
	const char *key; /* the device */
	struct spec_unsigned hca_handles, hca_objects;
};

struct spec_resources {
	struct spec_device_rule *devices;
	size_t nr_devices;
	struct spec_memory *memory;
	struct spec_cpu *cpu;
	struct spec_pids *pids;
	struct spec_block_io *block_io;
	struct spec_hugepage_limit *hugepage_limits;
	size_t nr_hugepage_limits;
	struct spec_network *network;
	struct spec_rdma *rdma;
	size_t nr_rdma;
	struct spec_map unified;
};

struct spec_linux {
	struct spec_mappings uid_mappings, gid_mappings;
	struct spec_map sysctl;
	struct spec_resources *resources;
	const char *cgroups_path;
	struct spec_namespace *namespaces;
	size_t nr_namespaces;
	struct spec_device *devices;
	size_t nr_devices;
	struct spec_net_device *net_devices;
	size_t nr_net_devices;
	struct spec_seccomp *seccomp;
	int rootfs_propagation; /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, maybe with MS_REC; 0: not said */
	struct spec_strings masked_paths, readonly_paths;
	const char *mount_label;
	struct spec_intel_rdt *intel_rdt;
	struct spec_personality *personality;
	struct spec_time_offset *time_offsets;
	size_t nr_time_offsets;
	struct spec_memory_policy *memory_policy;
};

struct spec {
	const char *oci_version;
	struct spec_process *process;
	struct spec_root *root;
	const char *hostname, *domainname;
	struct spec_mount *mounts;
	size_t nr_mounts;
	struct spec_hooks *hooks;
	struct spec_map annotations;
	struct spec_linux *linux_; /* the compiler has made "linux" the number 1; never NULL */

	struct arena *arena;
	struct json_object *json; /* strings point into it */
};

/* A whole config.json. @name stands before messages. Checks what can be judged without the host (spec_check). NULL with @error set. */
struct spec *spec_parse(const char *text, size_t length, const char *name, struct error *error);
/* The file @path, relative to @directory (AT_FDCWD). */
struct spec *spec_read(int directory, const char *path, const char *name, struct error *error);
void spec_free(struct spec *spec);

/* Only a process, as in "exec --process FILE": a struct spec with nothing but that. */
struct spec *spec_read_process(const char *path, struct error *error);
/* Only resources, as in "update --resources FILE"; they are in ->linux_->resources. @text as given, or from a file. */
struct spec *spec_parse_resources(const char *text, size_t length, const char *name, struct error *error);

/* What the specification and its callers demand beyond types: parts that need others. spec_parse has done it. */
int spec_check(const struct spec *spec, const char *name, struct error *error);
int spec_check_process(const struct spec_process *process, const char *name, struct error *error);

/* The namespace of this type that is asked for, or NULL. */
const struct spec_namespace *spec_namespace(const struct spec *spec, int type);
const char *spec_annotation(const struct spec *spec, const char *key);

/* The names that may stand in a field, for "features" and messages: ends with NULL. */
const char *spec_namespace_name(int type);
const char *spec_rlimit_name(int type);

#endif
