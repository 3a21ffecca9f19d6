// SPDX-License-Identifier: Apache-2.0
// sources: lib/string.c
// flags: -include tests/unit/rename.h -fno-builtin
#include "lib/string.h"

#include <errno.h>

#include "tests/unit/check.h"

static void memory(void)
{
	unsigned char a[300], b[300];

	for (int size = 0; size < 130; size++) {
		for (int from = 0; from < 20; from += 3) {
			for (int to = 0; to < 20; to += 3) {
				for (int i = 0; i < 300; i++)
					a[i] = b[i] = (unsigned char)(i * 7);
				CHECK(memmove(a + to, a + from, (size_t)size) == a + to);
				for (int i = 0; i < 300; i++)
					CHECK(a[i] == (i >= to && i < to + size ? b[i - to + from] : b[i]));
			}
		}
		memset(a, 0, sizeof(a));
		CHECK(memset(a + 1, 0x1ff, (size_t)size) == a + 1);
		CHECK(a[0] == 0 && a[size + 1] == 0 && (size == 0 || (a[1] == 0xff && a[size] == 0xff)));
		memcpy(b, a, sizeof(b));
		CHECK(memcmp(a, b, sizeof(a)) == 0);
	}
	CHECK(memcmp("abc", "abd", 3) < 0 && memcmp("\xff", "a", 1) > 0 && memcmp("x", "y", 0) == 0);
	CHECK(*(const char *)memchr("hello", 'l', 5) == 'l' && memchr("hello", 'z', 5) == NULL && memchr("hello", 'o', 4) == NULL);
}

static void strings(void)
{
	char buffer[8];

	CHECK(strlen("") == 0 && strlen("abc") == 3 && strnlen("abcdef", 4) == 4 && strnlen("ab", 4) == 2);
	CHECK(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("", "") == 0 && strcmp("a", "ab") < 0 && strcmp("\xff", "a") > 0);
	CHECK(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0 && strncmp("a", "a", 10) == 0);
	const char *s = "a/b/c";
	CHECK(strchr(s, '/') == s + 1 && strrchr(s, '/') == s + 3 && strchr(s, 'z') == NULL && strchr(s, 0) == s + 5);
	CHECK(strstr(s, "b/") == s + 2 && strstr(s, "") == s && strstr(s, "bb") == NULL && strstr("", "a") == NULL);
	CHECK(strstr("aaab", "aab") != NULL);
	CHECK(strlcpy(buffer, "123456789", sizeof(buffer)) == 9 && strcmp(buffer, "1234567") == 0);
	CHECK(strlcpy(buffer, "12", sizeof(buffer)) == 2 && strcmp(buffer, "12") == 0);
	CHECK(strlcpy(buffer, "12", 0) == 2);
}

static void numbers(void)
{
	uint64_t u;
	int64_t s;

	CHECK(parse_u64("18446744073709551615", 10, &u) == 0 && u == UINT64_MAX);
	CHECK(parse_u64("18446744073709551616", 10, &u) == -ERANGE);
	CHECK(parse_u64("0x1F", 0, &u) == 0 && u == 31);
	CHECK(parse_u64("017", 0, &u) == 0 && u == 15);
	CHECK(parse_u64("10\n", 10, &u) == 0 && u == 10);
	CHECK(parse_u64("10\n\n", 10, &u) == -EINVAL);
	CHECK(parse_u64("", 10, &u) == -EINVAL && parse_u64("x", 10, &u) == -EINVAL && parse_u64("1x", 10, &u) == -EINVAL);
	CHECK(parse_u64("8", 8, &u) == -EINVAL);
	CHECK(parse_s64("-9223372036854775808", 10, &s) == 0 && s == INT64_MIN);
	CHECK(parse_s64("9223372036854775807", 10, &s) == 0 && s == INT64_MAX);
	CHECK(parse_s64("9223372036854775808", 10, &s) == -ERANGE && parse_s64("-9223372036854775809", 10, &s) == -ERANGE);
	CHECK(parse_s64("-", 10, &s) == -EINVAL);
	CHECK(hash_bytes("a", 1) != hash_bytes("b", 1) && hash_bytes("", 0) == 0xcbf29ce484222325ULL);
}

int main(void)
{
	memory();
	strings();
	numbers();
	return 0;
}
