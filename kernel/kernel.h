/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every kernel file may use: fixed-width types, errno, error pointers, assertions, the log.
 *
 * The kernel is freestanding. It may include this project's headers, the compiler's freestanding
 * headers and the Linux uapi headers (<linux/...>, <asm/...>), which define the ABI it implements;
 * never a libc header.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/errno.h>

#include "lib/list.h"
#include "lib/string.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef long ssize_t;
typedef s64 loff_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef s32 pid_t;
typedef u32 mode_t;
typedef u64 dev_t; /* encoded as glibc's makedev() and struct stat do */
typedef u64 ino_t;

/* Internal to the kernel, never seen by programs: how an interrupted call is restarted (signal(7)). */
#define ERESTARTSYS 512           /* restart if SA_RESTART, else EINTR */
#define ERESTARTNOINTR 513        /* always restart */
#define ERESTARTNOHAND 514        /* restart only if no handler runs, else EINTR */
#define ENOIOCTLCMD 515           /* this file knows no such ioctl: ENOTTY */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2), else EINTR */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((u64)(x) + PAGE_SIZE - 1) & PAGE_MASK)

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#define ROUND_UP(x, n) ((((x) + (n) - 1) / (n)) * (n))
#define ALIGN_UP(x, n) (((x) + (n) - 1) & ~((__typeof__(x))(n) - 1))
#define ALIGN_DOWN(x, n) ((x) & ~((__typeof__(x))(n) - 1))
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier() __asm__ __volatile__("" ::: "memory")
#define cpu_relax() __builtin_ia32_pause()
#define __noreturn __attribute__((noreturn))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __must_check __attribute__((warn_unused_result))
/* Where data stands, kernel.ld: large tables, away from what every process touches; tables that every process touches. */
#define __cold_data __attribute__((section(".cold,\"aw\",@nobits#")))
#define __hot_data __attribute__((section(".hot,\"aw\",@nobits#")))
#define __aligned(n) __attribute__((aligned(n)))
#define __maybe_unused __attribute__((unused)) /* not __unused: a member of uapi structs */

/* A pointer or a negative errno in one word; errnos are -1 .. -4095. */
#define MAX_ERRNO 4095
static inline void *ERR_PTR(long error) { return (void *)error; }
static inline long PTR_ERR(const void *ptr) { return (long)ptr; }
static inline bool IS_ERR(const void *ptr) { return (u64)ptr >= (u64)-MAX_ERRNO; }
static inline bool IS_ERR_OR_NULL(const void *ptr) { return !ptr || IS_ERR(ptr); }

/*
 * The kernel log. Levels as syslog(2). Never sleeps; may be called from anywhere, also with the
 * kernel lock held. Supports %d %u %x %lx %llu %s %p %c %.*s widths and zero padding.
 */
enum { KERN_EMERG = 0, KERN_ALERT, KERN_CRIT, KERN_ERR, KERN_WARNING, KERN_NOTICE, KERN_INFO, KERN_DEBUG };
void printk(int level, const char *format, ...) __printf(2, 3);
int vsnprintf(char *buffer, size_t size, const char *format, va_list args);
int snprintf(char *buffer, size_t size, const char *format, ...) __printf(3, 4);
/* Like snprintf, but returns what was stored (without the NUL). */
int scnprintf(char *buffer, size_t size, const char *format, ...) __printf(3, 4);

/* Ends the container: registers, symbolised back trace, message. Does not return. */
void panic(const char *format, ...) __printf(1, 2) __noreturn;
#define BUG() panic("BUG at %s:%d (%s)", __FILE__, __LINE__, __func__)
#define BUG_ON(condition) do { if (unlikely(condition)) panic("BUG_ON(%s) at %s:%d", #condition, __FILE__, __LINE__); } while (0)
#ifdef CONFIG_DEBUG
#define debug_assert(condition) BUG_ON(!(condition))
#else
#define debug_assert(condition) ((void)sizeof(condition))
#endif

/* Reference counts are plain integers under the kernel lock; the debug kernel checks them. */
typedef struct { int count; } refcount_t;
static inline void refcount_set(refcount_t *r, int n) { r->count = n; }
static inline void refcount_inc(refcount_t *r) { debug_assert(r->count > 0); r->count++; }
static inline int refcount_read(const refcount_t *r) { return r->count; }
/* True when the last reference went: the caller frees the object. */
static inline bool refcount_dec_and_test(refcount_t *r) { debug_assert(r->count > 0); return --r->count == 0; }

#endif
