/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the host's cpus share a core, a socket, a node: for the scheduling domains inside. Where the host does not say, or a cpu of the
 * sandbox is no certain one of the host's, all are alike.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"

#define MOST_NODES 64

/* A number from /sys/devices/system/cpu; -1. */
static int read_number(int cpus, int cpu, const char *name)
{
	char path[64], text[16];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "cpu%d/topology/%s", cpu, name);
	fd = openat(cpus, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = 0;
	return atoi(text);
}

/* 0 where there are no nodes. */
static int node_of(int cpus, int cpu)
{
	for (int node = 0; node < MOST_NODES; node++) {
		char path[64];

		snprintf(path, sizeof(path), "cpu%d/node%d", cpu, node);
		if (!faccessat(cpus, path, F_OK, 0))
			return node;
	}
	return 0;
}

void describe_topology(struct boot_params *boot)
{
	int cpus = open("/sys/devices/system/cpu", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool known = cpus >= 0 && boot->nr_cpus > 1;

	for (unsigned int i = 0; known && i < boot->nr_cpus; i++) {
		struct boot_cpu *cpu = &boot->topology[i];

		known = boot->host_cpu[i] >= 0;
		if (!known)
			break;
		cpu->core = read_number(cpus, boot->host_cpu[i], "core_id");
		cpu->socket = read_number(cpus, boot->host_cpu[i], "physical_package_id");
		cpu->node = node_of(cpus, boot->host_cpu[i]);
		known = cpu->core >= 0 && cpu->socket >= 0;
	}
	boot->topology_known = known;
	if (cpus >= 0)
		close(cpus);
}
