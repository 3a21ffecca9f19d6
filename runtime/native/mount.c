/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts[] of config.json.
 *
 * A mount is made without a place (open_tree, fsmount), gets its attributes, and is then moved onto a directory or file that was looked up inside
 * the root and is held by a descriptor. So no path is looked up twice, and nobody sees a mount that is not finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/native/copyup.h"
#include "runtime/native/idmap.h"
#include "runtime/native/init.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"
#include "runtime/remedy.h"

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

/* ---- attributes ---- */

/* Kernels before 5.12 have only the remount by path, one mount at a time. */
static int set_by_remount(int fd, uint64_t set, uint64_t propagation)
{
	unsigned long flags = 0;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	flags |= set & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0;
	flags |= set & MOUNT_ATTR_NOSUID ? MS_NOSUID : 0;
	flags |= set & MOUNT_ATTR_NODEV ? MS_NODEV : 0;
	flags |= set & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0;
	flags |= set & MOUNT_ATTR_NOATIME ? MS_NOATIME : 0;
	flags |= set & MOUNT_ATTR_NODIRATIME ? MS_NODIRATIME : 0;
	if (set && mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL))
		return -1;
	return propagation ? mount(NULL, path, NULL, propagation, NULL) : 0;
}

int mount_set(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
	struct mount_attr attributes = { .attr_set = set, .attr_clr = clear, .propagation = propagation & ~(uint64_t)MS_REC };

	if (!set && !clear && !propagation)
		return 0;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof(attributes)) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	if (recursive && (set || clear)) {
		errno = ENOSYS;
		return -1;
	}
	return set_by_remount(fd, set, propagation);
}

bool mount_place_first(void)
{
	static int known = -1;

	if (known < 0)
		known = mount_setattr(-1, "", 0, NULL, 0) && errno == ENOSYS;
	return known;
}

static int set_attributes(int fd, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	uint64_t set = options->set;

	/* Devices are made in /dev yet; mount_finish does it. */
	if (!strcmp(mount->destination, "/dev"))
		set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (mount_set(fd, set, options->clear, 0, false)) {
		/* What the host's administrator has locked cannot be allowed again: it stays as it is, as "rw" of a read-only source does. */
		if (errno != EPERM || mount_set(fd, set, set & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0, 0, false))
			return fail(error, errno, "mount %s: cannot set its options", mount->destination);
	}
	if (mount_set(fd, options->rec_set, options->rec_clear, 0, true)) {
		fail(error, errno, "mount %s: cannot set its recursive options", mount->destination);
		return errno == ENOSYS ? fail_remedy_of(error, REMEDY_RECURSIVE) : -1;
	}
	if (mount_set(fd, 0, 0, options->propagation, options->propagation & MS_REC))
		return fail(error, errno, "mount %s: cannot set its propagation", mount->destination);
	return 0;
}

static int map_ids(int fd, const struct init *init, const struct spec_mount *mount, const struct mount_options *options,
		   struct error *error)
{
	const struct spec_linux *l = init->spec->linux_;
	const struct spec_mappings *uids = mount->uid_mappings.nr ? &mount->uid_mappings : &l->uid_mappings;
	const struct spec_mappings *gids = mount->gid_mappings.nr ? &mount->gid_mappings : &l->gid_mappings;
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP };
	int namespace, result;

	if (!uids->nr || !gids->nr)
		return fail(error, 0, "mount %s: option idmap needs uidMappings and gidMappings, of the mount or of linux", mount->destination);
	namespace = idmap_namespace(uids, gids, error);
	if (namespace < 0)
		return -1;
	attributes.userns_fd = namespace;
	result = mount_setattr(fd, "", AT_EMPTY_PATH | (options->ridmap ? AT_RECURSIVE : 0), &attributes, sizeof(attributes));
	if (result)
		fail(error, errno, "mount %s: cannot map its ids", mount->destination);
	close(namespace);
	if (result)
		fail_remedy_of(error, REMEDY_IDMAP);
	return result;
}

/* ---- bind mounts ---- */

static int open_source(const struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	int propagation = init->spec->linux_->rootfs_propagation & ~MS_REC;
	const char *source = mount->source ? mount->source : "";
	char joined[4096];
	int fd;

	/* A relative source is relative to the bundle. */
	if (source[0] != '/') {
		snprintf(joined, sizeof(joined), "%s/%s", init->container->bundle, source);
		source = joined;
	}
	fd = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options->rbind ? AT_RECURSIVE : 0));
	if (fd < 0)
		return fail(error, errno, "mount %s: cannot bind %s", mount->destination, source);
	/*
	 * As if it were bound where / has that propagation already: nothing mounted in the container shows on the host, unless asked for. Before
	 * Linux 5.12 it is opened by init, where / has it.
	 */
	if (propagation != MS_SHARED && !mount_place_first() && mount_set(fd, 0, 0, propagation == MS_PRIVATE ? MS_PRIVATE : MS_SLAVE, true)) {
		fail(error, errno, "mount %s: cannot set the propagation of %s", mount->destination, source);
		close(fd);
		return -1;
	}
	return fd;
}

static bool wants_idmap(const struct spec_mount *mount, const struct mount_options *options)
{
	return options->idmap || mount->uid_mappings.nr;
}

int mount_open_sources(struct init *init, struct error *error)
{
	struct mount_options options;

	init->sources = malloc((init->spec->nr_mounts + 1) * sizeof(int));
	if (!init->sources)
		return fail(error, 0, "out of memory");
	memset(init->sources, -1, (init->spec->nr_mounts + 1) * sizeof(int));
	for (size_t i = 0; i < init->spec->nr_mounts; i++) {
		const struct spec_mount *mount = &init->spec->mounts[i];

		if (mount_options_parse(mount, &options, error))
			return -1;
		if (!options.bind || options.remount) {
			if (wants_idmap(mount, &options))
				return fail(error, 0, "mount %s: only bind mounts can map ids", mount->destination);
			continue;
		}
		if (!init->privileged || mount_place_first())
			continue;
		init->sources[i] = open_source(init, mount, &options, error);
		if (init->sources[i] < 0 ||
		    (wants_idmap(mount, &options) && map_ids(init->sources[i], init, mount, &options, error)))
			return -1;
	}
	return 0;
}

void mount_close_sources(struct init *init)
{
	for (size_t i = 0; init->sources && i < init->spec->nr_mounts; i++)
		if (init->sources[i] >= 0)
			close(init->sources[i]);
	free(init->sources);
	init->sources = NULL;
}

/* ---- file systems ---- */

/* What the file system itself said about it, if anything. */
static void explain(int context, char *text, size_t size)
{
	ssize_t length = read(context, text, size - 1);

	text[0] = length > 0 ? ' ' : '\0';
	if (length > 0)
		text[length] = '\0';
}

static int configure(int context, const char *key, const char *value)
{
	return fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

static int configure_all(int context, const struct mount_options *options, const char **ret_key)
{
	char data[MOUNT_MAX_DATA], *at = data, *word;

	strcpy(data, options->data);
	while ((word = strsep(&at, ","))) {
		char *equals = strchr(word, '=');

		if (equals)
			*equals++ = '\0';
		*ret_key = "its options";
		if (*word && configure(context, word, equals))
			return -1;
	}
	for (int i = 0; mount_super_flags[i]; i++) {
		*ret_key = mount_super_flags[i];
		if ((options->super & (1UL << i)) && configure(context, mount_super_flags[i], NULL))
			return -1;
	}
	return 0;
}

static bool takes_label(const char *type)
{
	return strcmp(type, "proc") && strcmp(type, "sysfs") && strcmp(type, "cgroup") && strcmp(type, "cgroup2") && strcmp(type, "mqueue");
}

/* A new mount of a file system, without a place. */
static int new_mount(const struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	const char *label = init->spec->linux_->mount_label, *key = "its type", *type = mount->type ? mount->type : "";
	int context = fsopen(type, FSOPEN_CLOEXEC), fd = -1, saved;
	char words[512] = "";

	if (context < 0) {
		fail(error, errno, "mount %s: the host knows no file system \"%s\"", mount->destination, type);
		return -1;
	}
	if (configure(context, "source", mount->source ? mount->source : type) && errno != EINVAL)
		key = "its source";
	else if (label && label_selinux_enabled() && takes_label(type) && configure(context, "context", label))
		key = "its SELinux label";
	else if (configure_all(context, options, &key) == 0) {
		key = "a new instance";
		/* Reading only is the mount's; for a file system on a device it must be the file system's, too. */
		if (mount->source && mount->source[0] == '/' && (options->set & MOUNT_ATTR_RDONLY))
			configure(context, "ro", NULL);
		if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
			fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	}
	saved = errno;
	if (fd < 0) {
		explain(context, words, sizeof(words));
		fail(error, saved, "mount %s (%s): the file system refuses %s%s", mount->destination, type, key, words);
	}
	close(context);
	return fd;
}

/* ---- places ---- */

static bool is_below_proc(const char *path)
{
	while (path[0] == '/' && path[1] == '/')
		path++;
	return !strncmp(path, "/proc/", 6);
}

/* Of what is in a procfs only these may be covered: they are what others emulate. Elsewhere it could deceive who trusts /proc. */
static bool may_cover(const char *path)
{
	static const char *const allowed[] = { "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",      "/proc/swaps",
					       "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev",
					       "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled" };

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (!strcmp(allowed[i], path))
			return true;
	return false;
}

static bool is_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int check_place(int place, int mounted, const struct spec_mount *mount, struct error *error)
{
	if (!strcmp(mount->destination, "/proc") && mounted >= 0 && !is_procfs(mounted))
		return fail(error, 0, "mount /proc: only a procfs may be mounted there");
	if ((is_procfs(place) && strcmp(mount->destination, "/proc") && !may_cover(mount->destination)) ||
	    (is_below_proc(mount->destination) && !may_cover(mount->destination)))
		return fail(error, 0, "mount %s: is inside /proc, where only files that others emulate may be covered", mount->destination);
	return 0;
}

/* An image in which /proc or /sys is a symbolic link would send what is mounted there, and what is masked later, elsewhere. */
static int open_place(const struct init *init, const struct spec_mount *mount, bool directory, struct error *error)
{
	bool exact = mount->type && (!strcmp(mount->type, "proc") || !strcmp(mount->type, "sysfs"));
	int fd = path_make(init->root, mount->destination, directory);

	if (fd < 0)
		return fail(error, errno, "mount %s: cannot make the place for it", mount->destination);
	if (exact) {
		close(fd);
		fd = path_open(init->root, mount->destination, O_PATH | O_DIRECTORY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
		if (fd < 0)
			return fail(error, errno == ELOOP ? 0 : errno, "mount %s: must be mounted on ordinary directory, without a symbolic link in its path",
				    mount->destination);
	}
	return fd;
}

static int place(int fd, const struct init *init, const struct spec_mount *mount, bool directory, struct error *error)
{
	int at = open_place(init, mount, directory, error), result;

	if (at < 0)
		return -1;
	result = check_place(at, fd, mount, error);
	if (result == 0 && move_mount(fd, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		result = fail(error, errno, "mount %s: cannot mount it there", mount->destination);
	close(at);
	return result;
}

/* ---- one and all ---- */

static bool is_directory(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

static int mount_bind(struct init *init, size_t index, const struct spec_mount *mount, const struct mount_options *options,
		      struct error *error)
{
	int fd = init->sources[index];

	if (fd < 0)
		fd = init->sources[index] = open_source(init, mount, options, error);
	if (fd < 0 || (!init->privileged && wants_idmap(mount, options) && map_ids(fd, init, mount, options, error)) ||
	    (!mount_place_first() && set_attributes(fd, mount, options, error)) || place(fd, init, mount, is_directory(fd), error))
		return -1;
	return mount_place_first() ? set_attributes(fd, mount, options, error) : 0;
}

/* Only options of what is mounted there already. */
static int change_mount(struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	int fd = path_open(init->root, mount->destination, O_PATH, 0), result;

	if (fd < 0)
		return fail(error, errno, "mount %s: nothing there whose options could be changed", mount->destination);
	result = set_attributes(fd, mount, options, error);
	close(fd);
	return result;
}

/* The procfs that we have is the same, and can be cloned where the kernel lets detached mounts be (6.15). */
static int clone_procfs(const struct init *init, const struct spec_mount *mount, const struct mount_options *options)
{
	int fd;

	if (strcmp(mount->type, "proc") || options->data[0] || options->super)
		return -1;
	fd = open_tree(init->proc, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd >= 0 && mount_set(fd, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, false)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int mount_new(struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	int fd = clone_procfs(init, mount, options), result = 0;

	if (fd < 0)
		fd = new_mount(init, mount, options, error);
	if (fd < 0)
		return -1;
	/* What is copied into memory is the container's to pay for. */
	if (options->tmpcopyup)
		result = init_join(init, error);
	if (result == 0 && !strcmp(mount->type, "tmpfs"))
		result = copyup_prepare(fd, init, mount, options, error);
	if (result == 0 && !mount_place_first())
		result = set_attributes(fd, mount, options, error);
	if (result == 0)
		result = place(fd, init, mount, true, error);
	if (result == 0 && mount_place_first())
		result = set_attributes(fd, mount, options, error);
	close(fd);
	return result;
}

static int mount_one(struct init *init, size_t index, struct error *error)
{
	const struct spec_mount *mount = &init->spec->mounts[index];
	struct mount_options options;

	if (mount_options_parse(mount, &options, error))
		return -1;
	if (options.bind && options.remount)
		return change_mount(init, mount, &options, error);
	if (options.bind)
		return mount_bind(init, index, mount, &options, error);
	if (!mount->type)
		return fail(error, 0, "mount %s: has no type, and no option bind", mount->destination);
	if (!strcmp(mount->type, "cgroup") || !strcmp(mount->type, "cgroup2"))
		return init_join(init, error) ? -1 : cgroup_mount(init, mount, &options, error);
	return mount_new(init, mount, &options, error);
}

int mount_all(struct init *init, struct error *error)
{
	for (size_t i = 0; i < init->spec->nr_mounts; i++)
		if (mount_one(init, i, error))
			return -1;
	return 0;
}

int mount_finish(struct init *init, struct error *error)
{
	struct mount_options options;

	for (size_t i = 0; i < init->spec->nr_mounts; i++) {
		const struct spec_mount *mount = &init->spec->mounts[i];
		int fd, result;

		if (strcmp(mount->destination, "/dev") || mount_options_parse(mount, &options, error) || !(options.set & MOUNT_ATTR_RDONLY))
			continue;
		fd = path_open(init->root, "/dev", O_PATH | O_DIRECTORY, 0);
		result = fd < 0 ? -1 : mount_set(fd, MOUNT_ATTR_RDONLY, 0, 0, false);
		if (fd >= 0)
			close(fd);
		if (result)
			return fail(error, errno, "mount /dev: cannot make it read-only");
	}
	return 0;
}
