/* SPDX-License-Identifier: Apache-2.0 */
/* File systems, swap, limits, programs: what is read from files. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/check/check.h"

/* ---- file systems ---- */

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; at && (at = strstr(at, word)); at += length)
		if ((at == text || strchr(" \t\n/", at[-1])) && (at[length] == '\0' || strchr(" \t\n.:", at[length])))
			return true;
	return false;
}

/* Whether modprobe would find it. */
static bool has_module(const struct check_report *report, const char *name)
{
	static const char *const lists[] = {"modules.dep", "modules.builtin"};
	struct utsname host;
	char path[200], file[64];
	bool has = false;

	uname(&host);
	snprintf(file, sizeof(file), "%s.ko", name);
	for (int i = 0; i < 2; i++) {
		char *text;

		snprintf(path, sizeof(path), "/lib/modules/%.100s/%s", host.release, lists[i]);
		text = check_read(report, path);
		for (const char *at = text; at && !has && (at = strstr(at, file)); at++)
			has = at > text && at[-1] == '/';
		free(text);
	}
	return has;
}

void check_filesystems(struct check_report *report)
{
	static const struct {
		const char *name, *consequence;
		int modes;
	} wanted[] = {
		{"overlay", "engines cannot stack image layers; the sandbox does it itself", CHECK_NATIVE},
		{"erofs", "image layers cannot be mounted by the host; the sandbox reads them itself", CHECK_NATIVE},
		{"tmpfs", "/dev, /run and other mounts of type tmpfs fail", CHECK_NATIVE},
		{"mqueue", "the usual mount of /dev/mqueue fails", CHECK_NATIVE},
		{"devpts", "no terminals", CHECK_NATIVE},
		{"fuse", "file systems by programs (fuse-overlayfs, lazily loaded images) cannot be used", CHECK_NATIVE},
		{"squashfs", "images of that format cannot be mounted", CHECK_NATIVE},
	};
	char *known = check_read(report, "/proc/filesystems");

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (has_word(known, wanted[i].name)) {
			check_add(report, "file systems", wanted[i].name, CHECK_OK, wanted[i].modes, "there");
		} else if (has_module(report, wanted[i].name)) {
			check_add(report, "file systems", wanted[i].name, CHECK_OK, wanted[i].modes, "a module, loaded when needed");
		} else {
			check_add(report, "file systems", wanted[i].name, CHECK_MISSING, wanted[i].modes, "not in this kernel");
			check_consequence(report, REMEDY_FILESYSTEM, "%s", wanted[i].consequence);
		}
	}
	free(known);
}

/* ---- swap ---- */

struct reasons {
	char text[200];
};

static void add_reason(struct reasons *reasons, const char *what, const char *name)
{
	size_t length = strlen(reasons->text);

	snprintf(reasons->text + length, sizeof(reasons->text) - length, "%s%s%s", length ? ", " : "", what, name);
}

static void fstab_swap(const struct check_report *report, struct reasons *reasons)
{
	char *text = check_read(report, "/etc/fstab"), *rest, device[128], point[128], type[32];

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, " %127s %127s %31s", device, point, type) == 3 && *device != '#' && !strcmp(type, "swap") &&
		    !strstr(line, "noauto"))
			add_reason(reasons, "/etc/fstab: ", device);
	free(text);
}

/* Units named *.swap; one that is masked leads to /dev/null. */
static void unit_swap(const struct check_report *report, struct reasons *reasons)
{
	static const char *const places[] = {"/etc/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system/swap.target.wants",
					     "/etc/systemd/system/multi-user.target.wants"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[512], to[64];
		struct dirent *entry;
		DIR *stream;

		snprintf(path, sizeof(path), "%s%s", report->prefix, places[i]);
		stream = opendir(path);
		while (stream && (entry = readdir(stream))) {
			size_t length = strlen(entry->d_name);
			ssize_t got;

			if (length < 6 || strcmp(entry->d_name + length - 5, ".swap"))
				continue;
			snprintf(path, sizeof(path), "%s%s/%s", report->prefix, places[i], entry->d_name);
			got = readlink(path, to, sizeof(to) - 1);
			if (got < 0 || strncmp(to, "/dev/null", got))
				add_reason(reasons, "systemd unit ", entry->d_name);
		}
		if (stream)
			closedir(stream);
	}
}

static void zram_swap(const struct check_report *report, struct reasons *reasons)
{
	static const char *const files[] = {"/etc/systemd/zram-generator.conf", "/usr/lib/systemd/zram-generator.conf",
					    "/run/systemd/zram-generator.conf", "/etc/default/zramswap"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *text = check_read(report, files[i]);

		/* The generator's files count by their sections, zramswap's by being there. */
		if (text && (strstr(text, "[zram") || !strcmp(files[i], "/etc/default/zramswap")))
			add_reason(reasons, "zram by ", files[i]);
		free(text);
	}
}

void check_swap(struct check_report *report)
{
	char *swaps = check_read(report, "/proc/swaps"), *lines = swaps ? strchr(swaps, '\n') : NULL, name[128];
	struct reasons active = {""}, again = {""};

	for (; lines && lines[1]; lines = strchr(lines + 1, '\n'))
		if (sscanf(lines + 1, "%127s", name) == 1)
			add_reason(&active, "", name);
	free(swaps);
	fstab_swap(report, &again);
	unit_swap(report, &again);
	zram_swap(report, &again);
	if (*active.text) {
		check_add(report, "swap", "swap", CHECK_NOTE, CHECK_BOTH, "in use: %s%s%s", active.text,
			  *again.text ? "; turned on by " : "", again.text);
		check_consequence(report, REMEDY_SWAP_OFF,
				  "containers slow down before they reach their limits, and kubelet does not start unless told to; limits "
				  "of swap work");
		return;
	}
	check_add(report, "swap", "swap", CHECK_OK, CHECK_BOTH, "none in use");
	if (*again.text) {
		check_add(report, "swap", "after the next boot", CHECK_NOTE, CHECK_BOTH, "turned on again by %s", again.text);
		check_consequence(report, REMEDY_SWAP_AGAIN, "what holds without swap now does not hold after the next boot");
	}
}

/* ---- limits ---- */

static void check_least(struct check_report *report, const char *name, const char *path, long least, int modes, enum remedy remedy,
			const char *consequence)
{
	long value = check_number(report, path);

	if (value < 0)
		return; /* this kernel has no such limit */
	check_add(report, "limits", name, value < least ? CHECK_NOTE : CHECK_OK, modes, "%ld", value);
	if (value < least)
		check_consequence(report, remedy, "%s", consequence);
}

void check_limits(struct check_report *report)
{
	static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", "time"};
	struct rlimit files;
	char path[80];

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		bool low = files.rlim_max != RLIM_INFINITY && files.rlim_max < 65536;

		check_add(report, "limits", "open files (nofile)", low ? CHECK_NOTE : CHECK_OK, CHECK_BOTH, "%lld now, %lld at most",
			  (long long)files.rlim_cur, (long long)files.rlim_max);
		if (low)
			check_consequence(report, REMEDY_NOFILE,
					  "a rlimit in config.json above that is refused without CAP_SYS_RESOURCE; a sandbox keeps one "
					  "host descriptor for each host file that it has open");
	}
	check_least(report, "vm.max_map_count", "/proc/sys/vm/max_map_count", 65530, CHECK_BOTH, REMEDY_MAX_MAP_COUNT,
		    "programs with many mappings (databases, search engines) run out of them; inside a sandbox, too");
	check_least(report, "vm.mmap_min_addr", "/proc/sys/vm/mmap_min_addr", 4096, CHECK_BOTH, REMEDY_MMAP_MIN_ADDR,
		    "the first page can be mapped: NULL pointers in the host's kernel become dangerous");
	check_least(report, "kernel.pid_max", "/proc/sys/kernel/pid_max", 32768, CHECK_BOTH, REMEDY_PID_MAX,
		    "few processes on the host at the same time");
	check_least(report, "kernel.threads-max", "/proc/sys/kernel/threads-max", 16384, CHECK_BOTH, REMEDY_PID_MAX,
		    "few threads on the host at the same time");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		static char names[8][32];

		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
		snprintf(names[i], sizeof(names[i]), "user.max_%s_namespaces", kinds[i]);
		check_least(report, names[i], path, 1000, CHECK_NATIVE, REMEDY_NAMESPACE_LIMIT,
			    "so many containers of one user at the same time, at most");
	}
	check_least(report, "fs.inotify instances", "/proc/sys/fs/inotify/max_user_instances", 128, CHECK_NATIVE, REMEDY_INOTIFY,
		    "programs that watch files fail when many containers do");
	check_least(report, "session keyrings", geteuid() ? "/proc/sys/kernel/keys/maxkeys" : "/proc/sys/kernel/keys/root_maxkeys", 200,
		    CHECK_NATIVE, REMEDY_KEYRINGS, "each native container has a keyring: creating one fails when they are used up");
}

/* ---- programs ---- */

static bool find_program(const char *name, char *ret_path, size_t size)
{
	const char *path = getenv("PATH");

	for (const char *at = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *at; at += strcspn(at, ":"), at += *at == ':') {
		snprintf(ret_path, size, "%.*s/%s", (int)strcspn(at, ":"), at, name);
		if (access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}

void check_tools(struct check_report *report)
{
	char path[256];

	if (find_program("criu", path, sizeof(path))) {
		check_add(report, "programs", "CRIU", CHECK_OK, CHECK_NATIVE, "%s", path);
	} else {
		check_add(report, "programs", "CRIU", CHECK_MISSING, CHECK_NATIVE, "not found");
		check_consequence(report, REMEDY_CRIU, "checkpoint and restore are refused");
	}
}
