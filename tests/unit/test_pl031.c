// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "hw/pl031.h"

#define SEC   UINT64_C(1000000000)
#define DR    0x00
#define MR    0x04
#define LR    0x08
#define CR    0x0c
#define IMSC  0x10
#define RIS   0x14
#define MIS   0x18
#define ICR   0x1c

#define START UINT64_C(1700000000)

struct fixture {
	struct pl031 *rtc;
	uint64_t now; /* nanoseconds */
	int level;
	unsigned int edges;
	unsigned int changed;
};

static uint64_t fake_now(void *opaque)
{
	return ((struct fixture *)opaque)->now;
}

static void fake_irq(void *opaque, bool level)
{
	struct fixture *f = opaque;

	assert_int_not_equal(f->level, level); /* driven on change only */
	f->level = level;
	f->edges++;
}

static void deadline_changed(void *opaque)
{
	((struct fixture *)opaque)->changed++;
}

static int setup(void **state)
{
	static struct fixture f;
	struct pl031_config config = {
		.irq = { .set = fake_irq, .opaque = &f },
		.clock = { .now_ns = fake_now, .opaque = &f },
	};

	memset(&f, 0, sizeof(f));
	f.now = START * SEC + SEC / 2;
	f.rtc = pl031_new(&config);
	if (!f.rtc)
		return -1;
	pl031_set_alarm_cb(f.rtc, deadline_changed, &f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	pl031_free(((struct fixture *)*state)->rtc);
	return 0;
}

static uint64_t rd_size(struct fixture *f, uint64_t offset, unsigned int size)
{
	return pl031_mmio_ops.read(f->rtc, offset, size);
}

static uint32_t rd(struct fixture *f, uint64_t offset)
{
	return rd_size(f, offset, 4);
}

static void wr(struct fixture *f, uint64_t offset, uint32_t val)
{
	pl031_mmio_ops.write(f->rtc, offset, 4, val);
}

static void test_reset_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, DR), START);
	assert_int_equal(rd(f, MR), 0);
	assert_int_equal(rd(f, LR), 0);
	assert_int_equal(rd(f, CR), 1);
	assert_int_equal(rd(f, IMSC), 0);
	assert_int_equal(rd(f, RIS), 0);
	assert_int_equal(rd(f, MIS), 0);
	assert_int_equal(rd(f, ICR), 0);
	assert_int_equal(f->edges, 0);
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);
}

/* What Linux's AMBA bus matches: 0x00041031 and the PrimeCell's cell ID. */
static void test_ids(void **state)
{
	static const uint8_t id[] = { 0x31, 0x10, 0x04, 0x00,
				      0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	for (i = 0; i < 8; i++) {
		wr(*state, 0xfe0 + 4 * i, 0xffffffff);
		assert_int_equal(rd(*state, 0xfe0 + 4 * i), id[i]);
	}
}

static void test_counts(void **state)
{
	struct fixture *f = *state;

	f->now += SEC / 2 - 1;
	assert_int_equal(rd(f, DR), START);
	f->now += 1;
	assert_int_equal(rd(f, DR), START + 1);
	f->now += 3600 * SEC;
	assert_int_equal(rd(f, DR), START + 3601);
	wr(f, DR, 5); /* read-only */
	assert_int_equal(rd(f, DR), START + 3601);
	wr(f, CR, 0); /* cannot be stopped */
	assert_int_equal(rd(f, CR), 1);
	f->now += SEC;
	assert_int_equal(rd(f, DR), START + 3602);
}

static void test_load(void **state)
{
	struct fixture *f = *state;

	wr(f, LR, 1000);
	assert_int_equal(rd(f, LR), 1000);
	assert_int_equal(rd(f, DR), 1000);
	f->now += 10 * SEC;
	assert_int_equal(rd(f, DR), 1010);
	assert_int_equal(rd(f, LR), 1000); /* the value last loaded */

	/* The counter wraps at 32 bits. */
	wr(f, LR, 0xffffffff);
	assert_int_equal(rd(f, DR), 0xffffffff);
	f->now += SEC;
	assert_int_equal(rd(f, DR), 0);
}

static void test_clock_beyond_2106(void **state)
{
	struct fixture *f = *state;

	f->now = (UINT64_C(1) << 32) * SEC + 7 * SEC;
	assert_int_equal(rd(f, DR), 7);
}

static void test_alarm(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, START + 10);
	assert_int_equal(rd(f, MR), START + 10);
	/* Masked: no interrupt to come. */
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);
	assert_int_equal(f->changed, 0);
	wr(f, IMSC, 1);
	assert_int_equal(f->changed, 1);
	assert_true(pl031_deadline_ns(f->rtc) == (START + 10) * SEC);

	f->now = (START + 10) * SEC - 1;
	pl031_tick(f->rtc);
	assert_int_equal(f->edges, 0);
	assert_int_equal(rd(f, RIS), 0);

	f->now = (START + 10) * SEC;
	pl031_tick(f->rtc);
	assert_int_equal(f->level, 1);
	assert_int_equal(rd(f, RIS), 1);
	assert_int_equal(rd(f, MIS), 1);
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);

	pl031_tick(f->rtc);
	assert_int_equal(f->edges, 1);

	/* Cleared within the second of the match, it stays away. */
	wr(f, ICR, 1);
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, RIS), 0);
	pl031_tick(f->rtc);
	f->now += 100 * SEC;
	pl031_tick(f->rtc);
	assert_int_equal(rd(f, RIS), 0);
	assert_int_equal(f->edges, 2);
}

/* An owner whose timer fires early is told to set it again. */
static void test_early_tick(void **state)
{
	struct fixture *f = *state;
	unsigned int before;

	wr(f, MR, START + 10);
	wr(f, IMSC, 1);
	before = f->changed;
	f->now += 3 * SEC;
	pl031_tick(f->rtc);
	assert_int_equal(f->changed, before + 1);
	assert_true(pl031_deadline_ns(f->rtc) == (START + 10) * SEC);
	f->now += 7 * SEC;
	pl031_tick(f->rtc);
	assert_int_equal(f->level, 1);
	assert_int_equal(f->changed, before + 2); /* none pending now */
}

static void test_masked_match(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, START + 5);
	f->now += 20 * SEC;
	/* No tick came, and the raw status is right all the same. */
	assert_int_equal(rd(f, RIS), 1);
	assert_int_equal(rd(f, MIS), 0);
	assert_int_equal(f->edges, 0);
	wr(f, IMSC, 1);
	assert_int_equal(f->level, 1);
	wr(f, IMSC, 0);
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, RIS), 1);
	wr(f, ICR, 0); /* writing 0 clears nothing */
	assert_int_equal(rd(f, RIS), 1);
	wr(f, ICR, 0xfffffffe);
	assert_int_equal(rd(f, RIS), 1);
	wr(f, ICR, 1);
	assert_int_equal(rd(f, RIS), 0);
}

/* Any access shows a match whose tick is late. */
static void test_late_tick(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, START + 5);
	wr(f, IMSC, 1);
	f->now += 6 * SEC;
	rd(f, DR);
	assert_int_equal(f->level, 1);
	/* The clear that follows acknowledges that match. */
	wr(f, ICR, 1);
	pl031_tick(f->rtc);
	assert_int_equal(f->level, 0);
	assert_int_equal(f->edges, 2);
}

static void test_match_now(void **state)
{
	struct fixture *f = *state;

	wr(f, IMSC, 1);
	wr(f, MR, START);
	assert_int_equal(f->level, 1);
	wr(f, ICR, 1);
	/* Loading the counter with the match value is a match as well. */
	wr(f, MR, 500);
	assert_int_equal(f->level, 0);
	wr(f, LR, 500);
	assert_int_equal(f->level, 1);
}

static void test_past_match_waits_for_wrap(void **state)
{
	struct fixture *f = *state;

	wr(f, IMSC, 1);
	wr(f, MR, START - 1);
	assert_int_equal(f->level, 0);
	assert_true(pl031_deadline_ns(f->rtc) == (START + UINT32_MAX) * SEC);
	f->now = (START + UINT32_MAX) * SEC;
	pl031_tick(f->rtc);
	assert_int_equal(f->level, 1);
}

static void test_alarm_follows_load(void **state)
{
	struct fixture *f = *state;

	wr(f, IMSC, 1);
	wr(f, MR, START + 100);
	assert_int_equal(f->changed, 1);
	wr(f, LR, START + 90);
	assert_int_equal(f->changed, 2);
	assert_true(pl031_deadline_ns(f->rtc) == (START + 10) * SEC);
	/* Writing the same again moves nothing. */
	wr(f, MR, START + 100);
	wr(f, LR, START + 90);
	wr(f, IMSC, 1);
	assert_int_equal(f->changed, 2);
	wr(f, IMSC, 0);
	assert_int_equal(f->changed, 3);
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);
}

/* The next alarm may be set before the last one is acknowledged. */
static void test_rearm_before_clear(void **state)
{
	struct fixture *f = *state;

	wr(f, IMSC, 1);
	wr(f, MR, START + 1);
	f->now += SEC;
	pl031_tick(f->rtc);
	assert_int_equal(f->level, 1);
	wr(f, MR, START + 20);
	assert_int_equal(f->level, 1);
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);
	wr(f, ICR, 1);
	assert_int_equal(f->level, 0);
	assert_true(pl031_deadline_ns(f->rtc) == (START + 20) * SEC);
}

static void test_deadline_saturates(void **state)
{
	struct fixture *f = *state;

	f->now = UINT64_MAX - SEC;
	wr(f, IMSC, 1);
	wr(f, MR, rd(f, DR) - 1);
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);
	assert_int_equal(f->level, 0);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	wr(f, LR, 5000);
	wr(f, IMSC, 1);
	wr(f, MR, 5000);
	assert_int_equal(f->level, 1);
	pl031_reset(f->rtc);
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, MR), 0);
	assert_int_equal(rd(f, LR), 0);
	assert_int_equal(rd(f, IMSC), 0);
	assert_int_equal(rd(f, RIS), 0);
	/* The time is the battery's. */
	assert_int_equal(rd(f, DR), 5000);

	wr(f, IMSC, 1);
	wr(f, MR, 5100);
	pl031_reset(f->rtc);
	assert_true(pl031_deadline_ns(f->rtc) == UINT64_MAX);
	f->now += 1000 * SEC;
	pl031_tick(f->rtc);
	assert_int_equal(rd(f, RIS), 0);
}

static void test_sizes(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, 0x44332211);
	assert_int_equal(rd_size(f, MR, 1), 0x11);
	assert_int_equal(rd_size(f, MR + 1, 1), 0x22);
	assert_int_equal(rd_size(f, MR + 2, 2), 0x4433);
	assert_int_equal(rd_size(f, MR + 1, 2), 0x3322);
	/* Two registers at once, and a cut through two. */
	wr(f, LR, 0x88776655);
	assert_true(rd_size(f, MR, 8) == UINT64_C(0x8877665544332211));
	assert_int_equal(rd_size(f, MR + 2, 4), 0x66554433);

	pl031_mmio_ops.write(f->rtc, MR + 1, 1, 0xee);
	assert_int_equal(rd(f, MR), 0x4433ee11);
	pl031_mmio_ops.write(f->rtc, MR, 8, UINT64_C(0x0000123400005678));
	assert_int_equal(rd(f, MR), 0x5678);
	assert_int_equal(rd(f, LR), 0x1234);
	assert_int_equal(rd(f, DR), 0x1234);
}

static void test_unknown_registers(void **state)
{
	struct fixture *f = *state;
	uint64_t offset;

	for (offset = 0x20; offset < 0xfe0; offset += 4) {
		wr(f, offset, 0xffffffff);
		assert_int_equal(rd(f, offset), 0);
	}
	assert_int_equal(rd(f, DR), START);
	assert_int_equal(rd(f, IMSC), 0);
	wr(f, IMSC, 0xffffffff);
	assert_int_equal(rd(f, IMSC), 1);
	wr(f, RIS, 1);
	wr(f, MIS, 1);
	assert_int_equal(rd(f, RIS), 0);
}

/* No callback, no line: nothing to call. */
static void test_bare(void **state)
{
	const struct pl031_config config = { .clock = clock_realtime };
	struct pl031 *rtc = pl031_new(&config);
	uint64_t dr;

	(void)state;
	assert_non_null(rtc);
	dr = pl031_mmio_ops.read(rtc, DR, 4);
	assert_in_range(dr, time(NULL) - 2, time(NULL) + 2);
	pl031_mmio_ops.write(rtc, IMSC, 4, 1);
	pl031_mmio_ops.write(rtc, MR, 4, dr + 100);
	pl031_mmio_ops.write(rtc, LR, 4, dr + 100);
	assert_int_equal(pl031_mmio_ops.read(rtc, MIS, 4), 1);
	pl031_free(rtc);
	pl031_free(NULL);
}

#define rtc_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rtc_test(test_reset_values),
		rtc_test(test_ids),
		rtc_test(test_counts),
		rtc_test(test_load),
		rtc_test(test_clock_beyond_2106),
		rtc_test(test_alarm),
		rtc_test(test_early_tick),
		rtc_test(test_masked_match),
		rtc_test(test_late_tick),
		rtc_test(test_match_now),
		rtc_test(test_past_match_waits_for_wrap),
		rtc_test(test_alarm_follows_load),
		rtc_test(test_rearm_before_clear),
		rtc_test(test_deadline_saturates),
		rtc_test(test_reset),
		rtc_test(test_sizes),
		rtc_test(test_unknown_registers),
		cmocka_unit_test(test_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
