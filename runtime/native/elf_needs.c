/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the container's is read here with the runtime's rights: every number in it is checked before it is used. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/native/warm.h"

#define MOST_HEADERS 64
#define MOST_DYNAMIC 512
#define MOST_LIBRARIES 64
#define MOST_NAME 256

struct elf {
	int fd;
	Elf64_Phdr headers[MOST_HEADERS];
	int nr;
};

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
	return offset < INT64_MAX - size && pread(fd, to, size, offset) == (ssize_t)size;
}

/* A text of at most MOST_NAME bytes; "" if it does not end within them. */
static void read_text(int fd, char text[MOST_NAME], uint64_t offset)
{
	ssize_t got = offset < INT64_MAX - MOST_NAME ? pread(fd, text, MOST_NAME, offset) : -1;

	if (got <= 0 || !memchr(text, '\0', got))
		text[0] = '\0';
}

static bool read_headers(struct elf *elf)
{
	Elf64_Ehdr header;

	if (!read_at(elf->fd, &header, sizeof(header), 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > MOST_HEADERS)
		return false;
	elf->nr = header.e_phnum;
	return elf->nr == 0 || read_at(elf->fd, elf->headers, elf->nr * sizeof(Elf64_Phdr), header.e_phoff);
}

static const Elf64_Phdr *find(const struct elf *elf, uint32_t type)
{
	for (int i = 0; i < elf->nr; i++)
		if (elf->headers[i].p_type == type)
			return &elf->headers[i];
	return NULL;
}

/* Where in the file an address is; UINT64_MAX if nowhere. */
static uint64_t offset_of(const struct elf *elf, uint64_t address)
{
	for (int i = 0; i < elf->nr; i++) {
		const Elf64_Phdr *header = &elf->headers[i];

		if (header->p_type == PT_LOAD && address >= header->p_vaddr && address - header->p_vaddr < header->p_filesz)
			return header->p_offset + (address - header->p_vaddr);
	}
	return UINT64_MAX;
}

static void read_libraries(const struct elf *elf, const Elf64_Phdr *dynamic, void (*found)(const char *name, void *argument), void *argument)
{
	Elf64_Dyn entries[MOST_DYNAMIC];
	size_t nr = dynamic->p_filesz / sizeof(entries[0]);
	uint64_t strings = UINT64_MAX;
	int libraries = 0;
	char name[MOST_NAME];

	if (nr > MOST_DYNAMIC || !read_at(elf->fd, entries, nr * sizeof(entries[0]), dynamic->p_offset))
		return;
	for (size_t i = 0; i < nr && entries[i].d_tag != DT_NULL; i++)
		if (entries[i].d_tag == DT_STRTAB)
			strings = offset_of(elf, entries[i].d_un.d_ptr);
	for (size_t i = 0; strings != UINT64_MAX && i < nr && entries[i].d_tag != DT_NULL && libraries < MOST_LIBRARIES; i++) {
		if (entries[i].d_tag != DT_NEEDED || entries[i].d_un.d_val > UINT32_MAX)
			continue;
		libraries++;
		read_text(elf->fd, name, strings + entries[i].d_un.d_val);
		if (*name)
			found(name, argument);
	}
}

void elf_needs(int fd, void (*found)(const char *name, void *argument), void *argument)
{
	struct elf elf = { .fd = fd };
	const Elf64_Phdr *header;
	char name[MOST_NAME];

	if (!read_headers(&elf))
		return;
	header = find(&elf, PT_INTERP);
	if (header) {
		read_text(fd, name, header->p_offset);
		if (*name)
			found(name, argument);
	}
	header = find(&elf, PT_DYNAMIC);
	if (header)
		read_libraries(&elf, header, found, argument);
}
