/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name service of a container: what answers at 10.0.2.3, port 53, or in the name of the host's servers (names_serve). The container talks to it
 * over socket pairs, never to the host's network. Everything here is done by the network thread with the network's lock held, but names_connect
 * and names_serve, which are for the slots thread.
 */
#ifndef RUNTIME_NETWORK_NAMES_H
#define RUNTIME_NETWORK_NAMES_H

#include "runtime/network/network.h"

/* epoll data of the network thread; below are entrances. */
#define NAMES_CLIENT 0x10000
#define NAMES_QUERY 0x20000
#define NAMES_END 0x30000

/* Opens nothing yet: reads the host's list of servers. */
int names_prepare(struct network *network, struct error *error);
/* Resolves the names that --deny rules have, before the container starts: at most a few seconds. Warns about those that cannot be. */
void names_resolve_denied(struct network *network);
/* In the thread, first of all: names of rules are looked up before somebody asks. */
void names_start(struct network *network);
void names_close(struct network *network);
/*
 * Is this the container's name server? With a network of the host's: the servers that its programs know, if there is a policy; without one
 * the questions go to the servers themselves.
 */
bool names_serve(const struct network *network, const struct network_endpoint *to);
/* A connection of the container's to its name server: its end of a new pair; -errno. */
int names_connect(struct network *network, bool stream);
void names_ready(struct network *network, uint64_t data, uint32_t events);
/* Milliseconds until names_ready has something to give up; -1: never. */
int names_timeout(struct network *network);
void names_expire(struct network *network);

#endif
