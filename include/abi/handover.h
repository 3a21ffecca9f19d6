/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host descriptors that the monitor hands into the running sandbox: a SOCK_SEQPACKET pair, made before the kernel process (boot->handover_fd
 * is the sandbox's end). Each packet is one struct handover_message with at most one descriptor (SCM_RIGHTS). Nothing goes the other
 * way: the monitor's end is shut down for reading.
 *
 * The monitor puts descriptors into the sandbox's one epoll set itself (EPOLLET). The data word of an event is the token of the message that
 * brought the descriptor, or one of the numbers below HANDOVER_FIRST_TOKEN.
 */
#ifndef ABI_HANDOVER_H
#define ABI_HANDOVER_H

#include <stdint.h>

/* Data words of the epoll set: 0..2 are stdin, stdout, stderr. */
#define EPOLL_DATA_HANDOVER 3
#define HANDOVER_FIRST_TOKEN 16

struct handover_message {
	uint64_t token;  /* names the descriptor from now on; the monitor never uses one twice */
	uint64_t target; /* token of the object that this is for (a listener); 0: somebody waits for `token` */
	uint64_t argument[2];
	uint8_t data[64]; /* what it is depends on the target: a socket address */
};

#endif
