/* SPDX-License-Identifier: Apache-2.0 */
/* What a user asks of a container's network: --network, --publish, --allow, --deny, --dns, --add-host. */
#ifndef RUNTIME_NETWORK_CONFIG_H
#define RUNTIME_NETWORK_CONFIG_H

#include "runtime/network/policy.h"

#define NETWORK_DNS 3 /* as many as resolv.conf takes */

/* One port of the host that leads to one of the container. */
struct published_port {
	enum network_kind kind;
	bool every_address;
	struct address address;
	uint16_t host_port, port; /* host_port 0: the host chooses one */
};

struct extra_host {
	const char *name;
	const char *address;
};

struct network_config {
	bool chosen;               /* --network was given */
	enum network_mode mode;
	bool filtered;
	bool image_files;          /* /etc/hosts and the others are those of the image, or of somebody else's making */
	const char *namespace;     /* name or path; NULL: none */
	struct policy policy;
	struct published_port *published;
	int nr_published;
	struct network_endpoint dns[NETWORK_DNS];
	int nr_dns;
	struct extra_host *hosts;
	int nr_hosts;
};

/* Each takes the value of an option; strings are borrowed. */
int network_config_mode(struct network_config *config, const char *value, struct error *error);
/* [ADDR:]HOSTPORT:PORT[/udp], or PORT alone (the host chooses HOSTPORT); ports may be ranges of the same length. */
int network_config_publish(struct network_config *config, const char *value, struct error *error);
/* ADDR[:PORT] */
int network_config_dns(struct network_config *config, const char *value, struct error *error);
int network_config_host(struct network_config *config, const char *value, struct error *error); /* NAME:ADDRESS */
/* When all options have been taken: do they go together? */
int network_config_check(struct network_config *config, struct error *error);

#endif
