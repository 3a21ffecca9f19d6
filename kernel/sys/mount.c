/* SPDX-License-Identifier: Apache-2.0 */
/* mount(2), umount2(2), pivot_root(2). */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

#include <linux/mount.h>

#define UMOUNT_FLAGS 0xf /* MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW */
#define UMOUNT_NOFOLLOW_FLAG 8

/* An optional string; NULL stays NULL. 0 or an error. */
static int optional_string(user_ptr from, size_t max, char **ret)
{
	*ret = NULL;
	if (user_ptr_is_null(from))
		return 0;
	*ret = strdup_from_user(from, max, -EINVAL);
	if (IS_ERR(*ret)) {
		int error = (int)PTR_ERR(*ret);
		*ret = NULL;
		return error;
	}
	return 0;
}

long sys_mount(user_ptr source, user_ptr target, user_ptr type, u64 flags, user_ptr data)
{
	char *source_string = NULL, *type_string = NULL, *data_string = NULL;
	struct path path;
	int error;

	error = optional_string(type, PAGE_SIZE, &type_string);
	if (!error)
		error = optional_string(source, PATH_MAX, &source_string);
	if (!error)
		error = optional_string(data, PAGE_SIZE, &data_string);
	if (!error)
		error = user_path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &path);
	if (!error) {
		error = capable(CAP_SYS_ADMIN) ? do_mount(source_string, &path, type_string, flags, data_string) : -EPERM;
		path_put(&path);
	}
	kfree(type_string);
	kfree(source_string);
	kfree(data_string);
	return error;
}

long sys_umount2(user_ptr target, int flags)
{
	struct path path;
	long error;
	if (flags & ~UMOUNT_FLAGS)
		return -EINVAL;
	error = user_path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW_FLAG ? 0 : LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	error = capable(CAP_SYS_ADMIN) ? do_umount(&path, flags) : -EPERM;
	path_put(&path);
	return error;
}

long sys_pivot_root(user_ptr new_root, user_ptr put_old)
{
	struct path to, old;
	long error;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	error = user_path_lookup(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &to);
	if (error)
		return error;
	error = user_path_lookup(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!error) {
		error = do_pivot_root(&to, &old);
		path_put(&old);
	}
	path_put(&to);
	return error;
}
