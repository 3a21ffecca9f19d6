/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of native mode (runtime/oci/container.h), one file each where they are long. */
#ifndef RUNTIME_NATIVE_NATIVE_H
#define RUNTIME_NATIVE_NATIVE_H

#include "runtime/oci/container.h"

struct cgroup;

int native_create(struct container *container, const struct spec *spec, const struct container_create *options, struct error *error);
int native_exec(struct container *container, const struct spec *spec, const struct container_exec *options, struct error *error);
int native_checkpoint(struct container *container, const struct spec *spec, const struct container_checkpoint *options, struct error *error);
int native_restore(struct container *container, const struct spec *spec, const struct container_checkpoint *options, struct error *error);
int native_wait(struct container *container, struct error *error);

/*
 * For who started @pid in the foreground: passes signals to it and, if @terminal is one, keystrokes and output between it and our own, until it has
 * ended. Its exit status as a shell's.
 */
int native_attend(pid_t pid, int terminal, struct error *error);
/* The far side of a terminal, that came over @socket. */
int native_receive_terminal(int socket, struct error *error);

/* The container's groups, from its state. */
struct cgroup *native_cgroup(const struct container *container, struct error *error);
/* A descriptor of init if it lives, else -1. */
int native_open_init(const struct container *container);
/* Init is in namespaces of this kind of its own. */
bool native_has_namespace(const struct container *container, int type);

#endif
