// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>

#include "arch-arm/fdt.h"

#define MIB 0x100000ULL

static const struct board_dev devs[] = {
	{ BOARD_PL011, "pl011", 0x09000000, 0x1000, 1 },
	{ BOARD_PL031, "pl031", 0x09010000, 0x1000, 2 },
	{ BOARD_PL061, "pl061", 0x09030000, 0x1000, 7 },
	{ BOARD_VIRTIO, "virtio0-blk", 0x0a000000, 0x200, 16 },
	{ BOARD_VIRTIO, "virtio1-blk", 0x0a000200, 0x200, 17 },
};

static const uint64_t mpidr[] = { 0x80000000, 0x80000001, 0x80000100,
				  0x80000101, 0x80000200, 0x80000201,
				  0x80000300, 0x80000301, 0x80000400 };

static struct fdt_request request(enum guest_width width)
{
	struct fdt_request req = {
		.width = width,
		.nr_cpus = 2,
		.mpidr = mpidr,
		.cpu_compatible = "arm,cortex-a15",
		.gic_version = 2,
		.ram_base = 0x40000000,
		.ram_size = 512 * MIB,
		.bootargs = "console=ttyAMA0",
		.devs = devs,
		.nr_devs = sizeof(devs) / sizeof(devs[0]),
		.kaslr_seed = 0x0123456789abcdef,
		.psci_version = 0x10001,
	};

	memset(req.rng_seed, 0x5a, sizeof(req.rng_seed));
	return req;
}

static void *build(const struct fdt_request *req)
{
	struct error err = { 0 };
	size_t size = 0;
	void *blob = NULL;

	if (fdt_build(req, &blob, &size, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fdt_check_full(blob, size), 0);
	assert_int_equal(fdt_totalsize(blob), size);
	return blob;
}

static const void *prop(const void *blob, const char *path, const char *name,
			int len)
{
	int node = fdt_path_offset(blob, path), have = -1;
	const void *p;

	if (node < 0)
		fail_msg("no node %s", path);
	p = fdt_getprop(blob, node, name, &have);
	if (!p)
		fail_msg("%s has no %s", path, name);
	if (len >= 0)
		assert_int_equal(have, len);
	return p;
}

static bool has_prop(const void *blob, const char *path, const char *name)
{
	int node = fdt_path_offset(blob, path);

	assert_true(node >= 0);
	return fdt_getprop(blob, node, name, NULL) != NULL;
}

static void string_is(const void *blob, const char *path, const char *name,
		      const char *want)
{
	assert_string_equal(prop(blob, path, name, -1), want);
}

static void cells_are(const void *blob, const char *path, const char *name,
		      unsigned int nr, ...)
{
	const fdt32_t *p = prop(blob, path, name, (int)nr * 4);
	unsigned int i;
	va_list ap;

	va_start(ap, nr);
	for (i = 0; i < nr; i++)
		assert_int_equal(fdt32_to_cpu(p[i]), va_arg(ap, uint32_t));
	va_end(ap);
}

static bool compatible(const void *blob, const char *path, const char *with)
{
	int node = fdt_path_offset(blob, path);

	return node >= 0 && fdt_node_check_compatible(blob, node, with) == 0;
}

static void board_of_a_32_bit_guest(void **state)
{
	struct fdt_request req = request(GUEST_32BIT);
	void *b;

	(void)state;
	req.initrd_gpa = 0x48009000;
	req.initrd_size = 0x1234;
	b = build(&req);

	assert_true(compatible(b, "/", "linux,dummy-virt"));
	cells_are(b, "/", "#address-cells", 1, 2);
	cells_are(b, "/", "#size-cells", 1, 2);
	string_is(b, "/chosen", "bootargs", "console=ttyAMA0");
	string_is(b, "/chosen", "stdout-path", "/pl011@9000000");
	cells_are(b, "/chosen", "linux,initrd-start", 2, 0, 0x48009000);
	cells_are(b, "/chosen", "linux,initrd-end", 2, 0, 0x4800a234);
	cells_are(b, "/chosen", "kaslr-seed", 2, 0x01234567, 0x89abcdef);
	assert_memory_equal(prop(b, "/chosen", "rng-seed", 32), req.rng_seed,
			    32);
	string_is(b, "/aliases", "serial0", "/pl011@9000000");
	cells_are(b, "/memory@40000000", "reg", 4, 0, 0x40000000, 0,
		  0x20000000);
	string_is(b, "/cpus/cpu@0", "enable-method", "psci");
	string_is(b, "/cpus/cpu@1", "compatible", "arm,cortex-a15");
	cells_are(b, "/cpus/cpu@1", "reg", 1, 1);
	assert_true(fdt_path_offset(b, "/cpus/cpu@100") < 0);

	/* Level-high PPIs for both CPUs: 13, 14, 11, 10. */
	assert_true(compatible(b, "/timer", "arm,armv7-timer"));
	assert_false(compatible(b, "/timer", "arm,armv8-timer"));
	cells_are(b, "/timer", "interrupts", 12, 1, 13, 0x304, 1, 14, 0x304, 1,
		  11, 0x304, 1, 10, 0x304);
	assert_true(has_prop(b, "/timer", "always-on"));

	assert_true(compatible(b, "/intc@8000000", "arm,cortex-a15-gic"));
	cells_are(b, "/intc@8000000", "reg", 8, 0, 0x08000000, 0, 0x10000, 0,
		  0x08010000, 0, 0x10000);
	assert_int_equal(
		fdt32_to_cpu(
			*(const fdt32_t *)prop(b, "/", "interrupt-parent", 4)),
		fdt_get_phandle(b, fdt_path_offset(b, "/intc@8000000")));
	free(b);
}

static void devices(void **state)
{
	struct fdt_request req = request(GUEST_64BIT);
	void *b = build(&req);
	uint32_t clk = fdt_get_phandle(b, fdt_path_offset(b, "/apb-pclk"));

	(void)state;
	assert_true(compatible(b, "/pl011@9000000", "arm,pl011"));
	assert_true(compatible(b, "/pl011@9000000", "arm,primecell"));
	cells_are(b, "/pl011@9000000", "reg", 4, 0, 0x09000000, 0, 0x1000);
	cells_are(b, "/pl011@9000000", "interrupts", 3, 0, 1, 4);
	cells_are(b, "/pl011@9000000", "clocks", 2, clk, clk);
	assert_memory_equal(prop(b, "/pl011@9000000", "clock-names", 17),
			    "uartclk\0apb_pclk", 17);
	assert_true(compatible(b, "/pl031@9010000", "arm,pl031"));
	cells_are(b, "/pl031@9010000", "interrupts", 3, 0, 2, 4);
	assert_true(compatible(b, "/pl061@9030000", "arm,pl061"));
	assert_true(has_prop(b, "/pl061@9030000", "gpio-controller"));
	assert_true(compatible(b, "/gpio-keys", "gpio-keys"));
	cells_are(b, "/gpio-keys/poweroff", "linux,code", 1, 116);
	cells_are(b, "/gpio-keys/poweroff", "gpios", 3,
		  fdt_get_phandle(b, fdt_path_offset(b, "/pl061@9030000")), 3,
		  0);
	assert_true(compatible(b, "/virtio_mmio@a000000", "virtio,mmio"));
	cells_are(b, "/virtio_mmio@a000200", "reg", 4, 0, 0x0a000200, 0, 0x200);
	cells_are(b, "/virtio_mmio@a000200", "interrupts", 3, 0, 17, 1);
	assert_true(has_prop(b, "/virtio_mmio@a000200", "dma-coherent"));
	/* Linux names vda, vdb in this order. */
	assert_true(fdt_path_offset(b, "/virtio_mmio@a000000") <
		    fdt_path_offset(b, "/virtio_mmio@a000200"));
	/* No initrd, no properties of one. */
	assert_false(has_prop(b, "/chosen", "linux,initrd-start"));
	free(b);
}

static void gicv3_64_bit(void **state)
{
	const uint64_t far[] = { 0x80000000, 0x100000001 };
	struct fdt_request req = request(GUEST_64BIT);
	void *b;

	(void)state;
	req.gic_version = 3;
	req.mpidr = far;
	b = build(&req);
	assert_true(compatible(b, "/intc@8000000", "arm,gic-v3"));
	cells_are(b, "/intc@8000000", "reg", 8, 0, 0x08000000, 0, 0x10000, 0,
		  0x080a0000, 0, 0xf60000);
	/* GICv3 has no CPU mask in the cells. */
	cells_are(b, "/timer", "interrupts", 12, 1, 13, 4, 1, 14, 4, 1, 11, 4,
		  1, 10, 4);
	assert_true(compatible(b, "/timer", "arm,armv8-timer"));
	/* Aff3 needs a second cell. */
	cells_are(b, "/cpus", "#address-cells", 1, 2);
	cells_are(b, "/cpus/cpu@0", "reg", 2, 0, 0);
	cells_are(b, "/cpus/cpu@100000001", "reg", 2, 1, 1);
	free(b);
}

static void psci_versions(void **state)
{
	struct fdt_request req = request(GUEST_32BIT);
	void *b;

	(void)state;
	b = build(&req);
	assert_true(compatible(b, "/psci", "arm,psci-1.0"));
	assert_true(compatible(b, "/psci", "arm,psci-0.2"));
	assert_true(compatible(b, "/psci", "arm,psci"));
	string_is(b, "/psci", "method", "hvc");
	cells_are(b, "/psci", "cpu_on", 1, 0x84000003);
	free(b);

	req.psci_version = 2;
	b = build(&req);
	assert_false(compatible(b, "/psci", "arm,psci-1.0"));
	assert_true(compatible(b, "/psci", "arm,psci-0.2"));
	free(b);

	/* arch/arm/include/uapi/asm/kvm.h: KVM_PSCI_FN() */
	req.psci_version = 1;
	b = build(&req);
	assert_false(compatible(b, "/psci", "arm,psci-0.2"));
	assert_true(compatible(b, "/psci", "arm,psci"));
	cells_are(b, "/psci", "cpu_suspend", 1, 0x95c1ba5e);
	cells_are(b, "/psci", "cpu_off", 1, 0x95c1ba5f);
	cells_are(b, "/psci", "cpu_on", 1, 0x95c1ba60);
	free(b);

	req = request(GUEST_64BIT);
	b = build(&req);
	cells_are(b, "/psci", "cpu_suspend", 1, 0xc4000001);
	cells_are(b, "/psci", "cpu_off", 1, 0x84000002);
	cells_are(b, "/psci", "cpu_on", 1, 0xc4000003);
	free(b);
}

static void grows_as_needed(void **state)
{
	struct fdt_request req = request(GUEST_64BIT);
	static char args[65536];
	uint64_t ids[123];
	unsigned int i;
	char path[32];
	void *b;

	(void)state;
	for (i = 0; i < 123; i++)
		ids[i] = (i & 15) | (i >> 4) << 8;
	memset(args, 'x', sizeof(args) - 1);
	req.bootargs = args;
	req.gic_version = 3;
	req.nr_cpus = 123;
	req.mpidr = ids;
	b = build(&req);
	string_is(b, "/chosen", "bootargs", args);
	snprintf(path, sizeof(path), "/cpus/cpu@%x", (unsigned)ids[122]);
	cells_are(b, path, "reg", 1, (uint32_t)ids[122]);
	free(b);
}

static void large_memory(void **state)
{
	struct fdt_request req = request(GUEST_64BIT);
	void *b;

	(void)state;
	req.ram_size = 255ULL << 30;
	b = build(&req);
	cells_are(b, "/memory@40000000", "reg", 4, 0, 0x40000000, 0x3f,
		  0xc0000000);
	free(b);
}

static void refused(void **state)
{
	struct fdt_request req = request(GUEST_32BIT);
	struct error err = { 0 };
	size_t size;
	void *b;

	(void)state;
	req.nr_cpus = 9;
	assert_true(fdt_build(&req, &b, &size, &err) < 0);
	assert_int_equal(err.status, TL_USAGE);
	assert_non_null(strstr(err.text, "--irqchip gicv3"));

	memset(&err, 0, sizeof(err));
	req.gic_version = 3;
	req.nr_cpus = 124;
	assert_true(fdt_build(&req, &b, &size, &err) < 0);
	assert_int_equal(err.status, TL_USAGE);

	req.nr_cpus = 0;
	assert_true(fdt_build(&req, &b, &size, NULL) < 0);
	req.nr_cpus = 1;
	req.gic_version = 4;
	assert_true(fdt_build(&req, &b, &size, NULL) < 0);
}

static void pmu(void **state)
{
	struct fdt_request req = request(GUEST_64BIT);
	const fdt32_t *irq;
	void *blob;

	(void)state;
	blob = build(&req);
	assert_true(fdt_path_offset(blob, "/pmu") < 0);
	free(blob);

	req.pmu = true;
	blob = build(&req);
	assert_string_equal(prop(blob, "/pmu", "compatible", -1),
			    "arm,armv8-pmuv3");
	irq = prop(blob, "/pmu", "interrupts", 12);
	assert_int_equal(fdt32_to_cpu(irq[0]), 1); /* a PPI */
	assert_int_equal(fdt32_to_cpu(irq[1]), 7);
	assert_int_equal(fdt32_to_cpu(irq[2]), 0x304); /* level, both CPUs */
	free(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pmu),
		cmocka_unit_test(board_of_a_32_bit_guest),
		cmocka_unit_test(devices),
		cmocka_unit_test(gicv3_64_bit),
		cmocka_unit_test(psci_versions),
		cmocka_unit_test(grows_as_needed),
		cmocka_unit_test(large_memory),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
