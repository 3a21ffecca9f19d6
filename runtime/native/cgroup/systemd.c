/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

int systemd_root(struct cgroup *cgroup, char **ret_root, struct error *error)
{
	return fail(error, 0, "the systemd driver is not there yet: do without --systemd-cgroup");
}

int systemd_start(struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct error *error)
{
	return systemd_root(cgroup, NULL, error);
}

int systemd_set(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	return systemd_root(cgroup, NULL, error);
}

int systemd_stop(struct cgroup *cgroup, struct error *error)
{
	return systemd_root(cgroup, NULL, error);
}
