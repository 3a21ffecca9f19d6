// SPDX-License-Identifier: Apache-2.0
// sources: lib/format.c
// flags: -fno-builtin -Wno-format -include tests/unit/format_names.h
/* The kernel's formatting against the C library's. */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/format.h"
#include "tests/unit/check.h"

static void same(const char *format, ...)
{
	char ours[256], theirs[256];
	va_list args, again;

	for (size_t size = 0; size <= sizeof(ours); size += size < 10 ? 1 : 82) {
		memset(ours, '#', sizeof(ours));
		memset(theirs, '#', sizeof(theirs));
		va_start(args, format);
		va_copy(again, args);
		int a = vsnprintf(ours, size, format, args), b = c_vsnprintf(theirs, size, format, again);
		va_end(args);
		va_end(again);
		if (a != b || memcmp(ours, theirs, sizeof(ours))) {
			fprintf(stderr, "%s size %zu: %d '%.*s', expected %d '%.*s'\n", format, size, a, (int)size, ours, b, (int)size, theirs);
			exit(1);
		}
	}
}

int main(void)
{
	static const long values[] = { 0, 1, -1, 42, -42, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, 0x123456789abcdef };
	static const char *const formats[] = { "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%u", "%x", "%X", "%#x", "%o", "%#o", "%08x",
					       "%.3d", "%8.3d", "%-8.3d|", "%ld", "%lu", "%lx", "%20ld", "%020lx", "%lld", "%llx", "%hd",
					       "%hhd", "%zu", "%c", "%5c", "%%", "%*d" };

	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			if (strchr(formats[f], '*'))
				same(formats[f], 7, (int)values[v]);
			else
				same(formats[f], values[v]);
		}
	}
	same("%s", "hello");
	same("%.2s|%10s|%-10s|%.*s", "hello", "hello", "hello", 3, "hello");
	same("a%sb%dc", "", 5);
	same("no conversions");
	same("");
	same("%p", (void *)0x1234);
	return 0;
}
