/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on attributes: stat, statx, chmod, chown, utimensat, truncate. */
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

#include <asm/stat.h>
#include <linux/fs.h>
#include <linux/time.h>
#include <linux/utime.h>

#ifndef UTIME_NOW
#define UTIME_NOW ((1L << 30) - 1L)
#define UTIME_OMIT ((1L << 30) - 2L)
#endif

static long put_stat(user_ptr buf, const struct kstat *ks)
{
	struct stat st = {
		.st_dev = ks->dev, .st_ino = ks->ino, .st_nlink = ks->nlink, .st_mode = ks->mode,
		.st_uid = ks->uid, .st_gid = ks->gid, .st_rdev = ks->rdev, .st_size = ks->size,
		.st_blksize = ks->blksize, .st_blocks = (long)ks->blocks,
		.st_atime = (unsigned long)ks->atime.tv_sec, .st_atime_nsec = (unsigned long)ks->atime.tv_nsec,
		.st_mtime = (unsigned long)ks->mtime.tv_sec, .st_mtime_nsec = (unsigned long)ks->mtime.tv_nsec,
		.st_ctime = (unsigned long)ks->ctime.tv_sec, .st_ctime_nsec = (unsigned long)ks->ctime.tv_nsec,
	};
	return put_user_object(buf, &st);
}

static long stat_path(int dirfd, user_ptr name, unsigned how, struct kstat *ret)
{
	struct path path;
	long error = user_path_lookup(dirfd, name, how, &path);
	if (error)
		return error;
	error = vfs_getattr(&path, ret);
	path_put(&path);
	return error;
}

static long stat_fd(int fd, struct kstat *ret)
{
	struct file *f = fget_any((unsigned)fd);
	long error;
	if (!f)
		return -EBADF;
	error = vfs_getattr(&f->path, ret);
	file_put(f);
	return error;
}

static long stat_common(int dirfd, user_ptr name, unsigned how, user_ptr buf)
{
	struct kstat ks;
	long error = stat_path(dirfd, name, how, &ks);
	return error ? error : put_stat(buf, &ks);
}

long sys_stat(user_ptr path, user_ptr buf) { return stat_common(AT_FDCWD, path, LOOKUP_FOLLOW, buf); }
long sys_lstat(user_ptr path, user_ptr buf) { return stat_common(AT_FDCWD, path, 0, buf); }

long sys_fstat(int fd, user_ptr buf)
{
	struct kstat ks;
	long error = stat_fd(fd, &ks);
	return error ? error : put_stat(buf, &ks);
}

/* An empty name with a descriptor is fstat: the way of C libraries since 2021, and so the common one. */
static bool is_empty(user_ptr name)
{
	char first;
	return !user_ptr_is_null(name) && !copy_from_user(&first, name, 1) && !first;
}

long sys_newfstatat(int dirfd, user_ptr path, user_ptr buf, int flags)
{
	unsigned how = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (dirfd >= 0 && (user_ptr_is_null(path) || is_empty(path)))
			return sys_fstat(dirfd, buf);
		how |= LOOKUP_EMPTY;
	}
	return stat_common(dirfd, path, how, buf);
}

static struct statx_timestamp statx_time(struct timespec64 t)
{
	return (struct statx_timestamp){ .tv_sec = t.tv_sec, .tv_nsec = (u32)t.tv_nsec };
}

static long put_statx(user_ptr buf, const struct kstat *ks)
{
	struct statx sx = {
		.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID,
		.stx_blksize = ks->blksize, .stx_attributes = ks->attributes, .stx_attributes_mask = ks->attributes_mask,
		.stx_nlink = ks->nlink, .stx_uid = ks->uid, .stx_gid = ks->gid, .stx_mode = (u16)ks->mode,
		.stx_ino = ks->ino, .stx_size = (u64)ks->size, .stx_blocks = ks->blocks,
		.stx_atime = statx_time(ks->atime), .stx_mtime = statx_time(ks->mtime), .stx_ctime = statx_time(ks->ctime),
		.stx_rdev_major = dev_major(ks->rdev), .stx_rdev_minor = dev_minor(ks->rdev),
		.stx_dev_major = dev_major(ks->dev), .stx_dev_minor = dev_minor(ks->dev),
		.stx_mnt_id = ks->mount_id,
	};
	if (ks->btime.tv_sec || ks->btime.tv_nsec) {
		sx.stx_mask |= STATX_BTIME;
		sx.stx_btime = statx_time(ks->btime);
	}
	return put_user_object(buf, &sx);
}

long sys_statx(int dirfd, user_ptr path, int flags, unsigned mask, user_ptr buf)
{
	unsigned how = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct kstat ks;
	long error;
	if (mask & STATX__RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= LOOKUP_EMPTY;
	if ((flags & AT_EMPTY_PATH) && dirfd >= 0 && (user_ptr_is_null(path) || is_empty(path)))
		error = stat_fd(dirfd, &ks);
	else
		error = stat_path(dirfd, path, how, &ks);
	return error ? error : put_statx(buf, &ks);
}

/* --- chmod, chown --- */

static long change(int dirfd, user_ptr name, unsigned how, struct iattr *attr)
{
	struct path path;
	long error = user_path_lookup(dirfd, name, how, &path);
	if (error)
		return error;
	if ((attr->valid & ATTR_MODE) && S_ISTYPE(path.dentry->inode->mode, S_IFLNK))
		error = -EOPNOTSUPP;
	else
		error = vfs_setattr(&path, attr);
	path_put(&path);
	return error;
}

static long change_file(int fd, struct iattr *attr)
{
	struct file *f = fget((unsigned)fd);
	long error;
	if (!f)
		return -EBADF;
	error = vfs_setattr(&f->path, attr);
	file_put(f);
	return error;
}

long sys_fchmodat2(int dirfd, user_ptr path, mode_t mode, int flags)
{
	struct iattr attr = { .valid = ATTR_MODE, .mode = mode & 07777 };
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
	              &attr);
}

long sys_fchmodat(int dirfd, user_ptr path, mode_t mode) { return sys_fchmodat2(dirfd, path, mode, 0); }
long sys_chmod(user_ptr path, mode_t mode) { return sys_fchmodat2(AT_FDCWD, path, mode, 0); }

long sys_fchmod(int fd, mode_t mode)
{
	struct iattr attr = { .valid = ATTR_MODE, .mode = mode & 07777 };
	return change_file(fd, &attr);
}

static struct iattr owner_change(uid_t uid, gid_t gid)
{
	struct iattr attr = { .valid = ATTR_CTIME | ATTR_KILL_PRIV, .uid = uid, .gid = gid, .ctime = current_time() };
	if (uid != (uid_t)-1)
		attr.valid |= ATTR_UID;
	if (gid != (gid_t)-1)
		attr.valid |= ATTR_GID;
	return attr;
}

long sys_fchownat(int dirfd, user_ptr path, uid_t uid, gid_t gid, int flags)
{
	struct iattr attr = owner_change(uid, gid);
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
	              &attr);
}

long sys_chown(user_ptr path, uid_t uid, gid_t gid) { return sys_fchownat(AT_FDCWD, path, uid, gid, 0); }
long sys_lchown(user_ptr path, uid_t uid, gid_t gid) { return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW); }

long sys_fchown(int fd, uid_t uid, gid_t gid)
{
	struct iattr attr = owner_change(uid, gid);
	return change_file(fd, &attr);
}

/* --- times --- */

static bool good_nsec(s64 nsec) { return (nsec >= 0 && nsec < 1000000000) || nsec == UTIME_NOW || nsec == UTIME_OMIT; }

/* times: NULL for "now". 1: there is nothing to do. */
static int time_change(const struct timespec64 *times, struct iattr *attr)
{
	*attr = (struct iattr){ .valid = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME, .ctime = current_time() };
	attr->atime = attr->mtime = attr->ctime;
	if (!times || (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW))
		return 0;
	if (!good_nsec(times[0].tv_nsec) || !good_nsec(times[1].tv_nsec))
		return -EINVAL;
	if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 1;
	attr->valid |= ATTR_TIMES_SET;
	if (times[0].tv_nsec == UTIME_OMIT)
		attr->valid &= ~(unsigned)ATTR_ATIME;
	else if (times[0].tv_nsec != UTIME_NOW)
		attr->atime = times[0];
	if (times[1].tv_nsec == UTIME_OMIT)
		attr->valid &= ~(unsigned)ATTR_MTIME;
	else if (times[1].tv_nsec != UTIME_NOW)
		attr->mtime = times[1];
	return 0;
}

static long set_times(int dirfd, user_ptr path, const struct timespec64 *times, int flags)
{
	struct iattr attr;
	int nothing = time_change(times, &attr);
	if (nothing < 0)
		return nothing;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (nothing)
		return 0;
	if (user_ptr_is_null(path) && dirfd != AT_FDCWD)
		return flags ? -EINVAL : change_file(dirfd, &attr);
	return change(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
	              &attr);
}

long sys_utimensat(int dirfd, user_ptr path, user_ptr user_times, int flags)
{
	struct timespec64 times[2];
	if (user_ptr_is_null(user_times))
		return set_times(dirfd, path, NULL, flags);
	if (copy_from_user(times, user_times, sizeof(times)))
		return -EFAULT;
	return set_times(dirfd, path, times, flags);
}

long sys_futimesat(int dirfd, user_ptr path, user_ptr user_times)
{
	s64 tv[4];
	struct timespec64 times[2];
	if (user_ptr_is_null(user_times))
		return set_times(dirfd, path, NULL, 0);
	if (copy_from_user(tv, user_times, sizeof(tv)))
		return -EFAULT;
	if (tv[1] < 0 || tv[1] >= 1000000 || tv[3] < 0 || tv[3] >= 1000000)
		return -EINVAL;
	times[0] = (struct timespec64){ tv[0], tv[1] * 1000 };
	times[1] = (struct timespec64){ tv[2], tv[3] * 1000 };
	return set_times(dirfd, path, times, 0);
}

long sys_utimes(user_ptr path, user_ptr times) { return sys_futimesat(AT_FDCWD, path, times); }

long sys_utime(user_ptr path, user_ptr user_times)
{
	s64 seconds[2];
	struct timespec64 times[2];
	if (user_ptr_is_null(user_times))
		return set_times(AT_FDCWD, path, NULL, 0);
	if (copy_from_user(seconds, user_times, sizeof(seconds)))
		return -EFAULT;
	times[0] = (struct timespec64){ seconds[0], 0 };
	times[1] = (struct timespec64){ seconds[1], 0 };
	return set_times(AT_FDCWD, path, times, 0);
}

/* --- truncate --- */

long sys_truncate(user_ptr name, s64 length)
{
	struct path path;
	struct inode *inode;
	long error;

	if (length < 0)
		return -EINVAL;
	error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	inode = path.dentry->inode;
	if (S_ISTYPE(inode->mode, S_IFDIR))
		error = -EISDIR;
	else if (!S_ISTYPE(inode->mode, S_IFREG))
		error = -EINVAL;
	if (!error)
		error = mount_want_write(&path);
	if (!error)
		error = inode_permission(inode, MAY_WRITE);
	if (!error && unlikely(leases_in_use))
		error = lease_break(inode, true, false);
	if (!error && inode->writers < 0)
		error = -ETXTBSY;
	if (!error)
		error = vfs_truncate(&path, length, NULL);
	path_put(&path);
	return error;
}
