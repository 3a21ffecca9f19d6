/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of sandbox mode. The process that callers know as the container's is the monitor: it lives as long as the container, has its exit
 * status, and everything else that the container has on the host is its child and in its cgroup.
 */
#include "runtime/sandbox/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/abi/control.h"
#include "runtime/boot/record.h"
#include "runtime/control.h"
#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/init.h"
#include "runtime/native/native.h"
#include "runtime/native/sync.h"
#include "runtime/sandbox/stdio.h"

#define KILL_PATIENCE_MS 10000

/* ---- the monitor ---- */

static bool monitor_lives(const struct container *container)
{
	char state = 0;

	return container->pid > 0 && process_start_time(container->pid, &state) == container->pid_start && state != 'Z' && state != 'X';
}

/* Opened first and looked at then: so it is the same process. */
static int open_monitor(const struct container *container)
{
	int fd = container->pid > 0 ? pidfd_open(container->pid, 0) : -1;

	if (fd >= 0 && !monitor_lives(container)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int oci_ask(const struct container *container, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
	    struct error *error)
{
	int connection = control_connect_in(container->fd, error), result;

	if (connection < 0)
		return -1;
	result = control_call(connection, kind, argument, ret_reply, ret_fd, error);
	close(connection);
	return result;
}

static bool was_started(const struct container *container)
{
	struct json_object *value;

	return json_object_object_get_ex(container->data, "started", &value) && json_object_get_boolean(value);
}

static bool is_frozen(const struct container *container)
{
	struct error ignored = { 0 };
	struct control_reply reply;

	return oci_ask(container, CONTROL_PING, NULL, &reply, NULL, &ignored) == 0 && reply.value[1] == CONTAINER_FROZEN;
}

static enum container_status sandbox_status(struct container *container)
{
	if (!monitor_lives(container))
		return CONTAINER_STOPPED;
	/* Only one that runs can be frozen: the others need not be asked. */
	if (!was_started(container))
		return CONTAINER_CREATED;
	return is_frozen(container) ? CONTAINER_PAUSED : CONTAINER_RUNNING;
}

static int must_be(struct container *container, enum container_status wanted, struct error *error)
{
	enum container_status status = sandbox_status(container);

	if (status == wanted)
		return 0;
	if (wanted == CONTAINER_PAUSED)
		return fail(error, 0, "container not paused");
	return fail(error, 0, "container not running: %s", container_status_name(status));
}

static struct cgroup *saved_cgroup(const struct container *container, struct error *error)
{
	struct json_object *saved;
	struct cgroup *cgroup = NULL;

	if (json_object_object_get_ex(container->data, "cgroup", &saved) && cgroup_load(saved, &cgroup, error) == 0)
		return cgroup;
	return NULL;
}

/* ---- create ---- */

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (fd < 0)
		return;
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
}

static int enter_network(const struct spec *spec, struct error *error)
{
	const struct spec_namespace *network = spec_namespace(spec, CLONE_NEWNET);
	int fd, result;

	if (!network)
		return 0;
	if (!network->path) {
		/* Without the right to make one there is none for the container at all (oci_config.c). */
		if (geteuid() != 0)
			return 0;
		if (unshare(CLONE_NEWNET))
			return fail(error, errno, "cannot make a network namespace");
		loopback_up();
		return 0;
	}
	fd = open(network->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(error, errno, "cannot open the network namespace %s", network->path);
	result = setns(fd, CLONE_NEWNET);
	close(fd);
	return result ? fail(error, errno, "cannot enter the network namespace %s", network->path) : 0;
}

/* In the monitor. */
static int enter(void *argument, struct error *error)
{
	struct oci_sandbox *sandbox = argument;

	/* The lock is its creator's, and goes with that. */
	close(sandbox->container->lock_fd);
	sandbox->container->lock_fd = -1;
	return FAULT("enter") ? -1 : enter_network(sandbox->spec, error);
}

static int choose_cgroup(struct oci_sandbox *sandbox, struct error *error)
{
	struct cgroup_options options = {
		.id = sandbox->container->id,
		.path = sandbox->spec->linux_->cgroups_path,
		.systemd = sandbox->container->systemd_cgroup,
		.rootless = sandbox->container->rootless,
	};

	if (cgroup_new(&options, &sandbox->cgroup, error))
		return -1;
	sandbox->detached.memory_cgroup = cgroup_path(sandbox->cgroup, "memory");
	return 0;
}

/*
 * Before there is a monitor, which is born into the v2 group and passes the doors of the others itself, while it has but one thread: to move a
 * process from outside takes the host a grace period. Where that cannot be, accompany() moves it.
 */
static int make_birthplace(struct oci_sandbox *sandbox, struct error *error)
{
	if (cgroup_needs_process(sandbox->cgroup))
		return 0;
	sandbox->made_cgroup = true;
	if (cgroup_create_birthplace(sandbox->cgroup, &sandbox->host_resources, error) || FAULT("birthplace"))
		return -1;
	if (!sandbox->container->rootless)
		sandbox->detached.cgroup_fd = cgroup_clone_fd(sandbox->cgroup);
	return 0;
}

static int pass_doors(const struct sandbox_doors *doors, struct error *error)
{
	return doors->nr > 0 ? cgroup_pass_doors(doors->fd, doors->nr, error) : 0;
}

static int make_cgroups(struct oci_sandbox *sandbox, pid_t monitor, struct sandbox_doors *ret_doors, struct error *error)
{
	bool founded = cgroup_needs_process(sandbox->cgroup);

	sandbox->made_cgroup = true;
	if (cgroup_create(sandbox->cgroup, founded ? monitor : 0, &sandbox->host_resources, error))
		return -1;
	if (FAULT("cgroup") || cgroup_apply(sandbox->cgroup, &sandbox->host_resources, error))
		return -1;
	container_warn_lines(sandbox->container, cgroup_warnings(sandbox->cgroup));
	ret_doors->nr = founded || sandbox->container->rootless ? -1 : cgroup_open_doors(sandbox->cgroup, ret_doors->fd);
	return founded || ret_doors->nr >= 0 ? 0 : cgroup_enter(sandbox->cgroup, monitor, error);
}

/* In the creator, while the monitor enters its namespaces. */
static int accompany(void *argument, pid_t monitor, struct sandbox_doors *ret_doors, struct error *error)
{
	struct oci_sandbox *sandbox = argument;
	struct boot_record *record = sandbox->config.boot;
	int mark = boot_mark_begin(record, "groups", BOOT_CALLER), result;

	if (sandbox->detached.cgroup_fd >= 0)
		close(sandbox->detached.cgroup_fd);
	sandbox->container->pid = monitor;
	sandbox->container->pid_start = process_start_time(monitor, NULL);
	result = make_cgroups(sandbox, monitor, ret_doors, error);
	boot_mark_end(record, mark, result ? BOOT_FAILED : BOOT_DONE);
	return result;
}

static int open_console(struct oci_sandbox *sandbox, const struct container_create *options, struct error *error)
{
	sandbox->detached.console_socket = -1;
	if (FAULT("console"))
		return -1;
	if (!sandbox->spec->process->terminal)
		return 0;
	if (!options->console_socket) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sandbox->terminal))
			return fail(error, errno, "cannot make a socket pair for the terminal");
		sandbox->detached.console_socket = sandbox->terminal[1];
		return 0;
	}
	sandbox->detached.console_socket = stdio_console_connect(options->console_socket, error);
	return sandbox->detached.console_socket < 0 ? -1 : 0;
}

static void end_monitor(pid_t monitor)
{
	kill(monitor, SIGKILL);
	while (waitpid(monitor, NULL, 0) < 0 && errno == EINTR)
		;
}

/* In the creator: the monitor is in its cgroups and namespaces, and waits. */
static int entered(void *argument, struct error *error)
{
	struct oci_sandbox *sandbox = argument;
	const struct spec_hooks *hooks = sandbox->spec->hooks;

	if (FAULT("hooks"))
		return -1;
	if (!hooks)
		return 0;
	/* All of them on the host: inside there is no place where a host's program could run. */
	return hooks_run(&hooks->prestart, "prestart", sandbox->container, "creating", error) ||
			       hooks_run(&hooks->create_runtime, "createRuntime", sandbox->container, "creating", error) ||
			       hooks_run(&hooks->create_container, "createContainer", sandbox->container, "creating", error)
		       ? -1
		       : 0;
}

static int born(struct oci_sandbox *sandbox, struct error *error)
{
	struct container *container = sandbox->container;

	if (FAULT("keep"))
		return -1;
	if (sandbox->terminal[0] >= 0) {
		container->terminal = native_receive_terminal(sandbox->terminal[0], error);
		if (container->terminal < 0)
			return -1;
	}
	json_object_object_add(container->data, "cgroup", cgroup_save(sandbox->cgroup));
	return container_save(container, error);
}

static int sandbox_mode_create(struct container *container, const struct spec *spec, const struct container_create *options,
			       struct error *error)
{
	struct oci_sandbox sandbox = { .container = container, .spec = spec, .terminal = { -1, -1 } };
	struct error ignored = { 0 };
	pid_t monitor = -1;
	int result, mark;

	if (options->preserve_fds > PRESERVED_MAX)
		return fail(error, 0, "--preserve-fds %u: at most %d descriptors can be passed into a sandbox", options->preserve_fds, PRESERVED_MAX);
	sandbox.detached = (struct sandbox_detached){ .directory = container->fd, .cgroup_fd = -1, .enter = enter, .accompany = accompany, .pass = pass_doors,
							 .entered = entered, .argument = &sandbox, .waits_early = spec->hooks != NULL,
							 .preserve_fds = options->preserve_fds };
	if (oci_config_make(&sandbox, error) || open_console(&sandbox, options, error) || choose_cgroup(&sandbox, error))
		return -1;
	sandbox.config.boot = options->record;
	mark = boot_mark_begin(options->record, "birthplace", BOOT_CALLER);
	result = make_birthplace(&sandbox, error);
	boot_mark_end(options->record, mark, result ? BOOT_FAILED : BOOT_DONE);
	if (result == 0)
		result = sandbox_create(&sandbox.config, &monitor, error);
	if (result == 0) {
		mark = boot_mark_begin(options->record, "keep", BOOT_CALLER);
		result = born(&sandbox, error);
		boot_mark_end(options->record, mark, result ? BOOT_FAILED : BOOT_DONE);
		if (result)
			end_monitor(monitor);
	}
	if (result) {
		container->pid = 0;
		if (sandbox.made_cgroup)
			cgroup_remove(sandbox.cgroup, &ignored);
		unlinkat(container->fd, "monitor.log", 0);
		unlinkat(container->fd, "control", 0);
	}
	cgroup_free(sandbox.cgroup);
	return result;
}

/* ---- start, wait ---- */

static int sandbox_start(struct container *container, const struct spec *spec, struct error *error)
{
	struct control_reply reply;

	if (FAULT("start"))
		return -1;
	if (!monitor_lives(container))
		return fail(error, 0, "cannot start a container that has stopped");
	if (was_started(container))
		return fail(error, 0, "cannot start an already running container");
	if (spec->hooks && hooks_run(&spec->hooks->start_container, "startContainer", container, "created", error))
		return -1;
	json_object_object_add(container->data, "started", json_object_new_boolean(true));
	if (container_save(container, error) || oci_ask(container, CONTROL_START, NULL, &reply, NULL, error))
		return -1;
	if (spec->hooks && hooks_run(&spec->hooks->poststart, "poststart", container, "running", error)) {
		kill(container->pid, SIGKILL);
		return -1;
	}
	return 0;
}

static int sandbox_wait(struct container *container, struct error *error)
{
	return native_attend(container->pid, container->terminal, error);
}

/* ---- signals ---- */

static int sandbox_kill(struct container *container, int signal, bool all, struct error *error)
{
	const uint64_t argument[4] = { signal, all };
	struct control_reply reply;
	struct error ignored = { 0 };

	if (!monitor_lives(container))
		return all ? 0 : fail(error, 0, "container not running");
	if (oci_ask(container, CONTROL_KILL, argument, &reply, NULL, signal == SIGKILL ? &ignored : error) == 0)
		return 0;
	/* Whatever the kernel is at. */
	if (signal == SIGKILL)
		return kill(container->pid, SIGKILL) && errno != ESRCH ? fail(error, errno, "cannot kill the container's monitor") : 0;
	return error->code == ECONNRESET ? fail(error, 0, "container not running") : -1;
}

static int end(struct container *container, struct error *error)
{
	int pidfd = open_monitor(container), ready;
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return 0;
	pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	do
		ready = poll(&wait, 1, KILL_PATIENCE_MS);
	while (ready < 0 && errno == EINTR);
	close(pidfd);
	return ready > 0 ? 0 : fail(error, 0, "container %s does not end, although it was killed", container->id);
}

static int sandbox_delete(struct container *container, const struct spec *spec, bool force, struct error *error)
{
	enum container_status status = force ? CONTAINER_STOPPED : sandbox_status(container);
	struct cgroup *cgroup;
	int result = 0;

	if (status != CONTAINER_STOPPED && status != CONTAINER_CREATED)
		return fail(error, 0, "cannot delete container %s that is not stopped: %s", container->id, container_status_name(status));
	if (end(container, error))
		return -1;
	if (!container->pid)
		return 0;
	cgroup = saved_cgroup(container, error);
	if (cgroup)
		result = cgroup_remove(cgroup, error);
	cgroup_free(cgroup);
	unlinkat(container->fd, "monitor.log", 0);
	if (result == 0 && spec && spec->hooks)
		hooks_run_poststop(&spec->hooks->poststop, container);
	return result;
}

static int sandbox_pause(struct container *container, struct error *error)
{
	struct control_reply reply;

	return must_be(container, CONTAINER_RUNNING, error) || oci_ask(container, CONTROL_FREEZE, NULL, &reply, NULL, error) ? -1 : 0;
}

static int sandbox_resume(struct container *container, struct error *error)
{
	struct control_reply reply;

	return must_be(container, CONTAINER_PAUSED, error) || oci_ask(container, CONTROL_THAW, NULL, &reply, NULL, error) ? -1 : 0;
}

/* The monitor, and the host processes of the container. What runs inside shows `linuxd ps CONTAINER` without --format. */
static int sandbox_ps(struct container *container, pid_t **ret_pids, int *ret_nr, struct error *error)
{
	struct cgroup *cgroup = saved_cgroup(container, error);
	int result = cgroup ? cgroup_pids(cgroup, ret_pids, ret_nr, error) : -1;

	cgroup_free(cgroup);
	return result;
}

const struct container_mode sandbox_mode = {
	.name = "sandbox",
	.create = sandbox_mode_create,
	.start = sandbox_start,
	.status = sandbox_status,
	.wait = sandbox_wait,
	.exec = oci_exec,
	.kill = sandbox_kill,
	.pause = sandbox_pause,
	.resume = sandbox_resume,
	.update = oci_update,
	.events = oci_events,
	.ps = sandbox_ps,
	.delete = sandbox_delete,
};
