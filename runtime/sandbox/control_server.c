/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/control_server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "include/abi/snapshot.h"
#include "runtime/sandbox/exec_server.h"

/* The aux thread answers as soon as it gets the kernel lock. */
#define KERNEL_PATIENCE_S 5
#define FREEZE_PATIENCE_MS 10000
#define ANSWER_SIZE_MAX SNAPSHOT_SIZE_MAX

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8U
#endif

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000UL + now.tv_nsec;
}

/* ---- making and removing ---- */

static int listen_in(struct control_server *server, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	server->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0)
		return fail(error, errno, "cannot make the control socket");
	/* Its own path may be too long for an address. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", server->state.fd);
	unlinkat(server->state.fd, "control", 0);
	if (bind(server->listener, (struct sockaddr *)&address, sizeof(address)) || fchmodat(server->state.fd, "control", 0600, 0) ||
	    listen(server->listener, CONTROL_CLIENTS)) {
		fail(error, errno, "cannot make the control socket %s/control", server->state.path);
		close(server->listener);
		server->listener = -1;
		return -1;
	}
	return 0;
}

static int open_state(struct control_server *server, struct error *error)
{
	if (state_create(&server->state, server->sandbox->config->name, error))
		return -1;
	if (listen_in(server, error) == 0)
		return 0;
	state_remove(&server->state);
	return -1;
}

/* The directory is the commands' that made the container: they remove it. What lives in it holds its lock. */
static int open_directory(struct control_server *server, struct error *error)
{
	server->state.fd = openat(server->sandbox->config->detached->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (server->state.fd < 0 || flock(server->state.fd, LOCK_EX | LOCK_NB))
		return fail(error, errno, "cannot lock the container's directory");
	return listen_in(server, error);
}

void control_server_init(struct control_server *server, struct sandbox *sandbox)
{
	*server = (struct control_server){ .sandbox = sandbox, .state = { .root_fd = -1, .fd = -1 }, .listener = -1, .asked_for = -1 };
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		server->clients[i].fd = server->clients[i].exec = -1;
}

int control_server_prepare(struct control_server *server, struct error *error)
{
	const struct sandbox_config *config = server->sandbox->config;

	if (config->detached)
		return open_directory(server, error);
	return config->name ? open_state(server, error) : 0;
}

/* Everything here is done while the container's kernel boots, and costs no time of its own. */
void control_server_started(struct control_server *server)
{
	struct error error = { 0 };

	if (server->sandbox->config->detached)
		return;
	if (server->listener < 0 && open_state(server, &error)) {
		fprintf(stderr, "linuxd: warning: other commands will not find this container: %s\n", error.text);
		return;
	}
	if (state_write(&server->state, server->sandbox->kernel, server->sandbox->mount_path[0], &error))
		fprintf(stderr, "linuxd: warning: %s\n", error.text);
	state_sweep(&server->state);
}

void control_server_hang_up(struct control_server *server)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		if (server->clients[i].fd >= 0)
			close(server->clients[i].fd);
		server->clients[i].fd = -1;
	}
	if (server->listener >= 0)
		close(server->listener);
	server->listener = -1;
}

void control_server_close(struct control_server *server)
{
	control_server_hang_up(server);
	if (server->sandbox->config->detached && server->state.fd >= 0) {
		unlinkat(server->state.fd, "control", 0);
		close(server->state.fd);
		server->state.fd = -1;
	}
	state_remove(&server->state);
}

/* ---- answering ---- */

static void drop_client(struct control_server *server, int index)
{
	struct control_client *client = &server->clients[index];

	close(client->fd);
	server->stop_trace |= client->traces;
	server->thaw |= client->freezes && server->sandbox->channel->freezer != CONTAINER_FROZEN;
	exec_dropped(server, index);
	*client = (struct control_client){ .fd = -1, .exec = -1 };
	if (server->asked_for == index)
		server->asked_for = -1;
}

/* A client that does not read its answers is dropped: there is room for at least one. */
static void send_reply(struct control_server *server, int index, struct control_reply *reply, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec piece = { reply, sizeof(*reply) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	reply->magic = CONTROL_MAGIC;
	reply->has_descriptor = fd >= 0;
	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	server->clients[index].waiting = false;
	server->clients[index].freezes = false;
	if (sendmsg(server->clients[index].fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*reply))
		drop_client(server, index);
}

void control_server_send(struct control_server *server, int index, struct control_reply *reply)
{
	send_reply(server, index, reply, -1);
}

static void __attribute__((format(printf, 4, 5)))
send_error(struct control_server *server, int index, int code, const char *format, ...)
{
	struct control_reply reply = { .error = code };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reply.message, sizeof(reply.message), format, arguments);
	va_end(arguments);
	send_reply(server, index, &reply, -1);
}

/* ---- the kernel ---- */

static void freeze_begins(struct control_client *client)
{
	uint64_t ms = client->request.argument[0];

	if (client->freezes)
		return;
	if (ms == 0 || ms > FREEZE_PATIENCE_MS)
		ms = FREEZE_PATIENCE_MS;
	client->freezes = true;
	client->patience = now_ns() + ms * 1000000;
}

static void ask_kernel(struct control_server *server, int index, const struct control_request *request)
{
	struct monitor_channel *channel = server->sandbox->channel;

	if (request->kind != CONTROL_EXEC)
		channel->request.data_length = 0;
	channel->request.kind = request->kind;
	memcpy(channel->request.argument, request->argument, sizeof(request->argument));
	server->asking = true;
	server->asked_for = index;
	server->deadline = now_ns() + KERNEL_PATIENCE_S * 1000000000UL;
	__atomic_store_n(&channel->request.asked, ++server->asked, __ATOMIC_RELEASE);
	send_event(channel, EVENT_REQUEST);
}

/* All tasks may stand still by now: who waits for that asks again. */
static void freeze_news(struct control_server *server)
{
	uint32_t state = __atomic_load_n(&server->sandbox->channel->freezer, __ATOMIC_ACQUIRE);

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (server->clients[i].freezes && state == CONTAINER_FROZEN)
			server->clients[i].waiting = true;
}

static void ask_next(struct control_server *server)
{
	struct control_request own;

	if (server->asking)
		return;
	freeze_news(server);
	if (server->stop_trace) {
		server->stop_trace = false;
		ask_kernel(server, -1, &(struct control_request){ .kind = CONTROL_TRACE_STOP });
		return;
	}
	if (server->thaw) {
		server->thaw = false;
		ask_kernel(server, -1, &(struct control_request){ .kind = CONTROL_THAW });
		return;
	}
	if (exec_own_question(server, &own)) {
		ask_kernel(server, -1, &own);
		return;
	}
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		if (server->clients[i].fd < 0 || !server->clients[i].waiting)
			continue;
		if (server->clients[i].request.kind == CONTROL_EXEC) {
			exec_question(server, i, &own);
			ask_kernel(server, i, &own);
			return;
		}
		if (server->clients[i].request.kind == CONTROL_FREEZE)
			freeze_begins(&server->clients[i]);
		ask_kernel(server, i, &server->clients[i].request);
		return;
	}
}

static int copy_area(int from, uint64_t offset, uint64_t length)
{
	static char buffer[65536];
	int fd = memfd_create("linuxd-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("linuxd-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	for (uint64_t done = 0; fd >= 0 && done < length;) {
		size_t most = length - done < sizeof(buffer) ? length - done : sizeof(buffer);
		ssize_t got = pread(from, buffer, most, offset + done);

		if (got <= 0 || write(fd, buffer, got) != got) {
			close(fd);
			return -1;
		}
		done += got;
	}
	if (fd >= 0)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	return fd;
}

/* The kernel's heap file, but not to be written. */
static int reopen_heap(const struct sandbox *sandbox)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", sandbox->heap_fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool area_is_valid(const struct sandbox *sandbox, uint64_t offset, uint64_t length, uint64_t most)
{
	struct stat status;

	return fstat(sandbox->heap_fd, &status) == 0 && offset >= HEAP_FILE_HEAP && offset % 4096 == 0 && offset < (uint64_t)status.st_size &&
	       length <= status.st_size - offset && length <= most;
}

/* ---- freezing: the answer comes when all tasks stand still ---- */

/* True if the kernel is still at it: the client goes on waiting. */
static bool freeze_goes_on(struct control_server *server, int index, const struct kernel_request *answer)
{
	struct control_client *client = &server->clients[index];

	if (client->request.kind != CONTROL_FREEZE || answer->error || answer->value[0] == CONTAINER_FROZEN)
		return false;
	client->waiting = false;
	client->runs = answer->value[1];
	return true;
}

/* Somebody has thawed it. */
static void freeze_is_cancelled(struct control_server *server)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (server->clients[i].freezes)
			send_error(server, i, ECANCELED, "the container was resumed while it was being paused");
}

static void freeze_time_is_up(struct control_server *server)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		if (!server->clients[i].freezes || now_ns() < server->clients[i].patience || (server->asking && server->asked_for == i))
			continue;
		send_error(server, i, ETIMEDOUT, "task %" PRIu64 " of the container did not stop in time; all of them go on", server->clients[i].runs);
		server->thaw = true;
	}
}

static void pass_answer(struct control_server *server, int index, const struct kernel_request *answer)
{
	struct control_reply reply = { .length = answer->length, .value = { answer->value[0], answer->value[1] } };
	struct control_client *client = &server->clients[index];
	int fd = -1;

	if (freeze_goes_on(server, index, answer) || exec_goes_on(server, index, answer))
		return;
	if (answer->error) {
		send_error(server, index, answer->error > 0 && answer->error < 4096 ? answer->error : EIO, "%s", "");
		return;
	}
	if (answer->length) {
		/* What is not copied may be as large as the heap. */
		if (!area_is_valid(server->sandbox, answer->offset, answer->length, answer->shared ? UINT64_MAX : ANSWER_SIZE_MAX)) {
			send_error(server, index, EIO, "the container's kernel answers nonsense");
			return;
		}
		fd = answer->shared ? reopen_heap(server->sandbox) : copy_area(server->sandbox->heap_fd, answer->offset, answer->length);
		if (fd < 0) {
			send_error(server, index, errno, "the monitor cannot copy the kernel's answer: %s", strerror(errno));
			return;
		}
		reply.offset = answer->shared ? answer->offset : 0;
	}
	if (client->request.kind == CONTROL_UPDATE && client->request.argument[0])
		__atomic_store_n(&server->sandbox->memory, client->request.argument[0] == UINT64_MAX ? 0 : client->request.argument[0], __ATOMIC_RELAXED);
	client->traces |= client->request.kind == CONTROL_TRACE_START;
	client->traces &= client->request.kind != CONTROL_TRACE_STOP;
	send_reply(server, index, &reply, fd);
	if (fd >= 0)
		close(fd);
}

void control_server_answered(struct control_server *server)
{
	struct monitor_channel *channel = server->sandbox->channel;
	struct kernel_request answer;

	exec_news(server);
	if (!server->asking || __atomic_load_n(&channel->request.answered, __ATOMIC_ACQUIRE) != server->asked) {
		ask_next(server);
		return;
	}
	memcpy(&answer, &channel->request, sizeof(answer));
	server->asking = false;
	if (server->asked_for >= 0)
		pass_answer(server, server->asked_for, &answer);
	if (answer.kind == CONTROL_THAW)
		freeze_is_cancelled(server);
	exec_news(server);
	channel->request.released = server->asked;
	send_event(channel, EVENT_REQUEST);
	ask_next(server);
}

static void give_up(struct control_server *server)
{
	server->asking = false;
	server->thaw |= server->asked_for >= 0 && server->clients[server->asked_for].freezes;
	if (server->asked_for >= 0)
		send_error(server, server->asked_for, ETIMEDOUT, "the container's kernel did not answer within %d s", KERNEL_PATIENCE_S);
	ask_next(server);
}

/* ---- the loop ---- */

static void take_client(struct control_server *server)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == geteuid() || peer.uid == 0)) {
		for (int i = 0; i < CONTROL_CLIENTS; i++) {
			if (server->clients[i].fd >= 0)
				continue;
			server->clients[i] = (struct control_client){ .fd = fd, .exec = -1 };
			return;
		}
	}
	close(fd);
}

/* A request and the descriptors that it brings. */
static ssize_t receive(int fd, struct control_request *ret_request, int ret_fds[CONTROL_EXEC_FDS], int *ret_nr)
{
	union {
		char bytes[CMSG_SPACE(CONTROL_EXEC_FDS * sizeof(int))];
		struct cmsghdr header;
	} control;
	struct iovec piece = { ret_request, sizeof(*ret_request) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*ret_nr = 0;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		*ret_nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret_fds, CMSG_DATA(header), *ret_nr * sizeof(int));
	}
	return got;
}

static void take_request(struct control_server *server, int index)
{
	struct control_client *client = &server->clients[index];
	struct control_request request;
	struct error error = { 0 };
	int fds[CONTROL_EXEC_FDS], nr_fds;
	ssize_t got = receive(client->fd, &request, fds, &nr_fds);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got == sizeof(request) && request.kind == CONTROL_EXEC && request.magic == CONTROL_MAGIC && request.version == CONTROL_VERSION &&
	    !client->waiting && !client->freezes && client->exec < 0) {
		client->request = request;
		client->waiting = true;
		if (exec_begin(server, index, fds, nr_fds, &error))
			send_error(server, index, error.code ? error.code : EIO, "%s", error.text);
		return;
	}
	while (nr_fds > 0)
		close(fds[--nr_fds]);
	if (got == sizeof(request) && client->exec >= 0 && (request.kind == CONTROL_EXEC_SIGNAL || request.kind == CONTROL_EXEC_RESIZE)) {
		exec_note(server, index, &request);
		return;
	}
	if (got <= 0 || client->waiting || client->freezes || client->exec >= 0) {
		drop_client(server, index);
		return;
	}
	if (got != sizeof(request) || request.magic != CONTROL_MAGIC || request.version != CONTROL_VERSION) {
		send_error(server, index, EPROTO, "the container was started by another version of linuxd");
	} else if (request.kind == CONTROL_PING) {
		struct control_reply reply = { .value = { getpid(), server->sandbox->channel->freezer } };

		send_reply(server, index, &reply, -1);
	} else if (request.kind < CONTROL_FIRST_KERNEL || request.kind >= CONTROL_KIND_MAX) {
		send_error(server, index, EOPNOTSUPP, "the container's monitor does not know this question");
	} else {
		client->request = request;
		client->waiting = true;
	}
}

int control_server_polls(struct control_server *server, struct pollfd *polls)
{
	uint64_t now = now_ns(), next = server->asking ? server->deadline : UINT64_MAX;
	bool room = false;

	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		polls[1 + i] = (struct pollfd){ .fd = server->clients[i].fd, .events = POLLIN };
		room |= server->clients[i].fd < 0;
		if (server->clients[i].freezes && server->clients[i].patience < next)
			next = server->clients[i].patience;
	}
	polls[0] = (struct pollfd){ .fd = room ? server->listener : -1, .events = POLLIN };
	if (next == UINT64_MAX)
		return -1;
	return now >= next ? 0 : (int)((next - now) / 1000000 + 1);
}

void control_server_serve(struct control_server *server, const struct pollfd *polls)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (polls[1 + i].revents && server->clients[i].fd == polls[1 + i].fd)
			take_request(server, i);
	if (polls[0].revents)
		take_client(server);
	if (server->asking && now_ns() >= server->deadline)
		give_up(server);
	freeze_time_is_up(server);
	ask_next(server);
}
