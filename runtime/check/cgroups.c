/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup layout, its controllers, and whether a group can be made: tried, with one that is removed again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/check/check.h"
#include "runtime/native/cgroup/internal.h"

#define GROUP "cgroups"

static const struct {
	const char *v1, *v2, *without;
	bool v2_is_core; /* v2 has it without a controller */
} controllers[] = {
	{"cpu", "cpu", "cpu shares and quotas are refused", false},
	{"cpuacct", "", "`events` tells no CPU times", true},
	{"cpuset", "cpuset", "cpu.cpus and cpu.mems are refused", false},
	{"memory", "memory", "memory limits are refused, running out of memory is not told", false},
	{"devices", "", "device rules are not kept", true},
	{"freezer", "", "pause and resume are refused", true},
	{"blkio", "io", "disk weights and rates are refused", false},
	{"pids", "pids", "limits of processes are refused", false},
	{"net_cls", NULL, "network.classID is refused", false},
	{"net_prio", NULL, "network.priorities are refused", false},
	{"perf_event", "perf_event", "perf cannot tell containers apart", false},
	{"hugetlb", "hugetlb", "limits of huge pages are refused", false},
	{"rdma", "rdma", "limits of RDMA are refused", false},
	{"misc", "misc", "unified[\"misc.max\"] is refused", false},
};

static const struct hierarchy *find(const struct layout *layout, int version, const char *name)
{
	for (int i = 0; i < layout->nr; i++)
		if (layout->hierarchies[i].version == version && (!*name || list_has(layout->hierarchies[i].controllers, name)))
			return &layout->hierarchies[i];
	return NULL;
}

static void check_layout(struct check_report *report, const struct layout *layout)
{
	const struct hierarchy *unified = find(layout, 2, "");
	int v1 = 0;

	for (int i = 0; i < layout->nr; i++)
		v1 += layout->hierarchies[i].version == 1 && strncmp(layout->hierarchies[i].controllers, "name=", 5);
	if (!layout->nr) {
		check_add(report, GROUP, "layout", CHECK_MISSING, CHECK_NATIVE, "none mounted");
		check_consequence(report, REMEDY_MOUNT_CGROUPS,
				  "no limits, no pausing; containers start only if nothing is asked for, and rootless");
	} else if (unified && v1) {
		check_add(report, GROUP, "layout", CHECK_OK, CHECK_NATIVE, "hybrid: %d v1 hierarchies, and v2 at %.100s with %s", v1,
			  unified->mount, *unified->controllers ? unified->controllers : "no controllers");
	} else if (unified) {
		check_add(report, GROUP, "layout", CHECK_OK, CHECK_NATIVE, "v2 at %.100s", unified->mount);
	} else {
		check_add(report, GROUP, "layout", CHECK_OK, CHECK_NATIVE, "v1, %d hierarchies", v1);
	}
}

/* The last column of the controller's line in /proc/cgroups. -1: no such line. */
static int is_enabled(const char *cgroups, const char *name)
{
	char word[40];
	int enabled;

	for (const char *line = cgroups; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0)
		if (sscanf(line, "%39s %*d %*d %d", word, &enabled) == 2 && !strcmp(word, name))
			return enabled;
	return -1;
}

static void check_controller(struct check_report *report, const struct layout *layout, const char *cgroups, size_t index)
{
	const char *name = controllers[index].v1, *v2 = controllers[index].v2;
	const struct hierarchy *hierarchy = find(layout, 1, name);
	int enabled = is_enabled(cgroups, name);

	if (hierarchy) {
		check_add(report, GROUP, name, CHECK_OK, CHECK_NATIVE, "v1 at %.200s", hierarchy->mount);
		return;
	}
	if (v2 && *v2 && (hierarchy = find(layout, 2, v2))) {
		check_add(report, GROUP, name, CHECK_OK, CHECK_NATIVE, "v2");
		return;
	}
	if (controllers[index].v2_is_core && find(layout, 2, "")) {
		check_add(report, GROUP, name, CHECK_OK, CHECK_NATIVE, "v2, which needs no controller for it");
		return;
	}
	/* v2 lists controllers that /proc/cgroups no longer does; what neither knows is not in the kernel. */
	check_add(report, GROUP, name, CHECK_MISSING, CHECK_NATIVE, "%s",
		  enabled < 0	 ? "not in this kernel"
		  : enabled == 0 ? "disabled at boot"
				 : "not mounted");
	check_consequence(report, v2 ? REMEDY_KERNEL_OPTION : REMEDY_NETWORK_V1, "%s", controllers[index].without);
	if (v2 && enabled >= 0)
		report->items[report->nr - 1].remedy = enabled ? REMEDY_CONTROLLER_MOUNT : REMEDY_CONTROLLER_DISABLED;
}

/* A group by the default rules, as a container without cgroupsPath has it. */
static void check_making(struct check_report *report)
{
	struct cgroup_options options = {.rootless = geteuid() != 0};
	struct cgroup *cgroup;
	struct error error, ignored;
	char id[40];
	int groups = 0;

	snprintf(id, sizeof(id), "linuxd-check-%d", getpid());
	options.id = id;
	error.text[0] = '\0';
	if (cgroup_new(&options, &cgroup, &error)) {
		check_add(report, GROUP, "making groups", CHECK_MISSING, CHECK_NATIVE, "%.*s", (int)strcspn(error.text, "\n"), error.text);
		check_consequence(report, REMEDY_MOUNT_CGROUPS, "no limits, no pausing");
		return;
	}
	if (cgroup_create(cgroup, 0, NULL, &error) == 0)
		for (int i = 0; i < cgroup->nr; i++)
			groups += cgroup->groups[i].present;
	if (groups && !*cgroup_warnings(cgroup)) {
		const struct group *memory = group_of(cgroup, "memory");

		check_add(report, GROUP, "making groups", CHECK_OK, CHECK_NATIVE, "this user may, in %d of %d hierarchies", groups,
			  cgroup->nr);
		if (memory && !group_has(memory, memory->version == 1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max")) {
			check_add(report, GROUP, "swap accounting", CHECK_MISSING, CHECK_NATIVE, "off");
			check_consequence(report, REMEDY_SWAP_ACCOUNTING, "limits of swap are refused");
		} else if (memory) {
			check_add(report, GROUP, "swap accounting", CHECK_OK, CHECK_NATIVE, "on");
		}
	} else {
		check_add(report, GROUP, "making groups", geteuid() ? CHECK_MISSING : CHECK_FAILED, CHECK_NATIVE, "%.*s",
			  *error.text ? (int)strcspn(error.text, "\n") : 30, *error.text ? error.text : "this user may make none");
		check_consequence(report, REMEDY_DELEGATE,
				  geteuid() ? "rootless containers run without limits, and cannot be paused" : "no container starts");
	}
	cgroup_remove(cgroup, &ignored);
	cgroup_free(cgroup);
}

static void check_driver(struct check_report *report)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[200];
	bool there;

	if (geteuid() == 0) {
		there = access("/run/dbus/system_bus_socket", F_OK) == 0 || access("/run/systemd/private", F_OK) == 0;
		there = there && access("/run/systemd/system", F_OK) == 0;
	} else {
		snprintf(path, sizeof(path), "%.160s/bus", runtime ? runtime : "/nonexistent");
		there = getenv("DBUS_SESSION_BUS_ADDRESS") || access(path, F_OK) == 0;
	}
	check_add(report, GROUP, "systemd driver", there ? CHECK_OK : CHECK_MISSING, CHECK_NATIVE,
		  there ? "systemd answers on its bus" : "no systemd runs here, or it has no bus");
	if (!there)
		check_consequence(report, REMEDY_SYSTEMD_RUNNING, "--systemd-cgroup is refused; without it nothing is missing");
}

void check_cgroups(struct check_report *report)
{
	struct layout layout = {0};
	struct error error;
	char *cgroups = check_read(report, "/proc/cgroups");

	if (layout_read(report->prefix, &layout, &error)) {
		check_add(report, GROUP, "layout", CHECK_FAILED, CHECK_NATIVE, "%.*s", (int)strcspn(error.text, "\n"), error.text);
		check_consequence(report, REMEDY_MOUNT_PROC, "no container starts");
		free(cgroups);
		return;
	}
	check_layout(report, &layout);
	for (size_t i = 0; layout.nr && i < sizeof(controllers) / sizeof(controllers[0]); i++)
		check_controller(report, &layout, cgroups, i);
	if (layout.nr && !*report->prefix)
		check_making(report);
	check_driver(report);
	layout_free(&layout);
	free(cgroups);
}
