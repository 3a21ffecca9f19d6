// SPDX-License-Identifier: Apache-2.0
/*
 * A ring of lines without a lock. The writer of a line takes its number first, marks the place as being written, and gives it its number last; a
 * reader copies and then looks whether the number is still the same.
 */
#include "kernel/init/log.h"

#include "kernel/time/timer.h"

static struct log_line lines[LOG_LINES];
static u64 next;

struct wait_queue_head log_wait = { LIST_HEAD_INIT(log_wait.entries) };

void log_keep(int level, const char *text, size_t length)
{
	u64 number = __atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST);
	struct log_line *line = &lines[number % LOG_LINES];

	__atomic_store_n(&line->number, 0, __ATOMIC_SEQ_CST);
	line->time = ktime_get();
	line->level = (u16)level;
	line->length = (u16)min(length, sizeof(line->text));
	memcpy(line->text, text, line->length);
	__atomic_store_n(&line->number, number + 1, __ATOMIC_SEQ_CST);
}

u64 log_next(void) { return __atomic_load_n(&next, __ATOMIC_SEQ_CST); }

u64 log_first(void)
{
	u64 n = log_next();

	return n > LOG_LINES ? n - LOG_LINES : 0;
}

bool log_read(u64 number, struct log_line *ret_line)
{
	const struct log_line *line = &lines[number % LOG_LINES];

	if (__atomic_load_n(&line->number, __ATOMIC_SEQ_CST) != number + 1)
		return false;
	memcpy(ret_line, line, sizeof(*ret_line));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&line->number, __ATOMIC_SEQ_CST) == number + 1;
}
