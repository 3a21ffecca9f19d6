// SPDX-License-Identifier: Apache-2.0
/*
 * Urgent data: MSG_OOB sends a byte that stands in the stream like any other, and a mark at it. Unless SO_OOBINLINE is set, reading
 * goes over it, and recv(MSG_OOB) gets it, once. A receive never crosses the mark: it stops before it.
 */
#include "kernel/net/inet/tcp.h"
#include "kernel/vfs/event.h"

void tcp_urgent_arrives(struct tcp_sock *t, u64 at, u8 byte)
{
	/* The one before, if it is next to be read and nobody has: it is lost. */
	if (t->urgent != URGENT_NONE && t->urgent_at == t->in.head && !t->inet.base.oobinline && at > t->in.head)
		tcp_queue_take(&t->in, NULL, 1);
	t->urgent = URGENT_VALID;
	t->urgent_at = at;
	t->urgent_byte = byte;
	if (t->inet.base.file)
		file_signal_urgent(t->inet.base.file);
}

ssize_t tcp_receive_urgent(struct tcp_sock *t, struct message *msg)
{
	if (t->inet.transport)
		return t->inet.transport->receive(&t->inet, msg, NULL);
	if (t->inet.base.oobinline || t->urgent == URGENT_NONE || t->urgent == URGENT_READ)
		return -EINVAL;
	if (tcp_state(t) == TCP_CLOSE && !t->fin_seen)
		return -ENOTCONN;
	if (!(msg->flags & MSG_PEEK))
		t->urgent = URGENT_READ;
	msg->ret_flags |= MSG_OOB;
	if (!msg->iter->count) {
		msg->ret_flags |= MSG_TRUNC;
		return 0;
	}
	if (!(msg->flags & MSG_TRUNC) && copy_to_iter(msg->iter, &t->urgent_byte, 1) != 1)
		return -EFAULT;
	return 1;
}
