// SPDX-License-Identifier: Apache-2.0
// flags: -ffreestanding -fno-strict-aliasing -DLINUXD_KERNEL -DCONFIG_DEBUG -Wno-unused
/*
 * Byte-range locks against a model: an array that says for each byte what each owner holds. Random requests of three
 * owners; after each the kernel's list and the model must agree, and neighbours of one kind must have been joined.
 */
#include "kernel/task/task.h"
#undef current
static struct task_struct test_task;
#define current (&test_task)
#include "kernel/vfs/locks.c"

extern int printf(const char *, ...);
extern void *malloc(size_t);
extern void *calloc(size_t, size_t);
extern void free(void *);
extern void exit(int);

void *kmalloc(size_t n) { return malloc(n); }
void *kzalloc(size_t n) { return calloc(1, n); }
void kfree(void *p) { free(p); }
void *kmemdup(const void *src, size_t n) { return memcpy(malloc(n), src, n); }
void panic(const char *format, ...)
{
	printf("panic %s\n", format);
	exit(1);
	__builtin_unreachable();
}
int scnprintf(char *buffer, size_t size, const char *format, ...) { return 0; }
bool signal_pending(struct task_struct *task) { return false; }
void prepare_to_sleep(unsigned state, const struct wait_type *type, const void *object) {}
bool schedule_until(u64 deadline) { return true; }
void finish_sleep(void) {}
void wait_info_printf(struct wait_info *info, const char *format, ...) {}
void wait_info_task(struct wait_info *info, enum wait_relation relation, const struct task_struct *task) {}
void wait_info_inode(struct wait_info *info, const struct inode *inode) {}
void wait_info_openers(struct wait_info *info, enum wait_relation relation, bool (*match)(const struct file *file, const void *arg),
		       const void *arg) {}
void wait_entry_init(struct wait_queue_entry *entry) {}
void wait_queue_add(struct wait_queue_head *wq, struct wait_queue_entry *entry) {}
void wait_queue_remove(struct wait_queue_entry *entry) {}
int wake_up_common(struct wait_queue_head *wq, int nr, unsigned key) { return 0; }
int copy_from_user(void *dst, user_ptr src, size_t n) { return -EFAULT; }
int copy_to_user(user_ptr dst, const void *src, size_t n) { return -EFAULT; }
struct file *fget(unsigned fd) { return NULL; }
void file_put(struct file *f) {}

enum { BYTES = 64, OWNERS = 3 };
static int model[OWNERS][BYTES]; /* -1 free, F_RDLCK, F_WRLCK */
static int owners[OWNERS];
static unsigned seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static bool model_conflict(int owner, int type, int start, int end)
{
	for (int o = 0; o < OWNERS; o++)
		for (int i = start; o != owner && i <= end; i++)
			if (model[o][i] == F_WRLCK || (model[o][i] == F_RDLCK && type == F_WRLCK))
				return true;
	return false;
}

static void check(struct inode *inode, int step)
{
	struct file_lock *lock;
	int seen[OWNERS][BYTES];

	memset(seen, 0xff, sizeof(seen));
	if (inode->locks) {
		list_for_each_entry(lock, &inode->locks->ranges, link) {
			int o = (const int *)lock->owner - owners;
			for (s64 i = lock->start; i <= lock->end && i < BYTES; i++) {
				if (seen[o][i] != -1) {
					printf("step %d: byte %d is locked twice by %d\n", step, (int)i, o);
					exit(1);
				}
				seen[o][i] = lock->type;
			}
			bool joined_before = lock->start == 0 || seen[o][lock->start - 1] != lock->type;
			if (!joined_before) {
				printf("step %d: neighbours were not joined\n", step);
				exit(1);
			}
		}
	}
	for (int o = 0; o < OWNERS; o++)
		for (int i = 0; i < BYTES; i++)
			if (seen[o][i] != model[o][i]) {
				printf("step %d: owner %d byte %d: %d, model %d\n", step, o, i, seen[o][i], model[o][i]);
				exit(1);
			}
}

int main(void)
{
	static struct inode inode;

	memset(model, 0xff, sizeof(model));
	for (int step = 0; step < 200000; step++) {
		int o = pick(OWNERS), start = pick(BYTES), end = start + pick(BYTES - start), kind = pick(3);
		int type = kind == 0 ? F_RDLCK : kind == 1 ? F_WRLCK : F_UNLCK;
		/* The model's last byte stands for all that follow. */
		if (pick(8) == 0)
			end = BYTES - 1;
		struct file_lock wanted = {
			.inode = &inode, .class = CLASS_POSIX, .owner = &owners[o], .type = type, .start = start,
			.end = end == BYTES - 1 ? OFFSET_MAX : end,
		};
		list_init(&wanted.link);
		list_init(&wanted.all_link);
		int ret = range_lock(&inode, &wanted, false);
		int expected = type != F_UNLCK && model_conflict(o, type, start, end) ? -EAGAIN : 0;
		if (ret != expected) {
			printf("step %d: result %d, expected %d\n", step, ret, expected);
			return 1;
		}
		for (int i = start; !ret && i <= end; i++)
			model[o][i] = type == F_UNLCK ? -1 : type;
		check(&inode, step);
	}
	printf("locks_ranges: ok\n");
	return 0;
}
