/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/block says of a task in each kind of sleep: the kind, what it is, the object by name, whether a signal
 * would end it, since when, and which tasks it depends on.
 */
#include "../conformance/test.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <linux/futex.h>

static int failures;
static char text[4096];

static const char *read_block(pid_t pid)
{
	char path[64];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/block", pid);
	fd = open(path, O_RDONLY);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	text[n < 0 ? 0 : n] = 0;
	close(fd);
	return text;
}

static bool has_line(const char *key, const char *value)
{
	char start[64];
	const char *line = text;
	size_t n = (size_t)snprintf(start, sizeof(start), "%s:\t", key);

	for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, start, n)) {
			const char *end = strchrnul(line, '\n'), *found = strstr(line + n, value);

			if (found && found < end)
				return true;
		}
	return false;
}

/* The task is expected to get into this sleep soon. `relation` with `other`: 0 is none. */
static void expect(const char *name, pid_t pid, const char *kind, const char *wait, const char *object, const char *state,
		   const char *relation, pid_t other)
{
	char number[16];
	bool good = false;

	snprintf(number, sizeof(number), "%d", other);
	for (int i = 0; i < 1000 && !good; i++) {
		read_block(pid);
		good = has_line("kind", kind) && has_line("wait", wait) && has_line("object", object) && has_line("state", state) &&
		       (!other || has_line(relation, number)) && has_line("since", ".") && has_line("start", ".");
		if (!good)
			sleep_ms(5);
	}
	if (good)
		return;
	failures++;
	printf("%s: expected kind %s, wait %s, object with '%s', %s, %s %d, but it is\n%s\n", name, kind, wait, object, state,
	       other ? relation : "-", other, text);
}

static pid_t sleeper(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		fn(arg);
		pause();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char byte[1 << 20];
static int signal_fd = -1;
static void read_fd(void *arg) { (void)!read(*(int *)arg, byte, *(int *)arg == signal_fd ? 128 : 8); }
static void write_fd(void *arg) { (void)!write(*(int *)arg, byte, sizeof(byte)); }
static void nothing(void *arg) {}
static void sleep_long(void *arg) { sleep_ms(60000); }
static void open_fifo(void *arg) { open(arg, O_RDONLY); }
static void accept_fd(void *arg) { accept(*(int *)arg, NULL, NULL); }
static void poll_fd(void *arg)
{
	struct pollfd p = { *(int *)arg, POLLIN, 0 };

	poll(&p, 1, 60000);
}
static void select_fd(void *arg)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(*(int *)arg, &set);
	select(*(int *)arg + 1, &set, NULL, NULL, NULL);
}
static void epoll_fd(void *arg)
{
	struct epoll_event event;

	epoll_wait(*(int *)arg, &event, 1, -1);
}
static void futex_word(void *arg) { syscall(SYS_futex, arg, FUTEX_WAIT, *(uint32_t *)arg, NULL, NULL, 0); }
static void lock_mutex(void *arg) { pthread_mutex_lock(arg); }
static void lock_file(void *arg) { flock(open(arg, O_RDWR), LOCK_EX); }
static void lock_range(void *arg)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };

	fcntl(open(arg, O_RDWR), F_SETLKW, &l);
}
static void wait_child(void *arg)
{
	if (fork() == 0)
		pause();
	wait(NULL);
}
static void stop(void *arg) { raise(SIGSTOP); }
static void wait_signal(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigwaitinfo(&set, NULL);
}
static void take_semaphore(void *arg) { semop(*(int *)arg, &(struct sembuf){ 0, -1, 0 }, 1); }
static void receive_message(void *arg) { msgrcv(*(int *)arg, byte, 8, 0, 0); }
static void receive_posix(void *arg) { mq_receive(*(mqd_t *)arg, byte, 8192, NULL); }

static void test_queues(void)
{
	int p[2], s[2], fd;
	pid_t pid, writer;

	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		exit(2);
	writer = sleeper(nothing, NULL);
	close(p[1]);
	pid = sleeper(read_fd, &p[0]);
	expect("pipe read", pid, "queue", "pipe read", "pipe:[", "interruptible", "peer", writer);
	end(pid);
	end(writer);
	close(p[0]);
	if (pipe(p))
		exit(2);
	pid = sleeper(write_fd, &p[1]);
	expect("pipe write", pid, "queue", "pipe write", "pipe:[", "interruptible", "peer", getpid());
	end(pid);
	pid = sleeper(poll_fd, &p[0]);
	end(pid);
	pid = sleeper(read_fd, &s[0]);
	expect("socket read", pid, "queue", "socket read", "socket:[", "interruptible", "peer", getpid());
	end(pid);
	pid = sleeper(write_fd, &s[0]);
	expect("socket write", pid, "queue", "socket write", "socket:[", "interruptible", "peer", getpid());
	end(pid);
	pid = sleeper(poll_fd, &s[1]);
	end(pid);

	mkfifo("/tmp/fifo", 0600);
	pid = sleeper(open_fifo, "/tmp/fifo");
	expect("fifo", pid, "queue", "FIFO open for reading", "/tmp/fifo", "interruptible", NULL, 0);
	end(pid);
	struct sockaddr_un name = { AF_UNIX, "/tmp/listening" };
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (void *)&name, sizeof(name)) || listen(fd, 1))
		exit(2);
	pid = sleeper(accept_fd, &fd);
	expect("accept", pid, "queue", "accept", "/tmp/listening", "interruptible", NULL, 0);
	end(pid);
	close(fd);
	fd = eventfd(0, 0);
	pid = sleeper(read_fd, &fd);
	expect("eventfd", pid, "queue", "eventfd read", "[eventfd]", "interruptible", "peer", getpid());
	end(pid);
	close(fd);
	fd = inotify_init();
	pid = sleeper(read_fd, &fd);
	expect("inotify", pid, "queue", "inotify read", "inotify", "interruptible", NULL, 0);
	end(pid);
	close(fd);
}

static void test_datagrams(void)
{
	struct sockaddr_in name = { AF_INET, htons(7001), { htonl(INADDR_LOOPBACK) }, { 0 } };
	int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0), fd;
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	pid_t pid;

	if (bind(server, (void *)&name, sizeof(name)) || connect(client, (void *)&name, sizeof(name)))
		exit(2);
	pid = sleeper(read_fd, &server);
	expect("UDP server", pid, "queue", "socket read", "udp 127.0.0.1:7001", "interruptible", NULL, 0);
	end(pid);
	pid = sleeper(read_fd, &client);
	expect("UDP client", pid, "queue", "socket read", " to 127.0.0.1:7001", "interruptible", "peer", getpid());
	end(pid);
	close(server);
	close(client);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (bind(fd, (void *)&groups, sizeof(groups)))
		exit(2);
	pid = sleeper(read_fd, &fd);
	expect("netlink", pid, "queue", "socket read", "netlink route", "interruptible", NULL, 0);
	end(pid);
	close(fd);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	pid = sleeper(read_fd, &fd);
	expect("raw", pid, "queue", "socket read", "raw 0.0.0.0", "interruptible", NULL, 0);
	end(pid);
	close(fd);
}

static void connect_7002(void *arg)
{
	struct sockaddr_in name = { AF_INET, htons(7002), { htonl(INADDR_LOOPBACK) }, { 0 } };

	connect(*(int *)arg, (void *)&name, sizeof(name));
}

static void test_tcp(void)
{
	struct sockaddr_in name = { AF_INET, htons(7002), { htonl(INADDR_LOOPBACK) }, { 0 } };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server, late;
	pid_t pid;

	if (bind(listener, (void *)&name, sizeof(name)) || listen(listener, 0))
		exit(2);
	pid = sleeper(accept_fd, &listener);
	expect("TCP accept", pid, "queue", "accept", "tcp 127.0.0.1:7002", "interruptible", NULL, 0);
	end(pid);
	if (connect(client, (void *)&name, sizeof(name)))
		exit(2);
	pid = sleeper(read_fd, &client);
	expect("TCP, not accepted", pid, "queue", "socket read", " to 127.0.0.1:7002, not accepted yet", "interruptible", NULL, 0);
	end(pid);
	late = socket(AF_INET, SOCK_STREAM, 0);
	pid = sleeper(connect_7002, &late);
	expect("TCP connect", pid, "queue", "connect", "whose listener has 1 connections waiting", "interruptible", "peer", getpid());
	end(pid);
	server = accept(listener, NULL, NULL);
	pid = sleeper(read_fd, &client);
	expect("TCP read", pid, "queue", "socket read", " to 127.0.0.1:7002", "interruptible", "peer", getpid());
	end(pid);
	/* Until nobody has room for more. */
	fcntl(client, F_SETFL, O_NONBLOCK);
	while (write(client, byte, sizeof(byte)) > 0)
		;
	fcntl(client, F_SETFL, 0);
	pid = sleeper(write_fd, &client);
	expect("TCP write", pid, "queue", "socket write", " to 127.0.0.1:7002", "interruptible", "peer", getpid());
	end(pid);
	close(late);
	close(client);
	close(server);
	close(listener);
}

static void test_polls(void)
{
	int p[2], set, fd;
	pid_t pid;

	if (pipe(p))
		exit(2);
	pid = sleeper(poll_fd, &p[0]);
	expect("poll", pid, "queue", "poll", "pipe:[", "interruptible", "peer", getpid());
	if (!has_line("left", "5")) /* 59.9 s */
		failures += printf("poll: no time left in\n%s", text) > 0;
	end(pid);
	pid = sleeper(select_fd, &p[0]);
	expect("select", pid, "queue", "poll", "pipe:[", "interruptible", "peer", getpid());
	end(pid);
	set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, p[0], &(struct epoll_event){ .events = EPOLLIN });
	pid = sleeper(epoll_fd, &set);
	expect("epoll", pid, "queue", "epoll", "epoll of 1 file: pipe:[", "interruptible", "peer", getpid());
	end(pid);
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	fd = signal_fd = signalfd(-1, &mask, 0);
	pid = sleeper(read_fd, &fd);
	expect("signalfd", pid, "queue", "signalfd read", "set 0x800", "interruptible", NULL, 0);
	end(pid);
	pid = sleeper(wait_signal, NULL);
	expect("sigwait", pid, "queue", "sigwait", "set 0x200", "interruptible", NULL, 0);
	end(pid);
	pid = sleeper(nothing, NULL);
	expect("pause", pid, "queue", "signal", "any signal", "interruptible", NULL, 0);
	end(pid);
}

static void test_locks(void)
{
	pthread_mutexattr_t attr;
	struct { uint32_t word; pthread_mutex_t normal, robust, pi; } *shared;
	int fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
	pid_t pid;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = sleeper(futex_word, &shared->word);
	expect("futex", pid, "lock", "futex", "futex 0x", "interruptible", NULL, 0);
	end(pid);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->normal, &attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->robust, &attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_STALLED);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&shared->pi, &attr);
	pthread_mutex_lock(&shared->normal);
	pthread_mutex_lock(&shared->robust);
	pthread_mutex_lock(&shared->pi);
	pid = sleeper(lock_mutex, &shared->normal);
	expect("mutex", pid, "lock", "futex", "futex 0x", "interruptible", "holder?", getpid());
	end(pid);
	pid = sleeper(lock_mutex, &shared->robust);
	expect("robust mutex", pid, "lock", "futex", "futex 0x", "interruptible", "holder?", getpid());
	end(pid);
	pid = sleeper(lock_mutex, &shared->pi);
	expect("PI mutex", pid, "lock", "PI futex", "futex 0x", "interruptible", "holder", getpid());
	end(pid);

	flock(fd, LOCK_EX);
	pid = sleeper(lock_file, "/tmp/locked");
	expect("flock", pid, "lock", "file lock", "exclusive flock of /tmp/locked", "interruptible", "holder", getpid());
	end(pid);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 6 };
	fcntl(fd, F_SETLK, &l);
	pid = sleeper(lock_range, "/tmp/locked");
	expect("fcntl", pid, "lock", "file lock", "POSIX lock of /tmp/locked, bytes 5 to 14", "interruptible", "holder", getpid());
	end(pid);
	int set = semget(IPC_PRIVATE, 1, 0600);
	pid = sleeper(take_semaphore, &set);
	expect("semop", pid, "lock", "semaphore", "value 0, operation -1", "interruptible", NULL, 0);
	end(pid);
	semctl(set, 0, IPC_RMID);
}

static void test_messages(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	mqd_t posix = mq_open("/waits", O_RDWR | O_CREAT, 0600, NULL);
	pid_t pid = sleeper(receive_message, &queue);

	expect("msgrcv", pid, "queue", "message queue read", "message queue", "interruptible", NULL, 0);
	end(pid);
	msgctl(queue, IPC_RMID, NULL);
	pid = sleeper(receive_posix, &posix);
	expect("mq_receive", pid, "queue", "message queue read", "waits", "interruptible", NULL, 0);
	end(pid);
	mq_unlink("/waits");
}

static void test_timers(void)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, 0);
	pid_t pid = sleeper(sleep_long, NULL);

	expect("nanosleep", pid, "timer", "sleep", "CLOCK_REALTIME", "interruptible", NULL, 0);
	if (!has_line("left", "5")) /* 59.9 s */
		failures += printf("nanosleep: no time left in\n%s", text) > 0;
	end(pid);
	pid = sleeper(read_fd, &fd);
	expect("timerfd", pid, "timer", "timerfd read", "CLOCK_BOOTTIME, not armed", "interruptible", NULL, 0);
	end(pid);
}

static void test_children(void)
{
	pid_t pid = sleeper(wait_child, NULL);

	expect("wait", pid, "child", "child", "a child's change of state", "interruptible", "child", pid + 1);
	kill(pid + 1, SIGKILL);
	end(pid);
	pid = sleeper(stop, NULL);
	expect("stopped", pid, "stop", "stopped", "SIGCONT", "stopped", NULL, 0);
	end(pid);
	/* The parent of a vfork child sleeps until that has exec'd or ended, whatever signals come. */
	pid = fork();
	if (pid == 0) {
		if (vfork() == 0) {
			sleep_ms(60000);
			_exit(0);
		}
		_exit(0);
	}
	expect("vfork", pid, "child", "vfork", "vfork child", "killable", "child", pid + 1);
	kill(pid + 1, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	test_queues();
	test_datagrams();
	test_tcp();
	test_polls();
	test_locks();
	test_messages();
	test_timers();
	test_children();
	read_block(getpid());
	if (!has_line("kind", "none"))
		failures += printf("a running task: %s", text) > 0;
	printf("%d failures\n", failures);
	return failures != 0;
}
