/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, and who may make them: user namespaces, subordinate ids, their helpers. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/check/check.h"
#include "runtime/sandbox/sandbox.h"

#define GROUP "namespaces and users"
#define NOBODY 65534
#define ENOUGH_IDS 65536

static const struct {
	const char *file, *name;
	enum check_status without;
} kinds[] = {
	{"mnt", "mount", CHECK_FAILED},	 {"pid", "pid", CHECK_FAILED},	    {"uts", "uts", CHECK_MISSING},
	{"ipc", "ipc", CHECK_MISSING},	 {"net", "network", CHECK_MISSING}, {"cgroup", "cgroup", CHECK_MISSING},
	{"user", "user", CHECK_MISSING}, {"time", "time", CHECK_MISSING},
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void check_kinds(struct check_report *report)
{
	char path[64], have[160] = "";

	for (size_t i = 0; i < NR_KINDS; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].file);
		if (access(path, F_OK) == 0) {
			snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%s", *have ? ", " : "", kinds[i].name);
			continue;
		}
		check_add(report, GROUP, "namespace", kinds[i].without, CHECK_NATIVE, "this kernel has no %s namespaces", kinds[i].name);
		check_consequence(report, REMEDY_KERNEL_OPTION, "a config.json that asks for one is refused");
	}
	check_add(report, GROUP, "namespaces", CHECK_OK, CHECK_NATIVE, "%s", have);
}

/* In a child that becomes an ordinary user first, if we are root. The errno, or 0. */
static int try_user_namespace(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
			_exit(255);
		_exit(unshare(CLONE_NEWUSER) ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return ECHILD;
	return WEXITSTATUS(status);
}

static void check_user_namespaces(struct check_report *report)
{
	static const char debian[] = "/proc/sys/kernel/unprivileged_userns_clone",
			  apparmor[] = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
	int code = try_user_namespace();

	if (code == 0) {
		check_add(report, GROUP, "user namespaces", CHECK_OK, CHECK_BOTH, "every user may make them");
		if (check_number(report, apparmor) > 0) {
			report->items[report->nr - 1].status = CHECK_NOTE;
			check_consequence(report, REMEDY_USERNS_APPARMOR,
					  "AppArmor takes away their capabilities: rootless containers fail at the first mount");
		}
		return;
	}
	check_add(report, GROUP, "user namespaces", CHECK_MISSING, CHECK_BOTH, "ordinary users may not make them: %s", strerror(code));
	check_consequence(report,
			  check_number(report, debian) == 0				    ? REMEDY_USERNS_DEBIAN
			  : check_number(report, "/proc/sys/user/max_user_namespaces") == 0 ? REMEDY_USERNS_MAX
			  : check_number(report, apparmor) > 0				    ? REMEDY_USERNS_APPARMOR
											    : REMEDY_USERNS_OTHER,
			  "no rootless native containers; the sandbox uses Landlock as its outer wall instead");
}

static void check_rights(struct check_report *report)
{
	if (geteuid() == 0) {
		check_add(report, GROUP, "rights", CHECK_OK, CHECK_BOTH,
			  walls_namespaces_possible() ? "root" : "uid 0, without the rights to make namespaces");
		if (!walls_namespaces_possible()) {
			report->items[report->nr - 1].status = CHECK_FAILED;
			report->items[report->nr - 1].modes = CHECK_NATIVE;
			check_consequence(report, REMEDY_NEED_NAMESPACES, "no native container starts");
		}
		return;
	}
	if (walls_namespaces_possible()) {
		check_add(report, GROUP, "rights", CHECK_OK, CHECK_BOTH, "uid %u, by user namespaces (rootless)", geteuid());
		return;
	}
	check_add(report, GROUP, "rights", CHECK_FAILED, CHECK_NATIVE, "uid %u, who can make no namespaces", geteuid());
	check_consequence(report, REMEDY_NEED_NAMESPACES, "no native container starts");
}

/* ---- subordinate ids ---- */

/* The sum of the ranges that /etc/subuid or subgid gives this user, by name or number. */
static unsigned long subordinate_ids(const struct check_report *report, const char *path, const char *name, uid_t uid)
{
	char *text = check_read(report, path), number[16];
	unsigned long sum = 0, first, count;

	snprintf(number, sizeof(number), "%u", uid);
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		size_t length = strcspn(line, ":\n");

		if ((length == strlen(name) && !strncmp(line, name, length)) ||
		    (length == strlen(number) && !strncmp(line, number, length)))
			if (sscanf(line + length, ":%lu:%lu", &first, &count) == 2)
				sum += count;
	}
	free(text);
	return sum;
}

/* From /etc/passwd: a static program has no other way to ask. */
static void user_name(const struct check_report *report, uid_t uid, char *name, size_t size)
{
	char *text = check_read(report, "/etc/passwd");

	snprintf(name, size, "%u", uid);
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		const char *password = strchr(line, ':'), *number = password ? strchr(password + 1, ':') : NULL;

		if (number && strtoul(number + 1, NULL, 10) == uid && number < line + strcspn(line, "\n")) {
			snprintf(name, size, "%.*s", (int)(password - line), line);
			break;
		}
	}
	free(text);
}

static void check_subordinate(struct check_report *report)
{
	char name[64];
	unsigned long uids, gids;
	bool matters = geteuid() != 0;

	user_name(report, getuid(), name, sizeof(name));
	uids = subordinate_ids(report, "/etc/subuid", name, getuid());
	gids = subordinate_ids(report, "/etc/subgid", name, getuid());
	if (uids >= ENOUGH_IDS && gids >= ENOUGH_IDS) {
		check_add(report, GROUP, "subordinate ids", CHECK_OK, CHECK_NATIVE, "%lu uids and %lu gids for %s", uids, gids, name);
		return;
	}
	check_add(report, GROUP, "subordinate ids", matters ? CHECK_MISSING : CHECK_OK, CHECK_NATIVE, "%lu uids and %lu gids for %s%s",
		  uids, gids, name, matters ? "" : " (root needs none)");
	if (matters)
		check_consequence(report, REMEDY_SUBIDS,
				  "a rootless container has but one user and group, its root: most images do not unpack");
}

/* Whether a program in the usual places has set-uid or a file capability. */
static bool find_helper(const char *name, char *ret_path, size_t size, bool *ret_privileged)
{
	static const char *const places[] = {"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"};
	struct stat status;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(ret_path, size, "%s/%s", places[i], name);
		if (stat(ret_path, &status) == 0) {
			*ret_privileged = (status.st_mode & S_ISUID) || syscall(SYS_getxattr, ret_path, "security.capability", NULL, 0) > 0;
			return true;
		}
	}
	return false;
}

static void check_helpers(struct check_report *report)
{
	static const char *const names[] = {"newuidmap", "newgidmap"};
	bool matters = geteuid() != 0, privileged;
	char path[64];

	for (int i = 0; i < 2; i++) {
		if (find_helper(names[i], path, sizeof(path), &privileged) && privileged) {
			check_add(report, GROUP, names[i], CHECK_OK, CHECK_NATIVE, "%s", path);
			continue;
		}
		check_add(report, GROUP, names[i], matters ? CHECK_MISSING : CHECK_OK, CHECK_NATIVE, "%s%s",
			  access(path, F_OK) ? "not installed" : "without set-uid or capability", matters ? "" : " (root needs it not)");
		if (matters)
			check_consequence(report, REMEDY_UIDMAP, "subordinate ids cannot be used");
	}
}

/* The call is there, or not: bad arguments tell. Which file systems can is theirs. */
static void check_idmap(struct check_report *report)
{
	if (syscall(SYS_mount_setattr, -1, NULL, 0, NULL, 0) == 0 || errno != ENOSYS) {
		check_add(report, GROUP, "id-mapped mounts", CHECK_OK, CHECK_NATIVE,
			  "the kernel has them (each file system decides for itself)");
		return;
	}
	check_add(report, GROUP, "id-mapped mounts", CHECK_MISSING, CHECK_NATIVE, "not in this kernel");
	check_consequence(report, REMEDY_IDMAP,
			  "mounts with uidMappings are refused; volumes of containers with a user namespace keep the host's owners");
}

void check_namespaces(struct check_report *report)
{
	check_kinds(report);
	check_rights(report);
	check_user_namespaces(report);
	check_subordinate(report);
	check_helpers(report);
	check_idmap(report);
}
