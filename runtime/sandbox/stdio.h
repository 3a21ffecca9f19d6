/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard descriptors of a container's programs. The sandbox's kernel must never block in the host, so it gets descriptors that cannot: pipes
 * opened once more without blocking, files, /dev/null, the slave of a terminal of our own. For all others (sockets, terminals of somebody
 * else) there is a pipe, and a thread that carries.
 */
#ifndef RUNTIME_SANDBOX_STDIO_H
#define RUNTIME_SANDBOX_STDIO_H

#include "runtime/sandbox/sandbox.h"

/* Fills in inside[], pipe[], direct[], terminal and the boot parameters' descriptors. */
int stdio_prepare(struct sandbox *sandbox, struct error *error);

/*
 * A descriptor for the sandbox that is the same stream as @fd, which stays as it is; -1: there must be a relay. *ret_watch: it reports
 * readiness, so it belongs into the epoll set.
 */
int stdio_share(int fd, bool input, bool *ret_watch);

/*
 * The same for a descriptor of --preserve-fds, and whether programs read from it. Pipes, files and /dev/null only, in one direction: -1 with @error set
 * for all others.
 */
int stdio_preserve(int fd, bool *ret_input, bool *ret_watch, struct error *error);

/* A terminal whose slave is raw and does not block: the container's own line discipline is behind it. 0, or -1 with @error set. */
int stdio_make_terminal(uint16_t rows, uint16_t columns, int *ret_master, int *ret_slave, struct error *error);
/* To the one who listens at a console socket, with SCM_RIGHTS. */
int stdio_send_master(int socket, int master, struct error *error);
/* Connects to the UNIX socket @path: --console-socket. */
int stdio_console_connect(const char *path, struct error *error);

#endif
