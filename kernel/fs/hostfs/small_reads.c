/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small reads of one page of a file, again and again (a shell reading a script byte by byte, a database looking at a header), do not
 * go to the host each time: from the third on they are answered from a copy of the page.
 *
 * Only files that nobody else changes have such a copy: of the container's own root file system, and not mapped shared by a program that may
 * write. A copy is of a version of the inode, which every change of ours counts; and it is not believed for long, so that somebody who
 * does look into a container's files from outside is not misled for ever. Pages that are used least go first.
 */
#include "kernel/fs/hostfs/hostfs.h"

#include <linux/fs.h>

#define MAX_COPIES 128
#define BELIEVED_NS (10 * NSEC_PER_MSEC)
#define READS_BEFORE 2

struct hostfs_page {
	struct list_head lru;
	struct hostfs_inode *owner;
	u64 index, version, read_at;
	size_t length; /* that the file had there */
	char *bytes;   /* a heap page */
};

static LIST_HEAD(pages); /* most recently filled first */
static unsigned nr_pages;

void hostfs_page_drop(struct hostfs_inode *hi)
{
	struct hostfs_page *page = hi->page;

	if (!page)
		return;
	hi->page = NULL;
	list_del(&page->lru);
	nr_pages--;
	heap_pages_free(page->bytes, 1);
	kfree(page);
}

static struct hostfs_page *page_make(struct hostfs_inode *hi)
{
	struct hostfs_page *page;

	if (nr_pages >= MAX_COPIES)
		hostfs_page_drop(list_last_entry(&pages, struct hostfs_page, lru)->owner);
	page = kmalloc(sizeof(*page));
	if (!page)
		return NULL;
	page->bytes = heap_pages_alloc(1);
	if (!page->bytes) {
		kfree(page);
		return NULL;
	}
	page->owner = hi;
	list_add(&page->lru, &pages);
	nr_pages++;
	return hi->page = page;
}

/* Asks the host without waiting: what it does not have in memory is not read often. */
static struct hostfs_page *page_fill(struct file *f, struct hostfs_inode *hi, u64 index, u64 now)
{
	struct hostfs_page *page = hi->page ? hi->page : page_make(hi);
	struct io_vector vector;
	long n;

	if (!page)
		return NULL;
	vector = (struct io_vector){ (u64)page->bytes, PAGE_SIZE };
	n = host_preadv2(((struct hostfs_handle *)f->private)->fd, &vector, 1, index << PAGE_SHIFT, 0, RWF_NOWAIT);
	if (n <= 0) {
		hostfs_page_drop(hi);
		return NULL;
	}
	list_del(&page->lru);
	list_add(&page->lru, &pages);
	page->index = index;
	page->version = f->inode->version;
	page->read_at = now;
	page->length = (size_t)n;
	return page;
}

ssize_t hostfs_read_small(struct file *f, struct io_iter *to, loff_t pos)
{
	struct hostfs_inode *hi = HOSTFS_I(f->inode);
	struct hostfs_page *page = hi->page;
	u64 index = (u64)pos >> PAGE_SHIFT, from = (u64)pos & ~PAGE_MASK, now;

	if (from + to->count > PAGE_SIZE || hi->shared_writable)
		return -EAGAIN;
	if (index != hi->small_index) {
		hi->small_index = index;
		hi->small_reads = 0;
	}
	if (hi->small_reads < READS_BEFORE) {
		hi->small_reads++;
		return -EAGAIN;
	}
	now = ktime_get();
	if (!page || page->index != index || page->version != f->inode->version || now - page->read_at > BELIEVED_NS)
		page = page_fill(f, hi, index, now);
	/* The end of the file is for the host to tell. */
	if (!page || from + to->count > page->length)
		return -EAGAIN;
	from = copy_to_iter(to, page->bytes + from, to->count);
	return from ? (ssize_t)from : -EFAULT;
}
