// SPDX-License-Identifier: Apache-2.0
/* System V shared memory, semaphores, messages; POSIX message queues. */
#include "test.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static void segments(void)
{
	struct shmid_ds ds;

	SECTION("shm");
	SHOW(shmget(0x1234, 4096, 0600));
	int id = OK(shmget(0x1234, 10000, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(shmget(0x1234, 100, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(shmget(0x1234, 20000, 0600));
	CHECK(shmget(0x1234, 0, 0600) == id);
	int *p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1);
	*p = 5;
	SHOW(shmctl(id, IPC_STAT, &ds));
	say("size %ld nattch %ld mode %o", (long)ds.shm_segsz, (long)ds.shm_nattch, ds.shm_perm.mode);
	IN_CHILD({
		int *q = shmat(id, NULL, SHM_RDONLY);
		say("sees %d", *q);
		*p = 6;
		shmctl(id, IPC_STAT, &ds);
		say("nattch %ld", (long)ds.shm_nattch);
		SHOW(shmdt(q));
	});
	say("%d", *p);
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, IPC_STAT, &ds));
	say("mode %o", ds.shm_perm.mode);
	*p = 7;
	SHOW(shmdt(p));
	SHOW(shmdt(p));
	SHOW(shmctl(id, IPC_STAT, &ds));
	SHOW(shmat(id, NULL, 0));
	SHOW(shmget(IPC_PRIVATE, 0, 0600));
}

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static void semaphores(void)
{
	struct sembuf op = { 0, -1, IPC_NOWAIT };
	unsigned short values[3] = { 1, 2, 3 };

	SECTION("sem");
	int id = OK(semget(IPC_PRIVATE, 3, IPC_CREAT | 0600));
	SHOW(semctl(id, 0, SETALL, (union semun){ .array = values }));
	SHOW(semop(id, &op, 1));
	SHOW(semop(id, &op, 1));
	SHOW(semctl(id, 0, GETVAL));
	SHOW(semctl(id, 2, GETVAL));
	SHOW(semctl(id, 3, GETVAL));
	SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 40000 }));
	SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 0 }));
	/* all or nothing */
	struct sembuf two[2] = { { 1, -2, 0 }, { 0, -1, IPC_NOWAIT } };
	SHOW(semop(id, two, 2));
	SHOW(semctl(id, 1, GETVAL));
	pid_t pid = fork();
	if (!pid) {
		op.sem_flg = 0;
		SHOW(semop(id, &op, 1));
		_exit(0);
	}
	while (semctl(id, 0, GETNCNT) == 0)
		sleep_ms(1);
	SHOW(semctl(id, 0, GETNCNT));
	op = (struct sembuf){ 0, 1, 0 };
	int raised = semop(id, &op, 1);
	waitpid(pid, NULL, 0);
	say("raised %d", raised);
	CHECK(semctl(id, 0, GETPID) == pid);
	/* undo */
	IN_CHILD({ op = (struct sembuf){ 1, -2, SEM_UNDO }; SHOW(semop(id, &op, 1)); });
	SHOW(semctl(id, 1, GETVAL));
	struct timespec t = { 0, 20000000 };
	op = (struct sembuf){ 0, -1, 0 };
	SHOW(semtimedop(id, &op, 1, &t));
	op = (struct sembuf){ 9, -1, 0 };
	SHOW(semop(id, &op, 1));
	pid = fork();
	if (!pid) {
		op = (struct sembuf){ 0, -1, 0 };
		SHOW(semop(id, &op, 1));
		_exit(0);
	}
	sleep_ms(100);
	int removed = semctl(id, 0, IPC_RMID);
	waitpid(pid, NULL, 0);
	say("removed %d", removed);
	SHOW(semop(id, &op, 1));
}

struct message {
	long type;
	char text[64];
};

static void messages(void)
{
	struct message m = { 3, "three" };

	SECTION("msg");
	int id = OK(msgget(IPC_PRIVATE, 0600));
	SHOW(msgsnd(id, &m, 6, 0));
	m.type = 1;
	strcpy(m.text, "one");
	SHOW(msgsnd(id, &m, 4, 0));
	m.type = 2;
	strcpy(m.text, "two");
	SHOW(msgsnd(id, &m, 4, 0));
	m.type = 0;
	SHOW(msgsnd(id, &m, 4, 0));
	SHOW(msgrcv(id, &m, 64, 2, 0));
	say("%ld %s", m.type, m.text);
	SHOW(msgrcv(id, &m, 2, 0, 0));
	SHOW(msgrcv(id, &m, 2, 0, MSG_NOERROR));
	say("%ld %.2s", m.type, m.text);
	SHOW(msgrcv(id, &m, 64, -5, 0));
	say("%ld %s", m.type, m.text);
	SHOW(msgrcv(id, &m, 64, 0, IPC_NOWAIT));
	pid_t pid = fork();
	if (!pid) {
		SHOW(msgrcv(id, &m, 64, 7, 0));
		say("%s", m.text);
		SHOW(msgrcv(id, &m, 64, 7, 0));
		_exit(0);
	}
	sleep_ms(20);
	m.type = 7;
	strcpy(m.text, "seven");
	msgsnd(id, &m, 6, 0);
	sleep_ms(100);
	int removed = msgctl(id, IPC_RMID, NULL);
	waitpid(pid, NULL, 0);
	say("removed %d", removed);
	SHOW(msgsnd(id, &m, 6, 0));
}

static volatile int notified;
static void handler(int sig) { notified++; }

static void queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 3, .mq_msgsize = 32 };
	char buf[64];
	unsigned priority;

	SECTION("mq");
	SHOW(mq_open("noslash", O_RDWR | O_CREAT, 0600, &attr));
	SHOW(mq_open("/none", O_RDWR));
	mqd_t q = mq_open("/conf", O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
	CHECK(q >= 0);
	SHOW(mq_open("/conf", O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
	SHOW(mq_send(q, "low", 3, 1));
	SHOW(mq_send(q, "high", 4, 9));
	SHOW(mq_send(q, "low2", 4, 1));
	SHOW(mq_send(q, "full", 4, 1));
	SHOW(mq_send(q, buf, 33, 1));
	SHOW(mq_send(q, "x", 1, 40000));
	SHOW(mq_getattr(q, &attr));
	say("max %ld size %ld cur %ld flags %lo", attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs, attr.mq_flags);
	SHOW(mq_receive(q, buf, 10, &priority));
	SHOW(mq_receive(q, buf, 64, &priority));
	say("%.4s %u", buf, priority);
	SHOW(mq_receive(q, buf, 64, &priority));
	say("%.3s %u", buf, priority);
	SHOW(mq_receive(q, buf, 64, &priority));
	SHOW(mq_receive(q, buf, 64, &priority));
	signal(SIGUSR1, handler);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	SHOW(mq_notify(q, &event));
	SHOW(mq_notify(q, &event));
	SHOW(mq_send(q, "n", 1, 0));
	say("notified %d", notified);
	SHOW(mq_receive(q, buf, 64, NULL));
	struct pollfd p = { q, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	mq_close(q);
	q = mq_open("/conf", O_RDWR);
	struct timespec past = { 1, 0 };
	SHOW(mq_timedreceive(q, buf, 64, NULL, &past));
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(20);
		mq_send(q, "from child", 10, 0);
		_exit(0);
	}
	SHOW(mq_receive(q, buf, 64, NULL));
	waitpid(pid, NULL, 0);
	SHOW(mq_unlink("/conf"));
	SHOW(mq_unlink("/conf"));
}

int main(void)
{
	segments();
	semaphores();
	messages();
	queues();
	return 0;
}
