/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that read scenarios. */
#ifndef SIMULATOR_PARSER_H
#define SIMULATOR_PARSER_H

#include "simulator/scenario.h"

enum sim_token {
	TOKEN_WORD,
	TOKEN_OPEN,  /* { */
	TOKEN_CLOSE, /* } */
	TOKEN_STOP,  /* end of line, or ; */
	TOKEN_END,   /* of the file */
};

#define MAX_WORD 127

struct sim_parser {
	const char *name; /* of the file */
	const char *at, *end;
	unsigned line;      /* of the token */
	unsigned next_line; /* where reading goes on */
	enum sim_token token;
	char word[MAX_WORD + 1]; /* the token as it is written; "end of line" and the like for those that cannot be */
	struct scenario *scenario;
	struct sim_error *error;
	/* Templates may be forked above their definition: looked up at the end. */
	struct sim_fork {
		char name[SIM_NAME];
		unsigned instruction;
	} *forks;
	unsigned nr_forks;
};

/* All return 0, or -1 with the error set. */
int parser_fail(struct sim_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
int parser_fail_at(struct sim_parser *p, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
int parser_next(struct sim_parser *p); /* reads the next token */
bool parser_is(struct sim_parser *p, const char *word); /* the token is this word */
int parser_name(struct sim_parser *p, char *ret_name, const char *what); /* takes a name, of what */
int parser_number(struct sim_parser *p, const char *what, int64_t low, int64_t high, int64_t *ret_number);
int parser_time(struct sim_parser *p, const char *what, uint64_t low, uint64_t *ret_ns);
int parser_range(struct sim_parser *p, const char *what, uint64_t *ret_low, uint64_t *ret_high); /* 1ms or 1ms..5ms */
int parser_cpus(struct sim_parser *p, int *ret_mask); /* a list of cpus, as an index into masks */
int parser_policy(struct sim_parser *p, struct sim_policy *policy); /* what follows the word "policy"; keeps nice */
/* Makes room for one more than `n` things of `size` bytes; the new one is zeroed. */
int parser_grow(struct sim_parser *p, void *array, unsigned n, size_t size);
int parser_script(struct sim_parser *p, unsigned *ret_first); /* { ... } */

#endif
