// SPDX-License-Identifier: Apache-2.0
/* POSIX message queues: attributes, priorities, waiting, notification, the file system. */
#include "test.h"

#include <dirent.h>
#include <mqueue.h>

static mqd_t q;
static volatile int notified, notify_code, notify_value;

static void on_notify(int sig, siginfo_t *info, void *context)
{
	notified++;
	notify_code = info->si_code;
	notify_value = info->si_value.sival_int;
}

static void show_attr(mqd_t d)
{
	struct mq_attr a;

	if (mq_getattr(d, &a))
		say("mq_getattr: %s", error_name(errno));
	else
		say("flags %lo max %ld size %ld now %ld", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}

static void take(mqd_t d)
{
	unsigned priority = 99;
	char buf[8192];
	struct mq_attr a;

	mq_getattr(d, &a);
	long n = mq_receive(d, buf, (size_t)a.mq_msgsize, &priority);
	if (n < 0)
		say("mq_receive: %s", error_name(errno));
	else
		say("%ld '%.*s' priority %u", n, (int)n, buf, priority);
}

static void opening(void)
{
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 64 };

	SECTION("open");
	mq_unlink("/lxd-a");
	mq_unlink("/lxd-b");
	SHOW(mq_open("/lxd-a", O_RDWR));
	SHOW(mq_open("lxd-a", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_open("/lxd/a", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_open("/.", O_RDWR | O_CREAT, 0600, NULL));
	OK(q = mq_open("/lxd-a", O_RDWR | O_CREAT, 0600, NULL));
	show_attr(q);
	say("%d", fcntl(q, F_GETFD));
	SHOW(mq_open("/lxd-a", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
	mq_close(q);
	SHOW(mq_unlink("/lxd-a"));
	SHOW(mq_unlink("/lxd-a"));
	a.mq_maxmsg = 0;
	SHOW(mq_open("/lxd-b", O_RDWR | O_CREAT, 0600, &a));
	a.mq_maxmsg = -1;
	SHOW(mq_open("/lxd-b", O_RDWR | O_CREAT, 0600, &a));
	a.mq_maxmsg = 4;
	a.mq_msgsize = 0;
	SHOW(mq_open("/lxd-b", O_RDWR | O_CREAT, 0600, &a));
	a.mq_msgsize = 64;
	a.mq_flags = O_NONBLOCK;
	OK(q = mq_open("/lxd-b", O_RDWR | O_CREAT, 0600, &a));
	show_attr(q);
	mqd_t r = mq_open("/lxd-b", O_RDONLY), w = mq_open("/lxd-b", O_WRONLY | O_NONBLOCK);
	show_attr(w);
	SHOW(mq_send(r, "x", 1, 0));
	char buf[64];
	SHOW(mq_receive(w, buf, 64, NULL));
	SHOW(mq_send(0, "x", 1, 0));
	SHOW(mq_send(99, "x", 1, 0));
	mq_close(r);
	a.mq_flags = 0;
	struct mq_attr old;
	SHOW(mq_setattr(w, &a, &old));
	say("%lo", old.mq_flags);
	show_attr(w);
	a.mq_flags = O_RDWR | O_APPEND;
	SHOW(mq_setattr(w, &a, NULL));
	mq_close(w);
}

static void sending(void)
{
	char buf[64];
	struct timespec ts;

	SECTION("order");
	SHOW(mq_send(q, "low", 3, 1));
	SHOW(mq_send(q, "high", 4, 9));
	SHOW(mq_send(q, "low too", 7, 1));
	SHOW(mq_send(q, "", 0, 5));
	show_attr(q);
	for (int i = 0; i < 4; i++)
		take(q);
	SHOW(mq_send(q, "x", 1, 32768));
	SHOW(mq_send(q, "x", 1, 32767));
	SHOW(mq_send(q, buf, 65, 0));
	SHOW(mq_receive(q, buf, 63, NULL));
	take(q);
	SECTION("full and empty");
	struct mq_attr a = { .mq_flags = O_NONBLOCK };
	mq_setattr(q, &a, NULL);
	take(q);
	int n = 0;
	while (!mq_send(q, "x", 1, 0))
		n++;
	say("%d then %s", n, error_name(errno));
	struct pollfd p = { q, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	say("%x", (unsigned)p.revents);
	a.mq_flags = 0;
	mq_setattr(q, &a, NULL);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	SHOW(mq_timedsend(q, "x", 1, 0, &ts));
	pid_t pid = fork();
	if (!pid)
		_exit(mq_send(q, "woken", 5, 3) ? errno : 0);
	sleep_ms(20);
	take(q);
	int status;
	waitpid(pid, &status, 0);
	show_status("sender", status);
	take(q);
	for (int i = 0; i < 3; i++)
		take(q);
	poll(&p, 1, 0);
	say("%x", (unsigned)p.revents);
	SHOW(mq_timedreceive(q, buf, 64, NULL, &ts));
	ts.tv_nsec = -1;
	SHOW(mq_timedreceive(q, buf, 64, NULL, &ts));
	pid = fork();
	if (!pid) {
		long r = mq_receive(q, buf, 64, NULL);
		_exit(r == 2 ? 0 : 1);
	}
	sleep_ms(20);
	SHOW(mq_send(q, "go", 2, 0));
	waitpid(pid, &status, 0);
	show_status("receiver", status);
}

static void notification(void)
{
	struct sigaction sa = { .sa_sigaction = on_notify, .sa_flags = SA_SIGINFO };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };

	SECTION("notification");
	sigaction(SIGUSR1, &sa, NULL);
	SHOW(mq_notify(q, &e));
	SHOW(mq_notify(q, &e));
	IN_CHILD(SHOW(mq_notify(q, &e)); SHOW(mq_notify(q, NULL)); mq_close(q));
	SHOW(mq_notify(q, &e));
	SHOW(mq_send(q, "a", 1, 0));
	say("%d %d %d", notified, notify_code == SI_MESGQ, notify_value);
	SHOW(mq_send(q, "b", 1, 0));
	SHOW(mq_notify(q, &e));
	SHOW(mq_send(q, "c", 1, 0));
	say("%d", notified);
	for (int i = 0; i < 3; i++)
		take(q);
	SHOW(mq_send(q, "d", 1, 0));
	say("%d", notified);
	take(q);
	SHOW(mq_notify(q, NULL));
	SHOW(mq_notify(q, NULL));
	e.sigev_signo = 99;
	SHOW(mq_notify(q, &e));
	e.sigev_notify = 42;
	SHOW(mq_notify(q, &e));
	e.sigev_notify = SIGEV_NONE;
	SHOW(mq_notify(q, &e));
	SHOW(mq_send(q, "e", 1, 0));
	take(q);
	SHOW(mq_notify(q, &e));
	/* Closing ends the registration. */
	mqd_t other = mq_open("/lxd-b", O_RDWR);
	mq_close(other);
	SHOW(mq_notify(q, &e));
}

static void files(void)
{
	struct stat st;
	char buf[128];

	SECTION("/dev/mqueue");
	if (stat("/dev/mqueue/lxd-b", &st)) {
		say("not mounted");
		return;
	}
	say("%o %ld", st.st_mode, (long)st.st_size);
	mq_send(q, "12345", 5, 0);
	int fd = open("/dev/mqueue/lxd-b", O_RDONLY);
	long n = read(fd, buf, sizeof(buf));
	say("%.*s", n > 0 ? (int)n : 0, buf);
	SHOW(read(fd, buf, sizeof(buf)));
	close(fd);
	DIR *d = opendir("/dev/mqueue");
	int seen = 0;
	for (struct dirent *e; (e = readdir(d));)
		seen += !strcmp(e->d_name, "lxd-b");
	closedir(d);
	say("seen %d", seen);
	SHOW(unlink("/dev/mqueue/lxd-b"));
	SHOW(mq_open("/lxd-b", O_RDWR));
	take(q);
	show_attr(q);
	int made = open("/dev/mqueue/lxd-c", O_CREAT | O_RDWR, 0600);
	say("%d", made >= 0);
	show_attr(made);
	SHOW(mkdir("/dev/mqueue/dir", 0700));
	SHOW(mq_unlink("/lxd-c"));
	SHOW(mq_unlink("/lxd-c"));
}

int main(void)
{
	opening();
	sending();
	notification();
	files();
	mq_unlink("/lxd-b");
}
