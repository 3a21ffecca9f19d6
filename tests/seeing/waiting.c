/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes and threads that wait for each other, to be looked at from outside (suites/seeing.py). Each gives itself a name. usage: waiting SCENE
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2], other_ends[2];

static void must(int good, const char *what)
{
	if (!good)
		err(1, "%s", what);
}

static pid_t start(const char *name, void (*run)(void))
{
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child)
		return child;
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run();
	_exit(0);
}

static int lock(const char *path, int operation)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	must(fd >= 0 && flock(fd, operation) == 0, path);
	return fd;
}

static void read_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) < 0)
		pause();
}

/* ---- chain: a reader waits for a writer, that one for a lock, its holder for the disk ---- */

static void chain_reader(void)
{
	close(ends[1]);
	read_byte(ends[0]);
}

static void chain_writer(void)
{
	close(ends[0]);
	usleep(300000);
	lock("/tmp/lock", LOCK_EX);
	must(write(ends[1], "x", 1) == 1, "write");
}

static void chain_holder(void)
{
	static char block[1 << 20];
	int fd;

	close(ends[0]);
	close(ends[1]);
	lock("/tmp/lock", LOCK_EX);
	fd = open("/data/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0, "/data/file");
	for (;;) {
		must(pwrite(fd, block, sizeof(block), 0) == sizeof(block), "write");
		must(fsync(fd) == 0, "fsync");
	}
}

static void chain(void)
{
	must(pipe(ends) == 0, "pipe");
	start("holder", chain_holder);
	usleep(100000);
	start("writer", chain_writer);
	start("reader", chain_reader);
	close(ends[0]);
	close(ends[1]);
}

/* ---- circles ---- */

static void first_then_second(const char *first, const char *second)
{
	lock(first, LOCK_EX);
	usleep(300000);
	lock(second, LOCK_EX);
}

static void one_two(void) { first_then_second("/tmp/1", "/tmp/2"); }
static void two_three(void) { first_then_second("/tmp/2", "/tmp/3"); }
static void three_one(void) { first_then_second("/tmp/3", "/tmp/1"); }

static void outsider(void)
{
	usleep(500000);
	lock("/tmp/1", LOCK_SH);
}

static void flocks(void)
{
	start("a", one_two);
	start("b", two_three);
	start("c", three_one);
	start("outsider", outsider);
}

static void left(void)
{
	close(ends[1]);
	close(other_ends[0]);
	read_byte(ends[0]);
}

static void right(void)
{
	close(ends[0]);
	close(other_ends[1]);
	read_byte(other_ends[0]);
}

static void pipes(void)
{
	must(pipe(ends) == 0 && pipe(other_ends) == 0, "pipe");
	start("left", left);
	start("right", right);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(other_ends[i]);
	}
}

static void sleeping_writer(void)
{
	sleep(1000);
}

/* As "pipes", but somebody else could write too. */
static void way_out(void)
{
	must(pipe(ends) == 0 && pipe(other_ends) == 0, "pipe");
	start("left", left);
	start("right", right);
	start("third", sleeping_writer);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(other_ends[i]);
	}
}

/* ---- threads ---- */

static pthread_mutex_t mutexes[2] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };

static void *one_way(void *argument)
{
	prctl(PR_SET_NAME, "one");
	pthread_mutex_lock(&mutexes[0]);
	usleep(300000);
	pthread_mutex_lock(&mutexes[1]);
	return NULL;
}

static void *other_way(void *argument)
{
	prctl(PR_SET_NAME, "other");
	pthread_mutex_lock(&mutexes[1]);
	usleep(300000);
	pthread_mutex_lock(&mutexes[0]);
	return NULL;
}

/* Of mutexes with priority inheritance the kernel refuses the last one: EDEADLK. */
static void threads(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, one_way, NULL);
	pthread_create(&thread, NULL, other_way, NULL);
}

/* ---- kinds ---- */

static void kind_sleep(void) { sleep(1000); }
static void kind_poll(void)
{
	struct pollfd wait = { .fd = ends[0], .events = POLLIN };

	poll(&wait, 1, 1000000);
}
static void kind_child(void)
{
	start("grandchild", kind_sleep);
	wait(NULL);
}
static void kind_socket(void)
{
	close(other_ends[1]);
	read_byte(other_ends[0]);
}
static void kind_stop(void) { raise(SIGSTOP); }
static void kind_posix(void)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
	int fd = open("/tmp/range", O_RDWR | O_CREAT, 0600);

	must(fd >= 0, "/tmp/range");
	fcntl(fd, F_SETLKW, &range);
	kind_sleep();
}
static void kind_fifo(void) { open("/tmp/fifo", O_RDONLY); }
static void kind_futex(void)
{
	pthread_mutex_lock(&mutexes[0]);
	pthread_mutex_lock(&mutexes[0]);
}
static void *pi_holder(void *argument)
{
	prctl(PR_SET_NAME, "pi-holder");
	pthread_mutex_lock(argument);
	sleep(1000);
	return NULL;
}
static void kind_pi(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mutex, &attributes);
	pthread_create(&thread, NULL, pi_holder, &mutex);
	usleep(300000);
	pthread_mutex_lock(&mutex);
}
static void kind_nice(void)
{
	struct sched_param none = { 0 };

	setpriority(PRIO_PROCESS, 0, 7);
	sched_setscheduler(0, SCHED_BATCH, &none);
	for (;;)
		;
}
static void kind_rr(void)
{
	struct sched_param parameters = { .sched_priority = 10 };

	sched_setscheduler(0, SCHED_RR, &parameters);
	kind_sleep();
}

static void kinds(void)
{
	must(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, other_ends) == 0 && mkfifo("/tmp/fifo", 0600) == 0, "make");
	start("sleep", kind_sleep);
	start("poll", kind_poll);
	start("child", kind_child);
	start("socket", kind_socket);
	start("stop", kind_stop);
	start("posix-1", kind_posix);
	usleep(200000);
	start("posix-2", kind_posix);
	start("fifo", kind_fifo);
	start("futex", kind_futex);
	start("pi", kind_pi);
	start("nice", kind_nice);
	start("rr", kind_rr);
	close(other_ends[0]);
}

static const struct {
	const char *name;
	void (*play)(void);
} scenes[] = { { "chain", chain }, { "flocks", flocks }, { "pipes", pipes }, { "way-out", way_out }, { "threads", threads }, { "kinds", kinds } };

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if (strcmp(scenes[i].name, argv[1]))
			continue;
		scenes[i].play();
		printf("ready\n");
		fflush(stdout);
		for (;;)
			pause();
	}
	errx(2, "usage: waiting SCENE");
}
