/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that make, use and destroy the same asynchronous I/O contexts at random, while polled pipes come and go and children
 * end with requests under way. Whatever each call answers, the kernel goes on, every context can be destroyed, and none is left.
 */
#include "../conformance/test.h"

#include <linux/aio_abi.h>
#include <sys/eventfd.h>

#define THREADS 6
#define CONTEXTS 4
#define MILLISECONDS 1500

static aio_context_t contexts[CONTEXTS];
static int file_fd, sync_fd, event_fd;
static uint64_t end;

static unsigned draw(unsigned *state, unsigned n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

static struct iocb random_iocb(unsigned *state, char *buffer, int pipe_fd)
{
	static const uint16_t ops[] = { IOCB_CMD_PREAD, IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_FSYNC, IOCB_CMD_POLL, IOCB_CMD_POLL, 99 };
	struct iocb iocb = { .aio_lio_opcode = ops[draw(state, 7)], .aio_fildes = (uint32_t)(draw(state, 8) ? file_fd : sync_fd) };

	if (iocb.aio_lio_opcode == IOCB_CMD_POLL) {
		iocb.aio_fildes = (uint32_t)pipe_fd;
		iocb.aio_buf = POLLIN;
	} else if (iocb.aio_lio_opcode != IOCB_CMD_FSYNC) {
		iocb.aio_buf = draw(state, 20) ? (uint64_t)buffer : 8;
		iocb.aio_nbytes = draw(state, 65536);
		iocb.aio_offset = draw(state, 1 << 22);
	}
	if (!draw(state, 4)) {
		iocb.aio_flags = IOCB_FLAG_RESFD;
		iocb.aio_resfd = (uint32_t)event_fd;
	}
	return iocb;
}

static void one_step(unsigned *state, char *buffer, int *pipe_fds, struct iocb *iocbs)
{
	aio_context_t *slot = &contexts[draw(state, CONTEXTS)], ctx = *slot, fresh = 0;
	struct iocb *list[4];
	struct io_event events[8];
	int n = 1 + (int)draw(state, 4);

	switch (draw(state, 10)) {
	case 0:
		if (ctx || syscall(SYS_io_setup, 1 + draw(state, 40), &fresh))
			break;
		if (!__sync_bool_compare_and_swap(slot, 0, fresh))
			syscall(SYS_io_destroy, fresh);
		break;
	case 1:
		if (ctx && !draw(state, 8) && __sync_bool_compare_and_swap(slot, ctx, 0) && syscall(SYS_io_destroy, ctx))
			printf("io_destroy of a context that was there: %s\n", error_name(errno));
		break;
	case 2:
	case 3:
	case 4:
		for (int i = 0; i < n; i++) {
			iocbs[i] = random_iocb(state, buffer, pipe_fds[0]);
			list[i] = &iocbs[i];
		}
		syscall(SYS_io_submit, ctx, (long)n, list);
		break;
	case 5:
	case 6:
		syscall(SYS_io_getevents, ctx, (long)draw(state, 3), 8L, draw(state, 30) ? events : (void *)8,
			&(struct timespec){ 0, draw(state, 2000000) });
		break;
	case 7:
		syscall(SYS_io_cancel, ctx, &iocbs[draw(state, 4)], events);
		break;
	case 8:
		(void)!write(pipe_fds[1], "x", 1);
		if (draw(state, 2))
			(void)!read(pipe_fds[0], buffer, 1);
		break;
	default:
		if (draw(state, 10))
			break;
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		(void)!pipe2(pipe_fds, O_NONBLOCK);
	}
}

static void *thread(void *arg)
{
	unsigned state = (unsigned)(uintptr_t)arg * 7919 + 1;
	char *buffer = malloc(65536);
	struct iocb *iocbs = calloc(4, sizeof(*iocbs));
	int pipe_fds[2];

	(void)!pipe2(pipe_fds, O_NONBLOCK);
	while (now_ms() < end)
		one_step(&state, buffer, pipe_fds, iocbs);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	free(buffer);
	return NULL;
}

/* A process with threads of its own, which ends in the midst of it. */
static void child(unsigned seed)
{
	pthread_t other;

	memset(contexts, 0, sizeof(contexts));
	end = now_ms() + 1000;
	pthread_create(&other, NULL, thread, (void *)(uintptr_t)(seed + 100));
	pthread_create(&other, NULL, thread, (void *)(uintptr_t)(seed + 200));
	sleep_ms(20 + (int)(seed % 30));
	if (seed % 3 == 0)
		execl("/bin/busybox", "true", NULL);
	if (seed % 3 == 1)
		kill(getpid(), SIGKILL);
	_exit(0);
}

static long aio_nr(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/fs/aio-nr", O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return atol(text);
}

int main(void)
{
	pthread_t threads[THREADS];
	long before = aio_nr();

	file_fd = open("/data/races", O_RDWR | O_CREAT | O_TRUNC, 0600);
	sync_fd = open("/data/races", O_RDWR | O_DSYNC);
	event_fd = eventfd(0, EFD_NONBLOCK);
	(void)!ftruncate(file_fd, 1 << 23);
	end = now_ms() + MILLISECONDS;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 12 && now_ms() < end; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child(i);
		waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CONTEXTS; i++)
		if (contexts[i] && syscall(SYS_io_destroy, contexts[i]))
			printf("io_destroy at the end: %s\n", error_name(errno));
	unlink("/data/races");
	printf("aio-nr was %ld, is %ld\n", before, aio_nr());
	return aio_nr() != before;
}
