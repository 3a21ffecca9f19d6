// SPDX-License-Identifier: Apache-2.0
/*
 * execve(2): arguments are copied, the file is examined (scripts lead to their interpreter), the other threads end, the
 * address space is wiped, or, when it is shared with a vfork parent, replaced by a fresh one; then the program is loaded.
 */
#include <linux/auxvec.h>
#include <linux/binfmts.h>
#include <linux/mount.h>

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/gs.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/vdso/vdso.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sync/futex.h"
#include "kernel/sys/random.h"
#include "kernel/task/elf.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/signal.h"
#include "kernel/time/posix_timer.h"
#include "kernel/vfs/aio.h"
#include "kernel/vfs/vfs.h"
#include "kernel/trace/trace.h"

#define MAX_SCRIPT_DEPTH 5
#define STACK_STRINGS_MAX (6UL << 20) /* as Linux: three quarters of 8 MiB */

/* ---- argument strings: one block, in the order argv, envp ---- */

static void args_free(struct exec_args *args)
{
	heap_pages_free(args->strings, args->capacity >> PAGE_SHIFT);
	args->strings = NULL;
}

static u64 args_limit(void)
{
	return max(min(rlimit(RLIMIT_STACK) / 4, STACK_STRINGS_MAX), 32 * PAGE_SIZE);
}

static int args_reserve(struct exec_args *args, size_t n)
{
	size_t capacity = args->capacity ? args->capacity : 4 * PAGE_SIZE;
	char *bigger;

	if (args->used + n > args_limit())
		return -E2BIG;
	if (args->used + n <= args->capacity)
		return 0;
	while (capacity < args->used + n)
		capacity *= 2;
	bigger = heap_pages_alloc(capacity >> PAGE_SHIFT);
	if (!bigger)
		return -ENOMEM;
	if (args->strings) {
		memcpy(bigger, args->strings, args->used);
		heap_pages_free(args->strings, args->capacity >> PAGE_SHIFT);
	}
	args->strings = bigger;
	args->capacity = capacity;
	return 0;
}

static int args_add_kernel(struct exec_args *args, const char *s)
{
	size_t n = strlen(s) + 1;
	int error = args_reserve(args, n);

	if (!error) {
		memcpy(args->strings + args->used, s, n);
		args->used += n;
	}
	return error;
}

static int args_add_user(struct exec_args *args, user_ptr s)
{
	long n = strnlen_user(s, MAX_ARG_STRLEN);
	int error;

	if (n < 0)
		return (int)n;
	if (n >= (long)MAX_ARG_STRLEN)
		return -E2BIG;
	error = args_reserve(args, (size_t)n + 1);
	if (error)
		return error;
	if (copy_from_user(args->strings + args->used, s, (size_t)n))
		return -EFAULT;
	args->strings[args->used + (size_t)n] = '\0';
	/* The program may have put a NUL into the middle meanwhile: then the string ends there, as it would for it. */
	args->used += strlen(args->strings + args->used) + 1;
	return 0;
}

static int add_vector(struct exec_args *args, const struct exec_strings *from, bool env, unsigned *ret_count)
{
	user_ptr at = env ? from->user_envp : from->user_argv;
	const char *const *list = env ? from->envp : from->argv;

	for (*ret_count = 0;; ++*ret_count) {
		int error;

		if (from->kernel) {
			if (!list[*ret_count])
				return 0;
			error = args_add_kernel(args, list[*ret_count]);
		} else {
			u64 s;

			if (user_ptr_is_null(at))
				return 0;
			if (get_user_u64(&s, user_ptr_add(at, *ret_count * 8UL)))
				return -EFAULT;
			if (!s)
				return 0;
			/* The pointers will need room on the stack too. */
			if ((*ret_count + 1) * 8UL + args->used > args_limit())
				return -E2BIG;
			error = args_add_user(args, user_ptr_at(s));
		}
		if (error)
			return error;
		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
	}
}

static int args_fill(struct exec_args *args, const struct exec_strings *from)
{
	int error = add_vector(args, from, false, &args->argc);

	if (!error && args->argc == 0) { /* Linux gives such a program one empty string */
		error = args_add_kernel(args, "");
		args->argc = 1;
	}
	args->env_offset = args->used;
	return error ? error : add_vector(args, from, true, &args->envc);
}

/* Replaces argv[0] by "interpreter [argument] script". */
static int args_prepend(struct exec_args *args, const char *interpreter, const char *argument, const char *script)
{
	struct exec_args new = { .envc = args->envc };
	size_t skip = strlen(args->strings) + 1;
	int error = args_add_kernel(&new, interpreter);

	if (!error && argument)
		error = args_add_kernel(&new, argument);
	if (!error)
		error = args_add_kernel(&new, script);
	if (!error)
		error = args_reserve(&new, args->used - skip);
	if (error) {
		args_free(&new);
		return error;
	}
	memcpy(new.strings + new.used, args->strings + skip, args->used - skip);
	new.env_offset = new.used + args->env_offset - skip;
	new.used += args->used - skip;
	new.argc = args->argc + (argument ? 2 : 1);
	args_free(args);
	*args = new;
	return 0;
}

/* ---- the file ---- */

static struct file *try_open(int dirfd, const char *path, unsigned at_flags)
{
	unsigned lookup = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path where;
	struct file *file;
	int error = path_lookup(dirfd, path, lookup, &where);

	if (error)
		return ERR_PTR(error);
	if (S_ISLNK(where.dentry->inode->mode))
		error = -ELOOP;
	else if (!S_ISREG(where.dentry->inode->mode) || (where.mount->flags & MS_NOEXEC))
		error = -EACCES;
	else
		error = inode_permission(where.dentry->inode, MAY_EXEC);
	/* Executable is enough: the program itself may not be readable by its user. */
	file = error ? ERR_PTR(error) : file_open_path(&where, O_RDONLY);
	path_put(&where);
	if (IS_ERR(file))
		return file;
	error = file_deny_writers(file);
	if (error) {
		file_put(file);
		return ERR_PTR(error);
	}
	return file;
}

struct file *exec_open(int dirfd, const char *path, unsigned at_flags)
{
	struct file *file;
	int attempt = 0;

	/* -ESTALE: the name changed hands meanwhile; the cache knows by now. */
	do {
		file = try_open(dirfd, path, at_flags);
	} while (file == ERR_PTR(-ESTALE) && attempt++ < 8);
	return file;
}

int exec_check(const char *path)
{
	struct file *file = exec_open(AT_FDCWD, path, 0);

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	file_put(file);
	return 0;
}

/*
 * Splits "#! interpreter argument" in place. 0, -ENOEXEC. A file that is shorter than what is looked at counts as followed by NULs: they end
 * the line, the blanks before them are part of it.
 */
static int parse_script(char *head, size_t n, char **ret_interpreter, char **ret_argument)
{
	char *end = memchr(head, '\n', n), *p = head + 2;
	bool whole = end || n == BINPRM_BUF_SIZE;

	if (!end) {
		/* Cut off: only an interpreter that ends within what we have is trusted. */
		end = head + n;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		while (p < end && *p != ' ' && *p != '\t' && *p)
			p++;
		if (p == end && n == BINPRM_BUF_SIZE)
			return -ENOEXEC;
		p = head + 2;
		if (n == BINPRM_BUF_SIZE)
			end--;
	}
	while (whole && end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p) /* a name that is empty is the working directory */
		return p == end && whole ? -ENOEXEC : -EACCES;
	*ret_interpreter = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	*ret_argument = NULL;
	if (*p) {
		*p++ = '\0';
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p)
			*ret_argument = p;
	}
	return 0;
}

/* Follows scripts to a file that is no script. Takes over and replaces *file. @closes: the interpreter will not find `path`. */
static int resolve_scripts(struct file **file, struct exec_args *args, const char *path, bool closes)
{
	char *script = kstrdup(path);
	int error = 0;

	for (int depth = 0; script && !error; depth++) {
		char head[BINPRM_BUF_SIZE + 1], *interpreter, *argument;
		ssize_t n = exec_read(*file, head, BINPRM_BUF_SIZE, 0);
		struct file *next;

		if (n < 0)
			error = (int)n;
		if (n < 2 || head[0] != '#' || head[1] != '!')
			break;
		if (depth >= MAX_SCRIPT_DEPTH)
			error = -ELOOP;
		head[n] = '\0';
		if (!error)
			error = parse_script(head, (size_t)n, &interpreter, &argument);
		if (!error && closes)
			error = -ENOENT;
		if (!error)
			error = args_prepend(args, interpreter, argument, script);
		if (error)
			break;
		next = exec_open(AT_FDCWD, interpreter, 0);
		if (IS_ERR(next)) {
			error = (int)PTR_ERR(next);
			break;
		}
		file_put(*file);
		*file = next;
		kfree(script);
		script = kstrdup(interpreter);
	}
	if (!script)
		return -ENOMEM;
	kfree(script);
	return error;
}

/* ---- the process ---- */

static void describe_other_threads(const void *object, struct wait_info *info)
{
	const struct signal_struct *signal = object;
	struct task_struct *t;

	wait_info_printf(info, "the end of the other threads");
	list_for_each_entry(t, &signal->threads, thread_link)
		wait_info_task(info, WAIT_CHILD, t);
}
static const struct wait_type other_threads_wait = { "exec", BLOCK_CHILD, describe_other_threads };

/* All other threads end; this one becomes the leader. -EAGAIN if another exec or an exit was first. */
static int become_single_threaded(void)
{
	struct task_struct *task = current, *leader;
	struct signal_struct *signal = task->signal;

	if (signal->group_exit || signal->exec_in_progress)
		return -EAGAIN;
	if (signal->nr_threads > 1) {
		signal->exec_in_progress = true;
		signal->exec_task = task;
		zap_other_threads(task);
		while (signal->nr_live > 1 || signal->nr_threads > (signal->leader == task ? 1 : 2)) {
			prepare_to_sleep(TASK_UNINTERRUPTIBLE, &other_threads_wait, signal);
			schedule();
			finish_sleep();
		}
		signal->exec_in_progress = false;
		signal->exec_task = NULL;
	}
	leader = signal->leader;
	if (leader == task)
		return 0;
	/* Takes over the identity of the dead leader: its pid, its place among its siblings, its children. */
	struct pid *pid = leader->pid;
	struct task_struct *child;

	leader->pid = task->pid;
	task->pid = pid;
	leader->tid = leader->pid->number;
	task->tid = pid->number;
	task->pid->task = task;
	leader->pid->task = leader;
	task->in_proc = leader->in_proc = task->in_proc || leader->in_proc;
	task->exit_signal = leader->exit_signal;
	task->real_parent = task->parent = leader->real_parent;
	list_add(&task->sibling, &leader->sibling);
	list_del(&leader->sibling);
	list_splice_tail(&leader->children, &task->children);
	list_for_each_entry(child, &task->children, sibling)
		child->real_parent = child->parent = task;
	signal->leader = task;
	if (init_task == leader)
		init_task = task;
	leader->exit_signal = -1;
	release_task(leader);
	return 0;
}

/* The old memory goes. Nothing of the caller's memory may be used from here on. */
static int replace_mm(struct file *exe)
{
	struct task_struct *task = current;
	struct mm_struct *mm = task->mm, *fresh;

	if (mm) {
		futex_exit(task);
		if (!user_ptr_is_null(task->clear_child_tid) && mm->nr_tasks > 1) {
			(void)!put_user_u32(task->clear_child_tid, 0);
			futex_wake_user(task->clear_child_tid, 1);
		}
		task->clear_child_tid = USER_NULL;
	}
	if (mm && mm->nr_tasks == 1 && mm->users.count == 1) {
		aio_exit(mm);
		mutex_lock(&mm->mmap_lock);
		kernel_unlock();
		mm_wipe_host(mm);
		kernel_lock();
		mm_drop_vmas(mm);
		mutex_unlock(&mm->mmap_lock);
		file_put(mm->exe);
	} else {
		fresh = zygote_take();
		if (IS_ERR(fresh))
			return (int)PTR_ERR(fresh);
		task_change_mm(fresh);
		mm = fresh;
	}
	mm->exe = file_get(exe);
	mm->no_patch = mm->membarrier_registered = mm->membarrier_sync_core = false;
	gs_exec();
	vfork_done(task);
	if (sched_exec())
		schedule();
	return 0;
}

static void set_comm(struct task_struct *task, const char *path)
{
	const char *slash = strrchr(path, '/');

	strlcpy(task->comm, slash ? slash + 1 : path, sizeof(task->comm));
}

static void reset_process(struct cred *new_cred, bool secure, const char *path)
{
	struct task_struct *task = current;

	files_close_on_exec(task->files);
	posix_timers_exit(task->signal);
	if (refcount_read(&task->sighand->count) > 1) {
		struct sighand_struct *own = sighand_alloc();

		if (own) {
			memcpy(own->action, task->sighand->action, sizeof(own->action));
			sighand_put(task->sighand);
			task->sighand = own;
		}
	}
	flush_signal_handlers(task, false);
	sigaltstack_reset(task);
	task->robust_list = USER_NULL;
	task->flags &= ~(unsigned)(PF_FORKNOEXEC | PF_SUPERPRIV);
	task->did_exec = true;
	task->restart_block.restart = NULL;
	if (secure) {
		task->pdeath_signal = 0;
		task->mm->dumpable = 0;
	} else {
		task->mm->dumpable = 1;
	}
	task->timer_slack = task->default_timer_slack;
	set_comm(task, path);
	trace_exec(task, path);
	commit_creds(new_cred);
	task->fs_base = 0;
	write_fs_base(0);
	fpu_reset_current();
}

/* Descriptor tables shared with others (CLONE_FILES) are not touched by exec's closing. */
static int unshare_files(void)
{
	struct files_struct *own;

	if (refcount_read(&current->files->count) == 1)
		return 0;
	own = files_copy(current->files);
	if (IS_ERR(own))
		return (int)PTR_ERR(own);
	files_put(current->files);
	current->files = own;
	return 0;
}

static long run_program(struct file *file, struct exec_args *args, const char *path)
{
	struct elf_image image;
	struct cred *cred = NULL;
	bool secure = false;
	long error = elf_examine(file, &image);

	if (error)
		return error;
	cred = prepare_creds();
	error = cred ? 0 : -ENOMEM;
	if (!error)
		error = cred_exec(cred, file->inode, (file->path.mount->flags & MS_NOSUID) || current->no_new_privs, &secure);
	if (!error)
		error = unshare_files();
	if (!error)
		error = become_single_threaded();
	if (!error)
		error = replace_mm(file);
	if (error) {
		if (cred)
			cred_put(cred);
		elf_release(&image);
		return error;
	}
	/* No way back from here. */
	reset_process(cred, secure, path);
	error = elf_load(&image, file, args, path, secure);
	elf_release(&image);
	this_carrier()->cpu->stats->execs++;
	if (error) {
		kill_process(current, "the program it executes cannot be loaded");
		return error;
	}
	return 0;
}

/* What a program that execveat(2) finds by a descriptor is called, malloc'ed; NULL: no memory. */
static char *path_by_fd(int dirfd, const char *path)
{
	size_t size = strlen(path) + sizeof("/dev/fd//-2147483648");
	char *name = kmalloc(size);

	if (name)
		snprintf(name, size, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, path);
	return name;
}

long do_execve(int dirfd, const char *path, const struct exec_strings *strings, unsigned at_flags)
{
	bool by_fd = dirfd != AT_FDCWD && path[0] != '/', closes;
	struct exec_args args = { 0 };
	struct file *file = exec_open(dirfd, path, at_flags);
	char *name = NULL;
	long error;

	if (IS_ERR(file))
		return PTR_ERR(file);
	closes = by_fd && fd_closes_on_exec(current->files, (unsigned)dirfd);
	if (by_fd) {
		path = name = path_by_fd(dirfd, path);
		if (!name) {
			file_put(file);
			return -ENOMEM;
		}
	}
	error = args_fill(&args, strings);
	if (!error)
		error = resolve_scripts(&file, &args, path, closes);
	if (!error)
		error = run_program(file, &args, path);
	args_free(&args);
	file_put(file);
	kfree(name);
	return error;
}
