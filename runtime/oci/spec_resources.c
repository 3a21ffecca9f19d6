/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux.resources. */
#include "runtime/oci/shape.h"

const struct word device_types[] = { { "a", SPEC_DEVICE_ALL }, { "c", SPEC_DEVICE_CHAR }, { "u", SPEC_DEVICE_CHAR },
				     { "b", SPEC_DEVICE_BLOCK }, { "p", SPEC_DEVICE_FIFO }, { 0 } };

#define STRUCT spec_device_rule
static const struct shape device_rule_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("allow", BOOL, allow, .required = true),
	FIELD("type", WORD, type, .more = device_types),
	FIELD("major", NUMBER, major),
	FIELD("minor", NUMBER, minor),
	FIELD("access", STRING, access),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_memory
static const struct shape memory_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("limit", NUMBER, limit),
	FIELD("reservation", NUMBER, reservation),
	FIELD("swap", NUMBER, swap),
	FIELD("kernel", NUMBER, kernel),
	FIELD("kernelTCP", NUMBER, kernel_tcp),
	FIELD("swappiness", UNSIGNED, swappiness),
	FIELD("disableOOMKiller", OPTIONAL_BOOL, disable_oom_killer),
	FIELD("useHierarchy", OPTIONAL_BOOL, use_hierarchy),
	FIELD("checkBeforeUpdate", OPTIONAL_BOOL, check_before_update),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_cpu
static const struct shape cpu_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("shares", UNSIGNED, shares),
	FIELD("quota", NUMBER, quota),
	FIELD("burst", UNSIGNED, burst),
	FIELD("period", UNSIGNED, period),
	FIELD("realtimeRuntime", NUMBER, realtime_runtime),
	FIELD("realtimePeriod", UNSIGNED, realtime_period),
	FIELD("cpus", STRING, cpus),
	FIELD("mems", STRING, mems),
	FIELD("idle", NUMBER, idle),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_pids
static const struct shape pids_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("limit", NUMBER, limit),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_weight_device
static const struct shape weight_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("major", I64, major, .required = true),
	FIELD("minor", I64, minor, .required = true),
	FIELD("weight", UNSIGNED, weight, .most = UINT16_MAX),
	FIELD("leafWeight", UNSIGNED, leaf_weight, .most = UINT16_MAX),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_throttle_device
static const struct shape throttle_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("major", I64, major, .required = true),
	FIELD("minor", I64, minor, .required = true),
	FIELD("rate", U64, rate, .required = true),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_block_io
static const struct shape block_io_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("weight", UNSIGNED, weight, .most = UINT16_MAX),
	FIELD("leafWeight", UNSIGNED, leaf_weight, .most = UINT16_MAX),
	FIELD("weightDevice", OBJECTS, weight_devices, .more = &weight_shape),
	FIELD("throttleReadBpsDevice", OBJECTS, read_bps, .more = &throttle_shape),
	FIELD("throttleWriteBpsDevice", OBJECTS, write_bps, .more = &throttle_shape),
	FIELD("throttleReadIOPSDevice", OBJECTS, read_iops, .more = &throttle_shape),
	FIELD("throttleWriteIOPSDevice", OBJECTS, write_iops, .more = &throttle_shape),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_hugepage_limit
static const struct shape hugepage_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("pageSize", STRING, page_size, .required = true),
	FIELD("limit", U64, limit, .required = true),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_priority
static const struct shape priority_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("name", STRING, name, .required = true),
	FIELD("priority", U32, priority, .required = true),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_network
static const struct shape network_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("classID", UNSIGNED, class_id, .most = UINT32_MAX),
	FIELD("priorities", OBJECTS, priorities, .more = &priority_shape),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_rdma
static const struct shape rdma_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("hcaHandles", UNSIGNED, hca_handles, .most = UINT32_MAX),
	FIELD("hcaObjects", UNSIGNED, hca_objects, .most = UINT32_MAX),
	{ 0 } } };

#undef STRUCT
#define STRUCT spec_resources
const struct shape resources_shape = { sizeof(struct STRUCT), (const struct field[]){
	FIELD("devices", OBJECTS, devices, .more = &device_rule_shape),
	FIELD("memory", OBJECT, memory, .more = &memory_shape),
	FIELD("cpu", OBJECT, cpu, .more = &cpu_shape),
	FIELD("pids", OBJECT, pids, .more = &pids_shape),
	FIELD("blockIO", OBJECT, block_io, .more = &block_io_shape),
	FIELD("hugepageLimits", OBJECTS, hugepage_limits, .more = &hugepage_shape),
	FIELD("network", OBJECT, network, .more = &network_shape),
	FIELD("rdma", NAMED, rdma, .more = &rdma_shape),
	FIELD("unified", MAP, unified),
	{ 0 } } };
