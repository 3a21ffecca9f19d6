/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostfs: a directory of the host as a file system.
 *
 * Every object is reached by one component relative to its parent's descriptor, never following a host symlink, so
 * nothing in the directory leads out of it. Descriptors, attributes, link targets and directory listings stay cached:
 * a container owns its root file system, so what was read stays true until the kernel itself changes it. Directories
 * that others change too (`shared`) are asked again on every walk.
 *
 *   inode.c   host objects and their inodes, attributes, what the container's owner sees
 *   handle.c  host descriptors: one for reading and one for writing per inode, kept after close, LRU
 *   names.c   lookup, create, unlink, rename, ...
 *   file.c    read, write, mmap, ...    dir.c  listings
 *   small_reads.c   a page of a file that is read piece by piece
 *   super.c   mounting, the monitor's operations    xattr.c  extended attributes    deterministic.c  what reproducible runs see
 */
#ifndef KERNEL_FS_HOSTFS_H
#define KERNEL_FS_HOSTFS_H

#include "host.gen.h"
#include "kernel/host/monitor.h"
#include "kernel/init/async.h"
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

struct hostfs_super {
	struct super_block *sb;
	int index;        /* of boot->mounts */
	bool shared;      /* others change it: nothing cached is trusted */
	bool mapped;      /* BOOT_ROOT_MAPPED */
	bool no_nowait, no_nowait_write; /* the host's file system knows no RWF_NOWAIT, for reading, for writing */
	u64 root_dev;
	struct mutex tree_lock; /* held over calls that name objects by their whole path, and by renames */
};

/* A host descriptor that stays open while nobody uses it, until it is the least recently used of too many. */
struct hostfs_handle {
	int fd;           /* -1: not open */
	unsigned users;
	struct list_head lru;
};

struct hostfs_listing;
struct hostfs_page;

/* What this kernel remembers instead of the host: it may not, or cannot, be stored there. */
#define OVERRIDE_MODE 1
#define OVERRIDE_UID 2
#define OVERRIDE_GID 4
#define OVERRIDE_TYPE 8 /* the type bits of mode, and rdev */
#define OVERRIDE_TIMES 16

struct hostfs_inode {
	struct inode *inode;
	u64 host_dev, host_ino;
	mode_t host_mode;
	struct hostfs_handle read;  /* O_RDONLY; for a directory O_PATH */
	struct hostfs_handle write; /* O_RDWR */
	bool stale;                 /* times, blocks, links have changed on the host since they were read */
	bool numbered;              /* inode->ino is not the host's (deterministic.c) */
	bool pinned;                /* holds a reference to itself, because of overrides */
	unsigned overrides;
	char *target;               /* of a symlink */
	struct hostfs_listing *listing;
	struct hostfs_page *page;   /* small_reads.c; small reads so far of the page small_index */
	u64 small_index;
	u8 small_reads;
	bool shared_writable;       /* a program could change the contents through a mapping */
	enum { XATTRS_UNKNOWN, XATTRS_NONE, XATTRS_SOME } xattrs;
};

static inline struct hostfs_inode *HOSTFS_I(const struct inode *inode) { return inode->private; }
static inline struct hostfs_super *HOSTFS_SB(const struct super_block *sb) { return sb->private; }

/* handle.c */
void hostfs_handle_init(struct hostfs_handle *h);
/* A descriptor of a directory for *at calls: h->fd until hostfs_handle_put. 0, -ESTALE, -ENOENT, host errors. */
int hostfs_dir_get(struct inode *dir, struct hostfs_handle **ret_handle);
/* Of a regular file. */
int hostfs_file_get(struct inode *inode, bool write, struct hostfs_handle **ret_handle);
void hostfs_handle_put(struct hostfs_handle *h);
void hostfs_handle_close(struct hostfs_handle *h);
void hostfs_handle_set(struct hostfs_handle *h, int fd); /* takes over an open descriptor */
/* Closes unused descriptors until there are at most `limit`. */
void hostfs_handles_shrink(unsigned limit);
extern unsigned hostfs_handles_open;
struct dentry *hostfs_alias(struct inode *inode); /* a name that the inode still has, counted, or NULL */

/* inode.c */
#define HOSTFS_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME)
struct inode *hostfs_inode_for(struct super_block *sb, const struct statx *stx); /* counted; ERR_PTR(-ENOMEM) */
void hostfs_fill(struct inode *inode, const struct statx *stx);
bool hostfs_same(const struct inode *inode, const struct statx *stx);
int hostfs_refresh(struct inode *inode);
void hostfs_lost_link(struct inode *inode);
/* Gives a new object the mode and owner that this caller's new objects have. */
void hostfs_bind_new(struct inode *dir, struct dentry *dentry, struct inode *inode, mode_t mode);
/* The host refuses its own user what the container's root may do: opens the mode up there and remembers the real one. */
void hostfs_keep_privs(struct inode *inode);
int hostfs_force_access(struct inode *inode);
void hostfs_override(struct inode *inode, unsigned what);
void hostfs_evict(struct inode *inode);
int hostfs_getattr(struct inode *inode, struct kstat *st);
int hostfs_setattr(struct inode *inode, const struct iattr *attr);

/* names.c */
char *hostfs_readlink(struct inode *inode);

/* small_reads.c */
/* -EAGAIN: the host has to be asked. Only for a file that only this kernel changes; to->count > 0, within its size. */
ssize_t hostfs_read_small(struct file *f, struct io_iter *to, loff_t pos);
void hostfs_page_drop(struct hostfs_inode *hi);

/* dir.c */
void hostfs_listing_drop(struct inode *dir);

/* deterministic.c: these do nothing in other runs. The inode was found under a name (dir NULL: the root); was made; has changed. */
void hostfs_found(const struct inode *dir, const char *name, struct inode *inode);
void hostfs_made(struct inode *inode);
void hostfs_changed(struct inode *inode, unsigned times);
/* Only with --deterministic. */
u64 hostfs_number_of(const struct inode *dir, const char *name, size_t length);
void hostfs_hide_host(struct inode *inode); /* after its attributes were read */
void hostfs_hide_use(struct kstatfs *statfs);

/* super.c */
/* A monitor operation on an inode, by a name it has. -ESTALE: it has none. */
long hostfs_monitor(enum monitor_op op, struct inode *inode, const s64 arg[4], const void *data, size_t data_size, void *ret,
		    size_t ret_size);
/* The path of d, and of its child if that is not NULL, from the mount's directory, at the end of a buffer of MONITOR_PATH
 * bytes; NULL: too long. The caller holds tree_lock. */
char *hostfs_path_of(struct dentry *d, const char *child, char *buffer);
struct super_block *hostfs_mount_index(int index);

/* xattr.c */
ssize_t hostfs_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int hostfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t hostfs_listxattr(struct inode *inode, char *list, size_t size);
int hostfs_removexattr(struct inode *inode, const char *name);

extern const struct inode_operations hostfs_dir_iops, hostfs_shared_dir_iops, hostfs_file_iops, hostfs_link_iops;
extern const struct file_operations hostfs_dir_fops, hostfs_file_fops;

#endif
