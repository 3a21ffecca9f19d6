/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's way to the outside: start, end, and the two threads.
 *
 *   slots thread     takes the kernel's requests (network_serve, network_perform)
 *   network thread   waits for connections from outside, and for names
 *
 * One lock for both; nothing is done under it that waits.
 */
#include "runtime/network/names.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "runtime/sandbox/handover.h"

#define RETRY_MS 100
#define LOG_BURST 10

static int open_namespace(struct network *network, struct error *error)
{
	const char *name = network->config->namespace;
	char path[512];

	if (!name)
		return 0;
	snprintf(path, sizeof(path), name[0] == '/' ? "%s" : "/run/netns/%s", name);
	network->namespace_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (network->namespace_fd >= 0)
		return 0;
	fail(error, errno, "--network %s: cannot open %s", name, path);
	return fail_remedy(error, "A namespace of that name is made by \"ip netns add %s\"; without one, the network is outside, filtered, host or none", name);
}

/* Does @function in the container's network. The monitor has no other threads yet. */
static int inside_namespace(struct network *network, int (*function)(struct network *network, struct error *error), struct error *error)
{
	int own, result;

	if (network->namespace_fd < 0)
		return function(network, error);
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return fail(error, errno, "cannot open the monitor's network namespace");
	if (setns(network->namespace_fd, CLONE_NEWNET)) {
		fail(error, errno, "--network %s: cannot enter the namespace", network->config->namespace);
		close(own);
		return errno == EPERM ? fail_remedy(error, "Entering a network namespace of the host takes root") : -1;
	}
	result = function(network, error);
	if (setns(own, CLONE_NEWNET))
		result = fail(error, errno, "cannot return to the monitor's network namespace");
	close(own);
	return result;
}

static int prepare_inside(struct network *network, struct error *error)
{
	routes_open(network);
	if (interfaces_describe(network, error))
		return -1;
	if (names_prepare(network, error))
		return -1;
	names_resolve_denied(network);
	return entrances_publish(network, error);
}

int network_prepare(struct sandbox *sandbox, struct error *error)
{
	struct network *network = calloc(1, sizeof(*network));
	struct rlimit files;

	if (!network)
		return fail(error, 0, "out of memory");
	sandbox->network = network;
	network->sandbox = sandbox;
	network->config = &sandbox->config->network;
	network->policy = (struct policy *)&network->config->policy;
	network->policy->default_allow = !network->config->filtered;
	network->policy->special_allow = network->config->mode != NETWORK_OUTSIDE;
	network->namespace_fd = network->routes_fd = network->epoll_fd = -1;
	for (int i = 0; i < NETWORK_ENTRANCES; i++)
		network->entrances[i].fd = -1;
	pthread_mutex_init(&network->lock, NULL);
	network->boot.mode = network->config->mode;
	snprintf(network->host_name, sizeof(network->host_name), "%s\n", sandbox->config->hostname);
	if (network->config->mode == NETWORK_NONE || sandbox->config->deterministic) {
		network->boot.mode = NETWORK_NONE;
		return files_write(network, error);
	}
	network->most_sockets = getrlimit(RLIMIT_NOFILE, &files) || files.rlim_max < 2 * NETWORK_RESERVE ? NETWORK_RESERVE : files.rlim_max - NETWORK_RESERVE;
	network->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (network->epoll_fd < 0)
		return fail(error, errno, "cannot set up the network");
	if (files_write(network, error) || open_namespace(network, error))
		return -1;
	return inside_namespace(network, prepare_inside, error);
}

void network_close(struct sandbox *sandbox)
{
	struct network *network = sandbox->network;

	if (!network)
		return;
	pthread_mutex_lock(&network->lock);
	entrances_close(network);
	names_close(network);
	network->boot.mode = NETWORK_NONE;
	pthread_mutex_unlock(&network->lock);
	/* The threads stay until the monitor exits, which it is about to; there is nothing left for them to do. */
	if (network->started)
		return;
	for (int i = 0; i < NETWORK_BUCKETS; i++)
		while (network->sockets[i])
			network_forget(network, network->sockets[i]->token);
	close(network->epoll_fd);
	close(network->routes_fd);
	close(network->namespace_fd);
	free(network->resolv_conf);
	free(network->hosts);
	free(network);
	sandbox->network = NULL;
}

void network_describe(const struct network *network, struct boot_params *boot, uint32_t (*put_string)(struct boot_params *boot, const char *string))
{
	boot->network = network->boot;
	if (network->resolv_conf)
		boot->network.resolv_conf = put_string(boot, network->resolv_conf);
	if (network->hosts)
		boot->network.hosts = put_string(boot, network->hosts);
	if (!network->config->image_files)
		boot->network.host_name = put_string(boot, network->host_name);
}

void network_enter(struct network *network)
{
	if (network && network->namespace_fd >= 0 && setns(network->namespace_fd, CLONE_NEWNET))
		abort(); /* it was possible a moment ago, and elsewhere no socket may be made */
}

static void *network_main(void *argument)
{
	struct network *network = argument;
	struct epoll_event events[32];

	prctl(PR_SET_NAME, "monitor:network");
	network_enter(network);
	pthread_mutex_lock(&network->lock);
	names_start(network);
	for (;;) {
		int timeout = names_timeout(network), nr;

		if (network->retry && (timeout < 0 || timeout > RETRY_MS))
			timeout = RETRY_MS;
		pthread_mutex_unlock(&network->lock);
		nr = epoll_wait(network->epoll_fd, events, 32, timeout);
		pthread_mutex_lock(&network->lock);
		if (nr == 0) {
			names_expire(network);
			entrances_resume(network);
		}
		for (int i = 0; i < nr; i++) {
			if (events[i].data.u64 < NETWORK_ENTRANCES)
				entrance_ready(network, events[i].data.u64);
			else
				names_ready(network, events[i].data.u64, events[i].events);
		}
	}
	return NULL;
}

int network_start(struct network *network, struct error *error)
{
	int code;

	if (network->boot.mode == NETWORK_NONE)
		return 0;
	code = pthread_create(&network->thread, NULL, network_main, network);
	if (code)
		return fail(error, code, "cannot start the monitor's network thread");
	network->started = true;
	return 0;
}

/* An answer that the kernel waits for: the request has failed. */
static void refuse(struct network *network, const struct network_request *request, long error)
{
	struct handover_message message = { .token = request->token, .target = request->token, .argument = { -error } };

	if (request->op == NETWORK_CONNECT)
		handover_send(network->sandbox, -1, &message);
}

void network_serve(struct network *network)
{
	struct network_ring *ring = &network->sandbox->channel->network;
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	if (network->boot.mode == NETWORK_NONE)
		return;
	pthread_mutex_lock(&network->lock);
	/* A ring that was written over, or a head: the kernel harms itself. Never more than a ring's length at a time. */
	for (int i = 0; i < NETWORK_RING && head != __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE); i++) {
		struct network_request request;
		long result;

		memcpy(&request, &ring->requests[head % NETWORK_RING], sizeof(request));
		__atomic_store_n(&ring->head, ++head, __ATOMIC_RELEASE);
		result = network_request(network, &request, NULL, 0);
		if (result < 0)
			refuse(network, &request, result);
	}
	entrances_resume(network);
	pthread_mutex_unlock(&network->lock);
}

long network_perform(struct network *network, char *data, size_t size)
{
	struct network_request request;
	long result;

	memcpy(&request, data, sizeof(request));
	if (network->boot.mode == NETWORK_NONE)
		return -ENETDOWN;
	/* What the kernel has put into the ring before. */
	network_serve(network);
	pthread_mutex_lock(&network->lock);
	result = request.op == NETWORK_CONNECT || network->boot.mode == NETWORK_NONE ? -EINVAL : network_request(network, &request, data, size);
	pthread_mutex_unlock(&network->lock);
	return result;
}

bool network_is_full(struct network *network)
{
	return network->nr_sockets >= network->most_sockets;
}

void network_log(struct network *network, const char *format, ...)
{
	struct pollfd room = { .fd = 2, .events = POLLOUT };
	struct timespec now;
	char text[POLICY_REASON + 400];
	va_list arguments;
	int length;

	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Ten at once, then one a second. */
	for (; network->log_credit < LOG_BURST && now.tv_sec > network->log_last.tv_sec; network->log_last.tv_sec++)
		network->log_credit++;
	if (network->log_credit == LOG_BURST)
		network->log_last = now;
	/* A reader that does not read must not hold up the container's network. */
	if (!network->log_credit || poll(&room, 1, 0) != 1) {
		network->log_dropped++;
		return;
	}
	network->log_credit--;
	length = snprintf(text, sizeof(text), "linuxd: network: ");
	if (network->log_dropped)
		length += snprintf(text + length, sizeof(text) - length, "(%u more were refused) ", network->log_dropped);
	network->log_dropped = 0;
	va_start(arguments, format);
	length += vsnprintf(text + length, sizeof(text) - length - 1, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length++] = '\n';
	if (write(2, text, length) != length)
		network->log_dropped++;
}
