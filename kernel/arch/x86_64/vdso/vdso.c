// SPDX-License-Identifier: Apache-2.0
/*
 * Maps the vDSO into programs. There is one copy, on pages of the page memfd, in which the address of the host's clock
 * function has been filled in; every program maps the same pages.
 */
#include "kernel/arch/x86_64/vdso/vdso.h"

#include "host.gen.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"

/* What vdso.S leaves where the address belongs. */
#define HOST_FUNCTION_MARK 0x1122334455667788ULL

/* vdso.S reads these. */
_Static_assert(offsetof(struct carrier, cpu) == 32 && offsetof(struct cpu, id) == 0, "getcpu in the vDSO");

extern const unsigned char vdso_image[];
extern const unsigned long vdso_image_size;

static page_t first_page;

static u64 nr_pages(void)
{
	return PAGE_ALIGN(vdso_image_size) >> PAGE_SHIFT;
}

static page_t vdso_get_page(struct page_object *object, u64 index)
{
	return index < nr_pages() ? first_page + (page_t)index : 0;
}

static int vdso_extent(struct page_object *object, u64 index, u64 nr, page_t *ret_first, u64 *ret_run)
{
	if (index >= nr_pages())
		return -ERANGE;
	*ret_first = first_page + (page_t)index;
	*ret_run = min(nr, nr_pages() - index);
	return 0;
}

static void vdso_get(struct page_object *object)
{
}

static void vdso_put(struct page_object *object)
{
}

static int vdso_mapped(struct page_object *object, bool shared_writable)
{
	return 0;
}

static void vdso_unmapped(struct page_object *object, bool shared_writable)
{
}

static const struct page_object_ops vdso_ops = {
	.get_page = vdso_get_page,
	.extent = vdso_extent,
	.get = vdso_get,
	.put = vdso_put,
	.map = vdso_mapped,
	.unmap = vdso_unmapped,
};
static struct page_object vdso_object = { .ops = &vdso_ops };

int vdso_map(u64 hint, u64 *ret_base)
{
	u64 base = do_mmap_object(&vdso_object, hint, nr_pages() << PAGE_SHIFT, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0);
	struct vma *vma;

	if (base >= (u64)-MAX_ERRNO)
		return (int)(s64)base;
	vma = vma_find(current->mm, base);
	if (vma && vma->start == base)
		vma->name = "[vdso]";
	*ret_base = base;
	return 0;
}

#define GETCPU_BY_GS "\x65\x48\x8b\x04\x25\x20\x00\x00\x00"
#define GETCPU_CALL "\xb8\x35\x01\x00\x00\x0f\x05\xc3" /* mov $309,%eax; syscall; ret */
/* The instruction after it keeps its place: a thread may be about to execute it. */
_Static_assert(sizeof(GETCPU_CALL) < sizeof(GETCPU_BY_GS), "");

void vdso_without_gs(struct mm_struct *mm)
{
	u64 length = nr_pages() << PAGE_SHIFT, at;
	const struct vma *vma = mm->vdso ? vma_find(mm, mm->vdso) : NULL;
	u8 code[sizeof(GETCPU_BY_GS) - 1];

	for (at = 0; at + sizeof(code) <= vdso_image_size; at++)
		if (memcmp(vdso_image + at, GETCPU_BY_GS, sizeof(code)) == 0)
			break;
	if (!vma || vma->object != &vdso_object || vma->start > mm->vdso || vma->end < mm->vdso + length ||
	    copy_from_user(code, user_ptr_at(mm->vdso + at), sizeof(code)) || memcmp(code, GETCPU_BY_GS, sizeof(code)) != 0)
		return;
	if (host_mprotect(mm->vdso, length, PROT_READ | PROT_WRITE | PROT_EXEC))
		return;
	(void)!copy_to_user(user_ptr_at(mm->vdso + at), GETCPU_CALL, sizeof(GETCPU_CALL) - 1);
	host_mprotect(mm->vdso, length, PROT_READ | PROT_EXEC);
}

static int vdso_init(void)
{
	u64 function = ktime_host_function();
	unsigned char *image;

	first_page = page_alloc_run((unsigned)nr_pages());
	if (!first_page)
		return -ENOMEM;
	image = page_address(first_page);
	memcpy(image, vdso_image, vdso_image_size);
	for (unsigned long i = 0; i + sizeof(u64) <= vdso_image_size; i += sizeof(u64)) {
		u64 word;

		memcpy(&word, image + i, sizeof(word));
		if (word == HOST_FUNCTION_MARK) {
			memcpy(image + i, &function, sizeof(function));
			return 0;
		}
	}
	return -ENOENT;
}
INITCALL(vdso, vdso_init, "");
