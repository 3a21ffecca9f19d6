/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `create` in native mode, on the runtime's side: a graph of steps (runtime/boot/graph.h), undone in the opposite order if any fails. Init makes the
 * root file system while the runtime makes the groups that it is to enter, sets their limits, and compiles the filter:
 *
 *	runtime   host  birthplace  fifo  console  sources  spawn  admit  groups  limits  seccomp       keep
 *	init                                                           \__ root ________________ join _/
 *
 *	host         what config.json wants that this host cannot give is told before anything is made
 *	birthplace   the groups are found; the one that init is born in is made
 *	fifo         where init will wait for `start`
 *	console      the socket that the terminal is sent over
 *	sources      bind mounts are opened with the rights of the host
 *	spawn        namespaces, init
 *	admit        init gets its ids, process limits, network devices
 *	groups       the other groups are made
 *	limits       ... and get their limits and device rules, before anybody is in them
 *	seccomp      the filter is compiled
 *	root         init makes mounts and devices, up to the point where it matters in which groups it is
 *	join         init enters the groups; hooks are run for it; it makes itself ready
 *	keep         state.json
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/boot/graph.h"
#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/idmap.h"
#include "runtime/native/init.h"
#include "runtime/native/intel_rdt.h"
#include "runtime/native/native.h"
#include "runtime/native/net_devices.h"
#include "runtime/native/sync.h"
#include "runtime/native/warm.h"
#include "runtime/remedy.h"

struct creation {
	struct container *container;
	const struct spec *spec;
	const struct container_create *options;
	struct init init;
	struct ns_plan plan;
	struct cgroup *cgroup;
	struct sock_fprog *filter;
	int sync[2];           /* ours, init's */
	int terminal[2];       /* in the foreground: socket pair for the terminal */
	pid_t pid;
	int pidfd;
};

/* ---- host ---- */

static int check_host(struct creation *creation, struct error *error)
{
	const struct spec *spec = creation->spec;

	if ((spec->process->selinux_label || spec->linux_->mount_label) && !label_selinux_enabled()) {
		fail(error, 0, "config.json: %s: this host has no SELinux", spec->process->selinux_label ? "process.selinuxLabel" : "linux.mountLabel");
		return fail_remedy_of(error, REMEDY_SELINUX);
	}
	if (spec->process->apparmor_profile && strcmp(spec->process->apparmor_profile, "unconfined") && !label_apparmor_enabled()) {
		fail(error, 0, "config.json: process.apparmorProfile: this host has no AppArmor");
		return fail_remedy_of(error, REMEDY_APPARMOR);
	}
	if (spec->process->terminal && !creation->options->console_socket && !creation->options->foreground) {
		fail(error, 0, "cannot allocate tty if runc will detach without setting console socket");
		return fail_remedy(error, "give --console-socket, or set process.terminal to false");
	}
	if (!spec->process->terminal && creation->options->console_socket)
		return fail(error, 0, "cannot use console socket if runc will not detach or allocate tty: process.terminal is false");
	return process_check_preserved(creation->options->preserve_fds, error);
}

static int do_host(void *context, struct error *error)
{
	struct creation *creation = context;

	if (check_host(creation, error) || FAULT("host") || ns_plan(creation->spec, &creation->plan, error))
		return -1;
	creation->init.privileged = caps_have(CAP_SYS_ADMIN) && !creation->container->rootless;
	return 0;
}

static void undo_host(void *context)
{
	struct creation *creation = context;

	ns_plan_close(&creation->plan);
}

/* ---- birthplace ---- */

#define PROPERTY "org.systemd.property."

/* Names and values, ended by NULL. */
static const char **systemd_properties(const struct spec *spec)
{
	const char **properties = calloc(2 * spec->annotations.nr + 1, sizeof(char *));
	size_t nr = 0;

	for (size_t i = 0; properties && i < spec->annotations.nr; i++) {
		if (strncmp(spec->annotations.items[i].key, PROPERTY, strlen(PROPERTY)))
			continue;
		properties[nr++] = spec->annotations.items[i].key + strlen(PROPERTY);
		properties[nr++] = spec->annotations.items[i].value;
	}
	return properties;
}

static int do_birthplace(void *context, struct error *error)
{
	struct creation *creation = context;
	const struct spec_linux *l = creation->spec->linux_;
	const char **properties = systemd_properties(creation->spec);
	struct cgroup_options options = {
		.id = creation->container->id,
		.path = l->cgroups_path,
		.systemd = creation->container->systemd_cgroup,
		.rootless = creation->container->rootless,
		.properties = properties,
	};
	int result;

	container_trim();
	result = cgroup_new(&options, &creation->cgroup, error);
	free(properties);
	if (result)
		return -1;
	if (l->resources && l->resources->memory && l->resources->memory->limit.set && l->resources->memory->limit.value > 0 &&
	    l->resources->memory->limit.value < WARM_BELOW)
		warm_program(creation->container->rootfs, creation->spec->process);
	creation->init.cgroup = creation->cgroup;
	container_trim();
	if (cgroup_needs_process(creation->cgroup))
		return 0;
	return FAULT("birthplace") || cgroup_create_birthplace(creation->cgroup, l->resources, error) ? -1 : 0;
}

/* Of all groups, whoever made them. */
static void undo_birthplace(void *context)
{
	struct creation *creation = context;
	struct error ignored = { 0 };

	cgroup_remove(creation->cgroup, &ignored);
}

/* ---- fifo, console ---- */

static int do_fifo(void *context, struct error *error)
{
	struct creation *creation = context;
	int directory = creation->container->fd;

	if (FAULT("fifo"))
		return -1;
	/* Init opens it by its descriptor, as whatever user it is then. */
	if (mkfifoat(directory, "exec.fifo", 0622) || fchmodat(directory, "exec.fifo", 0622, 0))
		return fail(error, errno, "cannot make %s/%s/exec.fifo", creation->container->root, creation->container->id);
	creation->init.fifo = openat(directory, "exec.fifo", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return creation->init.fifo < 0 ? fail(error, errno, "cannot open exec.fifo") : 0;
}

static void undo_fifo(void *context)
{
	struct creation *creation = context;

	unlinkat(creation->container->fd, "exec.fifo", 0);
}

static int do_console(void *context, struct error *error)
{
	struct creation *creation = context;

	if (!creation->spec->process->terminal)
		return 0;
	if (creation->options->console_socket) {
		creation->init.console = console_connect(creation->options->console_socket, error);
		return creation->init.console < 0 ? -1 : 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, creation->terminal))
		return fail(error, errno, "cannot make a socket pair for the terminal");
	creation->init.console = creation->terminal[1];
	return 0;
}

static int do_sources(void *context, struct error *error)
{
	struct creation *creation = context;

	return FAULT("sources") ? -1 : mount_open_sources(&creation->init, error);
}

static void undo_sources(void *context)
{
	struct creation *creation = context;

	mount_close_sources(&creation->init);
}

/* ---- spawn ---- */

static int init_entry(void *argument)
{
	struct creation *creation = argument;

	close(creation->sync[0]);
	/* The lock is the runtime's: it goes when that ends, not when the container does. */
	close(creation->container->lock_fd);
	return init_main(&creation->init);
}

static int do_spawn(void *context, struct error *error)
{
	struct creation *creation = context;
	bool by_itself = !creation->container->rootless && !cgroup_needs_process(creation->cgroup);
	int cgroup_fd = by_itself ? cgroup_clone_fd(creation->cgroup) : -1;
	struct ns_spawn spawn = {
		.plan = &creation->plan,
		.spec = creation->spec,
		.cgroup_fd = cgroup_fd,
		.rootless = creation->container->rootless,
		.init = init_entry,
		.argument = creation,
	};

	container_trim();
	creation->init.joins_late = by_itself && !creation->plan.user && !creation->plan.nr_join && cgroup_has_v1(creation->cgroup);
	if (sync_open(creation->sync, error)) {
		if (cgroup_fd >= 0)
			close(cgroup_fd);
		return -1;
	}
	creation->init.sync = creation->sync[1];
	spawn.sync = creation->sync[0];
	spawn.child_sync = creation->sync[1];
	creation->pid = ns_spawn(&spawn, &creation->pidfd, error);
	close(creation->sync[1]);
	creation->sync[1] = -1;
	if (cgroup_fd >= 0)
		close(cgroup_fd);
	return creation->pid < 0 ? -1 : 0;
}

static void undo_spawn(void *context)
{
	struct creation *creation = context;

	pidfd_send_signal(creation->pidfd, SIGKILL, NULL, 0);
	while (waitpid(creation->pid, NULL, 0) < 0 && errno == EINTR)
		;
	creation->container->pid = 0;
}

/* ---- admit ---- */

static int do_admit(void *context, struct error *error)
{
	struct creation *creation = context;
	const struct spec_linux *l = creation->spec->linux_;

	if ((creation->plan.create & CLONE_NEWUSER) && !creation->plan.mapped &&
	    idmap_write(creation->pid, &l->uid_mappings, &l->gid_mappings, creation->container->rootless, error))
		return -1;
	if (FAULT("admit"))
		return -1;
	if (l->intel_rdt && intel_rdt_apply(l->intel_rdt, creation->container->id, creation->pid, error))
		return -1;
	if (net_devices_move(l, creation->pidfd, error))
		return -1;
	creation->container->pid = creation->pid;
	creation->container->pid_start = process_start_time(creation->pid, NULL);
	return process_limits(creation->pid, creation->spec->process, creation->container->rootless, error);
}

static void undo_admit(void *context)
{
	struct creation *creation = context;

	net_devices_return(creation->spec->linux_, creation->pidfd);
	if (creation->spec->linux_->intel_rdt)
		intel_rdt_remove(creation->spec->linux_->intel_rdt, creation->container->id);
}

/* ---- groups, limits ---- */

static int do_groups(void *context, struct error *error)
{
	struct creation *creation = context;
	const struct spec_linux *l = creation->spec->linux_;
	pid_t founder = cgroup_needs_process(creation->cgroup) ? creation->pid : 0;
	struct init *init = &creation->init;

	container_trim();
	if (cgroup_create(creation->cgroup, founder, l->resources, error) || FAULT("cgroup"))
		return -1;
	init->nr_doors = creation->container->rootless ? -1 : cgroup_open_doors(creation->cgroup, init->doors);
	/* Where there are doors, even none, the v2 tree was entered by the clone. */
	if (init->nr_doors < 0 && !founder && cgroup_enter(creation->cgroup, creation->pid, error))
		return -1;
	if (creation->plan.user && creation->plan.create_cgroup && l->uid_mappings.nr) {
		int64_t owner = idmap_to_host(&l->uid_mappings, 0);
		struct error ignored = { 0 };

		/* Only a v2 tree can be given away; where it cannot, the container just makes no groups of its own. */
		if (owner >= 0 && cgroup_is_unified(creation->cgroup))
			cgroup_delegate(creation->cgroup, owner, &ignored);
	}
	return 0;
}

static void undo_groups(void *context)
{
	struct creation *creation = context;

	for (int i = 0; i < creation->init.nr_doors; i++)
		close(creation->init.doors[i]);
	creation->init.nr_doors = -1;
}

/*
 * Before init is in the groups: a limit of memory is refused when it is exceeded already, and while device rules are written, one after the other,
 * init may not open its terminal.
 */
static int do_limits(void *context, struct error *error)
{
	struct creation *creation = context;

	container_trim();
	if (FAULT("limits of the group") || cgroup_apply(creation->cgroup, creation->spec->linux_->resources, error))
		return -1;
	container_warn_lines(creation->container, cgroup_warnings(creation->cgroup));
	container_trim();
	return 0;
}

/* ---- seccomp ---- */

static int do_seccomp(void *context, struct error *error)
{
	struct creation *creation = context;
	struct init *init = &creation->init;

	if (!creation->spec->linux_->seccomp)
		return 0;
	container_trim();
	if (seccomp_compile(creation->container->root, creation->spec, &creation->filter, &init->filter_flags, &init->filter_listener, error))
		return -1;
	init->filter = creation->filter;
	container_trim();
	return 0;
}

static void undo_seccomp(void *context)
{
	struct creation *creation = context;

	free(creation->filter);
}

/* ---- root, join ---- */

static int run_hooks(struct creation *creation, struct error *error)
{
	const struct spec_hooks *hooks = creation->spec->hooks;

	if (FAULT("hooks"))
		return -1;
	return hooks_run(&hooks->prestart, "prestart", creation->container, "creating", error) ||
			       hooks_run(&hooks->create_runtime, "createRuntime", creation->container, "creating", error)
		       ? -1
		       : 0;
}

static int died(struct creation *creation, struct error *error)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, creation->pidfd, &info, WEXITED | WNOWAIT) == 0 && info.si_code == CLD_KILLED) {
		fail(error, 0, "the container's init was killed by signal %d before its program ran", info.si_status);
		return fail_remedy(error, info.si_status == SIGKILL ? "perhaps linux.resources.memory.limit is too small" : "is linux.seccomp too strict?");
	}
	return fail(error, 0, "the container's init has ended before its program ran");
}

static int begin_root(void *context, struct error *error)
{
	struct creation *creation = context;

	sync_send(creation->sync[0], SYNC_GO, 0);
	return 0;
}

static int finish_root(void *context, struct error *error)
{
	struct creation *creation = context;

	switch (sync_receive(creation->sync[0], NULL, error)) {
	case SYNC_JOIN:
		return 0;
	case SYNC_ERROR:
		return -1;
	default:
		return died(creation, error);
	}
}

static int begin_join(void *context, struct error *error)
{
	struct creation *creation = context;

	sync_send_join(creation->sync[0], &creation->init);
	return 0;
}

/* What init asks for on its way, until it is ready. */
static int finish_join(void *context, struct error *error)
{
	struct creation *creation = context;
	const struct spec_seccomp *seccomp = creation->spec->linux_->seccomp;
	int32_t value;

	for (;;) {
		switch (sync_receive(creation->sync[0], &value, error)) {
		case SYNC_HOOKS:
			if (run_hooks(creation, error))
				return -1;
			sync_send(creation->sync[0], SYNC_GO, 0);
			break;
		case SYNC_LISTENER:
			if (seccomp_send_listener(creation->container, seccomp, creation->pidfd, creation->pid, value, error))
				return -1;
			sync_send(creation->sync[0], SYNC_GO, 0);
			break;
		case SYNC_READY:
			return FAULT("ready");
		case SYNC_ERROR:
			return -1;
		default:
			return died(creation, error);
		}
	}
}

/* ---- keep ---- */

static int do_keep(void *context, struct error *error)
{
	struct creation *creation = context;
	struct json_object *data = creation->container->data;
	uint64_t namespaces = creation->plan.create | (creation->plan.create_cgroup ? CLONE_NEWCGROUP : 0);

	container_trim();
	json_object_object_add(data, "cgroup", cgroup_save(creation->cgroup));
	for (size_t i = 0; i < creation->spec->linux_->nr_namespaces; i++)
		namespaces |= creation->spec->linux_->namespaces[i].type;
	json_object_object_add(data, "namespaces", json_object_new_int64(namespaces));
	if (FAULT("keep"))
		return -1;
	if (creation->terminal[0] >= 0) {
		creation->container->terminal = native_receive_terminal(creation->terminal[0], error);
		if (creation->container->terminal < 0)
			return -1;
	}
	container_trim();
	return container_save(creation->container, error);
}

/* ---- all ---- */

static const struct boot_step steps[] = {
	{ "host", BOOT_CALLER, BOOT_TEMPORARY, NULL, do_host, NULL, undo_host },
	{ "birthplace", BOOT_CALLER, 0, "host", do_birthplace, NULL, undo_birthplace },
	{ "fifo", BOOT_CALLER, 0, "host", do_fifo, NULL, undo_fifo },
	{ "console", BOOT_CALLER, 0, "host", do_console, NULL, NULL },
	{ "sources", BOOT_CALLER, BOOT_TEMPORARY, "host", do_sources, NULL, undo_sources },
	{ "spawn", BOOT_CALLER, 0, "birthplace fifo console sources", do_spawn, NULL, undo_spawn },
	{ "admit", BOOT_CALLER, BOOT_UNDO_PARTIAL, "spawn", do_admit, NULL, undo_admit },
	{ "groups", BOOT_CALLER, BOOT_TEMPORARY, "admit", do_groups, NULL, undo_groups },
	{ "limits", BOOT_CALLER, 0, "groups", do_limits, NULL, NULL },
	{ "seccomp", BOOT_CALLER, BOOT_TEMPORARY, "admit", do_seccomp, NULL, undo_seccomp },
	{ "root", BOOT_PROCESS, 0, "admit", begin_root, finish_root, NULL },
	{ "join", BOOT_PROCESS, 0, "root limits seccomp", begin_join, finish_join, NULL },
	{ "keep", BOOT_CALLER, 0, "join", do_keep, NULL, NULL },
};

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

int native_create(struct container *container, const struct spec *spec, const struct container_create *options, struct error *error)
{
	struct creation creation = {
		.container = container,
		.spec = spec,
		.options = options,
		.sync = { -1, -1 },
		.terminal = { -1, -1 },
		.pidfd = -1,
		.init = { .container = container, .spec = spec, .process = spec->process, .options = options, .proc = -1, .root = -1,
			  .fifo = -1, .console = -1, .null = -1, .nr_doors = -1, .preserve_fds = options->preserve_fds },
	};
	int result;

	creation.init.plan = &creation.plan;
	result = boot_run(steps, sizeof(steps) / sizeof(steps[0]), &creation, boot_order_wanted(), options->record, error);
	container_trim();
	close_if_open(creation.sync[0]);
	close_if_open(creation.init.fifo);
	close_if_open(creation.init.console);
	close_if_open(creation.terminal[0]);
	cgroup_free(creation.cgroup);
	if (result == 0 && options->foreground)
		container->pidfd = creation.pidfd;
	else
		close_if_open(creation.pidfd);
	return result;
}
