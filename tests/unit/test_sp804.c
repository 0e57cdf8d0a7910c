// SPDX-License-Identifier: GPL-2.0-only
/* SP804 as DDI 0271D has it, with a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hw/sp804.h"

#define LOAD     0x00
#define VALUE    0x04
#define CONTROL  0x08
#define INTCLR   0x0c
#define RIS      0x10
#define MIS      0x14
#define BGLOAD   0x18
#define SECOND   0x20

#define ONESHOT  0x01
#define WIDE     0x02
#define BY_16    0x04
#define BY_256   0x08
#define IE       0x20
#define PERIODIC 0x40
#define ENABLE   0x80

#define US       1000ULL /* a tick of 1 MHz */

static struct {
	struct sp804 *s;
	uint64_t now;
	bool level;
	unsigned int edges;
	unsigned int moved;
} f;

static uint64_t fake_now(void *opaque)
{
	(void)opaque;
	return f.now;
}

static void fake_irq(void *opaque, bool level)
{
	(void)opaque;
	assert_int_not_equal(f.level, level); /* driven on change only */
	f.level = level;
	f.edges++;
}

static void fake_moved(void *opaque)
{
	(void)opaque;
	f.moved++;
}

static int setup(void **state)
{
	const struct sp804_config config = {
		.irq = { .set = fake_irq },
		.clock = { .now_ns = fake_now },
		.freq_hz = 1000000,
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	f.now = 5000000000;
	f.s = sp804_new(&config);
	if (!f.s)
		return -1;
	sp804_set_alarm_cb(f.s, fake_moved, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sp804_free(f.s);
	return 0;
}

static uint32_t rd(uint64_t offset)
{
	return (uint32_t)sp804_mmio_ops.read(f.s, offset, 4);
}

static void wr(uint64_t offset, uint32_t val)
{
	sp804_mmio_ops.write(f.s, offset, 4, val);
}

/* Let @us pass; the owner's timer fires if it is due by then. */
static void pass(uint64_t us)
{
	f.now += us * US;
	if (sp804_deadline_ns(f.s) <= f.now)
		sp804_tick(f.s);
}

static void identity(void **state)
{
	static const uint8_t id[] = { 0x04, 0x18, 0x14, 0x00,
				      0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_int_equal(rd(0xfe0 + 4 * i), id[i]);
	for (i = 0x40; i < 0xfe0; i += 4)
		assert_int_equal(rd(i), 0);
}

static void reset_values(void **state)
{
	unsigned int t;

	(void)state;
	for (t = 0; t <= SECOND; t += SECOND) {
		assert_int_equal(rd(t + LOAD), 0);
		assert_int_equal(rd(t + VALUE), 0xffffffff);
		assert_int_equal(rd(t + CONTROL), IE);
		assert_int_equal(rd(t + RIS), 0);
		assert_int_equal(rd(t + MIS), 0);
	}
	assert_true(sp804_deadline_ns(f.s) == UINT64_MAX);
	pass(1000000);
	assert_int_equal(rd(VALUE), 0xffffffff); /* it does not count yet */
}

static void one_shot(void **state)
{
	(void)state;
	wr(CONTROL, WIDE | ONESHOT | IE | ENABLE);
	wr(LOAD, 100);
	assert_true(sp804_deadline_ns(f.s) == f.now + 100 * US);
	assert_true(f.moved > 0);
	pass(99);
	assert_int_equal(rd(VALUE), 1);
	assert_int_equal(f.level, 0);
	pass(1);
	assert_int_equal(rd(VALUE), 0);
	assert_int_equal(f.level, 1);
	assert_int_equal(rd(RIS), 1);
	assert_int_equal(rd(MIS), 1);
	wr(INTCLR, 0); /* whatever is written */
	assert_int_equal(f.level, 0);
	assert_int_equal(rd(RIS), 0);
	pass(1000000);
	assert_int_equal(f.edges, 2); /* once is once */
	assert_int_equal(rd(VALUE), 0);
	wr(LOAD, 3);
	pass(3);
	assert_int_equal(f.edges, 3);
}

static void periodic(void **state)
{
	unsigned int i;

	(void)state;
	wr(LOAD, 10);
	wr(CONTROL, WIDE | PERIODIC | IE | ENABLE);
	for (i = 1; i <= 5; i++) {
		pass(10);
		assert_int_equal(f.edges, 2 * i - 1);
		assert_int_equal(rd(VALUE), 10);
		wr(INTCLR, 1);
		assert_int_equal(f.edges, 2 * i);
	}
	/* Missed ones are one, and the phase stays. */
	pass(34);
	assert_int_equal(f.edges, 11);
	assert_int_equal(rd(VALUE), 6);
	wr(INTCLR, 1);
	assert_true(sp804_deadline_ns(f.s) == f.now + 6 * US);
	/* A background load waits for its turn. */
	wr(BGLOAD, 100);
	assert_int_equal(rd(LOAD), 100);
	assert_int_equal(rd(VALUE), 6);
	pass(6);
	assert_int_equal(rd(VALUE), 100);
}

static void free_running(void **state)
{
	(void)state;
	/* As Linux's clocksource has it. */
	wr(SECOND + CONTROL, 0);
	wr(SECOND + LOAD, 0xffffffff);
	wr(SECOND + VALUE, 0x1234); /* read-only */
	wr(SECOND + CONTROL, WIDE | PERIODIC | ENABLE);
	pass(1000);
	assert_int_equal(rd(SECOND + VALUE), 0xffffffff - 1000);
	assert_true(sp804_deadline_ns(f.s) == UINT64_MAX);
	assert_int_equal(f.edges, 0);

	/* 16 bits without a reload. */
	wr(LOAD, 5);
	wr(CONTROL, ENABLE | IE);
	pass(5);
	assert_int_equal(rd(VALUE), 0);
	assert_int_equal(f.level, 1);
	pass(1);
	assert_int_equal(rd(VALUE), 0xffff);
	wr(INTCLR, 0);
	pass(0xfffe);
	assert_int_equal(f.level, 0);
	pass(1);
	assert_int_equal(f.level, 1);
}

static void mask_and_prescale(void **state)
{
	(void)state;
	wr(CONTROL, WIDE | ONESHOT | ENABLE); /* no IE */
	wr(LOAD, 10);
	assert_true(sp804_deadline_ns(f.s) == UINT64_MAX);
	pass(10);
	assert_int_equal(rd(RIS), 1);
	assert_int_equal(rd(MIS), 0);
	assert_int_equal(f.level, 0);
	wr(CONTROL, WIDE | ONESHOT | ENABLE | IE);
	assert_int_equal(f.level, 1); /* it was only masked */
	wr(INTCLR, 0);

	wr(CONTROL, WIDE | ONESHOT | ENABLE | IE | BY_16);
	wr(LOAD, 10);
	pass(159);
	assert_int_equal(rd(VALUE), 1);
	pass(1);
	assert_int_equal(f.level, 1);
	wr(INTCLR, 0);
	wr(CONTROL, WIDE | ONESHOT | ENABLE | IE | BY_256);
	wr(LOAD, 0xffffffff);
	assert_true(sp804_deadline_ns(f.s) == f.now + 0xffffffffULL * 256 * US);
}

/* Stopped, it keeps its value, and goes on from there. */
static void stop_and_go(void **state)
{
	(void)state;
	wr(LOAD, 100);
	wr(CONTROL, WIDE | PERIODIC | IE | ENABLE);
	pass(40);
	wr(CONTROL, WIDE | PERIODIC | IE);
	pass(1000);
	assert_int_equal(rd(VALUE), 60);
	assert_int_equal(f.edges, 0);
	wr(CONTROL, WIDE | PERIODIC | IE | ENABLE);
	pass(59);
	assert_int_equal(f.edges, 0);
	pass(1);
	assert_int_equal(f.edges, 1);
}

static void load_of_zero(void **state)
{
	(void)state;
	wr(CONTROL, WIDE | PERIODIC | IE | ENABLE);
	wr(LOAD, 0);
	assert_int_equal(f.level, 1);
	wr(INTCLR, 0);
	assert_int_equal(f.level, 0); /* no storm */
	pass(100);
	assert_int_equal(f.level, 0);
	wr(CONTROL, WIDE | ONESHOT | IE);
	wr(LOAD, 0);
	assert_int_equal(f.level, 0); /* not enabled */
	wr(CONTROL, WIDE | ONESHOT | IE | ENABLE);
	assert_int_equal(f.level, 1);
}

/* Both share the line, and neither clears the other's. */
static void two_of_them(void **state)
{
	(void)state;
	wr(CONTROL, WIDE | ONESHOT | IE | ENABLE);
	wr(SECOND + CONTROL, WIDE | ONESHOT | IE | ENABLE);
	wr(SECOND + LOAD, 20);
	wr(LOAD, 10);
	assert_true(sp804_deadline_ns(f.s) == f.now + 10 * US);
	pass(10);
	assert_true(sp804_deadline_ns(f.s) == f.now + 10 * US);
	pass(10);
	assert_int_equal(f.edges, 1);
	wr(INTCLR, 0);
	assert_int_equal(f.level, 1);
	wr(SECOND + INTCLR, 0);
	assert_int_equal(f.level, 0);
}

/* The line rises on a read that comes before the owner's timer. */
static void late_timer(void **state)
{
	(void)state;
	wr(CONTROL, WIDE | ONESHOT | IE | ENABLE);
	wr(LOAD, 10);
	f.now += 50 * US;
	assert_int_equal(rd(RIS), 1);
	assert_int_equal(f.level, 1);
	sp804_tick(f.s);
	assert_int_equal(f.edges, 1);
}

static void odd_access(void **state)
{
	(void)state;
	wr(LOAD, 0x11223344);
	assert_int_equal(sp804_mmio_ops.read(f.s, 1, 2), 0x2233);
	sp804_mmio_ops.write(f.s, LOAD + 3, 1, 0xaa);
	assert_int_equal(rd(LOAD), 0xaa223344);
	assert_true(sp804_mmio_ops.read(f.s, LOAD, 8) ==
		    (0xaa223344ULL << 32 | 0xaa223344));
	wr(0xf00, 1);
	wr(0xffc, 1);
	assert_int_equal(rd(0xf00), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),    TEST(reset_values), TEST(one_shot),
		TEST(periodic),    TEST(free_running), TEST(mask_and_prescale),
		TEST(stop_and_go), TEST(load_of_zero), TEST(two_of_them),
		TEST(late_timer),  TEST(odd_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
