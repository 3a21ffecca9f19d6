/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that sleep, when they may not (O_NONBLOCK and its like), and when they may for a while only: result, error, and time. */
#include "test.h"

#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define WAIT_MS 40

static char big[1 << 20];

/* It gives up, and not before its time. */
#define TIMED(expr)                                                                                \
	do {                                                                                       \
		uint64_t _start = now_ms();                                                        \
		SHOW(expr);                                                                        \
		if (now_ms() - _start < WAIT_MS - 1)                                               \
			say("  too early");                                                        \
	} while (0)

static struct timespec in_a_while(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += WAIT_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}
static const struct timespec a_while = { 0, WAIT_MS * 1000000L };
static const struct timeval a_while_usec = { 0, WAIT_MS * 1000 };

static long as_errno(int error)
{
	errno = error;
	return error ? -1 : 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	unlink(path);
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 0))
		exit(2);
	return fd;
}

static int connect_by(int fd, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return connect(fd, (void *)&a, sizeof(a));
}

static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, big, 4096) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

static void test_queues(void)
{
	struct iovec v = { big, 4096 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int p[2], s[2], d[2], listener = listen_at("/tmp/bounds"), fd;

	if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM, 0, s) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, d))
		exit(2);
	SECTION("pipes");
	SHOW(read(p[0], big, 1));
	fill(p[1]);
	SHOW(write(p[1], big, 4096));
	SHOW(writev(p[1], &v, 1));
	SHOW(splice(p[0], NULL, p[1], NULL, 4096, SPLICE_F_NONBLOCK) == -1);
	SHOW(vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK));
	mkfifo("/tmp/bounds-fifo", 0600);
	SHOW(open("/tmp/bounds-fifo", O_WRONLY | O_NONBLOCK));
	SHOW((fd = open("/tmp/bounds-fifo", O_RDONLY | O_NONBLOCK)) >= 0);
	SHOW(read(fd, big, 1));
	SECTION("sockets");
	SHOW(recv(s[0], big, 1, MSG_DONTWAIT));
	SHOW(recvmsg(d[0], &m, 0));
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &a_while_usec, sizeof(a_while_usec));
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &a_while_usec, sizeof(a_while_usec));
	TIMED(recv(s[0], big, 1, 0));
	TIMED(read(s[0], big, 1));
	TIMED(recvmsg(s[0], &m, 0));
	fill(s[0]);
	SHOW(send(s[0], big, 4096, MSG_DONTWAIT));
	TIMED(send(s[0], big, 4096, 0));
	TIMED(write(s[0], big, 4096));
	fill(d[0]);
	SHOW(send(d[0], big, 4096, 0));
	struct mmsghdr many[2] = { { m, 0 }, { m, 0 } };
	SHOW(recvmmsg(s[0], many, 2, MSG_DONTWAIT, NULL));
	fcntl(listener, F_SETFL, O_NONBLOCK);
	SHOW(accept(listener, NULL, NULL));
	fcntl(listener, F_SETFL, 0);
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &a_while_usec, sizeof(a_while_usec));
	TIMED(accept(listener, NULL, NULL));
	for (int i = 0; i < 3; i++)
		connect_by(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), "/tmp/bounds");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(connect_by(fd, "/tmp/bounds"));
	fcntl(fd, F_SETFL, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &a_while_usec, sizeof(a_while_usec));
	TIMED(connect_by(fd, "/tmp/bounds"));
}

static void test_event_files(void)
{
	int event = eventfd(0, EFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), notify = inotify_init1(IN_NONBLOCK);
	sigset_t set;

	SECTION("event files");
	SHOW(read(event, big, 8));
	eventfd_write(event, UINT64_MAX - 1);
	SHOW(eventfd_write(event, 1));
	SHOW(read(timer, big, 8));
	SHOW(read(notify, big, 4096));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SHOW(read(signalfd(-1, &set, SFD_NONBLOCK), big, 128));
	SHOW(sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }));
	TIMED(sigtimedwait(&set, NULL, &a_while));
	SHOW(sigtimedwait(&set, NULL, &(struct timespec){ 0, -1 }));
}

static void test_polls(void)
{
	struct epoll_event event;
	struct pollfd poll_fd;
	int p[2], set = epoll_create1(0);
	fd_set fds;

	if (pipe(p))
		exit(2);
	SECTION("polls");
	poll_fd = (struct pollfd){ p[0], POLLIN, 0 };
	SHOW(poll(&poll_fd, 1, 0));
	TIMED(poll(&poll_fd, 1, WAIT_MS));
	TIMED(poll(NULL, 0, WAIT_MS));
	TIMED(ppoll(&poll_fd, 1, &a_while, NULL));
	FD_ZERO(&fds);
	FD_SET(p[0], &fds);
	TIMED(select(p[0] + 1, &fds, NULL, NULL, &(struct timeval){ 0, WAIT_MS * 1000 }));
	TIMED(select(0, NULL, NULL, NULL, &(struct timeval){ 0, WAIT_MS * 1000 }));
	FD_SET(p[0], &fds);
	TIMED(pselect(p[0] + 1, &fds, NULL, NULL, &a_while, NULL));
	epoll_ctl(set, EPOLL_CTL_ADD, p[0], &(struct epoll_event){ .events = EPOLLIN });
	SHOW(epoll_wait(set, &event, 1, 0));
	TIMED(epoll_wait(set, &event, 1, WAIT_MS));
	TIMED(epoll_pwait(set, &event, 1, WAIT_MS, NULL));
}

/* The other party holds these locks; `hold` ends with the pipe's last writer. */
static void test_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };
	struct { pthread_mutex_t mutex, pi; sem_t semaphore; uint32_t word; pthread_rwlock_t rwlock; } *shared;
	pthread_mutexattr_t attr;
	pthread_rwlockattr_t rwattr;
	struct timespec t;
	int ready[2], hold[2], fd = open("/tmp/bounds-lock", O_RDWR | O_CREAT, 0600);

	SECTION("locks");
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->mutex, &attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&shared->pi, &attr);
	pthread_rwlockattr_init(&rwattr);
	pthread_rwlockattr_setpshared(&rwattr, PTHREAD_PROCESS_SHARED);
	pthread_rwlock_init(&shared->rwlock, &rwattr);
	sem_init(&shared->semaphore, 1, 0);
	if (pipe(ready) || pipe(hold))
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		close(hold[1]);
		flock(open("/tmp/bounds-lock", O_RDWR), LOCK_EX);
		fcntl(fd, F_SETLK, &l);
		pthread_mutex_lock(&shared->mutex);
		pthread_mutex_lock(&shared->pi);
		pthread_rwlock_wrlock(&shared->rwlock);
		(void)!write(ready[1], "x", 1);
		(void)!read(hold[0], big, 1);
		_exit(0);
	}
	(void)!read(ready[0], big, 1);
	SHOW(flock(fd, LOCK_EX | LOCK_NB));
	SHOW(fcntl(fd, F_SETLK, &l));
	SHOW(fcntl(fd, F_OFD_SETLK, &l));
	SHOW(as_errno(pthread_mutex_trylock(&shared->mutex)));
	SHOW(as_errno(pthread_mutex_trylock(&shared->pi)));
	t = in_a_while(CLOCK_REALTIME);
	TIMED(as_errno(pthread_mutex_timedlock(&shared->mutex, &t)));
	t = in_a_while(CLOCK_REALTIME);
	TIMED(as_errno(pthread_mutex_timedlock(&shared->pi, &t)));
	t = in_a_while(CLOCK_REALTIME);
	TIMED(as_errno(pthread_rwlock_timedrdlock(&shared->rwlock, &t)));
	SHOW(sem_trywait(&shared->semaphore));
	t = in_a_while(CLOCK_REALTIME);
	TIMED(sem_timedwait(&shared->semaphore, &t));
	t = in_a_while(CLOCK_MONOTONIC);
	TIMED(as_errno(sem_clockwait(&shared->semaphore, CLOCK_MONOTONIC, &t) ? errno : 0));
	TIMED(syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, &a_while, NULL, 0));
	t = in_a_while(CLOCK_MONOTONIC);
	TIMED(syscall(SYS_futex, &shared->word, FUTEX_WAIT_BITSET, 0, &t, NULL, 1));
	SHOW(syscall(SYS_futex, &shared->word, FUTEX_WAIT, 1, NULL, NULL, 0));
	close(hold[1]);
	waitpid(pid, NULL, 0);
}

static void test_messages(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	struct { long type; char text[8192]; } *m = (void *)big;
	int set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600);
	struct sembuf op = { 0, -1, 0 }, no_wait = { 0, -1, IPC_NOWAIT };
	struct timespec t;
	mqd_t mq;

	SECTION("System V and POSIX queues");
	SHOW(semop(set, &no_wait, 1));
	TIMED(semtimedop(set, &op, 1, &a_while));
	SHOW(semtimedop(set, &op, 1, &(struct timespec){ 0, 0 }));
	SHOW(semtimedop(set, &op, 1, &(struct timespec){ 0, -1 }));
	SHOW(msgrcv(queue, m, 10, 0, IPC_NOWAIT));
	m->type = 1;
	while (msgsnd(queue, m, 8192, IPC_NOWAIT) == 0)
		;
	SHOW(msgsnd(queue, m, 8192, IPC_NOWAIT));
	semctl(set, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
	mq_unlink("/bounds");
	mq = mq_open("/bounds", O_RDWR | O_CREAT, 0600, &attr);
	t = in_a_while(CLOCK_REALTIME);
	TIMED(mq_timedreceive(mq, big, 8, NULL, &t));
	mq_send(mq, "x", 1, 0);
	t = in_a_while(CLOCK_REALTIME);
	TIMED(mq_timedsend(mq, "x", 1, 0, &t));
	mq_close(mq);
	mq = mq_open("/bounds", O_RDWR | O_NONBLOCK);
	SHOW(mq_send(mq, "x", 1, 0));
	SHOW(mq_receive(mq, big, 8, NULL));
	SHOW(mq_receive(mq, big, 8, NULL));
	mq_unlink("/bounds");
}

static void test_others(void)
{
	struct io_event event;
	struct timespec t;
	aio_context_t ctx = 0;

	SECTION("others");
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	SHOW(waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	SHOW(waitpid(pid, NULL, WNOHANG));
	syscall(SYS_io_setup, 1, &ctx);
	SHOW(syscall(SYS_io_getevents, ctx, 1L, 1L, &event, &(struct timespec){ 0, 0 }));
	TIMED(syscall(SYS_io_getevents, ctx, 1L, 1L, &event, &a_while));
	TIMED(nanosleep(&a_while, NULL));
	t = in_a_while(CLOCK_MONOTONIC);
	TIMED(as_errno(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)));
	t = in_a_while(CLOCK_BOOTTIME);
	TIMED(as_errno(clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &t, NULL)));
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_queues();
	test_event_files();
	test_polls();
	test_locks();
	test_messages();
	test_others();
	return 0;
}
