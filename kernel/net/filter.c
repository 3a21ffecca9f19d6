// SPDX-License-Identifier: Apache-2.0
/*
 * SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER (socket(7)): a program of classic BPF looks at each message that comes, and says how many
 * of its bytes are received; 0 drops it. Datagrams, raw packets and netlink messages go through it, streams do not.
 */
#include <linux/filter.h>

#include "kernel/bpf/classic.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/socket.h"

struct socket_filter {
	unsigned n;
	struct sock_filter code[];
};

struct user_program {
	u16 n;
	u16 pad[3];
	u64 code;
};

u32 socket_filter_run(const struct socket *sock, const u8 *data, u32 length)
{
	const struct socket_filter *filter = sock->filter;

	return filter ? min(bpf_classic_run(filter->code, filter->n, data, length), length) : length;
}

void socket_filter_free(struct socket *sock)
{
	kfree(sock->filter);
	sock->filter = NULL;
}

static int attach(struct socket *sock, user_ptr value, unsigned length)
{
	struct socket_filter *filter;
	struct user_program program;
	int error;

	if (length != sizeof(program))
		return -EINVAL;
	if (get_user_object(&program, value))
		return -EFAULT;
	if (sock->filter_locked)
		return -EPERM;
	if (!program.n || program.n > BPF_MAXINSNS)
		return -EINVAL;
	filter = kmalloc(sizeof(*filter) + program.n * sizeof(filter->code[0]));
	if (!filter)
		return -ENOMEM;
	filter->n = program.n;
	error = copy_from_user(filter->code, user_ptr_at(program.code), program.n * sizeof(filter->code[0]));
	if (!error)
		error = bpf_classic_check(filter->code, filter->n);
	if (error) {
		kfree(filter);
		return error;
	}
	kfree(sock->filter);
	sock->filter = filter;
	return 0;
}

int socket_filter_set(struct socket *sock, int option, user_ptr value, unsigned length)
{
	u32 word;

	if (option == SO_ATTACH_FILTER)
		return attach(sock, value, length);
	if (length < sizeof(word))
		return -EINVAL;
	if (get_user_u32(&word, value))
		return -EFAULT;
	if (option == SO_LOCK_FILTER) {
		if (sock->filter_locked && !word)
			return -EPERM;
		sock->filter_locked = word != 0;
		return 0;
	}
	if (sock->filter_locked)
		return -EPERM;
	if (!sock->filter)
		return -ENOENT;
	socket_filter_free(sock);
	return 0;
}

/* SO_GET_FILTER: the length counts instructions; 0 asks how many there are. */
int socket_filter_get(struct socket *sock, user_ptr value, user_ptr length_ptr, u32 length)
{
	const struct socket_filter *filter = sock->filter;
	u32 n = filter ? filter->n : 0;

	if (n && length) {
		if (length < n)
			return -EINVAL;
		if (copy_to_user(value, filter->code, n * sizeof(filter->code[0])))
			return -EFAULT;
	}
	return put_user_u32(length_ptr, n) ? -EFAULT : 0;
}
