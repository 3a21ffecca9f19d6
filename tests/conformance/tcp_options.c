// SPDX-License-Identifier: Apache-2.0
/* Options of TCP sockets at all levels: defaults, ranges, lengths, errors; /proc/net/tcp and /proc/sys/net. */
#include "inet.h"

#include <linux/filter.h>

struct option {
	int level, option;
	const char *name;
};
#define O(level, option) { level, option, #option }
static const struct option tcp_options[] = {
	O(IPPROTO_TCP, TCP_NODELAY), O(IPPROTO_TCP, TCP_CORK), O(IPPROTO_TCP, TCP_MAXSEG), O(IPPROTO_TCP, TCP_KEEPIDLE),
	O(IPPROTO_TCP, TCP_KEEPINTVL), O(IPPROTO_TCP, TCP_KEEPCNT), O(IPPROTO_TCP, TCP_SYNCNT), O(IPPROTO_TCP, TCP_LINGER2),
	O(IPPROTO_TCP, TCP_DEFER_ACCEPT), O(IPPROTO_TCP, TCP_WINDOW_CLAMP), O(IPPROTO_TCP, TCP_QUICKACK), O(IPPROTO_TCP, TCP_USER_TIMEOUT),
	O(IPPROTO_TCP, TCP_FASTOPEN), O(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS), O(IPPROTO_TCP, TCP_THIN_DUPACK),
	O(IPPROTO_TCP, TCP_INQ),
};
static const struct option ip_options[] = {
	O(IPPROTO_IP, IP_TOS), O(IPPROTO_IP, IP_TTL), O(IPPROTO_IP, IP_MTU_DISCOVER), O(IPPROTO_IP, IP_RECVERR), O(IPPROTO_IP, IP_PKTINFO),
	O(IPPROTO_IP, IP_FREEBIND), O(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), O(IPPROTO_IP, IP_MINTTL), O(IPPROTO_IP, IP_RECVTTL),
	O(IPPROTO_IP, IP_RECVTOS), O(IPPROTO_IP, IP_MULTICAST_LOOP), O(IPPROTO_IP, IP_TRANSPARENT),
	O(IPPROTO_IP, IP_RECVORIGDSTADDR),
};
static const struct option ipv6_options[] = {
	O(IPPROTO_IPV6, IPV6_V6ONLY), O(IPPROTO_IPV6, IPV6_UNICAST_HOPS), O(IPPROTO_IPV6, IPV6_TCLASS), O(IPPROTO_IPV6, IPV6_RECVERR),
	O(IPPROTO_IPV6, IPV6_RECVPKTINFO), O(IPPROTO_IPV6, IPV6_MTU_DISCOVER), O(IPPROTO_IPV6, IPV6_RECVTCLASS),
	O(IPPROTO_IPV6, IPV6_RECVHOPLIMIT), O(IPPROTO_IPV6, IPV6_MULTICAST_LOOP), O(IPPROTO_IPV6, 300),
};
static const struct option socket_options[] = {
	O(SOL_SOCKET, SO_KEEPALIVE), O(SOL_SOCKET, SO_OOBINLINE), O(SOL_SOCKET, SO_REUSEADDR),
	O(SOL_SOCKET, SO_REUSEPORT), O(SOL_SOCKET, SO_PRIORITY), O(SOL_SOCKET, SO_DONTROUTE), O(SOL_SOCKET, SO_BROADCAST),
	O(SOL_SOCKET, SO_DEBUG), O(SOL_SOCKET, SO_TYPE), O(SOL_SOCKET, SO_PROTOCOL),
	O(SOL_SOCKET, SO_DOMAIN), O(SOL_SOCKET, SO_INCOMING_CPU), O(SOL_SOCKET, SO_MARK), O(SOL_SOCKET, SO_RXQ_OVFL),
	O(SOL_SOCKET, SO_TIMESTAMP), O(SOL_SOCKET, SO_ACCEPTCONN), O(SOL_SOCKET, SO_BINDTOIFINDEX), O(SOL_SOCKET, SO_INCOMING_NAPI_ID),
};

static void each(int family, const struct option *options, unsigned n)
{
	static const int values[] = { 0, 1, 2, -1, 5, 33, 88, 255, 256, 1000, 32767, 32768, -7, INT_MAX, INT_MIN };

	for (unsigned i = 0; i < n; i++) {
		int fd = socket(family, SOCK_STREAM, 0);
		unsigned char byte = 3;
		socklen_t length;
		int value;

		say("%s %d", options[i].name, get_option(fd, options[i].level, options[i].option));
		for (unsigned j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			int error = set_option(fd, options[i].level, options[i].option, values[j]) ? errno : 0;

			say("  %d: %s, %d", values[j], error ? error_name(error) : "ok", get_option(fd, options[i].level, options[i].option));
		}
		SHOW(setsockopt(fd, options[i].level, options[i].option, &byte, 1));
		SHOW(setsockopt(fd, options[i].level, options[i].option, &byte, 0));
		SHOW(setsockopt(fd, options[i].level, options[i].option, (void *)8, 4));
		set_option(fd, options[i].level, options[i].option, 1);
		value = -1;
		length = 1;
		SHOW(getsockopt(fd, options[i].level, options[i].option, &value, &length));
		say("  length %d value %x", length, value);
		length = 100;
		getsockopt(fd, options[i].level, options[i].option, &value, &length);
		say("  length %d", length);
		close(fd);
	}
}
#define EACH(family, options) each(family, options, sizeof(options) / sizeof(options[0]))

static void special(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), p[2];
	char text[300] = "";
	socklen_t length = sizeof(text);

	SECTION("special");
	SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	length = 16;
	SHOW(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &length));
	say("%s %d", text, length);
	SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nonesuch", 8));
	SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	length = 3;
	SHOW(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &length));
	say("%.3s %d", text, length);
	length = 16;
	SHOW(getsockopt(fd, IPPROTO_TCP, TCP_ULP, text, &length));
	say("%d", length);
	SHOW(setsockopt(fd, IPPROTO_TCP, TCP_ULP, "nonesuch", 8));
	length = sizeof(text);
	SHOW(getsockopt(fd, IPPROTO_TCP, TCP_INFO, text, &length));
	SHOW(getsockopt(fd, IPPROTO_TCP, 250, text, &length));
	SHOW(setsockopt(fd, IPPROTO_TCP, 250, text, 4));
	SHOW(setsockopt(fd, IPPROTO_TCP, 250, text, 2));
	SHOW(setsockopt(fd, IPPROTO_UDP, 1, text, 4));
	SHOW(getsockopt(fd, IPPROTO_UDP, 1, text, &length));
	SHOW(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	SHOW(get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY));
	SHOW(setsockopt(fd, 12345, 1, text, 4));
	SHOW(get_option(fd, 12345, 1));
	SHOW(get_option(fd, IPPROTO_IP, IP_MTU));
	SHOW(set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 3));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
	length = 20;
	SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &length));
	say("%s %d", text, length);
	length = 3;
	SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &length));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nonesuch", 8));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	length = 20;
	SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &length));
	say("%d", length);
	struct ucred cred = { 1, 1, 1 };
	length = sizeof(cred);
	SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length));
	say("%d %d %d", cred.pid, (int)cred.uid, (int)cred.gid);
	uint64_t cookie = 0;
	length = sizeof(cookie);
	SHOW(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length));
	CHECK(cookie != 0);
	SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, text, (socklen_t[]){ -1 }));
	close(fd);
	tcp_pair(p);
	SHOW(get_option(p[0], IPPROTO_IP, IP_MTU) > 1000);
	SHOW(set_option(p[0], IPPROTO_TCP, TCP_FASTOPEN, 5));
	SHOW(set_option(p[0], IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	struct tcp_info info;
	length = sizeof(info);
	write(p[0], text, 100);
	read(p[1], text, 100);
	SHOW(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &info, &length));
	say("%d", length);
	CHECK(info.tcpi_snd_mss > 500 && info.tcpi_rto > 0);
	length = 10;
	SHOW(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &info, &length));
	say("%d", length);
	close(p[0]);
	close(p[1]);
	int l = listener4(17), c = connect4(port_of(l));
	length = sizeof(info);
	getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &length);
	say("listener: state %d waiting %d of %d", info.tcpi_state, info.tcpi_unacked, info.tcpi_sacked);
	close(c);
	close(l);
}

/* The lines of /proc/net/tcp, without what differs from run to run. */
static void show_proc(const char *path)
{
	char line[512], local[80], remote[80];
	unsigned state, tx, rx;
	FILE *f = fopen(path, "r");

	fgets(line, sizeof(line), f);
	say("%s%zu", line, strlen(line));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*d: %79[0-9A-F:] %79[0-9A-F:] %x %x:%x", local, remote, &state, &tx, &rx) == 5 && strstr(local, ":13"))
			say("%s %s state %X rx %x", local, strstr(remote, ":0000") ? remote : "somebody", state, rx);
	fclose(f);
}

static void in_proc(void)
{
	int l = socket(AF_INET, SOCK_STREAM, 0), l6 = socket(AF_INET6, SOCK_STREAM, 0), c, s;

	SECTION("/proc/net/tcp");
	bind(l, ADDR4("127.0.0.1", 0x1301));
	listen(l, 9);
	bind(l6, ADDR6("::", 0x1302));
	listen(l6, 9);
	c = connect4(0x1301);
	write(c, "four", 4);
	s = connect4(0x1302);
	sleep_ms(5);
	show_proc("/proc/net/tcp");
	show_proc("/proc/net/tcp6");
	close(s);
	close(c);
	s = accept(l, NULL, NULL);
	char buf[8];
	read(s, buf, 8);
	close(s);
	sleep_ms(5);
	close(l);
	close(l6);
}

int main(void)
{
	SECTION("tcp");
	EACH(AF_INET, tcp_options);
	SECTION("ip");
	EACH(AF_INET, ip_options);
	SECTION("ipv6");
	EACH(AF_INET6, ipv6_options);
	SECTION("ip of an ipv6 socket");
	EACH(AF_INET6, ip_options);
	SECTION("socket");
	EACH(AF_INET, socket_options);
	special();
	in_proc();
	return 0;
}
