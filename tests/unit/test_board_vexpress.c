// SPDX-License-Identifier: GPL-2.0-only
/* Machine vexpress-a15: its table, its device tree, and what it refuses. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <libfdt.h>

#include "board.h"
#include "lib/file.h"
#include "make_vexpress_dtb.h"

#define MIB 0x100000ULL

static char dir[] = "/tmp/test_vexpress.XXXXXX";
static char kernel[80], dtb[80], beside[80];
static const uint64_t mpidr[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static struct run_config config(void)
{
	return (struct run_config){ .kernel = kernel,
				    .machine = &vexpress_memmap,
				    .dtb = dtb,
				    .cpus = 1,
				    .mem_size = 512 * MIB,
				    .name = "test" };
}

static void refuse(const struct run_config *cfg, enum tl_status status,
		   const char *with)
{
	struct error err = { 0 };
	struct board board;

	assert_true(board_prepare(cfg, GUEST_64BIT, &board, &err) < 0);
	assert_int_equal(err.status, status);
	if (!strstr(err.text, with))
		fail_msg("no '%s' in: %s", with, err.text);
	assert_null(board.dtb);
}

static void table(void **state)
{
	static const struct {
		enum board_dev_kind kind;
		uint64_t base;
		unsigned int spi;
	} want[] = {
		{ BOARD_PL011, 0x1c090000, 5 },
		{ BOARD_PL011, 0x1c0a0000, 6 },
		{ BOARD_PL011, 0x1c0b0000, 7 },
		{ BOARD_PL011, 0x1c0c0000, 8 },
		{ BOARD_PL031, 0x1c170000, 4 },
		{ BOARD_SP804, 0x1c110000, 2 },
		{ BOARD_SP804, 0x1c120000, 3 },
		{ BOARD_VEXPRESS_SYSREG, 0x1c010000, 0 },
		{ BOARD_VIRTIO, 0x1c130000, 40 },
		{ BOARD_VIRTIO, 0x1c130200, 41 },
	};
	struct run_config cfg = config();
	struct error err = { 0 };
	struct board b;
	unsigned int i, j;

	(void)state;
	cfg.nr_disks = 1;
	cfg.disk[0].path = "none";
	cfg.rng = true;
	if (board_prepare(&cfg, GUEST_64BIT, &b, &err))
		fail_msg("%s", err.text);
	/* A flat image is a 32-bit one here. */
	assert_int_equal(b.kernel.width, GUEST_32BIT);
	assert_int_equal(b.layout.entry, 0x80010000);
	assert_int_equal(b.nr_devs, sizeof(want) / sizeof(want[0]));
	for (i = 0; i < b.nr_devs; i++) {
		assert_int_equal(b.dev[i].kind, want[i].kind);
		assert_int_equal(b.dev[i].base, want[i].base);
		assert_int_equal(b.dev[i].spi, want[i].spi);
		for (j = 0; j < i; j++)
			assert_string_not_equal(b.dev[i].name, b.dev[j].name);
	}
	/* It has a way to power off. */
	board_add_power(&b);
	assert_int_equal(b.nr_devs, sizeof(want) / sizeof(want[0]));
	board_free(&b);

	cfg.nr_disks = 24;
	refuse(&cfg, TL_USAGE, "machine vexpress-a15 has room for 24");
}

static void tree(void **state)
{
	struct run_config cfg = config();
	struct error err = { 0 };
	struct board b;
	void *blob;
	size_t size;
	int node;

	(void)state;
	cfg.cpus = 8;
	cfg.params = "ip=dhcp";
	cfg.nr_disks = 22;
	if (board_prepare(&cfg, GUEST_64BIT, &b, &err) ||
	    board_make_fdt(&b, &cfg, 2, mpidr, "arm,cortex-a15", 0x10001, &blob,
			   &size, &err))
		fail_msg("%s", err.text);
	assert_true(size <= b.dtb_size);
	assert_int_equal(fdt_check_full(blob, size), 0);
	node = fdt_path_offset(blob, "/chosen");
	assert_string_equal(fdt_getprop(blob, node, "bootargs", NULL),
			    "console=ttyAMA0 panic=-1 root=/dev/vda rw "
			    "ip=dhcp");
	assert_true(fdt_path_offset(blob, "/virtio_mmio@1c132a00") > 0);
	free(blob);
	board_free(&b);
}

static void where_the_tree_is(void **state)
{
	struct run_config cfg = config();
	struct error err = { 0 };
	struct board b;
	glob_t found;

	(void)state;
	cfg.dtb = "/no/such.dtb";
	refuse(&cfg, TL_IMAGE, "device tree /no/such.dtb: No such file");
	cfg.dtb = kernel;
	refuse(&cfg, TL_IMAGE, "vexpress-v2p-ca15-tc1.dtb");
	cfg.dtb = NULL;
	/* Unless this machine has the package. */
	if (glob("/usr/lib/linux-image-*/vexpress-v2p-ca15-tc1.dtb", 0, NULL,
		 &found) == GLOB_NOMATCH)
		refuse(&cfg, TL_USAGE, "linux-image-armmp-lpae");
	globfree(&found);
	/* Beside the kernel it is found. */
	assert_int_equal(rename(dtb, beside), 0);
	assert_int_equal(board_prepare(&cfg, GUEST_64BIT, &b, &err), 0);
	assert_non_null(b.dtb);
	board_free(&b);
	assert_int_equal(rename(beside, dtb), 0);
}

static void refused(void **state)
{
	struct run_config cfg = config();

	(void)state;
	cfg.gic = 3;
	refuse(&cfg, TL_USAGE, "has a GICv2");
	cfg = config();
	cfg.cpus = 9;
	refuse(&cfg, TL_USAGE, "at most 8 CPUs, not 9");
	cfg = config();
	cfg.pmu = true;
	refuse(&cfg, TL_USAGE, "--pmu");
}

static int setup(void **state)
{
	uint32_t code[64] = { 0xe320f000 }; /* nop; no header */
	char buf[8192];
	size_t size;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(kernel, sizeof(kernel), "%s/kernel", dir);
	snprintf(dtb, sizeof(dtb), "%s/other.dtb", dir);
	snprintf(beside, sizeof(beside), "%s/vexpress-v2p-ca15-tc1.dtb", dir);
	size = make_vexpress_dtb(buf, sizeof(buf));
	return file_write(kernel, "k", code, sizeof(code), TL_FAIL, NULL) ||
	       file_write(dtb, "d", buf, size, TL_FAIL, NULL);
}

static int teardown(void **state)
{
	(void)state;
	unlink(kernel);
	unlink(dtb);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(tree),
		cmocka_unit_test(where_the_tree_is),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
