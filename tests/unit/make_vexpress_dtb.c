// SPDX-License-Identifier: GPL-2.0-only
#include "make_vexpress_dtb.h"

#include <libfdt.h>
#include <stdint.h>
#include <stdlib.h>

static void must(int ret)
{
	if (ret)
		abort();
}

static void cells(void *b, const char *name, const uint32_t *val,
		  unsigned int nr)
{
	fdt32_t be[16];
	unsigned int i;

	for (i = 0; i < nr; i++)
		be[i] = cpu_to_fdt32(val[i]);
	must(fdt_property(b, name, be, (int)(nr * 4)));
}

static void node(void *b, const char *name, const char *compatible)
{
	must(fdt_begin_node(b, name));
	must(fdt_property_string(b, "compatible", compatible));
}

static void leaf(void *b, const char *name, const char *compatible)
{
	node(b, name, compatible);
	must(fdt_end_node(b));
}

size_t make_vexpress_dtb(void *b, size_t size)
{
	const uint32_t memory[] = { 0, 0x80000000, 0, 0x40000000 };
	const uint32_t gic[] = { 0, 0x2c001000, 0, 0x1000,     0, 0x2c002000,
				 0, 0x2000,     0, 0x2c004000, 0, 0x2000,
				 0, 0x2c006000, 0, 0x2000 };
	const uint32_t maintenance[] = { 1, 9, 0xf04 };
	const uint32_t timer[] = { 1, 13, 0xf08, 1, 14, 0xf08,
				   1, 11, 0xf08, 1, 10, 0xf08 };
	static const char compatible[] =
		"arm,vexpress,v2p-ca15,tc1\0arm,vexpress,v2p-ca15\0"
		"arm,vexpress";
	unsigned int i;

	must(fdt_create(b, (int)size));
	must(fdt_finish_reservemap(b));
	must(fdt_begin_node(b, ""));
	must(fdt_property_string(b, "model", "V2P-CA15"));
	must(fdt_property(b, "compatible", compatible, sizeof(compatible)));
	must(fdt_property_u32(b, "interrupt-parent", 1));
	must(fdt_property_u32(b, "#address-cells", 2));
	must(fdt_property_u32(b, "#size-cells", 2));
	must(fdt_begin_node(b, "chosen"));
	must(fdt_end_node(b));
	must(fdt_begin_node(b, "aliases"));
	must(fdt_property_string(b, "serial0", "/serial@90000"));
	must(fdt_end_node(b));
	must(fdt_begin_node(b, "cpus"));
	must(fdt_property_u32(b, "#address-cells", 1));
	must(fdt_property_u32(b, "#size-cells", 0));
	for (i = 0; i < 2; i++) {
		node(b, i ? "cpu@1" : "cpu@0", "arm,cortex-a15");
		must(fdt_property_string(b, "device_type", "cpu"));
		must(fdt_property_u32(b, "reg", i));
		must(fdt_end_node(b));
	}
	must(fdt_end_node(b));
	must(fdt_begin_node(b, "memory@80000000"));
	must(fdt_property_string(b, "device_type", "memory"));
	cells(b, "reg", memory, 4);
	must(fdt_end_node(b));
	node(b, "interrupt-controller@2c001000", "arm,cortex-a15-gic");
	cells(b, "reg", gic, 16);
	cells(b, "interrupts", maintenance, 3);
	must(fdt_property_u32(b, "phandle", 1));
	must(fdt_end_node(b));
	node(b, "timer", "arm,armv7-timer");
	cells(b, "interrupts", timer, 12);
	must(fdt_end_node(b));
	leaf(b, "serial@90000", "arm,pl011");
	leaf(b, "hdlcd@2b000000", "arm,hdlcd");
	leaf(b, "kmi@60000", "arm,pl050");
	leaf(b, "kmi@70000", "arm,pl050");
	leaf(b, "sysreg@10000", "arm,vexpress-sysreg");
	must(fdt_end_node(b));
	must(fdt_finish(b));
	return fdt_totalsize(b);
}
