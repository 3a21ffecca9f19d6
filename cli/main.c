/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"

int main(int argc, char **argv)
{
	struct sandbox_config config = { .rootfs = ".", .hostname = "linuxd", .env = environ };
	struct error error = { 0 };
	int result, i;

	for (i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--rootfs"))
			config.rootfs = argv[++i];
		else if (!strcmp(argv[i], "--cpus"))
			config.cpus = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--tty"))
			config.tty = true;
		else if (!strcmp(argv[i], "--stats"))
			config.stats = true;
		else if (!strcmp(argv[i], "--strace"))
			config.strace = true;
		else if (!strcmp(argv[i], "--debug"))
			config.debug = true;
		else if (!strcmp(argv[i], "--")) {
			i++;
			break;
		} else
			break;
	}
	config.argv = argv + i;
	if (i >= argc) {
		fprintf(stderr, "usage: linuxd run --rootfs DIR [--cpus N] [--tty] [--stats] [--strace] -- COMMAND\n");
		return EXIT_LINUXD;
	}
	result = sandbox_run(&config, &error);
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	return result;
}
