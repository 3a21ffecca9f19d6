/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual file system: inodes, dentries, mounts, open files, descriptor tables, path walks.
 *
 *   file (an open file description) -> path (mount + dentry) -> inode -> super_block
 *
 * References: a file holds its path; a path holds its mount and its dentry; a dentry holds its inode and its
 * parent; an inode does not hold its dentries. All counts and links are protected by the kernel lock; file
 * contents and directory changes by inode->lock (a mutex) where an operation may sleep.
 *
 * Operations are called with the kernel lock held unless they say otherwise, and may sleep.
 */
#ifndef KERNEL_VFS_VFS_H
#define KERNEL_VFS_VFS_H

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/limits.h>

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/kernel.h"
#include "kernel/locking.h"
#include "kernel/mm/pages.h"
#include "kernel/vfs/poll.h"

struct cred;
struct file;
struct inode;
struct dentry;
struct super_block;
struct mount;
struct vma;
struct mm_struct;
struct file_lock_context;
struct inode_marks;
struct pipe;

struct timespec64 {
	s64 tv_sec;
	s64 tv_nsec;
};

/* A place in the tree. Copying one does not take references; path_get and path_put do. */
struct path {
	struct mount *mount;
	struct dentry *dentry;
};

/* What stat returns; filled from the inode by generic_getattr. */
struct kstat {
	dev_t dev;
	ino_t ino;
	mode_t mode;
	u32 nlink;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	loff_t size;
	u64 blocks; /* 512 bytes each */
	u32 blksize;
	struct timespec64 atime, mtime, ctime, btime;
	u64 mount_id;
	u64 attributes, attributes_mask; /* STATX_ATTR_* */
};

/* What chmod, chown, truncate and utimensat change. */
#define ATTR_MODE 0x01
#define ATTR_UID 0x02
#define ATTR_GID 0x04
#define ATTR_SIZE 0x08
#define ATTR_ATIME 0x10
#define ATTR_MTIME 0x20
#define ATTR_CTIME 0x40
struct iattr {
	unsigned valid;
	mode_t mode; /* permission bits only */
	uid_t uid;
	gid_t gid;
	loff_t size;
	struct timespec64 atime, mtime, ctime;
	struct file *file; /* the open file for ftruncate, else NULL */
};

struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	u64 fsid;
};

struct inode_operations {
	/* In directory `dir` find dentry->name: binds the dentry to an inode with dentry_bind(), or leaves it negative.
	 * 0 or an error; -ENOENT only where names cannot be made (proc): nothing is cached then. dir->lock is held. */
	int (*lookup)(struct inode *dir, struct dentry *dentry);
	/* Make and bind; the dentry is negative, dir->lock is held, permissions are checked. mode has its type bits. */
	int (*create)(struct inode *dir, struct dentry *dentry, mode_t mode);
	int (*mkdir)(struct inode *dir, struct dentry *dentry, mode_t mode);
	int (*mknod)(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t rdev);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*link)(struct inode *dir, struct dentry *dentry, struct inode *target);
	/* The vfs drops the dentry after success. rmdir: -ENOTEMPTY is the file system's to find. */
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	/* `new` may be positive (it is replaced). The vfs moves the dentries after success. flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. */
	int (*rename)(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, unsigned flags);
	/* O_TMPFILE: a new inode without a name, one reference. */
	struct inode *(*tmpfile)(struct inode *dir, mode_t mode);
	/* Target of a symlink, a heap string the caller frees, or ERR_PTR. */
	char *(*readlink)(struct inode *inode);
	/* Magic links (/proc/PID/fd/N, exe, cwd, root): where they lead; takes references. Used instead of readlink in walks. */
	int (*follow_link)(struct inode *inode, struct path *ret_path);
	/* Own permission rule; NULL: generic_permission. mask: MAY_*. */
	int (*permission)(struct inode *inode, unsigned mask);
	int (*getattr)(struct inode *inode, struct kstat *ret_stat); /* NULL: generic_getattr */
	int (*setattr)(struct inode *inode, const struct iattr *attr); /* NULL: generic_setattr */
	/* Extended attributes. get/list return the size needed, copy if it fits (`size` 0: only ask), -ERANGE if not. */
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
	ssize_t (*listxattr)(struct inode *inode, char *list, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
	/* For dentries that can go stale (proc, shared host directories): false drops the dentry. NULL: always valid.
	 * Taken from the ops of the parent directory, so it also sees negative dentries. */
	bool (*revalidate)(struct dentry *dentry);
};

/* Receives directory entries. Returns false when its buffer is full: stop, the entry was not taken. */
struct dir_context {
	bool (*emit)(struct dir_context *ctx, const char *name, size_t length, ino_t ino, unsigned type /* DT_* */);
	loff_t pos; /* the cookie of the next entry; 0 is the start */
};
static inline bool dir_emit(struct dir_context *ctx, const char *name, size_t length, ino_t ino, unsigned type)
{
	return ctx->emit(ctx, name, length, ino, type);
}
/* Emits "." and ".." at positions 0 and 1; true if there is room for more. */
bool dir_emit_dots(struct file *file, struct dir_context *ctx);

struct file_operations {
	const char *name; /* shown by traces */
	/* *pos is advanced. Return bytes moved or an error; 0 is end of file. file->flags has O_NONBLOCK, O_APPEND, ... */
	ssize_t (*read)(struct file *file, struct io_iter *to, loff_t *pos);
	ssize_t (*write)(struct file *file, struct io_iter *from, loff_t *pos);
	loff_t (*llseek)(struct file *file, loff_t offset, int whence); /* NULL: -ESPIPE */
	int (*iterate)(struct file *file, struct dir_context *ctx);     /* getdents */
	unsigned (*poll)(struct file *file, struct poll_table *table);  /* NULL: always readable and writable */
	long (*ioctl)(struct file *file, unsigned cmd, u64 arg);        /* -ENOIOCTLCMD: unknown */
	/* Called for a vma that is about to be made over this file: fill vma->backing (see mm.h) or refuse. */
	int (*mmap)(struct file *file, struct vma *vma);
	int (*open)(struct inode *inode, struct file *file);            /* may replace file->ops and file->private */
	int (*flush)(struct file *file);                                /* each close(2) of a descriptor */
	void (*release)(struct file *file);                             /* last reference gone */
	int (*fsync)(struct file *file, bool data_only);
	int (*fallocate)(struct file *file, int mode, loff_t offset, loff_t length);
	void (*fadvise)(struct file *file, loff_t offset, loff_t length, int advice); /* posix_fadvise(2); length 0: to the end */
	int (*set_flags)(struct file *file, unsigned flags);            /* fcntl F_SETFL; may refuse */
	void (*show_fdinfo)(struct file *file, char *buffer, size_t size);
	bool disk; /* reads and writes may have to wait for the host's disk; reads obey iter->nowait (-EAGAIN) */
};

struct super_operations {
	void (*evict_inode)(struct inode *inode); /* no references and no links left, or memory is wanted: free inode->private */
	int (*statfs)(struct super_block *sb, struct kstatfs *ret_statfs);
	void (*put_super)(struct super_block *sb);
	int (*sync_fs)(struct super_block *sb);
	int (*remount)(struct super_block *sb, unsigned long flags, const char *data); /* NULL: options are ignored */
	void (*show_options)(struct super_block *sb, char *buffer, size_t size); /* for mountinfo: ",size=..." */
};

struct file_system_type {
	const char *name;
	unsigned long magic;
	/* A new super block (or an existing one with a new reference) with sb->root set. `data` is a kernel string or NULL. */
	struct super_block *(*mount)(const struct file_system_type *type, unsigned long flags, const char *source, const char *data);
	bool needs_device;
	bool kernel_only; /* mount(2) may not use it */
	struct list_head link;
};
void register_filesystem(struct file_system_type *type);
struct file_system_type *find_filesystem(const char *name);
struct file_system_type *next_filesystem(const struct file_system_type *after); /* NULL: the first; for /proc/filesystems */

struct super_block {
	refcount_t count;
	const struct file_system_type *type;
	const struct super_operations *ops;
	struct dentry *root;
	dev_t dev; /* anonymous device number, unique */
	unsigned long flags; /* MS_RDONLY ... */
	u64 blocksize;
	struct list_head inodes;
	void *private;
};
/* dev is assigned; one reference; root is NULL. NULL when out of memory. */
struct super_block *super_alloc(const struct file_system_type *type, const struct super_operations *ops);
void super_put(struct super_block *sb);

struct inode {
	ino_t ino;
	mode_t mode;
	u32 nlink;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	loff_t size;
	u64 blocks;
	struct timespec64 atime, mtime, ctime, btime;
	struct super_block *sb;
	const struct inode_operations *ops;
	const struct file_operations *fops; /* what an open file starts with */
	refcount_t count;
	/* The size of an inode is a size class of the heap: mind it. */
	int writers : 31;           /* open for writing; negative: denied (ETXTBSY) */
	bool linkable : 1;          /* O_TMPFILE without O_EXCL: linkat(2) may give it a name */
	struct mutex lock;
	u64 version; /* counts changes */
	struct list_head sb_link;
	struct hlist_node hash;  /* for file systems that look inodes up by number */
	struct list_head dentries; /* aliases, not counted */
	struct file_lock_context *locks; /* flock, POSIX, OFD; vfs/locks.c */
	struct inode_marks *marks;       /* NULL: nobody watches; vfs/inotify.c, vfs/dnotify.c */
	struct pipe *pipe;               /* S_IFIFO, while open; fs/pipe/pipe.c */
	struct exec_head *exec_head;     /* heap; first bytes, kept from the last exec: task/elf.c */
	void *private; /* the file system's */
};
/* count 1, times now, lock ready, on sb->inodes. NULL when out of memory. */
struct inode *inode_alloc(struct super_block *sb, mode_t mode);
static inline struct inode *inode_get(struct inode *inode) { refcount_inc(&inode->count); return inode; }
void inode_put(struct inode *inode);
struct timespec64 current_time(void); /* CLOCK_REALTIME now */
void inode_touch(struct inode *inode, unsigned attr_times); /* ATTR_ATIME | ATTR_MTIME | ATTR_CTIME to now */
static inline bool S_ISTYPE(mode_t mode, mode_t type) { return (mode & S_IFMT) == type; }

#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
int inode_permission(struct inode *inode, unsigned mask); /* with current's fs ids and capabilities; 0 or -EACCES, -EROFS */
int generic_permission(struct inode *inode, unsigned mask);
int generic_getattr(struct inode *inode, struct kstat *ret_stat);
int generic_setattr(struct inode *inode, const struct iattr *attr);

struct dentry {
	refcount_t count;
	struct dentry *parent; /* counted; the root's is itself (not counted) */
	struct inode *inode;   /* counted; NULL: negative */
	struct super_block *sb;
	struct hlist_node hash;      /* (parent, name) */
	struct list_head children, sibling;
	struct list_head alias;      /* inode->dentries */
	struct list_head lru;
	bool unhashed;   /* deleted: no longer found */
	bool mounted;    /* something is mounted here, in some namespace */
	u32 name_hash;
	u16 name_length;
	char *name;      /* inline_name or heap */
	char inline_name[40];
	void *private;   /* the file system's */
};
static inline struct dentry *dentry_get(struct dentry *d) { refcount_inc(&d->count); return d; }
void dentry_put(struct dentry *d);
/* A root dentry; takes over the caller's reference to inode. */
struct dentry *dentry_make_root(struct inode *inode);
/* A new, hashed, negative dentry under parent, or the one that is there. Counted. */
struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t length);
struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length); /* cached, counted, or NULL */
/* Makes a negative dentry positive; takes over the caller's reference to inode. */
void dentry_bind(struct dentry *d, struct inode *inode);
void dentry_drop(struct dentry *d); /* no longer found by name */
/* For file systems made of dentries alone (devtmpfs, devpts, proc roots): makes and binds in one step, takes over the reference
 * to inode; ERR_PTR. The caller keeps the reference to the dentry for as long as the name is to exist: unlink is
 * dentry_drop and dentry_put. Other file systems whose dentries must not be forgotten hold a reference of their own too. */
struct dentry *dentry_add_child(struct dentry *parent, const char *name, struct inode *inode);

struct mount {
	refcount_t count;
	int id;
	struct super_block *sb;
	struct dentry *root;      /* counted; may be below sb->root (bind) */
	struct mount *parent;     /* NULL: namespace root or detached */
	struct dentry *mountpoint;
	unsigned flags;           /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, propagation */
	struct list_head children, sibling;
	struct list_head ns_link;
	struct hlist_node hash;
	struct mnt_namespace *ns;
	char *source;
	int peer_group, master_group;
};
struct mnt_namespace {
	refcount_t count;
	struct mount *root;
	struct list_head mounts; /* in mount order */
	struct wait_queue_head poll; /* /proc/self/mounts readers */
	u64 event;
	u32 inum;
};
/* Shown as ino of /proc/PID/ns/mnt; mounts hold their parents, paths hold mounts. */
struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
void path_get(const struct path *path);
void path_put(const struct path *path);
static inline bool path_equal(const struct path *a, const struct path *b) { return a->mount == b->mount && a->dentry == b->dentry; }
/* Mounts an existing super block's subtree at `where`; used by init, devpts, ... Returns the mount or ERR_PTR. */
struct mount *mount_attach(struct super_block *sb, struct dentry *root, const struct path *where, unsigned flags, const char *source);
/* Mounts a type by name at a kernel path (init). */
int kernel_mount(const char *type, const char *source, const char *target, unsigned long flags, const char *data);

struct file {
	refcount_t count;
	unsigned flags;  /* O_* as given to open, without O_CLOEXEC and creation flags */
	bool readable, writable;
	const struct file_operations *ops;
	struct path path;       /* dentry NULL never: anonymous files have a dentry on the anon file system */
	struct inode *inode;    /* path.dentry->inode */
	loff_t pos;
	void *private;
	struct list_head epoll_items; /* epoll watches on this file; vfs/epoll.c */
	u64 writers_seen;       /* FIFO reader: generation of writers at a non-blocking open; fs/pipe/pipe.c */
	pid_t owner;            /* F_SETOWN */
	int owner_type;         /* F_SETOWN_EX: F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP */
	int owner_signal;       /* F_SETSIG */
	uid_t owner_uid, owner_euid; /* of who set the owner */
	struct sigio *sigio;    /* while O_ASYNC is set; vfs/sigio.c */
	const struct cred *cred; /* the opener's; counted */
	struct mutex pos_lock;  /* calls that use and move pos, on regular files and directories */
	bool counts_writer;     /* it is one of inode->writers */
	bool denies_writers;    /* a running program: nobody may open it for writing */
	u64 serial;             /* no other open file has it, or had it: unlike the address, which soon belongs to another. Not 0 */
};
static inline struct file *file_get(struct file *f) { refcount_inc(&f->count); return f; }
void file_put(struct file *f); /* the last one calls release; may sleep */
/* Opens what `path` names (references are taken), with current's cred; runs ops->open. ERR_PTR. */
struct file *file_open_path(const struct path *path, unsigned flags);
/* For exec: as long as this open file exists its inode cannot be opened for writing. -ETXTBSY: it is. */
int file_deny_writers(struct file *f);
/* A file without a name in the tree: "pipe:[N]", "anon_inode:[eventfd]". `private` becomes file->private. ERR_PTR(-ENOMEM, -ENFILE). */
struct file *anon_file(const char *name, const struct file_operations *ops, void *private, unsigned flags);
/* The same with an inode of its own of the given mode (S_IFIFO, S_IFSOCK), on pipefs/sockfs-like super blocks. */
struct file *anon_inode_file(const char *class_name, mode_t mode, const struct file_operations *ops, void *private, unsigned flags);
/* A second open file on the inode of `first`: the other end of a pipe. */
struct file *anon_file_peer(struct file *first, const struct file_operations *ops, void *private, unsigned flags);
ssize_t file_read(struct file *f, struct io_iter *to, loff_t *pos);   /* checks mode and range, calls ops */
ssize_t file_write(struct file *f, struct io_iter *from, loff_t *pos);
/* What a write checks and does before it writes (limits, set-id bits); file_write includes it. May cut *from. */
int file_write_check(struct file *f, struct io_iter *from, const loff_t *pos);
unsigned file_poll(struct file *f, struct poll_table *table);
ssize_t kernel_read(struct file *f, void *buffer, size_t n, loff_t pos);

/* Descriptor tables: shared by CLONE_FILES, copied by fork. Protected by the kernel lock. */
struct files_struct {
	refcount_t count;
	unsigned capacity;
	struct file **files;
	u64 *open;          /* bitmap */
	u64 *close_on_exec; /* bitmap */
	unsigned next_free; /* nothing free below */
};
struct files_struct *files_alloc(void);
struct files_struct *files_copy(const struct files_struct *from); /* ERR_PTR(-ENOMEM) */
void files_put(struct files_struct *files);
void files_close_on_exec(struct files_struct *files);
bool fd_closes_on_exec(const struct files_struct *files, unsigned fd); /* false, too, of one that is not open */
struct file *fget(unsigned fd);            /* counted; NULL if not open or O_PATH */
struct file *fget_any(unsigned fd);        /* also O_PATH */
struct file *fget_task(struct task_struct *task, unsigned fd);
/* Reserves the lowest descriptor >= from below RLIMIT_NOFILE: >= 0, -EMFILE, -ENOMEM. */
int fd_reserve(unsigned from, bool close_on_exec);
void fd_release(unsigned fd);              /* of a reserved one */
void fd_install(unsigned fd, struct file *f); /* takes over the reference */
/* Reserve and install; drops the file on failure. */
int fd_install_new(struct file *f, bool close_on_exec);
int fd_close(unsigned fd);
int fd_replace(unsigned fd, struct file *f, bool close_on_exec); /* dup2: takes over the reference; fd or an error */
int fd_close_file(struct files_struct *files, unsigned fd);

/* Current directory, root and umask: shared by CLONE_FS. */
struct fs_struct {
	refcount_t count;
	struct path root, pwd;
	mode_t umask;
};
extern struct fs_struct init_fs; /* root and pwd are set by the initcall "rootfs" */
extern struct mnt_namespace init_mnt_ns;
struct fs_struct *fs_copy(const struct fs_struct *from);
void fs_put(struct fs_struct *fs);

/* Path walks. */
#define LOOKUP_FOLLOW 0x01    /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY 0x02 /* the result must be a directory */
#define LOOKUP_EMPTY 0x04     /* "" means dfd itself (AT_EMPTY_PATH) */
#define LOOKUP_NO_SYMLINKS 0x10
#define LOOKUP_NO_MAGICLINKS 0x20
#define LOOKUP_NO_XDEV 0x40
#define LOOKUP_BENEATH 0x80
#define LOOKUP_IN_ROOT 0x100
/* Resolve; *ret_path is counted. 0 or an error. dfd: a descriptor or AT_FDCWD. */
int path_lookup(int dfd, const char *name, unsigned flags, struct path *ret_path);
int user_path_lookup(int dfd, user_ptr name, unsigned flags, struct path *ret_path);
/*
 * Resolve all but the last component for a call that will make or remove it: *ret_parent is counted,
 * *ret_name is a heap string without slashes (the caller frees it). -EEXIST/-ENOENT/... are the caller's to find.
 */
int path_lookup_parent(int dfd, const char *name, struct path *ret_parent, char **ret_name);
char *user_path_string(user_ptr name, bool allow_empty); /* heap, ERR_PTR(-EFAULT, -ENOENT, -ENAMETOOLONG, -ENOMEM) */
/* Opens as open(2) does; how = O_* flags. ERR_PTR. */
struct file *do_file_open(int dfd, const char *name, unsigned flags, mode_t mode, unsigned lookup_flags);
/* Absolute path as current sees it (its root is "/"), written to the end of buffer; ERR_PTR(-ENAMETOOLONG). Deleted ones
 * get " (deleted)", those outside current's root start with "(unreachable)". */
char *path_string(const struct path *path, char *buffer, size_t size);
char *path_string_from(const struct path *root, const struct path *path, char *buffer, size_t size);
/* Kernel-internal tree changes with no permission checks by name, used by unix bind and init. mode with type bits. */
int kernel_mknod_at(int dfd, const char *name, mode_t mode, dev_t rdev, struct path *ret_path);
int kernel_mkdir(const char *name, mode_t mode);
int kernel_symlink(const char *target, const char *name);
/* The vfs half of unlink and friends, shared with mq and unix. */
int vfs_unlink(const struct path *parent, const char *name);
int vfs_setattr(const struct path *path, struct iattr *attr); /* with permission checks */
int mount_want_write(const struct path *path); /* -EROFS */

/* Character devices: opening an S_IFCHR inode finds its operations here. */
int register_chrdev(unsigned major, unsigned first_minor, unsigned count, const struct file_operations *ops);
const struct file_operations *chrdev_find(dev_t rdev);
/* FIFOs: opening an S_IFIFO inode calls this (fs/pipe.c). */
extern const struct file_operations fifo_fops;

/* Hooks of other parts, called by the vfs. */
void locks_remove_file(struct file *f);                             /* last reference: flock and OFD locks */
void locks_remove_posix(struct file *f, struct files_struct *files); /* any close by this table */
void epoll_file_released(struct file *f);
int sigio_start(struct file *f, int fd); /* O_ASYNC is set; 0 or -ENOMEM */
void sigio_stop(struct file *f);
/* inotify: `mask` IN_*; `name` for events seen by the parent directory, or NULL. */
void fsnotify_dentry(struct dentry *d, unsigned mask);                                   /* both the inode and its parent */
void fsnotify_name(struct inode *dir, unsigned mask, const char *name, u32 cookie, bool is_dir);
void fsnotify_inode_gone(struct inode *inode); /* the last link and the last open file went: IN_DELETE_SELF */
void fsnotify_super_gone(struct super_block *sb); /* the last mount went: IN_UNMOUNT; watches hold inodes */
u32 fsnotify_next_cookie(void);                /* pairs IN_MOVED_FROM and IN_MOVED_TO */

/* Simple in-memory pieces that several file systems use. */
loff_t generic_llseek(struct file *file, loff_t offset, int whence); /* with SEEK_DATA/HOLE on a file without holes */
loff_t noop_llseek(struct file *file, loff_t offset, int whence);
char *simple_readlink(struct inode *inode);     /* inode->private is the target string */
extern const struct file_operations simple_dir_fops; /* lists the children dentries */
extern const struct inode_operations simple_dir_iops; /* lookup finds only what dentry_add_child made */

#endif
