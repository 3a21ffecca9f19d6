/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/native/idmap.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"
#include "runtime/remedy.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* ---- plan ---- */

static int open_namespace(const struct spec_namespace *namespace, size_t index, struct error *error)
{
	int fd = open(namespace->path, O_RDONLY | O_CLOEXEC | O_NOCTTY), type;

	if (fd < 0)
		return fail(error, errno, "linux.namespaces[%zu].path: cannot open %s", index, namespace->path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type == namespace->type)
		return fd;
	close(fd);
	if (type < 0)
		return fail(error, 0, "linux.namespaces[%zu].path: %s is no namespace", index, namespace->path);
	return fail(error, 0, "linux.namespaces[%zu].path: %s is a namespace of type %s, not %s", index, namespace->path,
		    spec_namespace_name(type), spec_namespace_name(namespace->type));
}

int ns_plan(const struct spec *spec, struct ns_plan *plan, struct error *error)
{
	bool joins_user = false, joins_pid = false;

	memset(plan, 0, sizeof(*plan));
	for (size_t i = 0; i < spec->linux_->nr_namespaces; i++) {
		const struct spec_namespace *namespace = &spec->linux_->namespaces[i];
		int fd;

		if (!namespace->path) {
			if (namespace->type == CLONE_NEWCGROUP)
				plan->create_cgroup = true;
			else
				plan->create |= namespace->type;
			continue;
		}
		fd = open_namespace(namespace, i, error);
		if (fd < 0) {
			ns_plan_close(plan);
			return -1;
		}
		plan->join[plan->nr_join].type = namespace->type;
		plan->join[plan->nr_join++].fd = fd;
		joins_user |= namespace->type == CLONE_NEWUSER;
		joins_pid |= namespace->type == CLONE_NEWPID;
	}
	plan->user = joins_user || (plan->create & CLONE_NEWUSER);
	plan->middle = joins_user || joins_pid || (plan->create & CLONE_NEWTIME) || ((plan->create & CLONE_NEWUSER) && plan->nr_join);
	return 0;
}

void ns_plan_close(struct ns_plan *plan)
{
	for (int i = 0; i < plan->nr_join; i++)
		close(plan->join[i].fd);
	plan->nr_join = 0;
}

static int join_failed(int type, struct error *error)
{
	return fail(error, errno, "cannot join the namespace of type %s", spec_namespace_name(type));
}

/*
 * Those that belong to the host must be joined with the rights that we have before we enter another user namespace, those that belong to that one
 * only after. The mount namespace comes last: it takes the root directory with it.
 */
int ns_join(const struct ns_plan *plan, struct error *error)
{
	bool joined[NS_MAX] = { false };
	int user = -1, mount = -1;

	for (int i = 0; i < plan->nr_join; i++) {
		if (plan->join[i].type == CLONE_NEWUSER)
			user = i;
		else if (plan->join[i].type == CLONE_NEWNS)
			mount = i;
		else if (setns(plan->join[i].fd, plan->join[i].type) == 0)
			joined[i] = true;
		else if (errno != EPERM)
			return join_failed(plan->join[i].type, error);
	}
	if (user >= 0 && setns(plan->join[user].fd, CLONE_NEWUSER))
		return join_failed(CLONE_NEWUSER, error);
	for (int i = 0; i < plan->nr_join; i++)
		if (i != user && i != mount && !joined[i] && setns(plan->join[i].fd, plan->join[i].type))
			return join_failed(plan->join[i].type, error);
	if (mount >= 0 && setns(plan->join[mount].fd, CLONE_NEWNS))
		return join_failed(CLONE_NEWNS, error);
	return 0;
}

/* ---- processes ---- */

pid_t ns_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = flags | (ret_pidfd ? CLONE_PIDFD : 0) | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uintptr_t)ret_pidfd,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

static int set_offsets(const struct spec *spec, struct error *error)
{
	int proc = path_open_procfs(error);
	char line[100];

	if (proc < 0)
		return -1;
	for (size_t i = 0; i < spec->linux_->nr_time_offsets; i++) {
		const struct spec_time_offset *offset = &spec->linux_->time_offsets[i];

		snprintf(line, sizeof(line), "%s %lld %u\n", offset->key, (long long)offset->secs, offset->nanosecs);
		if (path_write(proc, "self/timens_offsets", line)) {
			fail(error, errno, "linux.timeOffsets: cannot set the offset of %s to %lld s", offset->key, (long long)offset->secs);
			close(proc);
			return -1;
		}
	}
	close(proc);
	return 0;
}

static int become_root(struct error *error)
{
	/* Without setgroups (a rootless mapping of a single group) there are no others to drop. */
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return fail(error, errno, "cannot become root of the user namespace");
	return 0;
}

static int make_user_namespace(const struct ns_spawn *spawn, struct error *error)
{
	if (unshare(CLONE_NEWUSER))
		return fail(error, errno, "cannot make a user namespace");
	sync_send(spawn->child_sync, SYNC_MAP, getpid());
	return sync_wait_go(spawn->child_sync, error) || become_root(error) ? -1 : 0;
}

static pid_t middle(const struct ns_spawn *spawn, struct error *error)
{
	uint64_t create = spawn->plan->create;
	pid_t pid;

	if (ns_join(spawn->plan, error))
		return -1;
	if (create & CLONE_NEWUSER) {
		if (make_user_namespace(spawn, error))
			return -1;
	} else if (spawn->plan->user && become_root(error)) {
		return -1;
	}
	create &= ~(uint64_t)CLONE_NEWUSER;
	if (create & CLONE_NEWTIME) {
		if (unshare(CLONE_NEWTIME))
			return fail(error, errno, "cannot make a time namespace");
		if (set_offsets(spawn->spec, error))
			return -1;
		create &= ~(uint64_t)CLONE_NEWTIME;
	}
	pid = ns_clone(create | CLONE_PARENT, spawn->cgroup_fd, NULL);
	return pid < 0 ? fail(error, errno, "cannot make the container's namespaces") : pid;
}

static int middle_main(const struct ns_spawn *spawn)
{
	struct error error = { 0 };
	pid_t pid = middle(spawn, &error);

	if (pid == 0)
		return spawn->init(spawn->argument);
	if (pid < 0)
		sync_send_error(spawn->child_sync, &error);
	else
		sync_send(spawn->child_sync, SYNC_PID, pid);
	return pid < 0;
}

/* What the process in the middle asks for, until it names init's pid. */
static pid_t serve_middle(const struct ns_spawn *spawn, pid_t child, struct error *error)
{
	int32_t value;

	for (;;) {
		switch (sync_receive(spawn->sync, &value, error)) {
		case SYNC_PID:
			return value;
		case SYNC_MAP:
			if (idmap_write(child, &spawn->spec->linux_->uid_mappings, &spawn->spec->linux_->gid_mappings, spawn->rootless, error))
				return -1;
			spawn->plan->mapped = true;
			sync_send(spawn->sync, SYNC_GO, 0);
			break;
		case SYNC_ERROR:
			return -1;
		default:
			return fail(error, 0, "the process that makes the namespaces has died");
		}
	}
}

static pid_t spawn_with_middle(const struct ns_spawn *spawn, int *ret_pidfd, struct error *error)
{
	pid_t child = ns_clone(0, -1, NULL), pid;

	if (child == 0)
		_exit(middle_main(spawn));
	if (child < 0)
		return fail(error, errno, "cannot make a process");
	pid = serve_middle(spawn, child, error);
	if (pid < 0)
		kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return -1;
	*ret_pidfd = pidfd_open(pid, 0);
	if (*ret_pidfd < 0) {
		fail(error, errno, "cannot open the container's process");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	return pid;
}

pid_t ns_spawn(const struct ns_spawn *spawn, int *ret_pidfd, struct error *error)
{
	pid_t pid;

	if (FAULT("namespaces"))
		return -1;
	if (spawn->plan->middle)
		return spawn_with_middle(spawn, ret_pidfd, error);
	pid = ns_clone(spawn->plan->create, spawn->cgroup_fd, ret_pidfd);
	if (pid == 0)
		_exit(spawn->init(spawn->argument));
	if (pid < 0) {
		fail(error, errno, "cannot make the container's namespaces");
		if (errno == EPERM)
			return fail_remedy_of(error, REMEDY_NEED_NAMESPACES);
		return fail_remedy(error, "\"linuxd check\" says what this host offers");
	}
	return pid;
}
