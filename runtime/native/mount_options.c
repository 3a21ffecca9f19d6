/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/mount_options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum target { ATTR, ATTR_CLEAR, SUPER, SUPER_CLEAR, PROPAGATION, SPECIAL };

enum { SUPER_SYNC, SUPER_DIRSYNC, SUPER_LAZYTIME, SUPER_MAND, SUPER_SILENT, SUPER_IVERSION };
const char *const mount_super_flags[] = { "sync", "dirsync", "lazytime", "mand", "silent", "iversion", NULL };

enum { WORD_NOTHING, WORD_BIND, WORD_RBIND, WORD_REMOUNT, WORD_TMPCOPYUP, WORD_IDMAP, WORD_RIDMAP };

static const struct option {
	const char *name;
	enum target target;
	uint64_t value;
	bool has_recursive; /* there is one with an "r" before it */
} options[] = {
	{ "async", SUPER_CLEAR, 1 << SUPER_SYNC, false },
	{ "atime", ATTR_CLEAR, MOUNT_ATTR_NOATIME, true },
	{ "bind", SPECIAL, WORD_BIND, false },
	{ "defaults", SPECIAL, WORD_NOTHING, false },
	{ "dev", ATTR_CLEAR, MOUNT_ATTR_NODEV, true },
	{ "diratime", ATTR_CLEAR, MOUNT_ATTR_NODIRATIME, true },
	{ "dirsync", SUPER, 1 << SUPER_DIRSYNC, false },
	{ "exec", ATTR_CLEAR, MOUNT_ATTR_NOEXEC, true },
	{ "idmap", SPECIAL, WORD_IDMAP, false },
	{ "iversion", SUPER, 1 << SUPER_IVERSION, false },
	{ "lazytime", SUPER, 1 << SUPER_LAZYTIME, false },
	{ "loud", SUPER_CLEAR, 1 << SUPER_SILENT, false },
	{ "mand", SUPER, 1 << SUPER_MAND, false },
	{ "noatime", ATTR, MOUNT_ATTR_NOATIME, true },
	{ "nodev", ATTR, MOUNT_ATTR_NODEV, true },
	{ "nodiratime", ATTR, MOUNT_ATTR_NODIRATIME, true },
	{ "noexec", ATTR, MOUNT_ATTR_NOEXEC, true },
	{ "noiversion", SUPER_CLEAR, 1 << SUPER_IVERSION, false },
	{ "nolazytime", SUPER_CLEAR, 1 << SUPER_LAZYTIME, false },
	{ "nomand", SUPER_CLEAR, 1 << SUPER_MAND, false },
	{ "norelatime", ATTR_CLEAR, MOUNT_ATTR_RELATIME, true },
	{ "nostrictatime", ATTR_CLEAR, MOUNT_ATTR_STRICTATIME, true },
	{ "nosuid", ATTR, MOUNT_ATTR_NOSUID, true },
	{ "nosymfollow", ATTR, MOUNT_ATTR_NOSYMFOLLOW, true },
	{ "private", PROPAGATION, MS_PRIVATE, true },
	{ "rbind", SPECIAL, WORD_RBIND, false },
	{ "relatime", ATTR, MOUNT_ATTR_RELATIME, true },
	{ "remount", SPECIAL, WORD_REMOUNT, false },
	{ "ridmap", SPECIAL, WORD_RIDMAP, false },
	{ "ro", ATTR, MOUNT_ATTR_RDONLY, true },
	{ "rw", ATTR_CLEAR, MOUNT_ATTR_RDONLY, true },
	{ "shared", PROPAGATION, MS_SHARED, true },
	{ "silent", SUPER, 1 << SUPER_SILENT, false },
	{ "slave", PROPAGATION, MS_SLAVE, true },
	{ "strictatime", ATTR, MOUNT_ATTR_STRICTATIME, true },
	{ "suid", ATTR_CLEAR, MOUNT_ATTR_NOSUID, true },
	{ "symfollow", ATTR_CLEAR, MOUNT_ATTR_NOSYMFOLLOW, true },
	{ "sync", SUPER, 1 << SUPER_SYNC, false },
	{ "tmpcopyup", SPECIAL, WORD_TMPCOPYUP, false },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE, true },
};

#define NR_OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct option *find(const char *word, bool *ret_recursive)
{
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		*ret_recursive = options[i].has_recursive && word[0] == 'r' && !strcmp(word + 1, options[i].name);
		if (*ret_recursive || !strcmp(word, options[i].name))
			return &options[i];
	}
	return NULL;
}

const char *mount_option_name(unsigned int index, bool *ret_has_recursive)
{
	if (index >= NR_OPTIONS)
		return NULL;
	*ret_has_recursive = options[index].has_recursive;
	return options[index].name;
}

/* Of the three ways to keep access times one holds; the later word wins. Relatime is no bit but the absence of both others. */
static void set_attribute(uint64_t *set, uint64_t *clear, uint64_t value)
{
	if (value == MOUNT_ATTR_RELATIME || (value & MOUNT_ATTR__ATIME)) {
		*set &= ~(uint64_t)MOUNT_ATTR__ATIME;
		*clear |= MOUNT_ATTR__ATIME;
	} else {
		*clear &= ~value;
	}
	*set |= value;
}

static void clear_attribute(uint64_t *set, uint64_t *clear, uint64_t value)
{
	if (value == MOUNT_ATTR_RELATIME)
		return;
	*set &= ~value;
	/* Back to relatime, which is what there is without. */
	*clear |= value & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : value;
}

static void take_special(struct mount_options *to, uint64_t word)
{
	to->bind |= word == WORD_BIND || word == WORD_RBIND;
	to->rbind |= word == WORD_RBIND;
	to->remount |= word == WORD_REMOUNT;
	to->tmpcopyup |= word == WORD_TMPCOPYUP;
	to->idmap |= word == WORD_IDMAP || word == WORD_RIDMAP;
	to->ridmap |= word == WORD_RIDMAP;
}

static void take(struct mount_options *to, const struct option *option, bool recursive)
{
	switch (option->target) {
	case ATTR:
		set_attribute(recursive ? &to->rec_set : &to->set, recursive ? &to->rec_clear : &to->clear, option->value);
		break;
	case ATTR_CLEAR:
		clear_attribute(recursive ? &to->rec_set : &to->set, recursive ? &to->rec_clear : &to->clear, option->value);
		break;
	case SUPER:
		to->super |= option->value;
		break;
	case SUPER_CLEAR:
		to->super &= ~option->value;
		break;
	case PROPAGATION:
		to->propagation = option->value | (recursive ? MS_REC : 0);
		break;
	case SPECIAL:
		take_special(to, option->value);
		break;
	}
}

int mount_options_parse(const struct spec_mount *mount, struct mount_options *ret_options, struct error *error)
{
	size_t used = 0;

	memset(ret_options, 0, offsetof(struct mount_options, data));
	ret_options->data[0] = '\0';
	if (mount->type && (!strcmp(mount->type, "bind") || !strcmp(mount->type, "rbind")))
		take_special(ret_options, !strcmp(mount->type, "bind") ? WORD_BIND : WORD_RBIND);
	for (size_t i = 0; i < mount->options.nr; i++) {
		const char *word = mount->options.items[i];
		const struct option *option;
		bool recursive;

		if (!*word)
			continue;
		option = find(word, &recursive);
		if (option) {
			take(ret_options, option, recursive);
			continue;
		}
		used += snprintf(ret_options->data + used, sizeof(ret_options->data) - used, "%s%s", used ? "," : "", word);
		if (used >= sizeof(ret_options->data))
			return fail(error, 0, "mount %s: its options are longer than %d characters", mount->destination, MOUNT_MAX_DATA - 1);
	}
	return 0;
}
