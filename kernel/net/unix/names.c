// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses of AF_UNIX (unix(7)): a path of the file system, whose S_IFSOCK inode stands for the bound socket;
 * an abstract name, which starts with a NUL byte and ends with the address' length; or none.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"

#define NAME_BUCKETS 256

static struct hlist_head abstract_names[NAME_BUCKETS];
static struct hlist_head bound_inodes[NAME_BUCKETS];
static u32 next_auto_name;

static struct hlist_head *inode_bucket(const struct inode *inode)
{
	return &bound_inodes[hash_u64((u64)inode) % NAME_BUCKETS];
}

static u64 abstract_hash(const struct sockaddr_un *name, int length, int type)
{
	return hash_bytes(name->sun_path, (size_t)length - UNIX_PATH_OFFSET) ^ (u64)type;
}

int unix_check_name(const u8 *name, int length)
{
	const struct sockaddr_un *address = (const void *)name;

	if (length <= (int)UNIX_PATH_OFFSET || length > (int)sizeof(*address) || address->sun_family != AF_UNIX)
		return -EINVAL;
	return 0;
}

void unix_address_put(struct unix_address *address)
{
	if (address && refcount_dec_and_test(&address->count))
		kfree(address);
}

static struct unix_address *address_make(const void *name, int length)
{
	struct unix_address *address = kzalloc(sizeof(*address));

	if (!address)
		return NULL;
	refcount_set(&address->count, 1);
	address->length = length;
	memcpy(&address->name, name, (size_t)length);
	return address;
}

/* A path of an address, with its NUL; the address may come without one. */
static void name_to_path(const u8 *name, int length, char path[UNIX_PATH_MAX + 1])
{
	size_t n = (size_t)length - UNIX_PATH_OFFSET;

	memcpy(path, name + UNIX_PATH_OFFSET, n);
	path[n] = 0;
}

static struct unix_sock *find_abstract(const struct sockaddr_un *name, int length, int type, u64 hash)
{
	struct unix_sock *u;

	hlist_for_each_entry(u, &abstract_names[hash % NAME_BUCKETS], name_link) {
		if (u->address->hash == hash && u->address->length == length && u->base.type == type &&
		    !memcmp(&u->address->name, name, (size_t)length))
			return u;
	}
	return NULL;
}

static struct unix_sock *find_path(const char *path_name, int type)
{
	struct unix_sock *u, *found = NULL;
	struct path path;
	struct inode *inode;
	int error;

	error = path_lookup(AT_FDCWD, path_name, LOOKUP_FOLLOW, &path);
	if (error)
		return ERR_PTR(error);
	inode = path.dentry->inode;
	error = inode_permission(inode, MAY_WRITE);
	if (!error) {
		error = -ECONNREFUSED;
		if (S_ISTYPE(inode->mode, S_IFSOCK)) {
			hlist_for_each_entry(u, inode_bucket(inode), name_link) {
				if (u->path.dentry->inode == inode) {
					found = u;
					break;
				}
			}
		}
	}
	if (found) {
		error = found->base.type == type ? 0 : -EPROTOTYPE;
		if (!error)
			unix_get(found);
	}
	path_put(&path);
	return error ? ERR_PTR(error) : found;
}

struct unix_sock *unix_find(const u8 *name, int length, int type)
{
	const struct sockaddr_un *address = (const void *)name;
	char path[UNIX_PATH_MAX + 1];
	struct unix_sock *u;

	if (address->sun_path[0]) {
		name_to_path(name, length, path);
		return find_path(path, type);
	}
	u = find_abstract(address, length, type, abstract_hash(address, length, type));
	return u ? unix_get(u) : ERR_PTR(-ECONNREFUSED);
}

static int bind_abstract(struct unix_sock *u, const u8 *name, int length)
{
	const struct sockaddr_un *given = (const void *)name;
	u64 hash = abstract_hash(given, length, u->base.type);
	struct unix_address *address;

	if (u->address)
		return -EINVAL;
	if (find_abstract(given, length, u->base.type, hash))
		return -EADDRINUSE;
	address = address_make(name, length);
	if (!address)
		return -ENOMEM;
	address->hash = hash;
	u->address = address;
	hlist_add(&u->name_link, &abstract_names[hash % NAME_BUCKETS]);
	return 0;
}

/* Removes the name that a bind made and cannot use. */
static void undo_mknod(const char *path_name)
{
	struct path parent;
	char *last;

	if (path_lookup_parent(AT_FDCWD, path_name, &parent, &last))
		return;
	vfs_unlink(&parent, last);
	path_put(&parent);
	kfree(last);
}

static int bind_path(struct unix_sock *u, const u8 *name, int length)
{
	char path_name[UNIX_PATH_MAX + 1];
	struct unix_address *address;
	struct path path;
	mode_t mode = u->base.file ? u->base.file->inode->mode : 0777;
	int error;

	name_to_path(name, length, path_name);
	address = address_make(name, (int)UNIX_PATH_OFFSET);
	if (!address)
		return -ENOMEM;
	address->length = (int)(UNIX_PATH_OFFSET + strlen(path_name) + 1);
	memcpy(address->name.sun_path, path_name, min(strlen(path_name), sizeof(address->name.sun_path)));
	error = kernel_mknod_at(AT_FDCWD, path_name, S_IFSOCK | (mode & 0777 & ~current->fs->umask), 0, &path);
	if (error) {
		unix_address_put(address);
		return error == -EEXIST ? -EADDRINUSE : error;
	}
	/* Making the inode may have slept: somebody else may have bound this socket meanwhile. */
	if (u->address) {
		path_put(&path);
		unix_address_put(address);
		undo_mknod(path_name);
		return -EINVAL;
	}
	u->address = address;
	u->path = path;
	hlist_add(&u->name_link, inode_bucket(path.dentry->inode));
	return 0;
}

int unix_autobind(struct unix_sock *u)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int error;

	if (u->address)
		return 0;
	for (u32 tries = 0; tries < 0x100000; tries++) {
		char digits[6];

		snprintf(digits, sizeof(digits), "%05x", next_auto_name++ & 0xfffff);
		memcpy(name.sun_path + 1, digits, 5);
		error = bind_abstract(u, (const u8 *)&name, (int)UNIX_PATH_OFFSET + 6);
		if (error != -EADDRINUSE)
			return error;
	}
	return -ENOSPC;
}

int unix_bind(struct socket *sock, const u8 *name, int length)
{
	const struct sockaddr_un *address = (const void *)name;
	struct unix_sock *u = unix_sk(sock);
	int error;

	if (length == (int)UNIX_PATH_OFFSET && address->sun_family == AF_UNIX)
		return unix_autobind(u);
	error = unix_check_name(name, length);
	if (error)
		return error;
	return address->sun_path[0] ? bind_path(u, name, length) : bind_abstract(u, name, length);
}

/* The name is free from now on; what connected through it shares the address. */
void unix_unname(struct unix_sock *u)
{
	struct path path = u->path;

	hlist_del(&u->name_link);
	u->path = (struct path){ NULL, NULL };
	if (path.dentry)
		path_put(&path);
}

int unix_copy_name(const struct unix_sock *u, u8 *name)
{
	struct sockaddr_un *out = (void *)name;

	if (!u->address) {
		out->sun_family = AF_UNIX;
		return (int)UNIX_PATH_OFFSET;
	}
	memcpy(name, &u->address->name, min((size_t)u->address->length, sizeof(u->address->name)));
	/* A path of 108 bytes has its NUL one byte behind the structure. */
	if (u->address->length > (int)sizeof(u->address->name))
		name[sizeof(u->address->name)] = 0;
	return u->address->length;
}

int unix_getname(struct socket *sock, u8 *name, int peer)
{
	struct unix_sock *u = unix_sk(sock);

	if (!peer)
		return unix_copy_name(u, name);
	if (!u->peer)
		return -ENOTCONN;
	return unix_copy_name(u->peer, name);
}
