// SPDX-License-Identifier: Apache-2.0
/*
 * Runs inside a container with an egress policy and tries to reach this host: outside PORT NAME ADDRESS...
 *
 * The caller listens at PORT (TCP and UDP) on all addresses of the host, and at the abstract UNIX socket NAME; ADDRESS... are the host's own.
 * Prints what each attempt came to; whether one got through only the caller knows. Raw attempts write requests for the monitor into the
 * kernel's shared memory, as a program could that has taken over the kernel.
 *
 * outside PORT NAME raw GADGET   makes host calls itself, with the system call instruction of the kernel at the address GADGET: those for sockets
 *                                that the filter must refuse, and on the descriptors that are there the others. Ends with the sandbox in pieces.
 */
#include "attack.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/uio.h>
#include <stddef.h>
#include <sys/un.h>

#include "include/abi/boot.h"
#include "include/abi/handover.h"

static int port;

static void say(const char *what, const char *where, long value)
{
	printf("%s %s: %s\n", what, where, value >= 0 ? "went out?" : strerror(errno));
	fflush(stdout);
}

static socklen_t parse(const char *text, struct sockaddr_storage *name)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)name;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)name;

	memset(name, 0, sizeof(*name));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	v6->sin6_scope_id = strncmp(text, "fe80", 4) ? 0 : 2;
	return sizeof(*v6);
}

/* Connects, waits for the end of that, and says something. */
static void stream(const char *where, int flags)
{
	struct sockaddr_storage name;
	socklen_t length = parse(where, &name), size = sizeof(int);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	long result;

	if (flags)
		result = sendto(fd, "escaped", 7, flags | MSG_NOSIGNAL, (struct sockaddr *)&name, length);
	else
		result = connect(fd, (struct sockaddr *)&name, length);
	if (result < 0 && errno == EINPROGRESS) {
		poll(&wait, 1, 500);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
		errno = error;
		result = error ? -1 : 0;
	}
	error = errno;
	if (send(fd, "escaped", 7, MSG_NOSIGNAL) == 7)
		result = 0;
	errno = error;
	say(flags ? "TCP fast open" : "TCP", where, result);
	close(fd);
}

static void datagram(const char *where)
{
	struct sockaddr_storage name;
	socklen_t length = parse(where, &name);
	int fd = socket(name.ss_family, SOCK_DGRAM, 0);
	long result = 0;

	/* The first is taken in before anybody has been asked; the second one hears of it. */
	for (int i = 0; i < 3 && result >= 0; i++) {
		result = sendto(fd, "escaped", 7, 0, (struct sockaddr *)&name, length);
		usleep(15000);
	}
	say("UDP", where, result);
	if (!connect(fd, (struct sockaddr *)&name, length))
		for (int i = 0; i < 3; i++) {
			send(fd, "escaped", 7, MSG_NOSIGNAL);
			usleep(10000);
		}
	close(fd);
}

static void mapped(const char *where)
{
	char text[100];
	struct in_addr v4;

	if (inet_pton(AF_INET, where, &v4) != 1)
		return;
	snprintf(text, sizeof(text), "::ffff:%s", where);
	stream(text, 0);
	datagram(text);
	snprintf(text, sizeof(text), "::%s", where);
	stream(text, 0);
	snprintf(text, sizeof(text), "64:ff9b::%s", where);
	stream(text, 0);
	snprintf(text, sizeof(text), "2002:%x:%x::1", ntohl(v4.s_addr) >> 16, ntohl(v4.s_addr) & 0xffff);
	stream(text, 0);
}

/* Our own headers. */
static void raw(const char *where)
{
	static const int protocols[] = { IPPROTO_RAW, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP };
	unsigned char packet[28 + 7] = { 0x45, 0, 0, 35, 0, 0, 0, 0, 64, 17 };
	struct sockaddr_storage name;
	socklen_t length = parse(where, &name);

	if (name.ss_family != AF_INET)
		return;
	memcpy(packet + 12, &((struct sockaddr_in *)&name)->sin_addr, 4);
	memcpy(packet + 16, &((struct sockaddr_in *)&name)->sin_addr, 4);
	packet[20] = packet[22] = port >> 8;
	packet[21] = packet[23] = port & 255;
	packet[25] = 15;
	memcpy(packet + 28, "escaped", 7);
	((struct sockaddr_in *)&name)->sin_port = 0;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		int fd = socket(AF_INET, SOCK_RAW, protocols[i]), on = 1;
		long result = fd;

		if (fd >= 0) {
			setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on));
			result = sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&name, length);
			close(fd);
		}
		say("raw", where, result);
	}
	say("packet socket", where, socket(AF_PACKET, SOCK_RAW, htons(3)));
}

static void abstract(const char *text)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(name.sun_path + 1, text, strlen(text));
	say("abstract socket", text, connect(fd, (struct sockaddr *)&name, length));
	if (write(fd, "escaped", 7) == 7)
		say("abstract socket write", text, 0);
	close(fd);
}

/* Requests that the kernel would not make: straight into the ring. */
static void forge(const char *where)
{
	struct monitor_channel *channel = (struct monitor_channel *)LAYOUT_CHANNEL;
	struct network_ring *ring = &channel->network;
	struct sockaddr_storage name;
	struct network_request request = { .op = NETWORK_CONNECT, .flags = NETWORK_BIND };
	static uint64_t token = 1UL << 40;

	parse(where, &name);
	if (name.ss_family == AF_INET) {
		memset(request.remote.address + 10, 0xff, 2);
		memcpy(request.remote.address + 12, &((struct sockaddr_in *)&name)->sin_addr, 4);
	} else {
		memcpy(request.remote.address, &((struct sockaddr_in6 *)&name)->sin6_addr, 16);
	}
	request.remote.port = port;
	request.local = request.remote;
	for (int op = NETWORK_CONNECT; op <= NETWORK_LISTEN; op++) {
		for (int kind = 0; kind < 5; kind++) {
			uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

			request.op = op;
			request.kind = kind;
			request.token = token++;
			ring->requests[tail % NETWORK_RING] = request;
			__atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
		}
	}
	/* A harmless request of the kernel's rings the bell. */
	stream("192.0.2.1", 0);
	printf("forged for %s\n", where);
}

static void names(void)
{
	static const char *const texts[] = { "rebind.test", "rebind.test", "loop.test", "deny.test", "localhost.test" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL, *at;
		int error = getaddrinfo(texts[i], NULL, &hints, &list);

		printf("name %s: %s\n", texts[i], error ? gai_strerror(error) : "resolved");
		for (at = list; at && !error; at = at->ai_next) {
			char text[100];

			getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
			printf("name %s is %s\n", texts[i], text);
			stream(text, 0);
		}
		if (list)
			freeaddrinfo(list);
	}
}

/* The host's answer to a call from the kernel's own instruction, which is followed by a return. */
static long host(uint64_t address, long nr, long a0, long a1, long a2, long a3, long a4, long a5)
{
	register long r10 __asm__("r10") = a3;
	register long r8 __asm__("r8") = a4;
	register long r9 __asm__("r9") = a5;
	long result;

	__asm__ volatile("call *%[address]" : "=a"(result), "+r"(r10), "+r"(r8), "+r"(r9) : "0"(nr), "D"(a0), "S"(a1), "d"(a2), [address] "r"(address)
			 : "rcx", "r11", "memory");
	return result;
}

#define MOST_DESCRIPTORS 64

/* Everything that could name a destination, on every descriptor of the sandbox. */
static void refused_calls(uint64_t gadget)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in nobody = { .sin_family = AF_UNSPEC };
	struct iovec piece = { "escaped", 7 };
	struct msghdr message = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &piece, .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = message };
	static const int flags[] = { 0, MSG_DONTWAIT, MSG_PEEK, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK, MSG_ERRQUEUE,
				     MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_OOB };
	int on = 1;

	result(host(gadget, SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0) == -EPERM, "socket");
	result(host(gadget, SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, (long)&on, 0, 0) == -EPERM, "socketpair");
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
		bool good = true;

		good &= host(gadget, SYS_sendmsg, fd, (long)&message, MSG_DONTWAIT, 0, 0, 0) == -EPERM;
		good &= host(gadget, SYS_sendmmsg, fd, (long)&many, 1, MSG_DONTWAIT, 0, 0) == -EPERM;
		good &= host(gadget, SYS_sendto, fd, (long)"escaped", 7, MSG_DONTWAIT, (long)&name, sizeof(name)) == -EPERM;
		good &= host(gadget, SYS_connect, fd, (long)&nobody, sizeof(nobody), 0, 0, 0) == -EPERM;
		good &= host(gadget, SYS_connect, fd, (long)&name, sizeof(name), 0, 0, 0) == -EPERM;
		good &= host(gadget, SYS_bind, fd, (long)&name, sizeof(name), 0, 0, 0) == -EPERM;
		good &= host(gadget, SYS_listen, fd, 1, 0, 0, 0, 0) == -EPERM;
		good &= host(gadget, SYS_accept4, fd, 0, 0, SOCK_NONBLOCK, 0, 0) == -EPERM;
		good &= host(gadget, SYS_shutdown, fd, SHUT_RDWR, 0, 0, 0, 0) == -EPERM;
		good &= host(gadget, SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, (long)&on, 4, 0) == -EPERM;
		good &= host(gadget, SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, (long)&on, (long)&on, 0) == -EPERM;
		good &= host(gadget, SYS_epoll_ctl, fd, 1, fd, 0, 0, 0) == -EPERM;
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			good &= host(gadget, SYS_recvmsg, fd, (long)&message, flags[i], 0, 0, 0) == -EPERM;
		if (!good)
			result(false, "socket calls on descriptor %d", fd);
	}
	result(true, "socket calls");
}

/* With what the filter allows, on descriptors that are the kernel's: this harms the container, and nobody else. */
static void wreck(uint64_t gadget)
{
	char bytes[4096] = "junk", control[256];
	struct iovec piece = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	for (int fd = 3; fd < MOST_DESCRIPTORS; fd++) {
		host(gadget, SYS_recvmsg, fd, (long)&message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0, 0);
		host(gadget, SYS_pwritev2, fd, (long)&piece, 1, -1, 0, RWF_NOWAIT);
	}
	printf("end\n");
	fflush(stdout);
	usleep(100000); /* the line is on its way */
	for (int fd = 3; fd < MOST_DESCRIPTORS; fd++)
		host(gadget, SYS_close, fd, 0, 0, 0, 0, 0);
	for (int i = 0; i < 4; i++)
		stream("192.0.2.1", 0);
}

int main(int argc, char **argv)
{
	static const char *const everywhere[] = { "127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::", "10.0.2.2", "10.0.2.15", "169.254.169.254",
						  "255.255.255.255", "224.0.0.1", "ff02::1", "fe80::1" };

	if (argc < 3)
		return 2;
	port = atoi(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && !strcmp(argv[3], "raw")) {
		stream("10.0.2.2", 0); /* so that there is something to misuse */
		refused_calls(strtoull(argv[4], NULL, 0));
		wreck(strtoull(argv[4], NULL, 0));
		return failures != 0;
	}
	abstract(argv[2]);
	for (int i = 0; i < argc - 3 + (int)(sizeof(everywhere) / sizeof(everywhere[0])); i++) {
		const char *where = i < argc - 3 ? argv[3 + i] : everywhere[i - (argc - 3)];

		stream(where, 0);
		stream(where, MSG_FASTOPEN);
		datagram(where);
		mapped(where);
		raw(where);
		forge(where);
	}
	names();
	printf("end\n");
	return 0;
}
