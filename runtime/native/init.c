/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init of a container, from the clone to the exec of the program. What fails on the way is told to the runtime (sync.h), which undoes what there
 * is; after SYNC_READY the process is on its own and waits for `start` at the fifo.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/init.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"

static int become_container_root(const struct init *init, struct error *error)
{
	if (!init->plan->user)
		return 0;
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return fail(error, errno, "cannot become root of the user namespace");
	return 0;
}

static int join_keyring(const struct init *init, struct error *error)
{
	char name[300];

	if (init->options->no_new_keyring)
		return 0;
	if (label_keyring(init, error))
		return -1;
	snprintf(name, sizeof(name), "_ses.%s", init->container->id);
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 && errno != ENOSYS)
		return fail(error, errno, "cannot make a session keyring");
	return 0;
}

/* /proc/sys/a/b/c for "a.b.c" or "a/b/c"; with slashes, a dot is a dot (network interfaces have them). */
static int set_sysctl(const struct init *init, const struct spec_pair *setting, struct error *error)
{
	char path[512];
	bool slashes = strchr(setting->key, '/');

	if ((size_t)snprintf(path, sizeof(path), "sys/%s", setting->key) >= sizeof(path))
		return fail(error, 0, "linux.sysctl: a name is too long");
	for (char *at = path; *at && !slashes; at++)
		if (*at == '.')
			*at = '/';
	if (path_write(init->proc, path, setting->value))
		return fail(error, errno, "linux.sysctl: cannot set %s to %.100s", setting->key, setting->value);
	return 0;
}

/* What belongs to namespaces. */
static int set_names(const struct init *init, struct error *error)
{
	const struct spec *spec = init->spec;

	if (FAULT("names"))
		return -1;
	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)))
		return fail(error, errno, "hostname: cannot set it");
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)))
		return fail(error, errno, "domainname: cannot set it");
	for (size_t i = 0; i < spec->linux_->sysctl.nr; i++)
		if (set_sysctl(init, &spec->linux_->sysctl.items[i], error))
			return -1;
	return 0;
}

static int enter_groups(struct init *init, struct error *error)
{
	init->joined = true;
	if (sync_ask_join(init, error))
		return -1;
	return init->nr_doors >= 0 ? cgroup_pass_doors(init->doors, init->nr_doors, error) : 0;
}

static int make_cgroup_namespace(const struct init *init, struct error *error)
{
	if (init->plan->create_cgroup && unshare(CLONE_NEWCGROUP))
		return fail(error, errno, "cannot make a cgroup namespace");
	return 0;
}

int init_join(struct init *init, struct error *error)
{
	return init->joined ? 0 : enter_groups(init, error) || make_cgroup_namespace(init, error) ? -1 : 0;
}

/* With a user namespace, and with namespaces of others, the groups must be entered while we have the host's rights and see its tree. */
static int enter_namespaces(struct init *init, struct error *error)
{
	if (init->joins_late)
		return 0;
	if (enter_groups(init, error))
		return -1;
	if (!init->plan->middle && ns_join(init->plan, error))
		return -1;
	return make_cgroup_namespace(init, error) || become_container_root(init, error) ? -1 : 0;
}

static int run_hooks(struct init *init, struct error *error)
{
	const struct spec_hooks *hooks = init->spec->hooks;

	if (!hooks)
		return 0;
	if (hooks->prestart.nr || hooks->create_runtime.nr) {
		sync_send(init->sync, SYNC_HOOKS, 0);
		if (sync_wait_go(init->sync, error))
			return -1;
	}
	return hooks_run(&hooks->create_container, "createContainer", init->container, "creating", error);
}

/* While the root may be written to, and as its owner. If it cannot be made, changing to it says so. */
static void make_cwd(const struct init *init)
{
	int fd = path_make(init->root, init->process->cwd, true);

	if (fd >= 0)
		close(fd);
}

static int make_root(struct init *init, struct error *error)
{
	bool has_mounts = spec_namespace(init->spec, CLONE_NEWNS);

	if (rootfs_prepare(init, error) || (has_mounts && mount_all(init, error)))
		return -1;
	if (has_mounts && devices_make(init, error))
		return -1;
	if (init_join(init, error) || run_hooks(init, error))
		return -1;
	if (init->process->terminal && console_set_up(init, true, error))
		return -1;
	if (has_mounts && (mount_finish(init, error) || rootfs_cover(init, error)))
		return -1;
	make_cwd(init);
	return rootfs_enter(init, error);
}

static int prepare(struct init *init, struct error *error)
{
	if (setsid() < 0)
		return fail(error, errno, "cannot make a session");
	if (sync_wait_go(init->sync, error))
		return -1;
	/* From now on nobody inside may look into this process, which is the runtime still. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask(0);
	if (FAULT("init"))
		return -1;
	init->proc = -1;
	/* The v1 hierarchies are told from /proc/self/cgroup as it was without a cgroup namespace: the names are the same. */
	if (enter_namespaces(init, error))
		return -1;
	init->proc = path_open_procfs(error);
	/* As root of the container, whose processes are to find it, and with a procfs to say its label by. */
	if (init->proc < 0 || join_keyring(init, error) || make_root(init, error) || set_names(init, error))
		return -1;
	return process_attributes(init, error);
}

/* The order matters: labels while we may, the filter before rights are lost unless no_new_privs makes it possible after. */
static int narrow(struct init *init, struct error *error)
{
	const struct spec_process *process = init->process;
	unsigned int listen_fds = getenv("LISTEN_FDS") ? (unsigned int)strtoul(getenv("LISTEN_FDS"), NULL, 10) : 0;

	if (process_close(init, error))
		return -1;
	if (process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(error, errno, "cannot set no_new_privs");
	if (label_apply(init, error) || (!process->no_new_privileges && seccomp_apply_filter(init, error)))
		return -1;
	if (process_become(init, error))
		return -1;
	init->env = process_environment(process, listen_fds, error);
	return init->env ? 0 : -1;
}

/* Blocks until `start` opens the other end. Ours stays open until the exec: its end tells `start` that the program runs. */
static int wait_for_start(const struct init *init)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "self/fd/%d", init->fifo);
	fd = openat(init->proc, path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "0", 1) != 1 ? -1 : 0;
}

static int run(struct init *init, const char *program)
{
	const struct spec_hooks *hooks = init->spec->hooks;
	struct error error = { 0 };

	if (hooks && hooks_run(&hooks->start_container, "startContainer", init->container, "created", &error)) {
		dprintf(2, "linuxd: %s\n", error.text);
		return 1;
	}
	execve(program, (char *const *)init->process->args.items, init->env);
	dprintf(2, "exec %s: %s\n", program, strerror(errno));
	return 1;
}

int init_main(void *argument)
{
	struct init *init = argument;
	struct error error = { 0 };
	char *program = NULL;

	if (prepare(init, &error) == 0 && narrow(init, &error) == 0)
		program = process_find(init, &error);
	if (program && init->process->no_new_privileges && seccomp_apply_filter(init, &error))
		program = NULL;
	if (!program) {
		sync_send_error(init->sync, &error);
		return 1;
	}
	sync_send(init->sync, SYNC_READY, 0);
	close(init->sync);
	if (init->fifo >= 0 && wait_for_start(init))
		return 1;
	return run(init, program);
}
