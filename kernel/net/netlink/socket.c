// SPDX-License-Identifier: Apache-2.0
/*
 * Netlink sockets. Sending to the kernel (port 0) carries the requests out at once; what comes back waits in the queue. A queue that is full
 * loses messages, and the next call says ENOBUFS, unless NETLINK_NO_ENOBUFS. Sending to other sockets takes CAP_NET_ADMIN.
 */
#include "kernel/fs/seqfile.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/netlink/netlink.h"
#include "kernel/sched/wait_info.h"
#include "kernel/time/timer.h"

#define SOL_NETLINK 270
#define MESSAGE_OVERHEAD 512 /* what a message counts against SO_RCVBUF besides its bytes */
#define MAX_PROTOCOL 32

static LIST_HEAD(sockets); /* nl_sock.all_link */
static s32 last_auto_port = -4096;

static const struct socket_ops netlink_ops;

static bool known_protocol(int protocol) { return protocol == NETLINK_ROUTE || protocol == NETLINK_SOCK_DIAG || protocol == NETLINK_KOBJECT_UEVENT; }

struct socket *netlink_create(int type, int protocol)
{
	struct nl_sock *nl;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	if (protocol < 0 || protocol >= MAX_PROTOCOL || !known_protocol(protocol))
		return ERR_PTR(-EPROTONOSUPPORT);
	nl = kzalloc(sizeof(*nl));
	if (!nl)
		return ERR_PTR(-ENOMEM);
	socket_init(&nl->base, &netlink_ops, AF_NETLINK, type, protocol);
	list_init(&nl->queue);
	list_add_tail(&nl->all_link, &sockets);
	return &nl->base;
}

static struct nl_sock *find_port(int protocol, u32 port)
{
	struct nl_sock *nl;

	list_for_each_entry(nl, &sockets, all_link)
		if (nl->bound && nl->port == port && nl->base.protocol == protocol)
			return nl;
	return NULL;
}

static int take_port(struct nl_sock *nl, u32 port)
{
	if (nl->bound)
		return -EINVAL;
	if (find_port(nl->base.protocol, port))
		return -EADDRINUSE;
	nl->port = port;
	nl->bound = true;
	return 0;
}

/* The process id, or if another socket has that something below -4096. */
static void auto_port(struct nl_sock *nl)
{
	u32 port = (u32)current->tgid;

	if (nl->bound)
		return;
	while (find_port(nl->base.protocol, port)) {
		if (--last_auto_port >= -4096 || last_auto_port == INT32_MIN)
			last_auto_port = -4097;
		port = (u32)last_auto_port;
	}
	nl->port = port;
	nl->bound = true;
}

static int netlink_bind(struct socket *sock, const u8 *name, int length)
{
	const struct sockaddr_nl *given = (const void *)name;
	struct nl_sock *nl = nl_sk(sock);
	int error = 0;

	if (length < (int)sizeof(*given) || given->nl_family != AF_NETLINK)
		return -EINVAL;
	if (nl->bound && given->nl_pid != nl->port)
		return -EINVAL;
	if (!nl->bound && given->nl_pid)
		error = take_port(nl, given->nl_pid);
	else
		auto_port(nl);
	if (!error)
		nl->groups = given->nl_groups;
	return error;
}

static int netlink_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	const struct sockaddr_nl *given = (const void *)name;
	struct nl_sock *nl = nl_sk(sock);

	if (length < (int)sizeof(given->nl_family))
		return -EINVAL;
	if (given->nl_family == AF_UNSPEC) {
		nl->peer_port = nl->peer_groups = 0;
		sock->state = SOCKET_UNCONNECTED;
		return 0;
	}
	if (given->nl_family != AF_NETLINK || length < (int)sizeof(*given))
		return -EINVAL;
	if ((given->nl_groups || given->nl_pid) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	auto_port(nl);
	nl->peer_port = given->nl_pid;
	nl->peer_groups = given->nl_groups;
	sock->state = SOCKET_CONNECTED;
	return 0;
}

static int netlink_listen(struct socket *sock, int backlog) { return -EOPNOTSUPP; }
static struct socket *netlink_accept(struct socket *sock, bool nonblock) { return ERR_PTR(-EOPNOTSUPP); }
static int netlink_shutdown(struct socket *sock, int how) { return -EOPNOTSUPP; }

static int netlink_getname(struct socket *sock, u8 *name, int peer)
{
	struct nl_sock *nl = nl_sk(sock);
	struct sockaddr_nl *out = (void *)name;

	*out = (struct sockaddr_nl){
		.nl_family = AF_NETLINK,
		.nl_pid = peer ? nl->peer_port : nl->port,
		.nl_groups = peer ? nl->peer_groups : nl->groups,
	};
	return sizeof(*out);
}

static void lost(struct nl_sock *nl)
{
	nl->drops++;
	if (nl->no_enobufs || nl->congested)
		return;
	nl->congested = true;
	nl->base.error = ENOBUFS;
	socket_state_changed(&nl->base);
}

static bool queue_message(struct nl_sock *to, const void *data, u32 length, const struct nl_message *from)
{
	struct nl_message *m;

	if (unlikely(to->base.filter)) {
		length = socket_filter_run(&to->base, data, length);
		if (!length)
			return true;
	}
	if (to->queued + length + MESSAGE_OVERHEAD > (u32)to->base.rcvbuf && !from->dump) {
		lost(to);
		return false;
	}
	m = kmalloc(sizeof(*m) + length);
	if (!m) {
		lost(to);
		return false;
	}
	*m = *from;
	m->length = length;
	memcpy(m->data, data, length);
	list_add_tail(&m->link, &to->queue);
	to->queued += length + MESSAGE_OVERHEAD;
	to->dumping += m->dump;
	wake_up_poll(&to->base.read_wait, POLL_IN);
	return true;
}

void nl_deliver(struct nl_sock *to, const void *data, u32 length, u32 group, bool dump)
{
	struct nl_message from = { .group = group, .dump = dump };

	queue_message(to, data, length, &from);
}

void netlink_deliver(struct socket *sock, const void *data, u32 length) { nl_deliver(nl_sk(sock), data, length, 0, false); }

static void broadcast(int protocol, u32 group, const void *data, u32 length, const struct nl_message *from, const struct nl_sock *except)
{
	struct nl_sock *nl;

	list_for_each_entry(nl, &sockets, all_link)
		if (nl != except && nl->base.protocol == protocol && nl->groups & 1U << (group - 1))
			queue_message(nl, data, length, from);
}

void nl_broadcast(int protocol, u32 group, const void *data, u32 length)
{
	struct nl_message from = { .group = group };

	broadcast(protocol, group, data, length, &from, NULL);
}

bool nl_has_listeners(int protocol, u32 group)
{
	struct nl_sock *nl;

	list_for_each_entry(nl, &sockets, all_link)
		if (nl->base.protocol == protocol && nl->groups & 1U << (group - 1))
			return true;
	return false;
}

/* To another socket, or to a group. */
static int send_to_sockets(struct nl_sock *nl, u32 port, u32 groups, const u8 *data, u32 length, const struct scm *scm)
{
	struct nl_message from = { .port = nl->port, .cred = scm->cred, .start = scm->start };
	struct nl_sock *to;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (groups) {
		from.group = (u32)__builtin_ctz(groups) + 1;
		broadcast(nl->base.protocol, from.group, data, length, &from, nl);
	}
	if (!port)
		return 0;
	to = find_port(nl->base.protocol, port);
	if (!to || (to->base.state == SOCKET_CONNECTED && to->peer_port != nl->port))
		return -ECONNREFUSED;
	from.group = 0;
	return queue_message(to, data, length, &from) ? 0 : -EAGAIN;
}

static int send_data(struct nl_sock *nl, struct message *msg, u32 port, u32 groups, const struct scm *scm)
{
	u32 length = (u32)msg->iter->count;
	u8 *data = kmalloc(length ? length : 1);
	int error = 0;

	if (!data)
		return -ENOBUFS;
	if (copy_from_iter(msg->iter, data, length) != length)
		error = -EFAULT;
	else if (port || groups)
		error = send_to_sockets(nl, port, groups, data, length, scm);
	if (!error && !port && nl->base.protocol != NETLINK_KOBJECT_UEVENT)
		nl_handle(nl, data, length);
	else if (!error && !port && !groups)
		error = -ECONNREFUSED;
	kfree(data);
	return error;
}

static ssize_t netlink_sendmsg(struct socket *sock, struct message *msg)
{
	const struct sockaddr_nl *to = (const void *)msg->name;
	struct nl_sock *nl = nl_sk(sock);
	u32 port = nl->peer_port, groups = nl->peer_groups;
	ssize_t length = (ssize_t)msg->iter->count;
	struct scm scm;
	int error;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!msg->iter->count)
		return -ENODATA;
	if (msg->iter->count > (size_t)max(sock->sndbuf - 32, 0))
		return -EMSGSIZE;
	if (msg->name_length) {
		if (msg->name_length < (int)sizeof(*to) || to->nl_family != AF_NETLINK)
			return -EINVAL;
		port = to->nl_pid;
		groups = to->nl_groups;
		if ((port || groups) && !capable(CAP_NET_ADMIN))
			return -EPERM;
	}
	error = scm_parse(msg, &scm);
	if (error)
		return error;
	auto_port(nl);
	error = send_data(nl, msg, port, groups, &scm);
	scm_release(&scm);
	return error ? error : length;
}

static void describe(const void *object, struct wait_info *info)
{
	const struct nl_sock *nl = object;

	wait_info_printf(info, "socket:[%lu] netlink %s", (unsigned long)nl->base.ino,
			 nl->base.protocol == NETLINK_ROUTE ? "route" : nl->base.protocol == NETLINK_SOCK_DIAG ? "diag" : "uevent");
	if (nl->groups)
		wait_info_printf(info, ", notifications of groups 0x%x", nl->groups);
}

static const struct wait_type read_wait = { "socket read", BLOCK_QUEUE, describe };

/* The first message, or ERR_PTR. */
static struct nl_message *next_message(struct nl_sock *nl, bool nonblock)
{
	struct socket *sock = &nl->base;
	u64 deadline = socket_deadline(sock->rcvtimeo);
	long ret;

	for (;;) {
		if (sock->error)
			return ERR_PTR(socket_take_error(sock));
		if (!list_empty(&nl->queue))
			return list_first_entry(&nl->queue, struct nl_message, link);
		if (nonblock || !sock->rcvtimeo)
			return ERR_PTR(-EAGAIN);
		ret = wait_event_common(&sock->read_wait, TASK_INTERRUPTIBLE, &read_wait, nl, deadline, true,
					!list_empty(&nl->queue) || sock->error, signal_pending(current));
		if (ret)
			return ERR_PTR(socket_wait_error(ret, sock->rcvtimeo));
	}
}

static void unqueue(struct nl_sock *nl, struct nl_message *m)
{
	list_del(&m->link);
	nl->queued -= m->length + MESSAGE_OVERHEAD;
	nl->dumping -= m->dump;
	if (list_empty(&nl->queue))
		nl->congested = false;
}

static void give_name(struct message *msg, const struct nl_message *m)
{
	if (!msg->name)
		return;
	*(struct sockaddr_nl *)msg->name = (struct sockaddr_nl){
		.nl_family = AF_NETLINK,
		.nl_pid = m->port,
		.nl_groups = m->group ? 1U << (m->group - 1) : 0,
	};
	msg->name_length = sizeof(struct sockaddr_nl);
}

static ssize_t netlink_recvmsg(struct socket *sock, struct message *msg)
{
	struct nl_sock *nl = nl_sk(sock);
	struct scm scm = { .fds = NULL };
	struct nl_message *m;
	ssize_t ret;
	u32 n;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	m = next_message(nl, msg->flags & MSG_DONTWAIT);
	if (IS_ERR(m))
		return PTR_ERR(m);
	/* Copying to the program may sleep: nobody else may have this message then. */
	if (!(msg->flags & MSG_PEEK))
		unqueue(nl, m);
	n = (u32)min((size_t)m->length, msg->iter->count);
	if (n < m->length)
		msg->ret_flags |= MSG_TRUNC;
	ret = msg->flags & MSG_TRUNC ? (ssize_t)m->length : (ssize_t)n;
	if (n && copy_to_iter(msg->iter, m->data, n) != n)
		ret = -EFAULT;
	if (ret >= 0) {
		struct { u32 group; } info = { m->group };

		give_name(msg, m);
		scm.cred = m->cred;
		scm.start = m->start;
		if (nl->pktinfo)
			put_cmsg(msg, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
	}
	if (!(msg->flags & MSG_PEEK))
		kfree(m);
	if (ret >= 0)
		scm_receive(sock, msg, &scm);
	return ret;
}

static unsigned netlink_poll(struct socket *sock, struct file *file, struct poll_table *table)
{
	struct nl_sock *nl = nl_sk(sock);
	unsigned mask = POLL_OUT | EPOLLWRBAND;

	poll_wait(file, &sock->read_wait, table);
	if (sock->error)
		mask |= EPOLLERR;
	if (!list_empty(&nl->queue))
		mask |= POLL_IN;
	return mask;
}

static long netlink_ioctl(struct socket *sock, unsigned cmd, u64 arg) { return -ENOIOCTLCMD; }

static bool *flag_option(struct nl_sock *nl, int option)
{
	switch (option) {
	case NETLINK_PKTINFO: return &nl->pktinfo;
	case NETLINK_BROADCAST_ERROR: return &nl->broadcast_error;
	case NETLINK_NO_ENOBUFS: return &nl->no_enobufs;
	case NETLINK_LISTEN_ALL_NSID: return &nl->listen_all;
	case NETLINK_CAP_ACK: return &nl->cap_ack;
	case NETLINK_EXT_ACK: return &nl->ext_ack;
	case NETLINK_GET_STRICT_CHK: return &nl->strict;
	default: return NULL;
	}
}

/* Groups above 32 exist, for programs to join; nothing is ever sent to them. */
static int set_membership(struct nl_sock *nl, u32 group, bool join)
{
	u32 highest = nl->base.protocol == NETLINK_ROUTE ? RTNLGRP_MAX : 32;

	if (!group || group > highest)
		return -EINVAL;
	if (group > 32)
		return 0;
	if (join)
		nl->groups |= 1U << (group - 1);
	else
		nl->groups &= ~(1U << (group - 1));
	return 0;
}

static int netlink_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length)
{
	struct nl_sock *nl = nl_sk(sock);
	bool *flag = flag_option(nl, option);
	u32 word = 0;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (length >= sizeof(word) && get_user_u32(&word, value))
		return -EFAULT;
	if (option == NETLINK_ADD_MEMBERSHIP || option == NETLINK_DROP_MEMBERSHIP)
		return set_membership(nl, word, option == NETLINK_ADD_MEMBERSHIP);
	if (!flag)
		return -ENOPROTOOPT;
	if (option == NETLINK_LISTEN_ALL_NSID && !capable(CAP_NET_BROADCAST))
		return -EPERM;
	*flag = word != 0;
	if (option == NETLINK_NO_ENOBUFS && word)
		nl->congested = false;
	return 0;
}

static int netlink_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr)
{
	struct nl_sock *nl = nl_sk(sock);
	bool *flag = flag_option(nl, option);
	u32 length, word;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (get_user_u32(&length, length_ptr))
		return -EFAULT;
	if ((s32)length < 0)
		return -EINVAL;
	if (option == NETLINK_LIST_MEMBERSHIPS) {
		if (length >= sizeof(nl->groups) && copy_to_user(value, &nl->groups, sizeof(nl->groups)))
			return -EFAULT;
		return put_user_u32(length_ptr, ALIGN_UP((u32)RTNLGRP_MAX, 32U) / 8);
	}
	if (!flag)
		return -ENOPROTOOPT;
	if (length < sizeof(word))
		return -EINVAL;
	word = *flag;
	return put_user_u32(value, word) || put_user_u32(length_ptr, sizeof(word)) ? -EFAULT : 0;
}

static void netlink_release(struct socket *sock)
{
	struct nl_sock *nl = nl_sk(sock);
	struct nl_message *m;

	list_del(&nl->all_link);
	while (!list_empty(&nl->queue)) {
		m = list_first_entry(&nl->queue, struct nl_message, link);
		unqueue(nl, m);
		kfree(m);
	}
	socket_put(sock);
}

static void netlink_destroy(struct socket *sock) { kfree(nl_sk(sock)); }

void proc_net_netlink(struct seq_buffer *seq)
{
	struct nl_sock *nl;

	seq_puts(seq, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	list_for_each_entry(nl, &sockets, all_link)
		seq_printf(seq, "%016lx %-3d %-10u %08x %-8u %-8d %-5d %-8d %-8u %-8lu\n", (unsigned long)hash_u64((u64)nl),
			   nl->base.protocol, nl->port, nl->groups, nl->queued, 0, nl->dumping != 0, nl->base.count.count, nl->drops,
			   (unsigned long)nl->base.ino);
}

static const struct socket_ops netlink_ops = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.listen = netlink_listen,
	.accept = netlink_accept,
	.shutdown = netlink_shutdown,
	.getname = netlink_getname,
	.sendmsg = netlink_sendmsg,
	.recvmsg = netlink_recvmsg,
	.poll = netlink_poll,
	.ioctl = netlink_ioctl,
	.setsockopt = netlink_setsockopt,
	.getsockopt = netlink_getsockopt,
	.release = netlink_release,
	.destroy = netlink_destroy,
};
