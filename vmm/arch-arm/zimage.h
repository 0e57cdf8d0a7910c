/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel inside a zImage, without the guest's own decompressor. */
#ifndef TL_ARCH_ARM_ZIMAGE_H
#define TL_ARCH_ARM_ZIMAGE_H

#include "arch-arm/image.h"

/*
 * Replace an IMAGE_ZIMAGE by the kernel that is compressed in it: IMAGE_KERNEL,
 * to be entered at its first byte with the registers of a zImage
 * (Documentation/arm/booting.rst section 5).
 *
 * -ENOTSUP, @img as it was: the guest has to do it.  The zImage is older than
 * Linux 5.7 and does not say where its kernel goes, has a device tree appended
 * that its decompressor would use, is damaged, or is packed in none of the
 * formats of unpack.h.
 * -ENOMEM.
 *
 * The kernel comes from @cache if it is there, and goes there if it is not
 * (NULL: no cache).
 */
int zimage_unpack(struct image *img, struct kcache *cache);

#endif
