/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on file systems and on a process's place in them: statfs, sync, chdir, chroot, getcwd, umask. */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

#include <asm/statfs.h>
#include <linux/fs.h>

#define ST_VALID 0x20

static u64 mount_statfs_flags(const struct path *path)
{
	static const struct { unsigned mount, statfs; } map[] = {
		{ MS_RDONLY, 1 }, { MS_NOSUID, 2 }, { MS_NODEV, 4 }, { MS_NOEXEC, 8 },
		{ MS_NOATIME, 0x400 }, { MS_NODIRATIME, 0x800 }, { MS_RELATIME, 0x1000 },
	};
	u64 flags = ST_VALID;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		if (path->mount->flags & map[i].mount)
			flags |= map[i].statfs;
	}
	return flags;
}

static long statfs_path(const struct path *path, user_ptr buf)
{
	struct super_block *sb = path->dentry->sb;
	struct kstatfs ks = { .type = sb->type->magic, .bsize = sb->blocksize, .namelen = NAME_MAX };
	struct statfs st;
	int error = sb->ops && sb->ops->statfs ? sb->ops->statfs(sb, &ks) : 0;
	if (error)
		return error;
	if (!ks.fsid)
		ks.fsid = sb->dev;
	memset(&st, 0, sizeof(st));
	st.f_type = (long)ks.type;
	st.f_bsize = (long)ks.bsize;
	st.f_blocks = (long)ks.blocks;
	st.f_bfree = (long)ks.bfree;
	st.f_bavail = (long)ks.bavail;
	st.f_files = (long)ks.files;
	st.f_ffree = (long)ks.ffree;
	st.f_fsid.val[0] = (int)ks.fsid;
	st.f_fsid.val[1] = (int)(ks.fsid >> 32);
	st.f_namelen = (long)ks.namelen;
	st.f_frsize = (long)(ks.frsize ? ks.frsize : ks.bsize);
	st.f_flags = (long)mount_statfs_flags(path);
	return put_user_object(buf, &st);
}

long sys_statfs(user_ptr name, user_ptr buf)
{
	struct path path;
	long error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	error = statfs_path(&path, buf);
	path_put(&path);
	return error;
}

long sys_fstatfs(int fd, user_ptr buf)
{
	struct file *f = fget_any((unsigned)fd);
	long error;
	if (!f)
		return -EBADF;
	error = statfs_path(&f->path, buf);
	file_put(f);
	return error;
}

long sys_ustat(unsigned dev, user_ptr buf)
{
	struct { s32 f_tfree; u32 pad; u64 f_tinode; char names[12]; u32 pad2; } st = { 0 };
	struct mount *m;
	list_for_each_entry(m, &init_mnt_ns.mounts, ns_link) {
		struct kstatfs ks = { 0 };
		int error;
		if ((u32)m->sb->dev != dev)
			continue;
		error = m->sb->ops && m->sb->ops->statfs ? m->sb->ops->statfs(m->sb, &ks) : 0;
		if (error)
			return error;
		st.f_tfree = (s32)ks.bfree;
		st.f_tinode = ks.ffree;
		return put_user_object(buf, &st);
	}
	return -EINVAL;
}

/* --- sync --- */

long sys_sync(void)
{
	struct super_block *sb = NULL;
	int last = 0;
	/* Syncing sleeps: find the next mount by its number each time. */
	do {
		struct mount *m, *next = NULL;
		list_for_each_entry(m, &init_mnt_ns.mounts, ns_link) {
			if (m->id > last && (!next || m->id < next->id))
				next = m;
		}
		if (!next)
			break;
		last = next->id;
		sb = next->sb;
		if (sb->ops && sb->ops->sync_fs && next->root == sb->root) {
			mount_get(next);
			sb->ops->sync_fs(sb);
			mount_put(next);
		}
	} while (sb);
	return 0;
}

long sys_syncfs(int fd)
{
	struct file *f = fget((unsigned)fd);
	struct super_block *sb;
	long error;
	if (!f)
		return -EBADF;
	sb = f->path.dentry->sb;
	error = sb->ops && sb->ops->sync_fs ? sb->ops->sync_fs(sb) : 0;
	file_put(f);
	return error;
}

/* --- the process's place --- */

static void set_path(struct path *slot, const struct path *to)
{
	struct path old = *slot;
	path_get(to);
	*slot = *to;
	path_put(&old);
}

long sys_chdir(user_ptr name)
{
	struct path path;
	long error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	if (error)
		return error;
	error = inode_permission(path.dentry->inode, MAY_EXEC);
	if (!error)
		set_path(&current->fs->pwd, &path);
	path_put(&path);
	return error;
}

long sys_fchdir(int fd)
{
	struct file *f = fget_any((unsigned)fd);
	long error;
	if (!f)
		return -EBADF;
	error = is_directory(f->path.dentry) ? inode_permission(f->inode, MAY_EXEC) : -ENOTDIR;
	if (!error)
		set_path(&current->fs->pwd, &f->path);
	file_put(f);
	return error;
}

long sys_chroot(user_ptr name)
{
	struct path path;
	long error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	if (error)
		return error;
	error = inode_permission(path.dentry->inode, MAY_EXEC);
	if (!error && !capable(CAP_SYS_CHROOT))
		error = -EPERM;
	if (!error)
		set_path(&current->fs->root, &path);
	path_put(&path);
	return error;
}

long sys_getcwd(user_ptr buf, size_t size)
{
	struct path *pwd = &current->fs->pwd;
	char *buffer, *s;
	long n;

	if (pwd->dentry->unhashed && pwd->dentry->parent != pwd->dentry)
		return -ENOENT;
	buffer = kmalloc(PATH_MAX);
	if (!buffer)
		return -ENOMEM;
	s = path_string(pwd, buffer, PATH_MAX);
	if (IS_ERR(s)) {
		n = PTR_ERR(s);
	} else {
		n = (long)strlen(s) + 1;
		if ((size_t)n > size)
			n = -ERANGE;
		else if (copy_to_user(buf, s, (size_t)n))
			n = -EFAULT;
	}
	kfree(buffer);
	return n;
}

long sys_umask(mode_t mask)
{
	mode_t old = current->fs->umask;
	current->fs->umask = mask & 0777;
	return old;
}

/* --- unshare(2): what it shares of descriptors and place; there is one set of namespaces per container --- */

#define CLONE_FS_FLAG 0x200
#define CLONE_FILES_FLAG 0x400

long sys_unshare(u64 flags)
{
	struct fs_struct *fs = NULL;
	struct files_struct *files = NULL;

	if (flags & ~(u64)(CLONE_FS_FLAG | CLONE_FILES_FLAG))
		return -EINVAL;
	if ((flags & CLONE_FS_FLAG) && refcount_read(&current->fs->count) > 1) {
		fs = fs_copy(current->fs);
		if (!fs)
			return -ENOMEM;
	}
	if ((flags & CLONE_FILES_FLAG) && refcount_read(&current->files->count) > 1) {
		files = files_copy(current->files);
		if (IS_ERR(files)) {
			fs_put(fs);
			return PTR_ERR(files);
		}
	}
	if (fs) {
		struct fs_struct *old = current->fs;
		current->fs = fs;
		fs_put(old);
	}
	if (files) {
		struct files_struct *old = current->files;
		current->files = files;
		files_put(old);
	}
	return 0;
}
