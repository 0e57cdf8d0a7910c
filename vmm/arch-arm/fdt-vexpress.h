/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device tree of machine "vexpress-a15": the CoreTile's own, as Linux ships
 * it, with what this guest has put into it.  No KVM here.
 */
#ifndef TL_ARCH_ARM_FDT_VEXPRESS_H
#define TL_ARCH_ARM_FDT_VEXPRESS_H

#include <stddef.h>

#include "arch-arm/fdt.h"

/* The most by which fdt_vexpress() can make a tree grow, in bytes. */
#define FDT_VEXPRESS_ROOM    0x4000
#define FDT_VEXPRESS_PER_CPU 0x100

/*
 * Whether @dtb, @size bytes from the file @path, is a device tree for this
 * board.  -ENOEXEC with TL_IMAGE.
 */
int fdt_vexpress_check(const char *path, const void *dtb, size_t size,
		       struct error *err);

/*
 * Patch a tree that fdt_vexpress_check() took: memory, chosen, CPUs, PSCI,
 * timer and GIC as KVM has them, a node for each virtio device of @req, and what
 * this machine does not have disabled.  PSCI is given without SYSTEM_OFF and
 * SYSTEM_RESET: the board is powered off and reset by its system registers.
 * *@blob is malloc'ed and *@size bytes long.  -ENOMEM, or -ENOEXEC with TL_IMAGE
 * for a tree that lacks what there is to patch.
 */
int fdt_vexpress(const struct fdt_request *req, const void *dtb, void **blob,
		 size_t *size, struct error *err);

#endif
