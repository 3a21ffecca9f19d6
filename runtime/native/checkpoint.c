/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint and restore in native mode, through CRIU.
 *
 * What is the host's and not the container's cannot be in an image; CRIU is told names for it, and what they stand for on restore:
 *   - bind mounts and masked files, by their place in the container
 *   - a network namespace that was joined by path
 *   - pipes that are the container's standard streams: which they were stands in descriptors.json beside the image
 *
 * On restore the places of mounts in the root file system are looked up inside it and without following links before CRIU, which does follow
 * them, mounts anything there: an image cannot have the host's directories mounted over.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/criu.h"
#include "runtime/native/init.h"
#include "runtime/native/native.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"

#define DESCRIPTORS "descriptors.json"
#define ROOT_NETWORK "extRootNetNS"

/* ---- what both directions need ---- */

static bool have_program(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"), *rest = copy, *directory, file[4096];
	bool found = false;

	while (!found && (directory = strsep(&rest, ":"))) {
		snprintf(file, sizeof(file), "%s/%s", directory, name);
		found = access(file, X_OK) == 0;
	}
	free(copy);
	return found;
}

static int add_common(struct criu *criu, const struct container_checkpoint *options, struct error *error)
{
	static const char *const modes[] = { "soft", "full", "strict", "ignore", NULL };
	const char *mode = options->manage_cgroups_mode;

	if (mode) {
		int i = 0;

		while (modes[i] && strcmp(modes[i], mode))
			i++;
		if (!modes[i])
			return fail(error, 0, "--manage-cgroups-mode %s: it is one of soft, full, strict, ignore", mode);
		criu_format(criu, "--manage-cgroups=%s", mode);
	}
	if (options->shell_job)
		criu_add(criu, "--shell-job");
	if (options->tcp_established)
		criu_add(criu, "--tcp-established");
	if (options->ext_unix_sk)
		criu_add(criu, "--ext-unix-sk");
	if (options->file_locks)
		criu_add(criu, "--file-locks");
	if (options->auto_dedup)
		criu_add(criu, "--auto-dedup");
	/* By default CRIU keeps connections still with iptables, which is not everywhere; its other way needs no program. */
	if (!have_program("iptables-restore"))
		criu_pair(criu, "--network-lock", "nftables");
	if (options->lazy_pages)
		return fail(error, 0, "--lazy-pages: is not supported");
	return 0;
}

static bool is_bind(const struct spec_mount *mount)
{
	struct mount_options options;
	struct error ignored = { 0 };

	return mount_options_parse(mount, &options, &ignored) == 0 && (options.bind || options.rbind);
}

/* The namespace that the network is joined by, else NULL. */
static const char *joined_network(const struct spec *spec)
{
	const struct spec_namespace *network = spec_namespace(spec, CLONE_NEWNET);

	return network ? network->path : NULL;
}

static int open_directory(const char *path, struct error *error)
{
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return fail(error, errno, "cannot make the directory %s", path);
	fd = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
	return fd < 0 ? fail(error, errno, "cannot open the directory %s", path) : fd;
}

/* ---- checkpoint ---- */

/* Directories are covered with an empty file system of the container's own, which CRIU saves as any other. */
static bool is_covered_file(int root, const char *path)
{
	int fd = path_open(root, path, O_PATH, 0);
	struct stat status;
	bool is_file = fd >= 0 && fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode);

	if (fd >= 0)
		close(fd);
	return is_file;
}

static void name_mounts(struct criu *criu, const struct container *container, const struct spec *spec)
{
	char name[64];
	int root;

	snprintf(name, sizeof(name), "/proc/%d/root", container->pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < spec->nr_mounts; i++)
		if (is_bind(&spec->mounts[i]))
			criu_format(criu, "--external=mnt[%s]:%s", spec->mounts[i].destination, spec->mounts[i].destination);
	for (size_t i = 0; i < spec->linux_->masked_paths.nr; i++)
		if (root >= 0 && is_covered_file(root, spec->linux_->masked_paths.items[i]))
			criu_format(criu, "--external=mnt[%s]:%s", spec->linux_->masked_paths.items[i], spec->linux_->masked_paths.items[i]);
	if (root >= 0)
		close(root);
}

static int save_descriptors(const struct container *container, int directory, struct error *error)
{
	struct json_object *list = json_object_new_array();
	int fd = openat(directory, DESCRIPTORS, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), result = -1;
	const char *text;

	for (int i = 0; i < 3; i++) {
		char path[64], target[4096];
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", container->pid, i);
		length = readlink(path, target, sizeof(target) - 1);
		json_object_array_add(list, json_object_new_string_len(target, length > 0 ? length : 0));
	}
	text = json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN);
	if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		result = 0;
	else
		fail(error, errno, "cannot write " DESCRIPTORS " into the image directory");
	if (fd >= 0)
		close(fd);
	json_object_put(list);
	return result;
}

int native_checkpoint(struct container *container, const struct spec *spec, const struct container_checkpoint *options, struct error *error)
{
	int directory = open_directory(options->image_path, error), result = -1;
	struct cgroup *cgroup = native_cgroup(container, error);
	const char *network = joined_network(spec), *freezer;
	struct criu criu = { 0 };
	struct stat status;

	if (directory < 0 || !cgroup)
		goto out;
	if (options->work_path && mkdir(options->work_path, 0700) && errno != EEXIST) {
		fail(error, errno, "cannot make the directory %s", options->work_path);
		goto out;
	}
	criu_begin(&criu, options->pre_dump ? "pre-dump" : "dump", options->image_path, options->work_path, "dump.log");
	criu_add(&criu, "--tree");
	criu_format(&criu, "%d", container->pid);
	criu_pair(&criu, "--root", container->rootfs);
	if (add_common(&criu, options, error))
		goto out;
	criu_add(&criu, "--evasive-devices");
	if (options->parent_path)
		criu_pair(&criu, "--prev-images-dir", options->parent_path);
	if (options->parent_path || options->pre_dump)
		criu_add(&criu, "--track-mem");
	if (options->leave_running)
		criu_add(&criu, "--leave-running");
	freezer = cgroup_path(cgroup, "freezer");
	if (freezer)
		criu_pair(&criu, "--freeze-cgroup", freezer);
	name_mounts(&criu, container, spec);
	if (network && stat(network, &status) == 0)
		criu_format(&criu, "--external=net[%lu]:" ROOT_NETWORK, (unsigned long)status.st_ino);
	if (save_descriptors(container, directory, error) == 0)
		result = criu_run(&criu, error);
out:
	criu_end(&criu);
	cgroup_free(cgroup);
	if (directory >= 0)
		close(directory);
	return result;
}

/* ---- restore ---- */

/* Mount points as CRIU will find them: in the root, there, and without a link on the way. */
static int check_place(int root, const char *place, bool make, bool is_directory, struct error *error)
{
	int fd = path_open(root, place, O_PATH, RESOLVE_NO_SYMLINKS);

	if (fd < 0 && errno == ENOENT && make)
		fd = path_make(root, place, is_directory);
	if (fd < 0)
		return fail(error, errno, "cannot restore the mount at %s: it must be in the root file system without a symbolic link on the way", place);
	close(fd);
	return 0;
}

static int check_places(const struct container *container, const struct spec *spec, struct error *error)
{
	int root = open(container->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC), result = 0;

	if (root < 0)
		return fail(error, errno, "cannot open the root file system %s", container->rootfs);
	for (size_t i = 0; i < spec->nr_mounts && result == 0; i++) {
		const struct spec_mount *mount = &spec->mounts[i];
		const char *place = mount->destination;
		struct stat status;
		bool is_directory = !is_bind(mount) || stat(mount->source, &status) || S_ISDIR(status.st_mode);
		bool below_another = false;

		for (size_t j = 0; j < i; j++) {
			size_t length = strlen(spec->mounts[j].destination);

			below_another |= !strncmp(place, spec->mounts[j].destination, length) && place[length] == '/';
		}
		/* Below another mount it is that one's place. */
		if (!below_another)
			result = check_place(root, place, true, is_directory, error);
	}
	close(root);
	return result;
}

static void place_mounts(struct criu *criu, const struct container *container, const struct spec *spec)
{
	for (size_t i = 0; i < spec->nr_mounts; i++) {
		const struct spec_mount *mount = &spec->mounts[i];

		if (!is_bind(mount))
			continue;
		if (mount->source[0] == '/')
			criu_format(criu, "--external=mnt[%s]:%s", mount->destination, mount->source);
		else
			criu_format(criu, "--external=mnt[%s]:%s/%s", mount->destination, container->bundle, mount->source);
	}
	for (size_t i = 0; i < spec->linux_->masked_paths.nr; i++)
		criu_format(criu, "--external=mnt[%s]:/dev/null", spec->linux_->masked_paths.items[i]);
}

/* Standard streams that were pipes become those of this process. */
static int inherit_streams(struct criu *criu, int directory, struct error *error)
{
	int fd = openat(directory, DESCRIPTORS, O_RDONLY | O_CLOEXEC);
	struct json_object *list = fd < 0 ? NULL : json_object_from_fd(fd);

	if (fd >= 0)
		close(fd);
	if (!list || !json_object_is_type(list, json_type_array)) {
		json_object_put(list);
		return fail(error, 0, "the image has no usable " DESCRIPTORS ": was it made by \"linuxd checkpoint\"?");
	}
	for (int i = 0; i < 3; i++) {
		const char *was = json_object_get_string(json_object_array_get_idx(list, i));

		if (was && !strncmp(was, "pipe:", 5))
			criu_format(criu, "--inherit-fd=fd[%d]:%s", i, was);
	}
	json_object_put(list);
	return 0;
}

/* In the child that becomes CRIU: the root must be a mount, which nobody else has to see. */
static int enter_place(const struct container *container, const struct cgroup *cgroup, struct error *error)
{
	if (cgroup_enter(cgroup, getpid(), error))
		return -1;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL))
		return fail(error, errno, "cannot make a mount namespace");
	if (mount(container->rootfs, container->rootfs, NULL, MS_BIND | MS_REC, NULL))
		return fail(error, errno, "cannot make the root file system a mount");
	return 0;
}

static int read_pid(const struct container *container, pid_t *ret_pid, struct error *error)
{
	int fd = openat(container->fd, "restored.pid", O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	unlinkat(container->fd, "restored.pid", 0);
	*ret_pid = got > 0 ? atoi(text) : 0;
	return *ret_pid > 0 ? 0 : fail(error, 0, "criu has not told which process it restored");
}

static int restore_processes(struct container *container, const struct spec *spec, const struct cgroup *cgroup, struct criu *criu,
			     struct error *error)
{
	pid_t pid = fork();

	if (pid < 0)
		return fail(error, errno, "cannot fork");
	if (pid == 0) {
		if (enter_place(container, cgroup, error) == 0)
			criu_exec(criu, error);
		fprintf(stderr, "linuxd: %s\n", error->text);
		_exit(127);
	}
	if (criu_wait(criu, pid, error) || read_pid(container, &container->pid, error))
		return -1;
	container->pid_start = process_start_time(container->pid, NULL);
	return 0;
}

static int make_cgroup(struct container *container, const struct spec *spec, struct cgroup **ret_cgroup, struct error *error)
{
	struct cgroup_options options = { .id = container->id, .path = spec->linux_->cgroups_path, .rootless = container->rootless };

	if (container->systemd_cgroup)
		return fail(error, 0, "restore: is not supported with --systemd-cgroup");
	if (cgroup_new(&options, ret_cgroup, error))
		return -1;
	if (cgroup_create(*ret_cgroup, 0, spec->linux_->resources, error) == 0) {
		struct error ignored = { 0 };

		if (cgroup_apply(*ret_cgroup, spec->linux_->resources, error) == 0)
			return 0;
		cgroup_remove(*ret_cgroup, &ignored);
	}
	cgroup_free(*ret_cgroup);
	*ret_cgroup = NULL;
	return -1;
}

static int arguments_of_restore(struct criu *criu, const struct container *container, const struct spec *spec,
				const struct container_checkpoint *options, int directory, int *ret_network, struct error *error)
{
	const char *network = joined_network(spec);

	criu_begin(criu, "restore", options->image_path, options->work_path, "restore.log");
	criu_add(criu, "--restore-detached");
	criu_add(criu, "--restore-sibling");
	criu_add(criu, "--pidfile");
	criu_format(criu, "%s/%s/restored.pid", container->root, container->id);
	criu_pair(criu, "--root", container->rootfs);
	if (!options->manage_cgroups_mode)
		criu_add(criu, "--manage-cgroups=ignore");
	if (add_common(criu, options, error) || inherit_streams(criu, directory, error))
		return -1;
	place_mounts(criu, container, spec);
	if (network) {
		*ret_network = open(network, O_RDONLY | O_CLOEXEC);
		if (*ret_network < 0)
			return fail(error, errno, "cannot open the network namespace %s", network);
		criu->inherited = *ret_network;
		criu_format(criu, "--inherit-fd=fd[%d]:" ROOT_NETWORK, *ret_network);
	}
	return 0;
}

int native_restore(struct container *container, const struct spec *spec, const struct container_checkpoint *options, struct error *error)
{
	int directory = open(options->image_path, O_DIRECTORY | O_PATH | O_CLOEXEC), network = -1, result = -1;
	struct cgroup *cgroup = NULL;
	struct criu criu = { 0 };
	uint64_t namespaces = 0;

	if (directory < 0)
		return fail(error, errno, "cannot open the image directory %s", options->image_path);
	if (spec->process && spec->process->terminal) {
		fail(error, 0, "restore: config.json: process.terminal is true: a terminal cannot be restored");
		goto out;
	}
	if (arguments_of_restore(&criu, container, spec, options, directory, &network, error) || check_places(container, spec, error) ||
	    make_cgroup(container, spec, &cgroup, error))
		goto out;
	for (size_t i = 0; i < spec->linux_->nr_namespaces; i++)
		namespaces |= spec->linux_->namespaces[i].type;
	json_object_object_add(container->data, "cgroup", cgroup_save(cgroup));
	json_object_object_add(container->data, "namespaces", json_object_new_int64(namespaces));
	result = restore_processes(container, spec, cgroup, &criu, error);
	if (result == 0)
		result = container_save(container, error);
	if (result) {
		struct error ignored = { 0 };

		cgroup_kill(cgroup, SIGKILL, &ignored);
		cgroup_remove(cgroup, &ignored);
		container->pid = 0;
	}
out:
	criu_end(&criu);
	cgroup_free(cgroup);
	if (network >= 0)
		close(network);
	close(directory);
	return result;
}
