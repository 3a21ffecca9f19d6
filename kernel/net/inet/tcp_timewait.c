// SPDX-License-Identifier: Apache-2.0
/*
 * TIME_WAIT: who closed first keeps the connection's ports for a minute. Nothing can arrive late here, so all that is left of it is
 * what programs see: bind(2) without SO_REUSEADDR is refused, and /proc/net/tcp shows it. connect(2) may have the ports at once.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/time/timer.h"

#define TIMEWAIT_TIME (60 * NSEC_PER_SEC)

struct timewait {
	struct inet_endpoint end;
	struct list_head link; /* oldest first */
	u64 expires;
};

s64 sysctl_tcp_max_tw_buckets = 32768;
static LIST_HEAD(waiting);
static s64 nr_waiting;
static struct ktimer timer;

static void timewait_free(struct timewait *tw)
{
	port_unbind(&tw->end);
	list_del(&tw->link);
	nr_waiting--;
	kfree(tw);
}

static void expire(struct ktimer *unused)
{
	struct timewait *tw = list_first_entry_or_null(&waiting, struct timewait, link);
	u64 now = ktime_get();

	while (tw && tw->expires <= now) {
		timewait_free(tw);
		tw = list_first_entry_or_null(&waiting, struct timewait, link);
	}
	if (tw)
		ktimer_arm(&timer, tw->expires);
}

void tcp_timewait_start(const struct inet_endpoint *end)
{
	const struct inet_socket *inet = inet_of((struct inet_endpoint *)end);
	struct timewait *tw;

	/* As on Linux, too many of them are closed at once. So are those without memory. */
	tw = nr_waiting < sysctl_tcp_max_tw_buckets ? kzalloc(sizeof(*tw)) : NULL;
	if (!tw)
		return;
	inet_endpoint_init(&tw->end, end->table);
	tw->end.local = end->local;
	tw->end.remote = end->remote;
	tw->end.device = end->device;
	tw->end.uid = end->uid;
	tw->end.family = end->family;
	tw->end.state = TCP_TIME_WAIT;
	tw->end.reuseaddr = inet->base.reuseaddr;
	tw->end.reuseport = inet->base.reuseport;
	tw->end.v6only = inet->options.v6only;
	port_share(&tw->end, (struct inet_endpoint *)end);
	if (!timer.expired)
		ktimer_init(&timer, expire);
	tw->expires = ktime_get() + TIMEWAIT_TIME;
	list_add_tail(&tw->link, &waiting);
	if (!nr_waiting++)
		ktimer_arm(&timer, tw->expires);
	port_disconnect((struct inet_endpoint *)end);
	port_connect(&tw->end);
}

void tcp_timewait_drop(struct inet_endpoint *end)
{
	timewait_free(container_of(end, struct timewait, end));
}

u64 tcp_timewait_left(const struct inet_endpoint *end)
{
	u64 expires = container_of(end, const struct timewait, end)->expires, now = ktime_get();

	return expires > now ? expires - now : 0;
}

s64 tcp_timewait_count(void) { return nr_waiting; }
