/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI container between the commands that work on it: its directory, and the mode that runs it.
 *
 * The directory ROOT/ID (ROOT: --root, else $XDG_RUNTIME_DIR/linuxd, for root /run/linuxd) holds
 *
 *	lock         locked (flock) by a command that changes the container; its being there tells it from a `linuxd run` one (runtime/state.h)
 *	state.json   what `state` prints, and what the mode keeps ("data"); replaced as a whole, so it can be read without the lock
 *	config.json  the bundle's, as it was at the time of create
 *	exec.fifo    native mode: there as long as the container was not started
 *
 * A mode is a struct container_mode: native runs programs on the host's kernel, sandbox on linuxd's own. Front end and modes share the state
 * structure below; the front end makes, locks and removes the directory.
 */
#ifndef RUNTIME_OCI_CONTAINER_H
#define RUNTIME_OCI_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "runtime/error.h"
#include "runtime/oci/spec.h"

struct boot_record;
struct json_object;
struct container_mode;

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,
};

/* The options that stand before the command. */
struct container_globals {
	const char *root;      /* NULL: the default */
	const char *mode;      /* "native", "sandbox"; NULL: not said */
	bool systemd_cgroup, debug;
	int rootless;          /* 1 yes, 0 no, -1 by the rights we have */
	void (*warn)(const char *text); /* where warnings go, a line each; NULL: standard error */
};

struct container {
	const struct container_globals *globals;
	const struct container_mode *mode;
	char *root;            /* path of the directory of all */
	char *id;
	int fd, lock_fd;       /* the container's directory; -1: none */
	/* In state.json: */
	pid_t pid;             /* of init; 0: none yet */
	uint64_t pid_start;    /* when it started, in clock ticks since boot: tells it from a later process of the same number */
	char *bundle, *rootfs; /* absolute */
	char created[40];      /* RFC 3339; "": not yet */
	uid_t owner;
	bool systemd_cgroup, rootless;
	struct json_object *data; /* an object, what the mode keeps for itself */
	struct json_object *annotations; /* an object of strings */
	char *oci_version;
	/* Not kept, for who has created it in the foreground: init, and the far side of its terminal; -1: none */
	int pidfd, terminal;
};

struct container_create {
	const char *pid_file, *console_socket; /* NULL: none */
	bool no_pivot, no_new_keyring;
	unsigned int preserve_fds; /* from descriptor 3 on */
	bool foreground;       /* `run` without --detach: the caller waits with ->wait, standard streams or our terminal are the container's */
	struct boot_record *record; /* for --boot-chart; NULL: none */
};

struct container_exec {
	struct spec_process *process; /* complete: what the command line does not say is from the config */
	const char *pid_file, *console_socket;
	const char *const *subgroups; /* cgroups below the container's: "[CONTROLLER,...:]PATH" */
	size_t nr_subgroups;
	bool detach, ignore_paused;
	unsigned int preserve_fds;
};

struct container_events {
	bool stats;            /* once, then end */
	unsigned int interval_ms;
	FILE *out;
};

struct container_checkpoint {
	const char *image_path, *work_path, *parent_path;
	bool leave_running, tcp_established, ext_unix_sk, shell_job, lazy_pages, file_locks, pre_dump, auto_dedup;
	const char *manage_cgroups_mode;
	struct container_create create; /* of restore */
	bool detach;
};

/*
 * What a mode can do. All return 0, or -1 with @error set, unless it says otherwise; NULL: this mode cannot. The container is locked, but for
 * status, exec, kill, ps, events and wait. Operations that change what is in state.json call container_save.
 */
struct container_mode {
	const char *name;
	/* Before anything of a create or exec; may execute this program again. May be NULL. */
	int (*prepare)(struct error *error);
	/* Everything up to the point where the program could start. On failure nothing is left but the directory. Sets pid and pid_start. */
	int (*create)(struct container *container, const struct spec *spec, const struct container_create *options, struct error *error);
	int (*start)(struct container *container, const struct spec *spec, struct error *error);
	enum container_status (*status)(struct container *container);
	/* After create with ->foreground and start: passes signals and terminal on until it ends. Its exit status as a shell's, or -1. */
	int (*wait)(struct container *container, struct error *error);
	/* The exit status with !detach. */
	int (*exec)(struct container *container, const struct spec *spec, const struct container_exec *options, struct error *error);
	int (*kill)(struct container *container, int signal, bool all, struct error *error);
	int (*pause)(struct container *container, struct error *error);
	int (*resume)(struct container *container, struct error *error);
	int (*update)(struct container *container, const struct spec_resources *resources, struct error *error);
	/* Shares of caches and memory bandwidth (linux.intelRdt): lines of its group's schemata, NULL: as they are. NULL: the mode has none. */
	int (*update_schemata)(struct container *container, const char *l3_cache, const char *memory_bandwidth, struct error *error);
	int (*events)(struct container *container, const struct container_events *options, struct error *error);
	/* Host pids; *ret_pids is malloc'ed. */
	int (*ps)(struct container *container, pid_t **ret_pids, int *ret_nr, struct error *error);
	/* Removes all that is left of a container that is stopped (with @force: stops it first) but the directory, runs the poststop hooks. */
	int (*delete)(struct container *container, const struct spec *spec, bool force, struct error *error);
	int (*checkpoint)(struct container *container, const struct spec *spec, const struct container_checkpoint *options,
			  struct error *error);
	int (*restore)(struct container *container, const struct spec *spec, const struct container_checkpoint *options,
		       struct error *error);
};

extern const struct container_mode native_mode, sandbox_mode;

/* What is not done although it was asked for, and the container runs without: to the log of the command, else to standard error. */
void container_warn(const struct container *container, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for lines that end with a newline each. */
void container_warn_lines(const struct container *container, const char *lines);

/* By name; NULL with @error set. */
const struct container_mode *container_mode(const char *name, struct error *error);
const char *container_status_name(enum container_status status);

/* A new one: makes and locks its directory, copies config.json (@text). NULL with @error set. */
struct container *container_new(const struct container_globals *globals, const char *id, struct error *error);
/* One that is there. With @lock, locked: waits a while for whoever holds it. */
struct container *container_open(const struct container_globals *globals, const char *id, bool lock, struct error *error);
/* Writes state.json. */
int container_save(struct container *container, struct error *error);
/* The config.json that it was created from. */
struct spec *container_spec(const struct container *container, struct error *error);
int container_keep_config(const struct container *container, const char *bundle, struct error *error);
/* Writes a pid to a file as a whole. */
int container_write_pid(const char *path, pid_t pid, struct error *error);
/* Removes the directory. */
void container_remove(struct container *container);
void container_free(struct container *container);

/* The state as the specification has it, and as runc prints it: with a member per line (@pretty, without a newline at the end), or on one line. */
void container_print(const struct container *container, enum container_status status, bool pretty, FILE *out);
/* The same on one line and with the members of the specification only: what hooks get on standard input. malloc'ed. */
char *container_hook_state(const struct container *container, const char *status);

/* Calls @visit for each container below the root, in the order of their ids, opened without lock; it is freed afterwards. */
int container_each(const struct container_globals *globals, void (*visit)(struct container *container, void *argument), void *argument,
		   struct error *error);

/*
 * Gives back what is mapped of the program's text: one part of the work is done, the next needs other pages, and the kernel maps many around each
 * that is touched. They stay in the page cache.
 */
void container_trim(void);

/* This process is in a user namespace: its root has no rights over the host. */
bool container_in_user_namespace(void);

/* Process start time (field 22 of /proc/PID/stat) and state letter; 0 if there is no such process. */
uint64_t process_start_time(pid_t pid, char *ret_state);

#endif
