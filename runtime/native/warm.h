/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For containers with very little memory: the program, its loader and its libraries are read into the host's page cache beforehand, by us.
 *
 * A page of a file belongs to the group of whoever reads it first, and the kernel reads ahead of a program that is mapped in pieces larger than such
 * a container has: a program that fits well enough is killed at its first instruction, only because it was not in the cache yet.
 */
#ifndef RUNTIME_NATIVE_WARM_H
#define RUNTIME_NATIVE_WARM_H

#include "runtime/oci/spec.h"

#define WARM_BELOW (16L << 20) /* a container with more memory than that does without */

/* Of process.args in the root file system at @rootfs. Whatever cannot be found or read is left alone. */
void warm_program(const char *rootfs, const struct spec_process *process);

/*
 * What an ELF file needs to be run: calls @found for its interpreter (a path) and for each library (a name). Files that are none, or damaged, need
 * nothing. The file is the container's: nothing in it is believed.
 */
void elf_needs(int fd, void (*found)(const char *name, void *argument), void *argument);

#endif
