// SPDX-License-Identifier: Apache-2.0
/* fork, vfork, exec, exit, wait, process groups and sessions. */
#include "test.h"

#include <sys/prctl.h>

static const char *self;

static void waits(void)
{
	int status;
	siginfo_t info;
	struct rusage usage;

	SECTION("wait");
	SHOW(wait(&status));
	SHOW(waitpid(99999, &status, 0));
	SHOW(waitpid(-1, &status, 0x1000));
	pid_t pid = fork();
	if (!pid)
		_exit(42);
	CHECK(waitpid(pid, &status, 0) == pid);
	show_status("exit 42", status);
	pid = fork();
	if (!pid) {
		raise(SIGKILL);
		_exit(1);
	}
	CHECK(wait4(pid, &status, 0, &usage) == pid);
	show_status("killed", status);
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	SHOW(waitpid(pid, &status, WNOHANG));
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	show_status("child", status);
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid);
	show_status("child", status);
	kill(pid, SIGTERM);
	memset(&info, 0, sizeof(info));
	SHOW(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	say("signo %d code %d status %d pid %d", info.si_signo, info.si_code, info.si_status, info.si_pid == pid);
	memset(&info, 0, sizeof(info));
	SHOW(waitid(P_PID, pid, &info, WEXITED));
	say("code %d status %d", info.si_code, info.si_status);
	SHOW(waitid(P_PID, pid, &info, WEXITED));
	SHOW(waitid(P_ALL, 0, &info, 0));
	/* many children, in any order */
	int sum = 0;
	for (int i = 1; i <= 20; i++) {
		if (!fork())
			_exit(i);
	}
	while ((pid = wait(&status)) > 0)
		sum += WEXITSTATUS(status);
	say("sum %d, then %s", sum, error_name(errno));
	/* SIGCHLD ignored: no zombies */
	signal(SIGCHLD, SIG_IGN);
	if (!fork())
		_exit(1);
	SHOW(wait(&status));
	signal(SIGCHLD, SIG_DFL);
	/* exit code is cut to 8 bits */
	IN_CHILD(exit(0x1234));
}

static void reparent(void)
{
	int p[2];
	char buf[32] = { 0 };

	SECTION("subreaper");
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pipe(p);
	pid_t me = getpid();
	pid_t pid = fork();
	if (!pid) {
		pid_t middle = getpid();
		if (!fork()) {
			while (getppid() == middle)
				sleep_ms(2);
			dprintf(p[1], "%s", getppid() == me ? "mine" : "other");
			_exit(7);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW(read(p[0], buf, sizeof(buf)));
	say("%s", buf);
	int status;
	CHECK(wait(&status) > 0);
	show_status("grandchild", status);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	/* parent death signal */
	pid = fork();
	if (!pid) {
		pid_t child = fork();
		if (!child) {
			sigset_t set;
			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(p[1], "r", 1);
			int sig = 0;
			sigwait(&set, &sig);
			dprintf(p[1], "got %d", sig == SIGUSR1);
			_exit(0);
		}
		char c;
		read(p[0], &c, 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	memset(buf, 0, sizeof(buf));
	read(p[0], buf, sizeof(buf));
	say("%s", buf);
}

static void groups(void)
{
	SECTION("groups and sessions");
	CHECK(getpgid(0) == getpgrp());
	SHOW(setpgid(0, -1));
	SHOW(getpgid(99999));
	SHOW(getsid(99999));
	SHOW(setpgid(99999, 0));
	IN_CHILD({
		SHOW(setpgid(0, 0));
		CHECK(getpgrp() == getpid());
		SHOW(setsid());
	});
	IN_CHILD({
		CHECK(setsid() == getpid());
		CHECK(getsid(0) == getpid());
		CHECK(getpgrp() == getpid());
		SHOW(setpgid(0, 0));
		pid_t pid = fork();
		if (!pid)
			for (;;)
				pause();
		SHOW(setpgid(pid, pid));
		CHECK(getpgid(pid) == pid);
		SHOW(kill(-pid, SIGTERM));
		int status;
		SHOW(waitpid(-pid, &status, 0) == pid);
		show_status("group", status);
		SHOW(kill(-pid, 0));
	});
}

static void *exec_in_thread(void *arg)
{
	execl(self, "t", "pid", NULL);
	return arg;
}

static void *pause_in_thread(void *arg)
{
	pause();
	return arg;
}

static void execs(void)
{
	char *const none[] = { NULL };

	SECTION("exec");
	SHOW(execve("/nonexistent", none, none));
	SHOW(execve("/", none, none));
	SHOW(execve("/etc/passwd", none, none));
	IN_CHILD(execl(self, "renamed", "echo", "a b", "", NULL));
	int fd = open("/data/script", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	dprintf(fd, "#!%s echo\nbody\n", self);
	SHOW(execve("/data/script", none, none));
	close(fd);
	IN_CHILD(execl("/data/script", "x", "one", "two", NULL));
	fd = open("/data/bad", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	write(fd, "\177ELFgarbage", 11);
	close(fd);
	SHOW(execl("/data/bad", "bad", NULL));
	fd = open("/data/bad2", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	write(fd, "#!/nonexistent/interp\n", 22);
	close(fd);
	SHOW(execl("/data/bad2", "bad", NULL));
	SHOW(truncate("/data/bad2", 0));
	SHOW(execl("/data/bad2", "bad", NULL));
	/* close on exec, signal dispositions, environment */
	IN_CHILD({
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR2, exit);
		dup3(1, 30, O_CLOEXEC);
		dup2(1, 20);
		char *const argv[] = { "state", "state", NULL };
		char *const envp[] = { "A=1", "B=two", NULL };
		execve(self, argv, envp);
	});
	IN_CHILD({
		int f = open(self, O_RDONLY);
		char *const argv[] = { "byfd", "echo", "fexecve", NULL };
		fexecve(f, argv, environ);
	});
	pid_t pid = vfork();
	if (!pid) {
		execl(self, "v", "echo", "vforked", NULL);
		_exit(9);
	}
	int status;
	waitpid(pid, &status, 0);
	show_status("vfork", status);
	pid = vfork();
	if (!pid)
		_exit(3);
	waitpid(pid, &status, 0);
	show_status("vfork", status);
	say("system %d", system("exit 5") >> 8);
	/* exec from a thread: the others go, the pid stays */
	IN_CHILD({
		pthread_t t;
		char pid_text[16];
		snprintf(pid_text, sizeof(pid_text), "%d", getpid());
		setenv("EXPECT", pid_text, 1);
		pthread_create(&t, NULL, pause_in_thread, NULL);
		pthread_create(&t, NULL, exec_in_thread, NULL);
		pause();
	});
	/* long arguments */
	IN_CHILD({
		char *big = malloc(100001);
		memset(big, 'x', 100000);
		big[100000] = 0;
		execl(self, "big", "length", big, NULL);
	});
	IN_CHILD({
		char *big = malloc(200001);
		memset(big, 'x', 200000);
		big[200000] = 0;
		SHOW(execl(self, "big", "length", big, NULL));
	});
	SHOW(unlink("/data/script"));
	unlink("/data/bad");
	unlink("/data/bad2");
}

static int child_main(int argc, char **argv)
{
	if (!strcmp(argv[1], "pid")) {
		CHECK(atoi(getenv("EXPECT")) == getpid());
		return 0;
	}
	if (!strcmp(argv[1], "length")) {
		say("length %zu", strlen(argv[2]));
		return 0;
	}
	if (!strcmp(argv[1], "state")) {
		struct sigaction action;
		sigaction(SIGUSR1, NULL, &action);
		CHECK(action.sa_handler == SIG_IGN);
		sigaction(SIGUSR2, NULL, &action);
		CHECK(action.sa_handler == SIG_DFL);
		SHOW(fcntl(30, F_GETFD));
		SHOW(fcntl(20, F_GETFD));
		for (char **e = environ; *e; e++)
			say("env %s", *e);
		return 0;
	}
	for (int i = 0; i < argc; i++)
		say("arg %d '%s'", i, i == 0 && argv[0][0] == '/' ? "path" : argv[i]);
	return 0;
}

int main(int argc, char **argv)
{
	self = "/proc/self/exe";
	if (argc > 1)
		return child_main(argc, argv);
	char path[256] = { 0 };
	readlink(self, path, sizeof(path) - 1);
	self = strdup(path);
	waits();
	reparent();
	groups();
	execs();
	return 0;
}
