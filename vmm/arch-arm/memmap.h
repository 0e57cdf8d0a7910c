/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the machines' memory maps. */
#ifndef TL_ARCH_ARM_MEMMAP_H
#define TL_ARCH_ARM_MEMMAP_H

#include <stdint.h>

struct memmap {
	const char *name; /* --machine */
	uint64_t ram_base;
	uint64_t gicd_base, gicd_size;
	uint64_t gicc_base, gicc_size;
	uint64_t gicr_base, gicr_size; /* size 0: GICv2 only */
	/* virtio-mmio n is at + stride x n with SPI virtio_spi + n, n < max. */
	uint64_t virtio_base, virtio_stride;
	unsigned int virtio_spi, virtio_max;
};

extern const struct memmap virt_memmap;     /* virt.h */
extern const struct memmap vexpress_memmap; /* vexpress.h */

#endif
