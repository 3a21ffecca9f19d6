/* SPDX-License-Identifier: Apache-2.0 */
/* What init of a container works with: prepared by the runtime before the clone, so that both have it. Shared by the files of this folder. */
#ifndef RUNTIME_NATIVE_INIT_H
#define RUNTIME_NATIVE_INIT_H

#include <linux/filter.h>
#include <stdbool.h>

#include "runtime/native/mount_options.h"
#include "runtime/native/ns.h"
#include "runtime/oci/container.h"
#include "runtime/oci/spec.h"

struct cgroup;

struct init {
	struct container *container;
	const struct spec *spec;
	const struct spec_process *process;
	const struct container_create *options;
	struct ns_plan *plan;
	struct cgroup *cgroup;  /* init's copy learns at init_join which groups there are */
	int doors[24], nr_doors; /* of the cgroups that init enters by itself; -1: the runtime puts it there */
	bool joins_late;       /* it enters them, and makes its cgroup namespace, when it has made its root file system: see init_join */
	bool joined;
	int sync;              /* to the runtime */
	int proc;              /* a procfs of our own (path.h) */
	int root;              /* the container's root directory */
	int fifo;              /* O_PATH; -1 for exec */
	int console;           /* the console socket, or -1 */
	int null;              /* the host's /dev/null, O_PATH, checked */
	int *sources;          /* of bind mounts and id-mapped ones: detached mounts, -1: none; as many as spec->nr_mounts */
	bool privileged;       /* the runtime has the host's CAP_SYS_ADMIN */
	const struct sock_fprog *filter; /* NULL: none */
	unsigned int filter_flags;
	bool filter_listener;
	unsigned int preserve_fds;
	char **env;            /* what the program gets */
};

/* ---- mount.c ---- */

/* In the runtime, before the clone: opens what is to be bind-mounted with the rights of the host. */
int mount_open_sources(struct init *init, struct error *error);
void mount_close_sources(struct init *init);
/* All of config.json's mounts, in their order. */
int mount_all(struct init *init, struct error *error);
/* What could be done only when all else was there: read-only where devices had to be made first. */
int mount_finish(struct init *init, struct error *error);
/* Attributes of a mount by its descriptor; @recursive: also of those below it. */
/* Before Linux 5.12 that works only for what has its place already (and never recursively). */
bool mount_place_first(void);
int mount_set(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);

/* ---- cgroup_mount.c ---- */
int cgroup_mount(struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error);

/* ---- rootfs.c ---- */
int rootfs_prepare(struct init *init, struct error *error);
/* Masked and read-only paths. */
int rootfs_cover(struct init *init, struct error *error);
/* Makes it the root directory, gets rid of the host's. */
int rootfs_enter(struct init *init, struct error *error);

/* ---- devices.c ---- */
int devices_make(struct init *init, struct error *error);

/* ---- label.c ---- */
/* For the next exec of this process. */
int label_apply(const struct init *init, struct error *error);
int label_keyring(const struct init *init, struct error *error);
bool label_selinux_enabled(void);
bool label_apparmor_enabled(void);

/* ---- process.c ---- */
/* Rights and identity, in the order that keeps each step possible. */
int process_become(struct init *init, struct error *error);
/* What does not depend on rights that are lost then: scheduler, priorities, memory policy ... */
int process_attributes(struct init *init, struct error *error);
/* From the runtime: limits of @pid, and what needs the host's rights. */
int process_limits(pid_t pid, const struct spec_process *process, bool rootless, struct error *error);
int process_change_directory(struct init *init, struct error *error);
/* Environment with what must be in it. NULL with @error set. */
char **process_environment(const struct spec_process *process, unsigned int listen_fds, struct error *error);
/* The file to execute, looked for in PATH. malloc'ed; NULL with @error set. */
char *process_find(const struct init *init, struct error *error);
/* All descriptors but the standard ones and the preserved close on exec. */
int process_close(const struct init *init, struct error *error);
int process_check_preserved(unsigned int preserve_fds, struct error *error);

/* ---- caps.c ---- */
int caps_drop_bounding(const struct spec_capabilities *capabilities, struct error *error);
int caps_apply(const struct spec_capabilities *capabilities, struct error *error);
/* Whether this process has it. */
bool caps_have(int capability);
int caps_last(void);
const char *caps_name(int capability);

/* ---- seccomp.c ---- */
/* The program, malloc'ed with its instructions. One that was made before is taken from below @root (NULL: none). */
int seccomp_compile(const char *root, const struct spec *spec, struct sock_fprog **ret_program, unsigned int *ret_flags,
		    bool *ret_listener, struct error *error);
/* Loads it; tells the runtime which descriptor is the listener. */
int seccomp_apply_filter(struct init *init, struct error *error);
/* In the runtime: gets the listener from the process and hands it to who waits at listenerPath. */
int seccomp_send_listener(const struct container *container, const struct spec_seccomp *seccomp, int pidfd, pid_t pid, int fd,
			  struct error *error);

/* ---- console.c ---- */
/* Connects to --console-socket; -1 with @error set. */
int console_connect(const char *path, struct error *error);
/* A new terminal from the container's devpts: its far side goes over the socket, the near one becomes our standard streams, and /dev/console if asked. */
int console_set_up(struct init *init, bool mount_console, struct error *error);

/* ---- hooks.c ---- */
/* One after the other, each with the state on standard input; the first failure ends it. */
int hooks_run(const struct spec_hook_list *hooks, const char *kind, const struct container *container, const char *status,
	      struct error *error);
/* What is to be done when all is over: one that fails is warned of, the others run all the same. */
void hooks_run_poststop(const struct spec_hook_list *hooks, const struct container *container);

/* ---- init.c ---- */
/*
 * Into the groups, with what the runtime has made meanwhile (sync_ask_join). Comes before the first thing that depends on them: what the container
 * is to be charged for, terminals (device rules), cgroup file systems, hooks. Calls after the first do nothing.
 */
int init_join(struct init *init, struct error *error);
int init_main(void *argument);

#endif
