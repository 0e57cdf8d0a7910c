/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernel, initrd and device tree go in guest RAM.  No KVM here. */
#ifndef TL_ARCH_ARM_LAYOUT_H
#define TL_ARCH_ARM_LAYOUT_H

#include <stdint.h>

#include "arch-arm/image.h"
#include "lib/error.h"

struct layout_request {
	uint64_t ram_base;
	uint64_t ram_size; /* bytes */
	const struct image *kernel;
	uint64_t initrd_size; /* bytes, 0 for none */
	uint64_t dtb_size;    /* bytes to reserve, not 0 */
};

struct layout {
	uint64_t kernel_gpa;
	uint64_t entry; /* PC of the first instruction */
	uint64_t initrd_gpa;
	uint64_t dtb_gpa;
};

/*
 * -ENOMEM with status TL_MEMORY if they do not fit; the message says how much
 * memory would do (-m N): for Linux with 32 MiB to run in, which are not
 * insisted on.  Where more memory would not help (low memory of a 32-bit guest)
 * it says that instead.
 */
int layout_plan(const struct layout_request *req, struct layout *out,
		struct error *err);

#endif
