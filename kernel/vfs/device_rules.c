/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices programs may use: the outcome of linux.resources.devices, as the device cgroup understands it. There is a default and exceptions from it.
 * A device that is denied by default needs one exception with all that is wanted; for one that is allowed by default any exception that takes a part of it
 * is too much. Whoever is refused gets EPERM, root too.
 */
#include "include/abi/boot.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>

extern struct boot_params *boot;

int device_permission(mode_t mode, dev_t rdev, unsigned access)
{
	u32 type = S_ISTYPE(mode, S_IFBLK) ? 'b' : 'c';
	bool denied = boot->device_default == BOOT_DEVICES_DENIED;

	for (u32 i = 0; i < boot->nr_device_exceptions && i < BOOT_MAX_DEVICE_EXCEPTIONS; i++) {
		const struct boot_device_exception *exception = &boot->device_exceptions[i];

		if (exception->type != type || (exception->major >= 0 && exception->major != dev_major(rdev)) ||
		    (exception->minor >= 0 && exception->minor != dev_minor(rdev)))
			continue;
		if (denied && (exception->access & access) == access)
			return 0;
		if (!denied && (exception->access & access))
			return -EPERM;
	}
	return denied ? -EPERM : 0;
}
