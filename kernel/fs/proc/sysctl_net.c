/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys/net. What can be changed is what means something here; the rest is Linux's default, read-only. */
#include "kernel/fs/proc/sysctl.h"
#include "kernel/net/device.h"
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"
#include "lib/format.h"

static int show_port_range(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%lld\t%lld\n", (long long)current_net()->port_low, (long long)current_net()->port_high);
	return 0;
}

static int show_ping_range(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%lld\t%lld\n", (long long)sysctl_ping_group_low, (long long)sysctl_ping_group_high);
	return 0;
}

/* Two numbers with blanks between them; with one only that changes. */
static int parse_pair(char *text, s64 lowest, s64 highest, s64 *ret_low, s64 *ret_high)
{
	char *second;
	int64_t low, high;

	text = sysctl_trim(text);
	second = text;
	while (*second && *second != ' ' && *second != '\t')
		second++;
	high = *ret_high;
	if (*second)
		*second++ = 0;
	second = sysctl_trim(second);
	if (parse_s64(text, 0, &low) || (*second && parse_s64(second, 0, &high)) || low < lowest || low > highest || high < lowest || high > highest)
		return -EINVAL;
	*ret_low = low;
	*ret_high = high;
	return 0;
}

static int write_port_range(struct file *file, char *text, size_t n)
{
	struct net *net = current_net();
	s64 low, high = net->port_high;
	int error = parse_pair(text, 1, 65535, &low, &high);

	if (error)
		return error;
	if (high < low || low < net->unprivileged_port_start)
		return -EINVAL;
	net->port_low = low;
	net->port_high = high;
	return 0;
}

/* A range that ends before it begins is nobody's. */
static int write_ping_range(struct file *file, char *text, size_t n)
{
	s64 low, high = sysctl_ping_group_high;
	int error = parse_pair(text, 0, INT32_MAX, &low, &high);

	if (error)
		return error;
	sysctl_ping_group_low = high < low ? 1 : low;
	sysctl_ping_group_high = high < low ? 0 : high;
	return 0;
}

/* tcp_rmem, tcp_wmem: least, default and most bytes of a buffer. */
static int show_triple(struct file *file, struct seq_buffer *seq)
{
	const s64 *values = proc_i(file->inode)->entry->data;

	seq_printf(seq, "%lld\t%lld\t%lld\n", (long long)values[0], (long long)values[1], (long long)values[2]);
	return 0;
}

static int write_triple(struct file *file, char *text, size_t n)
{
	s64 *values = proc_i(file->inode)->entry->data, given[3] = { values[0], values[1], values[2] };
	int nr;

	for (nr = 0, text = sysctl_trim(text); *text && nr < 3; nr++, text = sysctl_trim(text)) {
		char *end = text;
		int64_t value;

		while (*end && *end != ' ' && *end != '\t')
			end++;
		if (*end)
			*end++ = 0;
		if (parse_s64(text, 0, &value) || value < 1 || value > INT32_MAX)
			return -EINVAL;
		given[nr] = value;
		text = end;
	}
	if (*text || !nr)
		return -EINVAL;
	memcpy(values, given, sizeof(given));
	return 0;
}

#define TEXT(name_, text_) PROC_FILE(name_, 0444, sysctl_show_text, .data = (void *)(text_))
#define NUMBER(name_, variable_, lowest_, highest_)                                                                                  \
	PROC_FILE(name_, 0644, sysctl_show_number, .write = sysctl_write_number, .data = &(variable_), .lowest = lowest_, .highest = highest_)
#define END { 0 }

static const struct proc_entry core_entries[] = {
	TEXT("default_qdisc", "pfifo_fast"), TEXT("netdev_max_backlog", "1000"), TEXT("optmem_max", "131072"), TEXT("rmem_default", "212992"),
	TEXT("rmem_max", "212992"), NUMBER("somaxconn", sysctl_somaxconn, 0, INT32_MAX), TEXT("wmem_default", "212992"), TEXT("wmem_max", "212992"), END,
};
static const struct proc_entry unix_entries[] = { TEXT("max_dgram_qlen", "10"), END };

static const struct proc_entry conf_entries[] = {
	TEXT("accept_redirects", "1"), TEXT("accept_source_route", "0"), TEXT("arp_announce", "0"), TEXT("arp_ignore", "0"), TEXT("forwarding", "0"),
	TEXT("mc_forwarding", "0"), TEXT("route_localnet", "0"), TEXT("rp_filter", "0"), TEXT("send_redirects", "1"), END,
};
static const struct proc_entry conf_dirs[] = { PROC_DIR("all", conf_entries), PROC_DIR("default", conf_entries), PROC_DIR("lo", conf_entries), END };
static const struct proc_entry ipv4_entries[] = {
	PROC_DIR("conf", conf_dirs),
	TEXT("icmp_echo_ignore_all", "0"),
	TEXT("icmp_echo_ignore_broadcasts", "1"),
	TEXT("igmp_max_memberships", "20"),
	TEXT("ip_default_ttl", "64"),
	TEXT("ip_forward", "0"),
	PROC_FILE("ip_local_port_range", 0644, show_port_range, .write = write_port_range),
	TEXT("ip_local_reserved_ports", ""),
	TEXT("ip_no_pmtu_disc", "0"),
	NUMBER("ip_nonlocal_bind", init_net.nonlocal_bind, 0, 1),
	NUMBER("ip_unprivileged_port_start", init_net.unprivileged_port_start, 0, 65535),
	PROC_FILE("ping_group_range", 0644, show_ping_range, .write = write_ping_range),
	TEXT("tcp_available_congestion_control", "reno cubic"),
	TEXT("tcp_congestion_control", "cubic"),
	TEXT("tcp_abort_on_overflow", "0"),
	TEXT("tcp_allowed_congestion_control", "reno cubic"),
	TEXT("tcp_ecn", "2"),
	TEXT("tcp_fastopen", "1"),
	NUMBER("tcp_fin_timeout", sysctl_tcp_fin_timeout, 1, INT32_MAX / 1000),
	NUMBER("tcp_keepalive_intvl", sysctl_tcp_keepalive_intvl, 1, 32767),
	NUMBER("tcp_keepalive_probes", sysctl_tcp_keepalive_probes, 1, 127),
	NUMBER("tcp_keepalive_time", sysctl_tcp_keepalive_time, 1, 32767),
	TEXT("tcp_max_syn_backlog", "1024"),
	NUMBER("tcp_max_tw_buckets", sysctl_tcp_max_tw_buckets, 0, INT32_MAX),
	TEXT("tcp_mem", "188160\t250880\t376320"),
	TEXT("tcp_orphan_retries", "0"),
	TEXT("tcp_moderate_rcvbuf", "1"),
	TEXT("tcp_mtu_probing", "0"),
	TEXT("tcp_no_metrics_save", "0"),
	TEXT("tcp_retries1", "3"),
	TEXT("tcp_retries2", "15"),
	PROC_FILE("tcp_rmem", 0644, show_triple, .write = write_triple, .data = sysctl_tcp_rmem),
	TEXT("tcp_sack", "1"),
	NUMBER("tcp_syn_retries", sysctl_tcp_syn_retries, 1, 127),
	TEXT("tcp_slow_start_after_idle", "1"),
	TEXT("tcp_syn_linear_timeouts", "4"),
	TEXT("tcp_synack_retries", "5"),
	TEXT("tcp_syncookies", "1"),
	TEXT("tcp_timestamps", "1"),
	TEXT("tcp_tw_reuse", "2"),
	TEXT("tcp_window_scaling", "1"),
	PROC_FILE("tcp_wmem", 0644, show_triple, .write = write_triple, .data = sysctl_tcp_wmem),
	TEXT("udp_mem", "376320\t501760\t752640"),
	TEXT("udp_rmem_min", "4096"),
	TEXT("udp_wmem_min", "4096"),
	END,
};

static const struct proc_entry conf6_entries[] = {
	TEXT("accept_ra", "1"), TEXT("addr_gen_mode", "0"), TEXT("autoconf", "1"), TEXT("disable_ipv6", "0"), TEXT("forwarding", "0"), TEXT("hop_limit", "64"),
	TEXT("mtu", "65536"), END,
};
static const struct proc_entry conf6_dirs[] = { PROC_DIR("all", conf6_entries), PROC_DIR("default", conf6_entries), PROC_DIR("lo", conf6_entries), END };
static const struct proc_entry ipv6_entries[] = {
	NUMBER("bindv6only", init_net.v6only, 0, 1), PROC_DIR("conf", conf6_dirs), TEXT("ip_nonlocal_bind", "0"), END,
};

const struct proc_entry proc_sys_net_entries[] = {
	PROC_DIR("core", core_entries), PROC_DIR("ipv4", ipv4_entries), PROC_DIR("ipv6", ipv6_entries), PROC_DIR("unix", unix_entries), END,
};
