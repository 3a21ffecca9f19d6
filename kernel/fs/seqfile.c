/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is made on reading; see seqfile.h. */
#include <linux/fs.h>

#include "kernel/fs/seqfile.h"
#include "kernel/mm/alloc.h"

static bool seq_room(struct seq_buffer *seq, size_t n)
{
	size_t capacity = seq->capacity ? seq->capacity : 512;
	char *data;

	if (seq->failed)
		return false;
	if (seq->length + n <= seq->capacity)
		return true;
	while (capacity < seq->length + n)
		capacity *= 2;
	data = krealloc(seq->data, capacity);
	if (!data) {
		seq->failed = true;
		return false;
	}
	seq->data = data;
	seq->capacity = capacity;
	return true;
}

void seq_write(struct seq_buffer *seq, const void *data, size_t n)
{
	if (!seq_room(seq, n))
		return;
	memcpy(seq->data + seq->length, data, n);
	seq->length += n;
}

void seq_puts(struct seq_buffer *seq, const char *s) { seq_write(seq, s, strlen(s)); }
void seq_putc(struct seq_buffer *seq, char c) { seq_write(seq, &c, 1); }

void seq_printf(struct seq_buffer *seq, const char *format, ...)
{
	va_list args;
	int n;

	if (!seq_room(seq, 128))
		return;
	va_start(args, format);
	n = vsnprintf(seq->data + seq->length, seq->capacity - seq->length, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n >= seq->capacity - seq->length) {
		if (!seq_room(seq, (size_t)n + 1))
			return;
		va_start(args, format);
		n = vsnprintf(seq->data + seq->length, seq->capacity - seq->length, format, args);
		va_end(args);
	}
	if (n > 0)
		seq->length += (size_t)n;
}

void seq_escape(struct seq_buffer *seq, const char *s, const char *escaped)
{
	for (; *s; s++) {
		if (strchr(escaped, *s))
			seq_printf(seq, "\\%03o", (unsigned)(u8)*s);
		else
			seq_putc(seq, *s);
	}
}

void seq_path(struct seq_buffer *seq, const struct path *path, const char *escaped)
{
	char *buffer = kmalloc(PATH_MAX), *text;

	if (!buffer) {
		seq->failed = true;
		return;
	}
	text = path_string(path, buffer, PATH_MAX);
	seq_escape(seq, IS_ERR(text) ? "?" : text, escaped);
	kfree(buffer);
}

void seq_pad(struct seq_buffer *seq, size_t line_start, size_t column)
{
	while (!seq->failed && seq->length - line_start < column)
		seq_putc(seq, ' ');
}

void seq_free(struct seq_buffer *seq)
{
	kfree(seq->data);
	*seq = (struct seq_buffer){ 0 };
}

int seq_open(struct file *file, seq_show_t *show)
{
	struct seq_file *seq = kzalloc(sizeof(*seq));

	if (!seq)
		return -ENOMEM;
	seq->show = show;
	file->private = seq;
	return 0;
}

/* The text as of now. Made apart and put in place at the end: show may sleep, and two threads may read one file. */
static int seq_make(struct file *file, struct seq_file *seq)
{
	struct seq_buffer text = { 0 };
	int error = seq->show(file, &text);

	if (!error && text.failed)
		error = -ENOMEM;
	if (error) {
		seq_free(&text);
		return error;
	}
	seq_free(&seq->text);
	seq->text = text;
	seq->made = true;
	return 0;
}

ssize_t seq_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct seq_file *seq = file->private;
	size_t n;

	if (!seq->made || *pos == 0) {
		int error = seq_make(file, seq);
		if (error)
			return error;
	}
	if ((u64)*pos >= seq->text.length)
		return 0;
	n = min(to->count, seq->text.length - (size_t)*pos);
	n = copy_to_iter(to, seq->text.data + *pos, n);
	*pos += (loff_t)n;
	return n || !to->count ? (ssize_t)n : -EFAULT;
}

loff_t seq_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += file->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	file->pos = offset;
	return offset;
}

void seq_release(struct file *file)
{
	struct seq_file *seq = file->private;

	seq_free(&seq->text);
	kfree(seq);
}
