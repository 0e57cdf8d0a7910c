/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architectural names of system registers: AArch64 (DDI 0487, chapter D19) and
 * the AArch32 coprocessor encodings (DDI 0487, chapter G8; DDI 0406C, B3.17).
 */
#ifndef TL_TRACE_SYSREG_H
#define TL_TRACE_SYSREG_H

#include <stddef.h>
#include <stdint.h>

enum sysreg_space {
	SYSREG_A64,     /* MRS, MSR and system instructions */
	SYSREG_CP15_32, /* MRC, MCR p15 */
	SYSREG_CP15_64, /* MRRC, MCRR p15: op1 and CRm only */
	SYSREG_CP14_32,
	SYSREG_CP14_64,
	SYSREG_VFP, /* VMRS: the register's number in CRn */
	SYSREG_SPACES
};

/* An encoding in one word; each field takes four bits. */
#define SYSREG(op0, op1, crn, crm, op2)                  \
	((uint32_t)(op0) << 16 | (uint32_t)(op1) << 12 | \
	 (uint32_t)(crn) << 8 | (uint32_t)(crm) << 4 | (uint32_t)(op2))

/*
 * The name, or the generic form ("p15,0,c7,c14,2", "S3_0_C1_C0_1") where the
 * architecture has none or the table does not know it.
 */
void sysreg_name(enum sysreg_space space, uint32_t reg, char *buf, size_t size);

#endif
