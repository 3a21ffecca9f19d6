/* SPDX-License-Identifier: Apache-2.0 */
/* Which destinations outside a container may talk to. */
#include "runtime/network/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool policy_name_normalise(const char *text, char ret_name[POLICY_NAME])
{
	size_t length = strlen(text), label = 0;

	if (length && text[length - 1] == '.')
		length--;
	if (!length || length >= POLICY_NAME || text[length - 1] == '.')
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = text[i];

		label = c == '.' ? 0 : label + 1;
		if ((c == '.' && (i == 0 || text[i - 1] == '.')) || label > 63)
			return false;
		if (c != '.' && c != '-' && c != '_' && !isalnum(c))
			return false;
		ret_name[i] = tolower(c);
	}
	ret_name[length] = '\0';
	return true;
}

static bool parse_port(const char *text, const char **ret_end, unsigned int *ret_port)
{
	char *end;
	unsigned long port;

	if (!isdigit((unsigned char)*text))
		return false;
	port = strtoul(text, &end, 10);
	*ret_end = end;
	*ret_port = port;
	return port >= 1 && port <= 65535;
}

static bool parse_ports(const char *text, struct policy_rule *rule)
{
	unsigned int low, high;
	const char *end;

	if (!parse_port(text, &end, &low))
		return false;
	high = low;
	if (*end == '-' && !parse_port(end + 1, &end, &high))
		return false;
	rule->port_low = low;
	rule->port_high = high;
	return *end == '\0' && low <= high;
}

/* Cuts @text into host and port. An IPv6 address with a port stands in brackets. */
static bool split(char *text, char **ret_host, char **ret_prefix, char **ret_port)
{
	char *end;

	*ret_host = text;
	*ret_prefix = *ret_port = NULL;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end)
			return false;
		*ret_host = text + 1;
		*end++ = '\0';
	} else {
		end = text + strcspn(text, "/");
		if (strchr(text, ':') == strrchr(text, ':'))
			end = text + strcspn(text, "/:");
	}
	if (*end == '/') {
		*end = '\0';
		*ret_prefix = end + 1;
		end += 1 + strspn(end + 1, "0123456789");
	}
	if (*end == ':') {
		*end = '\0';
		*ret_port = end + 1;
		return true;
	}
	return *end == '\0';
}

static bool parse_network(const char *host, const char *prefix, struct policy_rule *rule)
{
	unsigned int most;
	char *end;

	if (!address_parse(host, &rule->network))
		return false;
	most = address_is_v4(&rule->network) ? 32 : 128;
	rule->prefix = 128;
	if (prefix) {
		unsigned long bits = strtoul(prefix, &end, 10);

		if (end == prefix || *end || bits > most)
			return false;
		rule->prefix = 128 - most + bits;
	}
	for (unsigned int bit = rule->prefix; bit < 128; bit++)
		rule->network.bytes[bit / 8] &= ~(0x80 >> bit % 8);
	return true;
}

static bool parse_rule(char *text, struct policy_rule *rule)
{
	char *host, *prefix, *port;

	rule->port_high = 65535;
	if (!split(text, &host, &prefix, &port) || (port && !parse_ports(port, rule)))
		return false;
	if (parse_network(host, prefix, rule))
		return true;
	if (prefix)
		return false;
	if (!strcmp(host, "*")) {
		rule->any = true;
		return true;
	}
	if (!strncmp(host, "*.", 2)) {
		rule->below = true;
		host += 2;
	}
	/* Only digits and dots: an address with a mistake in it, not a name. */
	return host[strspn(host, "0123456789.")] && policy_name_normalise(host, rule->name);
}

int policy_add(struct policy *policy, const char *text, bool allow, struct error *error)
{
	struct policy_rule rule = { .allow = allow, .text = strdup(text) }, *rules;
	char *copy = strdup(text);
	bool good = copy && rule.text && parse_rule(copy, &rule);

	free(copy);
	rules = good ? realloc(policy->rules, (policy->nr_rules + 1) * sizeof(*rules)) : NULL;
	if (rules) {
		policy->rules = rules;
		rules[policy->nr_rules++] = rule;
		return 0;
	}
	free(rule.text);
	if (good)
		return fail(error, 0, "out of memory");
	fail(error, 0, "--%s %s: expected HOST[:PORT]", allow ? "allow" : "deny", text);
	return fail_remedy(error, "HOST is a name, *.NAME, an address or a network (10.0.0.0/8); an IPv6 address with a port stands in brackets, "
				  "[2001:db8::1]:443; PORT is a number or a range, 8000-8080");
}

void policy_free(struct policy *policy)
{
	for (int i = 0; i < policy->nr_rules; i++)
		free(policy->rules[i].text);
	for (int i = 0; i < policy->nr_names; i++)
		free(policy->names[i]);
	free(policy->rules);
	free(policy->names);
	memset(policy, 0, sizeof(*policy));
}

static bool name_matches(const struct policy_rule *rule, const char *name)
{
	size_t length = strlen(name), suffix = strlen(rule->name);

	if (rule->any)
		return true;
	if (!suffix)
		return false;
	if (!rule->below)
		return !strcmp(name, rule->name);
	return length > suffix + 1 && name[length - suffix - 1] == '.' && !strcmp(name + length - suffix, rule->name);
}

static bool pinned(const struct policy *policy, const struct policy_rule *rule, const struct address *address)
{
	for (int i = 0; i < policy->nr_names; i++) {
		const struct policy_name *name = policy->names[i];

		if (!name_matches(rule, name->name))
			continue;
		for (int j = 0; j < name->nr_addresses; j++)
			if (!memcmp(&name->addresses[j], address, sizeof(*address)))
				return true;
	}
	return false;
}

/* A rule that is meant for a special address: it names that one alone, or a network that is as special throughout. */
static bool names_special(const struct policy_rule *rule, const struct address *address, enum address_class class)
{
	if (rule->any || rule->name[0])
		return false;
	if (rule->prefix == 128)
		return true;
	/* The smallest networks of these kinds have eight (127.0.0.0/8, ff00::/8) and four bits (224.0.0.0/4). */
	return class != ADDRESS_GLOBAL && rule->prefix >= (address_is_v4(address) ? 96 + 4 : 8) && address_classify(&rule->network) == class;
}

static bool rule_matches(const struct policy *policy, const struct policy_rule *rule, const struct address *address, unsigned int port)
{
	/* Port 0: there are none, as with ping. A rule for some ports does not speak of it. */
	if (port < rule->port_low || port > rule->port_high)
		return false;
	if (rule->any)
		return true;
	return rule->name[0] ? pinned(policy, rule, address) : address_matches(address, &rule->network, rule->prefix);
}

bool policy_check(const struct policy *policy, const struct address *destination, unsigned int port, bool own, char ret_reason[POLICY_REASON])
{
	struct address address = address_normalise(destination);
	enum address_class class = address_classify(&address);
	bool special = (own || class != ADDRESS_GLOBAL) && !policy->special_allow, any_rule = false;

	for (int i = 0; i < policy->nr_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (!rule->allow && (rule_matches(policy, rule, &address, port) || rule_matches(policy, rule, destination, port))) {
			snprintf(ret_reason, POLICY_REASON, "--deny %s forbids it", rule->text);
			return false;
		}
	}
	for (int i = 0; i < policy->nr_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		any_rule |= rule->allow;
		if (rule->allow && rule_matches(policy, rule, &address, port) && (!special || names_special(rule, &address, class)))
			return true;
	}
	if (special)
		snprintf(ret_reason, POLICY_REASON, "it is %s, which only an --allow rule for this very address opens",
			 class != ADDRESS_GLOBAL ? address_class_name(class) : "an address of this host");
	else if (!policy->default_allow)
		snprintf(ret_reason, POLICY_REASON, any_rule ? "no --allow rule names it" : "there is no --allow rule");
	return !special && policy->default_allow;
}

bool policy_check_name(const struct policy *policy, const char *name, char ret_reason[POLICY_REASON])
{
	for (int i = 0; i < policy->nr_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (!rule->allow && rule->port_low == 0 && name_matches(rule, name)) {
			snprintf(ret_reason, POLICY_REASON, "--deny %s forbids it", rule->text);
			return false;
		}
	}
	if (policy->default_allow)
		return true;
	for (int i = 0; i < policy->nr_rules; i++)
		if (policy->rules[i].allow && name_matches(&policy->rules[i], name))
			return true;
	snprintf(ret_reason, POLICY_REASON, "no --allow rule names it");
	return false;
}

bool policy_wants_name(const struct policy *policy, const char *name)
{
	for (int i = 0; i < policy->nr_rules; i++)
		if (!policy->rules[i].any && name_matches(&policy->rules[i], name))
			return true;
	return false;
}

const struct policy_name *policy_find_name(const struct policy *policy, const char *name)
{
	for (int i = 0; i < policy->nr_names; i++)
		if (!strcmp(policy->names[i]->name, name))
			return policy->names[i];
	return NULL;
}

const struct policy_name *policy_pin(struct policy *policy, const char *name, const struct address *addresses, int nr,
				     bool (*is_own)(void *context, const struct address *address), void *context)
{
	const struct policy_name *known = policy_find_name(policy, name);
	struct policy_name *pin, **names;

	if (known)
		return known;
	if (policy->nr_names == POLICY_NAMES || !(pin = calloc(1, sizeof(*pin))))
		return NULL;
	names = realloc(policy->names, (policy->nr_names + 1) * sizeof(*names));
	if (!names) {
		free(pin);
		return NULL;
	}
	policy->names = names;
	snprintf(pin->name, sizeof(pin->name), "%s", name);
	for (int i = 0; i < nr && pin->nr_addresses < POLICY_PINS; i++) {
		struct address address = address_normalise(&addresses[i]);

		if (address_classify(&address) == ADDRESS_GLOBAL && !is_own(context, &address))
			pin->addresses[pin->nr_addresses++] = address;
	}
	names[policy->nr_names++] = pin;
	return pin;
}
