/* SPDX-License-Identifier: Apache-2.0 */
/* Gives lib's own string and format functions other names, so that they can live beside the C library's. */
#define memcpy lib_memcpy
#define memmove lib_memmove
#define memset lib_memset
#define memcmp lib_memcmp
#define memchr lib_memchr
#define strlen lib_strlen
#define strnlen lib_strnlen
#define strcmp lib_strcmp
#define strncmp lib_strncmp
#define strchr lib_strchr
#define strrchr lib_strrchr
#define strstr lib_strstr
#define strlcpy lib_strlcpy
#define vsnprintf lib_vsnprintf
#define snprintf lib_snprintf
