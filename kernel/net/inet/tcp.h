/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of TCP (tcp(7)).
 *
 * Two connected sockets of the container hold each other. What one sends is put into the other's queue at once; its own call wakes
 * the reader. Of that queue the first `window` bytes count as received, the rest as still with the sender: that is what SIOCINQ,
 * SIOCOUTQ and back-pressure show. A FIN is received when it stands within the window. States change as if all acknowledgements came at
 * once.
 *
 * A socket that is closed by its process but whose connection is not over is an orphan: it stays, held by itself, until the
 * other end closes too, sends something (which is answered with a reset), or tcp_fin_timeout is over.
 *
 *   tcp.c         socket(2) to close(2)           tcp_state.c    FIN, RST, the ends of a connection
 *   tcp_connect.c connect, listen, accept         tcp_queue.c    bytes on their way
 *   tcp_stream.c  send, receive, poll             tcp_urgent.c   MSG_OOB
 *   tcp_options.c level IPPROTO_TCP               tcp_outside.c  sockets that the host serves
 *   tcp_timewait.c                                tcp_proc.c, tcp_describe.c
 */
#ifndef KERNEL_NET_INET_TCP_H
#define KERNEL_NET_INET_TCP_H

#include "kernel/net/inet/inet.h"
#include "kernel/time/timer.h"

#define TCP_SNDBUF_CONNECTED 2626560 /* unless SO_SNDBUF was set */
#define TCP_MSS_LOOPBACK 32741
#define TCP_CONGESTION_NAME 16

struct tcp_chunk {
	struct tcp_chunk *next;
	u32 start, end, room; /* data[start..end) is unread */
	u8 cache;             /* tcp_queue.c: which free list */
	u8 data[];
};

/* Positions count the bytes since the connection began. */
struct tcp_queue {
	struct tcp_chunk *first, *last;
	u64 head, tail; /* next byte to be read, to be written */
};

/* setsockopt of level IPPROTO_TCP. Accepted sockets inherit them. */
struct tcp_options {
	bool nodelay, cork, quickack_off, fastopen_no_cookie, thin_linear;
	int keep_idle, keep_interval, keep_count; /* 0: the default */
	int syn_count, linger2, defer_accept, window_clamp, user_timeout, max_segment, notsent_lowat, fastopen, inq;
	int fastopen_connect; /* there is never a cookie yet: connect(2) does what it always does */
	char congestion[TCP_CONGESTION_NAME];
};

/* The state of the socket for connect(2), beside that of the connection. */
enum tcp_call_state { CALL_UNCONNECTED, CALL_CONNECTING, CALL_CONNECTED };

struct tcp_sock {
	struct inet_socket inet; /* first */
	struct tcp_options options;
	struct tcp_sock *peer;   /* counted; NULL: none, or it is gone */
	struct tcp_queue in;
	enum tcp_call_state call_state;
	bool fin_queued;  /* the peer sends no more; its FIN stands behind `in` */
	bool fin_seen;    /* and was received */
	bool orphan;      /* closed by its process; holds itself */
	bool full_seen;   /* somebody wants to know when there is room again */
	bool is_deferred; /* on the listener's list of that name, which holds it */
	struct ktimer timer;
	u64 stuck_at; /* TCP_USER_TIMEOUT: how far the peer had read when the timer was started */

	/* Listener. Its own queues end with it. */
	struct list_head accept_queue; /* connections, by accept_link; the listener holds them */
	struct list_head deferred;     /* the same, TCP_DEFER_ACCEPT: no data yet */
	struct list_head connecting;   /* who waits for room in accept_queue, by accept_link */
	int nr_accept, nr_deferred;
	struct list_head accept_link;
	struct tcp_sock *listener;     /* on whose list `deferred` or `connecting` we are; not counted: it empties them */

	/* Urgent data: one byte, which is at `urgent_at` in `in`. */
	enum { URGENT_NONE, URGENT_VALID, URGENT_READ } urgent;
	u64 urgent_at;
	u8 urgent_byte;

	/* TCP_INFO */
	u64 sent_bytes, received_bytes, sent_segments, received_segments;
	u64 established_at; /* ktime */
	int incoming_cpu;   /* SO_INCOMING_CPU */
};

static inline struct tcp_sock *tcp_sk(struct socket *sock) { return container_of(sock, struct tcp_sock, inet.base); }
static inline struct socket *sock_of(struct tcp_sock *t) { return &t->inet.base; }
static inline struct tcp_sock *tcp_get(struct tcp_sock *t) { socket_get(&t->inet.base); return t; }
static inline void tcp_put(struct tcp_sock *t) { socket_put(&t->inet.base); }
static inline struct tcp_sock *tcp_of(struct inet_endpoint *end) { return container_of(end, struct tcp_sock, inet.end); }
static inline u8 tcp_state(const struct tcp_sock *t) { return t->inet.end.state; }
static inline bool tcp_in_state(const struct tcp_sock *t, unsigned states) { return states >> tcp_state(t) & 1; }
#define TCPF(state) (1U << (state))
static inline u64 queue_bytes(const struct tcp_queue *q) { return q->tail - q->head; }
/* What of it has been received, and what is still with the sender. */
static inline u64 tcp_window(const struct tcp_sock *t) { return (u64)t->inet.base.rcvbuf / 2; }
static inline u64 tcp_received(const struct tcp_sock *t) { return min(queue_bytes(&t->in), tcp_window(t)); }
static inline u64 tcp_unsent_to(const struct tcp_sock *t) { return queue_bytes(&t->in) - tcp_received(t); }
static inline u64 tcp_unsent(const struct tcp_sock *t) { return t->peer ? tcp_unsent_to(t->peer) : 0; }

/* tcp.c */
extern const struct socket_ops tcp_ops;
struct socket *tcp_create(int family, int protocol);
struct tcp_sock *tcp_alloc(int family); /* one reference; NULL: no memory */
extern u64 nr_tcp_sockets;
/* /proc/net/snmp. A send counts as a segment that is sent and received. */
extern struct tcp_counters {
	u64 active_opens, passive_opens, attempt_fails, established_resets, segments, resets_sent;
} tcp_counters;

/* tcp_connect.c */
int tcp_connect(struct socket *sock, const u8 *name, int length, bool nonblock);
int tcp_listen(struct socket *sock, int backlog);
struct socket *tcp_accept(struct socket *sock, bool nonblock);
int tcp_disconnect(struct tcp_sock *t); /* connect to AF_UNSPEC */
void tcp_stop_listening(struct tcp_sock *t);
void tcp_leave_listener(struct tcp_sock *t); /* a connect that is given up */
void tcp_deferred_ready(struct tcp_sock *t); /* data came for one of `deferred` */
/* A socket for a connection to `listener`, with its options, port and these ends; NULL. */
struct tcp_sock *tcp_make_child(struct tcp_sock *listener, const struct inet_name *local, const struct inet_name *remote);
/* Puts it on the accept queue, which takes over the reference, and wakes who waits there. */
void tcp_queue_child(struct tcp_sock *listener, struct tcp_sock *child);
static inline bool tcp_accept_full(const struct tcp_sock *listener) { return listener->nr_accept > listener->inet.base.backlog; }

/* tcp_state.c */
void tcp_join(struct tcp_sock *a, struct tcp_sock *b); /* they are connected from now on; a == b is fine */
void tcp_send_fin(struct tcp_sock *t);      /* no more data will come from t; as its state allows */
void tcp_receive_fin(struct tcp_sock *t);   /* if one stands within the window */
void tcp_send_reset(struct tcp_sock *t);    /* the peer is told; t is closed */
void tcp_reset(struct tcp_sock *t);         /* the peer has told us */
void tcp_done(struct tcp_sock *t);          /* the connection is over for t. May free t, if its process has closed it. */
void tcp_release(struct socket *sock);      /* close(2) */
void tcp_timer_start(struct tcp_sock *t, u64 expires); /* what happens then depends on the state */
void tcp_timer_stop(struct tcp_sock *t);
u64 tcp_connect_time(const struct tcp_sock *t); /* ns until connect(2) gives up */

/* tcp_queue.c */
extern u64 tcp_memory; /* bytes of all chunks */
/* Adds up to `n` bytes: how many (fewer at a fault), or -ENOMEM. */
ssize_t tcp_queue_put(struct tcp_queue *q, struct io_iter *from, u32 n);
/* Copies up to n bytes at `offset` behind the head; `to` NULL copies nothing. How many it went. */
size_t tcp_queue_peek(const struct tcp_queue *q, u64 offset, struct io_iter *to, size_t n);
/* Takes from the head: as tcp_queue_peek at 0, and drops what was copied. */
size_t tcp_queue_take(struct tcp_queue *q, struct io_iter *to, size_t n);
void tcp_queue_clear(struct tcp_queue *q);
enum tcp_pressure { TCP_MEMORY_AMPLE, TCP_MEMORY_SHORT, TCP_MEMORY_OUT };
enum tcp_pressure tcp_memory_pressure(void);

/* tcp_stream.c */
ssize_t tcp_sendmsg(struct socket *sock, struct message *msg);
ssize_t tcp_recvmsg(struct socket *sock, struct message *msg);
unsigned tcp_poll(struct socket *sock, struct file *file, struct poll_table *table);
void tcp_wake_writer(struct tcp_sock *t); /* the other end has made room, or will take no more */
u64 tcp_send_buffer(const struct tcp_sock *t); /* how many bytes t may have under way beyond the window */
int tcp_send_error(struct tcp_sock *t, int error, unsigned flags); /* pending errors first; raises SIGPIPE */

/* tcp_urgent.c */
void tcp_urgent_arrives(struct tcp_sock *t, u64 at, u8 byte);
ssize_t tcp_receive_urgent(struct tcp_sock *t, struct message *msg);

/* tcp_outside.c: for inet_transport. `private` becomes inet->outside of the new socket; NULL: the backlog is full, or no memory. */
struct inet_socket *tcp_accept_outside(struct inet_socket *listener, const struct inet_transport *transport, void *private,
				       const struct inet_name *local, const struct inet_name *remote);
void tcp_outside_connected(struct inet_socket *inet, int error); /* 0, or a negative errno */
ssize_t tcp_outside_send(struct tcp_sock *t, struct message *msg);
ssize_t tcp_outside_receive(struct tcp_sock *t, struct message *msg);

/* tcp_options.c */
extern s64 sysctl_tcp_rmem[3], sysctl_tcp_wmem[3]; /* least, default, most */
extern s64 sysctl_tcp_fin_timeout, sysctl_tcp_syn_retries, sysctl_tcp_keepalive_time, sysctl_tcp_keepalive_intvl, sysctl_tcp_keepalive_probes;
int tcp_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length);
int tcp_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr);
long tcp_ioctl(struct socket *sock, unsigned cmd, u64 arg);

/* tcp_describe.c */
extern const struct wait_type tcp_read_wait, tcp_write_wait, tcp_accept_wait, tcp_connect_wait, tcp_linger_wait;
void tcp_wait_peers(struct wait_info *info, struct socket *sock);

/* tcp_timewait.c */
extern s64 sysctl_tcp_max_tw_buckets;
/* A socket's connection is closed by both ends, by this one first: something stays in its place. The socket loses its connection, not its port. */
void tcp_timewait_start(const struct inet_endpoint *end);
u64 tcp_timewait_left(const struct inet_endpoint *end); /* ns */
s64 tcp_timewait_count(void);

/* tcp_proc.c */
struct seq_buffer;
void proc_net_tcp(struct seq_buffer *seq, int family);

#endif
