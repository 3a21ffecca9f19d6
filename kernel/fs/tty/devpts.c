/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devpts: /dev/pts, one character device per open pseudoterminal, and ptmx. There is one instance; every mount shows it.
 * Mount options uid=, gid=, mode= (of new terminals; 0600 without) and ptmxmode= (0 without) are those of the last mount.
 */
#include <linux/magic.h>

#include "kernel/fs/tty/internal.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"

#define INO_ROOT 1
#define INO_PTMX 2
#define INO_FIRST_TTY 3

static struct super_block *pts_super;
static struct {
	bool has_uid, has_gid;
	uid_t uid;
	gid_t gid;
	mode_t mode, ptmx_mode;
} options = { .mode = 0600 };

static struct inode *ptmx_inode;

static bool option_value(const char *option, const char *name, unsigned base, u64 *ret_value)
{
	size_t n = strlen(name);

	return !strncmp(option, name, n) && !parse_u64(option + n, base, ret_value);
}

/* -EINVAL for what Linux does not know either. */
static int set_option(const char *option)
{
	u64 value;

	if (option_value(option, "uid=", 10, &value)) {
		options.has_uid = true;
		options.uid = value;
	} else if (option_value(option, "gid=", 10, &value)) {
		options.has_gid = true;
		options.gid = value;
	} else if (option_value(option, "ptmxmode=", 8, &value)) {
		options.ptmx_mode = value & 0777;
		if (ptmx_inode)
			ptmx_inode->mode = S_IFCHR | options.ptmx_mode;
	} else if (option_value(option, "mode=", 8, &value)) {
		options.mode = value & 0777;
	} else if (strcmp(option, "newinstance") && !option_value(option, "max=", 10, &value)) {
		return -EINVAL;
	}
	return 0;
}

static int set_options(const char *data)
{
	char option[64];

	while (data && *data) {
		const char *comma = strchr(data, ',');
		size_t n = comma ? (size_t)(comma - data) : strlen(data);
		int error;

		if (n >= sizeof(option))
			return -EINVAL;
		memcpy(option, data, n);
		option[n] = '\0';
		error = n ? set_option(option) : 0;
		if (error)
			return error;
		data += n + (comma ? 1 : 0);
	}
	return 0;
}

int devpts_add(struct tty_struct *tty)
{
	struct dentry *dentry;
	struct inode *inode;
	char name[16];

	if (!pts_super)
		return -ENODEV;
	inode = inode_alloc(pts_super, S_IFCHR | options.mode);
	if (!inode)
		return -ENOMEM;
	inode->ino = INO_FIRST_TTY + tty->index;
	inode->uid = options.has_uid ? options.uid : current->cred->fsuid;
	inode->gid = options.has_gid ? options.gid : current->cred->fsgid;
	inode->rdev = tty_device(tty);
	inode->nlink = 1;
	snprintf(name, sizeof(name), "%d", tty->index);
	dentry = dentry_add_child(pts_super->root, name, inode);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	tty->dentry = dentry;
	return 0;
}

void devpts_remove(struct tty_struct *tty)
{
	struct dentry *dentry = tty->dentry;

	tty->dentry = NULL;
	if (!dentry)
		return;
	dentry->inode->nlink = 0;
	fsnotify_dentry(dentry, 0x200 /* IN_DELETE */);
	dentry_drop(dentry);
	dentry_put(dentry);
}

static int devpts_statfs(struct super_block *sb, struct kstatfs *ret_statfs)
{
	memset(ret_statfs, 0, sizeof(*ret_statfs));
	ret_statfs->type = DEVPTS_SUPER_MAGIC;
	ret_statfs->bsize = ret_statfs->frsize = PAGE_SIZE;
	ret_statfs->namelen = 255;
	return 0;
}

static void devpts_show_options(struct super_block *sb, char *buffer, size_t size)
{
	size_t n = 0;

	if (options.has_uid)
		n += scnprintf(buffer + n, size - n, ",uid=%u", options.uid);
	if (options.has_gid)
		n += scnprintf(buffer + n, size - n, ",gid=%u", options.gid);
	scnprintf(buffer + n, size - n, ",mode=%03o,ptmxmode=%03o", options.mode, options.ptmx_mode);
}

static const struct super_operations devpts_super_ops = {
	.statfs = devpts_statfs,
	.show_options = devpts_show_options,
};

static int add_ptmx(struct super_block *sb)
{
	struct inode *inode = inode_alloc(sb, S_IFCHR | options.ptmx_mode);
	struct dentry *dentry;

	if (!inode)
		return -ENOMEM;
	inode->ino = INO_PTMX;
	inode->rdev = (dev_t)TTYAUX_MAJOR << 8 | 2;
	inode->nlink = 1;
	inode->uid = inode->gid = 0;
	dentry = dentry_add_child(sb->root, "ptmx", inode);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ptmx_inode = inode;
	return 0;
}

static int make_super(const struct file_system_type *type)
{
	struct super_block *sb = super_alloc(type, &devpts_super_ops);
	struct inode *root;
	int error;

	if (!sb)
		return -ENOMEM;
	sb->blocksize = 1024;
	root = inode_alloc(sb, S_IFDIR | 0755);
	if (!root) {
		super_put(sb);
		return -ENOMEM;
	}
	root->ino = INO_ROOT;
	root->nlink = 2;
	root->uid = root->gid = 0;
	root->ops = &simple_dir_iops;
	root->fops = &simple_dir_fops;
	sb->root = dentry_make_root(root);
	if (!sb->root) {
		super_put(sb);
		return -ENOMEM;
	}
	error = add_ptmx(sb);
	if (error) {
		super_put(sb);
		return error;
	}
	pts_super = sb;
	return 0;
}

static struct super_block *devpts_mount(const struct file_system_type *type, unsigned long flags, const char *source, const char *data)
{
	int error = set_options(data);

	if (error)
		return ERR_PTR(error);
	/* The reference of boot is never given up: terminals outlive mounts. */
	refcount_inc(&pts_super->count);
	return pts_super;
}

static struct file_system_type devpts_type = { .name = "devpts", .magic = DEVPTS_SUPER_MAGIC, .mount = devpts_mount };

static int devpts_init(void)
{
	int error = make_super(&devpts_type);

	if (error)
		return error;
	register_filesystem(&devpts_type);
	return 0;
}
INITCALL(devpts, devpts_init, "tty");
