/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What execve does to credentials: set-user-ID and set-group-ID bits, file capabilities, the privileges of uid 0,
 * the ambient set. capabilities(7), "Transformation of capabilities during execve()".
 */
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"

#define CAPABILITY_XATTR "security.capability"

struct file_caps {
	bool present;
	bool effective;
	u64 permitted, inheritable;
};

/* -EINVAL: there is an attribute and it makes no sense. */
static int read_file_caps(struct inode *inode, struct file_caps *ret_caps)
{
	struct vfs_ns_cap_data data;
	ssize_t n;
	u32 magic;

	memset(ret_caps, 0, sizeof(*ret_caps));
	if (!inode->ops || !inode->ops->getxattr)
		return 0;
	memset(&data, 0, sizeof(data));
	n = inode->ops->getxattr(inode, CAPABILITY_XATTR, &data, sizeof(data));
	if (n == -ENODATA || n == -EOPNOTSUPP || n == -ENOENT)
		return 0;
	if (n == -ERANGE || (n >= 0 && n < (ssize_t)sizeof(u32)))
		return -EINVAL;
	if (n < 0)
		return n;
	magic = data.magic_etc;
	switch (magic & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_1:
		if (n != XATTR_CAPS_SZ_1)
			return -EINVAL;
		data.data[1].permitted = 0;
		data.data[1].inheritable = 0;
		break;
	case VFS_CAP_REVISION_2:
		if (n != XATTR_CAPS_SZ_2)
			return -EINVAL;
		break;
	case VFS_CAP_REVISION_3:
		if (n != XATTR_CAPS_SZ_3)
			return -EINVAL;
		/* They belong to another user namespace. */
		if (data.rootid != 0)
			return 0;
		break;
	default:
		return -EINVAL;
	}
	ret_caps->present = true;
	ret_caps->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
	ret_caps->permitted = (data.data[0].permitted | (u64)data.data[1].permitted << 32) & CAP_ALL;
	ret_caps->inheritable = (data.data[0].inheritable | (u64)data.data[1].inheritable << 32) & CAP_ALL;
	return 0;
}

/* Uid 0 gets everything in its bounding set, unless SECBIT_NOROOT; a set-user-ID-root file with capabilities gets those. */
static void add_root_privileges(struct cred *new, bool has_caps, bool *effective)
{
	if (issecure_in(new, SECURE_NOROOT))
		return;
	if (has_caps && new->uid != 0 && new->euid == 0)
		return;
	if (new->euid == 0 || new->uid == 0)
		new->cap_permitted = new->cap_bounding | new->cap_inheritable;
	if (new->euid == 0)
		*effective = true;
}

static void apply_set_id(struct cred *new, const struct inode *inode)
{
	if (inode->mode & S_ISUID)
		new->euid = inode->uid;
	if ((inode->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		new->egid = inode->gid;
}

int cred_exec(struct cred *new, struct inode *inode, bool nosuid, bool *ret_secure)
{
	const struct cred *old = current->cred;
	struct file_caps caps = { 0 };
	bool effective, set_id;
	int error;

	if (!nosuid && !current->no_new_privs)
		apply_set_id(new, inode);
	if (!nosuid) {
		error = read_file_caps(inode, &caps);
		if (error)
			return error;
	}
	effective = caps.effective;
	new->cap_permitted = 0;
	if (caps.present) {
		new->cap_permitted = (new->cap_bounding & caps.permitted) | (new->cap_inheritable & caps.inheritable);
		/* A program that does not know capabilities may not run with less than it was given. */
		if (effective && (caps.permitted & ~new->cap_permitted))
			return -EPERM;
	}
	add_root_privileges(new, caps.present, &effective);

	set_id = new->euid != old->uid || new->egid != old->gid;
	if (current->no_new_privs && (set_id || (new->cap_permitted & ~old->cap_permitted))) {
		new->euid = new->uid;
		new->egid = new->gid;
		new->cap_permitted &= old->cap_permitted;
	}
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	if (caps.present || set_id)
		new->cap_ambient = 0;
	new->cap_permitted |= new->cap_ambient;
	new->cap_effective = effective ? new->cap_permitted : new->cap_ambient;
	new->securebits &= ~SECURE_BIT(SECURE_KEEP_CAPS);
	*ret_secure = set_id || (new->uid != 0 && (effective || (new->cap_permitted & ~new->cap_ambient)));
	return 0;
}
