/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of user and group ids and capabilities: setuid(2), setresuid(2), getgroups(2), capget(2), ... */
#include "kernel/mm/alloc.h"
#include "kernel/task/cred.h"

#define NO_ID ((u32)-1)
#define NGROUPS_LIMIT 65536

long sys_getuid(void) { return current->cred->uid; }
long sys_geteuid(void) { return current->cred->euid; }
long sys_getgid(void) { return current->cred->gid; }
long sys_getegid(void) { return current->cred->egid; }

/* Takes the changed copy into use; the capabilities follow the user ids. */
static long commit_uids(struct cred *new)
{
	new->fsuid = new->euid;
	cred_fix_setuid(new, current->cred);
	commit_creds(new);
	return 0;
}

static long commit_gids(struct cred *new)
{
	new->fsgid = new->egid;
	commit_creds(new);
	return 0;
}

long sys_setuid(uid_t uid)
{
	const struct cred *old = current->cred;
	bool privileged = capable(CAP_SETUID);
	struct cred *new;

	if (uid == NO_ID)
		return -EINVAL;
	if (!privileged && uid != old->uid && uid != old->suid)
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (privileged)
		new->uid = new->suid = uid;
	new->euid = uid;
	return commit_uids(new);
}

long sys_setgid(gid_t gid)
{
	const struct cred *old = current->cred;
	bool privileged = capable(CAP_SETGID);
	struct cred *new;

	if (gid == NO_ID)
		return -EINVAL;
	if (!privileged && gid != old->gid && gid != old->sgid)
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (privileged)
		new->gid = new->sgid = gid;
	new->egid = gid;
	return commit_gids(new);
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
	const struct cred *old = current->cred;
	struct cred *new;

	if (ruid != NO_ID && ruid != old->uid && ruid != old->euid && !capable(CAP_SETUID))
		return -EPERM;
	if (euid != NO_ID && euid != old->uid && euid != old->euid && euid != old->suid && !capable(CAP_SETUID))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (ruid != NO_ID)
		new->uid = ruid;
	if (euid != NO_ID)
		new->euid = euid;
	if (ruid != NO_ID || (euid != NO_ID && euid != old->uid))
		new->suid = new->euid;
	return commit_uids(new);
}

long sys_setregid(gid_t rgid, gid_t egid)
{
	const struct cred *old = current->cred;
	struct cred *new;

	if (rgid != NO_ID && rgid != old->gid && rgid != old->egid && !capable(CAP_SETGID))
		return -EPERM;
	if (egid != NO_ID && egid != old->gid && egid != old->egid && egid != old->sgid && !capable(CAP_SETGID))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (rgid != NO_ID)
		new->gid = rgid;
	if (egid != NO_ID)
		new->egid = egid;
	if (rgid != NO_ID || (egid != NO_ID && egid != old->gid))
		new->sgid = new->egid;
	return commit_gids(new);
}

static bool is_own_uid(uid_t uid)
{
	const struct cred *old = current->cred;

	return uid == NO_ID || uid == old->uid || uid == old->euid || uid == old->suid;
}

static bool is_own_gid(gid_t gid)
{
	const struct cred *old = current->cred;

	return gid == NO_ID || gid == old->gid || gid == old->egid || gid == old->sgid;
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	struct cred *new;

	if (!(is_own_uid(ruid) && is_own_uid(euid) && is_own_uid(suid)) && !capable(CAP_SETUID))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (ruid != NO_ID)
		new->uid = ruid;
	if (euid != NO_ID)
		new->euid = euid;
	if (suid != NO_ID)
		new->suid = suid;
	return commit_uids(new);
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	struct cred *new;

	if (!(is_own_gid(rgid) && is_own_gid(egid) && is_own_gid(sgid)) && !capable(CAP_SETGID))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (rgid != NO_ID)
		new->gid = rgid;
	if (egid != NO_ID)
		new->egid = egid;
	if (sgid != NO_ID)
		new->sgid = sgid;
	return commit_gids(new);
}

static long put_three(user_ptr a, user_ptr b, user_ptr c, u32 real, u32 effective, u32 saved)
{
	return put_user_u32(a, real) || put_user_u32(b, effective) || put_user_u32(c, saved) ? -EFAULT : 0;
}

long sys_getresuid(user_ptr ruid, user_ptr euid, user_ptr suid)
{
	const struct cred *cred = current->cred;

	return put_three(ruid, euid, suid, cred->uid, cred->euid, cred->suid);
}

long sys_getresgid(user_ptr rgid, user_ptr egid, user_ptr sgid)
{
	const struct cred *cred = current->cred;

	return put_three(rgid, egid, sgid, cred->gid, cred->egid, cred->sgid);
}

/* Both always return the old id; there is no other way to see a failure. */
long sys_setfsuid(uid_t uid)
{
	const struct cred *old = current->cred;
	uid_t old_id = old->fsuid;
	struct cred *new;

	if (uid == NO_ID || uid == old_id || (!is_own_uid(uid) && !capable(CAP_SETUID)))
		return old_id;
	new = prepare_creds();
	if (new) {
		new->fsuid = uid;
		cred_fix_setfsuid(new, old);
		commit_creds(new);
	}
	return old_id;
}

long sys_setfsgid(gid_t gid)
{
	const struct cred *old = current->cred;
	gid_t old_id = old->fsgid;
	struct cred *new;

	if (gid == NO_ID || gid == old_id || (!is_own_gid(gid) && !capable(CAP_SETGID)))
		return old_id;
	new = prepare_creds();
	if (new) {
		new->fsgid = gid;
		commit_creds(new);
	}
	return old_id;
}

long sys_getgroups(int size, user_ptr list)
{
	const struct group_info *groups = current->cred->groups;

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return groups->n;
	if (groups->n > size)
		return -EINVAL;
	if (copy_to_user(list, groups->gids, groups->n * sizeof(gid_t)))
		return -EFAULT;
	return groups->n;
}

static void sift_down(gid_t *gids, int root, int n)
{
	for (int child; (child = 2 * root + 1) < n; root = child) {
		gid_t swap;

		if (child + 1 < n && gids[child + 1] > gids[child])
			child++;
		if (gids[root] >= gids[child])
			return;
		swap = gids[root];
		gids[root] = gids[child];
		gids[child] = swap;
	}
}

static void sort_gids(gid_t *gids, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		sift_down(gids, i, n);
	for (int i = n - 1; i > 0; i--) {
		gid_t swap = gids[0];

		gids[0] = gids[i];
		gids[i] = swap;
		sift_down(gids, 0, i);
	}
}

long sys_setgroups(int size, user_ptr list)
{
	struct group_info *groups;
	struct cred *new;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned)size > NGROUPS_LIMIT)
		return -EINVAL;
	groups = groups_alloc(size);
	if (!groups)
		return -ENOMEM;
	if (copy_from_user(groups->gids, list, size * sizeof(gid_t))) {
		groups_put(groups);
		return -EFAULT;
	}
	for (int i = 0; i < size; i++) {
		if (groups->gids[i] == NO_ID) {
			groups_put(groups);
			return -EINVAL;
		}
	}
	sort_gids(groups->gids, size);
	new = prepare_creds();
	if (!new) {
		groups_put(groups);
		return -ENOMEM;
	}
	groups_put(new->groups);
	new->groups = groups;
	commit_creds(new);
	return 0;
}

/* Number of 32-bit words in the data of this version; an unknown one is answered with the newest. */
static int capability_words(user_ptr header, struct __user_cap_header_struct *ret_header, int *ret_words)
{
	if (get_user_object(ret_header, header))
		return -EFAULT;
	switch (ret_header->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		*ret_words = _LINUX_CAPABILITY_U32S_1;
		return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		*ret_words = _LINUX_CAPABILITY_U32S_3;
		return 0;
	}
	return put_user_u32(header, _LINUX_CAPABILITY_VERSION_3) ? -EFAULT : -EINVAL;
}

long sys_capget(user_ptr user_header, user_ptr user_data)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
	const struct cred *cred = current->cred;
	int words, error;

	error = capability_words(user_header, &header, &words);
	if (error)
		return error == -EINVAL && user_ptr_is_null(user_data) ? 0 : error;
	if (header.pid < 0)
		return -EINVAL;
	if (header.pid) {
		struct task_struct *task = task_find(header.pid);

		if (!task)
			return -ESRCH;
		cred = task->cred;
	}
	if (user_ptr_is_null(user_data))
		return 0;
	for (int i = 0; i < 2; i++) {
		data[i].effective = cred->cap_effective >> (32 * i);
		data[i].permitted = cred->cap_permitted >> (32 * i);
		data[i].inheritable = cred->cap_inheritable >> (32 * i);
	}
	return copy_to_user(user_data, data, words * sizeof(data[0]));
}

long sys_capset(user_ptr user_header, user_ptr user_data)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	const struct cred *old = current->cred;
	u64 effective, permitted, inheritable;
	struct cred *new;
	int words, error;

	error = capability_words(user_header, &header, &words);
	if (error)
		return error;
	if (header.pid != 0 && header.pid != current->tid)
		return -EPERM;
	if (copy_from_user(data, user_data, words * sizeof(data[0])))
		return -EFAULT;
	effective = (data[0].effective | (u64)data[1].effective << 32) & CAP_ALL;
	permitted = (data[0].permitted | (u64)data[1].permitted << 32) & CAP_ALL;
	inheritable = (data[0].inheritable | (u64)data[1].inheritable << 32) & CAP_ALL;

	if ((inheritable & ~(old->cap_inheritable | old->cap_permitted)) && !capable(CAP_SETPCAP))
		return -EPERM;
	if ((inheritable & ~(old->cap_inheritable | old->cap_bounding)) || (permitted & ~old->cap_permitted) ||
	    (effective & ~permitted))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	new->cap_effective = effective;
	new->cap_permitted = permitted;
	new->cap_inheritable = inheritable;
	new->cap_ambient &= permitted & inheritable;
	commit_creds(new);
	return 0;
}
