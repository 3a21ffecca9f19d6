// SPDX-License-Identifier: Apache-2.0
/* memfd_create and seals: what each seal forbids, mappings, shared anonymous memory, /dev/zero. */
#include "test.h"

static void seals(void)
{
	char *p, buf[8];
	struct stat st;
	char link[64];
	int fd;

	SECTION("seals");
	fd = SHOW(memfd_create("plain", 0));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	fstat(fd, &st);
	say("mode %o nlink %ld size %ld", st.st_mode, (long)st.st_nlink, (long)st.st_size);
	sprintf(link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, buf, sizeof(buf));
	say("%zd %.8s", n, buf);
	SHOW(fcntl(fd, F_GETFD));
	close(fd);
	fd = SHOW(memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(write(fd, "0123456789", 10));
	SHOW(fcntl(fd, F_ADD_SEALS, 0x4000));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(ftruncate(fd, 5));
	SHOW(ftruncate(fd, 20));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(ftruncate(fd, 21));
	SHOW(pwrite(fd, "abc", 3, 20));
	SHOW(pwrite(fd, "abc", 3, 18));
	SHOW(fallocate(fd, 0, 0, 100));
	SHOW(fallocate(fd, 0, 0, 10));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	p[0] = 'M';
	munmap(p, 4096);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(write(fd, "x", 1));
	SHOW(pread(fd, buf, 4, 0));
	say("%.4s", buf);
	SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	OK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(fcntl(fd, F_GET_SEALS));
	int again = SHOW(open((sprintf(link, "/proc/self/fd/%d", fd), link), O_RDONLY));
	SHOW(fcntl(again, F_GET_SEALS));
	SHOW(fcntl(again, F_ADD_SEALS, F_SEAL_GROW));
	close(again);
	close(fd);
	fd = SHOW(memfd_create("future", MFD_ALLOW_SEALING));
	ftruncate(fd, 4096);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'F';
	SHOW(write(fd, "x", 1));
	SHOW(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0));
	char *q = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(q != MAP_FAILED);
	say("%c", q[0]);
	SHOW(mprotect(q, 4096, PROT_READ | PROT_WRITE));
	munmap(p, 4096);
	munmap(q, 4096);
	close(fd);
	SHOW(fcntl(0, F_GET_SEALS));
	SHOW(fcntl(99, F_GET_SEALS));
}

static void creation(void)
{
	char name[300];

	SECTION("creation");
	memset(name, 'n', sizeof(name));
	name[250] = 0;
	SHOW(memfd_create(name, 0));
	name[249] = 0;
	SHOW(close(memfd_create(name, 0)));
	SHOW(memfd_create(NULL, 0));
	SHOW(memfd_create("a/b", 0) > 0);
	SHOW(memfd_create("", 0) > 0);
	SHOW(memfd_create("x", 0x80));
	int fd = memfd_create("exec", 0x8 /* MFD_NOEXEC_SEAL */);
	struct stat st;
	fstat(fd, &st);
	say("mode %o", st.st_mode);
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fchmod(fd, 0777));
	SHOW(fchmod(fd, 0600));
	SHOW(memfd_create("exec", 0x8 | 0x10));
	close(fd);
}

static void shared(void)
{
	SECTION("shared memory");
	int *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p[0] = 1;
	p[200000] = 2;
	IN_CHILD(p[0] += 10; p[200000] += 20; p[100000] = 7);
	say("%d %d %d", p[0], p[100000], p[200000]);
	SHOW(madvise(p, 4096, MADV_DONTNEED));
	say("%d", p[0]);
	int fd = SHOW(open("/dev/zero", O_RDWR));
	int *z = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int *y = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(z != MAP_FAILED && y != MAP_FAILED);
	IN_CHILD(z[5] = 5; y[5] = 5);
	say("%d %d", z[5], y[5]);
	char buf[100];
	memset(buf, 1, sizeof(buf));
	SHOW(read(fd, buf, sizeof(buf)));
	say("%d %d", buf[0], buf[99]);
	SHOW(write(fd, buf, 100));
	SHOW(lseek(fd, 100, SEEK_SET));
	close(fd);
	fd = SHOW(open("/dev/full", O_RDWR));
	SHOW(write(fd, buf, 1));
	SHOW(read(fd, buf, 4));
	close(fd);
	fd = SHOW(open("/dev/null", O_RDWR));
	SHOW(write(fd, buf, 100));
	SHOW(read(fd, buf, 4));
	SHOW(ftruncate(fd, 0));
	close(fd);
	fd = SHOW(open("/dev/urandom", O_RDONLY));
	char a[64], b[64];
	SHOW(read(fd, a, 64));
	SHOW(read(fd, b, 64));
	CHECK(memcmp(a, b, 64));
	close(fd);
	SHOW(syscall(SYS_getrandom, a, 64, 0));
	SHOW(syscall(SYS_getrandom, a, 64, 1));
	SHOW(syscall(SYS_getrandom, a, 64, 8));
	SHOW(syscall(SYS_getrandom, NULL, 64, 0));
	SHOW(syscall(SYS_getrandom, NULL, 0, 0));
	struct stat st;
	const char *names[] = { "null", "zero", "full", "random", "urandom", "tty", "ptmx" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64];
		sprintf(path, "/dev/%s", names[i]);
		if (!stat(path, &st))
			say("%s %o %lx", names[i], st.st_mode & S_IFMT, (long)st.st_rdev);
	}
}

/* A large mapping of a sparse file, by several processes. */
static void large(void)
{
	SECTION("large");
	int fd = memfd_create("large", 0);
	SHOW(ftruncate(fd, 64 << 20));
	char *p = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 64; i++)
		p[(size_t)i << 20] = (char)i;
	IN_CHILD(for (int i = 0; i < 64; i++) p[((size_t)i << 20) + 4096] = p[(size_t)i << 20] + 1);
	long sum = 0;
	for (int i = 0; i < 64; i++)
		sum += p[((size_t)i << 20) + 4096];
	say("%ld", sum);
	munmap(p, 64 << 20);
	char c;
	SHOW(pread(fd, &c, 1, (63 << 20) + 4096));
	say("%d", c);
	SHOW(ftruncate(fd, 0));
	struct stat st;
	fstat(fd, &st);
	say("%ld", (long)st.st_blocks);
	close(fd);
}

int main(void)
{
	seals();
	creation();
	shared();
	large();
	return 0;
}
