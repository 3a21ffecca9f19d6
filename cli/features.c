/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linuxd features: what config.json may ask for, as the OCI runtime specification has it (features.md), and the truth about both modes.
 *
 * At the top stand the features of the mode that a container gets without --mode (or with it, that one's), where callers look for them; under "modes"
 * those of both; beside them what is linuxd's own. Words come from the tables that config.json is read by, so that nothing is told that is not taken.
 * Features are what linuxd can do; whether this host can, too, is `linuxd check`'s to say.
 */
#include <errno.h>
#include <json-c/json.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/oci/oci.h"
#include "commands.gen.h"
#include "filter.gen.h"
#include "runtime/native/init.h"
#include "runtime/native/mount_options.h"
#include "runtime/oci/container.h"
#include "runtime/oci/shape.h"
#include "runtime/sandbox/sandbox.h"

#ifndef LINUXD_VERSION
#define LINUXD_VERSION "unknown"
#endif

#define VERSION_LEAST "1.0.0"
#define VERSION_MOST "1.3.0"

static struct json_object *new_object(struct json_object *in, const char *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(in, name, object);
	return object;
}

static struct json_object *new_list(struct json_object *in, const char *name)
{
	struct json_object *list = json_object_new_array();

	json_object_object_add(in, name, list);
	return list;
}

static void add_text(struct json_object *list, const char *text) { json_object_array_add(list, json_object_new_string(text)); }
static void set_text(struct json_object *object, const char *name, const char *text) { json_object_object_add(object, name, json_object_new_string(text)); }
static void set_bool(struct json_object *object, const char *name, bool value) { json_object_object_add(object, name, json_object_new_boolean(value)); }
static void set_enabled(struct json_object *in, const char *name, bool value) { set_bool(new_object(in, name), "enabled", value); }

static void add_words(struct json_object *in, const char *name, const struct word *words)
{
	struct json_object *list = new_list(in, name);

	for (; words->name; words++)
		add_text(list, words->name);
}

/* ---- parts of both modes ---- */

static void add_hooks(struct json_object *features)
{
	static const char *const names[] = { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop" };
	struct json_object *hooks = new_list(features, "hooks");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_text(hooks, names[i]);
}

static void add_capabilities(struct json_object *linux_)
{
	struct json_object *list = new_list(linux_, "capabilities");

	for (int i = 0; caps_name(i); i++)
		add_text(list, caps_name(i));
}

/* Whether the kernel knows the flag: it looks at flags before it looks at the filter, which is not there. */
static bool flag_supported(long flag)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

/* The sandbox's kernel has no listeners. */
static void add_seccomp(struct json_object *linux_, bool is_native)
{
	struct json_object *seccomp = new_object(linux_, "seccomp"), *list;

	set_bool(seccomp, "enabled", true);
	list = new_list(seccomp, "actions");
	for (const struct word *word = seccomp_actions; word->name; word++)
		if (is_native || strcmp(word->name, "SCMP_ACT_NOTIFY"))
			add_text(list, word->name);
	add_words(seccomp, "operators", seccomp_operators);
	if (is_native) {
		add_words(seccomp, "archs", seccomp_architectures);
		add_words(seccomp, "knownFlags", seccomp_flags);
		list = new_list(seccomp, "supportedFlags");
		for (const struct word *word = seccomp_flags; word->name; word++)
			if (flag_supported(word->value))
				add_text(list, word->name);
	} else {
		add_text(new_list(seccomp, "archs"), "SCMP_ARCH_X86_64");
	}
}

/* The container's host processes are in groups in either mode. */
static void add_cgroup(struct json_object *linux_)
{
	struct json_object *cgroup = new_object(linux_, "cgroup");

	set_bool(cgroup, "v1", true);
	set_bool(cgroup, "v2", true);
	set_bool(cgroup, "systemd", true);
	set_bool(cgroup, "systemdUser", true);
	set_bool(cgroup, "rdma", true);
}

static void add_annotations(struct json_object *features, const struct container_mode *mode)
{
	struct json_object *annotations = new_object(features, "annotations"), *unsafe = new_list(features, "potentiallyUnsafeConfigAnnotations");
	const struct scmp_version *version = seccomp_version();
	char text[40];

	snprintf(text, sizeof(text), "%u.%u.%u", version->major, version->minor, version->micro);
	set_text(annotations, "io.github.seccomp.libseccomp.version", text);
	set_text(annotations, "org.linuxd.version", LINUXD_VERSION);
	set_text(annotations, "org.linuxd.mode", mode->name);
	set_text(annotations, "org.linuxd.checkpoint.enabled", mode->checkpoint ? "true" : "false");
	add_text(unsafe, "org.linuxd.");
	add_text(unsafe, "org.systemd.property.");
}

/* ---- the modes ---- */

static void add_namespaces(struct json_object *linux_, bool with_time)
{
	static const int types[] = { CLONE_NEWCGROUP, CLONE_NEWIPC,  CLONE_NEWNS,  CLONE_NEWNET,
				     CLONE_NEWPID,    CLONE_NEWUSER, CLONE_NEWUTS, 0x80 /* CLONE_NEWTIME */ };
	struct json_object *list = new_list(linux_, "namespaces");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) - !with_time; i++)
		add_text(list, spec_namespace_name(types[i]));
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(json_object_get_string(*(struct json_object **)a), json_object_get_string(*(struct json_object **)b));
}

static void native_mount_options(struct json_object *list)
{
	bool has_recursive;
	const char *name;
	char recursive[40];

	for (unsigned int i = 0; (name = mount_option_name(i, &has_recursive)); i++) {
		add_text(list, name);
		snprintf(recursive, sizeof(recursive), "r%s", name);
		if (has_recursive)
			add_text(list, recursive);
	}
	json_object_array_sort(list, compare_texts);
}

static void native_linux(struct json_object *linux_)
{
	struct json_object *more;

	set_enabled(linux_, "apparmor", true);
	set_enabled(linux_, "selinux", true);
	more = new_object(linux_, "intelRdt");
	set_bool(more, "enabled", true);
	set_bool(more, "schemata", true);
	set_bool(more, "monitoring", true);
	set_enabled(new_object(linux_, "mountExtensions"), "idmap", true);
	set_enabled(linux_, "netDevices", true);
	more = new_object(linux_, "memoryPolicy");
	add_words(more, "modes", memory_policy_modes);
	add_words(more, "flags", memory_policy_flags);
}

/* What a sandbox refuses, or does without because its programs never reach the host's kernel. */
static void sandbox_linux(struct json_object *linux_)
{
	set_enabled(linux_, "apparmor", false);
	set_enabled(linux_, "selinux", false);
	set_enabled(linux_, "intelRdt", false);
	set_enabled(new_object(linux_, "mountExtensions"), "idmap", false);
	set_enabled(linux_, "netDevices", false);
}

/* Words that change something there; the others are taken and change nothing. */
static const char *const sandbox_mount_options[] = { "bind", "rbind",  "defaults", "ro",	"rw",	   "rro",
						     "rrw",  "nosuid", "nodev",	   "noexec", "noatime", "nodiratime" };

static void add_mode(struct json_object *features, const struct container_mode *mode)
{
	bool is_native = mode == &native_mode;
	struct json_object *options, *linux_;

	set_text(features, "ociVersionMin", VERSION_LEAST);
	set_text(features, "ociVersionMax", VERSION_MOST);
	if (!mode->create)
		return; /* nothing more is true of it */
	add_hooks(features);
	options = new_list(features, "mountOptions");
	if (is_native)
		native_mount_options(options);
	for (size_t i = 0; !is_native && i < sizeof(sandbox_mount_options) / sizeof(sandbox_mount_options[0]); i++)
		add_text(options, sandbox_mount_options[i]);
	linux_ = new_object(features, "linux");
	add_namespaces(linux_, is_native);
	add_capabilities(linux_);
	add_cgroup(linux_);
	add_seccomp(linux_, is_native);
	if (is_native)
		native_linux(linux_);
	else
		sandbox_linux(linux_);
	add_annotations(features, mode);
}

/* What is linuxd's own. */
static void add_linuxd(struct json_object *features)
{
	int with_directory = 0, abi = walls_landlock_abi();
	bool namespaces = walls_namespaces_possible();
	struct json_object *more;

	for (int i = 0; i < HOST_CALLS; i++)
		with_directory += host_calls[i].needs_directory;
	set_text(features, "version", LINUXD_VERSION);
	set_text(features, "architecture", "x86_64");
	more = new_object(features, "hostCalls");
	json_object_object_add(more, "always", json_object_new_int(HOST_CALLS - with_directory));
	json_object_object_add(more, "withHostDirectory", json_object_new_int(HOST_CALLS));
	more = new_object(features, "walls");
	set_bool(more, "namespaces", namespaces);
	json_object_object_add(more, "landlockAbi", json_object_new_int(abi));
	set_text(more, "used", walls_name(namespaces ? WALLS_NAMESPACES : abi ? WALLS_LANDLOCK : WALLS_NONE));
	json_object_object_add(features, "maxCpus", json_object_new_int(BOOT_MAX_CPUS));
	more = new_list(features, "images");
	if (builtin_exists())
		add_text(more, "builtin:busybox");
}

int command_features(const struct cli_command *command, int argc, char **argv)
{
	const struct container_mode *top = &sandbox_mode;
	struct json_object *features, *modes;
	struct error error = { 0 };
	const char *value, *mode = oci_globals.mode;
	int index = 2, option;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		mode = value;
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && index < argc)
		option = fail(&error, 0, "features takes no arguments: \"%s\"", argv[index]) ? CLI_ERROR : option;
	if (option != CLI_ERROR && mode)
		top = container_mode(mode, &error);
	if (option == CLI_ERROR || !top)
		return oci_end(&error);
	features = json_object_new_object();
	add_mode(features, top);
	modes = new_object(features, "modes");
	add_mode(new_object(modes, native_mode.name), &native_mode);
	add_mode(new_object(modes, sandbox_mode.name), &sandbox_mode);
	add_linuxd(features);
	printf("%s\n", json_object_to_json_string_ext(features, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(features);
	return fflush(stdout) ? EXIT_LINUXD : 0;
}
