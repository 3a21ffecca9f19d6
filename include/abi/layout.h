/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things stand in the address space of every host process of a container. The monitor maps them
 * before the first kernel instruction; forks inherit them; the seccomp filter knows the text addresses.
 *
 *   SITE_TABLE     64 KiB below 2 GiB: jump table of patched call sites, read-only
 *   KERNEL_IMAGE   text (shared, read-execute, sealed), rodata (shared, read-only, sealed)
 *   TRAMPOLINES    code of patched call sites, read-execute
 *   HOST_VDSO      the host's vvar and vdso pages, moved here by the monitor
 *   KERNEL_DATA    the whole heap memfd, shared, in one mapping: kernel data and bss, the writable views of site
 *                  table and trampolines, the channel (struct monitor_channel), the kernel heap
 *   PAGES          window on the page memfd
 *
 * Few mappings, because every fork makes the host copy each of them.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

#define LAYOUT_KERNEL_IMAGE 0x680000000000UL
#define LAYOUT_IMAGE_SIZE_MAX 0x14000000UL /* text and rodata, and the data segment at KERNEL_DATA */

/* Offsets in the heap memfd. */
#define HEAP_FILE_DATA 0x0UL
#define HEAP_FILE_DATA_SIZE 0x4000000UL /* kernel data + bss must fit */
#define HEAP_FILE_SITE_TABLE 0x4000000UL
#define HEAP_FILE_TRAMPOLINES 0x4100000UL
#define HEAP_FILE_CHANNEL 0x4200000UL
#define HEAP_FILE_HEAP 0x8000000UL

#define LAYOUT_SITE_TABLE 0x7f060000UL
#define LAYOUT_SITE_TABLE_SIZE 0x10000UL
#define LAYOUT_TRAMPOLINES 0x680008000000UL
#define LAYOUT_TRAMPOLINES_SIZE 0x100000UL
#define LAYOUT_HOST_VDSO 0x680009000000UL
#define LAYOUT_HOST_VDSO_END 0x68000a000000UL
#define LAYOUT_KERNEL_DATA 0x680010000000UL
#define LAYOUT_SITE_TABLE_RW (LAYOUT_KERNEL_DATA + HEAP_FILE_SITE_TABLE)
#define LAYOUT_TRAMPOLINES_RW (LAYOUT_KERNEL_DATA + HEAP_FILE_TRAMPOLINES)
#define LAYOUT_CHANNEL (LAYOUT_KERNEL_DATA + HEAP_FILE_CHANNEL)
#define LAYOUT_CHANNEL_SIZE 0x200000UL
#define LAYOUT_HEAP (LAYOUT_KERNEL_DATA + HEAP_FILE_HEAP)
#define LAYOUT_HEAP_SIZE_MAX 0x1000000000UL /* 64 GiB of addresses; boot.heap_limit of them usable */
#define LAYOUT_PAGES 0x690000000000UL
#define LAYOUT_PAGES_SIZE_MAX 0x10000000000UL /* 1 TiB */

/* The host signal that asks a carrier to look at its need_resched flag. Its default action is to be ignored, so that
 * the one signal the filter lets the sandbox send is harmless to any other process. */
#define HOST_SIGNAL_PREEMPT 23 /* SIGURG */

/* The two ways in which the sandbox may call clone, as numbers so that both worlds can use them.
 * A thread: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID. A process: FILES, PARENT, PARENT_SETTID, SIGCHLD. */
#define HOST_CLONE_THREAD 0x00150f00UL
#define HOST_CLONE_PROCESS 0x00108411UL

#endif
