// SPDX-License-Identifier: Apache-2.0
/* Job control without a terminal: stop, continue, what the parent sees, process groups, sessions, orphans. */
#include "test.h"

static volatile sig_atomic_t chld_count, chld_code, chld_status, cont_count, hup_count;
static void on_chld(int sig, siginfo_t *info, void *context)
{
	chld_count++;
	chld_code = info->si_code;
	chld_status = info->si_status;
}
static void on_cont(int sig) { cont_count++; }
static void on_hup(int sig) { hup_count++; }

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void wait_show(pid_t pid, int flags)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, flags);

	if (got > 0)
		show_status("child", status);
	else
		say("waitpid: %s %d", got == 0 ? "nothing" : "error", got < 0 ? errno : 0);
}

/* Linux may report a change by wait a moment before it sends the SIGCHLD for it. */
static void await_chld(void)
{
	for (int i = 0; i < 1000 && !chld_count; i++)
		usleep(1000);
}

static void stop_and_continue(void)
{
	/* SA_RESTART: whether a wait is interrupted by the SIGCHLD of what it waits for is a matter of moments too. */
	struct sigaction action = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART };
	siginfo_t info;
	pid_t pid;

	SECTION("stop and continue");
	sigaction(SIGCHLD, &action, NULL);
	pid = sleeper();
	SHOW(kill(pid, SIGSTOP));
	wait_show(pid, WUNTRACED);
	await_chld();
	CHECK(chld_count == 1 && chld_code == CLD_STOPPED && chld_status == SIGSTOP);
	wait_show(pid, WUNTRACED | WNOHANG);
	SHOW(kill(pid, SIGTERM));
	wait_show(pid, WNOHANG);
	SHOW(kill(pid, SIGCONT));
	wait_show(pid, 0);

	/* In a group of its own, which its parent keeps from being orphaned. */
	pid = sleeper();
	setpgid(pid, pid);
	kill(pid, SIGTSTP);
	memset(&info, 0, sizeof(info));
	SHOW(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	say("code %d status %d", info.si_code, info.si_status);
	SHOW(waitid(P_PID, pid, &info, WSTOPPED));
	kill(pid, SIGCONT);
	SHOW(waitid(P_PID, pid, &info, WCONTINUED));
	say("code %d status %d", info.si_code, info.si_status);
	wait_show(pid, WCONTINUED | WNOHANG);
	kill(pid, SIGSTOP);
	wait_show(pid, WUNTRACED);
	kill(pid, SIGKILL);
	wait_show(pid, WUNTRACED);

	SECTION("SA_NOCLDSTOP");
	action.sa_flags |= SA_NOCLDSTOP;
	sigaction(SIGCHLD, &action, NULL);
	chld_count = 0;
	pid = sleeper();
	kill(pid, SIGSTOP);
	wait_show(pid, WUNTRACED);
	say("count %d", chld_count);
	kill(pid, SIGKILL);
	wait_show(pid, 0);
	await_chld();
	say("count %d", chld_count);
	signal(SIGCHLD, SIG_DFL);
}

static void cancelling(void)
{
	SECTION("SIGCONT discards pending stops and the reverse");
	IN_CHILD({
		sigset_t set, pending;
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		kill(getpid(), SIGTSTP);
		sigpending(&pending);
		say("tstp %d", sigismember(&pending, SIGTSTP));
		kill(getpid(), SIGCONT);
		sigpending(&pending);
		say("tstp %d cont %d", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
		kill(getpid(), SIGTTIN);
		sigpending(&pending);
		say("ttin %d cont %d", sigismember(&pending, SIGTTIN), sigismember(&pending, SIGCONT));
	});
}

static void handler_of_cont(void)
{
	int pipe_fds[2];
	pid_t pid;
	char c;

	SECTION("SIGCONT handler runs");
	pipe(pipe_fds);
	pid = fork();
	if (pid == 0) {
		signal(SIGCONT, on_cont);
		write(pipe_fds[1], "r", 1);
		while (!cont_count)
			pause();
		_exit(40 + cont_count);
	}
	read(pipe_fds[0], &c, 1);
	kill(pid, SIGSTOP);
	wait_show(pid, WUNTRACED);
	kill(pid, SIGCONT);
	wait_show(pid, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void *thread_main(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void threads(void)
{
	int pipe_fds[2];
	pid_t pid;
	char c;

	SECTION("a process with threads stops and dies as one");
	pipe(pipe_fds);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		for (int i = 0; i < 3; i++)
			pthread_create(&thread, NULL, thread_main, NULL);
		write(pipe_fds[1], "r", 1);
		for (;;)
			pause();
	}
	read(pipe_fds[0], &c, 1);
	kill(pid, SIGSTOP);
	wait_show(pid, WUNTRACED);
	kill(pid, SIGCONT);
	wait_show(pid, WCONTINUED);
	kill(pid, SIGSTOP);
	wait_show(pid, WUNTRACED);
	kill(pid, SIGCONT);
	wait_show(pid, WCONTINUED);
	kill(pid, SIGUSR1);
	wait_show(pid, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void autoreap(void)
{
	pid_t pid;

	SECTION("SIGCHLD ignored, SA_NOCLDWAIT");
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(3);
	wait_show(pid, 0);
	struct sigaction action = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_NOCLDWAIT | SA_RESTART };
	chld_count = 0;
	sigaction(SIGCHLD, &action, NULL);
	pid = fork();
	if (pid == 0)
		_exit(3);
	wait_show(pid, 0);
	await_chld();
	say("count %d", chld_count);
	signal(SIGCHLD, SIG_DFL);
}

static void groups(void)
{
	pid_t a, b;

	SECTION("process groups");
	SHOW(getpgid(0) == getpgrp());
	SHOW(setpgid(0, -1));
	SHOW(setpgid(99999, 0));
	SHOW(setpgid(1 << 30, 0));
	SHOW(getpgid(1 << 30));
	a = sleeper();
	b = sleeper();
	SHOW(setpgid(a, a));
	SHOW(setpgid(b, a));
	CHECK(getpgid(a) == a && getpgid(b) == a);
	SHOW(setpgid(b, 99999));
	SHOW(kill(-a, SIGTERM));
	wait_show(a, 0);
	wait_show(b, 0);
	SHOW(kill(-a, SIGTERM));
	a = sleeper();
	setpgid(a, a);
	kill(a, SIGKILL);
	wait_show(-a, 0);
	siginfo_t info;
	SHOW(waitid(P_PGID, a, &info, WEXITED));
}

static void sessions(void)
{
	SECTION("sessions");
	IN_CHILD({
		CHECK(setsid() == getpid());
		CHECK(getsid(0) == getpid() && getpgrp() == getpid());
		SHOW(setsid());
		SHOW(setpgid(0, 0));
		pid_t pid = sleeper();
		CHECK(getsid(pid) == getpid());
		SHOW(setpgid(pid, pid));
		SHOW(setpgid(pid, getpid()));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	});
	IN_CHILD({
		pid_t other = fork();
		if (other == 0) {
			setsid();
			pause();
			_exit(0);
		}
		sleep_ms(50);
		SHOW(setpgid(other, other));
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	});
	SHOW(getsid(1 << 30));
}

/* The middle process makes a stopped group and exits: the group is orphaned and gets SIGHUP and SIGCONT. */
static void orphans(void)
{
	int pipe_fds[2];
	char text[64];
	ssize_t n;
	pid_t pid;

	SECTION("orphaned groups");
	pipe(pipe_fds);
	pid = fork();
	if (pid == 0) {
		setsid();
		pid_t middle = fork();
		if (middle == 0) {
			pid_t last = fork();

			if (last == 0) {
				signal(SIGHUP, on_hup);
				signal(SIGCONT, on_cont);
				setpgid(0, 0);
				raise(SIGSTOP);
				for (int i = 0; i < 100 && !(hup_count && cont_count); i++)
					sleep_ms(10);
				int m = snprintf(text, sizeof(text), "hup %d cont %d\n", hup_count, cont_count);
				write(pipe_fds[1], text, m);
				/* Now orphaned: terminal stops do nothing. */
				raise(SIGTSTP);
				write(pipe_fds[1], "not stopped\n", 12);
				_exit(0);
			}
			waitpid(last, NULL, WUNTRACED);
			_exit(0);
		}
		waitpid(middle, NULL, 0);
		_exit(0);
	}
	close(pipe_fds[1]);
	waitpid(pid, NULL, 0);
	while ((n = read(pipe_fds[0], text, sizeof(text))) > 0)
		fwrite(text, 1, n, stdout);
	close(pipe_fds[0]);
}

int main(void)
{
	stop_and_continue();
	cancelling();
	handler_of_cont();
	threads();
	autoreap();
	groups();
	sessions();
	orphans();
	return 0;
}
