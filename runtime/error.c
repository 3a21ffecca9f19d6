/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct error *error, int code, const char *format, ...)
{
	va_list arguments;
	size_t length;

	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	length = strlen(error->text);
	if (code > 0)
		snprintf(error->text + length, sizeof(error->text) - length, ": %s", strerror(code));
	return -1;
}

int fail_remedy(struct error *error, const char *format, ...)
{
	size_t length = strlen(error->text);
	va_list arguments;

	if (length + 3 < sizeof(error->text)) {
		error->text[length++] = '\n';
		va_start(arguments, format);
		vsnprintf(error->text + length, sizeof(error->text) - length, format, arguments);
		va_end(arguments);
	}
	return -1;
}
