// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as another VMM's device tree: refused, or a map without overlaps. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/fdt-map.h"
#include "arch-arm/fdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A whole tree, so that the bytes that are changed in it matter. */
static uint8_t *seed_tree(size_t *size)
{
	static const struct board_dev devs[] = {
		{ BOARD_PL011, "pl011", 0x09000000, 0x1000, 1 },
		{ BOARD_VIRTIO, "virtio0-blk", 0x0a000000, 0x200, 16 },
		{ BOARD_VIRTIO, "virtio1-net", 0x0a000200, 0x200, 17 },
	};
	static const uint64_t mpidr = 0;
	const struct fdt_request req = {
		.width = GUEST_64BIT,
		.nr_cpus = 1,
		.mpidr = &mpidr,
		.cpu_compatible = "arm,cortex-a57",
		.gic_version = 3,
		.ram_base = 0x40000000,
		.ram_size = 0x10000000,
		.bootargs = "",
		.devs = devs,
		.nr_devs = 3,
		.psci_version = 0x10001,
	};
	struct error err = { 0 };
	void *blob;

	if (fdt_build(&req, &blob, size, &err))
		abort();
	return blob;
}

static void check(const void *blob, size_t size)
{
	static struct fdt_map map;

	if (fdt_map_read(blob, size, &map))
		return;
	if (!map.cpus || !map.nr_memory || map.nr_memory > FDT_MAP_MEMORIES ||
	    map.nr_devs > FDT_MAP_DEVS)
		abort();
	for (unsigned int i = 0; i < map.nr_devs; i++) {
		const struct fdt_map_dev *dev = &map.dev[i];

		if (!dev->size || dev->size - 1 > UINT64_MAX - dev->base ||
		    !memchr(dev->name, '\0', sizeof(dev->name)))
			abort();
		if (i && dev->base - map.dev[i - 1].base < map.dev[i - 1].size)
			abort();
	}
}

/* The bytes themselves, and as changes to a tree: where (2 bytes), to what. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *tree;
	static size_t length;
	uint8_t *copy;

	if (!tree)
		tree = seed_tree(&length);
	copy = malloc(length > size ? length : size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	check(copy, size);
	memcpy(copy, tree, length);
	for (; size >= 3; data += 3, size -= 3)
		copy[(data[0] << 8 | data[1]) % length] = data[2];
	check(copy, length);
	free(copy);
	return 0;
}
