// SPDX-License-Identifier: Apache-2.0
/* Keys, identifiers and permissions of System V IPC objects (sysvipc(7)). */
#include "kernel/ipc/ipc.h"
#include "kernel/mm/alloc.h"

/* Indexes are handed out in rising order up to this many before low ones come again. */
#define MIN_CYCLE 64
#define SEQ_MAX ((INT32_MAX >> IPC_INDEX_BITS) & 0xffff)

void ipc_put(struct ipc_object *object)
{
	if (refcount_dec_and_test(&object->count))
		object->free(object);
}

static struct hlist_head *key_bucket(struct ipc_table *table, int key)
{
	return &table->keys[hash_u64((u64)(u32)key) % IPC_KEY_BUCKETS];
}

static struct ipc_object *find_key(struct ipc_table *table, int key)
{
	struct ipc_object *object;

	hlist_for_each_entry(object, key_bucket(table, key), key_link) {
		if (object->key == key)
			return object;
	}
	return NULL;
}

static int grow(struct ipc_table *table, unsigned capacity)
{
	struct ipc_object **slots;

	if (capacity <= table->capacity)
		return 0;
	slots = kcalloc(capacity, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (table->slots)
		memcpy(slots, table->slots, table->capacity * sizeof(*slots));
	kfree(table->slots);
	table->slots = slots;
	table->capacity = capacity;
	return 0;
}

/* The next free index after the last one, going round at `end`; -ENOSPC. */
static int free_index(const struct ipc_table *table, int end)
{
	for (int i = 0; i < end; i++) {
		int index = (table->last_index + 1 + i) % end;

		if (!table->slots[index])
			return index;
	}
	return -ENOSPC;
}

static int add(struct ipc_table *table, struct ipc_object *object, int key, unsigned mode)
{
	const struct cred *cred = current->cred;
	int end = min(max(table->in_use * 3 / 2, MIN_CYCLE), IPC_MAX_OBJECTS), index;

	if (table->in_use >= IPC_MAX_OBJECTS)
		return -ENOSPC;
	if (grow(table, (unsigned)end))
		return -ENOMEM;
	index = free_index(table, end);
	if (index < 0)
		return index;
	if (index <= table->last_index)
		table->seq = table->seq >= SEQ_MAX ? 0 : (u16)(table->seq + 1);
	table->last_index = index;
	table->slots[index] = object;
	table->in_use++;
	object->seq = table->seq;
	object->id = (int)((unsigned)object->seq << IPC_INDEX_BITS | (unsigned)index);
	object->key = key;
	object->uid = object->cuid = cred->euid;
	object->gid = object->cgid = cred->egid;
	object->mode = mode & 0777;
	if (key != IPC_PRIVATE)
		hlist_add(&object->key_link, key_bucket(table, key));
	return 0;
}

static long create(const struct ipc_kind *kind, int key, u64 size, int flags)
{
	struct ipc_object *object = kind->create(size, flags);
	int error;

	if (IS_ERR(object))
		return PTR_ERR(object);
	error = add(kind->table, object, key, (unsigned)flags);
	if (error) {
		ipc_put(object);
		return error;
	}
	return object->id;
}

long ipc_find_or_create(const struct ipc_kind *kind, int key, u64 size, int flags)
{
	struct ipc_object *object;
	int error;

	if (key == IPC_PRIVATE)
		return create(kind, key, size, flags);
	object = find_key(kind->table, key);
	if (!object)
		return flags & IPC_CREAT ? create(kind, key, size, flags) : -ENOENT;
	if (flags & IPC_CREAT && flags & IPC_EXCL)
		return -EEXIST;
	error = kind->fits ? kind->fits(object, size) : 0;
	if (!error)
		error = ipc_permission(object, (unsigned)flags);
	return error ? error : object->id;
}

struct ipc_object *ipc_at(struct ipc_table *table, int index)
{
	return index >= 0 && (unsigned)index < table->capacity ? table->slots[index] : NULL;
}

struct ipc_object *ipc_find(struct ipc_table *table, int id)
{
	struct ipc_object *object = id < 0 ? NULL : ipc_at(table, id & ((1 << IPC_INDEX_BITS) - 1));

	return object && object->id == id ? object : ERR_PTR(-EINVAL);
}

int ipc_max_index(const struct ipc_table *table)
{
	for (int i = (int)table->capacity - 1; i > 0; i--) {
		if (table->slots[i])
			return i;
	}
	return 0;
}

void ipc_hide_key(struct ipc_object *object)
{
	hlist_del(&object->key_link);
	object->key = IPC_PRIVATE;
}

void ipc_remove(struct ipc_table *table, struct ipc_object *object)
{
	object->deleted = true;
	hlist_del(&object->key_link);
	table->slots[object->id & ((1 << IPC_INDEX_BITS) - 1)] = NULL;
	table->in_use--;
	ipc_put(object);
}

int ipc_permission(const struct ipc_object *object, unsigned mode)
{
	unsigned requested = mode >> 6 | mode >> 3 | mode, granted = object->mode;
	uid_t euid = current->cred->euid;

	if (euid == object->cuid || euid == object->uid)
		granted >>= 6;
	else if (in_group(object->cgid) || in_group(object->gid))
		granted >>= 3;
	if (requested & ~granted & 7 && !capable(CAP_IPC_OWNER))
		return -EACCES;
	return 0;
}

int ipc_owner(const struct ipc_object *object)
{
	uid_t euid = current->cred->euid;

	return euid == object->cuid || euid == object->uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void ipc_fill_perm(const struct ipc_object *object, struct ipc64_perm *perm)
{
	perm->key = object->key;
	perm->uid = object->uid;
	perm->gid = object->gid;
	perm->cuid = object->cuid;
	perm->cgid = object->cgid;
	perm->mode = (__kernel_mode_t)object->mode;
	perm->seq = object->seq;
}

int ipc_set_perm(struct ipc_object *object, const struct ipc64_perm *perm)
{
	if (perm->uid == (uid_t)-1 || perm->gid == (gid_t)-1)
		return -EINVAL;
	object->uid = perm->uid;
	object->gid = perm->gid;
	object->mode = (object->mode & ~0777u) | (perm->mode & 0777u);
	return 0;
}

struct ipc_object *ipc_for_stat(struct ipc_table *table, int id, bool by_index, bool any, int *ret_result)
{
	struct ipc_object *object;
	int error;

	if (by_index) {
		object = id < 0 ? NULL : ipc_at(table, id & ((1 << IPC_INDEX_BITS) - 1));
		if (!object)
			return ERR_PTR(-EINVAL);
	} else {
		object = ipc_find(table, id);
		if (IS_ERR(object))
			return object;
	}
	error = any ? 0 : ipc_permission(object, IPC_PERM_R);
	if (error)
		return ERR_PTR(error);
	*ret_result = by_index ? object->id : 0;
	return object;
}
