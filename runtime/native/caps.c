/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: the five sets of config.json, set as they stand there. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/native/init.h"

static const char *const names[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
	"CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
	"CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

#define NR_NAMES ((int)(sizeof(names) / sizeof(names[0])))

const char *caps_name(int capability) { return capability >= 0 && capability < NR_NAMES ? names[capability] : NULL; }

/* The highest that this kernel knows. */
int caps_last(void)
{
	int last = NR_NAMES - 1;

	while (last >= 0 && prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0)
		last--;
	return last;
}

struct sets {
	uint64_t effective, permitted, inheritable;
};

static int get(struct sets *ret_sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	ret_sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret_sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	ret_sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int set(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = sets->effective, .permitted = sets->permitted, .inheritable = sets->inheritable },
		{ .effective = sets->effective >> 32, .permitted = sets->permitted >> 32, .inheritable = sets->inheritable >> 32 },
	};

	return syscall(SYS_capset, &header, data);
}

bool caps_have(int capability)
{
	struct sets sets;

	return get(&sets) == 0 && (sets.effective >> capability & 1);
}

/* Names that this kernel does not know are passed over, as runc does: a config is written for newer ones, too. */
static uint64_t mask(const struct spec_strings *list)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < list->nr; i++)
		for (int j = 0; j < NR_NAMES; j++)
			if (!strcmp(names[j], list->items[i]))
				mask |= 1ULL << j;
	return mask;
}

int caps_drop_bounding(const struct spec_capabilities *capabilities, struct error *error)
{
	uint64_t keep = capabilities ? mask(&capabilities->bounding) : 0;

	for (int capability = 0;; capability++) {
		int present = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

		if (present < 0)
			return 0;
		if (present && !(keep >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
			return fail(error, errno, "process.capabilities.bounding: cannot drop %s",
				    caps_name(capability) ? caps_name(capability) : "a capability");
	}
}

/* A capability of the config that we have not cannot be given: runc says nothing about it then, and neither do we. */
int caps_apply(const struct spec_capabilities *capabilities, struct error *error)
{
	static const struct spec_capabilities none;
	struct sets now, wanted;
	uint64_t ambient;

	if (!capabilities)
		capabilities = &none;
	if (get(&now))
		return fail(error, errno, "cannot read the capabilities");
	wanted.permitted = mask(&capabilities->permitted) & now.permitted;
	wanted.effective = mask(&capabilities->effective) & wanted.permitted;
	wanted.inheritable = mask(&capabilities->inheritable) & (now.permitted | now.inheritable);
	if (set(&wanted))
		return fail(error, errno, "process.capabilities: cannot set them");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	ambient = mask(&capabilities->ambient) & wanted.permitted & wanted.inheritable;
	for (int capability = 0; ambient >> capability; capability++)
		if ((ambient >> capability & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))
			return fail(error, errno, "process.capabilities.ambient: cannot raise %s", caps_name(capability));
	return 0;
}
