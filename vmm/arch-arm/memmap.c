// SPDX-License-Identifier: GPL-2.0-only
#include "arch-arm/memmap.h"
#include "arch-arm/vexpress.h"
#include "arch-arm/virt.h"

const struct memmap virt_memmap = {
	.name = "virt",
	.ram_base = VIRT_RAM_BASE,
	.gicd_base = VIRT_GICD_BASE,
	.gicd_size = VIRT_GICD_SIZE,
	.gicc_base = VIRT_GICC_BASE,
	.gicc_size = VIRT_GICC_SIZE,
	.gicr_base = VIRT_GICR_BASE,
	.gicr_size = VIRT_GICR_SIZE,
	.virtio_base = VIRT_VIRTIO_BASE,
	.virtio_stride = VIRT_VIRTIO_STRIDE,
	.virtio_spi = VIRT_VIRTIO_SPI,
	.virtio_max = VIRT_VIRTIO_MAX,
};

const struct memmap vexpress_memmap = {
	.name = "vexpress-a15",
	.ram_base = VEXPRESS_RAM_BASE,
	.gicd_base = VEXPRESS_GICD_BASE,
	.gicd_size = VEXPRESS_GICD_SIZE,
	.gicc_base = VEXPRESS_GICC_BASE,
	.gicc_size = VEXPRESS_GICC_SIZE,
	.virtio_base = VEXPRESS_VIRTIO_BASE,
	.virtio_stride = VEXPRESS_VIRTIO_STRIDE,
	.virtio_spi = VEXPRESS_VIRTIO_SPI,
	.virtio_max = VEXPRESS_VIRTIO_MAX,
};
