/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oci/container.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/json.h"

#define LOCK_PATIENCE_MS 10000
#define MAX_STATE (4 << 20)

/* ---- small things ---- */

const char *container_status_name(enum container_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}

const struct container_mode *container_mode(const char *name, struct error *error)
{
	static const struct container_mode *const modes[] = { &native_mode, &sandbox_mode };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i]->name, name))
			return modes[i];
	fail(error, 0, "mode \"%s\" is none of native, sandbox", name);
	return NULL;
}

void container_warn(const struct container *container, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (container->globals->warn)
		container->globals->warn(text);
	else
		fprintf(stderr, "linuxd: warning: %s\n", text);
}

void container_warn_lines(const struct container *container, const char *lines)
{
	for (const char *line = lines; *line; line += strcspn(line, "\n"), line += *line == '\n')
		container_warn(container, "%.*s", (int)strcspn(line, "\n"), line);
}

static bool id_is_valid(const char *id)
{
	if (!*id || strlen(id) > NAME_MAX || !strcmp(id, ".") || !strcmp(id, "..") || !strcmp(id, "names"))
		return false;
	for (; *id; id++)
		if (!isalnum((unsigned char)*id) && !strchr("_+,-.", *id))
			return false;
	return true;
}

uint64_t process_start_time(pid_t pid, char *ret_state)
{
	char path[40], text[1024];
	const char *at;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	at = strrchr(text, ')'); /* the name before may have any character in it */
	if (!at || !at[1])
		return 0;
	if (ret_state)
		*ret_state = at[2];
	at++;
	for (int field = 3; field <= 22 && at; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	/* at is behind field 22 now; go back to its beginning */
	for (at--; at > text && at[-1] != ' '; at--)
		;
	return strtoull(at, NULL, 10);
}

void container_trim(void)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	unsigned long nr = headers ? getauxval(AT_PHNUM) : 0, page = sysconf(_SC_PAGESIZE) - 1;

	unsigned long begin = 0, end = 0;

	/* Only what nobody has written to: the rest would be lost. And only if the program is where its headers say (no PIE). */
	for (unsigned long i = 0; i < nr && headers[i].p_type != PT_DYNAMIC; i++) {
		if (headers[i].p_type != PT_LOAD || (headers[i].p_flags & PF_W))
			continue;
		/* Parts that touch are one. */
		if (end != (headers[i].p_vaddr & ~page)) {
			madvise((void *)begin, end - begin, MADV_DONTNEED);
			begin = headers[i].p_vaddr & ~page;
		}
		end = (headers[i].p_vaddr + headers[i].p_filesz + page) & ~page;
	}
	madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* ---- directories ---- */

/* Root of a user namespace is root of little else: /run is not ours. */
bool container_in_user_namespace(void)
{
	unsigned int inside, outside, length;
	FILE *map = fopen("/proc/self/uid_map", "re");
	int nr = map ? fscanf(map, "%u %u %u", &inside, &outside, &length) : 0;

	if (map)
		fclose(map);
	return nr == 3 && (outside != 0 || length != UINT32_MAX);
}

static char *default_root(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *only = getenv("LINUXD_STATE_DIR");
	struct stat status;
	char *path = NULL;

	if (only && only[0] == '/')
		return strdup(only);
	/* After sudo it may be another user's. */
	if ((geteuid() != 0 || container_in_user_namespace()) && runtime && runtime[0] == '/' && stat(runtime, &status) == 0 && status.st_uid == geteuid()) {
		if (asprintf(&path, "%s/linuxd", runtime) < 0)
			return NULL;
	} else if (geteuid() == 0) {
		path = strdup("/run/linuxd");
	} else if (asprintf(&path, "/tmp/linuxd-%u", geteuid()) < 0) {
		return NULL;
	}
	return path;
}

static char *root_path(const struct container_globals *globals)
{
	char *path = NULL;

	if (!globals->root)
		return default_root();
	if (globals->root[0] == '/')
		return strdup(globals->root);
	if (asprintf(&path, "%s/%s", getcwd((char[PATH_MAX]){ 0 }, PATH_MAX), globals->root) < 0)
		return NULL;
	return path;
}

/* Like mkdir -p. */
static void make_parents(const char *path)
{
	char part[PATH_MAX];

	for (const char *at = strchr(path + 1, '/'); at && at - path < PATH_MAX; at = strchr(at + 1, '/')) {
		memcpy(part, path, at - path);
		part[at - path] = '\0';
		mkdir(part, 0755);
	}
}

static int open_root(const char *path, bool make, struct error *error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && make) {
		make_parents(path);
		if (mkdir(path, 0700) && errno != EEXIST)
			return fail(error, errno, "cannot make %s", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? fail(error, errno, "cannot open %s", path) : fd;
}

static struct container *new_container(const struct container_globals *globals, const char *id, struct error *error)
{
	struct container *container;

	if (!id_is_valid(id)) {
		fail(error, 0, "invalid container ID format: \"%.300s\"", id);
		fail_remedy(error, "an id has letters, digits and the characters _+-., only");
		return NULL;
	}
	container = calloc(1, sizeof(*container));
	if (!container) {
		fail(error, 0, "out of memory");
		return NULL;
	}
	container->globals = globals;
	container->fd = container->lock_fd = container->pidfd = container->terminal = -1;
	container->id = strdup(id);
	container->root = root_path(globals);
	container->owner = geteuid();
	if (container->id && container->root)
		return container;
	container_free(container);
	fail(error, 0, "out of memory");
	return NULL;
}

void container_free(struct container *container)
{
	if (!container)
		return;
	if (container->lock_fd >= 0)
		close(container->lock_fd);
	if (container->fd >= 0)
		close(container->fd);
	if (container->pidfd >= 0)
		close(container->pidfd);
	if (container->terminal >= 0)
		close(container->terminal);
	free(container->id);
	free(container->root);
	free(container->bundle);
	free(container->rootfs);
	free(container->oci_version);
	json_object_put(container->data);
	json_object_put(container->annotations);
	free(container);
}

static int make_directory(struct container *container, int root, struct error *error)
{
	if (mkdirat(root, container->id, 0700)) {
		if (errno == EEXIST)
			return fail(error, 0, "container with given ID already exists: %s", container->id);
		return fail(error, errno, "cannot make %s/%s", container->root, container->id);
	}
	container->fd = openat(root, container->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (container->fd >= 0)
		container->lock_fd = openat(container->fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (container->lock_fd < 0 || flock(container->lock_fd, LOCK_EX)) {
		fail(error, errno, "cannot lock %s/%s", container->root, container->id);
		if (container->fd >= 0)
			unlinkat(container->fd, "lock", 0);
		unlinkat(root, container->id, AT_REMOVEDIR);
		return -1;
	}
	return 0;
}

struct container *container_new(const struct container_globals *globals, const char *id, struct error *error)
{
	struct container *container = new_container(globals, id, error);
	int root, result;

	if (!container)
		return NULL;
	container->data = json_object_new_object();
	container->annotations = json_object_new_object();
	root = open_root(container->root, true, error);
	if (root < 0) {
		container_free(container);
		return NULL;
	}
	/* Until the lock file is there, state.c could take the directory for one that a dead monitor left. */
	while (flock(root, LOCK_SH) && errno == EINTR)
		;
	result = make_directory(container, root, error);
	close(root);
	if (result == 0)
		return container;
	container_free(container);
	return NULL;
}

void container_remove(struct container *container)
{
	int root = open(container->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (container->fd >= 0) {
		static const char *const files[] = { "state.json", "config.json", "exec.fifo", "state.json.new", "control", "lock" };

		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
			unlinkat(container->fd, files[i], 0);
	}
	if (root >= 0) {
		unlinkat(root, container->id, AT_REMOVEDIR);
		close(root);
	}
}

/* ---- state.json ---- */

int container_keep_config(const struct container *container, const char *bundle, struct error *error)
{
	int directory = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC), from = -1, to = -1, result = -1;
	struct stat status;
	off_t left;

	if (directory >= 0)
		from = openat(directory, "config.json", O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &status)) {
		fail(error, errno, "cannot open %s/config.json", bundle);
		goto out;
	}
	to = openat(container->fd, "config.json", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	for (left = status.st_size; to >= 0 && left > 0;) {
		ssize_t copied = sendfile(to, from, NULL, left);

		if (copied <= 0)
			break;
		left -= copied;
	}
	result = to < 0 || left ? fail(error, errno, "cannot write %s/%s/config.json", container->root, container->id) : 0;
out:
	if (to >= 0)
		close(to);
	if (from >= 0)
		close(from);
	if (directory >= 0)
		close(directory);
	return result;
}

struct spec *container_spec(const struct container *container, struct error *error)
{
	struct spec *spec = spec_read(container->fd, "config.json", "config.json", error);

	container_trim();
	return spec;
}

int container_write_pid(const char *path, pid_t pid, struct error *error)
{
	char *other = NULL, text[16];
	int fd, length = snprintf(text, sizeof(text), "%d", pid), result;

	if (asprintf(&other, "%s.%d", path, getpid()) < 0)
		return fail(error, 0, "out of memory");
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	result = fd < 0 || write(fd, text, length) != length || rename(other, path) ? fail(error, errno, "--pid-file %s: cannot write it", path)
										     : 0;
	if (fd >= 0)
		close(fd);
	if (result)
		unlink(other);
	free(other);
	return result;
}

/* @separator stands between members, @space behind their names. */
static void print_members(const struct container *container, const char *status, FILE *out, const char *separator, const char *space)
{
	fprintf(out, "\"ociVersion\":%s\"%s\",%s\"id\":%s", space, container->oci_version ? container->oci_version : "1.2.0", separator, space);
	json_string(out, container->id);
	fprintf(out, ",%s\"pid\":%s%d,%s\"status\":%s\"%s\",%s\"bundle\":%s", separator, space, container->pid, separator, space, status, separator,
		space);
	json_string(out, container->bundle ? container->bundle : "");
}

static void print_annotations(const struct container *container, FILE *out)
{
	if (container->annotations && json_object_object_length(container->annotations))
		fputs(json_object_to_json_string_ext(container->annotations, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), out);
	else
		fputs("{}", out);
}

void container_print(const struct container *container, enum container_status status, bool pretty, FILE *out)
{
	const char *separator = pretty ? "\n  " : "", *space = pretty ? " " : "";

	fprintf(out, "{%s", separator);
	/* As runc does: a container that has ended has no process any more. */
	print_members(&(struct container){ .oci_version = container->oci_version, .id = container->id, .bundle = container->bundle,
					   .pid = status == CONTAINER_STOPPED ? 0 : container->pid },
		      container_status_name(status), out, separator, space);
	fprintf(out, ",%s\"rootfs\":%s", separator, space);
	json_string(out, container->rootfs ? container->rootfs : "");
	fprintf(out, ",%s\"created\":%s\"%s\",%s\"annotations\":%s", separator, space, container->created, separator, space);
	print_annotations(container, out);
	fprintf(out, ",%s\"owner\":%s\"%s\"%s}", separator, space, container->owner ? "" : "root", pretty ? "\n" : "");
}

char *container_hook_state(const struct container *container, const char *status)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fputc('{', out);
	print_members(container, status, out, " ", " ");
	fputs(", \"annotations\": ", out);
	print_annotations(container, out);
	fputc('}', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int container_save(struct container *container, struct error *error)
{
	int fd = openat(container->fd, "state.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out)
		return fail(error, errno, "cannot write %s/%s/state.json", container->root, container->id);
	if (!container->created[0]) {
		struct timespec now;
		struct tm utc;

		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &utc);
		strftime(container->created, sizeof(container->created), "%Y-%m-%dT%H:%M:%S", &utc);
		sprintf(container->created + strlen(container->created), ".%09ldZ", now.tv_nsec);
	}
	fputs("{\n", out);
	/* For who only reads the file: `linuxd list`. The commands ask the mode. */
	print_members(container, json_object_object_get_ex(container->data, "started", NULL) ? "running" : container->pid ? "created" : "creating", out,
		      "\n", " ");
	fputs(",\n\"rootfs\": ", out);
	json_string(out, container->rootfs ? container->rootfs : "");
	fprintf(out, ",\n\"created\": \"%s\",\n\"owner\": %u,\n\"mode\": \"%s\",\n\"pidStart\": %llu,\n", container->created,
		container->owner, container->mode->name, (unsigned long long)container->pid_start);
	fprintf(out, "\"systemdCgroup\": %s,\n\"rootless\": %s,\n\"annotations\": ", container->systemd_cgroup ? "true" : "false",
		container->rootless ? "true" : "false");
	print_annotations(container, out);
	fprintf(out, ",\n\"data\": %s\n}\n", json_object_to_json_string_ext(container->data, JSON_C_TO_STRING_PLAIN));
	if (fclose(out) || renameat(container->fd, "state.json.new", container->fd, "state.json"))
		return fail(error, errno, "cannot write %s/%s/state.json", container->root, container->id);
	return 0;
}

static const char *string_member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static int64_t number_member(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_int64(value) : 0;
}

static struct json_object *object_member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (json_object_object_get_ex(object, key, &value) && json_object_is_type(value, json_type_object))
		return json_object_get(value);
	return json_object_new_object();
}

static char *copy(const char *text) { return strdup(text ? text : ""); }

static int take_state(struct container *container, struct json_object *state, struct error *error)
{
	const char *mode = string_member(state, "mode"), *created = string_member(state, "created");

	container->mode = container_mode(mode ? mode : "", error);
	container->pid = number_member(state, "pid");
	container->pid_start = number_member(state, "pidStart");
	container->owner = number_member(state, "owner");
	container->systemd_cgroup = number_member(state, "systemdCgroup");
	container->rootless = number_member(state, "rootless");
	container->bundle = copy(string_member(state, "bundle"));
	container->rootfs = copy(string_member(state, "rootfs"));
	container->oci_version = copy(string_member(state, "ociVersion"));
	snprintf(container->created, sizeof(container->created), "%s", created ? created : "");
	container->data = object_member(state, "data");
	container->annotations = object_member(state, "annotations");
	return container->mode ? 0 : -1;
}

static int load_state(struct container *container, struct error *error)
{
	int fd = openat(container->fd, "state.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), result = -1;
	struct json_object *state = NULL;
	struct stat status;
	char *text;

	if (fd < 0) {
		if (errno != ENOENT)
			return fail(error, errno, "cannot open %s/%s/state.json", container->root, container->id);
		/* Being created, or its creator died. */
		container->data = json_object_new_object();
		container->annotations = json_object_new_object();
		container->mode = &native_mode;
		return 0;
	}
	text = fstat(fd, &status) || status.st_size > MAX_STATE ? NULL : calloc(1, status.st_size + 1);
	if (text && read(fd, text, status.st_size) == status.st_size)
		state = json_tokener_parse(text);
	if (json_object_is_type(state, json_type_object))
		result = take_state(container, state, error);
	else
		fail(error, 0, "%s/%s/state.json is damaged", container->root, container->id);
	json_object_put(state);
	free(text);
	close(fd);
	return result;
}

static int take_lock(struct container *container, struct error *error)
{
	struct timespec pause = { .tv_nsec = 5000000 };

	container->lock_fd = openat(container->fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (container->lock_fd < 0)
		return fail(error, errno, "cannot open %s/%s/lock", container->root, container->id);
	for (int waited = 0; flock(container->lock_fd, LOCK_EX | LOCK_NB); waited += 5) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(error, errno, "cannot lock container %s", container->id);
		if (waited >= LOCK_PATIENCE_MS)
			return fail(error, 0, "container %s is busy: another command has been working on it for %d seconds", container->id,
				    LOCK_PATIENCE_MS / 1000);
		nanosleep(&pause, NULL);
	}
	return 0;
}

struct container *container_open(const struct container_globals *globals, const char *id, bool lock, struct error *error)
{
	struct container *container = new_container(globals, id, error);
	int root;

	if (!container)
		return NULL;
	root = open(container->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0) {
		container->fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(root);
	}
	if (container->fd < 0 || faccessat(container->fd, "lock", F_OK, 0))
		fail(error, 0, "container does not exist: %s", id);
	else if ((!lock || take_lock(container, error) == 0) && load_state(container, error) == 0) {
		container_trim();
		return container;
	}
	container_free(container);
	return NULL;
}

int container_each(const struct container_globals *globals, void (*visit)(struct container *container, void *argument), void *argument,
		   struct error *error)
{
	char *path = root_path(globals);
	struct dirent **entries = NULL;
	int nr = path ? scandir(path, &entries, NULL, alphasort) : 0;

	free(path);
	for (int i = 0; i < nr; i++) {
		struct error ignored = { 0 };
		struct container *container = NULL;

		if (id_is_valid(entries[i]->d_name))
			container = container_open(globals, entries[i]->d_name, false, &ignored);
		if (container)
			visit(container, argument);
		container_free(container);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
