// SPDX-License-Identifier: Apache-2.0
/*
 * Options of level IPPROTO_TCP (tcp(7)). Those about packets (TCP_NODELAY, TCP_CORK, TCP_MAXSEG, keep-alive) are kept and shown and told
 * to a host socket; between two sockets of the container data arrives with the call that sends it, and a peer cannot vanish unseen.
 */
#include <linux/tcp.h>

#include "kernel/net/inet/tcp.h"
#include "kernel/task/task.h"

#define INFO_LENGTH 280
#define MIN_MSS 88
#define MAX_MSS 32767
#define FIN_TIMEOUT_MAX 120
#define RTO_MAX 120
#define MIN_CLAMP 1152

s64 sysctl_tcp_rmem[3] = { 4096, 131072, 6291456 }, sysctl_tcp_wmem[3] = { 4096, 16384, 4194304 };
s64 sysctl_tcp_fin_timeout = 60, sysctl_tcp_syn_retries = 6;
s64 sysctl_tcp_keepalive_time = 7200, sysctl_tcp_keepalive_intvl = 75, sysctl_tcp_keepalive_probes = 9;

/* Options that are a number in struct tcp_options. */
struct option_row {
	int option;
	u16 offset;
	bool is_flag; /* stored as a bool, every value is allowed */
	int lowest, highest;
};
#define AT(field) offsetof(struct tcp_options, field)
static const struct option_row rows[] = {
	{ TCP_NODELAY, AT(nodelay), true, 0, 0 },
	{ TCP_CORK, AT(cork), true, 0, 0 },
	{ TCP_KEEPIDLE, AT(keep_idle), false, 1, 32767 },
	{ TCP_KEEPINTVL, AT(keep_interval), false, 1, 32767 },
	{ TCP_KEEPCNT, AT(keep_count), false, 1, 127 },
	{ TCP_SYNCNT, AT(syn_count), false, 1, 127 },
	{ TCP_USER_TIMEOUT, AT(user_timeout), false, 0, INT32_MAX },
	{ TCP_NOTSENT_LOWAT, AT(notsent_lowat), false, INT32_MIN, INT32_MAX },
	{ TCP_INQ, AT(inq), false, 0, 1 },
	{ TCP_FASTOPEN_CONNECT, AT(fastopen_connect), false, 0, 1 },
};

static const struct option_row *find_row(int option)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].option == option)
			return &rows[i];
	return NULL;
}

/* TCP_DEFER_ACCEPT counts in retries that take 1, 2, 4, ... seconds. */
static int seconds_to_retries(int seconds)
{
	int retries = 0, timeout = 1, period = 1;

	if (seconds <= 0)
		return 0;
	for (retries = 1; seconds > period && retries < 255; retries++) {
		timeout = min(timeout * 2, RTO_MAX);
		period += timeout;
	}
	return retries;
}

static int retries_to_seconds(int retries)
{
	int timeout = 1, period = 1;

	if (!retries)
		return 0;
	while (--retries) {
		timeout = min(timeout * 2, RTO_MAX);
		period += timeout;
	}
	return period;
}

static int set_congestion(struct tcp_sock *t, user_ptr value, unsigned length)
{
	char name[TCP_CONGESTION_NAME] = "";

	if (length < 1)
		return -EINVAL;
	if (copy_from_user(name, value, min(length, (unsigned)sizeof(name) - 1)))
		return -EFAULT;
	if (strcmp(name, "reno") && strcmp(name, "cubic"))
		return -ENOENT;
	strlcpy(t->options.congestion, name, sizeof(t->options.congestion));
	return 0;
}

static int set_special(struct tcp_sock *t, int option, int value)
{
	const unsigned unconnected = TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN);

	switch (option) {
	case TCP_MAXSEG:
		if (value && (value < MIN_MSS || value > MAX_MSS))
			return -EINVAL;
		t->options.max_segment = value;
		return 0;
	case TCP_LINGER2:
		t->options.linger2 = value < 0 ? -1 : min(value, FIN_TIMEOUT_MAX);
		return 0;
	case TCP_DEFER_ACCEPT:
		t->options.defer_accept = retries_to_seconds(seconds_to_retries(value));
		return 0;
	case TCP_QUICKACK:
		t->options.quickack_off = !value;
		return 0;
	case TCP_WINDOW_CLAMP:
		if (!value && tcp_state(t) != TCP_CLOSE)
			return -EINVAL;
		t->options.window_clamp = value ? max(value, MIN_CLAMP) : 0;
		return 0;
	case TCP_FASTOPEN:
		if (value < 0 || !tcp_in_state(t, unconnected))
			return -EINVAL;
		t->options.fastopen = (int)min((s64)value, sysctl_somaxconn);
		return 0;
	case TCP_FASTOPEN_NO_COOKIE:
		if (value < 0 || value > 1 || !tcp_in_state(t, unconnected))
			return -EINVAL;
		t->options.fastopen_no_cookie = value;
		return 0;
	case TCP_THIN_LINEAR_TIMEOUTS:
	case TCP_THIN_DUPACK:
		if (value < 0 || value > 1)
			return -EINVAL;
		if (option == TCP_THIN_LINEAR_TIMEOUTS)
			t->options.thin_linear = value;
		return 0;
	case TCP_REPAIR:
	case TCP_REPAIR_OPTIONS:
	case TCP_REPAIR_QUEUE:
	case TCP_QUEUE_SEQ:
	case TCP_TIMESTAMP:
		return -EPERM;
	default:
		return -ENOPROTOOPT;
	}
}

static void tell_transport(struct tcp_sock *t, int level, int option, int value)
{
	if (t->inet.transport && t->inet.transport->option)
		t->inet.transport->option(&t->inet, level, option, value);
}

static int set_keepalive(struct tcp_sock *t, user_ptr value, unsigned length)
{
	int error = socket_setsockopt(sock_of(t), SO_KEEPALIVE, value, length);

	if (!error)
		tell_transport(t, SOL_SOCKET, SO_KEEPALIVE, sock_of(t)->keepalive);
	return error;
}

static int set_tcp(struct tcp_sock *t, int option, user_ptr user_value, unsigned length)
{
	const struct option_row *row = find_row(option);
	u32 word;
	int value, error;

	if (option == TCP_CONGESTION)
		return set_congestion(t, user_value, length);
	if (option == TCP_ULP)
		return length < 1 ? -EINVAL : -ENOENT;
	if (length < sizeof(word))
		return -EINVAL;
	if (get_user_u32(&word, user_value))
		return -EFAULT;
	value = (int)word;
	if (!row) {
		error = set_special(t, option, value);
		if (error)
			return error;
	} else if (row->is_flag) {
		*((bool *)&t->options + row->offset) = value != 0;
	} else {
		if (value < row->lowest || value > row->highest || (option == TCP_FASTOPEN_CONNECT && tcp_state(t) != TCP_CLOSE))
			return -EINVAL;
		*(int *)((char *)&t->options + row->offset) = value;
	}
	tell_transport(t, IPPROTO_TCP, option, value);
	return 0;
}

/* The receive buffer must be able to hold so much. */
static void set_lowat(struct socket *sock, int value)
{
	int most = sock->rcvbuf_locked ? sock->rcvbuf / 2 : (int)(sysctl_tcp_rmem[2] / 2);

	value = min(value < 0 ? INT32_MAX : value, most);
	sock->rcvlowat = value ? value : 1;
	if (!sock->rcvbuf_locked)
		sock->rcvbuf = max(sock->rcvbuf, value * 2);
}

int tcp_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length)
{
	struct tcp_sock *t = tcp_sk(sock);
	u32 word;

	if (level == IPPROTO_TCP)
		return set_tcp(t, option, value, length);
	if (level == SOL_SOCKET && option == SO_KEEPALIVE)
		return set_keepalive(t, value, length);
	/* A filter sees segments with their headers. There are none. */
	if (level == SOL_SOCKET && option == SO_ATTACH_FILTER)
		return -EOPNOTSUPP;
	if (level == SOL_SOCKET && (option == SO_INCOMING_CPU || option == SO_RCVLOWAT)) {
		if (length < sizeof(word))
			return -EINVAL;
		if (get_user_u32(&word, value))
			return -EFAULT;
		if (option == SO_RCVLOWAT)
			set_lowat(sock, (int)word);
		else
			t->incoming_cpu = (int)word;
		return 0;
	}
	return inet_setsockopt(sock, level, option, value, length);
}

static u32 ms_since(u64 then) { return then ? (u32)((ktime_get() - then) / NSEC_PER_MSEC) : 0; }

static void info_connected(const struct tcp_sock *t, struct tcp_info *info)
{
	u64 unsent = tcp_unsent(t);

	info->tcpi_options = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE;
	info->tcpi_snd_wscale = info->tcpi_rcv_wscale = 10;
	info->tcpi_snd_mss = info->tcpi_rcv_mss = TCP_MSS_LOOPBACK;
	info->tcpi_advmss = 65483;
	info->tcpi_pmtu = 65535;
	info->tcpi_rto = 204000;
	info->tcpi_ato = 40000;
	info->tcpi_snd_cwnd = 10;
	info->tcpi_snd_ssthresh = INT32_MAX;
	info->tcpi_reordering = 3;
	info->tcpi_rcv_ssthresh = info->tcpi_rcv_space = (u32)tcp_window(t);
	info->tcpi_bytes_sent = t->sent_bytes;
	info->tcpi_bytes_acked = t->sent_bytes - min(t->sent_bytes, unsent);
	info->tcpi_bytes_received = t->received_bytes;
	info->tcpi_segs_out = (u32)(t->sent_segments + 1);
	info->tcpi_segs_in = (u32)(t->received_segments + 1);
	info->tcpi_data_segs_out = (u32)t->sent_segments;
	info->tcpi_data_segs_in = (u32)t->received_segments;
	info->tcpi_notsent_bytes = (u32)unsent;
	info->tcpi_last_data_sent = info->tcpi_last_data_recv = info->tcpi_last_ack_recv = ms_since(t->established_at);
}

static int get_info(struct tcp_sock *t, user_ptr value, user_ptr length_ptr, u32 length)
{
	union {
		struct tcp_info info;
		u8 bytes[INFO_LENGTH];
	} all;

	memset(&all, 0, sizeof(all));
	if (t->inet.transport && t->inet.transport->tcp_info) {
		int got = t->inet.transport->tcp_info(&t->inet, &all, sizeof(all));

		if (got < 0)
			return got;
	} else if (tcp_state(t) == TCP_LISTEN) {
		all.info.tcpi_unacked = (u32)t->nr_accept;
		all.info.tcpi_sacked = (u32)t->inet.base.backlog;
	} else {
		info_connected(t, &all.info);
	}
	all.info.tcpi_state = tcp_state(t);
	return put_option(value, length_ptr, length, &all, sizeof(all));
}

static int max_segment(const struct tcp_sock *t)
{
	const unsigned unconnected = TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN) | TCPF(TCP_SYN_SENT);

	if (!tcp_in_state(t, unconnected))
		return t->options.max_segment ? min(t->options.max_segment - 12, TCP_MSS_LOOPBACK) : TCP_MSS_LOOPBACK;
	return t->options.max_segment ? t->options.max_segment : 536;
}

static int get_special(struct tcp_sock *t, int option, int *ret_value)
{
	const struct tcp_options *o = &t->options;

	switch (option) {
	case TCP_MAXSEG: *ret_value = max_segment(t); return 0;
	case TCP_KEEPIDLE: *ret_value = o->keep_idle ? o->keep_idle : (int)sysctl_tcp_keepalive_time; return 0;
	case TCP_KEEPINTVL: *ret_value = o->keep_interval ? o->keep_interval : (int)sysctl_tcp_keepalive_intvl; return 0;
	case TCP_KEEPCNT: *ret_value = o->keep_count ? o->keep_count : (int)sysctl_tcp_keepalive_probes; return 0;
	case TCP_SYNCNT: *ret_value = o->syn_count ? o->syn_count : (int)sysctl_tcp_syn_retries; return 0;
	case TCP_LINGER2: *ret_value = o->linger2 ? o->linger2 : (int)sysctl_tcp_fin_timeout; return 0;
	case TCP_DEFER_ACCEPT: *ret_value = o->defer_accept; return 0;
	case TCP_QUICKACK: *ret_value = !o->quickack_off; return 0;
	case TCP_WINDOW_CLAMP: *ret_value = o->window_clamp; return 0;
	case TCP_FASTOPEN: *ret_value = o->fastopen; return 0;
	case TCP_FASTOPEN_NO_COOKIE: *ret_value = o->fastopen_no_cookie; return 0;
	case TCP_THIN_LINEAR_TIMEOUTS: *ret_value = o->thin_linear; return 0;
	case TCP_THIN_DUPACK:
	case TCP_REPAIR: *ret_value = 0; return 0;
	case TCP_TIMESTAMP: *ret_value = (int)(ktime_get() / NSEC_PER_MSEC); return 0;
	default: return -ENOPROTOOPT;
	}
}

static int get_tcp(struct tcp_sock *t, int option, user_ptr user_value, user_ptr length_ptr)
{
	const struct option_row *row = find_row(option);
	int value, error;
	u32 length;

	if (get_user_u32(&length, length_ptr))
		return -EFAULT;
	if ((s32)length < 0)
		return -EINVAL;
	if (option == TCP_INFO)
		return get_info(t, user_value, length_ptr, length);
	if (option == TCP_CONGESTION)
		return put_option(user_value, length_ptr, length, t->options.congestion, sizeof(t->options.congestion));
	if (option == TCP_ULP || option == TCP_CC_INFO || option == TCP_SAVED_SYN)
		return put_user_u32(length_ptr, 0) ? -EFAULT : 0;
	error = get_special(t, option, &value);
	if (error && !row)
		return error;
	if (error)
		value = row->is_flag ? *((bool *)&t->options + row->offset) : *(int *)((char *)&t->options + row->offset);
	return put_option(user_value, length_ptr, length, &value, sizeof(value));
}

int tcp_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr)
{
	struct tcp_sock *t = tcp_sk(sock);
	u32 length;

	if (level == IPPROTO_TCP)
		return get_tcp(t, option, value, length_ptr);
	if (level == SOL_SOCKET && (option == SO_INCOMING_CPU || option == SO_INCOMING_NAPI_ID)) {
		int word = option == SO_INCOMING_CPU ? t->incoming_cpu : 0;

		if (get_user_u32(&length, length_ptr))
			return -EFAULT;
		return (s32)length < 0 ? -EINVAL : put_option(value, length_ptr, length, &word, sizeof(word));
	}
	if (level != SOL_SOCKET && level != IPPROTO_IP && (level != IPPROTO_IPV6 || !inet_is_v6(&t->inet)))
		return -EOPNOTSUPP;
	return inet_getsockopt(sock, level, option, value, length_ptr);
}
