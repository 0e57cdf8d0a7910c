// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "options.h"
#include "rollup.h"

static struct vmmap map;

static int setup(void **state)
{
	struct error err = { 0 };

	(void)state;
	return vmmap_default(&map, &err);
}

static int teardown(void **state)
{
	(void)state;
	vmmap_free(&map);
	return 0;
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct truth {
	uint64_t count, ns, user_ns, max_ns, traps;
};

/* Exits of any kind, and what they add up to. */
static void fill(struct profile *profile, struct truth *truth, uint32_t seed)
{
	memset(truth, 0, sizeof(*truth));
	profile_init(profile, &map);
	for (int i = 0; i < 20000; i++) {
		struct trap_exit exit = { .vcpu = -1 };

		exit.tid = 1 + (int)(next(&seed) & 3);
		exit.kind = next(&seed) % EXIT_KINDS;
		exit.ec = next(&seed) & 0x3f;
		exit.pc = next(&seed) & 0xff;
		exit.ts = (uint64_t)i;
		exit.esr = next(&seed);
		exit.have = next(&seed) & 0x1fff;
		exit.ipa = next(&seed) << 8;
		exit.gpa = next(&seed) << 8;
		exit.r0 = 0x84000000 + (next(&seed) & 0xf);
		exit.irq = (int)(next(&seed) & 7);
		exit.ns = next(&seed);
		exit.user_ns = exit.ns / 3;
		exit.user_reason = next(&seed) & 0xff;
		if (!(exit.have & HAVE_TIME))
			exit.ns = exit.user_ns = 0;
		if (!(exit.have & HAVE_USER))
			exit.user_ns = 0;
		truth->count++;
		truth->traps += exit.kind == EXIT_TRAP;
		truth->ns += exit.ns;
		truth->user_ns += exit.user_ns;
		if (exit.ns > truth->max_ns)
			truth->max_ns = exit.ns;
		profile_exit(&exit, profile);
	}
	assert_false(profile->oom);
	assert_int_equal(profile->count, 4);
	assert_int_equal(profile_sort(profile), 0);
}

static void assert_sums(const struct rollup *r, const struct truth *truth,
			size_t nr_by)
{
	struct truth sum = { 0 };

	for (size_t i = 0; i < r->count; i++) {
		const struct rollup_row *row = &r->row[i];

		sum.count += row->sum.count;
		sum.ns += row->sum.ns;
		sum.user_ns += row->sum.user_ns;
		assert_true(row->sum.count > 0);
		for (size_t d = 0; d < nr_by; d++)
			assert_true(row->name[d][0] != '\0');
		assert_true(!i || row[-1].sum.count >= row->sum.count);
		assert_true(profile_sum_quantile(&row->sum, 500) <=
			    row->sum.max_ns);
	}
	assert_int_equal(sum.count, truth->count);
	assert_int_equal(sum.ns, truth->ns);
	assert_int_equal(sum.user_ns, truth->user_ns);
	assert_int_equal(r->all.count, truth->count);
	assert_int_equal(r->all.max_ns, truth->max_ns);
	assert_int_equal(r->traps, truth->traps);
}

/* Whatever the dimensions are, each exit is in one row, and none is lost. */
static void test_any_dimensions(void **state)
{
	struct profile profile;
	struct view view = { .profile = &profile };
	struct truth truth;
	struct query query;
	struct rollup rollup;
	uint32_t seed = 5;

	(void)state;
	fill(&profile, &truth, 7);
	for (int i = 0; i < 60; i++) {
		query_init(&query);
		query.nr_by = i < DIMS ? 1 : next(&seed) % (BY_MAX + 1);
		for (size_t d = 0; d < query.nr_by; d++)
			query.by[d] = i < DIMS ? (enum dim)i
					       : next(&seed) % DIMS;
		assert_int_equal(rollup_make(&rollup, &view, &query), 0);
		assert_sums(&rollup, &truth, query.nr_by);
		rollup_free(&rollup);
	}
	profile_free(&profile);
}

/* What a filter lets through and what its opposite does are the whole. */
static void test_filters(void **state)
{
	struct profile profile;
	struct view view = { .profile = &profile };
	struct truth truth;
	struct query query;
	struct rollup rollup;
	struct error err = { 0 };
	char pattern[] = "tr*,wfx", cause[] = "interrupt 1 for the host";
	char vcpus[] = "1,3", none[] = "no such", empty[] = "a,,b";
	uint64_t count = 0;

	(void)state;
	fill(&profile, &truth, 9);
	query_init(&query);
	assert_int_equal(query_by(&query, "class,thread", &err), 0);
	assert_int_equal(query_filter(&query, DIM_THREAD, vcpus, &err), 0);
	assert_int_equal(rollup_make(&rollup, &view, &query), 0);
	for (size_t i = 0; i < rollup.count; i++)
		assert_true(!strcmp(rollup.row[i].name[1], "1") ||
			    !strcmp(rollup.row[i].name[1], "3"));
	count = rollup.all.count;
	rollup_free(&rollup);
	query.nr_filters = 0;
	query.filter[0].pattern = "[24]";
	query.nr_filters = 1;
	query.filter[0].dim = DIM_THREAD;
	assert_int_equal(rollup_make(&rollup, &view, &query), 0);
	assert_int_equal(rollup.all.count + count, truth.count);
	rollup_free(&rollup);

	/* of two dimensions both have to match */
	query_init(&query);
	assert_int_equal(query_by(&query, "cause", &err), 0);
	assert_int_equal(query_filter(&query, DIM_CLASS, pattern, &err), 0);
	assert_int_equal(query.nr_filters, 2);
	assert_int_equal(query_filter(&query, DIM_CAUSE, cause, &err), 0);
	assert_int_equal(rollup_make(&rollup, &view, &query), 0);
	assert_int_equal(rollup.count, 0);
	rollup_free(&rollup);

	query_init(&query);
	assert_int_equal(query_filter(&query, DIM_DEVICE, none, &err), 0);
	assert_int_equal(rollup_make(&rollup, &view, &query), 0);
	assert_int_equal(rollup.all.count, 0);
	rollup_free(&rollup);
	assert_int_equal(query_filter(&query, DIM_DEVICE, empty, &err),
			 -EINVAL);
	assert_int_equal(err.status, TL_USAGE);
	profile_free(&profile);
}

static void test_window(void **state)
{
	struct profile profile;
	struct trap_exit exit = { .tid = 1, .vcpu = 0, .kind = EXIT_IRQ };

	(void)state;
	profile_init(&profile, &map);
	profile.from = 10;
	profile.to = 20;
	for (exit.ts = 0; exit.ts < 30; exit.ts++)
		profile_exit(&exit, &profile);
	assert_int_equal(profile.used, 1);
	assert_int_equal(profile.outside, 20);
	profile_free(&profile);
}

static int compare_row(const void *a, const void *b)
{
	const struct profile_row *x = a, *y = b;

	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	if (x->cause != y->cause)
		return x->cause < y->cause ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return x->early - y->early;
}

/*
 * Exits are remembered by what they were, so that their rows need not be found
 * again: they are the same rows.  Several exits differ in one thing only, their
 * rows are many enough to be moved, and a guest leaves its early addresses.
 */
static void check_memo(bool whole)
{
	struct profile profile[2];
	uint32_t seed = 3;

	for (int i = 0; i < 2; i++) {
		profile_init(&profile[i], &map);
		if (whole)
			continue;
		profile[i].virt_base = 0x40;
		profile[i].from = 1000;
		profile[i].to = 49000;
	}
	for (uint64_t ts = 0; ts < 50000; ts++) {
		struct trap_exit exit = { .ts = ts, .esr = 0x93810005 };

		exit.tid = 1 + (next(&seed) & 1);
		exit.vcpu = (int)ts / 30000;
		exit.pc = next(&seed) % (ts < 20000 ? 0x20 : 0x80);
		exit.kind = next(&seed) & 7 ? EXIT_TRAP : EXIT_IRQ;
		exit.ec = next(&seed) & 1 ? EC_DABT_LOW : EC_HVC64;
		exit.have = HAVE_ESR | HAVE_TIME;
		exit.have |= next(&seed) & (HAVE_IPA | HAVE_MMIO | HAVE_HVC |
					    HAVE_USER | HAVE_COND_FAILED);
		exit.ipa = 0x09000000 + 4 * (next(&seed) & 3);
		exit.gpa = exit.ipa;
		exit.mmio_write = next(&seed) & 1;
		exit.r0 = 0x84000000 + (next(&seed) & 1);
		exit.user_reason = next(&seed) & 1;
		exit.ns = next(&seed) & 0xff;
		profile_exit(&exit, &profile[0]);
		free(profile[1].memo);
		profile[1].memo = NULL;
		profile_exit(&exit, &profile[1]);
	}
	assert_non_null(profile[0].memo);
	assert_true(profile[0].used > 1000);
	assert_int_equal(profile[0].used, profile[1].used);
	assert_int_equal(profile[0].row_space, profile[1].row_space);
	assert_int_equal(profile[0].outside, whole ? 0 : 2000);
	assert_int_equal(profile[1].outside, whole ? 0 : 2000);
	for (int i = 0; i < 2; i++)
		qsort(profile[i].row, profile[i].row_space,
		      sizeof(*profile[i].row), compare_row);
	for (size_t i = 0; i < profile[0].row_space; i++) {
		const struct profile_row *a = &profile[0].row[i];
		const struct profile_row *b = &profile[1].row[i];

		assert_int_equal(compare_row(a, b), 0);
		assert_int_equal(a->sum.count, b->sum.count);
		assert_int_equal(a->sum.timed, b->sum.timed);
		assert_int_equal(a->sum.ns, b->sum.ns);
		assert_int_equal(a->sum.user, b->sum.user);
		assert_int_equal(a->sum.cond_failed, b->sum.cond_failed);
		for (unsigned int q = 0; q <= 1000; q += 250)
			assert_int_equal(profile_sum_quantile(&a->sum, q),
					 profile_sum_quantile(&b->sum, q));
	}
	profile_free(&profile[0]);
	profile_free(&profile[1]);
}

static void test_memo(void **state)
{
	(void)state;
	check_memo(true);
	check_memo(false);
}

static void test_sorts(void **state)
{
	static const char *const word[] = { "count", "total", "user", "max" };
	struct profile profile;
	struct view view = { .profile = &profile };
	struct truth truth;
	struct query query;
	struct rollup rollup;
	struct error err = { 0 };

	(void)state;
	fill(&profile, &truth, 1);
	for (int s = 0; s < 4; s++) {
		query_init(&query);
		assert_int_equal(query_by(&query, "pc", &err), 0);
		assert_int_equal(query_sort(&query, word[s], &err), 0);
		assert_int_equal(rollup_make(&rollup, &view, &query), 0);
		for (size_t i = 1; i < rollup.count; i++)
			assert_true(
				sum_measure(&rollup.row[i - 1].sum,
					    query.sort) >=
				sum_measure(&rollup.row[i].sum, query.sort));
		rollup_free(&rollup);
	}
	assert_int_equal(query_sort(&query, "name", &err), -EINVAL);
	profile_free(&profile);
}

/* One exit's every dimension. */
static void test_names(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "vcpu", "3" },
		{ "thread", "77" },
		{ "class", "DABT_LOW" },
		{ "group", "mmio" },
		{ "cause", "pl011 FR read" },
		{ "device", "pl011" },
		{ "register", "FR" },
		{ "dir", "read" },
		{ "hypercall", "-" },
		{ "irq", "-" },
		{ "user", "MMIO" },
		{ "symbol", "-" },
		{ "pc", "0xc0de" },
	};
	struct trap_exit exit = {
		.tid = 77,
		.vcpu = 3,
		.kind = EXIT_TRAP,
		.ec = EC_DABT_LOW,
		.esr = 0x93810005,
		.ipa = 0x09000018,
		.pc = 0xc0de,
		.user_reason = 6,
		.have = HAVE_ESR | HAVE_IPA | HAVE_USER,
	};
	struct profile profile;
	struct view view = { .profile = &profile };
	struct profile_row key;
	char name[DIM_NAME];
	enum dim dim;

	(void)state;
	profile_init(&profile, &map);
	assert_true(profile_key(&profile, &exit, &key));
	assert_int_equal(sizeof(cases) / sizeof(cases[0]), DIMS);
	for (size_t i = 0; i < DIMS; i++) {
		assert_int_equal(dim_parse(cases[i].word, strlen(cases[i].word),
					   &dim),
				 0);
		dim_name(&view, dim, &key, name, sizeof(name));
		assert_string_equal(name, cases[i].want);
	}
	assert_int_equal(dim_parse("clas", 4, &dim), -EINVAL);

	/* an interrupt with the name of its handler */
	exit = (struct trap_exit){ .kind = EXIT_IRQ,
				   .tid = 77,
				   .vcpu = -1,
				   .irq = 11,
				   .irq_name = "arch_timer",
				   .have = HAVE_IRQ };
	assert_true(profile_key(&profile, &exit, &key));
	dim_name(&view, DIM_CAUSE, &key, name, sizeof(name));
	assert_string_equal(name, "interrupt 11 for the host (arch_timer)");
	dim_name(&view, DIM_IRQ, &key, name, sizeof(name));
	assert_string_equal(name, "11");
	dim_name(&view, DIM_VCPU, &key, name, sizeof(name));
	assert_string_equal(name, "-");
	profile_free(&profile);
}

static int parse(const char *line, struct options *opt)
{
	static char text[256];
	char *argv[16] = { (char *)"trapline-report" }, *rest = text;
	struct error err = { 0 };
	int argc = 1, ret;

	snprintf(text, sizeof(text), "%s", line);
	while (rest && argc < 15)
		argv[argc++] = strsep(&rest, " ");
	ret = options_parse(argc, argv, opt, &err);
	assert_true(ret ? err.status == TL_USAGE && err.text[0] : 1);
	return ret;
}

static void test_options(void **state)
{
	struct options opt;

	(void)state;
	assert_int_equal(
		parse("--by vcpu,class --top 3 --from .5 --to 2e0 a", &opt), 0);
	assert_string_equal(opt.path[0], "a");
	assert_int_equal(opt.query.nr_by, 2);
	assert_int_equal(opt.query.by[1], DIM_CLASS);
	assert_int_equal(opt.top, 3);
	assert_int_equal(opt.setup.from, 500000000);
	assert_int_equal(opt.setup.to, 2000000000);
	assert_int_equal(parse("--vcpu 0,2 --register CTR", &opt), 0);
	assert_int_equal(opt.query.nr_filters, 3);
	assert_int_equal(opt.query.filter[2].dim, DIM_REGISTER);
	assert_string_equal(opt.path[0], "trace.dat");
	assert_int_equal(parse("--top -1", &opt), -EINVAL);
	assert_int_equal(parse("--top 1x", &opt), -EINVAL);
	assert_int_equal(parse("--by", &opt), -EINVAL);
	assert_int_equal(parse("--by vcpu,", &opt), -EINVAL);
	assert_int_equal(parse("--by pc,pc,pc,pc,pc,pc,pc,pc,pc", &opt),
			 -EINVAL);
	assert_int_equal(parse("--sort size", &opt), -EINVAL);
	assert_int_equal(parse("--from nan", &opt), -EINVAL);
	assert_int_equal(parse("--from -1", &opt), -EINVAL);
	assert_int_equal(parse("--to 0", &opt), -EINVAL);
	assert_int_equal(parse("--from 2 --to 1", &opt), -EINVAL);
	assert_int_equal(parse("--by symbol", &opt), -EINVAL);
	assert_int_equal(parse("--symbol f --symbols s --phys-base 0x40", &opt),
			 0);
	assert_true(opt.setup.hint.phys_given);
	assert_int_equal(opt.setup.hint.phys, 0x40);
	assert_int_equal(parse("--kaslr-offset x", &opt), -EINVAL);
	assert_int_equal(parse("--nonsense", &opt), -EINVAL);
	assert_int_equal(parse("a b", &opt), 0);
	assert_int_equal(opt.nr_paths, 2);
	assert_false(opt.diff);
	assert_int_equal(parse("1 2 3 4 5 6 7 8 9", &opt), -EINVAL);
	assert_int_equal(parse("--diff a,b c", &opt), 0);
	assert_true(opt.diff);
	assert_int_equal(parse("--diff a", &opt), -EINVAL);
	assert_int_equal(parse("--diff a b c", &opt), -EINVAL);
	assert_int_equal(parse("--format csv a b", &opt), -EINVAL);
	assert_int_equal(parse("--vm-file x a b", &opt), -EINVAL);
	assert_int_equal(parse("--vm-file x --vm-file y a", &opt), 0);
	assert_int_equal(opt.nr_vm_files, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_dimensions),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_sorts),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
