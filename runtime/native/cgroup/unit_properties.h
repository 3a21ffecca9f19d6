/* SPDX-License-Identifier: Apache-2.0 */
/* A unit's properties as D-Bus has them: structures of a name and a variant. */
#ifndef RUNTIME_NATIVE_CGROUP_UNIT_PROPERTIES_H
#define RUNTIME_NATIVE_CGROUP_UNIT_PROPERTIES_H

#include "runtime/native/cgroup/dbus.h"

struct cgroup;
struct spec_resources;

/* The value, of this type, is still to be put. */
void property_begin(struct dbus_writer *body, const char *name, const char *type);
void property_string(struct dbus_writer *body, const char *name, const char *value);
void property_bool(struct dbus_writer *body, const char *name, bool value);
void property_number(struct dbus_writer *body, const char *name, uint64_t value);

/* Limits that systemd keeps, too. Of a running container (!@is_new) only those that are named. */
int properties_of_resources(const struct cgroup *cgroup, const struct spec_resources *resources, bool is_new, struct dbus_writer *body,
			    struct error *error);
/* org.systemd.property.NAME: a value in GVariant's text form: 'text', true, uint64 5, ['a', 'b']. Names that end with Sec are seconds. */
int properties_of_annotations(const struct cgroup *cgroup, struct dbus_writer *body, struct error *error);
/* One of them; unit tests and fuzzing call it. */
int property_parse(const char *name, const char *text, struct dbus_writer *body, struct error *error);

#endif
