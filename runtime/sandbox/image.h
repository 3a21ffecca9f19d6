/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's ELF file, which is part of the linuxd binary. */
#ifndef RUNTIME_SANDBOX_IMAGE_H
#define RUNTIME_SANDBOX_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/error.h"

#define IMAGE_MAX_SEGMENTS 8

struct image {
	const unsigned char *bytes;
	size_t size;
	uint64_t entry;
	int nr_segments;
	Elf64_Phdr segments[IMAGE_MAX_SEGMENTS]; /* the PT_LOAD ones */
	const Elf64_Sym *symbols;
	size_t nr_symbols;
	const char *names;
	size_t names_size;
	/* Addresses of what abi/boot.h names. */
	uint64_t hostcall_start, hostcall_end, signal_entry, signal_restorer, boot_stack_top;
};

/* Checks the embedded file and finds its parts. */
int image_load(struct image *ret_image, struct error *error);

/* A descriptor of the file that holds the image (this program's own), and where in it the image begins: a multiple of the page size. */
int image_open(const struct image *image, off_t *ret_offset, struct error *error);

/* The symbol that contains @address, NULL if none; *ret_offset is the distance from its start. */
const char *image_symbolise(const struct image *image, uint64_t address, uint64_t *ret_offset);

#endif
