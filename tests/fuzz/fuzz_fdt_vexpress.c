// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device tree that somebody gave with --dtb: refused, or patched into one
 * that is whole.  The first byte says whether the input is that tree, or what
 * is to be changed in a good one.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/fdt-vexpress.h"
#include "make_vexpress_dtb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint64_t mpidr[] = { 0, 1 };

static const struct board_dev devs[] = {
	{ BOARD_PL011, "pl011", 0x1c090000, 0x1000, 5 },
	{ BOARD_VIRTIO, "virtio0-blk", 0x1c130000, 0x200, 40 },
	{ BOARD_VIRTIO, "virtio1-net", 0x1c130200, 0x200, 41 },
};

static void patch(const void *dtb, size_t size)
{
	const struct fdt_request req = {
		.width = GUEST_32BIT,
		.nr_cpus = 2,
		.mpidr = mpidr,
		.cpu_compatible = "arm,cortex-a15",
		.gic_version = 2,
		.ram_base = 0x80000000,
		.ram_size = 0x20000000,
		.bootargs = "console=ttyAMA0",
		.initrd_gpa = 0x88000000,
		.initrd_size = 1,
		.devs = devs,
		.nr_devs = sizeof(devs) / sizeof(devs[0]),
	};
	struct error err = { 0 };
	void *blob;
	size_t out;

	if (fdt_vexpress_check("x", dtb, size, &err))
		return;
	if (fdt_vexpress(&req, dtb, &blob, &out, &err))
		return;
	if (fdt_check_full(blob, out) ||
	    fdt_path_offset(blob, "/virtio_mmio@1c130200") < 0)
		abort();
	free(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char good[8192];
	size_t size, at;

	if (!len)
		return 0;
	if (data[0] & 1) {
		/* libfdt wants it aligned. */
		void *copy = malloc(len);

		if (!copy)
			return 0;
		memcpy(copy, data + 1, len - 1);
		patch(copy, len - 1);
		free(copy);
		return 0;
	}
	size = make_vexpress_dtb(good, sizeof(good));
	for (at = 1; at + 2 < len; at += 3)
		good[(data[at] << 8 | data[at + 1]) % size] =
			(char)data[at + 2];
	patch(good, size);
	return 0;
}
