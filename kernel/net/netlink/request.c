// SPDX-License-Identifier: Apache-2.0
/*
 * What a program sends to NETLINK_ROUTE: one or more messages in a datagram. Each that asks for an answer, or fails, gets an
 * NLMSG_ERROR behind its other answers. Changes take CAP_NET_ADMIN. A dump is made when it is asked for, so that it is of one moment; the
 * next one can be asked for when it has been read (EBUSY).
 */
#include <linux/sock_diag.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/netlink/netlink.h"

struct handler {
	u16 type;
	u16 size; /* of the family's header, which must be there */
	int (*single)(struct nl_request *r);
	int (*dump)(struct nl_request *r);
};

static int dump_nothing(struct nl_request *r) { return 0; }

static const struct handler handlers[] = {
	{ RTM_GETLINK, sizeof(struct ifinfomsg), nl_get_link, nl_dump_links },
	{ RTM_NEWLINK, sizeof(struct ifinfomsg), nl_set_link, NULL },
	{ RTM_SETLINK, sizeof(struct ifinfomsg), nl_set_link, NULL },
	{ RTM_GETADDR, sizeof(struct ifaddrmsg), NULL, nl_dump_addrs },
	{ RTM_NEWADDR, sizeof(struct ifaddrmsg), nl_new_addr, NULL },
	{ RTM_DELADDR, sizeof(struct ifaddrmsg), nl_del_addr, NULL },
	{ RTM_GETROUTE, sizeof(struct rtmsg), nl_get_route, nl_dump_routes },
	{ RTM_NEWROUTE, sizeof(struct rtmsg), nl_new_route, NULL },
	{ RTM_DELROUTE, sizeof(struct rtmsg), nl_del_route, NULL },
	{ RTM_GETNEIGH, 0, NULL, dump_nothing },
	{ RTM_GETNEIGHTBL, 0, NULL, dump_nothing },
	{ RTM_GETRULE, 0, NULL, nl_dump_rules },
	{ RTM_GETADDRLABEL, 0, NULL, dump_nothing },
	{ RTM_GETQDISC, 0, NULL, dump_nothing },
};

static const struct handler *find_handler(u16 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].type == type)
			return &handlers[i];
	return NULL;
}

static void flush(struct nl_request *r)
{
	if (r->nr_collected)
		nl_deliver(r->from, r->collected, r->nr_collected, 0, true);
	r->nr_collected = 0;
}

void nl_dump_add(struct nl_request *r)
{
	struct nl_writer *w = r->writer;

	nl_end(w);
	if (w->failed) {
		r->error = -EMSGSIZE;
		return;
	}
	if (r->nr_collected + w->length > NL_MESSAGE_MAX - 512)
		flush(r);
	memcpy(r->collected + r->nr_collected, w->data, w->length);
	r->nr_collected += w->length;
}

static int do_dump(struct nl_request *r, int (*dump)(struct nl_request *r))
{
	int error, *done;

	if (!dump)
		return -EOPNOTSUPP;
	if (r->from->dumping)
		return -EBUSY;
	r->collected = kmalloc(NL_MESSAGE_MAX);
	if (!r->collected)
		return -ENOBUFS;
	r->nr_collected = 0;
	error = dump(r);
	if (!error)
		error = r->error;
	done = nl_begin(r->writer, NLMSG_DONE, NLM_F_MULTI, r->header->nlmsg_seq, nl_port(r), sizeof(*done));
	*done = error;
	nl_dump_add(r);
	flush(r);
	kfree(r->collected);
	return 0;
}

static int handle_diag(struct nl_request *r, bool *ret_dump)
{
	int error;

	/* 18 and 19 are how TCP was asked for before there were other protocols. */
	if (r->header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return r->header->nlmsg_type == 18 || r->header->nlmsg_type == 19 ? -EOPNOTSUPP : -EINVAL;
	if (!r->length)
		return -EINVAL;
	if (!(r->header->nlmsg_flags & NLM_F_DUMP))
		return -EOPNOTSUPP;
	error = do_dump(r, nl_dump_sockets);
	*ret_dump = !error;
	return error;
}

/* 0 or an error: whether an acknowledgement is due is the caller's to see; *ret_dump: none is. */
static int handle_one(struct nl_request *r, bool *ret_dump)
{
	const struct nlmsghdr *h = r->header;
	const struct handler *handler = find_handler(h->nlmsg_type);
	bool get = (h->nlmsg_type & 3) == 2;

	if (h->nlmsg_type > RTM_MAX)
		return -EOPNOTSUPP;
	if (!r->length)
		return 0;
	if (!get && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (!handler)
		return -EOPNOTSUPP;
	if (get && h->nlmsg_flags & NLM_F_DUMP) {
		int error = do_dump(r, handler->dump);

		*ret_dump = !error;
		return error;
	}
	if (!handler->single)
		return -EOPNOTSUPP;
	if (r->length < handler->size)
		return -EINVAL;
	return handler->single(r);
}

static void acknowledge(struct nl_request *r, int error)
{
	const struct nlmsghdr *h = r->header;
	/* What does not fit is left out. */
	bool whole = error && !r->from->cap_ack && h->nlmsg_len <= NL_MESSAGE_MAX - 64;
	u32 copied = whole ? h->nlmsg_len - (u32)NLMSG_HDRLEN : 0;
	u16 flags = whole ? 0 : NLM_F_CAPPED;
	struct nlmsgerr *answer = nl_begin(r->writer, NLMSG_ERROR, flags, h->nlmsg_seq, nl_port(r), (u32)sizeof(*answer) + copied);

	answer->error = error;
	memcpy(&answer->msg, h, sizeof(*h) + copied);
	if (error && r->reason && r->from->ext_ack) {
		((struct nlmsghdr *)r->writer->data)->nlmsg_flags |= NLM_F_ACK_TLVS;
		nl_put_string(r->writer, NLMSGERR_ATTR_MSG, r->reason);
	}
	nl_end(r->writer);
	nl_deliver(r->from, r->writer->data, r->writer->length, 0, false);
}

void nl_handle(struct nl_sock *from, const u8 *data, u32 length)
{
	struct nl_request r = { .from = from, .net = current_net(), .writer = kmalloc(sizeof(*r.writer)) };

	if (!r.writer)
		return;
	while (length >= NLMSG_HDRLEN) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)data;
		bool dump = false;
		int error = 0;
		u32 step;

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > length)
			break;
		r.header = h;
		r.payload = data + NLMSG_HDRLEN;
		r.length = h->nlmsg_len - (u32)NLMSG_HDRLEN;
		r.error = 0;
		r.reason = NULL;
		if (h->nlmsg_flags & NLM_F_REQUEST && h->nlmsg_type >= NLMSG_MIN_TYPE)
			error = from->base.protocol == NETLINK_SOCK_DIAG ? handle_diag(&r, &dump) : handle_one(&r, &dump);
		if (!dump && (error || h->nlmsg_flags & NLM_F_ACK))
			acknowledge(&r, error);
		step = ALIGN_UP(h->nlmsg_len, 4U);
		if (step >= length)
			break;
		data += step;
		length -= step;
	}
	kfree(r.writer);
}
