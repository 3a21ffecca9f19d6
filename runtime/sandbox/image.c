/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/image.h"

#include <string.h>

#include "include/abi/layout.h"

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
		if (segment->p_vaddr < LAYOUT_KERNEL_IMAGE || segment->p_vaddr % 4096 ||
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
	*ret_image = image;
	return 0;
}

uint64_t image_symbol(const struct image *image, const char *name)
{
	for (size_t i = 0; i < image->nr_symbols; i++)
		if (image->symbols[i].st_shndx != SHN_UNDEF && !strcmp(image->names + image->symbols[i].st_name, name))
			return image->symbols[i].st_value;
	return 0;
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
