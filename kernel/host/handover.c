/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's end of the socket over which the monitor hands in descriptors.
 *
 * Whoever needs one fetches everything that has come. What somebody else asked for is kept until he takes it; what is for an object (a
 * connection for its listener) goes to that one at once. The poll thread fetches when nobody asks.
 */
#include "kernel/host/handover.h"

#include <linux/eventpoll.h>

#include "host.gen.h"
#include "kernel/host/monitor.h"
#include "kernel/mm/alloc.h"

#define WATCH_BUCKETS 1024U
#define HOST_SOL_SOCKET 1
#define HOST_SCM_RIGHTS 1
#define HOST_MSG_CTRUNC 0x8
#define HOST_RECEIVE (0x40 | 0x40000000) /* MSG_DONTWAIT|MSG_CMSG_CLOEXEC: what the filter allows */

struct host_piece {
	void *base;
	u64 length;
};

struct host_msghdr {
	void *name;
	u32 name_length;
	struct host_piece *pieces;
	u64 nr_pieces;
	void *control;
	u64 control_length;
	s32 flags;
};

struct host_control {
	u64 length;
	s32 level, type;
	s32 fd, pad;
};

struct arrival {
	struct list_head link;
	struct handover_message message;
	int fd; /* or -errno */
};

static LIST_HEAD(arrivals);
static u8 payload[HANDOVER_PAYLOAD] __cold_data;
static struct hlist_head watches[WATCH_BUCKETS] __cold_data;

static struct host_watch *find_watch(u64 token)
{
	struct host_watch *watch;

	hlist_for_each_entry(watch, &watches[token % WATCH_BUCKETS], link)
		if (watch->token == token)
			return watch;
	return NULL;
}

void host_watch_add(struct host_watch *watch)
{
	hlist_add(&watch->link, &watches[watch->token % WATCH_BUCKETS]);
}

void host_watch_remove(struct host_watch *watch)
{
	hlist_del(&watch->link);
}

static void drop(int fd)
{
	if (fd >= 0)
		host_close(fd);
}

/* 1: one packet was taken in, 0: there is none. What is behind the message is in `payload`. */
static int receive_one(struct handover_message *message, int *ret_fd, size_t *ret_length)
{
	struct host_piece pieces[2] = { { message, sizeof(*message) }, { payload, sizeof(payload) } };
	struct host_control control = { 0 };
	struct host_msghdr header = { NULL, 0, pieces, 2, &control, sizeof(control), 0 };
	long length;

	do
		length = host_recvmsg(boot->handover_fd, &header, HOST_RECEIVE);
	while (length == -EINTR);
	if (length <= 0)
		return 0;
	*ret_fd = -EMFILE;
	if (header.control_length >= offsetof(struct host_control, pad) && control.level == HOST_SOL_SOCKET && control.type == HOST_SCM_RIGHTS)
		*ret_fd = control.fd;
	*ret_length = (size_t)length - sizeof(*message);
	if (length >= (long)sizeof(*message))
		return 1;
	drop(*ret_fd);
	memset(message, 0, sizeof(*message));
	*ret_length = 0;
	*ret_fd = -EINVAL;
	return 1;
}

static void keep(const struct handover_message *message, int fd)
{
	struct arrival *arrival = kmalloc(sizeof(*arrival));

	if (!arrival) {
		drop(fd);
		return;
	}
	arrival->message = *message;
	arrival->fd = fd;
	list_add_tail(&arrival->link, &arrivals);
}

static void receive_all(void)
{
	struct handover_message message;
	size_t length;
	int fd;

	while (receive_one(&message, &fd, &length)) {
		struct host_watch *watch = message.target ? find_watch(message.target) : NULL;

		if (!message.target)
			keep(&message, fd);
		else if (watch && watch->arrived)
			watch->arrived(watch, &message, fd, payload, length);
		else
			drop(fd); /* its listener is gone */
	}
}

int host_take_descriptor(u64 token, struct handover_message *ret_message)
{
	struct arrival *arrival;
	int fd;

	receive_all();
	list_for_each_entry(arrival, &arrivals, link) {
		if (arrival->message.token != token)
			continue;
		fd = arrival->fd;
		if (ret_message)
			*ret_message = arrival->message;
		list_del(&arrival->link);
		kfree(arrival);
		return fd;
	}
	return -ENOENT;
}

void host_watch_event(u64 data, unsigned events)
{
	struct host_watch *watch;

	if (data == EPOLL_DATA_HANDOVER) {
		receive_all();
		return;
	}
	watch = find_watch(data);
	if (watch && watch->ready)
		watch->ready(watch, events);
}
