// SPDX-License-Identifier: Apache-2.0
/* futex(2) by hand: errors, timeouts, wake counts, requeue, wake_op, keys of shared and private words, waitv, restart. */
#include "test.h"

#include <linux/futex.h>

static long futex(void *word, int op, unsigned value, const void *timeout, void *word2, unsigned value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static unsigned words[16];

static void errors(void)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 }, now, soon = { 0, 1000000 };
	uint64_t start;

	SECTION("errors");
	words[0] = 1;
	SHOW(futex((char *)words + 1, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex((char *)words + 2, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex((void *)8, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex((void *)8, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex((void *)0xffff800000000000, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex((void *)0xffff800000000000, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex((void *)8, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex((void *)8, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAIT, 2, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAIT, 1, &bad, NULL, 0));
	SHOW(futex(words, FUTEX_WAIT, 1, &negative, NULL, 0));
	SHOW(futex(words, FUTEX_WAIT, 1, (void *)8, NULL, 0));
	SHOW(futex(words, 99, 1, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 2, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_REQUEUE, -1, (void *)1, words + 1, 0));
	SHOW(futex(words, FUTEX_REQUEUE, 1, (void *)-1, words + 1, 0));
	SHOW(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)1, words + 1, 7));
	SHOW(futex(words, FUTEX_FD, 1, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAKE, 0, NULL, NULL, 0));
	SHOW(futex(words, FUTEX_WAKE, -1, NULL, NULL, 0));

	SECTION("timeouts");
	start = now_ms();
	SHOW(futex(words, FUTEX_WAIT, 1, &(struct timespec){ 0, 30000000 }, NULL, 0));
	CHECK(now_ms() - start >= 30);
	SHOW(futex(words, FUTEX_WAIT_PRIVATE, 1, &(struct timespec){ 0, 0 }, NULL, 0));
	clock_gettime(CLOCK_MONOTONIC, &now);
	SHOW(futex(words, FUTEX_WAIT_BITSET, 1, &now, NULL, 1));
	SHOW(futex(words, FUTEX_WAIT_BITSET, 1, &soon, NULL, 1));
	now.tv_nsec += 20000000;
	if (now.tv_nsec >= 1000000000)
		now.tv_sec++, now.tv_nsec -= 1000000000;
	start = now_ms();
	SHOW(futex(words, FUTEX_WAIT_BITSET_PRIVATE, 1, &now, NULL, 1));
	CHECK(now_ms() - start <= 200);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_nsec += 20000000;
	if (now.tv_nsec >= 1000000000)
		now.tv_sec++, now.tv_nsec -= 1000000000;
	start = now_ms();
	SHOW(futex(words, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &now, NULL, 1));
	CHECK(now_ms() - start >= 15 && now_ms() - start <= 300);
}

struct sleeper {
	pthread_t thread;
	unsigned *word, bitset;
	int op;
	long result;
	int error;
	volatile int done, started;
};

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;

	s->started = 1;
	s->result = futex(s->word, s->op, 0, NULL, NULL, s->bitset);
	s->error = errno;
	s->done = 1;
	return NULL;
}

static void start_sleepers(struct sleeper *s, int n, unsigned *word, int op, unsigned bitset)
{
	for (int i = 0; i < n; i++) {
		s[i] = (struct sleeper){ .word = word, .op = op, .bitset = bitset ? bitset : 1u << i };
		pthread_create(&s[i].thread, NULL, sleeper_main, &s[i]);
		while (!s[i].started)
			sched_yield();
		sleep_ms(5);
	}
	sleep_ms(10);
}

/* How many came back: waits for `expected`, then a little for more. */
static int awake(struct sleeper *s, int n, int expected)
{
	uint64_t start = now_ms();
	int count;

	do {
		sleep_ms(10);
		count = 0;
		for (int i = 0; i < n; i++)
			count += s[i].done;
	} while (count < expected && now_ms() - start < 3000);
	return count;
}

static void join(struct sleeper *s, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(s[i].thread, NULL);
}

static void waking(void)
{
	struct sleeper s[6];
	unsigned *a = words + 4, *b = words + 5;

	SECTION("wake");
	*a = *b = 0;
	start_sleepers(s, 6, a, FUTEX_WAIT_BITSET_PRIVATE, 0);
	SHOW(futex(a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 0x40));
	SHOW(futex(a, FUTEX_WAKE, 10, NULL, NULL, 0));
	SHOW(futex(a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 0x5));
	SHOW(awake(s, 6, 2));
	CHECK(s[0].done && s[2].done);
	SHOW(futex(a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(awake(s, 6, 3));
	CHECK(s[1].done);
	SHOW(futex(a, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
	join(s, 6);
	say("results %ld %ld", s[0].result, s[5].result);

	SECTION("requeue");
	start_sleepers(s, 5, a, FUTEX_WAIT_BITSET_PRIVATE, ~0u);
	SHOW(futex(a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, b, 1));
	SHOW(futex(a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, b, 0));
	SHOW(awake(s, 5, 1));
	SHOW(futex(b, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	SHOW(awake(s, 5, 3));
	SHOW(futex(a, FUTEX_REQUEUE_PRIVATE, 0, (void *)10, b, 0));
	SHOW(awake(s, 5, 3));
	SHOW(futex(a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	SHOW(futex(b, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	join(s, 5);
	start_sleepers(s, 3, a, FUTEX_WAIT_BITSET_PRIVATE, ~0u);
	SHOW(futex(a, FUTEX_REQUEUE_PRIVATE, 1, (void *)10, a, 0));
	SHOW(futex(a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	join(s, 3);
}

static void wake_op(void)
{
	static const struct { int op, arg, cmp, cmparg; unsigned start; } cases[] = {
		{ FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 3, 3 },
		{ FUTEX_OP_ADD, 7, FUTEX_OP_CMP_NE, 3, 3 },
		{ FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_LT, 4, 3 },
		{ FUTEX_OP_OR, 0x10, FUTEX_OP_CMP_LE, 2, 3 },
		{ FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_GT, 2, 3 },
		{ FUTEX_OP_XOR, 6, FUTEX_OP_CMP_GE, 3, 3 },
		{ FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_GT, 0xfff, 0x7fffffff },
		{ FUTEX_OP_ADD, 1, FUTEX_OP_CMP_LT, 0, 0x80000000 },
	};
	struct sleeper s[3], t[2];
	unsigned *a = words + 6, *b = words + 7;

	SECTION("wake_op");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		*b = cases[i].start;
		SHOW(futex(a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, b,
			   FUTEX_OP(cases[i].op, cases[i].arg, cases[i].cmp, cases[i].cmparg)));
		say("%x", *b);
	}
	*b = 1;
	SHOW(futex(a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, b, 0x70000000));
	SHOW(futex(a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, b, 0x07000000));
	SHOW(futex(a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)8, 0));
	*a = *b = 0;
	start_sleepers(s, 3, a, FUTEX_WAIT_BITSET_PRIVATE, ~0u);
	start_sleepers(t, 2, b, FUTEX_WAIT_BITSET_PRIVATE, ~0u);
	SHOW(futex(a, FUTEX_WAKE_OP_PRIVATE, 2, (void *)5, b, FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 1)));
	SHOW(futex(a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)5, b, FUTEX_OP(FUTEX_OP_SET, 4, FUTEX_OP_CMP_EQ, 9)));
	join(s, 3);
	join(t, 2);
	say("%u", *b);
}

/* A child waits on a word of `map`, the parent wakes it through `map2`. */
static void between(const char *name, unsigned *map, unsigned *map2, int op)
{
	volatile unsigned *state = map + 1;
	pid_t pid;
	int status, woken = 0;

	*map = *state = 0;
	pid = fork();
	if (!pid) {
		*state = 1;
		_exit((int)futex(map, op, 0, &(struct timespec){ 1, 0 }, NULL, ~0u) == 0 ? 0 : errno == ETIMEDOUT ? 1 : 2);
	}
	while (!map2[1])
		sched_yield();
	for (int i = 0; i < 30 && woken == 0; i++) {
		sleep_ms(10);
		woken = (int)futex(map2, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	waitpid(pid, &status, 0);
	say("%s: woken %d, child %d", name, woken, WEXITSTATUS(status));
}

static void keys(void)
{
	int memory = memfd_create("words", 0), file = open("/tmp/futex-words", O_RDWR | O_CREAT | O_TRUNC, 0600);
	size_t size = 8192;
	unsigned *anon, *a, *b;

	SECTION("keys");
	if (ftruncate(memory, (off_t)size) || ftruncate(file, (off_t)size))
		say("ftruncate failed");
	anon = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	between("shared anonymous", anon, anon, FUTEX_WAIT);
	between("shared anonymous, private futex", anon, anon, FUTEX_WAIT_PRIVATE);
	a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 4096);
	between("memfd", a, a, FUTEX_WAIT);
	between("memfd at two addresses", a + 1024, b, FUTEX_WAIT);
	a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4096);
	between("file at two addresses", a + 1024, b, FUTEX_WAIT);
	unlink("/tmp/futex-words");
}

static volatile int signals;
static void handler(int sig) { signals++; }

static void *kicker(void *arg)
{
	sleep_ms(30);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	sleep_ms(30);
	words[9] = 1;
	futex(words + 9, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return NULL;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = handler };
	pthread_t self = pthread_self(), thread;
	struct timespec timeout = { 5, 0 };

	SECTION("signals");
	for (int i = 0; i < 4; i++) {
		action.sa_flags = i & 1 ? SA_RESTART : 0;
		sigaction(SIGUSR1, &action, NULL);
		words[9] = 0;
		pthread_create(&thread, NULL, kicker, &self);
		SHOW(futex(words + 9, FUTEX_WAIT_PRIVATE, 0, i & 2 ? &timeout : NULL, NULL, 0));
		pthread_join(thread, NULL);
		say("signals %d word %u", signals, words[9]);
	}
}

struct waitv { uint64_t value, address; uint32_t flags, reserved; };

static void *late_waker(void *arg)
{
	sleep_ms(30);
	futex(arg, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return NULL;
}

static void waitv(void)
{
	struct waitv v[3] = { { 0, (uintptr_t)(words + 10), 2 | 128, 0 }, { 0, (uintptr_t)(words + 11), 2 | 128, 0 },
			      { 0, (uintptr_t)(words + 12), 2 | 128, 0 } };
	struct timespec past = { 1, 0 };
	pthread_t thread;

	SECTION("waitv");
	words[10] = words[11] = words[12] = 0;
	SHOW(syscall(SYS_futex_waitv, v, 0, 0, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, v, 129, 0, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, v, 3, 1, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, NULL, 3, 0, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC));
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, &past, CLOCK_REALTIME));
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, &past, CLOCK_BOOTTIME));
	v[2].value = 1;
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	v[2].value = 0;
	v[1].reserved = 1;
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	v[1].reserved = 0;
	v[1].flags = 128;
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	v[1].flags = 2 | 128;
	pthread_create(&thread, NULL, late_waker, words + 11);
	SHOW(syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	pthread_join(thread, NULL);
}

int main(void)
{
	errors();
	waking();
	wake_op();
	keys();
	interrupted();
	waitv();
	return 0;
}
