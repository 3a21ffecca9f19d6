/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call that sleeps, interrupted: by a handler without and with SA_RESTART, by a signal that is ignored, and by being
 * stopped and continued. signal(7) says which begin again and which fail with EINTR. Then what each does when it may not
 * sleep, and when it may for a while only.
 */
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
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static struct shared {
	volatile int in_call, done, handled;
	long result;
	int error;
	uint32_t word;
	sem_t semaphore;
	pthread_mutex_t mutex;
} *shared;

static int pipe_fds[2], full_pipe[2], pair[2], full_pair[2], dgram_pair[2], listener, full_listener, event_fd, full_event_fd, timer_fd, signal_fd,
	inotify_fd, epoll_fd, lock_fd, set_id, queue_id, full_queue_id, release_pipe[2];
static mqd_t mq, full_mq;
static aio_context_t aio;
static char big[1 << 20];
static const struct timespec second = { 60, 0 };

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return a;
}

static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, big, 4096) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

static int connect_to(const char *path, int flags)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);

	if (connect(fd, (void *)&a, sizeof(a)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static struct flock range(short type) { return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 }; }

static void set_timeout(int fd, int option)
{
	setsockopt(fd, SOL_SOCKET, option, &(struct timeval){ 60, 0 }, sizeof(struct timeval));
}

/* Descriptors differ. */
static long ok(int fd) { return fd < 0 ? -1 : 1; }

/* ---- calls that sleep, and what ends each: `call` runs in a child, `release` in the parent ---- */

static long c_pipe_read(void) { return read(pipe_fds[0], big, 10); }
static void r_pipe(void) { (void)!write(pipe_fds[1], "x", 1); }
static long c_pipe_write(void) { return write(full_pipe[1], big, 4096); }
static void r_full_pipe(void) { (void)!read(full_pipe[0], big, 65536); }
static long c_open_fifo(void) { return ok(open("/tmp/blocking-fifo", O_RDONLY)); }
static void r_open_fifo(void) { close(open("/tmp/blocking-fifo", O_WRONLY)); }
static long c_recv(void) { return recv(pair[0], big, 10, 0); }
static long c_recv_timeout(void) { set_timeout(pair[0], SO_RCVTIMEO); return recv(pair[0], big, 10, 0); }
static void r_recv(void) { (void)!write(pair[1], "x", 1); }
static long c_recvmsg(void)
{
	struct iovec v = { big, 10 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return recvmsg(dgram_pair[0], &m, 0);
}
static void r_recvmsg(void) { (void)!write(dgram_pair[1], "x", 1); }
static long c_send(void) { return send(full_pair[0], big, 4096, 0); }
static long c_send_timeout(void) { set_timeout(full_pair[0], SO_SNDTIMEO); return send(full_pair[0], big, 4096, 0); }
static void r_send(void)
{
	int flags = fcntl(full_pair[1], F_GETFL);

	fcntl(full_pair[1], F_SETFL, flags | O_NONBLOCK);
	while (read(full_pair[1], big, sizeof(big)) > 0)
		;
	fcntl(full_pair[1], F_SETFL, flags);
}
static long c_accept(void) { return ok(accept(listener, NULL, NULL)); }
static long c_accept_timeout(void) { set_timeout(listener, SO_RCVTIMEO); return ok(accept(listener, NULL, NULL)); }
static void r_accept(void) { close(connect_to("/tmp/blocking-listener", 0)); }
static long c_connect(void) { return ok(connect_to("/tmp/blocking-full", 0)); }
static void r_connect(void) { close(accept(full_listener, NULL, NULL)); }
static long c_eventfd(void) { return read(event_fd, big, 8); }
static void r_eventfd(void) { eventfd_write(event_fd, 1); }
static long c_eventfd_write(void) { return eventfd_write(full_event_fd, 5); }
static void r_eventfd_write(void) { eventfd_t v; eventfd_read(full_event_fd, &v); }
static long c_timerfd(void) { return read(timer_fd, big, 8); }
static void r_timerfd(void) { timerfd_settime(timer_fd, 0, &(struct itimerspec){ .it_value = { 0, 1 } }, NULL); }
static long c_inotify(void) { return ok((int)read(inotify_fd, big, 4096) - 1); }
static void r_inotify(void) { close(open("/tmp/blocking-watched/x", O_CREAT | O_WRONLY, 0600)); unlink("/tmp/blocking-watched/x"); }
static long c_flock(void) { return flock(open("/tmp/blocking-lock", O_RDWR), LOCK_EX); }
static void r_flock(void) { flock(lock_fd, LOCK_UN); }
static long c_setlkw(void) { struct flock l = range(F_WRLCK); return fcntl(open("/tmp/blocking-lock", O_RDWR), F_SETLKW, &l); }
static void r_setlkw(void) { struct flock l = range(F_UNLCK); fcntl(lock_fd, F_SETLK, &l); }
static long c_ofd(void) { struct flock l = range(F_WRLCK); return fcntl(open("/tmp/blocking-lock", O_RDWR), F_OFD_SETLKW, &l); }
static long c_futex(void) { return syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0); }
static long c_futex_timeout(void) { return syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, &second, NULL, 0); }
static void r_futex(void) { syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0); }
static long c_sem_wait(void) { return sem_wait(&shared->semaphore); }
static void r_sem_wait(void) { sem_post(&shared->semaphore); }
static long c_mutex(void) { return pthread_mutex_lock(&shared->mutex); }
static void r_mutex(void) { pthread_mutex_unlock(&shared->mutex); }
static long c_mq_receive(void) { return mq_receive(mq, big, 8192, NULL); }
static long c_mq_timedreceive(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 60;
	return mq_timedreceive(mq, big, 8192, NULL, &t);
}
static void r_mq_receive(void) { mq_send(mq, "x", 1, 0); }
static long c_mq_send(void) { return mq_send(full_mq, "x", 1, 0); }
static void r_mq_send(void) { mq_receive(full_mq, big, 8192, NULL); }
static long c_wait4(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		(void)!read(release_pipe[0], big, 1);
		_exit(0);
	}
	shared->in_call = 1;
	return ok(wait4(pid, NULL, 0, NULL));
}
static long c_waitid(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0) {
		(void)!read(release_pipe[0], big, 1);
		_exit(0);
	}
	shared->in_call = 1;
	return waitid(P_PID, (id_t)pid, &info, WEXITED);
}
static void r_wait(void) { (void)!write(release_pipe[1], "x", 1); }
/* Those that never begin again after a handler. */
static long c_poll(void) { struct pollfd p = { pipe_fds[0], POLLIN, 0 }; return poll(&p, 1, -1); }
static long c_poll_timeout(void) { struct pollfd p = { pipe_fds[0], POLLIN, 0 }; return poll(&p, 1, 60000); }
static long c_ppoll(void) { struct pollfd p = { pipe_fds[0], POLLIN, 0 }; return ppoll(&p, 1, &second, NULL); }
static long c_select(void) { fd_set s; FD_ZERO(&s); FD_SET(pipe_fds[0], &s); return select(pipe_fds[0] + 1, &s, NULL, NULL, NULL); }
static long c_pselect(void) { fd_set s; FD_ZERO(&s); FD_SET(pipe_fds[0], &s); return pselect(pipe_fds[0] + 1, &s, NULL, NULL, &second, NULL); }
static void r_poll(void) { r_pipe(); }
static long c_epoll_wait(void) { struct epoll_event e; return epoll_wait(epoll_fd, &e, 1, -1); }
static long c_epoll_pwait(void) { struct epoll_event e; return epoll_pwait(epoll_fd, &e, 1, 60000, NULL); }
static long c_pause(void) { return pause(); }
static long c_sigsuspend(void) { sigset_t s; sigemptyset(&s); return sigsuspend(&s); }
static long c_sigwaitinfo(void) { sigset_t s; sigemptyset(&s); sigaddset(&s, SIGRTMIN); return ok(sigwaitinfo(&s, NULL)); }
static long c_sigtimedwait(void) { sigset_t s; sigemptyset(&s); sigaddset(&s, SIGRTMIN); return ok(sigtimedwait(&s, NULL, &second)); }
static long c_signalfd(void) { return read(signal_fd, big, 128); }
static long c_msgrcv(void) { return msgrcv(queue_id, big, 10, 0, 0); }
static void r_msgrcv(void) { struct { long type; char text[1]; } m = { 1, "x" }; msgsnd(queue_id, &m, 1, 0); }
static long c_msgsnd(void) { *(long *)big = 1; return msgsnd(full_queue_id, big, 8192, 0); }
static void r_msgsnd(void) { msgrcv(full_queue_id, big, 8192, 0, 0); }
static long c_semop(void) { return semop(set_id, &(struct sembuf){ 0, -1, 0 }, 1); }
static long c_semtimedop(void) { return semtimedop(set_id, &(struct sembuf){ 0, -1, 0 }, 1, &second); }
static void r_semop(void) { semop(set_id, &(struct sembuf){ 0, 1, 0 }, 1); }
static long c_nanosleep(void) { return nanosleep(&second, NULL); }
static long c_clock_nanosleep(void)
{
	int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL);

	errno = error;
	return error ? -1 : 0;
}
static long c_io_getevents(void)
{
	struct io_event e;

	syscall(SYS_io_setup, 1, &aio);
	return syscall(SYS_io_getevents, aio, 1L, 1L, &e, NULL);
}
static void r_nothing(void) {}
static void r_signal(void) {}

static const struct op {
	const char *name;
	long (*call)(void);
	void (*release)(void); /* r_nothing: it cannot be ended; r_signal: SIGRTMIN ends it */
	bool sets_in_call;
} ops[] = {
	{ "read of a pipe", c_pipe_read, r_pipe }, { "write to a pipe", c_pipe_write, r_full_pipe },
	{ "open of a FIFO", c_open_fifo, r_open_fifo }, { "recv", c_recv, r_recv }, { "recv with SO_RCVTIMEO", c_recv_timeout, r_recv },
	{ "recvmsg", c_recvmsg, r_recvmsg }, { "send", c_send, r_send }, { "send with SO_SNDTIMEO", c_send_timeout, r_send },
	{ "accept", c_accept, r_accept }, { "accept with SO_RCVTIMEO", c_accept_timeout, r_accept }, { "connect", c_connect, r_connect },
	{ "read of an eventfd", c_eventfd, r_eventfd }, { "write to an eventfd", c_eventfd_write, r_eventfd_write },
	{ "read of a timerfd", c_timerfd, r_timerfd }, { "read of a signalfd", c_signalfd, r_signal }, { "read of inotify", c_inotify, r_inotify },
	{ "flock", c_flock, r_flock }, { "F_SETLKW", c_setlkw, r_setlkw }, { "F_OFD_SETLKW", c_ofd, r_setlkw },
	{ "FUTEX_WAIT", c_futex, r_futex }, { "FUTEX_WAIT with a timeout", c_futex_timeout, r_futex }, { "sem_wait", c_sem_wait, r_sem_wait },
	{ "pthread_mutex_lock", c_mutex, r_mutex }, { "mq_receive", c_mq_receive, r_mq_receive },
	{ "mq_timedreceive", c_mq_timedreceive, r_mq_receive }, { "mq_send", c_mq_send, r_mq_send },
	{ "wait4", c_wait4, r_wait, true }, { "waitid", c_waitid, r_wait, true },
	{ "poll", c_poll, r_poll }, { "poll with a timeout", c_poll_timeout, r_poll }, { "ppoll", c_ppoll, r_poll }, { "select", c_select, r_poll },
	{ "pselect", c_pselect, r_poll }, { "epoll_wait", c_epoll_wait, r_poll }, { "epoll_pwait", c_epoll_pwait, r_poll },
	{ "pause", c_pause, r_nothing }, { "sigsuspend", c_sigsuspend, r_nothing }, { "sigwaitinfo", c_sigwaitinfo, r_signal },
	{ "sigtimedwait", c_sigtimedwait, r_signal }, { "msgrcv", c_msgrcv, r_msgrcv }, { "msgsnd", c_msgsnd, r_msgsnd },
	{ "semop", c_semop, r_semop }, { "semtimedop", c_semtimedop, r_semop }, { "nanosleep", c_nanosleep, r_nothing },
	{ "clock_nanosleep", c_clock_nanosleep, r_nothing }, { "io_getevents", c_io_getevents, r_nothing },
};

static void open_pair(int fds[2], int type)
{
	if (socketpair(AF_UNIX, type, 0, fds))
		exit(2);
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(path);
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 0))
		exit(2);
	return fd;
}

static void set_up(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8192 };
	pthread_mutexattr_t shared_attr;
	struct flock l = range(F_WRLCK);
	sigset_t realtime;

	memset((void *)shared, 0, sizeof(*shared));
	if (pipe(pipe_fds) || pipe(full_pipe) || pipe(release_pipe))
		exit(2);
	fill(full_pipe[1]);
	mkfifo("/tmp/blocking-fifo", 0600);
	open_pair(pair, SOCK_STREAM);
	open_pair(full_pair, SOCK_STREAM);
	fill(full_pair[0]);
	open_pair(dgram_pair, SOCK_DGRAM);
	listener = listen_at("/tmp/blocking-listener");
	full_listener = listen_at("/tmp/blocking-full");
	while (connect_to("/tmp/blocking-full", SOCK_NONBLOCK) >= 0)
		;
	event_fd = eventfd(0, 0);
	full_event_fd = eventfd(0, 0);
	eventfd_write(full_event_fd, UINT64_MAX - 1);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
	sigemptyset(&realtime);
	sigaddset(&realtime, SIGRTMIN);
	signal_fd = signalfd(-1, &realtime, 0);
	mkdir("/tmp/blocking-watched", 0700);
	inotify_fd = inotify_init();
	inotify_add_watch(inotify_fd, "/tmp/blocking-watched", IN_CREATE);
	epoll_fd = epoll_create1(0);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_fds[0], &(struct epoll_event){ .events = EPOLLIN });
	lock_fd = open("/tmp/blocking-lock", O_RDWR | O_CREAT, 0600);
	flock(lock_fd, LOCK_EX);
	fcntl(lock_fd, F_SETLK, &l);
	set_id = semget(IPC_PRIVATE, 1, 0600);
	queue_id = msgget(IPC_PRIVATE, 0600);
	full_queue_id = msgget(IPC_PRIVATE, 0600);
	*(long *)big = 1;
	while (msgsnd(full_queue_id, big, 8192, IPC_NOWAIT) == 0)
		;
	mq_unlink("/blocking");
	mq_unlink("/blocking-full");
	mq = mq_open("/blocking", O_RDWR | O_CREAT, 0600, &attr);
	full_mq = mq_open("/blocking-full", O_RDWR | O_CREAT, 0600, &attr);
	mq_send(full_mq, "x", 1, 0);
	sem_init(&shared->semaphore, 1, 0);
	pthread_mutexattr_init(&shared_attr);
	pthread_mutexattr_setpshared(&shared_attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->mutex, &shared_attr);
	pthread_mutex_lock(&shared->mutex);
}

static void tear_down(void)
{
	semctl(set_id, 0, IPC_RMID);
	msgctl(queue_id, IPC_RMID, NULL);
	msgctl(full_queue_id, IPC_RMID, NULL);
	mq_close(mq);
	mq_close(full_mq);
	for (int fd = 3; fd < 2000; fd++)
		close(fd);
}

static char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	char *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 'X';
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	end = strrchr(text, ')');
	return end ? end[2] : 'X';
}

/* Until it sleeps in its call, or has ended. */
static bool wait_asleep(pid_t pid)
{
	for (int i = 0; i < 5000 && !shared->done; i++) {
		if (shared->in_call && state_of(pid) == 'S') {
			sleep_ms(1);
			if (!shared->done && state_of(pid) == 'S')
				return true;
		}
		sleep_ms(1);
	}
	return false;
}

static void handler(int sig) { shared->handled++; }

enum mode { PLAIN, RESTART, IGNORED, STOP, MODES };
static const char *const mode_names[] = { "handler", "SA_RESTART", "ignored", "stop and continue" };

static void call_in_child(const struct op *op, enum mode mode)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = mode == RESTART ? SA_RESTART : 0 };
	sigset_t realtime;
	long result;

	setpgid(0, 0);
	sigemptyset(&realtime);
	sigaddset(&realtime, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &realtime, NULL);
	sigaction(SIGUSR1, &action, NULL);
	shared->in_call = !op->sets_in_call;
	errno = 0;
	result = op->call();
	shared->result = result;
	shared->error = errno;
	shared->done = 1;
	_exit(0);
}

static void interrupt(const struct op *op, enum mode mode)
{
	set_up();
	pid_t pid = fork();
	bool again;

	if (pid == 0)
		call_in_child(op, mode);
	if (!wait_asleep(pid))
		say("%s never slept", op->name);
	if (mode == STOP) {
		kill(pid, SIGSTOP);
		while (state_of(pid) != 'T')
			sleep_ms(1);
		kill(pid, SIGCONT);
	} else {
		kill(pid, mode == IGNORED ? SIGWINCH : SIGUSR1);
		for (int i = 0; i < 5000 && mode != IGNORED && !shared->handled; i++)
			sleep_ms(1);
	}
	again = wait_asleep(pid);
	if (again) {
		if (op->release == r_nothing)
			kill(pid, SIGKILL);
		else if (op->release == r_signal)
			kill(pid, SIGRTMIN);
		else
			op->release();
	}
	for (int i = 0; i < 5000 && !shared->done && op->release != r_nothing; i++)
		sleep_ms(1);
	if (!shared->done && (!again || op->release != r_nothing))
		say("%s: did not end", op->name);
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0) /* also its children: they hold the locks */
		;
	if (again && op->release == r_nothing)
		say("%-28s %-18s sleeps on", op->name, mode_names[mode]);
	else
		say("%-28s %-18s %s%ld %s", op->name, mode_names[mode], again ? "sleeps on, then " : "", shared->result,
		    shared->result == -1 ? error_name(shared->error) : "");
	tear_down();
}

int main(int argc, char **argv)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		for (enum mode mode = PLAIN; mode < MODES; mode++)
			if (argc < 2 || strstr(ops[i].name, argv[1]))
				interrupt(&ops[i], mode);
	return 0;
}
