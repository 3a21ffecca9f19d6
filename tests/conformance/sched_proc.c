// SPDX-License-Identifier: Apache-2.0
/* What /proc says about scheduling: /proc/PID/sched and schedstat, the fields of /proc/PID/stat, the limits in /proc/sys/kernel. */
#include "test.h"

/* The value of a line "name   :   value" of /proc/self/sched, "" if there is none; checks its columns. */
static const char *sched_value(const char *name)
{
	static char line[256], value[64];
	FILE *file = fopen("/proc/self/sched", "r");

	*value = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) || (line[strlen(name)] != ' ' && line[strlen(name)] != ':'))
			continue;
		/* Names fill 45 columns, values 21. */
		say("%s: colon at %d, ends at %d", name, (int)(strchr(line, ':') - line), (int)strcspn(line, "\n"));
		sscanf(strchr(line, ':') + 1, "%63s", value);
	}
	if (file)
		fclose(file);
	return value;
}

static void process(void)
{
	FILE *file = fopen("/proc/self/sched", "r");
	char line[256] = "", name[64] = "";
	int pid = 0, threads = 0;
	double before, after;
	uint64_t start = now_ms();

	SECTION("/proc/self/sched");
	CHECK(file && fgets(line, sizeof(line), file) && sscanf(line, "%63s (%d, #threads: %d)", name, &pid, &threads) == 3);
	CHECK(pid == getpid());
	say("threads %d", threads);
	CHECK(file && fgets(line, sizeof(line), file) && strspn(line, "-") == 67);
	fclose(file);
	CHECK(atof(sched_value("se.exec_start")) > 0);
	CHECK(strchr(sched_value("se.vruntime"), '.') != NULL);
	before = atof(sched_value("se.sum_exec_runtime"));
	while (now_ms() - start < 50)
		;
	after = atof(sched_value("se.sum_exec_runtime"));
	CHECK(after > before);
	CHECK(*sched_value("se.nr_migrations") != 0);
	CHECK(atol(sched_value("nr_switches")) >= atol(sched_value("nr_voluntary_switches")));
	CHECK(*sched_value("nr_involuntary_switches") != 0);
	say("weight %s", sched_value("se.load.weight"));
	say("policy %s", sched_value("policy"));
	say("prio %s", sched_value("prio"));
}

/* Fields 18 and 19 (priority, nice), 40 and 41 (rt_priority, policy). */
static void show_stat(void)
{
	char text[1024] = "", *at;
	int fd = open("/proc/self/stat", O_RDONLY), number = 2;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		say("stat: %s", error_name(errno));
	close(fd);
	at = strrchr(text, ')');
	for (char *word = at ? strtok(at + 1, " ") : NULL; word; word = strtok(NULL, " ")) {
		number++;
		if (number == 18 || number == 19 || number == 40 || number == 41)
			say("stat field %d: %s", number, word);
	}
}

static void priorities(void)
{
	struct sched_param param = { .sched_priority = 33 };

	SECTION("priorities");
	show_stat();
	IN_CHILD({
		SHOW(setpriority(PRIO_PROCESS, 0, 7));
		show_stat();
		say("weight %s", sched_value("se.load.weight"));
		say("prio %s", sched_value("prio"));
		SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
		show_stat();
		say("policy %s", sched_value("policy"));
		say("prio %s", sched_value("prio"));
		param.sched_priority = 0;
		SHOW(sched_setscheduler(0, SCHED_IDLE, &param));
		show_stat();
		say("prio %s", sched_value("prio"));
	});
}

static void limits(void)
{
	static const char *const files[] = { "sched_rt_period_us", "sched_rt_runtime_us", "sched_rr_timeslice_ms" };

	SECTION("/proc/sys/kernel");
	for (unsigned i = 0; i < 3; i++) {
		char path[64], text[32] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", files[i]);
		fd = open(path, O_RDONLY);
		say("%s: %zd bytes, %s", files[i], read(fd, text, sizeof(text) - 1), text);
		close(fd);
	}
}

int main(void)
{
	unsigned long long run = 0, wait = 0, slices = 0;
	FILE *file = fopen("/proc/self/schedstat", "r");

	process();
	priorities();
	limits();
	SECTION("/proc/self/schedstat");
	CHECK(file && fscanf(file, "%llu %llu %llu\n", &run, &wait, &slices) == 3 && feof(file));
	CHECK(run > 0);
	return 0;
}
