/* SPDX-License-Identifier: Apache-2.0 */
/* lib/format.c's functions under other names; the C library's stay reachable as c_vsnprintf. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static inline __attribute__((unused)) int c_vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	return vsnprintf(buffer, size, format, args);
}
#define vsnprintf lib_vsnprintf
#define snprintf lib_snprintf
#define vscnprintf lib_vscnprintf
#define scnprintf lib_scnprintf
