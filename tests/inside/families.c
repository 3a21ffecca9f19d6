/* SPDX-License-Identifier: Apache-2.0 */
/* What there is not: the errors are those of a Linux without these families and protocols, for root and for others alike. */
#include "../conformance/test.h"

#include <linux/netlink.h>
#include <netinet/in.h>

static int failures;

static void expect(const char *what, int family, int type, int protocol, int error)
{
	int fd = socket(family, type, protocol);

	if (fd < 0 && errno == error)
		return;
	failures++;
	printf("%s: %s\n", what, fd < 0 ? error_name(errno) : "there is one");
	close(fd);
}

static void look(void)
{
	static const int protocols[] = { NETLINK_USERSOCK, NETLINK_FIREWALL, NETLINK_NFLOG, NETLINK_XFRM, NETLINK_SELINUX, NETLINK_AUDIT,
					 NETLINK_CONNECTOR, NETLINK_NETFILTER, NETLINK_GENERIC, NETLINK_CRYPTO };

	expect("AF_PACKET", AF_PACKET, SOCK_RAW, htons(3), EAFNOSUPPORT);
	expect("AF_PACKET datagrams", AF_PACKET, SOCK_DGRAM, 0, EAFNOSUPPORT);
	expect("AF_VSOCK", 40, SOCK_STREAM, 0, EAFNOSUPPORT);
	expect("AF_ALG", 38, SOCK_SEQPACKET, 0, EAFNOSUPPORT);
	expect("AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW, 0, EAFNOSUPPORT);
	expect("AF_CAN", 29, SOCK_RAW, 1, EAFNOSUPPORT);
	expect("AF_XDP", 44, SOCK_RAW, 0, EAFNOSUPPORT);
	expect("AF_SMC", 43, SOCK_STREAM, 0, EAFNOSUPPORT);
	expect("AF_KEY", 15, SOCK_RAW, 2, EAFNOSUPPORT);
	expect("SCTP", AF_INET, SOCK_STREAM, 132, EPROTONOSUPPORT);
	expect("SCTP", AF_INET, SOCK_SEQPACKET, 132, ESOCKTNOSUPPORT);
	expect("DCCP", AF_INET, 6, 33, ESOCKTNOSUPPORT);
	expect("UDP-Lite", AF_INET, SOCK_DGRAM, 136, EPROTONOSUPPORT);
	expect("MPTCP", AF_INET, SOCK_STREAM, 262, EPROTONOSUPPORT);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		expect("netlink protocol", AF_NETLINK, SOCK_RAW, protocols[i], EPROTONOSUPPORT);
}

int main(void)
{
	look();
	if (setuid(65534))
		return 2;
	look();
	printf("%d failures\n", failures);
	return failures != 0;
}
