// SPDX-License-Identifier: Apache-2.0
/*
 * `linuxd exec`: one more program in the container, described by the monitor (abi/process.h). Its parent is outside: no process here can wait for
 * it; what becomes of it stands in channel->exec[slot].
 */
#include "host.gen.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/host/handover.h"
#include "kernel/init/init.h"
#include "kernel/init/process.h"
#include "kernel/inspect/inspect.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/signal.h"
#include "kernel/vfs/vfs.h"

struct exec_request {
	unsigned slot;
	u64 tokens[3];
	u64 preserved[PRESERVED_MAX]; /* 0: no more */
	u32 inputs;
	struct program program;
	void *data; /* what program.strings is part of */
	size_t pages;
};

static struct {
	struct signal_struct *process; /* counted; NULL: has ended */
	int tty_index;              /* -1: none */
} running[EXEC_SLOTS];

/* What nobody takes any more would stay open, and its readers would wait for the end. */
static void drop_streams(const u64 *tokens, int n)
{
	for (int i = 0; i < n; i++) {
		int host_fd = tokens[i] ? host_take_descriptor(tokens[i], NULL) : -ENOENT;

		if (host_fd >= 0)
			host_close(host_fd);
	}
}

static void request_free(struct exec_request *request)
{
	drop_streams(request->tokens, 3);
	drop_streams(request->preserved, PRESERVED_MAX);
	process_release(&request->program);
	heap_pages_free(request->data, request->pages);
	kfree(request);
}

static int install(int fd, struct file *file)
{
	int got;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	got = fd_install_new(file, false);
	return got < 0 ? got : got == fd ? 0 : -EBADF;
}

static struct file *open_stream(const struct exec_request *request, int index)
{
	struct file *file;
	int host_fd;

	if (!request->tokens[index])
		return do_file_open(AT_FDCWD, "/dev/null", index ? O_WRONLY : O_RDONLY, 0, LOOKUP_FOLLOW);
	host_fd = host_take_descriptor(request->tokens[index], NULL);
	if (host_fd < 0)
		return ERR_PTR(host_fd);
	file = hostpipe_file(host_fd, index, index == HOSTPIPE_STDIN, request->tokens[index]);
	if (IS_ERR(file))
		host_close(host_fd);
	return file;
}

static int open_terminal(const struct exec_request *request)
{
	const struct process_spec *spec = &request->program.spec;
	int host_fd = host_take_descriptor(request->tokens[0], NULL), error = 0;
	struct file *file;

	if (host_fd < 0)
		return host_fd;
	file = console_exec(host_fd, request->tokens[0], spec->rows, spec->columns, spec->uid, &running[request->slot].tty_index);
	if (IS_ERR(file)) {
		host_close(host_fd);
		return (int)PTR_ERR(file);
	}
	for (int fd = 0; fd < 3 && !error; fd++)
		error = install(fd, file_get(file));
	file_put(file);
	return error;
}

static int open_streams(const struct exec_request *request)
{
	int error = 0;

	if (request->program.spec.flags & PROCESS_TERMINAL)
		return open_terminal(request);
	for (int i = 0; i < 3 && !error; i++)
		error = install(i, open_stream(request, i));
	return error;
}

static int open_preserved(const struct exec_request *request)
{
	int error = 0;

	for (int i = 0; i < PRESERVED_MAX && request->preserved[i] && !error; i++) {
		int host_fd = host_take_descriptor(request->preserved[i], NULL);
		struct file *file;

		if (host_fd < 0)
			return host_fd;
		file = hostpipe_file(host_fd, HOSTPIPE_PASSED, request->inputs >> i & 1, request->preserved[i]);
		if (IS_ERR(file))
			host_close(host_fd);
		error = install(3 + i, file);
	}
	return error;
}

static void set_state(struct exec_slot *slot, u32 state)
{
	__atomic_store_n(&slot->state, state, __ATOMIC_RELEASE);
	note_monitor();
}

static void __noreturn failed(struct exec_request *request, long error)
{
	struct exec_slot *slot = &channel->exec[request->slot];

	slot->error = (s32)-error;
	slot->step = request->program.step;
	request_free(request);
	do_group_exit(127 << 8);
}

static void exec_main(void *arg)
{
	struct exec_request *request = arg;
	struct exec_slot *slot = &channel->exec[request->slot];
	long error = process_read(&request->program);

	if (!error)
		error = open_streams(request);
	if (!error)
		error = open_preserved(request);
	if (!error)
		error = process_enter(&request->program);
	if (!error)
		error = process_find(&request->program);
	if (!error)
		error = process_execute(&request->program);
	if (error)
		failed(request, error);
	request_free(request);
	set_state(slot, EXEC_RUNNING);
	kernel_unlock();
	enter_user_mode();
}

/* The monitor may write to its area at any time: what is used is a copy. */
static struct exec_request *request_make(const u64 argument[4], u32 length)
{
	struct exec_request *request = kzalloc(sizeof(*request));

	if (!request)
		return NULL;
	request->pages = (length + PAGE_SIZE - 1) / PAGE_SIZE;
	request->data = heap_pages_alloc(request->pages);
	if (!request->data) {
		kfree(request);
		return NULL;
	}
	memcpy(request->data, channel->request_data, length);
	request->slot = (unsigned)argument[0];
	memcpy(request->tokens, argument + 1, sizeof(request->tokens));
	memcpy(request->preserved, channel->exec[argument[0]].preserved, sizeof(request->preserved));
	request->inputs = channel->exec[argument[0]].inputs;
	memcpy(&request->program.spec, request->data, sizeof(request->program.spec));
	request->program.strings = (const char *)request->data + sizeof(request->program.spec);
	request->program.size = length - sizeof(request->program.spec);
	return request;
}

static long start_program(const u64 argument[4], struct inspect_answer *ret_answer)
{
	u32 length = READ_ONCE(channel->request.data_length);
	struct exec_request *request;
	struct task_struct *task;

	if (argument[0] >= EXEC_SLOTS || running[argument[0]].process || length < sizeof(struct process_spec) || length > REQUEST_DATA_SIZE)
		return -EINVAL;
	if (!init_task)
		return -EBUSY;
	request = request_make(argument, length);
	if (!request)
		return -ENOMEM;
	running[request->slot].tty_index = -1;
	task = exec_task_make(request->slot, exec_main, request);
	if (IS_ERR(task)) {
		request_free(request);
		return PTR_ERR(task);
	}
	running[request->slot].process = task->signal;
	refcount_inc(&task->signal->count);
	channel->exec[request->slot].pid = task->tgid;
	ret_answer->value[0] = (u64)task->tgid;
	return 0;
}

/* argument: slot, tokens of the streams (of the terminal: the first); the description is in the channel. value[0]: pid. */
long inspect_exec(const u64 argument[4], struct inspect_answer *ret_answer)
{
	long error = start_program(argument, ret_answer);

	if (error) {
		drop_streams(argument + 1, 3);
		if (argument[0] < EXEC_SLOTS)
			drop_streams(channel->exec[argument[0]].preserved, PRESERVED_MAX);
	}
	return error;
}

/* argument: slot, signal. It may have ended meanwhile: no error. */
long inspect_exec_signal(const u64 argument[4], struct inspect_answer *ret_answer)
{
	struct signal_struct *process = argument[0] < EXEC_SLOTS ? running[argument[0]].process : NULL;

	if (argument[1] < 1 || argument[1] > NSIG_LINUX)
		return -EINVAL;
	if (process && argument[1] == SIGKILL)
		kill_process(process->leader, "its exec was killed");
	else if (process)
		send_signal_process((int)argument[1], SEND_SIG_KERNEL, process->leader);
	return 0;
}

/* argument: slot, rows, columns. */
long inspect_exec_resize(const u64 argument[4], struct inspect_answer *ret_answer)
{
	if (argument[0] < EXEC_SLOTS && running[argument[0]].process && running[argument[0]].tty_index >= 0)
		console_exec_resize(running[argument[0]].tty_index, (unsigned)argument[1], (unsigned)argument[2]);
	return 0;
}

void exec_ended(unsigned slot, int status)
{
	struct signal_struct *process = running[slot].process;

	running[slot].process = NULL;
	channel->exec[slot].status = status;
	set_state(&channel->exec[slot], EXEC_EXITED);
	if (process)
		signal_struct_put(process);
}
