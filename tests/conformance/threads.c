// SPDX-License-Identifier: Apache-2.0
/* Threads and futexes: mutexes, conditions, barriers, requeue, PI, robust, process-shared. */
#include "test.h"

#include <linux/futex.h>
#include <semaphore.h>

static long futex(void *word, int op, unsigned value, const void *timeout, void *word2, unsigned value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter, turn;
static __thread int local = 5;

static void *adder(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	local++;
	return (void *)(long)local;
}

static void *taker(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void pthreads(void)
{
	pthread_t t[8];
	void *result;

	SECTION("pthreads");
	for (int i = 0; i < 8; i++)
		SHOW(pthread_create(&t[i], NULL, adder, NULL));
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], &result);
	say("counter %ld result %ld", counter, (long)result);
	pthread_create(&t[0], NULL, taker, (void *)0);
	pthread_create(&t[1], NULL, taker, (void *)1);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	say("turn %ld", turn);
	struct timespec past = { 1, 0 };
	pthread_mutex_lock(&mutex);
	SHOW(pthread_cond_timedwait(&cond, &mutex, &past));
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 200; i++) {
		pthread_create(&t[0], NULL, adder, NULL);
		if (i % 2)
			pthread_join(t[0], NULL);
		else
			pthread_detach(t[0]);
		if (i == 20)
			break;
	}
}

static uint32_t word, word2;
static _Atomic int woken;

static void *waiter(void *arg)
{
	futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	woken++;
	return NULL;
}

static void *bit_waiter(void *arg)
{
	futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (unsigned)(long)arg);
	woken++;
	return NULL;
}

static void futexes(void)
{
	struct timespec t = { 0, 20000000 }, past = { 1, 0 };
	pthread_t threads[4];

	SECTION("futex");
	SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT, 0, &t, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, FUTEX_BITSET_MATCH_ANY));
	SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, 0));
	SHOW(futex((char *)&word + 1, FUTEX_WAIT, 0, &t, NULL, 0));
	SHOW(futex(&word, 99, 0, &t, NULL, 0));
	SHOW(futex(NULL, FUTEX_WAIT, 0, &t, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT, 0, &(struct timespec){ 0, 1000000000 }, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, waiter, NULL);
	sleep_ms(50);
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 5));
	SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 0));
	SHOW(futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	say("woken %d", woken);
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, bit_waiter, (void *)(1L << i));
	sleep_ms(50);
	SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 5));
	SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 0));
	/* word2 = word2 + 3, and wake on word2 too if it was 0 */
	SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 10, (void *)10, &word2, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)));
	say("word2 %u", word2);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	word2 = 0;
}

static pthread_mutex_t pi, robust;
static void *holds(void *arg)
{
	pthread_mutex_lock(&pi);
	sleep_ms(50);
	counter = 1;
	pthread_mutex_unlock(&pi);
	return NULL;
}

static void *dies(void *arg)
{
	pthread_mutex_lock(&robust);
	return NULL;
}

static void special_mutexes(void)
{
	pthread_mutexattr_t attr;
	pthread_t t;

	SECTION("priority inheritance");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&pi, &attr);
	counter = 0;
	pthread_create(&t, NULL, holds, NULL);
	sleep_ms(20);
	SHOW(pthread_mutex_trylock(&pi));
	SHOW(pthread_mutex_lock(&pi));
	say("counter %ld", counter);
	SHOW(pthread_mutex_unlock(&pi));
	pthread_join(t, NULL);
	uint32_t w = (uint32_t)gettid();
	SHOW(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	w = 0;
	SHOW(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	w = 99999;
	SHOW(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SECTION("robust");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	pthread_create(&t, NULL, dies, NULL);
	pthread_join(t, NULL);
	SHOW(pthread_mutex_lock(&robust) == EOWNERDEAD);
	SHOW(pthread_mutex_consistent(&robust));
	SHOW(pthread_mutex_unlock(&robust));
	/* between processes, owner killed */
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutex_init(shared, &attr);
	pid_t pid = fork();
	if (!pid) {
		pthread_mutex_lock(shared);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	SHOW(pthread_mutex_lock(shared) == EOWNERDEAD);
	pthread_mutex_consistent(shared);
	pthread_mutex_unlock(shared);
}

static void shared(void)
{
	SECTION("process shared");
	sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *n = (int *)(sem + 1);
	sem_init(sem, 1, 1);
	for (int i = 0; i < 4; i++) {
		if (!fork()) {
			for (int j = 0; j < 1000; j++) {
				sem_wait(sem);
				*n = *n + 1;
				sem_post(sem);
			}
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	say("n %d", *n);
	sem_t *named = sem_open("/conformance", O_CREAT | O_EXCL, 0600, 0);
	CHECK(named != SEM_FAILED);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(20);
		sem_post(named);
		_exit(0);
	}
	SHOW(sem_wait(named));
	waitpid(pid, NULL, 0);
	SHOW(sem_unlink("/conformance"));
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_nsec -= 1000000000, t.tv_sec++;
	SHOW(sem_timedwait(named, &t));
}

static void *sleeper(void *arg)
{
	sleep_ms(10000);
	return NULL;
}

static void *spinner(void *arg)
{
	for (volatile long i = 0;; i++)
		;
	return NULL;
}

static void ends(void)
{
	pthread_t t;
	void *result;

	SECTION("ends");
	IN_CHILD({ pthread_create(&t, NULL, sleeper, NULL); exit(3); });
	IN_CHILD({ pthread_create(&t, NULL, spinner, NULL); sleep_ms(10); exit(4); });
	IN_CHILD({
		pthread_create(&t, NULL, sleeper, NULL);
		pthread_cancel(t);
		pthread_join(t, &result);
		CHECK(result == PTHREAD_CANCELED);
		_exit(5);
	});
	IN_CHILD({ pthread_create(&t, NULL, spinner, NULL); raise(SIGKILL); });
	/* the leader leaves first */
	IN_CHILD({
		pthread_t other;
		pthread_create(&other, NULL, holds, NULL);
		pthread_exit(NULL);
	});
}

int main(void)
{
	pthreads();
	futexes();
	special_mutexes();
	shared();
	ends();
	return 0;
}
