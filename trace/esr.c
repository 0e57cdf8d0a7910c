// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "esr.h"

static const struct {
	const char *name, *text;
} class[EC_COUNT] = {
	[0x00] = { "UNKNOWN", "unknown reason" },
	[0x01] = { "WFx", "WFI or WFE" },
	[0x03] = { "CP15_32", "CP15 MCR or MRC" },
	[0x04] = { "CP15_64", "CP15 MCRR or MRRC" },
	[0x05] = { "CP14_MR", "CP14 MCR or MRC" },
	[0x06] = { "CP14_LS", "CP14 LDC or STC" },
	[0x07] = { "FP_ASIMD", "floating point or SIMD access" },
	[0x08] = { "CP10_ID", "VMRS of an ID register" },
	[0x09] = { "PAC", "pointer authentication" },
	[0x0a] = { "LS64", "LD64B, ST64B or Jazelle" },
	[0x0c] = { "CP14_64", "CP14 MCRR or MRRC" },
	[0x0d] = { "BTI", "branch target" },
	[0x0e] = { "ILL", "illegal execution state" },
	[0x11] = { "SVC32", "SVC, 32-bit" },
	[0x12] = { "HVC32", "HVC, 32-bit" },
	[0x13] = { "SMC32", "SMC, 32-bit" },
	[0x15] = { "SVC64", "SVC, 64-bit" },
	[0x16] = { "HVC64", "HVC, 64-bit" },
	[0x17] = { "SMC64", "SMC, 64-bit" },
	[0x18] = { "SYS64", "MSR, MRS or system instruction" },
	[0x19] = { "SVE", "SVE access" },
	[0x1a] = { "ERET", "exception return" },
	[0x1c] = { "FPAC", "pointer authentication failure" },
	[0x1d] = { "SME", "SME access" },
	[0x1f] = { "IMP_DEF", "implementation defined" },
	[0x20] = { "IABT_LOW", "instruction abort" },
	[0x21] = { "IABT_CUR", "instruction abort at EL2" },
	[0x22] = { "PC_ALIGN", "misaligned PC" },
	[0x24] = { "DABT_LOW", "data abort" },
	[0x25] = { "DABT_CUR", "data abort at EL2" },
	[0x26] = { "SP_ALIGN", "misaligned SP" },
	[0x27] = { "MOPS", "memory copy or set" },
	[0x28] = { "FP_EXC32", "floating point exception, 32-bit" },
	[0x2c] = { "FP_EXC64", "floating point exception, 64-bit" },
	[0x2f] = { "SERROR", "SError" },
	[0x30] = { "BREAKPT_LOW", "breakpoint" },
	[0x31] = { "BREAKPT_CUR", "breakpoint at EL2" },
	[0x32] = { "SOFTSTP_LOW", "single step" },
	[0x33] = { "SOFTSTP_CUR", "single step at EL2" },
	[0x34] = { "WATCHPT_LOW", "watchpoint" },
	[0x35] = { "WATCHPT_CUR", "watchpoint at EL2" },
	[0x38] = { "BKPT32", "BKPT, 32-bit" },
	[0x3a] = { "VECTOR32", "vector catch, 32-bit" },
	[0x3c] = { "BRK64", "BRK, 64-bit" },
};

static unsigned int bits(uint64_t value, unsigned int high, unsigned int low)
{
	return (unsigned int)(value >> low) & ((1u << (high - low + 1)) - 1);
}

const char *esr_class_name(uint8_t ec)
{
	return ec < EC_COUNT && class[ec].name ? class[ec].name : "RESERVED";
}

const char *esr_class_text(uint8_t ec)
{
	return ec < EC_COUNT && class[ec].text ? class[ec].text
					       : "reserved class";
}

const char *esr_dir_name(enum esr_dir dir)
{
	static const char *const name[] = { "", "read", "write", "fetch",
					    "cache op" };

	return name[dir];
}

struct esr_abort esr_abort(uint8_t ec, uint64_t esr)
{
	struct esr_abort abort = { .dir = DIR_EXEC };
	unsigned int status = bits(esr, 5, 0);

	abort.walk = bits(esr, 7, 7);
	if (ec == EC_DABT_LOW) {
		abort.dir = bits(esr, 6, 6) ? DIR_WRITE : DIR_READ;
		if (bits(esr, 8, 8))
			abort.dir = DIR_CACHE;
		abort.valid = bits(esr, 24, 24);
		abort.bytes = 1 << bits(esr, 23, 22);
		abort.reg = (uint8_t)bits(esr, 20, 16);
	}
	/* (DFSC, IFSC): level in bits 1:0; level -1 is 0x29 and 0x2b */
	switch (status >> 2) {
	case 1:
		abort.fault = FAULT_TRANSLATION;
		break;
	case 2:
		abort.fault = FAULT_ACCESS_FLAG;
		break;
	case 3:
		abort.fault = FAULT_PERMISSION;
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		abort.fault = FAULT_EXTERNAL;
		break;
	default:
		abort.fault = status == 0x2b ? FAULT_TRANSLATION : FAULT_OTHER;
		break;
	}
	return abort;
}

const char *esr_fault_name(enum esr_fault fault)
{
	static const char *const name[] = {
		[FAULT_TRANSLATION] = "first touch",
		[FAULT_ACCESS_FLAG] = "access flag",
		[FAULT_PERMISSION] = "permission",
		[FAULT_EXTERNAL] = "external abort",
		[FAULT_OTHER] = "other fault",
	};

	return name[fault];
}

struct esr_reg esr_reg(uint8_t ec, uint64_t esr)
{
	struct esr_reg reg = { .write = !bits(esr, 0, 0) };

	reg.crm = (uint8_t)bits(esr, 4, 1);
	switch (ec) {
	case EC_CP15_64:
	case EC_CP14_64:
		reg.op1 = (uint8_t)bits(esr, 19, 16);
		break;
	case EC_SYS64:
		reg.op0 = (uint8_t)bits(esr, 21, 20);
		/* fall through */
	default:
		reg.op2 = (uint8_t)bits(esr, 19, 17);
		reg.op1 = (uint8_t)bits(esr, 16, 14);
		reg.crn = (uint8_t)bits(esr, 13, 10);
		break;
	}
	return reg;
}

const char *esr_wfx_name(unsigned int ti)
{
	static const char *const name[] = { "WFI", "WFE", "WFIT", "WFET" };

	return name[ti & 3];
}
