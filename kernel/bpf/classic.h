/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic BPF: small programs that look at some bytes and return a number. bpf(4) of the BSDs, filter.txt of Linux, seccomp(2).
 *
 * An accumulator, an index register, sixteen words of memory; jumps go forward only, so a checked program always ends. A program comes
 * from an untrusted hand: run only what the check has accepted.
 */
#ifndef KERNEL_BPF_CLASSIC_H
#define KERNEL_BPF_CLASSIC_H

#include <linux/filter.h>

#include "kernel/kernel.h"

#ifndef BPF_MAXINSNS
#define BPF_MAXINSNS 4096
#endif

/* What setsockopt(SO_ATTACH_FILTER) accepts. 0, -EINVAL. The ancillary loads (SKF_AD_OFF and above) are refused. */
int bpf_classic_check(const struct sock_filter *program, unsigned n);
/* Over a packet: loads are big-endian, one outside of it ends the program with 0. */
u32 bpf_classic_run(const struct sock_filter *program, unsigned n, const u8 *packet, size_t length);

/* What seccomp(2) accepts: loads of whole, aligned words of struct seccomp_data. 0, -EINVAL. */
int bpf_seccomp_check(const struct sock_filter *program, unsigned n);
/*
 * Over a struct seccomp_data, of which only the first `known` bytes are there. False: the program asked for more, so its result depends
 * on that; else *ret_result is set.
 */
bool bpf_seccomp_run(const struct sock_filter *program, unsigned n, const u32 *data, size_t known, u32 *ret_result);

#endif
