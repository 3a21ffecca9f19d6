// SPDX-License-Identifier: Apache-2.0
/* Several processes change one tree at once: what must hold afterwards, and at every moment. */
#include "test.h"

#include <dirent.h>

#define ROUNDS 400

/* A file replaced by rename again and again is never missing, never empty, never mixed. */
static void replace(void)
{
	char buf[64], name[32];
	int bad = 0, missing = 0;
	SECTION("atomic replace");
	int fd = open("target", O_CREAT | O_WRONLY, 0644);
	write(fd, "0000000000000000", 16);
	close(fd);
	for (int w = 0; w < 2; w++) {
		if (!fork()) {
			snprintf(name, sizeof(name), "tmp%d", w);
			for (int i = 0; i < ROUNDS; i++) {
				memset(buf, 'a' + i % 26, 16);
				fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
				write(fd, buf, 16);
				close(fd);
				rename(name, "target");
			}
			_exit(0);
		}
	}
	for (int i = 0; i < ROUNDS * 4; i++) {
		fd = open("target", O_RDONLY);
		if (fd < 0) {
			missing++;
			continue;
		}
		memset(buf, 0, sizeof(buf));
		if (read(fd, buf, sizeof(buf)) != 16)
			bad++;
		for (int j = 1; j < 16; j++) {
			if (buf[j] != buf[0]) {
				bad++;
				break;
			}
		}
		close(fd);
	}
	while (wait(NULL) > 0)
		;
	say("missing %d bad %d", missing, bad);
}

/* Exactly one of many O_EXCL creators wins; exactly one of many unlinkers too. */
static void exclusive(void)
{
	int results[2], won = 0, removed = 0;
	SECTION("exclusive create");
	pipe(results);
	for (int round = 0; round < 50; round++) {
		for (int p = 0; p < 4; p++) {
			if (!fork()) {
				int fd = open("lock", O_CREAT | O_EXCL | O_WRONLY, 0600);
				write(results[1], fd >= 0 ? "w" : errno == EEXIST ? "-" : "?", 1);
				_exit(0);
			}
		}
		while (wait(NULL) > 0)
			;
		char got[4];
		read(results[0], got, 4);
		for (int i = 0; i < 4; i++)
			won += got[i] == 'w' ? 1 : got[i] == '-' ? 0 : 1000;
		for (int p = 0; p < 4; p++) {
			if (!fork()) {
				write(results[1], unlink("lock") == 0 ? "w" : errno == ENOENT ? "-" : "?", 1);
				_exit(0);
			}
		}
		while (wait(NULL) > 0)
			;
		read(results[0], got, 4);
		for (int i = 0; i < 4; i++)
			removed += got[i] == 'w' ? 1 : got[i] == '-' ? 0 : 1000;
	}
	say("won %d removed %d", won, removed);
	close(results[0]);
	close(results[1]);
}

/* Directories moved around each other never form a loop and never get lost. */
static void directories(void)
{
	struct stat st;
	SECTION("directory renames");
	mkdir("x", 0755);
	mkdir("y", 0755);
	mkdir("x/a", 0755);
	mkdir("y/b", 0755);
	for (int p = 0; p < 3; p++) {
		if (!fork()) {
			for (int i = 0; i < ROUNDS; i++) {
				rename("x/a", "y/b/a");
				rename("y/b", "x/a/b");
				rename("y/b/a", "x/a");
				rename("x/a/b", "y/b");
			}
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	int a = !stat("x/a", &st) || !stat("y/b/a", &st), b = !stat("y/b", &st) || !stat("x/a/b", &st);
	say("a %d b %d", a, b);
	SHOW(system("find x y -name a | wc -l; find x y -name b | wc -l"));
}

/* Appends of several writers are all there and whole. */
static void append(void)
{
	char line[32];
	struct stat st;
	SECTION("append");
	for (int p = 0; p < 4; p++) {
		if (!fork()) {
			int fd = open("log", O_CREAT | O_APPEND | O_WRONLY, 0644);
			for (int i = 0; i < ROUNDS; i++) {
				memset(line, '0' + p, 16);
				line[15] = '\n';
				write(fd, line, 16);
			}
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	stat("log", &st);
	say("size %ld", (long)st.st_size);
	FILE *f = fopen("log", "r");
	int counts[4] = { 0 }, torn = 0;
	while (fgets(line, sizeof(line), f)) {
		if (strlen(line) != 16 || line[0] != line[14])
			torn++;
		else
			counts[line[0] - '0']++;
	}
	fclose(f);
	say("%d %d %d %d torn %d", counts[0], counts[1], counts[2], counts[3], torn);
}

/* A shared file position: every byte is read exactly once. */
static void shared_position(void)
{
	char block[100];
	SECTION("shared position");
	int fd = open("shared", O_CREAT | O_TRUNC | O_RDWR, 0644), results[2];
	for (int i = 0; i < 1000; i++) {
		memset(block, 'a', sizeof(block));
		write(fd, block, sizeof(block));
	}
	lseek(fd, 0, SEEK_SET);
	pipe(results);
	for (int p = 0; p < 4; p++) {
		if (!fork()) {
			long n, sum = 0;
			while ((n = read(fd, block, 37)) > 0)
				sum += n;
			write(results[1], &sum, sizeof(sum));
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	long sum, total = 0;
	for (int p = 0; p < 4; p++) {
		read(results[0], &sum, sizeof(sum));
		total += sum;
	}
	say("total %ld", total);
	close(fd);
}

/* Reading a directory while entries come and go: those that stay are seen exactly once. */
static void listing(void)
{
	char name[32];
	int seen[200] = { 0 }, wrong = 0;
	SECTION("listing under change");
	mkdir("many", 0755);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "many/%c%d", i < 200 ? 'k' : 'r', i % 200);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "many/r%d", i);
			unlink(name);
			snprintf(name, sizeof(name), "many/n%d", i);
			close(open(name, O_CREAT | O_WRONLY, 0644));
		}
		_exit(0);
	}
	DIR *d = opendir("many");
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == 'k')
			seen[atoi(e->d_name + 1)]++;
	}
	closedir(d);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 200; i++)
		wrong += seen[i] != 1;
	say("wrong %d", wrong);
	/* Removing while reading, as rm -r does. */
	d = opendir("many");
	int removed = 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] != '.' && !unlinkat(dirfd(d), e->d_name, 0))
			removed++;
	}
	closedir(d);
	say("removed %d", removed);
	SHOW(rmdir("many"));
}

/* What a user makes is that user's from the first moment that others can see it. */
static void owner(void)
{
	struct stat st;
	int denied = 0, wrong = 0;
	char name[32];
	SECTION("owner of what is new");
	mkdir("mine", 0700);
	SHOW(chown("mine", 1234, 1235));
	pid_t maker = fork();
	if (!maker) {
		umask(027);
		if (setgid(1235) || setuid(1234))
			_exit(1);
		for (int i = 0; i < ROUNDS; i++) {
			snprintf(name, sizeof(name), "mine/d%d", i);
			mkdir(name, 0700);
			snprintf(name, sizeof(name), "mine/f%d", i);
			close(open(name, O_CREAT | O_WRONLY, 0666));
		}
		_exit(0);
	}
	pid_t looker = fork();
	if (!looker) {
		if (setgid(1235) || setuid(1234))
			_exit(1);
		for (int i = 0; i < ROUNDS; i++) {
			do {
				snprintf(name, sizeof(name), "mine/d%d/none", i);
				denied += stat(name, &st) && errno == EACCES;
				snprintf(name, sizeof(name), "mine/f%d", i);
			} while (stat(name, &st));
			wrong += st.st_uid != 1234 || st.st_gid != 1235 || (st.st_mode & 07777) != 0640;
		}
		say("denied %d wrong %d", denied, wrong);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	const char *bases[] = { ".", "/dev/shm" };
	char name[64], command[512];
	for (int i = 0; i < 2; i++) {
		say("== %d", i);
		snprintf(name, sizeof(name), "%s/race.XXXXXX", bases[i]);
		int back = open(".", O_RDONLY | O_DIRECTORY);
		char *dir = realpath(mkdtemp(name), NULL);
		chdir(dir);
		replace();
		exclusive();
		directories();
		append();
		shared_position();
		listing();
		chmod(".", 0755);
		owner();
		fchdir(back);
		close(back);
		snprintf(command, sizeof(command), "rm -rf '%s'", dir);
		SHOW(system(command));
		free(dir);
	}
	return 0;
}
