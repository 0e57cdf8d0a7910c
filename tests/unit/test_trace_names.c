// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "devreg.h"
#include "esr.h"
#include "smccc.h"
#include "sysreg.h"

static void assert_sysreg(enum sysreg_space space, uint32_t reg,
			  const char *want)
{
	char name[64];

	sysreg_name(space, reg, name, sizeof(name));
	assert_string_equal(name, want);
}

static void assert_dev(const char *type, uint64_t offset, const char *want)
{
	char name[64];

	devreg_name(devreg_type(type), offset, name, sizeof(name));
	assert_string_equal(name, want);
}

static void assert_call(uint32_t id, const char *want)
{
	char name[64];

	smccc_name(id, name, sizeof(name));
	assert_string_equal(name, want);
}

static void test_classes(void **state)
{
	(void)state;
	assert_string_equal(esr_class_name(0x24), "DABT_LOW");
	assert_string_equal(esr_class_name(0x12), "HVC32");
	assert_string_equal(esr_class_name(0x02), "RESERVED");
	assert_string_equal(esr_class_name(0xff), "RESERVED");
	for (unsigned int ec = 0; ec < 256; ec++)
		assert_true(strlen(esr_class_text((uint8_t)ec)) > 0);
}

/* Syndromes as a Cortex-A57 reported them. */
static void test_data_abort(void **state)
{
	/* strb r0, [r5]: ISV, byte, SRT 0, WnR, translation fault level 1 */
	struct esr_abort abort = esr_abort(EC_DABT_LOW, 0x93000045);

	(void)state;
	assert_int_equal(abort.dir, DIR_WRITE);
	assert_true(abort.valid);
	assert_int_equal(abort.bytes, 1);
	assert_int_equal(abort.reg, 0);
	assert_int_equal(abort.fault, FAULT_TRANSLATION);
	assert_false(abort.walk);

	/* ldr r1, [r5, #24]: ISV, word, SRT 1, read */
	abort = esr_abort(EC_DABT_LOW, 0x93810005);
	assert_int_equal(abort.dir, DIR_READ);
	assert_int_equal(abort.bytes, 4);
	assert_int_equal(abort.reg, 1);

	abort = esr_abort(EC_DABT_LOW, 0x9200008f);
	assert_int_equal(abort.fault, FAULT_PERMISSION);
	assert_true(abort.walk);
	assert_false(abort.valid);

	assert_int_equal(esr_abort(EC_DABT_LOW, 0x92000147).dir, DIR_CACHE);
	assert_int_equal(esr_abort(EC_DABT_LOW, 0x9200000b).fault,
			 FAULT_ACCESS_FLAG);
	assert_int_equal(esr_abort(EC_DABT_LOW, 0x92000010).fault,
			 FAULT_EXTERNAL);
	assert_int_equal(esr_abort(EC_DABT_LOW, 0x92000021).fault, FAULT_OTHER);
	assert_int_equal(esr_abort(EC_IABT_LOW, 0x82000005).dir, DIR_EXEC);
}

static void test_trapped_registers(void **state)
{
	/* mrc p15, 0, r0, c0, c0, 1: CTR */
	struct esr_reg reg = esr_reg(EC_CP15_32, 0x0fe20001);

	(void)state;
	assert_int_equal(SYSREG(reg.op0, reg.op1, reg.crn, reg.crm, reg.op2),
			 SYSREG(0, 0, 0, 0, 1));
	assert_false(reg.write);

	/* mcr p15, 0, r0, c7, c14, 2: DCCISW */
	reg = esr_reg(EC_CP15_32, 0x0fe41c1c);
	assert_int_equal(SYSREG(reg.op0, reg.op1, reg.crn, reg.crm, reg.op2),
			 SYSREG(0, 0, 7, 14, 2));
	assert_true(reg.write);

	/* mrrc p15, 2, ...: bits 19:16 are the whole of op1 */
	reg = esr_reg(EC_CP15_64, 0x13f2041d);
	assert_int_equal(reg.op1, 2);
	assert_int_equal(reg.crm, 14);
	assert_int_equal(reg.crn, 0);
	assert_int_equal(reg.op2, 0);

	/* mrs x0, ID_AA64MMFR0_EL1: S3_0_C0_C7_0 */
	reg = esr_reg(EC_SYS64, 0x6230000f);
	assert_int_equal(SYSREG(reg.op0, reg.op1, reg.crn, reg.crm, reg.op2),
			 SYSREG(3, 0, 0, 7, 0));
	assert_false(reg.write);
}

static void test_sysreg_names(void **state)
{
	(void)state;
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 0, 0, 1), "CTR");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 0, 1, 7), "ID_MMFR3");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 1, 0, 1), "ACTLR");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 7, 14, 2), "DCCISW");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 9, 12, 0), "PMCR");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 14, 11, 6), "PMEVCNTR30");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 14, 12, 1), "PMEVTYPER1");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 0, 14, 15, 7), "PMCCFILTR");
	assert_sysreg(SYSREG_CP15_32, SYSREG(0, 6, 15, 2, 3), "p15,6,c15,c2,3");
	assert_sysreg(SYSREG_CP15_64, SYSREG(0, 0, 0, 12, 0), "ICC_SGI1R");
	assert_sysreg(SYSREG_CP15_64, SYSREG(0, 2, 0, 14, 0), "CNTP_CVAL");
	assert_sysreg(SYSREG_CP15_64, SYSREG(0, 9, 0, 5, 0), "p15,9,c5");
	assert_sysreg(SYSREG_CP14_32, SYSREG(0, 0, 0, 0, 0), "DBGDIDR");
	assert_sysreg(SYSREG_CP14_32, SYSREG(0, 0, 0, 3, 5), "DBGBCR3");
	assert_sysreg(SYSREG_CP14_32, SYSREG(0, 0, 0, 15, 7), "DBGWCR15");
	assert_sysreg(SYSREG_CP14_64, SYSREG(0, 0, 0, 1, 0), "DBGDRAR");
	assert_sysreg(SYSREG_VFP, SYSREG(0, 7, 7, 0, 0), "MVFR0");
	assert_sysreg(SYSREG_A64, SYSREG(3, 3, 14, 2, 1), "CNTP_CTL_EL0");
	assert_sysreg(SYSREG_A64, SYSREG(3, 0, 12, 11, 5), "ICC_SGI1R_EL1");
	assert_sysreg(SYSREG_A64, SYSREG(2, 0, 0, 5, 4), "DBGBVR5_EL1");
	assert_sysreg(SYSREG_A64, SYSREG(3, 3, 14, 8, 2), "PMEVCNTR2_EL0");
	assert_sysreg(SYSREG_A64, SYSREG(3, 0, 15, 1, 2), "S3_0_C15_C1_2");
}

static void test_device_registers(void **state)
{
	(void)state;
	assert_dev("pl011", 0x18, "FR");
	assert_dev("pl011", 0xfec, "PeriphID3");
	assert_dev("pl011", 0x0c, "+0xc");
	assert_dev("pl031", 0x00, "DR");
	assert_dev("virtio-mmio", 0x50, "QueueNotify");
	assert_dev("virtio-mmio", 0x104, "Config+0x4");
	assert_dev("gicv2-dist", 0x104, "GICD_ISENABLER1");
	assert_dev("gicv3-dist", 0x6100, "GICD_IROUTER32");
	assert_dev("gicv3-dist", 0x6108, "GICD_IROUTER33");
	assert_dev("gicv2-dist", 0xf00, "GICD_SGIR");
	assert_dev("gicv2-cpu", 0x0c, "GICC_IAR");
	/* the second redistributor's SGI frame */
	assert_dev("gicv3-redist", 0x20000 + 0x10100, "GICR_ISENABLER0");
	assert_dev("gicv3-redist", 0x14, "GICR_WAKER");
	assert_dev("sp804", 0x24, "Timer2Value");
	assert_dev("sp804", 0x1c, "+0x1c");
	assert_dev("vexpress-sysreg", 0xa4, "SYS_CFGCTRL");
	assert_dev("vexpress-sysreg", 0x88, "SYS_PROCID1");
	assert_dev("no such device", 0x24, "+0x24");
	assert_dev("virtio-mmio", UINT64_MAX, "+0xffffffffffffffff");
}

static void test_calls(void **state)
{
	(void)state;
	assert_call(0x84000000, "PSCI_VERSION");
	assert_call(0x84000008, "PSCI_SYSTEM_OFF");
	assert_call(0xc4000003, "PSCI_CPU_ON (64-bit)");
	assert_call(0x80000000, "SMCCC_VERSION");
	assert_call(0x80008000, "SMCCC_ARCH_WORKAROUND_1");
	assert_call(0xc5000021, "PV_TIME_ST");
	assert_call(0x95c1ba60, "PSCI_0_1_CPU_ON");
	assert_call(0x82000001, "unnamed SiP call");
	assert_call(0x12345678, "unnamed yielding call");
	assert_call(0xffffffff, "unnamed trusted OS call");
}

/* A name never overruns the space it is given. */
static void test_short_buffers(void **state)
{
	char name[4] = { 'x', 'x', 'x', 'x' };

	(void)state;
	sysreg_name(SYSREG_CP15_32, SYSREG(0, 6, 15, 2, 3), name, 3);
	assert_string_equal(name, "p1");
	devreg_name(DEVREG_PL011, 0xfe0, name, 3);
	smccc_name(0x84000000, name, 3);
	assert_string_equal(name, "PS");
	assert_int_equal(name[3], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_data_abort),
		cmocka_unit_test(test_trapped_registers),
		cmocka_unit_test(test_sysreg_names),
		cmocka_unit_test(test_device_registers),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_short_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
