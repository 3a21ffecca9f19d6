/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes of host objects: found by (host device, host inode number), so that hard links are one inode.
 *
 * The host's attributes are read when an object is looked up, and again on the first stat after a change (`stale`).
 * For an unprivileged container (BOOT_ROOT_MAPPED) the host user's files belong to root; owners, device nodes and modes
 * that the host user cannot store are remembered here, in inodes that stay in memory for it.
 */
#include "kernel/fs/hostfs/hostfs.h"

#define HASH_SIZE 4096
static struct hlist_head inode_table[HASH_SIZE] __cold_data;

static struct hlist_head *bucket(const struct super_block *sb, u64 dev, u64 ino)
{
	return &inode_table[hash_u64(ino ^ dev << 40 ^ (u64)sb) % HASH_SIZE];
}

static u64 host_dev_of(const struct statx *stx) { return (u64)stx->stx_dev_major << 32 | stx->stx_dev_minor; }

static struct timespec64 time_of(const struct statx_timestamp *t) { return (struct timespec64){ t->tv_sec, t->tv_nsec }; }

bool hostfs_same(const struct inode *inode, const struct statx *stx)
{
	const struct hostfs_inode *hi = HOSTFS_I(inode);
	return hi->host_ino == stx->stx_ino && hi->host_dev == host_dev_of(stx) &&
	       ((hi->overrides & OVERRIDE_TYPE) || (inode->mode & S_IFMT) == (stx->stx_mode & S_IFMT));
}

#define OVERFLOW_ID 65534U /* of owners that have no id inside */

/* linux.uidMappings of an OCI config. */
static u32 id_inside(const struct boot_id_range *ranges, u32 nr, u32 id)
{
	if (!nr)
		return id;
	for (u32 i = 0; i < nr && i < BOOT_MAX_ID_RANGES; i++)
		if (id - ranges[i].host < ranges[i].size)
			return ranges[i].container + (id - ranges[i].host);
	return OVERFLOW_ID;
}

/* -1: it has none on the host. */
static s64 id_on_host(const struct boot_id_range *ranges, u32 nr, u32 id)
{
	if (!nr)
		return id;
	for (u32 i = 0; i < nr && i < BOOT_MAX_ID_RANGES; i++)
		if (id - ranges[i].container < ranges[i].size)
			return ranges[i].host + (id - ranges[i].container);
	return -1;
}

static uid_t seen_uid(const struct hostfs_super *hs, u32 uid)
{
	return hs->mapped && uid == boot->host_uid ? 0 : id_inside(boot->uid_ranges, boot->nr_uid_ranges, uid);
}

static gid_t seen_gid(const struct hostfs_super *hs, u32 gid)
{
	return hs->mapped && gid == boot->host_gid ? 0 : id_inside(boot->gid_ranges, boot->nr_gid_ranges, gid);
}

/* -EPERM: the host is not to be told, the kernel remembers it. */
static long change_owner(struct inode *inode, bool set_uid, uid_t uid, bool set_gid, gid_t gid)
{
	s64 arg[4] = { set_uid ? id_on_host(boot->uid_ranges, boot->nr_uid_ranges, uid) : -1,
		       set_gid ? id_on_host(boot->gid_ranges, boot->nr_gid_ranges, gid) : -1 };

	if (HOSTFS_SB(inode->sb)->mapped || (set_uid && arg[0] < 0) || (set_gid && arg[1] < 0))
		return -EPERM;
	return hostfs_monitor(MON_CHOWN, inode, arg, NULL, 0, NULL, 0);
}

void hostfs_fill(struct inode *inode, const struct statx *stx)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	struct hostfs_super *hs = HOSTFS_SB(inode->sb);
	mode_t keep = 0;

	hi->host_mode = stx->stx_mode;
	if (hi->overrides & OVERRIDE_MODE)
		keep |= 07777;
	if (hi->overrides & OVERRIDE_TYPE)
		keep |= S_IFMT;
	else
		inode->rdev = dev_make(stx->stx_rdev_major, stx->stx_rdev_minor);
	inode->mode = (inode->mode & keep) | (stx->stx_mode & ~keep);
	if (!(hi->overrides & OVERRIDE_UID))
		inode->uid = seen_uid(hs, stx->stx_uid);
	if (!(hi->overrides & OVERRIDE_GID))
		inode->gid = seen_gid(hs, stx->stx_gid);
	inode->nlink = stx->stx_nlink;
	inode->size = (loff_t)stx->stx_size;
	inode->blocks = stx->stx_blocks;
	if (!(hi->overrides & OVERRIDE_TIMES)) {
		inode->atime = time_of(&stx->stx_atime);
		inode->mtime = time_of(&stx->stx_mtime);
		inode->ctime = time_of(&stx->stx_ctime);
		inode->btime = stx->stx_mask & STATX_BTIME ? time_of(&stx->stx_btime) : (struct timespec64){ 0, 0 };
	}
	if (unlikely(deterministic))
		hostfs_hide_host(inode);
	hi->stale = false;
}

static void set_operations(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = HOSTFS_SB(inode->sb)->shared ? &hostfs_shared_dir_iops : &hostfs_dir_iops;
		inode->fops = &hostfs_dir_fops;
		break;
	case S_IFLNK:
		inode->ops = &hostfs_link_iops;
		inode->fops = NULL;
		break;
	default:
		inode->ops = &hostfs_file_iops;
		inode->fops = S_ISTYPE(inode->mode, S_IFREG) ? &hostfs_file_fops : NULL;
	}
}

struct inode *hostfs_inode_for(struct super_block *sb, const struct statx *stx)
{
	struct hostfs_super *hs = HOSTFS_SB(sb);
	u64 dev = host_dev_of(stx);
	struct hlist_head *head = bucket(sb, dev, stx->stx_ino);
	struct hostfs_inode *hi;
	struct inode *inode;

	hlist_for_each_entry(inode, head, hash) {
		if (inode->sb == sb && HOSTFS_I(inode)->host_ino == stx->stx_ino && hostfs_same(inode, stx)) {
			hostfs_fill(inode, stx);
			return inode_get(inode);
		}
	}
	hi = kzalloc(sizeof(*hi));
	if (!hi)
		return ERR_PTR(-ENOMEM);
	inode = inode_alloc(sb, stx->stx_mode);
	if (!inode) {
		kfree(hi);
		return ERR_PTR(-ENOMEM);
	}
	inode->private = hi;
	hi->inode = inode;
	hi->host_dev = dev;
	hi->host_ino = stx->stx_ino;
	hostfs_handle_init(&hi->read);
	hostfs_handle_init(&hi->write);
	/* File systems mounted below the directory have inode numbers of their own: keep the pair (st_dev, st_ino) unique. */
	inode->ino = stx->stx_ino;
	if (hs->root_dev && dev != hs->root_dev)
		inode->ino ^= hash_u64(dev) << 32;
	hostfs_fill(inode, stx);
	set_operations(inode);
	hlist_add(&inode->hash, head);
	return inode;
}

void hostfs_evict(struct inode *inode)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	if (!hi)
		return;
	hostfs_handle_close(&hi->read);
	hostfs_handle_close(&hi->write);
	if (hi->listing)
		hostfs_listing_drop(inode);
	hostfs_page_drop(hi);
	kfree(hi->target);
	kfree(hi);
	inode->private = NULL;
}

void hostfs_override(struct inode *inode, unsigned what)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	hi->overrides |= what;
	if (what & OVERRIDE_TYPE)
		set_operations(inode);
	if (!hi->pinned && inode->nlink) {
		hi->pinned = true;
		inode_get(inode);
	}
}

/* A name of the object is gone. With the last one its number may come back as another object. */
void hostfs_lost_link(struct inode *inode)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	if (S_ISTYPE(inode->mode, S_IFDIR))
		inode->nlink = 0;
	else if (inode->nlink)
		inode->nlink--;
	inode_touch(inode, ATTR_CTIME);
	hi->stale = inode->nlink != 0;
	if (inode->nlink) {
		hostfs_changed(inode, ATTR_CTIME);
		return;
	}
	hlist_del(&inode->hash);
	if (hi->pinned) {
		hi->pinned = false;
		inode_put(inode);
	}
}

/* Attributes from the host, by a descriptor if there is one, else by name. */
int hostfs_refresh(struct inode *inode)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	struct hostfs_handle *h = hi->write.fd >= 0 ? &hi->write : &hi->read;
	struct hostfs_handle *dir = NULL;
	struct dentry *d = NULL;
	struct inode *parent = NULL;
	char name[NAME_MAX + 1] = "";
	struct statx stx;
	long error;

	if (h->fd < 0) {
		d = hostfs_alias(inode);
		if (!d)
			return 0;
		parent = inode_get(d->parent->inode);
		memcpy(name, d->name, (size_t)d->name_length + 1);
		error = hostfs_dir_get(parent, &dir);
		if (error)
			goto out;
		h = dir;
	} else {
		h->users++;
		list_del(&h->lru);
	}
	kernel_unlock();
	error = host_statx(h->fd, name, AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH), HOSTFS_STATX_MASK, &stx);
	kernel_lock();
	hostfs_handle_put(h);
	if (!error && hostfs_same(inode, &stx)) {
		hostfs_fill(inode, &stx);
	} else if (d && !HOSTFS_SB(inode->sb)->shared) {
		error = 0; /* a rename is under way: what we knew is good enough */
	} else if (d) {
		error = error == -ENOENT || !error ? -ESTALE : error;
	}
out:
	inode_put(parent);
	if (d)
		dentry_put(d);
	return (int)error;
}

int hostfs_getattr(struct inode *inode, struct kstat *st)
{
	if (unlikely(HOSTFS_I(inode)->stale || HOSTFS_SB(inode->sb)->shared))
		hostfs_refresh(inode);
	return generic_getattr(inode, st);
}

/* --- owners and modes --- */

static int store_mode(struct inode *inode, mode_t mode)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	s64 arg[4] = { mode & 07777 };
	long error = 0;

	if (!(hi->overrides & (OVERRIDE_MODE | OVERRIDE_TYPE)))
		error = hostfs_monitor(MON_CHMOD, inode, arg, NULL, 0, NULL, 0);
	if (error == -EPERM || error == -ESTALE)
		hostfs_override(inode, OVERRIDE_MODE);
	else if (error)
		return (int)error;
	else
		hi->host_mode = (hi->host_mode & S_IFMT) | (mode & 07777);
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	hi->stale = true;
	hostfs_changed(inode, ATTR_CTIME);
	return 0;
}

/* The host takes set-id bits away when the sandbox writes; who has CAP_FSETID here keeps them. */
void hostfs_keep_privs(struct inode *inode)
{
	if (unlikely(inode->mode & (S_ISUID | S_ISGID)))
		store_mode(inode, inode->mode);
}

static int store_owner(struct inode *inode, bool set_uid, uid_t uid, bool set_gid, gid_t gid)
{
	unsigned overrides = (set_uid ? OVERRIDE_UID : 0) | (set_gid ? OVERRIDE_GID : 0);
	long error;

	if ((!set_uid || uid == inode->uid) && (!set_gid || gid == inode->gid))
		return 0;
	error = change_owner(inode, set_uid, uid, set_gid, gid);
	if (error == -EPERM || error == -ESTALE || error == -EINVAL)
		hostfs_override(inode, overrides);
	else if (error)
		return (int)error;
	if (set_uid)
		inode->uid = uid;
	if (set_gid)
		inode->gid = gid;
	HOSTFS_I(inode)->stale = true;
	hostfs_changed(inode, ATTR_CTIME);
	return 0;
}

/*
 * The name is bound only when the inode says who owns it, or others would see root's for a while: telling the host means to
 * sleep. Until the host has been told, what it says of owner and mode does not count.
 */
void hostfs_bind_new(struct inode *dir, struct dentry *dentry, struct inode *inode, mode_t mode)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	const struct cred *cred = current->cred;
	unsigned ours = (OVERRIDE_UID | OVERRIDE_GID | OVERRIDE_MODE) & ~hi->overrides, refused = 0;
	gid_t gid = dir->mode & S_ISGID ? dir->gid : cred->fsgid;
	bool others = inode->uid != cred->fsuid || inode->gid != gid;
	s64 bits[4];
	long error;

	if ((dir->mode & S_ISGID) && S_ISTYPE(mode, S_IFDIR))
		mode |= S_ISGID;
	bits[0] = mode & 07777;
	inode->uid = cred->fsuid;
	inode->gid = gid;
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	hi->overrides |= ours;
	dentry_bind(dentry, inode);
	if (others) {
		error = change_owner(inode, true, cred->fsuid, true, gid);
		if (error == -EPERM || error == -ESTALE || error == -EINVAL)
			refused |= OVERRIDE_UID | OVERRIDE_GID;
	}
	/* The host takes its own umask off and, on a chown, the set-id bits. */
	if (!S_ISTYPE(mode, S_IFLNK) && (((hi->host_mode ^ mode) & 07777) || (others && (mode & (S_ISUID | S_ISGID))))) {
		error = hostfs_monitor(MON_CHMOD, inode, bits, NULL, 0, NULL, 0);
		if (error == -EPERM || error == -ESTALE)
			refused |= OVERRIDE_MODE;
		else if (!error)
			hi->host_mode = (hi->host_mode & S_IFMT) | (mode & 07777);
	}
	hi->overrides &= ~(ours & ~refused);
	if (refused)
		hostfs_override(inode, refused);
	hi->stale = true;
	hostfs_changed(inode, ATTR_CTIME);
}

int hostfs_force_access(struct inode *inode)
{
	struct hostfs_super *hs = HOSTFS_SB(inode->sb);
	struct hostfs_inode *hi = HOSTFS_I(inode);
	mode_t wanted = hi->host_mode | (S_ISTYPE(inode->mode, S_IFDIR) ? 0700 : 0600);
	s64 arg[4] = { wanted & 07777 };
	long error;

	if (!hs->mapped || wanted == hi->host_mode)
		return -EACCES;
	error = hostfs_monitor(MON_CHMOD, inode, arg, NULL, 0, NULL, 0);
	if (error)
		return -EACCES;
	hi->host_mode = wanted;
	hostfs_override(inode, OVERRIDE_MODE);
	return 0;
}

static int store_size(struct inode *inode, const struct iattr *attr)
{
	struct hostfs_handle *h;
	long error = hostfs_file_get(inode, true, &h);
	if (error)
		return (int)error;
	kernel_unlock();
	error = host_ftruncate(h->fd, (u64)attr->size);
	kernel_lock();
	hostfs_handle_put(h);
	if (error)
		return (int)error;
	inode->size = attr->size;
	inode->version++;
	HOSTFS_I(inode)->stale = true;
	hostfs_changed(inode, ATTR_MTIME | ATTR_CTIME);
	hostfs_keep_privs(inode);
	return 0;
}

static int store_times(struct inode *inode, const struct iattr *attr)
{
	s64 arg[4] = { 0, ((1L << 30) - 2L) /* UTIME_OMIT */, 0, ((1L << 30) - 2L) };
	long error;
	if (attr->valid & ATTR_ATIME) {
		arg[0] = attr->atime.tv_sec;
		arg[1] = attr->atime.tv_nsec;
	}
	if (attr->valid & ATTR_MTIME) {
		arg[2] = attr->mtime.tv_sec;
		arg[3] = attr->mtime.tv_nsec;
	}
	error = hostfs_monitor(MON_UTIMENS, inode, arg, NULL, 0, NULL, 0);
	if (error && error != -ESTALE && error != -EPERM)
		return (int)error;
	if (attr->valid & ATTR_ATIME)
		inode->atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		inode->mtime = attr->mtime;
	HOSTFS_I(inode)->stale = !error;
	hostfs_changed(inode, ATTR_CTIME);
	return 0;
}

int hostfs_setattr(struct inode *inode, const struct iattr *attr)
{
	bool times = attr->valid & (ATTR_ATIME | ATTR_MTIME);
	int error = 0;
	if (attr->valid & ATTR_SIZE) {
		error = store_size(inode, attr);
		times = false; /* the host has set them */
	}
	if (!error && (attr->valid & (ATTR_UID | ATTR_GID)))
		error = store_owner(inode, attr->valid & ATTR_UID, attr->uid, attr->valid & ATTR_GID, attr->gid);
	if (!error && (attr->valid & ATTR_MODE))
		error = store_mode(inode, attr->mode);
	if (!error && times)
		error = store_times(inode, attr);
	if (!error && (attr->valid & ATTR_CTIME))
		inode->ctime = attr->ctime;
	inode->version++;
	return error;
}

const struct inode_operations hostfs_file_iops = {
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.getxattr = hostfs_getxattr,
	.setxattr = hostfs_setxattr,
	.listxattr = hostfs_listxattr,
	.removexattr = hostfs_removexattr,
};

const struct inode_operations hostfs_link_iops = {
	.readlink = hostfs_readlink,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
};
