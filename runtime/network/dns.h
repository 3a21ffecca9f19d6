/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages (RFC 1035): as much as it takes to look at questions, to ask for addresses and to answer with them. No input is trusted. */
#ifndef RUNTIME_NETWORK_DNS_H
#define RUNTIME_NETWORK_DNS_H

#include <stddef.h>

#include "runtime/network/policy.h"

#define DNS_MESSAGE 4096 /* longer ones are not handled */
#define DNS_A 1
#define DNS_AAAA 28

enum dns_code { DNS_NO_ERROR, DNS_FORMAT_ERROR, DNS_SERVER_FAILURE, DNS_NO_NAME, DNS_NOT_IMPLEMENTED, DNS_REFUSED };

struct dns_question {
	uint16_t id, type, class;
	bool recursion_desired;
	char name[POLICY_NAME]; /* lower case, without the last dot; "": the root */
	size_t end;             /* where the question ends in its message */
};

/* DNS_NO_ERROR, the code to answer with, or -1: this deserves no answer. */
int dns_parse_question(const uint8_t *message, size_t length, struct dns_question *ret_question);

/* Writes a question for the addresses of @name. Returns its length; 0: no room. */
size_t dns_build_query(uint8_t *message, size_t size, uint16_t id, const char *name, uint16_t type);

/* Answers the question at the start of @query (which was parsed) with those of @addresses that are of its type. Returns the length; 0: no room. */
size_t dns_build_answer(uint8_t *message, size_t size, const uint8_t *query, const struct dns_question *question, enum dns_code code,
			const struct address *addresses, int nr);

/*
 * The addresses for @name in an answer to dns_build_query(id, name, type), aliases followed. Returns how many; -1: it is not that
 * answer. *ret_code is the answer's.
 */
int dns_parse_answer(const uint8_t *message, size_t length, uint16_t id, const char *name, uint16_t type, struct address *ret_addresses, int most,
		     enum dns_code *ret_code);

#endif
