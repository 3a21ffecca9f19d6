/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/error.c runtime/oci/s*.c
// flags: -D_GNU_SOURCE -ljson-c
/*
 * config.json as anybody may write it: it is read, or refused with a message; lists end where they say.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include "runtime/oci/spec.h"

#include <stdlib.h>
#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = { 0 };
	struct spec *spec = spec_parse((const char *)data, size, "config.json", &error);

	must(!spec == !!error.text[0]);
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
