// SPDX-License-Identifier: GPL-2.0-only
/* Devices by a device tree: ours, one of many kinds, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>

#include "arch-arm/fdt-map.h"
#include "arch-arm/fdt.h"

static struct fdt_map map;

static const struct fdt_map_dev *find(const char *name)
{
	for (unsigned int i = 0; i < map.nr_devs; i++)
		if (!strcmp(map.dev[i].name, name))
			return &map.dev[i];
	fail_msg("there is no %s", name);
	return NULL;
}

static void is_at(const char *name, const char *type, uint64_t base,
		  uint64_t size, int spi)
{
	const struct fdt_map_dev *dev = find(name);

	assert_string_equal(dev->type, type);
	assert_int_equal(dev->base, base);
	assert_int_equal(dev->size, size);
	assert_int_equal(dev->spi, spi);
}

static void *build(unsigned int gic, size_t *size)
{
	static const struct board_dev devs[] = {
		{ BOARD_PL011, "pl011", 0x09000000, 0x1000, 1 },
		{ BOARD_PL031, "pl031", 0x09010000, 0x1000, 2 },
		{ BOARD_VIRTIO, "virtio1-net", 0x0a000200, 0x200, 17 },
		{ BOARD_VIRTIO, "virtio0-blk", 0x0a000000, 0x200, 16 },
	};
	static const uint64_t mpidr[] = { 0, 1 };
	const struct fdt_request req = {
		.width = GUEST_64BIT,
		.nr_cpus = 2,
		.mpidr = mpidr,
		.cpu_compatible = "arm,cortex-a57",
		.gic_version = gic,
		.ram_base = 0x40000000,
		.ram_size = 0x20000000,
		.bootargs = "",
		.devs = devs,
		.nr_devs = 4,
		.psci_version = 0x10001,
	};
	struct error err = { 0 };
	void *blob;

	assert_int_equal(fdt_build(&req, &blob, size, &err), 0);
	return blob;
}

static void our_own(void **state)
{
	size_t size;
	void *blob = build(2, &size);

	(void)state;
	assert_int_equal(fdt_map_read(blob, size, &map), 0);
	assert_int_equal(map.cpus, 2);
	assert_int_equal(map.gic_version, 2);
	assert_int_equal(map.nr_memory, 1);
	assert_int_equal(map.memory[0].base, 0x40000000);
	assert_int_equal(map.memory[0].size, 0x20000000);
	is_at("pl011", "pl011", 0x09000000, 0x1000, 1);
	is_at("virtio-mmio0", "virtio-mmio", 0x0a000000, 0x200, 16);
	is_at("virtio-mmio1", "virtio-mmio", 0x0a000200, 0x200, 17);
	assert_string_equal(find("gic-dist")->type, "gicv2-dist");
	assert_string_equal(find("gic-cpu")->type, "gicv2-cpu");
	free(blob);

	blob = build(3, &size);
	assert_int_equal(fdt_map_read(blob, size, &map), 0);
	assert_int_equal(map.gic_version, 3);
	assert_string_equal(find("gic-redist")->type, "gicv3-redist");
	free(blob);
}

/* Cut anywhere, or with any byte changed: refused or read, never a crash. */
static void broken_ones(void **state)
{
	size_t size, n;
	uint8_t *blob = build(2, &size), *copy = malloc(size);

	(void)state;
	assert_non_null(copy);
	for (n = 0; n < size; n += n < 64 ? 1 : 61) {
		uint8_t *part = malloc(n ? n : 1);

		memcpy(part, blob, n);
		assert_int_not_equal(fdt_map_read(part, n, &map), 0);
		free(part);
	}
	for (n = 0; n < size; n++) {
		memcpy(copy, blob, size);
		copy[n] ^= 0x55;
		fdt_map_read(copy, size, &map);
		assert_true(map.nr_devs <= FDT_MAP_DEVS);
	}
	free(copy);
	free(blob);
}

static void text(void *fdt, const char *name, const char *value)
{
	assert_int_equal(fdt_property_string(fdt, name, value), 0);
}

static void cells(void *fdt, const char *name, const uint32_t *value,
		  unsigned int nr)
{
	fdt32_t cell[40];

	assert_true(nr <= 40);
	for (unsigned int i = 0; i < nr; i++)
		cell[i] = cpu_to_fdt32(value[i]);
	assert_int_equal(fdt_property(fdt, name, cell, nr * sizeof(*cell)), 0);
}

#define CELLS(fdt, name, ...)                               \
	cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void begin(void *fdt, const char *name)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
}

static void end(void *fdt)
{
	assert_int_equal(fdt_end_node(fdt), 0);
}

static void begin_tree(void *fdt, int size)
{
	assert_int_equal(fdt_create(fdt, size), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	begin(fdt, "");
	CELLS(fdt, "#address-cells", 2);
	CELLS(fdt, "#size-cells", 2);
	begin(fdt, "cpus");
	CELLS(fdt, "#address-cells", 1);
	CELLS(fdt, "#size-cells", 0);
	begin(fdt, "cpu@0");
	text(fdt, "device_type", "cpu");
	CELLS(fdt, "reg", 0);
	end(fdt);
	end(fdt);
	begin(fdt, "memory@80000000");
	text(fdt, "device_type", "memory");
	CELLS(fdt, "reg", 0, 0x80000000, 0, 0x10000000, 1, 0, 0, 0x1000);
	end(fdt);
}

static void end_tree(void *fdt)
{
	end(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
}

static void other_boards(void **state)
{
	static char fdt[8192];

	(void)state;
	begin_tree(fdt, sizeof(fdt));
	begin(fdt, "pcie@10000000");
	text(fdt, "compatible", "pci-host-ecam-generic");
	text(fdt, "device_type", "pci");
	CELLS(fdt, "#address-cells", 3);
	CELLS(fdt, "#size-cells", 2);
	CELLS(fdt, "reg", 0x40, 0x10000000, 0, 0x10000000);
	CELLS(fdt, "ranges", 0x01000000, 0, 0, 0, 0x3eff0000, 0, 0x10000,
	      0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000,
	      0x03000000, 0x80, 0, 0x80, 0, 0x80, 0);
	end(fdt);
	begin(fdt, "soc");
	text(fdt, "compatible", "simple-bus");
	CELLS(fdt, "#address-cells", 2);
	CELLS(fdt, "#size-cells", 2);
	assert_int_equal(fdt_property(fdt, "ranges", NULL, 0), 0);
	begin(fdt, "U6_16550A@1000000");
	text(fdt, "compatible", "ns16550a");
	CELLS(fdt, "reg", 0, 0x1000000, 0, 8);
	CELLS(fdt, "interrupts", 0, 5, 4);
	end(fdt);
	end(fdt);
	begin(fdt, "flash@0");
	text(fdt, "compatible", "cfi-flash");
	CELLS(fdt, "reg", 0, 0, 0, 0x100000, 0, 0x100000, 0, 0x100000);
	end(fdt);
	/* over the flash, over memory, of no size, and beyond the end */
	begin(fdt, "over@80");
	text(fdt, "compatible", "x,over");
	CELLS(fdt, "reg", 0, 0x80, 0, 0x10, 0, 0x80001000, 0, 4, 0, 0x2000000,
	      0, 0);
	end(fdt);
	begin(fdt, "end@0");
	text(fdt, "compatible", "x,end");
	CELLS(fdt, "reg", 0xffffffff, 0xfffff000, 0, 0x2000);
	end(fdt);
	end_tree(fdt);

	assert_int_equal(fdt_map_read(fdt, sizeof(fdt), &map), 0);
	assert_int_equal(map.cpus, 1);
	assert_int_equal(map.gic_version, 0);
	assert_int_equal(map.nr_memory, 2);
	is_at("pci-config", "pci-config", 0x4010000000, 0x10000000, -1);
	is_at("pci-io", "pci-io", 0x3eff0000, 0x10000, -1);
	is_at("pci-mmio", "pci-mmio", 0x10000000, 0x2eff0000, -1);
	is_at("pci-mmio-high", "pci-mmio-high", 0x8000000000, 0x8000000000, -1);
	is_at("U6_16550A", "ns16550a", 0x1000000, 8, 5);
	is_at("flash0", "cfi-flash", 0, 0x100000, -1);
	is_at("flash1", "cfi-flash", 0x100000, 0x100000, -1);
	assert_int_equal(map.nr_devs, 7);
	for (unsigned int i = 1; i < map.nr_devs; i++)
		assert_true(map.dev[i - 1].base + map.dev[i - 1].size <=
			    map.dev[i].base);
}

/* A device tree overlay, or what else begins like one, is no machine. */
static void no_machine(void **state)
{
	static char fdt[4096];

	(void)state;
	assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
	assert_int_not_equal(fdt_map_read(fdt, sizeof(fdt), &map), 0);
	assert_int_not_equal(fdt_map_read("", 0, &map), 0);
}

static void more_than_there_is_room_for(void **state)
{
	static char fdt[65536];
	char name[32];

	(void)state;
	begin_tree(fdt, sizeof(fdt));
	for (uint32_t i = 0; i < FDT_MAP_DEVS + 20; i++) {
		snprintf(name, sizeof(name), "a@%x", 0x1000 * i);
		begin(fdt, name);
		text(fdt, "compatible", "virtio,mmio");
		CELLS(fdt, "reg", 0, 0x1000 * i, 0, 0x200);
		end(fdt);
	}
	end_tree(fdt);
	assert_int_equal(fdt_map_read(fdt, sizeof(fdt), &map), 0);
	assert_int_equal(map.nr_devs, FDT_MAP_DEVS);
	find("virtio-mmio255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own),
		cmocka_unit_test(broken_ones),
		cmocka_unit_test(other_boards),
		cmocka_unit_test(no_machine),
		cmocka_unit_test(more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
