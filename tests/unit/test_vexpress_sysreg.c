// SPDX-License-Identifier: GPL-2.0-only
/* The motherboard's system registers, used as Linux's drivers do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hw/vexpress-sysreg.h"

#define SYS_ID      0x00
#define SYS_LED     0x08
#define SYS_100HZ   0x24
#define SYS_FLAGS   0x30
#define FLAGSCLR    0x34
#define NVFLAGS     0x38
#define NVFLAGSCLR  0x3c
#define SYS_24MHZ   0x5c
#define SYS_MISC    0x60
#define SYS_PROCID0 0x84
#define SYS_PROCID1 0x88
#define CFGDATA     0xa0
#define CFGCTRL     0xa4
#define CFGSTAT     0xa8

#define START       0x80000000u
#define WRITE       0x40000000u
#define FUNC(n)     ((uint32_t)(n) << 20)
#define SITE(n)     ((uint32_t)(n) << 16)

static struct {
	struct vexpress_sysreg *s;
	uint64_t now;
	unsigned int off, reset;
} f;

static uint64_t fake_now(void *opaque)
{
	(void)opaque;
	return f.now;
}

static uint32_t rd(uint64_t offset)
{
	return (uint32_t)vexpress_sysreg_mmio_ops.read(f.s, offset, 4);
}

static void wr(uint64_t offset, uint32_t val)
{
	vexpress_sysreg_mmio_ops.write(f.s, offset, 4, val);
}

/* Called under no lock: looking at the device is allowed. */
static void fake_off(void *opaque)
{
	(void)opaque;
	assert_int_equal(rd(CFGSTAT), 1);
	f.off++;
}

static void fake_reset(void *opaque)
{
	(void)opaque;
	f.reset++;
}

static int setup(void **state)
{
	const struct vexpress_sysreg_config config = {
		.clock = { .now_ns = fake_now },
		.power = { .off = fake_off, .reset = fake_reset },
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	f.now = 123456789;
	f.s = vexpress_sysreg_new(&config);
	return f.s ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	vexpress_sysreg_free(f.s);
	return 0;
}

/* vexpress_syscfg_exec(); returns SYS_CFGSTAT. */
static uint32_t transact(uint32_t command, uint32_t data)
{
	assert_false(rd(CFGCTRL) & START);
	wr(CFGDATA, data);
	wr(CFGSTAT, 0);
	wr(CFGCTRL, command | START);
	return rd(CFGSTAT);
}

static void identity(void **state)
{
	(void)state;
	assert_int_equal(rd(SYS_ID) >> 16 & 0xfff, 0x190);
	/* What Linux compares with the tree's arm,hbi. */
	assert_int_equal(rd(SYS_PROCID0) & 0xfff, 0x237);
	assert_int_equal(rd(SYS_PROCID1), 0xff000000);
	assert_int_equal(rd(SYS_MISC), 0);
	wr(SYS_ID, 0);
	assert_int_equal(rd(SYS_ID) >> 16 & 0xfff, 0x190);
}

static void counters(void **state)
{
	(void)state;
	assert_int_equal(rd(SYS_24MHZ), 0);
	f.now += 1000000;
	assert_int_equal(rd(SYS_24MHZ), 24000);
	assert_int_equal(rd(SYS_100HZ), 0);
	f.now += 1000000000ULL * 3600;
	assert_int_equal(rd(SYS_100HZ), 360000);
	assert_int_equal(rd(SYS_24MHZ), (uint32_t)(24000000ULL * 3600 + 24000));
}

static void flags(void **state)
{
	(void)state;
	wr(SYS_FLAGS, 0xf0f0);
	wr(SYS_FLAGS, 0x000f);
	assert_int_equal(rd(SYS_FLAGS), 0xf0ff);
	wr(FLAGSCLR, 0xf000);
	assert_int_equal(rd(SYS_FLAGS), 0x00ff);
	wr(NVFLAGS, 0x8000);
	assert_int_equal(rd(NVFLAGS), 0x8000);
	wr(NVFLAGSCLR, ~0u);
	assert_int_equal(rd(NVFLAGS), 0);
	wr(SYS_LED, 0x1ff);
	assert_int_equal(rd(SYS_LED), 0xff);
}

static void oscillators(void **state)
{
	/* Site, device, and the range that Linux's device tree gives. */
	static const struct {
		unsigned int site, device, min, max;
	} osc[] = {
		{ 0, 0, 25000000, 60000000 }, { 0, 1, 23750000, 65000000 },
		{ 0, 2, 24000000, 24000000 }, { 1, 0, 50000000, 60000000 },
		{ 1, 4, 20000000, 40000000 }, { 1, 5, 23750000, 165000000 },
		{ 1, 6, 20000000, 50000000 }, { 1, 7, 20000000, 60000000 },
		{ 1, 8, 40000000, 40000000 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(osc) / sizeof(osc[0]); i++) {
		uint32_t command = FUNC(1) | SITE(osc[i].site) | osc[i].device;

		assert_int_equal(transact(command, 0xdeadbeef), 1);
		assert_in_range(rd(CFGDATA), osc[i].min, osc[i].max);
	}
	assert_int_equal(transact(FUNC(1) | SITE(1) | 5 | WRITE, 65000000), 1);
	assert_int_equal(transact(FUNC(1) | SITE(1) | 5, 0xdeadbeef), 1);
	assert_int_equal(rd(CFGDATA), 65000000);
	/* Its neighbours keep theirs. */
	assert_int_equal(transact(FUNC(1) | SITE(0) | 1, 0), 1);
	assert_int_equal(rd(CFGDATA), 23750000);
}

static void power_off(void **state)
{
	(void)state;
	assert_int_equal(transact(FUNC(8) | WRITE, 0), 1);
	assert_int_equal(f.off, 1);
	assert_int_equal(f.reset, 0);
}

static void reboot(void **state)
{
	(void)state;
	assert_int_equal(transact(FUNC(9) | WRITE, 0), 1);
	assert_int_equal(f.reset, 1);
	assert_int_equal(transact(FUNC(5) | WRITE, 0), 1);
	assert_int_equal(f.reset, 2);
	assert_int_equal(f.off, 0);
}

static void refused(void **state)
{
	static const uint32_t command[] = {
		FUNC(8),                    /* a read */
		FUNC(8) | WRITE | SITE(1),  /* no power switch there */
		FUNC(9) | WRITE | SITE(2),  /* no tile */
		FUNC(9) | WRITE | 1u << 26, /* no second controller */
		FUNC(9) | WRITE | 1u << 12, /* nothing is stacked */
		FUNC(1) | 3,                /* no such oscillator */
		FUNC(1) | SITE(1) | 1,
		FUNC(4), /* no thermometer */
		FUNC(0),
		FUNC(0x3f) | WRITE,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(command) / sizeof(command[0]); i++) {
		assert_int_equal(transact(command[i], 7), 3);
		assert_int_equal(rd(CFGDATA), 7);
	}
	/* Without START nothing happens. */
	wr(CFGSTAT, 0);
	wr(CFGCTRL, FUNC(8) | WRITE);
	assert_int_equal(rd(CFGSTAT), 0);
	assert_int_equal(f.off + f.reset, 0);
}

static void odd_access(void **state)
{
	unsigned int i, size;

	(void)state;
	for (i = 0; i < 0x100; i++)
		for (size = 1; size <= 8; size *= 2)
			vexpress_sysreg_mmio_ops.read(f.s, i, size);
	/* A byte at a time, START last. */
	vexpress_sysreg_mmio_ops.write(f.s, CFGCTRL + 2, 1, 0x80);
	assert_int_equal(f.off, 0);
	vexpress_sysreg_mmio_ops.write(f.s, CFGCTRL + 3, 1, 0xc0);
	assert_int_equal(f.off, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),    TEST(counters),   TEST(flags),
		TEST(oscillators), TEST(power_off),  TEST(reboot),
		TEST(refused),     TEST(odd_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
