/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot contract: what the monitor prepares for the kernel, and the channel between them while it runs.
 *
 * Before the first kernel instruction the monitor has, in the process that becomes the kernel process:
 *   - mapped everything of abi/layout.h, read-only or executable as said there
 *   - moved the host's vvar+vdso to LAYOUT_HOST_VDSO
 *   - undone its C library's registrations (rseq, robust list, clear_child_tid)
 *   - installed the kernel's signal entry (ELF symbol host_signal_entry, restorer host_signal_restorer) for SIGSYS, SIGSEGV,
 *     SIGBUS, SIGFPE, SIGILL, SIGTRAP and HOST_SIGNAL_PREEMPT with SA_SIGINFO|SA_ONSTACK|SA_NODEFER|SA_RESTORER, mask empty;
 *     SIGPIPE and the terminal signals ignored; no signal blocked
 *   - filled struct boot_params at the start of the channel
 *   - installed the seccomp filter made from host.tbl, whose instruction pointer range is the section .text.hostcall
 *     (symbols hostcall_start, hostcall_end)
 * and jumps to the ELF entry with rdi = LAYOUT_CHANNEL, on the stack symbol boot_stack_top. The kernel unmaps the rest of the
 * address space itself.
 *
 * The monitor trusts nothing it reads from the channel: it copies first, then checks.
 */
#ifndef ABI_BOOT_H
#define ABI_BOOT_H

#include <stdint.h>

#include "include/abi/layout.h"
#include "include/abi/network.h"
#include "include/abi/process.h"

#define BOOT_MAGIC 0x64786e696cULL
#define BOOT_VERSION 7
#define BOOT_MAX_CPUS 64
#define BOOT_MAX_MOUNTS 64
#define BOOT_STRINGS_SIZE 0x40000
#define BOOT_MAX_NODES 512

#define BOOT_TTY 0x1          /* --tty: stdio is the channel's console */
#define BOOT_READ_ONLY 0x2    /* --read-only root */
#define BOOT_STRACE 0x4       /* write decoded system calls to trace_fd */
#define BOOT_STATS 0x8
#define BOOT_ROOT_MAPPED 0x10 /* unprivileged: the host user's files appear as owned by uid 0, and chown is remembered, not done */
#define BOOT_DEBUG 0x20
#define BOOT_DETERMINISTIC 0x100 /* --deterministic: `seed` decides what else would be chance */
#define BOOT_WAIT 0x200       /* the first program waits for CONTROL_START */
#define BOOT_CHART 0x800      /* somebody wants to see what the boot spent its time on: monitor_channel.times */
#define BOOT_EXACT_MOUNTS 0x400 /* the mounts are all there is: no /proc, /sys, /dev that nobody asked for */

/* A host directory (index 0 is the root file system), or a file system of the kernel's own. */
struct boot_mount {
	int32_t fd;           /* O_PATH|O_DIRECTORY descriptor in the sandbox; -1: see type; the monitor knows it by its index */
	uint32_t type;        /* fd -1: offset of the file system's name; "": tmpfs */
	uint32_t flags;       /* MS_*, besides what read_only says */
	uint32_t data;        /* fd -1: offset of the options for the file system */
	uint32_t optional;    /* a kernel without the type goes without the mount, and says so */
	uint32_t target;      /* offset of the path in strings */
	uint32_t read_only;
	uint32_t is_file;     /* --bind of a single file: fd is a directory; the file's name in it is the last component of source */
	uint32_t shared;      /* others change it too: revalidate caches */
	uint32_t source;      /* offset of the host path, for mountinfo */
};

/* Where a cpu stands on the host: equal numbers, same core, socket, node. */
struct boot_cpu {
	int32_t core, socket, node;
};

/* What CPUID answers in programs of a deterministic run. */
#define BOOT_MAX_CPUID 160
#define BOOT_CPUID_ANY 0xffffffffU
struct boot_cpuid {
	uint32_t leaf, subleaf; /* subleaf BOOT_CPUID_ANY: it does not matter */
	uint32_t eax, ebx, ecx, edx;
};

/* What stands in the tree once all is mounted: a device, a FIFO, or a symbolic link. */
struct boot_node {
	uint32_t path;        /* offset, absolute */
	uint32_t target;      /* mode S_IFLNK: offset of where it points to */
	uint32_t mode;        /* with the type */
	uint32_t major, minor;
	uint32_t uid, gid;
	uint32_t keep;        /* one that is there already is fine */
};

/* Owners of host files: `size` ids from `host` on are those from `container` on inside. */
#define BOOT_MAX_ID_RANGES 32
struct boot_id_range {
	uint32_t container, host, size;
};

/* Which devices programs may use, and the exceptions from that; major or minor -1: any. */
enum { BOOT_DEVICES_ALLOWED, BOOT_DEVICES_DENIED };
enum { BOOT_DEVICE_MAKE = 1, BOOT_DEVICE_READ = 2, BOOT_DEVICE_WRITE = 4 };
#define BOOT_MAX_DEVICE_EXCEPTIONS 256
struct boot_device_exception {
	uint32_t type;        /* 'b' or 'c' */
	uint32_t access;      /* BOOT_DEVICE_* */
	int64_t major, minor;
};

/* A descriptor of the host that the first program is to have. */
struct boot_stream {
	int32_t fd;
	uint32_t input;       /* it is read from; else written to */
	uint64_t token;       /* of its events in the epoll set */
};

struct boot_params {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;        /* BOOT_* */
	uint32_t nr_cpus;
	uint32_t async_threads;
	int32_t host_cpu[BOOT_MAX_CPUS]; /* host cpu for each cpu; -1: do not pin */
	int32_t heap_fd, pages_fd;
	int32_t stdio_fd[3];   /* pipes or sockets made by the monitor, O_NONBLOCK on the sandbox's side */
	uint32_t nr_preserved; /* the first program's descriptors from 3 on */
	struct boot_stream preserved[PRESERVED_MAX];
	int32_t log_fd;        /* kernel log lines */
	int32_t trace_fd;      /* --strace lines; -1 */
	int32_t epoll_fd;      /* host epoll set with the stdio descriptors: data = index 0..2, EPOLLET; and with what is handed in later */
	int32_t doorbell_fd;   /* unused by the kernel: the monitor waits on channel->doorbell */
	int32_t handover_fd;   /* descriptors that the monitor hands in later (abi/handover.h) */
	uint64_t heap_limit, pages_limit; /* bytes */
	uint64_t memory_limit; /* --memory; 0: none */
	uint64_t host_memory;  /* bytes, for /proc/meminfo */
	uint64_t host_vvar_size, host_vdso_size; /* vvar stands first at LAYOUT_HOST_VDSO, vdso follows it */
	uint64_t tsc_hz;       /* 0: unknown */
	uint64_t xstate_size;  /* XSAVE area for xstate_mask */
	uint64_t xstate_mask;  /* host XCR0 without AMX and PKRU */
	struct process_spec process; /* the first; its area is strings */
	uint32_t host_uid, host_gid; /* of the monitor, for BOOT_ROOT_MAPPED */
	uint32_t hostname, domainname; /* offsets */
	uint32_t nr_mounts;
	struct boot_mount mounts[BOOT_MAX_MOUNTS];
	uint32_t nr_uid_ranges, nr_gid_ranges; /* 0: ids are the same on both sides */
	struct boot_id_range uid_ranges[BOOT_MAX_ID_RANGES], gid_ranges[BOOT_MAX_ID_RANGES];
	uint32_t nr_nodes;
	struct boot_node nodes[BOOT_MAX_NODES];
	uint32_t device_default, nr_device_exceptions; /* BOOT_DEVICES_* */
	struct boot_device_exception device_exceptions[BOOT_MAX_DEVICE_EXCEPTIONS];
	uint32_t nr_masked, masked;     /* paths that are to be empty, as consecutive strings */
	uint32_t nr_read_only, read_only; /* paths that are not to be written */
	uint32_t nr_sysctls, sysctls;   /* "net/core/somaxconn", "128", and so on: two strings each */
	uint8_t random[64];    /* seed: from the host's getrandom */
	struct boot_cpu topology[BOOT_MAX_CPUS];
	uint32_t topology_known; /* 0: topology says nothing */
	uint64_t pid_limit;    /* 0: default 32768 */
	uint64_t rlimit_nofile;
	uint64_t tasks_limit;  /* threads of all processes together; 0: no limit */
	uint64_t cpu_quota, cpu_period; /* us, of the host's group, to be shown; quota 0: none, period 0: the default */
	uint32_t cpu_weight;   /* 1 to 10000; 0: the default */
	uint32_t trace_what;   /* TRACE_* to record from the start; 0: nothing */
	uint32_t trace_slots;  /* records in each ring; 0: default */
	uint64_t seed;         /* BOOT_DETERMINISTIC */
	uint32_t nr_cpuid;     /* 0: CPUID is not taken from programs, the host's processor cannot do that */
	struct boot_cpuid cpuid[BOOT_MAX_CPUID];
	char cpu_model[64];
	struct boot_network network;
	uint32_t strings_used;
	char strings[BOOT_STRINGS_SIZE];
};

/*
 * Rare host operations, done by the monitor for the kernel. A caller claims a free slot (compare and exchange FREE -> CLAIMED),
 * fills it, sets SUBMITTED, adds 1 to channel->doorbell and wakes it; then waits on slot->state until DONE, reads the result and
 * sets FREE. Paths are relative to the mount's directory, without "..", symlinks never followed; "" is the directory itself.
 */
enum monitor_op {
	MON_CHMOD = 1,   /* path, arg0 mode */
	MON_CHOWN,       /* path, arg0 uid, arg1 gid (-1: leave) */
	MON_UTIMENS,     /* path, arg0/1 atime sec,nsec arg2/3 mtime (nsec as utimensat: UTIME_OMIT) */
	MON_SYMLINK,     /* path = new name, data = target */
	MON_LINK,        /* path = old, data = new name in the same mount */
	MON_MKNOD,       /* path, arg0 mode with type (FIFO, socket and regular only), arg1 rdev */
	MON_GETXATTR,    /* path, data = name; result in data, returns length */
	MON_SETXATTR,    /* path, data = name NUL value, arg0 value length, arg1 flags */
	MON_LISTXATTR,   /* path; result in data */
	MON_REMOVEXATTR, /* path, data = name */
	MON_STATFS,      /* path; result in data: struct kernel statfs (asm/statfs.h) */
	MON_SYNCFS,      /* */
	MON_SEEK,        /* path, arg0 offset, arg1 SEEK_DATA or SEEK_HOLE */
	MON_FADVISE,     /* path, arg0 offset, arg1 length, arg2 POSIX_FADV_WILLNEED or POSIX_FADV_DONTNEED */
	MON_WINSIZE,     /* (kernel -> monitor: none) reserved */
	MON_RSS,         /* arg0 host pid: resident pages of that host process */
	MON_MEMORY,      /* bytes that the host processes of the container take, as they count against its limit */
	MON_NETWORK,     /* data: struct network_request; its answer in data (abi/network.h) */
	MON_OP_MAX
};
enum { SLOT_FREE, SLOT_CLAIMED, SLOT_SUBMITTED, SLOT_DONE };
#define MONITOR_SLOTS 16
#define MONITOR_PATH 4096
#define MONITOR_DATA 8192
struct monitor_slot {
	uint32_t state; /* futex */
	uint32_t op;
	int32_t mount;
	uint32_t pad;
	int64_t arg[4];
	int64_t result; /* >= 0 or -errno */
	char path[MONITOR_PATH];
	char data[MONITOR_DATA];
};

/* How the container ended; written once by the kernel, then it rings the doorbell. */
enum { KERNEL_RUNNING, KERNEL_EXITED, KERNEL_PANICKED };
struct monitor_status {
	uint32_t state;       /* KERNEL_* */
	int32_t exit_code;    /* as wait4 encodes it */
	int32_t exec_error;   /* errno if the command could not be started; exec_step says where */
	uint32_t exec_step;   /* enum process_step */
	char message[512];    /* why, when PANICKED */
	uint64_t back_trace[32];
	uint32_t nr_back_trace;
};

/* Events from the monitor to the kernel: bits in channel->events, then a futex wake of it. The kernel's aux thread waits there. */
#define EVENT_WINSIZE 0x1   /* rows and columns changed */
#define EVENT_SIGNAL 0x2    /* signals in channel->signals are for pid 1 (SIGTERM to linuxd) */
#define EVENT_OOM 0x4       /* the container is over its memory limit: kill something */
#define EVENT_REQUEST 0x8   /* look at channel->request */

/*
 * A question of a user of the container (abi/control.h), one at a time: the monitor writes kind and argument, counts `asked` up and sends
 * EVENT_REQUEST; the kernel writes its answer, sets `answered` to what `asked` was and rings the doorbell. When the monitor has
 * copied the answer's area it sets `released` to that number and sends the event again.
 */
struct kernel_request {
	uint32_t asked, answered, released;
	uint32_t kind;
	uint32_t data_length;    /* bytes in channel->request_data that belong to it */
	uint64_t argument[4];
	int32_t error;           /* errno value */
	uint32_t shared;         /* the area stays: the client gets the file, not a copy */
	uint64_t offset, length; /* in the heap file, bytes; length 0: none */
	uint64_t value[2];
};

/* How far the container has come: written by the kernel, each time followed by `notes` and the doorbell. */
enum { STAGE_BOOTING, STAGE_CREATED /* waits for CONTROL_START */, STAGE_STARTED };

/*
 * A program that `exec` has added: claimed by the monitor (FREE -> ASKED) before it asks, then the kernel's until it is EXITED, then the
 * monitor's to free.
 */
enum { EXEC_FREE, EXEC_ASKED, EXEC_RUNNING, EXEC_EXITED };
#define EXEC_SLOTS 64
struct exec_slot {
	uint32_t state;
	int32_t pid;        /* in the container */
	int32_t status;     /* EXITED: as wait4 encodes it */
	int32_t error;      /* EXITED: errno if it could not be started; then `step` says where */
	uint32_t step;      /* enum process_step */
	/* ASKED, from the monitor: its descriptors from 3 on, by the tokens that they were handed in with; bit n of inputs: it is read from. */
	uint32_t nr_preserved, inputs;
	uint64_t preserved[PRESERVED_MAX];
};

#define LAUNCH_GO 1         /* monitor: `boot` is complete */
#define LAUNCH_WALLED 2     /* process: the walls stand */
#define LAUNCH_FAILED 4     /* process: they do not, status.message says why */

/* What comes with a request and does not fit its words. */
#define REQUEST_DATA_SIZE 0x80000

/* A part of the kernel's boot; ns of CLOCK_REALTIME, end 0: not at its end. */
#define BOOT_MAX_TIMES 64
struct boot_time {
	char name[24];
	uint64_t begin, end;
};

struct monitor_channel {
	struct boot_params boot;
	uint32_t doorbell __attribute__((aligned(64))); /* futex: kernel -> monitor */
	uint32_t events;      /* futex: monitor -> kernel */
	uint64_t signals;     /* bit n-1 */
	uint16_t rows, columns;
	struct kernel_request request;
	uint32_t freezer;     /* KERNEL_* of abi/control.h; the bell rings when it becomes FROZEN */
	struct monitor_status status;
	uint32_t stage;       /* STAGE_* */
	uint32_t launch;      /* futex between the monitor and the process that will jump into the kernel: LAUNCH_* */
	uint32_t notes;       /* counts changes of stage, exec and oom_kills */
	uint32_t oom_kills;   /* so many programs were ended because memory ran out */
	struct exec_slot exec[EXEC_SLOTS];
	struct monitor_slot slots[MONITOR_SLOTS];
	struct network_ring network;
	/* --stats, written by the kernel before it ends: text, printed by the monitor */
	uint32_t stats_length;
	/* boot.trace_what: where in the heap file the trace area is (abi/trace.h); the offset is written last */
	uint64_t trace_offset, trace_length;
	uint32_t nr_times;
	struct boot_time times[BOOT_MAX_TIMES];
	char stats[65536];
	uint8_t request_data[REQUEST_DATA_SIZE] __attribute__((aligned(64)));
};

_Static_assert(sizeof(struct monitor_channel) <= LAYOUT_CHANNEL_SIZE, "the channel has outgrown its place");

#endif
