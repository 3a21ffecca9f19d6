// SPDX-License-Identifier: Apache-2.0
/*
 * Descriptors in flight. A socket whose last descriptors were sent over sockets that are themselves only in
 * flight can never be received again: such cycles are found and dropped here.
 *
 * A socket in flight is a candidate if all references to its file are from messages. From the candidates we take
 * away the references that come from messages queued at candidates; one that keeps some is reachable from outside,
 * and so is all that its queue leads to. What is left is garbage: its messages are freed, which closes the files.
 *
 * A user may have no more descriptors in flight than RLIMIT_NOFILE, unless privileged (ETOOMANYREFS).
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"

struct flight_user {
	struct list_head link;
	uid_t uid;
	u64 nr;
};

unsigned nr_in_flight;
static LIST_HEAD(flights); /* unix_sock.flight_link */
static LIST_HEAD(flight_users);
static bool collecting;

static struct unix_sock *unix_of_file(struct file *file)
{
	struct socket *sock = socket_from_file(file);

	return sock && sock->domain == AF_UNIX ? unix_sk(sock) : NULL;
}

static struct flight_user *find_user(uid_t uid)
{
	struct flight_user *user;

	list_for_each_entry(user, &flight_users, link) {
		if (user->uid == uid)
			return user;
	}
	user = kzalloc(sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	list_add(&user->link, &flight_users);
	return user;
}

int flight_attach(struct scm_fds *fds)
{
	struct flight_user *user = find_user(fds->uid);

	if (!user)
		return -ENOMEM;
	if (user->nr > rlimit(RLIMIT_NOFILE) && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	user->nr += (u64)fds->nr;
	fds->in_flight = true;
	for (int i = 0; i < fds->nr; i++) {
		struct unix_sock *u = unix_of_file(fds->files[i]);

		if (u && !u->in_flight++) {
			list_add_tail(&u->flight_link, &flights);
			nr_in_flight++;
		}
	}
	return 0;
}

void flight_detach(struct scm_fds *fds)
{
	struct flight_user *user = find_user(fds->uid);

	if (!fds->in_flight)
		return;
	fds->in_flight = false;
	for (int i = 0; i < fds->nr; i++) {
		struct unix_sock *u = unix_of_file(fds->files[i]);

		if (u && !--u->in_flight) {
			list_del(&u->flight_link);
			nr_in_flight--;
		}
	}
	if (!user)
		return;
	user->nr -= (u64)fds->nr;
	if (!user->nr) {
		list_del(&user->link);
		kfree(user);
	}
}

typedef void visit_t(struct unix_sock *u, struct list_head *reachable);

static void visit_queue(struct unix_sock *u, visit_t *visit, struct list_head *reachable)
{
	struct unix_message *m;

	list_for_each_entry(m, &u->queue, link) {
		if (m->embryo)
			visit_queue(m->embryo, visit, reachable);
		for (int i = 0; m->fds && i < m->fds->nr; i++) {
			struct unix_sock *child = unix_of_file(m->fds->files[i]);

			if (child && child->gc_candidate)
				visit(child, reachable);
		}
	}
}

static void take_reference(struct unix_sock *u, struct list_head *reachable)
{
	u->gc_refs--;
}

static void mark_reachable(struct unix_sock *u, struct list_head *reachable)
{
	u->gc_candidate = false;
	list_move_tail(&u->flight_link, reachable);
}

static bool holds_garbage(const struct unix_message *m)
{
	for (int i = 0; m->fds && i < m->fds->nr; i++) {
		struct unix_sock *child = unix_of_file(m->fds->files[i]);

		if (child && child->gc_candidate)
			return true;
	}
	return false;
}

static void take_garbage(struct unix_sock *u, struct list_head *garbage)
{
	struct unix_message *m, *next;

	list_for_each_entry_safe(m, next, &u->queue, link) {
		if (m->embryo)
			take_garbage(m->embryo, garbage);
		if (holds_garbage(m)) {
			message_unqueue(u, m);
			list_add_tail(&m->link, garbage);
		}
	}
}

/* Leaves in `candidates` what only garbage refers to. */
static void find_garbage(struct list_head *candidates)
{
	LIST_HEAD(reachable);
	LIST_HEAD(seen);
	struct unix_sock *u, *next;

	list_for_each_entry_safe(u, next, &flights, flight_link) {
		u->gc_candidate = u->base.file && refcount_read(&u->base.file->count) == (int)u->in_flight;
		u->gc_refs = (int)u->in_flight;
		if (u->gc_candidate)
			list_move_tail(&u->flight_link, candidates);
	}
	list_for_each_entry(u, candidates, flight_link)
		visit_queue(u, take_reference, NULL);
	list_for_each_entry_safe(u, next, candidates, flight_link) {
		if (u->gc_refs > 0)
			mark_reachable(u, &reachable);
	}
	while (!list_empty(&reachable)) {
		u = list_first_entry(&reachable, struct unix_sock, flight_link);
		list_move_tail(&u->flight_link, &seen);
		visit_queue(u, mark_reachable, &reachable);
	}
	list_splice_tail(&seen, &flights);
}

void flight_collect(void)
{
	LIST_HEAD(candidates);
	LIST_HEAD(garbage);
	struct unix_message *m;
	struct unix_sock *u;

	if (collecting || !nr_in_flight)
		return;
	collecting = true;
	find_garbage(&candidates);
	list_for_each_entry(u, &candidates, flight_link)
		take_garbage(u, &garbage);
	list_for_each_entry(u, &candidates, flight_link)
		u->gc_candidate = false;
	list_splice_tail(&candidates, &flights);
	while (!list_empty(&garbage)) {
		m = list_first_entry(&garbage, struct unix_message, link);
		list_del(&m->link);
		message_free(m);
	}
	collecting = false;
}
