// SPDX-License-Identifier: Apache-2.0
/*
 * Boot: from the monitor's jump to the first program.
 *
 * The boot thread unmaps what the monitor left, sets up the heap, starts the carriers and becomes the clock thread. The
 * task "boot" runs the initcalls, then makes pid 1, which executes the container's command.
 */
#include <linux/resource.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/asm-offsets.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/init/process.h"
#include "kernel/init/times.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sched/switch.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/lifecycle.h"
#include "kernel/vfs/vfs.h"

struct boot_params *boot;
struct monitor_channel *channel;

static void default_rlimits(struct rlimit64 *limits)
{
	for (int i = 0; i < RLIM_COUNT; i++)
		limits[i].rlim_cur = limits[i].rlim_max = RLIM64_INFINITY;
	limits[RLIMIT_STACK].rlim_cur = 8 << 20;
	limits[RLIMIT_CORE].rlim_cur = 0;
	limits[RLIMIT_NOFILE].rlim_cur = 1024;
	limits[RLIMIT_NOFILE].rlim_max = 1048576;
	limits[RLIMIT_MEMLOCK].rlim_cur = limits[RLIMIT_MEMLOCK].rlim_max = 8 << 20;
	limits[RLIMIT_SIGPENDING].rlim_cur = limits[RLIMIT_SIGPENDING].rlim_max = 96365;
	limits[RLIMIT_MSGQUEUE].rlim_cur = limits[RLIMIT_MSGQUEUE].rlim_max = 819200;
	limits[RLIMIT_NICE].rlim_cur = limits[RLIMIT_NICE].rlim_max = 0;
	limits[RLIMIT_RTPRIO].rlim_cur = limits[RLIMIT_RTPRIO].rlim_max = 0;
	limits[RLIMIT_NPROC].rlim_cur = limits[RLIMIT_NPROC].rlim_max = 96365;
}

static int open_stdio(void)
{
	struct file *console;

	if (!(boot->flags & BOOT_TTY))
		return stdio_install(current->files);
	console = console_open();
	if (IS_ERR(console))
		return (int)PTR_ERR(console);
	for (int fd = 0; fd < 3; fd++) {
		int got = fd_install_new(file_get(console), false);

		if (got < 0)
			return got;
	}
	file_put(console);
	return 0;
}

/* --preserve-fds: from 3 on. */
static int open_preserved(void)
{
	for (u32 i = 0; i < boot->nr_preserved && i < PRESERVED_MAX; i++) {
		const struct boot_stream *stream = &boot->preserved[i];
		struct file *file = hostpipe_file(stream->fd, HOSTPIPE_PASSED, stream->input, stream->token);
		int got = IS_ERR(file) ? (int)PTR_ERR(file) : fd_install_new(file, false);

		if (got < 0)
			return got;
	}
	return 0;
}

static __noreturn void command_failed(long error, const struct program *program)
{
	/* It was killed on its way: that is no failure of the program's. */
	if (fatal_signal_pending(current))
		container_exit(SIGKILL);
	channel->status.exec_error = (s32)-error;
	channel->status.exec_step = program->step;
	container_exit(127 << 8);
}

/* ---- waiting for `start` ---- */

static struct wait_queue_head start_wait = { LIST_HEAD_INIT(start_wait.entries) };
static int start_word; /* 1: go; above: minus that, a signal that ends the container before it began */
static const struct wait_type start_wait_type = { "start", BLOCK_QUEUE, wait_describe_text };

static void set_stage(u32 stage)
{
	__atomic_store_n(&channel->stage, stage, __ATOMIC_RELEASE);
	note_monitor();
}

int container_start(void)
{
	if (channel->stage != STAGE_CREATED || start_word)
		return -EINVAL;
	start_word = 1;
	wake_up_all(&start_wait);
	return 0;
}

bool container_started(void) { return !(boot->flags & BOOT_WAIT) || start_word == 1; }

/* What would end a program that has not said otherwise. */
void container_end_unstarted(int sig)
{
	if (start_word || sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH || sig == SIGSTOP || sig == SIGTSTP ||
	    sig == SIGTTIN || sig == SIGTTOU)
		return;
	start_word = -sig;
	wake_up_all(&start_wait);
}

static void wait_for_start(void)
{
	if (boot->flags & BOOT_WAIT) {
		set_stage(STAGE_CREATED);
		while (deterministic && !start_word)
			deterministic_host_wait();
		wait_event(&start_wait, &start_wait_type, "the container's start", start_word);
		if (start_word < 0)
			container_exit(-start_word);
	}
	set_stage(STAGE_STARTED);
}

/* pid 1 before its exec. */
static void init_main(void *arg)
{
	struct program program = { .spec = boot->process, .strings = boot->strings, .size = min(boot->strings_used, (u32)BOOT_STRINGS_SIZE) };
	int entering = boot_time_begin("program"), executing;
	long error = process_read(&program);

	if (!error)
		error = open_stdio();
	if (!error)
		error = open_preserved();
	if (!error)
		error = process_enter(&program);
	if (!error)
		error = process_find(&program);
	if (error)
		command_failed(error, &program);
	boot_time_end(entering);
	wait_for_start();
	executing = boot_time_begin("exec");
	error = process_execute(&program);
	boot_time_end(executing);
	if (error)
		command_failed(error, &program);
	process_release(&program);
	kernel_unlock();
	enter_user_mode();
}

static void boot_main(void *arg)
{
	int error;

	tasks_limit = (int)min(boot->tasks_limit, (u64)INT32_MAX);
	error = initcalls_run();

	if (!error)
		error = zygote_start();
	if (error)
		container_refuse("the container cannot start: %s", *first_error_line ? first_error_line : "an initcall fails");
	if (IS_ERR(init_task_make(init_main, NULL)))
		container_refuse("no memory for the first process");
}

/* This thread's block. Until it is done it counts as the first cpu's; with --deterministic there is no clock, and it stays that. */
static struct carrier *adopt_boot_thread(void)
{
	struct carrier *c = deterministic ? carrier_alloc(&kernel_mm) : kernel_boot_thread();

	if (!c)
		container_refuse("the kernel heap is too small (raise --memory)");
	c->cpu = &cpus[0];
	write_gs_base((u64)c);
	return c;
}

static void activate(struct carrier *c, int cpu)
{
	c->cpu = &cpus[cpu];
	cpus[cpu].active = c;
	atomic_store(&c->run, CARRIER_ACTIVE);
}

static void start_carriers(struct carrier *boot_thread)
{
	int first = deterministic ? 1 : 0;

	if (deterministic)
		activate(boot_thread, 0);
	/* One for each cpu, and one more: a carrier that follows a claim must find another to leave its cpu to. */
	for (int i = first; i <= nr_cpus; i++) {
		struct carrier *c = carrier_alloc(&kernel_mm);

		if (!c)
			container_refuse("the kernel heap is too small (raise --memory)");
		if (i < nr_cpus)
			activate(c, i);
		if (carrier_clone_thread(c))
			container_refuse("the host refuses a thread (a limit on processes?)");
	}
}

static void clock_on_own_stack(void *arg) { host_thread_main(arg); }
static void carrier_on_own_stack(void *arg) { carrier_main(arg); }

__noreturn void kernel_main(struct monitor_channel *from_monitor);
__noreturn void kernel_main(struct monitor_channel *from_monitor)
{
	static struct carrier early; /* until the heap is there */
	struct carrier *self;
	int starting;

	early.self = &early;
	write_gs_base((u64)&early);
	channel = from_monitor;
	boot = &channel->boot;
	if (boot->magic != BOOT_MAGIC || boot->version != BOOT_VERSION)
		panic("the monitor speaks version %u of the boot contract, the kernel %u", boot->version, BOOT_VERSION);
	if (boot->flags & BOOT_DETERMINISTIC)
		deterministic_init(boot->seed);
	mm_wipe_host(NULL);
	fpu_init(boot->xstate_mask, boot->xstate_size);
	heap_init(boot->heap_limit);
	mutex_init(&kernel_mm.mmap_lock);
	sched_init_cpus((int)min(boot->nr_cpus, (u32)MAX_CPUS));
	self = adopt_boot_thread();
	kernel_lock();
	if (pages_init(boot->pages_limit))
		container_refuse("the kernel heap is too small for %lu MiB of pages", boot->pages_limit >> 20);
	default_rlimits(kthread_signal.rlimits);
	list_init(&kthread_signal.threads);
	list_init(&kthread_signal.shared_pending.queue);
	starting = boot_time_begin("carriers");
	start_carriers(self);
	boot_time_end(starting);
	starting = boot_time_begin("threads");
	if (kernel_threads_start())
		container_refuse("the host refuses a thread (a limit on processes?)");
	boot_time_end(starting);
	/* What is left of the boot may have to sleep. */
	if (IS_ERR(kernel_thread("boot", 0, boot_main, NULL)))
		container_refuse("the kernel heap is too small (raise --memory)");
	if (!deterministic)
		self->cpu = NULL;
	kernel_unlock();
	call_on_stack(deterministic ? carrier_on_own_stack : clock_on_own_stack, self, (u64)self + CARRIER_OWN_STACK_TOP);
}
