// SPDX-License-Identifier: Apache-2.0
/* Makes random scenarios: a few cpus, a few kinds of tasks that run, sleep, wake each other, and change their policies. */
#include "simulator/random.h"

#include <stdio.h>
#include <stdlib.h>

#define NR_QUEUES 3

struct maker {
	FILE *out;
	uint64_t state;
	unsigned cpus;
	unsigned templates;
	bool even;                 /* all times are whole milliseconds: much happens at the same time */
	unsigned deadline_percent; /* of one cpu, asked for so far */
	unsigned rt_percent;       /* of all cpus, that may be asked for */
};

static unsigned pick(struct maker *m, unsigned n)
{
	uint64_t x = m->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (unsigned)((x ^ x >> 31) >> 8) % n;
}

/* Some microseconds, short ones as often as long ones. */
static unsigned some_us(struct maker *m, unsigned most)
{
	unsigned range = most;

	while (range > 100 && pick(m, 2))
		range /= 4;
	return 1 + pick(m, range);
}

static void make_time(struct maker *m, const char *command, unsigned most_us)
{
	unsigned low = some_us(m, most_us);

	if (m->even) {
		fprintf(m->out, "\t%s %ums\n", command, 1 + low / 4000);
		return;
	}
	fprintf(m->out, "\t%s %uus", command, low);
	if (pick(m, 2))
		fprintf(m->out, "..%uus", low + some_us(m, most_us));
	fputc('\n', m->out);
}

static void make_cpus(struct maker *m)
{
	unsigned first = pick(m, m->cpus), last = first + pick(m, m->cpus - first);

	fprintf(m->out, first == last ? "cpus %u" : "cpus %u-%u", first, last);
}

static void make_rt(struct maker *m)
{
	/* Often the same ones, so that equals meet. */
	fprintf(m->out, pick(m, 2) ? "rr %u" : "fifo %u", pick(m, 2) ? 10 : 1 + pick(m, 99));
}

static void make_change(struct maker *m)
{
	static const char *const policies[] = { "other", "other", "batch", "idle" };

	switch (pick(m, 4)) {
	case 0:
		fprintf(m->out, "\tnice %d\n", (int)pick(m, 40) - 20);
		break;
	case 1:
		fprintf(m->out, "\tpolicy ");
		if (pick(m, 2))
			make_rt(m);
		else
			fputs(policies[pick(m, 4)], m->out);
		fputc('\n', m->out);
		break;
	case 2:
		fputc('\t', m->out);
		make_cpus(m);
		fputc('\n', m->out);
		break;
	default:
		fprintf(m->out, "\tyield\n");
	}
}

static void make_wake(struct maker *m)
{
	unsigned queue = pick(m, NR_QUEUES);

	switch (pick(m, 5)) {
	case 0:
		fprintf(m->out, "\twake q%u all\n", queue);
		break;
	case 1:
		fprintf(m->out, "\twake q%u %u\n", queue, 1 + pick(m, 5));
		break;
	case 2:
		fprintf(m->out, "\twake q%u sync\n", queue);
		break;
	default:
		fprintf(m->out, "\twake q%u\n", queue);
	}
}

static void make_commands(struct maker *m, bool changes)
{
	for (unsigned n = 1 + pick(m, 5); n; n--) {
		switch (pick(m, changes ? 10 : 8)) {
		case 0:
		case 1:
		case 2:
			make_time(m, "run", 20000);
			break;
		case 3:
		case 4:
			make_time(m, "sleep", 30000);
			break;
		case 5:
			fprintf(m->out, "\twait q%u\n", pick(m, NR_QUEUES));
			break;
		case 6:
			make_wake(m);
			break;
		case 7:
			if (m->templates && pick(m, 4) == 0)
				fprintf(m->out, "\tfork c%u\n\tsleep 20ms\n", pick(m, m->templates));
			else
				fprintf(m->out, "\tyield\n");
			break;
		default:
			make_change(m);
		}
	}
}

static void make_script(struct maker *m, bool changes)
{
	fprintf(m->out, " {\n");
	if (pick(m, 3) == 0)
		make_commands(m, changes);
	if (pick(m, 5)) {
		fprintf(m->out, pick(m, 3) ? "\tloop {\n" : "\tloop %u {\n", 1 + pick(m, 50));
		make_commands(m, changes);
		make_time(m, pick(m, 3) ? "run" : "sleep", 10000); /* no loop without a command that takes time */
		fprintf(m->out, "\t}\n");
	}
	fprintf(m->out, "}\n");
}

/* One, or some, that as a rule, but not always, want less than they asked for. */
static void make_deadline(struct maker *m)
{
	unsigned percent = 5 + pick(m, 30), period = 2 + pick(m, 60), count = 1 + pick(m, 3);
	unsigned runtime = period * 10 * percent;

	if (m->deadline_percent + percent * count > m->rt_percent * m->cpus) {
		fprintf(m->out, " {\n\trun 5ms\n}\n");
		return;
	}
	m->deadline_percent += percent * count;
	fprintf(m->out, " count %u", count);
	if (pick(m, 2))
		fprintf(m->out, " every %uus", some_us(m, 20000));
	fprintf(m->out, " policy deadline %uus %ums %ums {\n\tloop {\n\trun %uus..%uus\n", runtime, period, period, 1 + pick(m, runtime),
		runtime + pick(m, 2) * pick(m, 3 * runtime));
	if (pick(m, 2))
		fprintf(m->out, "\tyield\n");
	else
		make_time(m, "sleep", 2000 * period);
	fprintf(m->out, "\t}\n}\n");
}

static void make_task(struct maker *m, unsigned number)
{
	static const char *const policies[] = { "", "", "", "", " nice 5", " nice -10", " policy batch", " policy idle" };
	unsigned kind = pick(m, 15);

	fprintf(m->out, "\ntask t%u", number);
	if (kind >= 12) {
		make_deadline(m);
		return;
	}
	if (pick(m, 2))
		fprintf(m->out, " count %u", 1 + pick(m, pick(m, 4) ? 8 : 40));
	if (pick(m, 3) == 0)
		fprintf(m->out, " start %uus", some_us(m, 50000));
	if (pick(m, 3) == 0)
		fprintf(m->out, " every %uus", some_us(m, 50000));
	if (kind < 8) {
		fputs(policies[kind], m->out);
	} else {
		fputs(" policy ", m->out);
		make_rt(m);
	}
	if (pick(m, 4) == 0) {
		fputc(' ', m->out);
		make_cpus(m);
	}
	make_script(m, pick(m, 3) == 0);
}

/* Short real-time periods, so that they pass more than once. */
static void make_settings(struct maker *m)
{
	unsigned period = 10 + pick(m, 90), runtime = 1 + pick(m, period);

	m->rt_percent = 90;

	if (pick(m, 4) == 0)
		fprintf(m->out, "latency %ums\n", 1 + pick(m, 40));
	if (pick(m, 6) == 0)
		fprintf(m->out, "min-granularity %uus\n", 100 + pick(m, 10000));
	if (pick(m, 6) == 0)
		fprintf(m->out, "tick %ums\n", 1 + pick(m, 4));
	if (pick(m, 2) == 0) {
		m->rt_percent = runtime * 95 / period;
		fprintf(m->out, "rt-period %ums\nrt-runtime %ums\n", period, runtime);
	}
}

static void make_machine(struct maker *m)
{
	static const struct {
		const char *text;
		unsigned cpus;
	} machines[] = {
		{ "cpus 1", 1 },
		{ "cpus 1", 1 },
		{ "cpus 2", 2 },
		{ "cpus 3", 3 },
		{ "cpus 4", 4 },
		{ "topology cores 2 threads 2", 4 },
		{ "topology sockets 2 cores 2 threads 2", 8 },
		{ "topology nodes 2 sockets 1 cores 3 threads 2", 12 },
		{ "topology nodes 4 sockets 1 cores 2 threads 2", 16 },
	};
	unsigned machine = pick(m, sizeof(machines) / sizeof(machines[0]));

	m->cpus = machines[machine].cpus;
	fprintf(m->out, "%s\nuntil %ums\nseed %u\n", machines[machine].text, 100 + pick(m, 900), pick(m, 1000000));
	make_settings(m);
	m->even = pick(m, 3) == 0;
}

char *random_scenario(uint64_t seed)
{
	struct maker m = { .state = seed };
	char *text = NULL;
	size_t size = 0;

	m.out = open_memstream(&text, &size);
	if (!m.out)
		return NULL;
	fprintf(m.out, "# random scenario %llu\n", (unsigned long long)seed);
	make_machine(&m);
	for (unsigned templates = pick(&m, 3), i = 0; i < templates; i++) {
		fprintf(m.out, "\ntemplate c%u", i);
		make_script(&m, false);
		m.templates++;
	}
	for (unsigned tasks = 1 + pick(&m, 6), i = 0; i < tasks; i++)
		make_task(&m, i);
	if (fclose(m.out)) {
		free(text);
		return NULL;
	}
	return text;
}
