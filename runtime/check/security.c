/* SPDX-License-Identifier: Apache-2.0 */
/* Security modules and their state, seccomp, and the walls of the sandbox. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/check/check.h"
#include "runtime/sandbox/sandbox.h"

#define GROUP "security"
#define LIST_MODULES 461 /* lsm_list_modules, Linux 6.8 */
#define RET_USER_NOTIF 0x7fc00000U

static const char *module_name(uint64_t id)
{
	/* include/uapi/linux/lsm.h */
	static const struct {
		uint64_t id;
		const char *name;
	} names[] = {{100, "capability"}, {101, "selinux"}, {102, "smack"},	{103, "tomoyo"},   {104, "apparmor"},
		     {105, "yama"},	  {106, "loadpin"}, {107, "safesetid"}, {108, "lockdown"}, {109, "bpf"},
		     {110, "landlock"},	  {111, "ima"},	    {112, "evm"},	{113, "ipe"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].id == id)
			return names[i].name;
	return "another";
}

/* "a,b,c"; from the kernel, else from securityfs. Whether it could be had. */
static bool modules(const struct check_report *report, char *list, size_t size)
{
	uint64_t ids[32];
	uint32_t bytes = sizeof(ids);
	long nr = syscall(LIST_MODULES, ids, &bytes, 0);
	char *text;

	*list = '\0';
	for (long i = 0; i < nr; i++)
		snprintf(list + strlen(list), size - strlen(list), "%s%s", *list ? "," : "", module_name(ids[i]));
	if (nr > 0)
		return true;
	text = check_read(report, "/sys/kernel/security/lsm");
	if (!text)
		return false;
	snprintf(list, size, "%s", text);
	free(text);
	return true;
}

static void check_selinux(struct check_report *report, bool active)
{
	long enforce = check_number(report, "/sys/fs/selinux/enforce");

	if (enforce < 0 && !active) {
		check_add(report, GROUP, "SELinux", CHECK_MISSING, CHECK_NATIVE, "not active");
		check_consequence(report, REMEDY_SELINUX, "a config.json with an SELinux label is refused");
		return;
	}
	check_add(report, GROUP, "SELinux", enforce < 0 ? CHECK_NOTE : CHECK_OK, CHECK_NATIVE, "%s",
		  enforce > 0	 ? "enforcing"
		  : enforce == 0 ? "permissive"
				 : "active, its file system is not mounted: no policy is loaded, or it cannot be asked");
	if (enforce < 0)
		check_consequence(report, REMEDY_SELINUX, "labels cannot be set");
}

static void check_apparmor(struct check_report *report, bool active)
{
	char *enabled = check_read(report, "/sys/module/apparmor/parameters/enabled");

	if ((enabled && *enabled == 'Y') || active) {
		check_add(report, GROUP, "AppArmor", CHECK_OK, CHECK_NATIVE, "enabled");
	} else {
		check_add(report, GROUP, "AppArmor", CHECK_MISSING, CHECK_NATIVE, "not active");
		check_consequence(report, REMEDY_APPARMOR, "a config.json with an AppArmor profile is refused");
	}
	free(enabled);
}

static bool action_available(uint32_t action)
{
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static void check_seccomp(struct check_report *report)
{
	if (prctl(PR_GET_SECCOMP) < 0 || (!action_available(SECCOMP_RET_TRAP) && errno != EFAULT)) {
		check_add(report, GROUP, "seccomp", CHECK_FAILED, CHECK_SANDBOX, "no filters");
		check_consequence(report, REMEDY_SECCOMP,
				  "the sandbox's wall is a filter: no container starts; native ones only without linux.seccomp");
		return;
	}
	check_add(report, GROUP, "seccomp", CHECK_OK, CHECK_BOTH, "filters");
	if (action_available(RET_USER_NOTIF)) {
		check_add(report, GROUP, "seccomp notify", CHECK_OK, CHECK_NATIVE, "works");
	} else {
		check_add(report, GROUP, "seccomp notify", CHECK_MISSING, CHECK_NATIVE, "not in this kernel");
		check_consequence(report, REMEDY_SECCOMP_NOTIFY, "a profile with a listener is refused");
	}
}

static void check_walls(struct check_report *report)
{
	int abi = walls_landlock_abi();
	bool namespaces = walls_namespaces_possible();

	if (abi > 0) {
		check_add(report, GROUP, "Landlock", CHECK_OK, CHECK_SANDBOX, "ABI %d%s", abi, abi < 6 ? " (6 also confines signals)" : "");
	} else {
		check_add(report, GROUP, "Landlock", namespaces ? CHECK_NOTE : CHECK_MISSING, CHECK_SANDBOX, "not active");
		check_consequence(report, REMEDY_LANDLOCK, "%s",
				  namespaces ? "users without namespaces have no wall around the host's files"
					     : "no wall around the host's files");
	}
	if (namespaces || abi > 0) {
		check_add(report, GROUP, "outer wall", CHECK_OK, CHECK_SANDBOX, "%s",
			  walls_name(namespaces ? WALLS_NAMESPACES : WALLS_LANDLOCK));
		return;
	}
	check_add(report, GROUP, "outer wall", CHECK_FAILED, CHECK_SANDBOX, "neither namespaces nor Landlock");
	check_consequence(report, REMEDY_WALLS, "linuxd refuses to run a container that could reach all files of this user");
}

void check_security(struct check_report *report)
{
	char list[256];
	bool known = modules(report, list, sizeof(list));

	check_add(report, GROUP, "modules", CHECK_OK, CHECK_BOTH, "%s", known ? list : "not to be read here: securityfs is not mounted");
	check_selinux(report, known && strstr(list, "selinux"));
	check_apparmor(report, known && strstr(list, "apparmor"));
	check_seccomp(report);
	check_walls(report);
}
