// SPDX-License-Identifier: Apache-2.0
/* Words, numbers, times and lists of cpus of the scenario language. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/parser.h"
#include "simulator/policy.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
#define NR_UNITS (sizeof(units) / sizeof(units[0]))
/* Eleven days: far from where sums of times overflow. */
#define MAX_TIME (1000000ULL * 1000000000)

int parser_fail_at(struct sim_parser *p, unsigned line, const char *format, ...)
{
	va_list args;
	int n = snprintf(p->error->text, sizeof(p->error->text), "%.200s:%u: ", p->name, line);

	va_start(args, format);
	vsnprintf(p->error->text + n, sizeof(p->error->text) - n, format, args);
	va_end(args);
	return -1;
}

int parser_fail(struct sim_parser *p, const char *format, ...)
{
	char text[384];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return parser_fail_at(p, p->line, "%s", text);
}

int parser_grow(struct sim_parser *p, void *array, unsigned n, size_t size)
{
	void **at = array;

	/* Full at every power of two. */
	if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
		void *more = realloc(*at, (n < 4 ? 4 : (size_t)n * 2) * size);

		if (!more)
			return parser_fail(p, "the scenario does not fit into memory: make it shorter");
		*at = more;
	}
	memset((char *)*at + n * size, 0, size);
	return 0;
}

/* ---- tokens ---- */

static void skip_blanks(struct sim_parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
	if (p->at < p->end && *p->at == '#')
		while (p->at < p->end && *p->at != '\n')
			p->at++;
}

static int set_token(struct sim_parser *p, enum sim_token token, const char *word)
{
	p->token = token;
	strcpy(p->word, word);
	return 0;
}

int parser_next(struct sim_parser *p)
{
	size_t n = 0;

	skip_blanks(p);
	p->line = p->next_line;
	if (p->at == p->end)
		return set_token(p, TOKEN_END, "end of file");
	switch (*p->at) {
	case '\n':
		p->next_line++;
		p->at++;
		return set_token(p, TOKEN_STOP, "end of line");
	case ';':
		p->at++;
		return set_token(p, TOKEN_STOP, ";");
	case '{':
		p->at++;
		return set_token(p, TOKEN_OPEN, "{");
	case '}':
		p->at++;
		return set_token(p, TOKEN_CLOSE, "}");
	}
	while (p->at < p->end && !strchr(" \t\r\n;{}#", *p->at) && *p->at) {
		if (!isgraph((unsigned char)*p->at) || (unsigned char)*p->at > 126)
			break;
		if (n == MAX_WORD)
			return parser_fail(p, "'%.40s...' is longer than %d characters: no word of the language is", p->word, MAX_WORD);
		p->word[n++] = *p->at++;
		p->word[n] = '\0';
	}
	if (!n)
		return parser_fail(p, "byte 0x%02x: scenarios are plain ASCII text; remove it", (unsigned char)*p->at);
	if (p->at < p->end && !strchr(" \t\r\n;{}#", *p->at))
		return parser_fail(p, "byte 0x%02x after '%s': scenarios are plain ASCII text; remove it", (unsigned char)*p->at, p->word);
	p->token = TOKEN_WORD;
	return 0;
}

bool parser_is(struct sim_parser *p, const char *word) { return p->token == TOKEN_WORD && !strcmp(p->word, word); }

int parser_name(struct sim_parser *p, char *ret_name, const char *what)
{
	if (p->token != TOKEN_WORD)
		return parser_fail(p, "%s instead of the name of a %s: write one, such as '%c1'", p->word, what, what[0]);
	if (strlen(p->word) >= SIM_NAME)
		return parser_fail(p, "the name '%s' is longer than %d characters: shorten it", p->word, SIM_NAME - 1);
	for (const char *c = p->word; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			return parser_fail(p, "'%s' is no name of a %s because of its '%c': use letters, digits, '_', '.' and '-'", p->word,
					   what, *c);
	strcpy(ret_name, p->word);
	return parser_next(p);
}

/* ---- numbers and times ---- */

int parser_number(struct sim_parser *p, const char *what, int64_t low, int64_t high, int64_t *ret_number)
{
	char *end = NULL;
	long long number = 0;

	if (p->token == TOKEN_WORD && strlen(p->word) < 18)
		number = strtoll(p->word, &end, 10);
	if (!end || *end || p->word[0] == '+' || number < low || number > high)
		return parser_fail(p, "'%s' is no %s: write a whole number from %lld to %lld", p->word, what, (long long)low, (long long)high);
	*ret_number = number;
	return parser_next(p);
}

bool sim_time_parse(const char *text, uint64_t *ret_ns)
{
	uint64_t whole = 0, part = 0, scale = 1;
	const char *at = text;
	unsigned unit;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (*at - '0');
		if (whole > MAX_TIME)
			return false;
	}
	if (*at == '.') {
		if (!isdigit((unsigned char)*++at))
			return false;
		for (; isdigit((unsigned char)*at); at++) {
			part = part * 10 + (*at - '0');
			scale *= 10;
			if (scale > 1000000000)
				return false;
		}
	}
	for (unit = 0; unit < NR_UNITS && strcmp(at, units[unit].name); unit++)
		;
	if (unit == NR_UNITS || whole > MAX_TIME / units[unit].ns || part * units[unit].ns % scale)
		return false;
	*ret_ns = whole * units[unit].ns + part * units[unit].ns / scale;
	return *ret_ns <= MAX_TIME;
}

const char *sim_time_text(char *text, uint64_t ns)
{
	unsigned unit = NR_UNITS;
	uint64_t part;
	int n;

	while (--unit > 0 && ns < units[unit].ns)
		;
	n = snprintf(text, SIM_TIME_TEXT, "%llu", (unsigned long long)(ns / units[unit].ns));
	part = ns % units[unit].ns;
	if (part) {
		text[n++] = '.';
		for (uint64_t place = units[unit].ns / 10; part; place /= 10) {
			text[n++] = '0' + part / place;
			part %= place;
		}
	}
	strcpy(text + n, units[unit].name);
	return text;
}

static int bad_time(struct sim_parser *p, const char *what)
{
	return parser_fail(p, "'%s' is no time for %s: write a number and its unit (ns, us, ms, s), such as 1.5ms, below 1000000s and in whole "
			   "nanoseconds", p->word, what);
}

int parser_time(struct sim_parser *p, const char *what, uint64_t low, uint64_t *ret_ns)
{
	char text[SIM_TIME_TEXT];

	if (p->token != TOKEN_WORD || !sim_time_parse(p->word, ret_ns))
		return bad_time(p, what);
	if (*ret_ns < low)
		return parser_fail(p, "'%s' is too short for %s: it takes at least %s", p->word, what, sim_time_text(text, low));
	return parser_next(p);
}

int parser_range(struct sim_parser *p, const char *what, uint64_t *ret_low, uint64_t *ret_high)
{
	char *dots = p->token == TOKEN_WORD ? strstr(p->word, "..") : NULL;
	char low[MAX_WORD + 1];

	if (!dots) {
		if (parser_time(p, what, 1, ret_low))
			return -1;
		*ret_high = *ret_low;
		return 0;
	}
	memcpy(low, p->word, dots - p->word);
	low[dots - p->word] = '\0';
	if (!sim_time_parse(low, ret_low) || !sim_time_parse(dots + 2, ret_high))
		return bad_time(p, what);
	if (*ret_low < 1 || *ret_low > *ret_high)
		return parser_fail(p, "the range '%s' of %s is empty or begins with 0: write the shorter time first", p->word, what);
	return parser_next(p);
}

/* ---- cpus ---- */

static bool read_cpu(const char **at, unsigned *ret_cpu)
{
	unsigned cpu = 0;
	const char *start = *at;

	for (; isdigit((unsigned char)**at) && *at - start < 6; (*at)++)
		cpu = cpu * 10 + (**at - '0');
	*ret_cpu = cpu;
	return *at > start;
}

int parser_cpus(struct sim_parser *p, int *ret_mask)
{
	struct scenario *s = p->scenario;
	const char *at = p->word;
	struct sim_cpus mask = { 0 };

	for (;;) {
		unsigned first, last;

		if (p->token != TOKEN_WORD || !read_cpu(&at, &first))
			return parser_fail(p, "'%s' is no list of cpus: write numbers and ranges, such as 0-3,8", p->word);
		last = first;
		if (*at == '-') {
			at++;
			if (!read_cpu(&at, &last) || last < first)
				return parser_fail(p, "'%s' has a range without an end after its start: write it as 0-3", p->word);
		}
		if (last >= s->cpus)
			return parser_fail(p, "cpu %u of '%s' is not there: the scenario has cpus 0 to %u", last, p->word, s->cpus - 1);
		for (unsigned cpu = first; cpu <= last; cpu++)
			sim_cpus_add(&mask, cpu);
		if (!*at)
			break;
		if (*at++ != ',')
			return parser_fail(p, "'%s' is no list of cpus: write numbers and ranges, such as 0-3,8", p->word);
	}
	for (unsigned i = 0; i < s->nr_masks; i++)
		if (!memcmp(&s->masks[i], &mask, sizeof(mask))) {
			*ret_mask = (int)i;
			return parser_next(p);
		}
	if (parser_grow(p, &s->masks, s->nr_masks, sizeof(*s->masks)))
		return -1;
	*ret_mask = (int)s->nr_masks;
	s->masks[s->nr_masks++] = mask;
	return parser_next(p);
}

/* ---- policies ---- */

const struct sim_policy_name sim_policy_names[] = {
	{ "other", SIM_SCHED_OTHER }, { "batch", SIM_SCHED_BATCH },       { "idle", SIM_SCHED_IDLE },
	{ "fifo", SIM_SCHED_FIFO },   { "rr", SIM_SCHED_RR },             { "deadline", SIM_SCHED_DEADLINE }, { NULL, 0 },
};

static int parse_deadline(struct sim_parser *p, struct sim_policy *policy)
{
	if (parser_time(p, "the runtime", 1024, &policy->runtime) || parser_time(p, "the deadline", 1024, &policy->deadline) ||
	    parser_time(p, "the period", 1024, &policy->period))
		return -1;
	if (policy->runtime > policy->deadline || policy->deadline > policy->period)
		return parser_fail(p, "policy deadline: its times must grow: runtime <= deadline <= period, such as 10ms 100ms 100ms");
	return 0;
}

int parser_policy(struct sim_parser *p, struct sim_policy *policy)
{
	const struct sim_policy_name *name = sim_policy_names;
	int64_t priority = 0;

	while (name->name && !parser_is(p, name->name))
		name++;
	if (!name->name)
		return parser_fail(p, "'%s' is no policy: write other, batch, idle, fifo PRIORITY, rr PRIORITY or deadline RUNTIME DEADLINE PERIOD",
				   p->word);
	if (parser_next(p))
		return -1;
	*policy = (struct sim_policy){ .policy = name->policy, .nice = policy->nice };
	if (policy->policy == SIM_SCHED_DEADLINE)
		return parse_deadline(p, policy);
	if ((policy->policy == SIM_SCHED_FIFO || policy->policy == SIM_SCHED_RR) &&
	    parser_number(p, "real-time priority", 1, 99, &priority))
		return -1;
	policy->priority = (int)priority;
	return 0;
}
