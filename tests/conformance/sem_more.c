// SPDX-License-Identifier: Apache-2.0
/* System V semaphores: several operations at once, waiting and counting, undo, removal, limits. */
#include "test.h"

#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int id;

static int op(int n, int value, int flags)
{
	struct sembuf b = { (unsigned short)n, (short)value, (short)flags };

	return semop(id, &b, 1);
}

static int value(int n) { return semctl(id, n, GETVAL); }
static void set(int n, int v) { semctl(id, n, SETVAL, (union semun){ .val = v }); }

static void wait_sleepers(int n, int cmd, int count)
{
	for (int i = 0; i < 200 && semctl(id, n, cmd) < count; i++)
		sleep_ms(5);
}

static void basics(void)
{
	struct semid_ds ds;
	unsigned short all[4] = { 1, 2, 3, 4 };

	SECTION("get");
	SHOW(semget(0x1234, 0, 0));
	SHOW(semget(0x1234, 0, IPC_CREAT | 0600));
	SHOW(semget(0x1234, 40000, IPC_CREAT | 0600));
	SHOW(semget(0x1234, -1, IPC_CREAT | 0600));
	OK(id = semget(0x1234, 4, IPC_CREAT | 0640));
	SHOW(semget(0x1234, 4, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(semget(0x1234, 5, 0));
	CHECK(semget(0x1234, 3, 0) == id);
	CHECK(semget(0x1234, 0, 0) == id);
	SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds }));
	say("%lu %o %d %d %d", (unsigned long)ds.sem_nsems, ds.sem_perm.mode, ds.sem_perm.uid, ds.sem_otime == 0, ds.sem_ctime > 0);
	SECTION("values");
	SHOW(semctl(id, 0, SETALL, (union semun){ .array = all }));
	memset(all, 0, sizeof(all));
	SHOW(semctl(id, 0, GETALL, (union semun){ .array = all }));
	say("%d %d %d %d", all[0], all[1], all[2], all[3]);
	SHOW(semctl(id, 4, GETVAL));
	SHOW(semctl(id, -1, GETVAL));
	SHOW(semctl(id, 4, SETVAL, (union semun){ .val = 1 }));
	SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 32768 }));
	SHOW(semctl(id, 0, SETVAL, (union semun){ .val = -1 }));
	SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 32767 }));
	SHOW(op(0, 1, 0));
	SHOW(op(4, 1, 0));
	SHOW(op(0, 0, IPC_NOWAIT));
	SHOW(op(0, -32767, IPC_NOWAIT));
	SHOW(op(0, -1, IPC_NOWAIT));
	SHOW(semop(id, NULL, 1));
	SHOW(semop(id, NULL, 0));
	SHOW(semop(id, NULL, 501));
	SHOW(semop(-1, (struct sembuf *)&ds, 1));
	SHOW(semop(id + 0x10000, (struct sembuf *)&ds, 1));
	SHOW(semctl(id, 0, 99));
	CHECK(semctl(id, 0, GETPID) == getpid());
	SHOW(semctl(id, 0, GETALL, (union semun){ .array = NULL }));
}

static void together(void)
{
	struct sembuf ops[3] = { { 0, -1, IPC_NOWAIT }, { 1, -1, IPC_NOWAIT }, { 2, 1, IPC_NOWAIT } };

	SECTION("all or nothing");
	set(0, 1);
	set(1, 0);
	set(2, 5);
	SHOW(semop(id, ops, 3));
	say("%d %d %d", value(0), value(1), value(2));
	set(1, 1);
	SHOW(semop(id, ops, 3));
	say("%d %d %d", value(0), value(1), value(2));
	/* The same semaphore twice: first down, then wait for zero. */
	struct sembuf same[2] = { { 3, -2, IPC_NOWAIT }, { 3, 0, IPC_NOWAIT } };
	set(3, 3);
	SHOW(semop(id, same, 2));
	say("%d", value(3));
	set(3, 2);
	SHOW(semop(id, same, 2));
	say("%d", value(3));
}

static void sleeping(void)
{
	pid_t a, b;
	int status;

	SECTION("sleeping");
	for (int i = 0; i < 4; i++)
		set(i, 0);
	a = fork();
	if (!a)
		_exit(op(0, -2, 0) ? errno : 0);
	wait_sleepers(0, GETNCNT, 1);
	b = fork();
	if (!b)
		_exit(op(0, -1, 0) ? errno : 0);
	wait_sleepers(0, GETNCNT, 2);
	say("%d %d", semctl(id, 0, GETNCNT), semctl(id, 0, GETZCNT));
	op(0, 1, 0);
	waitpid(b, &status, 0);
	show_status("second", status);
	say("%d %d", value(0), semctl(id, 0, GETNCNT));
	CHECK(semctl(id, 0, GETPID) == b);
	op(0, 2, 0);
	waitpid(a, &status, 0);
	show_status("first", status);
	say("%d", value(0));
	set(1, 1);
	a = fork();
	if (!a)
		_exit(op(1, 0, 0) ? errno : 0);
	wait_sleepers(1, GETZCNT, 1);
	say("%d", semctl(id, 1, GETZCNT));
	set(1, 0);
	waitpid(a, &status, 0);
	show_status("for zero", status);

	SECTION("time limits and signals");
	struct timespec ts = { 0, 30000000 };
	struct sembuf down = { 0, -1, 0 };
	uint64_t start = now_ms();
	SHOW(semtimedop(id, &down, 1, &ts));
	CHECK(now_ms() - start >= 29);
	ts.tv_nsec = -1;
	SHOW(semtimedop(id, &down, 1, &ts));
	ts = (struct timespec){ 0, 0 };
	SHOW(semtimedop(id, &down, 1, &ts));
	struct sigaction sa = { .sa_handler = (void (*)(int))say, .sa_flags = SA_RESTART };
	extern void ignore_signal(int);
	sa.sa_handler = ignore_signal;
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(semop(id, &down, 1));
	say("%d", semctl(id, 0, GETNCNT));
}

void ignore_signal(int sig) { }

static void undo(void)
{
	SECTION("undo");
	set(0, 5);
	set(1, 0);
	IN_CHILD({
		op(0, -3, SEM_UNDO);
		op(1, 2, SEM_UNDO);
		op(1, 1, 0);
		say("%d %d", value(0), value(1));
	});
	say("%d %d", value(0), value(1));
	/* Applied at death too, and wakes sleepers. */
	set(0, 1);
	pid_t holder = fork();
	if (!holder) {
		op(0, -1, SEM_UNDO);
		pause();
	}
	while (value(0))
		sleep_ms(2);
	pid_t waiter = fork();
	if (!waiter)
		_exit(op(0, -1, SEM_UNDO) ? errno : 0);
	wait_sleepers(0, GETNCNT, 1);
	kill(holder, SIGKILL);
	int status;
	waitpid(holder, &status, 0);
	waitpid(waiter, &status, 0);
	show_status("waiter", status);
	say("%d", value(0));
	/* SETVAL forgets adjustments; a value never goes below zero. */
	IN_CHILD({
		op(0, -1, SEM_UNDO);
		set(0, 7);
	});
	say("%d", value(0));
	set(0, 0);
	IN_CHILD(op(0, 5, SEM_UNDO); op(0, -4, 0));
	say("%d", value(0));
	IN_CHILD(op(0, 5, SEM_UNDO); if (!fork()) { op(0, -2, SEM_UNDO); _exit(0); } wait(NULL); say("%d", value(0)));
	say("%d", value(0));
	IN_CHILD(for (int i = 0; i < 2; i++) { set(0, 0); SHOW(op(0, 20000, SEM_UNDO)); });
}

static void removal(void)
{
	struct semid_ds ds;
	pid_t pid;
	int status;

	SECTION("permissions");
	IN_CHILD({
		setgid(100);
		setuid(100);
		SHOW(op(0, 1, 0));
		SHOW(semctl(id, 0, GETVAL));
		SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds }));
		SHOW(semctl(id, 0, IPC_RMID));
		SHOW(semget(0x1234, 0, 0400));
		SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 1 }));
	});
	semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds });
	ds.sem_perm.mode = 0444;
	ds.sem_perm.uid = 100;
	SHOW(semctl(id, 0, IPC_SET, (union semun){ .buf = &ds }));
	IN_CHILD({
		setgid(100);
		setuid(100);
		OK(semctl(id, 0, GETVAL));
		SHOW(op(0, 1, 0));
	});
	SECTION("removal");
	set(0, 0);
	pid = fork();
	if (!pid)
		_exit(op(0, -1, 0) ? errno : 0);
	wait_sleepers(0, GETNCNT, 1);
	SHOW(semctl(id, 0, IPC_RMID));
	waitpid(pid, &status, 0);
	say("%s", error_name(WEXITSTATUS(status)));
	SHOW(op(0, 1, 0));
	SHOW(semctl(id, 0, IPC_RMID));
	SHOW(semget(0x1234, 0, 0));
	int other = semget(IPC_PRIVATE, 1, 0600);
	CHECK(other != id);
	semctl(other, 0, IPC_RMID);
	struct seminfo info;
	SHOW(semctl(0, 0, IPC_INFO, (union semun){ .info = &info }));
	say("%d %d %d %d %d", info.semmni, info.semmsl, info.semmns, info.semopm, info.semvmx);
	SHOW(semctl(0, 0, SEM_INFO, (union semun){ .info = &info }));
	say("%d %d", info.semusz, info.semaem);
}

int main(void)
{
	basics();
	together();
	sleeping();
	undo();
	removal();
}
