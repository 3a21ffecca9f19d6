/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container that outlives the command that made it: `create` makes a process that is the monitor, and waits until the first program of
 * the container stands ready. The monitor then is nobody's child but the caller's (a subreaper such as containerd's shim or conmon), who
 * waits for it: it ends with the container and has its exit status.
 *
 * Until then the two share a page for what went wrong, and a socket whose end says that there is something in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/native/sync.h"
#include "runtime/network/network.h"
#include "runtime/sandbox/sandbox.h"

#define MONITOR_LOG "monitor.log"

struct birth {
	bool born;
	int fd; /* the monitor's end */
	struct error error;
};

int birth_report(struct sandbox *sandbox)
{
	struct birth *birth = sandbox->birth;
	ssize_t sent;

	if (__atomic_load_n(&sandbox->channel->stage, __ATOMIC_ACQUIRE) == STAGE_BOOTING)
		return 0;
	birth->born = true;
	sent = send(birth->fd, "b", 1, MSG_NOSIGNAL);
	close(birth->fd);
	sandbox->birth = NULL;
	return sent == 1 ? 0 : -1;
}

/* Streams that the sandbox has itself are closed here, so that their other ends see when nobody uses them any more. */
int detach_streams(struct sandbox *sandbox, int ret_streams[3], struct error *error)
{
	int null, log;

	for (int i = 0; i < 3; i++)
		ret_streams[i] = i;
	if (!sandbox->config->detached)
		return 0;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	log = openat(sandbox->config->detached->directory, MONITOR_LOG, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (null < 0 || log < 0)
		return fail(error, errno, "cannot open the monitor's log");
	for (int i = 0; i < 3; i++) {
		ret_streams[i] = sandbox->direct[i] ? -1 : fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (dup2(i == 2 ? log : null, i) < 0) /* cloexec: standard streams */
			return fail(error, errno, "cannot leave the creator's streams");
	}
	close(null);
	close(log);
	return 0;
}

/* ---- the doors, on their way to the monitor ---- */

union door_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(((struct sandbox_doors *)0)->fd))];
};

/* The doors are the monitor's then. */
static void send_word(int fd, char word, struct sandbox_doors *doors)
{
	union door_control control = { .header = { CMSG_LEN(doors->nr > 0 ? doors->nr * sizeof(int) : 0), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec piece = { &word, 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	if (doors->nr > 0) {
		memcpy(CMSG_DATA(&control.header), doors->fd, doors->nr * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(doors->nr * sizeof(int));
	}
	while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
	while (doors->nr > 0)
		close(doors->fd[--doors->nr]);
}

/* Goes where the creator's word has doors for. */
static int await_creator(struct sandbox *sandbox, struct error *error)
{
	struct sandbox_doors doors = { .nr = -1 };
	union door_control control;
	struct iovec piece = { &(char){ 0 }, 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t got;

	do
		got = recvmsg(sandbox->birth->fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		return fail(error, 0, "the command that created the container was ended");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return 0;
	doors.nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(doors.fd, CMSG_DATA(header), doors.nr * sizeof(int));
	return sandbox->config->detached->pass(&doors, error);
}

/*
 * The creator makes the cgroups while this process enters namespaces, reads what there is and prepares memory; but all processes of the container
 * are to be in them from their beginning. Hooks come when it is in both, and before anything of what they may change is looked at.
 */
int detach_enter(struct sandbox *sandbox, struct error *error)
{
	const struct sandbox_detached *detached = sandbox->config->detached;

	if (detached->waits_early && await_creator(sandbox, error))
		return -1;
	if (detached->enter(detached->argument, error))
		return -1;
	(void)!send(sandbox->birth->fd, "e", 1, MSG_NOSIGNAL);
	if (detached->waits_early && await_creator(sandbox, error))
		return -1;
	return fault("boot", error);
}

int detach_await_creator(struct sandbox *sandbox, struct error *error)
{
	return sandbox->config->detached->waits_early ? 0 : await_creator(sandbox, error);
}

/* The monitor process. */
static void __attribute__((noreturn)) live(const struct sandbox_config *config, struct birth *birth)
{
	struct sandbox sandbox = { .config = config, .heap_fd = -1, .pages_fd = -1, .terminal = -1, .birth = birth };
	struct error error = { 0 };
	int result;

	prctl(PR_SET_NAME, "linuxd-monitor");
	setsid();
	/* Terminals and console sockets may go while it writes; SIGPIPE must not end it. */
	signal(SIGPIPE, SIG_IGN);
	result = monitor_run(&sandbox, &error);
	if (!birth->born)
		birth->error = error;
	else if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	fflush(stderr);
	_exit(result);
}

static bool hear(int fd)
{
	char byte;
	ssize_t got;

	do
		got = recv(fd, &byte, 1, 0);
	while (got < 0 && errno == EINTR);
	return got == 1;
}

static int wait_for_birth(const struct sandbox_detached *detached, struct birth *birth, int fd, pid_t monitor, struct error *error)
{
	struct sandbox_doors doors = { .nr = -1 };
	int status, failed = detached->accompany(detached->argument, monitor, &doors, error);

	if (!failed && detached->waits_early)
		send_word(fd, 'd', &doors);
	if (!failed && hear(fd)) {
		failed = detached->entered(detached->argument, error);
		if (!failed) {
			send_word(fd, 'g', &doors);
			if (hear(fd))
				return 0;
		}
	}
	if (failed)
		kill(monitor, SIGKILL);
	while (waitpid(monitor, &status, 0) < 0 && errno == EINTR)
		;
	if (failed)
		return -1;
	if (birth->error.text[0]) {
		*error = birth->error;
		return -1;
	}
	if (WIFSIGNALED(status))
		return fail(error, 0, "the container's monitor was killed by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return fail(error, 0, "the container ended before it was started");
}

/* fork(2) into a v2 cgroup. The C library keeps the thread's number where the host says that it is, so it is put there as fork() does. */
static pid_t fork_into(int cgroup_fd)
{
	int *tid = NULL;
	struct clone_args args = { .exit_signal = SIGCHLD };

	if (cgroup_fd < 0)
		return fork();
	args.flags = CLONE_INTO_CGROUP;
	args.cgroup = (uint64_t)cgroup_fd;
	if (prctl(PR_GET_TID_ADDRESS, &tid) == 0 && tid) {
		args.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
		args.child_tid = (uintptr_t)tid;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

int sandbox_create(const struct sandbox_config *config, pid_t *ret_pid, struct error *error)
{
	struct birth *birth = mmap(NULL, sizeof(*birth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ends[2], result;
	pid_t monitor;

	if (birth == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return fail(error, errno, "cannot prepare the container's monitor");
	birth->fd = ends[1];
	monitor = fork_into(config->detached->cgroup_fd);
	if (monitor == 0) {
		close(ends[0]);
		live(config, birth);
	}
	close(ends[1]);
	result = monitor < 0 ? fail(error, errno, "cannot fork the container's monitor") : wait_for_birth(config->detached, birth, ends[0], monitor, error);
	close(ends[0]);
	munmap(birth, sizeof(*birth));
	if (result)
		unlinkat(config->detached->directory, MONITOR_LOG, 0);
	*ret_pid = monitor;
	return result;
}
