/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandbox mode of the OCI commands (runtime/oci/container.h): config.json becomes a struct sandbox_config (oci_config.c), the operations speak to
 * the monitor (oci.c, oci_exec.c, oci_stats.c).
 */
#ifndef RUNTIME_SANDBOX_OCI_H
#define RUNTIME_SANDBOX_OCI_H

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/cgroup/devices.h"
#include "runtime/oci/container.h"
#include "runtime/sandbox/sandbox.h"

struct control_reply;

/* What a container is made of. Nothing of it is freed: the command ends soon. */
struct oci_sandbox {
	struct container *container;
	const struct spec *spec;
	struct sandbox_config config;
	struct sandbox_process process;
	struct sandbox_detached detached;
	struct cgroup *cgroup;
	struct device_rules devices;
	bool made_cgroup;
	int terminal[2];    /* the master comes over it, where there is no console socket; -1: none */
	struct spec_resources host_resources; /* what the host's cgroup is given */
	struct spec_memory host_memory;
};

/* Everything but detached. docs/sandbox-oci.md says what becomes of each field. */
int oci_config_make(struct oci_sandbox *sandbox, struct error *error);
/* A program of the config, or of `exec`. */
int oci_process_make(const struct spec *spec, const struct spec_process *process, const char *rootfs, struct sandbox_process *ret_process,
		     struct error *error);
/* As many cpus as the quota is worth; 0: no quota. */
unsigned int oci_cpus(const struct spec_cpu *cpu);
/* Of resources that are set: the host's part, without what the sandbox's kernel does better. */
void oci_host_resources(struct oci_sandbox *sandbox, const struct spec_resources *resources);

/* Something in the config that is not done, and that most do not miss: to the command's log and the container's. */
void oci_warn(const struct container *container, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks the monitor or the kernel once. *ret_fd as in control_call; NULL: not wanted. */
int oci_ask(const struct container *container, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
	    struct error *error);

int oci_exec(struct container *container, const struct spec *spec, const struct container_exec *options, struct error *error);
int oci_update(struct container *container, const struct spec_resources *resources, struct error *error);
int oci_events(struct container *container, const struct container_events *options, struct error *error);

#endif
