/* SPDX-License-Identifier: Apache-2.0 */
/* What boot leaves behind for everyone, and the kernel process's own threads. */
#ifndef KERNEL_INIT_INIT_H
#define KERNEL_INIT_INIT_H

#include "include/abi/boot.h"
#include "kernel/kernel.h"

extern struct boot_params *boot;
extern struct monitor_channel *channel;

/* With registers of the interrupted code; mc is the host's sigcontext. */
struct carrier;
struct sigcontext;
struct task_struct;
void panic_at(const struct sigcontext *mc, const char *format, ...) __printf(2, 3) __noreturn;
/* The container cannot be what was asked for (a mount, a thread, memory): says why and ends it. Does not return. */
void container_refuse(const char *format, ...) __printf(1, 2) __noreturn;
/* Tells the monitor that the container has ended; the monitor ends every host process. Does not return. */
void container_exit(int wait_status) __noreturn;
void ring_doorbell(void);
/* The first error in the log. */
extern char first_error_line[256];
/* Something in the channel that is no answer has changed (channel->notes). */
void note_monitor(void);

/* A program of channel->exec[slot] has ended; status as wait4 encodes it. */
void exec_ended(unsigned slot, int status);

/* BOOT_WAIT: lets the first program begin. 0, -EINVAL: it has begun. */
int container_start(void);
bool container_started(void);
/* A signal to a container that waits for its start. */
void container_end_unstarted(int sig);

/* The clock thread wakes for the next timer or tick, unless an idle cpu does. */
void clock_thread_kick_if_needed(void);
extern bool tick_hint; /* some cpu may need a tick: set by the scheduler, taken back by the clock thread */
int kernel_threads_start(void);
/* A timer that expires before all others was armed; called by ktimer_arm. */
void sched_timer_armed(u64 expires);
bool clock_thread_owns_timers(void);
/* The idle cpu that wakes for timers sleeps longer than the next one allows: it is woken. */
void timer_cpu_kick_if_needed(void);

/* A host thread of the kernel process with a carrier block of its own but no cpu; fn never returns. role: what `linuxd ps --threads` calls it. */
int kernel_host_thread(const char *role, void (*fn)(struct carrier *self));
extern struct list_head kernel_host_threads; /* carrier->mm_link */
/* The block of the thread that boots, NULL without memory; host_thread_main() makes it what it is for. */
struct carrier *kernel_boot_thread(void);
void host_thread_main(struct carrier *self) __noreturn;
int initcalls_run(void);

#endif
