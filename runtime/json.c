/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at @at, 0 if there is none. */
static int utf8_length(const unsigned char *at)
{
	int length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;

	for (int i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf0 && at[1] < 0x90) ||
	    (at[0] == 0xf4 && at[1] >= 0x90))
		return 0;
	return length;
}

void json_string(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', out);
	while (*at) {
		int length = utf8_length(at);

		if (length == 0)
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else if (length == 2 && *at == 0xc2 && at[1] < 0xa0)
			fprintf(out, "\\u00%02x", at[1]); /* control characters too */
		else
			fwrite(at, 1, length, out);
		at += length ? length : 1;
	}
	fputc('"', out);
}

static char unescape(const char **at)
{
	char digits[5] = { 0 };
	const char *escape = *at;

	if (escape[1] != 'u') {
		*at += escape[1] ? 2 : 1;
		return escape[1];
	}
	for (int i = 0; i < 4 && escape[2 + i]; i++)
		digits[i] = escape[2 + i];
	*at += 2 + strlen(digits);
	return strtoul(digits, NULL, 16) < 0x80 ? (char)strtoul(digits, NULL, 16) : '?';
}

int json_line_string(const char *line, const char *name, char *ret_value, size_t size)
{
	size_t length = strlen(name), stored = 0;
	const char *at = line + 1;

	if (line[0] != '"' || strncmp(at, name, length) || strncmp(at + length, "\": \"", 4))
		return 0;
	for (at += length + 4; *at && *at != '"' && *at != '\n' && stored + 1 < size;)
		ret_value[stored++] = *at == '\\' ? unescape(&at) : *at++;
	ret_value[stored] = '\0';
	return 1;
}
