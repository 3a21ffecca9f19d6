// SPDX-License-Identifier: Apache-2.0
/*
 * Message buffers. What a socket has sent and nobody has read counts against its SO_SNDBUF, with an overhead
 * per message as on Linux, so that many tiny messages fill it too. Freed buffers of the common sizes are kept.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"

#define CACHE_NONE 0xff

static struct {
	u32 size; /* with the header */
	u32 most; /* kept free */
	u32 nr;
	struct list_head free;
} caches[] = {
	{ .size = 256, .most = 256 },
	{ .size = 1024, .most = 128 },
	{ .size = 8192, .most = 32 },
	{ .size = 32768 + 4096, .most = 16 },
};

static struct unix_message *buffer_alloc(u32 size)
{
	struct unix_message *m;

	for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
		if (size > caches[i].size)
			continue;
		if (caches[i].nr) {
			m = list_first_entry(&caches[i].free, struct unix_message, link);
			list_del(&m->link);
			caches[i].nr--;
			return m;
		}
		m = kmalloc(caches[i].size);
		if (m)
			m->cache = (u8)i;
		return m;
	}
	m = kmalloc(size);
	if (m)
		m->cache = CACHE_NONE;
	return m;
}

static void buffer_free(struct unix_message *m)
{
	u8 i = m->cache;

	if (i == CACHE_NONE || caches[i].nr >= caches[i].most) {
		kfree(m);
		return;
	}
	if (!caches[i].free.next)
		list_init(&caches[i].free);
	list_add(&m->link, &caches[i].free);
	caches[i].nr++;
}

/* What a message costs its sender: the data in steps of a heap block, and a constant. */
static u32 message_cost(u32 length)
{
	return 256 + (u32)ROUND_UP(length + 320, 512);
}

struct unix_message *message_alloc(struct unix_sock *sender, u32 length)
{
	struct unix_message *m = buffer_alloc(length + (u32)sizeof(*m));

	if (!m)
		return NULL;
	m->length = length;
	m->offset = 0;
	m->truesize = message_cost(length);
	m->has_cred = m->mark = false;
	m->fds = NULL;
	m->stamp = 0;
	m->embryo = NULL;
	list_init(&m->link);
	m->sender = unix_get(sender);
	sender->wmem += m->truesize;
	return m;
}

void message_free(struct unix_message *m)
{
	struct unix_sock *sender = m->sender;
	struct scm_fds *fds = m->fds;

	buffer_free(m);
	sender->wmem -= m->truesize;
	if (wait_queue_active(&sender->base.write_wait) && unix_writable(sender))
		wake_up_common(&sender->base.write_wait, 0, POLL_OUT | EPOLLWRBAND);
	unix_put(sender);
	if (unlikely(fds)) {
		flight_detach(fds);
		scm_fds_free(fds);
	}
}

void message_queue(struct unix_sock *to, struct unix_message *m)
{
	list_add_tail(&m->link, &to->queue);
	to->queue_length++;
	to->queue_bytes += m->length;
}

void message_unqueue(struct unix_sock *from, struct unix_message *m)
{
	list_del(&m->link);
	if (unlikely(from->oob == m))
		from->oob = NULL;
	from->queue_length--;
	from->queue_bytes -= m->length;
}

int unix_wait_room(struct unix_sock *u, bool nonblock)
{
	struct socket *sock = &u->base;
	u64 deadline = NEVER;
	long ret;

	for (;;) {
		if (unlikely(sock->error))
			return socket_take_error(sock);
		if (unlikely(sock->shutdown & SEND_SHUTDOWN))
			return -EPIPE;
		if (likely((int)u->wmem < sock->sndbuf))
			return 0;
		if (nonblock || !sock->sndtimeo)
			return -EAGAIN;
		if (sock->sndtimeo != NEVER && deadline == NEVER)
			deadline = socket_deadline(sock->sndtimeo);
		ret = wait_event_interruptible_until(&sock->write_wait, &unix_write_wait, sock, deadline,
						     sock->error || sock->shutdown & SEND_SHUTDOWN ||
							     (int)u->wmem < sock->sndbuf);
		if (ret)
			return socket_wait_error(ret, sock->sndtimeo);
	}
}

/* Credentials travel only if one of the two ends wants them, or the sender gave some. */
void message_set_cred(struct unix_message *m, const struct scm *scm, const struct unix_sock *from, const struct unix_sock *to)
{
	const struct socket *a = &from->base, *b = &to->base;

	if (likely(!scm->explicit_cred && b->file && !(a->passcred | a->passpidfd | b->passcred | b->passpidfd)))
		return;
	m->has_cred = true;
	m->cred_start = scm->start;
	m->cred = scm->cred;
}

void message_get_cred(const struct unix_message *m, struct scm *scm)
{
	scm->start = m->has_cred ? m->cred_start : 0;
	scm->cred = m->has_cred ? m->cred : (struct user_cred){ 0, OVERFLOW_ID, OVERFLOW_ID };
}
