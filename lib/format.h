/* SPDX-License-Identifier: Apache-2.0 */
/* printf-style formatting without floating point. Contracts of C11 snprintf; scnprintf returns what was stored. */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

int vsnprintf(char *buffer, size_t size, const char *format, va_list args);
int snprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vscnprintf(char *buffer, size_t size, const char *format, va_list args);
int scnprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
