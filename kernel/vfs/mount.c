/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount tree: mount(2), umount2(2), pivot_root(2), bind mounts.
 *
 * A mount in the tree holds one reference to itself; paths hold further ones. Mounts stacked on one place hang below
 * each other: the second stands on the root of the first. Propagation types are recorded and shown, but with one
 * namespace per container there is nobody to propagate to except binds within it, which stay independent.
 */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>
#include <linux/mount.h>

#ifndef MNT_FORCE
#define MNT_FORCE 1
#define MNT_DETACH 2
#define MNT_EXPIRE 4
#define UMOUNT_NOFOLLOW 8
#endif

#define MOUNT_HASH 256
#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static struct hlist_head mount_table[MOUNT_HASH];
static int next_mount_id = 20;
static int next_peer_group = 1;

struct mnt_namespace init_mnt_ns = {
	.count = { 1 }, .mounts = LIST_HEAD_INIT(init_mnt_ns.mounts),
	.poll = { LIST_HEAD_INIT(init_mnt_ns.poll.entries) }, .inum = 0xf0000000,
};

static struct mnt_namespace *current_ns(void)
{
	return current->mnt_ns ? current->mnt_ns : &init_mnt_ns;
}

static struct hlist_head *bucket(const struct mount *parent, const struct dentry *mountpoint)
{
	return &mount_table[hash_u64((u64)parent ^ (u64)mountpoint << 7) % MOUNT_HASH];
}

struct mount *mount_alloc(struct super_block *sb, struct dentry *root, unsigned flags, const char *source)
{
	struct mount *m = kzalloc(sizeof(*m));
	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none");
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	refcount_set(&m->count, 1);
	refcount_inc(&sb->count);
	m->sb = sb;
	m->root = dentry_get(root);
	m->flags = flags & (MOUNT_FLAGS | PROPAGATION);
	if (!(m->flags & (MS_NOATIME | MS_RELATIME)))
		m->flags |= MS_RELATIME;
	m->id = next_mount_id++;
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->ns_link);
	return m;
}

struct mount *mount_get(struct mount *m)
{
	refcount_inc(&m->count);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || !refcount_dec_and_test(&m->count))
		return;
	dentry_put(m->root);
	super_put(m->sb);
	kfree(m->source);
	kfree(m);
}

struct mount *mount_lookup(struct mount *parent, struct dentry *mountpoint)
{
	struct mount *m;
	hlist_for_each_entry(m, bucket(parent, mountpoint), hash) {
		if (m->parent == parent && m->mountpoint == mountpoint)
			return m;
	}
	return NULL;
}

/* From a mount point to the root of what is mounted there, as often as there is something. */
void follow_mounts(struct path *path)
{
	while (path->dentry->mounted) {
		struct mount *m = mount_lookup(path->mount, path->dentry);
		struct path old = *path;
		if (!m)
			return;
		path->mount = mount_get(m);
		path->dentry = dentry_get(m->root);
		path_put(&old);
	}
}

/* From the root of a mount to its mount point. False: it has none. */
bool follow_up(struct path *path)
{
	struct mount *m = path->mount;
	struct path old = *path;
	if (!m->parent)
		return false;
	path->mount = mount_get(m->parent);
	path->dentry = dentry_get(m->mountpoint);
	path_put(&old);
	return true;
}

static void namespace_changed(struct mnt_namespace *ns)
{
	ns->event++;
	wake_up_common(&ns->poll, 0, EPOLLERR | EPOLLPRI);
}

/* Hangs m, which the tree takes over, onto (parent, mountpoint). */
static void attach(struct mount *m, struct mount *parent, struct dentry *mountpoint, struct mnt_namespace *ns)
{
	m->parent = parent;
	m->mountpoint = dentry_get(mountpoint);
	mountpoint->mounted = true;
	hlist_add(&m->hash, bucket(parent, mountpoint));
	list_add_tail(&m->sibling, &parent->children);
	if (list_empty(&m->ns_link))
		list_add_tail(&m->ns_link, &ns->mounts);
	m->ns = ns;
	namespace_changed(ns);
}

static bool still_mounted(struct dentry *mountpoint)
{
	for (unsigned i = 0; i < MOUNT_HASH; i++) {
		struct mount *m;
		hlist_for_each_entry(m, &mount_table[i], hash) {
			if (m->mountpoint == mountpoint)
				return true;
		}
	}
	return false;
}

/* Off its mount point; it stays in its namespace's list. */
static void unhang(struct mount *m)
{
	struct dentry *mountpoint = m->mountpoint;
	if (!m->parent)
		return;
	hlist_del(&m->hash);
	list_del(&m->sibling);
	m->parent = NULL;
	m->mountpoint = NULL;
	mountpoint->mounted = still_mounted(mountpoint);
	dentry_put(mountpoint);
}

static void detach_tree(struct mount *m)
{
	struct mnt_namespace *ns = m->ns;
	while (!list_empty(&m->children))
		detach_tree(list_first_entry(&m->children, struct mount, sibling));
	unhang(m);
	list_del(&m->ns_link);
	m->ns = NULL;
	if (ns)
		namespace_changed(ns);
	mount_put(m);
}

static int check_kinds(const struct dentry *root, const struct dentry *mountpoint)
{
	if (is_directory(root) != is_directory(mountpoint))
		return -ENOTDIR;
	if (mountpoint->unhashed)
		return -ENOENT;
	return 0;
}

struct mount *mount_attach(struct super_block *sb, struct dentry *root, const struct path *where, unsigned flags,
			   const char *source)
{
	struct mnt_namespace *ns = current_ns();
	struct mount *m;
	struct path at;

	if (where) {
		int error = check_kinds(root, where->dentry);
		if (error)
			return ERR_PTR(error);
	}
	m = mount_alloc(sb, root, flags, source);
	if (!m)
		return ERR_PTR(-ENOMEM);
	if (!where) {
		ns->root = m;
		m->ns = ns;
		list_add_tail(&m->ns_link, &ns->mounts);
		return m;
	}
	at = *where;
	path_get(&at);
	follow_mounts(&at);
	attach(m, at.mount, at.dentry, ns);
	path_put(&at);
	return m;
}

/* --- mount(2) --- */

static int mount_new(const char *source, const struct path *target, const char *type_name, unsigned long flags,
		     const char *data)
{
	const struct file_system_type *type = type_name ? find_filesystem(type_name) : NULL;
	struct super_block *sb;
	struct mount *m;

	if (!type_name)
		return -EINVAL;
	if (!type || type->kernel_only)
		return -ENODEV;
	sb = type->mount(type, flags, source, data);
	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	m = mount_attach(sb, sb->root, target, (unsigned)flags & MOUNT_FLAGS, source);
	super_put(sb);
	return IS_ERR(m) ? (int)PTR_ERR(m) : 0;
}

static struct mount *clone_tree(struct mount *from, struct dentry *root, bool recursive);

static int clone_children(struct mount *from, struct mount *m)
{
	struct mount *child;
	list_for_each_entry(child, &from->children, sibling) {
		struct mount *copy;
		if (!dentry_is_below(child->mountpoint, m->root) || (child->flags & MS_UNBINDABLE))
			continue;
		copy = clone_tree(child, child->root, true);
		if (!copy)
			return -ENOMEM;
		copy->parent = m;
		copy->mountpoint = child->mountpoint; /* attach_clones takes the reference */
		list_add_tail(&copy->sibling, &m->children);
	}
	return 0;
}

static void free_clones(struct mount *m)
{
	while (!list_empty(&m->children)) {
		struct mount *child = list_first_entry(&m->children, struct mount, sibling);
		list_del(&child->sibling);
		child->parent = NULL;
		free_clones(child);
	}
	mount_put(m);
}

static struct mount *clone_tree(struct mount *from, struct dentry *root, bool recursive)
{
	struct mount *m = mount_alloc(from->sb, root, from->flags & ~MS_UNBINDABLE, from->source);
	if (!m)
		return NULL;
	m->peer_group = from->peer_group;
	if (recursive && clone_children(from, m)) {
		free_clones(m);
		return NULL;
	}
	return m;
}

static void attach_clones(struct mount *m, struct mnt_namespace *ns)
{
	LIST_HEAD(children);
	list_splice_tail(&m->children, &children);
	while (!list_empty(&children)) {
		struct mount *child = list_first_entry(&children, struct mount, sibling);
		list_del(&child->sibling);
		attach(child, m, child->mountpoint, ns);
		attach_clones(child, ns);
	}
}

static int mount_bind(const char *source, const struct path *target, bool recursive)
{
	struct mnt_namespace *ns = current_ns();
	struct path from, at;
	struct mount *m;
	int error;

	if (!source || !*source)
		return -EINVAL;
	error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (error)
		return error;
	if (!from.mount->ns || (from.mount->flags & MS_UNBINDABLE))
		error = -EINVAL;
	if (!error)
		error = check_kinds(from.dentry, target->dentry);
	if (!error) {
		m = clone_tree(from.mount, from.dentry, recursive);
		if (m) {
			at = *target;
			path_get(&at);
			follow_mounts(&at);
			attach(m, at.mount, at.dentry, ns);
			attach_clones(m, ns);
			path_put(&at);
		} else {
			error = -ENOMEM;
		}
	}
	path_put(&from);
	return error;
}

static int mount_remount(const struct path *target, unsigned long flags, const char *data)
{
	struct mount *m = target->mount;
	unsigned keep = m->flags & ~(unsigned)MOUNT_FLAGS;
	if (target->dentry != m->root)
		return -EINVAL;
	if (!(flags & MS_BIND) && m->sb->ops && m->sb->ops->remount) {
		int error = m->sb->ops->remount(m->sb, flags, data);
		if (error)
			return error;
	}
	flags &= MOUNT_FLAGS;
	if (!(flags & (MS_NOATIME | MS_RELATIME)))
		flags |= MS_RELATIME;
	m->flags = keep | (unsigned)flags;
	if (m->ns)
		namespace_changed(m->ns);
	return 0;
}

static void set_propagation(struct mount *m, unsigned type, bool recursive)
{
	struct mount *child;
	m->flags = (m->flags & ~(unsigned)PROPAGATION) | type;
	if (type == MS_SHARED) {
		if (!m->peer_group)
			m->peer_group = next_peer_group++;
	} else {
		m->master_group = type == MS_SLAVE ? m->peer_group : 0;
		m->peer_group = 0;
	}
	if (recursive) {
		list_for_each_entry(child, &m->children, sibling)
			set_propagation(child, type, true);
	}
}

static int mount_propagation(const struct path *target, unsigned long flags)
{
	unsigned type = (unsigned)flags & PROPAGATION;
	if ((flags & ~(unsigned long)(PROPAGATION | MS_REC | MS_SILENT)) || (type & (type - 1)))
		return -EINVAL;
	if (target->dentry != target->mount->root)
		return -EINVAL;
	set_propagation(target->mount, type, flags & MS_REC);
	return 0;
}

static bool mount_is_below(const struct mount *m, const struct mount *ancestor)
{
	for (; m; m = m->parent) {
		if (m == ancestor)
			return true;
	}
	return false;
}

static int mount_move(const char *source, const struct path *target)
{
	struct mnt_namespace *ns = current_ns();
	struct path from, at;
	int error;
	if (!source || !*source)
		return -EINVAL;
	error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (error)
		return error;
	if (from.dentry != from.mount->root || !from.mount->parent)
		error = -EINVAL;
	else
		error = check_kinds(from.dentry, target->dentry);
	if (!error && mount_is_below(target->mount, from.mount))
		error = -ELOOP;
	if (!error) {
		at = *target;
		path_get(&at);
		follow_mounts(&at);
		unhang(from.mount);
		attach(from.mount, at.mount, at.dentry, ns);
		path_put(&at);
	}
	path_put(&from);
	return error;
}

int do_mount(const char *source, const struct path *target, const char *type, unsigned long flags, const char *data)
{
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	if (flags & MS_REMOUNT)
		return mount_remount(target, flags, data);
	if (flags & MS_BIND)
		return mount_bind(source, target, flags & MS_REC);
	if (flags & PROPAGATION)
		return mount_propagation(target, flags);
	if (flags & MS_MOVE)
		return mount_move(source, target);
	return mount_new(source, target, type, flags, data);
}

int kernel_mount(const char *type, const char *source, const char *target, unsigned long flags, const char *data)
{
	struct path path;
	int error = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	error = mount_new(source, &path, type, flags, data);
	path_put(&path);
	return error;
}

/* --- umount2(2), pivot_root(2) --- */

/* `target` holds one reference, the tree another; more mean that somebody works there. */
int do_umount(const struct path *target, int flags)
{
	struct mount *m = target->mount;
	if (target->dentry != m->root || !m->ns)
		return -EINVAL;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (!m->parent)
		return flags & MNT_DETACH ? -EINVAL : -EBUSY;
	if (!(flags & MNT_DETACH) && (!list_empty(&m->children) || refcount_read(&m->count) > 2))
		return -EBUSY;
	if (flags & MNT_EXPIRE)
		return -EAGAIN;
	if (m->sb->ops && m->sb->ops->sync_fs && !(flags & MNT_DETACH))
		m->sb->ops->sync_fs(m->sb);
	if (!m->ns)
		return -EINVAL; /* somebody was faster */
	detach_tree(m);
	return 0;
}

static void replace_paths(const struct path *old, const struct path *with)
{
	struct task_struct *t;
	for_each_task(t) {
		struct path *paths[2];
		if (!t->fs)
			continue;
		paths[0] = &t->fs->root;
		paths[1] = &t->fs->pwd;
		for (int i = 0; i < 2; i++) {
			if (!path_equal(paths[i], old))
				continue;
			path_get(with);
			*paths[i] = *with;
			path_put(old);
		}
	}
}

int do_pivot_root(const struct path *new_root, const struct path *put_old)
{
	struct mnt_namespace *ns = current_ns();
	struct path old = current->fs->root;
	struct mount *m = new_root->mount, *old_parent;
	struct dentry *old_mountpoint;

	if (new_root->dentry->unhashed && new_root->dentry->parent != new_root->dentry)
		return -ENOENT;
	if (m == old.mount || put_old->mount == old.mount)
		return -EBUSY;
	if (new_root->dentry != m->root || old.dentry != old.mount->root || !m->parent)
		return -EINVAL;
	if (!mount_is_below(put_old->mount, m) ||
	    (put_old->mount == m && !dentry_is_below(put_old->dentry, new_root->dentry)))
		return -EINVAL;
	if (!mount_is_below(m, old.mount))
		return -EINVAL;
	if (put_old->dentry->unhashed && put_old->dentry != put_old->mount->root)
		return -ENOENT;
	path_get(&old);
	old_parent = old.mount->parent;
	old_mountpoint = old_parent ? dentry_get(old.mount->mountpoint) : NULL;
	unhang(m);
	if (old_parent) {
		unhang(old.mount);
		attach(m, old_parent, old_mountpoint, ns);
		dentry_put(old_mountpoint);
	} else {
		ns->root = m;
		namespace_changed(ns);
	}
	attach(old.mount, put_old->mount, put_old->dentry, ns);
	replace_paths(&old, new_root);
	path_put(&old);
	return 0;
}
