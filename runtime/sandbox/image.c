/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>

#include "include/abi/layout.h"

extern const Elf64_Ehdr __ehdr_start;
extern const unsigned char kernel_image_start[], kernel_image_end[];

static int find_segments(struct image *image, const Elf64_Ehdr *header, struct error *error)
{
	const Elf64_Phdr *segments = (const void *)(image->bytes + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];

		if (segment->p_type != PT_LOAD || !segment->p_memsz)
			continue;
		if (image->nr_segments == IMAGE_MAX_SEGMENTS)
			return fail(error, 0, "the kernel image has too many segments");
		if (segment->p_vaddr < LAYOUT_KERNEL_IMAGE || segment->p_vaddr % 4096 || segment->p_offset % 4096 ||
		    segment->p_vaddr + segment->p_memsz > LAYOUT_KERNEL_IMAGE + LAYOUT_IMAGE_SIZE_MAX)
			return fail(error, 0, "the kernel image has a segment at %#lx, outside its place", (long)segment->p_vaddr);
		image->segments[image->nr_segments++] = *segment;
	}
	return 0;
}

static void find_symbols(struct image *image, const Elf64_Ehdr *header)
{
	const Elf64_Shdr *sections = (const void *)(image->bytes + header->e_shoff);

	for (int i = 0; i < header->e_shnum; i++) {
		if (sections[i].sh_type != SHT_SYMTAB)
			continue;
		image->symbols = (const void *)(image->bytes + sections[i].sh_offset);
		image->nr_symbols = sections[i].sh_size / sizeof(Elf64_Sym);
		image->names = (const char *)image->bytes + sections[sections[i].sh_link].sh_offset;
		image->names_size = sections[sections[i].sh_link].sh_size;
	}
}

/* In one pass: there are thousands, and it is done for each container. */
static int find_entries(struct image *image, struct error *error)
{
	const struct {
		const char *name;
		uint64_t *address;
	} wanted[] = {
		{ "hostcall_start", &image->hostcall_start }, { "hostcall_end", &image->hostcall_end },
		{ "host_signal_entry", &image->signal_entry }, { "host_signal_restorer", &image->signal_restorer },
		{ "boot_stack_top", &image->boot_stack_top },
	};
	const size_t nr = sizeof(wanted) / sizeof(wanted[0]);

	for (size_t i = 0; i < image->nr_symbols; i++) {
		const char *name = image->names + image->symbols[i].st_name;

		if (strncmp(name, "host", 4) && strncmp(name, "boot", 4))
			continue;
		for (size_t j = 0; j < nr; j++)
			if (!strcmp(name, wanted[j].name))
				*wanted[j].address = image->symbols[i].st_value;
	}
	for (size_t j = 0; j < nr; j++)
		if (!*wanted[j].address)
			return fail(error, 0, "the kernel image lacks the symbol %s", wanted[j].name);
	return 0;
}

int image_load(struct image *ret_image, struct error *error)
{
	struct image image = { .bytes = kernel_image_start, .size = kernel_image_end - kernel_image_start };
	const Elf64_Ehdr *header = (const void *)image.bytes;

	if (image.size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_machine != EM_X86_64)
		return fail(error, 0, "the kernel image in this binary is not an x86-64 ELF file");
	image.entry = header->e_entry;
	if (find_segments(&image, header, error))
		return -1;
	find_symbols(&image, header);
	if (find_entries(&image, error))
		return -1;
	*ret_image = image;
	return 0;
}

int image_open(const struct image *image, off_t *ret_offset, struct error *error)
{
	const Elf64_Phdr *headers = (const void *)getauxval(AT_PHDR);
	uint64_t address = (uint64_t)image->bytes, base = (uint64_t)&__ehdr_start;
	int fd;

	/* The first loaded segment begins with the file's header. */
	for (unsigned long i = 0, first = 0; i < getauxval(AT_PHNUM); i++) {
		if (headers[i].p_type != PT_LOAD)
			continue;
		if (!first++)
			base -= headers[i].p_vaddr;
		if (address < base + headers[i].p_vaddr || address >= base + headers[i].p_vaddr + headers[i].p_filesz)
			continue;
		*ret_offset = address - base - headers[i].p_vaddr + headers[i].p_offset;
		if (*ret_offset % 4096)
			break;
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		return fd < 0 ? fail(error, errno, "cannot open this program's own file (is /proc mounted?)") : fd;
	}
	return fail(error, 0, "this program's file is not laid out as it should be: the kernel image is not on a page boundary");
}

const char *image_symbolise(const struct image *image, uint64_t address, uint64_t *ret_offset)
{
	const Elf64_Sym *best = NULL;

	for (size_t i = 0; i < image->nr_symbols; i++) {
		const Elf64_Sym *symbol = &image->symbols[i];
		int type = ELF64_ST_TYPE(symbol->st_info);

		if ((type != STT_FUNC && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF || symbol->st_value > address)
			continue;
		if (symbol->st_size && address > symbol->st_value + symbol->st_size)
			continue;
		if (!best || symbol->st_value > best->st_value)
			best = symbol;
	}
	if (!best)
		return NULL;
	*ret_offset = address - best->st_value;
	return image->names + best->st_name;
}
