/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c cli/parse.c cli/users.c
// flags: -D_GNU_SOURCE
// seconds: 5
/*
 * --user in a root file system whose /etc/passwd and /etc/group anybody has written: somebody is found who stands there, or nobody; numbers always
 * work. The input is the name, passwd and group, with bytes 0xff between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static char place[] = "/tmp/fuzz-users-XXXXXX";
static int directory = -1;

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void clean_up(void)
{
	unlinkat(directory, "etc/passwd", 0);
	unlinkat(directory, "etc/group", 0);
	unlinkat(directory, "etc", AT_REMOVEDIR);
	rmdir(place);
}

static void write_file(const char *name, const uint8_t *bytes, size_t size)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "cannot write");
	close(fd);
}

/* Up to the next byte 0xff. */
static size_t part(const uint8_t **data, size_t *size, const uint8_t **ret_part)
{
	const uint8_t *end = memchr(*data, 0xff, *size);
	size_t length = end ? (size_t)(end - *data) : *size;

	*ret_part = *data;
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = { 0 };
	const uint8_t *bytes;
	uint32_t uid, gid;
	size_t length;
	char *name, *home = NULL;
	unsigned long number;

	if (directory < 0) {
		must(mkdtemp(place) != NULL, "mkdtemp");
		directory = open(place, O_RDONLY | O_DIRECTORY);
		must(mkdirat(directory, "etc", 0755) == 0, "mkdir");
		atexit(clean_up);
	}
	length = part(&data, &size, &bytes);
	name = strndup((const char *)bytes, length);
	length = part(&data, &size, &bytes);
	write_file("etc/passwd", bytes, length);
	write_file("etc/group", data, size);
	if (users_resolve(place, name, &uid, &gid, &home, &error)) {
		must(error.text[0], "an error without words");
		must(parse_number(name, 0, 0xfffffffe, &number), "a number that does not work");
	} else {
		must(!error.text[0] && home && home[0], "a user without a home");
		must(uid != UINT32_MAX && gid != UINT32_MAX, "nobody's number");
		must(parse_number(name, 0, 0xfffffffe, &number) || uid == number, "another number than was asked for");
	}
	free(home);
	free(name);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const pieces[] = { "root", "user", ":x:", "0", "1000", ":", "\n", "\xff", "\xff", "/home/user", "4294967295", "4294967294", "-1",
					      "user:x:1000:1000::/home/user:/bin/sh\n", "wheel:x:10:user\n", "user:wheel\xff", "0:0\xff", "\n\n", " " };
	size_t used = 0;

	for (int n = rand() % 12; n >= 0; n--) {
		const char *piece = pieces[rand() % (sizeof(pieces) / sizeof(pieces[0]))];

		if (used + strlen(piece) + 1 >= room)
			break;
		memcpy(bytes + used, piece, strlen(piece));
		used += strlen(piece);
		if (rand() % 10 == 0)
			bytes[used++] = rand();
	}
	return used;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
