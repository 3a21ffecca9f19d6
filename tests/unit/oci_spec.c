// SPDX-License-Identifier: Apache-2.0
// sources: runtime/error.c runtime/oci/s*.c
// flags: -D_GNU_SOURCE -ljson-c
/* config.json: what is read, and what is said about one that is wrong. */
#include "runtime/oci/spec.h"

#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/unit/check.h"

static struct error error;

static struct spec *parse(const char *text)
{
	error.text[0] = '\0';
	return spec_parse(text, strlen(text), "config.json", &error);
}

/* @text is refused with a message that is @expected, or begins with it if that ends in "...". */
static void refused(const char *text, const char *expected)
{
	struct spec *spec = parse(text);
	size_t length = strlen(expected);

	if (length > 3 && !strcmp(expected + length - 3, "..."))
		length -= 3;
	else
		length++;
	if (spec || strncmp(error.text, expected, length))
		fprintf(stderr, "for: %s\nexpected: %s\nfound: %s\n", text, expected, spec ? "accepted" : error.text);
	CHECK(!spec && !strncmp(error.text, expected, length));
}

#define WITH(more) "{\"ociVersion\": \"1.2.0\", \"root\": {\"path\": \"r\"}, " more "}"
#define LINUX(more) WITH("\"linux\": {" more "}")
#define PROCESS(more) WITH("\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], " more "}")

static void test_whole(void)
{
	struct spec *spec = parse(
		"{\"ociVersion\": \"1.2.0\", \"root\": {\"path\": \"rootfs\", \"readonly\": true}, \"hostname\": \"h\", \"unknown\": 1,"
		"\"process\": {\"terminal\": true, \"consoleSize\": {\"height\": 24, \"width\": 80}, \"user\": {\"uid\": 1, \"gid\": 2, \"umask\": 18,"
		" \"additionalGids\": [5, 6]}, \"args\": [\"sh\", \"-c\"], \"env\": [], \"cwd\": \"/\", \"capabilities\": {\"bounding\": [\"CAP_KILL\"]},"
		" \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 18446744073709551615, \"soft\": 3}], \"oomScoreAdj\": -5,"
		" \"scheduler\": {\"policy\": \"SCHED_BATCH\", \"flags\": [\"SCHED_FLAG_RESET_ON_FORK\", \"SCHED_FLAG_RECLAIM\"]}},"
		"\"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"}, "
		"{\"destination\": \"/x\", \"options\": [\"ro\", \"bind\"]}],"
		"\"hooks\": {\"poststop\": [{\"path\": \"/bin/true\", \"timeout\": 3}]}, \"annotations\": {\"a\": \"b\"},"
		"\"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"uts\", \"path\": \"/proc/1/ns/uts\"}, {\"type\": \"time\"}],"
		" \"rootfsPropagation\": \"rslave\", \"sysctl\": {\"net.x\": \"1\"}, \"timeOffsets\": {\"boottime\": {\"secs\": -3, \"nanosecs\": 4}},"
		" \"netDevices\": {}, \"resources\": {\"memory\": {\"limit\": -1, \"swap\": null}, \"rdma\": {\"mlx\": {\"hcaObjects\": 7}},"
		" \"devices\": [{\"allow\": false, \"access\": \"rwm\"}], \"unified\": {\"memory.high\": \"max\"}}}}");

	if (!spec)
		fprintf(stderr, "%s\n", error.text);
	CHECK(spec && spec->root->readonly && !strcmp(spec->root->path, "rootfs") && !strcmp(spec->hostname, "h"));
	CHECK(spec->process->terminal && spec->process->console_size->width.value == 80 && spec->process->user.additional_gids[1].value == 6);
	CHECK(spec->process->user.umask.set && spec->process->user.umask.value == 022 && spec->process->user.nr_additional_gids == 2);
	CHECK(spec->process->args.nr == 2 && !spec->process->args.items[2] && spec->process->env.nr == 0 && !spec->process->env.items[0]);
	CHECK(spec->process->rlimits[0].type == RLIMIT_NOFILE && spec->process->rlimits[0].hard.value == UINT64_MAX);
	CHECK(spec->process->oom_score_adj.set && spec->process->oom_score_adj.value == -5 && spec->process->scheduler->flags == 3);
	CHECK(spec->nr_mounts == 2 && !spec->mounts[1].type && !strcmp(spec->mounts[1].options.items[1], "bind"));
	CHECK(spec->hooks->poststop.nr == 1 && spec->hooks->poststop.items[0].timeout.value == 3 && spec->hooks->prestart.nr == 0);
	CHECK(!strcmp(spec_annotation(spec, "a"), "b") && !spec_annotation(spec, "c"));
	CHECK(spec_namespace(spec, CLONE_NEWPID) && !spec_namespace(spec, CLONE_NEWPID)->path && spec_namespace(spec, CLONE_NEWUTS)->path);
	CHECK(spec->linux_->rootfs_propagation == (MS_SLAVE | MS_REC) && spec->linux_->sysctl.nr == 1);
	CHECK(spec->linux_->nr_time_offsets == 1 && spec->linux_->time_offsets[0].secs == -3);
	CHECK(!strcmp(spec->linux_->time_offsets[0].key, "boottime"));
	CHECK(spec->linux_->resources->memory->limit.value == -1 && !spec->linux_->resources->memory->swap.set);
	CHECK(!strcmp(spec->linux_->resources->rdma[0].key, "mlx") && spec->linux_->resources->rdma[0].hca_objects.value == 7);
	CHECK(!spec->linux_->resources->devices[0].allow && !spec->linux_->resources->devices[0].type);
	spec_free(spec);
}

static void test_refused(void)
{
	refused("", "config.json: line 1: not JSON: it ends too early");
	refused("{", "config.json: line 1: not JSON: it ends too early");
	refused("{}\n}", "config.json: line 2: something follows the end of the JSON value");
	refused("[]", "config.json: is not a JSON object");
	refused("{}", "config.json: ociVersion: is missing");
	refused("{\"ociVersion\": \"1\"}", "config.json: root: is missing");
	refused(WITH("\"process\": []"), "config.json: process: found an array, expected an object");
	refused(WITH("\"process\": {}"), "config.json: process.args: is empty: there is no program to run");
	refused(PROCESS("\"terminal\": 1"), "config.json: process.terminal: found a number, expected true or false");
	refused(PROCESS("\"env\": [\"A=B\", 3]"), "config.json: process.env[1]: found a number, expected a string");
	refused(PROCESS("\"user\": {\"uid\": -1}"), "config.json: process.user.uid: -1 is below 0");
	refused(PROCESS("\"user\": {\"uid\": 1.5}"), "config.json: process.user.uid: found a fraction, expected a whole number");
	refused(PROCESS("\"user\": {\"gid\": 4294967295}"), "config.json: process.user.gid: 4294967295 is more than 4294967294");
	refused(PROCESS("\"oomScoreAdj\": 2000"), "config.json: process.oomScoreAdj: 2000 is more than 1000");
	refused(PROCESS("\"rlimits\": [{\"type\": \"RLIMIT_X\", \"hard\": 1, \"soft\": 1}]"),
		"config.json: process.rlimits[0].type: \"RLIMIT_X\" is none of RLIMIT_AS, RLIMIT_CORE, ...");
	refused(PROCESS("\"rlimits\": [{\"type\": \"RLIMIT_CPU\", \"hard\": 1, \"soft\": 2}]"), "config.json: process.rlimits[0]: soft is more than hard");
	refused(PROCESS("\"env\": [\"A\\u0000B\"]"), "config.json: process.env[0]: a string with a NUL character in it");
	refused(WITH("\"process\": {\"args\": [\"a\"], \"cwd\": \"x\"}"), "config.json: process.cwd: \"x\" is not an absolute path");
	refused(LINUX("\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"pidd\"}]"),
		"config.json: linux.namespaces[1].type: \"pidd\" is none of pid, network, mount, ipc, uts, user, cgroup, time");
	refused(LINUX("\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"pid\"}]"), "config.json: linux.namespaces[1].type: \"pid\" stands there twice");
	refused(LINUX("\"namespaces\": [{\"type\": \"user\"}]"), "config.json: linux.uidMappings: is missing: ...");
	refused(LINUX("\"resources\": {\"devices\": [{\"allow\": true, \"access\": \"rx\"}]}"),
		"config.json: linux.resources.devices[0].access: \"rx\" has letters other than r, w, m");
	refused(LINUX("\"seccomp\": {\"defaultAction\": \"SCMP_ACT_NO\"}"), "config.json: linux.seccomp.defaultAction: \"SCMP_ACT_NO\" is none of ...");
	refused(LINUX("\"maskedPaths\": [\"/x\"]"), "config.json: linux.maskedPaths: needs a namespace of type mount in linux.namespaces");
	refused(WITH("\"hostname\": \"h\""), "config.json: hostname: needs a namespace of type uts in linux.namespaces");
	refused(WITH("\"hooks\": {\"prestart\": [{\"path\": \"x\"}]}"), "config.json: hooks.prestart[0].path: \"x\" is not an absolute path");
}

int main(void)
{
	struct spec *spec;

	test_whole();
	test_refused();
	/* What is null or empty is not said. */
	spec = parse(WITH("\"process\": null, \"linux\": {\"rootfsPropagation\": \"\", \"cgroupsPath\": \"\", \"resources\": null}"));
	CHECK(spec && !spec->process && !spec->linux_->rootfs_propagation && !spec->linux_->cgroups_path && !spec->linux_->resources);
	spec_free(spec);
	spec = spec_parse_resources("{\"pids\": {\"limit\": 5}}", 22, "x", &error);
	CHECK(spec && spec->linux_->resources->pids->limit.value == 5);
	spec_free(spec);
	return 0;
}
