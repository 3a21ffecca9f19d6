/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net: interfaces and sockets. */
#include "kernel/fs/proc/proc.h"
#include "kernel/net/device.h"
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/net/netlink/netlink.h"

static int show_text(struct file *file, struct seq_buffer *seq)
{
	seq_puts(seq, proc_i(file->inode)->entry->data);
	return 0;
}

static int show_unix(struct file *file, struct seq_buffer *seq)
{
	proc_net_unix(seq);
	return 0;
}

static int show_tcp(struct file *file, struct seq_buffer *seq)
{
	proc_net_tcp(seq, AF_INET);
	return 0;
}

static int show_tcp6(struct file *file, struct seq_buffer *seq)
{
	proc_net_tcp(seq, AF_INET6);
	return 0;
}

static int show_udp(struct file *file, struct seq_buffer *seq)
{
	proc_net_udp(seq, AF_INET);
	return 0;
}

static int show_udp6(struct file *file, struct seq_buffer *seq)
{
	proc_net_udp(seq, AF_INET6);
	return 0;
}

static int show_raw(struct file *file, struct seq_buffer *seq)
{
	proc_net_raw(seq, AF_INET);
	return 0;
}

static int show_raw6(struct file *file, struct seq_buffer *seq)
{
	proc_net_raw(seq, AF_INET6);
	return 0;
}

static int show_netlink(struct file *file, struct seq_buffer *seq)
{
	proc_net_netlink(seq);
	return 0;
}

static int show_dev(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d;

	seq_puts(seq, "Inter-|   Receive                                                |  Transmit\n"
		      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n");
	list_for_each_entry(d, &current_net()->devices, link)
		seq_printf(seq, "%6s: %7llu %7llu    0    0    0     0          0         0 %8llu %7llu    0    0    0     0       0          0\n",
			   d->name, (unsigned long long)d->rx_bytes, (unsigned long long)d->rx_packets, (unsigned long long)d->tx_bytes,
			   (unsigned long long)d->tx_packets);
	return 0;
}

static void put_hex(struct seq_buffer *seq, const struct inet_addr *addr)
{
	for (int i = 0; i < 16; i++)
		seq_printf(seq, "%02x", addr->bytes[i]);
}

static int show_if_inet6(struct file *file, struct seq_buffer *seq)
{
	struct net_address *address;
	struct net_device *d;

	list_for_each_entry(d, &current_net()->devices, link) {
		list_for_each_entry(address, &d->addresses, link) {
			/* Scopes of RFC 4007, as ipv6_addr_scope() names them. */
			unsigned scope = inet_is_loopback(&address->addr) ? 0x10 : inet_is_link_local(&address->addr) ? 0x20 : 0;

			if (inet_is_v4(&address->addr))
				continue;
			put_hex(seq, &address->addr);
			seq_printf(seq, " %02x %02x %02x 80 %8s\n", (unsigned)d->index, address->prefix, scope, d->name);
		}
	}
	return 0;
}

#define ROUTE_UP 1
#define ROUTE_GATEWAY 2
#define ROUTE_HOST 4
#define ROUTE_REJECT 0x200
#define LINE_ROUTE 127

static const char *device_name(int index)
{
	struct net_device *d = net_device_find(current_net(), index);

	return d ? d->name : "*";
}

static int show_route(struct file *file, struct seq_buffer *seq)
{
	const struct net_route *r = NULL;
	size_t start = seq->length;

	seq_puts(seq, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	seq_pad(seq, start, LINE_ROUTE);
	seq_putc(seq, '\n');
	while ((r = net_route_next(current_net(), AF_INET, r))) {
		u32 mask = r->prefix <= INET_V4_BITS ? 0 : ~0U << (128 - r->prefix);
		unsigned flags = ROUTE_UP | (inet_is_any(&r->gateway) ? 0 : ROUTE_GATEWAY) | (r->prefix == 128 ? ROUTE_HOST : 0);
		bool nowhere = r->type != RTN_UNICAST;

		flags |= r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT ? ROUTE_REJECT : 0;
		start = seq->length;
		seq_printf(seq, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%d\t%08X\t%d\t%u\t%u", nowhere ? "*" : device_name(r->device), r->to.words[3],
			   r->gateway.words[3], flags, 0, 0u, (int)r->metric, net32(mask), 0, 0u, 0u);
		seq_pad(seq, start, LINE_ROUTE);
		seq_putc(seq, '\n');
	}
	return 0;
}

static void put_ipv6_route(struct seq_buffer *seq, const struct inet_addr *to, unsigned prefix, const struct inet_addr *gateway, u32 metric,
			   u32 flags, int device)
{
	struct inet_addr none = inet_any(AF_INET6);

	put_hex(seq, to);
	seq_printf(seq, " %02x ", prefix);
	put_hex(seq, &none);
	seq_puts(seq, " 00 ");
	put_hex(seq, gateway);
	seq_printf(seq, " %08x %08x %08x %08x %8s\n", metric, 1u, 0u, flags, device_name(device));
}

static int show_ipv6_route(struct file *file, struct seq_buffer *seq)
{
	struct inet_addr none = inet_any(AF_INET6);
	struct net_address *address;
	struct net_device *d;
	struct net_route *r;

	list_for_each_entry(r, &current_net()->routes, link)
		if (!inet_is_v4(&r->to))
			put_ipv6_route(seq, &r->to, r->prefix, &r->gateway, r->metric, ROUTE_UP | (inet_is_any(&r->gateway) ? 0 : ROUTE_GATEWAY),
				       r->device);
	list_for_each_entry(d, &current_net()->devices, link)
		list_for_each_entry(address, &d->addresses, link)
			if (!inet_is_v4(&address->addr))
				put_ipv6_route(seq, &address->addr, 128, &none, 0, 0x80200001, d->index);
	put_ipv6_route(seq, &none, 0, &none, ~0U, 0x00200200, 1);
	return 0;
}

static int show_sockstat(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "sockets: used %llu\nTCP: inuse %llu orphan 0 tw %lld alloc %llu mem %llu\nUDP: inuse %llu mem 0\nUDPLITE: inuse 0\n"
			"RAW: inuse %llu\nFRAG: inuse 0 memory 0\n",
		   (unsigned long long)nr_sockets, (unsigned long long)nr_tcp_sockets, (long long)tcp_timewait_count(),
		   (unsigned long long)nr_tcp_sockets, (unsigned long long)(tcp_memory >> PAGE_SHIFT), (unsigned long long)nr_udp_sockets[0],
		   (unsigned long long)nr_raw_sockets[0]);
	return 0;
}

static int show_sockstat6(struct file *file, struct seq_buffer *seq)
{
	struct inet_endpoint *end = NULL;
	unsigned tcp = 0;

	while ((end = port_next(&tcp_ports, end)))
		tcp += end->is_socket && end->family == AF_INET6;
	seq_printf(seq, "TCP6: inuse %u\nUDP6: inuse %llu\nUDPLITE6: inuse 0\nRAW6: inuse %llu\nFRAG6: inuse 0 memory 0\n", tcp,
		   (unsigned long long)nr_udp_sockets[1], (unsigned long long)nr_raw_sockets[1]);
	return 0;
}

static void show_tcp_counters(struct seq_buffer *seq)
{
	const struct tcp_counters *c = &tcp_counters;
	struct inet_endpoint *end = NULL;
	unsigned established = 0;

	while ((end = port_next(&tcp_ports, end)))
		established += end->state == TCP_ESTABLISHED || end->state == TCP_CLOSE_WAIT;
	seq_printf(seq, "Tcp: 1 200 120000 -1 %llu %llu %llu %llu %u %llu %llu 0 0 %llu 0\n", (unsigned long long)c->active_opens,
		   (unsigned long long)c->passive_opens, (unsigned long long)c->attempt_fails, (unsigned long long)c->established_resets,
		   established, (unsigned long long)c->segments, (unsigned long long)c->segments, (unsigned long long)c->resets_sent);
}

static int show_snmp(struct file *file, struct seq_buffer *seq)
{
	const struct udp_statistics *u = &udp_statistics[0];
	u64 in = u->in + u->no_ports;

	seq_printf(seq, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers "
			"OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits\n"
			"Ip: 2 64 %llu 0 0 0 0 0 %llu %llu 0 0 0 0 0 0 0 0 0 %llu\n",
		   (unsigned long long)in, (unsigned long long)in, (unsigned long long)u->out, (unsigned long long)u->out);
	seq_puts(seq, "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps "
		      "InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs "
		      "OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks "
		      "OutAddrMaskReps\nIcmp: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
	seq_printf(seq, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs "
			"RetransSegs InErrs OutRsts InCsumErrors\n");
	show_tcp_counters(seq);
	seq_printf(seq, "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n"
			"Udp: %llu %llu %llu %llu %llu 0 0 0 0\nUdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
			"InCsumErrors IgnoredMulti MemErrors\nUdpLite: 0 0 0 0 0 0 0 0 0\n",
		   (unsigned long long)u->in, (unsigned long long)u->no_ports, (unsigned long long)u->in_errors, (unsigned long long)u->out,
		   (unsigned long long)u->receive_full);
	return 0;
}

#define NET_TEXT(name_, text_) PROC_FILE(name_, 0444, show_text, .data = (void *)(text_))

const struct proc_entry proc_net_entries[] = {
	NET_TEXT("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
	PROC_FILE("dev", 0444, show_dev),
	PROC_FILE("if_inet6", 0444, show_if_inet6),
	PROC_FILE("ipv6_route", 0444, show_ipv6_route),
	PROC_FILE("netlink", 0444, show_netlink),
	NET_TEXT("packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
	NET_TEXT("protocols", "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n"),
	PROC_FILE("raw", 0444, show_raw),
	PROC_FILE("raw6", 0444, show_raw6),
	PROC_FILE("route", 0444, show_route),
	PROC_FILE("snmp", 0444, show_snmp),
	PROC_FILE("sockstat", 0444, show_sockstat),
	PROC_FILE("sockstat6", 0444, show_sockstat6),
	PROC_FILE("tcp", 0444, show_tcp),
	PROC_FILE("tcp6", 0444, show_tcp6),
	PROC_FILE("udp", 0444, show_udp),
	PROC_FILE("udp6", 0444, show_udp6),
	PROC_FILE("unix", 0444, show_unix),
	{ 0 },
};
