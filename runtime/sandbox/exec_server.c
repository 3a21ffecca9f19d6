/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/exec_server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/sandbox/handover.h"

static void close_all(const int *fds, int nr)
{
	for (int i = 0; i < nr; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static struct exec_slot *slot_of(struct control_server *server, int slot) { return &server->sandbox->channel->exec[slot]; }

static int free_slot(struct control_server *server)
{
	for (int i = 0; i < EXEC_SLOTS; i++)
		if (!server->execs[i].used)
			return i;
	return -1;
}

/* Nothing through which the sandbox could open something else. */
static bool descriptor_is_fit(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat status;

	return flags >= 0 && !(flags & O_PATH) && fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode) ||
									      S_ISCHR(status.st_mode));
}

static int hand_over(struct control_server *server, int fd, uint32_t events, uint64_t *ret_token, struct error *error)
{
	struct handover_message message = { .token = handover_token(server->sandbox) };
	int code;

	if (!descriptor_is_fit(fd))
		return fail(error, EINVAL, "cannot hand a descriptor to the container");
	code = handover_watch(server->sandbox, fd, message.token, events);
	/* Files are always ready. */
	if (code && code != -EPERM)
		return fail(error, -code, "cannot watch a descriptor");
	code = handover_send(server->sandbox, fd, &message);
	if (code)
		return fail(error, -code, "cannot hand a descriptor to the container");
	*ret_token = message.token;
	return 0;
}

static int hand_over_preserved(struct control_server *server, struct exec_session *exec, uint64_t inputs, const int *fds, int nr, struct error *error)
{
	for (int i = 0; i < nr; i++)
		if (hand_over(server, fds[i], inputs >> i & 1 ? EPOLLIN | EPOLLRDHUP : EPOLLOUT, &exec->preserved[i], error))
			return -1;
	return 0;
}

static int hand_over_streams(struct control_server *server, struct exec_session *exec, uint64_t which, const int *fds, int nr,
			     struct error *error)
{
	int next = 0;

	if (which & CONTROL_EXEC_TERMINAL)
		return nr == 1 ? hand_over(server, fds[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP, &exec->tokens[0], error) :
				 fail(error, EINVAL, "exec: a terminal is one descriptor");
	for (int i = 0; i < 3; i++) {
		if (!(which >> i & 1))
			continue;
		if (next == nr)
			return fail(error, EINVAL, "exec: a descriptor is missing");
		if (hand_over(server, fds[next++], i ? EPOLLOUT : EPOLLIN | EPOLLRDHUP, &exec->tokens[i], error))
			return -1;
	}
	return 0;
}

int exec_begin(struct control_server *server, int index, const int *fds, int nr_fds, struct error *error)
{
	const uint64_t *argument = server->clients[index].request.argument;
	uint64_t nr_preserved = argument[1];
	int slot = free_slot(server), result;
	struct exec_session *exec;
	struct stat status;

	if (slot < 0 || nr_fds < 1 || fstat(fds[0], &status) || !S_ISREG(status.st_mode) || status.st_size > REQUEST_DATA_SIZE) {
		close_all(fds, nr_fds);
		if (slot < 0)
			return fail(error, EAGAIN, "more than %d programs of exec run in the container", EXEC_SLOTS);
		return fail(error, E2BIG, "exec: arguments and environment are too long");
	}
	exec = &server->execs[slot];
	*exec = (struct exec_session){ .used = true, .client = index, .data_fd = fds[0], .data_length = status.st_size };
	result = nr_preserved > PRESERVED_MAX || (int)nr_preserved > nr_fds - 1 ? fail(error, EINVAL, "exec: a descriptor is missing") : 0;
	if (result == 0)
		result = hand_over_streams(server, exec, argument[0], fds + 1, nr_fds - 1 - nr_preserved, error);
	if (result == 0)
		result = hand_over_preserved(server, exec, argument[2], fds + nr_fds - nr_preserved, nr_preserved, error);
	close_all(fds + 1, nr_fds - 1);
	if (result) {
		close(exec->data_fd);
		exec->used = false;
		return -1;
	}
	server->clients[index].exec = slot;
	return 0;
}

void exec_question(struct control_server *server, int index, struct control_request *ret_request)
{
	struct monitor_channel *channel = server->sandbox->channel;
	int slot = server->clients[index].exec;
	struct exec_session *exec = &server->execs[slot];
	ssize_t got = pread(exec->data_fd, channel->request_data, exec->data_length, 0);

	channel->request.data_length = got > 0 ? got : 0;
	close(exec->data_fd);
	exec->data_fd = -1;
	*slot_of(server, slot) = (struct exec_slot){ .state = EXEC_ASKED, .nr_preserved = server->clients[index].request.argument[1],
						     .inputs = server->clients[index].request.argument[2] };
	memcpy(slot_of(server, slot)->preserved, exec->preserved, sizeof(exec->preserved));
	ret_request->kind = CONTROL_EXEC;
	ret_request->argument[0] = slot;
	memcpy(ret_request->argument + 1, exec->tokens, sizeof(exec->tokens));
}

bool exec_goes_on(struct control_server *server, int index, const struct kernel_request *answer)
{
	struct control_client *client = &server->clients[index];

	if (client->request.kind != CONTROL_EXEC || client->exec < 0)
		return false;
	if (answer->error) {
		server->execs[client->exec].used = false;
		client->exec = -1;
		return false;
	}
	client->waiting = false;
	server->execs[client->exec].asked = true;
	return true;
}

void exec_note(struct control_server *server, int index, const struct control_request *request)
{
	int slot = server->clients[index].exec;
	struct exec_session *exec;

	if (slot < 0)
		return;
	exec = &server->execs[slot];
	if (request->kind == CONTROL_EXEC_SIGNAL && request->argument[0] >= 1 && request->argument[0] <= 64)
		exec->signals |= 1UL << (request->argument[0] - 1);
	if (request->kind == CONTROL_EXEC_RESIZE) {
		exec->resize = true;
		exec->rows = request->argument[0];
		exec->columns = request->argument[1];
	}
}

void exec_dropped(struct control_server *server, int index)
{
	int slot = server->clients[index].exec;

	if (slot < 0)
		return;
	server->execs[slot].client = -1;
	server->execs[slot].signals |= 1UL << (9 /* SIGKILL */ - 1);
	/* It was not asked for yet. */
	if (server->execs[slot].data_fd >= 0) {
		close(server->execs[slot].data_fd);
		server->execs[slot].used = false;
	}
	server->clients[index].exec = -1;
}

static void tell(struct control_server *server, struct exec_session *exec, struct control_reply *reply, bool last)
{
	int index = exec->client;

	if (last) {
		exec->used = false;
		if (index >= 0)
			server->clients[index].exec = -1;
	}
	if (index >= 0)
		control_server_send(server, index, reply);
}

static void look_at(struct control_server *server, int slot)
{
	struct exec_session *exec = &server->execs[slot];
	uint32_t state = __atomic_load_n(&slot_of(server, slot)->state, __ATOMIC_ACQUIRE);
	struct exec_slot seen = *slot_of(server, slot);

	if (!exec->asked || state < EXEC_RUNNING || state > EXEC_EXITED)
		return;
	if (!exec->told && (state == EXEC_RUNNING || !seen.error)) {
		exec->told = true;
		tell(server, exec, &(struct control_reply){ .value = { seen.pid, CONTROL_EXEC_RUNS } }, false);
	}
	if (state != EXEC_EXITED || !exec->used)
		return;
	if (seen.error)
		tell(server, exec, &(struct control_reply){ .error = seen.error > 0 && seen.error < 4096 ? seen.error : EIO, .value = { 0, seen.step } },
		     true);
	else
		tell(server, exec, &(struct control_reply){ .value = { (uint32_t)seen.status & 0xffff, CONTROL_EXEC_ENDED } }, true);
}

void exec_news(struct control_server *server)
{
	for (int i = 0; i < EXEC_SLOTS; i++)
		if (server->execs[i].used)
			look_at(server, i);
}

bool exec_own_question(struct control_server *server, struct control_request *ret_request)
{
	for (int i = 0; i < EXEC_SLOTS; i++) {
		struct exec_session *exec = &server->execs[i];

		if (!exec->used || !exec->asked || (!exec->signals && !exec->resize))
			continue;
		*ret_request = (struct control_request){ .kind = CONTROL_EXEC_SIGNAL, .argument = { i } };
		if (exec->signals) {
			ret_request->argument[1] = __builtin_ctzl(exec->signals) + 1;
			exec->signals &= exec->signals - 1;
		} else {
			ret_request->kind = CONTROL_EXEC_RESIZE;
			ret_request->argument[1] = exec->rows;
			ret_request->argument[2] = exec->columns;
			exec->resize = false;
		}
		return true;
	}
	return false;
}
