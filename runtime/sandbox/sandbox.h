/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container in a sandbox, seen from the host.
 *
 * sandbox_run() is the whole life of one: it prepares memory and descriptors, builds the walls, forks the kernel process
 * (launch.c), and then is the monitor (monitor.c, slots.c, relay.c) until the container ends.
 */
#ifndef RUNTIME_SANDBOX_SANDBOX_H
#define RUNTIME_SANDBOX_SANDBOX_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "include/abi/boot.h"
#include "runtime/boot/record.h"
#include "runtime/error.h"
#include "runtime/network/config.h"
#include "runtime/sandbox/image.h"
#include "runtime/sandbox/process.h"
#include "runtime/trace/record.h"

/* Exit status of linuxd itself. */
#define EXIT_LINUXD 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

struct device_rules;

struct sandbox_mount {
	const char *source; /* host path; NULL: a file system of the kernel's own */
	const char *target; /* absolute path in the container */
	const char *type, *data, *shown; /* without source: file system (NULL: tmpfs), its options, what mountinfo shows as source */
	uint32_t flags;     /* MS_* */
	bool read_only;
	bool optional;      /* without source: a kernel that does not know the type goes without */
	bool is_file;       /* filled in when opened */
};

/* A device, FIFO or link that is to be there. */
struct sandbox_node {
	const char *path, *target;
	uint32_t mode, major, minor, uid, gid;
	bool keep;          /* one that is there is fine */
};

/* Descriptors through which a process enters its cgroups by itself (cgroup.h); -1: somebody puts it there. */
struct sandbox_doors {
	int nr, fd[24];
};

/* A container that is made by one command and started by another: the monitor is a process of its own. */
struct sandbox_detached {
	int directory;      /* of the container: control socket and log stand there */
	int console_socket; /* connected: gets the master of the terminal; -1 */
	int *ret_master;    /* where the caller wants the master itself; NULL */
	int cgroup_fd;      /* of the v2 group that the new process is born into; -1: none */
	/* In the new process, before anything else: namespaces. 0, or -1 with @error set. */
	int (*enter)(void *argument, struct error *error);
	/* In the creator, meanwhile: the other cgroups and all limits. */
	int (*accompany)(void *argument, pid_t monitor, struct sandbox_doors *ret_doors, struct error *error);
	/* In the new process, which has no threads yet. Closes them. */
	int (*pass)(const struct sandbox_doors *doors, struct error *error);
	/* In the creator, when both are done: hooks. */
	int (*entered)(void *argument, struct error *error);
	bool waits_early;   /* what entered() does has to be done before anything is prepared; else before anything is forked */
	const char *memory_cgroup; /* directory of the group that accompany() puts it into; NULL: none */
	void *argument;
	uint16_t rows, columns; /* 0: not said */
	unsigned int preserve_fds; /* the first program gets so many of the creator's descriptors, from 3 on; at most PRESERVED_MAX */
};

/* What the user asked for. Strings are borrowed. */
struct sandbox_config {
	const char *rootfs;
	char **argv; /* NULL-terminated */
	char **env;  /* NULL-terminated, complete */
	const char *hostname, *workdir;
	const char *name;           /* of the container; NULL: it has only its id */
	uint32_t uid, gid;
	unsigned int cpus;          /* 0: the host's */
	unsigned int async_threads; /* 0: a cpu waits for the disk itself */
	uint64_t memory;            /* bytes; 0: no limit */
	struct sandbox_mount mounts[BOOT_MAX_MOUNTS];
	int nr_mounts;
	const struct sandbox_process *process; /* instead of argv, env, workdir, uid and gid */
	const struct sandbox_detached *detached; /* NULL: this process is the monitor, streams are relayed */
	const char *domainname;
	struct sandbox_node nodes[BOOT_MAX_NODES];
	int nr_nodes;
	struct boot_id_range uid_ranges[BOOT_MAX_ID_RANGES], gid_ranges[BOOT_MAX_ID_RANGES];
	uint32_t nr_uid_ranges, nr_gid_ranges;
	const char *const *masked, *const *read_only_paths, *const *sysctls; /* NULL-terminated; sysctls: name, value, ... */
	bool exact_mounts;          /* no mounts but those above */
	const struct device_rules *devices; /* NULL: all are allowed */
	uint64_t cpu_quota, cpu_period; /* us, of its group on the host, for the container to see; 0: none, the default */
	uint32_t cpu_weight;        /* 0: the default */
	uint64_t tasks_limit;       /* threads of all processes together; 0: no limit */
	bool tty, read_only, stats, debug;
	bool strace;
	const char *strace_file; /* NULL: standard error */
	bool insecure_host_files;
	struct trace_target *trace; /* --trace: where it goes; NULL: none */
	uint32_t trace_what;        /* TRACE_* */
	struct boot_record *boot;   /* --boot-chart: when what happened, drawn to boot_chart when the container runs; NULL: none */
	const char *boot_chart;
	struct network_config network;
	bool deterministic;         /* with `seed`; not together with tty */
	uint64_t seed;
};

enum walls { WALLS_NONE, WALLS_LANDLOCK, WALLS_NAMESPACES };

struct network;

struct sandbox {
	const struct sandbox_config *config;
	struct image image;
	struct monitor_channel *channel; /* shared with the sandbox: hostile */
	int heap_fd, pages_fd;
	int image_fd;       /* linuxd's own file, with the kernel image at image_offset */
	off_t image_offset;
	int mount_fd[BOOT_MAX_MOUNTS];      /* the monitor's own; -1: tmpfs */
	char mount_file[BOOT_MAX_MOUNTS][256]; /* the only name allowed in it, for the bind of a file */
	char *mount_path[BOOT_MAX_MOUNTS];     /* real path on the host, of the directory or file itself */
	int nr_mounts;
	int pipe[5];        /* monitor's ends: stdin (to write), stdout, stderr, log, trace (to read); -1: none */
	int inside[5];      /* the sandbox's ends, closed after the fork */
	int preserved[PRESERVED_MAX]; /* the sandbox's descriptors of --preserve-fds, closed after the fork */
	int nr_preserved;
	int epoll_fd;       /* the sandbox's one epoll set; the monitor adds what it hands in */
	int handover_fd, handover_inside; /* handover.c: the monitor's end, the sandbox's */
	bool handover_stuck;              /* the sandbox does not fetch what is sent to it */
	uint64_t handover_tokens;         /* how many have been given out */
	int terminal;       /* detached: the slave of the terminal, for its size; -1: none */
	bool direct[3];     /* the stream is the user's own descriptor */
	struct birth *birth; /* detached: until it is born; NULL */
	int trace_target;   /* where trace lines go */
	struct network *network; /* runtime/network */
	enum walls walls;
	bool own_user_namespace;
	pid_t init;         /* first process of the pid namespace, 0: none */
	pid_t kernel;       /* the kernel process, and the process group of all others */
	int guard_fd;       /* a byte here says that the container has ended as it should */
	int cgroup_version; /* 1 or 2 */
	uint64_t memory;    /* limit; 0: none. Changed by update, read by a thread */
	bool cgroup_is_given; /* by who made the container: not ours to enter or remove */
	char cgroup[512];   /* directory of the container's memory cgroup; "": none */
};

/* Runs the container to its end. Returns the exit status for linuxd; on failure of linuxd itself EXIT_LINUXD with @error set. */
int sandbox_run(const struct sandbox_config *config, struct error *error);

/*
 * The same with config->detached: makes a process that is the monitor and returns when the container's first program waits for its start.
 * *ret_pid is the monitor, which ends with the container, with its exit status. -1 with @error set: nothing is left.
 */
int sandbox_create(const struct sandbox_config *config, pid_t *ret_pid, struct error *error);

/* detach.c: the container waits for its start, so its creator may go. -1: there is no creator any more. */
int birth_report(struct sandbox *sandbox);
/* detach.c: in the monitor, with its creator: groups and namespaces, then leave to make processes. */
int detach_enter(struct sandbox *sandbox, struct error *error);
int detach_await_creator(struct sandbox *sandbox, struct error *error);
/* detach.c: from now on the monitor has no part in its creator's streams. */
int detach_streams(struct sandbox *sandbox, int ret_streams[3], struct error *error);

/* launch.c: what the kernel process has to be made with, in this order. */
int launch_image(struct sandbox *sandbox, struct error *error);
int launch_memory(struct sandbox *sandbox, struct error *error);
int launch_streams(struct sandbox *sandbox, struct error *error);
/*
 * Forks the kernel process; does not wait for it. It builds the walls around itself and then waits for launch_go, while the monitor finds out what
 * the kernel has to be told (launch_describe, after network_prepare).
 */
int launch_start(struct sandbox *sandbox, struct error *error);
/* Waits until the walls stand; -1 with @error set if they could not be built. */
int launch_await_walls(struct sandbox *sandbox, struct error *error);
int launch_describe(struct sandbox *sandbox, struct error *error);
void launch_go(struct sandbox *sandbox);
/* launch.c: the container has booted (its stage says so), and the kernel process's first thread is its clock. */
void launch_booted(struct sandbox *sandbox);

/* mounts.c: opens the container's directories and files; the boot parameters learn which are files. */
int mounts_open(struct sandbox *sandbox, struct error *error);

/* walls.c: in the monitor, before the fork. */
int walls_prepare(struct sandbox *sandbox, struct error *error);
/*
 * walls.c: in the short-lived parent of the kernel process, a child of the monitor: makes the pid namespace for its further children and
 * its first process. Returns that one's pid, 0 if there is to be no namespace.
 */
pid_t walls_start_init(struct sandbox *sandbox);
/* walls.c: in the process that becomes the kernel process. Opens the directories and writes them to boot->mounts. */
/* Fills in boot->topology from what the host says of boot->host_cpu. */
void describe_topology(struct boot_params *boot);
int walls_enter(struct sandbox *sandbox, struct boot_params *boot, struct error *error);
/* walls.c: when everything has ended. */
void walls_remove(struct sandbox *sandbox);
const char *walls_name(enum walls walls);
/* What the host offers, for "linuxd features". */
int walls_landlock_abi(void);
bool walls_namespaces_possible(void);

/* monitor.c: until the container has ended and no process of it is left; returns linuxd's exit status. */
int monitor_run(struct sandbox *sandbox, struct error *error);

/* monitor.c: EVENT_* bits to the kernel's aux thread. */
void send_event(struct monitor_channel *channel, uint32_t event);

#endif
