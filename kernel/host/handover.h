/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host descriptors that the monitor hands in while the container runs (include/abi/handover.h), and what the poll thread is to call when one of
 * them is ready. Everything here needs the kernel lock; nothing sleeps.
 */
#ifndef KERNEL_HOST_HANDOVER_H
#define KERNEL_HOST_HANDOVER_H

#include "include/abi/handover.h"
#include "kernel/kernel.h"
#include "lib/list.h"

/*
 * Something with a token of its own. From host_watch_add to host_watch_remove the poll thread calls `ready` with the EPOLL* bits of each
 * edge. The descriptor was in the epoll set before it was handed in, so an edge may have been missed before host_watch_add: try it once.
 */
struct host_watch {
	struct hlist_node link;
	u64 token;
	void (*ready)(struct host_watch *watch, unsigned events);
	/*
	 * A message came for this object (message->target is its token). The descriptor is the object's now; -EMFILE: there was none, or no
	 * room for it. May be NULL.
	 */
	void (*arrived)(struct host_watch *watch, const struct handover_message *message, int fd, const void *payload, size_t length);
};
void host_watch_add(struct host_watch *watch);
void host_watch_remove(struct host_watch *watch);

/*
 * The descriptor that came with @token; the caller closes it with host_close. The monitor sends before it answers, so after an answer that
 * names a token this does not wait. @ret_message may be NULL. -EMFILE: there was no room for it in the table of the sandbox, -ENOMEM, -ENOENT:
 * none was sent.
 */
int host_take_descriptor(u64 token, struct handover_message *ret_message);

/* For the poll thread: an event of the epoll set whose data is none of the standard streams. */
void host_watch_event(u64 data, unsigned events);

#endif
