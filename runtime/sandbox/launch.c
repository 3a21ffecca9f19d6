/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the process that becomes the kernel process: everything that abi/boot.h promises the kernel is done here.
 *
 * The monitor forks and the child turns itself into the kernel process without an exec: it maps the kernel, gives up what its C
 * library has registered with the host, closes every descriptor that the sandbox is not to have, installs the filter and jumps. What is
 * still mapped of linuxd at that moment is unmapped by the kernel's first instructions; nothing in it is secret.
 *
 * The kernel's text is mapped from linuxd's own file, which is being executed and so cannot be written, shared and through a read-only
 * descriptor: no mapping of it, here or in any fork, can be made writable, and all containers share its pages. Its data, its heap and the
 * channel are one memfd, sealed against shrinking because the monitor maps it too.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/boot/record.h"
#include "runtime/native/cgroup/devices.h"
#include "runtime/network/network.h"
#include "runtime/sandbox/deterministic.h"
#include "runtime/sandbox/filter.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/sandbox/stdio.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif
#define HUGE_PAGE 0x200000UL

/* x87, SSE, AVX and the three of AVX-512. */
#define XSTATE_WANTED 0xe7UL

static int make_memfd(const char *name, unsigned int flags)
{
	int fd = memfd_create(name, flags | MFD_CLOEXEC | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags | MFD_CLOEXEC);
	return fd;
}

static int write_kernel_data(struct sandbox *sandbox, struct error *error)
{
	off_t offset = HEAP_FILE_DATA;

	for (int i = 0; i < sandbox->image.nr_segments; i++) {
		const Elf64_Phdr *segment = &sandbox->image.segments[i];

		if (!(segment->p_flags & PF_W))
			continue;
		if (pwrite(sandbox->heap_fd, sandbox->image.bytes + segment->p_offset, segment->p_filesz, offset) !=
		    (ssize_t)segment->p_filesz)
			return fail(error, errno, "cannot write the kernel's data");
		offset += (segment->p_memsz + 4095) & ~4095UL;
	}
	if (offset > (off_t)(HEAP_FILE_DATA + HEAP_FILE_DATA_SIZE))
		return fail(error, 0, "the kernel's data has outgrown its place");
	return 0;
}

static uint64_t host_memory(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 1UL << 30 : (uint64_t)info.totalram * info.mem_unit;
}

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	value = value < least ? least : value > most ? most : value;
	return value & ~(HUGE_PAGE - 1);
}

static int make_memory(struct sandbox *sandbox, struct error *error)
{
	uint64_t memory = host_memory(), limit = sandbox->config->memory;
	uint64_t heap_limit = clamp(limit ? limit : memory / 2, 64UL << 20, LAYOUT_HEAP_SIZE_MAX);
	uint64_t pages_limit = clamp(limit ? limit : memory, 64UL << 20, LAYOUT_PAGES_SIZE_MAX);
	struct boot_params *boot;

	sandbox->heap_fd = make_memfd("linuxd-heap", MFD_ALLOW_SEALING);
	sandbox->pages_fd = make_memfd("linuxd-pages", MFD_ALLOW_SEALING);
	if (sandbox->heap_fd < 0 || sandbox->pages_fd < 0)
		return fail(error, errno, "cannot make the memory files of the container");
	if (ftruncate(sandbox->heap_fd, HEAP_FILE_HEAP + heap_limit) || ftruncate(sandbox->pages_fd, pages_limit))
		return fail(error, errno, "cannot size the memory files of the container");
	/* A sandbox that shrinks this file would kill the monitor with SIGBUS. */
	if (fcntl(sandbox->heap_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    fcntl(sandbox->pages_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL))
		return fail(error, errno, "cannot seal the memory files of the container");
	sandbox->channel = mmap(NULL, LAYOUT_CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, sandbox->heap_fd, HEAP_FILE_CHANNEL);
	if (sandbox->channel == MAP_FAILED)
		return fail(error, errno, "cannot map the channel");
	boot = &sandbox->channel->boot;
	boot->heap_fd = sandbox->heap_fd;
	boot->pages_fd = sandbox->pages_fd;
	boot->heap_limit = heap_limit;
	boot->pages_limit = pages_limit;
	boot->memory_limit = limit;
	boot->host_memory = limit && limit < memory ? limit : memory;
	return 0;
}

/* How many there are where neither the command line nor config.json says so; 0: as many as we may use of the host's. */
static int default_cpus(unsigned int *ret_number, struct error *error)
{
	const char *text = getenv("LINUXD_CPUS");
	unsigned long number;
	char *end;

	*ret_number = 0;
	if (!text || !*text)
		return 0;
	number = strtoul(text, &end, 10);
	if (*end || *text == '-' || number < 1 || number > BOOT_MAX_CPUS)
		return fail(error, 0, "LINUXD_CPUS=%s: expected a number from 1 to %d", text, BOOT_MAX_CPUS);
	*ret_number = number;
	return 0;
}

/* Cpus are laid over the host's from a place that differs between containers, so that two small ones do not share one. */
static int choose_cpus(const struct sandbox_config *config, struct boot_params *boot, struct error *error)
{
	unsigned int available = 0, first, wanted = config->cpus;
	int usable[CPU_SETSIZE];
	cpu_set_t set;

	if (!wanted && default_cpus(&wanted, error))
		return -1;

	if (sched_getaffinity(0, sizeof(set), &set))
		CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			usable[available++] = i;
	if (!wanted)
		wanted = available ? available : 1;
	boot->nr_cpus = wanted > BOOT_MAX_CPUS ? BOOT_MAX_CPUS : wanted;
	/* A program may ask the processor for its number: the same one in every deterministic run. */
	first = config->deterministic ? 0 : getpid();
	for (unsigned int i = 0; i < BOOT_MAX_CPUS; i++)
		boot->host_cpu[i] = available && boot->nr_cpus <= available ? usable[(first + i) % available] : -1;
	return 0;
}

static void describe_cpu(struct boot_params *boot)
{
	unsigned int a, b, c, d, low, high, brand[12] = { 0 };
	const char *name = (const char *)brand;

	boot->xstate_mask = 3;
	boot->xstate_size = 512 + 64;
	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE)) {
		__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		boot->xstate_mask = low & XSTATE_WANTED;
		for (int i = 2; i < 8; i++) {
			if (!(boot->xstate_mask & 1UL << i) || !__get_cpuid_count(0xd, i, &a, &b, &c, &d))
				continue;
			if (a + b > boot->xstate_size)
				boot->xstate_size = a + b;
		}
	}
	if (__get_cpuid(0x15, &a, &b, &c, &d) && a && b && c)
		boot->tsc_hz = (uint64_t)c * b / a;
	for (unsigned int i = 0; i < 3; i++)
		__get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
	snprintf(boot->cpu_model, sizeof(boot->cpu_model), "%.48s", name + strspn(name, " "));
}

static uint32_t put_string(struct boot_params *boot, const char *string)
{
	struct string_area area = { boot->strings, BOOT_STRINGS_SIZE, boot->strings_used, false };
	uint32_t offset = area_string(&area, string);

	boot->strings_used = area.full ? BOOT_STRINGS_SIZE : area.used;
	return area.full ? BOOT_STRINGS_SIZE - 1 : offset;
}

static void put_mounts(const struct sandbox *sandbox, struct boot_params *boot, struct string_area *area)
{
	const struct sandbox_config *config = sandbox->config;

	boot->nr_mounts = 1 + config->nr_mounts;
	boot->mounts[0].target = area_string(area, "/");
	boot->mounts[0].source = area_string(area, sandbox->mount_path[0]);
	boot->mounts[0].read_only = config->read_only;
	for (int i = 0; i < config->nr_mounts; i++) {
		const struct sandbox_mount *from = &config->mounts[i];
		struct boot_mount *mount = &boot->mounts[i + 1];

		mount->target = area_string(area, from->target);
		mount->source = area_string(area, from->source ? sandbox->mount_path[i + 1] : from->shown ? from->shown : "tmpfs");
		mount->type = area_string(area, from->type ? from->type : "");
		mount->data = area_string(area, from->data ? from->data : "");
		mount->flags = from->flags;
		mount->optional = from->optional;
		mount->read_only = from->read_only;
		mount->shared = from->source != NULL;
	}
}

static int put_devices(const struct device_rules *rules, struct boot_params *boot, struct error *error)
{
	if (!rules)
		return 0;
	if (rules->nr > BOOT_MAX_DEVICE_EXCEPTIONS)
		return fail(error, E2BIG, "linux.resources.devices: more than %d exceptions", BOOT_MAX_DEVICE_EXCEPTIONS);
	boot->device_default = rules->allow ? BOOT_DEVICES_ALLOWED : BOOT_DEVICES_DENIED;
	for (size_t i = 0; i < rules->nr; i++)
		boot->device_exceptions[i] = (struct boot_device_exception){ .type = rules->exceptions[i].type, .access = rules->exceptions[i].access,
									     .major = rules->exceptions[i].major, .minor = rules->exceptions[i].minor };
	boot->nr_device_exceptions = rules->nr;
	return 0;
}

static void put_nodes(const struct sandbox_config *config, struct boot_params *boot, struct string_area *area)
{
	boot->nr_nodes = config->nr_nodes;
	for (int i = 0; i < config->nr_nodes; i++) {
		const struct sandbox_node *from = &config->nodes[i];

		boot->nodes[i] = (struct boot_node){ .path = area_string(area, from->path), .target = area_string(area, from->target ? from->target : ""),
						     .mode = from->mode, .major = from->major, .minor = from->minor, .uid = from->uid,
						     .gid = from->gid, .keep = from->keep };
	}
}

static uint32_t put_list(const char *const *strings, struct string_area *area, uint32_t *ret_offset)
{
	uint32_t n = 0;

	*ret_offset = area->used;
	for (; strings && strings[n]; n++)
		area_string(area, strings[n]);
	return n;
}

static int put_strings(const struct sandbox *sandbox, struct boot_params *boot, struct error *error)
{
	const struct sandbox_config *config = sandbox->config;
	const struct sandbox_process plain = { .spec = { .uid = config->uid, .gid = config->gid }, .argv = (const char *const *)config->argv,
					       .env = (const char *const *)config->env, .cwd = config->workdir };
	struct string_area area = { boot->strings, BOOT_STRINGS_SIZE, 0, false };

	process_pack(config->process ? config->process : &plain, &area, &boot->process);
	boot->hostname = area_string(&area, config->hostname);
	boot->domainname = area_string(&area, config->domainname ? config->domainname : "");
	put_mounts(sandbox, boot, &area);
	put_nodes(config, boot, &area);
	boot->nr_masked = put_list(config->masked, &area, &boot->masked);
	boot->nr_read_only = put_list(config->read_only_paths, &area, &boot->read_only);
	boot->nr_sysctls = put_list(config->sysctls, &area, &boot->sysctls) / 2;
	boot->strings_used = area.full ? BOOT_STRINGS_SIZE : area.used;
	network_describe(sandbox->network, boot, put_string);
	/* Who lists all mounts has put the files of /etc among them. */
	if (config->exact_mounts)
		boot->network.resolv_conf = boot->network.hosts = boot->network.host_name = 0;
	/* put_string leaves the area exactly full when something did not fit. */
	if (boot->strings_used >= BOOT_STRINGS_SIZE)
		return fail(error, E2BIG, "cannot pass the command, its environment and the paths to the container (more than %d KiB)",
			    BOOT_STRINGS_SIZE / 1024);
	return 0;
}

int launch_image(struct sandbox *sandbox, struct error *error)
{
	for (int i = 0; i < 5; i++)
		sandbox->pipe[i] = sandbox->inside[i] = -1;
	if (image_load(&sandbox->image, error))
		return -1;
	sandbox->image_fd = image_open(&sandbox->image, &sandbox->image_offset, error);
	return sandbox->image_fd < 0 ? -1 : 0;
}

int launch_memory(struct sandbox *sandbox, struct error *error)
{
	return make_memory(sandbox, error) ? -1 : write_kernel_data(sandbox, error);
}

/* The kernel keeps a host descriptor for each open host file of the whole container, and those of the streams. */
int launch_streams(struct sandbox *sandbox, struct error *error)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sandbox->channel->boot.rlimit_nofile = files.rlim_cur;
	return stdio_prepare(sandbox, error);
}

int launch_describe(struct sandbox *sandbox, struct error *error)
{
	const struct sandbox_config *config = sandbox->config;
	struct boot_params *boot = &sandbox->channel->boot;

	if (put_devices(config->devices, boot, error) || put_strings(sandbox, boot, error))
		return -1;
	boot->magic = BOOT_MAGIC;
	boot->version = BOOT_VERSION;
	boot->flags = (config->tty ? BOOT_TTY : 0) | (config->read_only ? BOOT_READ_ONLY : 0) | (config->strace ? BOOT_STRACE : 0) |
		      (config->stats ? BOOT_STATS : 0) | (config->debug ? BOOT_DEBUG : 0) | (geteuid() ? BOOT_ROOT_MAPPED : 0) |
		      (config->deterministic ? BOOT_DETERMINISTIC : 0) | (config->detached ? BOOT_WAIT : 0) |
		      (config->exact_mounts ? BOOT_EXACT_MOUNTS : 0) | (config->boot ? BOOT_CHART : 0);
	boot->async_threads = config->async_threads;
	boot->host_uid = geteuid();
	boot->host_gid = getegid();
	boot->tasks_limit = config->tasks_limit;
	boot->cpu_quota = config->cpu_quota;
	boot->cpu_period = config->cpu_period;
	boot->cpu_weight = config->cpu_weight;
	boot->nr_uid_ranges = config->nr_uid_ranges;
	boot->nr_gid_ranges = config->nr_gid_ranges;
	memcpy(boot->uid_ranges, config->uid_ranges, sizeof(boot->uid_ranges));
	memcpy(boot->gid_ranges, config->gid_ranges, sizeof(boot->gid_ranges));
	sandbox->memory = config->memory;
	boot->trace_what = config->trace ? config->trace_what : 0;
	if (choose_cpus(config, boot, error))
		return -1;
	describe_topology(boot);
	describe_cpu(boot);
	if (config->deterministic)
		deterministic_prepare(config, boot);
	else if (getrandom(boot->random, sizeof(boot->random), 0) != sizeof(boot->random))
		return fail(error, errno, "cannot get random bytes");
	return 0;
}

static void tell(struct sandbox *sandbox, uint32_t what)
{
	__atomic_or_fetch(&sandbox->channel->launch, what, __ATOMIC_RELEASE);
	syscall(SYS_futex, &sandbox->channel->launch, FUTEX_WAKE, 2, NULL, NULL, 0);
}

void launch_go(struct sandbox *sandbox)
{
	tell(sandbox, LAUNCH_GO);
}

static bool has_ended(pid_t child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

int launch_await_walls(struct sandbox *sandbox, struct error *error)
{
	const struct timespec look_again = { 0, 20000000 };
	char message[sizeof(sandbox->channel->status.message)];
	uint32_t *word = &sandbox->channel->launch, seen;

	while (!((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) & (LAUNCH_WALLED | LAUNCH_FAILED))) {
		if (has_ended(sandbox->kernel))
			return fail(error, 0, "the process that was to become the container's kernel was ended");
		syscall(SYS_futex, word, FUTEX_WAIT, seen, &look_again, NULL, 0);
	}
	if (!(seen & LAUNCH_FAILED))
		return 0;
	snprintf(message, sizeof(message), "%.*s", (int)sizeof(message) - 1, sandbox->channel->status.message);
	return fail(error, 0, "%s", message);
}

/* From here on: in the child. */

static int map_fixed(uint64_t address, size_t size, int protection, int fd, off_t offset, const char *what, struct error *error)
{
	void *got = mmap((void *)address, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, offset);

	if (got != (void *)address)
		return fail(error, got == MAP_FAILED ? errno : EEXIST, "cannot map %s at %#lx", what, (long)address);
	return 0;
}

static int map_image(struct sandbox *sandbox, struct error *error)
{
	for (int i = 0; i < sandbox->image.nr_segments; i++) {
		const Elf64_Phdr *segment = &sandbox->image.segments[i];
		size_t size = (segment->p_memsz + 4095) & ~4095UL;
		int protection = PROT_READ | (segment->p_flags & PF_X ? PROT_EXEC : 0);

		/* The data segment is the beginning of the heap file. */
		if (!(segment->p_flags & PF_W) &&
		    map_fixed(segment->p_vaddr, size, protection, sandbox->image_fd, sandbox->image_offset + segment->p_offset,
			      "the kernel", error))
			return -1;
	}
	return 0;
}

static int map_layout(struct sandbox *sandbox, struct error *error)
{
	const struct boot_params *boot = &sandbox->channel->boot;
	const int both = PROT_READ | PROT_WRITE;
	int heap = sandbox->heap_fd;

	if (map_image(sandbox, error))
		return -1;
	if (map_fixed(LAYOUT_SITE_TABLE, LAYOUT_SITE_TABLE_SIZE, PROT_READ, heap, HEAP_FILE_SITE_TABLE, "the site table", error) ||
	    map_fixed(LAYOUT_TRAMPOLINES, LAYOUT_TRAMPOLINES_SIZE, PROT_READ | PROT_EXEC, heap, HEAP_FILE_TRAMPOLINES, "trampolines",
		      error) ||
	    map_fixed(LAYOUT_KERNEL_DATA, HEAP_FILE_HEAP + boot->heap_limit, both, heap, 0, "the kernel's memory", error) ||
	    map_fixed(LAYOUT_PAGES, boot->pages_limit, both, sandbox->pages_fd, 0, "the page file", error))
		return -1;
	return 0;
}

struct area {
	uint64_t start, end;
	bool vdso;
};

static int find_vdso(struct area *areas, int max, struct error *error)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int nr = 0;

	if (!maps)
		return fail(error, errno, "cannot read /proc/self/maps");
	while (fgets(line, sizeof(line), maps) && nr < max) {
		unsigned long start, end;

		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			areas[nr++] = (struct area){ start, end, strstr(line, "[vdso]") != NULL };
	}
	fclose(maps);
	return nr;
}

/* The vdso finds its data relative to itself, so the areas keep their distances. */
static int move_vdso(struct boot_params *boot, struct error *error)
{
	struct area areas[8];
	int nr = find_vdso(areas, 8, error);

	if (nr < 0)
		return -1;
	for (int i = 0; i < nr; i++) {
		uint64_t target = LAYOUT_HOST_VDSO + (areas[i].start - areas[0].start);
		size_t size = areas[i].end - areas[i].start;
		void *got = mremap((void *)areas[i].start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target);

		if (got != (void *)target)
			return fail(error, errno, "the host does not let its vDSO be moved");
		if (areas[i].vdso) {
			boot->host_vdso_size = size;
			boot->host_vvar_size = areas[i].start - areas[0].start;
		}
	}
	if (!boot->host_vdso_size)
		return fail(error, 0, "the host gives this process no vDSO");
	return 0;
}

/*
 * What stays registered with the host would let it write into memory that by then is a program's. The host drops rseq at the vfork; the call
 * here is for hosts that do not, and has nothing to do on the others (EINVAL).
 */
static int undo_library(struct error *error)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	if (__rseq_size && syscall(SYS_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) && errno != EINVAL)
		return fail(error, errno, "cannot unregister rseq");
	syscall(SYS_set_robust_list, NULL, 24);
	syscall(SYS_set_tid_address, NULL);
	return 0;
}

struct host_sigaction {
	uint64_t handler, flags, restorer, mask;
};

static int set_signal(int number, uint64_t handler, uint64_t flags, uint64_t restorer)
{
	struct host_sigaction action = { handler, flags, restorer, 0 };

	return syscall(SYS_rt_sigaction, number, &action, NULL, 8);
}

static int set_signals(const struct image *image, struct error *error)
{
	static const int handled[] = { SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, HOST_SIGNAL_PREEMPT };
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGALRM, SIGUSR1, SIGUSR2 };
	const uint64_t flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000 /* SA_RESTORER */;

	for (int i = 1; i <= 64; i++)
		if (i != SIGKILL && i != SIGSTOP)
			set_signal(i, 0 /* SIG_DFL */, 0, 0);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		set_signal(ignored[i], 1 /* SIG_IGN */, 0, 0);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		if (set_signal(handled[i], image->signal_entry, flags, image->signal_restorer))
			return fail(error, errno, "cannot set the handler of signal %d", handled[i]);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Keeps what the boot parameters name, and nothing else. */
static int close_others(const struct sandbox *sandbox, struct error *error)
{
	const struct boot_params *boot = &sandbox->channel->boot;
	int keep[11 + PRESERVED_MAX + BOOT_MAX_MOUNTS], nr = 0, next = 0;

	keep[nr++] = boot->heap_fd;
	keep[nr++] = boot->pages_fd;
	for (int i = 0; i < 3; i++)
		keep[nr++] = boot->stdio_fd[i];
	for (unsigned int i = 0; i < boot->nr_preserved; i++)
		keep[nr++] = boot->preserved[i].fd;
	keep[nr++] = boot->log_fd;
	keep[nr++] = boot->trace_fd;
	keep[nr++] = boot->epoll_fd;
	keep[nr++] = boot->handover_fd;
	for (int i = 0; i < sandbox->nr_mounts; i++)
		keep[nr++] = boot->mounts[i].fd;
	qsort(keep, nr, sizeof(keep[0]), by_value);
	for (int i = 0; i < nr; i++) {
		if (keep[i] < next)
			continue;
		if (keep[i] > next && syscall(SYS_close_range, next, keep[i] - 1, 0))
			return fail(error, errno, "cannot close descriptors (close_range)");
		next = keep[i] + 1;
	}
	if (syscall(SYS_close_range, next, ~0U, 0))
		return fail(error, errno, "cannot close descriptors (close_range)");
	return 0;
}

static void __attribute__((noreturn)) jump(uint64_t entry, uint64_t stack)
{
	__asm__ volatile("mov %1, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%0"
			 :
			 : "r"(entry), "r"(stack), "D"(LAYOUT_CHANNEL)
			 : "memory");
	__builtin_unreachable();
}

/*
 * The first thread becomes the container's clock: whoever sleeps inside while all cpus compute is as late as it is. Root's is a deadline task of
 * the host: it begins at once, and can never have more than a twentieth of a cpu, whatever becomes of it. No thread that it makes is one.
 *
 * Only when it has booted the container, though, which takes more than one period gives: the host would make it stand still for the rest of
 * each. Here it is only asked whether it may be one.
 *
 * Where that is refused: the host's scheduler (since Linux 6.12) lets a thread ask for shorter turns, and then lets it begin sooner. All
 * threads of the container do: they take turns only with the clock and with strangers.
 */
#define CLOCK_RUNTIME_NS 500000
#define CLOCK_PERIOD_NS 10000000
#define HOST_SLICE_NS 100000
struct host_turns {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static bool become_deadline_task(pid_t thread)
{
	const struct host_turns turns = { .size = sizeof(turns), .policy = SCHED_DEADLINE, .flags = SCHED_FLAG_RESET_ON_FORK, .runtime = CLOCK_RUNTIME_NS,
					  .deadline = CLOCK_PERIOD_NS, .period = CLOCK_PERIOD_NS };

	return syscall(SYS_sched_setattr, thread, &turns, 0) == 0;
}

static void ask_for_turns_of_a_clock(const struct sandbox *sandbox)
{
	struct host_turns before = { 0 };

	if (syscall(SYS_sched_getattr, 0, &before, sizeof(before), 0) || (before.policy != SCHED_OTHER && before.policy != SCHED_BATCH))
		return;
	before.size = sizeof(before);
	if (!sandbox->config->deterministic && become_deadline_task(0)) {
		syscall(SYS_sched_setattr, 0, &before, 0);
		return;
	}
	before.runtime = HOST_SLICE_NS;
	syscall(SYS_sched_setattr, 0, &before, 0); /* where it is refused, things are as they were */
}

void launch_booted(struct sandbox *sandbox)
{
	if (!sandbox->config->deterministic)
		become_deadline_task(sandbox->kernel);
}

/* The boot parameters are written by the monitor meanwhile. If it ends, this process ends with it. */
static void await_go(struct sandbox *sandbox)
{
	uint32_t seen;

	tell(sandbox, LAUNCH_WALLED);
	while (!((seen = __atomic_load_n(&sandbox->channel->launch, __ATOMIC_ACQUIRE)) & LAUNCH_GO))
		syscall(SYS_futex, &sandbox->channel->launch, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static int become_kernel(struct sandbox *sandbox, struct error *error)
{
	struct boot_params *boot = &sandbox->channel->boot;
	const struct image *image = &sandbox->image;
	static struct filter filter;
	struct boot_record *record = sandbox->config->boot;
	struct rlimit none = { 0, 0 };
	sigset_t empty;
	int mark;

	prctl(PR_SET_NAME, "linuxd-kernel");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/*
	 * One process group for all of them, which nothing in it can leave: so one kill() reaches every one, however fast they fork. And a
	 * session: reading from a terminal that controls them would be refused.
	 */
	if (setsid() < 0)
		return fail(error, errno, "cannot make a process group");
	setrlimit(RLIMIT_CORE, &none);
	ask_for_turns_of_a_clock(sandbox);
	mark = boot_mark_begin(record, "mapping", BOOT_PROCESS);
	if (map_layout(sandbox, error) || move_vdso(boot, error))
		return -1;
	boot_mark_end(record, mark, BOOT_DONE);
	/* Its last part gives up the rights to look at /proc. */
	if (walls_enter(sandbox, boot, error))
		return -1;
	mark = boot_mark_begin(record, "filter", BOOT_PROCESS);
	filter_build(&filter, image->hostcall_start, image->hostcall_end, 1);
	if (close_others(sandbox, error) || set_signals(image, error))
		return -1;
	if (undo_library(error))
		return -1;
	boot_mark_end(record, mark, BOOT_DONE);
	await_go(sandbox);
	if (sandbox->config->deterministic && deterministic_enter(boot, error))
		return -1;
	sigemptyset(&empty);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &empty, NULL, 8);
	if (filter_install(&filter, error))
		return -1;
	jump(image->entry, image->boot_stack_top);
}

static void __attribute__((noreturn)) kernel_main(struct sandbox *sandbox)
{
	struct monitor_status *status = &sandbox->channel->status;
	struct error why = { 0 };

	become_kernel(sandbox, &why);
	snprintf(status->message, sizeof(status->message), "%.*s", (int)sizeof(status->message) - 1, why.text);
	__atomic_store_n(&status->state, KERNEL_PANICKED, __ATOMIC_RELEASE);
	tell(sandbox, LAUNCH_FAILED);
	_exit(EXIT_LINUXD);
}

/*
 * Without a pid namespace nothing would end the container if the monitor is killed: then this process does. It is nobody's child, and
 * waits for the end of a pipe whose other end only the monitor holds. A byte in it means that all is well.
 */
static void __attribute__((noreturn)) guard_main(int pipe, pid_t group)
{
	char byte;

	prctl(PR_SET_NAME, "linuxd-guard");
	setsid();
	dup2(pipe, 0); /* cloexec: this process executes nothing */
	syscall(SYS_close_range, 1, ~0U, 0);
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
	if (read(0, &byte, 1) != 1)
		kill(-group, SIGKILL);
	_exit(0);
}

/*
 * Only a process that has left its own pid namespace makes children in the new one, and such a process can have no threads: so a
 * short-lived child of the monitor does it, on the monitor's memory as vfork allows, and gives its children to the monitor.
 */
int launch_start(struct sandbox *sandbox, struct error *error)
{
	volatile int code = 0;
	int guard[2];
	pid_t starter;

	if (pipe2(guard, O_CLOEXEC))
		return fail(error, errno, "cannot make a pipe");
	starter = vfork();

	if (starter == 0) {
		pid_t child = sandbox->init = walls_start_init(sandbox);

		if (child >= 0)
			sandbox->kernel = child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
		if (child == 0)
			kernel_main(sandbox);
		if (child < 0)
			code = errno;
		else if (!sandbox->init && syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0) == 0)
			guard_main(guard[0], child);
		_exit(0);
	}
	close(guard[0]);
	sandbox->guard_fd = guard[1];
	if (starter < 0 || code)
		return fail(error, starter < 0 ? errno : code, "cannot fork");
	waitpid(starter, NULL, 0);
	for (int i = 0; i < 5; i++)
		if (sandbox->inside[i] >= 0)
			close(sandbox->inside[i]);
	for (int i = 0; i < sandbox->nr_preserved; i++)
		close(sandbox->preserved[i]);
	close(sandbox->handover_inside);
	close(sandbox->image_fd);
	return 0;
}
