// SPDX-License-Identifier: Apache-2.0
/* POSIX timers, CPU-time timers and limits, interval timers over fork and exec, clocks of other tasks. */
#include "test.h"

static volatile int fired, last_code, last_value, last_overrun, first_overrun;
static volatile pid_t handled_by;

static void handler(int sig, siginfo_t *info, void *context)
{
	if (!fired++)
		first_overrun = info->si_overrun;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	last_overrun = info->si_overrun;
	handled_by = (pid_t)syscall(SYS_gettid);
}

static long timer_new(int clock, int notify, int sig, pid_t tid, int *ret_id)
{
	struct sigevent event = { .sigev_notify = notify, .sigev_signo = sig, .sigev_value.sival_int = 77 };

	event._sigev_un._tid = tid;
	return syscall(SYS_timer_create, clock, &event, ret_id);
}

static long timer_set(int id, int flags, long ms, long interval_ms, struct itimerspec *old)
{
	struct itimerspec it = { { interval_ms / 1000, interval_ms % 1000 * 1000000 }, { ms / 1000, ms % 1000 * 1000000 } };

	return syscall(SYS_timer_settime, id, flags, &it, old);
}

static void xcpu(int sig) { (void)!write(1, "SIGXCPU\n", 8); }

static void burn(int ms)
{
	struct timespec start, now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}

/* At least that long. The tick that finds a timer due may be late on a busy machine. */
static void burn_until_fired(int ms)
{
	burn(ms);
	for (int i = 0; !fired && i < 500; i++)
		burn(10);
}

static void errors(void)
{
	struct itimerspec bad = { { 0, 0 }, { 0, 1000000000 } }, it;
	pid_t other = fork();
	int id = -1;

	if (!other) {
		pause();
		_exit(0);
	}
	SECTION("errors");
	SHOW(timer_new(77, SIGEV_SIGNAL, SIGUSR1, 0, &id));
	SHOW(timer_new(CLOCK_MONOTONIC_RAW, SIGEV_SIGNAL, SIGUSR1, 0, &id));
	SHOW(timer_new(CLOCK_MONOTONIC_COARSE, SIGEV_SIGNAL, SIGUSR1, 0, &id));
	SHOW(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0, &id));
	SHOW(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 0, &id));
	SHOW(timer_new(CLOCK_MONOTONIC, 99, SIGUSR1, 0, &id));
	SHOW(timer_new(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, other, &id));
	struct timespec t;
	SHOW(clock_gettime((~other << 3) | 6, &t));
	SHOW(clock_gettime((~other << 3) | 2, &t));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)8, &id));
	SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void *)8));
	SHOW(syscall(SYS_timer_settime, 1000, 0, &bad, NULL));
	SHOW(syscall(SYS_timer_gettime, 1000, &it));
	SHOW(syscall(SYS_timer_getoverrun, 1000));
	SHOW(syscall(SYS_timer_delete, 1000));
	SHOW(timer_new(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id));
	SHOW(syscall(SYS_timer_settime, id, 0, &bad, NULL));
	SHOW(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	SHOW(syscall(SYS_timer_settime, id, 0, (void *)8, NULL));
	SHOW(syscall(SYS_timer_gettime, id, &it));
	say("%ld %ld", (long)it.it_value.tv_sec, it.it_value.tv_nsec);
	SHOW(timer_set(id, 0, 10, 0, NULL));
	sleep_ms(20);
	SHOW(syscall(SYS_timer_gettime, id, &it));
	say("%ld %ld", (long)it.it_value.tv_sec, it.it_value.tv_nsec);
	SHOW(timer_set(id, 0, 10, 20000, NULL));
	sleep_ms(20);
	SHOW(syscall(SYS_timer_gettime, id, &it));
	CHECK(it.it_value.tv_sec == 19 && it.it_interval.tv_sec == 20);
	SHOW(timer_set(id, 0, 0, 20000, &it));
	CHECK(it.it_value.tv_sec == 19 && it.it_interval.tv_sec == 20);
	SHOW(syscall(SYS_timer_delete, id));
}

static void *thread_main(void *arg)
{
	volatile pid_t *tid = arg;

	*tid = (pid_t)syscall(SYS_gettid);
	for (int i = 0; i < 100 && !fired; i++)
		sleep_ms(5);
	return NULL;
}

static void signals(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	volatile pid_t tid = 0;
	struct timespec now;
	pthread_t thread;
	sigset_t set;
	siginfo_t info;
	int id, id2;

	SECTION("signals");
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);
	SHOW(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id));
	SHOW(timer_set(id, 0, 10, 0, NULL));
	sleep_ms(40);
	say("fired %d code %d value %d overrun %d", fired, last_code, last_value, last_overrun);
	SHOW(syscall(SYS_timer_getoverrun, id));
	SHOW(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &id2));
	fired = 0;
	clock_gettime(CLOCK_REALTIME, &now);
	struct itimerspec absolute = { { 0, 0 }, now };
	SHOW(syscall(SYS_timer_settime, id2, TIMER_ABSTIME, &absolute, NULL));
	sleep_ms(20);
	say("fired %d code %d", fired, last_code);
	CHECK(last_value == id2);

	SECTION("overrun");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fired = 0;
	SHOW(timer_set(id, 0, 5, 5, NULL));
	sleep_ms(52);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	CHECK(fired >= 1 && first_overrun >= 8);
	/* Another may come in between. */
	bool same = false;
	for (int i = 0; !same && i < 1000; i++)
		same = syscall(SYS_timer_getoverrun, id) == last_overrun;
	CHECK(same);
	SHOW(timer_set(id, 0, 0, 0, NULL));
	SHOW(timer_new(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGRTMIN, 0, &id2));
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	SHOW(timer_set(id2, 0, 1, 0, NULL));
	CHECK(sigwaitinfo(&set, &info) == SIGRTMIN);
	say("code %d value %d", info.si_code, info.si_value.sival_int);
	SHOW(timer_set(id2, 0, 1, 0, NULL));
	sleep_ms(20);
	SHOW(sigpending(&set));
	SHOW(sigismember(&set, SIGRTMIN));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	CHECK(sigwaitinfo(&set, &info) == SIGRTMIN);
	SHOW(syscall(SYS_timer_delete, id2));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);

	SECTION("thread");
	fired = 0;
	pthread_create(&thread, NULL, thread_main, (void *)&tid);
	while (!tid)
		sched_yield();
	SHOW(timer_new(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, tid, &id2));
	SHOW(timer_set(id2, 0, 10, 0, NULL));
	pthread_join(thread, NULL);
	CHECK(handled_by == tid);
	SHOW(timer_set(id2, 0, 1, 1, NULL));
	sleep_ms(10);
	say("fired %d", fired);
	SHOW(syscall(SYS_timer_delete, id2));
	SHOW(syscall(SYS_timer_delete, id));
	fired = 0;
	IN_CHILD(SHOW(syscall(SYS_timer_delete, 0)));
}

static volatile int called;
static volatile bool other_thread;
static pthread_t main_thread;
static void notify_function(union sigval value)
{
	other_thread = !pthread_equal(pthread_self(), main_thread);
	called = value.sival_int;
}

/* The C library makes it from SIGEV_THREAD_ID. */
static void by_thread(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 5, .sigev_notify_function = notify_function };
	struct itimerspec it = { { 0, 5000000 }, { 0, 5000000 } };
	timer_t timer;

	SECTION("SIGEV_THREAD");
	main_thread = pthread_self();
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	SHOW(timer_settime(timer, 0, &it, NULL));
	for (int i = 0; i < 2000 && !called; i++)
		sleep_ms(5);
	say("value %d", called);
	CHECK(other_thread);
	SHOW(timer_delete(timer));
}

static void cpu_time(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval it = { { 0, 0 }, { 0, 20000 } }, old;
	struct rlimit limit = { 1, 2 };
	int id, clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	clockid_t clock;
	struct timespec t;

	SECTION("CPU time");
	for (int i = 0; i < 2; i++) {
		fired = 0;
		SHOW(timer_new(clocks[i], SIGEV_SIGNAL, SIGUSR1, 0, &id));
		SHOW(timer_set(id, 0, 20, 0, NULL));
		sleep_ms(60);
		say("fired %d", fired);
		burn_until_fired(80);
		say("fired %d", fired);
		SHOW(syscall(SYS_timer_delete, id));
	}
	sigaction(SIGVTALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	fired = 0;
	SHOW(setitimer(ITIMER_PROF, &it, NULL));
	sleep_ms(50);
	say("fired %d", fired);
	burn_until_fired(80);
	say("fired %d", fired);
	SHOW(getitimer(ITIMER_PROF, &old));
	say("%ld %ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
	it.it_interval.tv_usec = 20000;
	fired = 0;
	SHOW(setitimer(ITIMER_VIRTUAL, &it, NULL));
	uint64_t start = now_ms();
	while (fired < 2 && now_ms() - start < 20000)
		;
	CHECK(fired >= 2);
	it.it_value.tv_usec = 0;
	SHOW(setitimer(ITIMER_VIRTUAL, &it, &old));
	say("interval %ld", (long)old.it_interval.tv_usec);
	SHOW(clock_getcpuclockid(0, &clock));
	SHOW(clock_gettime(clock, &t));
	SHOW(clock_getcpuclockid(getppid(), &clock));
	SHOW(clock_gettime((~getpid() << 3) | 3, &t));
	SHOW(clock_gettime((~999999 << 3) | 2, &t));
	SHOW(pthread_getcpuclockid(pthread_self(), &clock));
	SHOW(clock_gettime(clock, &t));
	t = (struct timespec){ 0, 1000000 };
	SHOW(clock_nanosleep(clock, 0, &t, NULL));
	SHOW(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL));
	SHOW(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &t, NULL));
	SHOW(clock_nanosleep(CLOCK_BOOTTIME, 0, &t, NULL));
	SHOW(clock_nanosleep(CLOCK_TAI, 0, &t, NULL));
	IN_CHILD(setrlimit(RLIMIT_CPU, &limit); signal(SIGXCPU, xcpu); for (;;););
}

static void over_fork_and_exec(const char *program)
{
	struct itimerval it = { { 0, 0 }, { 100, 0 } };

	SECTION("fork and exec");
	alarm(100);
	IN_CHILD(SHOW(alarm(0)));
	IN_CHILD(setitimer(ITIMER_REAL, &it, NULL); execl(program, program, "exec", NULL));
	SHOW(alarm(0));
	IN_CHILD(alarm(1); signal(SIGALRM, SIG_DFL); pause());
	fflush(stdout);
}

static void settings(void)
{
	struct timespec bad = { 0, -1 };
	struct timeval tv = { 0, 1000000 };

	SECTION("settings");
	SHOW(syscall(SYS_clock_settime, 77, &bad));
	SHOW(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &bad));
	SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &bad));
	SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, (void *)8));
	SHOW(syscall(SYS_settimeofday, &tv, NULL));
	SHOW(syscall(SYS_settimeofday, (void *)8, NULL));
	SHOW(syscall(SYS_gettimeofday, (void *)8, NULL));
	SHOW(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)8));
	SHOW(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
	SHOW(syscall(SYS_clock_getres, CLOCK_REALTIME, (void *)8));
	SHOW(syscall(SYS_nanosleep, (void *)8, NULL));
	SHOW(syscall(SYS_getitimer, 3, &tv));
	SHOW(syscall(SYS_getitimer, 0, (void *)8));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		unsigned left = alarm(0);
		say("after exec: %s", left >= 99 ? "kept" : "lost");
		return 0;
	}
	errors();
	signals();
	by_thread();
	cpu_time();
	over_fork_and_exec(argv[0]);
	settings();
	return 0;
}
