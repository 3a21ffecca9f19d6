/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted in a sandbox. proc, sysfs, devpts, mqueue, cgroup and tmpfs are the container's kernel's own; binds of the host's /proc, /sys
 * and device files become those, too, since the host's would be a way out. What is mounted below the source of an rbind becomes binds of their own.
 */
#include "runtime/sandbox/oci_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/native/mount_options.h"

static uint32_t mount_flags(const struct mount_options *options)
{
	static const struct {
		uint64_t attribute;
		uint32_t flag;
	} flags[] = { { MOUNT_ATTR_NOSUID, MS_NOSUID }, { MOUNT_ATTR_NODEV, MS_NODEV }, { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		      { MOUNT_ATTR_NODIRATIME, MS_NODIRATIME } };
	uint64_t set = options->set | options->rec_set;
	uint32_t bits = (set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME ? MS_NOATIME : 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (set & flags[i].attribute)
			bits |= flags[i].flag;
	return bits;
}

static struct sandbox_mount *new_mount(struct oci_sandbox *sandbox, const char *target, struct error *error)
{
	struct sandbox_mount *mount;
	char *copy;
	size_t length;

	if (sandbox->config.nr_mounts == BOOT_MAX_MOUNTS - 1) {
		fail(error, 0, "mounts: more than %d of them", BOOT_MAX_MOUNTS - 1);
		return NULL;
	}
	/* A relative destination is below "/", and a slash at the end says nothing. */
	if (asprintf(&copy, "%s%s", target[0] == '/' ? "" : "/", target) < 0) {
		fail(error, 0, "out of memory");
		return NULL;
	}
	for (length = strlen(copy); length > 1 && copy[length - 1] == '/';)
		copy[--length] = '\0';
	mount = &sandbox->config.mounts[sandbox->config.nr_mounts++];
	*mount = (struct sandbox_mount){ .target = copy };
	return mount;
}

static int add_node(struct oci_sandbox *sandbox, const struct sandbox_node *node, struct error *error)
{
	struct sandbox_config *config = &sandbox->config;

	for (int i = 0; i < config->nr_nodes; i++) {
		if (strcmp(config->nodes[i].path, node->path))
			continue;
		config->nodes[i] = *node;
		return 0;
	}
	if (config->nr_nodes == BOOT_MAX_NODES)
		return fail(error, 0, "linux.devices: more than %d of them", BOOT_MAX_NODES);
	config->nodes[config->nr_nodes++] = *node;
	return 0;
}

/* "/proc/sys" is below "/proc". */
static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (path[length] == '/' || !path[length]);
}

/* The kernel's own file system instead of the host's; NULL: it is none of these. */
static const char *own_type(const char *source)
{
	return is_below(source, "/sys/fs/cgroup") ? "cgroup" : !strcmp(source, "/proc") ? "proc" : !strcmp(source, "/sys") ? "sysfs" :
	       !strcmp(source, "/dev/mqueue") ? "mqueue" : !strcmp(source, "/dev/pts") ? "devpts" : NULL;
}

static void set_type(struct sandbox_mount *mount, const char *type, const char *data)
{
	/* Who asks for the groups of processes gets what the kernel has of them. */
	bool cgroup = !strcmp(type, "cgroup") || !strcmp(type, "cgroup2");

	mount->type = cgroup ? "cgroup2" : type;
	mount->shown = type;
	mount->data = data;
	mount->optional = cgroup || !strcmp(type, "mqueue");
}

static char *absolute_source(const struct container *container, const char *source)
{
	char *path;

	if (source[0] == '/')
		return strdup(source);
	return asprintf(&path, "%s/%s", container->bundle, source) < 0 ? NULL : path;
}

/* ---- what is mounted below a directory on the host ---- */

/* A line of mountinfo, taken apart in place. */
struct host_mount {
	char *place, *options, *type;
};

/* Spaces and their like are written as \\ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		unsigned int code;

		if (at[0] == '\\' && sscanf(at + 1, "%3o", &code) == 1) {
			*to = (char)code;
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

static bool parse_host_mount(char *line, struct host_mount *ret_mount)
{
	char *field[6], *rest = line, *dash = strstr(line, " - ");

	for (int i = 0; i < 6; i++)
		field[i] = strsep(&rest, " ");
	if (!dash || !field[5])
		return false;
	rest = dash + 3;
	*ret_mount = (struct host_mount){ .place = field[4], .options = field[5], .type = strsep(&rest, " \n") };
	unescape(ret_mount->place);
	return true;
}

/* The host's kernel seen through files, and devices: in a sandbox these would be a way out. */
static bool is_window(const char *type)
{
	static const char *const types[] = { "proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "debugfs", "tracefs", "securityfs",
					     "bpf", "configfs", "efivarfs", "pstore", "fusectl", "binfmt_misc", "nsfs", "autofs", "rpc_pipefs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static bool begins_read_only(const char *options) { return !strncmp(options, "ro", 2) && (options[2] == ',' || !options[2]); }

/* Each is a bind of its own, below @bind's. */
static int add_mounts_below(struct oci_sandbox *sandbox, const struct sandbox_mount *bind, bool read_only, struct error *error)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	const struct sandbox_mount outer = *bind;
	size_t length = strcmp(outer.source, "/") ? strlen(outer.source) : 0, size = 0;
	struct host_mount below;
	char *line = NULL;
	int result = 0;

	while (mounts && result == 0 && getline(&line, &size, mounts) > 0) {
		struct sandbox_mount *mount;
		struct stat status;
		char *target;

		if (!parse_host_mount(line, &below) || !strcmp(below.place, outer.source) || (length && !is_below(below.place, outer.source)))
			continue;
		if (is_window(below.type) || stat(below.place, &status) || (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))) {
			oci_warn(sandbox->container, "mounts: %s: what is mounted at %s on the host (%s) is not shown", outer.target, below.place, below.type);
			continue;
		}
		if (asprintf(&target, "%s%s", strcmp(outer.target, "/") ? outer.target : "", below.place + length) < 0) {
			result = fail(error, 0, "out of memory");
			break;
		}
		mount = new_mount(sandbox, target, error);
		free(target);
		if (!mount) {
			result = -1;
			break;
		}
		mount->source = strdup(below.place);
		mount->flags = outer.flags;
		mount->read_only = read_only || begins_read_only(below.options);
	}
	free(line);
	if (mounts)
		fclose(mounts);
	return result;
}

static int add_bind(struct oci_sandbox *sandbox, const struct spec_mount *from, const struct mount_options *options, struct error *error)
{
	char *given = absolute_source(sandbox->container, from->source ? from->source : ""), *source;
	struct sandbox_mount *mount;
	struct stat status;

	if (!given)
		return fail(error, 0, "out of memory");
	/* Without links and dots: it is compared with other paths. */
	source = realpath(given, NULL);
	if (!source || stat(source, &status))
		return fail(error, errno, "mounts: cannot bind %s to %s", given, from->destination);
	free(given);
	/* The device itself is the container's kernel's. */
	if (S_ISCHR(status.st_mode))
		return add_node(sandbox, &(struct sandbox_node){ .path = from->destination, .mode = S_IFCHR | 0666, .major = major(status.st_rdev),
								 .minor = minor(status.st_rdev), .keep = true }, error);
	mount = new_mount(sandbox, from->destination, error);
	if (!mount)
		return -1;
	mount->flags = mount_flags(options);
	mount->read_only = (options->set | options->rec_set) & MOUNT_ATTR_RDONLY;
	if (own_type(source)) {
		set_type(mount, own_type(source), "");
		return 0;
	}
	if (is_below(source, "/proc") || is_below(source, "/sys")) {
		fail(error, 0, "mounts: %s cannot be bound to %s: the host's /proc and /sys would be a way out of the sandbox", source, from->destination);
		return fail_remedy(error, "leave it out, or run the container with --mode native");
	}
	mount->source = source;
	/* Without the "r", read-only is of this mount alone. */
	return options->rbind && S_ISDIR(status.st_mode) ? add_mounts_below(sandbox, mount, options->rec_set & MOUNT_ATTR_RDONLY, error) : 0;
}

/* An image's link in the place of /proc or /sys would lead the mount elsewhere. */
static int check_place(const struct oci_sandbox *sandbox, const char *target, struct error *error)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	int root = open(sandbox->container->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : syscall(SYS_openat2, root, target, &how, sizeof(how)), code = errno;

	if (root >= 0)
		close(root);
	if (fd >= 0)
		close(fd);
	if (fd < 0 && code == ELOOP)
		return fail(error, 0, "mounts: %s: must be mounted on ordinary directory, without a symbolic link in its path", target);
	return 0;
}

static int add_mount(struct oci_sandbox *sandbox, const struct spec_mount *from, struct error *error)
{
	struct mount_options *options = calloc(1, sizeof(*options));
	struct sandbox_mount *mount;

	if (!options || mount_options_parse(from, options, error))
		return options ? -1 : fail(error, 0, "out of memory");
	if (options->idmap || options->ridmap || from->uid_mappings.nr || from->gid_mappings.nr) {
		fail(error, 0, "mounts: %s: ids of a mount cannot be mapped in a sandbox", from->destination);
		return fail_remedy(error, "leave the mapping out, or run the container with --mode native");
	}
	if (options->tmpcopyup)
		oci_warn(sandbox->container, "mounts: %s: tmpcopyup is not done: the tmpfs begins empty", from->destination);
	if (from->type && (!strcmp(from->type, "proc") || !strcmp(from->type, "sysfs")) && check_place(sandbox, from->destination, error))
		return -1;
	if (options->bind)
		return add_bind(sandbox, from, options, error);
	mount = new_mount(sandbox, from->destination, error);
	if (!mount)
		return -1;
	mount->flags = mount_flags(options);
	mount->read_only = options->set & MOUNT_ATTR_RDONLY;
	set_type(mount, from->type ? from->type : "tmpfs", strdup(options->data));
	if (from->source && from->source[0])
		mount->shown = from->source;
	return 0;
}

static bool is_mounted(const struct oci_sandbox *sandbox, const char *target)
{
	for (int i = 0; i < sandbox->config.nr_mounts; i++)
		if (!strcmp(sandbox->config.mounts[i].target, target))
			return true;
	return false;
}

static int default_devices(struct oci_sandbox *sandbox, struct error *error)
{
	static const struct sandbox_node nodes[] = {
		{ .path = "/dev/null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3, .keep = true },
		{ .path = "/dev/zero", .mode = S_IFCHR | 0666, .major = 1, .minor = 5, .keep = true },
		{ .path = "/dev/full", .mode = S_IFCHR | 0666, .major = 1, .minor = 7, .keep = true },
		{ .path = "/dev/random", .mode = S_IFCHR | 0666, .major = 1, .minor = 8, .keep = true },
		{ .path = "/dev/urandom", .mode = S_IFCHR | 0666, .major = 1, .minor = 9, .keep = true },
		{ .path = "/dev/tty", .mode = S_IFCHR | 0666, .major = 5, .minor = 0, .keep = true },
		{ .path = "/dev/ptmx", .target = "pts/ptmx", .mode = S_IFLNK | 0777, .keep = true },
		{ .path = "/dev/fd", .target = "/proc/self/fd", .mode = S_IFLNK | 0777, .keep = true },
		{ .path = "/dev/stdin", .target = "/proc/self/fd/0", .mode = S_IFLNK | 0777, .keep = true },
		{ .path = "/dev/stdout", .target = "/proc/self/fd/1", .mode = S_IFLNK | 0777, .keep = true },
		{ .path = "/dev/stderr", .target = "/proc/self/fd/2", .mode = S_IFLNK | 0777, .keep = true },
		{ .path = "/dev/console", .mode = S_IFCHR | 0620, .major = 5, .minor = 1, .keep = true }, /* with a terminal only */
	};
	size_t nr = sizeof(nodes) / sizeof(nodes[0]) - !sandbox->config.tty;

	for (size_t i = 0; i < nr; i++)
		if (add_node(sandbox, &nodes[i], error))
			return -1;
	return 0;
}

static int config_devices(struct oci_sandbox *sandbox, struct error *error)
{
	const struct spec_linux *l = sandbox->spec->linux_;

	for (size_t i = 0; i < l->nr_devices; i++) {
		const struct spec_device *device = &l->devices[i];
		uint32_t type = device->type == SPEC_DEVICE_FIFO ? S_IFIFO : device->type == SPEC_DEVICE_BLOCK ? S_IFBLK : S_IFCHR;
		struct sandbox_node node = { .path = device->path, .mode = type | (device->file_mode.set ? device->file_mode.value & 07777 : 0666),
					     .major = device->major, .minor = device->minor, .uid = device->uid.value, .gid = device->gid.value,
					     .keep = true };

		/* Memory devices and terminals are all that the kernel has. */
		if (type == S_IFBLK || (type == S_IFCHR && device->major != 1 && device->major != 5 && device->major != 136))
			oci_warn(sandbox->container, "linux.devices: %s can be seen in the container, but not opened: its kernel has no such device",
				 device->path);
		if (add_node(sandbox, &node, error))
			return -1;
	}
	return 0;
}

int oci_mounts_make(struct oci_sandbox *sandbox, struct error *error)
{
	const struct spec *spec = sandbox->spec;
	struct sandbox_mount *dev;

	for (size_t i = 0; i < spec->nr_mounts; i++)
		if (add_mount(sandbox, &spec->mounts[i], error))
			return -1;
	/* Devices are not made in the host's directory. */
	if (!is_mounted(sandbox, "/dev")) {
		dev = new_mount(sandbox, "/dev", error);
		if (!dev)
			return -1;
		set_type(dev, "tmpfs", "mode=755,size=65536k");
		dev->flags = MS_NOSUID;
	}
	return default_devices(sandbox, error) || config_devices(sandbox, error) ? -1 : 0;
}
