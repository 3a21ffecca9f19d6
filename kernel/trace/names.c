// SPDX-License-Identifier: Apache-2.0
/* Names of flags, choices, signals and errors, for --strace. */
#include "kernel/trace/decode.h"
#include "include/abi/argument_names.h"

static void put_name(void *to, const char *separator, const char *name, u64 number)
{
	if (name)
		line_printf(to, "%s%s", separator, name);
	else
		line_printf(to, number ? "%s0x%lx" : "%s%lu", separator, number);
}

bool decode_names(struct trace_line *line, u8 kind, u64 value) { return argument_names(kind, value, put_name, line); }

static const char *const signal_names[] = {
	NULL, "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
	"SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
	"SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
};

const char *signal_name(int sig)
{
	return sig > 0 && sig < (int)ARRAY_SIZE(signal_names) ? signal_names[sig] : NULL;
}

void line_signal(struct trace_line *line, int sig)
{
	if (signal_name(sig))
		line_printf(line, "%s", signal_name(sig));
	else if (sig >= 32 && sig <= 64)
		line_printf(line, "SIGRT_%d", sig - 32);
	else
		line_printf(line, "%d", sig);
}

/* More than half full sets are shown by what is missing, as strace(1) does. */
void line_sigset(struct trace_line *line, u64 mask)
{
	bool inverted = __builtin_popcountll(mask) > 32;
	const char *separator = "";

	line_printf(line, inverted ? "~[" : "[");
	if (inverted)
		mask = ~mask;
	for (int sig = 1; sig <= 64; sig++) {
		if (!(mask >> (sig - 1) & 1))
			continue;
		line_printf(line, "%s", separator);
		separator = " ";
		if (signal_name(sig))
			line_printf(line, "%s", signal_name(sig) + 3);
		else
			line_printf(line, "RT_%d", sig - 32);
	}
	line_printf(line, "]");
}

#define ERROR(constant) [constant] = #constant
static const char *const errno_names[] = {
	ERROR(EPERM), ERROR(ENOENT), ERROR(ESRCH), ERROR(EINTR), ERROR(EIO), ERROR(ENXIO), ERROR(E2BIG),
	ERROR(ENOEXEC), ERROR(EBADF), ERROR(ECHILD), ERROR(EAGAIN), ERROR(ENOMEM), ERROR(EACCES), ERROR(EFAULT),
	ERROR(ENOTBLK), ERROR(EBUSY), ERROR(EEXIST), ERROR(EXDEV), ERROR(ENODEV), ERROR(ENOTDIR), ERROR(EISDIR),
	ERROR(EINVAL), ERROR(ENFILE), ERROR(EMFILE), ERROR(ENOTTY), ERROR(ETXTBSY), ERROR(EFBIG), ERROR(ENOSPC),
	ERROR(ESPIPE), ERROR(EROFS), ERROR(EMLINK), ERROR(EPIPE), ERROR(EDOM), ERROR(ERANGE), ERROR(EDEADLK),
	ERROR(ENAMETOOLONG), ERROR(ENOLCK), ERROR(ENOSYS), ERROR(ENOTEMPTY), ERROR(ELOOP), ERROR(ENOMSG),
	ERROR(EIDRM), ERROR(ECHRNG), ERROR(EL2NSYNC), ERROR(EL3HLT), ERROR(EL3RST), ERROR(ELNRNG),
	ERROR(EUNATCH), ERROR(ENOCSI), ERROR(EL2HLT), ERROR(EBADE), ERROR(EBADR), ERROR(EXFULL), ERROR(ENOANO),
	ERROR(EBADRQC), ERROR(EBADSLT), ERROR(EBFONT), ERROR(ENOSTR), ERROR(ENODATA), ERROR(ETIME), ERROR(ENOSR),
	ERROR(ENONET), ERROR(ENOPKG), ERROR(EREMOTE), ERROR(ENOLINK), ERROR(EADV), ERROR(ESRMNT), ERROR(ECOMM),
	ERROR(EPROTO), ERROR(EMULTIHOP), ERROR(EDOTDOT), ERROR(EBADMSG), ERROR(EOVERFLOW), ERROR(ENOTUNIQ),
	ERROR(EBADFD), ERROR(EREMCHG), ERROR(ELIBACC), ERROR(ELIBBAD), ERROR(ELIBSCN), ERROR(ELIBMAX),
	ERROR(ELIBEXEC), ERROR(EILSEQ), ERROR(ERESTART), ERROR(ESTRPIPE), ERROR(EUSERS), ERROR(ENOTSOCK),
	ERROR(EDESTADDRREQ), ERROR(EMSGSIZE), ERROR(EPROTOTYPE), ERROR(ENOPROTOOPT), ERROR(EPROTONOSUPPORT),
	ERROR(ESOCKTNOSUPPORT), ERROR(EOPNOTSUPP), ERROR(EPFNOSUPPORT), ERROR(EAFNOSUPPORT), ERROR(EADDRINUSE),
	ERROR(EADDRNOTAVAIL), ERROR(ENETDOWN), ERROR(ENETUNREACH), ERROR(ENETRESET), ERROR(ECONNABORTED),
	ERROR(ECONNRESET), ERROR(ENOBUFS), ERROR(EISCONN), ERROR(ENOTCONN), ERROR(ESHUTDOWN),
	ERROR(ETOOMANYREFS), ERROR(ETIMEDOUT), ERROR(ECONNREFUSED), ERROR(EHOSTDOWN), ERROR(EHOSTUNREACH),
	ERROR(EALREADY), ERROR(EINPROGRESS), ERROR(ESTALE), ERROR(EUCLEAN), ERROR(ENOTNAM), ERROR(ENAVAIL),
	ERROR(EISNAM), ERROR(EREMOTEIO), ERROR(EDQUOT), ERROR(ENOMEDIUM), ERROR(EMEDIUMTYPE), ERROR(ECANCELED),
	ERROR(ENOKEY), ERROR(EKEYEXPIRED), ERROR(EKEYREVOKED), ERROR(EKEYREJECTED), ERROR(EOWNERDEAD),
	ERROR(ENOTRECOVERABLE), ERROR(ERFKILL), ERROR(EHWPOISON),
};

const char *errno_name(int error)
{
	return error > 0 && error < (int)ARRAY_SIZE(errno_names) ? errno_names[error] : NULL;
}
