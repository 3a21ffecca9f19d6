// SPDX-License-Identifier: Apache-2.0
// container
/*
 * Fuzzer for signals: runs inside a container. A few processes with several threads each send each other all kinds of signals
 * while they change handlers, masks, stacks, timers and groups, wait, stop, continue, fork and die. In the end all of them can be
 * killed and waited for. usage: signals SECONDS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 8
#define THREADS 4

static struct {
	volatile int stop;
	volatile pid_t pids[PROCESSES];
} *shared;
static __thread unsigned seed;
static __thread char stacks[2][32768];

static unsigned below(unsigned n) { return rand_r(&seed) % n; }

static void handler(int sig, siginfo_t *info, void *context)
{
	if (sig == SIGUSR2 && info->si_pid % 8 == 0)
		raise(SIGUSR1);
}

static int some_signal(void)
{
	static const int signals[] = { SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGWINCH, SIGURG, SIGHUP, SIGTERM, SIGTSTP, SIGTTIN,
				       SIGSTOP, SIGCONT, SIGCONT, SIGCONT, SIGPIPE, SIGINT, 34, 35, 40, 64 };

	return signals[below(sizeof(signals) / sizeof(signals[0]))];
}

static sigset_t some_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int sig = 1; sig <= 64; sig++) {
		if (below(3) == 0)
			sigaddset(&set, sig);
	}
	return set;
}

static void some_action(int sig)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_mask = some_set() };
	unsigned kind = below(10);

	if (kind == 0)
		action.sa_handler = SIG_IGN;
	else if (kind == 1)
		action.sa_handler = SIG_DFL;
	else
		action.sa_flags = SA_SIGINFO | (int)(rand_r(&seed) & (SA_NODEFER | SA_RESTART | SA_ONSTACK | SA_RESETHAND |
								     SA_NOCLDSTOP | SA_NOCLDWAIT));
	sigaction(sig, &action, NULL);
}

static void some_stack(void)
{
	stack_t stack = { .ss_sp = stacks[below(2)], .ss_size = below(3) ? sizeof(stacks[0]) : 3000 };

	if (below(4) == 0)
		stack.ss_flags = SS_DISABLE;
	else if (below(3) == 0)
		stack.ss_flags = (int)(1U << 31); /* SS_AUTODISARM */
	sigaltstack(&stack, NULL);
}

static void suspend(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	struct itimerval soon = { { 0, 0 }, { 0, 3000 } };
	sigset_t set = some_set();

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	sigdelset(&set, SIGALRM);
	sigsuspend(&set);
}

static void send(void)
{
	pid_t pid = shared->pids[below(PROCESSES)];
	siginfo_t info;

	if (pid <= 0)
		return;
	switch (below(6)) {
	case 0 ... 1:
		kill(pid, some_signal());
		break;
	case 2:
		kill(-pid, some_signal());
		break;
	case 3:
		sigqueue(pid, some_signal(), (union sigval){ .sival_int = 1 });
		break;
	case 4:
		memset(&info, (int)below(256), sizeof(info));
		info.si_code = -1;
		syscall(SYS_rt_sigqueueinfo, pid, some_signal(), &info);
		break;
	case 5:
		syscall(SYS_tgkill, getpid(), getpid() + (int)below(THREADS), some_signal());
		break;
	}
}

static void wait_for_signal(void)
{
	struct timespec time = { 0, below(2000000) };
	struct signalfd_siginfo taken[4];
	sigset_t set = some_set();
	siginfo_t info;
	int fd;

	switch (below(5)) {
	case 0:
		sigtimedwait(&set, &info, &time);
		break;
	case 1:
		ppoll(NULL, 0, &time, &set);
		break;
	case 2:
		nanosleep(&time, NULL);
		break;
	case 3:
		suspend();
		break;
	case 4:
		fd = signalfd(-1, &set, SFD_NONBLOCK);
		(void)!read(fd, taken, sizeof(taken));
		close(fd);
		break;
	}
}

static void child_or_wait(void)
{
	siginfo_t info;
	int status;

	switch (below(3)) {
	case 0:
		if (fork() == 0) {
			wait_for_signal();
			_exit(0);
		}
		break;
	case 1:
		waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED);
		break;
	case 2:
		waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | (below(2) ? WNOWAIT : 0));
		break;
	}
}

static void *thread(void *arg)
{
	struct itimerval interval = { { 0, 0 }, { 0, 500 } };
	sigset_t set;

	seed = (unsigned)(long)arg * 77 + (unsigned)getpid() * 131 + (unsigned)time(NULL);
	while (!shared->stop) {
		set = some_set();
		switch (below(10)) {
		case 0 ... 2:
			send();
			break;
		case 3 ... 4:
			wait_for_signal();
			break;
		case 5:
			sigprocmask((int)below(3), &set, NULL);
			break;
		case 6:
			some_action(1 + (int)below(64));
			break;
		case 7:
			some_stack();
			break;
		case 8:
			child_or_wait();
			break;
		case 9:
			interval.it_interval.tv_usec = below(3000);
			setitimer((int)below(3), &interval, NULL);
			setpgid(0, below(2) ? 0 : shared->pids[below(PROCESSES)]);
			break;
		}
	}
	return NULL;
}

static pid_t start(void)
{
	pid_t pid = fork();
	pthread_t t;

	if (pid)
		return pid;
	seed = (unsigned)getpid();
	setpgid(0, 0);
	for (int sig = 1; sig <= 64; sig++)
		some_action(sig);
	for (long i = 1; i < THREADS; i++)
		pthread_create(&t, NULL, thread, (void *)i);
	thread(NULL);
	_exit(0);
}

static void tend(void)
{
	int status;
	pid_t gone;

	while ((gone = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < PROCESSES; i++) {
			if (shared->pids[i] == gone)
				shared->pids[i] = 0;
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		if (!shared->pids[i])
			shared->pids[i] = start();
		else if (below(4) == 0)
			kill(shared->pids[i], below(6) ? SIGCONT : SIGKILL);
	}
}

/* Everything can be killed, whatever it is doing. */
static bool end_all(void)
{
	time_t limit = time(NULL) + 10;

	for (int i = 0; i < PROCESSES; i++)
		shared->pids[i] = 0;
	shared->stop = 1;
	while (time(NULL) < limit) {
		kill(-1, SIGKILL);
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return true;
		usleep(1000);
	}
	return false;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	bool clean;

	/* kill(-1) is for a container only. */
	if (getpid() != 1)
		return 2;
	/* What it is sent by the others must not end it. */
	for (int sig = 1; sig <= 64; sig++) {
		if (sig != SIGCHLD)
			signal(sig, SIG_IGN);
	}
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	seed = (unsigned)time(NULL);
	while (time(NULL) < end) {
		tend();
		usleep(20000);
	}
	clean = end_all();
	puts(clean ? "all gone" : "some are left");
	return !clean;
}
