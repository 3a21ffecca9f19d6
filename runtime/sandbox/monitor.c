/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: what stays of linuxd while a container runs.
 *
 *   main thread    waits for the death of host processes, signals from the user, the end of the container, other commands' questions
 *                  (control_server.c)
 *   slots thread   sleeps on channel->doorbell; answers the kernel's requests (slots.c)
 *   relays         one thread per stream that is in use (relay.c)
 *   memory thread  with --memory: watches how much the host processes use together
 *
 * It trusts nothing from the sandbox. When the container has ended, for whatever reason, no process of it is left: they are all
 * children of the monitor, which kills and reaps until there is none. If the monitor itself is killed, the kernel process gets SIGKILL
 * (and with it, where there is a pid namespace, everything).
 */
#include <ctype.h>
#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "runtime/boot/record.h"
#include "runtime/network/network.h"
#include "runtime/sandbox/memory.h"
#include "runtime/sandbox/monitor.h"
#include "runtime/sandbox/slots.h"


static const char *const exit_reason[] = { "", "ended", "panicked" };

static long futex_wake(uint32_t *word)
{
	return syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void send_event(struct monitor_channel *channel, uint32_t event)
{
	__atomic_or_fetch(&channel->events, event, __ATOMIC_SEQ_CST);
	futex_wake(&channel->events);
}

static void *slots_main(void *argument)
{
	struct monitor *monitor = argument;
	struct monitor_channel *channel = monitor->sandbox->channel;
	uint32_t answered = 0, notes = 0;
	bool ended = false;

	prctl(PR_SET_NAME, "monitor:slots");
	network_enter(monitor->sandbox->network);
	for (;;) {
		uint32_t doorbell = __atomic_load_n(&channel->doorbell, __ATOMIC_ACQUIRE);

		slots_serve(monitor->sandbox);
		network_serve(monitor->sandbox->network);
		if (!ended && __atomic_load_n(&channel->status.state, __ATOMIC_ACQUIRE) != KERNEL_RUNNING) {
			ended = true;
			__atomic_store_n(&monitor->container_ended, true, __ATOMIC_RELEASE);
			eventfd_write(monitor->news, 1);
		}
		if (__atomic_load_n(&channel->request.answered, __ATOMIC_ACQUIRE) != answered ||
		    __atomic_load_n(&channel->freezer, __ATOMIC_ACQUIRE) == CONTAINER_FROZEN) {
			answered = __atomic_load_n(&channel->request.answered, __ATOMIC_ACQUIRE);
			eventfd_write(monitor->news, 1);
		}
		if (__atomic_load_n(&channel->notes, __ATOMIC_ACQUIRE) != notes) {
			notes = __atomic_load_n(&channel->notes, __ATOMIC_ACQUIRE);
			eventfd_write(monitor->news, 1);
		}
		syscall(SYS_futex, &channel->doorbell, FUTEX_WAIT, doorbell, NULL, NULL, 0);
	}
	return NULL;
}

void monitor_window_size(const struct monitor *monitor, uint16_t *ret_rows, uint16_t *ret_columns)
{
	struct winsize size;

	*ret_rows = monitor->sandbox->config->detached ? 0 : 24;
	*ret_columns = monitor->sandbox->config->detached ? 0 : 80;
	for (int i = 0; i < 3; i++) {
		int fd = monitor->sandbox->terminal >= 0 ? monitor->sandbox->terminal : i;

		if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
			*ret_rows = size.ws_row;
			*ret_columns = size.ws_col;
			return;
		}
	}
}

static void set_raw_terminal(struct monitor *monitor)
{
	struct termios raw;

	if (!monitor->sandbox->config->tty || monitor->sandbox->config->detached || tcgetattr(0, &monitor->terminal))
		return;
	raw = monitor->terminal;
	cfmakeraw(&raw);
	monitor->terminal_is_raw = tcsetattr(0, TCSANOW, &raw) == 0;
}

void monitor_restore_terminal(struct monitor *monitor)
{
	if (monitor->terminal_is_raw)
		tcsetattr(0, TCSADRAIN, &monitor->terminal);
	monitor->terminal_is_raw = false;
}

static void set_relays(struct monitor *monitor)
{
	struct sandbox *sandbox = monitor->sandbox;
	bool raw = monitor->terminal_is_raw;

	monitor->relays[0] = (struct relay){ .from = sandbox->direct[0] ? -1 : monitor->streams[0], .to = sandbox->pipe[0], .close_to = true };
	monitor->relays[1] = (struct relay){ .from = sandbox->pipe[1], .to = monitor->streams[1] };
	monitor->relays[2] = (struct relay){ .from = sandbox->pipe[2], .to = monitor->streams[2] };
	monitor->relays[3] = (struct relay){ .from = sandbox->pipe[3], .to = 2, .add_return = raw };
	monitor->relays[4] = (struct relay){ .from = sandbox->pipe[4], .to = sandbox->trace_target,
					     .add_return = raw && sandbox->trace_target == 2 };
}

static void __attribute__((format(printf, 2, 3))) end_abnormally(struct monitor *monitor, const char *format, ...)
{
	va_list arguments;

	monitor->finished = true;
	if (monitor->abnormal[0])
		return;
	va_start(arguments, format);
	vsnprintf(monitor->abnormal, sizeof(monitor->abnormal), format, arguments);
	va_end(arguments);
}

static const char *death_hint(int signal)
{
	switch (signal) {
	case SIGKILL:
		return " (killed from outside, or the host ran out of memory)";
	case SIGSYS:
		return " (it made a host system call that its filter forbids)";
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
		return " (its kernel state is corrupted)";
	default:
		return "";
	}
}

/* Host processes come and go as the container's do; but they never end by a signal, and the kernel process ends last. */
static void reap(struct monitor *monitor)
{
	struct sandbox *sandbox = monitor->sandbox;
	bool running = __atomic_load_n(&sandbox->channel->status.state, __ATOMIC_ACQUIRE) == KERNEL_RUNNING;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		monitor->kernel_gone |= pid == sandbox->kernel;
		/* It may have ended before it was the kernel, and rings no bell then. */
		monitor->finished |= monitor->kernel_gone;
		if (!running)
			continue;
		/* The kernel may have said how it ended just before it did. */
		running = __atomic_load_n(&sandbox->channel->status.state, __ATOMIC_ACQUIRE) == KERNEL_RUNNING;
		if (!running)
			continue;
		monitor->killed |= WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		if (WIFSIGNALED(status))
			end_abnormally(monitor, "host process %d of the container was killed by signal %d, %s%s%s", pid,
				       WTERMSIG(status), strsignal(WTERMSIG(status)), death_hint(WTERMSIG(status)),
				       pid == sandbox->kernel ? "; it was the kernel process" : "");
		else if (pid == sandbox->kernel)
			end_abnormally(monitor, "the kernel process ended with status %d without saying why",
				       WEXITSTATUS(status));
		else if (pid == sandbox->init)
			end_abnormally(monitor, "the first process of the pid namespace ended");
	}
}

static void forward_signal(struct monitor *monitor, int number)
{
	struct monitor_channel *channel = monitor->sandbox->channel;

	if ((number == SIGTERM || number == SIGINT) && !monitor->sandbox->config->detached) {
		if (++monitor->stop_requests >= 3) {
			end_abnormally(monitor, "stopped by the third %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
			return;
		}
	}
	__atomic_or_fetch(&channel->signals, 1UL << (number - 1), __ATOMIC_SEQ_CST);
	send_event(channel, EVENT_SIGNAL);
}

static void take_signals(struct monitor *monitor)
{
	struct monitor_channel *channel = monitor->sandbox->channel;
	struct signalfd_siginfo info;

	while (read(monitor->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			monitor->child_ended = true;
			break;
		case SIGCONT:
			/* The shell that we were stopped in has set the terminal to its taste. */
			if (monitor->terminal_is_raw)
				set_raw_terminal(monitor);
			break;
		case SIGWINCH:
			monitor_window_size(monitor, &channel->rows, &channel->columns);
			send_event(channel, EVENT_WINSIZE);
			break;
		case SIGHUP:
			/* Of the terminal that it leads: the container's own notices that its far side has gone. */
			if (monitor->sandbox->terminal >= 0)
				break;
			/* fall through */
		default:
			forward_signal(monitor, info.ssi_signo);
		}
	}
}

/* A container that forks a lot makes the host report many ends: they are taken together, this long after the first. */
#define REAP_AFTER_MS 3

/* The parts of the kernel's boot, for --boot-chart. Written by the sandbox: nothing in it is believed. */
static void note_kernel(const struct sandbox *sandbox)
{
	struct boot_record *record = sandbox->config->boot;
	uint32_t nr = record && sandbox->channel ? __atomic_load_n(&sandbox->channel->nr_times, __ATOMIC_ACQUIRE) : 0;

	for (uint32_t i = 0; i < nr && i < BOOT_MAX_TIMES; i++) {
		struct boot_time time = sandbox->channel->times[i];
		int64_t begin = (int64_t)time.begin, end = (int64_t)time.end;

		time.name[sizeof(time.name) - 1] = '\0';
		if (begin >= record->origin && end >= begin && end <= boot_now())
			boot_mark_add(record, time.name, BOOT_KERNEL, begin, end);
	}
}

static void booted(struct monitor *monitor)
{
	struct sandbox *sandbox = monitor->sandbox;

	monitor->booted = true;
	if (sandbox->config->detached)
		note_kernel(sandbox);
	if (!monitor->finished && sandbox->birth && birth_report(sandbox))
		end_abnormally(monitor, "the command that created the container was ended");
	launch_booted(sandbox);
}

static void take_news(struct monitor *monitor)
{
	eventfd_t count;

	eventfd_read(monitor->news, &count);
	if (__atomic_load_n(&monitor->container_ended, __ATOMIC_ACQUIRE))
		monitor->finished = true;
	if (!monitor->booted && __atomic_load_n(&monitor->sandbox->channel->stage, __ATOMIC_ACQUIRE) != STAGE_BOOTING)
		booted(monitor);
	control_server_answered(&monitor->control);
}

static bool watch_memory(struct monitor *monitor)
{
	monitor->watches_memory = pthread_create(&monitor->memory_thread, NULL, memory_watch, monitor->sandbox) == 0;
	return monitor->watches_memory;
}

/* Streams wait here until their first byte; then each gets a thread. */
static void watch(struct monitor *monitor)
{
	bool reaping = monitor->child_ended;
	struct pollfd polls[7 + CONTROL_POLLS] = { { .fd = reaping ? -1 : monitor->signals, .events = POLLIN }, { .fd = monitor->news, .events = POLLIN } };
	int timeout = control_server_polls(&monitor->control, polls + 7);

	for (int i = 0; i < 5; i++) {
		polls[2 + i].fd = monitor->relays[i].started ? -1 : monitor->relays[i].from;
		polls[2 + i].events = POLLIN;
	}
	if (poll(polls, 7 + CONTROL_POLLS, reaping ? REAP_AFTER_MS : timeout) < 0 && errno != EINTR)
		end_abnormally(monitor, "the monitor cannot wait: %s", strerror(errno));
	if (reaping || polls[0].revents)
		take_signals(monitor);
	if (reaping) {
		reap(monitor);
		monitor->child_ended = false;
	}
	for (int i = 0; i < 5; i++)
		if (polls[2 + i].revents && relay_start(&monitor->relays[i]))
			end_abnormally(monitor, "the monitor cannot start a thread");
	if (polls[1].revents)
		take_news(monitor);
	if (monitor->sandbox->memory && !monitor->watches_memory && !watch_memory(monitor))
		end_abnormally(monitor, "the monitor cannot start a thread");
	control_server_serve(&monitor->control, polls + 7);
}

void monitor_kill_all(struct monitor *monitor)
{
	struct sandbox *sandbox = monitor->sandbox;

	for (;;) {
		struct pollfd wait = { .fd = monitor->signals, .events = POLLIN };
		struct signalfd_siginfo info;
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			monitor->kernel_gone |= pid == sandbox->kernel;
		if (pid < 0 && errno == ECHILD)
			break;
		if (sandbox->init)
			kill(sandbox->init, SIGKILL);
		kill(-sandbox->kernel, SIGKILL);
		/* The kernel process may not have got as far as making the group. */
		if (!monitor->kernel_gone)
			kill(sandbox->kernel, SIGKILL);
		/* While they die. */
		control_server_close(&monitor->control);
		poll(&wait, 1, 10);
		while (read(monitor->signals, &info, sizeof(info)) == sizeof(info))
			;
	}
	if (write(sandbox->guard_fd, "e", 1) != 1)
		return; /* there is no guard */
}

/* All writers are gone by now, so what is still in the pipes is followed by their end. */
static void finish_streams(struct monitor *monitor)
{
	for (int i = 1; i < 5; i++) {
		struct relay *relay = &monitor->relays[i];

		if (relay->from < 0)
			continue;
		if (relay->started)
			pthread_join(relay->thread, NULL);
		else
			relay_run(relay);
	}
}

/* Text from the sandbox goes to the user's terminal: nothing in it may act there. */
static void print_clean(const char *text, size_t length)
{
	for (size_t i = 0; i < length && text[i]; i++)
		fputc(isprint((unsigned char)text[i]) || text[i] == '\n' || text[i] == '\t' ? text[i] : '?', stderr);
}

static void print_panic(struct monitor *monitor, const struct monitor_status *status)
{
	fputs("linuxd: the container's kernel has stopped: ", stderr);
	print_clean(status->message, sizeof(status->message));
	fputc('\n', stderr);
	for (uint32_t i = 0; i < status->nr_back_trace && i < 32; i++) {
		uint64_t offset;
		const char *name = image_symbolise(&monitor->sandbox->image, status->back_trace[i], &offset);

		if (name)
			fprintf(stderr, "  %016lx %s+%#lx\n", status->back_trace[i], name, offset);
		else
			fprintf(stderr, "  %016lx\n", status->back_trace[i]);
	}
}

static void print_stats(struct monitor *monitor)
{
	struct monitor_channel *channel = monitor->sandbox->channel;
	uint32_t length = __atomic_load_n(&channel->stats_length, __ATOMIC_ACQUIRE);

	print_clean(channel->stats, length < sizeof(channel->stats) ? length : sizeof(channel->stats));
}

static int finish_trace(struct monitor *monitor, struct error *error)
{
	struct trace_summary summary = { 0 };
	int result;

	trace_record_stop(monitor->recorder);
	result = trace_record_finish(monitor->recorder, &summary, error);
	if (summary.full && result == 0)
		fprintf(stderr, "linuxd: warning: the trace ends after %.3f s: there were more than %lu records\n", summary.seconds, summary.records);
	return result;
}

static int exit_status(struct monitor *monitor, struct error *error)
{
	const struct sandbox *sandbox = monitor->sandbox;
	struct monitor_status status;

	memcpy(&status, &sandbox->channel->status, sizeof(status));
	status.message[sizeof(status.message) - 1] = '\0';
	if (status.state == KERNEL_PANICKED && status.nr_back_trace == 0 && !monitor->abnormal[0]) {
		/* Also what went wrong between the fork and the kernel's first instruction. */
		for (char *at = status.message; *at; at++)
			*at = isprint((unsigned char)*at) || *at == '\n' ? *at : '?';
		fail(error, 0, "%s", status.message);
		return EXIT_LINUXD;
	}
	if (status.state == KERNEL_PANICKED) {
		print_panic(monitor, &status);
		fail(error, 0, "the container was ended because its kernel %s", exit_reason[KERNEL_PANICKED]);
		return EXIT_LINUXD;
	}
	if (monitor->abnormal[0] || status.state != KERNEL_EXITED) {
		fail(error, 0, "%s", monitor->abnormal[0] ? monitor->abnormal : "the container wrote nonsense into its status");
		/* Whoever calls an OCI runtime knows a container that the host has killed, mostly for its memory, by this status. */
		return monitor->stop_requests >= 3 || (monitor->killed && sandbox->config->detached) ? 128 + SIGKILL : EXIT_LINUXD;
	}
	if (status.exec_error > 0) {
		const struct sandbox_process *process = sandbox->config->process;

		explain_start(error, status.exec_error, status.exec_step, process ? process->argv[0] : sandbox->config->argv[0],
			      process ? process->cwd : sandbox->config->workdir);
		return status.exec_error == ENOENT || status.exec_error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	}
	if (WIFSIGNALED(status.exit_code))
		return 128 + WTERMSIG(status.exit_code);
	return WEXITSTATUS(status.exit_code);
}

static int start_threads(struct monitor *monitor, struct error *error)
{
	int code = pthread_create(&monitor->slots_thread, NULL, slots_main, monitor);

	if (code)
		return fail(error, code, "cannot start the monitor's threads");
	if (network_start(monitor->sandbox->network, error))
		return -1;
	if (monitor->sandbox->config->trace) {
		struct monitor_channel *channel = monitor->sandbox->channel;

		monitor->recorder = trace_record_start(monitor->sandbox->config->trace, monitor->sandbox->heap_fd, &channel->trace_offset,
						       &channel->trace_length, error);
		return monitor->recorder ? 0 : -1;
	}
	return 0;
}

int monitor_block_signals(struct monitor *monitor, struct error *error)
{
	static const int taken[] = { SIGCHLD, SIGWINCH, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Inherited "ignore" would lose the deaths. */
	signal(SIGCHLD, SIG_DFL);
	monitor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	monitor->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (monitor->signals < 0 || monitor->news < 0)
		return fail(error, errno, "cannot set up the monitor");
	return 0;
}

int monitor_begin(struct monitor *monitor, struct error *error)
{
	set_raw_terminal(monitor);
	if (detach_streams(monitor->sandbox, monitor->streams, error))
		return -1;
	set_relays(monitor);
	return start_threads(monitor, error);
}

static void draw_chart(const struct sandbox *sandbox)
{
	const struct sandbox_config *config = sandbox->config;
	struct error error = { 0 };

	note_kernel(sandbox);
	if (config->boot_chart && boot_chart_write(config->boot, config->boot_chart, config->name ? config->name : config->argv[0], &error))
		fprintf(stderr, "linuxd: %s\n", error.text);
}

static int serve(struct monitor *monitor, struct error *error)
{
	int result;

	control_server_started(&monitor->control);
	if (monitor->sandbox->memory && !watch_memory(monitor))
		end_abnormally(monitor, "the monitor cannot start a thread");
	while (!monitor->finished)
		watch(monitor);
	control_server_hang_up(&monitor->control);
	monitor_kill_all(monitor);
	finish_streams(monitor);
	monitor_restore_terminal(monitor);
	result = exit_status(monitor, error);
	if (!monitor->sandbox->config->detached)
		draw_chart(monitor->sandbox);
	if (monitor->sandbox->config->stats)
		print_stats(monitor);
	if (finish_trace(monitor, error) && !result)
		result = EXIT_LINUXD;
	return result;
}

int monitor_run(struct sandbox *sandbox, struct error *error)
{
	struct monitor monitor = { .sandbox = sandbox };
	int result;

	if (boot_container(&monitor, error)) {
		if (!sandbox->config->detached)
			draw_chart(sandbox);
		return EXIT_LINUXD;
	}
	result = serve(&monitor, error);
	control_server_close(&monitor.control);
	network_close(sandbox);
	walls_remove(sandbox);
	return result;
}

int sandbox_run(const struct sandbox_config *config, struct error *error)
{
	struct sandbox sandbox = { .config = config, .heap_fd = -1, .pages_fd = -1, .terminal = -1 };

	return monitor_run(&sandbox, error);
}
