// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <libfdt.h>

#include "board.h"
#include "lib/file.h"
#include "machine.h"

#define MIB 0x100000ULL

static char dir[] = "/tmp/test_board.XXXXXX";
static char kernel64[64], kernel32[64], flat[64], initrd[64], out[64];

static struct run_config config(const char *kernel)
{
	return (struct run_config){ .kernel = kernel,
				    .cpus = 1,
				    .mem_size = 512 * MIB,
				    .name = "test" };
}

static void add_disks(struct run_config *cfg, unsigned int nr)
{
	for (cfg->nr_disks = 0; cfg->nr_disks < nr; cfg->nr_disks++)
		cfg->disk[cfg->nr_disks].path = "none";
}

static void prepare(const struct run_config *cfg, struct board *board)
{
	struct error err = { 0 };

	if (board_prepare(cfg, GUEST_64BIT, board, &err) < 0)
		fail_msg("%s", err.text);
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
	/* Nothing is left to free. */
	assert_null(board.kernel.data);
	assert_null(board.initrd);
	assert_null(board.bootargs);
}

static void device_table(void **state)
{
	struct run_config cfg = config(kernel64);
	struct board b;
	unsigned int i, j;

	(void)state;
	add_disks(&cfg, CONFIG_MAX_DISKS);
	prepare(&cfg, &b);
	assert_int_equal(b.nr_devs, 3 + CONFIG_MAX_DISKS);
	assert_int_equal(b.dev[0].kind, BOARD_PL011);
	assert_int_equal(b.dev[0].base, 0x09000000);
	assert_int_equal(b.dev[0].spi, 1);
	assert_int_equal(b.dev[1].kind, BOARD_PL031);
	assert_int_equal(b.dev[1].base, 0x09010000);
	assert_int_equal(b.dev[2].kind, BOARD_PL061);
	assert_int_equal(b.dev[2].base, 0x09030000);
	assert_int_equal(b.dev[2].spi, 7);
	for (i = 0; i < CONFIG_MAX_DISKS; i++) {
		const struct board_dev *d = &b.dev[3 + i];

		assert_int_equal(d->kind, BOARD_VIRTIO);
		assert_int_equal(d->base, 0x0a000000 + i * 0x200);
		assert_int_equal(d->size, 0x200);
		assert_int_equal(d->spi, 16 + i);
		assert_int_equal(b.virtio[3 + i], BOARD_VIRTIO_BLK);
		assert_int_equal(b.index[3 + i], i);
	}
	assert_string_equal(b.dev[3].name, "virtio0-blk");
	for (i = 0; i < b.nr_devs; i++)
		for (j = 0; j < i; j++) {
			assert_string_not_equal(b.dev[i].name, b.dev[j].name);
			assert_true(b.dev[i].spi != b.dev[j].spi);
		}
	board_free(&b);
	board_free(&b); /* once more does no harm */
}

static void other_virtio_devices(void **state)
{
	struct run_config cfg = config(kernel64);
	static const enum board_virtio kinds[] = {
		BOARD_VIRTIO_BLK, BOARD_VIRTIO_CONSOLE, BOARD_VIRTIO_RNG,
		BOARD_VIRTIO_BALLOON, BOARD_VIRTIO_VSOCK
	};
	static const char *const names[] = { "virtio0-blk", "virtio1-console",
					     "virtio2-rng", "virtio3-balloon",
					     "virtio4-vsock" };
	struct board b;
	unsigned int i;

	(void)state;
	add_disks(&cfg, 1);
	cfg.console = CONSOLE_VIRTIO;
	cfg.rng = true;
	cfg.balloon = true;
	cfg.vsock.cid = 3;
	prepare(&cfg, &b);
	assert_int_equal(b.nr_devs, 8);
	for (i = 0; i < 5; i++) {
		assert_int_equal(b.dev[3 + i].kind, BOARD_VIRTIO);
		assert_int_equal(b.virtio[3 + i], kinds[i]);
		assert_string_equal(b.dev[3 + i].name, names[i]);
		assert_int_equal(b.dev[3 + i].base, 0x0a000000 + i * 0x200);
	}
	board_free(&b);

	/* Ports alone are reason enough for the device. */
	cfg = config(kernel64);
	cfg.nr_ports = 1;
	prepare(&cfg, &b);
	assert_int_equal(b.nr_devs, 4);
	assert_int_equal(b.virtio[3], BOARD_VIRTIO_CONSOLE);
	board_free(&b);

	add_disks(&cfg, CONFIG_MAX_DISKS);
	refuse(&cfg, TL_USAGE, "33 virtio devices are too many");
}

static void expect_args(const struct run_config *cfg, const char *want)
{
	struct board b;

	prepare(cfg, &b);
	assert_string_equal(b.bootargs, want);
	board_free(&b);
}

static void command_line(void **state)
{
	struct run_config cfg = config(kernel64);

	(void)state;
	expect_args(&cfg, "console=ttyAMA0 panic=-1");
	cfg.params = "";
	expect_args(&cfg, "console=ttyAMA0 panic=-1");
	cfg.params = "quiet";
	expect_args(&cfg, "console=ttyAMA0 panic=-1 quiet");

	add_disks(&cfg, 1);
	expect_args(&cfg, "console=ttyAMA0 panic=-1 root=/dev/vda rw quiet");
	cfg.disk[0].read_only = true;
	expect_args(&cfg, "console=ttyAMA0 panic=-1 root=/dev/vda ro quiet");
	cfg.params = "root=/dev/vda1 ro";
	expect_args(&cfg, "console=ttyAMA0 panic=-1 root=/dev/vda1 ro");
	cfg.params = "x";
	cfg.initrd = initrd;
	expect_args(&cfg, "console=ttyAMA0 panic=-1 x");

	cfg.console = CONSOLE_VIRTIO;
	expect_args(&cfg, "console=hvc0 panic=-1 x");
	cfg.nodefaults = true;
	expect_args(&cfg, "x");
	cfg.params = NULL;
	expect_args(&cfg, "");
}

static void users_keys_replace_defaults(void **state)
{
	struct run_config cfg = config(kernel64);

	(void)state;
	cfg.params = "console=hvc0 panic=5";
	expect_args(&cfg, "console=hvc0 panic=5");
	/* Names that only begin or end alike are others. */
	cfg.params = "consoleblank=0 kernel.panic=1 panic_on_warn=1";
	expect_args(&cfg, "console=ttyAMA0 panic=-1 consoleblank=0 "
			  "kernel.panic=1 panic_on_warn=1");
	/* Quotes keep words together; "--" hands the rest to init. */
	cfg.params = "a=\"b console=x\" \"panic=1\"";
	expect_args(&cfg, "console=ttyAMA0 a=\"b console=x\" \"panic=1\"");
	cfg.params = "quiet -- console=x";
	expect_args(&cfg, "console=ttyAMA0 panic=-1 quiet -- console=x");
	cfg.params = "\tpanic=1\"";
	expect_args(&cfg, "console=ttyAMA0 \tpanic=1\"");
}

static void command_line_limit(void **state)
{
	struct run_config cfg = config(kernel64);
	char params[2100];

	(void)state;
	cfg.nodefaults = true;
	cfg.params = params;
	memset(params, 'a', sizeof(params));
	params[2047] = '\0';
	expect_args(&cfg, params);
	params[2047] = 'a';
	params[2048] = '\0';
	refuse(&cfg, TL_USAGE,
	       "2048 bytes; a 64-bit kernel takes at most 2047");

	cfg.kernel = kernel32;
	params[1023] = '\0';
	expect_args(&cfg, params);
	params[1023] = 'a';
	params[1024] = '\0';
	refuse(&cfg, TL_USAGE,
	       "1024 bytes; a 32-bit kernel takes at most 1023");
}

static void initrds(void **state)
{
	struct run_config cfg = config(kernel64);
	struct board b;

	(void)state;
	cfg.initrd = initrd;
	prepare(&cfg, &b);
	assert_int_equal(b.initrd_size, 12345);
	assert_true(b.layout.initrd_gpa >= b.layout.dtb_gpa + b.dtb_size);
	board_free(&b);

	cfg.initrd = "/no/such/initrd";
	refuse(&cfg, TL_IMAGE, "initrd /no/such/initrd: No such file");
	cfg.initrd = "/dev/null";
	refuse(&cfg, TL_IMAGE, "initrd /dev/null is empty");
	cfg.initrd = "/tmp";
	refuse(&cfg, TL_IMAGE, "initrd /tmp is a directory");
}

static void width_of_a_flat_image(void **state)
{
	struct run_config cfg = config(flat);
	struct error err = { 0 };
	struct board b;

	(void)state;
	prepare(&cfg, &b);
	assert_int_equal(b.kernel.width, GUEST_64BIT);
	assert_int_equal(b.layout.entry, 0x40080000);
	board_free(&b);

	assert_int_equal(board_prepare(&cfg, GUEST_32BIT, &b, NULL), 0);
	assert_int_equal(b.kernel.width, GUEST_32BIT);
	assert_int_equal(b.layout.entry, 0x40010000);
	board_free(&b);

	cfg.width = GUEST_32BIT;
	prepare(&cfg, &b);
	assert_int_equal(b.kernel.width, GUEST_32BIT);
	board_free(&b);

	cfg.kernel = kernel64;
	refuse(&cfg, TL_IMAGE, "needs a zImage");
	cfg.width = GUEST_WIDTH_ANY;
	assert_true(board_prepare(&cfg, GUEST_32BIT, &b, &err) < 0);
	assert_int_equal(err.status, TL_IMAGE);
}

static void too_little_memory(void **state)
{
	struct run_config cfg = config(kernel64);
	struct board b;

	(void)state;
	cfg.mem_size = 2 * MIB;
	refuse(&cfg, TL_MEMORY, "use -m 66 or more");
	cfg.mem_size = 34 * MIB;
	prepare(&cfg, &b);
	board_free(&b);
}

static void device_tree_fits(void **state)
{
	struct run_config cfg = config(kernel64);
	uint64_t mpidr[CONFIG_MAX_CPUS];
	char params[2000];
	struct board b;
	void *blob, *other;
	size_t size;
	int chosen;
	unsigned int i;

	(void)state;
	for (i = 0; i < CONFIG_MAX_CPUS; i++)
		mpidr[i] = (i & 0xf) | (uint64_t)(i >> 4) << 32;
	memset(params, 'a', sizeof(params));
	params[sizeof(params) - 1] = '\0';
	cfg.params = params;
	cfg.cpus = CONFIG_MAX_CPUS;
	add_disks(&cfg, CONFIG_MAX_DISKS);
	prepare(&cfg, &b);
	assert_int_equal(board_make_fdt(&b, &cfg, 3, mpidr, "arm,cortex-a57",
					0x10000, &blob, &size, NULL),
			 0);
	assert_true(size <= b.dtb_size);
	assert_int_equal(fdt_check_full(blob, size), 0);

	/* Seeds differ from tree to tree. */
	assert_int_equal(board_make_fdt(&b, &cfg, 3, mpidr, "arm,cortex-a57",
					0x10000, &other, &size, NULL),
			 0);
	chosen = fdt_path_offset(blob, "/chosen");
	assert_memory_not_equal(fdt_getprop(blob, chosen, "rng-seed", NULL),
				fdt_getprop(other, chosen, "rng-seed", NULL),
				32);
	free(blob);
	free(other);
	board_free(&b);
}

/* vmm/native.c: what `trapline run` does where there is no KVM. */
static void native_run(void **state)
{
	struct run_config cfg = config(kernel32);
	struct error err = { 0 };
	uint8_t *blob;
	size_t size;

	(void)state;
	assert_int_equal(machine_run(&cfg, &err), TL_HOST);
	assert_non_null(strstr(err.text, "scripts/nested-host"));

	memset(&err, 0, sizeof(err));
	cfg.dump_dtb = out;
	cfg.cpus = 9; /* more than GICv2 takes: GICv3 is chosen */
	assert_int_equal(machine_run(&cfg, &err), TL_OK);
	assert_int_equal(
		file_read(out, "dtb", MIB, TL_FAIL, &blob, &size, NULL), 0);
	assert_int_equal(fdt_check_full(blob, size), 0);
	assert_true(fdt_path_offset(blob, "/cpus/cpu@8") > 0);
	free(blob);

	memset(&err, 0, sizeof(err));
	cfg.dump_dtb = "/no/such/dir/dtb";
	assert_int_equal(machine_run(&cfg, &err), TL_FAIL);
	memset(&err, 0, sizeof(err));
	cfg.dump_dtb = "/dev/full";
	assert_int_equal(machine_run(&cfg, &err), TL_FAIL);
	assert_non_null(strstr(err.text, "No space left"));
	memset(&err, 0, sizeof(err));
	cfg.mem_size = 2 * MIB;
	assert_int_equal(machine_run(&cfg, &err), TL_MEMORY);
}

static void le(uint8_t *p, uint64_t v, unsigned int n)
{
	for (; n--; v >>= 8)
		*p++ = (uint8_t)v;
}

static int make_file(char *path, const char *name, const void *data,
		     size_t size)
{
	snprintf(path, 64, "%s/%s", dir, name);
	return file_write(path, "test", data, size, TL_FAIL, NULL);
}

static int set_up(void **state)
{
	uint8_t buf[12345];
	int ret = 0;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	memset(buf, 0x8f, sizeof(buf));
	ret |= make_file(flat, "flat", buf, sizeof(buf));
	ret |= make_file(initrd, "initrd", buf, sizeof(buf));
	le(buf + 0x08, 0, 8);
	le(buf + 0x10, 31 * MIB, 8);
	le(buf + 0x18, 0xa, 8);
	le(buf + 0x38, 0x644d5241, 4);
	ret |= make_file(kernel64, "Image", buf, sizeof(buf));
	memset(buf, 0x8f, sizeof(buf));
	le(buf + 0x24, 0x016f2818, 4);
	le(buf + 0x28, 0, 4);
	le(buf + 0x2c, sizeof(buf), 4);
	ret |= make_file(kernel32, "zImage", buf, sizeof(buf));
	snprintf(out, sizeof(out), "%s/out.dtb", dir);
	return ret;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(flat);
	unlink(initrd);
	unlink(kernel64);
	unlink(kernel32);
	unlink(out);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_table),
		cmocka_unit_test(other_virtio_devices),
		cmocka_unit_test(command_line),
		cmocka_unit_test(users_keys_replace_defaults),
		cmocka_unit_test(command_line_limit),
		cmocka_unit_test(initrds),
		cmocka_unit_test(width_of_a_flat_image),
		cmocka_unit_test(too_little_memory),
		cmocka_unit_test(device_tree_fits),
		cmocka_unit_test(native_run),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
