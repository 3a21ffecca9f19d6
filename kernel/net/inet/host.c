/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that the host serves: requests to the monitor, what arrives from it, options.
 *
 * Requests go through a ring in shared memory. When it is full they wait in a list, and a timer looks again: so a release, on which the
 * monitor's memory depends, is never lost.
 */
#include "kernel/net/inet/host.h"

#include <linux/eventpoll.h>
#include <linux/tcp.h>

#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/host/monitor.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/time/timer.h"

#define RETRY_NS (2 * NSEC_PER_MSEC)

struct waiting_request {
	struct list_head link;
	struct network_request request;
};

static LIST_HEAD(waiting);
static u64 last_token = HANDOVER_FIRST_TOKEN;
static const struct inet_transport host_transport;

/* ---- requests ---- */

static bool put_in_ring(const struct network_request *request)
{
	struct network_ring *ring = &monitor_channel->network;
	u32 tail = ring->tail;

	if (tail - __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) >= NETWORK_RING)
		return false;
	ring->requests[tail % NETWORK_RING] = *request;
	__atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

static void flush(struct ktimer *timer)
{
	bool some = false;

	while (!list_empty(&waiting)) {
		struct waiting_request *first = list_first_entry(&waiting, struct waiting_request, link);

		if (!put_in_ring(&first->request)) {
			ktimer_arm(timer, ktime_get() + RETRY_NS);
			break;
		}
		some = true;
		list_del(&first->link);
		kfree(first);
	}
	if (some)
		ring_doorbell();
}
static struct ktimer flush_timer = { .expired = flush };

void host_request(const struct network_request *request)
{
	struct waiting_request *later;

	if (list_empty(&waiting) && put_in_ring(request)) {
		ring_doorbell();
		return;
	}
	later = kmalloc(sizeof(*later));
	if (!later) {
		printk(KERN_WARNING, "network: a request to the monitor is lost: no memory");
		return;
	}
	later->request = *request;
	list_add_tail(&later->link, &waiting);
	if (!flush_timer.armed)
		ktimer_arm(&flush_timer, ktime_get() + RETRY_NS);
}

void host_request_for(struct host_socket *h, enum network_op op, int argument, s64 value)
{
	host_request(&(struct network_request){ .op = op, .kind = h->kind, .argument = argument, .token = h->watch.token, .value = value });
}

struct network_endpoint host_endpoint(const struct inet_name *name)
{
	struct network_endpoint endpoint = { .port = name->port, .scope = name->scope };

	memcpy(endpoint.address, &name->addr, sizeof(endpoint.address));
	return endpoint;
}

struct inet_name host_name(const struct network_endpoint *endpoint)
{
	struct inet_name name = { .port = endpoint->port, .scope = endpoint->scope };

	memcpy(&name.addr, endpoint->address, sizeof(endpoint->address));
	return name;
}

/* ---- sockets ---- */

u64 host_next_token(void)
{
	return ++last_token;
}

struct host_socket *host_socket_new(enum network_kind kind, u64 token, const struct host_watch *functions)
{
	struct host_socket *h = kzalloc(sizeof(*h));

	if (!h)
		return NULL;
	refcount_set(&h->count, 1);
	h->fd = -1;
	h->kind = kind;
	h->entrance = NO_ENTRANCE;
	h->watch = *functions;
	h->watch.token = token;
	host_watch_add(&h->watch);
	return h;
}

void host_socket_put(struct host_socket *h)
{
	if (!refcount_dec_and_test(&h->count))
		return;
	if (h->fd >= 0)
		host_close(h->fd);
	if (h->ahead)
		heap_pages_free(h->ahead, 1);
	if (h->corked)
		heap_pages_free(h->corked, 1);
	kfree(h);
}

void host_socket_used(struct host_socket *h)
{
	struct network_ring *ring = &monitor_channel->network;
	u32 entrance = h->entrance;

	if (likely(entrance == NO_ENTRANCE))
		return;
	h->entrance = NO_ENTRANCE;
	__atomic_add_fetch(&ring->taken[entrance], 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->waits[entrance], __ATOMIC_SEQ_CST))
		ring_doorbell();
}

void host_socket_close(struct host_socket *h)
{
	host_socket_used(h);
	ktimer_cancel(&h->cork_timer);
	h->inet = NULL;
	h->flow = NULL;
	host_watch_remove(&h->watch);
	host_request_for(h, NETWORK_RELEASE, 0, 0);
	host_socket_put(h);
}

long host_socket_transfer(struct host_socket *h, bool out, const struct io_vector *vectors, unsigned nr, size_t size)
{
	int fd = h->fd;
	long ret;

	if (size > HOST_LOCKED_MAX) {
		refcount_inc(&h->count); /* keeps the descriptor */
		kernel_unlock();
	}
	if (out)
		ret = host_pwritev2(fd, vectors, nr, UINT64_MAX, 0, 0);
	else
		ret = host_preadv2(fd, vectors, nr, UINT64_MAX, 0, 0);
	if (size > HOST_LOCKED_MAX) {
		kernel_lock();
		host_socket_put(h);
	}
	return ret;
}

/* ---- what comes from outside ---- */

static void arrival(struct host_watch *watch, const struct handover_message *message, int fd, const void *payload, size_t length)
{
	struct network_arrival arrival;

	memcpy(&arrival, message->data, sizeof(arrival));
	if (arrival.entrance >= NETWORK_ENTRANCES)
		arrival.entrance = 0;
	if (arrival.kind == NETWORK_UDP)
		host_datagram_arrival(&arrival, message->token, fd, payload, length);
	else
		host_stream_arrival(&arrival, message->token, fd);
}
static struct host_watch arrival_watch = { .token = EPOLL_DATA_ARRIVAL, .arrived = arrival };

/* ---- the transport ---- */

static bool is_stream(const struct inet_socket *inet)
{
	return inet->base.type == SOCK_STREAM;
}

static int host_connect(struct inet_socket *inet)
{
	return is_stream(inet) ? host_stream_connect(inet) : host_datagram_connect(inet);
}

/* The token of a listener is its file's inode number among the tokens: nothing is handed in for it, it is only counted. */
struct host_listener {
	struct list_head link;
	const struct inet_socket *inet; /* NULL: it listens no more */
	u64 token;
	bool opening; /* open_entrance() waits for the monitor, and frees it */
};
static LIST_HEAD(listeners);

static void release_listener(const struct host_listener *listener)
{
	host_request(&(struct network_request){ .op = NETWORK_RELEASE, .token = listener->token });
}

/* 0; 1: nothing outside leads there. */
static int open_entrance(struct inet_socket *inet)
{
	struct network_request request = {
		.op = NETWORK_LISTEN,
		.kind = is_stream(inet) ? NETWORK_TCP : NETWORK_UDP,
		.flags = (inet->end.v6only ? NETWORK_V6ONLY : 0) | (inet->end.reuseport ? NETWORK_REUSE : 0),
		.argument = inet->base.backlog,
		.local = host_endpoint(&inet->end.local),
	};
	struct host_listener *listener;
	long result;

	/* What listens on the loopback only is not reached from elsewhere; in the host's own networks it is one with the host's. */
	if (boot->network.mode == NETWORK_OUTSIDE && (!boot->network.published[request.kind] || inet_is_loopback(&inet->end.local.addr)))
		return 1;
	list_for_each_entry(listener, &listeners, link)
		if (listener->inet == inet)
			return 0; /* a second listen(2) */
	listener = kmalloc(sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	*listener = (struct host_listener){ .inet = inet, .opening = true };
	request.token = listener->token = host_next_token();
	list_add_tail(&listener->link, &listeners);
	result = monitor_call(MON_NETWORK, 0, "", NULL, &request, sizeof(request), NULL, 0);
	listener->opening = false;
	if (result == 0 && listener->inet)
		return 0;
	if (result == 0)
		release_listener(listener); /* shut down while we waited */
	list_del(&listener->link);
	kfree(listener);
	return (int)result;
}

static int host_listen(struct inet_socket *inet)
{
	return min(open_entrance(inet), 0);
}

static void host_unlisten(struct inet_socket *inet)
{
	struct host_listener *listener;

	list_for_each_entry(listener, &listeners, link) {
		if (listener->inet != inet)
			continue;
		listener->inet = NULL;
		if (listener->opening)
			return;
		release_listener(listener);
		list_del(&listener->link);
		kfree(listener);
		return;
	}
}

static int host_bind(struct inet_socket *inet)
{
	return open_entrance(inet); /* not 0: the socket stays one of the container's own */
}

static ssize_t host_send(struct inet_socket *inet, struct message *msg, const struct inet_name *to)
{
	struct host_socket *h = inet->outside;
	ssize_t ret;

	if (!is_stream(inet))
		return host_datagram_send(inet, msg, to);
	if (!h)
		return -EAGAIN;
	/* The socket may be disconnected by another thread while the lock is given up for a long host call. */
	refcount_inc(&h->count);
	ret = host_stream_send(h, msg);
	host_socket_put(h);
	return ret;
}

static ssize_t host_receive(struct inet_socket *inet, struct message *msg, struct inet_name *ret_from)
{
	struct host_socket *h = inet->outside;
	ssize_t ret;

	if (!is_stream(inet))
		return host_datagram_receive(inet, msg, ret_from);
	if (!h)
		return -EAGAIN;
	refcount_inc(&h->count);
	ret = host_stream_receive(h, msg);
	host_socket_put(h);
	return ret;
}

static unsigned host_poll(struct inet_socket *inet)
{
	return is_stream(inet) ? host_stream_poll(inet->outside) : host_datagram_poll(inet);
}

static int host_shutdown(struct inet_socket *inet, int how)
{
	struct host_socket *h = inet->outside;

	/* Not reading any more is between the program and us. */
	if (!is_stream(inet) || !h || h->fd < 0 || how == SHUT_RD)
		return 0;
	host_stream_uncork(h);
	h->shut_later = h->corked_end; /* after what waits */
	if (!h->shut_later)
		host_request_for(h, NETWORK_SHUTDOWN, SHUT_WR, 0);
	return 0;
}

static int host_queued(struct inet_socket *inet, bool out)
{
	if (!is_stream(inet))
		return host_datagram_queued(inet, out);
	return host_stream_queued(inet->outside, out);
}

static int host_option_number(int level, int option)
{
	if (level == SOL_SOCKET && option == SO_KEEPALIVE)
		return NETWORK_OPTION_KEEPALIVE;
	if (level == IPPROTO_IP && option == IP_TOS)
		return NETWORK_OPTION_TOS;
	if (level == IPPROTO_IP && option == IP_TTL)
		return NETWORK_OPTION_TTL;
	if (level == IPPROTO_IP && option == IP_RECVERR)
		return NETWORK_OPTION_RECVERR;
	if (level != IPPROTO_TCP)
		return 0;
	switch (option) {
	case TCP_KEEPIDLE: return NETWORK_OPTION_KEEPIDLE;
	case TCP_KEEPINTVL: return NETWORK_OPTION_KEEPINTVL;
	case TCP_KEEPCNT: return NETWORK_OPTION_KEEPCNT;
	case TCP_USER_TIMEOUT: return NETWORK_OPTION_USER_TIMEOUT;
	default: return 0; /* small writes go out at once, unless corked, whatever TCP_NODELAY says */
	}
}

static void host_option(struct inet_socket *inet, int level, int option, int value)
{
	int number = host_option_number(level, option);

	if (!is_stream(inet)) {
		host_datagram_option(inet, level, option, value);
		return;
	}
	if (level == IPPROTO_TCP && option == TCP_CORK && !value && inet->outside)
		host_stream_uncork(inet->outside);
	if (number && inet->outside)
		host_request_for(inet->outside, NETWORK_SET, number, value);
}

static int host_tcp_info(struct inet_socket *inet, void *info, size_t size)
{
	struct host_socket *h = inet->outside;
	struct network_request request = { .op = NETWORK_GET, .kind = NETWORK_TCP, .argument = NETWORK_OPTION_TCP_INFO };
	long length;

	if (!h || h->fd < 0)
		return -ENOTCONN;
	request.token = h->watch.token;
	length = monitor_call(MON_NETWORK, 0, "", NULL, &request, sizeof(request), info, size);
	return (int)(length < 0 ? length : min(length, (long)size));
}

static void host_release(struct inet_socket *inet)
{
	struct host_socket *h = inet->outside;

	if (!is_stream(inet)) {
		host_unlisten(inet);
		host_datagram_release(inet);
		return;
	}
	inet->outside = NULL;
	if (!h)
		return;
	if (inet->base.linger_on && !inet->base.linger_seconds) {
		h->corked_end = 0;
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_LINGER, 0);
	}
	host_stream_close(h);
}

/* ---- boot ---- */

static int add_interfaces(const struct boot_network *network)
{
	for (u32 i = 0; i < min(network->nr_interfaces, (u32)NETWORK_INTERFACES); i++) {
		const struct network_interface *from = &network->interfaces[i];
		struct net_device *device = net_device_add(&init_net, from->name, from->type, (int)from->index);

		if (!device)
			return -ENOMEM;
		device->flags = from->flags;
		device->mtu = from->mtu;
		device->tx_queue_length = 1000;
		memcpy(device->hardware, from->hardware, sizeof(device->hardware));
		memset(device->hardware_broadcast, 0xff, sizeof(device->hardware_broadcast));
	}
	for (u32 i = 0; i < min(network->nr_addresses, (u32)NETWORK_ADDRESSES); i++) {
		const struct network_address *from = &network->addresses[i];
		struct net_device *device = net_device_find(&init_net, (int)from->interface);
		struct inet_addr addr;

		memcpy(&addr, from->address, sizeof(addr));
		if (device && net_address_add(&init_net, device, &addr, from->prefix) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int network_init(void)
{
	const struct boot_network *network = &boot->network;
	int error;

	if (network->mode == NETWORK_NONE)
		return 0;
	error = add_interfaces(network);
	for (u32 i = 0; i < min(network->nr_routes, (u32)NETWORK_ROUTES) && !error; i++) {
		const struct network_route *from = &network->routes[i];
		struct net_route route = {
			.prefix = from->prefix, .protocol = 3 /* RTPROT_BOOT */, .scope = 0, .type = 1 /* RTN_UNICAST */,
			.metric = from->metric, .device = (int)from->interface,
		};

		memcpy(&route.to, from->to, sizeof(route.to));
		memcpy(&route.gateway, from->gateway, sizeof(route.gateway));
		error = net_route_add(&init_net, &route);
		if (error == -EEXIST)
			error = 0;
	}
	host_watch_add(&arrival_watch);
	init_net.outside = &host_transport;
	init_net.shares_addresses = network->mode != NETWORK_OUTSIDE;
	return error;
}
INITCALL(network, network_init, "loopback");

static const struct inet_transport host_transport = {
	.name = "host",
	.connect = host_connect,
	.listen = host_listen,
	.unlisten = host_unlisten,
	.bind = host_bind,
	.send = host_send,
	.receive = host_receive,
	.poll = host_poll,
	.shutdown = host_shutdown,
	.queued = host_queued,
	.option = host_option,
	.tcp_info = host_tcp_info,
	.release = host_release,
};
