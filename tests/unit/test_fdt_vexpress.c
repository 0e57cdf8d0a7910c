// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>

#include "arch-arm/fdt-vexpress.h"
#include "make_vexpress_dtb.h"

#define MIB 0x100000ULL

static const struct board_dev devs[] = {
	{ BOARD_PL011, "pl011", 0x1c090000, 0x1000, 5 },
	{ BOARD_VEXPRESS_SYSREG, "sysreg", 0x1c010000, 0x1000, 0 },
	{ BOARD_VIRTIO, "virtio0-blk", 0x1c130000, 0x200, 40 },
	{ BOARD_VIRTIO, "virtio1-net", 0x1c130200, 0x200, 41 },
};

static const uint64_t mpidr[] = { 0x80000000, 0x80000001, 0x80000002 };

static char dtb[8192];
static size_t dtb_size;

static struct fdt_request request(void)
{
	return (struct fdt_request){
		.width = GUEST_32BIT,
		.nr_cpus = 3,
		.mpidr = mpidr,
		.cpu_compatible = "arm,cortex-a15",
		.gic_version = 2,
		.ram_base = 0x80000000,
		.ram_size = 512 * MIB,
		.bootargs = "console=ttyAMA0 mem=512M root=/dev/vda ip=dhcp",
		.initrd_gpa = 0x88009000,
		.initrd_size = 0x1234,
		.devs = devs,
		.nr_devs = sizeof(devs) / sizeof(devs[0]),
		.rng_seed = { 0x5a },
		.kaslr_seed = 1,
		.psci_version = 0x10001,
	};
}

static void *build(const struct fdt_request *req, const void *from)
{
	struct error err = { 0 };
	void *blob = NULL;
	size_t size = 0;

	if (fdt_vexpress(req, from, &blob, &size, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fdt_check_full(blob, size), 0);
	assert_int_equal(fdt_totalsize(blob), size);
	assert_true(size <= dtb_size + FDT_VEXPRESS_ROOM +
				    req->nr_cpus * FDT_VEXPRESS_PER_CPU);
	return blob;
}

static const void *prop(const void *b, const char *path, const char *name,
			int len)
{
	int node = fdt_path_offset(b, path), have = -1;
	const void *p;

	if (node < 0)
		fail_msg("no node %s", path);
	p = fdt_getprop(b, node, name, &have);
	if (!p)
		fail_msg("%s has no %s", path, name);
	if (len >= 0)
		assert_int_equal(have, len);
	return p;
}

static void cells_are(const void *b, const char *path, const char *name,
		      unsigned int nr, ...)
{
	const fdt32_t *p = prop(b, path, name, (int)nr * 4);
	unsigned int i;
	va_list ap;

	va_start(ap, nr);
	for (i = 0; i < nr; i++)
		assert_int_equal(fdt32_to_cpu(p[i]), va_arg(ap, uint32_t));
	va_end(ap);
}

static void string_is(const void *b, const char *path, const char *name,
		      const char *want)
{
	assert_string_equal(prop(b, path, name, -1), want);
}

static void guest_and_memory(void **state)
{
	struct fdt_request req = request();
	void *b = build(&req, dtb);

	(void)state;
	string_is(b, "/", "model", "V2P-CA15");
	string_is(b, "/chosen", "bootargs", req.bootargs);
	string_is(b, "/chosen", "stdout-path", "serial0");
	cells_are(b, "/chosen", "linux,initrd-start", 2, 0, 0x88009000);
	cells_are(b, "/chosen", "linux,initrd-end", 2, 0, 0x8800a234);
	assert_memory_equal(prop(b, "/chosen", "rng-seed", 32), req.rng_seed,
			    32);
	cells_are(b, "/memory@80000000", "reg", 4, 0, 0x80000000, 0,
		  0x20000000);
	free(b);

	/* More than 4 GiB, and a second patch of the same tree's result. */
	req.ram_size = 5120 * MIB;
	req.initrd_gpa = 0;
	b = build(&req, dtb);
	cells_are(b, "/memory@80000000", "reg", 4, 0, 0x80000000, 1,
		  0x40000000);
	assert_null(fdt_getprop(b, fdt_path_offset(b, "/chosen"),
				"linux,initrd-start", NULL));
	free(b);
}

static void cpus_and_psci(void **state)
{
	struct fdt_request req = request();
	void *b = build(&req, dtb);

	(void)state;
	string_is(b, "/cpus/cpu@0", "enable-method", "psci");
	string_is(b, "/cpus/cpu@2", "compatible", "arm,cortex-a15");
	cells_are(b, "/cpus/cpu@2", "reg", 1, 2);
	/* In their order. */
	assert_int_equal(fdt_path_offset(b, "/cpus/cpu@0"),
			 fdt_first_subnode(b, fdt_path_offset(b, "/cpus")));
	/* No SYSTEM_OFF: Linux takes the system registers. */
	string_is(b, "/psci", "compatible", "arm,psci");
	assert_int_equal(fdt_stringlist_count(b, fdt_path_offset(b, "/psci"),
					      "compatible"),
			 1);
	string_is(b, "/psci", "method", "hvc");
	cells_are(b, "/psci", "cpu_on", 1, 0x84000003);
	free(b);

	/* A host whose KVM has PSCI 0.1 alone. */
	req.psci_version = 1;
	req.nr_cpus = 1;
	b = build(&req, dtb);
	cells_are(b, "/psci", "cpu_on", 1, 0x95c1ba60);
	assert_true(fdt_path_offset(b, "/cpus/cpu@1") < 0);
	free(b);
}

static void interrupts(void **state)
{
	struct fdt_request req = request();
	void *b = build(&req, dtb);

	(void)state;
	cells_are(b, "/timer", "interrupts", 12, 1, 13, 0x704, 1, 14, 0x704, 1,
		  11, 0x704, 1, 10, 0x704);
	cells_are(b, "/interrupt-controller@2c001000", "reg", 8, 0, 0x2c001000,
		  0, 0x1000, 0, 0x2c002000, 0, 0x2000);
	assert_null(fdt_getprop(
		b, fdt_path_offset(b, "/interrupt-controller@2c001000"),
		"interrupts", NULL));
	free(b);
}

static void devices(void **state)
{
	struct fdt_request req = request();
	void *b = build(&req, dtb);
	int first, second;

	(void)state;
	string_is(b, "/virtio_mmio@1c130000", "compatible", "virtio,mmio");
	cells_are(b, "/virtio_mmio@1c130200", "reg", 4, 0, 0x1c130200, 0,
		  0x200);
	cells_are(b, "/virtio_mmio@1c130200", "interrupts", 3, 0, 41, 1);
	cells_are(b, "/virtio_mmio@1c130200", "interrupt-parent", 1, 1);
	/* vda is the first in the tree. */
	first = fdt_path_offset(b, "/virtio_mmio@1c130000");
	second = fdt_path_offset(b, "/virtio_mmio@1c130200");
	assert_true(first < second);

	string_is(b, "/hdlcd@2b000000", "status", "disabled");
	string_is(b, "/kmi@60000", "status", "disabled");
	string_is(b, "/kmi@70000", "status", "disabled");
	assert_null(fdt_getprop(b, fdt_path_offset(b, "/serial@90000"),
				"status", NULL));
	assert_null(fdt_getprop(b, fdt_path_offset(b, "/sysreg@10000"),
				"status", NULL));
	free(b);
}

/* A tree that has virtio devices and two banks of memory of its own. */
static void another_tree(void **state)
{
	struct fdt_request req = request();
	static char other[16384];
	void *b;
	int node;

	(void)state;
	assert_int_equal(fdt_open_into(dtb, other, sizeof(other)), 0);
	node = fdt_add_subnode(other, 0, "virtio-block@1c130000");
	fdt_setprop_string(other, node, "compatible", "virtio,mmio");
	node = fdt_add_subnode(other, 0, "memory@880000000");
	fdt_setprop_string(other, node, "device_type", "memory");
	node = fdt_path_offset(other, "/interrupt-controller@2c001000");
	fdt_delprop(other, node, "phandle");
	fdt_del_node(other, fdt_path_offset(other, "/timer"));
	fdt_del_node(other, fdt_path_offset(other, "/chosen"));
	fdt_del_node(other, fdt_path_offset(other, "/aliases"));
	assert_int_equal(fdt_vexpress_check("x", other, sizeof(other), NULL),
			 0);

	b = build(&req, other);
	string_is(b, "/virtio-block@1c130000", "status", "disabled");
	assert_true(fdt_path_offset(b, "/memory@880000000") < 0);
	cells_are(b, "/memory@80000000", "reg", 4, 0, 0x80000000, 0,
		  0x20000000);
	prop(b, "/timer", "interrupts", 48);
	assert_null(fdt_getprop(b, fdt_path_offset(b, "/chosen"), "stdout-path",
				NULL));
	node = fdt_path_offset(b, "/interrupt-controller@2c001000");
	assert_int_not_equal(fdt_get_phandle(b, node), 0);
	cells_are(b, "/virtio_mmio@1c130000", "interrupt-parent", 1,
		  fdt_get_phandle(b, node));
	free(b);
}

static void refused(const void *tree, size_t size, const char *with)
{
	struct error err = { 0 };

	assert_int_equal(fdt_vexpress_check("x.dtb", tree, size, &err),
			 -ENOEXEC);
	assert_int_equal(err.status, TL_IMAGE);
	if (!strstr(err.text, with) || !strstr(err.text, "x.dtb"))
		fail_msg("no '%s' in: %s", with, err.text);
}

static void wrong_trees(void **state)
{
	static char other[16384];

	(void)state;
	assert_int_equal(fdt_vexpress_check("x", dtb, dtb_size, NULL), 0);
	refused("text", 4, "damaged");
	refused(dtb, dtb_size - 1, "damaged");
	refused(dtb, 0, "damaged");
	memcpy(other, dtb, dtb_size);
	memset(other + dtb_size / 2, 0xff, 40);
	refused(other, dtb_size, "damaged");

	fdt_open_into(dtb, other, sizeof(other));
	fdt_setprop_string(other, 0, "compatible", "linux,dummy-virt");
	refused(other, sizeof(other), "not for a Versatile Express");
	fdt_open_into(dtb, other, sizeof(other));
	fdt_setprop_u32(other, 0, "#address-cells", 1);
	refused(other, sizeof(other), "64 bits");
	fdt_open_into(dtb, other, sizeof(other));
	fdt_del_node(other,
		     fdt_path_offset(other, "/interrupt-controller@2c001000"));
	refused(other, sizeof(other), "no GIC");
}

static int make(void **state)
{
	(void)state;
	dtb_size = make_vexpress_dtb(dtb, sizeof(dtb));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_and_memory),
		cmocka_unit_test(cpus_and_psci),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(devices),
		cmocka_unit_test(another_tree),
		cmocka_unit_test(wrong_trees),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}
