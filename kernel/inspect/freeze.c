// SPDX-License-Identifier: Apache-2.0
/* `linuxd pause` and `linuxd resume`: the monitor asks, looks at channel->freezer when the bell rings, and asks again. */
#include "include/abi/boot.h"
#include "kernel/init/init.h"
#include "kernel/inspect/inspect.h"
#include "kernel/task/freezer.h"

/* value[0]: CONTAINER_FREEZING or FROZEN; value[1]: a task that does not stand still yet. */
long inspect_freeze(const u64 argument[4], struct inspect_answer *ret_answer)
{
	if (!container_freezer.freezing)
		channel->freezer = CONTAINER_FREEZING;
	freezer_freeze(&container_freezer);
	ret_answer->value[0] = freezer_is_frozen(&container_freezer) ? CONTAINER_FROZEN : CONTAINER_FREEZING;
	ret_answer->value[1] = container_freezer.runs ? (u64)container_freezer.runs->tid : 0;
	return 0;
}

long inspect_thaw(const u64 argument[4], struct inspect_answer *ret_answer)
{
	freezer_thaw(&container_freezer);
	channel->freezer = CONTAINER_THAWED;
	return 0;
}
