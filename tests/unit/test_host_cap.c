// SPDX-License-Identifier: GPL-2.0-only
/* Host capabilities by name, and the register that stands in for PSCI 0.2. */
#include <errno.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "core/host-cap.h"
#include "hw/power-reg.h"

static void test_parse(void **state)
{
	struct error err = { 0 };
	unsigned int caps = ~0U;

	(void)state;
	assert_int_equal(host_cap_parse("irqfd", &caps, &err), 0);
	assert_int_equal(caps, HOST_CAP_IRQFD);
	assert_int_equal(host_cap_parse("psci-0.2,vgic-v2-device,psci-0.2",
					&caps, &err),
			 0);
	assert_int_equal(caps, HOST_CAP_PSCI_0_2 | HOST_CAP_DEVICE_CTRL);
	assert_int_equal(host_cap_parse("ioeventfd,readonly-mem,coalesced-mmio,"
					"preferred-target,immediate-exit,"
					"stats-fd",
					&caps, &err),
			 0);
	assert_int_equal(__builtin_popcount(caps), 6);
}

static void test_parse_bad(void **state)
{
	static const char *const lists[] = {
		"", ",", "irqfd,", ",irqfd", "irq", "irqfd2", "IRQFD", "irqfd ",
	};
	unsigned int caps;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct error err = { 0 };

		assert_int_equal(host_cap_parse(lists[i], &caps, &err),
				 -EINVAL);
		assert_int_equal(err.status, TL_USAGE);
		assert_non_null(strstr(err.text, "stats-fd"));
	}
}

static void test_option(void **state)
{
	char *good[] = { "-k", "x", "--disable-cap", "irqfd,stats-fd" };
	char *bad[] = { "-k", "x", "--disable-cap", "warp" };
	struct error err = { 0 };
	struct run_config cfg;

	(void)state;
	assert_int_equal(config_parse_run(4, good, &cfg, &err), 0);
	assert_int_equal(cfg.disabled_caps, HOST_CAP_IRQFD | HOST_CAP_STATS_FD);
	config_free(&cfg);
	assert_int_equal(config_parse_run(4, bad, &cfg, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'warp'"));
}

struct presses {
	int off, reset;
};

static void count_off(void *opaque)
{
	((struct presses *)opaque)->off++;
}

static void count_reset(void *opaque)
{
	((struct presses *)opaque)->reset++;
}

static void test_register(void **state)
{
	struct presses presses = { 0 };
	struct power_reg reg = { { count_off, count_reset, &presses } };

	(void)state;
	assert_int_equal(power_reg_mmio_ops.read(&reg, 0, 4), 0);
	power_reg_mmio_ops.write(&reg, 0, 4, 0);
	power_reg_mmio_ops.write(&reg, 0, 4, 3);
	power_reg_mmio_ops.write(&reg, 4, 4, POWER_REG_OFF);
	assert_int_equal(presses.off + presses.reset, 0);
	power_reg_mmio_ops.write(&reg, 0, 4, POWER_REG_OFF);
	assert_int_equal(presses.off, 1);
	power_reg_mmio_ops.write(&reg, 0, 4, POWER_REG_RESET);
	assert_int_equal(presses.reset, 1);
}

static uint32_t cell(const void *blob, const char *path, const char *name)
{
	const fdt32_t *p;
	int len;

	p = fdt_getprop(blob, fdt_path_offset(blob, path), name, &len);
	assert_non_null(p);
	assert_int_equal(len, 4);
	return fdt32_to_cpu(*p);
}

/* Linux finds the register through the tree, and PSCI 0.1's function IDs. */
static void test_tree(void **state)
{
	const uint64_t mpidr = 0;
	struct run_config cfg = { .cpus = 1, .mem_size = 64 << 20 };
	struct board board = { .map = &virt_memmap,
			       .kernel.width = GUEST_32BIT,
			       .dtb_size = 0x10000,
			       .bootargs = "" };
	struct error err = { 0 };
	size_t size;
	void *blob;

	(void)state;
	assert_int_equal(board_make_fdt(&board, &cfg, 2, &mpidr,
					"arm,cortex-a15", 1, &blob, &size,
					&err),
			 0);
	assert_true(fdt_path_offset(blob, "/poweroff") < 0);
	free(blob);

	board_add_power(&board);
	assert_int_equal(board_make_fdt(&board, &cfg, 2, &mpidr,
					"arm,cortex-a15", 1, &blob, &size,
					&err),
			 0);
	assert_string_equal(fdt_getprop(blob,
					fdt_path_offset(blob, "/poweroff"),
					"compatible", NULL),
			    "syscon-poweroff");
	assert_int_equal(cell(blob, "/poweroff", "value"), POWER_REG_OFF);
	assert_int_equal(cell(blob, "/reboot", "value"), POWER_REG_RESET);
	assert_int_equal(cell(blob, "/poweroff", "regmap"),
			 cell(blob, "/power@90f0000", "phandle"));
	assert_int_equal(cell(blob, "/psci", "cpu_on"), 0x95c1ba60);
	free(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),  cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_option), cmocka_unit_test(test_register),
		cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
