/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input, output and error of the container without a terminal, those of programs that `exec` adds, and what --preserve-fds passes: pipes or
 * files of the host. Programs see FIFOs.
 *
 * The host descriptors do not block, and readiness comes as edges (hostpipe_ready). To answer poll(2) exactly the
 * kernel reads ahead into a small buffer: that tells data, end of file and neither apart without consuming anything a
 * program could miss. A write is known to fit until one did not; the next edge makes it worth trying again.
 *
 * Every edge counts in `edges`. A task that was told "not now" sleeps until the count changes from what it was before
 * it asked, so an edge that comes while the kernel lock is given up for the host call is not lost.
 */
#include <asm/ioctls.h>

#include "host.gen.h"
#include "include/abi/boot.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/host/handover.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "lib/bitmap.h"

#define AHEAD_SIZE 4096U
#define LOCKED_MAX 4096U /* longer host calls are made without the kernel lock */

struct hostpipe {
	struct list_head link; /* hostpipes, while open */
	struct host_watch watch; /* of one that was handed in; token 0: the container's own, see hostpipe_ready */
	enum hostpipe_index index;
	int host_fd;
	bool input;
	struct inode *inode; /* not counted; NULL once no file is open */
	int files;
	u64 edges;
	bool end;            /* input: end of file was read */
	bool full;           /* output: the last write found no room */
	bool broken;         /* output: nobody reads any more */
	bool busy;           /* a task is inside a host read without the kernel lock */
	char *ahead;
	u32 ahead_at, ahead_end;
	struct wait_queue_head wait;
};

static LIST_HEAD(hostpipes);
static struct hostpipe *stdio[3];
static const struct file_operations hostpipe_fops;

static long host_transfer(struct hostpipe *hp, const struct io_vector *vectors, unsigned nr, size_t size)
{
	long ret;

	if (size > LOCKED_MAX)
		kernel_unlock();
	if (hp->input)
		ret = host_preadv2(hp->host_fd, vectors, nr, UINT64_MAX, 0, 0);
	else
		ret = host_pwritev2(hp->host_fd, vectors, nr, UINT64_MAX, 0, 0);
	if (size > LOCKED_MAX)
		kernel_lock();
	return ret;
}

/*
 * --deterministic: nothing else happens until the host answers, so that the moment of the answer does not matter. A signal that comes
 * from outside meanwhile ends the wait.
 */
static int wait_for_host(struct hostpipe *hp, u64 edges)
{
	bool had_signal = signal_pending(current);

	while (hp->edges == edges) {
		deterministic_host_wait();
		if (!had_signal && signal_pending(current))
			return -ERESTARTSYS;
	}
	return 0;
}

/* Of the line at the start of the buffer; 0: its end is not there yet. */
static size_t line_length(const struct hostpipe *hp)
{
	const char *start = hp->ahead + hp->ahead_at, *end = memchr(start, '\n', hp->ahead_end - hp->ahead_at);

	return end ? (size_t)(end + 1 - start) : 0;
}

/* The same for input: a line, or as much of it as the buffer holds, or what comes before the end; not what happens to be there. */
static long read_line_ahead(struct hostpipe *hp)
{
	if (!hp->ahead && !(hp->ahead = heap_pages_alloc(1)))
		return -ENOMEM;
	while (!hp->end && hp->ahead_end - hp->ahead_at < AHEAD_SIZE && !line_length(hp)) {
		u64 edges = hp->edges;
		u32 length = hp->ahead_end - hp->ahead_at;

		memmove(hp->ahead, hp->ahead + hp->ahead_at, length);
		hp->ahead_at = 0;
		hp->ahead_end = length;
		struct io_vector vector = { (u64)hp->ahead + length, AHEAD_SIZE - length };
		long ret = host_transfer(hp, &vector, 1, AHEAD_SIZE);

		if (ret >= 0) {
			hp->end = ret == 0;
			hp->ahead_end += (u32)ret;
			continue;
		}
		if (ret == -EAGAIN)
			ret = wait_for_host(hp, edges);
		if (ret)
			return ret;
	}
	return hp->ahead_at < hp->ahead_end;
}

/* Fills the buffer if it is empty. 1: there is data, 0: end of file, -EAGAIN. */
static long read_ahead(struct hostpipe *hp)
{
	if (unlikely(deterministic))
		return read_line_ahead(hp);
	if (hp->ahead_at < hp->ahead_end)
		return 1;
	if (hp->end)
		return 0;
	if (hp->busy)
		return -EAGAIN;
	if (!hp->ahead && !(hp->ahead = heap_pages_alloc(1)))
		return -ENOMEM;
	struct io_vector vector = { (u64)hp->ahead, AHEAD_SIZE };
	long ret = host_transfer(hp, &vector, 1, AHEAD_SIZE);
	if (ret < 0)
		return ret;
	if (!ret) {
		hp->end = true;
		return 0;
	}
	hp->ahead_at = 0;
	hp->ahead_end = ret;
	return 1;
}

static ssize_t take_ahead(struct hostpipe *hp, struct io_iter *to)
{
	size_t n = hp->ahead_end - hp->ahead_at;

	if (unlikely(deterministic) && line_length(hp))
		n = line_length(hp);
	n = copy_to_iter(to, hp->ahead + hp->ahead_at, min(n, to->count));

	hp->ahead_at += n;
	return n ? (ssize_t)n : -EFAULT;
}

/* A read that is larger than the buffer goes to the program's memory directly. */
static long read_direct(struct hostpipe *hp, struct io_iter *to)
{
	struct io_vector vector = { to->vectors[0].base + to->offset, to->vectors[0].length - to->offset };

	hp->busy = true;
	long ret = host_transfer(hp, &vector, 1, vector.length);
	hp->busy = false;
	if (wait_queue_active(&hp->wait)) {
		hp->edges++;
		wake_up_poll(&hp->wait, POLL_IN);
	}
	if (ret == 0)
		hp->end = true;
	if (ret > 0)
		io_iter_advance(to, ret);
	return ret;
}

static void describe_stdio(const void *object, struct wait_info *info)
{
	static const char *const names[] = { "standard input", "standard output", "standard error", "preserved descriptor" };

	const struct hostpipe *hp = object;

	wait_info_printf(info, "%s %s", hp->watch.token ? "its" : "the container's", names[hp->index]);
}
static const struct wait_type stdin_wait = { "stdin read", BLOCK_QUEUE, describe_stdio };
static const struct wait_type stdout_wait = { "stdout write", BLOCK_QUEUE, describe_stdio };

static ssize_t hostpipe_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct hostpipe *hp = file->private;

	if (!to->count)
		return 0;
	for (;;) {
		u64 edges = hp->edges;
		bool direct = hp->ahead_at == hp->ahead_end && !hp->end && !hp->busy && !to->kernel &&
			      to->vectors[0].length - to->offset >= AHEAD_SIZE && !deterministic;
		long ret = direct ? read_direct(hp, to) : read_ahead(hp);
		if (ret > 0)
			return direct ? ret : take_ahead(hp, to);
		if (ret != -EAGAIN)
			return ret;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(&hp->wait, hp->input ? &stdin_wait : &stdout_wait, hp, hp->edges != edges);
		if (ret)
			return ret;
	}
}

static ssize_t hostpipe_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct hostpipe *hp = file->private;
	ssize_t done = 0;

	if (!from->count)
		return 0;
	while (from->count) {
		u64 edges = hp->edges;
		size_t skip = from->offset;
		struct io_vector first = { from->vectors[0].base + skip, from->vectors[0].length - skip };
		/* All vectors in one host call when the position stands at the start of one. */
		const struct io_vector *vectors = skip ? &first : from->vectors;
		long ret = host_transfer(hp, vectors, skip ? 1 : min(from->nr_vectors, 1024U), from->count);

		if (ret > 0) {
			io_iter_advance(from, ret);
			done += ret;
			continue;
		}
		if (ret == -EPIPE) {
			hp->broken = true;
			wake_up_all(&hp->wait);
			if (!done)
				send_signal_thread(SIGPIPE, SEND_SIG_USER, current);
		}
		if (ret != -EAGAIN)
			return done ? done : ret;
		if (unlikely(deterministic)) {
			(void)wait_for_host(hp, edges);
			continue;
		}
		hp->full = hp->edges == edges;
		if (file->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		ret = wait_event_interruptible(&hp->wait, hp->input ? &stdin_wait : &stdout_wait, hp, hp->edges != edges);
		if (ret)
			return done ? done : ret;
	}
	return done;
}

static unsigned hostpipe_poll(struct file *file, struct poll_table *table)
{
	struct hostpipe *hp = file->private;

	poll_wait(file, &hp->wait, table);
	if (hp->input) {
		long ret = read_ahead(hp);
		if (ret > 0)
			return POLL_IN;
		return ret == 0 ? EPOLLHUP : 0;
	}
	if (hp->broken)
		return POLL_OUT | EPOLLERR;
	return hp->full ? 0 : POLL_OUT;
}

static long hostpipe_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct hostpipe *hp = file->private;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	if (hp->input)
		read_ahead(hp);
	if (unlikely(deterministic) && hp->input && line_length(hp))
		return put_user_u32(user_ptr_at(arg), (u32)line_length(hp));
	return put_user_u32(user_ptr_at(arg), hp->ahead_end - hp->ahead_at);
}

static void hostpipe_release(struct file *file)
{
	struct hostpipe *hp = file->private;

	if (--hp->files)
		return;
	/* The monitor sees the end of its output as soon as nobody can write any more. */
	if (hp->watch.token)
		host_watch_remove(&hp->watch);
	else
		stdio[hp->index] = NULL;
	list_del(&hp->link);
	host_close(hp->host_fd);
	if (hp->ahead)
		heap_pages_free(hp->ahead, 1);
	kfree(hp);
}

static void edge(struct hostpipe *hp, unsigned epoll_events)
{
	hp->edges++;
	if (!hp->input) {
		hp->full = false;
		if (epoll_events & EPOLLERR)
			hp->broken = true;
	}
	/* All sleepers look again; epoll_events may say too little for an edge that was merged. */
	if (wait_queue_active(&hp->wait))
		wake_up_common(&hp->wait, 0, hp->input ? POLL_IN | EPOLLHUP : POLL_OUT | EPOLLERR);
}

void hostpipe_ready(int index, unsigned epoll_events)
{
	if (((struct monitor_channel *)LAYOUT_CHANNEL)->boot.flags & BOOT_TTY) {
		console_ready(index, epoll_events);
		return;
	}
	if (index < 0 || index >= (int)ARRAY_SIZE(stdio))
		return;
	/* With --tty the descriptors are the terminal's; otherwise this does nothing. */
	console_ready(index, epoll_events);
	if (stdio[index])
		edge(stdio[index], epoll_events);
}

static void watch_ready(struct host_watch *watch, unsigned epoll_events)
{
	edge(container_of(watch, struct hostpipe, watch), epoll_events);
}

bool hostpipe_reopen(struct inode *inode, struct file *file)
{
	struct hostpipe *hp;

	list_for_each_entry(hp, &hostpipes, link) {
		if (hp->inode != inode)
			continue;
		hp->files++;
		file->private = hp;
		file->ops = &hostpipe_fops;
		return true;
	}
	return false;
}

struct file *hostpipe_file(int host_fd, enum hostpipe_index index, bool input, u64 token)
{
	struct hostpipe *hp = kzalloc(sizeof(*hp));
	struct file *file;

	if (!hp)
		return ERR_PTR(-ENOMEM);
	hp->host_fd = host_fd;
	hp->index = index;
	hp->input = input;
	wait_queue_init(&hp->wait);
	file = anon_inode_file("pipe", S_IFIFO | 0600, &hostpipe_fops, hp, hp->input ? O_RDONLY : O_WRONLY);
	if (IS_ERR(file)) {
		kfree(hp);
		return file;
	}
	hp->inode = file->inode;
	/* Programs of any user may open /dev/stdout. */
	file->inode->mode |= 0666;
	hp->files = 1;
	list_add_tail(&hp->link, &hostpipes);
	hp->watch.token = token;
	hp->watch.ready = watch_ready;
	if (token)
		host_watch_add(&hp->watch);
	else
		stdio[index] = hp;
	return file;
}

int stdio_install(struct files_struct *files)
{
	const struct boot_params *boot = &((struct monitor_channel *)LAYOUT_CHANNEL)->boot;

	for (int i = 0; i < (int)ARRAY_SIZE(stdio); i++) {
		struct file *file;

		if (boot->stdio_fd[i] < 0)
			continue;
		file = hostpipe_file(boot->stdio_fd[i], i, i == HOSTPIPE_STDIN, 0);
		if (IS_ERR(file))
			return PTR_ERR(file);
		files->files[i] = file;
		bitmap_set(files->open, i);
	}
	if (files->next_free < 3 && bitmap_test(files->open, 0) && bitmap_test(files->open, 1) && bitmap_test(files->open, 2))
		files->next_free = 3;
	return 0;
}

static const struct file_operations hostpipe_fops = {
	.name = "pipe",
	.read = hostpipe_read,
	.write = hostpipe_write,
	.poll = hostpipe_poll,
	.ioctl = hostpipe_ioctl,
	.release = hostpipe_release,
};
