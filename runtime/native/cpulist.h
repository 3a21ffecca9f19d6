/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of cpus and memory nodes as the kernel writes them: "0-3,7". */
#ifndef RUNTIME_NATIVE_CPULIST_H
#define RUNTIME_NATIVE_CPULIST_H

#define CPULIST_BITS 1024
#define CPULIST_WORDS (CPULIST_BITS / (8 * (int)sizeof(long)))

/* Sets bits of @mask (CPULIST_WORDS long). -1 if it is no list, or has a number of CPULIST_BITS or more. */
int cpulist_parse(const char *text, unsigned long *mask);

#endif
