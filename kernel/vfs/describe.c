/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the words of sched/wait_info.h: their names as the container's root sees them, and who has them open. */
#include "kernel/fs/pipe/pipe.h"
#include "kernel/net/socket.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/internal.h"

static void put_path(struct wait_info *info, const struct path *path)
{
	char buffer[WAIT_INFO_TEXT];
	const char *name = path_string_from(&init_fs.root, path, buffer, sizeof(buffer));

	wait_info_printf(info, "%s", IS_ERR(name) ? "(a file with a long name)" : name);
}

void wait_info_file(struct wait_info *info, const struct file *file) { put_path(info, &file->path); }

void wait_info_inode(struct wait_info *info, const struct inode *inode)
{
	struct path path = { NULL, NULL };
	struct dentry *d;
	struct mount *m;

	list_for_each_entry(d, &inode->dentries, alias) {
		path.dentry = d;
		if (!d->unhashed)
			break;
	}
	list_for_each_entry(m, &init_mnt_ns.mounts, ns_link) {
		if (m->sb != inode->sb || !path.dentry || !dentry_is_below(path.dentry, m->root))
			continue;
		path.mount = m;
		break;
	}
	if (!path.dentry)
		wait_info_printf(info, "inode %lu", (unsigned long)inode->ino);
	else if (!path.mount && !(inode->sb->flags & SB_NAMELESS))
		wait_info_printf(info, "%s (not mounted)", path.dentry->name);
	else
		put_path(info, &path);
}

void wait_info_openers(struct wait_info *info, enum wait_relation relation, bool (*match)(const struct file *file, const void *arg), const void *arg)
{
	struct task_struct *task;

	if (info->text_only)
		return;
	for_each_task(task) {
		const struct files_struct *files = task->files;

		/* A process whose first thread has ended still counts as itself. */
		if (!files || files == info->task->files || (!thread_group_leader(task) && task->signal->leader->files))
			continue;
		for (unsigned fd = 0; fd < files->capacity; fd++) {
			const struct file *file = files->files[fd];

			if (file && match(file, arg)) {
				wait_info_task(info, relation, task->signal->leader);
				break;
			}
		}
	}
}

static bool same_file(const struct file *file, const void *arg) { return file == arg; }

static bool other_end(const struct file *file, const void *arg)
{
	const struct file *mine = arg;

	return pipe_of(file) == pipe_of(mine) && ((mine->readable && file->writable) || (mine->writable && file->readable));
}

void wait_info_file_peers(struct wait_info *info, const struct file *file)
{
	if (pipe_of(file))
		wait_info_openers(info, WAIT_PEER, other_end, file);
	else if (socket_from_file((struct file *)file))
		socket_wait_peers(info, socket_from_file((struct file *)file));
	else
		wait_info_openers(info, WAIT_PEER, same_file, file);
}

void wait_describe_file(const void *file, struct wait_info *info)
{
	wait_info_file(info, file);
	wait_info_file_peers(info, file);
}
