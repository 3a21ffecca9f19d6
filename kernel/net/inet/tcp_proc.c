// SPDX-License-Identifier: Apache-2.0
/* The texts of /proc/net/tcp and /proc/net/tcp6 (proc(5)). */
#include "kernel/fs/seqfile.h"
#include "kernel/net/inet/tcp.h"

#define LINE_TCP 149 /* width of a line of /proc/net/tcp, with blanks at its end */

static void put_end(struct seq_buffer *seq, const struct inet_name *name, int family)
{
	if (family == AF_INET)
		seq_printf(seq, "%08X:%04X", name->addr.words[3], name->port);
	else
		seq_printf(seq, "%08X%08X%08X%08X:%04X", name->addr.words[0], name->addr.words[1], name->addr.words[2], name->addr.words[3],
			   name->port);
}

static unsigned long ticks(u64 ns) { return (unsigned long)(ns / 10000000); }

static void put_timewait(struct seq_buffer *seq, const struct inet_endpoint *end)
{
	seq_printf(seq, " %02X 00000000:00000000 03:%08lX 00000000     0        0 0 3 %016lx", end->state, ticks(tcp_timewait_left(end)),
		   (unsigned long)hash_u64((u64)end));
}

static void put_socket(struct seq_buffer *seq, struct inet_endpoint *end)
{
	struct tcp_sock *t = tcp_of(end);
	const struct socket *sock = sock_of(t);
	bool listening = end->state == TCP_LISTEN, timed = t->timer.expired && t->timer.armed;
	u64 now = ktime_get(), left = timed && t->timer.expires > now ? t->timer.expires - now : 0;

	seq_printf(seq, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %016lx", end->state, (u32)tcp_unsent(t),
		   listening ? (u32)t->nr_accept : (u32)tcp_received(t), timed ? 1u : 0u, ticks(left), 0u, end->uid, 0,
		   (unsigned long)sock->ino, sock->count.count, (unsigned long)hash_u64((u64)t));
	seq_printf(seq, listening ? " 100 0 0 10 %d" : " 20 4 30 10 %d", listening ? 0 : -1);
}

void proc_net_tcp(struct seq_buffer *seq, int family)
{
	struct inet_endpoint *end = NULL;
	int line = 0;

	if (family == AF_INET)
		seq_puts(seq, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
			      "                                                     \n");
	else
		seq_puts(seq, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when "
			      "retrnsmt   uid  timeout inode\n");
	while ((end = port_next(&tcp_ports, end))) {
		size_t start = seq->length;

		if (end->family != family || end->state == TCP_CLOSE)
			continue;
		seq_printf(seq, "%4d: ", line++);
		put_end(seq, &end->local, family);
		seq_putc(seq, ' ');
		put_end(seq, &end->remote, family);
		if (end->is_socket)
			put_socket(seq, end);
		else
			put_timewait(seq, end);
		if (family == AF_INET)
			seq_pad(seq, start, LINE_TCP);
		seq_putc(seq, '\n');
	}
}
