/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's side of `linuxd exec` (CONTROL_EXEC in abi/control.h): a client brings a description of a program and its descriptors, and stays
 * connected until that has ended. If it goes away before, the program is killed.
 */
#ifndef RUNTIME_SANDBOX_EXEC_SERVER_H
#define RUNTIME_SANDBOX_EXEC_SERVER_H

#include "runtime/sandbox/control_server.h"

/* Begins. 0, or -1 with @error set (error->code for the client). Takes over the descriptors. */
int exec_begin(struct control_server *server, int index, const int *fds, int nr_fds, struct error *error);
/* What the kernel is to be asked, and the data for it. */
void exec_question(struct control_server *server, int index, struct control_request *ret_request);
/* The kernel has answered. False: it refuses, and the client is to hear that. */
bool exec_goes_on(struct control_server *server, int index, const struct kernel_request *answer);
/* CONTROL_EXEC_SIGNAL, CONTROL_EXEC_RESIZE of the client whose program it is. */
void exec_note(struct control_server *server, int index, const struct control_request *request);
/* The client has gone. */
void exec_dropped(struct control_server *server, int index);
/* Tells clients what has happened to their programs. */
void exec_news(struct control_server *server);
/* A question of our own: a signal or a size on its way to a program. False: there is none. */
bool exec_own_question(struct control_server *server, struct control_request *ret_request);

#endif
