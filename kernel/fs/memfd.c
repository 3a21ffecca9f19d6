/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfd_create(2) and the seals of fcntl(2). A memfd is a file of a tmpfs that is mounted nowhere; it is shown as
 * "/memfd:NAME (deleted)".
 */
#include <linux/memfd.h>

#include "kernel/fs/memfd.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"
#include "syscalls.gen.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8U
#define MFD_EXEC 0x10U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#define MFD_ALL (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)
#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)
#define NAME_LIMIT (NAME_MAX - 6) /* without "memfd:" */

static struct mount *memfd_mount;

struct mount *mount_internal(struct super_block *sb)
{
	struct mount *mount = kzalloc(sizeof(*mount));

	if (!mount)
		return NULL;
	refcount_set(&mount->count, 1);
	mount->sb = sb;
	mount->root = dentry_get(sb->root);
	list_init(&mount->children);
	list_init(&mount->sibling);
	list_init(&mount->ns_link);
	return mount;
}

struct file *memory_file(const char *name, mode_t mode, unsigned open_flags)
{
	struct path path = { .mount = memfd_mount };
	struct inode *inode = tmpfs_inode_make(memfd_mount->sb, NULL, S_IFREG | mode, 0);
	struct file *file;

	if (IS_ERR(inode))
		return ERR_PTR(PTR_ERR(inode));
	inode->nlink = 0;
	path.dentry = dentry_alloc(memfd_mount->root, name, strlen(name));
	if (IS_ERR_OR_NULL(path.dentry)) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	dentry_drop(path.dentry);
	dentry_bind(path.dentry, inode);
	file = file_open_path(&path, open_flags);
	dentry_put(path.dentry);
	return file;
}

long sys_memfd_create(user_ptr name, unsigned flags)
{
	char full[NAME_MAX + 1] = "memfd:";
	struct file *file;
	struct tmpfs_inode *info;
	long length;

	if (flags & MFD_HUGETLB || flags & ~MFD_ALL || (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	length = strncpy_from_user(full + 6, name, NAME_LIMIT + 1);
	if (length < 0)
		return length;
	if (length > NAME_LIMIT)
		return -EINVAL;
	file = memory_file(full, flags & MFD_NOEXEC_SEAL ? 0666 : 0777, O_RDWR | O_LARGEFILE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	info = tmpfs_i(file->inode);
	if (flags & MFD_NOEXEC_SEAL)
		info->seals = F_SEAL_EXEC;
	else if (flags & MFD_ALLOW_SEALING)
		info->seals = 0;
	return fd_install_new(file, flags & MFD_CLOEXEC);
}

static long add_seals(struct file *file, struct tmpfs_inode *info, unsigned seals)
{
	if (!file->writable)
		return -EPERM;
	if (seals & ~(unsigned)SEALS_ALL)
		return -EINVAL;
	if (info->seals & F_SEAL_SEAL)
		return -EPERM;
	if (seals & F_SEAL_WRITE && !(info->seals & F_SEAL_WRITE) && info->store.writable_maps)
		return -EBUSY;
	/* Without execute permission for good, the contents of an executable are fixed for good, too. */
	if (seals & F_SEAL_EXEC && file->inode->mode & 0111)
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	info->seals |= seals;
	return 0;
}

long memfd_fcntl(struct file *file, unsigned cmd, u64 arg)
{
	if (file->ops != &tmpfs_file_fops)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return (long)tmpfs_i(file->inode)->seals;
	return arg > UINT32_MAX ? -EINVAL : add_seals(file, tmpfs_i(file->inode), (unsigned)arg);
}

static struct file_system_type memfd_type = { .name = "shm", .kernel_only = true };

static int memfd_init(void)
{
	struct super_block *sb = tmpfs_make(&memfd_type, 0, "size=0,nr_inodes=0");

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	memfd_mount = mount_internal(sb);
	return memfd_mount ? 0 : -ENOMEM;
}
INITCALL(memfd, memfd_init, "tmpfs");
