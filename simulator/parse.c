// SPDX-License-Identifier: Apache-2.0
/* Reads scenarios: the statements of a file. Scripts are in script.c, words in words.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/parser.h"
#include "simulator/policy.h"
#include "simulator/settings.h"

#define MAX_SIZE (16U << 20)

const struct sim_setting sim_settings[] = {
	{ "latency", offsetof(struct sim_settings, latency), 20000000, 1000 },
	{ "min-granularity", offsetof(struct sim_settings, min_granularity), 4000000, 1000 },
	{ "wakeup-granularity", offsetof(struct sim_settings, wakeup_granularity), 2000000, 0 },
	{ "rt-period", offsetof(struct sim_settings, rt_period), 1000000000, 1000 },
	{ "rt-runtime", offsetof(struct sim_settings, rt_runtime), 950000000, 0 },
	{ "tick", offsetof(struct sim_settings, tick), 0, 0 },
	{ "balance-min", offsetof(struct sim_settings, balance_min), 8000000, 100000 },
	{ "balance-max", offsetof(struct sim_settings, balance_max), 64000000, 100000 },
	{ NULL, 0, 0, 0 },
};

static int end_of_statement(struct sim_parser *p, const char *statement)
{
	if (p->token == TOKEN_STOP)
		return parser_next(p);
	if (p->token == TOKEN_END)
		return 0;
	return parser_fail(p, "'%s' is too much after '%s': a statement ends with the line", p->word, statement);
}

/* ---- cpus ---- */

static int before_tasks(struct sim_parser *p, const char *statement)
{
	if (p->scenario->nr_types)
		return parser_fail(p, "%s: the tasks above it rely on the number of cpus already: move it before the first task", statement);
	if (p->scenario->cpus)
		return parser_fail(p, "%s: the cpus were given already: remove one of the two statements", statement);
	return 0;
}

static int parse_cpus(struct sim_parser *p)
{
	int64_t n;

	if (before_tasks(p, "cpus") || parser_next(p) || parser_number(p, "number of cpus", 1, SIM_MAX_CPUS, &n))
		return -1;
	p->scenario->cpus = (unsigned)n;
	p->scenario->topology = (struct sim_topology){ 1, 1, (unsigned)n, 1 };
	return end_of_statement(p, "cpus");
}

static int parse_topology(struct sim_parser *p)
{
	struct sim_topology t = { 1, 1, 1, 1 };
	const struct {
		const char *name;
		unsigned *value;
	} levels[] = { { "nodes", &t.nodes }, { "sockets", &t.sockets }, { "cores", &t.cores }, { "threads", &t.threads } };
	unsigned given = 0;

	if (before_tasks(p, "topology") || parser_next(p))
		return -1;
	while (p->token == TOKEN_WORD) {
		unsigned i = 0;
		int64_t n;

		while (i < 4 && !parser_is(p, levels[i].name))
			i++;
		if (i == 4 || given >> i & 1)
			return parser_fail(p, "'%s' is no level of the topology, or was given already: write nodes N, sockets N, cores N and threads N, "
					   "each once at most", p->word);
		if (parser_next(p) || parser_number(p, levels[i].name, 1, SIM_MAX_CPUS, &n))
			return -1;
		given |= 1U << i;
		*levels[i].value = (unsigned)n;
	}
	if ((uint64_t)t.nodes * t.sockets > SIM_MAX_CPUS || (uint64_t)t.nodes * t.sockets * t.cores > SIM_MAX_CPUS ||
	    (uint64_t)t.nodes * t.sockets * t.cores * t.threads > SIM_MAX_CPUS || !given)
		return parser_fail(p, "topology: it has %s: write some levels whose product is at most %d", given ? "too many cpus" : "no level",
				   SIM_MAX_CPUS);
	p->scenario->topology = t;
	p->scenario->cpus = t.nodes * t.sockets * t.cores * t.threads;
	return end_of_statement(p, "topology");
}

/* ---- tasks ---- */

static int find_type(struct scenario *s, const char *name)
{
	for (unsigned i = 0; i < s->nr_types; i++)
		if (!strcmp(s->types[i].name, name))
			return (int)i;
	return -1;
}

/* count, start and every: of tasks that are there by themselves. */
static int parse_when(struct sim_parser *p, struct sim_task_type *type)
{
	int64_t n;

	if (type->template)
		return parser_fail(p, "%s: a template does not start by itself: remove it, or make it a 'task'", p->word);
	if (parser_is(p, "count")) {
		if (parser_next(p) || parser_number(p, "number of tasks", 1, SIM_MAX_TASKS, &n))
			return -1;
		type->count = (unsigned)n;
		return 0;
	}
	if (parser_is(p, "start"))
		return parser_next(p) ? -1 : parser_time(p, "start", 0, &type->start);
	return parser_next(p) ? -1 : parser_time(p, "every", 1, &type->every);
}

static int parse_attribute(struct sim_parser *p, struct sim_task_type *type)
{
	int64_t n;

	if (parser_is(p, "count") || parser_is(p, "start") || parser_is(p, "every"))
		return parse_when(p, type);
	if (parser_is(p, "cpus"))
		return parser_next(p) ? -1 : parser_cpus(p, &type->cpus);
	if (parser_is(p, "policy")) {
		type->has_policy = true;
		return parser_next(p) ? -1 : parser_policy(p, &type->policy);
	}
	if (parser_is(p, "nice")) {
		type->has_policy = true;
		if (parser_next(p) || parser_number(p, "nice value", -20, 19, &n))
			return -1;
		type->policy.nice = (int)n;
		return 0;
	}
	return parser_fail(p, "'%s' is nothing a task can have: write count, start, every, policy, nice or cpus, then '{'", p->word);
}

static int parse_task(struct sim_parser *p, bool template)
{
	struct scenario *s = p->scenario;
	struct sim_task_type type = { .count = template ? 0 : 1, .template = template, .cpus = -1, .line = p->line };

	if (!s->cpus) {
		s->cpus = 1;
		s->topology = (struct sim_topology){ 1, 1, 1, 1 };
	}
	if (parser_next(p) || parser_name(p, type.name, template ? "template" : "task"))
		return -1;
	if (find_type(s, type.name) >= 0)
		return parser_fail(p, "the name '%s' is taken by line %u: choose another one", type.name, s->types[find_type(s, type.name)].line);
	while (p->token == TOKEN_WORD)
		if (parse_attribute(p, &type))
			return -1;
	if (parser_script(p, &type.first) || parser_grow(p, &s->types, s->nr_types, sizeof(*s->types)))
		return -1;
	s->types[s->nr_types++] = type;
	return end_of_statement(p, "}");
}

static int look_up_forks(struct sim_parser *p)
{
	struct scenario *s = p->scenario;

	for (unsigned i = 0; i < p->nr_forks; i++) {
		struct sim_instruction *fork = &s->code[p->forks[i].instruction];
		int type = find_type(s, p->forks[i].name);

		if (type < 0)
			return parser_fail_at(p, fork->line, "fork %s: there is no template of this name: write 'template %s { ... }'",
					      p->forks[i].name, p->forks[i].name);
		if (!s->types[type].template)
			return parser_fail_at(p, fork->line, "fork %s: this is a task of line %u, which starts by itself: make it a 'template'",
					      p->forks[i].name, s->types[type].line);
		fork->a = (uint64_t)type;
	}
	return 0;
}

/* ---- statements ---- */

static int parse_statement(struct sim_parser *p)
{
	struct scenario *s = p->scenario;
	int64_t n;

	if (parser_is(p, "task") || parser_is(p, "template"))
		return parse_task(p, parser_is(p, "template"));
	if (parser_is(p, "cpus"))
		return parse_cpus(p);
	if (parser_is(p, "topology"))
		return parse_topology(p);
	if (parser_is(p, "until"))
		return parser_next(p) || parser_time(p, "until", 1, &s->until) ? -1 : end_of_statement(p, "until");
	if (parser_is(p, "sample"))
		return parser_next(p) || parser_time(p, "sample", 1, &s->sample) ? -1 : end_of_statement(p, "sample");
	if (parser_is(p, "seed")) {
		if (parser_next(p) || parser_number(p, "seed", 0, 1000000000000, &n))
			return -1;
		s->seed = (uint64_t)n;
		return end_of_statement(p, "seed");
	}
	for (const struct sim_setting *setting = sim_settings; setting->name; setting++)
		if (parser_is(p, setting->name))
			return parser_next(p) || parser_time(p, setting->name, setting->least, sim_setting_of(&s->settings, setting)) ?
				       -1 : end_of_statement(p, setting->name);
	return parser_fail(p, "'%s' is no statement: write cpus, topology, until, sample, seed, latency, min-granularity, wakeup-granularity, rt-period, "
			   "rt-runtime, tick, balance-min, balance-max, task or template", p->word);
}

static int check_whole(struct sim_parser *p)
{
	struct scenario *s = p->scenario;
	uint64_t tasks = 0;

	for (unsigned i = 0; i < s->nr_types; i++)
		tasks += s->types[i].count;
	if (!tasks)
		return parser_fail(p, "the scenario has no task: add one, such as 'task t0 { run 10ms }'");
	if (tasks > SIM_MAX_TASKS)
		return parser_fail(p, "the scenario has %llu tasks: at most %d are possible", (unsigned long long)tasks, SIM_MAX_TASKS);
	if (!s->until)
		return parser_fail(p, "the scenario does not say when it ends: add 'until 1s'");
	if (s->settings.rt_runtime > s->settings.rt_period)
		return parser_fail(p, "rt-runtime is longer than rt-period: make it at most as long");
	if (s->settings.tick && s->settings.tick < 10000)
		return parser_fail(p, "a tick shorter than 10us makes more work than the tasks: make it longer, or 0s for exact times");
	if (s->settings.balance_min > s->settings.balance_max)
		return parser_fail(p, "balance-min is longer than balance-max: make it at most as long");
	return look_up_forks(p);
}

static int parse_all(struct sim_parser *p)
{
	if (p->end - p->at > (ptrdiff_t)MAX_SIZE)
		return parser_fail(p, "the file is larger than %u MiB: use 'loop' and 'count'", MAX_SIZE >> 20);
	if (parser_next(p))
		return -1;
	while (p->token != TOKEN_END) {
		if (p->token == TOKEN_STOP ? parser_next(p) : parse_statement(p))
			return -1;
	}
	return check_whole(p);
}

int scenario_parse(const char *name, const char *text, size_t size, struct scenario **ret_scenario, struct sim_error *ret_error)
{
	struct sim_parser parser = { .name = name, .at = text, .end = text + size, .line = 1, .next_line = 1, .error = ret_error };
	int ret;

	parser.scenario = calloc(1, sizeof(*parser.scenario));
	if (!parser.scenario)
		return parser_fail(&parser, "the scenario does not fit into memory: make it shorter");
	for (const struct sim_setting *setting = sim_settings; setting->name; setting++)
		*sim_setting_of(&parser.scenario->settings, setting) = setting->value;
	ret = parse_all(&parser);
	free(parser.forks);
	if (ret)
		scenario_free(parser.scenario);
	else
		*ret_scenario = parser.scenario;
	return ret;
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	free(scenario->types);
	free(scenario->code);
	free(scenario->policies);
	free(scenario->masks);
	free(scenario->queues);
	free(scenario);
}
