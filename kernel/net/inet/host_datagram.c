/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP and ping to the outside.
 *
 * A socket of the container has one host socket for each peer it talks to, a flow, which the monitor has connected there: the host never sees a
 * send with a destination in it, and the monitor has looked at each. The first datagrams of a flow wait here for its socket. What arrives
 * on all flows is collected in one queue, bounded by the receive buffer. Flows that were not used for longest go first when there are too many.
 *
 * With IP_RECVERR the host socket has it, too. That there are errors is seen by an edge, or by a call that fails with one; the monitor reads the
 * error queue and sends what it finds there.
 */
#include <linux/eventpoll.h>

#include "host.gen.h"
#include "kernel/host/monitor.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/host.h"
#include "kernel/time/timer.h"

#define MOST_FLOWS 256
#define MOST_WAITING 16 /* datagrams for a flow that is being made */
#define DATAGRAM_MAX 65536U

struct datagram {
	struct list_head link;
	struct inet_name from;
	u32 length;
	u8 data[];
};

struct host_flow {
	struct list_head link; /* used last comes first */
	struct host_datagrams *owner;
	struct host_socket *h;
	struct inet_name remote;
	struct list_head waiting; /* struct datagram */
	int nr_waiting;
	bool stalled;          /* there is more to read than the queue takes */
	bool recverr;          /* its errors come through the host socket's error queue */
};

struct host_datagrams {
	struct inet_socket *inet;
	struct list_head flows;
	int nr_flows;
	struct list_head queue;
	u64 queued;
};

static u8 bounce[DATAGRAM_MAX] __cold_data;

static struct host_datagrams *datagrams_of(struct inet_socket *inet)
{
	struct host_datagrams *d = inet->outside;

	if (d)
		return d;
	d = kzalloc(sizeof(*d));
	if (!d)
		return NULL;
	d->inet = inet;
	list_init(&d->flows);
	list_init(&d->queue);
	inet->outside = d;
	return d;
}

static void free_all(struct list_head *list)
{
	while (!list_empty(list)) {
		struct datagram *datagram = list_first_entry(list, struct datagram, link);

		list_del(&datagram->link);
		kfree(datagram);
	}
}

static void flow_free(struct host_flow *flow)
{
	free_all(&flow->waiting);
	list_del(&flow->link);
	flow->owner->nr_flows--;
	host_socket_close(flow->h);
	kfree(flow);
}

static struct datagram *new_datagram(const struct inet_name *from, const void *data, size_t length)
{
	struct datagram *datagram = kmalloc(sizeof(*datagram) + length);

	if (!datagram)
		return NULL;
	list_init(&datagram->link);
	datagram->from = *from;
	datagram->length = (u32)length;
	memcpy(datagram->data, data, length);
	return datagram;
}

static enum network_kind kind_of(const struct inet_socket *inet)
{
	return inet->base.protocol == IPPROTO_ICMP || inet->base.protocol == IPPROTO_ICMPV6 ? NETWORK_PING : NETWORK_UDP;
}

/* ---- receiving ---- */

static bool has_room(const struct host_datagrams *d)
{
	return d->queued < (u64)d->inet->base.rcvbuf;
}

static void enqueue(struct host_datagrams *d, const struct inet_name *from, const void *data, size_t length)
{
	struct datagram *datagram = has_room(d) ? new_datagram(from, data, length) : NULL;

	if (!datagram)
		return; /* lost, as datagrams are */
	list_add_tail(&datagram->link, &d->queue);
	d->queued += sizeof(*datagram) + length;
	wake_up_common(&d->inet->base.read_wait, 0, POLL_IN);
}

/* An error of a flow is the socket's, as an ICMP message's would be. */
static void flow_failed(struct host_flow *flow, long error)
{
	struct socket *sock = &flow->owner->inet->base;

	/* An unconnected socket hears of refusals only if it asked for them (ip(7), IP_RECVERR); of a policy always. */
	if (sock->state == SOCKET_CONNECTED || error == -EACCES) {
		sock->error = (int)-error;
		socket_state_changed(sock);
	}
}

static void fetch_errors(struct host_flow *flow) { host_request_for(flow->h, NETWORK_ERRORS, 0, 0); }

/* An echo has the host socket's number in it; the program expects its own (RFC 1624 for the checksum). */
static void renumber(const struct inet_socket *inet, u8 *echo, size_t length)
{
	u16 old, new = net16(inet->end.local.port), checksum;
	u32 sum;

	if (kind_of(inet) != NETWORK_PING || length < 8)
		return;
	memcpy(&old, echo + 4, sizeof(old));
	memcpy(&checksum, echo + 2, sizeof(checksum));
	sum = (u32)(u16)~checksum + (u16)~old + new;
	sum = (sum & 0xffff) + (sum >> 16);
	checksum = (u16)~((sum & 0xffff) + (sum >> 16));
	memcpy(echo + 4, &new, sizeof(new));
	memcpy(echo + 2, &checksum, sizeof(checksum));
}

static void drain(struct host_flow *flow)
{
	struct host_datagrams *d = flow->owner;
	struct io_vector vector = { (u64)bounce, DATAGRAM_MAX };
	int errors = 0;

	if (flow->h->fd < 0)
		return;
	for (flow->stalled = true; has_room(d) && errors < 4;) {
		long length = host_preadv2(flow->h->fd, &vector, 1, UINT64_MAX, 0, 0);

		if (length >= 0) {
			renumber(d->inet, bounce, (size_t)length);
			enqueue(d, &flow->remote, bounce, (size_t)length);
			continue;
		}
		if (length == -EAGAIN || length == -EINTR) {
			flow->stalled = false;
			return;
		}
		if (flow->recverr)
			fetch_errors(flow);
		else
			flow_failed(flow, length);
		errors++;
	}
}

static void datagram_ready(struct host_watch *watch, unsigned events)
{
	struct host_socket *h = container_of(watch, struct host_socket, watch);

	h->seen |= events;
	if (!h->flow)
		return;
	if (events & EPOLLERR && h->flow->recverr)
		fetch_errors(h->flow);
	if (events & (EPOLLIN | EPOLLERR))
		drain(h->flow);
	if (events & EPOLLOUT && !h->writable) {
		h->writable = true;
		wake_up_common(&h->flow->owner->inet->base.write_wait, 0, POLL_OUT);
	}
}

/* ---- flows ---- */

static void send_waiting(struct host_flow *flow)
{
	while (!list_empty(&flow->waiting)) {
		struct datagram *datagram = list_first_entry(&flow->waiting, struct datagram, link);
		struct io_vector vector = { (u64)datagram->data, datagram->length };

		host_pwritev2(flow->h->fd, &vector, 1, UINT64_MAX, 0, 0);
		list_del(&datagram->link);
		kfree(datagram);
	}
	flow->nr_waiting = 0;
}

/* An entry of the host socket's error queue. */
static void error_arrived(struct host_flow *flow, const struct network_error *from, void *sent, size_t length)
{
	struct inet_socket *inet = flow->owner->inet;
	struct dgram *d = dgram_alloc((u32)length);
	struct inet_addr offender;

	if (!d)
		return;
	renumber(inet, sent, length);
	memcpy(d->data, sent, length);
	memcpy(&offender, from->offender.address, sizeof(offender));
	d->to = flow->remote;
	dgram_error(dgram_sk(&inet->base), d, (int)from->error, from->origin, from->type, from->code, from->info, &offender);
	kfree(d);
}

static void datagram_arrived(struct host_watch *watch, const struct handover_message *message, int fd, const void *payload, size_t length)
{
	struct host_socket *h = container_of(watch, struct host_socket, watch);
	struct host_flow *flow = h->flow;

	if (message->argument[1]) {
		struct network_error error;

		memcpy(&error, message->data, sizeof(error));
		memcpy(bounce, payload, min(length, (size_t)DATAGRAM_MAX));
		if (flow)
			error_arrived(flow, &error, bounce, min(length, (size_t)DATAGRAM_MAX));
		return;
	}
	h->connecting = false;
	if (message->argument[0] || fd < 0) {
		flow_failed(flow, message->argument[0] ? -(long)min(message->argument[0], (u64)4095) : -ENFILE);
		flow_free(flow);
		return;
	}
	h->fd = fd;
	h->writable = true;
	send_waiting(flow);
	drain(flow);
}

static const struct host_watch datagram_watch = { .ready = datagram_ready, .arrived = datagram_arrived };

static struct host_flow *find_flow(struct host_datagrams *d, const struct inet_name *remote)
{
	struct host_flow *flow;

	list_for_each_entry(flow, &d->flows, link)
		if (flow->remote.port == remote->port && inet_equal(&flow->remote.addr, &remote->addr))
			return flow;
	return NULL;
}

static struct host_flow *add_flow(struct host_datagrams *d, const struct inet_name *remote, u64 token)
{
	struct host_flow *flow = kzalloc(sizeof(*flow));
	struct host_socket *h = flow ? host_socket_new(kind_of(d->inet), token, &datagram_watch) : NULL;

	if (!h) {
		kfree(flow);
		return NULL;
	}
	if (d->nr_flows >= MOST_FLOWS)
		flow_free(container_of(d->flows.prev, struct host_flow, link));
	flow->owner = d;
	flow->h = h;
	flow->remote = *remote;
	list_init(&flow->waiting);
	h->flow = flow;
	list_add(&flow->link, &d->flows);
	d->nr_flows++;
	return flow;
}

static struct host_flow *make_flow(struct host_datagrams *d, const struct inet_name *remote)
{
	struct inet_socket *inet = d->inet;
	struct host_flow *flow = add_flow(d, remote, host_next_token());
	const struct inet_options *o = &inet->options;
	bool v4 = inet_is_v4(&remote->addr), recverr = v4 ? o->recverr : o->recverr6;
	struct network_request request = {
		.op = NETWORK_CONNECT,
		.kind = kind_of(inet),
		.flags = NETWORK_BIND | (inet->base.broadcast ? NETWORK_BROADCAST : 0) | (recverr ? NETWORK_RECVERR : 0),
		.argument = v4 ? o->tos : o->tclass,
		.value = v4 ? o->ttl : o->hops,
		.local = host_endpoint(&inet->end.local),
		.remote = host_endpoint(remote),
	};

	if (!flow)
		return NULL;
	flow->h->connecting = true;
	request.token = flow->h->watch.token;
	host_request(&request);
	flow->recverr = recverr;
	return flow;
}

/* The first datagram of a peer, with the socket that answers it; or one that came late, alone. */
void host_datagram_arrival(const struct network_arrival *arrival, u64 token, int fd, const void *payload, size_t length)
{
	struct inet_name local = host_name(&arrival->local), remote = host_name(&arrival->remote);
	struct inet_endpoint *end = port_find_receiver(&udp_ports, &local, &remote, 0);
	struct host_datagrams *d = end ? datagrams_of(inet_of(end)) : NULL;
	struct host_flow *flow = d ? find_flow(d, &remote) : NULL;

	if (d && token && fd >= 0 && !flow) {
		flow = add_flow(d, &remote, token);
		if (flow) {
			flow->h->fd = fd;
			flow->h->writable = true;
			flow->recverr = inet_is_v4(&remote.addr) ? d->inet->options.recverr : d->inet->options.recverr6;
			if (flow->recverr)
				host_request_for(flow->h, NETWORK_SET, NETWORK_OPTION_RECVERR, 1);
			fd = -1;
			token = 0;
		}
	}
	if (fd >= 0)
		host_close(fd);
	if (token)
		host_request(&(struct network_request){ .op = NETWORK_RELEASE, .token = token });
	if (d)
		enqueue(d, &remote, payload, length);
	if (flow)
		drain(flow);
}

/* ---- the transport's ---- */

int host_datagram_connect(struct inet_socket *inet)
{
	struct host_datagrams *d = datagrams_of(inet);

	if (!d)
		return -ENOMEM;
	return find_flow(d, &inet->end.remote) || make_flow(d, &inet->end.remote) ? 0 : -ENOMEM;
}

static ssize_t send_later(struct host_flow *flow, struct io_iter *from, size_t length)
{
	struct datagram *datagram;

	if (flow->nr_waiting >= MOST_WAITING)
		return -EAGAIN;
	if (copy_from_iter(from, bounce, length) != length)
		return -EFAULT;
	datagram = new_datagram(&flow->remote, bounce, length);
	if (!datagram)
		return -ENOBUFS;
	list_add_tail(&datagram->link, &flow->waiting);
	flow->nr_waiting++;
	return (ssize_t)length;
}

ssize_t host_datagram_send(struct inet_socket *inet, struct message *msg, const struct inet_name *to)
{
	struct host_datagrams *d = datagrams_of(inet);
	const struct inet_name *remote = to ? to : &inet->end.remote;
	struct io_iter *from = msg->iter;
	size_t length = from->count;
	struct io_vector vector = { (u64)bounce, length };
	struct host_flow *flow;
	long ret;

	if (!d)
		return -ENOMEM;
	if (length >= DATAGRAM_MAX)
		return -EMSGSIZE;
	flow = find_flow(d, remote);
	if (!flow && !(flow = make_flow(d, remote)))
		return -ENOMEM;
	list_move(&flow->link, &d->flows);
	if (flow->h->fd < 0)
		return send_later(flow, from, length);
	if (!flow->h->writable)
		return -EAGAIN;
	if (copy_from_iter(from, bounce, length) != length)
		return -EFAULT;
	ret = host_pwritev2(flow->h->fd, &vector, 1, UINT64_MAX, 0, 0);
	if (ret < 0 && ret != -EAGAIN && flow->recverr) {
		/* An earlier one's error, most likely, which is told by the error queue; its own comes again. */
		fetch_errors(flow);
		ret = host_pwritev2(flow->h->fd, &vector, 1, UINT64_MAX, 0, 0);
	}
	if (ret == -EAGAIN)
		flow->h->writable = false;
	return ret;
}

static void drain_stalled(struct host_datagrams *d)
{
	struct host_flow *flow;

	list_for_each_entry(flow, &d->flows, link)
		if (flow->stalled && has_room(d))
			drain(flow);
}

ssize_t host_datagram_receive(struct inet_socket *inet, struct message *msg, struct inet_name *ret_from)
{
	struct host_datagrams *d = inet->outside;
	struct datagram *datagram;
	size_t wanted = msg->iter->count;
	size_t n;

	if (d && list_empty(&d->queue))
		drain_stalled(d);
	if (!d || list_empty(&d->queue))
		return -EAGAIN;
	datagram = list_first_entry(&d->queue, struct datagram, link);
	n = min(wanted, (size_t)datagram->length);
	if (copy_to_iter(msg->iter, datagram->data, n) != n)
		return -EFAULT;
	if (ret_from)
		*ret_from = datagram->from;
	if (n < datagram->length) {
		msg->ret_flags |= MSG_TRUNC;
		if (msg->flags & MSG_TRUNC)
			n = datagram->length;
	}
	if (msg->flags & MSG_PEEK)
		return (ssize_t)n;
	list_del(&datagram->link);
	d->queued -= sizeof(*datagram) + datagram->length;
	kfree(datagram);
	return (ssize_t)n;
}

unsigned host_datagram_poll(struct inet_socket *inet)
{
	struct host_datagrams *d = inet->outside;
	struct host_flow *flow;

	if (!d)
		return POLL_OUT;
	drain_stalled(d);
	flow = inet->base.state == SOCKET_CONNECTED ? find_flow(d, &inet->end.remote) : NULL;
	return (list_empty(&d->queue) ? 0 : POLL_IN) |
	       (flow && (flow->h->fd >= 0 ? !flow->h->writable : flow->nr_waiting >= MOST_WAITING) ? 0 : POLL_OUT);
}

int host_datagram_queued(struct inet_socket *inet, bool out)
{
	struct host_datagrams *d = inet->outside;

	if (out || !d || list_empty(&d->queue))
		return 0;
	return (int)list_first_entry(&d->queue, struct datagram, link)->length;
}

static int option_number(int level, int option)
{
	if (level == IPPROTO_IP)
		return option == IP_TTL ? NETWORK_OPTION_TTL : option == IP_TOS ? NETWORK_OPTION_TOS : option == IP_RECVERR ? NETWORK_OPTION_RECVERR : 0;
	if (level == IPPROTO_IPV6)
		return option == IPV6_UNICAST_HOPS ? NETWORK_OPTION_TTL : option == IPV6_TCLASS ? NETWORK_OPTION_TOS :
		       option == IPV6_RECVERR ? NETWORK_OPTION_RECVERR : 0;
	return 0;
}

/* Of the flows that there are. What is sent next has it: traceroute(8) and the like change the TTL before each datagram. */
void host_datagram_option(struct inet_socket *inet, int level, int option, int value)
{
	struct network_request barrier = { .op = NETWORK_GET, .kind = NETWORK_UDP, .argument = NETWORK_OPTION_NONE };
	struct host_datagrams *d = inet->outside;
	int number = option_number(level, option);
	struct host_flow *flow;

	if (!number || !d)
		return;
	list_for_each_entry(flow, &d->flows, link) {
		if (inet_is_v4(&flow->remote.addr) != (level == IPPROTO_IP))
			continue;
		if (number == NETWORK_OPTION_RECVERR)
			flow->recverr = value;
		host_request_for(flow->h, NETWORK_SET, number, value);
		barrier.token = flow->h->watch.token;
	}
	/* The monitor does what is in the ring first. */
	if (barrier.token)
		monitor_call(MON_NETWORK, 0, "", NULL, &barrier, sizeof(barrier), NULL, 0);
}

void host_datagram_release(struct inet_socket *inet)
{
	struct host_datagrams *d = inet->outside;

	inet->outside = NULL;
	if (!d)
		return;
	while (!list_empty(&d->flows))
		flow_free(list_first_entry(&d->flows, struct host_flow, link));
	free_all(&d->queue);
	kfree(d);
}
