/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outer walls: what still stands if a program has taken over the sandbox's kernel, beside the seccomp filter.
 *
 *   namespaces   as root, or as any user where the host allows user namespaces: an own mount namespace whose root holds nothing but
 *                the container's directories (bound nosuid,nodev), and own pid, ipc, uts and cgroup namespaces; no network
 *                namespace, which takes the host longer to make than all the rest: there is no host call for sockets
 *   Landlock     where that cannot be had: file access beneath the container's directories only, no signals out (from ABI 6)
 *
 * With both missing the container does not start, unless the user says --insecure-host-files.
 *
 * Inside, the root directory is a read-only tmpfs with one directory per mount: /0 is the root file system, /1 the first --bind, and so on.
 * The kernel process cannot be the first process of a pid namespace (those may not clone siblings), so a tiny one that only waits
 * comes before it; when it dies, the host kills everything in the namespace.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/boot/record.h"
#include "runtime/native/sync.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/remedy.h"

/* Newer than some hosts' headers. */
#define LANDLOCK_REFER (1ULL << 13)
#define LANDLOCK_TRUNCATE (1ULL << 14)
#define LANDLOCK_IOCTL_DEV (1ULL << 15)
#define LANDLOCK_NET_TCP 3ULL
#define LANDLOCK_SCOPES 3ULL /* abstract sockets, signals */

struct landlock_ruleset {
	uint64_t fs, net, scoped;
};

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static int write_file(const char *path, const char *format, ...)
{
	char text[128];
	va_list arguments;
	int fd, length, saved;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write(fd, text, length) != length) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return close(fd);
}

/* Capabilities the sandbox keeps: what the container's root needs to reach all files of its own file system. */
static int drop_capabilities(uint64_t keep, struct error *error)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (!(keep & 1ULL << i))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (syscall(SYS_capget, &header, data))
		return fail(error, errno, "cannot read capabilities");
	for (int i = 0; i < 2; i++) {
		uint32_t kept = data[i].permitted & (uint32_t)(keep >> 32 * i);

		data[i] = (struct __user_cap_data_struct){ kept, kept, 0 };
	}
	if (syscall(SYS_capset, &header, data))
		return fail(error, errno, "cannot drop capabilities");
	return 0;
}

static bool has_capability(int capability)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 && (data[capability / 32].effective & 1U << capability % 32);
}

/* The first process of the pid namespace. */
static void __attribute__((noreturn)) init_main(void)
{
	struct error ignored;

	prctl(PR_SET_NAME, "linuxd-init");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	setsid();
	syscall(SYS_close_range, 0, ~0U, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	drop_capabilities(0, &ignored);
	for (;;)
		if (wait(NULL) < 0)
			pause();
}

static int map_user(uid_t uid, gid_t gid)
{
	/* The same numbers inside as outside: ownership is the container kernel's business. */
	if (write_file("/proc/self/uid_map", "%u %u 1", uid, uid) || write_file("/proc/self/setgroups", "deny") ||
	    write_file("/proc/self/gid_map", "%u %u 1", gid, gid))
		return -1;
	return 0;
}

/* A user namespace of the monitor's own, which gives it the right to make the others. */
static bool enter_user_namespace(struct sandbox *sandbox)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER))
		return false;
	sandbox->own_user_namespace = true;
	return map_user(uid, gid) == 0;
}

static int find_cgroup(struct sandbox *sandbox, const char **ret_limit_file)
{
	static const char *const parents[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char path[600];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", parents[i]);
		if (access(path, W_OK) || write_file(path, "+memory"))
			continue;
		snprintf(sandbox->cgroup, sizeof(sandbox->cgroup), "%s/linuxd-%d", parents[i], getpid());
		*ret_limit_file = "memory.max";
		sandbox->cgroup_version = 2;
		return mkdir(sandbox->cgroup, 0755);
	}
	snprintf(sandbox->cgroup, sizeof(sandbox->cgroup), "/sys/fs/cgroup/memory/linuxd-%d", getpid());
	*ret_limit_file = "memory.limit_in_bytes";
	sandbox->cgroup_version = 1;
	return mkdir(sandbox->cgroup, 0755);
}

/* A monitor that was killed could not remove its cgroup: the next one with the same parent does. One in use refuses. */
static void remove_stale_cgroups(const char *cgroup)
{
	char parent[512];
	struct dirent *entry;
	DIR *directory;

	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(cgroup, '/') - cgroup), cgroup);
	directory = opendir(parent);
	while (directory && (entry = readdir(directory))) {
		int pid;

		if (sscanf(entry->d_name, "linuxd-%d", &pid) == 1 && kill(pid, 0) && errno == ESRCH)
			unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
	}
	if (directory)
		closedir(directory);
}

/*
 * The hard limit behind --memory. The container's own out-of-memory handling comes first and needs some milliseconds, in which a program
 * can take some hundred MiB; where the host steps in, the whole container ends. A host without memory cgroups is fine.
 */
static void make_cgroup(struct sandbox *sandbox)
{
	const char *limit_file;
	uint64_t memory = sandbox->config->memory;
	char path[600];

	if (sandbox->config->detached) {
		const char *given = sandbox->config->detached->memory_cgroup;

		sandbox->cgroup_is_given = true;
		snprintf(sandbox->cgroup, sizeof(sandbox->cgroup), "%s", given && strlen(given) < sizeof(sandbox->cgroup) ? given : "");
		snprintf(path, sizeof(path), "%s/memory.current", sandbox->cgroup);
		sandbox->cgroup_version = access(path, F_OK) ? 1 : 2;
		return;
	}
	if (!memory || geteuid() != 0)
		return;
	if (find_cgroup(sandbox, &limit_file)) {
		sandbox->cgroup[0] = '\0';
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", sandbox->cgroup, limit_file);
	if (write_file(path, "%lu", memory + memory / 4 + (256UL << 20))) {
		rmdir(sandbox->cgroup);
		sandbox->cgroup[0] = '\0';
		return;
	}
	remove_stale_cgroups(sandbox->cgroup);
}

int walls_prepare(struct sandbox *sandbox, struct error *error)
{
	(void)error;
	make_cgroup(sandbox);
	if (has_capability(CAP_SYS_ADMIN) || enter_user_namespace(sandbox))
		sandbox->walls = WALLS_NAMESPACES;
	return 0;
}

pid_t walls_start_init(struct sandbox *sandbox)
{
	pid_t init;

	if (sandbox->walls != WALLS_NAMESPACES || unshare(CLONE_NEWPID))
		return 0;
	init = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
	if (init == 0)
		init_main();
	return init;
}

/*
 * A copy of the mount that @index comes from, and not of what is mounted below it: a host's /proc or /sys in there would be a way out. Only
 * in a user namespace, where the host does not separate them and where they give no power, they come along.
 */
static int clone_tree(struct sandbox *sandbox, int index, struct error *error)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	const char *path = sandbox->mount_path[index];
	bool read_only = index ? sandbox->config->mounts[index - 1].read_only : sandbox->config->read_only;
	const int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int tree = syscall(SYS_open_tree, AT_FDCWD, path, flags);

	if (tree < 0 && errno == EINVAL && sandbox->own_user_namespace)
		tree = syscall(SYS_open_tree, AT_FDCWD, path, flags | AT_RECURSIVE);
	if (tree < 0)
		return fail(error, errno, "cannot bind %s", path);
	if (read_only)
		attributes.attr_set |= MOUNT_ATTR_RDONLY;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)))
		return fail(error, errno, "cannot restrict the bind of %s", path);
	return tree;
}

/* In the new root, which is the working directory: the place for mount @index, and the mount on it. */
static int attach_tree(struct sandbox *sandbox, int index, int tree, struct error *error)
{
	char place[300];

	snprintf(place, sizeof(place), "%d", index);
	if (mkdir(place, 0755))
		return fail(error, errno, "cannot make the new root");
	if (sandbox->mount_file[index][0]) {
		snprintf(place, sizeof(place), "%d/%s", index, sandbox->mount_file[index]);
		if (mknod(place, S_IFREG | 0644, 0))
			return fail(error, errno, "cannot make the new root");
	}
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH))
		return fail(error, errno, "cannot attach %s to the new root", sandbox->mount_path[index]);
	return 0;
}

static int pivot(struct error *error)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };

	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH))
			return fail(error, errno, "cannot leave the old root");
	} else if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".")) {
		/* A host that runs from its initramfs has no root to pivot away from. */
		return fail(error, errno, "cannot change the root directory");
	}
	if (chdir("/"))
		return fail(error, errno, "cannot change to the new root");
	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof(attributes)))
		return fail(error, errno, "cannot make the new root read-only");
	return 0;
}

static int enter_namespaces(struct sandbox *sandbox, struct boot_params *boot, struct error *error)
{
	struct boot_record *record = sandbox->config->boot;
	int trees[BOOT_MAX_MOUNTS], mark;
	char place[16];

	mark = boot_mark_begin(record, "namespaces", BOOT_PROCESS);
	if (unshare(NAMESPACES))
		return fail(error, errno, "cannot make namespaces");
	boot_mark_end(record, mark, BOOT_DONE);
	mark = boot_mark_begin(record, "root", BOOT_PROCESS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return fail(error, errno, "cannot make the mounts private");
	for (int i = 0; i < sandbox->nr_mounts; i++) {
		trees[i] = -1;
		if (sandbox->mount_fd[i] >= 0 && (trees[i] = clone_tree(sandbox, i, error)) < 0)
			return -1;
	}
	/* On a directory that is sure to exist and that we need no more. */
	if (mount("linuxd", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=1m,mode=0755"))
		return fail(error, errno, "cannot mount the new root");
	if (chdir("/proc"))
		return fail(error, errno, "cannot change to the new root");
	for (int i = 0; i < sandbox->nr_mounts; i++)
		if (trees[i] >= 0 && attach_tree(sandbox, i, trees[i], error))
			return -1;
	if (pivot(error))
		return -1;
	for (int i = 0; i < sandbox->nr_mounts; i++) {
		if (trees[i] < 0)
			continue;
		snprintf(place, sizeof(place), "/%d", i);
		boot->mounts[i].fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (boot->mounts[i].fd < 0)
			return fail(error, errno, "cannot open %s in the new root", place);
	}
	boot_mark_end(record, mark, BOOT_DONE);
	return 0;
}

int walls_landlock_abi(void)
{
	int abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : abi;
}

static uint64_t landlock_rights(int abi)
{
	uint64_t rights = (1ULL << 13) - 1;

	if (abi >= 2)
		rights |= LANDLOCK_REFER;
	if (abi >= 3)
		rights |= LANDLOCK_TRUNCATE;
	if (abi >= 5)
		rights |= LANDLOCK_IOCTL_DEV;
	return rights;
}

/* Landlock knows paths, so a single bound file gets a rule of its own and its directory none. */
static int allow_mount(struct sandbox *sandbox, int index, int ruleset, uint64_t handled, struct error *error)
{
	const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
	const uint64_t of_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				  LANDLOCK_TRUNCATE;
	const uint64_t devices = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_IOCTL_DEV;
	bool read_only = index ? sandbox->config->mounts[index - 1].read_only : sandbox->config->read_only;
	struct landlock_path_beneath_attr rule = { .allowed_access = handled & ~devices };
	int result;

	if (read_only)
		rule.allowed_access &= reading;
	if (sandbox->mount_file[index][0])
		rule.allowed_access &= of_files;
	rule.parent_fd = open(sandbox->mount_path[index], O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return fail(error, errno, "cannot open %s", sandbox->mount_path[index]);
	result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	if (result)
		fail(error, errno, "cannot add %s to the Landlock rules", sandbox->mount_path[index]);
	close(rule.parent_fd);
	return result;
}

static int enter_landlock(struct sandbox *sandbox, int abi, struct error *error)
{
	struct landlock_ruleset rules = { .fs = landlock_rights(abi) };
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int ruleset;

	if (abi >= 4)
		rules.net = LANDLOCK_NET_TCP;
	if (abi >= 6)
		rules.scoped = LANDLOCK_SCOPES;
	ruleset = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (ruleset < 0)
		return fail(error, errno, "cannot make Landlock rules");
	for (int i = 0; i < sandbox->nr_mounts; i++)
		if (sandbox->mount_fd[i] >= 0 && allow_mount(sandbox, i, ruleset, rules.fs, error))
			return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, ruleset, 0))
		return fail(error, errno, "cannot put the Landlock rules into force");
	close(ruleset);
	return 0;
}

/* No new mount namespace: the directories are the monitor's. */
static int enter_without_namespaces(struct sandbox *sandbox, struct boot_params *boot, const struct error *why, struct error *error)
{
	int abi = walls_landlock_abi();

	for (int i = 0; i < sandbox->nr_mounts; i++)
		boot->mounts[i].fd = sandbox->mount_fd[i];
	if (abi > 0)
		return enter_landlock(sandbox, abi, error);
	if (sandbox->config->insecure_host_files)
		return 0;
	fail(error, 0, "no wall around the container's files: the host lets this user make no namespaces%s%s, and has no Landlock",
	     why->text[0] ? " - " : "", why->text);
	return fail_remedy_of(error, REMEDY_WALLS);
}

int walls_enter(struct sandbox *sandbox, struct boot_params *boot, struct error *error)
{
	const uint64_t keep = 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH | 1ULL << CAP_FOWNER;
	struct error why = { 0 };
	char path[600];
	int mark, result;

	if (fault("walls", error))
		return -1;
	/* If the host runs out of memory, rather us than others. */
	write_file("/proc/self/oom_score_adj", "300");
	if (sandbox->cgroup[0] && !sandbox->cgroup_is_given) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", sandbox->cgroup);
		if (write_file(path, "%d", 0))
			return fail(error, errno, "cannot enter the memory cgroup %s", sandbox->cgroup);
	}
	if (sandbox->walls != WALLS_NAMESPACES || enter_namespaces(sandbox, boot, &why)) {
		if (enter_without_namespaces(sandbox, boot, &why, error))
			return -1;
	}
	if (geteuid() == 0 && !sandbox->own_user_namespace && setgroups(0, NULL) && errno != EPERM)
		return fail(error, errno, "cannot drop the supplementary groups");
	mark = boot_mark_begin(sandbox->config->boot, "rights", BOOT_PROCESS);
	result = drop_capabilities(keep, error);
	boot_mark_end(sandbox->config->boot, mark, BOOT_DONE);
	return result;
}

void walls_remove(struct sandbox *sandbox)
{
	if (sandbox->cgroup[0] && !sandbox->cgroup_is_given)
		rmdir(sandbox->cgroup);
}

bool walls_namespaces_possible(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		bool possible = unshare(NAMESPACES) == 0 || unshare(CLONE_NEWUSER | NAMESPACES) == 0;

		_exit(possible && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : 1);
	}
	if (child < 0)
		return false;
	return waitpid(child, &status, 0) == child && status == 0;
}

const char *walls_name(enum walls walls)
{
	static const char *const names[] = { "none", "landlock", "namespaces" };

	return names[walls];
}
