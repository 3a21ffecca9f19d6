/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose text is made when they are read: everything in proc and sysfs.
 *
 * The text is made in one piece by the first read of an open file, and again by a read at offset 0; so a reader that
 * goes on with small buffers sees one consistent state. Formats beyond printk's: none.
 */
#ifndef KERNEL_FS_SEQFILE_H
#define KERNEL_FS_SEQFILE_H

#include "kernel/vfs/vfs.h"

struct seq_buffer {
	char *data;
	size_t length, capacity;
	bool failed; /* out of memory: the read is -ENOMEM */
};
void seq_write(struct seq_buffer *seq, const void *data, size_t n);
void seq_puts(struct seq_buffer *seq, const char *s);
void seq_putc(struct seq_buffer *seq, char c);
void seq_printf(struct seq_buffer *seq, const char *format, ...) __printf(2, 3);
/* The string with each character of `escaped`, and the backslash if it is among them, as a three-digit octal escape. */
void seq_escape(struct seq_buffer *seq, const char *s, const char *escaped);
/* As current sees it, escaped for one field of a line. */
void seq_path(struct seq_buffer *seq, const struct path *path, const char *escaped);
/* Spaces up to this column of the line that began at `line_start`. */
void seq_pad(struct seq_buffer *seq, size_t line_start, size_t column);
void seq_free(struct seq_buffer *seq);

/* Makes the text of an open file. 0 or an error. May sleep. */
typedef int seq_show_t(struct file *file, struct seq_buffer *seq);

/* State of an open generated file, in file->private. */
struct seq_file {
	seq_show_t *show;
	struct seq_buffer text;
	bool made;
	u64 event; /* for poll */
};
int seq_open(struct file *file, seq_show_t *show);
ssize_t seq_read(struct file *file, struct io_iter *to, loff_t *pos);
loff_t seq_llseek(struct file *file, loff_t offset, int whence);
void seq_release(struct file *file);

#endif
