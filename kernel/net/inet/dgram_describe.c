// SPDX-License-Identifier: Apache-2.0
/* What those wait for who sleep on datagram sockets (sched/wait_info.h). The objects are the struct socket. */
#include "kernel/net/inet/dgram.h"
#include "kernel/sched/wait_info.h"

static bool is_socket(const struct file *file, const void *sock) { return file->ops == &socket_fops && file->private == sock; }

/* Of a connected socket: who has the other end's port. */
void dgram_wait_peers(struct wait_info *info, struct socket *sock)
{
	struct inet_endpoint *own = &dgram_sk(sock)->inet.end, *end;

	if (sock->state != SOCKET_CONNECTED || sock->type == SOCK_RAW || sock->protocol != IPPROTO_UDP)
		return;
	end = port_find_receiver(own->table, &own->remote, &own->local, 1);
	if (end)
		wait_info_openers(info, WAIT_PEER, is_socket, &dgram_of(end)->inet.base);
}

static void describe(const void *object, struct wait_info *info)
{
	const struct dgram_sock *s = dgram_sk((struct socket *)object);
	const struct inet_endpoint *end = &s->inet.end;
	char text[INET_TEXT];

	wait_info_printf(info, "socket:[%lu] %s", (unsigned long)s->inet.base.ino,
			 s->inet.base.type == SOCK_RAW ? "raw" : s->inet.base.protocol == IPPROTO_UDP ? "udp" : "ping");
	inet_print_name(&end->local, text, sizeof(text));
	wait_info_printf(info, " %s", text);
	if (s->inet.base.state == SOCKET_CONNECTED) {
		inet_print_name(&end->remote, text, sizeof(text));
		wait_info_printf(info, " to %s", text);
	}
	dgram_wait_peers(info, (struct socket *)object);
}

const struct wait_type dgram_read_wait = { "socket read", BLOCK_QUEUE, describe };
const struct wait_type dgram_write_wait = { "socket write", BLOCK_QUEUE, describe };
