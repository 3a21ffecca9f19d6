// SPDX-License-Identifier: Apache-2.0
/*
 * Memory and string functions with general registers only.
 *
 * Copies up to BULK bytes are loops of 8-byte words whose last word overlaps the one before it; larger
 * ones are `rep movsb`, which needs some 30 cycles to start and then moves a cache line at a time.
 */
#include "lib/string.h"

#include <stdbool.h>

#include <linux/errno.h>

#define BULK 512

typedef uint64_t __attribute__((may_alias, aligned(1))) word64;
typedef uint32_t __attribute__((may_alias, aligned(1))) word32;
typedef uint16_t __attribute__((may_alias, aligned(1))) word16;

/* Keeps the compiler from recognising the loop as the very function it implements. */
#define OPAQUE(x) __asm__("" : "+r"(x))

/* n < 16; all loads come before all stores, so overlap is harmless. */
static inline void copy_small(char *d, const char *s, size_t n)
{
	if (n >= 8) {
		uint64_t a = *(const word64 *)s, b = *(const word64 *)(s + n - 8);

		*(word64 *)d = a;
		*(word64 *)(d + n - 8) = b;
	} else if (n >= 4) {
		uint32_t a = *(const word32 *)s, b = *(const word32 *)(s + n - 4);

		*(word32 *)d = a;
		*(word32 *)(d + n - 4) = b;
	} else if (n >= 2) {
		uint16_t a = *(const word16 *)s, b = *(const word16 *)(s + n - 2);

		*(word16 *)d = a;
		*(word16 *)(d + n - 2) = b;
	} else if (n) {
		*d = *s;
	}
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (n < 16) {
		copy_small(d, s, n);
		return dst;
	}
	if (n > BULK) {
		__asm__ __volatile__("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
		return dst;
	}
	uint64_t last = *(const word64 *)(s + n - 8), before = *(const word64 *)(s + n - 16);
	char *end = d + n;

	for (; n > 16; n -= 16, d += 16, s += 16) {
		uint64_t a = *(const word64 *)s, b = *(const word64 *)(s + 8);

		OPAQUE(d);
		*(word64 *)d = a;
		*(word64 *)(d + 8) = b;
	}
	*(word64 *)(end - 16) = before;
	*(word64 *)(end - 8) = last;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (n < 16) {
		copy_small(d, s, n);
		return dst;
	}
	if ((uintptr_t)d - (uintptr_t)s >= n) { /* forwards is safe: dst is before src or past its end */
		if (n > BULK && (uintptr_t)s - (uintptr_t)d >= n) {
			__asm__ __volatile__("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
			return dst;
		}
		uint64_t last = *(const word64 *)(s + n - 8);
		char *end = d + n;

		for (; n > 8; n -= 8, d += 8, s += 8) {
			uint64_t a = *(const word64 *)s;

			OPAQUE(d);
			*(word64 *)d = a;
		}
		*(word64 *)(end - 8) = last;
	} else {
		uint64_t first = *(const word64 *)s;

		for (; n > 8; n -= 8) {
			uint64_t a = *(const word64 *)(s + n - 8);

			OPAQUE(s);
			*(word64 *)(d + n - 8) = a;
		}
		*(word64 *)d = first;
	}
	return dst;
}

void *memset(void *dst, int byte, size_t n)
{
	char *d = dst;
	uint64_t v = (uint8_t)byte * 0x0101010101010101ULL;

	if (n > BULK) {
		__asm__ __volatile__("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
		return dst;
	}
	if (n >= 8) {
		char *end = d + n - 8;

		for (; d < end; d += 8) {
			OPAQUE(d);
			*(word64 *)d = v;
		}
		*(word64 *)end = v;
	} else if (n >= 4) {
		*(word32 *)d = (uint32_t)v;
		*(word32 *)(d + n - 4) = (uint32_t)v;
	} else if (n) {
		d[0] = d[n - 1] = d[n / 2] = (char)byte;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n >= 8; n -= 8, x += 8, y += 8)
		if (*(const word64 *)x != *(const word64 *)y)
			break;
	for (; n; n--, x++, y++) {
		OPAQUE(x);
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
	for (const unsigned char *p = s; n; n--, p++)
		if (*p == (unsigned char)byte)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p) {
		p++;
		OPAQUE(p);
	}
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i])
		i++;
	return i;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)found;
	}
}

char *strstr(const char *haystack, const char *needle)
{
	size_t n = strlen(needle);

	for (; *haystack || !n; haystack++)
		if (!strncmp(haystack, needle, n))
			return (char *)haystack;
	return NULL;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t length = strlen(src);

	if (size) {
		size_t n = length < size ? length : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return length;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

int parse_u64(const char *s, unsigned base, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool any = false;

	if (*s == '+')
		s++;
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	for (; digit_value(*s) < (int)base; s++) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*s), &value))
			return -ERANGE;
		any = true;
	}
	if (*s == '\n')
		s++;
	if (*s || !any)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int parse_s64(const char *s, unsigned base, int64_t *ret_value)
{
	bool negative = *s == '-';
	uint64_t value;
	int error;

	if (negative && (s[1] == '+' || s[1] == '-'))
		return -EINVAL;
	error = parse_u64(s + negative, base, &value);
	if (error)
		return error;
	if (value > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret_value = negative ? (int64_t)-value : (int64_t)value;
	return 0;
}

uint64_t hash_bytes(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t hash = 0xcbf29ce484222325ULL;

	while (n--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

/* gcc calls it for __builtin_popcountll where the target has no instruction for it. */
__attribute__((used)) int __popcountdi2(unsigned long long word);
int __popcountdi2(unsigned long long word)
{
	int bits = 0;

	for (; word; word &= word - 1)
		bits++;
	return bits;
}
