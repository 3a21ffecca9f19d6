/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native mode: the container's programs run on the host's kernel, behind namespaces, cgroups, capabilities, seccomp and the labels of a security
 * module.
 */
#include "runtime/native/native.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/init.h"
#include "runtime/native/intel_rdt.h"
#include "runtime/native/self.h"
#include "runtime/native/sync.h"

#define START_PATIENCE_MS 60000
#define KILL_PATIENCE_MS 10000
#define KILL_STEP_MS 500
#define REAP_PATIENCE_MS 2000 /* for parents outside who are only slow */

/* ---- what there is ---- */

struct cgroup *native_cgroup(const struct container *container, struct error *error)
{
	struct json_object *saved;
	struct cgroup *cgroup = NULL;

	if (!json_object_object_get_ex(container->data, "cgroup", &saved))
		fail(error, 0, "container %s has no cgroup in its state", container->id);
	else if (cgroup_load(saved, &cgroup, error))
		return NULL;
	return cgroup;
}

bool native_has_namespace(const struct container *container, int type)
{
	struct json_object *saved;

	return json_object_object_get_ex(container->data, "namespaces", &saved) && (json_object_get_int64(saved) & type);
}

static bool init_lives(const struct container *container)
{
	char state = 0;

	return container->pid > 0 && process_start_time(container->pid, &state) == container->pid_start && state != 'Z' && state != 'X';
}

/* Opened first and looked at then: so it is the same process. */
int native_open_init(const struct container *container)
{
	int fd = container->pid > 0 ? pidfd_open(container->pid, 0) : -1;

	if (fd >= 0 && !init_lives(container)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool is_frozen(const struct container *container)
{
	struct error ignored = { 0 };
	struct cgroup *cgroup = native_cgroup(container, &ignored);
	bool frozen = cgroup && cgroup_is_frozen(cgroup);

	cgroup_free(cgroup);
	return frozen;
}

static enum container_status native_status(struct container *container)
{
	if (!container->pid)
		return CONTAINER_STOPPED;
	if (!init_lives(container))
		return CONTAINER_STOPPED;
	if (is_frozen(container))
		return CONTAINER_PAUSED;
	return faccessat(container->fd, "exec.fifo", F_OK, 0) == 0 ? CONTAINER_CREATED : CONTAINER_RUNNING;
}

/* ---- start ---- */

/* Opening the reading end lets init go on; what it writes says that it has, and that it closes the other end that the program runs (@until_exec). */
static int open_gate(struct container *container, int pidfd, bool until_exec, struct error *error)
{
	int fifo = openat(container->fd, "exec.fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct pollfd polls[2] = { { .fd = fifo, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	char byte = 0;
	int ready;

	if (fifo < 0)
		return errno == ENOENT ? fail(error, 0, "cannot start an already running container")
				       : fail(error, errno, "cannot open exec.fifo");
	do
		ready = poll(polls, 2, START_PATIENCE_MS);
	while (ready < 0 && errno == EINTR);
	if (read(fifo, &byte, 1) != 1)
		byte = 0;
	/* The process may have ended since, with its end of the fifo. */
	while (byte && until_exec && (ready = poll(polls, 1, START_PATIENCE_MS)) < 0 && errno == EINTR)
		;
	close(fifo);
	unlinkat(container->fd, "exec.fifo", 0);
	if (byte)
		return 0;
	return fail(error, 0, "cannot start container %s: its init %s", container->id, ready ? "has ended" : "does not answer");
}

static int native_start(struct container *container, const struct spec *spec, struct error *error)
{
	int pidfd, result;

	if (FAULT("start"))
		return -1;
	pidfd = native_open_init(container);
	if (pidfd < 0)
		return fail(error, 0, "cannot start a container that has stopped");
	result = open_gate(container, pidfd, spec->hooks && spec->hooks->poststart.nr, error);
	if (result == 0 && spec->hooks && hooks_run(&spec->hooks->poststart, "poststart", container, "running", error)) {
		/* As runc does: what must be done around a container was not, so it may not go on. */
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		result = -1;
	}
	close(pidfd);
	return result;
}

/* ---- signals ---- */

static int native_kill(struct container *container, int signal, bool all, struct error *error)
{
	int pidfd = native_open_init(container), result = 0;

	/* Those who share the host's pid namespace do not die with init. */
	if (all || (signal == SIGKILL && !native_has_namespace(container, CLONE_NEWPID))) {
		struct cgroup *cgroup = native_cgroup(container, error);

		result = cgroup ? cgroup_kill(cgroup, signal, error) : -1;
		cgroup_free(cgroup);
	} else if (pidfd < 0) {
		result = fail(error, 0, "container not running");
	}
	if (pidfd >= 0) {
		if (!all && pidfd_send_signal(pidfd, signal, NULL, 0))
			result = errno == ESRCH ? fail(error, 0, "container not running") : fail(error, errno, "cannot send signal %d", signal);
		close(pidfd);
	}
	/* A frozen one gets it when it is thawed; of SIGKILL everybody expects more. */
	if (result == 0 && signal == SIGKILL && is_frozen(container)) {
		struct cgroup *cgroup = native_cgroup(container, error);

		result = cgroup ? cgroup_freeze(cgroup, false, error) : -1;
		cgroup_free(cgroup);
	}
	return result;
}

/*
 * The init of a pid namespace ends when nobody is in it any more, zombies included. Those that `exec` brought have their parents outside, and who
 * does not wait for them keeps init for ever.
 */
static bool waits_for_zombies(const struct container *container)
{
	char path[40], where[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/wchan", container->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, where, sizeof(where) - 1) < 0)
		where[0] = '\0';
	close(fd);
	return !strcmp(where, "zap_pid_ns_processes");
}

static int end_init(struct container *container, struct error *error)
{
	int pidfd = native_open_init(container), ready, waited = 0;
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return 0;
	pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (is_frozen(container)) {
		struct error ignored = { 0 };
		struct cgroup *cgroup = native_cgroup(container, &ignored);

		if (cgroup)
			cgroup_freeze(cgroup, false, &ignored);
		cgroup_free(cgroup);
	}
	do {
		ready = poll(&wait, 1, KILL_STEP_MS);
		waited += KILL_STEP_MS;
	} while (ready <= 0 && waited < KILL_PATIENCE_MS && !(waited >= REAP_PATIENCE_MS && waits_for_zombies(container)));
	close(pidfd);
	if (ready > 0)
		return 0;
	fail(error, 0, "container %s does not end, although it was killed", container->id);
	if (waits_for_zombies(container))
		fail_remedy(error, "a process in it has ended whose parent, outside, does not wait for it: end that parent (ps -eo pid,ppid,stat,args "
				   "shows the process with state Z), then delete the container again");
	return -1;
}

static int native_delete(struct container *container, const struct spec *spec, bool force, struct error *error)
{
	enum container_status status = native_status(container);
	struct cgroup *cgroup;
	int result;

	if (!force && status != CONTAINER_STOPPED && status != CONTAINER_CREATED)
		return fail(error, 0, "cannot delete container %s that is not stopped: %s", container->id, container_status_name(status));
	if (end_init(container, error))
		return -1;
	/* It may never have got as far as that. */
	if (!container->pid)
		return 0;
	container_trim();
	cgroup = native_cgroup(container, error);
	result = cgroup ? cgroup_remove(cgroup, error) : -1;
	cgroup_free(cgroup);
	if (result)
		return -1;
	if (spec && spec->linux_->intel_rdt)
		intel_rdt_remove(spec->linux_->intel_rdt, container->id);
	if (spec && spec->hooks)
		hooks_run_poststop(&spec->hooks->poststop, container);
	return 0;
}

/* ---- cgroups ---- */

static int freeze(struct container *container, bool frozen, struct error *error)
{
	struct cgroup *cgroup = native_cgroup(container, error);
	int result = cgroup ? cgroup_freeze(cgroup, frozen, error) : -1;

	cgroup_free(cgroup);
	return result;
}

static int native_pause(struct container *container, struct error *error)
{
	enum container_status status = native_status(container);

	if (status != CONTAINER_RUNNING && status != CONTAINER_CREATED)
		return fail(error, 0, "container not running or created: %s", container_status_name(status));
	return freeze(container, true, error);
}

static int native_resume(struct container *container, struct error *error)
{
	if (native_status(container) != CONTAINER_PAUSED)
		return fail(error, 0, "container not paused");
	return freeze(container, false, error);
}

static int native_update(struct container *container, const struct spec_resources *resources, struct error *error)
{
	struct cgroup *cgroup = native_cgroup(container, error);
	int result = cgroup ? cgroup_update(cgroup, resources, error) : -1;

	if (result == 0) {
		json_object_object_add(container->data, "cgroup", cgroup_save(cgroup));
		container_warn_lines(container, cgroup_warnings(cgroup));
	}
	cgroup_free(cgroup);
	return result ? -1 : container_save(container, error);
}

static int native_update_schemata(struct container *container, const char *l3_cache, const char *memory_bandwidth, struct error *error)
{
	struct spec *spec = container_spec(container, error);
	int result = -1;

	if (spec && !spec->linux_->intel_rdt)
		fail(error, 0, "container %s was created without linux.intelRdt: it has no group of its own for schemata", container->id);
	else if (spec)
		result = intel_rdt_update(&(struct spec_intel_rdt){ .clos_id = spec->linux_->intel_rdt->clos_id,
								    .l3_cache_schema = l3_cache,
								    .mem_bw_schema = memory_bandwidth },
					  container->id, error);
	spec_free(spec);
	return result;
}

static int native_ps(struct container *container, pid_t **ret_pids, int *ret_nr, struct error *error)
{
	struct cgroup *cgroup = native_cgroup(container, error);
	int result = cgroup ? cgroup_pids(cgroup, ret_pids, ret_nr, error) : -1;

	cgroup_free(cgroup);
	return result;
}

/* A line each time, and one for each time that it ran out of memory; until it is gone. */
static int watch(struct container *container, struct cgroup *cgroup, const struct container_events *options, int pidfd, struct error *error)
{
	struct cgroup_oom oom = { .fd = -1 };
	struct error ignored = { 0 };
	int result = 0;

	if (cgroup_oom_open(cgroup, &oom, &ignored))
		oom.fd = -1;
	while (result == 0) {
		struct pollfd polls[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = oom.fd, .events = POLLIN } };
		int ready = poll(polls, 2, options->interval_ms);

		if (ready < 0 && errno != EINTR)
			break;
		if (ready > 0 && polls[1].revents) {
			int times = cgroup_oom_read(&oom);

			for (int i = 0; i < times; i++)
				fprintf(options->out, "{\"type\":\"oom\",\"id\":\"%s\"}\n", container->id);
			if (times < 0)
				break;
		}
		if (ready > 0 && polls[0].revents)
			break;
		if (ready == 0)
			result = cgroup_write_stats(cgroup, container->id, options->out, error);
		fflush(options->out);
	}
	if (oom.fd >= 0)
		cgroup_oom_close(&oom);
	return result;
}

static int native_events(struct container *container, const struct container_events *options, struct error *error)
{
	int pidfd = native_open_init(container), result;
	struct cgroup *cgroup;

	if (pidfd < 0)
		return fail(error, 0, "container with id %s is not running", container->id);
	cgroup = native_cgroup(container, error);
	if (!cgroup)
		result = -1;
	else if (options->stats)
		result = cgroup_write_stats(cgroup, container->id, options->out, error);
	else
		result = watch(container, cgroup, options, pidfd, error);
	cgroup_free(cgroup);
	close(pidfd);
	return result;
}

const struct container_mode native_mode = {
	.name = "native",
	.prepare = self_protect,
	.create = native_create,
	.start = native_start,
	.status = native_status,
	.wait = native_wait,
	.exec = native_exec,
	.kill = native_kill,
	.pause = native_pause,
	.resume = native_resume,
	.update = native_update,
	.update_schemata = native_update_schemata,
	.events = native_events,
	.ps = native_ps,
	.delete = native_delete,
	.checkpoint = native_checkpoint,
	.restore = native_restore,
};
