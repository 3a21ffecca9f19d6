/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel, its options, the processor. */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/check/check.h"

#define GROUP "kernel and processor"
#define HWCAP2_FSGSBASE 2

static void check_version(struct check_report *report)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	if (major > 5 || (major == 5 && minor >= 11)) {
		check_add(report, GROUP, "kernel", CHECK_OK, CHECK_BOTH, "Linux %.100s, %.60s", name.release, name.machine);
		return;
	}
	check_add(report, GROUP, "kernel", CHECK_FAILED, major == 5 && minor == 10 ? CHECK_SANDBOX : CHECK_BOTH, "Linux %.100s, %.60s",
		  name.release, name.machine);
	check_consequence(report, REMEDY_KERNEL_OLD, "the sandbox needs Linux 5.11 (epoll_pwait2), native mode 5.10");
}

static void check_processor(struct check_report *report)
{
	unsigned int eax, ebx, ecx = 0, edx;

	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
		check_add(report, GROUP, "FSGSBASE", CHECK_OK, CHECK_SANDBOX, "enabled");
	} else {
		check_add(report, GROUP, "FSGSBASE", CHECK_FAILED, CHECK_SANDBOX, "not enabled");
		check_consequence(report, REMEDY_FSGSBASE, "no container starts: the kernel of the sandbox finds its tasks through GS");
	}
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx & (1 << 3))) {
		check_add(report, GROUP, "protection keys", CHECK_OK, CHECK_SANDBOX, "the processor has them%s (linuxd does not use them yet)",
			  ecx & (1 << 4) ? "" : ", the kernel does not use them");
	} else {
		check_add(report, GROUP, "protection keys", CHECK_MISSING, CHECK_SANDBOX, "the processor has none");
		check_consequence(
			report, REMEDY_PKEYS,
			"linuxd does not use them yet; when it does, nothing in this host's hardware will keep a container's programs from "
			"the memory of their own kernel");
	}
}

/* The sandbox does without; a later port may use it. */
static void check_kvm(struct check_report *report)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) == 12) {
		check_add(report, GROUP, "KVM", CHECK_OK, CHECK_SANDBOX, "usable (linuxd does not need it)");
	} else {
		check_add(report, GROUP, "KVM", CHECK_OK, CHECK_SANDBOX, "%s (linuxd does not need it)",
			  access("/dev/kvm", F_OK) ? "not there"
			  : fd < 0		   ? "not open to this user"
						   : "of another version");
	}
	if (fd >= 0)
		close(fd);
}

/* ---- options ---- */

/* What cannot be tried without changing anything, or would need a device. */
static const struct {
	const char *option;
	int modes;
	enum check_status without;
	const char *consequence;
} options[] = {
	{"NAMESPACES", CHECK_NATIVE, CHECK_FAILED, "no container starts"},
	{"CGROUPS", CHECK_NATIVE, CHECK_MISSING, "no limits, no pausing"},
	{"CFS_BANDWIDTH", CHECK_NATIVE, CHECK_MISSING, "cpu quotas are refused"},
	{"CGROUP_BPF", CHECK_NATIVE, CHECK_MISSING, "device rules are refused on cgroup v2"},
	{"BLK_DEV_THROTTLING", CHECK_NATIVE, CHECK_MISSING, "limits of disk rates are refused"},
	{"CGROUP_HUGETLB", CHECK_NATIVE, CHECK_MISSING, "limits of huge pages are refused"},
	{"VETH", CHECK_NATIVE, CHECK_MISSING, "engines cannot connect a container to a bridge"},
	{"BRIDGE", CHECK_NATIVE, CHECK_MISSING, "engines cannot connect containers with each other"},
	{"POSIX_MQUEUE", CHECK_NATIVE, CHECK_MISSING, "a mount of type mqueue fails"},
	{"CHECKPOINT_RESTORE", CHECK_NATIVE, CHECK_MISSING, "checkpoint and restore are refused"},
	{"KEYS", CHECK_NATIVE, CHECK_MISSING, "containers share the session keyring of who starts them (--no-new-keyring)"},
};

/* /boot/config-RELEASE, /lib/modules/RELEASE/config, or /proc/config.gz. malloc'ed, NULL if there is none. */
static char *kernel_config(const struct check_report *report)
{
	struct utsname name;
	char path[200], *text;
	size_t length = 0;
	FILE *pipe;

	uname(&name);
	snprintf(path, sizeof(path), "/boot/config-%.100s", name.release);
	text = check_read(report, path);
	if (!text) {
		snprintf(path, sizeof(path), "/lib/modules/%.100s/config", name.release);
		text = check_read(report, path);
	}
	if (text || access("/proc/config.gz", R_OK))
		return text;
	pipe = popen("gzip -dc /proc/config.gz 2>/dev/null", "re");
	text = pipe ? malloc(1 << 20) : NULL;
	if (text) {
		length = fread(text, 1, (1 << 20) - 1, pipe);
		text[length] = '\0';
	}
	if (pipe)
		pclose(pipe);
	if (length == 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool is_set(const char *config, const char *option)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\nCONFIG_%s=", option);
	at = strstr(config, line);
	return at && (at[strlen(line)] == 'y' || at[strlen(line)] == 'm');
}

static void check_options(struct check_report *report)
{
	char *config = kernel_config(report);
	bool all = true;

	if (!config) {
		check_add(report, GROUP, "kernel options", CHECK_OK, CHECK_NATIVE,
			  "not to be read here: neither /boot/config-* nor /proc/config.gz");
		return;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (is_set(config, options[i].option))
			continue;
		all = false;
		check_add(report, GROUP, "kernel option", options[i].without, options[i].modes, "CONFIG_%s is not set", options[i].option);
		check_consequence(report, REMEDY_KERNEL_OPTION, "%s", options[i].consequence);
	}
	if (all)
		check_add(report, GROUP, "kernel options", CHECK_OK, CHECK_NATIVE, "all %zu that were looked for",
			  sizeof(options) / sizeof(options[0]));
	free(config);
}

void check_kernel(struct check_report *report)
{
	check_version(report);
	check_processor(report);
	check_kvm(report);
	check_options(report);
}
