/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The syndrome of an exception to the hypervisor: ESR_EL2 (DDI 0487, D17.2.37)
 * and, with the same layout for what a 32-bit guest can do, HSR (DDI 0406C,
 * B3.13.6).
 */
#ifndef TL_TRACE_ESR_H
#define TL_TRACE_ESR_H

#include <stdbool.h>
#include <stdint.h>

/* Exception classes that are told apart further; the rest only have names. */
#define EC_WFX      0x01
#define EC_CP15_32  0x03
#define EC_CP15_64  0x04
#define EC_CP14_32  0x05
#define EC_CP14_LS  0x06
#define EC_FP       0x07
#define EC_CP10_ID  0x08
#define EC_CP14_64  0x0c
#define EC_HVC32    0x12
#define EC_SMC32    0x13
#define EC_HVC64    0x16
#define EC_SMC64    0x17
#define EC_SYS64    0x18
#define EC_SVE      0x19
#define EC_IABT_LOW 0x20
#define EC_DABT_LOW 0x24

#define EC_COUNT    64

/* Short name as the kernel's sources have it, and what it means. */
const char *esr_class_name(uint8_t ec);
const char *esr_class_text(uint8_t ec);

/* Direction of an access. */
enum esr_dir { DIR_NONE, DIR_READ, DIR_WRITE, DIR_EXEC, DIR_CACHE };
const char *esr_dir_name(enum esr_dir dir);

/* A data or instruction abort from the guest (EC 0x20, 0x24). */
struct esr_abort {
	enum esr_dir dir;
	bool valid;    /* ISV: @bytes and @reg say something */
	uint8_t bytes; /* of the access */
	uint8_t reg;   /* the register transferred */
	bool walk;     /* S1PTW: the guest's own page table walk faulted */
	enum esr_fault {
		FAULT_TRANSLATION,
		FAULT_ACCESS_FLAG,
		FAULT_PERMISSION,
		FAULT_EXTERNAL,
		FAULT_OTHER
	} fault;
};
struct esr_abort esr_abort(uint8_t ec, uint64_t esr);
const char *esr_fault_name(enum esr_fault fault);

/* The register of a trapped MRC/MCR, MRRC/MCRR, VMRS or MRS/MSR. */
struct esr_reg {
	uint8_t op0, op1, crn, crm, op2;
	bool write;
};
struct esr_reg esr_reg(uint8_t ec, uint64_t esr);

/* WFI, WFE, WFIT, WFET: the low two bits of EC_WFX's ISS. */
const char *esr_wfx_name(unsigned int ti);

#endif
