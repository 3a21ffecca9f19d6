// SPDX-License-Identifier: Apache-2.0
/* Prints what usually differs from run to run; tests/suites/deterministic.py runs it. */
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static void *thread(void *arg)
{
	printf("thread %ld tsc %llu stack %p\n", (long)arg, __rdtsc(), (void *)&arg);
	return NULL;
}

static void processor(void)
{
	unsigned int a, b, c, d, aux;

	__cpuid(1, a, b, c, d);
	printf("apic %u, rdrand %s\n", b >> 24, c >> 30 & 1 ? "announced" : "hidden");
	__cpuid_count(7, 0, a, b, c, d);
	printf("rdseed %s\n", b >> 18 & 1 ? "announced" : "hidden");
	printf("tsc %llu %llu, aux %u\n", __rdtsc(), __rdtscp(&aux), aux);
}

int main(int argc, char **argv)
{
	unsigned long random, *at_random = (unsigned long *)getauxval(AT_RANDOM);
	struct timespec times[3];
	struct sysinfo info;
	struct rusage usage;
	pthread_t threads[4];
	int local;

	processor();
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 1;
	printf("random %lx %lx %lx\n", random, at_random[0], at_random[1]);
	printf("addresses %p %p %p %p\n", (void *)&local, malloc(10), (void *)main, sbrk(0));
	for (int i = 0; i < 3; i++)
		clock_gettime(i == 0 ? CLOCK_REALTIME : i == 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &times[i]);
	for (int i = 0; i < 3; i++)
		printf("clock %ld.%09ld\n", times[i].tv_sec, times[i].tv_nsec);
	/* One time, whichever way it is asked for. */
	printf("tsc and clock agree: %s\n", __rdtsc() / 1000000000 == (unsigned long long)times[1].tv_sec ? "yes" : "no");
	sysinfo(&info);
	getrusage(RUSAGE_SELF, &usage);
	printf("free %lu, up %ld, resident %ld, faults %ld, switches %ld %ld, cpu %d\n", info.freeram, info.uptime, usage.ru_maxrss,
	       usage.ru_minflt, usage.ru_nvcsw, usage.ru_nivcsw, sched_getcpu());
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, thread, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
