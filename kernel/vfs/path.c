/* SPDX-License-Identifier: Apache-2.0 */
/* From a place in the tree back to its name: getcwd(2), /proc/PID/fd, mountinfo. */
#include "kernel/vfs/internal.h"

static char *prepend(char *at, const char *start, const char *s, size_t n)
{
	if (!at || (size_t)(at - start) < n)
		return NULL;
	at -= n;
	memcpy(at, s, n);
	return at;
}

/* Files of pipefs, sockfs and the anonymous inodes have no place in any tree: "pipe:[4711]", or their own name. */
static char *nameless(const struct dentry *d, char *buffer, size_t size)
{
	char name[80];
	int n;
	if (d->unhashed && !strchr(d->name, ':') && d->name[0] != '/')
		n = scnprintf(name, sizeof(name), "%s:[%lu]", d->name, d->inode ? d->inode->ino : 0UL);
	else
		n = scnprintf(name, sizeof(name), "%s", d->name);
	if ((size_t)n + 1 > size)
		return ERR_PTR(-ENAMETOOLONG);
	memcpy(buffer, name, (size_t)n + 1);
	return buffer;
}

char *path_string_from(const struct path *root, const struct path *path, char *buffer, size_t size)
{
	const struct mount *m = path->mount;
	const struct dentry *d = path->dentry;
	char *at = buffer + size;

	if (!m || (m->sb->flags & SB_NAMELESS))
		return nameless(d, buffer, size);
	at = prepend(at, buffer, "", 1);
	if (d->unhashed && d->parent != d)
		at = prepend(at, buffer, " (deleted)", 10);
	while (at && !(m == root->mount && d == root->dentry)) {
		if (d == m->root || d->parent == d) {
			if (m->parent) {
				d = m->mountpoint;
				m = m->parent;
				continue;
			}
			/* The top of the tree, or of a detached mount, that current's root is not. */
			if (!at[0] || at[0] == ' ')
				at = prepend(at, buffer, "/", 1);
			/* Mounts that never stand in a tree have no number: memfds. */
			if (m->id && (m != init_mnt_ns.root || root->mount))
				at = prepend(at, buffer, "(unreachable)", 13);
			return at ? at : ERR_PTR(-ENAMETOOLONG);
		}
		at = prepend(at, buffer, d->name, d->name_length);
		at = prepend(at, buffer, "/", 1);
		d = d->parent;
	}
	if (at && *at != '/')
		at = prepend(at, buffer, "/", 1);
	return at ? at : ERR_PTR(-ENAMETOOLONG);
}

char *path_string(const struct path *path, char *buffer, size_t size)
{
	return path_string_from(&current->fs->root, path, buffer, size);
}
