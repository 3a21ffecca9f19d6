/* SPDX-License-Identifier: Apache-2.0 */
/* Included before everything in the kernel: no symbol of it is ever looked up by another object, so none needs a GOT entry. */
#ifndef __ASSEMBLER__
#pragma GCC visibility push(hidden)
#endif
