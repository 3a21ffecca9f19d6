// SPDX-License-Identifier: Apache-2.0
/* Pid 1 of a container is not killed or stopped from inside it, whichever way the signal is sent. */
#include "test.h"

#include <mqueue.h>

static void by_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static const int signals[] = { SIGKILL, SIGSTOP, SIGTERM, SIGSEGV, SIGTSTP, 34 }; /* SIGRTMIN is not constant */
#define FOR_EACH(sig) for (size_t i_ = 0, sig = 0; i_ < sizeof(signals) / sizeof(signals[0]) && (sig = (size_t)signals[i_], 1); i_++)

static void send_all(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);

	FOR_EACH(sig) {
		SHOW(kill(1, (int)sig));
		SHOW(syscall(SYS_tkill, 1, (int)sig));
		SHOW(syscall(SYS_tgkill, 1, 1, (int)sig));
		SHOW(sigqueue(1, (int)sig, (union sigval){ .sival_int = 1 }));
		info.si_signo = (int)sig;
		SHOW(syscall(SYS_rt_tgsigqueueinfo, 1, 1, (int)sig, &info));
		SHOW(syscall(SYS_pidfd_send_signal, pidfd, (int)sig, NULL, 0));
	}
	SHOW(kill(-1, SIGKILL));
}

/* Of a descriptor that becomes ready. */
static void of_descriptor(int sig)
{
	int p[2];

	pipe(p);
	fcntl(p[0], F_SETOWN, 1);
	SHOW(fcntl(p[0], F_SETSIG, sig));
	fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK);
	write(p[1], "x", 1);
	sleep_ms(5);
	close(p[0]);
	close(p[1]);
}

static void of_queue(int sig)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	mqd_t queue = mq_open("/init_signals", O_RDWR | O_CREAT, 0600, &attr);

	SHOW(mq_notify(queue, &event));
	mq_send(queue, "x", 1, 0);
	sleep_ms(5);
	mq_close(queue);
	mq_unlink("/init_signals");
}

static void of_timer(int sig)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	struct itimerspec its = { { 0, 0 }, { 0, 1000000 } };
	timer_t timer;

	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	SHOW(timer_settime(timer, 0, &its, NULL));
	sleep_ms(20);
	SHOW(timer_delete(timer));
}

static void of_child(int sig)
{
	long pid = syscall(SYS_clone, sig, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	SHOW(waitpid((pid_t)pid, NULL, __WALL) == pid);
}

int main(void)
{
	say("pid %d", getpid());
	setsid(); /* on the host the group may reach further than the container */
	SECTION("sent by a child");
	by_child(send_all);
	SECTION("sent by itself");
	FOR_EACH(sig) {
		SHOW(raise((int)sig));
		SHOW(kill(0, (int)sig));
		SHOW(sigqueue(1, (int)sig, (union sigval){ .sival_int = 1 }));
	}
	SECTION("as a notification");
	FOR_EACH(sig) {
		of_descriptor((int)sig);
		of_queue((int)sig);
		of_timer((int)sig);
		of_child((int)sig);
	}
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	SECTION("while everything is awaited");
	pid_t pid = fork();
	if (pid == 0) {
		sleep_ms(50);
		kill(1, SIGKILL);
		kill(1, SIGSTOP);
		kill(1, SIGUSR1);
		_exit(0);
	}
	sigprocmask(SIG_BLOCK, &all, NULL);
	siginfo_t info;
	SHOW(sigwaitinfo(&all, &info) == SIGUSR1);
	SHOW(waitpid(pid, NULL, 0) == pid);
	FOR_EACH(sig)
		kill(1, (int)sig);
	SHOW(sigpending(&none));
	/* Blocked, it waits: pid 1 may yet take a handler for it. */
	FOR_EACH(sig)
		say("%s pending %d", sigabbrev_np((int)sig) ? sigabbrev_np((int)sig) : "RT", sigismember(&none, (int)sig));
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	say("still here");
	return 0;
}
