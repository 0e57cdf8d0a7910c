// SPDX-License-Identifier: GPL-2.0-only
/* How the payload that times exits finds its machine: trees of three VMMs' kinds,
 * and broken ones, which end the walk within their own bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>

#include "arch-arm/fdt.h"

static uintptr_t rng; /* where a virtio-rng of version 2 answers */

static uint32_t mmio_read(uintptr_t address)
{
	static const uint32_t header[] = { 0x74726976, 2, 4 };

	return address >= rng && address < rng + sizeof(header)
		       ? header[(address - rng) / 4]
		       : 0;
}

#include "../guests/machine.h"

#define CELLS(b, name, ...)                                                   \
	do {                                                                  \
		uint32_t cell_[] = { __VA_ARGS__ };                           \
		size_t i_;                                                    \
		for (i_ = 0; i_ < sizeof(cell_) / 4; i_++)                    \
			cell_[i_] = cpu_to_fdt32(cell_[i_]);                  \
		assert_int_equal(fdt_property(b, name, cell_, sizeof(cell_)), \
				 0);                                          \
	} while (0)

static void begin(void *b, const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(b, name), 0);
	if (compatible)
		assert_int_equal(
			fdt_property_string(b, "compatible", compatible), 0);
}

static void end(void *b)
{
	assert_int_equal(fdt_end_node(b), 0);
}

static void start(void *b, int size)
{
	assert_int_equal(fdt_create(b, size), 0);
	assert_int_equal(fdt_finish_reservemap(b), 0);
	begin(b, "", NULL);
	CELLS(b, "#address-cells", 2);
	CELLS(b, "#size-cells", 2);
}

static void memory(void *b, uint32_t base, uint32_t size)
{
	begin(b, "memory", NULL);
	assert_int_equal(fdt_property_string(b, "device_type", "memory"), 0);
	CELLS(b, "reg", 0, base, 0, size);
	end(b);
}

static void finish(void *b)
{
	end(b);
	assert_int_equal(fdt_finish(b), 0);
}

/* What kvmtool says: two UARTs of another kind, three virtio devices. */
static void kvmtool(void *b, int size)
{
	static const uint32_t virtio[] = { 0x3000000, 0x3000200, 0x3000400 };
	uint32_t i;

	start(b, size);
	memory(b, 0x80000000, 0x10000000);
	begin(b, "cpus", NULL);
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 0);
	begin(b, "cpu@0", "arm,arm-v8");
	CELLS(b, "reg", 0);
	end(b);
	end(b);
	begin(b, "intc", "arm,cortex-a15-gic");
	CELLS(b, "reg", 0, 0x3fff0000, 0, 0x10000, 0, 0x3ffd0000, 0, 0x20000);
	begin(b, "msic", "arm,gic-v2m-frame");
	CELLS(b, "reg", 0, 1, 0, 2);
	end(b);
	end(b);
	for (i = 0; i < 2; i++) {
		begin(b, i ? "U6_16550A@1001000" : "U6_16550A@1000000",
		      "ns16550a");
		CELLS(b, "reg", 0, 0x1000000 + i * 0x1000, 0, 8);
		end(b);
	}
	for (i = 0; i < 3; i++) {
		char name[] = "virtio@0";

		name[7] = (char)('0' + i);
		begin(b, name, "virtio,mmio");
		CELLS(b, "reg", 0, virtio[i], 0, 0x200);
		CELLS(b, "interrupts", 0, 4 + i, 1);
		end(b);
	}
	finish(b);
}

/* Buses that translate, each its own way, and devices too deep to walk to. */
static void vexpress(void *b, int size)
{
	int depth;

	start(b, size);
	memory(b, 0x80000000, 0x40000000);
	begin(b, "bus@8000000", "simple-bus");
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 1);
	CELLS(b, "ranges", 0x8000000, 0, 0x8000000, 0x18000000);
	begin(b, "motherboard", "arm,vexpress,v2m-p1");
	CELLS(b, "#address-cells", 2);
	CELLS(b, "#size-cells", 1);
	CELLS(b, "ranges", 0, 0, 0x8000000, 0x4000000, 3, 0, 0x1c000000,
	      0x200000);
	begin(b, "iofpga", "simple-bus");
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 1);
	CELLS(b, "ranges", 0, 3, 0, 0x200000);
	begin(b, "outside", "arm,pl011");
	CELLS(b, "reg", 0x200000, 0x1000);
	end(b);
	begin(b, "same", "simple-bus");
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 1);
	assert_int_equal(fdt_property(b, "ranges", NULL, 0), 0);
	begin(b, "rtc", "arm,pl031");
	CELLS(b, "reg", 0x170000, 0x1000);
	end(b);
	end(b);
	begin(b, "i2c", "arm,versatile-i2c");
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 0);
	begin(b, "not-here", "arm,pl061");
	CELLS(b, "reg", 0x39);
	end(b);
	end(b);
	begin(b, "serial", "arm,pl011");
	CELLS(b, "reg", 0x90000, 0x1000);
	end(b);
	end(b);
	end(b);
	end(b);
	for (depth = 0; depth < TREE_DEPTH; depth++)
		begin(b, "deeper", "arm,pl061");
	for (depth = 0; depth < TREE_DEPTH; depth++)
		end(b);
	finish(b);
}

static void of_trapline(void **state)
{
	static const struct board_dev devs[] = {
		{ BOARD_PL011, "pl011", 0x09000000, 0x1000, 1 },
		{ BOARD_PL031, "pl031", 0x09010000, 0x1000, 2 },
		{ BOARD_PL061, "pl061", 0x09030000, 0x1000, 7 },
		{ BOARD_VIRTIO, "virtio0-blk", 0x0a000000, 0x200, 16 },
		{ BOARD_VIRTIO, "virtio1-rng", 0x0a000200, 0x200, 17 },
	};
	static const uint64_t mpidr[] = { 0x80000000, 0x80000001 };
	struct fdt_request req = {
		.width = GUEST_64BIT,
		.nr_cpus = 2,
		.mpidr = mpidr,
		.cpu_compatible = "arm,cortex-a57",
		.ram_base = 0x40000000,
		.ram_size = 0x10000000,
		.bootargs = "",
		.devs = devs,
		.nr_devs = sizeof(devs) / sizeof(devs[0]),
		.psci_version = 0x10001,
	};
	struct error err = { 0 };
	struct machine m;
	size_t size;
	void *blob;

	(void)state;
	rng = 0x0a000200;
	for (req.gic_version = 2; req.gic_version <= 3; req.gic_version++) {
		assert_int_equal(fdt_build(&req, &blob, &size, &err), 0);
		machine_find(&m, (uintptr_t)blob);
		free(blob);
		assert_int_equal(m.ram, 0x40000000);
		assert_int_equal(m.ram_size, 0x10000000);
		assert_int_equal(m.uart, 0x09000000);
		assert_false(m.uart_8250);
		assert_int_equal(m.rtc, 0x09010000);
		assert_int_equal(m.gpio, 0x09030000);
		assert_int_equal(m.virtio, 0x0a000000);
		assert_int_equal(m.rng, 0x0a000200);
		assert_int_equal(m.rng_irq, 32 + 17);
		assert_int_equal(m.gic.dist, 0x08000000);
		assert_int_equal(m.gic.cpu,
				 req.gic_version == 2 ? 0x08010000 : 0);
		assert_int_equal(m.redist,
				 req.gic_version == 3 ? 0x080a0000 : 0);
	}
}

static void of_kvmtool(void **state)
{
	uint64_t blob[512];
	struct machine m;

	(void)state;
	rng = 0x3000400;
	kvmtool(blob, sizeof(blob));
	machine_find(&m, (uintptr_t)blob);
	assert_int_equal(m.ram, 0x80000000);
	assert_int_equal(m.uart, 0x1000000);
	assert_true(m.uart_8250);
	assert_int_equal(m.gpio, 0);
	assert_int_equal(m.rtc, 0);
	assert_int_equal(m.gic.dist, 0x3fff0000);
	assert_int_equal(m.gic.cpu, 0x3ffd0000);
	assert_int_equal(m.virtio, 0x3000000);
	assert_int_equal(m.rng, 0x3000400);
	assert_int_equal(m.rng_irq, 32 + 6);
}

static void behind_buses(void **state)
{
	uint64_t blob[512];
	struct machine m;

	(void)state;
	rng = 0;
	vexpress(blob, sizeof(blob));
	machine_find(&m, (uintptr_t)blob);
	assert_int_equal(m.ram_size, 0x40000000);
	assert_int_equal(m.uart, 0x1c090000);
	assert_int_equal(m.rtc, 0x1c170000);
	assert_int_equal(m.gpio, 0);
	assert_int_equal(m.gic.dist, 0);
}

/* An own copy of its bytes, so that ASan sees who reads on. */
static void walk(const void *blob, size_t size)
{
	void *copy = malloc(size);
	struct machine m;

	assert_non_null(copy);
	memcpy(copy, blob, size);
	machine_find(&m, (uintptr_t)copy);
	free(copy);
}

static void broken(void **state)
{
	uint64_t blob[512];
	uint8_t *bytes = (uint8_t *)blob;
	struct machine m;
	uint32_t size, i;
	int kind;

	(void)state;
	rng = 0x3000400;
	for (kind = 0; kind < 2; kind++) {
		(kind ? vexpress : kvmtool)(blob, sizeof(blob));
		size = fdt_totalsize(blob);
		for (i = 0; i < size; i++) {
			uint8_t was = bytes[i];

			/* but for totalsize, which has to be true */
			if (i < 4 || i >= 8) {
				bytes[i] = 0xff;
				walk(blob, size);
				bytes[i] = (uint8_t)(was ^ 1);
				walk(blob, size);
				bytes[i] = was;
			}
			fdt_set_totalsize(blob, i);
			walk(blob, i < 40 ? 40 : i);
			fdt_set_totalsize(blob, size);
		}
	}
	fdt_set_totalsize(blob, TREE_MAX + 1);
	machine_find(&m, (uintptr_t)blob);
	assert_int_equal(m.ram_size, 0);
	machine_find(&m, 0);
	assert_int_equal(m.ram_size, 0);
	machine_find(&m, (uintptr_t)blob + 4);
	assert_int_equal(m.ram_size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_trapline),
		cmocka_unit_test(of_kvmtool),
		cmocka_unit_test(behind_buses),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
