/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of kernel/vfs and the system calls on files share, beyond vfs.h. */
#ifndef KERNEL_VFS_INTERNAL_H
#define KERNEL_VFS_INTERNAL_H

#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* A path argument copied from user memory; short ones stand on the stack. */
struct user_path {
	char *name;
	char buffer[216];
};
/* 0, -EFAULT, -ENOENT (empty and not allowed), -ENAMETOOLONG, -ENOMEM. */
int user_path_get(struct user_path *path, user_ptr name, bool allow_empty);
void user_path_release(struct user_path *path);

/*
 * Who watches an inode, by inotify or F_NOTIFY. inode_marks_get makes them if there are none (NULL: no memory), inode_marks_put frees them if
 * nobody watches any more.
 */
struct inode_marks {
	struct list_head inotify, dnotify;
};
struct inode_marks *inode_marks_get(struct inode *inode);
void inode_marks_put(struct inode *inode);
/* An event beside IN_*: a file got another name in the same directory. */
#define FSNOTIFY_RENAME 0x40000
void dnotify_event(struct inode *dir, u32 mask);
/* A descriptor of this table that led to the file was closed. */
void dnotify_file_closed(struct file *file, const struct files_struct *files);

/* Leases that there are, in all: without any, nobody needs to ask. */
extern unsigned leases_in_use;
/* Before a file is opened or cut off: waits until no lease is in the way. 0, -EWOULDBLOCK, -ERESTARTSYS. */
int lease_break(struct inode *inode, bool write, bool nonblock);
void lease_remove_file(struct file *file);

#define MAX_LINKS 40
enum last_kind { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/* A walk in progress. */
struct walk {
	struct path path;       /* where it stands; counted */
	struct path root;       /* what "/" means and ".." cannot pass; counted */
	unsigned flags;         /* LOOKUP_* */
	unsigned links;         /* symlinks followed so far */
	unsigned depth;         /* link bodies under way */
	const char *rest;       /* what is left of the innermost name */
	const char *saved[MAX_LINKS + 1];
	char *bodies[MAX_LINKS + 1];  /* heap strings that `rest` and `saved` point into */
	unsigned nr_bodies;
	char *last;             /* the last component, not terminated */
	size_t last_length;
	enum last_kind last_kind;
	bool trailing_slash;    /* the last component must be a directory */
};
int walk_start(struct walk *w, int dfd, const char *name, unsigned flags);
/* Goes to the directory of the last component. */
int walk_parent(struct walk *w);
/* Steps onto the last component: 0; 1 if it was a symlink to be followed (call walk_parent again); or an error. */
int walk_last(struct walk *w, bool follow);
/* Steps from w->path into `d` (counted, consumed), a positive child: mounts and links. As walk_last. */
int walk_into(struct walk *w, struct dentry *d, bool follow);
void walk_end(struct walk *w);
/* The path the walk ended at becomes the caller's. */
void walk_finish(struct walk *w, struct path *ret_path);

/* Child `name` of dir: cached or looked up; counted; may be negative. */
struct dentry *lookup_child(struct dentry *dir, const char *name, size_t length);
/* The same with dir->inode->lock held. */
struct dentry *lookup_child_locked(struct dentry *dir, const char *name, size_t length);

/* dentry.c */
struct dentry *dentry_new(struct dentry *parent, const char *name, size_t length); /* unhashed, negative, counted */
void dentry_hash(struct dentry *d);
void dentry_move(struct dentry *d, struct dentry *target);
void dentry_exchange(struct dentry *a, struct dentry *b);
void dentry_prune_children(struct dentry *d);
void dentry_destroy_tree(struct dentry *root);
void dentries_shrink(unsigned nr);
bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor);
extern unsigned dentries_in_use, dentries_unused;

/* mount.c */
#define SB_NAMELESS (1UL << 31) /* in super_block.flags: pipefs and its like, which stand nowhere in the tree */
struct mount *mount_alloc(struct super_block *sb, struct dentry *root, unsigned flags, const char *source);
struct mount *mount_lookup(struct mount *parent, struct dentry *mountpoint);
void follow_mounts(struct path *path);
bool follow_up(struct path *path);
int do_mount(const char *source, const struct path *target, const char *type, unsigned long flags, const char *data);
int do_umount(const struct path *target, int flags);
int do_pivot_root(const struct path *new_root, const struct path *put_old);
extern struct mnt_namespace init_mnt_ns;

/* nameops.c: changes of the tree, with Linux's checks in Linux's order. */
int may_create(const struct path *dir);
mode_t mode_for_new(const struct inode *dir, mode_t mode);
int vfs_mknod_at(int dfd, const char *name, mode_t mode, dev_t rdev);
int vfs_mkdir_at(int dfd, const char *name, mode_t mode);
int vfs_unlink_at(int dfd, const char *name, bool directory);
int vfs_symlink_at(const char *target, int dfd, const char *name);
int vfs_link_at(int old_dfd, const char *old_name, int new_dfd, const char *new_name, int flags);
int vfs_rename_at(int old_dfd, const char *old_name, int new_dfd, const char *new_name, unsigned flags);
char *vfs_readlink(const struct path *path);
int vfs_truncate(const struct path *path, loff_t size, struct file *file);

/* device_rules.c: 0, or -EPERM for what the configuration does not allow; access: BOOT_DEVICE_*. */
int device_permission(mode_t mode, dev_t rdev, unsigned access);

/* inode.c */
#define ATTR_TIMES_SET 0x80 /* the times are the caller's own, not "now" */
#define ATTR_KILL_PRIV 0x100 /* a write or chown: set-id bits go */
int vfs_getattr(const struct path *path, struct kstat *ret_stat);
int vfs_remove_privs(struct file *f);
void file_accessed(struct file *f);

static inline bool is_directory(const struct dentry *d) { return d->inode && S_ISTYPE(d->inode->mode, S_IFDIR); }

static inline dev_t dev_make(u32 major, u32 minor)
{
	return ((u64)(major & 0xfffff000) << 32) | ((u64)(major & 0xfff) << 8) | ((u64)(minor & 0xffffff00) << 12) |
	       (minor & 0xff);
}
static inline u32 dev_major(dev_t dev) { return (u32)((dev >> 32 & 0xfffff000) | (dev >> 8 & 0xfff)); }
static inline u32 dev_minor(dev_t dev) { return (u32)((dev >> 12 & 0xffffff00) | (dev & 0xff)); }

#endif
