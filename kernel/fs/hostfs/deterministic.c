// SPDX-License-Identifier: Apache-2.0
/*
 * What --deterministic shows of host files in place of what the host says: numbers of inodes made from names and from the order in which
 * files are made, times of this kernel's clock for what changes during the run, and no free space that others use too.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/time/virtual.h"

#define MADE_HERE (1ULL << 40)  /* numbers of files made during the run */
#define FOUND_MASK (MADE_HERE - 1)

static void keep(struct inode *inode, u64 number)
{
	inode->ino = number;
	HOSTFS_I(inode)->numbered = true;
}

u64 hostfs_number_of(const struct inode *dir, const char *name, size_t length)
{
	u64 hash = dir->ino;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (u8)name[i]) * 0x100000001b3ULL;
	return hash_u64(hash) & FOUND_MASK;
}

void hostfs_found(const struct inode *dir, const char *name, struct inode *inode)
{
	if (deterministic && !HOSTFS_I(inode)->numbered)
		keep(inode, dir ? hostfs_number_of(dir, name, strlen(name)) : FOUND_MASK);
}

void hostfs_made(struct inode *inode)
{
	static u64 last = MADE_HERE;

	if (!deterministic)
		return;
	keep(inode, ++last);
	inode->btime = current_time();
	hostfs_changed(inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
}

void hostfs_changed(struct inode *inode, unsigned times)
{
	if (!deterministic)
		return;
	/* What the host says of its last access is the time of the last change, maybe one of another run. */
	if (!(HOSTFS_I(inode)->overrides & OVERRIDE_TIMES))
		times |= ATTR_ATIME;
	inode_touch(inode, times);
	hostfs_override(inode, OVERRIDE_TIMES);
}

void hostfs_hide_host(struct inode *inode)
{
	if (!(HOSTFS_I(inode)->overrides & OVERRIDE_TIMES))
		inode->atime = inode->mtime; /* it is the last run's */
	inode->blocks = (u64)((inode->size + PAGE_SIZE - 1) / PAGE_SIZE * (PAGE_SIZE / 512));
}

void hostfs_hide_use(struct kstatfs *statfs)
{
	statfs->bfree = statfs->bavail = statfs->blocks / 2;
	statfs->ffree = statfs->files / 2;
}
