// SPDX-License-Identifier: Apache-2.0
// flags: -ffreestanding -fno-strict-aliasing -DLINUXD_KERNEL -DCONFIG_DEBUG -Wno-unused
/*
 * The ring of a pipe against a model: random writes, packet writes, reads, splices with bytes given back, changes of size.
 * What comes out must be what went in, in order; a packet read ends at the packet's end and drops its rest.
 */
#include "kernel/task/task.h"
#undef current
static struct task_struct test_task;
#define current (&test_task)
#include "kernel/fs/pipe/pipe.c"

extern int printf(const char *, ...);
extern void *malloc(size_t);
extern void *calloc(size_t, size_t);
extern void free(void *);
extern void exit(int);

void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void *kcalloc(size_t n, size_t size) { return calloc(n, size); }
void kfree(void *p) { free(p); }
void *heap_pages_alloc(size_t pages) { return malloc(pages << PAGE_SHIFT); }
void heap_pages_free(void *p, size_t pages) { free(p); }
void panic(const char *format, ...)
{
	printf("panic %s\n", format);
	exit(1);
	__builtin_unreachable();
}
bool signal_pending(struct task_struct *task) { return false; }
bool capable(int cap) { return true; }
void prepare_to_sleep(unsigned state, const struct wait_type *type, const void *object) { panic("sleeps"); }
bool schedule_until(u64 deadline) { return true; }
void finish_sleep(void) {}
void wait_info_printf(struct wait_info *info, const char *format, ...) {}
void wait_info_task(struct wait_info *info, enum wait_relation relation, const struct task_struct *task) {}
void wait_info_inode(struct wait_info *info, const struct inode *inode) {}
void wait_info_openers(struct wait_info *info, enum wait_relation relation, bool (*match)(const struct file *file, const void *arg),
		       const void *arg) {}
void wait_entry_init(struct wait_queue_entry *entry) { list_init(&entry->link); }
void wait_queue_add(struct wait_queue_head *wq, struct wait_queue_entry *entry) {}
void wait_queue_add_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry) {}
void wait_queue_remove(struct wait_queue_entry *entry) {}
int wake_up_common(struct wait_queue_head *wq, int nr, unsigned key) { return 0; }
int wake_up_sync_poll(struct wait_queue_head *wq, unsigned key) { return 0; }
int copy_to_user(user_ptr dst, const void *src, size_t n) { return -EFAULT; }
int put_user_u32(user_ptr dst, u32 value) { return -EFAULT; }
int send_signal_thread(int sig, const siginfo_t *info, struct task_struct *task) { return 0; }
s64 sysctl_pipe_max_size = 1048576;
bool hostpipe_reopen(struct inode *inode, struct file *file) { return false; }
struct file *anon_inode_file(const char *name, mode_t mode, const struct file_operations *ops, void *p, unsigned flags)
{
	return ERR_PTR(-ENOMEM);
}
struct file *anon_file_peer(struct file *first, const struct file_operations *ops, void *p, unsigned flags)
{
	return ERR_PTR(-ENOMEM);
}
void file_put(struct file *f) {}
int fd_reserve(unsigned from, bool close_on_exec) { return -EMFILE; }
void fd_release(unsigned fd) {}
void fd_install(unsigned fd, struct file *f) {}

/* One contiguous buffer is all these tests use. */
void io_iter_kernel(struct io_iter *it, void *buffer, size_t n)
{
	it->inline_vectors[0] = (struct io_vector){ (u64)buffer, n };
	it->vectors = it->inline_vectors;
	it->nr_vectors = 1;
	it->kernel = true;
	it->offset = 0;
	it->count = n;
}
size_t copy_to_iter(struct io_iter *it, const void *src, size_t n)
{
	n = min(n, it->count);
	memcpy((char *)it->vectors[0].base + it->offset, src, n);
	it->offset += n;
	it->count -= n;
	return n;
}
size_t copy_from_iter(struct io_iter *it, void *dst, size_t n)
{
	n = min(n, it->count);
	memcpy(dst, (char *)it->vectors[0].base + it->offset, n);
	it->offset += n;
	it->count -= n;
	return n;
}

enum { MODEL = 1 << 22 };
static u8 model[MODEL];     /* what is in the pipe */
static s32 packet_end[MODEL]; /* for the first byte of a packet: its length; else 0 */
static int model_start, model_end;
static unsigned seed = 7;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static void fail(int step, const char *what)
{
	printf("step %d: %s\n", step, what);
	exit(1);
}

static void compact(void)
{
	int n = model_end - model_start;

	memmove(model, model + model_start, n);
	memmove(packet_end, packet_end + model_start, n * sizeof(*packet_end));
	memset(packet_end + n, 0, (MODEL - n) * sizeof(*packet_end));
	model_start = 0;
	model_end = n;
}

static u8 next_byte;
static char buffer[1 << 18];

static void do_write(struct file *file, int step, bool packets)
{
	size_t n = 1 + pick(pick(2) ? 9000 : 200);
	struct io_iter it;

	for (size_t i = 0; i < n; i++)
		buffer[i] = next_byte + i;
	file->flags = O_NONBLOCK | (packets ? O_DIRECT : 0);
	io_iter_kernel(&it, buffer, n);
	ssize_t ret = pipe_write(file, &it, NULL);
	if (ret == -EAGAIN)
		return;
	if (ret <= 0)
		fail(step, "write failed");
	if (n <= PIPE_BUF && ret != n)
		fail(step, "write was not atomic");
	for (ssize_t i = 0; i < ret; i++) {
		model[model_end + i] = next_byte + i;
		packet_end[model_end + i] = packets && i % PAGE_SIZE == 0 ? min(ret - i, (ssize_t)PAGE_SIZE) : 0;
	}
	next_byte += ret;
	model_end += ret;
}

static void do_read(struct file *file, int step)
{
	size_t n = 1 + pick(pick(2) ? 20000 : 300);
	struct io_iter it;

	file->flags = O_NONBLOCK;
	io_iter_kernel(&it, buffer, n);
	ssize_t ret = pipe_read(file, &it, NULL);
	int used = model_end - model_start;
	if (ret == -EAGAIN && !used)
		return;
	if (ret <= 0)
		fail(step, "read failed");
	ssize_t expected = 0, gone;
	if (packet_end[model_start]) {
		gone = packet_end[model_start];
		expected = min(gone, (ssize_t)n);
	} else {
		while (expected < used && expected < n && !(expected && packet_end[model_start + expected]))
			expected++;
		gone = expected;
	}
	if (ret != expected)
		fail(step, "read has the wrong length");
	if (memcmp(buffer, model + model_start, ret))
		fail(step, "read has the wrong bytes");
	model_start += gone;
}

/* A splice whose other side took only a part. Packets lose their bounds there, so only without them. */
static void do_splice(struct pipe *pipe, int step)
{
	if (packets_used(pipe))
		return;
	u32 taken = pipe_take(pipe, buffer, 1 + pick(30000));
	u32 unused = taken ? pick(taken + 1) : 0;

	if (memcmp(buffer, model + model_start, taken))
		fail(step, "splice has the wrong bytes");
	pipe_untake(pipe, buffer, taken, unused);
	model_start += taken - unused;
}

int main(void)
{
	static struct inode inode;
	struct pipe *pipe = pipe_alloc();
	struct file writer = { .private = pipe, .inode = &inode, .writable = true };
	struct file reader = { .private = pipe, .inode = &inode, .readable = true };

	pipe->readers = pipe->writers = pipe->files = 1;
	for (int step = 0; step < 300000; step++) {
		bool packets = step / 10000 % 3 == 2;
		if (model_end > MODEL / 2)
			compact();
		switch (pick(8)) {
		case 0:
		case 1:
		case 2:
			do_write(&writer, step, packets && pick(2));
			break;
		case 3:
		case 4:
		case 5:
			do_read(&reader, step);
			break;
		case 6:
			do_splice(pipe, step);
			break;
		default:
			if (pick(20) == 0)
				pipe_set_size(pipe, PAGE_SIZE << pick(6));
		}
		if (pipe_used(pipe) != model_end - model_start)
			fail(step, "wrong fill");
		if (pipe->held)
			fail(step, "room was not given back");
	}
	pipe_free_all(pipe);
	printf("pipe_ring: ok\n");
	return 0;
}
