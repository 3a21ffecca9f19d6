/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp: libseccomp makes the program in the runtime, init loads it.
 *
 * A listener for notifications is a descriptor in the process that loads the filter, which then perhaps may not send it any more. So its number is
 * settled before, and the runtime fetches it from outside (pidfd_getfd).
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/native/seccomp_cache.h"
#include "runtime/native/sync.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* ---- compiling ---- */

static uint32_t with_errno(uint32_t action, const struct spec_unsigned *errno_ret)
{
	if (action == SCMP_ACT_ERRNO(0))
		return SCMP_ACT_ERRNO(errno_ret->set ? errno_ret->value : EPERM);
	if (action == SCMP_ACT_TRACE(0))
		return SCMP_ACT_TRACE(errno_ret->set ? errno_ret->value : EPERM);
	return action;
}

static uint32_t architecture(const char *name)
{
	char lower[32] = "";

	/* "SCMP_ARCH_X86_64" is "x86_64" to the library. */
	for (size_t i = 0; name[10 + i] && i < sizeof(lower) - 1; i++)
		lower[i] = tolower((unsigned char)name[10 + i]);
	return seccomp_arch_resolve_name(lower);
}

static int add_architectures(scmp_filter_ctx context, const struct spec_seccomp *seccomp, struct error *error)
{
	for (size_t i = 0; i < seccomp->architectures.nr; i++) {
		uint32_t token = architecture(seccomp->architectures.items[i]);
		int result = token ? seccomp_arch_add(context, token) : -EINVAL;

		if (result && result != -EEXIST && token)
			return fail(error, -result, "linux.seccomp.architectures[%zu]: cannot add %s", i, seccomp->architectures.items[i]);
	}
	return 0;
}

static int add_call(scmp_filter_ctx context, const struct spec_seccomp_rule *rule, uint32_t action, int number)
{
	struct scmp_arg_cmp args[6];
	bool twice = false;
	int result = 0;

	if (rule->nr_args > 6)
		return -EINVAL;
	for (size_t i = 0; i < rule->nr_args; i++) {
		const struct spec_seccomp_arg *arg = &rule->args[i];

		args[i] = (struct scmp_arg_cmp){ .arg = arg->index, .op = arg->op, .datum_a = arg->value, .datum_b = arg->value_two };
		for (size_t j = 0; j < i; j++)
			twice |= rule->args[j].index == arg->index;
	}
	if (!twice)
		return seccomp_rule_add_array(context, action, number, rule->nr_args, args);
	/* The library has one condition per argument; more of them are alternatives, as runc has it. */
	for (size_t i = 0; i < rule->nr_args && result == 0; i++)
		result = seccomp_rule_add_array(context, action, number, 1, &args[i]);
	return result;
}

static int add_rule(scmp_filter_ctx context, const struct spec_seccomp *seccomp, const struct spec_seccomp_rule *rule, size_t index,
		    struct error *error)
{
	uint32_t action = with_errno(rule->action, &rule->errno_ret);

	/* What is the default anyway need not, and may not, be said. */
	if (action == with_errno(seccomp->default_action, &seccomp->default_errno_ret))
		return 0;
	for (size_t i = 0; i < rule->names.nr; i++) {
		int number = seccomp_syscall_resolve_name(rule->names.items[i]), result;

		if (number == __NR_SCMP_ERROR)
			continue; /* not known: a config is written for newer kernels, too */
		result = add_call(context, rule, action, number);
		if (result && result != -EDOM) /* EDOM: there is no such call on one of the architectures */
			return fail(error, -result, "linux.seccomp.syscalls[%zu]: cannot add the rule for %s", index, rule->names.items[i]);
	}
	return 0;
}

/* The library writes to a descriptor only. */
static struct sock_fprog *export_program(scmp_filter_ctx context, struct error *error)
{
	int fd = memfd_create("seccomp", MFD_CLOEXEC), result;
	struct sock_fprog *program = NULL;
	struct stat status;

	if (fd < 0) {
		fail(error, errno, "linux.seccomp: cannot make a memfd");
		return NULL;
	}
	result = seccomp_export_bpf(context, fd);
	if (result == 0 && fstat(fd, &status) == 0)
		program = malloc(sizeof(*program) + status.st_size);
	if (program) {
		program->len = status.st_size / sizeof(struct sock_filter);
		program->filter = (struct sock_filter *)(program + 1);
		if (pread(fd, program->filter, status.st_size, 0) != status.st_size) {
			free(program);
			program = NULL;
		}
	}
	if (!program)
		fail(error, -result, "linux.seccomp: cannot make the filter");
	close(fd);
	return program;
}

/*
 * What came to Linux after the profile was written is no crime: programs try it and expect ENOSYS if it is not there, but give up on EPERM. So
 * calls of x86-64 whose number is above all that the profile names are ENOSYS before the filter is asked.
 */
#define NEW_CALLS_LENGTH 6
#define X32_BIT 0x40000000U

static int highest_named(const struct spec_seccomp *seccomp)
{
	int highest = -1;

	for (size_t i = 0; i < seccomp->nr_syscalls; i++) {
		for (size_t j = 0; j < seccomp->syscalls[i].names.nr; j++) {
			int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, seccomp->syscalls[i].names.items[j]);

			highest = number > highest ? number : highest;
		}
	}
	return highest;
}

static struct sock_fprog *add_new_calls(struct sock_fprog *program, const struct spec_seccomp *seccomp)
{
	const struct sock_filter before[NEW_CALLS_LENGTH] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, highest_named(seccomp), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog *longer;

	if (seccomp->default_action == SCMP_ACT_ALLOW || seccomp->default_action == SCMP_ACT_LOG || highest_named(seccomp) < 0 ||
	    program->len + NEW_CALLS_LENGTH > BPF_MAXINSNS)
		return program;
	longer = malloc(sizeof(*longer) + (program->len + NEW_CALLS_LENGTH) * sizeof(before[0]));
	if (!longer)
		return program;
	longer->len = program->len + NEW_CALLS_LENGTH;
	longer->filter = (struct sock_filter *)(longer + 1);
	memcpy(longer->filter, before, sizeof(before));
	memcpy(longer->filter + NEW_CALLS_LENGTH, program->filter, program->len * sizeof(before[0]));
	free(program);
	return longer;
}

static unsigned int flag_bits(const struct spec_seccomp *seccomp)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} flags[] = { { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
		      { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		      { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		      { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV } };
	unsigned int bits = 0;

	for (size_t i = 0; i < seccomp->flags.nr; i++)
		for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++)
			if (!strcmp(flags[j].name, seccomp->flags.items[i]))
				bits |= flags[j].bit;
	return bits;
}

static bool wants_listener(const struct spec_seccomp *seccomp, bool *ret_bad, struct error *error)
{
	bool wants = false;

	*ret_bad = seccomp->default_action == SCMP_ACT_NOTIFY;
	if (*ret_bad)
		fail(error, 0, "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY would stop the container before its program runs");
	for (size_t i = 0; i < seccomp->nr_syscalls; i++) {
		if (seccomp->syscalls[i].action != SCMP_ACT_NOTIFY)
			continue;
		wants = true;
		/* Init itself still writes, to say that the listener is there. */
		for (size_t j = 0; j < seccomp->syscalls[i].names.nr && !*ret_bad; j++) {
			*ret_bad = !strcmp(seccomp->syscalls[i].names.items[j], "write");
			if (*ret_bad)
				fail(error, 0, "linux.seccomp.syscalls[%zu].names: SCMP_ACT_NOTIFY cannot be used for the write syscall", i);
		}
	}
	if (wants && !*ret_bad && !seccomp->listener_path) {
		*ret_bad = true;
		fail(error, 0, "linux.seccomp.listenerPath: is missing: a rule has SCMP_ACT_NOTIFY");
	}
	return wants;
}

static struct sock_fprog *compile(const struct spec_seccomp *seccomp, struct error *error)
{
	struct sock_fprog *program;
	scmp_filter_ctx context;

	context = seccomp_init(with_errno(seccomp->default_action, &seccomp->default_errno_ret));
	if (!context) {
		fail(error, 0, "linux.seccomp: cannot make a filter with this default action");
		return NULL;
	}
	seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0);
	for (size_t i = 0; i < seccomp->nr_syscalls + 1; i++) {
		int result = i == 0 ? add_architectures(context, seccomp, error)
				    : add_rule(context, seccomp, &seccomp->syscalls[i - 1], i - 1, error);

		if (result) {
			seccomp_release(context);
			return NULL;
		}
	}
	program = export_program(context, error);
	seccomp_release(context);
	return program ? add_new_calls(program, seccomp) : NULL;
}

/* As text, with our own version and that of the library that would make it; NULL if there is none. */
static const char *profile_text(const struct spec *spec, char **ret_text)
{
	const struct scmp_version *version = seccomp_version();
	struct json_object *l, *seccomp;

	*ret_text = NULL;
	if (json_object_object_get_ex(spec->json, "linux", &l) && json_object_object_get_ex(l, "seccomp", &seccomp) &&
	    asprintf(ret_text, "1 %u.%u.%u %s", version->major, version->minor, version->micro,
		     json_object_to_json_string_ext(seccomp, JSON_C_TO_STRING_PLAIN)) < 0)
		*ret_text = NULL;
	return *ret_text;
}

int seccomp_compile(const char *root, const struct spec *spec, struct sock_fprog **ret_program, unsigned int *ret_flags,
		    bool *ret_listener, struct error *error)
{
	const struct spec_seccomp *seccomp = spec->linux_->seccomp;
	char *profile;
	bool bad;

	if (FAULT("seccomp"))
		return -1;
	*ret_program = NULL;
	*ret_flags = flag_bits(seccomp);
	*ret_listener = wants_listener(seccomp, &bad, error);
	if (bad)
		return -1;
	if (profile_text(spec, &profile) && root)
		*ret_program = seccomp_cache_read(root, profile);
	if (!*ret_program) {
		*ret_program = compile(seccomp, error);
		if (*ret_program && profile && root)
			seccomp_cache_write(root, profile, *ret_program);
	}
	free(profile);
	return *ret_program ? 0 : -1;
}

/* ---- loading ---- */

int seccomp_apply_filter(struct init *init, struct error *error)
{
	unsigned int flags = init->filter_flags;
	int expected = -1, fd;

	if (!init->filter)
		return 0;
	if (init->filter_listener) {
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | (flags & SECCOMP_FILTER_FLAG_TSYNC ? SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0);
		/* The lowest number that is free is the one it will get. */
		expected = fcntl(init->sync, F_DUPFD_CLOEXEC, 0);
		if (expected < 0)
			return fail(error, errno, "linux.seccomp: no descriptor is free");
		close(expected);
		sync_send(init->sync, SYNC_LISTENER, expected);
	}
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, init->filter);
	if (fd < 0)
		return fail(error, errno, "linux.seccomp: the kernel refuses the filter");
	if (!init->filter_listener)
		return 0;
	/* Until it is fetched; then it must not stay with the container. */
	if (sync_wait_go(init->sync, error))
		return -1;
	close(fd);
	return 0;
}

/* ---- handing over ---- */

static char *listener_message(const struct container *container, const struct spec_seccomp *seccomp, pid_t pid)
{
	struct json_object *message = json_object_new_object(), *fds = json_object_new_array(), *state;
	char *hook_state = container_hook_state(container, "creating"), *text;

	state = hook_state ? json_tokener_parse(hook_state) : NULL;
	free(hook_state);
	json_object_array_add(fds, json_object_new_string("seccompFd"));
	json_object_object_add(message, "ociVersion", json_object_new_string("1.2.0"));
	json_object_object_add(message, "fds", fds);
	json_object_object_add(message, "pid", json_object_new_int(pid));
	if (seccomp->listener_metadata)
		json_object_object_add(message, "metadata", json_object_new_string(seccomp->listener_metadata));
	json_object_object_add(message, "state", state);
	text = strdup(json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(message);
	return text;
}

static int send_with_fd(const char *path, const char *text, int fd, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { .iov_base = (char *)text, .iov_len = strlen(text) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (strlen(path) >= sizeof(address.sun_path)) {
		result = fail(error, 0, "linux.seccomp.listenerPath: %s is too long for a socket", path);
	} else {
		strcpy(address.sun_path, path);
		result = socket_fd < 0 || connect(socket_fd, (struct sockaddr *)&address, sizeof(address)) ||
					 sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0
				 ? fail(error, errno, "linux.seccomp.listenerPath: failed to connect with seccomp agent at %s", path)
				 : 0;
	}
	if (socket_fd >= 0)
		close(socket_fd);
	return result;
}

int seccomp_send_listener(const struct container *container, const struct spec_seccomp *seccomp, int pidfd, pid_t pid, int number,
			  struct error *error)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	int fd, result;
	char *text;

	/* The message that it comes is sent before it is there. A descriptor of anything else under this number is impossible: it was free. */
	while ((fd = pidfd_getfd(pidfd, number, 0)) < 0 && errno == EBADF && pidfd_send_signal(pidfd, 0, NULL, 0) == 0)
		nanosleep(&pause, NULL);
	if (fd < 0)
		return fail(error, errno, "linux.seccomp: cannot get the listener");
	text = listener_message(container, seccomp, pid);
	result = text ? send_with_fd(seccomp->listener_path, text, fd, error) : fail(error, 0, "out of memory");
	free(text);
	close(fd);
	return result;
}
