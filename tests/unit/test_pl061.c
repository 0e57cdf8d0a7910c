// SPDX-License-Identifier: GPL-2.0-only
/* PL061 as DDI 0190B has it, by number, and the power key on one of its lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "hw/pl061.h"
#include "lib/evloop.h"
#include "power-key.h"

#define DATA(mask) ((mask) << 2)
#define ALL        DATA(0xff)
#define DIR        0x400
#define IS         0x404
#define IBE        0x408
#define IEV        0x40c
#define IE         0x410
#define RIS        0x414
#define MIS        0x418
#define IC         0x41c
#define AFSEL      0x420

struct fixture {
	struct pl061 *gpio;
	int level;
	unsigned int edges;
	struct evloop *loop;
	uint64_t fallen_ns;
};

static struct fixture f;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void fake_irq(void *opaque, bool level)
{
	(void)opaque;
	assert_int_not_equal(f.level, level); /* driven on change only */
	f.level = level;
	f.edges++;
}

static int setup(void **state)
{
	const struct pl061_config config = { .irq = { .set = fake_irq } };

	(void)state;
	memset(&f, 0, sizeof(f));
	f.gpio = pl061_new(&config);
	return f.gpio ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pl061_free(f.gpio);
	return 0;
}

static uint64_t rd(uint64_t offset)
{
	return pl061_mmio_ops.read(f.gpio, offset, 4);
}

static void wr(uint64_t offset, uint32_t val)
{
	pl061_mmio_ops.write(f.gpio, offset, 4, val);
}

static void in(unsigned int line, bool level)
{
	pl061_set_input(f.gpio, line, level);
}

static void identity(void **state)
{
	static const uint8_t id[] = { 0x61, 0x10, 0x04, 0x00,
				      0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_int_equal(rd(0xfe0 + 4 * i), id[i]);
	for (i = 0x424; i < 0xfe0; i += 4)
		assert_int_equal(rd(i), 0);
}

static void reset_values(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i <= AFSEL; i += 4)
		assert_int_equal(rd(i), 0);
	for (i = 0; i <= AFSEL; i += 4)
		wr(i, 0xffffffff);
	in(2, true);
	pl061_reset(f.gpio);
	assert_int_equal(f.level, 0);
	for (i = 0x400; i <= AFSEL; i += 4)
		assert_int_equal(rd(i), 0);
	/* What drives the line did not go away. */
	assert_int_equal(rd(ALL), 4);
}

static void data_mask(void **state)
{
	(void)state;
	wr(DIR, 0xf0);
	wr(DATA(0x3c), 0xff);
	assert_int_equal(rd(ALL), 0x30);
	wr(DATA(0x10), 0);
	assert_int_equal(rd(ALL), 0x20);
	in(0, true);
	in(5, true); /* an output does not show it */
	in(7, true);
	assert_int_equal(rd(ALL), 0x21);
	assert_int_equal(rd(DATA(0x01)), 0x01);
	assert_int_equal(rd(DATA(0x20)), 0x20);
	assert_int_equal(rd(DATA(0)), 0);
	wr(DIR, 0);
	assert_int_equal(rd(ALL), 0xa1);
	/* An output has what was written to it as an output. */
	wr(ALL, 0xff);
	wr(DIR, 0xff);
	assert_int_equal(rd(ALL), 0x20);
}

static void edges(void **state)
{
	(void)state;
	wr(IE, 0x08);
	wr(IEV, 0x08); /* rising */
	in(3, true);
	assert_int_equal(rd(RIS), 8);
	assert_int_equal(f.level, 1);
	in(3, false);
	assert_int_equal(rd(MIS), 8); /* stays until cleared */
	wr(IC, 0xf7);
	assert_int_equal(rd(RIS), 8);
	wr(IC, 8);
	assert_int_equal(rd(RIS), 0);
	assert_int_equal(f.level, 0);

	wr(IEV, 0); /* falling */
	in(3, true);
	assert_int_equal(rd(RIS), 0);
	in(3, false);
	assert_int_equal(rd(RIS), 8);
	wr(IC, 0xff);

	wr(IBE, 8); /* both */
	in(3, true);
	assert_int_equal(rd(RIS), 8);
	wr(IC, 8);
	in(3, true); /* nothing new */
	assert_int_equal(rd(RIS), 0);
	in(3, false);
	assert_int_equal(rd(RIS), 8);
	wr(IC, 8);
	/* Masked: in RIS alone. */
	wr(IE, 0);
	in(3, true);
	assert_int_equal(rd(RIS), 8);
	assert_int_equal(rd(MIS), 0);
	assert_int_equal(f.level, 0);
	wr(IE, 8);
	assert_int_equal(f.level, 1);
}

static void levels(void **state)
{
	(void)state;
	wr(IS, 0x03);
	wr(IEV, 0x01);
	wr(IE, 0x03);
	/* Line 1 is active low, and it is low. */
	assert_int_equal(rd(MIS), 2);
	in(1, true);
	assert_int_equal(rd(MIS), 0);
	in(0, true);
	assert_int_equal(rd(MIS), 1);
	wr(IC, 0xff); /* does not help while the source holds it */
	assert_int_equal(rd(MIS), 1);
	assert_int_equal(f.level, 1);
	in(0, false);
	assert_int_equal(rd(RIS), 0);
	assert_int_equal(f.level, 0);
	/* A level leaves no edge behind. */
	in(0, true);
	in(0, false);
	wr(IS, 0);
	assert_int_equal(rd(RIS), 0);
}

static void outputs_do_not_interrupt(void **state)
{
	(void)state;
	wr(DIR, 0xff);
	wr(IBE, 0xff);
	wr(IE, 0xff);
	in(3, true);
	wr(ALL, 0xff);
	assert_int_equal(rd(RIS), 0);
	assert_int_equal(f.edges, 0);
}

static void odd_accesses(void **state)
{
	(void)state;
	wr(DIR, 0xffffff0f);
	assert_int_equal(rd(DIR), 0x0f);
	pl061_mmio_ops.write(f.gpio, DIR + 1, 1, 0xff);
	assert_int_equal(rd(DIR), 0x0f);
	pl061_mmio_ops.write(f.gpio, DIR, 8, 0x0000000300000001);
	assert_int_equal(rd(DIR), 1);
	assert_int_equal(rd(IS), 3);
	assert_int_equal(pl061_mmio_ops.read(f.gpio, 0xfe1, 2), 0);
	in(8, true);
	in(UINT32_MAX, true);
	assert_int_equal(rd(ALL), 0);
	pl061_free(NULL);
}

/* --- the power key -----------------------------------------------------------*/

static void poll_key(void *opaque)
{
	struct evloop_timer **timer = opaque;

	if (!rd(ALL)) {
		f.fallen_ns = now_ns();
		evloop_stop(f.loop);
		return;
	}
	evloop_timer_set(*timer, now_ns() + 1000000);
}

static void power_key(void **state)
{
	struct evloop_timer *timer;
	struct power_key *key;
	struct error err = { 0 };
	uint64_t pressed_ns, held;

	(void)state;
	f.loop = evloop_new(&err);
	assert_non_null(f.loop);
	assert_int_equal(power_key_new(f.loop, f.gpio, 3, &key, &err), 0);
	timer = evloop_timer_new(f.loop, poll_key, &timer, &err);
	wr(IE, 8);
	wr(IBE, 8);
	assert_int_equal(rd(ALL), 0);
	power_key_press(key);
	/* from before it is down, so that a late look only makes it longer */
	pressed_ns = now_ns();
	power_key_press(key); /* while it is down: as if once */
	assert_int_equal(rd(ALL), 8);
	assert_int_equal(rd(RIS), 8);
	wr(IC, 8);
	evloop_timer_set(timer, 0);
	assert_int_equal(evloop_run(f.loop, &err), 0);
	assert_int_equal(rd(RIS), 8); /* the release is an edge, too */
	held = f.fallen_ns - pressed_ns;
	assert_in_range(held, POWER_KEY_MS * UINT64_C(1000000),
			2000 * UINT64_C(1000000));
	/* Freed while it is down. */
	power_key_press(key);
	power_key_free(key);
	power_key_free(NULL);
	evloop_timer_free(timer);
	evloop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_values, setup, teardown),
		cmocka_unit_test_setup_teardown(data_mask, setup, teardown),
		cmocka_unit_test_setup_teardown(edges, setup, teardown),
		cmocka_unit_test_setup_teardown(levels, setup, teardown),
		cmocka_unit_test_setup_teardown(outputs_do_not_interrupt, setup,
						teardown),
		cmocka_unit_test_setup_teardown(odd_accesses, setup, teardown),
		cmocka_unit_test_setup_teardown(power_key, setup, teardown),
	};

	return cmocka_run_group_tests_name("pl061", tests, NULL, NULL);
}
