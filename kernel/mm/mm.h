/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces. The kernel keeps the VMAs and decides every address; the host executes. User memory is the
 * host process's own memory; a vma says what stands where.
 *
 * mm->mmap_lock (mutex) protects the tree and is held over the host calls. Lookups by other tasks (proc) take it too.
 */
#ifndef KERNEL_MM_MM_H
#define KERNEL_MM_MM_H

#include <linux/mman.h>
#include <asm/mman.h>

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/kernel.h"
#include "kernel/locking.h"
#include "kernel/mm/pages.h"
#include "lib/rbtree.h"

struct file;
struct carrier;
struct text_copy;

/* Limits of the user part. The kernel's own range lies inside and belongs to nobody. */
#define USER_MIN 0x10000UL
#define LOW_MAP_START 0x40000000UL /* where MAP_32BIT looks */
#define LOW_MAP_END 0x80000000UL
#define USER_MAX 0x7ffffffff000UL
#define KERNEL_RANGE_START 0x680000000000UL
#define KERNEL_RANGE_END 0x6c0000000000UL
#define SITE_TABLE_START 0x7f060000UL /* jump table of patched call sites, arch/x86_64/patch.c */
#define SITE_TABLE_END 0x7f070000UL

enum vma_backing {
	VMA_ANON,      /* private anonymous host memory */
	VMA_HOST_FILE, /* a host descriptor, vma->host_fd: hostfs files, private or shared */
	VMA_PAGES,     /* ranges of the page memfd: tmpfs, memfd, shared anonymous, shm */
};

/* Who owns the pages of a VMA_PAGES vma. Offsets are page indexes in the object. */
struct page_object;
struct page_object_ops {
	/* The page at `index`, made if it is not there; 0 when memory or size limit is reached. Not counted for the caller. */
	page_t (*get_page)(struct page_object *object, u64 index);
	/*
	 * The pages at [index, index + *ret_run), next to each other in the page memfd from *ret_first on; made where they
	 * are missing. 1 <= *ret_run <= nr. What do_mmap maps, one run per host call.
	 * 0; -ERANGE: index is beyond the end of the file, leave the rest of the mapping inaccessible (SIGBUS) until
	 * unmap_object_range() says that it grew; -ENOMEM, -ENOSPC. Does not sleep.
	 */
	int (*extent)(struct page_object *object, u64 index, u64 nr, page_t *ret_first, u64 *ret_run);
	u64 (*end)(struct page_object *object); /* the first index beyond the end of the file; NULL: every index is within */
	void (*get)(struct page_object *object);
	void (*put)(struct page_object *object);
	/* A writable shared mapping comes or goes (memfd seals). */
	int (*map)(struct page_object *object, bool shared_writable);
	void (*unmap)(struct page_object *object, bool shared_writable);
};
struct page_object {
	const struct page_object_ops *ops;
};
/* Shared anonymous memory: an object of its own, one reference; NULL when out of memory. */
struct page_object *page_object_anon(void);

struct vma {
	struct rb_node node;
	u64 start, end;     /* page aligned */
	unsigned prot;      /* PROT_* */
	unsigned flags;     /* VM_* below */
	u64 file_offset;    /* bytes, of start */
	enum vma_backing backing;
	int host_fd;        /* VMA_HOST_FILE: valid while file is held */
	struct page_object *object; /* VMA_PAGES: counted */
	struct file *file;  /* counted; for maps, exec and fsync; NULL: anonymous */
	const char *name;   /* static: "[heap]", "[stack]", "[vdso]" */
	struct text_copy *text; /* counted; patched text shown over the file, arch/x86_64/patch_cache.c */
	struct mm_struct *mm;
	unsigned max_prot;  /* what mprotect may grant (file opened read-only, sealed) */
};
#define VM_SHARED 0x1
#define VM_GROWSDOWN 0x2
#define VM_LOCKED 0x4
#define VM_NORESERVE 0x8
#define VM_DONTFORK 0x10
#define VM_WIPEONFORK 0x20
#define VM_PATCHED 0x40  /* text shown from the cache of patched pages */
#define VM_DONTDUMP 0x80

struct mm_struct {
	refcount_t users;     /* tasks */
	struct mutex mmap_lock;
	struct rb_root vmas;
	int nr_vmas;
	u64 total_vm;         /* pages, for RLIMIT_AS and statm */
	u64 locked_vm, data_vm, stack_vm;
	u64 mmap_base;        /* mappings are placed below */
	u64 start_code, end_code, start_data, end_data;
	u64 start_brk, brk, start_stack;
	u64 arg_start, arg_end, env_start, env_end;
	u64 vdso;
	u64 auxv[48];         /* /proc/PID/auxv */
	struct file *exe;     /* counted */
	int dumpable;
	struct list_head carriers;
	struct list_head work; /* struct mm_work: to be run inside this address space */
	bool dying;
	u64 refresh_pass; /* unmap_object_range has been here */
	u64 inspect_pass; /* inspect/threads.c has been here */
	int nr_carriers;
	int host_pid;         /* the host process */
	int nr_tasks;
	u8 traps[64];         /* by hash of the call site, arch/x86_64/patch.c */
	bool no_patch;        /* call sites stay on SIGSYS */
	bool user_gs;         /* its programs have GS, arch/x86_64/gs.h */
	bool giving_gs;       /* a task is at it */
	bool kernel_mm;       /* the kernel process */
	bool membarrier_registered, membarrier_sync_core;
	u64 peak_vm;
	u64 rss_pages, rss_time; /* resident pages, and when (CLOCK_MONOTONIC) that was asked */
	struct wait_queue_head core_wait;
	struct aio_context *aio; /* asynchronous I/O: vfs/aio.h */
};
extern struct mm_struct kernel_mm;

struct vma *vma_find(struct mm_struct *mm, u64 address); /* the first that ends above address */
u64 do_mmap(struct file *file, u64 address, u64 length, unsigned prot, unsigned flags /* MAP_* */, u64 offset); /* or negative errno */
u64 do_mmap_object(struct page_object *object, u64 address, u64 length, unsigned prot, unsigned flags, u64 offset); /* shm */
int do_munmap(u64 address, u64 length);
int do_mprotect(u64 address, u64 length, unsigned prot);
struct mm_struct *mm_get(struct mm_struct *mm);
void mm_put(struct mm_struct *mm);
/* Reads another task's memory through its host process's state; used by /proc/PID/cmdline, environ, mem and process_vm_readv.
 * Sleeps: the read is done by a carrier of that mm. Bytes read or -errno. */
ssize_t mm_read(struct mm_struct *mm, u64 address, void *buffer, size_t n);
ssize_t mm_write(struct mm_struct *mm, u64 address, const void *buffer, size_t n);
/* A fault at an address of a mapped object. True: it is mapped now, try again. *ret_beyond_end: SIGBUS. */
bool mm_fault_in(u64 address, unsigned access, bool *ret_beyond_end);
/*
 * MADV_POPULATE_READ or _WRITE of a range of current's memory, in pieces: the host's call cannot be left when the task is
 * killed (-EINTR). 0, or the host's error. Sleeps.
 */
#define POPULATE_STEP (16UL << 20)
long mm_populate(u64 start, u64 end, int advice);
u64 mm_rss_pages(struct mm_struct *mm); /* sampled by the monitor */
/* Bytes that the whole container takes on the host, as they count against its limit; or -errno. Asks the monitor, which sleeps. */
s64 memory_in_use(void);

/* Backing for do_mmap from file->ops->mmap: vma_set_host(vma, fd) or vma_set_object(vma, object). */
static inline void vma_set_host(struct vma *vma, int host_fd) { vma->backing = VMA_HOST_FILE; vma->host_fd = host_fd; }
static inline void vma_set_object(struct vma *vma, struct page_object *object) { vma->backing = VMA_PAGES; vma->object = object; object->ops->get(object); }
/*
 * What stands at these indexes of the object has changed: every mapping of the range asks extent() again (pages, or nothing
 * beyond the end of the file). Called after truncating or growing a mapped file. Pages that were mapped stay valid and zeroed,
 * owned by the object, for as long as any vma maps it; so a view that is not yet updated does no harm. May sleep.
 */
void unmap_object_range(struct page_object *object, u64 first_index, u64 nr);

#endif
