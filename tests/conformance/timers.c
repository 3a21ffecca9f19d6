// SPDX-License-Identifier: Apache-2.0
/* Clocks, sleeps, interval timers, POSIX timers. */
#include "test.h"

static volatile int count, overrun, value;
static void handler(int sig, siginfo_t *info, void *context)
{
	count++;
	overrun = info->si_overrun;
	value = info->si_value.sival_int;
}

static void clocks(void)
{
	static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
				   CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, 77, -1 };
	struct timespec a, b;

	SECTION("clocks");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		a = (struct timespec){ 0, 0 };
		SHOW(clock_gettime(ids[i], &a));
		SHOW(clock_gettime(ids[i], &b));
		CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		SHOW(syscall(SYS_clock_getres, ids[i], &a));
		if (ids[i] < 5)
			say("%ld %ld", (long)a.tv_sec, a.tv_nsec);
	}
	struct timeval tv;
	gettimeofday(&tv, NULL);
	CHECK(labs(time(NULL) - tv.tv_sec) <= 1);
	struct timespec t = { 0, 0 };
	clock_gettime(CLOCK_REALTIME, &a);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &b);
	CHECK(b.tv_sec - a.tv_sec <= 1);
	SHOW(syscall(SYS_nanosleep, &t, NULL));
	SHOW(syscall(SYS_nanosleep, &(struct timespec){ -1, 0 }, NULL));
	SHOW(syscall(SYS_nanosleep, &(struct timespec){ 0, 1000000000 }, NULL));
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK(a.tv_sec > t.tv_sec || (a.tv_sec == t.tv_sec && a.tv_nsec >= t.tv_nsec));
	SHOW(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	SHOW(clock_nanosleep(99, 0, &t, NULL));
	uint64_t start = now_ms();
	while (now_ms() - start < 60)
		;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	CHECK(a.tv_sec * 1000 + a.tv_nsec / 1000000 >= 2);
	struct rusage usage;
	SHOW(getrusage(RUSAGE_SELF, &usage));
	SHOW(getrusage(77, &usage));
}

static void intervals(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;

	SECTION("interval timers");
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGVTALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	uint64_t armed = now_ms();
	SHOW(setitimer(ITIMER_REAL, &it, NULL));
	sleep_ms(75);
	CHECK(count >= 2);
	CHECK((uint64_t)count <= (now_ms() - armed) / 10 + 1);
	SHOW(getitimer(ITIMER_REAL, &old));
	CHECK(old.it_interval.tv_usec == 10000);
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	SHOW(setitimer(ITIMER_REAL, &it, &old));
	count = 0;
	sleep_ms(20);
	say("count %d", count);
	SHOW(setitimer(9, &it, NULL));
	it.it_value.tv_usec = 1000000;
	SHOW(setitimer(ITIMER_REAL, &it, NULL));
	SHOW(alarm(100));
	SHOW(alarm(0));
	it.it_value.tv_usec = 30000;
	count = 0;
	SHOW(setitimer(ITIMER_VIRTUAL, &it, NULL));
	SHOW(setitimer(ITIMER_PROF, &it, NULL));
	uint64_t start = now_ms();
	while (count < 2 && now_ms() - start < 20000)
		;
	say("count %d", count);
	/* RLIMIT_CPU */
	IN_CHILD({
		struct rlimit limit = { 1, 2 };
		setrlimit(RLIMIT_CPU, &limit);
		for (;;)
			;
	});
}

static void posix_timers(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77 };
	struct itimerspec its = { { 0, 5000000 }, { 0, 5000000 } }, old;
	timer_t t;
	sigset_t set;

	SECTION("posix timers");
	sigaction(SIGRTMIN, &action, NULL);
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &t));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SHOW(timer_settime(t, 0, &its, NULL));
	sleep_ms(42);
	count = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK(count >= 1);
	say("value %d", value);
	CHECK(overrun >= 3);
	SHOW(timer_gettime(t, &old));
	say("interval %ld", old.it_interval.tv_nsec);
	its = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	SHOW(timer_settime(t, 0, &its, NULL));
	SHOW(timer_gettime(t, &old));
	say("value %ld", old.it_value.tv_nsec);
	SHOW(timer_delete(t));
	SHOW(syscall(SYS_timer_delete, 1234));
	event.sigev_signo = 99;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &t));
	event.sigev_notify = SIGEV_NONE;
	SHOW(timer_create(CLOCK_REALTIME, &event, &t));
	clock_gettime(CLOCK_REALTIME, &its.it_value);
	its.it_value.tv_sec += 100;
	SHOW(timer_settime(t, TIMER_ABSTIME, &its, NULL));
	SHOW(timer_gettime(t, &old));
	CHECK(old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
	SHOW(timer_delete(t));
	SHOW(timer_create(55, NULL, &t));
}

int main(void)
{
	clocks();
	intervals();
	posix_timers();
	return 0;
}
