/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that config.json wants run at six points of a container's life. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/native/native.h"
#include "runtime/native/ns.h"
#include "runtime/native/sync.h"

#define MAX_OUTPUT 900

static _Noreturn void child(const struct spec_hook *hook, int in, int out)
{
	static const char *const no_environment[] = { NULL };
	const char *const own_name[] = { hook->path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* cloexec: standard streams */
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	execve(hook->path, (char *const *)(hook->args.nr ? hook->args.items : own_name),
	       (char *const *)(hook->env.items ? hook->env.items : no_environment));
	dprintf(2, "cannot execute it: %s", strerror(errno));
	_exit(127);
}

/* What the hook says, until it has ended or its time is over: 0 ended, 1 too late. */
static int listen_to(int out, int pidfd, int timeout_ms, char *text, size_t size)
{
	struct pollfd polls[2] = { { .fd = out, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	struct timespec start, now;
	size_t used = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int left = -1, ready;
		char extra[256];
		ssize_t got;

		if (timeout_ms >= 0) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			left = timeout_ms - (now.tv_sec - start.tv_sec) * 1000 - (now.tv_nsec - start.tv_nsec) / 1000000;
			if (left <= 0)
				return 1;
		}
		ready = poll(polls, 2, left);
		if (ready <= 0)
			continue;
		if (polls[0].revents) {
			got = used < size - 1 ? read(out, text + used, size - 1 - used) : read(out, extra, sizeof(extra));
			if (got <= 0)
				polls[0].fd = -1;
			else if (used < size - 1)
				used += got;
			text[used] = '\0';
			if (got > 0)
				continue;
		}
		/* It may have left somebody behind who holds the pipe. */
		if (polls[1].revents)
			return 0;
	}
}

static int judge(const struct spec_hook *hook, const char *kind, int late, int status, const char *output, struct error *error)
{
	const char *separator = output[0] ? ": " : "";

	if (late)
		return fail(error, 0, "error running hook %s (%s): it has not ended after %lld seconds%s%s", kind, hook->path, (long long)hook->timeout.value,
			    separator, output);
	if (WIFSIGNALED(status))
		return fail(error, 0, "error running hook %s (%s): it was killed by signal %d%s%s%s", kind, hook->path, WTERMSIG(status),
			    WTERMSIG(status) == SIGSYS ? " (bad system call)" : "", separator, output);
	if (WEXITSTATUS(status))
		return fail(error, 0, "error running hook %s (%s): it failed with exit status %d%s%s", kind, hook->path, WEXITSTATUS(status), separator,
			    output);
	return 0;
}

static int run_hook(const struct spec_hook *hook, const char *kind, const char *state, struct error *error)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, pidfd = -1, status = 0, late = 0;
	char output[MAX_OUTPUT] = "";
	pid_t pid = -1;

	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0)
		pid = ns_clone(0, -1, &pidfd);
	if (pid == 0)
		child(hook, in[0], out[1]);
	if (pid < 0) {
		fail(error, errno, "error running hook %s (%s): cannot start it", kind, hook->path);
	} else {
		size_t length = strlen(state);
		struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

		close(in[0]);
		close(out[1]);
		in[0] = out[1] = -1;
		/* It need not read it; and a state is less than what a pipe holds. */
		sigaction(SIGPIPE, &ignore, &before);
		if (write(in[1], state, length) != (ssize_t)length)
			errno = 0;
		sigaction(SIGPIPE, &before, NULL);
		close(in[1]);
		in[1] = -1;
		late = listen_to(out[0], pidfd, hook->timeout.set ? (int)hook->timeout.value * 1000 : -1, output, sizeof(output));
		if (late)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		close(pidfd);
	}
	for (int i = 0; i < 2; i++) {
		if (in[i] >= 0)
			close(in[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	output[strcspn(output, "\n")] = '\0';
	return pid < 0 ? -1 : judge(hook, kind, late, status, output, error);
}

int hooks_run(const struct spec_hook_list *hooks, const char *kind, const struct container *container, const char *status,
	      struct error *error)
{
	char *state;
	int result = 0;

	if (hooks->nr == 0)
		return 0;
	state = container_hook_state(container, status);
	if (!state)
		return fail(error, 0, "out of memory");
	for (size_t i = 0; i < hooks->nr && result == 0; i++)
		result = run_hook(&hooks->items[i], kind, state, error);
	free(state);
	return result;
}

void hooks_run_poststop(const struct spec_hook_list *hooks, const struct container *container)
{
	char *state = hooks->nr ? container_hook_state(container, "stopped") : NULL;

	for (size_t i = 0; i < hooks->nr && state; i++) {
		struct error error = { 0 };

		if (run_hook(&hooks->items[i], "poststop", state, &error))
			container_warn_lines(container, error.text);
	}
	free(state);
}
