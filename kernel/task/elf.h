/* SPDX-License-Identifier: Apache-2.0 */
/* Loading ELF programs: elf(5), getauxval(3). */
#ifndef KERNEL_TASK_ELF_H
#define KERNEL_TASK_ELF_H

#include <linux/elf.h>

#include "kernel/kernel.h"

struct file;

struct exec_args {
	char *strings;     /* argv then envp, NUL-terminated each */
	size_t used, capacity, env_offset;
	unsigned argc, envc;
};

struct elf_object {
	struct elf64_hdr header;
	struct elf64_phdr *segments;
};
struct elf_image {
	struct elf_object program, interpreter;
	struct file *interpreter_file; /* NULL: static */
};
/* A program or interpreter that current may run, open; nobody may write it meanwhile. ERR_PTR. */
struct file *exec_open(int dirfd, const char *path, unsigned at_flags);
/* Reads from the beginning of a program: the first page is kept with the inode. Bytes read or -errno. */
ssize_t exec_read(struct file *file, void *buffer, size_t n, loff_t pos);
/* Reads and checks the headers of the program and of its interpreter. 0, -ENOEXEC, -ENOENT, ... */
int elf_examine(struct file *file, struct elf_image *ret_image);
/* Maps everything into current's empty address space, builds the stack, sets the registers. */
int elf_load(struct elf_image *image, struct file *file, struct exec_args *args, const char *path, bool secure);
void elf_release(struct elf_image *image);

#endif
