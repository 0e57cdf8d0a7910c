/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device tree says is where: of the guest of any VMM. */
#ifndef TL_ARCH_ARM_FDT_MAP_H
#define TL_ARCH_ARM_FDT_MAP_H

#include <stddef.h>
#include <stdint.h>

#define FDT_MAP_MEMORIES 16
#define FDT_MAP_DEVS     256

struct fdt_map_memory {
	uint64_t base, size;
};

struct fdt_map_dev {
	char name[32]; /* "pl011", "virtio-mmio3", "pci-mmio" */
	char type[24]; /* as a side file has it (vminfo.h), or compatible */
	uint64_t base, size;
	int spi; /* -1: none, or not known */
};

struct fdt_map {
	unsigned int cpus;
	unsigned int gic_version; /* 0: not known */
	struct fdt_map_memory memory[FDT_MAP_MEMORIES];
	unsigned int nr_memory;
	struct fdt_map_dev dev[FDT_MAP_DEVS]; /* by address, not overlapping */
	unsigned int nr_devs;
};

/*
 * Read @blob, which has @size bytes and may be anything.  -EINVAL if it is no
 * device tree of a machine, that is one with processors and memory.
 */
int fdt_map_read(const void *blob, size_t size, struct fdt_map *map);

#endif
