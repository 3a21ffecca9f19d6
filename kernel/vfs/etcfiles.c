/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/resolv.conf, /etc/hosts and /etc/hostname as they are for this container: files in memory over those of the image, which stays as it is.
 * Where the image has none, they stand in its /etc without being in it: they can be opened, read and written, but are not listed. What the
 * user has bound there stays.
 */
#include "kernel/fs/memfd.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>

static struct file_system_type etc_type = { .name = "tmpfs", .kernel_only = true };

/* A file with this text, as a dentry below the root of `m`, counted. ERR_PTR. */
static struct dentry *make_file(struct mount *m, const char *name, const char *text)
{
	struct inode *inode = tmpfs_inode_make(m->sb, m->sb->root->inode, S_IFREG | 0644, 0);
	struct io_iter iter;
	struct path path = { .mount = m };
	struct file *file;
	loff_t position = 0;

	if (IS_ERR(inode))
		return ERR_PTR(PTR_ERR(inode));
	inode->uid = inode->gid = 0;
	path.dentry = dentry_add_child(m->sb->root, name, inode);
	if (IS_ERR(path.dentry))
		return path.dentry;
	file = file_open_path(&path, O_RDWR);
	if (IS_ERR(file)) {
		dentry_put(path.dentry);
		return ERR_PTR(PTR_ERR(file));
	}
	io_iter_kernel(&iter, (void *)(u64)text, strlen(text));
	file_write(file, &iter, &position);
	file_put(file);
	return path.dentry;
}

/* Where the image has a file or a link: a mount over it. Where it has nothing: the name itself. */
static int show(struct mount *m, const char *name, const char *text)
{
	struct path etc, where;
	struct dentry *file, *place;
	struct mount *over;
	char target[64];

	snprintf(target, sizeof(target), "/etc/%s", name);
	for (u32 i = 1; i < boot->nr_mounts; i++)
		if (boot->mounts[i].target < BOOT_STRINGS_SIZE && !strcmp(boot->strings + boot->mounts[i].target, target))
			return 0;
	if (path_lookup(AT_FDCWD, "/etc", LOOKUP_FOLLOW, &etc))
		return 0; /* an image without /etc has no use for them */
	file = make_file(m, name, text);
	if (IS_ERR(file)) {
		path_put(&etc);
		return (int)PTR_ERR(file);
	}
	if (!path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &where) || !path_lookup(AT_FDCWD, target, 0, &where)) {
		over = mount_attach(m->sb, file, &where, 0, "linuxd");
		path_put(&where);
		path_put(&etc);
		dentry_put(file);
		return IS_ERR(over) ? (int)PTR_ERR(over) : 0;
	}
	place = lookup_child(etc.dentry, name, strlen(name));
	if (!IS_ERR(place) && !place->inode)
		dentry_bind(place, inode_get(file->inode)); /* and stays: the reference is kept */
	path_put(&etc);
	return 0;
}

static int etcfiles_init(void)
{
	const struct boot_network *network = &boot->network;
	const struct { const char *name; u32 text; } files[] = {
		{ "resolv.conf", network->resolv_conf }, { "hosts", network->hosts }, { "hostname", network->host_name },
	};
	struct super_block *sb = tmpfs_make(&etc_type, 0, NULL);
	struct mount *m;
	int error = 0;

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	m = mount_internal(sb);
	if (!m)
		return -ENOMEM;
	for (unsigned i = 0; i < ARRAY_SIZE(files) && !error; i++)
		if (files[i].text && files[i].text < BOOT_STRINGS_SIZE)
			error = show(m, files[i].name, boot->strings + files[i].text);
	return error;
}
INITCALL(etcfiles, etcfiles_init, "rootfs");
