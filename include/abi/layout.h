/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things stand in the address space of every host process of a container. The monitor maps them
 * before the first kernel instruction; forks inherit them; the seccomp filter knows the text addresses.
 *
 *   SITE_TABLE     64 KiB below 2 GiB: jump table of patched call sites (read-only alias of SITE_TABLE_RW)
 *   KERNEL_IMAGE   text (shared, read-execute, never writable), rodata (likewise, not executable),
 *                  data + bss (shared, from the heap memfd)
 *   TRAMPOLINES    code of patched call sites: read-execute here, read-write at TRAMPOLINES_RW
 *   HOST_VDSO      the host's vvar and vdso pages, moved here by the monitor
 *   CHANNEL        struct monitor_channel
 *   HEAP           the kernel heap
 *   PAGES          window on the page memfd
 *
 * The heap memfd holds, in this order of offsets: kernel data (from 0), site table, trampolines, channel, heap.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

#define LAYOUT_KERNEL_IMAGE 0x680000000000UL
#define LAYOUT_IMAGE_SIZE_MAX 0x10000000UL

#define LAYOUT_SITE_TABLE 0x7f060000UL
#define LAYOUT_SITE_TABLE_SIZE 0x10000UL
#define LAYOUT_SITE_TABLE_RW 0x680100000000UL
#define LAYOUT_TRAMPOLINES 0x680110000000UL
#define LAYOUT_TRAMPOLINES_SIZE 0x100000UL
#define LAYOUT_TRAMPOLINES_RW 0x680120000000UL
#define LAYOUT_HOST_VDSO 0x680200000000UL
#define LAYOUT_CHANNEL 0x680300000000UL
#define LAYOUT_CHANNEL_SIZE 0x100000UL
#define LAYOUT_HEAP 0x681000000000UL
#define LAYOUT_HEAP_SIZE_MAX 0x1000000000UL /* 64 GiB of addresses; boot.heap_limit of them usable */
#define LAYOUT_PAGES 0x690000000000UL
#define LAYOUT_PAGES_SIZE_MAX 0x10000000000UL /* 1 TiB */

/* Offsets in the heap memfd. */
#define HEAP_FILE_DATA 0x0UL
#define HEAP_FILE_DATA_SIZE 0x4000000UL /* kernel data + bss must fit */
#define HEAP_FILE_SITE_TABLE 0x4000000UL
#define HEAP_FILE_TRAMPOLINES 0x4100000UL
#define HEAP_FILE_CHANNEL 0x4200000UL
#define HEAP_FILE_HEAP 0x8000000UL

/* The host signal that asks a carrier to look at its need_resched flag. Its default action is to be ignored, so that
 * the one signal the filter lets the sandbox send is harmless to any other process. */
#define HOST_SIGNAL_PREEMPT 23 /* SIGURG */

/* The two ways in which the sandbox may call clone, as numbers so that both worlds can use them.
 * A thread: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID. A process: FILES, PARENT, PARENT_SETTID, SIGCHLD. */
#define HOST_CLONE_THREAD 0x00150f00UL
#define HOST_CLONE_PROCESS 0x00108411UL

#endif
