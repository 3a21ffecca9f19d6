/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net: interfaces and sockets. */
#include "kernel/fs/proc/proc.h"
#include "kernel/net/inet/tcp.h"

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

#define NET_TEXT(name_, text_) PROC_FILE(name_, 0444, show_text, .data = (void *)(text_))

const struct proc_entry proc_net_entries[] = {
	NET_TEXT("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
	NET_TEXT("dev", "Inter-|   Receive                                                |  Transmit\n"
			" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
			"    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"),
	NET_TEXT("if_inet6", ""),
	NET_TEXT("netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"),
	NET_TEXT("packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
	NET_TEXT("protocols", "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n"),
	NET_TEXT("raw", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"),
	NET_TEXT("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
			  "                                                       \n"),
	NET_TEXT("snmp", "Ip: Forwarding DefaultTTL\nIp: 2 64\n"),
	NET_TEXT("sockstat", "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\n"
			     "FRAG: inuse 0 memory 0\n"),
	PROC_FILE("tcp", 0444, show_tcp),
	PROC_FILE("tcp6", 0444, show_tcp6),
	NET_TEXT("udp", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops"
			"             \n"),
	NET_TEXT("udp6", "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when "
			 "retrnsmt   uid  timeout inode ref pointer drops\n"),
	PROC_FILE("unix", 0444, show_unix),
	{ 0 },
};
