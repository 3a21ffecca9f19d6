/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: process and hooks. */
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/resource.h>

#include "runtime/oci/shape.h"

#define STRUCT spec_console_size
static const struct shape console_size_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("height", UNSIGNED, height, .most = UINT16_MAX),
	FIELD("width", UNSIGNED, width, .most = UINT16_MAX),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_user
static const struct shape user_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("uid", U32, uid, .most = UINT32_MAX - 1),
	FIELD("gid", U32, gid, .most = UINT32_MAX - 1),
	FIELD("umask", UNSIGNED, umask, .most = 07777),
	FIELD("additionalGids", UNSIGNEDS, additional_gids, .most = UINT32_MAX - 1),
	FIELD("username", STRING, username),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_capabilities
static const struct shape capabilities_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("bounding", STRINGS, bounding),
	FIELD("effective", STRINGS, effective),
	FIELD("inheritable", STRINGS, inheritable),
	FIELD("permitted", STRINGS, permitted),
	FIELD("ambient", STRINGS, ambient),
	{ 0 } } };

const struct word rlimit_types[] = {
	{ "RLIMIT_AS", RLIMIT_AS },           { "RLIMIT_CORE", RLIMIT_CORE },     { "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },       { "RLIMIT_FSIZE", RLIMIT_FSIZE },   { "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK }, { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE }, { "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },   { "RLIMIT_NPROC", RLIMIT_NPROC },   { "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },   { "RLIMIT_RTTIME", RLIMIT_RTTIME }, { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },     { 0 }
};

#undef STRUCT
#define STRUCT spec_rlimit
static const struct shape rlimit_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("type", WORD, type, .more = rlimit_types, .required = true),
	FIELD("hard", UNSIGNED, hard, .required = true),
	FIELD("soft", UNSIGNED, soft, .required = true),
	{ 0 } } };

static const struct word policies[] = { { "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },       { "SCHED_BATCH", 3 },
					{ "SCHED_ISO", 4 },   { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 }, { 0 } };
static const struct word scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 }, { "SCHED_FLAG_RECLAIM", 0x02 },        { "SCHED_FLAG_DL_OVERRUN", 0x04 },
	{ "SCHED_FLAG_KEEP_POLICY", 0x08 },   { "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 }, { 0 }
};

#undef STRUCT
#define STRUCT spec_scheduler
static const struct shape scheduler_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("policy", WORD, policy, .more = policies, .required = true),
	FIELD("nice", I32, nice),
	FIELD("priority", I32, priority),
	FIELD("flags", WORDS, flags, .more = scheduler_flags),
	FIELD("runtime", U64, runtime),
	FIELD("deadline", U64, deadline),
	FIELD("period", U64, period),
	{ 0 } } };

static const struct word io_classes[] = { { "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
					  { "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
					  { "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
					  { 0 } };

#undef STRUCT
#define STRUCT spec_io_priority
static const struct shape io_priority_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("class", WORD, class, .more = io_classes, .required = true),
	FIELD("priority", I32, priority, .most = 7),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_affinity
static const struct shape affinity_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("initial", STRING, initial),
	FIELD("final", STRING, final),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_process
const struct shape process_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("terminal", BOOL, terminal),
	FIELD("consoleSize", OBJECT, console_size, .more = &console_size_shape),
	FIELD("user", INLINE, user, .more = &user_shape),
	FIELD("args", STRINGS, args),
	FIELD("env", STRINGS, env),
	FIELD("cwd", STRING, cwd),
	FIELD("capabilities", OBJECT, capabilities, .more = &capabilities_shape),
	FIELD("rlimits", OBJECTS, rlimits, .more = &rlimit_shape),
	FIELD("noNewPrivileges", BOOL, no_new_privileges),
	FIELD("apparmorProfile", STRING, apparmor_profile),
	FIELD("selinuxLabel", STRING, selinux_label),
	FIELD("oomScoreAdj", NUMBER, oom_score_adj, .most = 1000),
	FIELD("scheduler", OBJECT, scheduler, .more = &scheduler_shape),
	FIELD("ioPriority", OBJECT, io_priority, .more = &io_priority_shape),
	FIELD("execCPUAffinity", OBJECT, exec_cpu_affinity, .more = &affinity_shape),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_hook
static const struct shape hook_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("path", STRING, path, .required = true),
	FIELD("args", STRINGS, args),
	FIELD("env", STRINGS, env),
	FIELD("timeout", NUMBER, timeout, .most = INT32_MAX),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_hooks
const struct shape hooks_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("prestart", OBJECTS, prestart, .more = &hook_shape),
	FIELD("createRuntime", OBJECTS, create_runtime, .more = &hook_shape),
	FIELD("createContainer", OBJECTS, create_container, .more = &hook_shape),
	FIELD("startContainer", OBJECTS, start_container, .more = &hook_shape),
	FIELD("poststart", OBJECTS, poststart, .more = &hook_shape),
	FIELD("poststop", OBJECTS, poststop, .more = &hook_shape),
	{ 0 } } };
