/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/boot/record.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t boot_now(void)
{
	struct timespec now;

	/* Not by the vDSO, which a process that becomes a sandbox's kernel has moved. */
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct boot_record *boot_record_new(struct error *error)
{
	struct boot_record *record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (record == MAP_FAILED) {
		fail(error, errno, "--boot-chart: no memory for the times");
		return NULL;
	}
	record->origin = boot_now();
	return record;
}

void boot_record_free(struct boot_record *record)
{
	if (record)
		munmap(record, sizeof(*record));
}

int boot_mark_begin(struct boot_record *record, const char *name, enum boot_lane lane)
{
	int mark = record ? __atomic_fetch_add(&record->nr, 1, __ATOMIC_RELAXED) : -1;

	if (mark < 0 || mark >= BOOT_MAX_MARKS)
		return -1;
	snprintf(record->marks[mark].name, sizeof(record->marks[mark].name), "%s", name);
	record->marks[mark].lane = lane;
	record->marks[mark].begin = boot_now();
	return mark;
}

void boot_mark_add(struct boot_record *record, const char *name, enum boot_lane lane, int64_t begin, int64_t end)
{
	int mark = boot_mark_begin(record, name, lane);

	if (mark < 0)
		return;
	record->marks[mark].begin = begin;
	record->marks[mark].end = end;
	record->marks[mark].state = BOOT_DONE;
}

void boot_mark_end(struct boot_record *record, int mark, enum boot_state state)
{
	if (!record || mark < 0)
		return;
	record->marks[mark].state = state;
	record->marks[mark].end = boot_now();
}
