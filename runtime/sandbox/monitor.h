/* SPDX-License-Identifier: Apache-2.0 */
/* Between monitor.c, which attends to a container, and boot.c, which brings it up. */
#ifndef RUNTIME_SANDBOX_MONITOR_H
#define RUNTIME_SANDBOX_MONITOR_H

#include <pthread.h>
#include <stdbool.h>
#include <termios.h>

#include "runtime/sandbox/control_server.h"
#include "runtime/sandbox/relay.h"
#include "runtime/sandbox/sandbox.h"

struct monitor {
	struct sandbox *sandbox;
	struct relay relays[5]; /* stdin, stdout, stderr, log, trace */
	int signals, news; /* signalfd; eventfd: the slots thread has seen the container end, or an answer of the kernel */
	bool container_ended; /* set by the slots thread */
	struct control_server control;
	bool booted, finished, kernel_gone, child_ended;
	bool killed; /* the host has ended a process of ours with SIGKILL */
	int stop_requests;
	char abnormal[512]; /* why the container was ended by us or the host; "" if it ended by itself */
	bool terminal_is_raw;
	struct termios terminal;
	pthread_t slots_thread, memory_thread;
	bool watches_memory;
	struct trace_recorder *recorder; /* --trace */
	int streams[3];                  /* the user's */
};

/* From here on the signals that it takes wait for it. */
int monitor_block_signals(struct monitor *monitor, struct error *error);
/* Streams and threads: the kernel may ask for something. */
int monitor_begin(struct monitor *monitor, struct error *error);
void monitor_restore_terminal(struct monitor *monitor);
/* The console's window, from whichever of the standard descriptors is a terminal. */
void monitor_window_size(const struct monitor *monitor, uint16_t *ret_rows, uint16_t *ret_columns);
/* SIGKILL to all processes of the container until the host says that there is none left. */
void monitor_kill_all(struct monitor *monitor);

/* boot.c: everything up to the point from which the container needs its monitor only. -1 with @error set: nothing is left of it. */
int boot_container(struct monitor *monitor, struct error *error);

#endif
