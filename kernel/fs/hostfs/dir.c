/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings of host directories: read whole, kept with the inode until the directory changes. An open directory keeps the
 * listing it began with, so that its positions stay true while entries are removed; rewinding takes a new one.
 */
#include "kernel/fs/hostfs/hostfs.h"

#include <linux/fs.h>

#define CACHE_MAX (4UL << 20) /* bytes of listings kept for all directories */

struct listing_entry {
	u64 ino;
	u32 name; /* offset in names */
	u16 length;
	u8 type;
};

struct hostfs_listing {
	unsigned users;
	unsigned nr, room;
	struct listing_entry *entries;
	char *names;
	size_t names_used, names_room;
};
static size_t cached_bytes;

static size_t listing_bytes(const struct hostfs_listing *l) { return l->room * sizeof(*l->entries) + l->names_room; }

static void listing_put(struct hostfs_listing *l)
{
	if (!l || --l->users)
		return;
	kfree(l->entries);
	kfree(l->names);
	kfree(l);
}

void hostfs_listing_drop(struct inode *dir)
{
	struct hostfs_inode *hi = HOSTFS_I(dir);
	if (!hi->listing)
		return;
	cached_bytes -= listing_bytes(hi->listing);
	listing_put(hi->listing);
	hi->listing = NULL;
}

static int add_entry(struct hostfs_listing *l, u64 ino, u8 type, const char *name, size_t length)
{
	struct listing_entry *entries;
	if (l->nr == l->room) {
		unsigned room = l->room ? l->room * 2 : 32;
		entries = krealloc(l->entries, room * sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		l->entries = entries;
		l->room = room;
	}
	if (l->names_used + length > l->names_room) {
		size_t room = l->names_room ? l->names_room * 2 : 512;
		char *names = krealloc(l->names, room);
		if (!names)
			return -ENOMEM;
		l->names = names;
		l->names_room = room;
	}
	memcpy(l->names + l->names_used, name, length);
	l->entries[l->nr++] = (struct listing_entry){ ino, (u32)l->names_used, (u16)length, type };
	l->names_used += length;
	return 0;
}

struct host_dirent {
	u64 ino;
	s64 offset;
	u16 record_length;
	u8 type;
	char name[];
};

static int add_records(struct hostfs_listing *l, const char *buffer, long n)
{
	for (long at = 0; at < n;) {
		const struct host_dirent *record = (const struct host_dirent *)(buffer + at);
		size_t length = strnlen(record->name, NAME_MAX + 1);
		at += record->record_length;
		if (length > NAME_MAX || !record->record_length)
			return -EIO;
		if (record->name[0] == '.' && (length == 1 || (length == 2 && record->name[1] == '.')))
			continue;
		if (add_entry(l, record->ino, record->type, record->name, length))
			return -ENOMEM;
	}
	return 0;
}

static bool entry_before(const struct hostfs_listing *l, const struct listing_entry *a, const struct listing_entry *b)
{
	int order = memcmp(l->names + a->name, l->names + b->name, min(a->length, b->length));

	return order ? order < 0 : a->length < b->length;
}

/* --deterministic: the host's order depends on what was in the directory before. Shell sort. */
static void sort_entries(struct hostfs_listing *l)
{
	for (unsigned gap = l->nr / 2; gap; gap /= 2) {
		for (unsigned i = gap; i < l->nr; i++) {
			struct listing_entry e = l->entries[i];
			unsigned at = i;

			for (; at >= gap && entry_before(l, &e, &l->entries[at - gap]); at -= gap)
				l->entries[at] = l->entries[at - gap];
			l->entries[at] = e;
		}
	}
}

/* A descriptor of its own, because the position of a host directory cannot be set back. */
static long open_for_listing(struct inode *dir)
{
	struct hostfs_handle *h;
	long fd = hostfs_dir_get(dir, &h);
	if (fd)
		return fd;
	for (int attempt = 0; attempt < 2; attempt++) {
		kernel_unlock();
		fd = host_openat(h->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
		kernel_lock();
		if (fd == -EMFILE || fd == -ENFILE)
			hostfs_handles_shrink(hostfs_handles_open / 2);
		else if (fd != -EACCES || hostfs_force_access(dir))
			break;
	}
	hostfs_handle_put(h);
	return fd;
}

static struct hostfs_listing *listing_read(struct inode *dir)
{
	struct hostfs_listing *l = kzalloc(sizeof(*l));
	char *buffer = heap_pages_alloc(8);
	long fd = -ENOMEM, n = -ENOMEM;

	if (l && buffer) {
		l->users = 1;
		fd = n = open_for_listing(dir);
	}
	while (n >= 0) {
		kernel_unlock();
		n = host_getdents64((int)fd, buffer, 8 * PAGE_SIZE);
		kernel_lock();
		if (n <= 0)
			break;
		n = add_records(l, buffer, n);
	}
	if (fd >= 0)
		host_close((int)fd);
	if (buffer)
		heap_pages_free(buffer, 8);
	if (n < 0) {
		if (l && l->users)
			listing_put(l);
		else
			kfree(l);
		return ERR_PTR(n);
	}
	if (unlikely(deterministic))
		sort_entries(l);
	return l;
}

static struct hostfs_listing *listing_get(struct inode *dir)
{
	struct hostfs_inode *hi = HOSTFS_I(dir);
	struct hostfs_listing *l;
	u64 version;

	if (hi->listing) {
		hi->listing->users++;
		return hi->listing;
	}
	mutex_lock(&dir->lock);
	version = dir->version;
	l = hi->listing ? NULL : listing_read(dir);
	if (!l) {
		l = hi->listing;
		l->users++;
	} else if (!IS_ERR(l) && version == dir->version && !HOSTFS_SB(dir->sb)->shared &&
	           cached_bytes + listing_bytes(l) <= CACHE_MAX) {
		l->users++;
		hi->listing = l;
		cached_bytes += listing_bytes(l);
	}
	mutex_unlock(&dir->lock);
	return l;
}

/* Device nodes that only this kernel knows are plain files on the host. */
static u8 type_of(struct inode *dir, struct dentry *d, const struct listing_entry *e, const char *name)
{
	u8 type = e->type;
	if (type == 8 && HOSTFS_SB(dir->sb)->mapped) {
		struct dentry *child = dentry_find(d, name, e->length);
		if (child) {
			if (child->inode)
				type = child->inode->mode >> 12 & 15;
			dentry_put(child);
		}
	}
	return type;
}

static u64 number_of(struct file *f, const char *name, size_t length)
{
	struct dentry *child = dentry_find(f->path.dentry, name, length);
	u64 number = child && child->inode ? child->inode->ino : hostfs_number_of(f->inode, name, length);

	if (child)
		dentry_put(child);
	return number;
}

static int hostfs_iterate(struct file *f, struct dir_context *ctx)
{
	struct hostfs_listing *l = f->private;

	if (ctx->pos == 0 || !l) {
		l = listing_get(f->inode);
		if (IS_ERR(l))
			return (int)PTR_ERR(l);
		listing_put(f->private);
		f->private = l;
	}
	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos - 2 < (loff_t)l->nr) {
		const struct listing_entry *e = &l->entries[ctx->pos - 2];
		const char *name = l->names + e->name;
		u64 ino = unlikely(deterministic) ? number_of(f, name, e->length) : e->ino;
		if (!dir_emit(ctx, name, e->length, ino, type_of(f->inode, f->path.dentry, e, name)))
			break;
		ctx->pos++;
	}
	file_accessed(f);
	return 0;
}

static void hostfs_dir_release(struct file *f) { listing_put(f->private); }

static long fsync_on_async_thread(void *arg) { return host_fsync(*(int *)arg); }

static int hostfs_dir_fsync(struct file *f, bool data_only)
{
	long fd = open_for_listing(f->inode), error;
	int host_fd = (int)fd;
	if (fd < 0)
		return (int)fd;
	error = async_host_io(fsync_on_async_thread, &host_fd, &(struct async_subject){ "fsync", f->inode, 0, 0 });
	host_close(host_fd);
	return (int)error;
}

static loff_t hostfs_dir_llseek(struct file *f, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence == SEEK_END)
		return -EINVAL;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	f->pos = offset;
	return offset;
}

const struct file_operations hostfs_dir_fops = {
	.name = "hostfs directory",
	.iterate = hostfs_iterate,
	.llseek = hostfs_dir_llseek,
	.release = hostfs_dir_release,
	.fsync = hostfs_dir_fsync,
};
