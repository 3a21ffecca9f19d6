/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which destinations outside a container may talk to: --allow and --deny rules, HOST[:PORT] each.
 *
 *   HOST  an address, a network in CIDR notation, a name, *.NAME (all names below it), or * (everything)
 *   PORT  a number or a range A-B
 *
 * A --deny rule wins over every --allow rule. Addresses of this host and other special ones (loopback, link-local, multicast, broadcast)
 * are refused unless a rule names exactly the address, or a network that consists of nothing else.
 *
 * A name stands for the addresses that were in its first answer (policy_pin): later ones change nothing, and an answer that leads
 * to a special address, or one of this host, is left out. All of it must be called with the owner's lock held.
 */
#ifndef RUNTIME_NETWORK_POLICY_H
#define RUNTIME_NETWORK_POLICY_H

#include "runtime/error.h"
#include "runtime/network/address.h"

#define POLICY_NAME 254    /* with the NUL */
#define POLICY_PINS 32     /* addresses of a name */
#define POLICY_NAMES 1024  /* names that are remembered */

struct policy_rule {
	bool allow, any; /* any: "*" */
	char name[POLICY_NAME]; /* lower case, without the last dot; "": an address */
	bool below;      /* *.name */
	struct address network;
	unsigned int prefix;
	uint16_t port_low, port_high; /* 0..65535: all */
	char *text;      /* as the user wrote it */
};

struct policy_name {
	char name[POLICY_NAME];
	int nr_addresses;
	struct address addresses[POLICY_PINS];
};

struct policy {
	bool default_allow; /* what no rule speaks of */
	bool special_allow; /* this host's addresses are nothing special (--network host) */
	int nr_rules, nr_names;
	struct policy_rule *rules;
	struct policy_name **names;
};

int policy_add(struct policy *policy, const char *text, bool allow, struct error *error);
void policy_free(struct policy *policy);

#define POLICY_REASON 400
/* @own: the address is one of this host's. On refusal ret_reason says why. */
bool policy_check(const struct policy *policy, const struct address *address, unsigned int port, bool own, char ret_reason[POLICY_REASON]);

/* Lower case, without the last dot; false: that is no name. */
bool policy_name_normalise(const char *text, char ret_name[POLICY_NAME]);
/* May this (normalised) name be asked for? Always, where no rule is needed. */
bool policy_check_name(const struct policy *policy, const char *name, char ret_reason[POLICY_REASON]);
/* Is there a rule that needs to know this name's addresses? */
bool policy_wants_name(const struct policy *policy, const char *name);
/* The pinned name, NULL: not known yet. */
const struct policy_name *policy_find_name(const struct policy *policy, const char *name);
/* Remembers a name's first answer; what is known already stays. NULL: no room. */
const struct policy_name *policy_pin(struct policy *policy, const char *name, const struct address *addresses, int nr,
				     bool (*is_own)(void *context, const struct address *address), void *context);

#endif
