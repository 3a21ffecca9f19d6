/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the flags and choices among the arguments of system calls: for --strace, in the kernel, and linuxd trace, on the host.
 *
 * Whoever includes this has included syscalls.gen.h or syscalls_shapes.gen.h, for the kinds of arguments.
 */
#ifndef ABI_ARGUMENT_NAMES_H
#define ABI_ARGUMENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/close_range.h>
#include <linux/eventpoll.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/inotify.h>
#include <linux/ipc.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/wait.h>
#include <linux/xattr.h>
#include <asm/ioctls.h>
#include <asm/prctl.h>
#include <asm/resource.h>
#include <asm/signal.h>


struct argument_name {
	uint64_t value;
	const char *text;
};
#define NAME(constant) { (uint64_t)(constant), #constant }

/* How the values of a kind are put together. */
enum style {
	CHOICE, /* one value */
	BITS,   /* names joined by | */
	MIXED,  /* a choice in `mask`, bits outside */
};

struct name_list {
	enum style style;
	uint64_t mask; /* MIXED: bits of the choice */
	const struct argument_name *names;
	size_t nr;
};

static const struct argument_name open_flags[] = {
	NAME(O_RDONLY), NAME(O_WRONLY), NAME(O_RDWR), NAME(O_CREAT), NAME(O_EXCL), NAME(O_NOCTTY), NAME(O_TRUNC),
	NAME(O_APPEND), NAME(O_NONBLOCK), { O_SYNC, "O_SYNC" }, NAME(O_DSYNC), NAME(O_DIRECT), { 0100000, "O_LARGEFILE" },
	{ O_TMPFILE, "O_TMPFILE" }, NAME(O_DIRECTORY), NAME(O_NOFOLLOW), NAME(O_NOATIME), NAME(O_CLOEXEC), NAME(O_PATH),
};
static const struct argument_name whences[] = {
	NAME(SEEK_SET), NAME(SEEK_CUR), NAME(SEEK_END), NAME(SEEK_DATA), NAME(SEEK_HOLE),
};
static const struct argument_name access_modes[] = { { 0, "F_OK" }, { 4, "R_OK" }, { 2, "W_OK" }, { 1, "X_OK" } };
static const struct argument_name at_flags[] = {
	NAME(AT_SYMLINK_NOFOLLOW), { AT_EACCESS, "AT_EACCESS" }, NAME(AT_SYMLINK_FOLLOW), NAME(AT_NO_AUTOMOUNT),
	NAME(AT_EMPTY_PATH), NAME(AT_STATX_FORCE_SYNC), NAME(AT_STATX_DONT_SYNC),
};
static const struct argument_name unlink_flags[] = { NAME(AT_REMOVEDIR) };
static const struct argument_name rename_flags[] = { NAME(RENAME_NOREPLACE), NAME(RENAME_EXCHANGE), NAME(RENAME_WHITEOUT) };
static const struct argument_name fcntl_cmds[] = {
	NAME(F_DUPFD), NAME(F_GETFD), NAME(F_SETFD), NAME(F_GETFL), NAME(F_SETFL), NAME(F_GETLK), NAME(F_SETLK),
	NAME(F_SETLKW), NAME(F_SETOWN), NAME(F_GETOWN), NAME(F_SETSIG), NAME(F_GETSIG), NAME(F_SETOWN_EX),
	NAME(F_GETOWN_EX), NAME(F_OFD_GETLK), NAME(F_OFD_SETLK), NAME(F_OFD_SETLKW), NAME(F_SETLEASE), NAME(F_GETLEASE),
	NAME(F_NOTIFY), NAME(F_DUPFD_CLOEXEC), NAME(F_SETPIPE_SZ), NAME(F_GETPIPE_SZ), NAME(F_ADD_SEALS), NAME(F_GET_SEALS),
};
static const struct argument_name ioctl_cmds[] = {
	NAME(TCGETS), NAME(TCSETS), NAME(TCSETSW), NAME(TCSETSF), NAME(TCSBRK), NAME(TCXONC), NAME(TCFLSH),
	NAME(TIOCSCTTY), NAME(TIOCGPGRP), NAME(TIOCSPGRP), NAME(TIOCOUTQ), NAME(TIOCSTI), NAME(TIOCGWINSZ),
	NAME(TIOCSWINSZ), NAME(FIONREAD), NAME(FIONBIO), NAME(TIOCNOTTY), NAME(TIOCGSID), NAME(TIOCGPTN),
	NAME(TIOCSPTLCK), NAME(FIOCLEX), NAME(FIONCLEX), NAME(FIOASYNC), NAME(TIOCGPTPEER), { FICLONE, "FICLONE" },
};
static const struct argument_name xattr_flags[] = { NAME(XATTR_CREATE), NAME(XATTR_REPLACE) };
static const struct argument_name fadvices[] = {
	NAME(POSIX_FADV_NORMAL), NAME(POSIX_FADV_RANDOM), NAME(POSIX_FADV_SEQUENTIAL), NAME(POSIX_FADV_WILLNEED),
	NAME(POSIX_FADV_DONTNEED), NAME(POSIX_FADV_NOREUSE),
};
static const struct argument_name fallocate_modes[] = {
	NAME(FALLOC_FL_KEEP_SIZE), NAME(FALLOC_FL_PUNCH_HOLE), NAME(FALLOC_FL_COLLAPSE_RANGE), NAME(FALLOC_FL_ZERO_RANGE),
	NAME(FALLOC_FL_INSERT_RANGE), NAME(FALLOC_FL_UNSHARE_RANGE),
};
static const struct argument_name rwf_flags[] = { NAME(RWF_HIPRI), NAME(RWF_DSYNC), NAME(RWF_SYNC), NAME(RWF_NOWAIT), NAME(RWF_APPEND) };
static const struct argument_name statx_masks[] = { NAME(STATX_BASIC_STATS), NAME(STATX_ALL), NAME(STATX_TYPE), NAME(STATX_MODE),
	NAME(STATX_NLINK), NAME(STATX_UID), NAME(STATX_GID), NAME(STATX_ATIME), NAME(STATX_MTIME), NAME(STATX_CTIME),
	NAME(STATX_INO), NAME(STATX_SIZE), NAME(STATX_BLOCKS), NAME(STATX_BTIME), NAME(STATX_MNT_ID) };
static const struct argument_name close_range_flags[] = { NAME(CLOSE_RANGE_UNSHARE), NAME(CLOSE_RANGE_CLOEXEC) };
static const struct argument_name mount_flags[] = {
	NAME(MS_RDONLY), NAME(MS_NOSUID), NAME(MS_NODEV), NAME(MS_NOEXEC), NAME(MS_SYNCHRONOUS), NAME(MS_REMOUNT),
	NAME(MS_NOATIME), NAME(MS_NODIRATIME), NAME(MS_BIND), NAME(MS_MOVE), NAME(MS_REC), NAME(MS_SILENT), NAME(MS_UNBINDABLE),
	NAME(MS_PRIVATE), NAME(MS_SLAVE), NAME(MS_SHARED), NAME(MS_RELATIME), NAME(MS_STRICTATIME),
};
static const struct argument_name umount_flags[] = { { 1, "MNT_FORCE" }, { 2, "MNT_DETACH" }, { 4, "MNT_EXPIRE" }, { 8, "UMOUNT_NOFOLLOW" } };
static const struct argument_name mmap_prots[] = { NAME(PROT_NONE), NAME(PROT_READ), NAME(PROT_WRITE), NAME(PROT_EXEC),
	NAME(PROT_GROWSDOWN), NAME(PROT_GROWSUP) };
static const struct argument_name mmap_flags[] = {
	NAME(MAP_SHARED), NAME(MAP_PRIVATE), NAME(MAP_SHARED_VALIDATE), NAME(MAP_FIXED), NAME(MAP_ANONYMOUS), NAME(MAP_GROWSDOWN),
	NAME(MAP_DENYWRITE), NAME(MAP_EXECUTABLE), NAME(MAP_LOCKED), NAME(MAP_NORESERVE), NAME(MAP_POPULATE), NAME(MAP_NONBLOCK),
	NAME(MAP_STACK), NAME(MAP_HUGETLB), NAME(MAP_FIXED_NOREPLACE), NAME(MAP_32BIT),
};
static const struct argument_name mremap_flags[] = { NAME(MREMAP_MAYMOVE), NAME(MREMAP_FIXED), NAME(MREMAP_DONTUNMAP) };
static const struct argument_name msync_flags[] = { NAME(MS_ASYNC), NAME(MS_INVALIDATE), NAME(MS_SYNC) };
static const struct argument_name madvices[] = {
	NAME(MADV_NORMAL), NAME(MADV_RANDOM), NAME(MADV_SEQUENTIAL), NAME(MADV_WILLNEED), NAME(MADV_DONTNEED), NAME(MADV_FREE),
	NAME(MADV_REMOVE), NAME(MADV_DONTFORK), NAME(MADV_DOFORK), NAME(MADV_MERGEABLE), NAME(MADV_HUGEPAGE),
	NAME(MADV_NOHUGEPAGE), NAME(MADV_DONTDUMP), NAME(MADV_DODUMP), NAME(MADV_WIPEONFORK), NAME(MADV_COLD), NAME(MADV_PAGEOUT),
	NAME(MADV_POPULATE_READ), NAME(MADV_POPULATE_WRITE),
};
static const struct argument_name clone_flags[] = {
	NAME(CLONE_VM), NAME(CLONE_FS), NAME(CLONE_FILES), NAME(CLONE_SIGHAND), NAME(CLONE_PIDFD), NAME(CLONE_PTRACE),
	NAME(CLONE_VFORK), NAME(CLONE_PARENT), NAME(CLONE_THREAD), NAME(CLONE_NEWNS), NAME(CLONE_SYSVSEM), NAME(CLONE_SETTLS),
	NAME(CLONE_PARENT_SETTID), NAME(CLONE_CHILD_CLEARTID), NAME(CLONE_CHILD_SETTID), NAME(CLONE_NEWCGROUP),
	NAME(CLONE_NEWUTS), NAME(CLONE_NEWIPC), NAME(CLONE_NEWUSER), NAME(CLONE_NEWPID), NAME(CLONE_NEWNET), NAME(CLONE_IO),
	NAME(CLONE_CLEAR_SIGHAND), NAME(CLONE_INTO_CGROUP), NAME(SIGCHLD),
};
static const struct argument_name wait_options[] = { NAME(WNOHANG), NAME(WUNTRACED), NAME(WEXITED), NAME(WCONTINUED), NAME(WNOWAIT),
	{ 0x20000000, "__WNOTHREAD" }, { 0x40000000, "__WALL" }, { 0x80000000, "__WCLONE" } };
static const struct argument_name waitid_types[] = { NAME(P_ALL), NAME(P_PID), NAME(P_PGID), NAME(P_PIDFD) };
static const struct argument_name arch_prctl_codes[] = { NAME(ARCH_SET_GS), NAME(ARCH_SET_FS), NAME(ARCH_GET_FS), NAME(ARCH_GET_GS) };
static const struct argument_name priority_whiches[] = { { 0, "PRIO_PROCESS" }, { 1, "PRIO_PGRP" }, { 2, "PRIO_USER" } };
static const struct argument_name sched_policies[] = { NAME(SCHED_NORMAL), NAME(SCHED_FIFO), NAME(SCHED_RR), NAME(SCHED_BATCH),
	NAME(SCHED_IDLE), NAME(SCHED_DEADLINE) };
static const struct argument_name sigmask_hows[] = { NAME(SIG_BLOCK), NAME(SIG_UNBLOCK), NAME(SIG_SETMASK) };
static const struct argument_name flock_ops[] = { NAME(LOCK_SH), NAME(LOCK_EX), NAME(LOCK_NB), NAME(LOCK_UN) };
static const struct argument_name epoll_ops[] = { NAME(EPOLL_CTL_ADD), NAME(EPOLL_CTL_DEL), NAME(EPOLL_CTL_MOD) };
static const struct argument_name inotify_masks[] = {
	NAME(IN_ACCESS), NAME(IN_MODIFY), NAME(IN_ATTRIB), NAME(IN_CLOSE_WRITE), NAME(IN_CLOSE_NOWRITE), NAME(IN_OPEN),
	NAME(IN_MOVED_FROM), NAME(IN_MOVED_TO), NAME(IN_CREATE), NAME(IN_DELETE), NAME(IN_DELETE_SELF), NAME(IN_MOVE_SELF),
	NAME(IN_ONLYDIR), NAME(IN_DONT_FOLLOW), NAME(IN_EXCL_UNLINK), NAME(IN_MASK_ADD), NAME(IN_ONESHOT),
};
static const struct argument_name splice_flags[] = { { 1, "SPLICE_F_MOVE" }, { 2, "SPLICE_F_NONBLOCK" }, { 4, "SPLICE_F_MORE" },
	{ 8, "SPLICE_F_GIFT" } };
static const struct argument_name timer_flags[] = { { 1, "TIMER_ABSTIME" }, { 2, "TFD_TIMER_CANCEL_ON_SET" } };
static const struct argument_name eventfd_flags[] = { { 1, "EFD_SEMAPHORE" }, { O_NONBLOCK, "EFD_NONBLOCK" }, { O_CLOEXEC, "EFD_CLOEXEC" } };
static const struct argument_name fd_flags[] = { NAME(O_DIRECT), NAME(O_NONBLOCK), NAME(O_CLOEXEC) };
static const struct argument_name memfd_flags[] = { NAME(MFD_CLOEXEC), NAME(MFD_ALLOW_SEALING), NAME(MFD_HUGETLB) };
static const struct argument_name clocks[] = {
	NAME(CLOCK_REALTIME), NAME(CLOCK_MONOTONIC), NAME(CLOCK_PROCESS_CPUTIME_ID), NAME(CLOCK_THREAD_CPUTIME_ID),
	NAME(CLOCK_MONOTONIC_RAW), NAME(CLOCK_REALTIME_COARSE), NAME(CLOCK_MONOTONIC_COARSE), NAME(CLOCK_BOOTTIME),
	NAME(CLOCK_REALTIME_ALARM), NAME(CLOCK_BOOTTIME_ALARM), NAME(CLOCK_TAI),
};
static const struct argument_name itimer_whiches[] = { NAME(ITIMER_REAL), NAME(ITIMER_VIRTUAL), NAME(ITIMER_PROF) };
static const struct argument_name rlimit_resources[] = {
	NAME(RLIMIT_CPU), NAME(RLIMIT_FSIZE), NAME(RLIMIT_DATA), NAME(RLIMIT_STACK), NAME(RLIMIT_CORE), NAME(RLIMIT_RSS),
	NAME(RLIMIT_NPROC), NAME(RLIMIT_NOFILE), NAME(RLIMIT_MEMLOCK), NAME(RLIMIT_AS), NAME(RLIMIT_LOCKS),
	NAME(RLIMIT_SIGPENDING), NAME(RLIMIT_MSGQUEUE), NAME(RLIMIT_NICE), NAME(RLIMIT_RTPRIO), NAME(RLIMIT_RTTIME),
};
static const struct argument_name prctl_options[] = {
	NAME(PR_SET_PDEATHSIG), NAME(PR_GET_PDEATHSIG), NAME(PR_GET_DUMPABLE), NAME(PR_SET_DUMPABLE), NAME(PR_GET_KEEPCAPS),
	NAME(PR_SET_KEEPCAPS), NAME(PR_SET_NAME), NAME(PR_GET_NAME), NAME(PR_GET_SECCOMP), NAME(PR_SET_SECCOMP),
	NAME(PR_CAPBSET_READ), NAME(PR_CAPBSET_DROP), NAME(PR_GET_SECUREBITS), NAME(PR_SET_SECUREBITS),
	NAME(PR_SET_TIMERSLACK), NAME(PR_GET_TIMERSLACK), NAME(PR_SET_MM), NAME(PR_SET_CHILD_SUBREAPER),
	NAME(PR_GET_CHILD_SUBREAPER), NAME(PR_SET_NO_NEW_PRIVS), NAME(PR_GET_NO_NEW_PRIVS), NAME(PR_GET_TID_ADDRESS),
	NAME(PR_SET_THP_DISABLE), NAME(PR_GET_THP_DISABLE), NAME(PR_CAP_AMBIENT), NAME(PR_SET_VMA),
};
static const struct argument_name futex_ops[] = {
	NAME(FUTEX_WAIT), NAME(FUTEX_WAKE), NAME(FUTEX_REQUEUE), NAME(FUTEX_CMP_REQUEUE), NAME(FUTEX_WAKE_OP), NAME(FUTEX_LOCK_PI),
	NAME(FUTEX_UNLOCK_PI), NAME(FUTEX_TRYLOCK_PI), NAME(FUTEX_WAIT_BITSET), NAME(FUTEX_WAKE_BITSET),
	NAME(FUTEX_WAIT_REQUEUE_PI), NAME(FUTEX_CMP_REQUEUE_PI), NAME(FUTEX_LOCK_PI2), NAME(FUTEX_PRIVATE_FLAG),
	NAME(FUTEX_CLOCK_REALTIME),
};
static const struct argument_name getrandom_flags[] = { NAME(GRND_NONBLOCK), NAME(GRND_RANDOM), NAME(GRND_INSECURE) };
static const struct argument_name socket_families[] = { { 0, "AF_UNSPEC" }, { 1, "AF_UNIX" }, { 2, "AF_INET" }, { 10, "AF_INET6" },
	{ 16, "AF_NETLINK" }, { 17, "AF_PACKET" }, { 40, "AF_VSOCK" } };
static const struct argument_name socket_types[] = { { 1, "SOCK_STREAM" }, { 2, "SOCK_DGRAM" }, { 3, "SOCK_RAW" }, { 5, "SOCK_SEQPACKET" },
	{ O_NONBLOCK, "SOCK_NONBLOCK" }, { O_CLOEXEC, "SOCK_CLOEXEC" } };
static const struct argument_name msg_flags[] = { { 1, "MSG_OOB" }, { 2, "MSG_PEEK" }, { 4, "MSG_DONTROUTE" }, { 8, "MSG_CTRUNC" },
	{ 0x20, "MSG_TRUNC" }, { 0x40, "MSG_DONTWAIT" }, { 0x80, "MSG_EOR" }, { 0x100, "MSG_WAITALL" }, { 0x2000, "MSG_ERRQUEUE" },
	{ 0x4000, "MSG_NOSIGNAL" }, { 0x8000, "MSG_MORE" }, { 0x10000, "MSG_WAITFORONE" },
	{ 0x40000000, "MSG_CMSG_CLOEXEC" } };
static const struct argument_name shutdown_hows[] = { { 0, "SHUT_RD" }, { 1, "SHUT_WR" }, { 2, "SHUT_RDWR" } };
static const struct argument_name sockopt_levels[] = { { 1, "SOL_SOCKET" }, { 0, "SOL_IP" }, { 6, "SOL_TCP" }, { 17, "SOL_UDP" },
	{ 41, "SOL_IPV6" }, { 58, "SOL_ICMPV6" }, { 255, "SOL_RAW" }, { 270, "SOL_NETLINK" } };
static const struct argument_name ipc_flags[] = { NAME(IPC_CREAT), NAME(IPC_EXCL), NAME(IPC_NOWAIT) };
static const struct argument_name ipc_cmds[] = { NAME(IPC_RMID), NAME(IPC_SET), NAME(IPC_STAT), NAME(IPC_INFO), { 11, "GETPID" },
	{ 12, "GETVAL" }, { 13, "GETALL" }, { 14, "GETNCNT" }, { 15, "GETZCNT" }, { 16, "SETVAL" }, { 17, "SETALL" } };

#define LIST(style_, mask_, names_) { style_, mask_, names_, sizeof(names_) / sizeof((names_)[0]) }
static const struct name_list argument_name_lists[ARG_KINDS] = {
	[ARG_OPEN_FLAGS] = LIST(MIXED, O_ACCMODE, open_flags),
	[ARG_WHENCE] = LIST(CHOICE, 0, whences),
	[ARG_ACCESS_MODE] = LIST(BITS, 0, access_modes),
	[ARG_AT_FLAGS] = LIST(BITS, 0, at_flags),
	[ARG_UNLINK_FLAGS] = LIST(BITS, 0, unlink_flags),
	[ARG_RENAME_FLAGS] = LIST(BITS, 0, rename_flags),
	[ARG_FCNTL_CMD] = LIST(CHOICE, 0, fcntl_cmds),
	[ARG_IOCTL_CMD] = LIST(CHOICE, 0, ioctl_cmds),
	[ARG_XATTR_FLAGS] = LIST(BITS, 0, xattr_flags),
	[ARG_FADVICE] = LIST(CHOICE, 0, fadvices),
	[ARG_FALLOCATE_MODE] = LIST(BITS, 0, fallocate_modes),
	[ARG_RWF_FLAGS] = LIST(BITS, 0, rwf_flags),
	[ARG_STATX_MASK] = LIST(BITS, 0, statx_masks),
	[ARG_CLOSE_RANGE_FLAGS] = LIST(BITS, 0, close_range_flags),
	[ARG_MOUNT_FLAGS] = LIST(BITS, 0, mount_flags),
	[ARG_UMOUNT_FLAGS] = LIST(BITS, 0, umount_flags),
	[ARG_MMAP_PROT] = LIST(BITS, 0, mmap_prots),
	[ARG_MMAP_FLAGS] = LIST(MIXED, MAP_TYPE, mmap_flags),
	[ARG_MREMAP_FLAGS] = LIST(BITS, 0, mremap_flags),
	[ARG_MSYNC_FLAGS] = LIST(BITS, 0, msync_flags),
	[ARG_MADVICE] = LIST(CHOICE, 0, madvices),
	[ARG_CLONE_FLAGS] = LIST(MIXED, 0xff, clone_flags),
	[ARG_WAIT_OPTIONS] = LIST(BITS, 0, wait_options),
	[ARG_WAITID_TYPE] = LIST(CHOICE, 0, waitid_types),
	[ARG_ARCH_PRCTL_CODE] = LIST(CHOICE, 0, arch_prctl_codes),
	[ARG_PRIORITY_WHICH] = LIST(CHOICE, 0, priority_whiches),
	[ARG_SCHED_POLICY] = LIST(CHOICE, 0, sched_policies),
	[ARG_SIGMASK_HOW] = LIST(CHOICE, 0, sigmask_hows),
	[ARG_FLOCK_OP] = LIST(BITS, 0, flock_ops),
	[ARG_EPOLL_OP] = LIST(CHOICE, 0, epoll_ops),
	[ARG_INOTIFY_MASK] = LIST(BITS, 0, inotify_masks),
	[ARG_SPLICE_FLAGS] = LIST(BITS, 0, splice_flags),
	[ARG_TIMER_FLAGS] = LIST(BITS, 0, timer_flags),
	[ARG_EVENTFD_FLAGS] = LIST(BITS, 0, eventfd_flags),
	[ARG_FD_FLAGS] = LIST(BITS, 0, fd_flags),
	[ARG_MEMFD_FLAGS] = LIST(BITS, 0, memfd_flags),
	[ARG_CLOCK] = LIST(CHOICE, 0, clocks),
	[ARG_ITIMER_WHICH] = LIST(CHOICE, 0, itimer_whiches),
	[ARG_RLIMIT_RESOURCE] = LIST(CHOICE, 0, rlimit_resources),
	[ARG_PRCTL_OPTION] = LIST(CHOICE, 0, prctl_options),
	[ARG_FUTEX_OP] = LIST(MIXED, (uint64_t)FUTEX_CMD_MASK, futex_ops),
	[ARG_GETRANDOM_FLAGS] = LIST(BITS, 0, getrandom_flags),
	[ARG_SOCKET_FAMILY] = LIST(CHOICE, 0, socket_families),
	[ARG_SOCKET_TYPE] = LIST(MIXED, 0xf, socket_types),
	[ARG_SOCKET_FLAGS] = LIST(BITS, 0, socket_types),
	[ARG_MSG_FLAGS] = LIST(BITS, 0, msg_flags),
	[ARG_SHUTDOWN_HOW] = LIST(CHOICE, 0, shutdown_hows),
	[ARG_SOCKOPT_LEVEL] = LIST(CHOICE, 0, sockopt_levels),
	[ARG_IPC_FLAGS] = LIST(BITS, 0, ipc_flags),
	[ARG_IPC_CMD] = LIST(CHOICE, 0, ipc_cmds),
};

#undef LIST
#undef NAME

static inline const char *argument_choice(const struct name_list *list, uint64_t value)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->names[i].value == value)
			return list->names[i].text;
	return NULL;
}

/* Calls put(to, separator, name, 0) or put(to, separator, NULL, number) for each part of the value; false if the kind has no names. */
static inline bool argument_names(unsigned int kind, uint64_t value, void (*put)(void *to, const char *separator, const char *name, uint64_t number),
				  void *to)
{
	const struct name_list *list = &argument_name_lists[kind];
	const char *choice, *separator = "";
	uint64_t rest = (uint32_t)value;

	if (!list->nr)
		return false;
	if (list->style == BITS && !rest) {
		choice = argument_choice(list, 0);
		put(to, "", choice, 0);
		return true;
	}
	if (list->style != BITS) {
		uint64_t selected = list->style == CHOICE ? rest : rest & (uint32_t)list->mask;

		choice = argument_choice(list, selected);
		rest = list->style == CHOICE ? 0 : rest & ~list->mask;
		if (choice || selected || !rest) {
			put(to, "", choice, selected);
			separator = "|";
		}
	}
	for (size_t i = 0; i < list->nr; i++) {
		uint64_t bits = list->names[i].value;

		if (bits && (rest & bits) == bits && !(list->style == MIXED && (bits & list->mask) == bits)) {
			put(to, separator, list->names[i].text, 0);
			rest &= ~bits;
			separator = "|";
		}
	}
	if (rest)
		put(to, separator, NULL, rest);
	return true;
}

#endif
