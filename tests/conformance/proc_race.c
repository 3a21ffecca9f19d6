// SPDX-License-Identifier: Apache-2.0
/* Files of /proc that look at every process are read while processes come and go. */
#include "test.h"

#include <dirent.h>

static void forker(uint64_t until)
{
	while (now_ms() < until) {
		pid_t pids[8];

		for (int i = 0; i < 8; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				_exit(0);
		}
		for (int i = 0; i < 8; i++)
			if (pids[i] > 0)
				waitpid(pids[i], NULL, 0);
	}
}

static bool whole(const char *path)
{
	char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	close(fd);
	return n > 0;
}

/* What ps and top read, of whatever is there at the moment: a process may be gone before it is read. */
static void look_at_all(void)
{
	static const char *const names[] = { "stat", "status", "statm", "cmdline", "smaps_rollup", "maps", "oom_score", "environ" };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300];

	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(path, sizeof(path), "/proc/%s/%s", entry->d_name, names[i]);
			whole(path);
		}
	}
	closedir(dir);
}

int main(void)
{
	static const char *const paths[] = { "/proc/meminfo", "/proc/loadavg", "/proc/stat", "/proc/vmstat", "/proc/sys/fs/file-nr" };
	uint64_t until = now_ms() + 1500;
	bool good = true;
	int rounds = 0;

	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			if (i < 3)
				forker(until);
			while (i == 3 && now_ms() < until)
				look_at_all();
			_exit(0);
		}
	}
	while (now_ms() < until || rounds < 10) {
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			good = whole(paths[i]) && good;
		rounds++;
	}
	CHECK(good);
	while (wait(NULL) > 0)
		;
	return 0;
}
