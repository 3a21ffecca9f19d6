/* SPDX-License-Identifier: Apache-2.0 */
/* What those wait for who sleep on AF_UNIX sockets (sched/wait_info.h). */
#include "kernel/net/unix/unix.h"
#include "kernel/sched/wait_info.h"

static void put_name(struct wait_info *info, const struct unix_sock *u)
{
	const struct unix_address *address = u->address;

	if (!address || address->length <= (int)UNIX_PATH_OFFSET)
		return;
	if (address->name.sun_path[0])
		wait_info_printf(info, " %.*s", address->length - (int)UNIX_PATH_OFFSET, address->name.sun_path);
	else
		wait_info_printf(info, " @%.*s", address->length - (int)UNIX_PATH_OFFSET - 1, address->name.sun_path + 1);
}

static void put_socket(struct wait_info *info, struct socket *sock)
{
	wait_info_printf(info, "socket:[%lu]", (unsigned long)sock->ino);
	put_name(info, unix_sk(sock));
}

static bool is_socket(const struct file *file, const void *sock) { return file->ops == &socket_fops && file->private == sock; }

void unix_wait_peers(struct wait_info *info, struct socket *sock)
{
	struct unix_sock *peer = unix_sk(sock)->peer;

	if (peer)
		wait_info_openers(info, WAIT_PEER, is_socket, &peer->base);
}

static void describe_transfer(const void *object, struct wait_info *info)
{
	struct socket *sock = (struct socket *)object;
	struct unix_sock *peer = unix_sk(sock)->peer;

	put_socket(info, sock);
	if (peer) {
		wait_info_printf(info, ", other end ");
		put_socket(info, &peer->base);
	}
	unix_wait_peers(info, sock);
}

/* It is the others who are to empty this one's queue. */
static void describe_full(const void *object, struct wait_info *info)
{
	struct unix_sock *to = (struct unix_sock *)object;

	put_socket(info, &to->base);
	wait_info_printf(info, ", whose queue is full");
	wait_info_openers(info, WAIT_PEER, is_socket, &to->base);
}

static void describe_accept(const void *object, struct wait_info *info)
{
	put_socket(info, (struct socket *)object);
	wait_info_printf(info, ", a connection");
}

const struct wait_type unix_read_wait = { "socket read", BLOCK_QUEUE, describe_transfer };
const struct wait_type unix_write_wait = { "socket write", BLOCK_QUEUE, describe_transfer };
const struct wait_type unix_accept_wait = { "accept", BLOCK_QUEUE, describe_accept };
const struct wait_type unix_connect_wait = { "connect", BLOCK_QUEUE, describe_full };
const struct wait_type unix_send_wait = { "socket write", BLOCK_QUEUE, describe_full };
