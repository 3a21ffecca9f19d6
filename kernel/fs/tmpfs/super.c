/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounting tmpfs, its limits, and the life of its inodes.
 *
 * Options: size= and nr_blocks= (k, m, g, t or %), nr_inodes=, mode=, uid=, gid=; huge=, mpol=, inode32, inode64 and
 * noswap are accepted and change nothing. Without size= a file system may take half of the memory. A write over the
 * limit fails with ENOSPC, as does making a file over the limit of inodes.
 */
#include <linux/magic.h>

#include "include/abi/boot.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"

extern struct boot_params *boot;

static u64 memory_bytes(void)
{
	return boot->memory_limit ? boot->memory_limit : boot->host_memory;
}

/* "64m", "50%": bytes (or a plain count). */
static int parse_amount(const char *value, size_t length, u64 whole, u64 *ret_amount)
{
	char digits[24];
	u64 n;
	size_t i = 0;

	while (i < length && i < sizeof(digits) - 1 && value[i] >= '0' && value[i] <= '9') {
		digits[i] = value[i];
		i++;
	}
	digits[i] = 0;
	if (!i || length - i > 1 || parse_u64(digits, 10, &n))
		return -EINVAL;
	switch (i < length ? value[i] | 0x20 : 0) {
	case 0: break;
	case 'k': n <<= 10; break;
	case 'm': n <<= 20; break;
	case 'g': n <<= 30; break;
	case 't': n <<= 40; break;
	default:
		if (value[i] != '%' || !whole)
			return -EINVAL;
		n = whole / 100 * n;
	}
	*ret_amount = n;
	return 0;
}

static bool key_is(const char *key, size_t length, const char *name)
{
	return length == strlen(name) && !memcmp(key, name, length);
}

static int parse_number(const char *value, size_t length, unsigned base, u64 max_value, u64 *ret_number)
{
	char digits[24];

	if (!length || length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, value, length);
	digits[length] = 0;
	return parse_u64(digits, base, ret_number) || *ret_number > max_value ? -EINVAL : 0;
}

static int parse_option(struct tmpfs_super *info, const char *key, size_t key_length, const char *value, size_t length)
{
	static const char *const ignored[] = { "huge", "mpol", "inode32", "inode64", "noswap", "rw", "ro" };
	u64 n = 0;
	int error;

	if (key_is(key, key_length, "size") || key_is(key, key_length, "nr_blocks")) {
		error = parse_amount(value, length, memory_bytes(), &n);
		info->max_pages = key_is(key, key_length, "size") ? (n + PAGE_SIZE - 1) / PAGE_SIZE : n;
		info->show_size = true;
		return error;
	}
	if (key_is(key, key_length, "nr_inodes")) {
		error = parse_amount(value, length, 0, &n);
		info->max_inodes = n;
		info->show_inodes = true;
		return error;
	}
	if (key_is(key, key_length, "mode")) {
		error = parse_number(value, length, 8, UINT32_MAX, &n);
		info->mode = (mode_t)n & 07777;
		info->show_mode = true;
		return error;
	}
	if (key_is(key, key_length, "uid")) {
		error = parse_number(value, length, 10, UINT32_MAX - 1, &n);
		info->uid = (uid_t)n;
		info->show_uid = true;
		return error;
	}
	if (key_is(key, key_length, "gid")) {
		error = parse_number(value, length, 10, UINT32_MAX - 1, &n);
		info->gid = (gid_t)n;
		info->show_gid = true;
		return error;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		if (key_is(key, key_length, ignored[i]))
			return 0;
	return -EINVAL;
}

static int parse_options(struct tmpfs_super *info, const char *data)
{
	while (data && *data) {
		const char *end = strchr(data, ',');
		size_t length = end ? (size_t)(end - data) : strlen(data);
		const char *equals = memchr(data, '=', length);
		size_t key_length = equals ? (size_t)(equals - data) : length;
		int error = length ? parse_option(info, data, key_length, equals ? equals + 1 : "",
						  equals ? length - key_length - 1 : 0) : 0;

		if (error)
			return error;
		data += length + (end != NULL);
	}
	return 0;
}

struct super_block *tmpfs_make(const struct file_system_type *type, unsigned long flags, const char *data)
{
	struct tmpfs_super *info = kzalloc(sizeof(*info));
	struct super_block *sb;
	struct inode *root;
	int error = -ENOMEM;

	if (!info)
		return ERR_PTR(-ENOMEM);
	info->max_pages = memory_bytes() / PAGE_SIZE / 2;
	info->max_inodes = memory_bytes() / PAGE_SIZE / 2;
	info->mode = 01777;
	info->uid = current->cred->fsuid;
	info->gid = current->cred->fsgid;
	error = parse_options(info, data);
	if (error)
		goto free_info;
	error = -ENOMEM;
	sb = super_alloc(type, &tmpfs_super_ops);
	if (!sb)
		goto free_info;
	sb->private = info;
	sb->flags |= flags;
	sb->blocksize = PAGE_SIZE;
	root = tmpfs_inode_make(sb, NULL, S_IFDIR | info->mode, 0);
	if (IS_ERR(root)) {
		error = (int)PTR_ERR(root);
		goto put_super;
	}
	root->uid = info->uid;
	root->gid = info->gid;
	sb->root = dentry_make_root(root);
	if (sb->root)
		return sb;
	inode_put(root);
put_super:
	super_put(sb); /* frees info */
	return ERR_PTR(error);
free_info:
	kfree(info);
	return ERR_PTR(error);
}

struct inode *tmpfs_inode_make(struct super_block *sb, struct inode *dir, mode_t mode, dev_t rdev)
{
	struct tmpfs_super *super = tmpfs_sb(sb);
	struct tmpfs_inode *info;
	struct inode *inode;

	if (super->max_inodes && super->used_inodes >= super->max_inodes)
		return ERR_PTR(-ENOSPC);
	info = kzalloc(sizeof(*info));
	inode = info ? inode_alloc(sb, mode) : NULL;
	if (!inode) {
		kfree(info);
		return ERR_PTR(-ENOMEM);
	}
	super->used_inodes++;
	list_init(&info->xattrs);
	info->inode = inode;
	info->seals = F_SEAL_SEAL;
	inode->private = info;
	inode->ino = ++super->next_ino;
	inode->mode = mode;
	inode->uid = current->cred->fsuid;
	inode->gid = current->cred->fsgid;
	inode->rdev = rdev;
	inode->nlink = 1;
	if (dir && dir->mode & S_ISGID) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			inode->mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !in_group(dir->gid) && !capable(CAP_FSETID))
			inode->mode &= ~(mode_t)S_ISGID;
	}
	switch (mode & S_IFMT) {
	case S_IFREG:
		page_store_init(&info->store, &tmpfs_store_ops, 0);
		inode->ops = &tmpfs_file_iops;
		inode->fops = &tmpfs_file_fops;
		break;
	case S_IFDIR:
		info->dir.next_cookie = 2;
		inode->nlink = 2;
		inode->size = 40;
		inode->ops = &tmpfs_dir_iops;
		inode->fops = &tmpfs_dir_fops;
		break;
	case S_IFLNK:
		inode->ops = &tmpfs_link_iops;
		break;
	default: /* the vfs finds the operations of devices, FIFOs and sockets */
		inode->ops = &tmpfs_special_iops;
	}
	return inode;
}

static void tmpfs_evict_inode(struct inode *inode)
{
	struct tmpfs_inode *info = tmpfs_i(inode);

	if (!info)
		return;
	inode->private = NULL;
	tmpfs_sb(inode->sb)->used_inodes--;
	tmpfs_xattrs_free(info);
	if (S_ISREG(inode->mode)) {
		/* Pages that live on in mappings no longer count for the file system. */
		tmpfs_sb(inode->sb)->used_pages -= info->store.data_pages;
		info->inode = NULL;
		page_store_put(&info->store); /* the store's last holder frees info: mappings may outlive the inode */
		return;
	}
	if (S_ISLNK(inode->mode))
		kfree(info->target);
	else if (S_ISDIR(inode->mode)) {
		inode->private = info;
		tmpfs_dir_free(inode);
		inode->private = NULL;
	}
	kfree(info);
}

static int tmpfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct tmpfs_super *info = tmpfs_sb(sb);

	*ret = (struct kstatfs){ .type = TMPFS_MAGIC, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX, .fsid = sb->dev };
	if (info->max_pages) {
		ret->blocks = info->max_pages;
		ret->bfree = ret->bavail = info->max_pages > info->used_pages ? info->max_pages - info->used_pages : 0;
	}
	if (info->max_inodes) {
		ret->files = info->max_inodes;
		ret->ffree = info->max_inodes - info->used_inodes;
	}
	return 0;
}

static void tmpfs_put_super(struct super_block *sb)
{
	kfree(sb->private);
	sb->private = NULL;
}

static void tmpfs_show_options(struct super_block *sb, char *buffer, size_t size)
{
	struct tmpfs_super *info = tmpfs_sb(sb);
	size_t n = 0;

	if (size)
		buffer[0] = 0;
	if (info->show_size)
		n += (size_t)scnprintf(buffer + n, size - n, ",size=%lluk", (unsigned long long)info->max_pages * 4);
	if (info->show_inodes)
		n += (size_t)scnprintf(buffer + n, size - n, ",nr_inodes=%llu", (unsigned long long)info->max_inodes);
	if (info->show_mode && info->mode != 01777)
		n += (size_t)scnprintf(buffer + n, size - n, ",mode=%03o", info->mode);
	if (info->show_uid && info->uid)
		n += (size_t)scnprintf(buffer + n, size - n, ",uid=%u", info->uid);
	if (info->show_gid && info->gid)
		n += (size_t)scnprintf(buffer + n, size - n, ",gid=%u", info->gid);
	scnprintf(buffer + n, size - n, ",inode64");
}

static struct super_block *tmpfs_mount(const struct file_system_type *type, unsigned long flags, const char *source, const char *data)
{
	return tmpfs_make(type, flags, data);
}

static struct file_system_type tmpfs_type = { .name = "tmpfs", .magic = TMPFS_MAGIC, .mount = tmpfs_mount };

static int tmpfs_init(void)
{
	register_filesystem(&tmpfs_type);
	return 0;
}
INITCALL(tmpfs, tmpfs_init, "");

const struct super_operations tmpfs_super_ops = {
	.evict_inode = tmpfs_evict_inode,
	.statfs = tmpfs_statfs,
	.put_super = tmpfs_put_super,
	.show_options = tmpfs_show_options,
};
