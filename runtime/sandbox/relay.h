/* SPDX-License-Identifier: Apache-2.0 */
/* Carries bytes between the user's descriptors and the container's pipes. */
#ifndef RUNTIME_SANDBOX_RELAY_H
#define RUNTIME_SANDBOX_RELAY_H

#include <pthread.h>
#include <stdbool.h>

struct relay {
	int from, to;
	bool close_to;   /* the reader must see the end: close @to when @from has ended */
	bool add_return; /* the terminal is raw: "\n" becomes "\r\n" */
	bool started;
	pthread_t thread;
};

/* Carries until the end of @from or until @to takes no more; closes @from then if it is one of ours. */
void relay_run(struct relay *relay);

/* The same in a thread of its own, so that a blocked reader of one stream holds up no other. */
int relay_start(struct relay *relay);

#endif
