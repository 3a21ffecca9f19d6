/* SPDX-License-Identifier: Apache-2.0 */
/* When the parts of the kernel's boot began and ended, for `linuxd run --boot-chart` (BOOT_CHART; else these do nothing). Kernel lock held. */
#ifndef KERNEL_INIT_TIMES_H
#define KERNEL_INIT_TIMES_H

/* The part's number, for boot_time_end. */
int boot_time_begin(const char *name);
void boot_time_end(int number);

#endif
