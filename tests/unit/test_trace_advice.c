// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "advice.h"

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

#define READ  0x93810005
#define WRITE 0x93810045
#define FAULT 0x9200004f /* permission, write */
#define TOUCH 0x92000047

/* ESR's ISS of an MRC or MCR */
#define CP15(op1, crn, crm, op2, read)                                       \
	(0x0e000000 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1 | \
	 (read))

static const struct {
	const char *rule;
	struct trap_exit exit;
} cases[] = {
	{ "console",
	  { .ec = EC_DABT_LOW,
	    .esr = READ,
	    .ipa = 0x09000018,
	    .have = HAVE_ESR | HAVE_IPA | HAVE_USER,
	    .user_reason = 6 } },
	{ "virtio-notify-user",
	  { .ec = EC_DABT_LOW,
	    .esr = WRITE,
	    .ipa = 0x0a000050,
	    .have = HAVE_ESR | HAVE_IPA | HAVE_USER,
	    .user_reason = 6 } },
	{ "virtio-notify",
	  { .ec = EC_DABT_LOW,
	    .esr = WRITE,
	    .ipa = 0x0a000050,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "virtio-interrupt",
	  { .ec = EC_DABT_LOW,
	    .esr = READ,
	    .ipa = 0x0a000060,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "virtio-setup",
	  { .ec = EC_DABT_LOW,
	    .esr = READ,
	    .ipa = 0x0a000000,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "ipi",
	  { .ec = EC_DABT_LOW,
	    .esr = WRITE,
	    .ipa = 0x08000f00,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "gic",
	  { .ec = EC_DABT_LOW,
	    .esr = WRITE,
	    .ipa = 0x08000100,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "unclaimed",
	  { .ec = EC_DABT_LOW,
	    .esr = READ,
	    .ipa = 0x0b000000,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "id-cache",
	  { .ec = EC_CP15_32, .esr = CP15(0, 0, 0, 1, 1), .have = HAVE_ESR } },
	{ "id-32",
	  { .ec = EC_CP15_32, .esr = CP15(0, 0, 1, 7, 1), .have = HAVE_ESR } },
	{ "set-way",
	  { .ec = EC_CP15_32, .esr = CP15(0, 7, 14, 2, 0), .have = HAVE_ESR } },
	{ "mmu-setup",
	  { .ec = EC_CP15_32, .esr = CP15(0, 1, 0, 0, 0), .have = HAVE_ESR } },
	{ "physical-timer",
	  { .ec = EC_CP15_32, .esr = CP15(0, 14, 2, 1, 1), .have = HAVE_ESR } },
	{ "pmu",
	  { .ec = EC_CP15_32, .esr = CP15(0, 9, 13, 0, 1), .have = HAVE_ESR } },
	{ "wfi", { .ec = EC_WFX, .esr = 0x06000000, .have = HAVE_ESR } },
	{ "wfe", { .ec = EC_WFX, .esr = 0x06000001, .have = HAVE_ESR } },
	{ "first-touch",
	  { .ec = EC_DABT_LOW,
	    .esr = TOUCH,
	    .ipa = 0x40001000,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "permission",
	  { .ec = EC_DABT_LOW,
	    .esr = FAULT,
	    .ipa = 0x40001000,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "execute",
	  { .ec = EC_IABT_LOW,
	    .esr = 0x8200000f,
	    .ipa = 0x40001000,
	    .have = HAVE_ESR | HAVE_IPA } },
	{ "smc", { .ec = EC_SMC64, .esr = 0x5e000000, .have = HAVE_ESR } },
	{ "random", { .ec = EC_HVC64, .r0 = 0xc4000053, .have = HAVE_HVC } },
	{ "cpu-suspend",
	  { .ec = EC_HVC64, .r0 = 0x84000003, .have = HAVE_HVC } },
	{ "hypercall", { .ec = EC_HVC64, .r0 = 0x84000000, .have = HAVE_HVC } },
	{ "irq", { .kind = EXIT_IRQ } },
	{ "sgi-sysreg",
	  { .ec = EC_SYS64,
	    .have = HAVE_SYS,
	    .sys = { 3, 0, 12, 11, 5, true } } },
	{ "id-64",
	  { .ec = EC_SYS64,
	    .have = HAVE_SYS,
	    .sys = { 3, 0, 0, 4, 0, false } } },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void count(struct profile *profile, size_t i, unsigned int times)
{
	struct trap_exit exit = cases[i].exit;

	exit.tid = 1;
	exit.vcpu = 0;
	exit.pc = 0x1000 + 4 * i;
	exit.have |= HAVE_TIME;
	exit.ns = 1000;
	while (times--)
		profile_exit(&exit, profile);
}

/* Each cause alone gets the advice that is about it. */
static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct profile profile;
		struct view view = { .profile = &profile };
		struct advice_list list;
		struct query query;
		char text[512], pc[32];

		query_init(&query);
		profile_init(&profile, &map);
		count(&profile, i, 3);
		assert_int_equal(advice_make(&list, &view, &query), 0);
		if (list.count != 1)
			fail_msg("%s: %zu rules", cases[i].rule, list.count);
		assert_string_equal(list.item[0].rule, cases[i].rule);
		assert_int_equal(list.item[0].sum.count, 3);
		assert_int_equal(list.item[0].most, 3);
		advice_evidence(&list.item[0], list.whole, text, sizeof(text));
		snprintf(pc, sizeof(pc), "at 0x%zx (3)", 0x1000 + 4 * i);
		assert_non_null(strstr(text, "3 exits (100.0%, 0.003 ms)"));
		assert_non_null(strstr(text, pc));
		advice_free(&list);
		profile_free(&profile);
	}
}

/* No exit is in two; rare ones are not mentioned; filters hold here too. */
static void test_all_together(void **state)
{
	struct profile profile;
	struct view view = { .profile = &profile };
	struct advice_list list;
	struct query query;
	struct error err = { 0 };
	char class[] = "WFx";
	uint64_t sum = 0;

	(void)state;
	query_init(&query);
	profile_init(&profile, &map);
	assert_int_equal(advice_make(&list, &view, &query), 0);
	assert_int_equal(list.count, 0);
	advice_free(&list);
	for (size_t i = 0; i < CASES; i++)
		count(&profile, i, i ? 100 : 1);
	assert_int_equal(advice_make(&list, &view, &query), 0);
	assert_int_equal(list.whole, 100 * (CASES - 1) + 1);
	assert_int_equal(list.count, CASES - 1);
	for (size_t i = 0; i < list.count; i++) {
		assert_string_not_equal(list.item[i].rule, cases[0].rule);
		sum += list.item[i].sum.count;
	}
	assert_int_equal(sum, list.whole - 1);
	advice_free(&list);

	assert_int_equal(query_filter(&query, DIM_CLASS, class, &err), 0);
	assert_int_equal(advice_make(&list, &view, &query), 0);
	assert_int_equal(list.count, 2);
	advice_free(&list);
	profile_free(&profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_all_together),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
