// SPDX-License-Identifier: Apache-2.0
/*
 * printf-style formatting: flags "-0+ #", width, precision, lengths hh h l ll z t j, conversions
 * d i u x X o c s p %. No floating point, no %n.
 */
#include "lib/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

struct output {
	char *buffer;
	size_t size, length; /* length counts what would have been written */
};

struct spec {
	bool left, zero, plus, space, alternate, upper;
	int width, precision; /* precision -1: none */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buffer[out->length] = c;
	out->length++;
}

static void put_many(struct output *out, char c, int n)
{
	while (n-- > 0)
		put(out, c);
}

static void put_bytes(struct output *out, const char *s, size_t n)
{
	size_t room = out->length + 1 < out->size ? out->size - 1 - out->length : 0;

	memcpy(out->buffer + (room ? out->length : 0), s, n < room ? n : room);
	out->length += n;
}

static void put_string(struct output *out, const struct spec *spec, const char *s)
{
	if (!s)
		s = "(null)";
	size_t n = spec->precision >= 0 ? strnlen(s, (size_t)spec->precision) : strlen(s);
	int padding = spec->width > (int)n ? spec->width - (int)n : 0;

	if (!spec->left)
		put_many(out, ' ', padding);
	put_bytes(out, s, n);
	if (spec->left)
		put_many(out, ' ', padding);
}

static void put_number(struct output *out, const struct spec *spec, uint64_t value, bool negative, unsigned base)
{
	const char *digits = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24], prefix[3];
	int n = 0, prefix_length = 0, zeros = 0, padding;

	if (negative)
		prefix[prefix_length++] = '-';
	else if (spec->plus)
		prefix[prefix_length++] = '+';
	else if (spec->space)
		prefix[prefix_length++] = ' ';
	if (spec->alternate && base == 16 && value) {
		prefix[prefix_length++] = '0';
		prefix[prefix_length++] = spec->upper ? 'X' : 'x';
	}
	for (uint64_t v = value; v; v /= base)
		text[n++] = digits[v % base];
	if (!n && spec->precision != 0)
		text[n++] = '0';
	if (spec->alternate && base == 8 && (!n || text[n - 1] != '0'))
		text[n++] = '0';
	if (spec->precision > n)
		zeros = spec->precision - n;
	else if (spec->precision < 0 && spec->zero && !spec->left && spec->width > n + prefix_length)
		zeros = spec->width - n - prefix_length;
	padding = spec->width - prefix_length - zeros - n;
	if (!spec->left)
		put_many(out, ' ', padding);
	put_bytes(out, prefix, (size_t)prefix_length);
	put_many(out, '0', zeros);
	while (n)
		put(out, text[--n]);
	if (spec->left)
		put_many(out, ' ', padding);
}

static bool parse_flag(struct spec *spec, char c)
{
	switch (c) {
	case '-': return spec->left = true;
	case '0': return spec->zero = true;
	case '+': return spec->plus = true;
	case ' ': return spec->space = true;
	case '#': return spec->alternate = true;
	default: return false;
	}
}

static const char *parse_int(const char *p, int *ret_value)
{
	int value = 0;

	while (*p >= '0' && *p <= '9' && value < 100000)
		value = value * 10 + (*p++ - '0');
	*ret_value = value;
	return p;
}

/* `length`: -2 char, -1 short, 0 int, 1 long and everything else of 64 bits. */
static int64_t signed_value(int64_t v, int length)
{
	switch (length) {
	case -2: return (signed char)v;
	case -1: return (short)v;
	case 0: return (int)v;
	default: return v;
	}
}

static uint64_t unsigned_value(uint64_t v, int length)
{
	switch (length) {
	case -2: return (unsigned char)v;
	case -1: return (unsigned short)v;
	case 0: return (unsigned)v;
	default: return v;
	}
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	struct output out = { buffer, size, 0 };

	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			const char *start = p;

			while (p[1] && p[1] != '%')
				p++;
			put_bytes(&out, start, (size_t)(p + 1 - start));
			continue;
		}
		struct spec spec = { .precision = -1 };
		int length = 0;

		for (p++; parse_flag(&spec, *p); p++)
			;
		if (*p == '*') {
			spec.width = va_arg(args, int);
			if (spec.width < 0) {
				spec.left = true;
				spec.width = -spec.width;
			}
			p++;
		} else {
			p = parse_int(p, &spec.width);
		}
		if (*p == '.') {
			p++;
			if (*p == '*') {
				spec.precision = va_arg(args, int);
				p++;
			} else {
				p = parse_int(p, &spec.precision);
			}
		}
		for (;; p++) {
			if (*p == 'h')
				length--;
			else if (*p == 'l' || *p == 'z' || *p == 't' || *p == 'j')
				length = 1;
			else
				break;
		}
		switch (*p) {
		case 'd':
		case 'i': {
			int64_t v = signed_value(length > 0 ? va_arg(args, long) : va_arg(args, int), length);

			put_number(&out, &spec, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0, 10);
			break;
		}
		case 'u':
		case 'x':
		case 'X':
		case 'o': {
			uint64_t v = unsigned_value(length > 0 ? va_arg(args, unsigned long) : va_arg(args, unsigned), length);

			spec.plus = spec.space = false;
			spec.upper = *p == 'X';
			put_number(&out, &spec, v, false, *p == 'u' ? 10 : *p == 'o' ? 8 : 16);
			break;
		}
		case 'p':
			spec.alternate = true;
			put_number(&out, &spec, (uint64_t)va_arg(args, void *), false, 16);
			break;
		case 'c': {
			char c = (char)va_arg(args, int);

			put_many(&out, ' ', spec.left ? 0 : spec.width - 1);
			put(&out, c);
			put_many(&out, ' ', spec.left ? spec.width - 1 : 0);
			break;
		}
		case 's': put_string(&out, &spec, va_arg(args, const char *)); break;
		case '%': put(&out, '%'); break;
		case '\0': p--; break;
		default:
			put(&out, '%');
			put(&out, *p);
		}
	}
	if (size)
		buffer[out.length < size ? out.length : size - 1] = '\0';
	return (int)out.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(buffer, size, format, args);

	va_end(args);
	return n;
}

int vscnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	int n = vsnprintf(buffer, size, format, args);

	if ((size_t)n < size)
		return n;
	return size ? (int)size - 1 : 0;
}

int scnprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vscnprintf(buffer, size, format, args);

	va_end(args);
	return n;
}
