/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State directories: making, finding, removing them.
 *
 * Between making a directory and locking it a container looks dead. So whoever makes one holds the directory of all locked shared, and
 * whoever removes dead ones holds it exclusively, and looks again. Nobody waits for long, and nobody who only looks waits at all.
 */
#include "runtime/state.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/json.h"

#define MAX_ROOTS 3
#define NAMES "names"

struct root {
	char path[400];
};

/* Of a name that is valid, hence short enough. */
static void copy_id(char to[STATE_ID_SIZE], const char *from)
{
	snprintf(to, STATE_ID_SIZE, "%.*s", STATE_ID_SIZE - 1, from);
}

/* Where containers of this user may be, the preferred place first. */
static int candidate_roots(struct root roots[MAX_ROOTS])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *only = getenv("LINUXD_STATE_DIR");
	struct stat status;
	int nr = 0;

	if (only && *only && strlen(only) < sizeof(roots[0].path)) {
		snprintf(roots[0].path, sizeof(roots[0].path), "%s", only);
		return 1;
	}
	/* After sudo it may be another user's. */
	if (runtime && runtime[0] == '/' && strlen(runtime) < 300 && stat(runtime, &status) == 0 && status.st_uid == geteuid())
		snprintf(roots[nr++].path, sizeof(roots[0].path), "%s/linuxd", runtime);
	if (geteuid() == 0)
		snprintf(roots[nr++].path, sizeof(roots[0].path), "/run/linuxd");
	snprintf(roots[nr++].path, sizeof(roots[0].path), "/tmp/linuxd-%u", geteuid());
	return nr;
}

/* Only a real directory of ours, that nobody else can enter. Root may look into others'. */
static int open_root(const char *path, bool make, struct error *error)
{
	struct stat status;
	int fd;

	if (make && mkdir(path, 0700) && errno != EEXIST)
		return fail(error, errno, "cannot make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(error, errno, "cannot open %s", path);
	if (fstat(fd, &status) == 0 && (status.st_uid == geteuid() || (geteuid() == 0 && !make)) && (status.st_mode & 077) == 0)
		return fd;
	close(fd);
	fail(error, 0, "%s is not this user's alone", path);
	return fail_remedy(error, "remove it, or give it to uid %u with mode 0700", geteuid());
}

bool state_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= STATE_NAME_SIZE || !isalnum((unsigned char)name[0]) || !strcmp(name, NAMES))
		return false;
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_.-", *at))
			return false;
	return true;
}

#define NAME_PATH_SIZE (sizeof(NAMES) + STATE_NAME_SIZE)

static void name_path(char path[NAME_PATH_SIZE], const char *name)
{
	snprintf(path, NAME_PATH_SIZE, NAMES "/%.*s", STATE_NAME_SIZE - 1, name);
}

/* ---- alive or dead ---- */

/* The container's directory if its monitor lives, else -1. */
static int open_alive(int root, const char *id)
{
	int fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int read_link(int root, const char *name, char id[STATE_ID_SIZE])
{
	char path[NAME_PATH_SIZE];
	ssize_t length;

	name_path(path, name);
	length = readlinkat(root, path, id, STATE_ID_SIZE - 1);
	if (length <= 0)
		return -1;
	id[length] = '\0';
	return state_name_is_valid(id) ? 0 : -1;
}

static void unlink_name(int root, const char *name, const char *of_id)
{
	char path[NAME_PATH_SIZE], id[STATE_ID_SIZE];

	if (read_link(root, name, id) || strcmp(id, of_id))
		return;
	name_path(path, name);
	unlinkat(root, path, 0);
}

static void remove_files(int root, int fd, const char *id)
{
	unlinkat(fd, "control", 0);
	unlinkat(fd, "state.json", 0);
	if (unlinkat(root, id, AT_REMOVEDIR) && errno != ENOENT) {
		unlinkat(fd, "state.json.new", 0);
		unlinkat(root, id, AT_REMOVEDIR);
	}
}

/* Only what certainly nobody is just making. Not having got round to it is no error: the next one will. */
static void remove_dead(int root, const char *id)
{
	int fd;

	if (flock(root, LOCK_EX | LOCK_NB))
		return;
	fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		/* One with a file "lock" is an OCI container's (oci/container.h), which lives on without a process. */
		if (faccessat(fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW) && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_files(root, fd, id);
		close(fd);
	}
	flock(root, LOCK_UN);
}

typedef void visit_t(int root, const char *name, void *argument);

static void for_each_entry(int root, const char *folder, visit_t *visit, void *argument)
{
	int fd = openat(root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!directory && fd >= 0)
		close(fd);
	while (directory && (entry = readdir(directory)))
		if (state_name_is_valid(entry->d_name))
			visit(root, entry->d_name, argument);
	if (directory)
		closedir(directory);
}

static void sweep_container(int root, const char *id, void *argument)
{
	int fd = open_alive(root, id);

	if (fd < 0)
		remove_dead(root, id);
	else
		close(fd);
}

static void sweep_name(int root, const char *name, void *argument)
{
	char id[STATE_ID_SIZE];

	if (flock(root, LOCK_EX | LOCK_NB))
		return;
	if (read_link(root, name, id) == 0 && faccessat(root, id, F_OK, AT_SYMLINK_NOFOLLOW))
		unlink_name(root, name, id);
	flock(root, LOCK_UN);
}

void state_sweep(const struct state *state)
{
	for_each_entry(state->root_fd, ".", sweep_container, NULL);
	for_each_entry(state->root_fd, NAMES, sweep_name, NULL);
}

/* ---- our own ---- */

static int make_directory(struct state *state, struct error *error)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		unsigned char random[6];

		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return fail(error, errno, "cannot get random bytes");
		for (int i = 0; i < 6; i++)
			snprintf(state->id + 2 * i, 3, "%02x", random[i]);
		if (mkdirat(state->root_fd, state->id, 0700)) {
			if (errno == EEXIST)
				continue;
			return fail(error, errno, "cannot make the container's directory");
		}
		state->fd = openat(state->root_fd, state->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (state->fd < 0 || flock(state->fd, LOCK_EX))
			return fail(error, errno, "cannot lock the container's directory");
		return 0;
	}
	return fail(error, 0, "cannot find an id that is free");
}

static int take_name(struct state *state, const char *name, struct error *error)
{
	char path[NAME_PATH_SIZE], id[STATE_ID_SIZE];
	int fd;

	name_path(path, name);
	if (mkdirat(state->root_fd, NAMES, 0700) && errno != EEXIST)
		return fail(error, errno, "cannot make the directory of names");
	for (int attempt = 0; attempt < 3; attempt++) {
		if (symlinkat(state->id, state->root_fd, path) == 0) {
			snprintf(state->name, sizeof(state->name), "%s", name);
			return 0;
		}
		if (errno != EEXIST)
			return fail(error, errno, "cannot take the name %s", name);
		if (read_link(state->root_fd, name, id)) {
			unlinkat(state->root_fd, path, 0);
			continue;
		}
		fd = open_alive(state->root_fd, id);
		if (fd >= 0) {
			close(fd);
			fail(error, 0, "--name %s: container %s has this name", name, id);
			return fail_remedy(error, "choose another, or end that container first");
		}
		unlink_name(state->root_fd, name, id);
	}
	return fail(error, 0, "cannot take the name %s", name);
}

int state_create(struct state *state, const char *name, struct error *error)
{
	struct root roots[MAX_ROOTS];
	int nr = candidate_roots(roots), result;

	*state = (struct state){ .root_fd = -1, .fd = -1 };
	for (int i = 0; i < nr && state->root_fd < 0; i++) {
		error->text[0] = '\0';
		state->root_fd = open_root(roots[i].path, true, error);
		memcpy(state->path, roots[i].path, sizeof(roots[i].path));
	}
	if (state->root_fd < 0)
		return -1;
	error->text[0] = '\0';
	while (flock(state->root_fd, LOCK_SH) && errno == EINTR)
		;
	result = make_directory(state, error);
	if (result == 0 && name)
		result = take_name(state, name, error);
	flock(state->root_fd, LOCK_UN);
	if (result) {
		state_remove(state);
		return -1;
	}
	snprintf(state->path + strlen(state->path), sizeof(state->path) - strlen(state->path), "/%s", state->id);
	return 0;
}

int state_write(const struct state *state, pid_t pid, const char *bundle, struct error *error)
{
	int fd = openat(state->fd, "state.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	struct timespec now;
	struct tm utc;
	char created[32];

	if (!file)
		return fail(error, errno, "cannot write %s/state.json", state->path);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%S", &utc);
	/* One member per line: read_state depends on it. */
	fprintf(file, "{\n\"ociVersion\": \"1.2.0\",\n\"id\": ");
	json_string(file, state->id);
	fprintf(file, ",\n\"status\": \"running\",\n\"pid\": %d,\n\"bundle\": ", pid);
	json_string(file, bundle);
	fprintf(file, ",\n\"created\": \"%s.%09ldZ\",\n\"annotations\": {\n\"linuxd.name\": ", created, now.tv_nsec);
	json_string(file, state->name);
	fprintf(file, "\n}\n}\n");
	if (fclose(file) || renameat(state->fd, "state.json.new", state->fd, "state.json"))
		return fail(error, errno, "cannot write %s/state.json", state->path);
	return 0;
}

void state_remove(struct state *state)
{
	if (state->fd >= 0) {
		if (state->name[0])
			unlink_name(state->root_fd, state->name, state->id);
		remove_files(state->root_fd, state->fd, state->id);
		close(state->fd);
	}
	if (state->root_fd >= 0)
		close(state->root_fd);
	state->fd = state->root_fd = -1;
}

/* ---- others' ---- */

static void read_state(int directory, struct state_entry *entry)
{
	int fd = openat(directory, "state.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[3 * sizeof(entry->bundle)];

	snprintf(entry->status, sizeof(entry->status), "creating");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "\"pid\": ", 7))
			entry->pid = (pid_t)strtol(line + 7, NULL, 10);
		json_line_string(line, "status", entry->status, sizeof(entry->status));
		json_line_string(line, "bundle", entry->bundle, sizeof(entry->bundle));
		json_line_string(line, "created", entry->created, sizeof(entry->created));
		json_line_string(line, "linuxd.name", entry->name, sizeof(entry->name));
	}
	if (file)
		fclose(file);
}

struct listing {
	struct state_entry *entries;
	int nr;
	bool failed;
};

static void list_container(int root, const char *id, void *argument)
{
	struct listing *listing = argument;
	struct state_entry *entries;
	int fd = open_alive(root, id);

	if (fd < 0) {
		remove_dead(root, id);
		return;
	}
	entries = realloc(listing->entries, (listing->nr + 1) * sizeof(*entries));
	if (entries) {
		listing->entries = entries;
		entries += listing->nr++;
		memset(entries, 0, sizeof(*entries));
		copy_id(entries->id, id);
		read_state(fd, entries);
	}
	listing->failed |= !entries;
	close(fd);
}

static int by_age(const void *a, const void *b)
{
	return strcmp(((const struct state_entry *)a)->created, ((const struct state_entry *)b)->created);
}

int state_list(struct state_entry **ret_entries, int *ret_nr, struct error *error)
{
	struct listing listing = { 0 };
	struct root roots[MAX_ROOTS];
	int nr = candidate_roots(roots);

	for (int i = 0; i < nr; i++) {
		struct error ignored = { 0 };
		int root = open_root(roots[i].path, false, &ignored);

		if (root < 0)
			continue;
		for_each_entry(root, ".", list_container, &listing);
		for_each_entry(root, NAMES, sweep_name, NULL);
		close(root);
	}
	if (listing.failed) {
		free(listing.entries);
		return fail(error, 0, "out of memory");
	}
	if (listing.nr)
		qsort(listing.entries, listing.nr, sizeof(*listing.entries), by_age);
	*ret_entries = listing.entries;
	*ret_nr = listing.nr;
	return 0;
}

struct search {
	const char *prefix;
	char found[STATE_ID_SIZE], other[STATE_ID_SIZE];
};

static void match_prefix(int root, const char *id, void *argument)
{
	struct search *search = argument;
	int fd;

	if (strncmp(id, search->prefix, strlen(search->prefix)) || (fd = open_alive(root, id)) < 0)
		return;
	close(fd);
	copy_id(search->found[0] ? search->other : search->found, id);
}

/* In one of the directories: 1 found, 0 not, -1 with @error set. */
static int open_in(int root, const char *reference, char ret_id[STATE_ID_SIZE], int *ret_fd, struct error *error)
{
	struct search search = { .prefix = reference };

	copy_id(ret_id, reference);
	*ret_fd = open_alive(root, ret_id);
	if (*ret_fd < 0 && read_link(root, reference, ret_id) == 0)
		*ret_fd = open_alive(root, ret_id);
	if (*ret_fd >= 0)
		return 1;
	for_each_entry(root, ".", match_prefix, &search);
	if (search.other[0]) {
		fail(error, 0, "%s: more than one container has an id that begins so, among them %s and %s", reference, search.found,
		     search.other);
		return fail_remedy(error, "give more of the id; \"linuxd list\" shows them");
	}
	if (!search.found[0])
		return 0;
	copy_id(ret_id, search.found);
	*ret_fd = open_alive(root, ret_id);
	return *ret_fd >= 0;
}

static bool has_file(const struct root *root, const char *id, const char *name)
{
	char path[sizeof(root->path) + STATE_ID_SIZE + 32];

	return snprintf(path, sizeof(path), "%s/%s/%s", root->path, id, name) < (int)sizeof(path) && access(path, F_OK) == 0;
}

/* A container of an OCI runtime without a kernel of its own that could be asked: its config and state are here, and no word of a monitor. */
static bool is_native(const struct root roots[], int nr, const char *id)
{
	for (int i = 0; i < nr && state_name_is_valid(id); i++)
		if (has_file(&roots[i], id, "config.json") && has_file(&roots[i], id, "state.json") && !has_file(&roots[i], id, "monitor.log"))
			return true;
	return false;
}

int state_open(const char *reference, char ret_id[STATE_ID_SIZE], struct error *error)
{
	struct root roots[MAX_ROOTS];
	int nr = candidate_roots(roots), fd;

	for (int i = 0; i < nr && state_name_is_valid(reference); i++) {
		struct error ignored = { 0 };
		int root = open_root(roots[i].path, false, &ignored), found;

		if (root < 0)
			continue;
		found = open_in(root, reference, ret_id, &fd, error);
		close(root);
		if (found)
			return found < 0 ? -1 : fd;
	}
	if (is_native(roots, nr, reference)) {
		fail(error, 0, "container %s is native: its programs run on the host's kernel, and only that knows what they do", reference);
		return fail_remedy(error, "ps, top and strace of the host show them; sandboxes can be looked into");
	}
	fail(error, 0, "there is no running container %s", reference);
	return fail_remedy(error, "\"linuxd list\" shows those that run");
}
