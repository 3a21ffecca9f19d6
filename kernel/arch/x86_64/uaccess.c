// SPDX-License-Identifier: Apache-2.0
/* Copies between kernel and user memory, and iterators over user buffers. */
#include "kernel/arch/x86_64/uaccess.h"

#include <linux/uio.h>

#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"

size_t raw_copy(void *dst, const void *src, size_t n);
size_t raw_clear(void *dst, size_t n);
long raw_strncpy(char *dst, const char *src, size_t size);
long raw_strnlen(const char *src, size_t max);
int raw_get_u32(u32 *dst, const u32 *src);
int raw_get_u64(u64 *dst, const u64 *src);
int raw_put_u32(u32 *dst, u32 value);
int raw_put_u64(u64 *dst, u64 value);
int raw_cmpxchg_u32(u32 *ptr, u32 *expected, u32 desired);

bool access_ok(user_ptr p, size_t n)
{
	u64 end = p.addr + n;

	if (end < p.addr || end > USER_MAX)
		return false;
	if (p.addr >= SITE_TABLE_END)
		return end <= KERNEL_RANGE_START || p.addr >= KERNEL_RANGE_END;
	return end <= SITE_TABLE_START;
}

size_t copy_from_user_partial(void *dst, user_ptr src, size_t n)
{
	if (!access_ok(src, n))
		return 0;
	return n - raw_copy(dst, (const void *)src.addr, n);
}

size_t copy_to_user_partial(user_ptr dst, const void *src, size_t n)
{
	if (!access_ok(dst, n))
		return 0;
	return n - raw_copy((void *)dst.addr, src, n);
}

int copy_from_user(void *dst, user_ptr src, size_t n)
{
	return copy_from_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int copy_to_user(user_ptr dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int clear_user(user_ptr dst, size_t n)
{
	return access_ok(dst, n) && raw_clear((void *)dst.addr, n) == 0 ? 0 : -EFAULT;
}

/* Bytes from `src` to the end of the part of the address space that it lies in; 0 if it lies in none. */
static size_t user_room(user_ptr src)
{
	if (src.addr < SITE_TABLE_START)
		return SITE_TABLE_START - src.addr;
	if (src.addr >= SITE_TABLE_END && src.addr < KERNEL_RANGE_START)
		return KERNEL_RANGE_START - src.addr;
	if (src.addr >= KERNEL_RANGE_END && src.addr < USER_MAX)
		return USER_MAX - src.addr;
	return 0;
}

long strncpy_from_user(char *dst, user_ptr src, size_t size)
{
	size_t room = user_room(src);
	long length = raw_strncpy(dst, (const char *)src.addr, min(size, room));

	if (length >= 0 && (size_t)length == room && room < size)
		return -EFAULT;
	return room ? length : -EFAULT;
}

long strnlen_user(user_ptr src, size_t max_length)
{
	size_t room = user_room(src);
	long length = raw_strnlen((const char *)src.addr, min(max_length, room));

	if (!room || (length >= 0 && (size_t)length == room && room < max_length))
		return -EFAULT;
	return length;
}

char *strdup_from_user(user_ptr src, size_t max_length, int too_long)
{
	long length = strnlen_user(src, max_length + 1);
	char *copy;

	if (length < 0)
		return ERR_PTR(length);
	if ((size_t)length > max_length)
		return ERR_PTR(too_long);
	copy = kmalloc((size_t)length + 1);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	/* The program may change the string meanwhile: whatever arrives is cut at the length we have room for. */
	if (copy_from_user(copy, src, (size_t)length)) {
		kfree(copy);
		return ERR_PTR(-EFAULT);
	}
	copy[length] = '\0';
	return copy;
}

int get_user_u32(u32 *ret_value, user_ptr src)
{
	return access_ok(src, sizeof(u32)) ? raw_get_u32(ret_value, (const u32 *)src.addr) : -EFAULT;
}

int get_user_u64(u64 *ret_value, user_ptr src)
{
	return access_ok(src, sizeof(u64)) ? raw_get_u64(ret_value, (const u64 *)src.addr) : -EFAULT;
}

int put_user_u32(user_ptr dst, u32 value)
{
	return access_ok(dst, sizeof(u32)) ? raw_put_u32((u32 *)dst.addr, value) : -EFAULT;
}

int put_user_u64(user_ptr dst, u64 value)
{
	return access_ok(dst, sizeof(u64)) ? raw_put_u64((u64 *)dst.addr, value) : -EFAULT;
}

int cmpxchg_user_u32(user_ptr ptr, u32 *expected, u32 desired)
{
	if (!access_ok(ptr, sizeof(u32)))
		return -EFAULT;
	return raw_cmpxchg_u32((u32 *)ptr.addr, expected, desired);
}

int io_iter_user(struct io_iter *it, user_ptr buffer, size_t length)
{
	it->allocated = NULL;
	if (length > MAX_RW_COUNT)
		length = MAX_RW_COUNT;
	if (!access_ok(buffer, length))
		return -EFAULT;
	it->vectors = it->inline_vectors;
	it->inline_vectors[0] = (struct io_vector){ buffer.addr, length };
	it->nr_vectors = 1;
	it->kernel = it->background = it->nowait = false;
	it->offset = 0;
	it->count = length;
	return 0;
}

int io_iter_user_vector(struct io_iter *it, user_ptr iov, unsigned long nr)
{
	size_t total = 0;

	it->allocated = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	it->vectors = it->inline_vectors;
	if (nr > IO_INLINE) {
		it->allocated = kmalloc(nr * sizeof(struct io_vector));
		if (!it->allocated)
			return -ENOMEM;
		it->vectors = it->allocated;
	}
	if (copy_from_user(it->vectors, iov, nr * sizeof(struct io_vector)))
		goto fault;
	for (unsigned long i = 0; i < nr; i++) {
		struct io_vector *v = &it->vectors[i];

		if ((s64)v->length < 0) {
			io_iter_release(it);
			return -EINVAL;
		}
		if (v->length > MAX_RW_COUNT - total)
			v->length = MAX_RW_COUNT - total;
		if (!access_ok(user_ptr_at(v->base), v->length))
			goto fault;
		total += v->length;
	}
	it->nr_vectors = (unsigned)nr;
	it->kernel = it->background = it->nowait = false;
	it->offset = 0;
	it->count = total;
	return 0;
fault:
	io_iter_release(it);
	return -EFAULT;
}

void io_iter_kernel(struct io_iter *it, void *buffer, size_t length)
{
	it->allocated = NULL;
	it->vectors = it->inline_vectors;
	it->inline_vectors[0] = (struct io_vector){ (u64)buffer, length };
	it->nr_vectors = 1;
	it->kernel = true;
	it->background = it->nowait = false;
	it->offset = 0;
	it->count = length;
}

void io_iter_release(struct io_iter *it)
{
	kfree(it->allocated);
	it->allocated = NULL;
}

void io_iter_advance(struct io_iter *it, size_t n)
{
	it->count -= n;
	it->offset += n;
	while (it->nr_vectors && it->offset >= it->vectors->length) {
		it->offset -= it->vectors->length;
		it->vectors++;
		it->nr_vectors--;
	}
}

enum direction { TO_ITER, FROM_ITER, ZERO_ITER };

static size_t iter_move(struct io_iter *it, void *buffer, size_t n, enum direction direction)
{
	size_t done = 0;

	if (n > it->count)
		n = it->count;
	while (done < n) {
		size_t chunk = min(n - done, it->vectors->length - it->offset);
		char *there = (char *)it->vectors->base + it->offset;
		size_t left;

		if (direction == TO_ITER)
			left = raw_copy(there, (char *)buffer + done, chunk);
		else if (direction == FROM_ITER)
			left = raw_copy((char *)buffer + done, there, chunk);
		else
			left = raw_clear(there, chunk);
		done += chunk - left;
		io_iter_advance(it, chunk - left);
		if (left)
			break;
	}
	return done;
}

size_t copy_to_iter(struct io_iter *it, const void *src, size_t n) { return iter_move(it, (void *)src, n, TO_ITER); }
size_t copy_from_iter(struct io_iter *it, void *dst, size_t n) { return iter_move(it, dst, n, FROM_ITER); }
size_t zero_iter(struct io_iter *it, size_t n) { return iter_move(it, NULL, n, ZERO_ITER); }
