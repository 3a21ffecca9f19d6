/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP to the outside.
 *
 * Readiness comes as edges of the host's epoll set, merged and sometimes late: an edge only means that trying is worth it. So that poll(2) is
 * exact, it reads ahead into a page; what a program reads is taken from there first. Bytes move between the program's memory and the host
 * directly otherwise. A read that comes back short has emptied the host's queue: the next one waits for an edge.
 *
 * The host socket sends everything at once (TCP_NODELAY). What a program corks is put together here.
 */
#include <linux/eventpoll.h>

#include "host.gen.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/host.h"
#include "kernel/net/inet/tcp.h"

#define AHEAD_SIZE 4096U
#define VECTORS_MAX 1024U
#define CORK_SIZE 4096U
#define HOST_MSG_MORE 0x8000
#define CORK_NS (200 * NSEC_PER_MSEC) /* as long as Linux holds back what is corked */

/*
 * A read of `asked` bytes returned `ret`. A short one has emptied the host's queue, unless there is an end behind the bytes, for which there
 * may be no edge of its own.
 */
static void has_read(struct host_socket *h, long ret, size_t asked, u32 edges)
{
	bool ends = h->seen & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	if (edges == h->edges_in && (ret == -EAGAIN || (ret > 0 && (size_t)ret < asked && !ends)))
		h->readable = false;
	if (ret == 0)
		h->end = true;
}

/* What is not asked for yet is sure to be there: data, the end, or an error, which is left in the socket. */
static void read_ahead(struct host_socket *h)
{
	struct io_vector vector;
	long ret;

	if (h->ahead_at < h->ahead_end || h->end || !h->readable || h->fd < 0)
		return;
	if (!h->ahead && !(h->ahead = heap_pages_alloc(1)))
		return;
	vector = (struct io_vector){ (u64)h->ahead, AHEAD_SIZE };
	ret = host_socket_transfer(h, false, &vector, 1, AHEAD_SIZE);
	has_read(h, ret, AHEAD_SIZE, h->edges_in);
	if (ret > 0) {
		h->ahead_at = 0;
		h->ahead_end = (u32)ret;
	} else if (ret < 0 && ret != -EAGAIN && ret != -EINTR) {
		h->end = true; /* after the error */
		if (h->inet)
			h->inet->base.error = (int)-ret;
	}
}

/* ---- corked data ---- */

static bool is_corked(const struct host_socket *h)
{
	return h->inet && container_of(h->inet, struct tcp_sock, inet)->options.cork;
}

void host_stream_uncork(struct host_socket *h)
{
	struct io_vector vector = { (u64)h->corked, h->corked_end };
	long ret;

	if (!h->corked_end || h->fd < 0)
		return;
	ret = host_socket_transfer(h, true, &vector, 1, vector.length);
	if (ret == -EAGAIN) {
		h->writable = false;
		return; /* an edge will tell */
	}
	/* An error is there for the next write, too. */
	if (ret < 0)
		ret = h->corked_end;
	memmove(h->corked, h->corked + ret, h->corked_end - (u32)ret);
	h->corked_end -= (u32)ret;
	if (h->corked_end)
		h->writable = false;
	else if (h->shut_later)
		host_request_for(h, NETWORK_SHUTDOWN, SHUT_WR, 0);
	h->shut_later = h->shut_later && h->corked_end;
}

/* Edges for a socket that nobody has any more, but that has something to send. */
static void finish_closing(struct host_socket *h)
{
	host_stream_uncork(h);
	if (!h->corked_end)
		host_socket_close(h);
}

/* Arming a timer is not for free, so it stays armed when what was corked has gone, and looks at what is there when it expires. */
static void cork_expired(struct ktimer *timer)
{
	struct host_socket *h = container_of(timer, struct host_socket, cork_timer);

	if (!h->corked_end)
		return;
	if (ktime_get() < h->corked_since + CORK_NS)
		ktimer_arm(timer, h->corked_since + CORK_NS);
	else if (h->inet)
		host_stream_uncork(h);
	else
		finish_closing(h);
}

/* All of @from into the page. */
static ssize_t cork(struct host_socket *h, struct io_iter *from)
{
	size_t n = from->count;

	if (!h->corked_end) {
		h->corked_since = ktime_get();
		h->cork_timer.expired = cork_expired;
		if (!h->cork_timer.armed)
			ktimer_arm(&h->cork_timer, h->corked_since + CORK_NS);
	}
	if (copy_from_iter(from, h->corked + h->corked_end, n) != n)
		return -EFAULT;
	h->corked_end += (u32)n;
	return (ssize_t)n;
}

/* 0: @from is to be sent by itself. */
static ssize_t send_corked(struct host_socket *h, struct io_iter *from, bool more)
{
	ssize_t ret;

	if (!h->corked && (!more || from->count > CORK_SIZE || !(h->corked = heap_pages_alloc(1))))
		return 0;
	if (from->count <= CORK_SIZE - h->corked_end && (more || h->corked_end)) {
		ret = cork(h, from);
		if (!more || h->corked_end == CORK_SIZE)
			host_stream_uncork(h);
		return ret;
	}
	host_stream_uncork(h);
	return h->corked_end ? -EAGAIN : 0;
}

void host_stream_close(struct host_socket *h)
{
	host_stream_uncork(h);
	if (!h->corked_end) {
		host_socket_close(h);
		return;
	}
	h->inet = NULL; /* stream_ready() goes on */
}

static void finish_connecting(struct host_socket *h)
{
	struct inet_socket *inet = h->inet;
	int error = 0;

	h->connecting = false;
	h->writable = true;
	h->readable = h->seen & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	if (h->seen & (EPOLLERR | EPOLLHUP)) {
		read_ahead(h);
		error = -inet->base.error;
		inet->base.error = 0;
	}
	tcp_outside_connected(inet, error);
}

static void stream_ready(struct host_watch *watch, unsigned events)
{
	struct host_socket *h = container_of(watch, struct host_socket, watch);
	unsigned wake = 0;

	h->seen |= events;
	if (h->fd < 0)
		return;
	if (!h->inet) {
		finish_closing(h);
		return;
	}
	if (h->connecting) {
		if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			finish_connecting(h);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		h->readable = true;
		h->edges_in++;
		wake = POLL_IN | (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
		wake_up_common(&h->inet->base.read_wait, 0, wake);
	}
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		bool was_full = !h->writable;

		h->writable = true;
		h->edges_out++;
		if (h->corked_end && (h->shut_later || !is_corked(h)))
			host_stream_uncork(h);
		if (was_full || events & (EPOLLHUP | EPOLLERR))
			wake_up_common(&h->inet->base.write_wait, 0, POLL_OUT | (events & (EPOLLHUP | EPOLLERR)));
	}
}

/* What connect(2) asked for is here, or is refused. */
static void stream_arrived(struct host_watch *watch, const struct handover_message *message, int fd, const void *payload, size_t length)
{
	struct host_socket *h = container_of(watch, struct host_socket, watch);

	if (message->argument[0] || fd < 0) {
		h->connecting = false;
		tcp_outside_connected(h->inet, message->argument[0] ? -(int)min(message->argument[0], (u64)4095) : -ENFILE);
		return;
	}
	h->fd = fd;
	if (h->seen & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		finish_connecting(h);
}

static const struct host_watch stream_watch = { .ready = stream_ready, .arrived = stream_arrived };

/* Options that were set before there was a host socket. */
static void tell_options(struct host_socket *h, const struct inet_socket *inet)
{
	const struct tcp_options *options = &container_of(inet, struct tcp_sock, inet)->options;

	if (inet->base.keepalive)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_KEEPALIVE, 1);
	if (options->keep_idle)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_KEEPIDLE, options->keep_idle);
	if (options->keep_interval)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_KEEPINTVL, options->keep_interval);
	if (options->keep_count)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_KEEPCNT, options->keep_count);
	if (options->user_timeout)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_USER_TIMEOUT, options->user_timeout);
	if (inet->options.ttl > 0)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_TTL, inet->options.ttl);
	if (inet->options.tos)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_TOS, inet->options.tos);
	if (inet->options.recverr)
		host_request_for(h, NETWORK_SET, NETWORK_OPTION_RECVERR, 1);
}

int host_stream_connect(struct inet_socket *inet)
{
	struct host_socket *h = host_socket_new(NETWORK_TCP, host_next_token(), &stream_watch);
	struct network_request request = {
		.op = NETWORK_CONNECT,
		.kind = NETWORK_TCP,
		.flags = inet->addr_locked || inet->port_locked ? NETWORK_BIND : 0,
		.local = host_endpoint(&inet->end.local),
		.remote = host_endpoint(&inet->end.remote),
	};

	if (!h)
		return -ENOMEM;
	if (!inet->addr_locked)
		memset(request.local.address, 0, inet_is_v4(&inet->end.local.addr) ? 0 : 16);
	h->inet = inet;
	h->connecting = true;
	inet->outside = h;
	request.token = h->watch.token;
	host_request(&request);
	tell_options(h, inet);
	return -EINPROGRESS;
}

void host_stream_arrival(const struct network_arrival *arrival, u64 token, int fd)
{
	struct inet_name local = host_name(&arrival->local), remote = host_name(&arrival->remote);
	struct inet_endpoint *end = port_find_receiver(&tcp_ports, &local, &remote, 0);
	struct host_socket *h;

	h = host_socket_new(NETWORK_TCP, token, &stream_watch);
	if (!h) {
		if (fd >= 0)
			host_close(fd);
		host_request(&(struct network_request){ .op = NETWORK_RELEASE, .token = token });
		return;
	}
	h->fd = fd;
	h->entrance = arrival->entrance;
	h->readable = h->writable = true;
	h->inet = end && fd >= 0 ? tcp_accept_outside(inet_of(end), init_net.outside, h, &local, &remote) : NULL;
	if (h->inet)
		tell_options(h, h->inet);
	else
		host_socket_close(h); /* nobody listens any more, or is too slow: the peer gets a reset */
}

ssize_t host_stream_send(struct host_socket *h, struct message *msg)
{
	struct io_iter *from = msg->iter;
	u32 edges = h->edges_out;
	struct io_vector first;
	size_t asked;
	long ret;

	if (!h || h->fd < 0 || !h->writable)
		return -EAGAIN;
	host_socket_used(h);
	if (!from->count)
		return 0;
	ret = send_corked(h, from, is_corked(h) || msg->flags & HOST_MSG_MORE);
	if (ret)
		return ret;
	first = (struct io_vector){ from->vectors[0].base + from->offset, min(from->vectors[0].length - from->offset, from->count) };
	asked = from->offset || from->nr_vectors == 1 ? first.length : from->count;
	/* All vectors in one host call when the position stands at the start of one. */
	if (from->offset || from->nr_vectors == 1)
		ret = host_socket_transfer(h, true, &first, 1, asked);
	else
		ret = host_socket_transfer(h, true, from->vectors, min(from->nr_vectors, VECTORS_MAX), asked);
	if (ret > 0)
		io_iter_advance(from, (size_t)ret);
	/* Short: the host's buffer is full, unless room was made meanwhile. */
	if ((ret == -EAGAIN || (ret > 0 && (size_t)ret < asked)) && edges == h->edges_out)
		h->writable = false;
	return ret;
}

/* A read that is larger than the page goes to the program's memory directly. */
static ssize_t receive_directly(struct host_socket *h, struct io_iter *to)
{
	struct io_vector first = { to->vectors[0].base + to->offset, min(to->vectors[0].length - to->offset, to->count) };
	u32 edges = h->edges_in;
	size_t asked = first.length;
	long ret;

	if (to->offset || to->nr_vectors == 1) {
		ret = host_socket_transfer(h, false, &first, 1, asked);
	} else {
		asked = to->count;
		ret = host_socket_transfer(h, false, to->vectors, min(to->nr_vectors, VECTORS_MAX), asked);
	}
	has_read(h, ret, asked, edges);
	if (ret > 0)
		io_iter_advance(to, (size_t)ret);
	return ret;
}

ssize_t host_stream_receive(struct host_socket *h, struct message *msg)
{
	struct io_iter *to = msg->iter;
	size_t n;

	if (!h || h->fd < 0)
		return -EAGAIN;
	host_socket_used(h);
	if (h->ahead_at == h->ahead_end && h->readable && !h->end && !(msg->flags & (MSG_PEEK | MSG_TRUNC)) && to->count >= AHEAD_SIZE)
		return receive_directly(h, to);
	read_ahead(h);
	n = min(h->ahead_end - h->ahead_at, to->count);
	if (!n) {
		if (h->inet->base.error)
			return socket_take_error(&h->inet->base);
		return h->end ? 0 : -EAGAIN;
	}
	if (msg->flags & MSG_TRUNC && !(msg->flags & MSG_PEEK)) {
		h->ahead_at += (u32)n;
		return (ssize_t)n;
	}
	n = copy_to_iter(to, h->ahead + h->ahead_at, n);
	if (!(msg->flags & MSG_PEEK))
		h->ahead_at += (u32)n;
	return n ? (ssize_t)n : -EFAULT;
}

unsigned host_stream_poll(struct host_socket *h)
{
	unsigned bits = 0;

	if (!h || h->fd < 0 || h->connecting)
		return 0;
	host_socket_used(h);
	read_ahead(h);
	if (h->ahead_at < h->ahead_end)
		bits |= POLL_IN;
	if (h->end || h->seen & EPOLLRDHUP)
		bits |= POLL_IN | EPOLLRDHUP;
	if (h->seen & EPOLLHUP)
		bits |= EPOLLHUP;
	if (h->inet->base.error)
		bits |= POLL_IN | EPOLLERR;
	if (h->writable || h->seen & EPOLLHUP)
		bits |= POLL_OUT;
	return bits;
}

int host_stream_queued(struct host_socket *h, bool out)
{
	if (!h)
		return 0;
	if (out)
		return (int)h->corked_end;
	read_ahead(h);
	return (int)(h->ahead_end - h->ahead_at);
}
