/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the three kinds of System V IPC objects share (sysvipc(7)): keys, identifiers and permissions.
 *
 * An identifier is sequence << 15 | index, so that one of a removed object is not soon met again. Objects are counted:
 * the table holds one reference until IPC_RMID, sleepers and attached memory others.
 */
#ifndef KERNEL_IPC_IPC_H
#define KERNEL_IPC_IPC_H

#include <linux/ipc.h>

#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"

#define IPC_INDEX_BITS 15
#define IPC_MAX_OBJECTS 32000
#define IPC_PERM_R 0444
#define IPC_PERM_W 0222
#define IPC_PERM_X 0111

struct seq_buffer;

struct ipc_object {
	refcount_t count;
	int id, key;
	uid_t uid, cuid;
	gid_t gid, cgid;
	unsigned mode; /* permission bits, and SHM_DEST, SHM_LOCKED */
	u16 seq;
	bool deleted;
	struct hlist_node key_link;
	void (*free)(struct ipc_object *object);
};

#define IPC_KEY_BUCKETS 64
struct ipc_table {
	struct ipc_object **slots;
	unsigned capacity;
	int in_use;
	int last_index;
	u16 seq;
	struct hlist_head keys[IPC_KEY_BUCKETS];
};
#define IPC_TABLE_INIT { .last_index = -1 }

static inline struct ipc_object *ipc_get(struct ipc_object *object) { refcount_inc(&object->count); return object; }
void ipc_put(struct ipc_object *object);

/* What a kind of object adds to the rules of shmget, semget and msgget. */
struct ipc_kind {
	struct ipc_table *table;
	/* A new object, not yet in the table, one reference; ERR_PTR. */
	struct ipc_object *(*create)(u64 size, int flags);
	int (*fits)(const struct ipc_object *object, u64 size); /* may an existing one be got with this size; NULL: yes */
};
long ipc_find_or_create(const struct ipc_kind *kind, int key, u64 size, int flags); /* identifier or error */
/* By identifier; not counted. ERR_PTR(-EINVAL). */
struct ipc_object *ipc_find(struct ipc_table *table, int id);
/* By place in the table (SHM_STAT and the like); NULL. */
struct ipc_object *ipc_at(struct ipc_table *table, int index);
int ipc_max_index(const struct ipc_table *table); /* 0 if there is none */
void ipc_remove(struct ipc_table *table, struct ipc_object *object); /* out of the table; drops its reference */
void ipc_hide_key(struct ipc_object *object);
int ipc_permission(const struct ipc_object *object, unsigned mode); /* 0 or -EACCES */
int ipc_owner(const struct ipc_object *object); /* IPC_SET, IPC_RMID: 0 or -EPERM */
void ipc_fill_perm(const struct ipc_object *object, struct ipc64_perm *ret_perm);
int ipc_set_perm(struct ipc_object *object, const struct ipc64_perm *perm);
/* For IPC_STAT (by identifier) and *_STAT, *_STAT_ANY (by index): the object, and what the call returns. ERR_PTR. */
struct ipc_object *ipc_for_stat(struct ipc_table *table, int id, bool by_index, bool any, int *ret_result);
static inline s64 ipc_now(void) { return (s64)(ktime_get_real() / NSEC_PER_SEC); }

/* The rows of /proc/sysvipc/{shm,sem,msg}, with the heading. */
void proc_sysvipc_shm(struct seq_buffer *seq);
void proc_sysvipc_sem(struct seq_buffer *seq);
void proc_sysvipc_msg(struct seq_buffer *seq);

/* SEM_UNDO lists: clone's CLONE_SYSVSEM shares that of current, exit and unshare apply and drop it. */
int sem_fork(struct task_struct *child, u64 clone_flags);
void sem_exit(struct task_struct *task);

#endif
