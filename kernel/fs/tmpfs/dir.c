/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of tmpfs: a hash table for names, and a tree ordered by cookies for getdents. A cookie is given once
 * and never again, so that a listing that goes on while entries come and go shows every entry that stayed exactly once.
 */
#include <linux/fs.h>

#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"

#define ENTRY_SIZE 20 /* what one entry adds to st_size, as on Linux */

struct tmpfs_entry *tmpfs_find(struct inode *dir, const char *name, size_t length)
{
	struct tmpfs_inode *info = tmpfs_i(dir);
	u32 hash = (u32)hash_bytes(name, length);
	struct tmpfs_entry *entry;

	if (!info->dir.nr_buckets)
		return NULL;
	hlist_for_each_entry(entry, &info->dir.buckets[hash % info->dir.nr_buckets], hash)
		if (entry->name_hash == hash && entry->length == length && !memcmp(entry->name, name, length))
			return entry;
	return NULL;
}

static struct tmpfs_entry *dentry_entry(struct inode *dir, struct dentry *dentry)
{
	return tmpfs_find(dir, dentry->name, dentry->name_length);
}

static int dir_grow(struct tmpfs_inode *info)
{
	unsigned nr = info->dir.nr_buckets ? info->dir.nr_buckets * 4 : 8;
	struct hlist_head *buckets = kcalloc(nr, sizeof(*buckets));

	if (!buckets)
		return info->dir.nr_buckets ? 0 : -ENOMEM; /* longer chains will do */
	for (struct rb_node *node = rb_first(&info->dir.order); node; node = rb_next(node)) {
		struct tmpfs_entry *entry = rb_entry(node, struct tmpfs_entry, order);

		entry->hash = (struct hlist_node){ NULL, NULL };
		hlist_add(&entry->hash, &buckets[entry->name_hash % nr]);
	}
	kfree(info->dir.buckets);
	info->dir.buckets = buckets;
	info->dir.nr_buckets = nr;
	return 0;
}

static bool cookie_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tmpfs_entry, order)->cookie < rb_entry(b, struct tmpfs_entry, order)->cookie;
}

static void dir_changed(struct inode *dir)
{
	dir->size = 40 + (loff_t)tmpfs_i(dir)->dir.nr_entries * ENTRY_SIZE;
	dir->version++;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

int tmpfs_add(struct inode *dir, const char *name, size_t length, struct inode *inode)
{
	struct tmpfs_inode *info = tmpfs_i(dir);
	struct tmpfs_entry *entry;

	if (info->dir.nr_entries >= info->dir.nr_buckets * 2 && dir_grow(info))
		return -ENOMEM;
	entry = kzalloc(sizeof(*entry) + length + 1);
	if (!entry)
		return -ENOMEM;
	memcpy(entry->name, name, length);
	entry->length = (u16)length;
	entry->name_hash = (u32)hash_bytes(name, length);
	entry->inode = inode;
	entry->cookie = info->dir.next_cookie++;
	rb_add(&info->dir.order, &entry->order, cookie_less);
	hlist_add(&entry->hash, &info->dir.buckets[entry->name_hash % info->dir.nr_buckets]);
	info->dir.nr_entries++;
	dir_changed(dir);
	return 0;
}

/* Takes the entry out and frees it; its inode and the reference to it become the caller's. */
static struct inode *entry_remove(struct inode *dir, struct tmpfs_entry *entry)
{
	struct tmpfs_inode *info = tmpfs_i(dir);
	struct inode *inode = entry->inode;

	rb_erase(&info->dir.order, &entry->order);
	hlist_del(&entry->hash);
	info->dir.nr_entries--;
	kfree(entry);
	dir_changed(dir);
	return inode;
}

/*
 * The last of a directory: at unmount whole trees go, and freeing a child frees its own children. A list instead of
 * recursion keeps the kernel stack small.
 */
void tmpfs_dir_free(struct inode *dir)
{
	static struct rb_root pending = RB_ROOT;
	static bool draining;
	struct tmpfs_inode *info = tmpfs_i(dir);
	struct rb_node *node;

	while ((node = rb_first(&info->dir.order))) {
		rb_erase(&info->dir.order, node);
		rb_add(&pending, node, cookie_less);
	}
	kfree(info->dir.buckets);
	if (draining)
		return;
	draining = true;
	while ((node = rb_first(&pending))) {
		struct tmpfs_entry *entry = rb_entry(node, struct tmpfs_entry, order);
		struct inode *inode = entry->inode;

		rb_erase(&pending, node);
		kfree(entry);
		inode_put(inode);
	}
	draining = false;
}

static int tmpfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_entry *entry = dentry_entry(dir, dentry);

	if (entry)
		dentry_bind(dentry, inode_get(entry->inode));
	return 0;
}

static int make(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t rdev, char *target)
{
	struct inode *inode = tmpfs_inode_make(dir->sb, dir, mode, rdev);
	int error;

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	if (S_ISLNK(mode)) {
		tmpfs_i(inode)->target = target;
		inode->size = (loff_t)strlen(target);
	}
	error = tmpfs_add(dir, dentry->name, dentry->name_length, inode);
	if (error) {
		if (S_ISLNK(mode))
			tmpfs_i(inode)->target = NULL;
		inode_put(inode);
		return error;
	}
	if (S_ISDIR(mode))
		dir->nlink++;
	dentry_bind(dentry, inode_get(inode));
	return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, mode_t mode) { return make(dir, dentry, mode, 0, NULL); }
static int tmpfs_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode) { return make(dir, dentry, mode | S_IFDIR, 0, NULL); }
static int tmpfs_mknod(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t rdev) { return make(dir, dentry, mode, rdev, NULL); }

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	char *copy = kstrdup(target);
	int error = copy ? make(dir, dentry, S_IFLNK | 0777, 0, copy) : -ENOMEM;

	if (error)
		kfree(copy);
	return error;
}

static int tmpfs_link(struct inode *dir, struct dentry *dentry, struct inode *target)
{
	struct tmpfs_super *super = tmpfs_sb(dir->sb);
	int error;

	/* A name costs as much as an inode, as on Linux: else links would be a way around nr_inodes. */
	if (target->nlink && super->max_inodes && super->used_inodes >= super->max_inodes)
		return -ENOSPC;
	error = tmpfs_add(dir, dentry->name, dentry->name_length, inode_get(target));
	if (error) {
		inode_put(target);
		return error;
	}
	target->nlink++;
	inode_touch(target, ATTR_CTIME);
	dentry_bind(dentry, inode_get(target));
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_entry *entry = dentry_entry(dir, dentry);
	struct inode *inode;

	if (!entry)
		return -ENOENT;
	inode = entry_remove(dir, entry);
	inode->nlink--;
	inode_touch(inode, ATTR_CTIME);
	inode_put(inode);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_entry *entry = dentry_entry(dir, dentry);
	struct inode *inode;

	if (!entry)
		return -ENOENT;
	if (tmpfs_i(entry->inode)->dir.nr_entries)
		return -ENOTEMPTY;
	inode = entry_remove(dir, entry);
	inode->nlink = 0;
	dir->nlink--;
	inode_touch(inode, ATTR_CTIME);
	inode_put(inode);
	return 0;
}

static void move_dir_link(struct inode *inode, struct inode *from, struct inode *to)
{
	if (S_ISDIR(inode->mode) && from != to) {
		from->nlink--;
		to->nlink++;
	}
}

static int rename_exchange(struct inode *old_dir, struct tmpfs_entry *a, struct inode *new_dir, struct tmpfs_entry *b)
{
	struct inode *inode = a->inode;

	if (!b)
		return -ENOENT;
	a->inode = b->inode;
	b->inode = inode;
	move_dir_link(b->inode, old_dir, new_dir);
	move_dir_link(a->inode, new_dir, old_dir);
	inode_touch(a->inode, ATTR_CTIME);
	inode_touch(b->inode, ATTR_CTIME);
	dir_changed(old_dir);
	dir_changed(new_dir);
	return 0;
}

static int tmpfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, unsigned flags)
{
	struct tmpfs_entry *source = dentry_entry(old_dir, old), *replaced = dentry_entry(new_dir, new);
	struct inode *inode, *whiteout = NULL, *gone;
	int error;

	if (!source)
		return -ENOENT;
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		return rename_exchange(old_dir, source, new_dir, replaced);
	if (replaced && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (replaced && S_ISDIR(replaced->inode->mode) && tmpfs_i(replaced->inode)->dir.nr_entries)
		return -ENOTEMPTY;
	if (flags & RENAME_WHITEOUT) {
		whiteout = tmpfs_inode_make(old_dir->sb, old_dir, S_IFCHR, 0);
		if (IS_ERR(whiteout))
			return (int)PTR_ERR(whiteout);
	}
	inode = source->inode;
	if (replaced) { /* keeps its entry: nothing can fail */
		gone = replaced->inode;
		replaced->inode = inode;
		dir_changed(new_dir);
		if (S_ISDIR(gone->mode)) {
			gone->nlink = 0;
			new_dir->nlink--;
		} else {
			gone->nlink--;
		}
		inode_touch(gone, ATTR_CTIME);
		inode_put(gone);
	} else {
		error = tmpfs_add(new_dir, new->name, new->name_length, inode);
		if (error) {
			if (whiteout)
				inode_put(whiteout);
			return error;
		}
	}
	move_dir_link(inode, old_dir, new_dir);
	if (whiteout) {
		source->inode = whiteout;
		dir_changed(old_dir);
	} else {
		entry_remove(old_dir, source);
	}
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

static struct inode *tmpfs_tmpfile(struct inode *dir, mode_t mode)
{
	struct inode *inode = tmpfs_inode_make(dir->sb, dir, mode, 0);

	if (!IS_ERR(inode))
		inode->nlink = 0;
	return inode;
}

static int tmpfs_iterate(struct file *file, struct dir_context *ctx)
{
	struct tmpfs_inode *info = tmpfs_i(file->inode);
	struct rb_node *node = info->dir.order.node, *next = NULL;

	if (!dir_emit_dots(file, ctx))
		return 0;
	while (node) {
		if (rb_entry(node, struct tmpfs_entry, order)->cookie >= (u64)ctx->pos) {
			next = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	for (; next; next = rb_next(next)) {
		struct tmpfs_entry *entry = rb_entry(next, struct tmpfs_entry, order);

		ctx->pos = (loff_t)entry->cookie;
		if (!dir_emit(ctx, entry->name, entry->length, entry->inode->ino, (entry->inode->mode & S_IFMT) >> 12))
			return 0;
		ctx->pos = (loff_t)entry->cookie + 1;
	}
	return 0;
}

static loff_t tmpfs_dir_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += file->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	file->pos = offset;
	return offset;
}

const struct inode_operations tmpfs_dir_iops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.mkdir = tmpfs_mkdir,
	.mknod = tmpfs_mknod,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.getattr = tmpfs_getattr,
	.setattr = tmpfs_setattr,
	TMPFS_XATTR_OPS,
};

const struct file_operations tmpfs_dir_fops = {
	.name = "tmpfs directory",
	.llseek = tmpfs_dir_llseek,
	.iterate = tmpfs_iterate,
};
