// SPDX-License-Identifier: Apache-2.0
/*
 * A program with the mistakes that threads make, for docs/deterministic.md. Each of them is right most of the time.
 *
 *   race balance    two threads pay into an account without a lock: a payment gets lost
 *   race free       a reader uses what the writer has freed, because the reader looks before it takes the lock
 *   race deadlock   two threads take two locks in different order
 *   race spin       a thread waits for another in a loop, without a system call: right, but nothing else may run for ever
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAYMENTS 100

static volatile long balance;

static void *pay(void *argument)
{
	for (int i = 0; i < PAYMENTS; i++) {
		long before = balance;

		balance = before + 1;
	}
	return NULL;
}

static struct message {
	int valid;
	int number;
} *current_message;
static pthread_mutex_t message_lock = PTHREAD_MUTEX_INITIALIZER;

static void *read_messages(void *argument)
{
	for (int i = 0; i < 50; i++) {
		struct message *message = current_message; /* the mistake: this belongs behind the lock */

		pthread_mutex_lock(&message_lock);
		if (message && message->valid != 0x600d) {
			printf("the reader uses message that is gone: %x\n", message->valid);
			exit(1);
		}
		pthread_mutex_unlock(&message_lock);
	}
	return NULL;
}

static void *write_messages(void *argument)
{
	for (int i = 0; i < 50; i++) {
		struct message *message = malloc(sizeof(*message)), *old;

		*message = (struct message){ 0x600d, i };
		pthread_mutex_lock(&message_lock);
		old = current_message;
		current_message = message;
		if (old)
			old->valid = 0xdead;
		pthread_mutex_unlock(&message_lock);
		/* Not really freed, so that the reader's mistake is seen and not undefined. */
	}
	return NULL;
}

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;

static void *left_first(void *argument)
{
	pthread_mutex_lock(&left);
	pthread_mutex_lock(&right);
	pthread_mutex_unlock(&right);
	pthread_mutex_unlock(&left);
	return NULL;
}

static void *right_first(void *argument)
{
	pthread_mutex_lock(&right);
	pthread_mutex_lock(&left);
	pthread_mutex_unlock(&left);
	pthread_mutex_unlock(&right);
	return NULL;
}

static volatile int ready;

static void *spin(void *argument)
{
	while (!ready)
		;
	return NULL;
}

static void *make_ready(void *argument)
{
	usleep(1000);
	ready = 1;
	return NULL;
}

static void run_both(void *(*one)(void *), void *(*other)(void *))
{
	pthread_t threads[2];

	if (pthread_create(&threads[0], NULL, one, NULL) || pthread_create(&threads[1], NULL, other, NULL)) {
		fprintf(stderr, "race: cannot make a thread\n");
		exit(2);
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "";

	if (!strcmp(which, "balance")) {
		run_both(pay, pay);
		printf("balance %ld, paid %d\n", balance, 2 * PAYMENTS);
		return balance != 2 * PAYMENTS;
	}
	if (!strcmp(which, "free"))
		run_both(write_messages, read_messages);
	else if (!strcmp(which, "deadlock"))
		run_both(left_first, right_first);
	else if (!strcmp(which, "spin"))
		run_both(spin, make_ready);
	else {
		fprintf(stderr, "usage: race balance|free|deadlock|spin\n");
		return 2;
	}
	printf("fine\n");
	return 0;
}
