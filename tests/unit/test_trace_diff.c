// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "diff.h"

#define GOLDEN "tests/golden/"

/* libtracecmd 3.1.6 does not free all that it allocates. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtracecmd\nleak:vsscanf\n";
}

static void test_noise(void **state)
{
	const double a[] = { 100, 100, 100 }, b[] = { 130, 130, 130 };
	const double wild[] = { 100, 400, 700 }, zero[] = { 0 };

	(void)state;
	/* one a side: the root of the sum of both */
	assert_true(fabs(diff_noise_of(a, 1, b, 1) - 2.576 * sqrt(230)) < 1e-9);
	assert_true(diff_noise_of(zero, 1, zero, 1) == 0);
	/* two that agree by chance are no proof, three are */
	assert_true(diff_noise_of(a, 2, b, 2) > 20);
	assert_true(diff_noise_of(a, 3, b, 1) == 0);
	assert_true(diff_noise_of(a, 3, b, 3) == 0);
	/* the spread of one side is that of both: t(2) * 300 * sqrt(4 / 3) */
	assert_true(fabs(diff_noise_of(wild, 3, b, 1) -
			 9.925 * 300 * sqrt(4.0 / 3)) < 1e-6);
	assert_true(diff_noise_of(wild, 3, a, 3) <
		    diff_noise_of(wild, 3, a, 1));
}

static void load(struct diff *diff, const char *paths)
{
	struct error err = { 0 };

	if (diff_add(diff, paths, NULL, &err))
		fail_msg("%s", err.text);
}

/* Each side's rows add up to its exits, by whatever dimension. */
static void test_sums(void **state)
{
	struct diff diff = { .judge = true };
	struct diff_table table;
	struct query query;

	(void)state;
	load(&diff, GOLDEN "patched-2vcpu.dat");
	load(&diff, GOLDEN "stock-2vcpu.dat");
	for (int d = 0; d < DIMS; d++) {
		double count[2] = { 0 }, ns[2] = { 0 };

		query_init(&query);
		query.by[query.nr_by++] = (enum dim)d;
		query.by[query.nr_by++] = DIM_CLASS;
		assert_int_equal(diff_table_make(&table, &diff, &query), 0);
		for (size_t i = 0; i < table.count; i++) {
			const struct diff_row *row = &table.row[i];

			for (int s = 0; s < 2; s++) {
				count[s] += row->count[s];
				ns[s] += row->ns[s];
			}
			assert_true(row->count[0] + row->count[1] > 0);
			assert_true(!i || row[-1].beyond >= row->beyond);
			/* no row twice */
			for (size_t j = 0; j < i; j++)
				assert_true(strcmp(table.row[j].name[0],
						   row->name[0]) ||
					    strcmp(table.row[j].name[1],
						   row->name[1]));
		}
		assert_true(count[0] == 78 && table.all[0] == 78);
		assert_true(count[1] == 78 && table.all[1] == 78);
		assert_true(fabs(ns[0] - table.all_ns[0]) < 1);
		diff_table_free(&table);
	}
	diff_free(&diff);
}

static void test_same(void **state)
{
	struct diff diff = { .judge = true };
	struct diff_table table;
	struct query query;

	(void)state;
	load(&diff, GOLDEN "stock-v6.dat," GOLDEN "stock-v6.dat");
	load(&diff, GOLDEN "stock-v6.dat");
	assert_int_equal(diff_noise(&diff), NOISE_MEASURED);
	query_init(&query);
	query.by[query.nr_by++] = DIM_PC;
	assert_int_equal(diff_table_make(&table, &diff, &query), 0);
	assert_true(table.count > 10);
	assert_int_equal(table.beyond, 0);
	assert_true(table.all[0] == 66 && table.all[1] == 66);
	diff_table_free(&table);
	diff_free(&diff);
}

static void test_refused(void **state)
{
	struct diff diff = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(diff_add(&diff, GOLDEN "stock-v6.dat,/no/such", NULL,
			     &err) < 0);
	assert_non_null(strstr(err.text, "/no/such"));
	diff_free(&diff);
	err = (struct error){ 0 };
	assert_true(diff_add(&diff, GOLDEN "stock-v6.dat,", NULL, &err) < 0);
	diff_free(&diff);
	for (int i = 0; i < SIDES_MAX; i++)
		load(&diff, GOLDEN "stock-v6.dat");
	err = (struct error){ 0 };
	assert_int_equal(diff_add(&diff, GOLDEN "stock-v6.dat", NULL, &err),
			 -EINVAL);
	diff_free(&diff);
}

static char *rendered(const struct diff *diff, const struct query *query,
		      int (*fn)(FILE *out, const struct diff *diff,
				const struct query *query, unsigned int top))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(fn(out, diff, query, 5), 0);
	fclose(out);
	return text;
}

static void assert_golden(const char *path, const char *got)
{
	static char want[1 << 16];
	FILE *file = fopen(path, getenv("GOLDEN_UPDATE") ? "w" : "r");

	assert_non_null(file);
	if (getenv("GOLDEN_UPDATE")) {
		fputs(got, file);
	} else {
		want[fread(want, 1, sizeof(want) - 1, file)] = '\0';
		assert_string_equal(got, want);
	}
	fclose(file);
}

static void test_text(void **state)
{
	struct diff diff = { .judge = true };
	struct query query;
	char *text;

	(void)state;
	query_init(&query);
	load(&diff, GOLDEN "stock-2vcpu.dat");
	load(&diff, GOLDEN "patched-2vcpu.dat");
	text = rendered(&diff, &query, render_diff_text);
	assert_golden(GOLDEN "diff.txt", text);
	free(text);
	/* the same traces as guests: no verdict */
	diff.judge = false;
	text = rendered(&diff, &query, render_diff_text);
	assert_golden(GOLDEN "guests.txt", text);
	free(text);
	diff_free(&diff);
}

/* One recording of two guests, told apart by their threads. */
static void test_guests_of_one_host(void **state)
{
	static const char *const side[] = {
		GOLDEN "one-host-anna.vm.json",
		GOLDEN "one-host-berta.vm.json",
	};
	struct diff diff = { 0 };
	struct query query;
	char *text;

	(void)state;
	query_init(&query);
	for (int i = 0; i < 2; i++) {
		const struct analysis_setup setup = { .side = side[i] };
		const struct totals *totals;
		struct error err = { 0 };

		if (diff_add(&diff, GOLDEN "patched-2vcpu.dat", &setup, &err))
			fail_msg("%s", err.text);
		totals = &diff.side[i].trace[0].totals;
		assert_int_equal(totals->all.exits, i ? 9 : 69);
		/* what is the one's is foreign to the other */
		assert_int_equal(totals->foreign_exits, i ? 69 : 9);
		assert_int_equal(totals->all.verdict, TOTALS_MATCH);
	}
	text = rendered(&diff, &query, render_diff_text);
	assert_golden(GOLDEN "one-host.txt", text);
	free(text);
	diff_free(&diff);
}

static void test_json(void **state)
{
	struct diff diff = { .judge = true };
	struct query query;
	json_t *root;
	char *text;

	(void)state;
	query_init(&query);
	load(&diff, GOLDEN "stock-2vcpu.dat");
	load(&diff, GOLDEN "patched-2vcpu.dat");
	text = rendered(&diff, &query, render_diff_json);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "noise")),
			    "poisson");
	assert_int_equal(json_array_size(json_object_get(root, "sides")), 2);
	assert_int_equal(json_array_size(json_object_get(root, "tables")), 2);
	json_decref(root);
	free(text);
	diff_free(&diff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_guests_of_one_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
