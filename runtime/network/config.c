/* SPDX-License-Identifier: Apache-2.0 */
/* What a user asks of a container's network. */
#include "runtime/network/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PUBLISHED 1024 /* a range may be long */

int network_config_mode(struct network_config *config, const char *value, struct error *error)
{
	config->filtered = !strcmp(value, "filtered");
	config->namespace = NULL;
	config->chosen = true;
	if (!strcmp(value, "outside") || config->filtered) {
		config->mode = NETWORK_OUTSIDE;
	} else if (!strcmp(value, "host")) {
		config->mode = NETWORK_HOST;
	} else if (!strcmp(value, "none")) {
		config->mode = NETWORK_NONE;
	} else if (!*value || !strcmp(value, ".") || !strcmp(value, "..") || (strchr(value, '/') && value[0] != '/')) {
		fail(error, 0, "--network %s: expected outside, filtered, host, none, or the name of a network namespace", value);
		return fail_remedy(error, "Namespaces are made by \"ip netns add NAME\"; a path must be absolute");
	} else {
		config->mode = NETWORK_NAMESPACE;
		config->namespace = value;
	}
	return 0;
}

static bool parse_number(const char **at, unsigned int least, unsigned int *ret_number)
{
	char *end;
	unsigned long number;

	if (!isdigit((unsigned char)**at))
		return false;
	number = strtoul(*at, &end, 10);
	*at = end;
	*ret_number = number;
	return number >= least && number <= 65535;
}

/* A port or a range, the whole of @text. */
static bool parse_range(const char *text, unsigned int least, unsigned int *ret_first, unsigned int *ret_last)
{
	if (!parse_number(&text, least, ret_first))
		return false;
	*ret_last = *ret_first;
	if (*text == '-') {
		text++;
		if (!parse_number(&text, least, ret_last))
			return false;
	}
	return !*text && *ret_first <= *ret_last;
}

static int bad_publish(const char *value, const char *why, struct error *error)
{
	fail(error, 0, "--publish %s: %s", value, why);
	return fail_remedy(error, "It is [ADDR:]HOSTPORT:PORT[/udp], as in 8080:80, 127.0.0.1:8000-8010:8000-8010 or [::1]:53:53/udp; "
				  "PORT alone lets the host choose");
}

static int add_ports(struct network_config *config, struct published_port port, unsigned int count, struct error *error)
{
	struct published_port *ports;

	if (config->nr_published + count > MOST_PUBLISHED)
		return fail(error, 0, "more than %d published ports", MOST_PUBLISHED);
	ports = realloc(config->published, (config->nr_published + count) * sizeof(*ports));
	if (!ports)
		return fail(error, 0, "out of memory");
	config->published = ports;
	for (unsigned int i = 0; i < count; i++) {
		ports[config->nr_published++] = port;
		port.port++;
		port.host_port += port.host_port != 0;
	}
	return 0;
}

int network_config_publish(struct network_config *config, const char *value, struct error *error)
{
	struct published_port port = { .kind = NETWORK_TCP, .every_address = true };
	unsigned int first, last, host_first = 0, host_last = 0;
	char text[256], *inside, *host, *slash;

	if (strlen(value) >= sizeof(text))
		return bad_publish(value, "too long", error);
	strcpy(text, value);
	slash = strchr(text, '/');
	if (slash && strcmp(slash, "/tcp") && strcmp(slash, "/udp"))
		return bad_publish(value, "after the slash stands tcp or udp", error);
	if (slash && !strcmp(slash, "/udp"))
		port.kind = NETWORK_UDP;
	if (slash)
		*slash = '\0';
	inside = strrchr(text, ':');
	if (!parse_range(inside ? inside + 1 : text, 1, &first, &last))
		return bad_publish(value, "the container's port is a number from 1 to 65535, or a range", error);
	if (inside) {
		*inside = '\0';
		host = strrchr(text, ':');
		/* ADDR::PORT, the host chooses. */
		if (host ? host[1] && !parse_range(host + 1, 1, &host_first, &host_last) : !parse_range(text, 1, &host_first, &host_last))
			return bad_publish(value, "the host's port is a number from 1 to 65535, or a range", error);
		if (host) {
			*host = '\0';
			host = text;
			if (*host == '[' && host[strlen(host) - 1] == ']') {
				host[strlen(host) - 1] = '\0';
				host++;
			}
			if (!address_parse(host, &port.address))
				return bad_publish(value, "before the ports stands an address of the host", error);
			port.every_address = false;
		}
	}
	if (host_first && host_last - host_first != last - first)
		return bad_publish(value, "the ranges differ in length", error);
	port.port = first;
	port.host_port = host_first;
	return add_ports(config, port, last - first + 1, error);
}

static bool parse_server(const char *value, struct network_endpoint *ret_server)
{
	unsigned int port = 53, same;
	struct address address;
	char text[80], *at = text, *end;

	if (strlen(value) >= sizeof(text))
		return false;
	strcpy(text, value);
	if (!address_parse(text, &address)) {
		end = strrchr(text, ':');
		if (!end || !parse_range(end + 1, 1, &port, &same) || port != same)
			return false;
		*end = '\0';
		if (*at == '[' && end > at + 1 && end[-1] == ']') {
			end[-1] = '\0';
			at++;
		}
		if (!address_parse(at, &address))
			return false;
	}
	*ret_server = (struct network_endpoint){ .port = port };
	memcpy(ret_server->address, address.bytes, 16);
	return true;
}

int network_config_dns(struct network_config *config, const char *value, struct error *error)
{
	if (config->nr_dns == NETWORK_DNS)
		return fail(error, 0, "--dns %s: there are %d already, and programs look at no more", value, NETWORK_DNS);
	if (!parse_server(value, &config->dns[config->nr_dns]))
		return fail(error, 0, "--dns %s: expected an address, with or without :PORT (IPv6 then in brackets)", value);
	config->nr_dns++;
	return 0;
}

int network_config_host(struct network_config *config, const char *value, struct error *error)
{
	const char *colon = strchr(value, ':');
	char name[POLICY_NAME], *copy = colon ? strdup(value) : NULL;
	struct extra_host *hosts = NULL;
	struct address address;

	if (!copy)
		return fail(error, 0, "--add-host %s: expected NAME:ADDRESS", value);
	copy[colon - value] = '\0';
	if (!policy_name_normalise(copy, name))
		fail(error, 0, "--add-host %s: %s is no host name", value, copy);
	else if (strcmp(colon + 1, "host-gateway") && !address_parse(colon + 1, &address))
		fail(error, 0, "--add-host %s: expected an address (or host-gateway) after the colon", value);
	else if (!(hosts = realloc(config->hosts, (config->nr_hosts + 1) * sizeof(*hosts))))
		fail(error, 0, "out of memory");
	if (!hosts) {
		free(copy);
		return -1;
	}
	config->hosts = hosts;
	hosts[config->nr_hosts++] = (struct extra_host){ copy, colon + 1 };
	return 0;
}

int network_config_check(struct network_config *config, struct error *error)
{
	bool allows = false;

	for (int i = 0; i < config->policy.nr_rules; i++)
		allows |= config->policy.rules[i].allow;
	if (!config->chosen) {
		config->mode = NETWORK_OUTSIDE;
		config->filtered = allows;
	}
	/* A network of the host's with an --allow is one of which only that can be reached. */
	if (config->mode == NETWORK_HOST || config->mode == NETWORK_NAMESPACE)
		config->filtered = allows;
	if (config->mode == NETWORK_NONE && (config->nr_published || config->policy.nr_rules))
		return fail(error, 0, "--publish, --allow and --deny say nothing with --network none");
	if ((config->mode == NETWORK_HOST || config->mode == NETWORK_NAMESPACE) && config->nr_published) {
		fail(error, 0, "--publish does not go with a network of the host's: what listens inside can be reached there anyway");
		return fail_remedy(error, "Leave --network out, or --publish");
	}
	return 0;
}
