/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes: xattr(7). Who may see and change what depends on the name's class. */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

#include <linux/inotify.h>
#include <linux/limits.h>
#include <linux/xattr.h>

static bool has_prefix(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }

static int user_class_allowed(struct inode *inode, bool write)
{
	bool directory = S_ISTYPE(inode->mode, S_IFDIR);
	if (!S_ISTYPE(inode->mode, S_IFREG) && !directory)
		return write ? -EPERM : -ENODATA;
	if (write && directory && (inode->mode & S_ISVTX) && current->cred->fsuid != inode->uid && !capable(CAP_FOWNER))
		return -EPERM;
	return 0;
}

static int allowed(const struct path *path, const char *name, bool write)
{
	struct inode *inode = path->dentry->inode;
	int error;
	if (write) {
		error = mount_want_write(path);
		if (error)
			return error;
	}
	if (has_prefix(name, "security.")) {
		if (!write)
			return 0;
		return capable(!strcmp(name, "security.capability") ? CAP_SETFCAP : CAP_SYS_ADMIN) ? 0 : -EPERM;
	}
	if (has_prefix(name, "system."))
		return 0;
	if (has_prefix(name, "trusted."))
		return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (!has_prefix(name, "user.") || !name[5])
		return has_prefix(name, "user.") ? -EINVAL : -EOPNOTSUPP;
	error = user_class_allowed(inode, write);
	return error ? error : inode_permission(inode, write ? MAY_WRITE : MAY_READ);
}

static int copy_name(char *name, user_ptr from)
{
	long n = strncpy_from_user(name, from, XATTR_NAME_MAX + 1);
	if (n < 0)
		return (int)n;
	return n == 0 || n > XATTR_NAME_MAX ? -ERANGE : 0;
}

static long set_on(const struct path *path, user_ptr user_name, user_ptr value, size_t size, int flags)
{
	struct inode *inode = path->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	void *buffer = NULL;
	long error;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	error = copy_name(name, user_name);
	if (error)
		return error;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	buffer = kmalloc(size ? size : 1);
	if (!buffer)
		return -ENOMEM;
	error = copy_from_user(buffer, value, size);
	if (!error)
		error = allowed(path, name, true);
	if (!error) {
		mutex_lock(&inode->lock);
		error = inode->ops && inode->ops->setxattr ? inode->ops->setxattr(inode, name, buffer, size, flags) : -EOPNOTSUPP;
		mutex_unlock(&inode->lock);
		if (!error)
			fsnotify_dentry(path->dentry, IN_ATTRIB);
	}
	kfree(buffer);
	return error;
}

static long get_from(const struct path *path, user_ptr user_name, user_ptr value, size_t size)
{
	struct inode *inode = path->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	void *buffer = NULL;
	long n = copy_name(name, user_name);

	if (!n)
		n = allowed(path, name, false);
	if (n)
		return n;
	if (!inode->ops || !inode->ops->getxattr)
		return -EOPNOTSUPP;
	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	if (size) {
		buffer = kmalloc(size);
		if (!buffer)
			return -ENOMEM;
	}
	n = inode->ops->getxattr(inode, name, buffer, size);
	if (n > 0 && size && copy_to_user(value, buffer, (size_t)n))
		n = -EFAULT;
	kfree(buffer);
	return n;
}

/* Leaves out what the caller may not see; returns the new length. */
static long filter_list(char *list, long n)
{
	long at = 0, kept = 0;
	if (capable(CAP_SYS_ADMIN))
		return n;
	while (at < n) {
		size_t length = strnlen(list + at, (size_t)(n - at)) + 1;
		if (!has_prefix(list + at, "trusted.")) {
			memmove(list + kept, list + at, length);
			kept += (long)length;
		}
		at += (long)length;
	}
	return kept;
}

static long list_of(const struct path *path, user_ptr list, size_t size)
{
	struct inode *inode = path->dentry->inode;
	char *buffer = NULL;
	long n;

	if (!inode->ops || !inode->ops->listxattr)
		return 0;
	if (size > XATTR_LIST_MAX)
		size = XATTR_LIST_MAX;
	if (size) {
		buffer = kmalloc(size);
		if (!buffer)
			return -ENOMEM;
	}
	n = inode->ops->listxattr(inode, buffer, size);
	if (n > 0 && size) {
		n = filter_list(buffer, n);
		if (copy_to_user(list, buffer, (size_t)n))
			n = -EFAULT;
	}
	kfree(buffer);
	return n;
}

static long remove_from(const struct path *path, user_ptr user_name)
{
	struct inode *inode = path->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	long error = copy_name(name, user_name);

	if (!error)
		error = allowed(path, name, true);
	if (error)
		return error;
	if (!inode->ops || !inode->ops->removexattr)
		return -EOPNOTSUPP;
	mutex_lock(&inode->lock);
	error = inode->ops->removexattr(inode, name);
	mutex_unlock(&inode->lock);
	if (!error)
		fsnotify_dentry(path->dentry, IN_ATTRIB);
	return error;
}

/* The four operations by path, by path without following, and by descriptor. */
#define BY_PATH(pathname, how, expression)                                                         \
	({                                                                                         \
		struct path path;                                                                  \
		long _result = user_path_lookup(AT_FDCWD, pathname, how, &path);                   \
		if (!_result) {                                                                    \
			_result = (expression);                                                    \
			path_put(&path);                                                           \
		}                                                                                  \
		_result;                                                                           \
	})
#define BY_FD(fd, expression)                                                                      \
	({                                                                                         \
		struct file *_f = fget((unsigned)(fd));                                            \
		long _result = -EBADF;                                                             \
		if (_f) {                                                                          \
			const struct path path = _f->path;                                         \
			_result = (expression);                                                    \
			file_put(_f);                                                              \
		}                                                                                  \
		_result;                                                                           \
	})

long sys_setxattr(user_ptr p, user_ptr name, user_ptr value, size_t size, int flags)
{
	return BY_PATH(p, LOOKUP_FOLLOW, set_on(&path, name, value, size, flags));
}
long sys_lsetxattr(user_ptr p, user_ptr name, user_ptr value, size_t size, int flags)
{
	return BY_PATH(p, 0, set_on(&path, name, value, size, flags));
}
long sys_fsetxattr(int fd, user_ptr name, user_ptr value, size_t size, int flags)
{
	return BY_FD(fd, set_on(&path, name, value, size, flags));
}
long sys_getxattr(user_ptr p, user_ptr name, user_ptr value, size_t size)
{
	return BY_PATH(p, LOOKUP_FOLLOW, get_from(&path, name, value, size));
}
long sys_lgetxattr(user_ptr p, user_ptr name, user_ptr value, size_t size)
{
	return BY_PATH(p, 0, get_from(&path, name, value, size));
}
long sys_fgetxattr(int fd, user_ptr name, user_ptr value, size_t size) { return BY_FD(fd, get_from(&path, name, value, size)); }
long sys_listxattr(user_ptr p, user_ptr list, size_t size) { return BY_PATH(p, LOOKUP_FOLLOW, list_of(&path, list, size)); }
long sys_llistxattr(user_ptr p, user_ptr list, size_t size) { return BY_PATH(p, 0, list_of(&path, list, size)); }
long sys_flistxattr(int fd, user_ptr list, size_t size) { return BY_FD(fd, list_of(&path, list, size)); }
long sys_removexattr(user_ptr p, user_ptr name) { return BY_PATH(p, LOOKUP_FOLLOW, remove_from(&path, name)); }
long sys_lremovexattr(user_ptr p, user_ptr name) { return BY_PATH(p, 0, remove_from(&path, name)); }
long sys_fremovexattr(int fd, user_ptr name) { return BY_FD(fd, remove_from(&path, name)); }
