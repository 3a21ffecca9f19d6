// SPDX-License-Identifier: Apache-2.0
/* Ping and raw sockets on lo: who may have them, echo, headers, filters, checksums. */
#include "test.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		say("write %s '%s': %s", path, text, error_name(errno));
	close(fd);
}

static void show_file(const char *path)
{
	char text[128] = "";
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	say("%s: %.*s", path, n > 0 ? (int)n - 1 : 0, text);
	close(fd);
}

static unsigned short checksum(const void *data, size_t n)
{
	const unsigned char *p = data;
	unsigned sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (unsigned)(p[i] << 8 | p[i + 1]);
	if (n & 1)
		sum += (unsigned)(p[n - 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

static const struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f };
static const struct sockaddr_in6 here6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

static void permissions(void)
{
	SECTION("who may");
	show_file("/proc/sys/net/ipv4/ip_local_port_range");
	show_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
	write_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
	show_file("/proc/sys/net/ipv4/ping_group_range");
	SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	write_file("/proc/sys/net/ipv4/ping_group_range", "5\n");
	write_file("/proc/sys/net/ipv4/ping_group_range", "5 x\n");
	write_file("/proc/sys/net/ipv4/ping_group_range", "5 2\n");
	show_file("/proc/sys/net/ipv4/ping_group_range");
	write_file("/proc/sys/net/ipv4/ping_group_range", "0 1000\n");
	show_file("/proc/sys/net/ipv4/ping_group_range");
	IN_CHILD({
		setgid(2000);
		setuid(65534);
		SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
		SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
		SHOW(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	});
	SHOW(socket(AF_INET, SOCK_RAW, 0));
	SHOW(socket(AF_INET, SOCK_RAW, 256));
	SHOW(socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMP));
	SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6));
	SHOW(socket(AF_INET, SOCK_RDM, 0));
	SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
	SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
}

struct echo {
	struct icmphdr h;
	char text[8];
};

static void ping_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), value = 1;
	struct echo e = { .h = { .type = ICMP_ECHO, .un.echo = { .id = 77, .sequence = htons(5) } }, .text = "payload" }, got;
	struct sockaddr_in a;
	socklen_t length = sizeof(a);
	unsigned short id;

	SECTION("ping socket");
	SHOW(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &value, sizeof(value)));
	SHOW(sendto(fd, &e, 4, 0, (void *)&here, sizeof(here)));
	e.h.type = ICMP_ECHOREPLY;
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	e.h.type = ICMP_ECHO;
	SHOW(send(fd, &e, sizeof(e), 0));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	getsockname(fd, (void *)&a, &length);
	id = a.sin_port;
	CHECK(id != 0);
	memset(&got, 0, sizeof(got));
	length = sizeof(a);
	SHOW(recvfrom(fd, &got, sizeof(got), 0, (void *)&a, &length));
	say("type %d code %d ours %d sequence %d '%s' from %x port %d, sum %x", got.h.type, got.h.code, got.h.un.echo.id == id,
	    ntohs(got.h.un.echo.sequence), got.text, ntohl(a.sin_addr.s_addr), a.sin_port, checksum(&got, sizeof(got)));
	SHOW(recv(fd, &got, sizeof(got), MSG_DONTWAIT));
	SHOW(connect(fd, (void *)&here, sizeof(here)));
	SHOW(send(fd, &e, sizeof(e), 0));
	SHOW(recv(fd, &got, sizeof(got), 0));
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	e.h.type = ICMP6_ECHO_REQUEST;
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here6, sizeof(here6)));
	SHOW(recv(fd, &got, sizeof(got), 0));
	say("type %d '%s'", got.h.type, got.text);
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	close(fd);
}

static void show_packets(int fd, bool header)
{
	unsigned char packet[128];
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	long n;

	while ((n = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT, (void *)&from, &length)) >= 0) {
		struct iphdr *ip = (void *)packet;
		unsigned char *icmp = packet + (header ? ip->ihl * 4 : 0);

		if (header)
			say("packet of %ld: version %d ihl %d length %d ttl %d protocol %d tos %d sum %x from %x to %x", n, ip->version, ip->ihl,
			    ntohs(ip->tot_len), ip->ttl, ip->protocol, ip->tos, checksum(packet, (size_t)ip->ihl * 4), ntohl(ip->saddr), ntohl(ip->daddr));
		say("type %d code %d '%.8s', name length %d", icmp[0], icmp[1], n > 8 ? (char *)icmp + 8 : "", length);
	}
	say("then %s", error_name(errno));
}

static void raw4(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), ttl = 7, one = 1;
	struct echo e = { .h = { .type = ICMP_ECHO, .un.echo = { .id = 99, .sequence = htons(1) } }, .text = "rawdata" };
	struct icmp_filter { uint32_t data; } filter = { ~(1U << ICMP_ECHOREPLY) };
	struct sockaddr_in a;
	socklen_t length = sizeof(a);

	SECTION("raw ICMP");
	getsockname(fd, (void *)&a, &length);
	say("port %d", ntohs(a.sin_port));
	e.h.checksum = checksum(&e, sizeof(e));
	SHOW(send(fd, &e, sizeof(e), 0));
	SHOW(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	show_packets(fd, true);
	SHOW(setsockopt(fd, 255, 1, &filter, sizeof(filter)));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	show_packets(fd, true);
	/* A bad checksum gets no answer. */
	filter.data = 0;
	setsockopt(fd, 255, 1, &filter, sizeof(filter));
	e.h.checksum ^= 1;
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	show_packets(fd, true);
	e.h.checksum ^= 1;
	/* Another program's filter: only what is of another sequence number. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0U),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { 5, code };
	SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	show_packets(fd, true);
	e.h.un.echo.sequence = htons(2);
	e.h.checksum = 0;
	e.h.checksum = checksum(&e, sizeof(e));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here, sizeof(here)));
	show_packets(fd, true);
	SHOW(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)));
	code[4].code = 0xffff;
	SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	program.len = 0;
	SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, 3));
	close(fd);
}

static void own_header(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), icmp = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), value = 0;
	struct { struct iphdr ip; struct echo e; } packet = {
		.ip = { .version = 4, .ihl = 5, .ttl = 33, .protocol = IPPROTO_ICMP, .saddr = htonl(0x7f000009), .daddr = htonl(0x7f000001) },
		.e = { .h = { .type = ICMP_ECHO }, .text = "own hdr" },
	};
	socklen_t length = sizeof(value);

	SECTION("IP_HDRINCL");
	SHOW(getsockopt(fd, IPPROTO_IP, IP_HDRINCL, &value, &length));
	say("%d", value);
	packet.e.h.checksum = checksum(&packet.e, sizeof(packet.e));
	SHOW(sendto(fd, &packet, 10, 0, (void *)&here, sizeof(here)));
	SHOW(sendto(fd, &packet, sizeof(packet), 0, (void *)&here, sizeof(here)));
	show_packets(icmp, true);
	close(fd);
	close(icmp);
}

static void raw6(void)
{
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), value = 4;
	struct echo e = { .h = { .type = ICMP6_ECHO_REQUEST, .un.echo = { .id = 9, .sequence = htons(1) } }, .text = "six" };
	struct icmp6_filter filter;

	SECTION("raw ICMPv6");
	SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &value, sizeof(value)));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here6, sizeof(here6)));
	show_packets(fd, false);
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	SHOW(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)));
	SHOW(sendto(fd, &e, sizeof(e), 0, (void *)&here6, sizeof(here6)));
	show_packets(fd, false);
	close(fd);
}

static void other_protocol(void)
{
	int a = socket(AF_INET, SOCK_RAW, 253), b = socket(AF_INET, SOCK_RAW, 253), udp = socket(AF_INET, SOCK_DGRAM, 0), raw;
	struct sockaddr_in second = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002), .sin_port = htons(7020) };
	unsigned char datagram[] = { 0x1b, 0x6d, 0x1b, 0x6c, 0, 12, 0, 0, 'd', 'a', 't', 'a' };
	char buf[64];

	SECTION("other protocols");
	SHOW(bind(b, (void *)&second, sizeof(second)));
	SHOW(sendto(a, "experiment", 10, 0, (void *)&here, sizeof(here)));
	SHOW(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	SHOW(recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	SHOW(sendto(a, "second", 6, 0, (void *)&second, sizeof(second)));
	SHOW(recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	say("%.6s", buf + 20);
	SHOW(listen(a, 1));
	SHOW(bind(udp, (void *)&second, sizeof(second)));
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	SHOW(sendto(raw, datagram, sizeof(datagram), 0, (void *)&second, sizeof(second)));
	SHOW(recv(udp, buf, sizeof(buf), MSG_DONTWAIT));
	say("%.4s", buf);
	close(a);
	close(b);
	close(udp);
	close(raw);
}

int main(void)
{
	permissions();
	ping_socket();
	raw4();
	own_header();
	raw6();
	other_protocol();
}
