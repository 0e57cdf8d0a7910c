// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/mmio.h"

/* A device that records the last access and answers with @answer. */
struct probe {
	unsigned int reads;
	unsigned int writes;
	uint64_t offset;
	unsigned int size;
	uint64_t val;
	uint64_t answer;
};

static uint64_t probe_read(void *dev, uint64_t offset, unsigned int size)
{
	struct probe *p = dev;

	p->reads++;
	p->offset = offset;
	p->size = size;
	return p->answer;
}

static void probe_write(void *dev, uint64_t offset, unsigned int size,
			uint64_t val)
{
	struct probe *p = dev;

	p->writes++;
	p->offset = offset;
	p->size = size;
	p->val = val;
}

static const struct mmio_ops probe_ops = {
	.read = probe_read,
	.write = probe_write,
};

static int add(struct mmio_bus *bus, const char *name, uint64_t base,
	       uint64_t size, struct probe *p, struct error *err)
{
	const struct mmio_region region = {
		.name = name,
		.base = base,
		.size = size,
		.ops = &probe_ops,
		.dev = p,
	};

	return mmio_bus_add(bus, &region, err);
}

static void test_dispatch(void **state)
{
	struct mmio_bus bus = { 0 };
	struct probe a = { .answer = 0x11 }, b = { .answer = 0x22 };
	uint64_t val = 0;

	(void)state;
	/* Added out of order. */
	assert_int_equal(add(&bus, "b", 0x2000, 0x100, &b, NULL), 0);
	assert_int_equal(add(&bus, "a", 0x1000, 0x200, &a, NULL), 0);
	assert_int_equal(bus.nr, 2);
	assert_string_equal(bus.region[0].name, "a");

	assert_true(mmio_bus_read(&bus, 0x1004, 4, &val));
	assert_int_equal(val, 0x11);
	assert_int_equal(a.offset, 4);
	assert_int_equal(a.size, 4);

	assert_true(mmio_bus_write(&bus, 0x20ff, 1, 0x7f));
	assert_int_equal(b.offset, 0xff);
	assert_int_equal(b.size, 1);
	assert_int_equal(b.val, 0x7f);
	assert_int_equal(a.writes, 0);
}

static void test_unclaimed(void **state)
{
	struct mmio_bus bus = { 0 };
	struct probe a = { .answer = 0x11 };
	uint64_t val;

	(void)state;
	val = 0xdead;
	assert_false(mmio_bus_read(&bus, 0x1000, 4, &val));
	assert_int_equal(val, 0);
	assert_false(mmio_bus_write(&bus, 0x1000, 4, 1));

	assert_int_equal(add(&bus, "a", 0x1000, 0x100, &a, NULL), 0);
	val = 0xdead;
	assert_false(mmio_bus_read(&bus, 0xfff, 1, &val));
	assert_int_equal(val, 0);
	val = 0xdead;
	assert_false(mmio_bus_read(&bus, 0x1100, 1, &val));
	assert_int_equal(val, 0);
	assert_false(mmio_bus_write(&bus, UINT64_MAX, 1, 0));
	assert_false(mmio_bus_write(&bus, 0, 8, 0));
	assert_int_equal(a.reads + a.writes, 0);
}

/* No device owns the whole range of an access that straddles an edge. */
static void test_straddle(void **state)
{
	struct mmio_bus bus = { 0 };
	struct probe a = { 0 }, b = { 0 };
	uint64_t val = 0xdead;

	(void)state;
	assert_int_equal(add(&bus, "a", 0x1000, 0x100, &a, NULL), 0);
	assert_int_equal(add(&bus, "b", 0x1100, 0x100, &b, NULL), 0);
	assert_false(mmio_bus_read(&bus, 0x10fe, 4, &val));
	assert_int_equal(val, 0);
	assert_false(mmio_bus_write(&bus, 0xfff, 2, 0));
	assert_false(mmio_bus_write(&bus, 0x11fc, 8, 0));
	assert_false(mmio_bus_write(&bus, 0x11ff, 2, 0));
	assert_int_equal(a.reads + a.writes + b.reads + b.writes, 0);
	assert_true(mmio_bus_write(&bus, 0x10fc, 4, 0));
	assert_true(mmio_bus_write(&bus, 0x11f8, 8, 0));
}

static void test_width(void **state)
{
	static const unsigned int bad[] = { 0, 3, 5, 6, 7, 9, 16, 0xffffffff };
	struct mmio_bus bus = { 0 };
	struct probe a = { .answer = UINT64_C(0x8877665544332211) };
	uint64_t val;
	unsigned int i;

	(void)state;
	assert_int_equal(add(&bus, "a", 0x1000, 0x100, &a, NULL), 0);

	/* The answer is cut to the width of the access, and so is a write. */
	assert_true(mmio_bus_read(&bus, 0x1000, 1, &val));
	assert_int_equal(val, 0x11);
	assert_true(mmio_bus_read(&bus, 0x1000, 2, &val));
	assert_int_equal(val, 0x2211);
	assert_true(mmio_bus_read(&bus, 0x1000, 4, &val));
	assert_int_equal(val, 0x44332211);
	assert_true(mmio_bus_read(&bus, 0x1000, 8, &val));
	assert_true(val == a.answer);
	assert_true(mmio_bus_write(&bus, 0x1000, 2, a.answer));
	assert_int_equal(a.val, 0x2211);
	assert_true(mmio_bus_write(&bus, 0x1000, 8, a.answer));
	assert_true(a.val == a.answer);

	a.reads = a.writes = 0;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		val = 0xdead;
		assert_false(mmio_bus_read(&bus, 0x1000, bad[i], &val));
		assert_int_equal(val, 0);
		assert_false(mmio_bus_write(&bus, 0x1000, bad[i], 0));
	}
	assert_int_equal(a.reads + a.writes, 0);
}

static void expect_refused(struct mmio_bus *bus, uint64_t base, uint64_t size,
			   int ret)
{
	const unsigned int nr = bus->nr;
	struct error err = { 0 };

	assert_int_equal(add(bus, "newcomer", base, size, NULL, &err), ret);
	assert_int_equal(err.errnum, -ret);
	assert_non_null(strstr(err.text, "newcomer"));
	assert_int_equal(bus->nr, nr);
}

static void test_overlap(void **state)
{
	struct mmio_bus bus = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(add(&bus, "resident", 0x1000, 0x100, NULL, NULL), 0);
	expect_refused(&bus, 0x1000, 0x100, -EEXIST);
	expect_refused(&bus, 0x1000, 1, -EEXIST);
	expect_refused(&bus, 0x10ff, 1, -EEXIST);
	expect_refused(&bus, 0xfff, 2, -EEXIST);
	expect_refused(&bus, 0x800, 0x1000, -EEXIST);
	expect_refused(&bus, 0, UINT64_MAX, -EEXIST);

	add(&bus, "x", 0x1080, 4, NULL, &err);
	assert_non_null(strstr(err.text, "resident"));

	assert_int_equal(add(&bus, "below", 0xf00, 0x100, NULL, NULL), 0);
	assert_int_equal(add(&bus, "above", 0x1100, 0x100, NULL, NULL), 0);
}

static void test_bad_range(void **state)
{
	struct mmio_bus bus = { 0 };
	struct probe a = { .answer = 0x99 };
	uint64_t val;

	(void)state;
	expect_refused(&bus, 0x1000, 0, -EINVAL);
	expect_refused(&bus, UINT64_MAX, 2, -EINVAL);
	expect_refused(&bus, 2, UINT64_MAX, -EINVAL);

	/* Up to the last address is no wrap. */
	assert_int_equal(add(&bus, "top", UINT64_MAX - 0xff, 0x100, &a, NULL),
			 0);
	assert_true(mmio_bus_read(&bus, UINT64_MAX, 1, &val));
	assert_int_equal(val, 0x99);
	assert_int_equal(a.offset, 0xff);
	assert_false(mmio_bus_read(&bus, UINT64_MAX, 2, &val));
	expect_refused(&bus, UINT64_MAX - 0x1ff, 0x200, -EEXIST);
	expect_refused(&bus, UINT64_MAX, 1, -EEXIST);
}

static void test_full(void **state)
{
	static struct mmio_bus bus;
	static struct probe probe[MMIO_MAX_REGIONS];
	unsigned int i;

	(void)state;
	/* Odd slots first and downwards, so that most go into the middle. */
	for (i = MMIO_MAX_REGIONS; i-- > 0;) {
		unsigned int slot = (i * 2 + 1) % MMIO_MAX_REGIONS +
				    (i < MMIO_MAX_REGIONS / 2 ? 0 : -1);

		assert_int_equal(add(&bus, "slot", 0x1000 + slot * 0x10, 0x10,
				     &probe[slot], NULL),
				 0);
	}
	expect_refused(&bus, 0x100000, 0x10, -ENOSPC);

	for (i = 0; i < MMIO_MAX_REGIONS; i++) {
		assert_true(mmio_bus_write(&bus, 0x1000 + i * 0x10 + 8, 4, i));
		assert_int_equal(probe[i].writes, 1);
		assert_int_equal(probe[i].val, i);
		assert_int_equal(probe[i].offset, 8);
	}
}

/* The place of a thread's last access is remembered; it is no more than a hint. */
static void test_last(void **state)
{
	struct mmio_bus bus = { 0 }, small = { 0 };
	struct probe a = { .answer = 1 }, b = { .answer = 2 },
		     c = { .answer = 3 };
	uint64_t val = 0;
	int i;

	(void)state;
	assert_int_equal(add(&bus, "b", 0x2000, 0x100, &b, NULL), 0);
	assert_int_equal(add(&bus, "c", 0x3000, 0x100, &c, NULL), 0);
	assert_int_equal(add(&small, "a", 0x3000, 0x100, &a, NULL), 0);
	for (i = 0; i < 3; i++) {
		assert_true(mmio_bus_read(&bus, 0x3000, 4, &val));
		assert_int_equal(val, 3);
		assert_true(mmio_bus_read(&small, 0x3000, 4, &val));
		assert_int_equal(val, 1);
		assert_true(mmio_bus_read(&bus, 0x2000, 4, &val));
		assert_int_equal(val, 2);
		assert_false(mmio_bus_read(&bus, 0x20fe, 4, &val));
		assert_false(mmio_bus_read(&small, 0x2000, 4, &val));
	}
	/* What was at its place is behind it now. */
	assert_int_equal(add(&bus, "a", 0x1000, 0x100, &a, NULL), 0);
	assert_true(mmio_bus_read(&bus, 0x2000, 4, &val));
	assert_int_equal(val, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_unclaimed),
		cmocka_unit_test(test_straddle),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_bad_range),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
