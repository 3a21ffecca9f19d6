/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /etc/resolv.conf, /etc/hosts and /etc/hostname for the container. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/network/network.h"

#define MOST_TEXT 65536

/* Lines of the host's file that are copied: all, or those that begin with one of two words. */
static void copy_lines(FILE *out, const char *path, const char *first, const char *second)
{
	FILE *in = fopen(path, "re");
	char line[1024];

	while (in && fgets(line, sizeof(line), in) && ftell(out) < MOST_TEXT / 2) {
		if (!first || !strncmp(line, first, strlen(first)) || (second && !strncmp(line, second, strlen(second))))
			fputs(line, out);
	}
	if (in)
		fclose(in);
}

static const char *host_resolv_conf(const struct network *network, char path[512])
{
	const char *namespace = network->config->namespace;
	FILE *file;

	if (namespace && namespace[0] != '/') {
		snprintf(path, 512, "/etc/netns/%s/resolv.conf", namespace);
		file = fopen(path, "re");
		if (file) {
			fclose(file);
			return path;
		}
	}
	return "/etc/resolv.conf";
}

static void write_resolv_conf(const struct network *network, FILE *out)
{
	const struct network_config *config = network->config;
	const struct address server = address_from_v4(OUTSIDE_DNS);
	char path[512], text[ENDPOINT_TEXT];

	if (network->boot.mode == NETWORK_OUTSIDE) {
		fprintf(out, "nameserver %s\n", endpoint_print(&server, 0, text));
		copy_lines(out, "/etc/resolv.conf", "search ", "options ");
		return;
	}
	for (int i = 0; i < config->nr_dns; i++) {
		struct address address;

		memcpy(address.bytes, config->dns[i].address, 16);
		fprintf(out, "nameserver %s\n", endpoint_print(&address, 0, text));
	}
	copy_lines(out, host_resolv_conf(network, path), config->nr_dns ? "search " : NULL, "options ");
}

static void write_hosts(const struct network *network, FILE *out)
{
	const struct network_config *config = network->config;
	const struct address own = address_from_v4(OUTSIDE_ADDRESS), gateway = address_from_v4(OUTSIDE_GATEWAY), loopback = address_from_v4(INADDR_LOOPBACK);
	bool outside = network->boot.mode == NETWORK_OUTSIDE;
	char text[ENDPOINT_TEXT];

	if (network->boot.mode == NETWORK_HOST || network->boot.mode == NETWORK_NAMESPACE) {
		copy_lines(out, "/etc/hosts", NULL, NULL);
	} else {
		fputs("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n"
		      "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n", out);
		fprintf(out, "%s\t%s\n", outside ? endpoint_print(&own, 0, text) : "127.0.1.1", network->sandbox->config->hostname);
	}
	if (outside)
		fprintf(out, "%s\thost.linuxd.internal\n", endpoint_print(&gateway, 0, text));
	for (int i = 0; i < config->nr_hosts; i++) {
		const char *address = config->hosts[i].address;

		if (!strcmp(address, "host-gateway"))
			address = endpoint_print(outside ? &gateway : &loopback, 0, text);
		fprintf(out, "%s\t%s\n", address, config->hosts[i].name);
	}
}

static char *make_text(const struct network *network, void (*write)(const struct network *network, FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write(network, out);
	fclose(out);
	return text;
}

int files_write(struct network *network, struct error *error)
{
	if (network->config->image_files)
		return 0;
	network->hosts = make_text(network, write_hosts);
	if (network->boot.mode != NETWORK_NONE)
		network->resolv_conf = make_text(network, write_resolv_conf);
	if (!network->hosts || (network->boot.mode != NETWORK_NONE && !network->resolv_conf))
		return fail(error, 0, "out of memory");
	return 0;
}
