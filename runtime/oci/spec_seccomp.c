/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux.seccomp. */
#include <seccomp.h>

#include "runtime/oci/shape.h"

static const struct word actions[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ 0 }
};

static const struct word operators[] = { { "SCMP_CMP_NE", SCMP_CMP_NE }, { "SCMP_CMP_LT", SCMP_CMP_LT },
					 { "SCMP_CMP_LE", SCMP_CMP_LE }, { "SCMP_CMP_EQ", SCMP_CMP_EQ },
					 { "SCMP_CMP_GE", SCMP_CMP_GE }, { "SCMP_CMP_GT", SCMP_CMP_GT },
					 { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ }, { 0 } };

static const struct word flags[] = { { "SECCOMP_FILTER_FLAG_TSYNC", 1 },
				     { "SECCOMP_FILTER_FLAG_LOG", 2 },
				     { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4 },
				     { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 32 },
				     { 0 } };

static const struct word architectures[] = {
	{ "SCMP_ARCH_X86", 0 },     { "SCMP_ARCH_X86_64", 0 },   { "SCMP_ARCH_X32", 0 },      { "SCMP_ARCH_ARM", 0 },
	{ "SCMP_ARCH_AARCH64", 0 }, { "SCMP_ARCH_MIPS", 0 },     { "SCMP_ARCH_MIPS64", 0 },   { "SCMP_ARCH_MIPS64N32", 0 },
	{ "SCMP_ARCH_MIPSEL", 0 },  { "SCMP_ARCH_MIPSEL64", 0 }, { "SCMP_ARCH_MIPSEL64N32", 0 }, { "SCMP_ARCH_PPC", 0 },
	{ "SCMP_ARCH_PPC64", 0 },   { "SCMP_ARCH_PPC64LE", 0 },  { "SCMP_ARCH_S390", 0 },     { "SCMP_ARCH_S390X", 0 },
	{ "SCMP_ARCH_PARISC", 0 },  { "SCMP_ARCH_PARISC64", 0 }, { "SCMP_ARCH_RISCV64", 0 },  { "SCMP_ARCH_LOONGARCH64", 0 },
	{ "SCMP_ARCH_M68K", 0 },    { "SCMP_ARCH_SH", 0 },       { "SCMP_ARCH_SHEB", 0 },     { 0 }
};

#define STRUCT spec_seccomp_arg
static const struct shape arg_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("index", U32, index, .most = 5, .required = true),
	FIELD("value", U64, value, .required = true),
	FIELD("valueTwo", U64, value_two),
	FIELD("op", WORD, op, .more = operators, .required = true),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_seccomp_rule
static const struct shape rule_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("names", STRINGS, names, .required = true),
	FIELD("action", WORD, action, .more = actions, .required = true),
	FIELD("errnoRet", UNSIGNED, errno_ret, .most = UINT16_MAX),
	FIELD("args", OBJECTS, args, .more = &arg_shape),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_seccomp
const struct shape seccomp_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("defaultAction", WORD, default_action, .more = actions, .required = true),
	FIELD("defaultErrnoRet", UNSIGNED, default_errno_ret, .most = UINT16_MAX),
	FIELD("architectures", CHECKED, architectures, .more = architectures),
	FIELD("flags", CHECKED, flags, .more = flags),
	FIELD("listenerPath", STRING, listener_path),
	FIELD("listenerMetadata", STRING, listener_metadata),
	FIELD("syscalls", OBJECTS, syscalls, .more = &rule_shape),
	{ 0 } } };

const struct word *const seccomp_actions = actions, *const seccomp_operators = operators, *const seccomp_flags = flags;
const struct word *const seccomp_architectures = architectures;
