// SPDX-License-Identifier: Apache-2.0
#include "kernel/init/times.h"

#include "kernel/init/init.h"
#include "kernel/time/timer.h"

int boot_time_begin(const char *name)
{
	u32 number = channel->nr_times;

	if (!(boot->flags & BOOT_CHART) || number >= BOOT_MAX_TIMES)
		return -1;
	strlcpy(channel->times[number].name, name, sizeof(channel->times[number].name));
	channel->times[number].begin = ktime_get_real();
	channel->nr_times = number + 1;
	return (int)number;
}

void boot_time_end(int number)
{
	if (number >= 0)
		channel->times[number].end = ktime_get_real();
}
