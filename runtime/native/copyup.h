/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs over a directory that has something in it (mount option tmpcopyup), and whose mode and owner the tmpfs takes over. */
#ifndef RUNTIME_NATIVE_COPYUP_H
#define RUNTIME_NATIVE_COPYUP_H

#include "runtime/native/init.h"

/* @fd: the new tmpfs, without a place yet. */
int copyup_prepare(int fd, const struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error);

#endif
