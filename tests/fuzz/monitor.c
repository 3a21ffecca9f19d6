/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/json.c runtime/state.c runtime/sandbox/control_server.c
// sources: runtime/sandbox/memory.c runtime/sandbox/slots.c runtime/sandbox/relay.c runtime/sandbox/image.c
// sources: runtime/sandbox/handover.c runtime/network/network.c runtime/network/sockets.c runtime/network/entrances.c
// sources: runtime/network/flows.c runtime/network/routes.c
// sources: runtime/network/interfaces.c runtime/network/files.c runtime/network/names.c runtime/network/dns.c runtime/network/policy.c
// sources: runtime/network/address.c runtime/network/config.c
// sources: runtime/boot/record.c runtime/boot/chart.c
// sources: runtime/sandbox/process.c runtime/sandbox/exec_server.c runtime/sandbox/detach.c runtime/native/sync.c
// flags: -D_GNU_SOURCE -pthread
/*
 * The monitor against a hostile sandbox. The input is what a sandbox may write into the channel: requests in slots, the status, the text of
 * --stats, answers to questions. After each input everything outside the container's directories must be as before, and the read-only mount too.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include "runtime/sandbox/monitor.c"

#include <fcntl.h>
#include <ftw.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/network/names.h"
#include "runtime/sandbox/handover.h"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#define PLACE "/tmp/linuxd-fuzz-monitor"

/* An "image" of no size: image_load refuses it. */
__asm__(".globl kernel_image_start, kernel_image_end\n.data\nkernel_image_start:\nkernel_image_end:\n.byte 0\n.text\n");

int boot_container(struct monitor *monitor, struct error *error) { return -1; }
void launch_booted(struct sandbox *sandbox) { }
void walls_remove(struct sandbox *sandbox) { }
/* runtime/native/sync.c is here for fault() only. */
uint32_t cgroup_made(const struct cgroup *cgroup) { return 0; }
void cgroup_take_made(struct cgroup *cgroup, uint32_t made) { }
/* The trace has a target of its own. */
struct trace_recorder *trace_record_start(struct trace_target *target, int fd, const uint64_t *offset, const uint64_t *length, struct error *error)
{
	return NULL;
}
void trace_record_stop(struct trace_recorder *recorder) { }
int trace_record_finish(struct trace_recorder *recorder, struct trace_summary *ret_summary, struct error *error) { return 0; }

static struct sandbox_config config;
static struct sandbox sandbox;
static struct monitor monitor_of_container;
static char place[64];

static void must(int good, const char *what)
{
	if (good)
		return;
	dprintf(2, "%s: %s\n", what, strerror(errno));
	abort();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	return remove(path);
}

static void clean_up(void)
{
	nftw(place, remove_one, 64, FTW_DEPTH | FTW_PHYS);
}

static void in_place(char *path, const char *name)
{
	snprintf(path, 256, "%s/%s", place, name);
}

static void write_text(const char *name, const char *text)
{
	char path[256];
	int fd;

	in_place(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static void fill_root(void)
{
	static const char *const links[][2] = { { "../outside", "root/out" }, { "../outside/secret", "root/secret" }, { "/", "root/slash" },
						{ "..", "root/dir/up" }, { "/proc/self/root", "root/magic" }, { "f", "root/good" } };
	char path[256];

	in_place(path, "root/dir");
	mkdir(path, 0755);
	write_text("root/f", "file");
	write_text("root/dir/g", "file");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		in_place(path, links[i][1]);
		if (symlink(links[i][0], path))
			must(errno == EEXIST || errno == ENOTDIR, path);
	}
}

static int open_place(const char *name)
{
	char path[256];
	int fd;

	in_place(path, name);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0, path);
	return fd;
}

static void set_up(void)
{
	static const char *const folders[] = { "", "root", "outside", "outside/dir", "readonly", "single" };
	struct error error = { 0 };
	char path[256];

	snprintf(place, sizeof(place), PLACE "-%d", getpid());
	atexit(clean_up);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		in_place(path, folders[i]);
		must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
	}
	write_text("outside/secret", "secret");
	write_text("readonly/f", "constant");
	write_text("single/mine", "mine");
	write_text("single/other", "other");
	fill_root();
	config.nr_mounts = 3;
	config.mounts[0] = (struct sandbox_mount){ .source = "readonly", .target = "/ro", .read_only = true };
	config.mounts[1] = (struct sandbox_mount){ .source = "single/mine", .target = "/mine" };
	config.mounts[2] = (struct sandbox_mount){ .target = "/tmp" };
	sandbox = (struct sandbox){ .config = &config, .nr_mounts = 4, .heap_fd = -1, .pages_fd = -1 };
	sandbox.mount_fd[0] = open_place("root");
	sandbox.mount_fd[1] = open_place("readonly");
	sandbox.mount_fd[2] = open_place("single");
	sandbox.mount_fd[3] = -1;
	strcpy(sandbox.mount_file[2], "mine");
	sandbox.channel = mmap(NULL, LAYOUT_CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(sandbox.channel != MAP_FAILED, "channel");
	monitor_of_container.sandbox = &sandbox;
	/* A network that lets out nothing but questions for one name, to a server that is not there; with two ports. */
	config.hostname = "fuzz";
	config.network.dns[config.network.nr_dns++] = (struct network_endpoint){ { 0 }, 1, 0, 0 };
	must(!network_config_mode(&config.network, "filtered", &error) && !policy_add(&config.network.policy, "name.test", true, &error) &&
	     !network_config_publish(&config.network, "127.0.0.1::80", &error) && !network_config_publish(&config.network, "127.0.0.1::81/udp", &error) &&
	     !network_config_check(&config.network, &error), error.text);
	sandbox.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	must(!handover_prepare(&sandbox, &error) && !network_prepare(&sandbox, &error), error.text);
	stderr = fopen("/dev/null", "w");
}

/* Everything the container must not have touched, in one number. */
static uint64_t fingerprint(const char *name)
{
	char path[256], names[256];
	struct stat status;
	uint64_t sum;

	in_place(path, name);
	if (lstat(path, &status))
		return 0;
	sum = status.st_ino * 31 + status.st_mode * 37 + status.st_uid * 41 + status.st_gid * 43 + status.st_nlink * 47 +
	      status.st_size * 53 + status.st_mtim.tv_nsec * 59 + status.st_mtim.tv_sec * 61 + status.st_ctim.tv_nsec * 67;
	return sum + 71 * (uint64_t)(llistxattr(path, names, sizeof(names)) + 2);
}

static uint64_t outside(void)
{
	static const char *const names[] = { "", "outside", "outside/secret", "outside/dir", "readonly", "readonly/f", "single",
					     "single/other" };
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sum = sum * 1000003 + fingerprint(names[i]);
	return sum;
}

/* Bytes of the input, zeroes behind its end. */
struct input {
	const uint8_t *data;
	size_t size;
};

static void take(struct input *input, void *to, size_t size)
{
	size_t got = size < input->size ? size : input->size;

	memset(to, 0, size);
	memcpy(to, input->data, got);
	input->data += got;
	input->size -= got;
}

static void take_text(struct input *input, char *to, size_t size)
{
	uint8_t length;

	take(input, &length, 1);
	memset(to, length == 255 ? 'x' : 0, size);
	take(input, to, length < size ? length : size);
	if (length < size - 1 && length != 255)
		to[length] = '\0';
}

static void take_slot(struct input *input, struct monitor_slot *slot)
{
	uint8_t op, mount;

	take(input, &op, 1);
	take(input, &mount, 1);
	slot->op = op & 0x80 ? op * 0x1010101U : op;
	slot->mount = (int8_t)mount;
	take(input, slot->arg, sizeof(slot->arg));
	/* Times of the real files are compared; the clock must not be changed by times that are far away. */
	take_text(input, slot->path, sizeof(slot->path));
	take_text(input, slot->data, 255);
	take(input, slot->data + strnlen(slot->data, 254) + 1, input->size < 512 ? input->size : 512);
	slot->state = SLOT_SUBMITTED;
}

static void try_slots(struct input *input)
{
	memset(sandbox.channel->slots, 0, sizeof(sandbox.channel->slots));
	for (int i = 0; i < MONITOR_SLOTS && input->size; i++)
		take_slot(input, &sandbox.channel->slots[i]);
	slots_serve(&sandbox);
	for (int i = 0; i < MONITOR_SLOTS; i++)
		must(sandbox.channel->slots[i].state != SLOT_SUBMITTED, "an unanswered slot");
}

/* Requests for the outside: whatever they say, no socket leads anywhere, and all are forgotten when they are released. */
static void try_network(struct input *input)
{
	struct network_ring *ring = &sandbox.channel->network;
	struct network *network = sandbox.network;
	char buffer[1024];

	take(input, &ring->head, 1);
	ring->tail = ring->head;
	for (int i = 0; i < 64 && input->size; i++) {
		struct network_request *request = &ring->requests[ring->tail++ % NETWORK_RING];

		take(input, request, sizeof(*request));
	}
	network_serve(network);
	must(ring->head == ring->tail, "requests are left");
	for (int i = 0; i < NETWORK_BUCKETS; i++)
		for (struct network_socket *socket = network->sockets[i]; socket; socket = socket->next)
			must(socket->fd < 0 || getsockname(socket->fd, (struct sockaddr *)buffer, &(socklen_t){ 2 }) || *(short *)buffer == AF_UNIX,
			     "a socket to the outside");
	for (int i = 0; i < NETWORK_BUCKETS; i++)
		while (network->sockets[i])
			network_forget(network, network->sockets[i]->token);
	for (int i = 0; i < 2; i++)
		must(network->entrances[i].listeners == 0, "somebody still listens");
	while (recv(sandbox.handover_inside, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
}

static void try_status(struct input *input)
{
	struct error error = { 0 };

	take(input, &sandbox.channel->status, sizeof(sandbox.channel->status));
	take(input, &sandbox.channel->stats_length, 4);
	take(input, sandbox.channel->stats, 1000);
	config.argv = (char *[]){ "command", NULL };
	exit_status(&monitor_of_container, &error);
	must(memchr(error.text, 0, sizeof(error.text)) != NULL, "an endless message");
	for (char *at = error.text; *at; at++)
		must(isprint((unsigned char)*at) || *at == '\n', "a message that could act on the terminal");
	print_stats(&monitor_of_container);
}

/* The times of its boot are drawn, whatever they are. */
static void try_times(struct input *input)
{
	struct error error = { 0 };

	if (!config.boot)
		config.boot = boot_record_new(&error);
	must(config.boot != NULL, error.text);
	config.boot->nr = 0;
	config.boot->origin = 0;
	take(input, &sandbox.channel->nr_times, 4);
	take(input, sandbox.channel->times, sizeof(sandbox.channel->times));
	note_kernel(&sandbox);
	for (int i = 0; i < config.boot->nr; i++) {
		const struct boot_mark *mark = &config.boot->marks[i];

		must(memchr(mark->name, 0, sizeof(mark->name)) && mark->begin >= 0 && mark->end >= mark->begin, "a mark that makes no sense");
	}
	must(boot_chart_write(config.boot, "/dev/null", "fuzz", &error) == 0, error.text);
}

#define HEAP_SIZE (HEAP_FILE_HEAP + 0x10000)

static void check_reply(int connection)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct control_reply reply;
	struct iovec piece = { &reply, sizeof(reply) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	struct stat status;
	int fd;

	must(recvmsg(connection, &message, MSG_DONTWAIT) == sizeof(reply), "no reply");
	must(memchr(reply.message, 0, sizeof(reply.message)) != NULL && reply.error >= 0, "a bad reply");
	header = CMSG_FIRSTHDR(&message);
	must((header != NULL) == reply.has_descriptor, "a descriptor too few or too many");
	if (!header)
		return;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	must(reply.error == 0 && fstat(fd, &status) == 0 && reply.offset + reply.length <= (uint64_t)status.st_size, "an area beyond its file");
	must(pwrite(fd, "x", 1, 0) < 0, "a descriptor that can be written to");
	close(fd);
}

static void try_answer(struct input *input)
{
	static struct control_server server;
	struct kernel_request *request = &sandbox.channel->request;
	int ends[2];

	if (sandbox.heap_fd < 0) {
		sandbox.heap_fd = memfd_create("heap", MFD_CLOEXEC);
		must(sandbox.heap_fd >= 0 && ftruncate(sandbox.heap_fd, HEAP_SIZE) == 0, "heap");
	}
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
	server = (struct control_server){ .sandbox = &sandbox, .listener = -1, .asking = true, .asked = 7 };
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		server.clients[i].fd = server.clients[i].exec = -1;
	server.clients[0] = (struct control_client){ .fd = ends[0], .exec = -1, .waiting = true };
	take(input, &server.clients[0].request.kind, 1);
	take(input, request, sizeof(*request));
	request->answered = 7;
	control_server_answered(&server);
	/* Who freezes hears nothing until all stand still. */
	if (server.clients[0].request.kind != CONTROL_FREEZE || request->error)
		check_reply(ends[1]);
	control_server_hang_up(&server);
	close(ends[1]);
}

/* What it may say of programs that exec has added: each client hears of its own at most that it runs and that it has ended. */
static void try_exec(struct input *input)
{
	static struct control_server server;
	struct control_reply reply;
	int ends[2], heard = 0;

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
	server = (struct control_server){ .sandbox = &sandbox, .listener = -1 };
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		server.clients[i].fd = server.clients[i].exec = -1;
	for (int i = 0; i < EXEC_SLOTS; i += 2)
		server.execs[i] = (struct exec_session){ .used = true, .asked = i % 4 == 0, .client = i == 4 ? 0 : -1, .data_fd = -1 };
	server.clients[0] = (struct control_client){ .fd = ends[0], .exec = 4 };
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < EXEC_SLOTS; i++)
			take(input, &sandbox.channel->exec[i], sizeof(struct exec_slot));
		control_server_answered(&server);
	}
	while (recv(ends[1], &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply)) {
		must(reply.error >= 0 && reply.error < 4096 && !reply.has_descriptor, "a bad reply");
		must(++heard <= 2, "too many replies");
	}
	control_server_hang_up(&server);
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	static unsigned int runs;
	uint64_t before;
	uint8_t kind;

	if (!place[0])
		set_up();
	before = outside();
	take(&input, &kind, 1);
	if (kind == 'S')
		try_status(&input);
	else if (kind == 'N')
		try_network(&input);
	else if (kind == 'A')
		try_answer(&input);
	else if (kind == 'E')
		try_exec(&input);
	else if (kind == 'T')
		try_times(&input);
	else
		try_slots(&input);
	must(outside() == before, "something outside the container has changed");
	if (++runs % 64 == 0)
		fill_root();
	return 0;
}

#ifdef REPLAY
#include "replay.h"

/* Requests that are nearly right: the interesting paths, arguments and names, mixed. */
static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const paths[] = { "", "f", "dir", "dir/g", "out", "out/secret", "secret", "slash/etc", "dir/up/f", "magic/tmp", "good",
					     "..", "../outside/secret", "dir/../f", "dir/../../outside/secret", "/etc/passwd", "new",
					     "dir/new", "out/new", "mine", "other", ".", "./f", "f/", "user.a", "trusted.b",
					     "security.capability", "../outside/x" };
	const size_t nr = sizeof(paths) / sizeof(paths[0]);
	uint8_t *at = bytes;

	if (rand() % 8 == 0) {
		struct kernel_request answer = { .error = rand() % 4 ? 0 : rand() - rand(), .shared = rand() % 2,
						 .offset = HEAP_FILE_HEAP + rand() % 20 * (rand() % 8 ? 4096 : 1000),
						 .length = rand() % 8 ? rand() % 0x10000 : -(uint64_t)rand() };

		*at++ = 'A';
		*at++ = rand();
		memcpy(at, &answer, sizeof(answer));
		return at + sizeof(answer) - bytes;
	}
	if (rand() % 4 == 0) {
		*at++ = 'N';
		*at++ = rand();
		for (int nr = 1 + rand() % 8; nr; nr--) {
			struct network_request request = { .op = rand() % 8, .kind = rand() % 5, .flags = rand() % 20 ? rand() % 32 : rand(),
							   .argument = rand() % 18 - 1, .token = 16 + rand() % 6, .value = rand() % 4 - 1 };
			static const uint8_t places[][16] = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 3 }, { 0 },
							      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 2 },
							      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
							      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1 } };

			if (rand() % 20 == 0)
				request.token = (uint64_t)rand() << 40 | rand();
			memcpy(request.remote.address, places[rand() % 5], 16);
			memcpy(request.local.address, places[rand() % 5], 16);
			request.remote.port = rand() % 4 ? 53 : rand();
			request.local.port = 80 + rand() % 3;
			memcpy(at, &request, sizeof(request));
			at += sizeof(request);
		}
		return at - bytes;
	}
	if (rand() % 8 == 0) {
		*at++ = 'E';
		for (int i = 0; i < 2 * EXEC_SLOTS; i++) {
			struct exec_slot slot = { .state = rand() % 8 ? rand() % 4 : rand(), .pid = rand(), .status = rand() % 4 ? 0 : rand(),
						  .error = rand() % 4 ? 0 : rand() - rand(), .step = rand() };

			memcpy(at, &slot, sizeof(slot));
			at += sizeof(slot);
		}
		return at - bytes;
	}
	if (rand() % 32 == 0) {
		*at++ = 'T';
		*at++ = rand() % (BOOT_MAX_TIMES + 8);
		at = memset(at, 0, 3) + 3;
		for (int i = 0; i < 8; i++) {
			struct boot_time time = { "<&part>", rand() % 8 ? rand() : -(uint64_t)rand(), rand() % 4 ? rand() : 0 };

			memcpy(at, &time, sizeof(time));
			at += sizeof(time);
		}
		return at - bytes;
	}
	*at++ = rand() % 16 ? 'R' : 'S';
	for (int slots = 1 + rand() % 4; slots; slots--) {
		*at++ = rand() % (MON_OP_MAX + 2);
		*at++ = rand() % 6 - 1;
		for (int i = 0; i < 32; i++)
			*at++ = rand() % 4 ? 0 : rand() % 8 ? rand() % 8 : rand();
		for (int i = 0; i < 2; i++) {
			const char *path = paths[rand() % nr];

			*at++ = rand() % 50 ? strlen(path) : rand();
			memcpy(at, path, strlen(path));
			at += strlen(path);
		}
	}
	return at - bytes;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
