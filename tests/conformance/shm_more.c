// SPDX-License-Identifier: Apache-2.0
/* System V shared memory: attaching, counting, removal, addresses, permissions. */
#include "test.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static int id;

static void counts(const char *what)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds))
		say("%s: %s", what, error_name(errno));
	else
		say("%s: %lu attached, mode %o, size %zu, last own %d", what,
		    (unsigned long)ds.shm_nattch, ds.shm_perm.mode, ds.shm_segsz,
		    ds.shm_lpid == getpid());
}

static long at(void *address, int flags)
{
	char *p = shmat(id, address, flags);

	return p == (void *)-1 ? -1 : address ? p - (char *)address : 0;
}

int main(int argc, char **argv)
{
	struct shmid_ds ds;
	char *a, *b;

	if (argc > 1) {
		say("in the new program");
		return 0;
	}
	SECTION("get");
	SHOW(shmget(0x77, 0, 0));
	SHOW(shmget(0x77, 0, IPC_CREAT | 0600));
	OK(id = shmget(0x77, 10000, IPC_CREAT | 0600));
	SHOW(shmget(0x77, 10000, IPC_CREAT | IPC_EXCL | 0600));
	CHECK(shmget(0x77, 5000, 0) == id);
	CHECK(shmget(0x77, 0, 0) == id);
	SHOW(shmget(0x77, 10001, 0));
	SHOW(shmget(0x78, (size_t)-1, IPC_CREAT | 0600));
	counts("new");
	shmctl(id, IPC_STAT, &ds);
	say("%d %d %d", ds.shm_cpid == getpid(), ds.shm_atime == 0, ds.shm_ctime > 0);

	SECTION("attach");
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, SHM_RDONLY);
	CHECK(a != (void *)-1 && b != (void *)-1 && a != b);
	counts("two");
	strcpy(a + 9000, "shared");
	say("%s", b + 9000);
	IN_CHILD(*b = 1);
	IN_CHILD(counts("forked"); strcpy(a, "by the child"); SHOW(shmdt(a)); SHOW(shmdt(a)); counts("detached in child"));
	counts("child gone");
	say("%s", b);
	SHOW(shmdt(b));
	SHOW(shmdt(b));
	SHOW(shmdt(a + 4096));
	SHOW(shmdt(a + 1));
	counts("one");
	SHOW(at(a + 1, 0));
	SHOW(at(a, 0));
	SHOW(at(a, SHM_REMAP));
	SHOW(at(NULL, SHM_REMAP));
	counts("remapped");
	SHOW(munmap(a + 4096, 4096));
	counts("hole");
	SHOW(shmdt(a));
	counts("detached");
	b = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(b, 65536);
	SHOW(at(b + 100, SHM_RND));
	SHOW(shmdt(b));
	SHOW(at(b, 0));
	say("%s", b);
	SHOW(mprotect(b, 4096, PROT_READ));
	counts("split");
	SHOW(shmdt(b));
	counts("none");
	SHOW(shmdt(b));
	SHOW(shmat(id + 1, NULL, 0) == (void *)-1);
	SHOW(shmat(-1, NULL, 0) == (void *)-1);

	SECTION("removal");
	a = shmat(id, NULL, 0);
	SHOW(shmctl(id, IPC_RMID, NULL));
	counts("removed");
	SHOW(shmget(0x77, 0, 0));
	b = shmat(id, NULL, 0);
	CHECK(b != (void *)-1);
	say("%s", b);
	shmdt(b);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(20);
		_exit(a[0]);
	}
	SHOW(shmdt(a));
	counts("held by child");
	int status;
	waitpid(pid, &status, 0);
	show_status("child", status);
	counts("gone");
	SHOW(shmctl(id, IPC_RMID, NULL));

	SECTION("permissions");
	id = shmget(IPC_PRIVATE, 4096, 0640);
	IN_CHILD({
		setgid(100);
		setuid(100);
		SHOW(shmat(id, NULL, 0) == (void *)-1);
		say("%s", error_name(errno));
		SHOW(shmctl(id, IPC_STAT, &ds));
		SHOW(shmctl(id, IPC_RMID, NULL));
		SHOW(shmctl(id, SHM_LOCK, NULL));
	});
	shmctl(id, IPC_STAT, &ds);
	ds.shm_perm.mode = 0644;
	ds.shm_perm.gid = 100;
	SHOW(shmctl(id, IPC_SET, &ds));
	IN_CHILD({
		setgid(100);
		setuid(100);
		CHECK(shmat(id, NULL, 0) == (void *)-1);
		CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
		SHOW(shmctl(id, IPC_SET, &ds));
	});
	SHOW(shmctl(id, SHM_LOCK, NULL));
	counts("locked");
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	SHOW(shmctl(id, 99, NULL));
	SHOW(shmctl(id, IPC_STAT, NULL));
	/* exec drops attaches */
	a = shmat(id, NULL, 0);
	IN_CHILD(execl("/proc/self/exe", "x", "exec-child", NULL));
	shmdt(a);
	/* Large, sparse. */
	int big = shmget(IPC_PRIVATE, 64 << 20, 0600);
	a = shmat(big, NULL, 0);
	CHECK(a != (void *)-1);
	a[0] = 1;
	a[(64 << 20) - 1] = 2;
	b = shmat(big, NULL, 0);
	say("%d %d %d", b[0], b[(64 << 20) - 1], b[12345678]);
	shmctl(big, IPC_RMID, NULL);
	shmctl(id, IPC_RMID, NULL);
	/* Not given to children: they have no mapping of it, and never had one. */
	id = shmget(IPC_PRIVATE, 8192, 0600);
	a = shmat(id, NULL, 0);
	OK(madvise(a, 8192, MADV_DONTFORK));
	IN_CHILD(counts("kept from the child"); SHOW(msync(a, 8192, MS_ASYNC)); SHOW(shmdt(a)));
	IN_CHILD(*a = 1);
	counts("after the children");
	shmctl(id, IPC_STAT, &ds);
	CHECK(ds.shm_dtime == 0);
	OK(madvise(a, 8192, MADV_DOFORK));
	IN_CHILD(*a = 1; counts("given to the child"));
	shmctl(id, IPC_RMID, NULL);
	/* Shared between relatives, with a counter both change. */
	id = shmget(IPC_PRIVATE, 4096, 0600);
	volatile int *n = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	for (int i = 0; i < 4; i++) {
		if (!fork()) {
			for (int k = 0; k < 1000; k++)
				__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	say("%d", *n);
}
