// SPDX-License-Identifier: Apache-2.0
/*
 * usage: own_calls HOST_PID SECRET_PATH
 *
 * Every system call number from 0 to 600 from the program's own code, with several sets of arguments, each in a child. Nothing
 * may reach HOST_PID, a process of the host's (the caller looks whether it lives), or SECRET_PATH, a file of the host's.
 */
#include "attack.h"

static char *arena;
static int host_pid;
static const char *secret;

/* Six arguments for one try. */
static void arguments(int set, long a[6])
{
	for (int i = 0; i < 6; i++) {
		switch (set) {
		case 0: a[i] = 0; break;
		case 1: a[i] = -1; break;
		case 2: a[i] = i ? (long)arena + 4096 * i : 1; break;
		case 3: a[i] = i == 0 ? host_pid : i == 1 ? SIGKILL : i == 2 ? SIGKILL : 0; break;
		case 4: a[i] = i == 0 ? (long)secret : i == 1 ? O_RDWR : 0777; break;
		case 5: a[i] = i == 0 ? AT_FDCWD : i == 1 ? (long)secret : i == 2 ? O_RDWR : 0777; break;
		case 6: a[i] = (long)KERNEL_IMAGE + 4096 * i; break;
		default: a[i] = (long)KERNEL_HEAP + 4096 * i; break;
		}
	}
}

/* Calls that end or stop the child for good reason, or would wait for ever. */
static bool harmless_to_skip(int nr)
{
	return nr == SYS_pause || nr == SYS_rt_sigsuspend;
}

static void one(int nr, int set)
{
	long a[6];

	alarm(2);
	arguments(set, a);
	for (int i = 3; i < 20; i++)
		close(i);
	long ret = raw_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	/* Whatever opened must not be the secret. */
	if (ret > 2 && ret < 64) {
		char buf[16];
		long n = pread((int)ret, buf, sizeof(buf), 0);
		if (n >= 6 && !memcmp(buf, "secret", 6))
			_exit(77);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int bad = 0, stuck = 0;

	if (argc < 3)
		return 2;
	host_pid = atoi(argv[1]);
	secret = argv[2];
	arena = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int nr = 0; nr <= 600; nr++) {
		if (harmless_to_skip(nr))
			continue;
		for (int set = 0; set < 8; set++) {
			int status;
			pid_t pid = fork();

			if (!pid) {
				setpgid(0, 0);
				int null = open("/dev/null", O_RDWR);
				for (int i = 0; i < 3; i++)
					dup2(null, i);
				one(nr, set);
			}
			if (pid < 0) {
				result(false, "fork after number %d: %s", nr, strerror(errno));
				return 1;
			}
			/* What it left running (fork, vfork, clone) is in its group; a stopped one is ended. */
			for (int tries = 0;; tries++) {
				pid_t done = waitpid(pid, &status, WNOHANG);
				if (done == pid)
					break;
				if (done < 0 && errno == ECHILD) {
					status = 0;
					break;
				}
				if (tries > 4000) {
					kill(pid, SIGKILL);
					waitpid(pid, &status, 0);
					stuck++;
					break;
				}
				usleep(tries < 50 ? 100 : 1000);
			}
			kill(-pid, SIGKILL);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
				result(false, "number %d, arguments %d: reads the host's file", nr, set);
				bad++;
			}
		}
	}
	result(bad == 0, "601 numbers with 8 sets of arguments from own code");
	printf("note: %d of them had to be killed\n", stuck);
	return failures != 0;
}
