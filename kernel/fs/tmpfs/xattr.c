/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of tmpfs, xattr(7): user. on files and directories, trusted. and security. All in memory.
 * Other name spaces (POSIX ACLs) are -EOPNOTSUPP.
 */
#include <linux/xattr.h>

#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"

static bool has_prefix(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }

/* 0, -EOPNOTSUPP for a name space that is not kept, -EINVAL for one without a name. */
static int check_name(const char *name)
{
	static const char *const prefixes[] = { XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (has_prefix(name, prefixes[i]))
			return name[strlen(prefixes[i])] ? 0 : -EINVAL;
	return -EOPNOTSUPP;
}

static struct tmpfs_xattr *find(struct tmpfs_inode *info, const char *name)
{
	struct tmpfs_xattr *xattr;

	list_for_each_entry(xattr, &info->xattrs, link)
		if (!strcmp(xattr->name, name))
			return xattr;
	return NULL;
}

ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct tmpfs_xattr *xattr;
	int error = check_name(name);

	if (error)
		return error;
	xattr = find(tmpfs_i(inode), name);
	if (!xattr)
		return -ENODATA;
	if (!size)
		return (ssize_t)xattr->size;
	if (size < xattr->size)
		return -ERANGE;
	memcpy(value, xattr->value, xattr->size);
	return (ssize_t)xattr->size;
}

static void xattr_free(struct tmpfs_xattr *xattr)
{
	list_del(&xattr->link);
	kfree(xattr->name);
	kfree(xattr);
}

int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct tmpfs_inode *info = tmpfs_i(inode);
	struct tmpfs_xattr *old, *new;
	int error = check_name(name);

	if (error)
		return error;
	old = find(info, name);
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & XATTR_REPLACE)
		return -ENODATA;
	new = kzalloc(sizeof(*new) + size);
	if (!new)
		return -ENOMEM;
	new->name = kstrdup(name);
	if (!new->name) {
		kfree(new);
		return -ENOMEM;
	}
	new->size = size;
	if (size)
		memcpy(new->value, value, size);
	if (old)
		xattr_free(old);
	list_add_tail(&new->link, &info->xattrs);
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

ssize_t tmpfs_listxattr(struct inode *inode, char *list, size_t size)
{
	struct tmpfs_inode *info = tmpfs_i(inode);
	struct tmpfs_xattr *xattr;
	size_t total = 0;

	list_for_each_entry(xattr, &info->xattrs, link) {
		size_t n = strlen(xattr->name) + 1;

		if (has_prefix(xattr->name, XATTR_TRUSTED_PREFIX) && !capable(CAP_SYS_ADMIN))
			continue;
		if (size) {
			if (total + n > size)
				return -ERANGE;
			memcpy(list + total, xattr->name, n);
		}
		total += n;
	}
	return (ssize_t)total;
}

int tmpfs_removexattr(struct inode *inode, const char *name)
{
	struct tmpfs_xattr *xattr;
	int error = check_name(name);

	if (error)
		return error;
	xattr = find(tmpfs_i(inode), name);
	if (!xattr)
		return -ENODATA;
	xattr_free(xattr);
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

void tmpfs_xattrs_free(struct tmpfs_inode *info)
{
	while (!list_empty(&info->xattrs))
		xattr_free(list_first_entry(&info->xattrs, struct tmpfs_xattr, link));
}
