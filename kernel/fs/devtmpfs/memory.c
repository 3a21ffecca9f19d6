/* SPDX-License-Identifier: Apache-2.0 */
/* The memory devices, major 1: null(4), zero, full(4), random(4), urandom, kmsg. */
#include <linux/fs.h>
#include <linux/random.h>

#include "kernel/init/initcall.h"
#include "kernel/init/log.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sys/random.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define MEM_MAJOR 1

static ssize_t null_read(struct file *file, struct io_iter *to, loff_t *pos) { return 0; }

static ssize_t null_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	size_t n = from->count;

	io_iter_advance(from, n);
	return (ssize_t)n;
}

static ssize_t zero_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	size_t total = to->count, done = 0;

	while (to->count) {
		size_t n = min(to->count, (size_t)1 << 20), moved = zero_iter(to, n);

		done += moved;
		if (moved < n || (to->count && signal_pending(current)))
			break;
		cond_resched();
	}
	return done || !total ? (ssize_t)done : -EFAULT;
}

static ssize_t full_write(struct file *file, struct io_iter *from, loff_t *pos) { return -ENOSPC; }

/* A shared mapping of /dev/zero is shared anonymous memory, a private one private anonymous memory. */
static int zero_mmap(struct file *file, struct vma *vma)
{
	struct page_object *object;

	if (!(vma->flags & VM_SHARED)) {
		vma->backing = VMA_ANON;
		return 0;
	}
	object = page_object_anon();
	if (!object)
		return -ENOMEM;
	vma_set_object(vma, object);
	object->ops->put(object);
	return 0;
}

static ssize_t random_read(struct file *file, struct io_iter *to, loff_t *pos) { return random_fill_iter(to); }

static ssize_t random_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	size_t total = from->count, done = 0;
	u8 part[64];

	while (from->count) {
		size_t n = min(from->count, sizeof(part)), moved = copy_from_iter(from, part, n);

		add_random_bytes(part, moved);
		done += moved;
		if (moved < n)
			break;
	}
	return done || !total ? (ssize_t)done : -EFAULT;
}

static long random_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	u32 header[2];
	u8 part[64];

	switch (cmd) {
	case RNDGETENTCNT:
		return put_user_u32(user_ptr_at(arg), 256);
	case RNDADDTOENTCNT:
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	case RNDADDENTROPY:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (copy_from_user(header, user_ptr_at(arg), sizeof(header)))
			return -EFAULT;
		if ((s32)header[0] < 0 || (s32)header[1] < 0)
			return -EINVAL;
		for (u32 done = 0; done < header[1]; done += sizeof(part)) {
			size_t n = min(header[1] - done, (u32)sizeof(part));

			if (copy_from_user(part, user_ptr_at(arg + sizeof(header) + done), n))
				return -EFAULT;
			add_random_bytes(part, n);
		}
		return 0;
	}
	return -ENOIOCTLCMD;
}

static int random_fsync(struct file *file, bool data_only) { return -EINVAL; }

/* A line for the kernel's log; "<N>" in front gives its level. */
static ssize_t kmsg_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	size_t n = from->count, start = 0;
	char line[256];
	int level = KERN_NOTICE;

	if (n >= sizeof(line))
		return -EINVAL;
	if (copy_from_iter(from, line, n) != n)
		return -EFAULT;
	line[n] = 0;
	if (n && line[n - 1] == '\n')
		line[n - 1] = 0;
	if (n > 2 && line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>') {
		level = line[1] - '0';
		start = 3;
	}
	printk(level, "%s", line + start);
	wake_up_all(&log_wait);
	return (ssize_t)n;
}

static const struct wait_type kmsg_wait = { "kmsg", BLOCK_QUEUE, wait_describe_file };

/* The position is the number of the line that is next. The oldest one that is left comes first. */
static int kmsg_next(struct file *file, loff_t *pos, struct log_line *ret_line)
{
	for (;;) {
		u64 first = log_first();
		int error;

		if ((u64)*pos < first) {
			bool missed = *pos != 0;

			*pos = (loff_t)first;
			if (missed)
				return -EPIPE;
		}
		if (log_read((u64)*pos, ret_line))
			return 0;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		error = wait_event_interruptible(&log_wait, &kmsg_wait, file, log_next() > (u64)*pos);
		if (error)
			return error;
	}
}

/* One line a read: "level,number,microseconds,-;text". */
static ssize_t kmsg_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	char record[LOG_TEXT + 80];
	struct log_line line;
	int error = kmsg_next(file, pos, &line), n;

	if (error)
		return error;
	n = scnprintf(record, sizeof(record), "%u,%llu,%llu,-;%.*s\n", line.level, (unsigned long long)*pos, (unsigned long long)line.time / 1000, line.length,
		      line.text);
	if ((size_t)n > to->count)
		return -EINVAL;
	if (copy_to_iter(to, record, (size_t)n) != (size_t)n)
		return -EFAULT;
	++*pos;
	return n;
}

static loff_t kmsg_llseek(struct file *file, loff_t offset, int whence)
{
	if (offset)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
	case SEEK_DATA: /* behind the last clearing: nobody clears it */
		file->pos = 0;
		return 0;
	case SEEK_END:
		file->pos = (loff_t)log_next();
		return 0;
	default:
		return -EINVAL;
	}
}

static unsigned kmsg_poll(struct file *file, struct poll_table *table)
{
	poll_wait(file, &log_wait, table);
	return POLL_OUT | ((u64)file->pos < log_next() ? POLL_IN : 0);
}

static const struct file_operations kmsg_fops = {
	.name = "kmsg", .read = kmsg_read, .write = kmsg_write, .llseek = kmsg_llseek, .poll = kmsg_poll,
};
static const struct file_operations null_fops = {
	.name = "null", .read = null_read, .write = null_write, .llseek = noop_llseek,
};
static const struct file_operations zero_fops = {
	.name = "zero", .read = zero_read, .write = null_write, .llseek = noop_llseek, .mmap = zero_mmap,
};
static const struct file_operations full_fops = {
	.name = "full", .read = zero_read, .write = full_write, .llseek = noop_llseek,
};
static const struct file_operations random_fops = {
	.name = "random", .read = random_read, .write = random_write, .llseek = noop_llseek, .ioctl = random_ioctl, .fsync = random_fsync,
};

static int memory_devices_init(void)
{
	static const struct {
		unsigned minor;
		const struct file_operations *ops;
	} devices[] = { { 3, &null_fops }, { 5, &zero_fops }, { 7, &full_fops }, { 8, &random_fops }, { 9, &random_fops },
			  { 11, &kmsg_fops } };

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		int error = register_chrdev(MEM_MAJOR, devices[i].minor, 1, devices[i].ops);
		if (error)
			return error;
	}
	return 0;
}
INITCALL(memory_devices, memory_devices_init, "");
