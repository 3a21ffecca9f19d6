// SPDX-License-Identifier: Apache-2.0
/* System V message queues (msgget(2), msgop(2), msgctl(2)). */
#include <linux/msg.h>

#include "kernel/fs/seqfile.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "syscalls.gen.h"

struct msg {
	struct list_head link;
	long type;
	size_t size;
	u8 text[];
};

struct msg_queue {
	struct ipc_object ipc;
	struct list_head messages;
	u64 bytes, nr, max_bytes;
	s64 send_time, receive_time, change_time;
	pid_t last_sender, last_receiver;
	struct wait_queue_head senders, receivers;
};

static struct ipc_table queues = IPC_TABLE_INIT;
static u64 total_bytes, total_messages;

static struct msg_queue *queue_of(struct ipc_object *ipc) { return container_of(ipc, struct msg_queue, ipc); }

static void unqueue(struct msg_queue *queue, struct msg *msg)
{
	list_del(&msg->link);
	queue->bytes -= msg->size;
	queue->nr--;
	total_bytes -= msg->size;
	total_messages--;
}

static void queue_free(struct ipc_object *ipc)
{
	struct msg_queue *queue = queue_of(ipc);

	while (!list_empty(&queue->messages)) {
		struct msg *msg = list_first_entry(&queue->messages, struct msg, link);

		unqueue(queue, msg);
		kfree(msg);
	}
	kfree(queue);
}

static struct ipc_object *queue_create(u64 size, int flags)
{
	struct msg_queue *queue = kzalloc(sizeof(*queue));

	if (!queue)
		return ERR_PTR(-ENOMEM);
	refcount_set(&queue->ipc.count, 1);
	queue->ipc.free = queue_free;
	queue->max_bytes = MSGMNB;
	queue->change_time = ipc_now();
	list_init(&queue->messages);
	wait_queue_init(&queue->senders);
	wait_queue_init(&queue->receivers);
	return &queue->ipc;
}

static const struct ipc_kind queue_kind = { &queues, queue_create, NULL };

long sys_msgget(unsigned key, int flags)
{
	return ipc_find_or_create(&queue_kind, (int)key, 0, flags);
}

static bool fits(const struct msg_queue *queue, size_t size)
{
	return queue->bytes + size <= queue->max_bytes && queue->nr + 1 <= queue->max_bytes;
}

static void describe_queue(const void *object, struct wait_info *info)
{
	const struct msg_queue *queue = object;

	wait_info_printf(info, "message queue %d: %llu messages", queue->ipc.id, (unsigned long long)queue->nr);
}
static const struct wait_type msg_send_wait = { "message queue write", BLOCK_QUEUE, describe_queue };
static const struct wait_type msg_receive_wait = { "message queue read", BLOCK_QUEUE, describe_queue };

/* Waits for room in a queue that the caller holds, then appends. */
static int send(struct msg_queue *queue, struct msg *msg, int flags)
{
	long ret;
	int error;

	for (;;) {
		if (queue->ipc.deleted)
			return -EIDRM;
		error = ipc_permission(&queue->ipc, IPC_PERM_W);
		if (error)
			return error;
		if (fits(queue, msg->size))
			break;
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		ret = wait_event_interruptible(&queue->senders, &msg_send_wait, queue, queue->ipc.deleted || fits(queue, msg->size));
		if (ret)
			return -ERESTARTNOHAND;
	}
	list_add_tail(&msg->link, &queue->messages);
	queue->bytes += msg->size;
	queue->nr++;
	total_bytes += msg->size;
	total_messages++;
	queue->last_sender = current->tgid;
	queue->send_time = ipc_now();
	wake_up_all(&queue->receivers);
	return 0;
}

long sys_msgsnd(int id, user_ptr user_msg, size_t size, int flags)
{
	struct ipc_object *ipc;
	struct msg *msg;
	u64 type;
	int error;

	if (get_user_u64(&type, user_msg))
		return -EFAULT;
	if (size > MSGMAX || id < 0 || (long)type < 1)
		return -EINVAL;
	msg = kmalloc(sizeof(*msg) + size);
	if (!msg)
		return -ENOMEM;
	msg->type = (long)type;
	msg->size = size;
	error = copy_from_user(msg->text, user_ptr_add(user_msg, sizeof(long)), size);
	if (!error) {
		ipc = ipc_find(&queues, id);
		if (IS_ERR(ipc)) {
			error = (int)PTR_ERR(ipc);
		} else {
			ipc_get(ipc);
			error = send(queue_of(ipc), msg, flags);
			ipc_put(ipc);
		}
	}
	if (error)
		kfree(msg);
	return error;
}

/* The message that msgrcv(2) is to take; NULL: none yet. */
static struct msg *choose(struct msg_queue *queue, long type, int flags)
{
	struct msg *msg, *best = NULL;
	long limit = type == INT64_MIN ? INT64_MAX : -type, index = 0;

	list_for_each_entry(msg, &queue->messages, link) {
		if (flags & MSG_COPY) {
			if (index++ == type)
				return msg;
		} else if (type < 0) {
			if (msg->type <= limit && (!best || msg->type < best->type))
				best = msg;
		} else if (!type || (flags & MSG_EXCEPT ? msg->type != type : msg->type == type)) {
			return msg;
		}
	}
	return best;
}

/* The message, off the queue (or a copy of it); ERR_PTR. */
static struct msg *take(struct msg_queue *queue, struct msg *msg, size_t size, int flags)
{
	if (msg->size > size && !(flags & MSG_NOERROR))
		return ERR_PTR(-E2BIG);
	if (flags & MSG_COPY) {
		msg = kmemdup(msg, sizeof(*msg) + msg->size);
		return msg ? msg : ERR_PTR(-ENOMEM);
	}
	unqueue(queue, msg);
	queue->last_receiver = current->tgid;
	queue->receive_time = ipc_now();
	wake_up_all(&queue->senders);
	return msg;
}

static struct msg *receive(struct msg_queue *queue, size_t size, long type, int flags)
{
	struct msg *msg;
	long ret;
	int error;

	for (;;) {
		if (queue->ipc.deleted)
			return ERR_PTR(-EIDRM);
		error = ipc_permission(&queue->ipc, IPC_PERM_R);
		if (error)
			return ERR_PTR(error);
		msg = choose(queue, type, flags);
		if (msg)
			return take(queue, msg, size, flags);
		if (flags & IPC_NOWAIT)
			return ERR_PTR(-ENOMSG);
		ret = wait_event_interruptible(&queue->receivers, &msg_receive_wait, queue,
					       queue->ipc.deleted || choose(queue, type, flags));
		if (ret)
			return ERR_PTR(-ERESTARTNOHAND);
	}
}

long sys_msgrcv(int id, user_ptr user_msg, size_t size, long type, int flags)
{
	struct ipc_object *ipc;
	struct msg *msg;
	long result;

	if (id < 0 || (long)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	ipc = ipc_find(&queues, id);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	ipc_get(ipc);
	msg = receive(queue_of(ipc), size, type, flags);
	ipc_put(ipc);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	result = (long)min(size, msg->size);
	if (put_user_u64(user_msg, (u64)msg->type) ||
	    copy_to_user(user_ptr_add(user_msg, sizeof(long)), msg->text, (size_t)result))
		result = -EFAULT;
	kfree(msg);
	return result;
}

static long info(int cmd, user_ptr buf)
{
	struct msginfo info = {
		.msgpool = MSGPOOL, .msgmap = MSGMAP, .msgmax = MSGMAX, .msgmnb = MSGMNB, .msgmni = MSGMNI, .msgssz = MSGSSZ,
		.msgtql = MSGTQL, .msgseg = (unsigned short)MSGSEG,
	};

	if (cmd == MSG_INFO) {
		info.msgpool = queues.in_use;
		info.msgmap = (int)total_messages;
		info.msgtql = (int)total_bytes;
	}
	return put_user_object(buf, &info) ? -EFAULT : ipc_max_index(&queues);
}

static long stat(int id, int cmd, user_ptr buf)
{
	struct msg_queue *queue;
	struct ipc_object *ipc;
	struct msqid64_ds ds;
	int result;

	ipc = ipc_for_stat(&queues, id, cmd != IPC_STAT, cmd == MSG_STAT_ANY, &result);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	queue = queue_of(ipc);
	memset(&ds, 0, sizeof(ds));
	ipc_fill_perm(ipc, &ds.msg_perm);
	ds.msg_stime = queue->send_time;
	ds.msg_rtime = queue->receive_time;
	ds.msg_ctime = queue->change_time;
	ds.msg_cbytes = queue->bytes;
	ds.msg_qnum = queue->nr;
	ds.msg_qbytes = queue->max_bytes;
	ds.msg_lspid = queue->last_sender;
	ds.msg_lrpid = queue->last_receiver;
	return put_user_object(buf, &ds) ? -EFAULT : result;
}

static long change(int id, int cmd, user_ptr buf)
{
	struct msg_queue *queue;
	struct ipc_object *ipc;
	struct msqid64_ds ds;
	int error;

	if (cmd == IPC_SET && get_user_object(&ds, buf))
		return -EFAULT;
	ipc = ipc_find(&queues, id);
	if (IS_ERR(ipc))
		return PTR_ERR(ipc);
	error = ipc_owner(ipc);
	if (error)
		return error;
	queue = queue_of(ipc);
	if (cmd == IPC_SET) {
		if (ds.msg_qbytes > MSGMNB && !capable(CAP_SYS_RESOURCE))
			return -EPERM;
		error = ipc_set_perm(ipc, &ds.msg_perm);
		if (error)
			return error;
		queue->max_bytes = ds.msg_qbytes;
		queue->change_time = ipc_now();
	} else {
		ipc_get(ipc);
		ipc_remove(&queues, ipc);
	}
	wake_up_all(&queue->receivers);
	wake_up_all(&queue->senders);
	if (cmd == IPC_RMID)
		ipc_put(ipc);
	return 0;
}

long sys_msgctl(int id, int cmd, user_ptr buf)
{
	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return info(cmd, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
		return change(id, cmd, buf);
	default:
		return -EINVAL;
	}
}

void proc_sysvipc_msg(struct seq_buffer *seq)
{
	seq_puts(seq, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
		      "      stime      rtime      ctime\n");
	for (int i = 0; i <= ipc_max_index(&queues); i++) {
		struct ipc_object *ipc = ipc_at(&queues, i);
		struct msg_queue *queue;

		if (!ipc)
			continue;
		queue = queue_of(ipc);
		seq_printf(seq, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n", ipc->key, ipc->id,
			   ipc->mode, queue->bytes, queue->nr, (unsigned)queue->last_sender,
			   (unsigned)queue->last_receiver, ipc->uid, ipc->gid, ipc->cuid, ipc->cgid,
			   (u64)queue->send_time, (u64)queue->receive_time, (u64)queue->change_time);
	}
}
