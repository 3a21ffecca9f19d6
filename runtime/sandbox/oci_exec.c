/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exec` in a sandbox. A process of its own stands for the program on the host, the attendant: its pid is the one that callers know, it passes on
 * the signals that it gets, and it ends as the program does. If it is killed, so is the program: the monitor sees its connection end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "include/abi/boot.h"
#include "include/abi/control.h"
#include "runtime/control.h"
#include "runtime/native/native.h"
#include "runtime/sandbox/oci.h"
#include "runtime/sandbox/relay.h"
#include "runtime/sandbox/stdio.h"

struct attendant {
	struct container *container;
	const struct container_exec *options;
	const struct sandbox_process *process;
	int console;        /* socket that the terminal's master goes to; -1 */
	int connection, signals, terminal;
	int fds[CONTROL_EXEC_FDS], nr_fds;
	uint64_t which, inputs; /* argument[0] and [2] of CONTROL_EXEC */
	struct relay relays[3];
	bool relayed[3];
};

/* What the parent learns: shared memory, as the sandbox's birth. */
struct outcome {
	struct error error;
	int code; /* exit status that fits the error */
};

/* ---- description and streams ---- */

static int describe(struct attendant *attendant, struct error *error)
{
	struct string_area area = { malloc(REQUEST_DATA_SIZE), REQUEST_DATA_SIZE - sizeof(struct process_spec), 0, false };
	int fd = memfd_create("linuxd-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct process_spec spec;

	if (!area.bytes || fd < 0)
		return fail(error, errno, "cannot describe the program");
	process_pack(attendant->process, &area, &spec);
	if (area.full)
		return fail(error, E2BIG, "cannot pass the command and its environment to the container (more than %d KiB)", REQUEST_DATA_SIZE / 1024);
	if (attendant->terminal >= 0 && !spec.rows) {
		struct winsize size = { 0 };

		ioctl(attendant->terminal, TIOCGWINSZ, &size);
		spec.rows = size.ws_row;
		spec.columns = size.ws_col;
	}
	if (write(fd, &spec, sizeof(spec)) != sizeof(spec) || write(fd, area.bytes, area.used) != (ssize_t)area.used)
		return fail(error, errno, "cannot describe the program");
	free(area.bytes);
	attendant->fds[0] = fd;
	attendant->nr_fds = 1;
	return 0;
}

static int make_terminal(struct attendant *attendant, struct error *error)
{
	int master;

	if (stdio_make_terminal(attendant->process->spec.rows, attendant->process->spec.columns, &master, &attendant->terminal, error))
		return -1;
	/* The attendant leads a session: so the host tells it of changes in size. */
	if (ioctl(attendant->terminal, TIOCSCTTY, 0))
		return fail(error, errno, "cannot take the terminal");
	if (stdio_send_master(attendant->console, master, error))
		return -1;
	close(master);
	return 0;
}

static int make_relay(struct attendant *attendant, int stream, struct error *error)
{
	int ends[2], inside = stream == 0 ? 0 : 1;

	if (pipe2(ends, O_CLOEXEC) || fcntl(ends[inside], F_SETFL, O_NONBLOCK))
		return fail(error, errno, "cannot make a pipe");
	attendant->relays[stream] = stream == 0 ? (struct relay){ .from = 0, .to = ends[1], .close_to = true } :
						  (struct relay){ .from = ends[0], .to = stream };
	attendant->relayed[stream] = true;
	return ends[inside];
}

static int take_streams(struct attendant *attendant, struct error *error)
{
	if (attendant->terminal >= 0) {
		attendant->fds[attendant->nr_fds++] = fcntl(attendant->terminal, F_DUPFD_CLOEXEC, 3);
		attendant->which = CONTROL_EXEC_TERMINAL;
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		bool watch;
		int fd = stdio_share(i, i == 0, &watch);

		if (fd < 0)
			fd = make_relay(attendant, i, error);
		if (fd < 0)
			return -1;
		attendant->fds[attendant->nr_fds++] = fd;
		attendant->which |= 1UL << i;
	}
	return 0;
}

static int take_preserved(struct attendant *attendant, struct error *error)
{
	for (unsigned int i = 0; i < attendant->options->preserve_fds; i++) {
		bool input, watch;
		int fd = stdio_preserve(3 + i, &input, &watch, error);

		if (fd < 0)
			return -1;
		close(3 + i);
		attendant->fds[attendant->nr_fds++] = fd;
		attendant->inputs |= (uint64_t)input << i;
	}
	return 0;
}

/* The sandbox has them now: so that readers see their end, nobody else keeps them. */
static void leave_streams(struct attendant *attendant)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < attendant->nr_fds; i++)
		close(attendant->fds[i]);
	for (int i = 0; i < 3; i++)
		if (!attendant->relayed[i] && null >= 0)
			dup2(null, i); /* cloexec: standard streams */
	if (null >= 0)
		close(null);
}

/* ---- talking to the monitor ---- */

static int ask(struct attendant *attendant, struct error *error)
{
	struct control_request request = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION, .kind = CONTROL_EXEC,
					   .argument = { attendant->which, attendant->options->preserve_fds, attendant->inputs } };
	union {
		char bytes[CMSG_SPACE(CONTROL_EXEC_FDS * sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { CMSG_LEN(attendant->nr_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec piece = { &request, sizeof(request) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(attendant->nr_fds * sizeof(int)) };

	memcpy(CMSG_DATA(&control.header), attendant->fds, attendant->nr_fds * sizeof(int));
	if (sendmsg(attendant->connection, &message, MSG_NOSIGNAL) != sizeof(request))
		return fail(error, errno, "cannot ask the container's monitor");
	return 0;
}

static void tell(struct attendant *attendant, uint32_t kind, uint64_t first, uint64_t second)
{
	struct control_request request = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION, .kind = kind, .argument = { first, second } };

	(void)!send(attendant->connection, &request, sizeof(request), MSG_NOSIGNAL);
}

static int hear(struct attendant *attendant, struct control_reply *ret_reply, struct error *error)
{
	ssize_t got;

	do
		got = recv(attendant->connection, ret_reply, sizeof(*ret_reply), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(*ret_reply) || ret_reply->magic != CONTROL_MAGIC) {
		fail(error, 0, "the container has ended");
		error->code = ECONNRESET;
		return -1;
	}
	ret_reply->message[sizeof(ret_reply->message) - 1] = '\0';
	return 0;
}

static int wait_until_it_runs(struct attendant *attendant, struct error *error)
{
	struct control_reply reply;

	if (hear(attendant, &reply, error))
		return -1;
	if (!reply.error)
		return 0;
	if (reply.message[0])
		return fail(error, 0, "%s", reply.message);
	if (reply.error == EBUSY)
		return fail(error, 0, "the container is not ready yet");
	return explain_start(error, reply.error, reply.value[1], attendant->process->argv[0], attendant->process->cwd);
}

/* ---- while it runs ---- */

static void pass_signals(struct attendant *attendant)
{
	struct signalfd_siginfo info;

	while (read(attendant->signals, &info, sizeof(info)) == sizeof(info)) {
		struct winsize size;

		if (info.ssi_signo == SIGWINCH && attendant->terminal >= 0) {
			if (ioctl(attendant->terminal, TIOCGWINSZ, &size) == 0)
				tell(attendant, CONTROL_EXEC_RESIZE, size.ws_row, size.ws_col);
		} else if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGURG && (info.ssi_signo != SIGHUP || attendant->terminal < 0)) {
			tell(attendant, CONTROL_EXEC_SIGNAL, info.ssi_signo, 0);
		}
	}
}

static int attend(struct attendant *attendant)
{
	struct pollfd polls[2] = { { .fd = attendant->connection, .events = POLLIN }, { .fd = attendant->signals, .events = POLLIN } };
	struct error error = { 0 };
	struct control_reply reply;

	for (;;) {
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return EXIT_LINUXD;
		if (polls[1].revents)
			pass_signals(attendant);
		if (!polls[0].revents)
			continue;
		if (hear(attendant, &reply, &error))
			return 128 + SIGKILL; /* with the container */
		if (reply.value[1] == CONTROL_EXEC_ENDED)
			break;
	}
	return WIFSIGNALED((int)reply.value[0]) ? 128 + WTERMSIG((int)reply.value[0]) : WEXITSTATUS((int)reply.value[0]);
}

/* What is still in the pipes; the sandbox has closed its ends. */
static void finish_relays(struct attendant *attendant)
{
	for (int i = 1; i < 3; i++)
		if (attendant->relayed[i] && attendant->relays[i].started)
			pthread_join(attendant->relays[i].thread, NULL);
}

static int begin(struct attendant *attendant, struct error *error)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	attendant->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (attendant->signals < 0)
		return fail(error, errno, "cannot receive signals");
	attendant->connection = control_connect_in(attendant->container->fd, error);
	if (attendant->connection < 0)
		return -1;
	if (attendant->console >= 0 && make_terminal(attendant, error))
		return -1;
	if (describe(attendant, error) || take_streams(attendant, error) || take_preserved(attendant, error) || ask(attendant, error))
		return -1;
	for (int i = 0; i < 3; i++)
		if (attendant->relayed[i] && relay_start(&attendant->relays[i]))
			return fail(error, 0, "cannot start a thread");
	leave_streams(attendant);
	return wait_until_it_runs(attendant, error);
}

static void __attribute__((noreturn)) be_attendant(struct attendant *attendant, struct outcome *outcome, int ready)
{
	int result;

	prctl(PR_SET_NAME, "linuxd-exec");
	setsid();
	if (begin(attendant, &outcome->error)) {
		int code = outcome->error.code;

		outcome->code = code == ENOENT || code == ENOTDIR ? EXIT_NOT_FOUND : code == EACCES || code == ENOEXEC ? EXIT_NOT_EXECUTABLE : 255;
		_exit(outcome->code);
	}
	(void)!write(ready, "r", 1);
	close(ready);
	result = attend(attendant);
	finish_relays(attendant);
	_exit(result);
}

/* ---- the command ---- */

static int write_pid(const char *path, pid_t pid, struct error *error)
{
	char text[24];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), length = snprintf(text, sizeof(text), "%d", pid);

	if (fd < 0 || write(fd, text, length) != length) {
		fail(error, errno, "cannot write %s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return close(fd);
}

static int open_console(struct attendant *attendant, int terminal[2], struct error *error)
{
	if (!(attendant->process->spec.flags & PROCESS_TERMINAL))
		return 0;
	if (attendant->options->console_socket) {
		attendant->console = stdio_console_connect(attendant->options->console_socket, error);
		return attendant->console < 0 ? -1 : 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, terminal))
		return fail(error, errno, "cannot make a socket pair for the terminal");
	attendant->console = terminal[1];
	return 0;
}

/* Until the program runs, or not. */
static int wait_for(pid_t pid, int ready, const struct outcome *outcome, struct error *error)
{
	char byte;
	ssize_t got;

	do
		got = read(ready, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!outcome->error.text[0])
		return fail(error, 0, "the program could not be started");
	*error = outcome->error;
	return -1;
}

int oci_exec(struct container *container, const struct spec *spec, const struct container_exec *options, struct error *error)
{
	struct sandbox_process process;
	struct attendant attendant = { .container = container, .options = options, .process = &process, .console = -1, .connection = -1,
				       .terminal = -1 };
	struct outcome *outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int terminal[2] = { -1, -1 }, ready[2], master = -1;
	pid_t pid;

	if (options->preserve_fds > PRESERVED_MAX)
		return fail(error, 0, "exec: --preserve-fds %u: at most %d descriptors can be passed into a sandbox", options->preserve_fds, PRESERVED_MAX);
	if (options->nr_subgroups)
		return fail(error, 0, "exec: --cgroup: not a sub cgroup path: there are none below the container's in a sandbox");
	if (outcome == MAP_FAILED || pipe2(ready, O_CLOEXEC))
		return fail(error, errno, "cannot prepare the program's attendant");
	if (oci_process_make(spec, options->process, container->rootfs, &process, error) || open_console(&attendant, terminal, error))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		be_attendant(&attendant, outcome, ready[1]);
	}
	close(ready[1]);
	if (terminal[1] >= 0)
		close(terminal[1]);
	if (pid < 0)
		return fail(error, errno, "cannot fork");
	if (wait_for(pid, ready[0], outcome, error))
		return -1;
	close(ready[0]);
	if (terminal[0] >= 0 && (master = native_receive_terminal(terminal[0], error)) < 0)
		return -1;
	if (options->pid_file && write_pid(options->pid_file, pid, error)) {
		kill(pid, SIGKILL);
		return -1;
	}
	return options->detach ? 0 : native_attend(pid, master, error);
}
