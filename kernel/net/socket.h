/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as the rest of the kernel sees them: a socket is a file whose `private` is a struct socket, and
 * a family gives it its operations. AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK exist; every other family is -EAFNOSUPPORT.
 *
 * Everything is protected by the kernel lock. A socket is counted: its file holds one reference, and the
 * family others (peers, queued messages).
 */
#ifndef KERNEL_NET_SOCKET_H
#define KERNEL_NET_SOCKET_H

#include <asm/socket.h>
#include <linux/sockios.h>

#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_MAX 46

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_PACKET 10
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC O_CLOEXEC
#define SOCK_NONBLOCK O_NONBLOCK

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2
/* socket->shutdown */
#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define SHUTDOWN_MASK 3

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_CTRUNC 0x8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_ERRQUEUE 0x2000
#define MSG_NOSIGNAL 0x4000
#define MSG_WAITFORONE 0x10000
#define MSG_FASTOPEN 0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000
#define MSG_CMSG_COMPAT 0x80000000u

#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_PIDFD 4
#define SCM_MAX_FD 253

extern s64 sysctl_somaxconn;
#define SOCKADDR_MAX 128
#define WMEM_DEFAULT 212992
#define WMEM_MAX 212992
#define SNDBUF_MIN 4608
#define RCVBUF_MIN 2304
#define CMSG_LIMIT 131072
/* Newer than the headers of Debian 12. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

struct user_cred {
	u32 pid, uid, gid;
};

struct cmsg_header {
	u64 length; /* with this header */
	int level, type;
};
#define CMSG_LENGTH(n) (sizeof(struct cmsg_header) + (n))
#define CMSG_ROOM(n) ALIGN_UP(CMSG_LENGTH(n), sizeof(u64))

/* A walk over the ancillary data that a sender gave. */
struct cmsg_walk {
	const u8 *next;
	size_t left;
	struct cmsg_header header; /* of the message that the walk has come to */
	const u8 *data;            /* behind its header */
	size_t size;
};

/* Descriptors on their way in a message; each file is counted. */
struct scm_fds {
	int nr;
	uid_t uid;       /* who sent them: the limit on descriptors in flight is per user */
	bool in_flight;  /* counted by net/unix/gc.c */
	struct file *files[];
};

/* Ancillary data of one message. */
struct scm {
	struct scm_fds *fds;
	struct user_cred cred;
	u64 start; /* of process cred.pid: numbers are used again */
	bool explicit_cred; /* the sender gave SCM_CREDENTIALS */
};

/* What sendmsg and recvmsg hand to a family. */
struct message {
	struct io_iter *iter;
	u8 *name;        /* SOCKADDR_MAX bytes; NULL: no address given or wanted */
	int name_length; /* send: given; receive: filled in */
	unsigned flags;  /* MSG_* asked for; MSG_DONTWAIT also stands for O_NONBLOCK */
	unsigned ret_flags;
	void *control_in;   /* send: kernel copy */
	user_ptr control;   /* receive: next free place */
	size_t control_length; /* send: bytes there; receive: bytes left */
};

static inline struct cmsg_walk cmsg_walk(const struct message *msg)
{
	return (struct cmsg_walk){ .next = msg->control_in, .left = msg->control_in ? msg->control_length : 0 };
}
/* 1: there is one more; 0: the end; -EINVAL: a length that cannot be. */
int cmsg_next(struct cmsg_walk *walk);

enum socket_state { SOCKET_UNCONNECTED, SOCKET_CONNECTED, SOCKET_LISTENING };

struct socket;
struct wait_info;
struct socket_ops {
	int (*bind)(struct socket *sock, const u8 *name, int length);
	int (*connect)(struct socket *sock, const u8 *name, int length, bool nonblock);
	int (*listen)(struct socket *sock, int backlog);
	struct socket *(*accept)(struct socket *sock, bool nonblock); /* ERR_PTR */
	int (*shutdown)(struct socket *sock, int how);
	int (*getname)(struct socket *sock, u8 *name, int peer); /* the length; peer 0: own name, 1: the peer's, 2: for accept(2) */
	ssize_t (*sendmsg)(struct socket *sock, struct message *msg);
	ssize_t (*recvmsg)(struct socket *sock, struct message *msg);
	unsigned (*poll)(struct socket *sock, struct file *file, struct poll_table *table);
	long (*ioctl)(struct socket *sock, unsigned cmd, u64 arg);
	/* Levels other than SOL_SOCKET, and options of that level which only this family has: -ENOPROTOOPT leaves them to socket.c.
	 * NULL: no such levels. */
	int (*setsockopt)(struct socket *sock, int level, int option, user_ptr value, unsigned length);
	int (*getsockopt)(struct socket *sock, int level, int option, user_ptr value, user_ptr length);
	void (*wait_peers)(struct wait_info *info, struct socket *sock); /* who has the other end of it; NULL: nobody is known */
	void (*release)(struct socket *sock); /* its file is gone; drops the file's reference */
	void (*destroy)(struct socket *sock); /* last reference gone: frees it */
};

struct socket_filter;
struct socket {
	refcount_t count;
	const struct socket_ops *ops;
	struct file *file; /* not counted; NULL before accept and after close */
	ino_t ino;         /* of the file; 0 before accept */
	int domain, type, protocol;
	enum socket_state state;
	unsigned shutdown;
	int error;         /* pending, positive; the next call takes it */
	int backlog;
	int sndbuf, rcvbuf, rcvlowat;
	bool sndbuf_locked, rcvbuf_locked; /* set by a program */
	int peek_off;      /* SO_PEEK_OFF: where MSG_PEEK begins; negative: off */
	u64 rcvtimeo, sndtimeo; /* ns; NEVER; 0: do not wait */
	bool passcred, passpidfd, passrights, passsec, keepalive, reuseaddr, reuseport, broadcast, dontroute, oobinline, debug;
	bool timestamp, timestamp_ns; /* SO_TIMESTAMP, SO_TIMESTAMPNS: one of them */
	bool no_check;                /* SO_NO_CHECK: only remembered, there are no checksums */
	bool linger_on, rxq_ovfl;
	int linger_seconds;
	u32 priority, mark;
	u64 cookie;
	struct socket_filter *filter; /* SO_ATTACH_FILTER; NULL */
	bool filter_locked;           /* SO_LOCK_FILTER */
	pid_t peer_pid;    /* SO_PEERCRED: 0 and no cred when there is no peer */
	u64 peer_start;    /* of that process: numbers are used again */
	const struct cred *peer_cred;
	struct wait_queue_head read_wait;  /* data, connections, end of file, errors */
	struct wait_queue_head write_wait; /* room, errors, shutdown */
};

extern const struct file_operations socket_fops;
extern u64 nr_sockets; /* open */

/* Common fields to their defaults, one reference. */
void socket_init(struct socket *sock, const struct socket_ops *ops, int domain, int type, int protocol);
static inline struct socket *socket_get(struct socket *sock) { refcount_inc(&sock->count); return sock; }
void socket_put(struct socket *sock);
/* The socket behind a descriptor; *ret_file is counted. ERR_PTR(-EBADF, -ENOTSOCK). */
struct socket *socket_from_fd(int fd, struct file **ret_file);
struct socket *socket_from_file(struct file *file); /* NULL: not a socket */
/* A file for a socket without one; takes over one reference to it, also on failure. ERR_PTR. */
struct file *socket_make_file(struct socket *sock, unsigned flags);
/* A descriptor for a process, if it is still the one that started then: the new descriptor, -ESRCH, -EMFILE, ... */
int socket_pidfd(pid_t pid, u64 start);
/* SO_PEEK_OFF after `n` bytes were received or peeked at. */
void socket_peek_advance(struct socket *sock, bool peek, size_t n);
/* The control message of SO_TIMESTAMP or SO_TIMESTAMPNS: CLOCK_REALTIME; 0: now. */
void socket_put_stamp(const struct socket *sock, struct message *msg, u64 stamp);
/* Takes the pending error: 0 or negative. */
int socket_take_error(struct socket *sock);
/* Wakes readers, writers and pollers of both after a change of state. */
void socket_state_changed(struct socket *sock);
/* The end of a wait that may take `timeout` (rcvtimeo, sndtimeo). */
static inline u64 socket_deadline(u64 timeout)
{
	return timeout == NEVER ? NEVER : ktime_get() + timeout;
}
/* What a wait's result means to the caller of a socket call (signal(7)): calls with a timeout are not restarted. */
static inline int socket_wait_error(long error, u64 timeout)
{
	if (error == -ETIME)
		return -EAGAIN;
	return error == -ERESTARTSYS && timeout != NEVER ? -EINTR : error;
}
void socket_peer_cred_here(struct socket *sock); /* records current's credentials as the peer's */
void socket_peer_cred_copy(struct socket *sock, const struct socket *from);

/* filter.c. How many of the bytes the socket's filter lets through: 0, it is to be dropped; all without a filter. */
u32 socket_filter_run(const struct socket *sock, const u8 *data, u32 length);
int socket_filter_set(struct socket *sock, int option, user_ptr value, unsigned length); /* -ENOPROTOOPT: not one of its options */
int socket_filter_get(struct socket *sock, user_ptr value, user_ptr length_ptr, u32 length);
void socket_filter_free(struct socket *sock);

int socket_setsockopt(struct socket *sock, int option, user_ptr value, unsigned length);
int socket_getsockopt(struct socket *sock, int option, user_ptr value, user_ptr length);

/* scm.c */
int scm_parse(struct message *msg, struct scm *ret_scm); /* 0 or an error; *ret_scm is always initialised */
void scm_release(struct scm *scm);
void scm_fds_free(struct scm_fds *fds); /* NULL is fine; drops the files */
struct scm_fds *scm_fds_copy(const struct scm_fds *fds); /* counted again; NULL when out of memory */
/* Gives the ancillary data to the receiver; uses up scm. */
void scm_receive(struct socket *sock, struct message *msg, struct scm *scm);
void put_cmsg(struct message *msg, int level, int type, const void *data, size_t length);

/* Who has the other end of it. */
static inline void socket_wait_peers(struct wait_info *info, struct socket *sock)
{
	if (sock->ops->wait_peers)
		sock->ops->wait_peers(info, sock);
}
/* Writes an option's value, cut to what the caller has room for: 0 or -EFAULT. */
int put_option(user_ptr value, user_ptr length_ptr, u32 length, const void *data, u32 size);

/* unix/socket.c: -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM as ERR_PTR */
struct socket *unix_create(int type, int protocol);
int unix_pair(struct socket *a, struct socket *b);
/* inet/inet.c: -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EPERM, -ENOMEM as ERR_PTR */
struct socket *inet_create(int family, int type, int protocol);
/* netlink/socket.c: -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM as ERR_PTR */
struct socket *netlink_create(int type, int protocol);
/* A message onto a netlink socket's queue, for mq_notify(2). */
void netlink_deliver(struct socket *sock, const void *data, u32 length);

/* The text of /proc/net/unix. */
struct seq_buffer;
void proc_net_unix(struct seq_buffer *seq);

#endif
