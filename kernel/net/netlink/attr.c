// SPDX-License-Identifier: Apache-2.0
/* Attributes of netlink messages: type, length, value, in steps of four bytes. */
#include "kernel/net/netlink/netlink.h"

static void *reserve(struct nl_writer *w, size_t n)
{
	u8 *at = w->data + w->length;
	size_t room = ALIGN_UP(n, (size_t)4);

	if (w->failed || room > sizeof(w->data) - w->length) {
		w->failed = true;
		return NULL;
	}
	memset(at, 0, room);
	w->length += (u32)room;
	return at;
}

void *nl_begin(struct nl_writer *w, u16 type, u16 flags, u32 seq, u32 port, u32 size)
{
	struct nlmsghdr *header;

	w->length = 0;
	w->failed = false;
	header = reserve(w, NLMSG_HDRLEN + size);
	*header = (struct nlmsghdr){ .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = seq, .nlmsg_pid = port };
	return (u8 *)header + NLMSG_HDRLEN;
}

void nl_end(struct nl_writer *w)
{
	((struct nlmsghdr *)w->data)->nlmsg_len = w->length;
}

void nl_put(struct nl_writer *w, u16 type, const void *data, size_t length)
{
	struct nlattr *a = reserve(w, NLA_HDRLEN + length);

	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (u16)(NLA_HDRLEN + length);
	if (length)
		memcpy((u8 *)a + NLA_HDRLEN, data, length);
}

void nl_put_u8(struct nl_writer *w, u16 type, u8 value) { nl_put(w, type, &value, sizeof(value)); }
void nl_put_u32(struct nl_writer *w, u16 type, u32 value) { nl_put(w, type, &value, sizeof(value)); }
void nl_put_string(struct nl_writer *w, u16 type, const char *text) { nl_put(w, type, text, strlen(text) + 1); }

void nl_put_addr(struct nl_writer *w, u16 type, const struct inet_addr *addr)
{
	if (inet_is_v4(addr))
		nl_put(w, type, &addr->words[3], 4);
	else
		nl_put(w, type, addr->bytes, 16);
}

u32 nl_nest(struct nl_writer *w, u16 type)
{
	u32 start = w->length;

	nl_put(w, type, NULL, 0);
	return start;
}

void nl_nest_end(struct nl_writer *w, u32 nest)
{
	if (!w->failed)
		((struct nlattr *)(w->data + nest))->nla_len = (u16)(w->length - nest);
}

int nl_parse(struct nl_attrs *attrs, const u8 *data, u32 length)
{
	memset(attrs, 0, sizeof(*attrs));
	while (length >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)data;
		u32 type = a->nla_type & (u32)NLA_TYPE_MASK, step;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > length)
			return 0; /* what follows is ignored, as Linux does where it is not strict */
		if (type < NL_ATTRS_MAX)
			attrs->attr[type] = a;
		step = ALIGN_UP((u32)a->nla_len, 4U);
		if (step >= length)
			return 0;
		data += step;
		length -= step;
	}
	return 0;
}

int nl_get_u32(const struct nl_attrs *attrs, unsigned type, u32 *value)
{
	const struct nlattr *a = attrs->attr[type];

	if (!a)
		return 0;
	if (nl_length(a) < sizeof(*value))
		return -EINVAL;
	memcpy(value, nl_data(a), sizeof(*value));
	return 0;
}

int nl_get_name(const struct nl_attrs *attrs, unsigned type, char name[IFNAMSIZ])
{
	const struct nlattr *a = attrs->attr[type];
	u32 length;

	name[0] = 0;
	if (!a)
		return 0;
	length = nl_length(a);
	if (length && !((const char *)nl_data(a))[length - 1])
		length--;
	if (!length || length >= IFNAMSIZ)
		return -EINVAL;
	memcpy(name, nl_data(a), length);
	name[length] = 0;
	return 0;
}

int nl_get_addr(const struct nl_attrs *attrs, unsigned type, int family, struct inet_addr *addr)
{
	const struct nlattr *a = attrs->attr[type];
	u32 v4;

	if (!a)
		return 0;
	if (nl_length(a) < (family == AF_INET ? 4U : 16U))
		return -EINVAL;
	if (family == AF_INET) {
		memcpy(&v4, nl_data(a), sizeof(v4));
		*addr = inet_from_v4(net32(v4));
	} else {
		memcpy(addr->bytes, nl_data(a), 16);
	}
	return 1;
}
