/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to user memory. A user address is a type of its own: dereferencing it does not compile.
 *
 * User memory is mapped in the same host address space, so an access is a plain load or store whose fault
 * is caught through the exception table. Addresses that touch the kernel's range are -EFAULT, always.
 * May be called with the kernel lock held; the host may have to read the page from disk.
 */
#ifndef KERNEL_ARCH_X86_64_UACCESS_H
#define KERNEL_ARCH_X86_64_UACCESS_H

#include "kernel/kernel.h"

typedef struct { u64 addr; } user_ptr;
#define USER_NULL ((user_ptr){ 0 })
static inline user_ptr user_ptr_at(u64 addr) { return (user_ptr){ addr }; }
static inline user_ptr user_ptr_add(user_ptr p, u64 offset) { return (user_ptr){ p.addr + offset }; }
static inline bool user_ptr_is_null(user_ptr p) { return p.addr == 0; }

/* True if [p, p+n) lies wholly in the part of the address space that programs may use. */
bool access_ok(user_ptr p, size_t n);

/* All return 0 or -EFAULT; on failure a part may have been copied. */
int __must_check copy_from_user(void *dst, user_ptr src, size_t n);
int __must_check copy_to_user(user_ptr dst, const void *src, size_t n);
int __must_check clear_user(user_ptr dst, size_t n);
/* Return how many bytes were copied before a fault (all of n if none). */
size_t copy_from_user_partial(void *dst, user_ptr src, size_t n);
size_t copy_to_user_partial(user_ptr dst, const void *src, size_t n);

/* Copies a string with its NUL. Returns its length without the NUL; `size` if there is no NUL within `size`
 * bytes; -EFAULT. */
long __must_check strncpy_from_user(char *dst, user_ptr src, size_t size);
/* Length without the NUL, at most `max`; -EFAULT. */
long __must_check strnlen_user(user_ptr src, size_t max);
/* A copy of the string in the heap: the pointer, or ERR_PTR(-EFAULT, -ENOMEM, `too_long` if over `max`). */
char *strdup_from_user(user_ptr src, size_t max, int too_long);

/* One load or store each: what stands there is read or written as a whole. */
int __must_check get_user_u32(u32 *ret_value, user_ptr src);
int __must_check get_user_u64(u64 *ret_value, user_ptr src);
int __must_check put_user_u32(user_ptr dst, u32 value);
int __must_check put_user_u64(user_ptr dst, u64 value);
/* Atomic compare and exchange. 0 or -EFAULT; *expected receives what was there: success if it is unchanged. */
int __must_check cmpxchg_user_u32(user_ptr ptr, u32 *expected, u32 desired);
/* copy_from_user / copy_to_user of an object of known type. */
#define get_user_object(obj, src) copy_from_user((obj), (src), sizeof(*(obj)))
#define put_user_object(dst, obj) copy_to_user((dst), (obj), sizeof(*(obj)))

/*
 * A position in a list of buffers, in user or kernel memory: what read and write operations get.
 * Buffers were range-checked when the iterator was made.
 */
struct io_vector {
	u64 base; /* user address, or kernel pointer if iter->kernel */
	u64 length;
};
#define IO_INLINE 8
struct io_iter {
	struct io_vector *vectors;
	unsigned nr_vectors; /* from the current one on */
	bool kernel;
	bool background; /* for a kernel task that carries out asynchronous I/O: it would rather sleep than keep a cpu */
	bool nowait;  /* reads that would wait for the disk return -EAGAIN instead */
	size_t offset; /* within vectors[0] */
	size_t count;  /* bytes left in all */
	struct io_vector inline_vectors[IO_INLINE];
	struct io_vector *allocated; /* freed by io_iter_release */
};
/* One user buffer; 0 or -EFAULT. The length is cut to MAX_RW_COUNT. */
int io_iter_user(struct io_iter *it, user_ptr buffer, size_t length);
/* A user array of struct iovec: 0, -EFAULT, -EINVAL (readv(2)), -ENOMEM. */
int io_iter_user_vector(struct io_iter *it, user_ptr iov, unsigned long nr);
void io_iter_kernel(struct io_iter *it, void *buffer, size_t length);
void io_iter_release(struct io_iter *it);
/* Return the bytes moved, short of n at a fault or at the end of the iterator. */
size_t copy_to_iter(struct io_iter *it, const void *src, size_t n);
size_t copy_from_iter(struct io_iter *it, void *dst, size_t n);
size_t zero_iter(struct io_iter *it, size_t n);
void io_iter_advance(struct io_iter *it, size_t n);
#define MAX_RW_COUNT (0x7fffffffUL & PAGE_MASK)

#endif
