/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that several file systems share: the registries of types and devices, and directories made of dentries. */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>

static LIST_HEAD(filesystems);

void register_filesystem(struct file_system_type *type) { list_add_tail(&type->link, &filesystems); }

struct file_system_type *find_filesystem(const char *name)
{
	struct file_system_type *type;
	list_for_each_entry(type, &filesystems, link) {
		if (!strcmp(type->name, name))
			return type;
	}
	return NULL;
}

/* For /proc/filesystems. */
struct file_system_type *next_filesystem(const struct file_system_type *after)
{
	const struct list_head *at = after ? after->link.next : filesystems.next;
	return at == &filesystems ? NULL : list_entry(at, struct file_system_type, link);
}

/* --- character devices --- */

struct chrdev_range {
	struct chrdev_range *next;
	u32 major, first, count;
	const struct file_operations *ops;
};
static struct chrdev_range *chrdevs;

int register_chrdev(unsigned major, unsigned first_minor, unsigned count, const struct file_operations *ops)
{
	struct chrdev_range *range = kzalloc(sizeof(*range));
	if (!range)
		return -ENOMEM;
	*range = (struct chrdev_range){ chrdevs, major, first_minor, count, ops };
	chrdevs = range;
	return 0;
}

const struct file_operations *chrdev_find(dev_t rdev)
{
	u32 major = dev_major(rdev), minor = dev_minor(rdev);
	for (const struct chrdev_range *range = chrdevs; range; range = range->next) {
		if (range->major == major && minor >= range->first && minor - range->first < range->count)
			return range->ops;
	}
	return NULL;
}

/* --- directories that are nothing but their dentries --- */

bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
	if (ctx->pos == 0) {
		if (!dir_emit(ctx, ".", 1, file->inode->ino, 4))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		struct dentry *parent = file->path.dentry->parent;
		if (!dir_emit(ctx, "..", 2, parent->inode ? parent->inode->ino : file->inode->ino, 4))
			return false;
		ctx->pos = 2;
	}
	return true;
}

/* Cookies count the children in order of creation. */
static int simple_iterate(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->path.dentry, *child;
	loff_t at = 2;
	if (!dir_emit_dots(file, ctx))
		return 0;
	list_for_each_entry(child, &dir->children, sibling) {
		if (!child->inode || child->unhashed)
			continue;
		if (at++ < ctx->pos)
			continue;
		if (!dir_emit(ctx, child->name, child->name_length, child->inode->ino, child->inode->mode >> 12 & 15))
			break;
		ctx->pos = at;
	}
	return 0;
}

static loff_t dir_llseek(struct file *file, loff_t offset, int whence)
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

static int simple_lookup(struct inode *dir, struct dentry *dentry)
{
	/* Nothing is found that is not in the cache already; the negative dentry is not worth keeping. */
	return 0;
}

char *simple_readlink(struct inode *inode)
{
	char *target = kstrdup(inode->private);
	return target ? target : ERR_PTR(-ENOMEM);
}

const struct inode_operations simple_dir_iops = { .lookup = simple_lookup };
const struct file_operations simple_dir_fops = { .name = "dir", .iterate = simple_iterate, .llseek = dir_llseek };
