// SPDX-License-Identifier: Apache-2.0
/* Reads the scripts of tasks: what stands between { and }. */
#include <string.h>

#include "simulator/parser.h"

#define MAX_CODE 1000000

static int emit(struct sim_parser *p, enum sim_op op, struct sim_instruction **ret_instruction)
{
	struct scenario *s = p->scenario;

	if (s->nr_code >= MAX_CODE)
		return parser_fail(p, "the scenario has more than %d commands: use 'loop' and 'count'", MAX_CODE);
	if (parser_grow(p, &s->code, s->nr_code, sizeof(*s->code)))
		return -1;
	*ret_instruction = &s->code[s->nr_code++];
	(*ret_instruction)->op = op;
	(*ret_instruction)->line = p->line;
	return 0;
}

static int queue(struct sim_parser *p, uint64_t *ret_queue)
{
	struct scenario *s = p->scenario;
	char name[SIM_NAME];

	if (parser_name(p, name, "queue"))
		return -1;
	for (*ret_queue = 0; *ret_queue < s->nr_queues; ++*ret_queue)
		if (!strcmp(s->queues[*ret_queue], name))
			return 0;
	if (parser_grow(p, &s->queues, s->nr_queues, sizeof(*s->queues)))
		return -1;
	strcpy(s->queues[s->nr_queues++], name);
	return 0;
}

static int parse_run(struct sim_parser *p, struct sim_instruction *at) { return parser_range(p, "run", &at->a, &at->b); }

static int parse_sleep(struct sim_parser *p, struct sim_instruction *at)
{
	if (!parser_is(p, "until"))
		return parser_range(p, "sleep", &at->a, &at->b);
	at->op = SIM_UNTIL;
	return parser_next(p) ? -1 : parser_time(p, "sleep until", 0, &at->a);
}

static int parse_wait(struct sim_parser *p, struct sim_instruction *at) { return queue(p, &at->a); }

static int parse_wake(struct sim_parser *p, struct sim_instruction *at)
{
	int64_t n = 1;

	if (queue(p, &at->a))
		return -1;
	if (parser_is(p, "all")) {
		n = 0;
		if (parser_next(p))
			return -1;
	} else if (p->token == TOKEN_WORD && !parser_is(p, "sync") && parser_number(p, "number of tasks to wake", 1, SIM_MAX_TASKS, &n)) {
		return -1;
	}
	at->b = (uint64_t)n;
	at->sync = parser_is(p, "sync");
	return at->sync ? parser_next(p) : 0;
}

static int parse_fork(struct sim_parser *p, struct sim_instruction *at)
{
	struct sim_fork *fork;

	if (parser_grow(p, &p->forks, p->nr_forks, sizeof(*p->forks)))
		return -1;
	fork = &p->forks[p->nr_forks];
	fork->instruction = (unsigned)(at - p->scenario->code);
	if (parser_name(p, fork->name, "template"))
		return -1;
	p->nr_forks++;
	return 0;
}

static int parse_nice(struct sim_parser *p, struct sim_instruction *at)
{
	int64_t nice;

	if (parser_number(p, "nice value", -20, 19, &nice))
		return -1;
	at->a = (uint64_t)(nice + 20);
	return 0;
}

static int parse_policy(struct sim_parser *p, struct sim_instruction *at)
{
	struct scenario *s = p->scenario;
	struct sim_policy policy = { 0 };

	if (parser_policy(p, &policy) || parser_grow(p, &s->policies, s->nr_policies, sizeof(*s->policies)))
		return -1;
	at->a = s->nr_policies;
	s->policies[s->nr_policies++] = policy;
	return 0;
}

static int parse_cpus(struct sim_parser *p, struct sim_instruction *at)
{
	int mask;

	if (parser_cpus(p, &mask))
		return -1;
	at->a = (uint64_t)mask;
	return 0;
}

static int parse_nothing(struct sim_parser *p, struct sim_instruction *at) { return 0; }

static const struct {
	const char *name;
	enum sim_op op;
	int (*parse)(struct sim_parser *p, struct sim_instruction *at);
} commands[] = {
	{ "run", SIM_RUN, parse_run },       { "sleep", SIM_SLEEP, parse_sleep },    { "wait", SIM_WAIT, parse_wait },
	{ "wake", SIM_WAKE, parse_wake },    { "fork", SIM_FORK, parse_fork },       { "yield", SIM_YIELD, parse_nothing },
	{ "nice", SIM_NICE, parse_nice },    { "policy", SIM_POLICY, parse_policy }, { "cpus", SIM_CPUS, parse_cpus },
	{ "exec", SIM_EXEC, parse_nothing },   { "exit", SIM_EXIT, parse_nothing },
};
#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int parse_block(struct sim_parser *p, unsigned depth);

static int parse_loop(struct sim_parser *p, unsigned depth)
{
	struct sim_instruction *at = NULL;
	unsigned loop = p->scenario->nr_code;
	int64_t times = 0;

	if (depth == SIM_MAX_DEPTH)
		return parser_fail(p, "loop: there are %d loops around it already, and no more are possible: use 'fork'", SIM_MAX_DEPTH);
	if (emit(p, SIM_LOOP, &at) || parser_next(p))
		return -1;
	if (p->token == TOKEN_WORD && parser_number(p, "number of rounds", 1, 1000000000, &times))
		return -1;
	if (parse_block(p, depth + 1))
		return -1;
	if (p->scenario->nr_code == loop + 1)
		return parser_fail(p, "loop: there is nothing in it: write what it is to repeat, such as 'loop { run 1ms; sleep 9ms }'");
	p->scenario->code[loop].a = (uint64_t)times;
	p->scenario->code[loop].b = p->scenario->nr_code;
	if (emit(p, SIM_END, &at))
		return -1;
	at->a = loop;
	return 0;
}

static int parse_command(struct sim_parser *p, unsigned depth)
{
	struct sim_instruction *at = NULL;

	if (parser_is(p, "loop"))
		return parse_loop(p, depth);
	for (unsigned i = 0; i < NR_COMMANDS; i++) {
		if (!parser_is(p, commands[i].name))
			continue;
		return emit(p, commands[i].op, &at) || parser_next(p) || commands[i].parse(p, at) ? -1 : 0;
	}
	return parser_fail(p, "'%s' is no command of a task: write run, sleep, wait, wake, loop, fork, yield, exec, nice, policy, cpus or exit", p->word);
}

/* { command; command; ... } */
static int parse_block(struct sim_parser *p, unsigned depth)
{
	unsigned line = p->line;

	if (p->token != TOKEN_OPEN)
		return parser_fail(p, "%s instead of '{': what a task or a loop does stands between '{' and '}'", p->word);
	if (parser_next(p))
		return -1;
	for (;;) {
		while (p->token == TOKEN_STOP)
			if (parser_next(p))
				return -1;
		if (p->token == TOKEN_CLOSE)
			return parser_next(p);
		if (p->token == TOKEN_END)
			return parser_fail_at(p, line, "this '{' has no '}': add it after the last command");
		if (parse_command(p, depth))
			return -1;
		if (p->token != TOKEN_STOP && p->token != TOKEN_CLOSE && p->token != TOKEN_END)
			return parser_fail(p, "'%s' is too much: a command ends with the line, or with ';'", p->word);
	}
}

int parser_script(struct sim_parser *p, unsigned *ret_first)
{
	struct sim_instruction *at;

	*ret_first = p->scenario->nr_code;
	return parse_block(p, 0) || emit(p, SIM_EXIT, &at) ? -1 : 0;
}
