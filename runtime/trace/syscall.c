// SPDX-License-Identifier: Apache-2.0
#include "runtime/trace/syscall.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/trace/names.h"
#include "runtime/trace/reader.h"
#include "syscalls_shapes.gen.h"

struct text {
	char *at;
	size_t room; /* with the NUL */
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->at, text->room, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	if ((size_t)n >= text->room)
		n = text->room ? (int)text->room - 1 : 0;
	text->at += n;
	text->room -= n;
}

/* Length of the UTF-8 sequence at @text, 0 if it is none. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	size_t n = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 : text[0] >= 0xe0 && text[0] < 0xf0 ? 3 :
		   text[0] >= 0xf0 && text[0] < 0xf5 ? 4 : 0;

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond the last character; and the C1 controls. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) || (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] >= 0x90) || (text[0] == 0xc2 && text[1] < 0xa0))
		return 0;
	return n;
}

size_t trace_clean(char *to, size_t size, const char *from, size_t length)
{
	struct text text = { to, size };
	size_t n;

	if (!size)
		return 0;
	*to = '\0';
	for (size_t i = 0; i < length && from[i]; i += n) {
		const unsigned char *at = (const unsigned char *)from + i;

		n = *at < 0x20 || *at == 0x7f ? 0 : utf8_length(at, length - i);
		if ((n ? n : 4) >= text.room)
			break;
		if (n)
			put(&text, "%.*s", (int)n, from + i);
		else
			put(&text, "\\x%02x", *at);
		n = n ? n : 1;
	}
	return text.at - to;
}

const char *trace_syscall_name(unsigned int number)
{
	static __thread char unknown[24];

	if (number < NR_SYSCALLS && syscall_shapes[number].name)
		return syscall_shapes[number].name;
	snprintf(unknown, sizeof(unknown), "syscall_%u", number);
	return unknown;
}

static bool is(unsigned int number, const char *name)
{
	return number < NR_SYSCALLS && syscall_shapes[number].name && !strcmp(syscall_shapes[number].name, name);
}

bool trace_syscall_returns(unsigned int number) { return !is(number, "exit") && !is(number, "exit_group"); }

static void put_argument(struct text *text, unsigned int kind, uint64_t value)
{
	char names[400];

	if (trace_argument_names(kind, value, names, sizeof(names))) {
		put(text, "%s", names);
		return;
	}
	switch (kind) {
	case ARG_INT:
	case ARG_FD:
	case ARG_PID:
		put(text, "%d", (int)value);
		return;
	case ARG_DIRFD:
		if ((int)value == -100)
			put(text, "AT_FDCWD");
		else
			put(text, "%d", (int)value);
		return;
	case ARG_UINT:
		put(text, "%u", (unsigned int)value);
		return;
	case ARG_UID:
	case ARG_GID:
		put(text, (uint32_t)value == (uint32_t)-1 ? "%d" : "%u", (uint32_t)value);
		return;
	case ARG_LONG:
	case ARG_OFF:
		put(text, "%ld", (long)value);
		return;
	case ARG_ULONG:
	case ARG_SIZE:
		put(text, "%lu", value);
		return;
	case ARG_MODE:
		put(text, "0%o", (unsigned int)value);
		return;
	case ARG_SIGNAL:
		put(text, "%s", trace_signal_name((int)value));
		return;
	default:
		if (!value && kind >= ARG_PTR)
			put(text, "NULL");
		else
			put(text, value < 10 ? "%lu" : "0x%lx", value);
	}
}

/* "3</etc/passwd>": the kernel writes a number for the file, and its name when it has not done so lately. */
static void put_descriptor(struct text *text, const struct trace_record *record, const struct trace_files *files)
{
	const char *name = NULL;

	put(text, "%d", (int)record->args[0]);
	if (files && record->args[TRACE_FILE_ARGUMENT])
		name = trace_files_name(files, record->args[TRACE_FILE_ARGUMENT]);
	if (name)
		put(text, "<%s>", name);
}

static bool has_file(const struct syscall_shape *shape)
{
	return shape->name && shape->nargs && shape->nargs <= TRACE_FILE_ARGUMENT && shape->kinds[0] == ARG_FD;
}

void trace_syscall_learn(const struct trace_record *record, unsigned int nr_texts, struct trace_files *files)
{
	char raw[256], clean[256];

	if (record->type != TRACE_SYSCALL_ENTER || record->number >= NR_SYSCALLS || !has_file(&syscall_shapes[record->number]) ||
	    !record->args[TRACE_FILE_ARGUMENT] || !trace_record_text(record, nr_texts, 0, raw, sizeof(raw)))
		return;
	trace_clean(clean, sizeof(clean), raw, sizeof(raw));
	trace_files_learn(files, record->args[TRACE_FILE_ARGUMENT], clean);
}

void trace_syscall_call(const struct trace_record *record, unsigned int nr_texts, const struct trace_files *files, char *to, size_t size)
{
	const struct syscall_shape *shape = record->number < NR_SYSCALLS ? &syscall_shapes[record->number] : NULL;
	bool known = shape && shape->name;
	struct text text = { to, size };
	char raw[256], clean[256];

	put(&text, "%s(", trace_syscall_name(record->number));
	for (int i = 0; i < (known ? shape->nargs : 3); i++) {
		if (i)
			put(&text, ", ");
		if (known && i == 0 && has_file(shape)) {
			put_descriptor(&text, record, files);
		} else if (trace_record_text(record, nr_texts, (unsigned int)i, raw, sizeof(raw))) {
			trace_clean(clean, sizeof(clean), raw, sizeof(raw));
			put(&text, "\"%s\"", clean);
		} else {
			put_argument(&text, known ? shape->kinds[i] : ARG_HEX, record->args[i]);
		}
	}
	put(&text, ")");
}

void trace_syscall_result(unsigned int number, int64_t result, char *text, size_t size)
{
	/* Restarts that the program never sees; errno(3) has no names for them. */
	if (result <= -512 && result >= -516)
		snprintf(text, size, "? (interrupted, starts again)");
	else if (result < 0 && result >= -4095 && strerrorname_np((int)-result))
		snprintf(text, size, "-1 %s (%s)", strerrorname_np((int)-result), strerrordesc_np((int)-result));
	else if (is(number, "mmap") || is(number, "brk") || is(number, "mremap") || is(number, "shmat"))
		snprintf(text, size, "0x%lx", (unsigned long)result);
	else
		snprintf(text, size, "%ld", (long)result);
}

const char *trace_wait_name(unsigned int kind)
{
	static const char *const names[TRACE_WAIT_KINDS] = { "something", "disk", "queue", "lock", "timer", "child", "stop" };

	return names[kind < TRACE_WAIT_KINDS ? kind : 0];
}

const char *trace_signal_name(int number)
{
	static __thread char text[16];
	const char *name = number > 0 && number < 32 ? sigabbrev_np(number) : NULL;

	snprintf(text, sizeof(text), name ? "SIG%s" : "SIG%.0s%d", name ? name : "", number);
	return text;
}
