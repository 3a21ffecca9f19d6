/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: user and group ids, supplementary groups, capabilities. credentials(7), capabilities(7).
 *
 * A cred in use is never changed: prepare_creds() copies the current one, commit_creds() puts the copy in place.
 * All threads have their own; that setuid(2) acts on the whole process is the C library's doing.
 */
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/task/cred.h"

#define CAP_BIT(cap) (1ULL << (cap))
/* Capabilities that follow the file system uid (setfsuid). */
#define CAPS_OF_FSUID                                                                              \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) | \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MAC_OVERRIDE))

static struct group_info no_groups = { .count = { 1 } };

struct group_info *groups_alloc(int n)
{
	struct group_info *groups = kmalloc(sizeof(*groups) + n * sizeof(gid_t));

	if (!groups)
		return NULL;
	refcount_set(&groups->count, 1);
	groups->n = n;
	return groups;
}

struct group_info *groups_get(struct group_info *groups)
{
	refcount_inc(&groups->count);
	return groups;
}

void groups_put(struct group_info *groups)
{
	if (groups && refcount_dec_and_test(&groups->count))
		kfree(groups);
}

struct cred *cred_alloc_root(void)
{
	struct cred *cred = kzalloc(sizeof(*cred));

	if (!cred)
		return NULL;
	refcount_set(&cred->count, 1);
	cred->cap_permitted = CAP_ALL;
	cred->cap_effective = CAP_ALL;
	cred->cap_bounding = CAP_ALL;
	cred->groups = groups_get(&no_groups);
	return cred;
}

struct cred *prepare_creds(void)
{
	struct cred *cred = kmemdup(current->cred, sizeof(*cred));

	if (!cred)
		return NULL;
	refcount_set(&cred->count, 1);
	groups_get(cred->groups);
	return cred;
}

const struct cred *cred_get(const struct cred *cred)
{
	refcount_inc(&((struct cred *)cred)->count);
	return cred;
}

void cred_put(const struct cred *cred)
{
	struct cred *mine = (struct cred *)cred;

	if (!mine || !refcount_dec_and_test(&mine->count))
		return;
	groups_put(mine->groups);
	kfree(mine);
}

void commit_creds(struct cred *new)
{
	const struct cred *old = current->cred;

	if (new->euid != old->euid || new->egid != old->egid || new->fsuid != old->fsuid || new->fsgid != old->fsgid ||
	    (new->cap_permitted & ~old->cap_permitted)) {
		if (current->mm)
			current->mm->dumpable = 0;
		current->pdeath_signal = 0;
	}
	current->cred = new;
	cred_put(old);
}

bool capable(int cap)
{
	if (!cred_capable(current->cred, cap))
		return false;
	current->flags |= PF_SUPERPRIV;
	return true;
}

bool cred_in_group(const struct cred *cred, gid_t gid)
{
	const struct group_info *groups = cred->groups;
	int low = 0, high = groups->n;

	while (low < high) {
		int middle = (low + high) / 2;

		if (groups->gids[middle] == gid)
			return true;
		if (groups->gids[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool in_group(gid_t gid)
{
	return current->cred->fsgid == gid || cred_in_group(current->cred, gid);
}

void cred_fix_setuid(struct cred *new, const struct cred *old)
{
	bool had_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
	bool has_root = new->uid == 0 || new->euid == 0 || new->suid == 0;

	if (issecure_in(old, SECURE_NO_SETUID_FIXUP))
		return;
	if (had_root && !has_root) {
		if (!issecure_in(old, SECURE_KEEP_CAPS)) {
			new->cap_permitted = 0;
			new->cap_effective = 0;
		}
		new->cap_ambient = 0;
	}
	if (old->euid == 0 && new->euid != 0)
		new->cap_effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->cap_effective = new->cap_permitted;
}

void cred_fix_setfsuid(struct cred *new, const struct cred *old)
{
	if (issecure_in(old, SECURE_NO_SETUID_FIXUP))
		return;
	if (old->fsuid == 0 && new->fsuid != 0)
		new->cap_effective &= ~CAPS_OF_FSUID;
	if (old->fsuid != 0 && new->fsuid == 0)
		new->cap_effective |= new->cap_permitted & CAPS_OF_FSUID;
}

static bool is_capability(u64 cap)
{
	return cap <= CAP_LAST_CAP;
}

static long set_securebits(u64 bits)
{
	unsigned old = current->cred->securebits;
	struct cred *new;

	/* Locked bits stay, locks are never taken off. */
	if ((((old & SECURE_ALL_LOCKS) >> 1) & (old ^ bits)) || (old & SECURE_ALL_LOCKS & ~bits) ||
	    (bits & ~(u64)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) || !capable(CAP_SETPCAP))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	new->securebits = bits;
	commit_creds(new);
	return 0;
}

static long set_keepcaps(u64 on)
{
	struct cred *new;

	if (on > 1)
		return -EINVAL;
	if (issecure_in(current->cred, SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	new->securebits = (new->securebits & ~SECURE_BIT(SECURE_KEEP_CAPS)) | (on ? SECURE_BIT(SECURE_KEEP_CAPS) : 0);
	commit_creds(new);
	return 0;
}

static long drop_bounding(u64 cap)
{
	struct cred *new;

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (!is_capability(cap))
		return -EINVAL;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	new->cap_bounding &= ~CAP_BIT(cap);
	commit_creds(new);
	return 0;
}

static long ambient_control(u64 what, u64 cap, u64 arg4, u64 arg5)
{
	const struct cred *old = current->cred;
	struct cred *new;

	if (arg4 | arg5 || (what == PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : !is_capability(cap)))
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_IS_SET)
		return old->cap_ambient >> cap & 1;
	if (what != PR_CAP_AMBIENT_RAISE && what != PR_CAP_AMBIENT_LOWER && what != PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_RAISE && (!(old->cap_permitted & old->cap_inheritable & CAP_BIT(cap)) ||
					     issecure_in(old, SECURE_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (what == PR_CAP_AMBIENT_CLEAR_ALL)
		new->cap_ambient = 0;
	else if (what == PR_CAP_AMBIENT_RAISE)
		new->cap_ambient |= CAP_BIT(cap);
	else
		new->cap_ambient &= ~CAP_BIT(cap);
	commit_creds(new);
	return 0;
}

long cred_prctl(int option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	switch (option) {
	case PR_GET_KEEPCAPS:
		return issecure_in(current->cred, SECURE_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(arg2);
	case PR_GET_SECUREBITS:
		return current->cred->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(arg2);
	case PR_CAPBSET_READ:
		return is_capability(arg2) ? (long)(current->cred->cap_bounding >> arg2 & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return drop_bounding(arg2);
	case PR_CAP_AMBIENT:
		return ambient_control(arg2, arg3, arg4, arg5);
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || arg4 || arg5)
			return -EINVAL;
		current->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : current->no_new_privs;
	default:
		return -ENOSYS;
	}
}
