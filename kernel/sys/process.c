// SPDX-License-Identifier: Apache-2.0
/* Making, replacing, ending and awaiting processes: clone(2), execve(2), exit(2), wait4(2), waitid(2). */
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/signal.h"
#include "kernel/task/wait.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/vfs.h"
#include "syscalls.gen.h"

long sys_clone(u64 flags, u64 stack, user_ptr parent_tid, user_ptr child_tid, u64 tls)
{
	struct clone_request r = {
		.flags = (u32)flags & ~(u32)CSIGNAL,
		.stack = user_ptr_at(stack),
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
		.tls = tls,
		.exit_signal = (int)(flags & CSIGNAL),
	};

	if ((r.flags & CLONE_PIDFD) && (r.flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return do_clone(&r);
}

long sys_clone3(user_ptr args, size_t size)
{
	struct clone_args a = { 0 };
	struct clone_request r;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	for (size_t i = sizeof(a); i < size; i++) {
		char byte;

		if (copy_from_user(&byte, user_ptr_add(args, i), 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	if (copy_from_user(&a, args, min(size, sizeof(a))))
		return -EFAULT;
	if ((a.flags & (CSIGNAL | CLONE_DETACHED)) || a.exit_signal > NSIG_LINUX ||
	    ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal) || (!a.stack) != (!a.stack_size) || a.cgroup)
		return -EINVAL;
	if (a.set_tid_size)
		return -EPERM;
	if (a.flags & ~(0xffffffffUL | CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	r = (struct clone_request){
		.flags = a.flags,
		.stack = user_ptr_at(a.stack ? a.stack + a.stack_size : 0),
		.parent_tid = user_ptr_at(a.parent_tid),
		.child_tid = user_ptr_at(a.child_tid),
		.pidfd = user_ptr_at(a.pidfd),
		.tls = a.tls,
		.exit_signal = (int)a.exit_signal,
	};
	return do_clone(&r);
}

long sys_fork(void)
{
	struct clone_request r = { .exit_signal = SIGCHLD };

	return do_clone(&r);
}

long sys_vfork(void)
{
	struct clone_request r = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

	return do_clone(&r);
}

static long execve_common(int dirfd, user_ptr path, user_ptr argv, user_ptr envp, unsigned flags)
{
	struct exec_strings strings = { .user_argv = argv, .user_envp = envp };
	char *name;
	long error;

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	name = user_path_string(path, flags & AT_EMPTY_PATH);
	if (IS_ERR(name))
		return PTR_ERR(name);
	error = do_execve(dirfd, name, &strings, flags);
	kfree(name);
	/* On success the registers are the new program's, rax among them. */
	return error ? error : (long)current->regs->rax;
}

long sys_execve(user_ptr path, user_ptr argv, user_ptr envp) { return execve_common(AT_FDCWD, path, argv, envp, 0); }

long sys_execveat(int dirfd, user_ptr path, user_ptr argv, user_ptr envp, int flags)
{
	return execve_common(dirfd, path, argv, envp, (unsigned)flags);
}

long sys_exit(int status) { do_exit((status & 0xff) << 8); }
long sys_exit_group(int status) { do_group_exit((status & 0xff) << 8); }

static void rusage_of(const struct wait_request *w, struct rusage *ret_usage)
{
	memset(ret_usage, 0, sizeof(*ret_usage));
	ret_usage->ru_utime.tv_sec = (long)(w->utime / NSEC_PER_SEC);
	ret_usage->ru_utime.tv_usec = (long)(w->utime % NSEC_PER_SEC / 1000);
	ret_usage->ru_stime.tv_sec = (long)(w->stime / NSEC_PER_SEC);
	ret_usage->ru_stime.tv_usec = (long)(w->stime % NSEC_PER_SEC / 1000);
	ret_usage->ru_maxrss = (long)w->maxrss_kib;
	ret_usage->ru_nvcsw = (long)w->nvcsw;
	ret_usage->ru_nivcsw = (long)w->nivcsw;
}

long sys_wait4(int pid, user_ptr status, int options, user_ptr rusage)
{
	struct wait_request w = { .options = options | WEXITED };
	struct rusage usage;
	long result;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == (int)0x80000000)
		return -ESRCH;
	if (pid == -1) {
		w.type = WAIT_ANY;
	} else {
		w.type = pid > 0 ? WAIT_PID : WAIT_PGRP;
		w.pid = pid == 0 ? current->signal->pgrp : pid_find(pid > 0 ? pid : -pid);
		if (!w.pid)
			return -ECHILD;
		pid_get(w.pid);
	}
	result = do_wait(&w);
	pid_put(w.pid);
	if (result <= 0)
		return result;
	if (!user_ptr_is_null(status) && put_user_u32(status, (u32)w.status))
		return -EFAULT;
	rusage_of(&w, &usage);
	if (!user_ptr_is_null(rusage) && put_user_object(rusage, &usage))
		return -EFAULT;
	return result;
}

static long waitid_target(int type, int id, struct wait_request *w)
{
	struct file *file;
	struct pid *pid;

	switch (type) {
	case P_ALL:
		return 0;
	case P_PID:
	case P_PGID:
		if (id < (type == P_PID ? 1 : 0))
			return -EINVAL;
		w->type = type == P_PID ? WAIT_PID : WAIT_PGRP;
		w->pid = id ? pid_find(id) : current->signal->pgrp;
		if (!w->pid)
			return -ECHILD;
		pid_get(w->pid);
		return 0;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		file = fget((unsigned)id);
		if (!file)
			return -EBADF;
		pid = pidfd_pid(file);
		if (!IS_ERR(pid))
			w->pid = pid_get(pid);
		if (file->flags & O_NONBLOCK)
			w->options |= WNOHANG;
		file_put(file);
		w->type = WAIT_PID;
		return IS_ERR(pid) ? PTR_ERR(pid) : 0;
	}
	return -EINVAL;
}

long sys_waitid(int type, int id, user_ptr info, int options, user_ptr rusage)
{
	struct wait_request w = { .options = options };
	struct rusage usage;
	siginfo_t si;
	bool nonblocking_pidfd;
	long result;

	if ((options & ~(WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | __WNOTHREAD | __WCLONE | __WALL)) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	result = waitid_target(type, id, &w);
	if (result)
		return result;
	nonblocking_pidfd = (w.options & WNOHANG) && !(options & WNOHANG);
	result = do_wait(&w);
	pid_put(w.pid);
	if (result < 0)
		return result;
	if (result == 0 && nonblocking_pidfd)
		return -EAGAIN;
	memset(&si, 0, sizeof(si));
	if (result > 0) {
		si.si_signo = SIGCHLD;
		si.si_code = w.why;
		si.si_pid = w.found;
		si.si_uid = w.uid;
		si.si_status = w.why == CLD_EXITED ? w.status >> 8 & 0xff :
			       w.why == CLD_CONTINUED ? SIGCONT :
			       w.why == CLD_STOPPED ? w.status >> 8 & 0xff : w.status & 0x7f;
	}
	if (!user_ptr_is_null(info) && put_user_object(info, &si))
		return -EFAULT;
	rusage_of(&w, &usage);
	if (result > 0 && !user_ptr_is_null(rusage) && put_user_object(rusage, &usage))
		return -EFAULT;
	return 0;
}
