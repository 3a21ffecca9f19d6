// SPDX-License-Identifier: Apache-2.0
/* Many threads on every kind of lock: a lost wake-up shows as a hang. */
#include "test.h"

#include <semaphore.h>

#define THREADS 8
#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t ping, pong;
static long sum, queue[4], head, tail, shared_a, shared_b, torn;
static pthread_key_t key;
static long destroyed;

static void *mutex_thread(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		sum++;
		if (i % 64 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *barrier_thread(void *arg)
{
	long serial = 0;

	for (int i = 0; i < 300; i++)
		serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
	return (void *)serial;
}

static void *producer(void *arg)
{
	for (long i = 1; i <= ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		while (head - tail == 4)
			pthread_cond_wait(&not_full, &mutex);
		queue[head++ % 4] = i;
		pthread_cond_signal(&not_empty);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *consumer(void *arg)
{
	long got = 0;

	for (long i = 1; i <= ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		while (head == tail)
			pthread_cond_wait(&not_empty, &mutex);
		got += queue[tail++ % 4];
		pthread_cond_signal(&not_full);
		pthread_mutex_unlock(&mutex);
	}
	return (void *)got;
}

static void *rw_thread(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 8 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			shared_a++;
			if (i % 64 == 0)
				sched_yield();
			shared_b++;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			if (shared_a != shared_b)
				torn++;
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void *pong_thread(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		sem_wait(&ping);
		sem_post(&pong);
	}
	return NULL;
}

static void destructor(void *value) { __atomic_add_fetch(&destroyed, (long)value, __ATOMIC_SEQ_CST); }

static void *short_thread(void *arg)
{
	pthread_setspecific(key, (void *)1);
	return arg;
}

static void *cancelled(void *arg)
{
	pthread_setspecific(key, (void *)1);
	sem_post(&ping);
	for (;;)
		pause();
	return NULL;
}

static void run(const char *name, void *(*fn)(void *), int n)
{
	pthread_t t[THREADS];
	long total = 0;
	void *result;

	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, fn, NULL))
			say("%s: no thread", name);
	for (int i = 0; i < n; i++) {
		pthread_join(t[i], &result);
		total += (long)result;
	}
	say("%s: %ld", name, total);
}

static void many(void)
{
	static pthread_t t[500];
	pthread_attr_t attr;
	long ok = 0;
	void *result;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int round = 0; round < 4; round++) {
		for (long i = 0; i < 500; i++)
			if (pthread_create(&t[i], &attr, short_thread, (void *)i))
				say("no thread");
		for (long i = 0; i < 500; i++) {
			pthread_join(t[i], &result);
			ok += (long)result == i;
		}
	}
	for (int i = 0; i < 1000; i++) {
		pthread_create(&t[0], &attr, short_thread, (void *)7);
		pthread_join(t[0], &result);
		ok += result == (void *)7;
	}
	say("many: %ld, destroyed %ld", ok, destroyed);
}

int main(void)
{
	pthread_t a, b;
	void *result;

	pthread_key_create(&key, destructor);
	run("mutex", mutex_thread, THREADS);
	say("sum %ld", sum);
	pthread_barrier_init(&barrier, NULL, THREADS);
	run("barrier", barrier_thread, THREADS);
	pthread_create(&a, NULL, producer, NULL);
	pthread_create(&b, NULL, consumer, NULL);
	pthread_join(a, NULL);
	pthread_join(b, &result);
	say("queue %ld", (long)result);
	run("rwlock", rw_thread, THREADS);
	say("writes %ld torn %ld", shared_a, torn);
	sem_init(&ping, 0, 0);
	sem_init(&pong, 0, 0);
	pthread_create(&a, NULL, pong_thread, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		sem_post(&ping);
		sem_wait(&pong);
	}
	pthread_join(a, NULL);
	many();
	for (int i = 0; i < 20; i++) {
		pthread_create(&a, NULL, cancelled, NULL);
		sem_wait(&ping);
		pthread_cancel(a);
		pthread_join(a, &result);
		if (result != PTHREAD_CANCELED)
			say("not cancelled");
	}
	say("destroyed %ld", destroyed);
	return 0;
}
