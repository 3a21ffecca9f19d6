/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of mm/. mmap_lock held unless said otherwise. */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H

#include "kernel/mm/mm.h"

void heap_init(u64 limit);
int pages_init(u64 limit);

/* An mm of its own with no mapping and no carrier; users 1. NULL. */
struct mm_struct *mm_alloc(void);
/* Copy of the vmas for fork (the host copies the memory). 0 or -ENOMEM. */
int mm_copy_vmas(struct mm_struct *to, struct mm_struct *from);
int mm_shape_child(struct mm_struct *mm); /* after the host has forked: MADV_DONTFORK, MADV_WIPEONFORK */
/* Drops all vmas without host calls: the host process is going away or wiped. */
void mm_drop_vmas(struct mm_struct *mm);
/* Unmaps everything a program may have mapped in the calling host process (NULL: whatever is mapped). Kernel lock not held. */
void mm_wipe_host(struct mm_struct *mm);
void mm_copy_layout(struct mm_struct *to, const struct mm_struct *from);

struct vma *vma_insert(struct mm_struct *mm, u64 start, u64 end);
void vma_free(struct vma *vma);
/* Makes vma boundaries at start and end; 0 or -ENOMEM. */
int vma_split_at(struct mm_struct *mm, u64 address);
/* Takes all vmas in [start, end) out of the tree (split at the ends before) and frees them. */
void vma_remove_range(struct mm_struct *mm, u64 start, u64 end);
/* Room for length bytes: at the hint if that is free; 0 if there is none. */
u64 vma_find_gap(struct mm_struct *mm, u64 length, u64 hint);
/* The same for MAP_32BIT: the hint if it is free and below 2 GiB, else the lowest place from 1 GiB to there. */
u64 vma_find_low_gap(struct mm_struct *mm, u64 length, u64 hint);
struct vma *vma_prev(struct vma *vma);
struct vma *vma_next(struct vma *vma);
void vma_account(struct mm_struct *mm, struct vma *vma, int sign);
void vma_merge_around(struct mm_struct *mm, struct vma *vma);
/* Establishes [start, end) of vma in the host. Kernel lock held, dropped meanwhile. */
int vma_map_host(struct vma *vma, u64 start, u64 end, unsigned host_flags);
bool range_is_user(u64 address, u64 length);

#endif
