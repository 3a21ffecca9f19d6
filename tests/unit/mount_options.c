// SPDX-License-Identifier: Apache-2.0
// sources: runtime/error.c runtime/native/mount_options.c runtime/native/cpulist.c
// flags: -D_GNU_SOURCE
/* Words of mounts[].options, and lists of cpus. */
#include "runtime/native/mount_options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/native/cpulist.h"
#include "tests/unit/check.h"

static struct mount_options parse(const char *type, const char *words)
{
	static char text[8192];
	const char *items[64], *word;
	struct spec_mount mount = { .destination = "/x", .type = type };
	struct mount_options options;
	struct error error = { 0 };
	char *at = text;

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&at, " ")))
		items[mount.options.nr++] = word;
	mount.options.items = items;
	CHECK(mount_options_parse(&mount, &options, &error) == 0);
	return options;
}

int main(void)
{
	struct mount_options options = parse("tmpfs", "nosuid ro mode=755 size=1k noexec exec");
	unsigned long mask[CPULIST_WORDS] = { 0 };
	char long_word[5000];
	const char *word = long_word;
	struct error error = { 0 };

	CHECK(options.set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY) && options.clear == MOUNT_ATTR_NOEXEC);
	CHECK(!strcmp(options.data, "mode=755,size=1k") && !options.bind && !options.propagation);
	/* The later word wins. */
	CHECK(parse("x", "ro rw").set == 0 && parse("x", "rw ro").set == MOUNT_ATTR_RDONLY && parse("x", "rw ro").clear == 0);
	CHECK(parse("x", "noatime strictatime").set == MOUNT_ATTR_STRICTATIME && parse("x", "noatime").clear == MOUNT_ATTR__ATIME);
	CHECK(parse("x", "noatime relatime").set == 0 && parse("x", "noatime atime").set == 0);
	/* Recursive forms are apart. */
	options = parse("bind", "rro nodev rnosuid rslave");
	CHECK(options.bind && !options.rbind && options.set == MOUNT_ATTR_NODEV && options.rec_set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
	CHECK(options.propagation == (MS_SLAVE | MS_REC));
	options = parse("none", "rbind tmpcopyup sync nomand ridmap private remount");
	CHECK(options.bind && options.rbind && options.tmpcopyup && options.super == 1 && options.idmap && options.ridmap && options.remount);
	CHECK(options.propagation == MS_PRIVATE && !options.data[0]);
	CHECK(parse("rbind", "defaults").rbind);
	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	CHECK(mount_options_parse(&(struct spec_mount){ .destination = "/x", .options = { &word, 1 } }, &options, &error) == -1 && error.text[0]);

	CHECK(cpulist_parse("0-2,5", mask) == 0 && mask[0] == 0x27);
	CHECK(cpulist_parse("", mask) && cpulist_parse("1-", mask) && cpulist_parse("2-1", mask) && cpulist_parse("-1", mask));
	CHECK(cpulist_parse("1,", mask) && cpulist_parse("1024", mask) && cpulist_parse("99999999999999999999", mask) && cpulist_parse("1 2", mask));
	return 0;
}
