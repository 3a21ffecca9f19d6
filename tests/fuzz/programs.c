// SPDX-License-Identifier: Apache-2.0
// container
/*
 * Programs that are damaged: ELF headers and segments, interpreters and scripts, cut off anywhere and rewritten while others run them. Whatever
 * is in such a file, execve fails or starts something that ends; afterwards whole programs still run, and no process and no memory is left.
 *
 * usage: programs SECONDS [SEED]
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

#define PROCESSES 4
#define FILES 6
#define SEGMENTS 6
#define SLACK_KB 2048

/* How execs went, over all processes: a fuzzer whose programs never start, or never fail, finds nothing. */
static struct {
	unsigned started, refused;
} *counts;

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS];
	char interpreter[64];
	unsigned char code[64];
};

static const char *path_of(unsigned n)
{
	static const char *const paths[FILES] = { "/tmp/fuzz-0", "/tmp/fuzz-1", "/tmp/fuzz-2", "/dev/shm/fuzz-3", "/dev/shm/fuzz-4", "/dev/shm/fuzz-5" };

	return paths[n % FILES];
}

/* Values at which something changes: ends of pages, of the user's half, of the kernel's range, of numbers. */
static uint64_t edge(struct random *r, uint64_t was)
{
	static const uint64_t edges[] = {
		0, 1, 2, 8, 56, 63, 64, 65, 255, 256, 4095, 4096, 4097, 0x10000, 0x200000, 0x400000, 0x7f060000, 0x680000000000, 0x680300000000,
		0x690000000000, 0x6bfffffff000, 0x7fffffffe000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0x7ffffffffffff000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff, 0x7fffffff, 0x80000000, 0xffffffff,
	};

	switch (below(r, 4)) {
	case 0: return was + (one_in(r, 2) ? 1 : -1ULL) * (1ULL << below(r, 48));
	case 1: return next(r) >> below(r, 64);
	default: return edges[below(r, sizeof(edges) / sizeof(edges[0]))];
	}
}

/* exit(42), at any address. */
static const unsigned char code[] = { 0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe };

static void sound_image(struct random *r, struct image *image)
{
	uint64_t base = one_in(r, 2) ? 0x400000 : 0;
	Elf64_Ehdr *h = &image->header;

	memset(image, 0, sizeof(*image));
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = h->e_version = EV_CURRENT;
	h->e_type = base ? ET_EXEC : ET_DYN;
	h->e_machine = EM_X86_64;
	h->e_phoff = offsetof(struct image, segments);
	h->e_phentsize = sizeof(Elf64_Phdr);
	h->e_ehsize = sizeof(*h);
	h->e_entry = base + offsetof(struct image, code);
	memcpy(image->code, code, sizeof(code));
	h->e_phnum = 2;
	image->segments[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, base, base, sizeof(*image), sizeof(*image), 4096 };
	image->segments[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0, base + 0x10000, base + 0x10000, 100, 100 + below(r, 20000), 4096 };
	for (; h->e_phnum < SEGMENTS && !one_in(r, 3); h->e_phnum++) {
		static const uint32_t types[] = { PT_LOAD, PT_TLS, PT_GNU_STACK, PT_PHDR, PT_DYNAMIC, PT_NOTE, PT_NULL, PT_GNU_PROPERTY };

		image->segments[h->e_phnum] = (Elf64_Phdr){ types[below(r, 8)], (uint32_t)below(r, 8), 0, base + 0x20000 * h->e_phnum,
							    0, below(r, 600), 600, 4096 };
	}
	if (one_in(r, 4)) {
		static const char *const names[] = { "/bin/busybox", "/lib64/ld-linux-x86-64.so.2", "/nonexistent", "/tmp", "" };
		Elf64_Phdr *last = &image->segments[h->e_phnum - 1];

		strcpy(image->interpreter, one_in(r, 2) ? path_of(below(r, FILES)) : names[below(r, 5)]);
		*last = (Elf64_Phdr){ PT_INTERP, PF_R, offsetof(struct image, interpreter), 0, 0, strlen(image->interpreter) + 1, 0, 1 };
	}
}

static void damage(struct random *r, struct image *image)
{
	Elf64_Phdr *p = &image->segments[below(r, SEGMENTS)];
	Elf64_Ehdr *h = &image->header;

	switch (below(r, 14)) {
	case 0: p->p_offset = edge(r, p->p_offset); break;
	case 1: p->p_vaddr = edge(r, p->p_vaddr); break;
	case 2: p->p_filesz = edge(r, p->p_filesz); break;
	case 3: p->p_memsz = edge(r, p->p_memsz); break;
	case 4: p->p_align = edge(r, p->p_align); break;
	case 5: p->p_type = (uint32_t)below(r, 9); break;
	case 6: p->p_flags = (uint32_t)edge(r, p->p_flags); break;
	case 7: h->e_entry = edge(r, h->e_entry); break;
	case 8: h->e_phoff = edge(r, h->e_phoff); break;
	case 9: h->e_phnum = (uint16_t)edge(r, h->e_phnum); break;
	case 10: h->e_type = (uint16_t)below(r, 5); break;
	case 11:
		/* Still one address modulo a page, so that it is looked at further. */
		p->p_vaddr += below(r, 64) << 12;
		p->p_offset += below(r, 64) << 12;
		break;
	default: ((unsigned char *)image)[below(r, sizeof(*image))] = (unsigned char)next(r);
	}
}

static size_t script(struct random *r, char *text, size_t room)
{
	size_t n = (size_t)sprintf(text, "#!%*s%s", (int)below(r, 4), "", one_in(r, 3) ? "/bin/sh" : path_of(below(r, FILES)));

	if (one_in(r, 3))
		n += (size_t)sprintf(text + n, " %s", one_in(r, 2) ? "-c" : "a  b\tc ");
	if (one_in(r, 4)) {
		size_t more = below(r, room - n);

		memset(text + n, one_in(r, 2) ? 'x' : ' ', more);
		n += more;
	}
	if (!one_in(r, 5) && n < room)
		text[n++] = '\n';
	if (one_in(r, 6))
		text[below(r, n)] = 0;
	return n;
}

static void write_file(struct random *r, const char *path)
{
	struct image image;
	char text[sizeof(image)];
	const void *bytes = &image;
	size_t n = sizeof(image);
	int fd;

	if (one_in(r, 3))
		unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0)
		return; /* ETXTBSY: somebody runs it */
	if (one_in(r, 5)) {
		n = script(r, text, sizeof(text));
		bytes = text;
	} else {
		sound_image(r, &image);
		for (uint64_t i = below(r, 5); i; i--)
			damage(r, &image);
	}
	if (one_in(r, 12))
		n = below(r, n);
	if (ftruncate(fd, (off_t)(one_in(r, 8) ? n + below(r, 0x40000) : n)) == 0 && pwrite(fd, bytes, n, 0) < 0)
		perror("pwrite");
	close(fd);
}

static void run_file(struct random *r, const char *path)
{
	struct itimerval limit = { { 0, 0 }, { 0, 100000 } };
	struct rlimit space = { 1 << 30, 1 << 30 }, none = { 0, 0 };
	char *words[] = { "x", "exit 42", NULL }, *environment[] = { "A=b", NULL }, **arguments = one_in(r, 10) ? words + 2 : words;
	bool through = one_in(r, 4);
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr)) /* what shells say */
			_exit(98);
		setitimer(ITIMER_REAL, &limit, NULL);
		setrlimit(RLIMIT_AS, &space);
		setrlimit(RLIMIT_NPROC, &none);
		__atomic_fetch_add(&counts->started, 1, __ATOMIC_RELAXED);
		fd = through ? open(path, O_PATH | O_CLOEXEC) : -1;
		if (fd >= 0)
			execveat(fd, "", arguments, environment, one_in(r, 2) ? AT_EMPTY_PATH : AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
		else
			execve(path, arguments, environment);
		__atomic_fetch_sub(&counts->started, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&counts->refused, 1, __ATOMIC_RELAXED);
		_exit(99);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
}

static void worker(uint64_t seed, time_t end)
{
	struct random r = random_from(seed);

	while (time(NULL) < end) {
		const char *path = path_of(below(&r, FILES));

		write_file(&r, path);
		for (uint64_t i = 1 + below(&r, 3); i; i--)
			run_file(&r, path);
	}
	_exit(0);
}

static long used_kb(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long total = 0, available = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "MemTotal: %ld", &total);
		sscanf(line, "MemFree: %ld", &available);
	}
	if (f)
		fclose(f);
	return total - available;
}

/* A whole program still runs, and says so. */
static bool sane(void)
{
	struct random r = random_from(1);
	struct image image;
	int fd, status = 0;
	pid_t pid;

	sound_image(&r, &image);
	image.header.e_phnum = 2;
	unlink(path_of(0));
	fd = open(path_of(0), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || write(fd, &image, sizeof(image)) != sizeof(image) || close(fd))
		return false;
	pid = fork();
	if (pid == 0) {
		execl(path_of(0), "x", NULL);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

static void remove_files(void)
{
	for (unsigned i = 0; i < FILES; i++)
		unlink(path_of(i));
}

static void round_of(uint64_t seed, int seconds)
{
	time_t end = time(NULL) + seconds;

	for (uint64_t i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			worker(seed * PROCESSES + i, end);
	while (wait(NULL) > 0)
		;
	remove_files();
	usleep(300000); /* what is freed in the background */
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10, first = seconds > 6 ? 3 : 1;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	long before, after;
	bool good;

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Caches fill up in the first seconds. */
	round_of(seed, first);
	before = used_kb();
	round_of(seed + 1, seconds - first);
	after = used_kb();
	good = sane();
	remove_files();
	printf("%u started, %u refused, %ld KiB used before, %ld after, kernel %s\n", counts->started, counts->refused, before, after,
	       good ? "sane" : "NOT SANE");
	return good && after <= before + SLACK_KB && counts->started > 100 && counts->refused > 100 ? 0 : 1;
}
