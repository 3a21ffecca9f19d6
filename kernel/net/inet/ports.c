// SPDX-License-Identifier: Apache-2.0
/*
 * Who has which port, and which connections there are: for each protocol a hash table of ports and one of connections.
 *
 * A port has an entry while somebody has it. Its owners are all sockets and closed connections with that local port; among them
 * stand the receivers: listeners, and datagram sockets. Two owners may have one port if their addresses do not overlap, if both have
 * SO_REUSEADDR and neither listens, or if both have SO_REUSEPORT and belong to the same user.
 */
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/inet.h"
#include "kernel/sys/random.h"

#define PORT_HEADS 1024
#define TUPLE_HEADS 16384

struct port_bucket {
	struct hlist_node link;
	u16 port;
	bool shared; /* taken by bind(2) at least once: connect(2) chooses another */
	struct list_head owners, receivers;
};

struct port_table {
	u32 last_port; /* where the search for an ephemeral port goes on; 0: not yet */
	struct hlist_head ports[PORT_HEADS];
	struct hlist_head tuples[TUPLE_HEADS];
};

__cold_data struct port_table tcp_ports, udp_ports, ping_ports;

void inet_endpoint_init(struct inet_endpoint *end, struct port_table *table)
{
	memset(end, 0, sizeof(*end));
	end->table = table;
	end->state = TCP_CLOSE;
	list_init(&end->bucket_link);
	list_init(&end->listen_link);
}

static bool reuses_addr(const struct inet_endpoint *end) { return end->is_socket ? inet_of((struct inet_endpoint *)end)->base.reuseaddr : end->reuseaddr; }
static bool reuses_port(const struct inet_endpoint *end) { return end->is_socket ? inet_of((struct inet_endpoint *)end)->base.reuseport : end->reuseport; }
static bool is_v6only(const struct inet_endpoint *end) { return end->is_socket ? inet_of((struct inet_endpoint *)end)->options.v6only : end->v6only; }

static struct port_bucket *bucket_find(struct port_table *table, u16 port)
{
	struct port_bucket *bucket;

	hlist_for_each_entry(bucket, &table->ports[port % PORT_HEADS], link)
		if (bucket->port == port)
			return bucket;
	return NULL;
}

static struct port_bucket *bucket_get(struct port_table *table, u16 port)
{
	struct port_bucket *bucket = bucket_find(table, port);

	if (bucket)
		return bucket;
	bucket = kzalloc(sizeof(*bucket));
	if (!bucket)
		return NULL;
	bucket->port = port;
	list_init(&bucket->owners);
	list_init(&bucket->receivers);
	hlist_add(&bucket->link, &table->ports[port % PORT_HEADS]);
	return bucket;
}

static void bucket_put(struct port_bucket *bucket)
{
	if (!list_empty(&bucket->owners))
		return;
	hlist_del(&bucket->link);
	kfree(bucket);
}

static void bucket_join(struct port_bucket *bucket, struct inet_endpoint *end)
{
	end->bucket = bucket;
	end->local.port = bucket->port;
	list_add_tail(&end->bucket_link, &bucket->owners);
}

/* Whatever comes to `addr` may be meant for one that is bound as `end` is. */
static bool covers(const struct inet_endpoint *end, const struct inet_addr *addr)
{
	if (inet_is_any6(&end->local.addr))
		return !is_v6only(end) || !inet_is_v4(addr);
	if (inet_is_any4(&end->local.addr))
		return inet_is_v4(addr);
	return inet_equal(&end->local.addr, addr);
}

static bool overlap(const struct inet_endpoint *a, const struct inet_endpoint *b)
{
	if (a->device && b->device && a->device != b->device)
		return false;
	return covers(a, &b->local.addr) || covers(b, &a->local.addr);
}

/* `strict`: a port that is to be chosen, for which sharing is not asked. */
static bool conflict(const struct inet_endpoint *end, const struct inet_endpoint *other, bool strict)
{
	if (other == end || !overlap(end, other))
		return false;
	if (reuses_addr(end) && reuses_addr(other) && other->state != TCP_LISTEN && !strict)
		return false;
	return strict || !reuses_port(end) || !reuses_port(other) || (other->state != TCP_TIME_WAIT && end->uid != other->uid);
}

static bool any_conflict(const struct port_bucket *bucket, const struct inet_endpoint *end, bool strict)
{
	const struct inet_endpoint *other;

	list_for_each_entry(other, &bucket->owners, bucket_link)
		if (conflict(end, other, strict))
			return true;
	return false;
}

static void port_range(const struct net *net, u32 wanted, u32 *ret_low, u32 *ret_nr)
{
	u32 low = (u32)net->port_low, high = (u32)net->port_high;

	if (wanted & 0xffff)
		low = max(low, wanted & 0xffff);
	if (wanted >> 16)
		high = min(high, wanted >> 16);
	*ret_low = low;
	*ret_nr = high >= low ? high - low + 1 : 0;
}

/* The next port to try: they are used in turn, from a random one on, so that one is free at once as long as few are taken. */
static u16 next_port(struct port_table *table, u32 low, u32 nr)
{
	if (!table->last_port)
		get_random_bytes(&table->last_port, sizeof(table->last_port));
	return (u16)(low + table->last_port++ % nr);
}

static int bind_ephemeral(struct net *net, struct inet_endpoint *end)
{
	u32 low, nr;

	port_range(net, end->is_socket ? inet_of(end)->options.port_range : 0, &low, &nr);
	/* First a port that nobody has; then one that can be shared. */
	for (int strict = 1; strict >= 0; strict--) {
		for (u32 i = 0; i < nr; i++) {
			u16 port = next_port(end->table, low, nr);
			struct port_bucket *bucket = bucket_find(end->table, port);

			if (bucket && (!end->is_socket || any_conflict(bucket, end, strict)))
				continue;
			bucket = bucket_get(end->table, port);
			if (!bucket)
				return -ENOMEM;
			bucket->shared = true;
			bucket_join(bucket, end);
			return 0;
		}
		if (!reuses_addr(end))
			break;
	}
	return -EADDRINUSE;
}

int port_bind(struct net *net, struct inet_endpoint *end, u16 port)
{
	struct port_bucket *bucket;

	if (!port)
		return bind_ephemeral(net, end);
	bucket = bucket_get(end->table, port);
	if (!bucket)
		return -ENOMEM;
	if (any_conflict(bucket, end, false))
		return -EADDRINUSE;
	bucket->shared = true;
	bucket_join(bucket, end);
	return 0;
}

void port_share(struct inet_endpoint *end, struct inet_endpoint *with)
{
	bucket_join(with->bucket, end);
}

int port_receive(struct inet_endpoint *end, bool check)
{
	if (check && any_conflict(end->bucket, end, false))
		return -EADDRINUSE;
	if (list_empty(&end->listen_link))
		list_add_tail(&end->listen_link, &end->bucket->receivers);
	return 0;
}

void port_stop_receiving(struct inet_endpoint *end)
{
	list_del(&end->listen_link);
}

void port_disconnect(struct inet_endpoint *end)
{
	hlist_del(&end->tuple_link);
}

void port_unbind(struct inet_endpoint *end)
{
	struct port_bucket *bucket = end->bucket;

	port_disconnect(end);
	port_stop_receiving(end);
	if (!bucket)
		return;
	end->bucket = NULL;
	list_del(&end->bucket_link);
	bucket_put(bucket);
}

static u64 tuple_hash(const struct inet_name *a, const struct inet_name *b)
{
	return hash_u64(a->addr.halves[1] * 31 + b->addr.halves[1] + a->addr.halves[0] + b->addr.halves[0] * 7 +
			((u64)a->port << 48 | (u64)b->port << 24) * 0x9e3779b97f4a7c15ULL);
}

static struct hlist_head *tuple_head(struct port_table *table, const struct inet_name *local, const struct inet_name *remote)
{
	return &table->tuples[tuple_hash(local, remote) % TUPLE_HEADS];
}

struct inet_endpoint *port_find_connection(struct port_table *table, const struct inet_name *local, const struct inet_name *remote)
{
	struct inet_endpoint *end;

	hlist_for_each_entry(end, tuple_head(table, local, remote), tuple_link)
		if (end->local.port == local->port && end->remote.port == remote->port && inet_equal(&end->local.addr, &local->addr) &&
		    inet_equal(&end->remote.addr, &remote->addr))
			return end;
	return NULL;
}

int port_connect(struct inet_endpoint *end)
{
	struct inet_endpoint *other = port_find_connection(end->table, &end->local, &end->remote);

	/* No old segment can still be on its way: what waits is only remembered for bind(2). */
	if (other && other->state == TCP_TIME_WAIT)
		tcp_timewait_drop(other);
	else if (other && end->table == &tcp_ports)
		return -EADDRNOTAVAIL;
	hlist_add(&end->tuple_link, tuple_head(end->table, &end->local, &end->remote));
	return 0;
}

int port_connect_ephemeral(struct net *net, struct inet_endpoint *end, u32 wanted)
{
	u32 low, nr;

	port_range(net, wanted, &low, &nr);
	for (u32 i = 0; i < nr; i++) {
		u16 port = next_port(end->table, low, nr);
		struct port_bucket *bucket = bucket_find(end->table, port);

		/* One's own destination: the socket would be connected to itself. */
		if ((bucket && bucket->shared) || (port == end->remote.port && inet_equal(&end->local.addr, &end->remote.addr)))
			continue;
		end->local.port = port;
		bucket = bucket_get(end->table, port);
		if (!bucket)
			return -ENOMEM;
		bucket_join(bucket, end);
		if (!port_connect(end))
			return 0;
		port_unbind(end);
		end->local.port = 0;
	}
	return -EADDRNOTAVAIL;
}

/* How well a receiver fits; 0: not at all. */
static int score(struct inet_endpoint *end, const struct inet_name *to, const struct inet_name *from, int device)
{
	int points = 1;

	if (!covers(end, &to->addr) || (end->device && end->device != device))
		return 0;
	if (!inet_is_any(&end->local.addr))
		points += 4;
	else if (inet_is_v4(&end->local.addr))
		points += 1;
	if (end->device)
		points += 4;
	if (end->remote.port) {
		if (end->remote.port != from->port || !inet_equal(&end->remote.addr, &from->addr))
			return 0;
		points += 8;
	}
	return points;
}

struct inet_endpoint *port_find_receiver(struct port_table *table, const struct inet_name *to, const struct inet_name *from, int device)
{
	struct port_bucket *bucket = bucket_find(table, to->port);
	struct inet_endpoint *end, *best = NULL;
	u32 sharing = 0;
	int most = 0;

	if (!bucket)
		return NULL;
	list_for_each_entry(end, &bucket->receivers, listen_link) {
		int points = score(end, to, from, device);

		if (points > most) {
			best = end;
			most = points;
			sharing = 1;
		} else if (points && points == most && reuses_port(end) && reuses_port(best)) {
			sharing++;
		} else if (points && points == most && !reuses_port(best)) {
			/* SO_REUSEADDR: the last one that was bound. */
			best = end;
		}
	}
	if (sharing <= 1)
		return best;
	sharing = (u32)(tuple_hash(to, from) >> 32) % sharing;
	list_for_each_entry(end, &bucket->receivers, listen_link)
		if (reuses_port(end) && score(end, to, from, device) == most && !sharing--)
			return end;
	return best;
}

struct inet_endpoint *port_next_receiver(struct port_table *table, const struct inet_name *to, const struct inet_name *from, int device,
					 struct inet_endpoint *after)
{
	struct port_bucket *bucket = after ? after->bucket : bucket_find(table, to->port);
	struct list_head *link;

	if (!bucket)
		return NULL;
	for (link = after ? after->listen_link.next : bucket->receivers.next; link != &bucket->receivers; link = link->next) {
		struct inet_endpoint *end = list_entry(link, struct inet_endpoint, listen_link);

		if (score(end, to, from, device))
			return end;
	}
	return NULL;
}

struct inet_endpoint *port_next(struct port_table *table, struct inet_endpoint *after)
{
	struct port_bucket *bucket = after ? after->bucket : NULL;
	u32 head = 0;

	if (after && after->bucket_link.next != &bucket->owners)
		return list_next_entry(after, bucket_link);
	if (bucket) {
		head = bucket->port % PORT_HEADS;
		bucket = hlist_entry_or_null(bucket->link.next, struct port_bucket, link);
		if (!bucket)
			head++;
	}
	for (; !bucket && head < PORT_HEADS; head++)
		bucket = hlist_entry_or_null(table->ports[head].first, struct port_bucket, link);
	return bucket ? list_first_entry(&bucket->owners, struct inet_endpoint, bucket_link) : NULL;
}
