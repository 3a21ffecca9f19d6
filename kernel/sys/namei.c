/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on names: open and its kin, mkdir, unlink, rename, link, symlink, readlink, mknod, access. */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

#include <linux/fs.h>
#include <linux/openat2.h>

/* --- open --- */

static long open_common(int dirfd, user_ptr name, unsigned flags, mode_t mode, unsigned lookup_flags)
{
	struct user_path path;
	struct file *f;
	int fd, error;

	error = user_path_get(&path, name, false);
	if (error)
		return error;
	fd = fd_reserve(0, flags & O_CLOEXEC);
	if (fd >= 0) {
		f = do_file_open(dirfd, path.name, flags, mode, lookup_flags);
		if (IS_ERR(f)) {
			fd_release((unsigned)fd);
			fd = (int)PTR_ERR(f);
		} else {
			fd_install((unsigned)fd, f);
		}
	}
	user_path_release(&path);
	return fd;
}

long sys_open(user_ptr path, int flags, mode_t mode) { return open_common(AT_FDCWD, path, (unsigned)flags, mode, 0); }

long sys_openat(int dirfd, user_ptr path, int flags, mode_t mode)
{
	return open_common(dirfd, path, (unsigned)flags, mode, 0);
}

long sys_creat(user_ptr path, mode_t mode)
{
	return open_common(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | O_DIRECT |       \
		    O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

static int check_how(const struct open_how *how)
{
	bool makes = how->flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY));
	if (how->flags & ~(u64)OPEN_FLAGS)
		return -EINVAL;
	if (how->resolve & ~(u64)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |
	                          RESOLVE_IN_ROOT | RESOLVE_CACHED))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (makes ? how->mode & ~07777ULL : how->mode != 0)
		return -EINVAL;
	if ((how->flags & O_PATH) && (how->flags & ~(u64)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)))
		return -EINVAL;
	/* Nothing tells beforehand whether a file system will have to ask the host. */
	return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

/* The part of the caller's structure that this kernel does not know must be zero. */
static int check_tail(user_ptr at, size_t size)
{
	u8 byte;
	for (; size; size--, at.addr++) {
		if (copy_from_user(&byte, at, 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

long sys_openat2(int dirfd, user_ptr path, user_ptr user_how, size_t size)
{
	struct open_how how = { 0 };
	unsigned lookup_flags = 0;
	int error;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (get_user_object(&how, user_how))
		return -EFAULT;
	error = check_tail(user_ptr_add(user_how, sizeof(how)), size - sizeof(how));
	if (!error)
		error = check_how(&how);
	if (error)
		return error;
	if (how.resolve & RESOLVE_NO_XDEV)
		lookup_flags |= LOOKUP_NO_XDEV;
	if (how.resolve & RESOLVE_NO_MAGICLINKS)
		lookup_flags |= LOOKUP_NO_MAGICLINKS;
	if (how.resolve & RESOLVE_NO_SYMLINKS)
		lookup_flags |= LOOKUP_NO_SYMLINKS;
	if (how.resolve & RESOLVE_BENEATH)
		lookup_flags |= LOOKUP_BENEATH;
	if (how.resolve & RESOLVE_IN_ROOT)
		lookup_flags |= LOOKUP_IN_ROOT;
	return open_common(dirfd, path, (unsigned)how.flags, (mode_t)how.mode, lookup_flags);
}

long sys_name_to_handle_at(int dirfd, user_ptr path, user_ptr handle, user_ptr mount_id, int flags) { return -EOPNOTSUPP; }

/* --- one name --- */

long sys_mkdirat(int dirfd, user_ptr name, mode_t mode)
{
	struct user_path path;
	long error = user_path_get(&path, name, false);
	if (error)
		return error;
	error = vfs_mkdir_at(dirfd, path.name, mode);
	user_path_release(&path);
	return error;
}

long sys_mkdir(user_ptr path, mode_t mode) { return sys_mkdirat(AT_FDCWD, path, mode); }

static long remove_at(int dirfd, user_ptr name, bool directory)
{
	struct user_path path;
	long error = user_path_get(&path, name, false);
	if (error)
		return error;
	error = vfs_unlink_at(dirfd, path.name, directory);
	user_path_release(&path);
	return error;
}

long sys_rmdir(user_ptr path) { return remove_at(AT_FDCWD, path, true); }
long sys_unlink(user_ptr path) { return remove_at(AT_FDCWD, path, false); }

long sys_unlinkat(int dirfd, user_ptr path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dirfd, path, flags & AT_REMOVEDIR);
}

long sys_mknodat(int dirfd, user_ptr name, mode_t mode, u64 dev)
{
	struct user_path path;
	long error = user_path_get(&path, name, false);
	if (error)
		return error;
	error = vfs_mknod_at(dirfd, path.name, mode, (u32)dev);
	user_path_release(&path);
	return error;
}

long sys_mknod(user_ptr path, mode_t mode, u64 dev) { return sys_mknodat(AT_FDCWD, path, mode, dev); }

/* --- two names --- */

long sys_renameat2(int olddirfd, user_ptr oldpath, int newdirfd, user_ptr newpath, unsigned flags)
{
	struct user_path from, to;
	long error = user_path_get(&from, oldpath, false);
	if (error)
		return error;
	error = user_path_get(&to, newpath, false);
	if (!error) {
		error = vfs_rename_at(olddirfd, from.name, newdirfd, to.name, flags);
		user_path_release(&to);
	}
	user_path_release(&from);
	return error;
}

long sys_renameat(int olddirfd, user_ptr oldpath, int newdirfd, user_ptr newpath)
{
	return sys_renameat2(olddirfd, oldpath, newdirfd, newpath, 0);
}

long sys_rename(user_ptr oldpath, user_ptr newpath) { return sys_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0); }

long sys_linkat(int olddirfd, user_ptr oldpath, int newdirfd, user_ptr newpath, int flags)
{
	struct user_path from, to;
	long error = user_path_get(&from, oldpath, flags & AT_EMPTY_PATH);
	if (error)
		return error;
	error = user_path_get(&to, newpath, false);
	if (!error) {
		error = vfs_link_at(olddirfd, from.name, newdirfd, to.name, flags);
		user_path_release(&to);
	}
	user_path_release(&from);
	return error;
}

long sys_link(user_ptr oldpath, user_ptr newpath) { return sys_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0); }

long sys_symlinkat(user_ptr target, int dirfd, user_ptr linkpath)
{
	struct user_path to, path;
	long error = user_path_get(&to, target, false);
	if (error)
		return error;
	error = user_path_get(&path, linkpath, false);
	if (!error) {
		error = vfs_symlink_at(to.name, dirfd, path.name);
		user_path_release(&path);
	}
	user_path_release(&to);
	return error;
}

long sys_symlink(user_ptr target, user_ptr linkpath) { return sys_symlinkat(target, AT_FDCWD, linkpath); }

long sys_readlinkat(int dirfd, user_ptr name, user_ptr buf, int size)
{
	struct path path;
	struct user_path user;
	char *target;
	long n;

	if (size <= 0)
		return -EINVAL;
	n = user_path_get(&user, name, true);
	if (n)
		return n;
	/* An empty name means the link that dirfd was opened on with O_PATH. */
	n = path_lookup(dirfd, user.name, LOOKUP_EMPTY, &path);
	if (!n && !user.name[0] && !S_ISTYPE(path.dentry->inode->mode, S_IFLNK)) {
		path_put(&path);
		n = -ENOENT;
	}
	user_path_release(&user);
	if (n)
		return n;
	target = vfs_readlink(&path);
	path_put(&path);
	if (IS_ERR(target))
		return PTR_ERR(target);
	n = (long)strlen(target);
	if (n > size)
		n = size;
	if (copy_to_user(buf, target, (size_t)n))
		n = -EFAULT;
	kfree(target);
	return n;
}

long sys_readlink(user_ptr path, user_ptr buf, int size) { return sys_readlinkat(AT_FDCWD, path, buf, size); }

/* --- access --- */

/* The rights of the real ids: a copy of the credentials to use for the question, or NULL if they are the same. */
static struct cred *real_creds(int *ret_error)
{
	const struct cred *cred = current->cred;
	u64 caps = cred->uid == 0 ? cred->cap_permitted : 0;
	struct cred *copy;
	*ret_error = 0;
	if (cred->fsuid == cred->uid && cred->fsgid == cred->gid && cred->cap_effective == caps)
		return NULL;
	copy = prepare_creds();
	if (!copy) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	copy->fsuid = copy->uid;
	copy->fsgid = copy->gid;
	copy->cap_effective = caps;
	return copy;
}

static int check_access(const struct path *path, int mode)
{
	struct inode *inode = path->dentry->inode;
	int error;
	if ((mode & MAY_EXEC) && S_ISTYPE(inode->mode, S_IFREG) && (path->mount->flags & MS_NOEXEC))
		return -EACCES;
	error = inode_permission(inode, (unsigned)mode);
	if (error || !(mode & MAY_WRITE))
		return error;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
		return mount_want_write(path);
	default:
		return 0;
	}
}

long sys_faccessat2(int dirfd, user_ptr name, int mode, int flags)
{
	const struct cred *saved = current->cred;
	struct cred *real = NULL;
	struct path path;
	unsigned how = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	int error;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= LOOKUP_EMPTY;
	if (!(flags & AT_EACCESS)) {
		real = real_creds(&error);
		if (error)
			return error;
	}
	if (real)
		current->cred = real;
	error = user_path_lookup(dirfd, name, how, &path);
	if (!error) {
		error = check_access(&path, mode);
		path_put(&path);
	}
	if (real) {
		current->cred = saved;
		cred_put(real);
	}
	return error;
}

long sys_faccessat(int dirfd, user_ptr path, int mode) { return sys_faccessat2(dirfd, path, mode, 0); }
long sys_access(user_ptr path, int mode) { return sys_faccessat2(AT_FDCWD, path, mode, 0); }
