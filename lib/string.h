/* SPDX-License-Identifier: Apache-2.0 */
/* The part of <string.h> that the kernel uses; same contracts as in C11 and POSIX. */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *haystack, const char *needle);
/* Copies at most size-1 bytes and always terminates; returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);
/* Parses digits in `base` (0: by prefix). Stores into *ret_value and returns 0; -EINVAL on no or foreign
 * characters (one trailing newline is allowed), -ERANGE on overflow. */
int parse_u64(const char *s, unsigned base, uint64_t *ret_value);
int parse_s64(const char *s, unsigned base, int64_t *ret_value);
/* FNV-1a. */
uint64_t hash_bytes(const void *data, size_t n);
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	return x;
}

#endif
