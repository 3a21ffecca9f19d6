// SPDX-License-Identifier: Apache-2.0
/* PI futexes, robust lists, and what pthreads build on them. */
#include "test.h"

#include <linux/futex.h>

static long futex(void *word, int op, unsigned value, const void *timeout, void *word2, unsigned value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static unsigned lock, lock2, condition;
static volatile int stage;

static void *unlocker(void *arg)
{
	struct timespec past = { 1, 0 };

	SHOW(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&lock, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0));
	stage = 1;
	say("other lock: %ld", futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	CHECK((lock & FUTEX_TID_MASK) == (unsigned)syscall(SYS_gettid));
	say("other unlock: %ld", futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	return NULL;
}

static void *crossing(void *arg)
{
	futex(&lock2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	stage = 1;
	futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	futex(&lock2, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void by_hand(void)
{
	unsigned tid = (unsigned)syscall(SYS_gettid);
	pthread_t thread;

	SECTION("by hand");
	SHOW(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	CHECK(lock == tid);
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&lock, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_create(&thread, NULL, unlocker, NULL);
	while (!stage)
		sched_yield();
	sleep_ms(30);
	CHECK(lock == (tid | FUTEX_WAITERS));
	SHOW(futex(&lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	if (futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0))
		say("unlock failed");
	pthread_join(thread, NULL);
	say("word %x", lock);
	lock = 0x3ffffff0;
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&lock, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	lock = FUTEX_OWNER_DIED;
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	CHECK(lock == (tid | FUTEX_OWNER_DIED));
	SHOW(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));

	SECTION("deadlock");
	stage = 0;
	lock = lock2 = 0;
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_create(&thread, NULL, crossing, NULL);
	while (!stage)
		sched_yield();
	sleep_ms(30);
	SHOW(futex(&lock2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_join(thread, NULL);
	say("words %x %x", lock, lock2);
}

static void *requeued(void *arg)
{
	long result;

	__atomic_add_fetch(&stage, 1, __ATOMIC_SEQ_CST);
	result = futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &lock, 0);
	if (result || (lock & FUTEX_TID_MASK) != (unsigned)syscall(SYS_gettid))
		say("requeued: %ld, word %x", result, lock);
	__atomic_add_fetch(&stage, 1, __ATOMIC_SEQ_CST);
	futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void requeue(void)
{
	pthread_t threads[3];
	struct timespec past = { 1, 0 };

	SECTION("requeue to a PI lock");
	stage = 0;
	lock = condition = 0;
	SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 1, NULL, &lock, 0));
	SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &condition, 0));
	SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, &past, &lock, 0));
	SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, (void *)1, &lock, 0));
	SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &lock, 1));
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, requeued, NULL);
	while (stage < 3)
		sched_yield();
	sleep_ms(50);
	SHOW(futex(&condition, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &lock2, 0));
	SHOW(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)INT_MAX, &lock, 0));
	sleep_ms(30);
	say("stage %d", stage);
	SHOW(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	say("stage %d", stage);
}

static pthread_mutex_t pi_mutex, *shared;
static long counter;

static void *pi_adder(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&pi_mutex);
		counter++;
		pthread_mutex_unlock(&pi_mutex);
	}
	return NULL;
}

static void *dies_locked(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void *waits_for_dead(void *arg)
{
	int error = pthread_mutex_lock(arg);

	say("heir: %s", error_name(error));
	pthread_mutex_consistent(arg);
	say("unlock: %d", pthread_mutex_unlock(arg));
	return NULL;
}

static void make(pthread_mutex_t *mutex, int protocol, int robust)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutex_init(mutex, &attr);
}

static void pthreads(void)
{
	pthread_t threads[4];
	int protocols[] = { PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT };

	SECTION("pthreads");
	make(&pi_mutex, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, pi_adder, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	say("counter %ld", counter);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++) {
		say("protocol %d", i);
		make(shared, protocols[i], PTHREAD_MUTEX_ROBUST);
		pthread_create(&threads[0], NULL, dies_locked, shared);
		pthread_join(threads[0], NULL);
		SHOW(pthread_mutex_lock(shared));
		SHOW(pthread_mutex_consistent(shared));
		SHOW(pthread_mutex_unlock(shared));
		IN_CHILD(pthread_mutex_lock(shared); raise(SIGKILL));
		SHOW(pthread_mutex_trylock(shared));
		SHOW(pthread_mutex_unlock(shared));
		SHOW(pthread_mutex_lock(shared));

		make(shared, protocols[i], PTHREAD_MUTEX_ROBUST);
		pid_t pid = fork();
		if (!pid) {
			pthread_mutex_lock(shared);
			*(volatile int *)(shared + 1) = 1;
			sleep_ms(60);
			_exit(0);
		}
		while (!*(volatile int *)(shared + 1))
			sched_yield();
		*(volatile int *)(shared + 1) = 0;
		pthread_create(&threads[0], NULL, waits_for_dead, shared);
		waitpid(pid, NULL, 0);
		pthread_join(threads[0], NULL);
		SHOW(pthread_mutex_lock(shared));
		SHOW(pthread_mutex_unlock(shared));
	}
	SHOW(syscall(SYS_set_robust_list, &lock, 5));
	uint64_t head = 0, size = 0;
	SHOW(syscall(SYS_get_robust_list, 0, &head, &size));
	CHECK(head != 0);
	say("size %lu", (unsigned long)size);
	SHOW(syscall(SYS_get_robust_list, 999999, &head, &size));
}

int main(void)
{
	by_hand();
	requeue();
	pthreads();
	return 0;
}
