// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "cause.h"
#include "esr.h"
#include "totals.h"

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

static void assert_cause(const struct trap_exit *exit, enum cause_group group,
			 const char *want)
{
	struct cause cause;
	char name[160];

	cause_of(exit, &map, &cause);
	assert_int_equal(cause.group, group);
	cause_name(&cause, &map, name, sizeof(name));
	assert_string_equal(name, want);
	assert_int_equal(cause_unknown(&cause),
			 strstr(want, "not recorded") != NULL);
}

static struct trap_exit trap(uint8_t ec, uint64_t esr)
{
	return (struct trap_exit){ .kind = EXIT_TRAP,
				   .ec = ec,
				   .esr = esr,
				   .vcpu = -1,
				   .have = esr ? HAVE_ESR : 0 };
}

static void test_device_access(void **state)
{
	struct trap_exit exit = trap(EC_DABT_LOW, 0x93810005);

	(void)state;
	exit.have |= HAVE_IPA;
	exit.ipa = 0x09000018;
	assert_cause(&exit, CAUSE_MMIO, "pl011 FR read");
	exit.esr |= 1 << 6;
	exit.ipa = 0x0a000250;
	assert_cause(&exit, CAUSE_MMIO, "virtio-mmio1 QueueNotify write");
	exit.ipa = 0x0b000000;
	assert_cause(&exit, CAUSE_MEMORY, "unclaimed address 0xb000000 write");
	exit.ipa = 0x40001000;
	assert_cause(&exit, CAUSE_MEMORY, "stage-2 fault, first touch, write");
	exit.esr |= 0xc;
	assert_cause(&exit, CAUSE_MEMORY, "stage-2 fault, permission, write");
	exit.esr |= 1 << 7;
	assert_cause(&exit, CAUSE_MEMORY,
		     "stage-2 fault, permission, page table walk");
	exit = trap(EC_DABT_LOW, 0x92000010);
	assert_cause(&exit, CAUSE_MEMORY,
		     "external abort, address not reported, read");
}

/* Where the assumed map has memory, kvm_mmio knows better. */
static void test_mmio_in_memory(void **state)
{
	struct trap_exit exit = trap(EC_DABT_LOW, 0x93810005);

	(void)state;
	exit.have |= HAVE_IPA | HAVE_MMIO;
	exit.ipa = exit.gpa = 0x50000010;
	assert_cause(&exit, CAUSE_MEMORY, "unclaimed address 0x50000010 read");
}

static void test_stock_companions(void **state)
{
	struct trap_exit exit = trap(EC_DABT_LOW, 0);

	(void)state;
	assert_cause(&exit, CAUSE_MEMORY, "data abort, address not recorded");
	exit.have = HAVE_MMIO;
	exit.gpa = 0x09000000;
	exit.mmio_write = true;
	assert_cause(&exit, CAUSE_MMIO, "pl011 DR write");

	exit = trap(EC_CP15_32, 0);
	assert_cause(&exit, CAUSE_SYSREG,
		     "CP15 MCR or MRC, register not recorded");
	exit.have = HAVE_SYS;
	exit.sys = (struct ev_sysreg){ 3, 0, 0, 1, 2, false };
	assert_cause(&exit, CAUSE_SYSREG, "ID_DFR0 read");
	exit.sys = (struct ev_sysreg){ 0, 0, 1, 0, 1, true };
	assert_cause(&exit, CAUSE_SYSREG, "ACTLR write");
	exit.ec = EC_CP10_ID;
	exit.sys = (struct ev_sysreg){ 3, 0, 0, 3, 1, false };
	assert_cause(&exit, CAUSE_SYSREG, "MVFR1 read");
	exit.ec = EC_CP15_64;
	exit.sys = (struct ev_sysreg){ 0, 0, 0, 12, 0, true };
	assert_cause(&exit, CAUSE_SYSREG, "ICC_SGI1R write");

	exit = trap(EC_WFX, 0);
	assert_cause(&exit, CAUSE_OTHER, "WFI or WFE, which is not recorded");
	exit.have = HAVE_WFX;
	exit.wfe = true;
	assert_cause(&exit, CAUSE_OTHER, "WFE");
	exit = trap(EC_WFX, 0x07e00000);
	assert_cause(&exit, CAUSE_OTHER, "WFI");
}

static void test_calls(void **state)
{
	struct trap_exit exit = trap(EC_HVC32, 0x4a000000);

	(void)state;
	assert_cause(&exit, CAUSE_CALL, "HVC, function not recorded");
	exit.have |= HAVE_HVC;
	/* only w0 names the function */
	exit.r0 = 0xffffffff84000003;
	assert_cause(&exit, CAUSE_CALL, "HVC 0x84000003 PSCI_CPU_ON");
	exit = trap(EC_SMC64, 0x5e000000);
	assert_cause(&exit, CAUSE_CALL, "SMC, which KVM does not support");
}

/* The parts of a name that --by adds up by. */
static void test_parts(void **state)
{
	struct trap_exit exit = trap(EC_DABT_LOW, 0x93810005);
	struct cause cause;
	char name[160];
	int irq;

	(void)state;
	exit.have |= HAVE_IPA;
	exit.ipa = 0x09000018;
	cause_of(&exit, &map, &cause);
	assert_true(cause_device(&cause, &map, name, sizeof(name)));
	assert_string_equal(name, "pl011");
	assert_true(cause_register(&cause, &map, name, sizeof(name)));
	assert_string_equal(name, "FR");
	assert_false(cause_call(&cause, name, sizeof(name)));
	assert_false(cause_irq(&cause, &irq));

	exit.ipa = 0x0b000000; /* nobody's */
	cause_of(&exit, &map, &cause);
	assert_true(cause_device(&cause, &map, name, sizeof(name)));
	assert_string_equal(name, "");
	assert_false(cause_register(&cause, &map, name, sizeof(name)));

	exit.ipa = 0x40000000;
	cause_of(&exit, &map, &cause);
	assert_false(cause_device(&cause, &map, name, sizeof(name)));

	/* LDC and STC have one register each, whatever their operands */
	exit = trap(EC_CP14_LS, 0x1b000001);
	assert_cause(&exit, CAUSE_SYSREG, "DBGDTRint write");
	exit = trap(EC_CP14_LS, 0x1a000020);
	assert_cause(&exit, CAUSE_SYSREG, "DBGDTRint read");
	cause_of(&exit, &map, &cause);
	assert_true(cause_register(&cause, &map, name, sizeof(name)));
	assert_string_equal(name, "DBGDTRint");

	exit = trap(EC_HVC64, 0x5a000000);
	cause_of(&exit, &map, &cause);
	assert_false(cause_call(&cause, name, sizeof(name)));
	exit.have |= HAVE_HVC;
	exit.r0 = 0x12345678;
	cause_of(&exit, &map, &cause);
	assert_true(cause_call(&cause, name, sizeof(name)));
	assert_string_equal(name, "0x12345678");

	exit = (struct trap_exit){ .kind = EXIT_IRQ,
				   .have = HAVE_IRQ,
				   .irq = 27 };
	assert_cause(&exit, CAUSE_OTHER, "interrupt 27 for the host");
	cause_of(&exit, &map, &cause);
	assert_true(cause_irq(&cause, &irq));
	assert_int_equal(irq, 27);
}

/* Every class and every syndrome has a name, none is out of bounds. */
static void test_any_syndrome(void **state)
{
	struct cause cause;
	char name[160];
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct trap_exit exit = { 0 };

		seed = seed * 1664525 + 1013904223;
		exit.ec = seed >> 26;
		exit.kind = i % EXIT_KINDS;
		exit.esr = (uint64_t)seed << (i % 32) ^ seed;
		exit.have = seed >> 3 & 0xfff;
		exit.ipa = (uint64_t)seed << (i % 9);
		exit.gpa = seed;
		exit.sys.op0 = seed & 0xf;
		exit.sys.crn = seed >> 4 & 0xf;
		exit.sys.crm = seed >> 8 & 0xf;
		exit.sys.op2 = seed >> 12 & 0xf;
		cause_of(&exit, &map, &cause);
		assert_true(cause.group < CAUSE_GROUPS);
		cause_name(&cause, &map, name, sizeof(name));
		assert_true(strlen(name) > 0);
	}
}

static struct vmmap_vcpu side(int id, int *tid, uint64_t exits, uint64_t traps)
{
	return (struct vmmap_vcpu){ .id = id,
				    .tid = tid,
				    .nr_tids = 1,
				    .exits = { true, exits },
				    .trap_exits = { true, traps } };
}

/* Counters that were read before and after: what the trace has lies between. */
static void test_totals_spans(void **state)
{
	static const struct {
		uint64_t low, high;
		enum totals_verdict verdict;
	} cases[] = {
		{ 5, 5, TOTALS_MATCH },
		{ 1, 9, TOTALS_MATCH },
		{ 5, UINT64_MAX, TOTALS_MATCH },
		{ 0, 4, TOTALS_MISMATCH },
		{ 6, UINT64_MAX, TOTALS_MISMATCH },
	};
	int tid[] = { 10 };
	struct pair_thread thread[] = {
		{ .tid = 10, .vcpu = -1, .exits = 3, .traps = 3 },
		{ .tid = 77, .vcpu = -1, .exits = 2, .traps = 2 },
	};
	struct reader_info info = { 0 };
	struct totals t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vmmap_vcpu vcpu = { .id = 0, .tid = tid, .nr_tids = 1 };
		struct vmmap vm = {
			.vcpu = &vcpu,
			.nr_vcpus = 1,
			.only = true,
			.exits = { true, cases[i].low, true, cases[i].high },
		};

		/* a thread that nobody knew is of this VM all the same */
		assert_int_equal(totals_make(&t, thread, 2, &vm, &info), 0);
		assert_int_equal(t.foreign_exits, 0);
		assert_int_equal(t.all.exits, 5);
		assert_int_equal(t.all.verdict, cases[i].verdict);
		totals_free(&t);
	}
}

/* What lies in a span is not all there is, if something was lost. */
static void test_totals_spans_lost(void **state)
{
	int tid[] = { 10 };
	struct pair_thread thread[] = {
		{ .tid = 10, .exits = 5, .traps = 5, .lost_exits = 2 },
	};
	struct vmmap_vcpu vcpu = { .id = 0, .tid = tid, .nr_tids = 1 };
	struct vmmap vm = {
		.vcpu = &vcpu,
		.nr_vcpus = 1,
		.exits = { true, 4, true, 9 },
	};
	struct reader_info info = { .lost = 2 };
	struct totals t;

	(void)state;
	assert_int_equal(totals_make(&t, thread, 1, &vm, &info), 0);
	assert_int_equal(t.all.verdict, TOTALS_MATCH);
	assert_false(t.complete);
	totals_free(&t);

	/* those that are lost count, and there cannot be more than the kernel's */
	vm.exits.value = 7;
	assert_int_equal(totals_make(&t, thread, 1, &vm, &info), 0);
	assert_int_equal(t.all.verdict, TOTALS_MATCH);
	totals_free(&t);
	vm.exits.high = 6;
	vm.exits.value = 3;
	assert_int_equal(totals_make(&t, thread, 1, &vm, &info), 0);
	assert_int_equal(t.all.verdict, TOTALS_MISMATCH);
	assert_false(t.complete);
	totals_free(&t);
}

/* Sums of two vCPUs' spans are a span. */
static void test_totals_sums_of_spans(void **state)
{
	int tid[] = { 10, 11 };
	struct vmmap_vcpu vcpu[2] = { side(0, &tid[0], 2, 0),
				      side(1, &tid[1], 1, 0) };
	struct vmmap vm = { .vcpu = vcpu, .nr_vcpus = 2 };
	struct pair_thread thread[] = {
		{ .tid = 10, .exits = 3 },
		{ .tid = 11, .exits = 1 },
	};
	struct reader_info info = { 0 };
	struct totals t;

	(void)state;
	vcpu[0].exits.span = true;
	vcpu[0].exits.high = 4;
	assert_int_equal(totals_make(&t, thread, 2, &vm, &info), 0);
	assert_int_equal(t.all.verdict, TOTALS_MATCH);
	assert_true(t.all.kernel_exits.span);
	assert_int_equal(t.all.kernel_exits.value, 3);
	assert_int_equal(t.all.kernel_exits.high, 5);
	totals_free(&t);
	vcpu[0].exits.high = UINT64_MAX;
	assert_int_equal(totals_make(&t, thread, 2, &vm, &info), 0);
	assert_true(t.all.kernel_exits.high == UINT64_MAX);
	totals_free(&t);
}

static void test_totals_verdicts(void **state)
{
	int tid[] = { 10, 11, 99 };
	struct vmmap_vcpu vcpu[2] = { side(0, &tid[0], 5, 4),
				      side(1, &tid[1], 7, 6) };
	struct vmmap vm = { .vcpu = vcpu, .nr_vcpus = 2 };
	struct pair_thread thread[3] = {
		{ .tid = 11, .vcpu = 1, .exits = 7, .traps = 6 },
		{ .tid = 10, .vcpu = 0, .exits = 5, .traps = 4 },
		{ .tid = 50, .vcpu = 0, .exits = 1000, .traps = 1 },
	};
	struct reader_info info = { 0 };
	struct totals t;

	(void)state;
	assert_int_equal(totals_make(&t, thread, 3, &vm, &info), 0);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.all.verdict, TOTALS_MATCH);
	assert_int_equal(t.all.exits, 12);
	assert_int_equal(t.all.traps, 10);
	assert_int_equal(t.foreign_exits, 1000);
	assert_true(t.complete);
	totals_free(&t);

	/* lost events, but the kernel agrees: none of them was an exit */
	info.lost = 5;
	assert_int_equal(totals_make(&t, thread, 3, &vm, &info), 0);
	assert_true(t.complete);
	totals_free(&t);

	/* errors that cancel out in the sum are errors */
	thread[0].exits = 6;
	thread[1].exits = 6;
	assert_int_equal(totals_make(&t, thread, 3, &vm, &info), 0);
	assert_int_equal(t.all.exits, 12);
	assert_int_equal(t.all.verdict, TOTALS_MISMATCH);
	assert_int_equal(t.vcpu[0].verdict, TOTALS_MISMATCH);
	assert_false(t.complete);
	totals_free(&t);

	/* a vCPU that never ran has no events and a count of 0 */
	vcpu[1] = side(1, &tid[1], 0, 0);
	thread[1].exits = 5;
	assert_int_equal(totals_make(&t, &thread[1], 1, &vm, &info), 0);
	assert_int_equal(t.all.verdict, TOTALS_MATCH);
	totals_free(&t);

	/* another VM's file */
	vcpu[0].tid = vcpu[1].tid = &tid[2];
	assert_int_equal(totals_make(&t, thread, 3, &vm, &info), -ENOENT);
	totals_free(&t);
}

static void test_totals_without_counters(void **state)
{
	const struct vmmap none = { 0 };
	struct pair_thread thread[2] = {
		{ .tid = 8, .vcpu = -1, .exits = 3, .traps = 2 },
		{ .tid = 4, .vcpu = -1, .exits = 1, .lost_exits = 1 },
	};
	struct reader_info info = { 0 };
	struct totals t;

	(void)state;
	assert_int_equal(totals_make(&t, thread, 1, &none, &info), 0);
	assert_int_equal(t.all.verdict, TOTALS_UNCHECKED);
	assert_true(t.complete);
	totals_free(&t);

	assert_int_equal(totals_make(&t, thread, 2, &none, &info), 0);
	assert_int_equal(t.vcpu[0].tid, 4);
	assert_false(t.complete);
	totals_free(&t);

	info.lost_unknown = true;
	assert_int_equal(totals_make(&t, thread, 1, &none, &info), 0);
	assert_false(t.complete);
	totals_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_access),
		cmocka_unit_test(test_mmio_in_memory),
		cmocka_unit_test(test_stock_companions),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_any_syndrome),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_totals_verdicts),
		cmocka_unit_test(test_totals_spans),
		cmocka_unit_test(test_totals_spans_lost),
		cmocka_unit_test(test_totals_sums_of_spans),
		cmocka_unit_test(test_totals_without_counters),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
