/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that the host serves: the transport of inet.h to the world outside of the container.
 *
 *   host.c          requests to the monitor, what arrives, options     host_stream.c   TCP
 *   host_datagram.c UDP and ping                                       host_boot.c     interfaces and routes at boot
 *
 * A host socket is made, connected and accepted by the monitor, which hands it in (include/abi/network.h). Nothing here waits for it: an
 * answer comes through the poll thread, as do edges of readiness.
 */
#ifndef KERNEL_NET_INET_HOST_H
#define KERNEL_NET_INET_HOST_H

#include "include/abi/network.h"
#include "kernel/host/handover.h"
#include "kernel/net/inet/inet.h"
#include "kernel/time/timer.h"

#define HOST_LOCKED_MAX 4096U /* longer host calls are made without the kernel lock */
#define NO_ENTRANCE UINT32_MAX

struct host_flow;

/* One host socket. Counted by its inet_socket (or flow), and by host calls without the kernel lock. */
struct host_socket {
	struct host_watch watch; /* first */
	refcount_t count;
	int fd;                  /* -1: not here yet, or given up */
	enum network_kind kind;
	u32 entrance;            /* it came by this one and nobody has used it yet; else NO_ENTRANCE */
	unsigned seen;           /* EPOLL* bits of all edges so far */
	u32 edges_in, edges_out; /* how many there were */
	bool readable, writable; /* worth trying */
	bool connecting;
	bool end;                /* end of file was read */
	struct inet_socket *inet;  /* TCP: whose it is; NULL: released */
	struct host_flow *flow;    /* UDP, ping */
	u8 *ahead;               /* TCP: what poll has read to be sure; 1 page */
	u32 ahead_at, ahead_end;
	u8 *corked;              /* TCP: small writes that wait for more to go with them (TCP_CORK, MSG_MORE); 1 page */
	u32 corked_end;
	bool shut_later;         /* shutdown(2) waits for them */
	u64 corked_since;
	struct ktimer cork_timer;
};

/* A socket with a token and its watch, one reference; NULL: no memory. */
struct host_socket *host_socket_new(enum network_kind kind, u64 token, const struct host_watch *functions);
u64 host_next_token(void);
void host_socket_put(struct host_socket *h);
/* Nobody needs it any more: closed here and with the monitor. */
void host_socket_close(struct host_socket *h);
/* The connection has been looked at: its entrance may let in another one. */
void host_socket_used(struct host_socket *h);

/* To the monitor, in order; never fails, never waits. */
void host_request(const struct network_request *request);
/* The same for a socket with a token. */
void host_request_for(struct host_socket *h, enum network_op op, int argument, s64 value);
struct network_endpoint host_endpoint(const struct inet_name *name);
struct inet_name host_name(const struct network_endpoint *endpoint);

/* One host call with the descriptor; without the kernel lock if `size` is large. */
long host_socket_transfer(struct host_socket *h, bool out, const struct io_vector *vectors, unsigned nr, size_t size);

/* host_stream.c */
int host_stream_connect(struct inet_socket *inet);
ssize_t host_stream_send(struct host_socket *h, struct message *msg);
ssize_t host_stream_receive(struct host_socket *h, struct message *msg);
unsigned host_stream_poll(struct host_socket *h);
int host_stream_queued(struct host_socket *h, bool out);
void host_stream_uncork(struct host_socket *h); /* what waits goes out */
/* After the last call of the socket's: closed, as soon as what waits is gone. */
void host_stream_close(struct host_socket *h);
void host_stream_arrival(const struct network_arrival *arrival, u64 token, int fd);

/* host_datagram.c */
int host_datagram_connect(struct inet_socket *inet);
int host_datagram_bind(struct inet_socket *inet);
ssize_t host_datagram_send(struct inet_socket *inet, struct message *msg, const struct inet_name *to);
ssize_t host_datagram_receive(struct inet_socket *inet, struct message *msg, struct inet_name *ret_from);
unsigned host_datagram_poll(struct inet_socket *inet);
int host_datagram_queued(struct inet_socket *inet, bool out);
void host_datagram_option(struct inet_socket *inet, int level, int option, int value);
void host_datagram_release(struct inet_socket *inet);
void host_datagram_arrival(const struct network_arrival *arrival, u64 token, int fd, const void *payload, size_t length);

#endif
