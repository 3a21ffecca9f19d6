// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments of system calls as text: numbers, strings, buffers. Structures are in decode_struct.c, names in names.c.
 *
 * User memory is read only to be shown: what cannot be read is shown as its address.
 */
#include "kernel/trace/decode.h"

#include <linux/fcntl.h>

#include "kernel/arch/x86_64/uaccess.h"

#define STRING_SHOWN 128
#define BUFFER_SHOWN 32
#define VECTORS_SHOWN 4
#define STRINGS_SHOWN 16

bool argument_is_late(u8 kind)
{
	switch (kind) {
	case ARG_STRING_OUT:
	case ARG_OUT_BUFFER:
	case ARG_IOVEC_OUT:
	case ARG_INT_OUT:
	case ARG_U64_OUT:
	case ARG_OFF_INOUT:
	case ARG_FD_PAIR_OUT:
	case ARG_STAT_OUT:
	case ARG_STATX_OUT:
	case ARG_STATFS_OUT:
	case ARG_TIMESPEC_OUT:
	case ARG_TIMEVAL_OUT:
	case ARG_ITIMERVAL_OUT:
	case ARG_ITIMERSPEC_OUT:
	case ARG_RLIMIT_OUT:
	case ARG_RUSAGE_OUT:
	case ARG_WAIT_STATUS_OUT:
	case ARG_SIGINFO_OUT:
	case ARG_SIGACTION_OUT:
	case ARG_SIGSET_OUT:
	case ARG_STACK_OUT:
	case ARG_SOCKADDR_OUT:
	case ARG_MSGHDR_OUT:
	case ARG_POLLFDS:
	case ARG_EPOLL_EVENTS:
	case ARG_UTSNAME_OUT:
		return true;
	default:
		return false;
	}
}

void line_bytes(struct trace_line *line, const char *bytes, size_t n)
{
	static const char escaped[] = "\a\b\t\n\v\f\r\"\\";
	static const char letters[] = "abtnvfr\"\\";

	for (size_t i = 0; i < n; i++) {
		const char *at = bytes[i] ? strchr(escaped, bytes[i]) : NULL;
		if (at)
			line_printf(line, "\\%c", letters[at - escaped]);
		else if (bytes[i] >= ' ' && bytes[i] < 0x7f)
			line_printf(line, "%c", bytes[i]);
		else
			line_printf(line, "\\x%02x", (u8)bytes[i]);
	}
}

static void line_address(struct trace_line *line, u64 address)
{
	if (address)
		line_printf(line, "0x%lx", address);
	else
		line_printf(line, "NULL");
}

static void line_string(struct trace_line *line, u64 address)
{
	char text[STRING_SHOWN];
	long n = address ? strncpy_from_user(text, user_ptr_at(address), sizeof(text)) : -EFAULT;

	if (n < 0) {
		line_address(line, address);
		return;
	}
	line_printf(line, "\"");
	line_bytes(line, text, (size_t)n);
	line_printf(line, n == STRING_SHOWN ? "\"..." : "\"");
}

static void line_buffer(struct trace_line *line, u64 address, long size)
{
	char bytes[BUFFER_SHOWN];
	size_t shown = size > 0 ? min((size_t)size, sizeof(bytes)) : 0;

	if (!address || size < 0 || copy_from_user(bytes, user_ptr_at(address), shown)) {
		line_address(line, address);
		return;
	}
	line_printf(line, "\"");
	line_bytes(line, bytes, shown);
	line_printf(line, size > BUFFER_SHOWN ? "\"..." : "\"");
}

/* `limit`: bytes that were moved in all; -1: not known, show what the vectors say. */
static void line_vectors(struct trace_line *line, u64 address, u64 nr, long limit)
{
	struct io_vector vector;
	u64 left = limit < 0 ? UINT64_MAX : (u64)limit;

	line_printf(line, "[");
	for (u64 i = 0; i < nr; i++) {
		if (i == VECTORS_SHOWN) {
			line_printf(line, ", ...");
			break;
		}
		line_printf(line, i ? ", " : "");
		if (copy_from_user(&vector, user_ptr_at(address + i * sizeof(vector)), sizeof(vector))) {
			line_address(line, address);
			break;
		}
		u64 bytes = min(left, vector.length);
		line_printf(line, "{");
		line_buffer(line, vector.base, (long)min(bytes, (u64)INT64_MAX));
		line_printf(line, ", %lu}", vector.length);
		left -= bytes;
	}
	line_printf(line, "]");
}

static void line_strings(struct trace_line *line, u64 address, bool only_count)
{
	u64 string = 0;
	int n = 0;

	if (!address || get_user_u64(&string, user_ptr_at(address))) {
		line_address(line, address);
		return;
	}
	if (!only_count)
		line_printf(line, "[");
	for (; string; n++) {
		if (!only_count) {
			line_printf(line, n ? ", " : "");
			if (n == STRINGS_SHOWN) {
				line_printf(line, "...");
				break;
			}
			line_string(line, string);
		}
		if (get_user_u64(&string, user_ptr_at(address + 8UL * ((u64)n + 1))))
			break;
	}
	if (only_count)
		line_printf(line, "0x%lx /* %d vars */", address, n);
	else
		line_printf(line, "]");
}

static void line_sized(struct trace_line *line, const struct syscall_entry *entry, int index, const u64 args[6], long result)
{
	const struct syscall_argument *argument = &entry->args[index];
	long size = argument->size >= 0 ? (long)args[argument->size] : result;

	switch (argument->kind) {
	case ARG_IN_BUFFER:
	case ARG_OUT_BUFFER:
		line_buffer(line, args[index], size);
		break;
	case ARG_IOVEC_IN:
		line_vectors(line, args[index], (u64)size, -1);
		break;
	default: /* ARG_IOVEC_OUT */
		line_vectors(line, args[index], result < 0 ? 0 : (u64)size, result);
		break;
	}
}

/* Numbers and strings; false if the kind is none of these. */
static bool decode_simple(struct trace_line *line, u8 kind, u64 value, long result)
{
	switch (kind) {
	case ARG_INT:
	case ARG_FD:
	case ARG_PID:
		line_printf(line, "%d", (int)value);
		return true;
	case ARG_UID:
	case ARG_GID:
		line_printf(line, (u32)value == (u32)-1 ? "%d" : "%u", (u32)value);
		return true;
	case ARG_UINT:
		line_printf(line, "%u", (u32)value);
		return true;
	case ARG_LONG:
	case ARG_OFF:
		line_printf(line, "%ld", (long)value);
		return true;
	case ARG_ULONG:
	case ARG_SIZE:
		line_printf(line, "%lu", value);
		return true;
	case ARG_HEX:
		line_printf(line, "0x%lx", value);
		return true;
	case ARG_HEX32:
		line_printf(line, "0x%x", (u32)value);
		return true;
	case ARG_MODE:
		line_printf(line, "0%o", (u32)value);
		return true;
	case ARG_SIGNAL:
		line_signal(line, (int)value);
		return true;
	case ARG_DIRFD:
		if ((int)value == AT_FDCWD)
			line_printf(line, "AT_FDCWD");
		else
			line_printf(line, "%d", (int)value);
		return true;
	case ARG_PATH:
	case ARG_STRING:
		line_string(line, value);
		return true;
	case ARG_STRING_OUT:
		if (result >= 0)
			line_string(line, value);
		else
			line_address(line, value);
		return true;
	case ARG_STRINGS:
	case ARG_STRINGS_COUNT:
		line_strings(line, value, kind == ARG_STRINGS_COUNT);
		return true;
	default:
		return false;
	}
}

void decode_argument(struct trace_line *line, const struct syscall_entry *entry, int index, const u64 args[6], long result)
{
	u8 kind = entry->args[index].kind;
	u64 value = args[index];

	switch (kind) {
	case ARG_IN_BUFFER:
	case ARG_OUT_BUFFER:
	case ARG_IOVEC_IN:
	case ARG_IOVEC_OUT:
		line_sized(line, entry, index, args, result);
		return;
	default:
		break;
	}
	if (decode_simple(line, kind, value, result) || decode_names(line, kind, value))
		return;
	/* What a failed call would have filled is not worth showing. */
	if (value && !(argument_is_late(kind) && result < 0) && decode_struct(line, kind, value, result))
		return;
	line_address(line, value);
}
