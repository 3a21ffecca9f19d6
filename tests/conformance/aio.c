/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous I/O: io_setup(2), io_submit(2), io_getevents(2), io_pgetevents(2), io_cancel(2), io_destroy(2). */
#include "test.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/eventfd.h>

static long io_setup(unsigned nr, aio_context_t *ctx) { return syscall(SYS_io_setup, nr, ctx); }
static long io_destroy(aio_context_t ctx) { return syscall(SYS_io_destroy, ctx); }
static long io_submit(aio_context_t ctx, long nr, struct iocb **iocbs) { return syscall(SYS_io_submit, ctx, nr, iocbs); }
static long io_getevents(aio_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout)
{
	return syscall(SYS_io_getevents, ctx, min_nr, nr, events, timeout);
}
static long io_cancel(aio_context_t ctx, struct iocb *iocb, struct io_event *event) { return syscall(SYS_io_cancel, ctx, iocb, event); }

static aio_context_t ctx;
static char buffer[65536];

static struct iocb make(int op, int fd, void *buf, size_t n, long long offset)
{
	return (struct iocb){ .aio_lio_opcode = (uint16_t)op, .aio_fildes = (uint32_t)fd, .aio_buf = (uint64_t)buf, .aio_nbytes = n,
			      .aio_offset = offset, .aio_data = 0x1234 };
}

static long submit_one(struct iocb *iocb) { return io_submit(ctx, 1, &iocb); }

/* Submits, waits, and shows the result in the event. */
static void run(const char *what, struct iocb iocb)
{
	struct io_event event = { 0 };
	long n = submit_one(&iocb);

	if (n != 1) {
		say("%s: io_submit = %ld %s", what, n, n < 0 ? error_name(errno) : "");
		return;
	}
	n = io_getevents(ctx, 1, 1, &event, NULL);
	say("%s: %ld event, data %llx, obj %s, res %lld, res2 %lld", what, n, event.data,
	    event.obj == (uint64_t)&iocb ? "right" : "wrong", event.res, event.res2);
}

static void test_setup(void)
{
	aio_context_t other = 0, bad = 1;
	struct io_event event;
	struct iocb *none[1] = { NULL };

	SECTION("contexts");
	SHOW(io_setup(0, &other));
	SHOW(io_setup(1, &bad));
	SHOW(io_setup(1, NULL));
	SHOW(io_setup(0x7fffffff, &other));
	SHOW(io_setup(8, &other));
	CHECK(other != 0);
	SHOW(io_submit(other, 0, none));
	SHOW(io_submit(other, -1, none));
	SHOW(io_submit(other, 1, none));
	SHOW(io_submit(other, 1, NULL));
	SHOW(io_submit(other + 4096, 1, none));
	SHOW(io_getevents(other, 0, 1, &event, NULL));
	SHOW(io_getevents(other, 2, 1, &event, NULL));
	SHOW(io_getevents(other, -1, 1, &event, NULL));
	SHOW(io_getevents(other + 4096, 0, 1, &event, NULL));
	SHOW(io_getevents(other, 1, 1, &event, &(struct timespec){ 0, 0 }));
	SHOW(io_getevents(other, 1, 1, &event, &(struct timespec){ 0, 20000000 }));
	SHOW(io_getevents(other, 1, 1, &event, (void *)1));
	SHOW(io_destroy(other));
	SHOW(io_destroy(other));
	SHOW(io_destroy(0));
	SHOW(io_getevents(other, 0, 1, &event, NULL));
}

static void test_files(const char *dir)
{
	char name[64];
	struct iovec vector[2] = { { buffer, 3 }, { buffer + 100, 4 } };
	int fd, ro, wo;

	SECTION(dir);
	snprintf(name, sizeof(name), "%s/aio", dir);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ro = open(name, O_RDONLY);
	wo = open(name, O_WRONLY);
	run("write", make(IOCB_CMD_PWRITE, fd, "hello, world", 12, 0));
	run("write beyond", make(IOCB_CMD_PWRITE, wo, "!", 1, 20000));
	struct stat st;
	fstat(fd, &st);
	say("size %lld", (long long)st.st_size);
	memset(buffer, 0, sizeof(buffer));
	run("read", make(IOCB_CMD_PREAD, ro, buffer, 5, 7));
	say("'%.20s'", buffer);
	run("read at the end", make(IOCB_CMD_PREAD, fd, buffer, 100, 19990));
	run("read beyond", make(IOCB_CMD_PREAD, fd, buffer, 100, 30000));
	memset(buffer, 0, sizeof(buffer));
	run("readv", make(IOCB_CMD_PREADV, fd, vector, 2, 0));
	say("'%.20s' '%.20s'", buffer, buffer + 100);
	run("writev", make(IOCB_CMD_PWRITEV, fd, vector, 2, 100));
	run("no bytes", make(IOCB_CMD_PREAD, fd, buffer, 0, 0));
	run("fsync", make(IOCB_CMD_FSYNC, fd, NULL, 0, 0));
	run("fdsync", make(IOCB_CMD_FDSYNC, fd, NULL, 0, 0));
	run("fsync with a buffer", make(IOCB_CMD_FSYNC, fd, buffer, 0, 0));
	run("read of a write-only file", make(IOCB_CMD_PREAD, wo, buffer, 1, 0));
	run("write to a read-only file", make(IOCB_CMD_PWRITE, ro, buffer, 1, 0));
	run("closed", make(IOCB_CMD_PREAD, 99, buffer, 1, 0));
	run("unknown operation", make(77, fd, buffer, 1, 0));
	run("bad memory for reading", make(IOCB_CMD_PREAD, fd, (void *)8, 10, 0));
	run("bad memory for writing", make(IOCB_CMD_PWRITE, fd, (void *)8, 10, 0));
	run("negative offset", make(IOCB_CMD_PREAD, fd, buffer, 10, -5));
	run("huge length", make(IOCB_CMD_PREAD, fd, buffer, (size_t)-1, 0));
	run("bad vector", make(IOCB_CMD_PREADV, fd, (void *)8, 1, 0));
	run("too many vectors", make(IOCB_CMD_PREADV, fd, vector, 100000, 0));
	struct iocb reserved = make(IOCB_CMD_PREAD, fd, buffer, 1, 0);
	reserved.aio_reserved2 = 1;
	run("reserved", reserved);
	struct iocb flags = make(IOCB_CMD_PWRITE, fd, "sync", 4, 0);
	flags.aio_rw_flags = RWF_DSYNC;
	run("RWF_DSYNC", flags);
	flags.aio_rw_flags = 0x4000;
	run("unknown RWF", flags);
	close(fd);
	fd = open(name, O_WRONLY | O_APPEND);
	run("append", make(IOCB_CMD_PWRITE, fd, "at the end", 10, 0));
	fstat(fd, &st);
	say("size %lld", (long long)st.st_size);
	close(fd);
	close(ro);
	close(wo);
	unlink(name);
}

/* Several at once; some events are fetched later. */
static void test_many(const char *dir)
{
	enum { N = 16 };
	struct iocb iocbs[N], *list[N];
	struct io_event events[N];
	char name[64], *data = malloc(N * 4096);
	bool seen[N] = { false };
	int fd, good = 0;

	SECTION("many");
	snprintf(name, sizeof(name), "%s/many", dir);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < N; i++) {
		memset(data + i * 4096, 'a' + i, 4096);
		iocbs[i] = make(IOCB_CMD_PWRITE, fd, data + i * 4096, 4096, i * 4096);
		iocbs[i].aio_data = (uint64_t)i;
		list[i] = &iocbs[i];
	}
	SHOW(io_submit(ctx, N, list));
	SHOW(io_getevents(ctx, N, N, events, NULL));
	for (int i = 0; i < N; i++)
		good += events[i].res == 4096 && events[i].data < N;
	say("%d written", good);
	memset(data, 0, N * 4096);
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (int i = 0; i < N; i++)
		iocbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
	SHOW(io_submit(ctx, N, list));
	int got = 0;
	while (got < N) {
		long n = io_getevents(ctx, 1, 5, events, NULL);
		if (n < 1)
			break;
		for (int i = 0; i < n; i++)
			seen[events[i].data % N] = events[i].res == 4096;
		got += (int)n;
	}
	good = 0;
	for (int i = 0; i < N; i++)
		good += seen[i] && data[i * 4096] == 'a' + i && data[i * 4096 + 4095] == 'a' + i;
	say("%d events, %d read right", got, good);
	/* The list stops at the first one that cannot be submitted. */
	list[2] = (void *)8;
	SHOW(io_submit(ctx, 4, list));
	SHOW(io_getevents(ctx, 2, 4, events, NULL));
	iocbs[0].aio_fildes = 99;
	SHOW(io_submit(ctx, 4, list));
	SHOW(io_getevents(ctx, 0, 4, events, NULL));
	/* Events for which there is no memory stay. */
	SHOW(submit_one(&iocbs[1]));
	SHOW(io_getevents(ctx, 1, 1, (void *)8, NULL));
	SHOW(io_getevents(ctx, 1, 1, events, NULL));
	close(fd);
	unlink(name);
	free(data);
}

static void test_eventfd(void)
{
	int fd = open("/tmp/ev", O_RDWR | O_CREAT | O_TRUNC, 0600), event = eventfd(0, EFD_NONBLOCK);
	struct iocb a = make(IOCB_CMD_PWRITE, fd, "x", 1, 0), b = make(IOCB_CMD_PWRITE, fd, "y", 1, 1), *list[2] = { &a, &b };
	struct io_event events[2];
	uint64_t count = 0;

	SECTION("eventfd");
	a.aio_flags = b.aio_flags = IOCB_FLAG_RESFD;
	a.aio_resfd = b.aio_resfd = (uint32_t)event;
	SHOW(io_submit(ctx, 2, list));
	SHOW(io_getevents(ctx, 2, 2, events, NULL));
	SHOW(read(event, &count, sizeof(count)));
	say("count %llu", (unsigned long long)count);
	a.aio_resfd = (uint32_t)fd;
	SHOW(submit_one(&a));
	a.aio_resfd = 99;
	SHOW(submit_one(&a));
	close(fd);
	close(event);
}

static void *write_later(void *arg)
{
	sleep_ms(30);
	(void)!write(*(int *)arg, "z", 1);
	return NULL;
}

static void test_poll(void)
{
	struct iocb poll = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN, .aio_data = 7 };
	struct io_event event = { 0 };
	pthread_t thread;
	int p[2];

	SECTION("poll");
	if (pipe(p))
		return;
	poll.aio_fildes = (uint32_t)p[0];
	SHOW(submit_one(&poll));
	SHOW(io_getevents(ctx, 1, 1, &event, &(struct timespec){ 0, 10000000 }));
	pthread_create(&thread, NULL, write_later, &p[1]);
	SHOW(io_getevents(ctx, 1, 1, &event, NULL));
	pthread_join(thread, NULL);
	say("data %llx, events %llx", event.data, event.res & POLLIN);
	SHOW(submit_one(&poll)); /* ready at once */
	SHOW(io_getevents(ctx, 1, 1, &event, NULL));
	say("events %llx", event.res & POLLIN);
	(void)!read(p[0], buffer, 1);
	SHOW(submit_one(&poll));
	close(p[1]);
	SHOW(io_getevents(ctx, 1, 1, &event, NULL));
	say("hang-up %llx", event.res & POLLHUP);
	close(p[0]);
	if (pipe(p))
		return;
	poll.aio_fildes = (uint32_t)p[0];
	SHOW(submit_one(&poll));
	SHOW(io_cancel(ctx, &poll, &event));
	SHOW(io_getevents(ctx, 1, 1, &event, NULL));
	SHOW(io_cancel(ctx, &poll, &event));
	SHOW(io_cancel(ctx, (void *)8, &event));
	SHOW(io_cancel(ctx + 4096, &poll, &event));
	poll.aio_key = 5;
	SHOW(io_cancel(ctx, &poll, &event));
	poll.aio_buf = 0x10000;
	SHOW(submit_one(&poll));
	close(p[0]);
	close(p[1]);
}

static void on_alarm(int sig) {}

static void test_signals(void)
{
	struct { sigset_t *mask; size_t size; } argument;
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct io_event event;
	sigset_t mask;

	SECTION("signals");
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SHOW(io_getevents(ctx, 1, 1, &event, NULL));
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	sleep_ms(30);
	sigset_t none;
	sigemptyset(&none);
	argument.mask = &none;
	argument.size = 8;
	SHOW(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &event, NULL, &argument));
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CHECK(sigismember(&mask, SIGALRM));
	argument.size = 3;
	SHOW(syscall(SYS_io_pgetevents, ctx, 1L, 1L, &event, NULL, &argument));
	SHOW(syscall(SYS_io_pgetevents, ctx, 0L, 1L, &event, NULL, NULL));
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

static long number_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return atol(text);
}

static void *destroy_later(void *arg)
{
	sleep_ms(30);
	io_destroy(*(aio_context_t *)arg);
	return NULL;
}

static void test_lives(void)
{
	int fd = open("/data/lives", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];
	struct io_event event;
	aio_context_t other = 0;
	pthread_t thread;
	long before = number_in("/proc/sys/fs/aio-nr");

	SECTION("lives");
	SHOW(io_setup(1000, &other));
	CHECK(number_in("/proc/sys/fs/aio-nr") == before + 1000);
	/* Another process has no such context. */
	IN_CHILD(SHOW(io_getevents(other, 0, 1, &event, NULL)));
	/* Whoever waits hears of the end. */
	pthread_create(&thread, NULL, destroy_later, &other);
	SHOW(io_getevents(other, 1, 1, &event, NULL));
	pthread_join(thread, NULL);
	CHECK(number_in("/proc/sys/fs/aio-nr") == before);
	/* Requests are finished when their process has ended. */
	for (int i = 0; i < 3; i++) {
		IN_CHILD({
			aio_context_t mine = 0;
			struct iocb writes[8], *list[8], poll = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN }, *polls = &poll;
			io_setup(16, &mine);
			for (int j = 0; j < 8; j++) {
				writes[j] = make(IOCB_CMD_PWRITE, fd, buffer, 8192, (i * 8 + j) * 8192);
				list[j] = &writes[j];
			}
			(void)!pipe(p);
			poll.aio_fildes = (uint32_t)p[0];
			say("%ld", io_submit(mine, 1, &polls));
			say("%ld", io_submit(mine, 8, list));
			if (i == 1)
				execl("/bin/busybox", "true", NULL);
			if (i == 2)
				kill(getpid(), SIGKILL);
		});
	}
	struct stat st;
	fstat(fd, &st);
	say("size %lld", (long long)st.st_size);
	CHECK(number_in("/proc/sys/fs/aio-nr") == before);
	close(fd);
	unlink("/data/lives");
}

int main(void)
{
	test_setup();
	SHOW(io_setup(64, &ctx));
	test_files("/data");
	test_files("/tmp");
	test_many("/data");
	test_many("/tmp");
	test_eventfd();
	test_poll();
	test_signals();
	test_lives();
	SHOW(io_destroy(ctx));
	SHOW(syscall(SYS_io_uring_setup, 0, NULL) == -1);
	return 0;
}
