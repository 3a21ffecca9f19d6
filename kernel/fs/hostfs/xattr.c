/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of host files: kept by the host, fetched by the monitor. Most files have none, which is
 * remembered, so that asking again costs nothing. Access control lists are not enforced here and not offered.
 */
#include "kernel/fs/hostfs/hostfs.h"

static bool supported(const char *name) { return strncmp(name, "system.", 7) != 0; }

/* Fills hi->xattrs; 0 or an error. */
static int probe(struct inode *inode)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	long n;
	if (hi->xattrs != XATTRS_UNKNOWN && !HOSTFS_SB(inode->sb)->shared)
		return 0;
	n = hostfs_monitor(MON_LISTXATTR, inode, NULL, NULL, 0, NULL, 0);
	if (n < 0 && n != -ERANGE)
		return n == -ESTALE ? -ENODATA : (int)n;
	hi->xattrs = n == 0 ? XATTRS_NONE : XATTRS_SOME;
	return 0;
}

ssize_t hostfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	char *buffer;
	ssize_t n;

	if (!supported(name))
		return -EOPNOTSUPP;
	n = probe(inode);
	if (n)
		return n;
	if (HOSTFS_I(inode)->xattrs == XATTRS_NONE)
		return -ENODATA;
	buffer = kmalloc(MONITOR_DATA);
	if (!buffer)
		return -ENOMEM;
	n = hostfs_monitor(MON_GETXATTR, inode, NULL, name, strlen(name), buffer, MONITOR_DATA);
	if (n > MONITOR_DATA)
		n = -EIO;
	if (n >= 0 && size) {
		if ((size_t)n > size)
			n = -ERANGE;
		else
			memcpy(value, buffer, (size_t)n);
	}
	kfree(buffer);
	return n;
}

int hostfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	size_t name_size = strlen(name) + 1;
	s64 arg[4] = { (s64)size, flags };
	char *buffer;
	long error;

	if (!supported(name))
		return -EOPNOTSUPP;
	if (name_size + size >= MONITOR_DATA)
		return -ENOSPC;
	buffer = kmalloc(name_size + size);
	if (!buffer)
		return -ENOMEM;
	memcpy(buffer, name, name_size);
	memcpy(buffer + name_size, value, size);
	error = hostfs_monitor(MON_SETXATTR, inode, arg, buffer, name_size + size, NULL, 0);
	kfree(buffer);
	HOSTFS_I(inode)->stale = true;
	if (!error)
		HOSTFS_I(inode)->xattrs = XATTRS_SOME;
	return (int)error;
}

ssize_t hostfs_listxattr(struct inode *inode, char *list, size_t size)
{
	char *buffer;
	ssize_t n = probe(inode), used = 0;

	if (n)
		return n == -ENODATA ? 0 : n;
	if (HOSTFS_I(inode)->xattrs == XATTRS_NONE)
		return 0;
	buffer = kmalloc(MONITOR_DATA);
	if (!buffer)
		return -ENOMEM;
	n = hostfs_monitor(MON_LISTXATTR, inode, NULL, NULL, 0, buffer, MONITOR_DATA);
	if (n > MONITOR_DATA)
		n = -EIO;
	for (ssize_t at = 0; at < n;) {
		size_t length = strnlen(buffer + at, (size_t)(n - at)) + 1;
		if (supported(buffer + at)) {
			if (size && (size_t)used + length > size) {
				n = -ERANGE;
				break;
			}
			if (size)
				memcpy(list + used, buffer + at, length);
			used += (ssize_t)length;
		}
		at += (ssize_t)length;
	}
	kfree(buffer);
	return n < 0 ? n : used;
}

int hostfs_removexattr(struct inode *inode, const char *name)
{
	int error;
	if (!supported(name))
		return -EOPNOTSUPP;
	error = probe(inode);
	if (error)
		return error;
	if (HOSTFS_I(inode)->xattrs == XATTRS_NONE)
		return -ENODATA;
	error = (int)hostfs_monitor(MON_REMOVEXATTR, inode, NULL, name, strlen(name), NULL, 0);
	HOSTFS_I(inode)->xattrs = XATTRS_UNKNOWN;
	HOSTFS_I(inode)->stale = true;
	return error;
}
