/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container in a sandbox comes up: the steps below as a graph (boot/graph.h).
 *
 *	monitor          [network namespace] --> image --> memory --> streams, mounts --> [admission to its groups] --> walls --+
 *	                                                                                                                     |
 *	   +-----------------------------------------------------------------------------------------------------------------+
 *	   +--> network --> description --> control --> go --> service
 *	kernel process   +--> mapping --> namespaces --> root --> rights --> filter ... waits for go --> the kernel
 *
 * In brackets: only of a container that one command creates and another starts (detach.c). The monitor has no threads until the service:
 * what runs side by side are it and the process that becomes the kernel, which is forked as soon as it has all that it must be born with.
 */
#include <errno.h>
#include <string.h>

#include "runtime/boot/graph.h"
#include "runtime/native/sync.h"
#include "runtime/network/network.h"
#include "runtime/sandbox/monitor.h"

static int do_enter(void *context, struct error *error)
{
	return detach_enter(((struct monitor *)context)->sandbox, error);
}

static int do_admission(void *context, struct error *error)
{
	return detach_await_creator(((struct monitor *)context)->sandbox, error);
}

static int do_image(void *context, struct error *error)
{
	return launch_image(((struct monitor *)context)->sandbox, error);
}

static int do_memory(void *context, struct error *error)
{
	return launch_memory(((struct monitor *)context)->sandbox, error);
}

static int do_streams(void *context, struct error *error)
{
	return launch_streams(((struct monitor *)context)->sandbox, error);
}

static int do_mounts(void *context, struct error *error)
{
	return mounts_open(((struct monitor *)context)->sandbox, error);
}

static int do_walls(void *context, struct error *error)
{
	return walls_prepare(((struct monitor *)context)->sandbox, error);
}

static void undo_walls(void *context)
{
	walls_remove(((struct monitor *)context)->sandbox);
}

static int do_signals(void *context, struct error *error)
{
	return monitor_block_signals(context, error);
}

static int do_process(void *context, struct error *error)
{
	return launch_start(((struct monitor *)context)->sandbox, error);
}

static int finish_process(void *context, struct error *error)
{
	return launch_await_walls(((struct monitor *)context)->sandbox, error);
}

static void undo_process(void *context)
{
	struct monitor *monitor = context;

	if (monitor->sandbox->kernel > 0)
		monitor_kill_all(monitor);
}

static int do_network(void *context, struct error *error)
{
	return network_prepare(((struct monitor *)context)->sandbox, error);
}

static void undo_network(void *context)
{
	network_close(((struct monitor *)context)->sandbox);
}

static int do_description(void *context, struct error *error)
{
	struct monitor *monitor = context;
	struct monitor_channel *channel = monitor->sandbox->channel;

	if (fault("description", error))
		return -1;
	monitor_window_size(monitor, &channel->rows, &channel->columns);
	channel->boot.process.rows = channel->rows;
	channel->boot.process.columns = channel->columns;
	return launch_describe(monitor->sandbox, error);
}

static int do_control(void *context, struct error *error)
{
	return control_server_prepare(&((struct monitor *)context)->control, error);
}

static void undo_control(void *context)
{
	control_server_close(&((struct monitor *)context)->control);
}

static int do_go(void *context, struct error *error)
{
	(void)error;
	launch_go(((struct monitor *)context)->sandbox);
	return 0;
}

static int do_service(void *context, struct error *error)
{
	return monitor_begin(context, error);
}

static void undo_service(void *context)
{
	monitor_restore_terminal(context);
}

/* What can be made ready before the container is admitted to its groups, and what follows. */
#define PREPARATION(after_) \
	{ "image", BOOT_CALLER, 0, after_, do_image, NULL, NULL }, \
		{ "memory", BOOT_CALLER, 0, "image", do_memory, NULL, NULL }, { "streams", BOOT_CALLER, 0, "memory", do_streams, NULL, NULL }, \
		{ "mounts", BOOT_CALLER, 0, "memory", do_mounts, NULL, NULL }
#define LAUNCH(after_) \
	{ "signals", BOOT_CALLER, 0, after_, do_signals, NULL, NULL }, /* up to here they end it */ \
		{ "walls", BOOT_CALLER, 0, after_, do_walls, NULL, undo_walls }, \
		{ "process", BOOT_PROCESS, BOOT_UNDO_PARTIAL, "signals streams mounts walls", do_process, finish_process, undo_process }, \
		{ "network", BOOT_CALLER, BOOT_UNDO_PARTIAL, NULL, do_network, NULL, undo_network }, \
		{ "description", BOOT_CALLER, 0, "mounts network", do_description, NULL, NULL }, \
		{ "control", BOOT_CALLER, BOOT_UNDO_PARTIAL, NULL, do_control, NULL, undo_control }, \
		{ "go", BOOT_CALLER, 0, "description control", do_go, NULL, NULL }, \
		{ "service", BOOT_CALLER, BOOT_UNDO_PARTIAL, "go", do_service, NULL, undo_service }

static const struct boot_step run_steps[] = { PREPARATION(NULL), LAUNCH(NULL) };
static const struct boot_step create_steps[] = {
	{ "enter", BOOT_CALLER, 0, NULL, do_enter, NULL, NULL },
	PREPARATION("enter"),
	{ "admission", BOOT_CALLER, 0, "streams mounts", do_admission, NULL, NULL },
	LAUNCH("admission"),
};

int boot_container(struct monitor *monitor, struct error *error)
{
	struct sandbox *sandbox = monitor->sandbox;

	control_server_init(&monitor->control, sandbox);
	if (sandbox->config->detached)
		return boot_run(create_steps, sizeof(create_steps) / sizeof(create_steps[0]), monitor, boot_order_wanted(), sandbox->config->boot, error);
	return boot_run(run_steps, sizeof(run_steps) / sizeof(run_steps[0]), monitor, boot_order_wanted(), sandbox->config->boot, error);
}
