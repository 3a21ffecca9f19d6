/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/native/elf_needs.c
// flags: -D_GNU_SOURCE
/* A program of a container's, damaged in every way: what it is said to need is text that ends, and not without end. */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/native/warm.h"

static void found(const char *name, void *argument)
{
	int *nr = argument;

	if (++*nr > 100 || strlen(name) > 255 || !*name)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	int nr = 0;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	elf_needs(fd, found, &nr);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

struct file {
	Elf64_Ehdr header;
	Elf64_Phdr headers[3];
	Elf64_Dyn dynamic[6];
	char strings[64];
};

static size_t invent(uint8_t *bytes, size_t room)
{
	struct file *file = (struct file *)bytes;

	memset(file, 0, sizeof(*file));
	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = ELFCLASS64;
	file->header.e_ident[EI_DATA] = ELFDATA2LSB;
	file->header.e_phentsize = sizeof(Elf64_Phdr);
	file->header.e_phnum = 3;
	file->header.e_phoff = offsetof(struct file, headers);
	file->headers[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = 0x1000, .p_filesz = sizeof(*file) };
	file->headers[1] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offsetof(struct file, strings), .p_filesz = 8 };
	file->headers[2] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_offset = offsetof(struct file, dynamic), .p_filesz = sizeof(file->dynamic) };
	file->dynamic[0] = (Elf64_Dyn){ .d_tag = DT_NEEDED, .d_un.d_val = 9 };
	file->dynamic[1] = (Elf64_Dyn){ .d_tag = DT_STRTAB, .d_un.d_ptr = 0x1000 + offsetof(struct file, strings) };
	file->dynamic[2] = (Elf64_Dyn){ .d_tag = DT_NEEDED, .d_un.d_val = rand() % 70 };
	strcpy(file->strings, "/lib/ld");
	strcpy(file->strings + 9, "libc.so.6");
	for (int i = rand() % 4; i > 0; i--)
		bytes[rand() % sizeof(*file)] = rand();
	return rand() % 4 ? sizeof(*file) : rand() % sizeof(*file);
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
