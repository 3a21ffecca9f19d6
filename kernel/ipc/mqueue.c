// SPDX-License-Identifier: Apache-2.0
/*
 * POSIX message queues (mq_overview(7)): files of the "mqueue" file system. There is one such file system; mq_open(2)
 * works on it whether it is mounted or not, and a mount shows the queues, whose contents read as one status line.
 *
 * Messages stand in order of priority, equal ones in order of arrival. A message that arrives at an empty queue
 * nobody is receiving from sends the notification of mq_notify(2), once.
 */
#include "kernel/fs/proc/sysctl.h"
#include "kernel/init/initcall.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/socket.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/vfs/internal.h"

#define MQUEUE_MAGIC 0x19800202
#define QUEUES_MAX sysctl_mq_queues_max
#define MESSAGES_DEFAULT sysctl_mq_msg_default
#define MESSAGES_MAX sysctl_mq_msg_max
#define MESSAGES_HARD_MAX 65536
#define SIZE_DEFAULT sysctl_mq_msgsize_default
#define SIZE_MAX_USER sysctl_mq_msgsize_max
#define SIZE_HARD_MAX (16 * 1024 * 1024)
#define STATUS_SIZE 80
/* What Linux charges per message beyond its text: a header and a tree node. */
#define MESSAGE_OVERHEAD 96

struct mq_message {
	struct list_head link;
	size_t size;
	unsigned priority;
	u8 text[];
};

/* Bytes of queues per user, against RLIMIT_MSGQUEUE. */
struct mq_user {
	struct list_head link;
	uid_t uid;
	u64 bytes;
};

struct mqueue {
	struct inode *inode;
	struct list_head messages; /* highest priority first */
	long nr, max_messages, max_size;
	u64 bytes;                 /* text of all messages */
	unsigned receiving;        /* tasks asleep in receivers */
	struct wait_queue_head senders, receivers, pollers;
	struct pid *notify_owner;  /* counted; NULL: nobody */
	int notify_kind, notify_signal;
	u64 notify_value;
	struct socket *notify_socket; /* SIGEV_THREAD: counted */
	u8 notify_cookie[MQ_COOKIE];
	uid_t notify_uid;
	struct mq_user *user;
	u64 charged;
};

static struct super_block *mqueue_sb;
static struct mount *mqueue_mount; /* in no namespace */
static LIST_HEAD(users);
static unsigned nr_queues;
static ino_t last_ino = 1;
static const struct mq_attr *new_attr; /* mqueue_open's message to mqueue_create, with the directory locked */

static const struct inode_operations mqueue_dir_iops, mqueue_file_iops;
static const struct file_operations mqueue_fops;

static struct mqueue *queue_of(struct inode *inode) { return inode->private; }

static struct mq_user *find_user(uid_t uid)
{
	struct mq_user *user;

	list_for_each_entry(user, &users, link) {
		if (user->uid == uid)
			return user;
	}
	user = kzalloc(sizeof(*user));
	if (user) {
		user->uid = uid;
		list_add(&user->link, &users);
	}
	return user;
}

static void uncharge(struct mqueue *queue)
{
	struct mq_user *user = queue->user;

	user->bytes -= queue->charged;
	if (!user->bytes) {
		list_del(&user->link);
		kfree(user);
	}
}

static int charge(struct mqueue *queue)
{
	struct mq_user *user = find_user(current->cred->uid);

	if (!user)
		return -ENOMEM;
	queue->charged = (u64)queue->max_messages * ((u64)queue->max_size + MESSAGE_OVERHEAD);
	user->bytes += queue->charged;
	queue->user = user;
	if (user->bytes > rlimit(RLIMIT_MSGQUEUE)) {
		uncharge(queue);
		return -EMFILE;
	}
	return 0;
}

static bool attr_valid(const struct mq_attr *attr)
{
	bool privileged = capable(CAP_SYS_RESOURCE);

	return attr->mq_maxmsg > 0 && attr->mq_msgsize > 0 &&
	       attr->mq_maxmsg <= (privileged ? MESSAGES_HARD_MAX : MESSAGES_MAX) &&
	       attr->mq_msgsize <= (privileged ? SIZE_HARD_MAX : SIZE_MAX_USER);
}

static int queue_make(struct mqueue **ret_queue, const struct mq_attr *attr)
{
	struct mqueue *queue = kzalloc(sizeof(*queue));
	int error;

	if (!queue)
		return -ENOMEM;
	list_init(&queue->messages);
	wait_queue_init(&queue->senders);
	wait_queue_init(&queue->receivers);
	wait_queue_init(&queue->pollers);
	queue->max_messages = attr ? attr->mq_maxmsg : MESSAGES_DEFAULT;
	queue->max_size = attr ? attr->mq_msgsize : SIZE_DEFAULT;
	error = charge(queue);
	if (error)
		kfree(queue);
	else
		*ret_queue = queue;
	return error;
}

static int mqueue_create(struct inode *dir, struct dentry *dentry, mode_t mode)
{
	struct mqueue *queue;
	struct inode *inode;
	int error;

	if (nr_queues >= QUEUES_MAX && !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	error = queue_make(&queue, new_attr);
	if (error)
		return error;
	inode = inode_alloc(dir->sb, mode | S_IFREG);
	if (!inode) {
		uncharge(queue);
		kfree(queue);
		return -ENOMEM;
	}
	inode->ino = ++last_ino;
	inode->uid = current->cred->fsuid;
	inode->gid = current->cred->fsgid;
	inode->nlink = 1;
	inode->size = STATUS_SIZE;
	inode->ops = &mqueue_file_iops;
	inode->fops = &mqueue_fops;
	inode->private = queue;
	queue->inode = inode;
	nr_queues++;
	dentry_bind(dentry, inode);
	dentry_get(dentry); /* the name; unlink drops it */
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int mqueue_dir_unlink(struct inode *dir, struct dentry *dentry)
{
	dentry->inode->nlink--;
	inode_touch(dentry->inode, ATTR_CTIME);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	dentry_put(dentry);
	return 0;
}

/* Every name is a dentry that is held: what the cache does not know does not exist. */
static int mqueue_lookup(struct inode *dir, struct dentry *dentry)
{
	return 0;
}

/* Why the C library's thread gets its cookie back. */
#define COOKIE_MESSAGE 1
#define COOKIE_REMOVED 2

static void send_cookie(struct mqueue *queue, u8 why)
{
	if (!queue->notify_socket)
		return;
	queue->notify_cookie[MQ_COOKIE - 1] = why;
	netlink_deliver(queue->notify_socket, queue->notify_cookie, MQ_COOKIE);
	socket_put(queue->notify_socket);
	queue->notify_socket = NULL;
}

static void drop_notification(struct mqueue *queue)
{
	send_cookie(queue, COOKIE_REMOVED);
	if (queue->notify_owner)
		pid_put(queue->notify_owner);
	queue->notify_owner = NULL;
}

static void mqueue_evict(struct inode *inode)
{
	struct mqueue *queue = queue_of(inode);

	if (!queue)
		return;
	inode->private = NULL;
	while (!list_empty(&queue->messages)) {
		struct mq_message *m = list_first_entry(&queue->messages, struct mq_message, link);

		list_del(&m->link);
		kfree(m);
	}
	drop_notification(queue);
	uncharge(queue);
	nr_queues--;
	kfree(queue);
}

/* 0, or why this cannot be the name of a queue. */
static int check_name(const char *name)
{
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return 0;
}

/* Makes the name if it is not there and may be made; 0 if it is there in the end. */
static int open_or_create(struct dentry *dentry, int flags, mode_t mode, const struct mq_attr *attr)
{
	struct inode *root = mqueue_sb->root->inode;
	int error;

	if (dentry->inode) {
		if (flags & O_CREAT && flags & O_EXCL)
			return -EEXIST;
		return 0;
	}
	if (!(flags & O_CREAT))
		return -ENOENT;
	error = inode_permission(root, MAY_WRITE | MAY_EXEC);
	if (error)
		return error;
	if (attr && !attr_valid(attr))
		return -EINVAL;
	new_attr = attr;
	error = mqueue_create(root, dentry, S_IFREG | (mode & 07777 & ~current->fs->umask));
	new_attr = NULL;
	return error;
}

struct file *mqueue_open(const char *name, int flags, mode_t mode, const struct mq_attr *attr)
{
	static const unsigned access[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE };
	struct path path = { mqueue_mount, NULL };
	struct inode *root = mqueue_sb->root->inode;
	struct file *file;
	bool created;
	int error;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);
	error = check_name(name);
	if (error)
		return ERR_PTR(error);
	mutex_lock(&root->lock);
	path.dentry = lookup_child_locked(mqueue_sb->root, name, strlen(name));
	if (IS_ERR(path.dentry)) {
		mutex_unlock(&root->lock);
		return ERR_PTR(PTR_ERR(path.dentry));
	}
	created = !path.dentry->inode;
	error = open_or_create(path.dentry, flags, mode, attr);
	mutex_unlock(&root->lock);
	if (!error && !created)
		error = inode_permission(path.dentry->inode, access[flags & O_ACCMODE]);
	file = error ? ERR_PTR(error) : file_open_path(&path, (unsigned)flags & (O_ACCMODE | O_NONBLOCK));
	dentry_put(path.dentry);
	return file;
}

int mqueue_unlink(const char *name)
{
	struct path root = { mqueue_mount, mqueue_sb->root };
	int error = check_name(name);

	return error ? error : vfs_unlink(&root, name);
}

struct mqueue *mqueue_from_fd(int fd, bool write, bool read, struct file **ret_file)
{
	struct file *file = fget((unsigned)fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->ops != &mqueue_fops || (write && !file->writable) || (read && !file->readable)) {
		file_put(file);
		return ERR_PTR(-EBADF);
	}
	*ret_file = file;
	return queue_of(file->inode);
}

/* Higher priorities first; behind those that are equal. */
static void insert(struct mqueue *queue, struct mq_message *m)
{
	struct list_head *at = queue->messages.prev;

	while (at != &queue->messages && list_entry(at, struct mq_message, link)->priority < m->priority)
		at = at->prev;
	list_insert_between(&m->link, at, at->next);
	queue->nr++;
	queue->bytes += m->size;
}

static void notify(struct mqueue *queue)
{
	struct task_struct *task = queue->notify_owner->task;

	if (queue->notify_kind == SIGEV_SIGNAL && task) {
		siginfo_t info;

		memset(&info, 0, sizeof(info));
		info.si_signo = queue->notify_signal;
		info.si_code = SI_MESGQ;
		info.si_pid = current->tgid;
		info.si_uid = current->cred->uid;
		info.si_value.sival_ptr = (void *)queue->notify_value;
		send_signal_process(queue->notify_signal, &info, task);
	}
	send_cookie(queue, COOKIE_MESSAGE);
	drop_notification(queue);
}

static void describe_queue(const void *object, struct wait_info *info)
{
	wait_info_inode(info, ((const struct mqueue *)object)->inode);
}
static const struct wait_type mq_send_wait = { "message queue write", BLOCK_QUEUE, describe_queue };
static const struct wait_type mq_receive_wait = { "message queue read", BLOCK_QUEUE, describe_queue };

/* Waits for `ready` on one of the queue's wait queues. */
#define mqueue_wait(wq, type, queue, deadline, ready)                                                           \
	({                                                                                                  \
		long _wait = wait_event_common(wq, TASK_INTERRUPTIBLE, type, queue, deadline, true, ready, \
					       signal_pending(current));                                    \
		_wait == -ETIME ? -ETIMEDOUT : (int)_wait;                                                  \
	})

int mqueue_send(struct mqueue *queue, user_ptr data, size_t size, unsigned priority, bool nonblock, u64 deadline)
{
	struct mq_message *m;
	int error = 0;

	if (size > (size_t)queue->max_size)
		return -EMSGSIZE;
	m = kmalloc(sizeof(*m) + size);
	if (!m)
		return -ENOMEM;
	m->size = size;
	m->priority = priority;
	if (copy_from_user(m->text, data, size))
		error = -EFAULT;
	while (!error && queue->nr >= queue->max_messages) {
		if (nonblock)
			error = -EAGAIN;
		else
			error = mqueue_wait(&queue->senders, &mq_send_wait, queue, deadline, queue->nr < queue->max_messages);
	}
	if (error) {
		kfree(m);
		return error;
	}
	insert(queue, m);
	inode_touch(queue->inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	if (queue->receiving)
		wake_up(&queue->receivers);
	else if (queue->nr == 1 && queue->notify_owner)
		notify(queue);
	wake_up_poll(&queue->pollers, POLL_IN);
	return 0;
}

ssize_t mqueue_receive(struct mqueue *queue, user_ptr data, size_t size, user_ptr priority, bool nonblock, u64 deadline)
{
	struct mq_message *m;
	ssize_t result;
	int error;

	if (size < (size_t)queue->max_size)
		return -EMSGSIZE;
	while (!queue->nr) {
		if (nonblock)
			return -EAGAIN;
		queue->receiving++;
		error = mqueue_wait(&queue->receivers, &mq_receive_wait, queue, deadline, queue->nr);
		queue->receiving--;
		if (error)
			return error;
	}
	m = list_first_entry(&queue->messages, struct mq_message, link);
	list_del(&m->link);
	queue->nr--;
	queue->bytes -= m->size;
	inode_touch(queue->inode, ATTR_ATIME | ATTR_CTIME);
	wake_up(&queue->senders);
	wake_up_poll(&queue->pollers, POLL_OUT);
	result = (ssize_t)m->size;
	if ((!user_ptr_is_null(priority) && put_user_u32(priority, m->priority)) || copy_to_user(data, m->text, m->size))
		result = -EFAULT;
	kfree(m);
	return result;
}

int mqueue_notify(struct mqueue *queue, int kind, int sig, u64 value, struct socket *sock, const u8 *cookie)
{
	if (queue->notify_owner)
		return -EBUSY;
	queue->notify_owner = pid_get(current->signal->leader->pid);
	queue->notify_kind = kind;
	queue->notify_signal = sig;
	queue->notify_value = value;
	if (sock) {
		queue->notify_socket = socket_get(sock);
		memcpy(queue->notify_cookie, cookie, MQ_COOKIE);
	}
	inode_touch(queue->inode, ATTR_ATIME | ATTR_CTIME);
	return 0;
}

void mqueue_notify_cancel(struct mqueue *queue)
{
	if (queue->notify_owner && queue->notify_owner->number == current->tgid)
		drop_notification(queue);
}

void mqueue_attributes(const struct mqueue *queue, struct mq_attr *attr)
{
	*attr = (struct mq_attr){ .mq_maxmsg = queue->max_messages, .mq_msgsize = queue->max_size, .mq_curmsgs = queue->nr };
}

static ssize_t mqueue_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	const struct mqueue *queue = queue_of(file->inode);
	bool signals = queue->notify_owner && queue->notify_kind == SIGEV_SIGNAL;
	char text[STATUS_SIZE];
	size_t length, n;

	length = (size_t)scnprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", queue->bytes,
				   queue->notify_owner ? queue->notify_kind : 0, signals ? queue->notify_signal : 0,
				   queue->notify_owner ? queue->notify_owner->number : 0);
	if (*pos < 0 || (size_t)*pos >= length)
		return 0;
	n = min(length - (size_t)*pos, to->count);
	n = copy_to_iter(to, text + *pos, n);
	*pos += (loff_t)n;
	return n ? (ssize_t)n : -EFAULT;
}

static unsigned mqueue_poll(struct file *file, struct poll_table *table)
{
	struct mqueue *queue = queue_of(file->inode);
	unsigned mask = 0;

	poll_wait(file, &queue->pollers, table);
	if (queue->nr)
		mask |= POLL_IN;
	if (queue->nr < queue->max_messages)
		mask |= POLL_OUT;
	return mask;
}

static int mqueue_flush(struct file *file)
{
	mqueue_notify_cancel(queue_of(file->inode));
	return 0;
}

static const struct super_operations mqueue_super_ops = {
	.evict_inode = mqueue_evict,
};

static struct super_block *mqueue_get_super(const struct file_system_type *type, unsigned long flags, const char *source,
					    const char *data)
{
	refcount_inc(&mqueue_sb->count);
	return mqueue_sb;
}

static struct file_system_type mqueue_type = { .name = "mqueue", .magic = MQUEUE_MAGIC, .mount = mqueue_get_super };

static int mqueue_init(void)
{
	struct inode *root;

	mqueue_sb = super_alloc(&mqueue_type, &mqueue_super_ops);
	if (!mqueue_sb)
		return -ENOMEM;
	mqueue_sb->blocksize = PAGE_SIZE;
	root = inode_alloc(mqueue_sb, S_IFDIR | 01777);
	if (!root)
		return -ENOMEM;
	root->ino = last_ino;
	root->nlink = 2;
	root->ops = &mqueue_dir_iops;
	root->fops = &simple_dir_fops;
	mqueue_sb->root = dentry_make_root(root);
	if (!mqueue_sb->root)
		return -ENOMEM;
	mqueue_mount = mount_alloc(mqueue_sb, mqueue_sb->root, 0, "mqueue");
	if (!mqueue_mount)
		return -ENOMEM;
	register_filesystem(&mqueue_type);
	return 0;
}
INITCALL(mqueue, mqueue_init, "");

static const struct inode_operations mqueue_dir_iops = {
	.lookup = mqueue_lookup,
	.create = mqueue_create,
	.unlink = mqueue_dir_unlink,
};

static const struct inode_operations mqueue_file_iops = {
	.getattr = NULL, /* generic */
};

static const struct file_operations mqueue_fops = {
	.name = "mqueue",
	.read = mqueue_read,
	.llseek = generic_llseek,
	.poll = mqueue_poll,
	.flush = mqueue_flush,
};
