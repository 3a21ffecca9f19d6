// SPDX-License-Identifier: Apache-2.0
/* What those wait for who sleep on TCP sockets (sched/wait_info.h). The objects are the struct socket. */
#include "kernel/net/inet/tcp.h"
#include "kernel/sched/wait_info.h"

static void put_ends(struct wait_info *info, const struct inet_endpoint *end)
{
	char text[INET_TEXT];

	inet_print_name(&end->local, text, sizeof(text));
	wait_info_printf(info, " tcp %s", text);
	if (!end->remote.port)
		return;
	inet_print_name(&end->remote, text, sizeof(text));
	wait_info_printf(info, " to %s", text);
}

static void put_socket(struct wait_info *info, struct socket *sock)
{
	wait_info_printf(info, "socket:[%lu]", (unsigned long)sock->ino);
	put_ends(info, &tcp_sk(sock)->inet.end);
	if (tcp_sk(sock)->inet.transport)
		wait_info_printf(info, " (outside)");
}

static bool is_socket(const struct file *file, const void *sock) { return file->ops == &socket_fops && file->private == sock; }

void tcp_wait_peers(struct wait_info *info, struct socket *sock)
{
	struct tcp_sock *peer = tcp_sk(sock)->peer;

	if (peer)
		wait_info_openers(info, WAIT_PEER, is_socket, sock_of(peer));
}

static void describe_transfer(const void *object, struct wait_info *info)
{
	struct socket *sock = (struct socket *)object;

	put_socket(info, sock);
	if (tcp_sk(sock)->peer && !sock_of(tcp_sk(sock)->peer)->file)
		wait_info_printf(info, ", not accepted yet");
	tcp_wait_peers(info, sock);
}

static void describe_accept(const void *object, struct wait_info *info)
{
	put_socket(info, (struct socket *)object);
	wait_info_printf(info, ", a connection");
}

static void describe_connect(const void *object, struct wait_info *info)
{
	struct socket *sock = (struct socket *)object;
	struct tcp_sock *listener = tcp_sk(sock)->listener;

	put_socket(info, sock);
	if (!listener)
		return;
	wait_info_printf(info, ", whose listener has %d connections waiting", listener->nr_accept);
	wait_info_openers(info, WAIT_PEER, is_socket, sock_of(listener));
}

static void describe_linger(const void *object, struct wait_info *info)
{
	put_socket(info, (struct socket *)object);
	wait_info_printf(info, ", that the other end reads what was sent");
	tcp_wait_peers(info, (struct socket *)object);
}

const struct wait_type tcp_read_wait = { "socket read", BLOCK_QUEUE, describe_transfer };
const struct wait_type tcp_write_wait = { "socket write", BLOCK_QUEUE, describe_transfer };
const struct wait_type tcp_accept_wait = { "accept", BLOCK_QUEUE, describe_accept };
const struct wait_type tcp_connect_wait = { "connect", BLOCK_QUEUE, describe_connect };
const struct wait_type tcp_linger_wait = { "close", BLOCK_QUEUE, describe_linger };
