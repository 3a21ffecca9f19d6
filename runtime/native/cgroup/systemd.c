/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd driver: the container's group is a scope (or a slice) that systemd makes when asked over D-Bus, so that the one who manages the tree
 * knows of it. Limits that systemd has properties for are told to it as well, or it would set its own again at the next daemon-reload; the group's
 * files are then written as without systemd (unit_properties.c, resources.c).
 *
 * systemd answers a request at once and does it later: the end of the job is a signal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/native/cgroup/dbus.h"
#include "runtime/native/cgroup/internal.h"
#include "runtime/native/cgroup/unit_properties.h"
#include "runtime/remedy.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define JOB_MS 30000

/* ---- the bus ---- */

static int connect_user(struct dbus **ret_bus, struct error *error)
{
	const char *session = getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = getenv("XDG_RUNTIME_DIR");
	char *addresses;
	int result;

	if (runtime)
		addresses = format_path("%s%sunix:path=%s/bus;unix:path=%s/systemd/private", session ? session : "", session ? ";" : "", runtime, runtime);
	else
		addresses = format_path("%s%sunix:path=/run/user/%u/bus", session ? session : "", session ? ";" : "", getuid());
	result = addresses ? dbus_connect(addresses, "the user's systemd", ret_bus, error) : fail(error, ENOMEM, "cannot connect to systemd");
	free(addresses);
	return result;
}

static int connect_manager(const struct cgroup *cgroup, struct dbus **ret_bus, struct error *error)
{
	const char *system = getenv("DBUS_SYSTEM_BUS_ADDRESS");

	if (cgroup->user_manager)
		return connect_user(ret_bus, error);
	return dbus_connect(system && *system ? system : "unix:path=/run/dbus/system_bus_socket;unix:path=/run/systemd/private", "systemd", ret_bus, error);
}

static int call_manager(struct dbus *bus, const char *member, const char *signature, struct dbus_writer *body, struct dbus_message *ret_reply,
			struct error *error)
{
	return dbus_call(bus, SYSTEMD, MANAGER_PATH, MANAGER, member, signature, body, ret_reply, error);
}

int systemd_root(struct cgroup *cgroup, char **ret_root, struct error *error)
{
	struct dbus_writer body = { 0 };
	struct dbus_message reply;
	struct dbus *bus;
	const char *root;
	int result;

	if (connect_manager(cgroup, &bus, error))
		return -1;
	dbus_put_string(&body, MANAGER);
	dbus_put_string(&body, "ControlGroup");
	result = dbus_call(bus, SYSTEMD, MANAGER_PATH, "org.freedesktop.DBus.Properties", "Get", "ss", &body, &reply, error);
	if (!result) {
		root = !strcmp(dbus_get_signature(&reply.body), "s") ? dbus_get_string(&reply.body) : "";
		*ret_root = reply.body.failed ? NULL : path_clean(*root ? root : "/");
		if (*ret_root && !strcmp(*ret_root, "/"))
			**ret_root = '\0';
		result = *ret_root ? 0 : fail(error, EBADMSG, "systemd's answer about its group is damaged");
	}
	dbus_close(bus);
	return result;
}

/* ---- jobs ---- */

struct job {
	const char *path;
	char result[32];
};

/* JobRemoved: number, path, unit, result. */
static bool is_end_of(struct dbus_message *message, void *argument)
{
	struct job *job = argument;
	const char *path;

	if (strcmp(message->member, "JobRemoved") || strcmp(message->interface, MANAGER) || strcmp(message->signature, "uoss"))
		return false;
	dbus_get_u32(&message->body);
	path = dbus_get_string(&message->body);
	dbus_get_string(&message->body);
	snprintf(job->result, sizeof(job->result), "%s", dbus_get_string(&message->body));
	return !message->body.failed && !strcmp(path, job->path);
}

static int subscribe(struct dbus *bus, struct error *error)
{
	struct dbus_writer body = { 0 };
	struct dbus_message reply;

	if (!dbus_is_direct(bus)) {
		dbus_put_string(&body, "type='signal',sender='" SYSTEMD "',interface='" MANAGER "',member='JobRemoved'");
		if (dbus_call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", &body, &reply, error))
			return -1;
	}
	/* Being subscribed already is as good. */
	if (call_manager(bus, "Subscribe", "", &body, &reply, error))
		return strstr(dbus_error_name(bus), "AlreadySubscribed") ? forgive(error) : -1;
	return 0;
}

/* Of a call that answered with a job's path. */
static int wait_for_job(struct dbus *bus, struct dbus_message *reply, const struct cgroup *cgroup, const char *what, struct error *error)
{
	char *path = strdup(dbus_get_string(&reply->body));
	struct job job = { .path = path };
	int result;

	if (!path || reply->body.failed)
		result = fail(error, EBADMSG, "systemd's answer is damaged");
	else
		result = dbus_wait(bus, is_end_of, &job, JOB_MS, error);
	free(path);
	if (result || !strcmp(job.result, "done") || !strcmp(job.result, "skipped"))
		return result;
	fail(error, 0, "systemd cannot %s %s: the job is \"%s\"", what, cgroup->unit, job.result);
	return fail_remedy(error, "journalctl -u %s tells why", cgroup->unit);
}

static void reset_failed(struct dbus *bus, const struct cgroup *cgroup)
{
	struct dbus_writer body = { 0 };
	struct dbus_message reply;
	struct error ignored;

	dbus_put_string(&body, cgroup->unit);
	call_manager(bus, "ResetFailedUnit", "s", &body, &reply, &ignored);
}

/* ---- start, set, stop ---- */

static bool is_slice(const struct cgroup *cgroup)
{
	size_t length = strlen(cgroup->unit);

	return length > 6 && !strcmp(cgroup->unit + length - 6, ".slice");
}

static void put_u32s(struct dbus_writer *body, uint32_t value)
{
	size_t array = dbus_array_begin(body, 4);

	dbus_put_u32(body, value);
	dbus_array_end(body, array, 4);
}

/* name, mode, properties, further units */
static int start(struct dbus *bus, struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct dbus_message *ret_reply,
		 struct error *error)
{
	struct dbus_writer body = { 0 };
	size_t array, inner;
	char description[256];

	dbus_put_string(&body, cgroup->unit);
	dbus_put_string(&body, "replace");
	array = dbus_array_begin(&body, 8);
	snprintf(description, sizeof(description), "linuxd container %s", cgroup->id);
	property_string(&body, "Description", description);
	if (is_slice(cgroup)) {
		/* A slice's place is in its name; naming the one above makes it a parent that is there. */
		property_begin(&body, "Wants", "as");
		inner = dbus_array_begin(&body, 4);
		dbus_put_string(&body, cgroup->slice);
		dbus_array_end(&body, inner, 4);
	} else {
		property_string(&body, "Slice", cgroup->slice);
		property_bool(&body, "Delegate", true);
		property_begin(&body, "PIDs", "au");
		put_u32s(&body, pid);
	}
	property_bool(&body, "MemoryAccounting", true);
	property_bool(&body, "CPUAccounting", true);
	property_bool(&body, group_of(cgroup, "blkio") ? "BlockIOAccounting" : "IOAccounting", true);
	property_bool(&body, "TasksAccounting", true);
	property_bool(&body, "DefaultDependencies", false);
	if (properties_of_resources(cgroup, resources, true, &body, error) || properties_of_annotations(cgroup, &body, error)) {
		free(body.bytes);
		return -1;
	}
	dbus_array_end(&body, array, 8);
	array = dbus_array_begin(&body, 8);
	dbus_array_end(&body, array, 8);
	return call_manager(bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, ret_reply, error);
}

int systemd_start(struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct error *error)
{
	struct dbus_message reply;
	struct dbus *bus;
	int result;

	if (connect_manager(cgroup, &bus, error))
		return -1;
	result = subscribe(bus, error);
	if (!result) {
		result = start(bus, cgroup, pid, resources, &reply, error);
		/* One that failed earlier stays until its failure was looked at. */
		if (result && !strcmp(dbus_error_name(bus), SYSTEMD ".UnitExists") && !is_slice(cgroup)) {
			reset_failed(bus, cgroup);
			forgive(error);
			result = start(bus, cgroup, pid, resources, &reply, error);
			if (result && !strcmp(dbus_error_name(bus), SYSTEMD ".UnitExists"))
				fail_remedy_of(error, REMEDY_GROUP_IN_USE);
		} else if (result && !strcmp(dbus_error_name(bus), SYSTEMD ".UnitExists")) {
			dbus_close(bus);
			return forgive(error); /* a slice that is there is what was wanted */
		}
	}
	cgroup->started = !result;
	if (!result && wait_for_job(bus, &reply, cgroup, "start", error)) {
		reset_failed(bus, cgroup);
		result = -1;
	}
	dbus_close(bus);
	return result;
}

int systemd_set(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	struct dbus_writer body = { 0 };
	struct dbus_message reply;
	struct dbus *bus;
	size_t array;
	int result;

	dbus_put_string(&body, cgroup->unit);
	dbus_put_u32(&body, true); /* until the next boot */
	array = dbus_array_begin(&body, 8);
	result = properties_of_resources(cgroup, resources, false, &body, error);
	dbus_array_end(&body, array, 8);
	if (result || connect_manager(cgroup, &bus, error)) {
		free(body.bytes);
		return -1;
	}
	result = call_manager(bus, "SetUnitProperties", "sba(sv)", &body, &reply, error);
	dbus_close(bus);
	return result;
}

int systemd_stop(struct cgroup *cgroup, struct error *error)
{
	struct dbus_writer body = { 0 };
	struct dbus_message reply;
	struct dbus *bus;
	int result;

	if (connect_manager(cgroup, &bus, error))
		return -1;
	result = subscribe(bus, error);
	if (!result) {
		dbus_put_string(&body, cgroup->unit);
		dbus_put_string(&body, "replace");
		result = call_manager(bus, "StopUnit", "ss", &body, &reply, error);
		if (!result)
			result = wait_for_job(bus, &reply, cgroup, "stop", error);
		else if (!strcmp(dbus_error_name(bus), SYSTEMD ".NoSuchUnit"))
			result = forgive(error); /* it ended by itself when its last process did */
		reset_failed(bus, cgroup);
	}
	dbus_close(bus);
	return result;
}
