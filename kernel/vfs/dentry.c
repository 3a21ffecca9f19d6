/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of names. A dentry that nobody holds stays, positive or negative, until it is the least recently used of
 * too many. A child holds its parent, so an unused dentry's path to its root is always there.
 */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#define HASH_BITS 14
#define UNUSED_MAX 6144 /* with their inodes about 4 MiB */

static struct hlist_head hash_table[1 << HASH_BITS] __cold_data;
static LIST_HEAD(unused); /* most recently used first */
unsigned dentries_in_use, dentries_unused;

typedef u64 __attribute__((may_alias, aligned(1))) word64;
typedef u32 __attribute__((may_alias, aligned(1))) word32;
typedef u16 __attribute__((may_alias, aligned(1))) word16;

/* The last (or only) bytes of a name as one word; reads nothing beyond them. */
static inline u64 last_word(const char *name, size_t length)
{
	if (length >= 8)
		return *(const word64 *)(name + length - 8);
	if (length >= 4)
		return (u64)*(const word32 *)name << 32 | *(const word32 *)(name + length - 4);
	if (length >= 2)
		return (u64)*(const word16 *)name << 16 | *(const word16 *)(name + length - 2);
	return (u8)name[0];
}

static inline u32 name_hash(const struct dentry *parent, const char *name, size_t length)
{
	u64 h = ((u64)parent >> 4) + length;
	for (size_t i = 0; i + 8 < length; i += 8) {
		h = (h ^ *(const word64 *)(name + i)) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	h = (h ^ last_word(name, length)) * 0x9e3779b97f4a7c15ULL;
	return (u32)(h >> 32);
}

/* Of names of the same length. */
static inline bool same_name(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i + 8 < length; i += 8) {
		if (*(const word64 *)(a + i) != *(const word64 *)(b + i))
			return false;
	}
	return last_word(a, length) == last_word(b, length);
}

static inline struct hlist_head *bucket(u32 hash) { return &hash_table[hash >> (32 - HASH_BITS)]; }

static int set_name(struct dentry *d, const char *name, size_t length)
{
	char *to = d->inline_name;
	if (length >= sizeof(d->inline_name)) {
		to = kmalloc(length + 1);
		if (!to)
			return -ENOMEM;
	}
	memcpy(to, name, length);
	to[length] = 0;
	d->name = to;
	d->name_length = (u16)length;
	return 0;
}

static struct dentry *dentry_make(const char *name, size_t length, struct super_block *sb)
{
	struct dentry *d = kzalloc(sizeof(*d));
	if (!d)
		return NULL;
	if (set_name(d, name, length)) {
		kfree(d);
		return NULL;
	}
	refcount_set(&d->count, 1);
	d->sb = sb;
	d->unhashed = true;
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->alias);
	list_init(&d->lru);
	dentries_in_use++;
	return d;
}

struct dentry *dentry_make_root(struct inode *inode)
{
	struct dentry *d = dentry_make("/", 1, inode->sb);
	if (!d) {
		inode_put(inode);
		return NULL;
	}
	d->parent = d;
	d->unhashed = false; /* a root is never found by name, nor ever deleted */
	d->inode = inode;
	list_add_tail(&d->alias, &inode->dentries);
	return d;
}

struct dentry *dentry_new(struct dentry *parent, const char *name, size_t length)
{
	struct dentry *d = dentry_make(name, length, parent->sb);
	if (!d)
		return NULL;
	d->parent = dentry_get(parent);
	list_add_tail(&d->sibling, &parent->children);
	return d;
}

void dentry_hash(struct dentry *d)
{
	if (!d->unhashed)
		return;
	d->name_hash = name_hash(d->parent, d->name, d->name_length);
	d->unhashed = false;
	hlist_add(&d->hash, bucket(d->name_hash));
}

static struct dentry *find(const struct dentry *parent, const char *name, size_t length)
{
	u32 hash = name_hash(parent, name, length);
	struct dentry *d;
	hlist_for_each_entry(d, bucket(hash), hash) {
		if (d->name_hash == hash && d->parent == parent && d->name_length == length &&
		    same_name(d->name, name, length))
			return d;
	}
	return NULL;
}

struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length)
{
	struct dentry *d = find(parent, name, length);
	if (!d)
		return NULL;
	if (d->count.count == 0) {
		list_del(&d->lru);
		dentries_unused--;
		refcount_set(&d->count, 1);
	} else {
		refcount_inc(&d->count);
	}
	return d;
}

struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t length)
{
	struct dentry *d = dentry_find(parent, name, length);
	if (d)
		return d;
	d = dentry_new(parent, name, length);
	if (d)
		dentry_hash(d);
	return d;
}

void dentry_bind(struct dentry *d, struct inode *inode)
{
	debug_assert(!d->inode);
	d->inode = inode;
	list_add_tail(&d->alias, &inode->dentries);
}

void dentry_drop(struct dentry *d)
{
	if (d->unhashed || d->parent == d)
		return;
	hlist_del(&d->hash);
	d->unhashed = true;
	/* One that is unused has nobody left who would free it. */
	if (d->count.count == 0) {
		list_del(&d->lru);
		dentries_unused--;
		refcount_set(&d->count, 1);
		dentry_put(d);
	}
}

/* Frees one dentry without references; returns the parent, whose reference the caller now has to drop. */
static struct dentry *dentry_free(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;
	struct inode *inode = d->inode;
	debug_assert(list_empty(&d->children));
	hlist_del(&d->hash);
	list_del(&d->sibling);
	list_del(&d->alias);
	list_del(&d->lru);
	d->inode = NULL;
	if (d->name != d->inline_name)
		kfree(d->name);
	kfree(d);
	dentries_in_use--;
	if (inode && !inode->nlink && inode->marks)
		fsnotify_inode_gone(inode);
	inode_put(inode);
	return parent;
}

void dentry_put(struct dentry *d)
{
	while (d && refcount_dec_and_test(&d->count)) {
		if (!d->unhashed) {
			list_add(&d->lru, &unused);
			if (++dentries_unused > UNUSED_MAX)
				dentries_shrink(64);
			return;
		}
		d = dentry_free(d);
	}
}

void dentries_shrink(unsigned nr)
{
	while (nr-- && !list_empty(&unused)) {
		struct dentry *d = list_last_entry(&unused, struct dentry, lru);
		list_del(&d->lru);
		dentries_unused--;
		dentry_put(dentry_free(d));
	}
}

/* Forgets the unused children of a directory that is gone. */
void dentry_prune_children(struct dentry *d)
{
	struct dentry *child, *next;
	dentry_get(d);
	list_for_each_entry_safe(child, next, &d->children, sibling) {
		if (child->count.count == 0)
			dentry_drop(child);
	}
	dentry_put(d);
}

/* The super block dies: all references that are left are the file system's pins. Children go before parents. */
void dentry_destroy_tree(struct dentry *root)
{
	struct dentry *d = root;
	while (d) {
		struct dentry *parent;
		while (!list_empty(&d->children))
			d = list_first_entry(&d->children, struct dentry, sibling);
		if (!list_empty(&d->lru))
			dentries_unused--;
		parent = d == root ? NULL : d->parent;
		dentry_free(d);
		if (parent)
			parent->count.count--;
		d = parent;
	}
}

struct dentry *dentry_add_child(struct dentry *parent, const char *name, struct inode *inode)
{
	struct dentry *d = dentry_alloc(parent, name, strlen(name));
	if (!d) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	if (d->inode) {
		inode_put(inode);
		dentry_put(d);
		return ERR_PTR(-EEXIST);
	}
	dentry_bind(d, inode);
	return d;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor)
{
	for (;; d = d->parent) {
		if (d == ancestor)
			return true;
		if (d->parent == d)
			return false;
	}
}

static void take_name(struct dentry *d, struct dentry *from)
{
	char *old = d->name == d->inline_name ? NULL : d->name;
	if (from->name == from->inline_name) {
		memcpy(d->inline_name, from->inline_name, sizeof(d->inline_name));
		d->name = d->inline_name;
	} else {
		d->name = from->name;
		from->name = from->inline_name;
	}
	d->name_length = from->name_length;
	/* `from` keeps a name for those who still look at it. */
	if (from->name == from->inline_name && from->name_length >= sizeof(from->inline_name)) {
		memcpy(from->inline_name, "?", 2);
		from->name_length = 1;
	}
	kfree(old);
}

static void take_parent(struct dentry *d, struct dentry *parent)
{
	struct dentry *old = d->parent;
	if (old == parent)
		return;
	d->parent = dentry_get(parent);
	list_del(&d->sibling);
	list_add_tail(&d->sibling, &parent->children);
	dentry_put(old);
}

/* After a rename: d takes the place of target, which is found no more. */
void dentry_move(struct dentry *d, struct dentry *target)
{
	if (!d->unhashed)
		hlist_del(&d->hash);
	d->unhashed = true;
	dentry_drop(target);
	take_name(d, target);
	take_parent(d, target->parent);
	dentry_hash(d);
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *parent_a = dentry_get(a->parent), *parent_b = dentry_get(b->parent);
	char inline_name[sizeof(a->inline_name)];
	char *heap_a = a->name == a->inline_name ? NULL : a->name;
	char *heap_b = b->name == b->inline_name ? NULL : b->name;
	u16 length = a->name_length;

	hlist_del(&a->hash);
	hlist_del(&b->hash);
	a->unhashed = b->unhashed = true;
	memcpy(inline_name, a->inline_name, sizeof(inline_name));
	memcpy(a->inline_name, b->inline_name, sizeof(inline_name));
	memcpy(b->inline_name, inline_name, sizeof(inline_name));
	a->name = heap_b ? heap_b : a->inline_name;
	b->name = heap_a ? heap_a : b->inline_name;
	a->name_length = b->name_length;
	b->name_length = length;
	take_parent(a, parent_b);
	take_parent(b, parent_a);
	dentry_hash(a);
	dentry_hash(b);
	dentry_put(parent_a);
	dentry_put(parent_b);
}
