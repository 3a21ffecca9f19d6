// SPDX-License-Identifier: Apache-2.0
/*
 * Ancillary data of messages (cmsg(3), unix(7)): SCM_RIGHTS passes open files, SCM_CREDENTIALS who sent.
 * Descriptors that do not fit into the receiver's buffer or table are closed and MSG_CTRUNC is set.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/socket.h"

void scm_fds_free(struct scm_fds *fds)
{
	if (!fds)
		return;
	for (int i = 0; i < fds->nr; i++)
		file_put(fds->files[i]);
	kfree(fds);
}

struct scm_fds *scm_fds_copy(const struct scm_fds *fds)
{
	struct scm_fds *copy = kmemdup(fds, sizeof(*fds) + (size_t)fds->nr * sizeof(fds->files[0]));

	if (!copy)
		return NULL;
	copy->in_flight = false;
	for (int i = 0; i < copy->nr; i++)
		file_get(copy->files[i]);
	return copy;
}

void scm_release(struct scm *scm)
{
	scm_fds_free(scm->fds);
	scm->fds = NULL;
}

/* A message may hold several SCM_RIGHTS; together at most SCM_MAX_FD descriptors. */
static int parse_rights(struct scm *scm, const u8 *data, size_t length)
{
	size_t nr = length / sizeof(int);

	if (!nr)
		return 0;
	if (nr > SCM_MAX_FD)
		return -EINVAL;
	if (!scm->fds) {
		scm->fds = kmalloc(sizeof(*scm->fds) + SCM_MAX_FD * sizeof(scm->fds->files[0]));
		if (!scm->fds)
			return -ENOMEM;
		scm->fds->nr = 0;
		scm->fds->uid = current->cred->uid;
		scm->fds->in_flight = false;
	}
	if ((size_t)scm->fds->nr + nr > SCM_MAX_FD)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		struct file *file;
		int fd;

		memcpy(&fd, data + i * sizeof(int), sizeof(fd));
		file = fd < 0 ? NULL : fget_any((unsigned)fd);
		if (!file)
			return -EBADF;
		scm->fds->files[scm->fds->nr++] = file;
	}
	return 0;
}

static int parse_credentials(struct scm *scm, const u8 *data)
{
	const struct cred *cred = current->cred;
	struct user_cred given;

	memcpy(&given, data, sizeof(given));
	if ((pid_t)given.pid != current->tgid && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (given.uid != cred->uid && given.uid != cred->euid && given.uid != cred->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (given.gid != cred->gid && given.gid != cred->egid && given.gid != cred->sgid && !capable(CAP_SETGID))
		return -EPERM;
	if ((pid_t)given.pid != current->tgid && !task_find((pid_t)given.pid))
		return -ESRCH;
	if (given.uid == (uid_t)-1 || given.gid == (gid_t)-1)
		return -EINVAL;
	scm->cred = given;
	scm->start = (pid_t)given.pid == current->tgid ? current->signal->start_time :
							 pid_find((pid_t)given.pid)->task->signal->start_time;
	scm->explicit_cred = true;
	return 0;
}

static int parse_one(struct scm *scm, const struct cmsg_walk *walk)
{
	if (walk->header.level != SOL_SOCKET)
		return 0;
	switch (walk->header.type) {
	case SCM_RIGHTS:
		return parse_rights(scm, walk->data, walk->size);
	case SCM_CREDENTIALS:
		return walk->size == sizeof(struct user_cred) ? parse_credentials(scm, walk->data) : -EINVAL;
	default:
		return -EINVAL;
	}
}

int cmsg_next(struct cmsg_walk *walk)
{
	struct cmsg_header *header = &walk->header;
	size_t used;

	if (walk->left < sizeof(*header))
		return 0;
	memcpy(header, walk->next, sizeof(*header));
	if (header->length < sizeof(*header) || header->length > walk->left)
		return -EINVAL;
	walk->data = walk->next + sizeof(*header);
	walk->size = header->length - sizeof(*header);
	used = min(ALIGN_UP(header->length, sizeof(u64)), walk->left);
	walk->next += used;
	walk->left -= used;
	return 1;
}

int scm_parse(struct message *msg, struct scm *scm)
{
	struct cmsg_walk walk = cmsg_walk(msg);
	int ret;

	scm->fds = NULL;
	scm->explicit_cred = false;
	scm->start = current->signal->start_time;
	scm->cred = (struct user_cred){ (u32)current->tgid, current->cred->uid, current->cred->gid };
	if (likely(!msg->control_in))
		return 0;
	while ((ret = cmsg_next(&walk)) > 0) {
		ret = parse_one(scm, &walk);
		if (ret)
			break;
	}
	if (ret)
		scm_release(scm);
	return ret;
}

void put_cmsg(struct message *msg, int level, int type, const void *data, size_t length)
{
	struct cmsg_header header = { CMSG_LENGTH(length), level, type };
	size_t room;

	if (user_ptr_is_null(msg->control) || msg->control_length < sizeof(header)) {
		msg->ret_flags |= MSG_CTRUNC;
		return;
	}
	if (msg->control_length < header.length) {
		msg->ret_flags |= MSG_CTRUNC;
		header.length = msg->control_length;
	}
	if (put_user_object(msg->control, &header) ||
	    copy_to_user(user_ptr_add(msg->control, sizeof(header)), data, header.length - sizeof(header)))
		return;
	room = min(CMSG_ROOM(length), msg->control_length);
	msg->control = user_ptr_add(msg->control, room);
	msg->control_length -= room;
}

/* Opens a descriptor for `file` in the receiver and writes its number; false: no room or a bad address. */
static bool receive_fd(struct file *file, user_ptr where, bool cloexec)
{
	int fd = fd_reserve(0, cloexec);

	if (fd < 0)
		return false;
	if (put_user_u32(where, (u32)fd)) {
		fd_release((unsigned)fd);
		return false;
	}
	fd_install((unsigned)fd, file_get(file));
	return true;
}

static void receive_fds(struct message *msg, struct scm_fds *fds)
{
	size_t room = 0;
	int received = 0;

	if (!user_ptr_is_null(msg->control) && msg->control_length > sizeof(struct cmsg_header))
		room = (msg->control_length - sizeof(struct cmsg_header)) / sizeof(int);
	while (received < fds->nr && (size_t)received < room &&
	       receive_fd(fds->files[received],
			  user_ptr_add(msg->control, sizeof(struct cmsg_header) + (u64)received * sizeof(int)),
			  msg->flags & MSG_CMSG_CLOEXEC))
		received++;
	if (received) {
		struct cmsg_header header = { CMSG_LENGTH((u64)received * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		size_t used = min(CMSG_ROOM((size_t)received * sizeof(int)), msg->control_length);

		if (!put_user_object(msg->control, &header)) {
			msg->control = user_ptr_add(msg->control, used);
			msg->control_length -= used;
		}
	}
	if (received < fds->nr)
		msg->ret_flags |= MSG_CTRUNC;
}

/* Who sent, as a descriptor; it is opened only if there is room to tell its number. */
static void receive_pidfd(struct message *msg, const struct scm *scm)
{
	int fd;

	if (user_ptr_is_null(msg->control) || msg->control_length < CMSG_LENGTH(sizeof(fd))) {
		msg->ret_flags |= MSG_CTRUNC;
		return;
	}
	fd = socket_pidfd((pid_t)scm->cred.pid, scm->start);
	put_cmsg(msg, SOL_SOCKET, SCM_PIDFD, &fd, sizeof(fd));
}

void scm_receive(struct socket *sock, struct message *msg, struct scm *scm)
{
	if (unlikely(sock->passcred)) {
		if (user_ptr_is_null(msg->control))
			msg->ret_flags |= MSG_CTRUNC;
		else
			put_cmsg(msg, SOL_SOCKET, SCM_CREDENTIALS, &scm->cred, sizeof(scm->cred));
	}
	if (unlikely(sock->passpidfd))
		receive_pidfd(msg, scm);
	if (unlikely(scm->fds)) {
		receive_fds(msg, scm->fds);
		scm_release(scm);
	}
}
