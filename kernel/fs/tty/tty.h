/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals: tty_ioctl(4), termios(3), pty(7), devpts. What other parts of the kernel use.
 *
 * Every terminal here is the slave of a pair. Its far side is either a master descriptor (/dev/ptmx) or, for
 * the container's own terminal, the monitor's pipes (the console, which is /dev/pts/0).
 */
#ifndef KERNEL_FS_TTY_TTY_H
#define KERNEL_FS_TTY_TTY_H

#include "kernel/vfs/vfs.h"

struct tty_struct;
struct task_struct;

struct tty_struct *tty_get(struct tty_struct *tty);
void tty_put(struct tty_struct *tty);
dev_t tty_device(const struct tty_struct *tty);             /* tty_nr of /proc/PID/stat */
pid_t tty_foreground_pgrp(const struct tty_struct *tty);    /* tpgid of /proc/PID/stat; -1: none */
/* Gives up current's controlling terminal (setsid, TIOCNOTTY). A session leader's exit (do_exit with `exiting`, once its
 * last thread goes) hangs up the session: SIGHUP and SIGCONT to the foreground group. */
void disassociate_ctty(bool exiting);

/* BOOT_TTY: the terminal on the monitor's pipes. A new open file of it, made current's controlling terminal when current
 * is a session leader without one. ERR_PTR. */
struct file *console_open(void);
void console_ready(int index, unsigned events); /* stdio_fd[index] became readable or writable (EPOLL*) */
void console_resize(unsigned rows, unsigned columns);
/* Waits a while until the far side has taken what was written. */
void console_drain(void);
/* The same for a program of `exec`: a terminal of its own on @host_fd, which it takes over unless it fails. ERR_PTR. */
struct file *console_exec(int host_fd, u64 token, u16 rows, u16 columns, uid_t uid, int *ret_index);
void console_exec_resize(int index, unsigned rows, unsigned columns);

#endif
