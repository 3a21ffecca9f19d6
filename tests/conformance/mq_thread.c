// SPDX-License-Identifier: Apache-2.0
/* mq_notify(3) with SIGEV_THREAD, which the C library does over a netlink socket. */
#include "test.h"

#include <linux/netlink.h>
#include <mqueue.h>
#include <semaphore.h>

static sem_t called;
static int given;

static void on_message(union sigval value)
{
	given = value.sival_int;
	sem_post(&called);
}

static void show_call(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	if (sem_timedwait(&called, &until))
		say("not called");
	else
		say("called with %d", given);
}

int main(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_message, .sigev_value.sival_int = 42 };
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	char cookie[32] = "a cookie of 32 bytes, or so  ", got[64];
	struct sigevent raw = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_ptr = cookie };
	mqd_t q = mq_open("/lxd-thread", O_CREAT | O_RDWR, 0600, &attr);
	int nl, s[2];

	sem_init(&called, 0, 0);
	SHOW(mq_notify(q, &event));
	SHOW(mq_notify(q, &event));
	SHOW(mq_send(q, "one", 3, 0));
	show_call();
	SHOW(mq_receive(q, got, 16, NULL));
	event.sigev_value.sival_int = 43;
	SHOW(mq_notify(q, &event));
	SHOW(mq_send(q, "two", 3, 0));
	show_call();
	SHOW(mq_receive(q, got, 16, NULL));
	SHOW(mq_notify(q, &event));
	SHOW(mq_notify(q, NULL));

	/* What the library does. */
	nl = socket(AF_NETLINK, SOCK_RAW, 0);
	raw.sigev_signo = nl;
	SHOW(syscall(SYS_mq_notify, q, &raw));
	SHOW(recv(nl, got, sizeof(got), MSG_DONTWAIT));
	SHOW(mq_send(q, "x", 1, 0));
	SHOW(recv(nl, got, sizeof(got), MSG_DONTWAIT));
	say("%.16s %d", got, got[31]);
	mq_receive(q, got, 16, NULL);
	SHOW(syscall(SYS_mq_notify, q, &raw));
	SHOW(syscall(SYS_mq_notify, q, NULL));
	SHOW(recv(nl, got, sizeof(got), MSG_DONTWAIT));
	say("%.16s %d", got, got[31]);
	SHOW(syscall(SYS_mq_notify, q, &raw));
	close(nl);
	SHOW(mq_send(q, "x", 1, 0));
	raw.sigev_signo = 99;
	SHOW(syscall(SYS_mq_notify, q, &raw));
	raw.sigev_signo = 1;
	SHOW(syscall(SYS_mq_notify, q, &raw));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	raw.sigev_signo = s[0];
	SHOW(syscall(SYS_mq_notify, q, &raw));
	raw.sigev_value.sival_ptr = (void *)8;
	SHOW(syscall(SYS_mq_notify, q, &raw));
	SHOW(mq_close(q));
	SHOW(mq_unlink("/lxd-thread"));
}
