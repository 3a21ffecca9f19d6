/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: what must hold between its parts. */
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

#include "runtime/oci/spec.h"

#define MAX_HOST_NAME 64

static int missing(struct error *error, const char *name, const char *path, const char *why)
{
	return fail(error, 0, "%s: %s: %s", name, path, why);
}

/* @name has the path of the process in it, if there is one. */
int spec_check_process(const struct spec_process *process, const char *name, struct error *error)
{
	if (process->args.nr == 0 || !process->args.items[0][0])
		return missing(error, name, "process.args", "is empty: there is no program to run");
	if (!process->cwd)
		return missing(error, name, "process.cwd", "must not be empty");
	if (process->cwd[0] != '/')
		return fail(error, 0, "%s: process.cwd: \"%.200s\" is not an absolute path", name, process->cwd);
	for (size_t i = 0; i < process->nr_rlimits; i++) {
		if (process->rlimits[i].soft.value > process->rlimits[i].hard.value)
			return fail(error, 0, "%s: process.rlimits[%zu]: soft is more than hard", name, i);
		for (size_t j = 0; j < i; j++)
			if (process->rlimits[j].type == process->rlimits[i].type)
				return fail(error, 0, "%s: process.rlimits[%zu].type: %s stands there twice", name, i,
					    spec_rlimit_name(process->rlimits[i].type));
	}
	return 0;
}

static int check_namespaces(const struct spec *spec, const char *name, struct error *error)
{
	const struct spec_linux *l = spec->linux_;
	bool user = spec_namespace(spec, CLONE_NEWUSER), uts = spec_namespace(spec, CLONE_NEWUTS);

	for (size_t i = 0; i < l->nr_namespaces; i++) {
		for (size_t j = 0; j < i; j++)
			if (l->namespaces[j].type == l->namespaces[i].type)
				return fail(error, 0, "%s: linux.namespaces[%zu].type: \"%s\" stands there twice", name, i,
					    spec_namespace_name(l->namespaces[i].type));
		if (l->namespaces[i].path && l->namespaces[i].path[0] != '/')
			return fail(error, 0, "%s: linux.namespaces[%zu].path: \"%.200s\" is not an absolute path", name, i,
				    l->namespaces[i].path);
	}
	if (spec->hostname && !uts)
		return missing(error, name, "hostname", "needs a namespace of type uts in linux.namespaces");
	if (spec->domainname && !uts)
		return missing(error, name, "domainname", "needs a namespace of type uts in linux.namespaces");
	if (!user && (l->uid_mappings.nr || l->gid_mappings.nr))
		return missing(error, name, l->uid_mappings.nr ? "linux.uidMappings" : "linux.gidMappings",
			       "needs a namespace of type user in linux.namespaces");
	if (user && !spec_namespace(spec, CLONE_NEWUSER)->path && !l->uid_mappings.nr)
		return missing(error, name, "linux.uidMappings", "is missing: a new user namespace needs it");
	if (user && !spec_namespace(spec, CLONE_NEWUSER)->path && !l->gid_mappings.nr)
		return missing(error, name, "linux.gidMappings", "is missing: a new user namespace needs it");
	if (l->nr_time_offsets && (!spec_namespace(spec, CLONE_NEWTIME) || spec_namespace(spec, CLONE_NEWTIME)->path))
		return missing(error, name, "linux.timeOffsets", "needs a new namespace of type time in linux.namespaces");
	if (l->nr_net_devices && !spec_namespace(spec, CLONE_NEWNET))
		return missing(error, name, "linux.netDevices", "needs a namespace of type network in linux.namespaces");
	if (!spec_namespace(spec, CLONE_NEWNS) && (l->masked_paths.nr || l->readonly_paths.nr))
		return missing(error, name, l->masked_paths.nr ? "linux.maskedPaths" : "linux.readonlyPaths",
			       "needs a namespace of type mount in linux.namespaces");
	return 0;
}

static int check_mounts(const struct spec *spec, const char *name, struct error *error)
{
	for (size_t i = 0; i < spec->nr_mounts; i++) {
		const struct spec_mount *mount = &spec->mounts[i];

		if (!mount->uid_mappings.nr != !mount->gid_mappings.nr)
			return fail(error, 0, "%s: mounts[%zu]: uidMappings and gidMappings go together only", name, i);
	}
	return 0;
}

static int check_hooks(const struct spec_hook_list *list, const char *name, const char *kind, struct error *error)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (list->items[i].path[0] != '/')
			return fail(error, 0, "%s: hooks.%s[%zu].path: \"%.200s\" is not an absolute path", name, kind, i,
				    list->items[i].path);
		if (list->items[i].timeout.set && list->items[i].timeout.value <= 0)
			return fail(error, 0, "%s: hooks.%s[%zu].timeout: %lld is not more than 0", name, kind, i,
				    (long long)list->items[i].timeout.value);
	}
	return 0;
}

static int check_all_hooks(const struct spec_hooks *hooks, const char *name, struct error *error)
{
	return check_hooks(&hooks->prestart, name, "prestart", error) || check_hooks(&hooks->create_runtime, name, "createRuntime", error) ||
			       check_hooks(&hooks->create_container, name, "createContainer", error) ||
			       check_hooks(&hooks->start_container, name, "startContainer", error) ||
			       check_hooks(&hooks->poststart, name, "poststart", error) ||
			       check_hooks(&hooks->poststop, name, "poststop", error)
		       ? -1
		       : 0;
}

static int check_linux(const struct spec_linux *l, const char *name, struct error *error)
{
	for (size_t i = 0; i < l->nr_time_offsets; i++)
		if (strcmp(l->time_offsets[i].key, "monotonic") && strcmp(l->time_offsets[i].key, "boottime"))
			return fail(error, 0, "%s: linux.timeOffsets: \"%.100s\" is none of monotonic, boottime", name,
				    l->time_offsets[i].key);
	if (l->personality && l->personality->flags.nr)
		return missing(error, name, "linux.personality.flags", "no flag is allowed there yet");
	for (size_t i = 0; i < l->nr_devices; i++) {
		const struct spec_device *device = &l->devices[i];

		if (device->path[0] != '/')
			return fail(error, 0, "%s: linux.devices[%zu].path: \"%.200s\" is not an absolute path", name, i, device->path);
		if (device->type != SPEC_DEVICE_FIFO && (device->major < 0 || device->minor < 0))
			return fail(error, 0, "%s: linux.devices[%zu]: major and minor must not be below 0", name, i);
	}
	for (size_t i = 0; l->resources && i < l->resources->nr_devices; i++) {
		const char *access = l->resources->devices[i].access;

		if (access && access[strspn(access, "rwm")])
			return fail(error, 0, "%s: linux.resources.devices[%zu].access: \"%.100s\" has letters other than r, w, m", name,
				    i, access);
	}
	return 0;
}

int spec_check(const struct spec *spec, const char *name, struct error *error)
{
	if (!spec->root)
		return missing(error, name, "root", "is missing");
	if (spec->hostname && strlen(spec->hostname) > MAX_HOST_NAME)
		return missing(error, name, "hostname", "is longer than 64 characters");
	if (spec->domainname && strlen(spec->domainname) > MAX_HOST_NAME)
		return missing(error, name, "domainname", "is longer than 64 characters");
	if (spec->process && spec_check_process(spec->process, name, error))
		return -1;
	if (check_namespaces(spec, name, error) || check_mounts(spec, name, error) || check_linux(spec->linux_, name, error))
		return -1;
	return spec->hooks ? check_all_hooks(spec->hooks, name, error) : 0;
}
