/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that run and sleep in every way, to be frozen and thawed (suites/freezer.py). None may notice: no call comes back early or with
 * EINTR. They end when a line comes on standard input; exit status 0 and "nothing noticed" if all was as without a freezer.
 *
 * usage: sleepers all|doomed
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int gate[2];                /* its writing end is closed at the end */
static volatile uint32_t *release; /* shared: 1 at the end */

static void must(int good, const char *what)
{
	if (!good)
		err(1, "%s", what);
}

static void is(long value, long wanted, const char *what)
{
	if (value != wanted)
		errx(1, "%s: %ld instead of %ld, %s", what, value, wanted, strerror(errno));
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000UL + now.tv_nsec / 1000000;
}

/* ---- those that run ---- */

static void spin(void)
{
	while (!*release)
		;
}

static void spin_in_calls(void)
{
	while (!*release)
		is(getppid() > 0, 1, "getppid");
}

static void *do_nothing(void *argument) { return argument; }

static void fork_all_the_time(void)
{
	while (!*release) {
		pid_t child = fork();
		int status;
		pthread_t thread;

		if (child == 0)
			_exit(7);
		must(child > 0, "fork");
		is(waitpid(child, &status, 0), child, "waitpid");
		is(status, 7 << 8, "status");
		is(pthread_create(&thread, NULL, do_nothing, NULL), 0, "pthread_create");
		is(pthread_join(thread, NULL), 0, "pthread_join");
	}
}

static void talk(void)
{
	int there[2], back[2];
	char byte = 'x';
	pid_t child;

	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	child = fork();
	if (child == 0) {
		close(there[1]);
		close(back[0]);
		while (read(there[0], &byte, 1) == 1)
			is(write(back[1], &byte, 1), 1, "write back");
		_exit(0);
	}
	while (!*release) {
		is(write(there[1], &byte, 1), 1, "write");
		is(read(back[0], &byte, 1), 1, "read");
	}
	close(there[1]);
	waitpid(child, NULL, 0);
}

/* ---- those that sleep until the end ---- */

static void sleep_read(void)
{
	char byte;

	is(read(gate[0], &byte, 1), 0, "read");
}

static void sleep_poll(void)
{
	struct pollfd wait = { .fd = gate[0], .events = POLLIN };

	is(poll(&wait, 1, 600000), 1, "poll");
}

static void sleep_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(gate[0], &set);
	is(select(gate[0] + 1, &set, NULL, NULL, NULL), 1, "select");
}

static void sleep_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0);

	must(epoll_ctl(set, EPOLL_CTL_ADD, gate[0], &event) == 0, "epoll_ctl");
	is(epoll_wait(set, &event, 1, -1), 1, "epoll_wait");
}

static void sleep_futex(void)
{
	long result = syscall(SYS_futex, release, FUTEX_WAIT, 0, NULL, NULL, 0);

	is(result == 0 || errno == EAGAIN, 1, "futex");
}

static void sleep_signal(void)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	is(sigwaitinfo(&set, &info), SIGUSR1, "sigwaitinfo");
}

static void sleep_signalfd(void)
{
	struct signalfd_siginfo info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	is(read(signalfd(-1, &set, 0), &info, sizeof(info)), sizeof(info), "signalfd");
}

static void handler(int sig) {}

static void sleep_pause(void)
{
	sigset_t none;

	signal(SIGUSR1, handler);
	sigemptyset(&none);
	is(sigsuspend(&none), -1, "sigsuspend");
}

static int semaphore, queue;

static void sleep_semop(void)
{
	struct sembuf down = { 0, -1, 0 };

	is(semop(semaphore, &down, 1), 0, "semop");
}

static void sleep_msgrcv(void)
{
	struct { long type; char text[8]; } message;

	is(msgrcv(queue, &message, 8, 0, 0), 1, "msgrcv");
}

static void sleep_flock(void)
{
	int fd = open("/tmp/lock", O_RDWR);

	is(flock(fd, LOCK_EX), 0, "flock");
}

static void sleep_accept(void)
{
	struct sockaddr_un address = { AF_UNIX, "/tmp/accept" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(address.sun_path);
	must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0, "listen");
	is(accept(fd, NULL, NULL) >= 0, 1, "accept");
}

static void sleep_vfork(void)
{
	if (vfork() == 0) {
		char byte;

		is(read(gate[0], &byte, 1), 0, "read in the vfork child");
		_exit(0);
	}
}

static void sleep_stopped(void)
{
	raise(SIGSTOP);
}

static void sleep_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char text[8];

	must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "pty");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	must(slave >= 0, "slave");
	if (fork() == 0) {
		sleep_read();
		is(write(master, "x\n", 2), 2, "write to the terminal");
		_exit(0);
	}
	is(read(slave, text, sizeof(text)), 2, "read of the terminal");
	wait(NULL);
}

/* ---- time goes on ---- */

static void ticks_are_counted(void)
{
	struct itimerspec every = { { 0, 10000000 }, { 0, 10000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t begin = now_ms(), total = 0, count, length;

	must(timerfd_settime(fd, 0, &every, NULL) == 0, "timerfd_settime");
	do {
		length = now_ms() - begin;
		is(read(fd, &count, sizeof(count)), sizeof(count), "timerfd");
		total += count;
	} while (!*release);
	if (total * 10 + 10 < length)
		errx(1, "%lu ticks in %lu ms", total, length);
}

static void sleeps_are_not_short(void)
{
	while (!*release) {
		struct timespec time = { 0, 30000000 };
		uint64_t begin = now_ms();

		is(nanosleep(&time, NULL), 0, "nanosleep");
		is(now_ms() - begin >= 29, 1, "a sleep's length");
	}
}

static void timeouts(void)
{
	while (!*release)
		is(poll(NULL, 0, 20), 0, "poll with a time-out");
}

static volatile sig_atomic_t alarms;
static void count_alarm(int sig) { alarms++; }

static void interval_timer(void)
{
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };

	signal(SIGALRM, count_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (!*release)
		is(usleep(5000000) == -1 && errno == EINTR, 1, "a sleep that an alarm ends");
}

/* ---- those that are killed while all is frozen ---- */

static void killed_later(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec once = { .it_value = { 3, 0 } };
	timer_t timer;

	must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &once, NULL) == 0, "timer");
}

static void doomed_sleeper(void)
{
	killed_later();
	sleep_read();
}

static void *sleep_in_thread(void *argument)
{
	sleep_read();
	return NULL;
}

static void doomed_runner(void)
{
	pthread_t thread;

	killed_later();
	pthread_create(&thread, NULL, sleep_in_thread, NULL);
	spin();
}

static void doomed_vfork(void)
{
	killed_later();
	sleep_vfork();
}

/* ---- */

struct part { const char *name; void (*run)(void); };
static const struct part all[] = {
	{ "spin", spin }, { "calls", spin_in_calls }, { "fork", fork_all_the_time }, { "talk", talk },
	{ "read", sleep_read }, { "poll", sleep_poll }, { "select", sleep_select }, { "epoll", sleep_epoll }, { "futex", sleep_futex },
	{ "sigwait", sleep_signal }, { "signalfd", sleep_signalfd }, { "pause", sleep_pause }, { "semop", sleep_semop },
	{ "msgrcv", sleep_msgrcv }, { "flock", sleep_flock }, { "accept", sleep_accept }, { "vfork", sleep_vfork },
	{ "stopped", sleep_stopped }, { "terminal", sleep_terminal }, { "ticks", ticks_are_counted }, { "nanosleep", sleeps_are_not_short },
	{ "timeouts", timeouts }, { "alarm", interval_timer }, { NULL, NULL },
};
static const struct part doomed[] = {
	{ "doomed-sleeper", doomed_sleeper }, { "doomed-runner", doomed_runner }, { "doomed-vfork", doomed_vfork }, { NULL, NULL },
};

static pid_t pids[64];

static void start(const struct part *parts)
{
	for (int i = 0; parts[i].name; i++) {
		pids[i] = fork();
		must(pids[i] >= 0, "fork");
		if (pids[i] == 0) {
			prctl(PR_SET_NAME, parts[i].name);
			close(gate[1]);
			parts[i].run();
			exit(0);
		}
	}
}

static void wake(void)
{
	struct sockaddr_un address = { AF_UNIX, "/tmp/accept" };
	struct sembuf up = { 0, 1, 0 };
	struct { long type; char text[8]; } message = { 1, "x" };
	struct timespec moment = { 0, 200000000 };

	*release = 1;
	syscall(SYS_futex, release, FUTEX_WAKE, 1000, NULL, NULL, 0);
	close(gate[1]);
	semop(semaphore, &up, 1);
	msgsnd(queue, &message, 1, 0);
	must(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	nanosleep(&moment, NULL);
	for (int i = 0; all[i].name; i++) {
		if (!strcmp(all[i].name, "sigwait") || !strcmp(all[i].name, "signalfd") || !strcmp(all[i].name, "pause"))
			kill(pids[i], SIGUSR1);
		if (!strcmp(all[i].name, "stopped"))
			kill(pids[i], SIGCONT);
	}
}

int main(int argc, char **argv)
{
	const struct part *parts = !strcmp(argv[1], "doomed") ? doomed : all;
	sigset_t blocked;
	int failed = 0, lock;
	char line[16];

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	release = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	semaphore = semget(IPC_PRIVATE, 1, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	lock = open("/tmp/lock", O_RDWR | O_CREAT, 0600);
	must(pipe(gate) == 0 && semaphore >= 0 && queue >= 0 && lock >= 0 && flock(lock, LOCK_EX) == 0, "preparing");
	start(parts);
	puts("ready");
	fflush(stdout);
	is(read(0, line, sizeof(line)) > 0, 1, "standard input");
	must(flock(lock, LOCK_UN) == 0, "unlocking");
	if (parts == all)
		wake();
	for (int i = 0; parts[i].name; i++) {
		int status;

		is(waitpid(pids[i], &status, 0), pids[i], "waitpid");
		if (status == 0 || (parts == doomed && status == SIGKILL))
			continue;
		fprintf(stderr, "%s: status %x\n", parts[i].name, status);
		failed = 1;
	}
	puts(failed ? "noticed" : "nothing noticed");
	return failed;
}
