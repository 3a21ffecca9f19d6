/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpfs(5): files in memory. Used as itself, as the base of devtmpfs and for memfds (fs/memfd.c).
 *
 * A directory owns its entries, and an entry holds its inode: the dentry cache may forget anything. Everything is
 * protected by the kernel lock; no operation sleeps except truncation of mapped files, as its last action.
 */
#ifndef KERNEL_FS_TMPFS_TMPFS_H
#define KERNEL_FS_TMPFS_TMPFS_H

#include "kernel/mm/object.h"
#include "kernel/vfs/vfs.h"
#include "lib/rbtree.h"

struct tmpfs_super {
	u64 max_pages, used_pages;   /* 0: no limit */
	u64 max_inodes, used_inodes; /* 0: no limit */
	ino_t next_ino;
	bool show_size, show_inodes, show_mode, show_uid, show_gid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct tmpfs_entry {
	struct rb_node order;   /* by cookie */
	struct hlist_node hash;
	u64 cookie;             /* position in getdents; never used again */
	struct inode *inode;    /* counted */
	u32 name_hash;
	u16 length;
	char name[];
};

struct tmpfs_xattr {
	struct list_head link;
	char *name;
	size_t size;
	u8 value[];
};

struct tmpfs_inode {
	struct inode *inode;
	struct list_head xattrs;
	unsigned seals;         /* F_SEAL_* */
	union {
		struct page_store store; /* S_IFREG */
		char *target;            /* S_IFLNK */
		struct {                 /* S_IFDIR */
			struct rb_root order;
			struct hlist_head *buckets;
			unsigned nr_buckets, nr_entries;
			u64 next_cookie;
		} dir;
	};
};
static inline struct tmpfs_inode *tmpfs_i(const struct inode *inode) { return inode->private; }
static inline struct tmpfs_super *tmpfs_sb(const struct super_block *sb) { return sb->private; }

/* super.c */
extern const struct super_operations tmpfs_super_ops;
/* A new file system of `type` with an empty root; data: mount options. ERR_PTR. */
struct super_block *tmpfs_make(const struct file_system_type *type, unsigned long flags, const char *data);
/* A new inode without a name, nlink 1 (directories 2), owned by current; dir may be NULL. ERR_PTR(-ENOSPC, -ENOMEM). */
struct inode *tmpfs_inode_make(struct super_block *sb, struct inode *dir, mode_t mode, dev_t rdev);

/* dir.c */
extern const struct inode_operations tmpfs_dir_iops;
extern const struct file_operations tmpfs_dir_fops;
/* Adds an entry; takes over the reference to inode. -ENOMEM (the reference stays with the caller). */
int tmpfs_add(struct inode *dir, const char *name, size_t length, struct inode *inode);
struct tmpfs_entry *tmpfs_find(struct inode *dir, const char *name, size_t length);
void tmpfs_dir_free(struct inode *dir);

/* file.c */
extern const struct inode_operations tmpfs_file_iops, tmpfs_link_iops, tmpfs_special_iops;
extern const struct file_operations tmpfs_file_fops;
extern const struct page_store_ops tmpfs_store_ops;
int tmpfs_setattr(struct inode *inode, const struct iattr *attr);
int tmpfs_getattr(struct inode *inode, struct kstat *ret_stat);

/* xattr.c */
ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t tmpfs_listxattr(struct inode *inode, char *list, size_t size);
int tmpfs_removexattr(struct inode *inode, const char *name);
void tmpfs_xattrs_free(struct tmpfs_inode *info);
#define TMPFS_XATTR_OPS .getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr

#endif
