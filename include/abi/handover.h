/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host descriptors that the monitor hands into the running sandbox: a SOCK_SEQPACKET pair, made before the kernel process (boot->handover_fd
 * is the sandbox's end). Each packet is one struct handover_message, for some targets with bytes behind it, with at most one descriptor
 * (SCM_RIGHTS). Nothing goes the other way: the monitor's end is shut down for reading.
 *
 * The monitor puts descriptors into the sandbox's one epoll set itself (EPOLLET). The data word of an event is the token of the message that
 * brought the descriptor, or one of the numbers below HANDOVER_FIRST_TOKEN.
 */
#ifndef ABI_HANDOVER_H
#define ABI_HANDOVER_H

#include <stdint.h>

/* Data words of the epoll set: 0..2 are stdin, stdout, stderr. */
#define EPOLL_DATA_HANDOVER 3
#define EPOLL_DATA_ARRIVAL 4 /* only as the target of messages: connections from outside (abi/network.h) */
#define HANDOVER_FIRST_TOKEN 16
/* In the tokens that the monitor gives out, not in those that the kernel does. */
#define HANDOVER_OF_MONITOR (1ULL << 63)

/* A datagram fits. */
#define HANDOVER_PAYLOAD 65535

struct handover_message {
	uint64_t token;  /* names the descriptor from now on; never used twice */
	uint64_t target; /* token of the object that this is for (a listener); 0: somebody waits for `token` */
	uint64_t argument[2];
	uint8_t data[80]; /* what it is depends on the target: a socket address */
};

#endif
