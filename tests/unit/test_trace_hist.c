// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hist.h"

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed;
}

static void test_empty(void **state)
{
	struct hist hist = { 0 };

	(void)state;
	assert_int_equal(hist_quantile(&hist, 500), 0);
	hist_free(&hist);
}

static void test_small_values_are_exact(void **state)
{
	struct hist hist = { 0 };

	(void)state;
	for (uint64_t v = 0; v < 10; v++)
		assert_int_equal(hist_add(&hist, v), 0);
	assert_int_equal(hist_quantile(&hist, 0), 0);
	assert_int_equal(hist_quantile(&hist, 100), 0);
	assert_int_equal(hist_quantile(&hist, 101), 1);
	assert_int_equal(hist_quantile(&hist, 500), 4);
	assert_int_equal(hist_quantile(&hist, 1000), 9);
	hist_free(&hist);
}

/* Any value at all comes back within half a bucket. */
static void test_one_value(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		for (int i = 0; i < 50; i++) {
			uint64_t low = (uint64_t)next(&seed) << 32 |
				       next(&seed);
			uint64_t v = 1ull << bit | (low & ((1ull << bit) - 1));
			struct hist hist = { 0 };
			uint64_t got, off;

			assert_int_equal(hist_add(&hist, v), 0);
			got = hist_quantile(&hist, 500);
			off = got > v ? got - v : v - got;
			assert_true(off <= v / 64);
			hist_free(&hist);
		}
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the sorted values; and merged parts are the whole. */
static void test_quantiles(void **state)
{
	static uint64_t value[20001];
	const size_t count = sizeof(value) / sizeof(value[0]);
	struct hist whole = { 0 }, part[3] = { { 0 } }, sum = { 0 };
	uint32_t seed = 11;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		value[i] = (uint64_t)next(&seed) << (next(&seed) >> 27) >> 12;
		assert_int_equal(hist_add(&whole, value[i]), 0);
		assert_int_equal(hist_add(&part[i % 3], value[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(hist_merge(&sum, &part[i]), 0);
	qsort(value, count, sizeof(value[0]), compare);
	for (unsigned int permille = 1; permille <= 1000; permille++) {
		size_t rank = (count * permille + 999) / 1000;
		uint64_t want = value[rank - 1];
		uint64_t got = hist_quantile(&whole, permille);
		uint64_t off = got > want ? got - want : want - got;

		assert_true(off <= want / 64);
		assert_int_equal(hist_quantile(&sum, permille), got);
	}
	hist_free(&whole);
	hist_free(&sum);
	for (int i = 0; i < 3; i++)
		hist_free(&part[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_one_value),
		cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
