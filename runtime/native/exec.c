/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exec` in native mode: a further process in the namespaces and cgroups of a container.
 *
 * The runtime enters the pid namespace for its children, and its child the other namespaces, all at once by init's pidfd. Where the runtime may
 * not do that (without the host's rights), a process in the middle enters all and clones a sibling.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/cpulist.h"
#include "runtime/native/init.h"
#include "runtime/native/native.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"

struct entry {
	struct container *container;
	const struct container_exec *options;
	struct container_create create; /* what the shared parts look at */
	struct init init;
	struct ns_plan plan;
	struct sock_fprog *filter;
	uint64_t namespaces;   /* to be entered */
	int init_pidfd;
	int sync[2], terminal[2];
	pid_t pid;
	int pidfd;
	struct cgroup *cgroup;
	int cgroup_fd;         /* of the v2 tree, where the rest is entered through doors; else -1 */
};

/* ---- inside ---- */

static int enter(struct entry *entry, uint64_t namespaces, struct error *error)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (entry->init.nr_doors >= 0 && cgroup_pass_doors(entry->init.doors, entry->init.nr_doors, error))
		return -1;
	if (namespaces && setns(entry->init_pidfd, namespaces))
		return fail(error, errno, "cannot enter the namespaces of the container");
	if (entry->plan.user && (setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		return fail(error, errno, "cannot become root of the user namespace");
	return 0;
}

static int prepare(struct entry *entry, struct error *error)
{
	struct init *init = &entry->init;
	char name[300];

	if (setsid() < 0)
		return fail(error, errno, "cannot make a session");
	umask(0);
	snprintf(name, sizeof(name), "_ses.%s", entry->container->id);
	if (label_keyring(init, error))
		return -1;
	/* The one of the container, if it may be joined; else it stays with the caller's, which init has not. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 && errno != ENOSYS &&
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return fail(error, errno, "cannot make a session keyring");
	init->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (init->root < 0)
		return fail(error, errno, "cannot open the container's root directory");
	if (init->process->terminal && console_set_up(init, false, error))
		return -1;
	return process_attributes(init, error);
}

static int narrow(struct init *init, struct error *error)
{
	const struct spec_process *process = init->process;

	if (process_close(init, error))
		return -1;
	if (process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(error, errno, "cannot set no_new_privs");
	if (label_apply(init, error) || (!process->no_new_privileges && seccomp_apply_filter(init, error)))
		return -1;
	if (process_become(init, error))
		return -1;
	init->env = process_environment(process, 0, error);
	return init->env ? 0 : -1;
}

static int inside(struct entry *entry, struct error *error, char **ret_program)
{
	struct init *init = &entry->init;

	init->proc = path_open_procfs(error);
	if (init->proc < 0 || prepare(entry, error) || narrow(init, error))
		return -1;
	*ret_program = process_find(init, error);
	if (!*ret_program)
		return -1;
	return init->process->no_new_privileges ? seccomp_apply_filter(init, error) : 0;
}

static int child_main(struct entry *entry, uint64_t namespaces)
{
	struct init *init = &entry->init;
	struct error error = { 0 };
	char *program = NULL;

	close(entry->sync[0]);
	if (sync_wait_go(init->sync, &error) || enter(entry, namespaces, &error) || inside(entry, &error, &program)) {
		sync_send_error(init->sync, &error);
		return 1;
	}
	sync_send(init->sync, SYNC_READY, 0);
	close(init->sync);
	execve(program, (char *const *)init->process->args.items, init->env);
	dprintf(2, "exec %s: %s\n", program, strerror(errno));
	return 1;
}

/* ---- from outside ---- */

static int middle_main(struct entry *entry)
{
	struct error error = { 0 };
	pid_t pid = -1;

	if (enter(entry, entry->namespaces, &error) == 0) {
		pid = ns_clone(CLONE_PARENT, -1, NULL);
		if (pid == 0)
			return child_main(entry, 0);
		if (pid < 0)
			fail(&error, errno, "cannot make a process");
	}
	if (pid < 0)
		sync_send_error(entry->init.sync, &error);
	else
		sync_send(entry->init.sync, SYNC_PID, pid);
	return pid < 0;
}

static int spawn_by_middle(struct entry *entry, struct error *error)
{
	pid_t child = ns_clone(0, -1, NULL);
	enum sync_kind kind;
	int32_t pid = -1;

	if (child == 0)
		_exit(middle_main(entry));
	if (child < 0)
		return fail(error, errno, "cannot make a process");
	kind = sync_receive(entry->sync[0], &pid, error);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (kind != SYNC_PID)
		return kind == SYNC_ERROR ? -1 : fail(error, 0, "the process that enters the container has died");
	entry->pid = pid;
	entry->pidfd = pidfd_open(pid, 0);
	return entry->pidfd < 0 ? fail(error, errno, "cannot open the process") : 0;
}

static int spawn(struct entry *entry, struct error *error)
{
	uint64_t rest = entry->namespaces & ~(uint64_t)CLONE_NEWPID;

	/* For our children: we stay where we are. */
	if ((entry->namespaces & CLONE_NEWPID) && setns(entry->init_pidfd, CLONE_NEWPID))
		return errno == EPERM && entry->init.nr_doors < 0 ? spawn_by_middle(entry, error)
									: fail(error, errno, "cannot enter the container's pid namespace");
	entry->pid = ns_clone(0, entry->init.nr_doors >= 0 ? entry->cgroup_fd : -1, &entry->pidfd);
	if (entry->pid == 0)
		_exit(child_main(entry, rest));
	return entry->pid < 0 ? fail(error, errno, "cannot make a process in the container") : 0;
}

static int set_affinity(pid_t pid, const char *list, const char *name, struct error *error)
{
	unsigned long cpus[CPULIST_WORDS] = { 0 };

	if (!list)
		return 0;
	if (cpulist_parse(list, cpus))
		return fail(error, 0, "process.execCPUAffinity.%s: \"%.100s\" is no list of cpus, as in 0-3,7", name, list);
	if (syscall(SYS_sched_setaffinity, pid, sizeof(cpus), cpus))
		return fail(error, errno, "process.execCPUAffinity.%s: cannot set it to %s", name, list);
	return 0;
}

static int admit(struct entry *entry, struct error *error)
{
	const struct spec_process *process = entry->options->process;
	const struct spec_affinity *affinity = process->exec_cpu_affinity;
	int result = 0;

	if (affinity && set_affinity(entry->pid, affinity->initial, "initial", error))
		return -1;
	if (entry->init.nr_doors < 0)
		result = cgroup_join(entry->cgroup, entry->container->pid, entry->options->subgroups, entry->options->nr_subgroups, entry->pid,
				     error);
	if (result || (affinity && set_affinity(entry->pid, affinity->final, "final", error)))
		return -1;
	return process_limits(entry->pid, process, entry->container->rootless, error);
}

static int accompany(struct entry *entry, const struct spec *spec, struct error *error)
{
	int32_t value;

	sync_send(entry->sync[0], SYNC_GO, 0);
	for (;;) {
		switch (sync_receive(entry->sync[0], &value, error)) {
		case SYNC_LISTENER:
			if (seccomp_send_listener(entry->container, spec->linux_->seccomp, entry->pidfd, entry->pid, value, error))
				return -1;
			sync_send(entry->sync[0], SYNC_GO, 0);
			break;
		case SYNC_READY:
			return 0;
		case SYNC_ERROR:
			return -1;
		default:
			return fail(error, 0, "the process has ended before its program ran; is linux.seccomp too strict, or the container just ending?");
		}
	}
}

static int open_console(struct entry *entry, struct error *error)
{
	const struct container_exec *options = entry->options;

	if (!options->process->terminal)
		return options->console_socket ? fail(error, 0, "exec: --console-socket goes with a terminal only") : 0;
	if (options->console_socket) {
		entry->init.console = console_connect(options->console_socket, error);
		return entry->init.console < 0 ? -1 : 0;
	}
	if (options->detach)
		return fail(error, 0, "cannot allocate tty if runc will detach without setting console socket");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, entry->terminal))
		return fail(error, errno, "cannot make a socket pair for the terminal");
	entry->init.console = entry->terminal[1];
	return 0;
}

/*
 * Where all that counts is v1, the process enters by itself (cgroup_open_doors). Not when the cpus before and after that are asked for, nor where init
 * may have moved.
 */
static int open_cgroup(struct entry *entry, struct error *error)
{
	entry->cgroup = native_cgroup(entry->container, error);
	if (!entry->cgroup)
		return -1;
	if (cgroup_is_unified(entry->cgroup) || entry->container->rootless || entry->plan.user || entry->options->nr_subgroups ||
	    entry->options->process->exec_cpu_affinity)
		return 0;
	entry->cgroup_fd = cgroup_clone_fd(entry->cgroup);
	entry->init.nr_doors = cgroup_open_doors(entry->cgroup, entry->init.doors);
	return 0;
}

static void close_cgroup(struct entry *entry)
{
	for (int i = 0; i < entry->init.nr_doors; i++)
		close(entry->init.doors[i]);
	if (entry->cgroup_fd >= 0)
		close(entry->cgroup_fd);
	cgroup_free(entry->cgroup);
}

static int open_all(struct entry *entry, const struct spec *spec, struct error *error)
{
	struct init *init = &entry->init;

	entry->init_pidfd = native_open_init(entry->container);
	if (entry->init_pidfd < 0)
		return fail(error, 0, "cannot exec in a stopped container");
	if (process_check_preserved(init->preserve_fds, error) || open_console(entry, error) || open_cgroup(entry, error))
		return -1;
	if (spec->linux_->seccomp &&
	    seccomp_compile(entry->container->root, spec, &entry->filter, &init->filter_flags, &init->filter_listener, error))
		return -1;
	init->filter = entry->filter;
	if (sync_open(entry->sync, error))
		return -1;
	init->sync = entry->sync[1];
	return 0;
}

static int run(struct entry *entry, const struct spec *spec, struct error *error)
{
	int terminal = -1, result = -1;

	if (open_all(entry, spec, error) || spawn(entry, error))
		return -1;
	close(entry->sync[1]);
	entry->sync[1] = -1;
	if (admit(entry, error) == 0 && accompany(entry, spec, error) == 0)
		result = 0;
	if (result == 0 && entry->terminal[0] >= 0)
		result = terminal = native_receive_terminal(entry->terminal[0], error);
	if (result >= 0 && entry->options->pid_file)
		result = container_write_pid(entry->options->pid_file, entry->pid, error);
	if (result < 0) {
		pidfd_send_signal(entry->pidfd, SIGKILL, NULL, 0);
		while (waitpid(entry->pid, NULL, 0) < 0 && errno == EINTR)
			;
	} else {
		result = entry->options->detach ? 0 : native_attend(entry->pid, terminal, error);
	}
	if (terminal >= 0)
		close(terminal);
	return result;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

int native_exec(struct container *container, const struct spec *spec, const struct container_exec *options, struct error *error)
{
	struct entry entry = {
		.container = container,
		.options = options,
		.init_pidfd = -1,
		.sync = { -1, -1 },
		.terminal = { -1, -1 },
		.pidfd = -1,
		.cgroup_fd = -1,
		.init = { .container = container, .spec = spec, .process = options->process, .proc = -1, .root = -1, .fifo = -1,
			  .console = -1, .null = -1, .nr_doors = -1, .preserve_fds = options->preserve_fds },
	};
	struct json_object *saved;
	int result;

	if (json_object_object_get_ex(container->data, "namespaces", &saved))
		entry.namespaces = json_object_get_int64(saved);
	entry.plan.user = entry.namespaces & CLONE_NEWUSER;
	entry.init.options = &entry.create;
	entry.init.plan = &entry.plan;
	result = run(&entry, spec, error);
	close_cgroup(&entry);
	close_if_open(entry.init_pidfd);
	close_if_open(entry.sync[0]);
	close_if_open(entry.sync[1]);
	close_if_open(entry.terminal[0]);
	close_if_open(entry.init.console);
	close_if_open(entry.pidfd);
	free(entry.filter);
	return result;
}
