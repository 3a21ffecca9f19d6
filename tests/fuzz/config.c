/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/oci/s*.c
// flags: -D_GNU_SOURCE -ljson-c
/*
 * config.json as anybody may write it, and its parts that stand alone (exec --process, update --resources): it is read, or refused with a message;
 * lists end where they say.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include "runtime/oci/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void must(int good)
{
	if (!good)
		abort();
}

static size_t touch(const struct spec_strings *strings)
{
	size_t length = 0;

	for (size_t i = 0; i < strings->nr; i++)
		length += strlen(strings->items[i]);
	must(!strings->items || !strings->items[strings->nr]);
	return length;
}

static void try_resources(const char *text, size_t size)
{
	struct error error = { 0 };
	struct spec *spec = spec_parse_resources(text, size, "resources.json", &error);

	must(!spec == !!error.text[0] && (!spec || spec->linux_->resources));
	spec_free(spec);
}

static void try_process(const char *text, size_t size)
{
	static int fd = -1;
	static char path[32];
	struct error error = { 0 };
	struct spec *spec;

	if (fd < 0) {
		fd = memfd_create("process", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(!ftruncate(fd, 0) && pwrite(fd, text, size, 0) == (ssize_t)size);
	spec = spec_read_process(path, &error);
	must(!spec == !!error.text[0] && (!spec || (spec->process && spec->process->args.nr && spec->process->cwd)));
	if (spec)
		touch(&spec->process->args);
	spec_free(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = { 0 };
	struct spec *spec = spec_parse((const char *)data, size, "config.json", &error);

	must(!spec == !!error.text[0]);
	try_resources((const char *)data, size);
	try_process((const char *)data, size);
	if (!spec)
		return 0;
	must(spec->oci_version && spec->root && spec->root->path && spec->linux_);
	if (spec->process) {
		must(spec->process->args.nr > 0 && spec->process->cwd);
		touch(&spec->process->args);
		touch(&spec->process->env);
	}
	for (size_t i = 0; i < spec->nr_mounts; i++) {
		must(spec->mounts[i].destination != NULL);
		touch(&spec->mounts[i].options);
	}
	for (size_t i = 0; i < spec->linux_->nr_namespaces; i++)
		must(spec->linux_->namespaces[i].type != 0);
	spec_free(spec);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

/* A file that is nearly right: a good one with members of others, and bytes that are wrong. */
static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const pieces[] = {
		"\"process\": {\"args\": [\"a\"], \"cwd\": \"/\"}", "\"linux\": {", "\"namespaces\": [", "{\"type\": \"pid\"}", "\"mounts\": [",
		"{\"destination\": \"/\", \"options\": [\"ro\"]}", "\"resources\": {\"memory\": {\"limit\": 1}}", "\"hooks\": {\"prestart\": []}",
		"\"annotations\": {\"a\": \"b\"}", "\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ALLOW\"}", "99999999999999999999", "null", "}", "]", "}",
		"\"rdma\": {\"x\": {}}", "\"unified\": {\"x\": \"y\"}", "\"sysctl\": 3", "\"maskedPaths\": [\"\"]", "\"\\u0000\"", "-1", "1e9"
	};
	size_t used = 0;
	const char *piece = "{\"ociVersion\": \"1\", \"root\": {\"path\": \"/\"}, ";

	for (int n = rand() % 20; n >= 0 && used + 200 < room; n--) {
		memcpy(bytes + used, piece, strlen(piece));
		used += strlen(piece);
		if (rand() % 2)
			bytes[used++] = ',';
		if (rand() % 30 == 0)
			bytes[used++] = rand();
		piece = pieces[rand() % (sizeof(pieces) / sizeof(pieces[0]))];
	}
	while (rand() % 4 && used < room)
		bytes[used++] = '}';
	return used;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
