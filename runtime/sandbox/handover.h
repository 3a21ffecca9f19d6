/* SPDX-License-Identifier: Apache-2.0 */
/* Hands host descriptors into the running sandbox (include/abi/handover.h). All functions may be called from any thread of the monitor. */
#ifndef RUNTIME_SANDBOX_HANDOVER_H
#define RUNTIME_SANDBOX_HANDOVER_H

#include <stdint.h>

#include "include/abi/handover.h"
#include "runtime/sandbox/sandbox.h"

/* Makes the pair: sandbox->handover_fd is the monitor's end, boot->handover_fd the other one, watched by sandbox->epoll_fd. */
int handover_prepare(struct sandbox *sandbox, struct error *error);

/* A number that no descriptor of this sandbox has had. */
uint64_t handover_token(struct sandbox *sandbox);

/* Puts @fd into the sandbox's epoll set, edge triggered, for @events (EPOLLIN, ...); the event's data is @token. 0 or -errno. */
int handover_watch(struct sandbox *sandbox, int fd, uint64_t token, uint32_t events);

/*
 * Sends a copy of @fd (-1: only the message); the caller keeps its own and closes it or not. -EAGAIN, after a second the first time and then
 * at once: the sandbox does not fetch what it is sent;
 * -ETOOMANYREFS if too many descriptors are on their way; other errors as of sendmsg.
 */
int handover_send(struct sandbox *sandbox, int fd, const struct handover_message *message);
/* The same with up to HANDOVER_PAYLOAD bytes behind the message. */
int handover_send_with(struct sandbox *sandbox, int fd, const struct handover_message *message, const void *payload, size_t length);

#endif
