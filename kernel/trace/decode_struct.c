// SPDX-License-Identifier: Apache-2.0
/* Structures of system calls as text, for --strace: the fields one looks for first. */
#include <linux/eventpoll.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/un.h>
#include <linux/utsname.h>
#include <asm/poll.h>
#include <asm/stat.h>
#include <asm/statfs.h>

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/net/inet/address.h"
#include "kernel/net/socket.h"
#include "kernel/task/task.h"
#include "kernel/trace/decode.h"

#define ELEMENTS_SHOWN 8

struct two_longs {
	s64 a, b;
};

/* timespec and timeval differ in the unit of the second field only. */
static bool show_times(struct trace_line *line, u64 address, int n, bool nano, const char *const names[])
{
	struct two_longs t[2];

	if (copy_from_user(t, user_ptr_at(address), (size_t)n * sizeof(t[0])))
		return false;
	if (names)
		line_printf(line, "{");
	else if (n > 1)
		line_printf(line, "[");
	for (int i = 0; i < n; i++) {
		line_printf(line, i ? ", " : "");
		if (names)
			line_printf(line, "%s=", names[i]);
		line_printf(line, "{tv_sec=%ld, %s=%ld}", t[i].a, nano ? "tv_nsec" : "tv_usec", t[i].b);
	}
	line_printf(line, names ? "}" : n > 1 ? "]" : "");
	return true;
}

static const char *file_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "S_IFREG";
	case S_IFDIR: return "S_IFDIR";
	case S_IFLNK: return "S_IFLNK";
	case S_IFCHR: return "S_IFCHR";
	case S_IFBLK: return "S_IFBLK";
	case S_IFIFO: return "S_IFIFO";
	case S_IFSOCK: return "S_IFSOCK";
	default: return "0";
	}
}

static bool show_stat(struct trace_line *line, u64 address)
{
	struct stat st;

	if (copy_from_user(&st, user_ptr_at(address), sizeof(st)))
		return false;
	line_printf(line, "{st_mode=%s|0%o, st_size=%ld, ...}", file_type(st.st_mode), st.st_mode & 07777, (long)st.st_size);
	return true;
}

static bool show_statx(struct trace_line *line, u64 address)
{
	struct statx st;

	if (copy_from_user(&st, user_ptr_at(address), sizeof(st)))
		return false;
	line_printf(line, "{stx_mode=%s|0%o, stx_size=%lu, ...}", file_type(st.stx_mode), st.stx_mode & 07777u, (u64)st.stx_size);
	return true;
}

static bool show_statfs(struct trace_line *line, u64 address)
{
	struct statfs st;

	if (copy_from_user(&st, user_ptr_at(address), sizeof(st)))
		return false;
	line_printf(line, "{f_type=0x%lx, f_bsize=%ld, f_blocks=%ld, f_bfree=%ld, ...}", (u64)st.f_type, (long)st.f_bsize,
		    (long)st.f_blocks, (long)st.f_bfree);
	return true;
}

static void show_limit(struct trace_line *line, u64 value)
{
	if (value == UINT64_MAX)
		line_printf(line, "RLIM_INFINITY");
	else
		line_printf(line, "%lu", value);
}

static bool show_rlimit(struct trace_line *line, u64 address)
{
	struct rlimit64 limit;

	if (copy_from_user(&limit, user_ptr_at(address), sizeof(limit)))
		return false;
	line_printf(line, "{rlim_cur=");
	show_limit(line, limit.rlim_cur);
	line_printf(line, ", rlim_max=");
	show_limit(line, limit.rlim_max);
	line_printf(line, "}");
	return true;
}

static bool show_rusage(struct trace_line *line, u64 address)
{
	struct two_longs times[2];

	if (copy_from_user(times, user_ptr_at(address), sizeof(times)))
		return false;
	line_printf(line, "{ru_utime=%ld.%06ld, ru_stime=%ld.%06ld, ...}", times[0].a, times[0].b, times[1].a, times[1].b);
	return true;
}

static bool show_wait_status(struct trace_line *line, u64 address, long result)
{
	u32 status;

	if (result == 0 || get_user_u32(&status, user_ptr_at(address)))
		return false;
	if ((status & 0xff) == 0x7f) {
		line_printf(line, "[stopped by ");
		line_signal(line, (int)(status >> 8 & 0xff));
		line_printf(line, "]");
	} else if (status == 0xffff) {
		line_printf(line, "[continued]");
	} else if (status & 0x7f) {
		line_printf(line, "[killed by ");
		line_signal(line, (int)(status & 0x7f));
		line_printf(line, status & 0x80 ? ", core dumped]" : "]");
	} else {
		line_printf(line, "[exited with %u]", status >> 8 & 0xff);
	}
	return true;
}

static bool show_siginfo(struct trace_line *line, u64 address)
{
	siginfo_t info;

	if (copy_from_user(&info, user_ptr_at(address), sizeof(info)))
		return false;
	line_printf(line, "{si_signo=");
	line_signal(line, info.si_signo);
	line_printf(line, ", si_code=%d, si_pid=%d, si_uid=%u}", info.si_code, info.si_pid, info.si_uid);
	return true;
}

static bool show_sigaction(struct trace_line *line, u64 address)
{
	struct k_sigaction action;

	if (copy_from_user(&action, user_ptr_at(address), sizeof(action)))
		return false;
	if (action.handler <= 1)
		line_printf(line, "{sa_handler=%s", action.handler ? "SIG_IGN" : "SIG_DFL");
	else
		line_printf(line, "{sa_handler=0x%lx", action.handler);
	line_printf(line, ", sa_mask=");
	line_sigset(line, action.mask);
	line_printf(line, ", sa_flags=0x%lx}", action.flags);
	return true;
}

static bool show_sigset(struct trace_line *line, u64 address)
{
	u64 mask;

	if (get_user_u64(&mask, user_ptr_at(address)))
		return false;
	line_sigset(line, mask);
	return true;
}

static bool show_stack(struct trace_line *line, u64 address)
{
	stack_t stack;

	if (copy_from_user(&stack, user_ptr_at(address), sizeof(stack)))
		return false;
	line_printf(line, "{ss_sp=0x%lx, ss_flags=%d, ss_size=%lu}", (u64)stack.ss_sp, stack.ss_flags, (u64)stack.ss_size);
	return true;
}

/* A name of an internet socket. */
static bool show_inet_name(struct trace_line *line, const u8 *bytes, int n)
{
	struct inet_name name;
	char text[INET_TEXT];

	if (!inet_parse_name(AF_INET, bytes, n, &name)) {
		inet_print_addr(&name.addr, text, sizeof(text));
		line_printf(line, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%s\")}", name.port, text);
		return true;
	}
	if (!inet_parse_name(AF_INET6, bytes, n, &name)) {
		inet_print_addr(&name.addr, text, sizeof(text));
		line_printf(line, "{sa_family=AF_INET6, sin6_port=htons(%u), sin6_addr=\"%s%s\"}", name.port, inet_is_v4(&name.addr) ? "::ffff:" : "",
			    text);
		return true;
	}
	return false;
}

static bool show_sockaddr(struct trace_line *line, u64 address)
{
	struct sockaddr_un sun;
	size_t n;

	memset(&sun, 0, sizeof(sun));
	n = copy_from_user_partial(&sun, user_ptr_at(address), sizeof(sun));
	if (n < sizeof(sun.sun_family))
		return false;
	if (show_inet_name(line, (const u8 *)&sun, (int)n))
		return true;
	if (sun.sun_family != AF_UNIX) {
		const struct sockaddr_nl *nl = (const void *)&sun;

		if (sun.sun_family == AF_NETLINK && n >= sizeof(*nl))
			line_printf(line, "{sa_family=AF_NETLINK, nl_pid=%u, nl_groups=0x%x}", nl->nl_pid, nl->nl_groups);
		else
			line_printf(line, "{sa_family=%u}", sun.sun_family);
		return true;
	}
	bool abstract = !sun.sun_path[0] && sun.sun_path[1];
	const char *name = sun.sun_path + abstract;
	line_printf(line, "{sa_family=AF_UNIX, sun_path=%s\"", abstract ? "@" : "");
	line_bytes(line, name, strnlen(name, sizeof(sun.sun_path) - abstract));
	line_printf(line, "\"}");
	return true;
}

struct user_msghdr {
	u64 name;
	s32 name_length, pad;
	u64 iov, nr_iov, control, control_length;
	u32 flags;
};

static bool show_msghdr(struct trace_line *line, u64 address)
{
	struct user_msghdr msg;

	if (copy_from_user(&msg, user_ptr_at(address), sizeof(msg)))
		return false;
	line_printf(line, "{msg_name=");
	if (!msg.name || !show_sockaddr(line, msg.name))
		line_printf(line, "NULL");
	line_printf(line, ", msg_iovlen=%lu, msg_controllen=%lu, msg_flags=0x%x}", msg.nr_iov, msg.control_length, msg.flags);
	return true;
}

static bool show_pollfds(struct trace_line *line, u64 address, long result)
{
	struct pollfd fds[ELEMENTS_SHOWN];
	size_t n = copy_from_user_partial(fds, user_ptr_at(address), sizeof(fds)) / sizeof(fds[0]);
	int shown = 0;

	line_printf(line, "[");
	for (size_t i = 0; i < n && shown < result; i++) {
		if (!fds[i].revents)
			continue;
		line_printf(line, "%s{fd=%d, revents=0x%x}", shown ? ", " : "", fds[i].fd, (u16)fds[i].revents);
		shown++;
	}
	line_printf(line, "]");
	return true;
}

static bool show_epoll_events(struct trace_line *line, u64 address, long n)
{
	struct epoll_event event;

	line_printf(line, "[");
	for (long i = 0; i < n; i++) {
		if (i == ELEMENTS_SHOWN) {
			line_printf(line, ", ...");
			break;
		}
		if (copy_from_user(&event, user_ptr_at(address + (u64)i * sizeof(event)), sizeof(event)))
			break;
		line_printf(line, "%s{events=0x%x, data=0x%llx}", i ? ", " : "", (u32)event.events, (unsigned long long)event.data);
	}
	line_printf(line, "]");
	return true;
}

static bool show_utsname(struct trace_line *line, u64 address)
{
	struct new_utsname name;

	if (copy_from_user(&name, user_ptr_at(address), sizeof(name)))
		return false;
	line_printf(line, "{sysname=\"%.65s\", nodename=\"%.65s\", release=\"%.65s\", ...}", name.sysname, name.nodename, name.release);
	return true;
}

static bool show_open_how(struct trace_line *line, u64 address)
{
	struct open_how how;

	if (copy_from_user(&how, user_ptr_at(address), sizeof(how)))
		return false;
	line_printf(line, "{flags=");
	decode_names(line, ARG_OPEN_FLAGS, how.flags);
	line_printf(line, ", mode=0%lo, resolve=0x%lx}", (u64)how.mode, (u64)how.resolve);
	return true;
}

static bool show_clone_args(struct trace_line *line, u64 address)
{
	u64 words[8]; /* the first version of struct clone_args */

	if (copy_from_user(words, user_ptr_at(address), sizeof(words)))
		return false;
	line_printf(line, "{flags=");
	decode_names(line, ARG_CLONE_FLAGS, words[0]);
	line_printf(line, ", exit_signal=%lu, stack=0x%lx, stack_size=0x%lx}", words[4], words[5], words[6]);
	return true;
}

static bool show_numbers(struct trace_line *line, u8 kind, u64 address)
{
	u32 pair[2];
	u64 value;

	switch (kind) {
	case ARG_FD_PAIR_OUT:
		if (copy_from_user(pair, user_ptr_at(address), sizeof(pair)))
			return false;
		line_printf(line, "[%d, %d]", (int)pair[0], (int)pair[1]);
		return true;
	case ARG_INT_IN:
	case ARG_INT_OUT:
		if (get_user_u32(pair, user_ptr_at(address)))
			return false;
		line_printf(line, "[%d]", (int)pair[0]);
		return true;
	default:
		if (get_user_u64(&value, user_ptr_at(address)))
			return false;
		line_printf(line, kind == ARG_OFF_INOUT ? "[%ld]" : "[0x%lx]", value);
		return true;
	}
}

bool decode_struct(struct trace_line *line, u8 kind, u64 address, long result)
{
	static const char *const timer_fields[] = { "it_interval", "it_value" };

	switch (kind) {
	case ARG_TIMESPEC_IN:
	case ARG_TIMESPEC_OUT: return show_times(line, address, 1, true, NULL);
	case ARG_TIMESPEC2_IN: return show_times(line, address, 2, true, NULL);
	case ARG_TIMEVAL_IN:
	case ARG_TIMEVAL_OUT: return show_times(line, address, 1, false, NULL);
	case ARG_TIMEVAL2_IN: return show_times(line, address, 2, false, NULL);
	case ARG_ITIMERVAL_IN:
	case ARG_ITIMERVAL_OUT: return show_times(line, address, 2, false, timer_fields);
	case ARG_ITIMERSPEC_IN:
	case ARG_ITIMERSPEC_OUT: return show_times(line, address, 2, true, timer_fields);
	case ARG_STAT_OUT: return show_stat(line, address);
	case ARG_STATX_OUT: return show_statx(line, address);
	case ARG_STATFS_OUT: return show_statfs(line, address);
	case ARG_RLIMIT_IN:
	case ARG_RLIMIT_OUT: return show_rlimit(line, address);
	case ARG_RUSAGE_OUT: return show_rusage(line, address);
	case ARG_WAIT_STATUS_OUT: return show_wait_status(line, address, result);
	case ARG_SIGINFO_IN:
	case ARG_SIGINFO_OUT: return show_siginfo(line, address);
	case ARG_SIGACTION_IN:
	case ARG_SIGACTION_OUT: return show_sigaction(line, address);
	case ARG_SIGSET_IN:
	case ARG_SIGSET_OUT: return show_sigset(line, address);
	case ARG_STACK_IN:
	case ARG_STACK_OUT: return show_stack(line, address);
	case ARG_SOCKADDR_IN:
	case ARG_SOCKADDR_OUT: return show_sockaddr(line, address);
	case ARG_MSGHDR_IN:
	case ARG_MSGHDR_OUT: return show_msghdr(line, address);
	case ARG_POLLFDS: return show_pollfds(line, address, result);
	case ARG_EPOLL_EVENTS: return show_epoll_events(line, address, result);
	case ARG_EPOLL_EVENT_IN: return show_epoll_events(line, address, 1);
	case ARG_UTSNAME_OUT: return show_utsname(line, address);
	case ARG_OPEN_HOW_IN: return show_open_how(line, address);
	case ARG_CLONE_ARGS_IN: return show_clone_args(line, address);
	case ARG_FD_PAIR_OUT:
	case ARG_INT_IN:
	case ARG_INT_OUT:
	case ARG_U64_IN:
	case ARG_U64_OUT:
	case ARG_OFF_INOUT: return show_numbers(line, kind, address);
	default: return false;
	}
}
