/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's side of the control socket (abi/control.h): commands of the same user ask, the monitor or the container's kernel answers.
 * Part of the monitor's loop; never waits for a client or for the kernel.
 */
#ifndef RUNTIME_SANDBOX_CONTROL_SERVER_H
#define RUNTIME_SANDBOX_CONTROL_SERVER_H

#include <poll.h>

#include "include/abi/control.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/state.h"

#define CONTROL_CLIENTS 80 /* more wait in the socket's backlog */
#define CONTROL_POLLS (1 + CONTROL_CLIENTS)

struct control_client {
	int fd;             /* -1: none */
	bool waiting;       /* for the kernel: its request is here */
	bool traces;        /* has started the trace */
	bool freezes;       /* waits until all tasks stand still */
	uint64_t patience;  /* how long: CLOCK_MONOTONIC, ns */
	uint64_t runs;      /* the task that does not, as the kernel said last */
	int exec;           /* its program, a place in execs; -1: none */
	struct control_request request;
};

/* A program of `exec`, and whose it is. Its place is that of the channel's exec slot, too. */
struct exec_session {
	bool used, asked, told;
	int client;         /* -1: it has gone */
	int data_fd;        /* the description, until the kernel is asked; -1 */
	uint32_t data_length;
	uint64_t tokens[3]; /* of its streams; 0: none */
	uint64_t preserved[PRESERVED_MAX]; /* and of its descriptors from 3 on */
	uint64_t signals;   /* on their way: bit n-1 */
	bool resize;
	uint16_t rows, columns;
};

struct control_server {
	struct sandbox *sandbox;
	struct state state;
	int listener;       /* -1: there is no control socket */
	struct control_client clients[CONTROL_CLIENTS];
	struct exec_session execs[EXEC_SLOTS];
	/* The kernel answers one question at a time. */
	bool asking;
	int asked_for;      /* client; -1: it has left, or it is our own */
	uint32_t asked;     /* number of the last question */
	uint64_t deadline;  /* CLOCK_MONOTONIC, ns */
	bool stop_trace;    /* its client has left */
	bool thaw;          /* who wanted it frozen has left, or has waited long enough */
};

void control_server_init(struct control_server *server, struct sandbox *sandbox);
/* Before the kernel runs. A name that cannot be had (or a state directory that cannot be made for it) is an error: -1 with @error set. */
int control_server_prepare(struct control_server *server, struct error *error);
/* The kernel process exists: the container can be found now. Where that is not possible it runs all the same, with a warning. */
void control_server_started(struct control_server *server);
/* Fills in CONTROL_POLLS entries; returns the time-out for poll, ms, -1 for none. */
int control_server_polls(struct control_server *server, struct pollfd *polls);
void control_server_serve(struct control_server *server, const struct pollfd *polls);
/* The kernel may have answered. */
void control_server_answered(struct control_server *server);
/* The container has ended: clients see the end of their connection. */
void control_server_hang_up(struct control_server *server);
/* An answer to a client, which stays. */
void control_server_send(struct control_server *server, int index, struct control_reply *reply);
/* Removes the directory. May be called again. */
void control_server_close(struct control_server *server);

#endif
