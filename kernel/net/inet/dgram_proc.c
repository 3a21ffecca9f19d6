// SPDX-License-Identifier: Apache-2.0
/* The texts of /proc/net/udp, udp6, raw and raw6 (proc(5)). */
#include "kernel/fs/seqfile.h"
#include "kernel/net/inet/dgram.h"

#define LINE_UDP 127 /* width of a line of /proc/net/udp, with blanks at its end */

static void put_end(struct seq_buffer *seq, const struct inet_name *name, int family)
{
	const u32 *w = name->addr.words;

	if (family == AF_INET)
		seq_printf(seq, "%08X:%04X", w[3], name->port);
	else
		seq_printf(seq, "%08X%08X%08X%08X:%04X", w[0], w[1], w[2], w[3], name->port);
}

void dgram_put_line(struct seq_buffer *seq, const struct dgram_sock *s, unsigned number)
{
	const struct inet_endpoint *end = &s->inet.end;
	int family = s->inet.base.domain;
	size_t start = seq->length;

	seq_printf(seq, "%5u: ", number);
	put_end(seq, &end->local, family);
	seq_putc(seq, ' ');
	put_end(seq, &end->remote, family);
	seq_printf(seq, " %02X %08X:%08X 00:00000000 00000000 %5u        0 %lu %d %016lx %u", end->state, 0u, s->queued, end->uid,
		   (unsigned long)s->inet.base.ino, s->inet.base.count.count + 1, (unsigned long)hash_u64((u64)s), s->drops);
	if (family == AF_INET)
		seq_pad(seq, start, LINE_UDP);
	seq_putc(seq, '\n');
}

void dgram_put_title(struct seq_buffer *seq, int family, bool raw)
{
	if (family == AF_INET && raw)
		seq_puts(seq, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
	else if (family == AF_INET)
		seq_puts(seq, "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops"
			      "             \n");
	else
		seq_puts(seq, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when "
			      "retrnsmt   uid  timeout inode ref pointer drops\n");
}

void proc_net_udp(struct seq_buffer *seq, int family)
{
	struct inet_endpoint *end = NULL;

	dgram_put_title(seq, family, false);
	while ((end = port_next(&udp_ports, end)))
		if (end->family == family)
			dgram_put_line(seq, dgram_of(end), end->local.port);
}
