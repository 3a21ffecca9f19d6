/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of security modules, written through a procfs of our own: what an image puts at /proc does not matter. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/native/path.h"

#ifndef SELINUX_MAGIC
#define SELINUX_MAGIC 0xf97cff8c
#endif

bool label_selinux_enabled(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}

bool label_apparmor_enabled(void)
{
	int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char letter = 'N';
	bool enabled = fd >= 0 && read(fd, &letter, 1) == 1 && letter == 'Y';

	if (fd >= 0)
		close(fd);
	return enabled;
}

static int apply_apparmor(const struct init *init, const char *profile, struct error *error)
{
	char text[512];

	snprintf(text, sizeof(text), "exec %s", profile);
	if (path_write(init->proc, "self/attr/apparmor/exec", text) && (errno != ENOENT || path_write(init->proc, "self/attr/exec", text))) {
		fail(error, errno, "process.apparmorProfile: cannot apply the profile %s", profile);
		return fail_remedy(error, "the host must have AppArmor enabled, and the profile loaded (aa-status lists them)");
	}
	return 0;
}

static int refused(const char *label, const char *what_for, struct error *error)
{
	fail(error, errno, "process.selinuxLabel: cannot set %s%s", label, what_for);
	return fail_remedy(error, "the host must have SELinux enabled, and its policy must know this label");
}

int label_apply(const struct init *init, struct error *error)
{
	const char *profile = init->process->apparmor_profile, *label = init->process->selinux_label;

	if (profile && strcmp(profile, "unconfined") && apply_apparmor(init, profile, error))
		return -1;
	return label && path_write(init->proc, "self/attr/exec", label) ? refused(label, "", error) : 0;
}

int label_keyring(const struct init *init, struct error *error)
{
	const char *label = init->process->selinux_label;

	return label && path_write(init->proc, "self/attr/keycreate", label) && errno != ENOENT ? refused(label, " for the session keyring", error) : 0;
}
