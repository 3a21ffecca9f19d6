/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's tree at boot: the host directory at "/", binds and tmpfs where the command line put them, then /proc,
 * /sys, /dev and what belongs below. Missing mount points are made if the root can be written.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/init/initcall.h"
#include "kernel/vfs/furnish.h"

#include <linux/fs.h>

static const char *boot_string(u32 offset) { return offset < BOOT_STRINGS_SIZE ? boot->strings + offset : ""; }

int make_parents(const char *target)
{
	char *path = kstrdup(target), *slash;
	int error = 0;

	if (!path)
		return -ENOMEM;
	for (slash = strchr(path + 1, '/'); slash && !error; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		error = kernel_mkdir(path, 0755);
		*slash = '/';
		/* On a read-only file system one that is there is all right, too. */
		if (error == -EEXIST || error == -EROFS)
			error = 0;
	}
	kfree(path);
	return error;
}

/* mkdir -p, or an empty file for the bind of one. */
static int make_mountpoint(const char *target, bool file)
{
	struct path found;
	int error;

	if (!path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &found)) {
		path_put(&found);
		return 0;
	}
	error = make_parents(target);
	if (!error)
		error = file ? kernel_mknod_at(AT_FDCWD, target, S_IFREG | 0644, 0, NULL) : kernel_mkdir(target, 0755);
	if (error)
		printk(KERN_ERR, "cannot make the mount point %s: error %d%s", target, -error,
		       error == -EROFS ? " (the root file system is read-only)" : "");
	return error == -EEXIST ? 0 : error;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int mount_host(int index, const struct path *where)
{
	const struct boot_mount *bm = &boot->mounts[index];
	const char *source = boot_string(bm->source);
	struct super_block *sb = hostfs_mount_index(index);
	struct dentry *root;
	struct mount *m;

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	if (bm->is_file) {
		root = lookup_child(sb->root, base_name(source), strlen(base_name(source)));
		if (!IS_ERR(root) && !root->inode) {
			dentry_put(root);
			root = ERR_PTR(-ENOENT);
		}
	} else {
		root = dentry_get(sb->root);
	}
	if (IS_ERR(root)) {
		super_put(sb);
		return (int)PTR_ERR(root);
	}
	m = mount_attach(sb, root, where, bm->flags | (bm->read_only ? MS_RDONLY : 0), source);
	dentry_put(root);
	super_put(sb);
	return IS_ERR(m) ? (int)PTR_ERR(m) : 0;
}

static int mount_boot_entry(int index)
{
	const struct boot_mount *bm = &boot->mounts[index];
	const char *target = boot_string(bm->target);
	const char *type = boot_string(bm->type);
	struct path where;
	int error;

	if (bm->fd < 0 && *type && bm->optional && !find_filesystem(type)) {
		printk(KERN_WARNING, "%s is not mounted: this kernel has no file system type %s", target, type);
		return 0;
	}
	error = make_mountpoint(target, bm->is_file);
	if (error)
		return error;
	/* What is to stand in a tmpfs has to be made first: rootfs_furnish makes it read-only. */
	if (bm->fd < 0 && *type)
		return kernel_mount(type, boot_string(bm->source), target, bm->flags | (bm->read_only && strcmp(type, "tmpfs") ? MS_RDONLY : 0),
				    boot_string(bm->data));
	if (bm->fd < 0)
		return kernel_mount("tmpfs", "tmpfs", target, MS_NOSUID | MS_NODEV | (bm->read_only ? MS_RDONLY : 0), NULL);
	error = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
	if (error)
		return error;
	error = mount_host(index, &where);
	path_put(&where);
	return error;
}

struct system_mount {
	const char *type, *target;
	unsigned long flags;
	const char *data;
	bool needed; /* else a root without the place, or a kernel without the type, goes without */
};
static const struct system_mount system_mounts[] = {
	{ "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true },
	{ "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL, false },
	{ "cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL, false },
	{ "devtmpfs", "/dev", MS_NOSUID, NULL, true },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666", false },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", false },
	{ "mqueue", "/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, false },
};

static bool is_boot_target(const char *target)
{
	for (u32 i = 1; i < boot->nr_mounts; i++) {
		if (!strcmp(boot_string(boot->mounts[i].target), target))
			return true;
	}
	return false;
}

static int mount_system(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(system_mounts); i++) {
		const struct system_mount *s = &system_mounts[i];
		int error;
		if (is_boot_target(s->target))
			continue;
		if (!find_filesystem(s->type)) {
			printk(KERN_NOTICE, "no file system type %s for %s", s->type, s->target);
			continue;
		}
		error = make_mountpoint(s->target, false);
		if (!error)
			error = kernel_mount(s->type, s->type, s->target, s->flags, s->data);
		if (error) {
			printk(KERN_ERR, "cannot mount %s on %s: error %d", s->type, s->target, -error);
			if (s->needed)
				return error;
		}
	}
	return 0;
}

static int rootfs_init(void)
{
	struct path root;
	int error;

	if (boot->nr_mounts > BOOT_MAX_MOUNTS || !boot->nr_mounts)
		return -EINVAL;
	error = mount_host(0, NULL);
	if (error) {
		printk(KERN_ERR, "cannot mount the root file system: error %d", -error);
		return error;
	}
	root = (struct path){ init_mnt_ns.root, init_mnt_ns.root->root };
	refcount_set(&init_fs.count, 1);
	init_fs.umask = 022;
	path_get(&root);
	init_fs.root = root;
	path_get(&root);
	init_fs.pwd = root;
	if (current->fs && current->fs != &init_fs && !current->fs->root.dentry) {
		path_get(&root);
		current->fs->root = root;
		path_get(&root);
		current->fs->pwd = root;
	} else if (!current->fs) {
		refcount_inc(&init_fs.count);
		current->fs = &init_fs;
	}
	if (!current->mnt_ns)
		current->mnt_ns = &init_mnt_ns;
	error = boot->flags & BOOT_EXACT_MOUNTS ? 0 : mount_system();
	for (u32 i = 1; !error && i < boot->nr_mounts; i++) {
		error = mount_boot_entry((int)i);
		if (error)
			printk(KERN_ERR, "cannot mount %s: error %d", boot_string(boot->mounts[i].target), -error);
	}
	return error ? error : rootfs_furnish();
}
INITCALL(rootfs, rootfs_init, "hostfs tmpfs devtmpfs memory_devices proc sysfs cgroup2 devpts mqueue");
