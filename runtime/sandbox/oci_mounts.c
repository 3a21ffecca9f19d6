/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted in a sandbox. proc, sysfs, devpts, mqueue, cgroup and tmpfs are the container's kernel's own; binds of the host's /proc, /sys
 * and device files become those, too, since the host's would be a way out. A bind shows one mount of the host, not what is mounted below it.
 */
#include "runtime/sandbox/oci_mounts.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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

/* Whether something is mounted below the directory on the host. */
static bool has_mounts_below(const char *source)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], place[2048];
	bool found = false;

	while (mounts && !found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*s %*s %*s %*s %2047s", place) == 1 && strcmp(place, source) && is_below(place, source);
	if (mounts)
		fclose(mounts);
	return found;
}

static int add_bind(struct oci_sandbox *sandbox, const struct spec_mount *from, const struct mount_options *options, struct error *error)
{
	char *source = absolute_source(sandbox->container, from->source ? from->source : "");
	struct sandbox_mount *mount;
	struct stat status;

	if (!source)
		return fail(error, 0, "out of memory");
	if (stat(source, &status))
		return fail(error, errno, "mounts: cannot bind %s to %s", source, from->destination);
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
	if (options->rbind && has_mounts_below(source))
		oci_warn(sandbox->container, "mounts: %s: what is mounted below %s on the host is not shown", from->destination, source);
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
