/* SPDX-License-Identifier: GPL-2.0-only */
/* A device tree with what matters of the CA15 CoreTile's. */
#ifndef MAKE_VEXPRESS_DTB_H
#define MAKE_VEXPRESS_DTB_H

#include <stddef.h>

/* Into @buf; returns its size. */
size_t make_vexpress_dtb(void *buf, size_t size);

#endif
