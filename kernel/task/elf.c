// SPDX-License-Identifier: Apache-2.0
/*
 * Loading ELF programs: static, position independent, dynamic.
 *
 * Addresses are random per container, not per program: the same library stands at the same address in every process, so
 * that its patched call sites can be shown to the next program as well.
 */
#include "kernel/task/elf.h"

#include <linux/auxvec.h>
#include <linux/mman.h>

#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/cpuid_sites.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/vdso/vdso.h"
#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/sys/random.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define MAX_SEGMENTS 64
#define PIE_BASE 0x555555554000UL
#define STACK_GAP (1UL << 20)
#define STACK_DEFAULT (8UL << 20)

/* ---- examination ---- */

#define HEAD_SIZE 2000

struct exec_head {
	u64 version, size;
	struct timespec64 mtime;
	ssize_t length;
	char bytes[HEAD_SIZE];
};

ssize_t exec_read(struct file *file, void *buffer, size_t n, loff_t pos)
{
	struct inode *inode = file->inode;
	struct exec_head *head = inode->exec_head;

	if (pos < 0 || (u64)pos + n > HEAD_SIZE)
		return kernel_read(file, buffer, n, pos);
	if (!head || head->version != inode->version || head->size != (u64)inode->size ||
	    head->mtime.tv_sec != inode->mtime.tv_sec || head->mtime.tv_nsec != inode->mtime.tv_nsec) {
		struct exec_head *fresh = kmalloc(sizeof(*fresh));

		if (!fresh)
			return kernel_read(file, buffer, n, pos);
		fresh->version = inode->version;
		fresh->size = (u64)inode->size;
		fresh->mtime = inode->mtime;
		fresh->length = kernel_read(file, fresh->bytes, HEAD_SIZE, 0);
		if (fresh->length < 0) {
			ssize_t error = fresh->length;

			kfree(fresh);
			return error;
		}
		kfree(inode->exec_head);
		inode->exec_head = head = fresh;
	}
	if (pos >= head->length)
		return 0;
	n = min(n, (size_t)(head->length - pos));
	memcpy(buffer, head->bytes + pos, n);
	return (ssize_t)n;
}

static int read_object(struct file *file, struct elf_object *ret_object)
{
	struct elf64_hdr *h = &ret_object->header;
	size_t size;
	bool any = false;

	ret_object->segments = NULL;
	if (exec_read(file, h, sizeof(*h), 0) != sizeof(*h))
		return -ENOEXEC;
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64 ||
	    (h->e_type != ET_EXEC && h->e_type != ET_DYN) || h->e_phentsize != sizeof(struct elf64_phdr) || !h->e_phnum ||
	    h->e_phnum > MAX_SEGMENTS)
		return -ENOEXEC;
	size = h->e_phnum * sizeof(struct elf64_phdr);
	ret_object->segments = kmalloc(size);
	if (!ret_object->segments)
		return -ENOMEM;
	if (exec_read(file, ret_object->segments, size, (loff_t)h->e_phoff) != (ssize_t)size)
		return -ENOEXEC;
	for (int i = 0; i < h->e_phnum; i++) {
		struct elf64_phdr *p = &ret_object->segments[i];

		if (p->p_type != PT_LOAD)
			continue;
		any = true;
		if (p->p_filesz > p->p_memsz || p->p_memsz > USER_MAX || p->p_vaddr > USER_MAX ||
		    (p->p_offset & ~PAGE_MASK) != (p->p_vaddr & ~PAGE_MASK))
			return -ENOEXEC;
	}
	return any ? 0 : -ENOEXEC;
}

static int open_interpreter(struct file *file, struct elf_image *image)
{
	struct elf_object *o = &image->program;

	for (int i = 0; i < o->header.e_phnum; i++) {
		struct elf64_phdr *p = &o->segments[i];
		char path[256];
		int error;

		if (p->p_type != PT_INTERP)
			continue;
		if (p->p_filesz < 2 || p->p_filesz > sizeof(path))
			return -ENOEXEC;
		if (exec_read(file, path, p->p_filesz, (loff_t)p->p_offset) != (ssize_t)p->p_filesz || path[p->p_filesz - 1])
			return -ENOEXEC;
		image->interpreter_file = exec_open(AT_FDCWD, path, 0);
		if (IS_ERR(image->interpreter_file)) {
			error = (int)PTR_ERR(image->interpreter_file);
			image->interpreter_file = NULL;
			return error;
		}
		if (image->interpreter_file->inode->size < (loff_t)sizeof(image->interpreter.header))
			return -EIO;
		error = read_object(image->interpreter_file, &image->interpreter);
		return error == -ENOEXEC ? -ELIBBAD : error;
	}
	return 0;
}

int elf_examine(struct file *file, struct elf_image *ret_image)
{
	int error;

	memset(ret_image, 0, sizeof(*ret_image));
	error = read_object(file, &ret_image->program);
	if (!error)
		error = open_interpreter(file, ret_image);
	if (error)
		elf_release(ret_image);
	return error;
}

void elf_release(struct elf_image *image)
{
	kfree(image->program.segments);
	kfree(image->interpreter.segments);
	if (image->interpreter_file)
		file_put(image->interpreter_file);
	memset(image, 0, sizeof(*image));
}

/* ---- mapping ---- */

static unsigned segment_prot(const struct elf64_phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) | (p->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_segment(struct file *file, const struct elf64_phdr *p, u64 bias)
{
	u64 address = bias + p->p_vaddr, page = address & PAGE_MASK, skew = address - page;
	u64 file_end = address + p->p_filesz, mem_end = address + p->p_memsz, mapped_end = PAGE_ALIGN(file_end);
	unsigned prot = segment_prot(p);
	u64 result;

	if (p->p_filesz) {
		result = do_mmap(file, page, file_end - page, prot, MAP_PRIVATE | MAP_FIXED, p->p_offset - skew);
		if ((s64)result < 0)
			return (int)result;
		/* The rest of the last page belongs to bss: all of it, the dynamic linker's allocator uses it. */
		if (mem_end > file_end && (prot & PROT_WRITE) && mapped_end > file_end &&
		    clear_user(user_ptr_at(file_end), mapped_end - file_end))
			return -EFAULT;
	} else {
		mapped_end = page;
	}
	if (PAGE_ALIGN(mem_end) > mapped_end) {
		result = do_mmap(NULL, mapped_end, PAGE_ALIGN(mem_end) - mapped_end, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, 0);
		if ((s64)result < 0)
			return (int)result;
	}
	return 0;
}

struct extent {
	u64 low, high, align;
};

static struct extent object_extent_of(const struct elf_object *o)
{
	struct extent e = { UINT64_MAX, 0, PAGE_SIZE };

	for (int i = 0; i < o->header.e_phnum; i++) {
		const struct elf64_phdr *p = &o->segments[i];

		if (p->p_type != PT_LOAD)
			continue;
		e.low = min(e.low, p->p_vaddr & PAGE_MASK);
		e.high = max(e.high, PAGE_ALIGN(p->p_vaddr + p->p_memsz));
		if (p->p_align > e.align && !(p->p_align & (p->p_align - 1)) && p->p_align <= 1UL << 21)
			e.align = p->p_align;
	}
	return e;
}

/* Maps all segments; *ret_bias is what was added to the addresses in the file. */
static int map_object_segments(struct file *file, const struct elf_object *o, u64 base, u64 *ret_bias)
{
	struct extent e = object_extent_of(o);
	u64 bias = o->header.e_type == ET_DYN ? base - e.low : 0;

	if (!range_is_user(bias + e.low, e.high - e.low) || bias + e.low < USER_MIN)
		return -ENOMEM;
	for (int i = 0; i < o->header.e_phnum; i++) {
		const struct elf64_phdr *p = &o->segments[i];
		int error = p->p_type == PT_LOAD && p->p_memsz ? map_segment(file, p, bias) : 0;

		if (error)
			return error;
	}
	*ret_bias = bias;
	return 0;
}

/* ---- layout ---- */

static u64 boot_random(int i)
{
	u64 word;

	memcpy(&word, boot->random + 8 * i, 8);
	return hash_u64(word);
}

static u64 stack_size(void)
{
	u64 limit = rlimit(RLIMIT_STACK);

	return limit == RLIM64_INFINITY || limit > (64UL << 20) ? (limit == RLIM64_INFINITY ? STACK_DEFAULT : 64UL << 20) :
	       PAGE_ALIGN(max(limit, 128UL << 10));
}

static int map_stack(struct mm_struct *mm, size_t arguments)
{
	u64 top = (USER_MAX - (boot_random(0) & 0x3ffff) * PAGE_SIZE) & PAGE_MASK;
	u64 size = stack_size() + PAGE_ALIGN(arguments), start = top - size;
	u64 result = do_mmap(NULL, start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, 0);
	struct vma *vma;

	if ((s64)result < 0)
		return (int)result;
	vma = vma_find(mm, start);
	vma->name = "[stack]";
	vma_account(mm, vma, -1);
	vma->flags |= VM_GROWSDOWN;
	vma_account(mm, vma, 1);
	mm->start_stack = top;
	/* Not a page more or less with each argument: a library is to stand where its patched text is kept for. */
	mm->mmap_base = ALIGN_DOWN(start, STACK_GAP) - STACK_GAP;
	return 0;
}

/* ---- the stack of a new program ---- */

struct auxv {
	u64 *words;
	unsigned n;
};

static void put_aux(struct auxv *a, u64 type, u64 value)
{
	a->words[a->n++] = type;
	a->words[a->n++] = value;
}

struct program {
	u64 entry, phdr, base, bias;
	u64 random, platform, path; /* user addresses */
};

/* Asked for once: in a virtual machine the answer takes longer than all else here. */
static u64 hwcap(void)
{
	static u32 features;

	if (!features)
		features = cpuid(1, 0).edx;
	return features;
}

static void fill_auxv(struct mm_struct *mm, const struct elf_image *image, const struct program *p, bool secure)
{
	struct auxv a = { mm->auxv, 0 };
	const struct cred *cred = current->cred;

	memset(mm->auxv, 0, sizeof(mm->auxv));
	if (mm->vdso)
		put_aux(&a, AT_SYSINFO_EHDR, mm->vdso);
	put_aux(&a, 51 /* AT_MINSIGSTKSZ */, 1024 + boot->xstate_size);
	put_aux(&a, AT_HWCAP, hwcap());
	put_aux(&a, AT_PAGESZ, PAGE_SIZE);
	put_aux(&a, AT_CLKTCK, 100);
	put_aux(&a, AT_PHDR, p->phdr);
	put_aux(&a, AT_PHENT, sizeof(struct elf64_phdr));
	put_aux(&a, AT_PHNUM, image->program.header.e_phnum);
	put_aux(&a, AT_BASE, p->base);
	put_aux(&a, AT_FLAGS, 0);
	put_aux(&a, AT_ENTRY, p->bias + image->program.header.e_entry);
	put_aux(&a, AT_UID, cred->uid);
	put_aux(&a, AT_EUID, cred->euid);
	put_aux(&a, AT_GID, cred->gid);
	put_aux(&a, AT_EGID, cred->egid);
	put_aux(&a, AT_SECURE, secure);
	put_aux(&a, AT_RANDOM, p->random);
	put_aux(&a, AT_HWCAP2, 2 /* FSGSBASE */);
	put_aux(&a, AT_EXECFN, p->path);
	put_aux(&a, AT_PLATFORM, p->platform);
}

/* Writes strings, auxv, envp, argv, argc below the top of the stack; returns the stack pointer or -EFAULT. */
static u64 build_stack(struct mm_struct *mm, const struct elf_image *image, struct program *p, struct exec_args *args,
		       const char *path, bool secure)
{
	u64 sp = mm->start_stack - 8, strings, table, at;
	size_t path_size = strlen(path) + 1, aux_words = ARRAY_SIZE(mm->auxv);
	u8 random[16];
	u64 *pointers;
	size_t words = 1 + args->argc + 1 + args->envc + 1 + aux_words;
	u64 i = 0;
	int error;

	p->path = sp -= path_size;
	strings = sp -= args->used;
	mm->arg_start = strings;
	mm->arg_end = mm->env_start = strings + args->env_offset;
	mm->env_end = strings + args->used;
	p->platform = sp -= 8;
	p->random = sp = (sp - 16 - (boot_random(1) & 0xff0)) & ~15UL;
	table = (sp - words * 8) & ~15UL;
	get_random_bytes(random, sizeof(random));
	fill_auxv(mm, image, p, secure);

	pointers = heap_pages_alloc(PAGE_ALIGN(words * 8) >> PAGE_SHIFT);
	if (!pointers)
		return (u64)-ENOMEM;
	pointers[i++] = args->argc;
	at = 0;
	for (unsigned n = 0; n < args->argc + args->envc; n++) {
		if (n == args->argc)
			pointers[i++] = 0;
		pointers[i++] = strings + at;
		at += strlen(args->strings + at) + 1;
	}
	if (!args->envc)
		pointers[i++] = 0;
	pointers[i++] = 0;
	memcpy(pointers + i, mm->auxv, aux_words * 8);
	error = copy_to_user(user_ptr_at(p->path), path, path_size);
	error |= copy_to_user(user_ptr_at(strings), args->strings, args->used);
	error |= copy_to_user(user_ptr_at(p->platform), "x86_64", 7);
	error |= copy_to_user(user_ptr_at(p->random), random, 16);
	error |= copy_to_user(user_ptr_at(table), pointers, words * 8);
	heap_pages_free(pointers, PAGE_ALIGN(words * 8) >> PAGE_SHIFT);
	return error ? (u64)-EFAULT : table;
}

/* A dynamic linker's text, or a static program's: both ask what the processor can do. */
static void patch_cpuid(struct mm_struct *mm, const struct elf_object *o, u64 bias)
{
	for (int i = 0; i < o->header.e_phnum; i++) {
		const struct elf64_phdr *p = &o->segments[i];
		struct vma *vma;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		mutex_lock(&mm->mmap_lock);
		vma = vma_find(mm, bias + p->p_vaddr);
		if (vma && vma->start == ((bias + p->p_vaddr) & PAGE_MASK))
			cpuid_sites_patch(vma);
		mutex_unlock(&mm->mmap_lock);
	}
}

static void set_code_bounds(struct mm_struct *mm, const struct elf_object *o, u64 bias)
{
	u64 brk = 0;

	mm->start_code = UINT64_MAX;
	mm->end_code = mm->start_data = mm->end_data = 0;
	for (int i = 0; i < o->header.e_phnum; i++) {
		const struct elf64_phdr *p = &o->segments[i];
		u64 start = bias + p->p_vaddr;

		if (p->p_type != PT_LOAD)
			continue;
		if (p->p_flags & PF_X) {
			mm->start_code = min(mm->start_code, start);
			mm->end_code = max(mm->end_code, start + p->p_filesz);
		} else {
			mm->start_data = max(mm->start_data, start);
			mm->end_data = max(mm->end_data, start + p->p_filesz);
		}
		brk = max(brk, start + p->p_memsz);
	}
	mm->start_brk = mm->brk = PAGE_ALIGN(brk) + (boot_random(2) & 0xfff) * PAGE_SIZE;
}

static u64 program_headers_at(const struct elf_object *o, u64 bias)
{
	for (int i = 0; i < o->header.e_phnum; i++) {
		const struct elf64_phdr *p = &o->segments[i];

		if (p->p_type == PT_PHDR)
			return bias + p->p_vaddr;
	}
	for (int i = 0; i < o->header.e_phnum; i++) {
		const struct elf64_phdr *p = &o->segments[i];

		if (p->p_type == PT_LOAD && p->p_offset <= o->header.e_phoff && o->header.e_phoff < p->p_offset + p->p_filesz)
			return bias + p->p_vaddr + (o->header.e_phoff - p->p_offset);
	}
	return 0;
}

int elf_load(struct elf_image *image, struct file *file, struct exec_args *args, const char *path, bool secure)
{
	struct mm_struct *mm = current->mm;
	struct program p = { 0 };
	u64 sp, base = PIE_BASE + (boot_random(3) & 0xfffff) * PAGE_SIZE, bias;
	struct extent e = object_extent_of(&image->program);
	int error = map_stack(mm, args->used + (args->argc + args->envc) * 8UL + 8192);

	if (!error && image->program.header.e_type == ET_DYN && !image->interpreter_file)
		base = vma_find_gap(mm, e.high - e.low + e.align, 0);
	base = ALIGN_UP(base, e.align);
	if (!error)
		error = map_object_segments(file, &image->program, base, &p.bias);
	if (error)
		return error;
	p.entry = p.bias + image->program.header.e_entry;
	p.phdr = program_headers_at(&image->program, p.bias);
	set_code_bounds(mm, &image->program, p.bias);
	if (image->program.header.e_type == ET_DYN && !image->interpreter_file)
		mm->start_brk = mm->brk = PIE_BASE + (boot_random(2) & 0xfff) * PAGE_SIZE;
	if (image->interpreter_file) {
		e = object_extent_of(&image->interpreter);
		base = ALIGN_UP(vma_find_gap(mm, e.high - e.low + e.align, 0), e.align);
		error = map_object_segments(image->interpreter_file, &image->interpreter, base, &bias);
		if (error)
			return error;
		p.base = base;
		p.entry = bias + image->interpreter.header.e_entry;
		patch_cpuid(mm, &image->interpreter, bias);
	} else {
		patch_cpuid(mm, &image->program, p.bias);
	}
	mm->vdso = 0;
	if (!deterministic) /* a clock that is read without the kernel cannot be this kernel's */
		(void)vdso_map(0, &mm->vdso);
	sp = build_stack(mm, image, &p, args, path, secure);
	if ((s64)sp < 0)
		return (int)sp;
	arch_start_thread(current->regs, p.entry, sp);
	return 0;
}
