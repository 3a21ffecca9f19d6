/* SPDX-License-Identifier: Apache-2.0 */
/* A process's address space: maps, smaps, mem, and what stands in it: cmdline, environ, auxv. */
#include <linux/auxvec.h>

#include "kernel/fs/proc/proc.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"

#define NAME_COLUMN 73 /* where names begin in maps */
#define TEXT_MAX (2UL << 20)

static unsigned dev_major(dev_t dev) { return (unsigned)((dev >> 8 & 0xfff) | (dev >> 32 & 0xfffff000)); }
static unsigned dev_minor(dev_t dev) { return (unsigned)((dev & 0xff) | (dev >> 12 & 0xffffff00)); }

static const char *vma_name(const struct mm_struct *mm, const struct vma *vma)
{
	if (vma->name)
		return vma->name;
	if (vma->start <= mm->brk && vma->end > mm->start_brk && mm->brk > mm->start_brk)
		return "[heap]";
	if (vma->start <= mm->start_stack && vma->end > mm->start_stack)
		return "[stack]";
	return NULL;
}

static void show_vma(struct seq_buffer *seq, const struct mm_struct *mm, const struct vma *vma)
{
	size_t line = seq->length;
	const struct inode *inode = vma->file ? vma->file->inode : NULL;
	const char *name;

	seq_printf(seq, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)vma->start, (unsigned long long)vma->end,
		   vma->prot & PROT_READ ? 'r' : '-', vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-',
		   vma->flags & VM_SHARED ? 's' : 'p', (unsigned long long)(inode || vma->backing == VMA_PAGES ? vma->file_offset : 0),
		   inode ? dev_major(inode->sb->dev) : 0, inode ? dev_minor(inode->sb->dev) : vma->backing == VMA_PAGES && !vma->name,
		   (unsigned long long)(inode ? inode->ino : 0));
	if (vma->file) {
		seq_pad(seq, line, NAME_COLUMN);
		seq_path(seq, &vma->file->path, "\n");
	} else if ((name = vma_name(mm, vma)) || (vma->backing == VMA_PAGES && (name = "/dev/zero (deleted)"))) {
		seq_pad(seq, line, NAME_COLUMN);
		seq_puts(seq, name);
	}
	seq_putc(seq, '\n');
}

/* The sizes below a line of smaps. What is resident is known only for the whole process. */
static void show_sizes(struct seq_buffer *seq, u64 rss_kib, u64 locked_kib, bool rollup)
{
	static const char *const zeros[] = { "KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
					     "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss" };
	const struct {
		const char *name;
		u64 kib;
		bool rollup_only;
	} rows[] = {
		{ "Rss", rss_kib, false }, { "Pss", rss_kib, false }, { "Pss_Dirty", rss_kib, false }, { "Pss_Anon", rss_kib, true },
		{ "Pss_File", 0, true }, { "Pss_Shmem", 0, true }, { "Shared_Clean", 0, false }, { "Shared_Dirty", 0, false },
		{ "Private_Clean", 0, false }, { "Private_Dirty", rss_kib, false }, { "Referenced", rss_kib, false },
		{ "Anonymous", rss_kib, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t line = seq->length;

		if (rows[i].rollup_only && !rollup)
			continue;
		seq_printf(seq, "%s:", rows[i].name);
		seq_pad(seq, line, 16);
		seq_printf(seq, "%8llu kB\n", (unsigned long long)rows[i].kib);
	}
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++) {
		size_t line = seq->length;

		seq_printf(seq, "%s:", zeros[i]);
		seq_pad(seq, line, 16);
		seq_puts(seq, "       0 kB\n");
	}
	seq_printf(seq, "Locked:         %8llu kB\n", (unsigned long long)locked_kib);
}

static void show_vma_sizes(struct seq_buffer *seq, const struct vma *vma)
{
	u64 size = (vma->end - vma->start) >> 10;

	seq_printf(seq, "Size:           %8llu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n", (unsigned long long)size);
	show_sizes(seq, 0, 0, false);
	seq_printf(seq, "THPeligible:           0\nVmFlags:%s%s%s%s%s mr mw me%s%s\n", vma->prot & PROT_READ ? " rd" : "",
		   vma->prot & PROT_WRITE ? " wr" : "", vma->prot & PROT_EXEC ? " ex" : "", vma->flags & VM_SHARED ? " sh" : "",
		   vma->flags & VM_SHARED ? " ms" : "", vma->flags & VM_GROWSDOWN ? " gd" : "", vma->flags & VM_LOCKED ? " lo" : "");
}

static int show_maps(struct file *file, struct seq_buffer *seq, bool sizes)
{
	struct task_struct *task = proc_file_task(file);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;
	int error;

	if (task)
		task_put(task);
	if (!mm)
		return task ? 0 : -ESRCH;
	error = mutex_lock_killable(&mm->mmap_lock);
	if (!error) {
		for (struct rb_node *node = rb_first(&mm->vmas); node; node = rb_next(node)) {
			struct vma *vma = rb_entry(node, struct vma, node);

			show_vma(seq, mm, vma);
			if (sizes)
				show_vma_sizes(seq, vma);
		}
		mutex_unlock(&mm->mmap_lock);
	}
	mm_put(mm);
	return error;
}

int proc_show_maps(struct file *file, struct seq_buffer *seq) { return show_maps(file, seq, false); }
int proc_show_smaps(struct file *file, struct seq_buffer *seq) { return show_maps(file, seq, true); }

int proc_show_smaps_rollup(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;
	struct rb_node *first, *last;
	size_t line = seq->length;

	if (task)
		task_put(task);
	if (!mm)
		return -ESRCH;
	first = rb_first(&mm->vmas);
	last = rb_last(&mm->vmas);
	if (first) {
		seq_printf(seq, "%08llx-%08llx ---p 00000000 00:00 0 ", (unsigned long long)rb_entry(first, struct vma, node)->start,
			   (unsigned long long)rb_entry(last, struct vma, node)->end);
		seq_pad(seq, line, NAME_COLUMN);
		seq_puts(seq, "[rollup]\n");
		show_sizes(seq, mm_rss_pages(mm) * 4, mm->locked_vm * 4, true);
	}
	mm_put(mm);
	return 0;
}

/* Appends [start, end) of mm's memory. */
static int append_memory(struct seq_buffer *seq, struct mm_struct *mm, u64 start, u64 end)
{
	char *part;
	int error = 0;

	if (end <= start)
		return 0;
	if (end - start > TEXT_MAX)
		end = start + TEXT_MAX;
	part = kmalloc(PAGE_SIZE);
	if (!part)
		return -ENOMEM;
	while (start < end) {
		ssize_t n = mm_read(mm, start, part, min(end - start, (u64)PAGE_SIZE));

		if (n <= 0) {
			error = (int)n;
			break;
		}
		seq_write(seq, part, (size_t)n);
		start += (u64)n;
	}
	kfree(part);
	return error;
}

/*
 * The arguments with their NULs. A program that has written over the last NUL (to change its title) is shown up to the
 * first NUL, on into the environment if need be.
 */
int proc_show_cmdline(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;
	int error = 0;

	if (task)
		task_put(task);
	if (!mm)
		return task ? 0 : -ESRCH;
	error = append_memory(seq, mm, mm->arg_start, mm->arg_end);
	if (!error && seq->length && seq->data[seq->length - 1]) {
		char *nul = memchr(seq->data, 0, seq->length);

		if (!nul && mm->env_start == mm->arg_end) {
			error = append_memory(seq, mm, mm->env_start, min(mm->env_end, mm->env_start + PAGE_SIZE));
			nul = memchr(seq->data, 0, seq->length);
		}
		if (nul)
			seq->length = (size_t)(nul - seq->data) + 1;
	}
	mm_put(mm);
	return error == -EFAULT ? 0 : error;
}

int proc_show_environ(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;
	int error;

	if (task)
		task_put(task);
	if (!mm)
		return task ? 0 : -ESRCH;
	error = append_memory(seq, mm, mm->env_start, mm->env_end);
	mm_put(mm);
	return error == -EFAULT ? 0 : error;
}

int proc_show_auxv(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(file);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;
	size_t n = 0;

	if (task)
		task_put(task);
	if (!mm)
		return task ? 0 : -ESRCH;
	while (n + 2 <= ARRAY_SIZE(mm->auxv) && mm->auxv[n] != AT_NULL)
		n += 2;
	seq_write(seq, mm->auxv, min(n + 2, ARRAY_SIZE(mm->auxv)) * sizeof(u64));
	mm_put(mm);
	return 0;
}

/* /proc/PID/mem keeps the address space of the time of open, also over an exec. */
static int mem_open(struct inode *inode, struct file *file)
{
	struct task_struct *task = proc_task(inode);
	struct mm_struct *mm;

	if (!task)
		return -ESRCH;
	mm = proc_may_look(task) ? proc_mm(task) : ERR_PTR(-EACCES);
	task_put(task);
	if (IS_ERR(mm))
		return (int)PTR_ERR(mm);
	file->private = mm;
	return 0;
}

static ssize_t mem_transfer(struct file *file, struct io_iter *iter, loff_t *pos, bool write)
{
	struct mm_struct *mm = file->private;
	size_t total = iter->count, done = 0;
	char *part;
	ssize_t n = 0;

	if (!mm || !total)
		return 0;
	part = kmalloc(PAGE_SIZE);
	if (!part)
		return -ENOMEM;
	while (done < total) {
		size_t want = min(total - done, (size_t)PAGE_SIZE);

		if (write) {
			want = copy_from_iter(iter, part, want);
			n = want ? mm_write(mm, (u64)*pos, part, want) : -EFAULT;
		} else {
			n = mm_read(mm, (u64)*pos, part, want);
			if (n > 0 && !copy_to_iter(iter, part, (size_t)n))
				n = -EFAULT;
		}
		if (n <= 0)
			break;
		done += (size_t)n;
		*pos += n;
		if ((size_t)n < want || signal_pending(current))
			break;
	}
	kfree(part);
	return done ? (ssize_t)done : n == -EFAULT ? -EIO : n;
}

static ssize_t mem_read(struct file *file, struct io_iter *to, loff_t *pos) { return mem_transfer(file, to, pos, false); }
static ssize_t mem_write(struct file *file, struct io_iter *from, loff_t *pos) { return mem_transfer(file, from, pos, true); }

/* Addresses are unsigned: any offset will do. */
static loff_t mem_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence > 1 || whence < 0)
		return -EINVAL;
	file->pos = whence ? file->pos + offset : offset;
	return file->pos;
}

static void mem_release(struct file *file)
{
	if (file->private)
		mm_put(file->private);
}

const struct file_operations proc_mem_fops = {
	.name = "proc mem",
	.open = mem_open,
	.read = mem_read,
	.write = mem_write,
	.llseek = mem_llseek,
	.release = mem_release,
};
