// SPDX-License-Identifier: Apache-2.0
/* NETLINK_ROUTE: names and ports of sockets, dumps and single requests, changes and who hears of them, errors; interface ioctls. */
#include "test.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static int route_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	struct timeval tv = { 5, 0 };

	if (bind(fd, (void *)&a, sizeof(a)))
		say("bind: %s", error_name(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

/* A request with a family's header and attributes. */
struct request {
	struct nlmsghdr h;
	char body[512];
};

static void start(struct request *r, int type, int flags, const void *header, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_type = (unsigned short)type;
	r->h.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	r->h.nlmsg_seq = 7;
	r->h.nlmsg_len = (unsigned)NLMSG_LENGTH(size);
	memcpy(r->body, header, size);
}

static void add(struct request *r, int type, const void *data, size_t length)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(length);
	memcpy(RTA_DATA(a), data, length);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + (unsigned)RTA_ALIGN(a->rta_len);
}

static const char *address(int family, const void *data)
{
	static char text[64];

	return inet_ntop(family, data, text, sizeof(text));
}

static void show_link(struct nlmsghdr *h)
{
	struct ifinfomsg *i = NLMSG_DATA(h);
	int left = (int)IFLA_PAYLOAD(h);

	say("link %d type %d flags %x", i->ifi_index, i->ifi_type, i->ifi_flags);
	for (struct rtattr *a = IFLA_RTA(i); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_IFNAME || a->rta_type == IFLA_QDISC)
			say("  %d: %s", a->rta_type, (char *)RTA_DATA(a));
		else if (a->rta_type == IFLA_MTU || a->rta_type == IFLA_TXQLEN || a->rta_type == IFLA_GROUP || a->rta_type == IFLA_NUM_TX_QUEUES)
			say("  %d: %u", a->rta_type, *(unsigned *)RTA_DATA(a));
		else if (a->rta_type == IFLA_OPERSTATE || a->rta_type == IFLA_LINKMODE || a->rta_type == IFLA_CARRIER)
			say("  %d: %d", a->rta_type, *(unsigned char *)RTA_DATA(a));
		else if (a->rta_type == IFLA_ADDRESS || a->rta_type == IFLA_BROADCAST)
			say("  %d: %d bytes, first %d", a->rta_type, (int)RTA_PAYLOAD(a), *(unsigned char *)RTA_DATA(a));
	}
}

static void show_addr(struct nlmsghdr *h)
{
	struct ifaddrmsg *i = NLMSG_DATA(h);
	int left = (int)IFA_PAYLOAD(h);

	say("addr family %d /%d flags %x scope %d on %d", i->ifa_family, i->ifa_prefixlen, i->ifa_flags, i->ifa_scope, i->ifa_index);
	for (struct rtattr *a = IFA_RTA(i); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL || a->rta_type == IFA_BROADCAST)
			say("  %d: %s", a->rta_type, address(i->ifa_family, RTA_DATA(a)));
		else if (a->rta_type == IFA_LABEL)
			say("  label %s", (char *)RTA_DATA(a));
		else if (a->rta_type == IFA_FLAGS)
			say("  flags %x", *(unsigned *)RTA_DATA(a));
		else if (a->rta_type == IFA_CACHEINFO)
			say("  valid %u", ((struct ifa_cacheinfo *)RTA_DATA(a))->ifa_valid);
	}
}

static void show_route(struct nlmsghdr *h)
{
	struct rtmsg *i = NLMSG_DATA(h);
	int left = (int)RTM_PAYLOAD(h);

	say("route family %d /%d table %d protocol %d scope %d type %d flags %x", i->rtm_family, i->rtm_dst_len, i->rtm_table, i->rtm_protocol,
	    i->rtm_scope, i->rtm_type, i->rtm_flags);
	for (struct rtattr *a = RTM_RTA(i); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_DST || a->rta_type == RTA_PREFSRC || a->rta_type == RTA_GATEWAY)
			say("  %d: %s", a->rta_type, address(i->rtm_family, RTA_DATA(a)));
		else if (a->rta_type == RTA_OIF || a->rta_type == RTA_PRIORITY || a->rta_type == RTA_TABLE)
			say("  %d: %u", a->rta_type, *(unsigned *)RTA_DATA(a));
	}
}

static void show_message(struct nlmsghdr *h)
{
	say("message %d flags %x seq %u to us %d", h->nlmsg_type, h->nlmsg_flags & ~NLM_F_DUMP_FILTERED, h->nlmsg_seq, h->nlmsg_pid == (unsigned)getpid());
	switch (h->nlmsg_type) {
	case NLMSG_ERROR: {
		struct nlmsgerr *e = NLMSG_DATA(h);

		say("  error %s of a %d with %u bytes, length %u", e->error ? error_name(-e->error) : "0", e->msg.nlmsg_type, e->msg.nlmsg_len,
		    h->nlmsg_flags & 0x200 ? 0 : h->nlmsg_len);
		break;
	}
	case NLMSG_DONE: say("  done %d", *(int *)NLMSG_DATA(h)); break;
	case RTM_NEWLINK: show_link(h); break;
	case RTM_NEWADDR: case RTM_DELADDR: show_addr(h); break;
	case RTM_NEWROUTE: case RTM_DELROUTE: show_route(h); break;
	case RTM_NEWRULE: say("  family %d table %d", ((struct rtmsg *)NLMSG_DATA(h))->rtm_family, ((struct rtmsg *)NLMSG_DATA(h))->rtm_table); break;
	}
}

/* Shows what comes until an error, an acknowledgement or the end of a dump. */
static void show_answer(int fd)
{
	static char buffer[32768];

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t length = sizeof(from);
		long n = recvfrom(fd, buffer, sizeof(buffer), 0, (void *)&from, &length);

		if (n < 0) {
			say("recv: %s", error_name(errno));
			return;
		}
		for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			show_message(h);
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR || !(h->nlmsg_flags & NLM_F_MULTI))
				return;
		}
	}
}

static void ask(int fd, struct request *r)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(fd, r, r->h.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) != (long)r->h.nlmsg_len)
		say("send: %s", error_name(errno));
	show_answer(fd);
}

static void dump(int fd, int type, int family)
{
	struct rtgenmsg g = { .rtgen_family = (unsigned char)family };
	struct request r;

	say("-- dump %d family %d", type, family);
	start(&r, type, NLM_F_DUMP, &g, sizeof(g));
	ask(fd, &r);
}

static void names(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK }, b;
	socklen_t length = sizeof(b);
	int fd, other, value = 1, pair[2];
	char c;

	SECTION("sockets");
	SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	SHOW(socket(AF_NETLINK, SOCK_RAW, 40));
	SHOW(socket(AF_NETLINK, SOCK_RAW, -1));
	SHOW(socketpair(AF_NETLINK, SOCK_RAW, 0, pair));
	fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	SHOW(getsockname(fd, (void *)&b, &length));
	say("%d %d %u %u", length, b.nl_family, b.nl_pid, b.nl_groups);
	SHOW(getpeername(fd, (void *)&b, &length));
	say("%d %d %u %u", length, b.nl_family, b.nl_pid, b.nl_groups);
	SHOW(bind(fd, (void *)&a, 4));
	a.nl_family = AF_INET;
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	a.nl_family = AF_NETLINK;
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	getsockname(fd, (void *)&b, &length);
	CHECK(b.nl_pid == (unsigned)getpid());
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	other = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	a.nl_pid = (unsigned)getpid();
	SHOW(bind(other, (void *)&a, sizeof(a)));
	a.nl_pid = 0;
	SHOW(bind(other, (void *)&a, sizeof(a)));
	getsockname(other, (void *)&b, &length);
	CHECK((int)b.nl_pid < -4096);
	close(other);
	other = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	a.nl_pid = 4242;
	SHOW(bind(other, (void *)&a, sizeof(a)));
	SHOW(sendto(fd, "hello", 5, 0, (void *)&a, sizeof(a)));
	SHOW(recv(other, &c, 1, MSG_TRUNC | MSG_DONTWAIT));
	a.nl_pid = 4243;
	SHOW(sendto(fd, "hello", 5, 0, (void *)&a, sizeof(a)));
	SHOW(connect(fd, (void *)&b, sizeof(b)));
	SHOW(listen(fd, 1));
	SHOW(accept(fd, NULL, NULL));
	SHOW(shutdown(fd, SHUT_RDWR));
	SHOW(recv(fd, &c, 1, MSG_DONTWAIT));
	SHOW(send(fd, &c, 1, MSG_OOB));
	SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value, sizeof(value)));
	getsockname(fd, (void *)&b, &length);
	say("groups %x", b.nl_groups);
	value = 0;
	SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value, sizeof(value)));
	value = 9999;
	SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value, sizeof(value)));
	SHOW(setsockopt(fd, SOL_NETLINK, 99, &value, sizeof(value)));
	SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &value, sizeof(value)));
	length = sizeof(value);
	SHOW(getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &value, &length));
	say("%d", value);
	SHOW(getsockopt(fd, SOL_NETLINK, 99, &value, &length));
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	close(fd);
	close(other);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
	a = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = 1 };
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	SHOW(recv(fd, &c, 1, MSG_DONTWAIT));
	close(fd);
}

static void errors(int fd)
{
	struct ifinfomsg link = { .ifi_index = 99 };
	struct ifaddrmsg addr = { .ifa_family = AF_INET, .ifa_prefixlen = 40, .ifa_index = 1 };
	struct rtgenmsg g = { .rtgen_family = AF_INET };
	struct request r;
	int one = 1;

	SECTION("errors");
	start(&r, RTM_GETLINK, 0, &link, sizeof(link));
	ask(fd, &r);
	link.ifi_index = 0;
	start(&r, RTM_GETLINK, 0, &link, sizeof(link));
	ask(fd, &r);
	start(&r, RTM_GETLINK, 0, &link, sizeof(link));
	add(&r, IFLA_IFNAME, "nosuch", 7);
	ask(fd, &r);
	start(&r, RTM_GETADDR + 400, 0, &g, sizeof(g));
	ask(fd, &r);
	start(&r, RTM_GETLINK, 0, &g, sizeof(g));
	ask(fd, &r);
	start(&r, RTM_NEWADDR, NLM_F_ACK, &addr, sizeof(addr));
	ask(fd, &r);
	addr.ifa_prefixlen = 24;
	start(&r, RTM_NEWADDR, NLM_F_ACK, &addr, sizeof(addr));
	ask(fd, &r);
	addr.ifa_index = 99;
	start(&r, RTM_NEWADDR, NLM_F_ACK, &addr, sizeof(addr));
	add(&r, IFA_LOCAL, "\012\001\002\003", 4);
	ask(fd, &r);
	addr.ifa_index = 1;
	start(&r, RTM_DELADDR, NLM_F_ACK, &addr, sizeof(addr));
	add(&r, IFA_LOCAL, "\012\001\002\003", 4);
	ask(fd, &r);
	SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)));
	ask(fd, &r);
	one = 0;
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	start(&r, NLMSG_NOOP, NLM_F_ACK, &g, sizeof(g));
	ask(fd, &r);
	r.h.nlmsg_flags = NLM_F_ACK;
	ask(fd, &r);
	/* Shorter than it says it is: nothing happens. */
	r.h.nlmsg_len = 400;
	SHOW(send(fd, &r, 20, 0));
	SHOW(recv(fd, &r, 1, MSG_DONTWAIT));
	SHOW(send(fd, &r, 3, 0));
	SHOW(send(fd, &r, 0, 0));
	SHOW(recv(fd, &r, 1, MSG_DONTWAIT));
	IN_CHILD({
		setuid(65534);
		int mine = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };
		SHOW(bind(mine, (void *)&a, sizeof(a)));
		start(&r, RTM_DELADDR, NLM_F_ACK, &addr, sizeof(addr));
		send(mine, &r, r.h.nlmsg_len, 0);
		show_answer(mine);
		a.nl_groups = 0;
		a.nl_pid = 4242;
		SHOW(sendto(mine, "x", 1, 0, (void *)&a, sizeof(a)));
		SHOW(connect(mine, (void *)&a, sizeof(a)));
	});
}

static void singles(int fd)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	struct rtmsg route = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	struct request r;

	SECTION("single requests");
	start(&r, RTM_GETLINK, 0, &link, sizeof(link));
	ask(fd, &r);
	start(&r, RTM_GETLINK, NLM_F_ACK, &(struct ifinfomsg){ 0 }, sizeof(link));
	add(&r, IFLA_IFNAME, "lo", 3);
	ask(fd, &r);
	show_answer(fd);
	start(&r, RTM_GETROUTE, 0, &route, sizeof(route));
	add(&r, RTA_DST, "\177\0\0\1", 4);
	ask(fd, &r);
	start(&r, RTM_GETROUTE, 0, &route, sizeof(route));
	add(&r, RTA_DST, "\010\010\010\010", 4);
	ask(fd, &r);
	route = (struct rtmsg){ .rtm_family = AF_INET6, .rtm_dst_len = 128 };
	start(&r, RTM_GETROUTE, 0, &route, sizeof(route));
	add(&r, RTA_DST, "\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	ask(fd, &r);
}

static void changes(int fd)
{
	struct ifaddrmsg addr = { .ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 1 };
	struct ifinfomsg link = { .ifi_index = 1 };
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int listener = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), mtu = 1500;
	struct timeval tv = { 1, 0 };
	struct request r;

	SECTION("changes");
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	bind(listener, (void *)&a, sizeof(a));
	start(&r, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &addr, sizeof(addr));
	add(&r, IFA_LOCAL, "\012\001\002\003", 4);
	ask(fd, &r);
	show_answer(listener);
	ask(fd, &r);
	dump(fd, RTM_GETADDR, AF_INET);
	r.h.nlmsg_type = RTM_DELADDR;
	r.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ask(fd, &r);
	show_answer(listener);
	start(&r, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	add(&r, IFLA_MTU, &mtu, sizeof(mtu));
	ask(fd, &r);
	/* One or more, all of them with the new value. */
	show_answer(listener);
	mtu = 65536;
	start(&r, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	add(&r, IFLA_MTU, &mtu, sizeof(mtu));
	ask(fd, &r);
	link.ifi_change = IFF_UP;
	start(&r, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	ask(fd, &r);
	dump(fd, RTM_GETLINK, AF_UNSPEC);
	dump(fd, RTM_GETADDR, AF_UNSPEC);
	dump(fd, RTM_GETROUTE, AF_INET);
	link.ifi_flags = IFF_UP;
	start(&r, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	ask(fd, &r);
	dump(fd, RTM_GETADDR, AF_UNSPEC);
	close(listener);
}

static void interfaces(void)
{
	struct ifaddrs *list, *i;
	char text[64];

	SECTION("getifaddrs");
	SHOW(getifaddrs(&list));
	for (i = list; i; i = i->ifa_next) {
		int family = i->ifa_addr ? i->ifa_addr->sa_family : -1;

		say("%s flags %x family %d", i->ifa_name, i->ifa_flags, family);
		if (family == AF_INET)
			say("  %s", inet_ntop(family, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, text, sizeof(text)));
		if (family == AF_INET)
			say("  %s", inet_ntop(family, &((struct sockaddr_in *)i->ifa_netmask)->sin_addr, text, sizeof(text)));
		if (family == AF_INET6)
			say("  %s", inet_ntop(family, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, text, sizeof(text)));
	}
	freeifaddrs(list);
	SHOW(if_nametoindex("lo"));
	SHOW(if_nametoindex("nosuch"));
	say("%s", if_indextoname(1, text));
	SHOW(if_indextoname(77, text) != NULL);
}

static void show_ifreq(int fd, const char *what, unsigned long cmd)
{
	struct ifreq req = { 0 };
	char text[64];

	strcpy(req.ifr_name, "lo");
	if (ioctl(fd, cmd, &req)) {
		say("%s: %s", what, error_name(errno));
		return;
	}
	bool number = cmd == SIOCGIFINDEX || cmd == SIOCGIFMTU || cmd == SIOCGIFTXQLEN || cmd == SIOCGIFMETRIC;

	say("%s: %d family %d %s", what, cmd == SIOCGIFFLAGS ? req.ifr_flags : number ? req.ifr_mtu : 0, req.ifr_addr.sa_family,
	    inet_ntop(AF_INET, &((struct sockaddr_in *)&req.ifr_addr)->sin_addr, text, sizeof(text)));
}

static void ioctls(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	struct ifreq reqs[4], req = { .ifr_name = "nosuch" };
	struct ifconf conf = { .ifc_len = sizeof(reqs), .ifc_req = reqs };

	say("-- interface ioctls on family %d", family);
	if (fd < 0) {
		say("socket: %s", error_name(errno));
		return;
	}
	SHOW(ioctl(fd, SIOCGIFCONF, &conf));
	say("%d", conf.ifc_len);
	say("%s %x", reqs[0].ifr_name, ntohl(((struct sockaddr_in *)&reqs[0].ifr_addr)->sin_addr.s_addr));
	conf = (struct ifconf){ 0 };
	SHOW(ioctl(fd, SIOCGIFCONF, &conf));
	say("%d", conf.ifc_len);
	conf = (struct ifconf){ .ifc_len = 20, .ifc_req = reqs };
	SHOW(ioctl(fd, SIOCGIFCONF, &conf));
	say("%d", conf.ifc_len);
	show_ifreq(fd, "flags", SIOCGIFFLAGS);
	show_ifreq(fd, "addr", SIOCGIFADDR);
	show_ifreq(fd, "netmask", SIOCGIFNETMASK);
	show_ifreq(fd, "broadcast", SIOCGIFBRDADDR);
	show_ifreq(fd, "destination", SIOCGIFDSTADDR);
	show_ifreq(fd, "index", SIOCGIFINDEX);
	show_ifreq(fd, "mtu", SIOCGIFMTU);
	show_ifreq(fd, "metric", SIOCGIFMETRIC);
	show_ifreq(fd, "hardware", SIOCGIFHWADDR);
	show_ifreq(fd, "queue", SIOCGIFTXQLEN);
	SHOW(ioctl(fd, SIOCGIFFLAGS, &req));
	SHOW(ioctl(fd, SIOCGIFADDR, &req));
	SHOW(ioctl(fd, SIOCGIFFLAGS, NULL));
	req.ifr_ifindex = 1;
	SHOW(ioctl(fd, SIOCGIFNAME, &req));
	say("%s", req.ifr_name);
	req.ifr_ifindex = 50;
	SHOW(ioctl(fd, SIOCGIFNAME, &req));
	IN_CHILD({
		setuid(65534);
		strcpy(req.ifr_name, "lo");
		req.ifr_flags = 0;
		SHOW(ioctl(fd, SIOCSIFFLAGS, &req));
		SHOW(ioctl(fd, SIOCSIFMTU, &req));
		SHOW(ioctl(fd, SIOCSIFADDR, &req));
	});
	close(fd);
}

int main(void)
{
	int fd;

	names();
	fd = route_socket();
	dump(fd, RTM_GETLINK, AF_UNSPEC);
	dump(fd, RTM_GETADDR, AF_UNSPEC);
	dump(fd, RTM_GETADDR, AF_INET);
	dump(fd, RTM_GETADDR, AF_INET6);
	dump(fd, RTM_GETROUTE, AF_INET);
	dump(fd, RTM_GETROUTE, AF_INET6);
	dump(fd, RTM_GETRULE, AF_INET);
	dump(fd, RTM_GETRULE, AF_INET6);
	dump(fd, RTM_GETNEIGH, AF_UNSPEC);
	dump(fd, RTM_NEWADDR, AF_INET);
	singles(fd);
	errors(fd);
	changes(fd);
	close(fd);
	interfaces();
	ioctls(AF_UNIX);
	ioctls(AF_NETLINK);
}
