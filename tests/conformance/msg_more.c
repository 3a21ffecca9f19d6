// SPDX-License-Identifier: Apache-2.0
/* System V message queues: types, order, waiting, limits, removal. */
#include "test.h"

#include <sys/ipc.h>
#include <sys/msg.h>

static int id;

struct m {
	long type;
	char text[9000];
};

static int put(long type, const char *text)
{
	struct m m = { .type = type };

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), IPC_NOWAIT);
}

static void take(long type, size_t room, int flags)
{
	static struct m m;
	long n;

	memset(&m, 0, sizeof(m));
	n = msgrcv(id, &m, room, type, flags | IPC_NOWAIT);
	if (n < 0)
		say("type %ld flags %o: %s", type, flags, error_name(errno));
	else
		say("type %ld flags %o: %ld type %ld '%s'", type, flags, n, m.type, n < 50 ? m.text : "long");
}

static void fill(void)
{
	put(3, "three");
	put(1, "one");
	put(2, "two");
	put(3, "three again");
	put(5, "five");
}

void on_signal(int sig) { }

int main(void)
{
	struct msqid_ds ds;
	struct m m = { .type = 1 };
	int status;

	SECTION("get");
	SHOW(msgget(0x99, 0));
	OK(id = msgget(0x99, IPC_CREAT | 0620));
	CHECK(msgget(0x99, 0) == id);
	SHOW(msgget(0x99, IPC_CREAT | IPC_EXCL));
	SHOW(msgctl(id, IPC_STAT, &ds));
	say("%o %lu %lu %d %d %d", ds.msg_perm.mode, ds.msg_qbytes, ds.msg_qnum, ds.msg_stime == 0, ds.msg_lspid, ds.msg_lrpid);
	SECTION("types");
	fill();
	take(3, 100, 0);
	take(-2, 100, 0);
	take(-2, 100, 0);
	take(-2, 100, 0);
	take(5, 100, MSG_EXCEPT);
	take(5, 100, MSG_EXCEPT);
	take(0, 100, 0);
	take(0, 100, 0);
	fill();
	take(0, 3, 0);
	take(0, 3, MSG_NOERROR);
	take(-9, 0, MSG_NOERROR);
	take(LONG_MIN, 100, 0);
	take(1, 100, MSG_COPY);
	take(7, 100, MSG_COPY);
	take(0, 100, MSG_COPY);
	take(0, 100, MSG_COPY | MSG_EXCEPT);
	SHOW(msgctl(id, IPC_STAT, &ds));
	say("%lu %lu %d %d", ds.msg_qnum, ds.msg_cbytes, ds.msg_lspid == getpid(), ds.msg_lrpid == getpid());
	while (msgrcv(id, &m, 9000, 0, IPC_NOWAIT) >= 0)
		;
	SECTION("errors");
	SHOW(put(0, "x"));
	SHOW(put(-1, "x"));
	SHOW(msgsnd(id, &m, 8193, 0));
	m.type = 1;
	SHOW(msgsnd(id, &m, 8193, 0));
	SHOW(msgsnd(id, &m, (size_t)-1, 0));
	SHOW(msgsnd(id, NULL, 1, 0));
	SHOW(msgsnd(-1, &m, 1, 0));
	SHOW(msgsnd(id + 1, &m, 1, 0));
	SHOW(msgrcv(id, &m, (size_t)-1, 0, 0));
	SHOW(msgsnd(id, &m, 0, 0));
	take(0, 0, 0);
	SHOW(msgctl(id, 77, NULL));
	SECTION("full");
	int n = 0;
	while (!msgsnd(id, &m, 1000, IPC_NOWAIT))
		n++;
	say("%d then %s", n, error_name(errno));
	pid_t pid = fork();
	if (!pid) {
		m.type = 9;
		_exit(msgsnd(id, &m, 1000, 0) ? errno : 0);
	}
	sleep_ms(20);
	take(0, 9000, 0);
	waitpid(pid, &status, 0);
	show_status("sender", status);
	take(9, 9000, 0);
	msgctl(id, IPC_STAT, &ds);
	ds.msg_qbytes = 2000;
	SHOW(msgctl(id, IPC_SET, &ds));
	SHOW(msgsnd(id, &m, 1, IPC_NOWAIT));
	while (msgrcv(id, &m, 9000, 0, IPC_NOWAIT) >= 0)
		;
	ds.msg_qbytes = 16384;
	SHOW(msgctl(id, IPC_SET, &ds));
	SECTION("waiting");
	pid = fork();
	if (!pid) {
		long r = msgrcv(id, &m, 100, 4, 0);
		_exit(r == 4 ? 0 : 1);
	}
	sleep_ms(20);
	SHOW(put(3, "not you"));
	SHOW(put(4, "you!"));
	waitpid(pid, &status, 0);
	show_status("receiver", status);
	take(0, 100, 0);
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(msgrcv(id, &m, 100, 0, 0));
	SECTION("permissions");
	IN_CHILD({
		setgid(100);
		setuid(100);
		SHOW(put(1, "x"));
		take(0, 100, 0);
		SHOW(msgctl(id, IPC_STAT, &ds));
		SHOW(msgctl(id, IPC_RMID, NULL));
	});
	SECTION("removal");
	pid = fork();
	if (!pid)
		_exit(msgrcv(id, &m, 100, 4, 0) < 0 ? errno : 0);
	sleep_ms(20);
	SHOW(msgctl(id, IPC_RMID, NULL));
	waitpid(pid, &status, 0);
	say("%s", error_name(WEXITSTATUS(status)));
	SHOW(msgctl(id, IPC_STAT, &ds));
	SHOW(msgget(0x99, 0));
	struct msginfo info;
	SHOW(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
	say("%d %d", info.msgmax, info.msgmnb);
	SHOW(msgctl(0, MSG_INFO, (struct msqid_ds *)&info));
	say("%d %d %d", info.msgpool, info.msgmap, info.msgtql);
}
