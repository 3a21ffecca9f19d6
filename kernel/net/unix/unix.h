/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of AF_UNIX (unix(7)).
 *
 * A sent message is a unix_message on the receiver's queue. It is charged to the sender's `wmem` until it is
 * freed and holds a reference to the sender. A connecting stream or seqpacket socket puts the other end, not yet
 * accepted, as a message on the listener's queue. Peers hold each other.
 *
 *   names.c    addresses, bind, lookup        stream.c   SOCK_STREAM data
 *   socket.c   life, connect, listen, accept  dgram.c    SOCK_DGRAM and SOCK_SEQPACKET data
 *   message.c  buffers                        gc.c       descriptors in flight
 */
#ifndef KERNEL_NET_UNIX_UNIX_H
#define KERNEL_NET_UNIX_UNIX_H

#include <linux/un.h>

#include "kernel/net/socket.h"
#include "kernel/time/timer.h"

#define UNIX_PATH_OFFSET offsetof(struct sockaddr_un, sun_path)
#define DGRAM_BACKLOG 10
#define OVERFLOW_ID 65534

struct unix_address {
	refcount_t count;
	int length;
	u64 hash; /* abstract names */
	struct sockaddr_un name;
};

struct unix_sock {
	struct socket base; /* first */
	struct list_head all_link;
	struct hlist_node name_link;  /* in the table of inodes or of abstract names */
	struct unix_address *address; /* NULL: unnamed */
	struct path path;             /* counted; mount NULL: not in the file system */
	struct unix_sock *peer;       /* counted */
	struct list_head queue;       /* unix_message */
	unsigned queue_length;
	u64 queue_bytes;
	struct unix_message *oob;     /* in `queue`: the byte sent last with MSG_OOB; NULL: none, or received */
	u32 wmem;                     /* bytes of our messages not yet read, with overhead */
	bool dead;
	struct wait_queue_head peer_wait;  /* senders and connectors that wait for room in `queue` */
	struct wait_queue_entry peer_wake; /* passes the peer's peer_wait on to our write_wait */
	struct unix_sock *peer_wake_on;    /* where it stands, counted; NULL: nowhere */

	/* gc.c */
	unsigned in_flight;           /* messages that hold our file */
	struct list_head flight_link; /* while in_flight */
	int gc_refs;
	bool gc_candidate;
};

struct unix_message {
	struct list_head link;
	struct unix_sock *sender;  /* counted, charged `truesize` */
	u32 length, offset;        /* unread bytes start at offset */
	u32 truesize;
	u8 cache;                  /* message.c: which free list; CACHE_NONE */
	bool has_cred;
	bool mark;                 /* its byte was received out of band; only the place is left */
	struct user_cred cred;
	u64 cred_start;            /* as scm.start */
	struct scm_fds *fds;
	u64 stamp;                 /* CLOCK_REALTIME, if the receiver asked for time stamps */
	struct unix_sock *embryo;  /* on a listener's queue: the connection; owned */
	u8 data[];
};

static inline struct unix_sock *unix_sk(struct socket *sock) { return container_of(sock, struct unix_sock, base); }
static inline struct unix_sock *unix_get(struct unix_sock *u) { socket_get(&u->base); return u; }
static inline void unix_put(struct unix_sock *u) { if (u) socket_put(&u->base); }
static inline bool connection_based(const struct unix_sock *u)
{
	return u->base.type != SOCK_DGRAM;
}
/* More than the backlog: senders and connectors wait. */
static inline bool queue_full(const struct unix_sock *u) { return u->queue_length > (unsigned)u->base.backlog; }
static inline bool unix_writable(const struct unix_sock *u)
{
	return u->base.state != SOCKET_LISTENING && (u64)u->wmem * 4 <= (u64)u->base.sndbuf;
}

/* socket.c */
extern struct list_head unix_sockets;
void unix_release(struct socket *sock);
int unix_connect(struct socket *sock, const u8 *name, int length, bool nonblock);
void unix_set_peer_wake(struct unix_sock *u, struct unix_sock *peer); /* NULL: off */

/* names.c. Lengths are those of the whole address, with the family. */
int unix_check_name(const u8 *name, int length); /* 0 or -EINVAL */
int unix_bind(struct socket *sock, const u8 *name, int length);
int unix_autobind(struct unix_sock *u);
void unix_unname(struct unix_sock *u);
struct unix_sock *unix_find(const u8 *name, int length, int type); /* counted, ERR_PTR */
int unix_getname(struct socket *sock, u8 *name, int peer);
int unix_copy_name(const struct unix_sock *u, u8 *name);
void unix_address_put(struct unix_address *address);

/* message.c */
struct unix_message *message_alloc(struct unix_sock *sender, u32 length); /* charged; NULL: no memory */
void message_free(struct unix_message *m); /* not queued any more; may sleep if it holds descriptors */
void message_queue(struct unix_sock *to, struct unix_message *m);
void message_unqueue(struct unix_sock *from, struct unix_message *m);
/* Waits until `u` may send more: 0, -EAGAIN, -EPIPE, -EINTR, ... */
int unix_wait_room(struct unix_sock *u, bool nonblock);
void message_set_cred(struct unix_message *m, const struct scm *scm, const struct unix_sock *from, const struct unix_sock *to);
void message_get_cred(const struct unix_message *m, struct scm *scm);

/* stream.c, dgram.c */
int unix_at_mark(const struct unix_sock *u);
ssize_t unix_stream_sendmsg(struct socket *sock, struct message *msg);
ssize_t unix_stream_recvmsg(struct socket *sock, struct message *msg);
unsigned unix_stream_poll(struct socket *sock, struct file *file, struct poll_table *table);
ssize_t unix_dgram_sendmsg(struct socket *sock, struct message *msg);
ssize_t unix_dgram_recvmsg(struct socket *sock, struct message *msg);
unsigned unix_dgram_poll(struct socket *sock, struct file *file, struct poll_table *table);
ssize_t unix_seqpacket_sendmsg(struct socket *sock, struct message *msg);
ssize_t unix_seqpacket_recvmsg(struct socket *sock, struct message *msg);
int unix_dgram_connect(struct socket *sock, const u8 *name, int length, bool nonblock);

/* describe.c: what sleepers wait for. The objects are the struct socket that is read or written; of connect and of a
 * datagram's sender the unix_sock whose queue is full. */
void unix_wait_peers(struct wait_info *info, struct socket *sock);
extern const struct wait_type unix_read_wait, unix_write_wait, unix_accept_wait, unix_connect_wait, unix_send_wait;

/* gc.c */
int flight_attach(struct scm_fds *fds); /* they are in a message from now on; -ETOOMANYREFS */
void flight_detach(struct scm_fds *fds);
void flight_collect(void);
extern unsigned nr_in_flight; /* sockets in flight */

#endif
