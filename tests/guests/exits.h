/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What exits.c needs of the processor, for either width.  No vectors: interrupts
 * stay masked, WFI wakes for them all the same (DDI 0487 D1.16.2, DDI 0406C
 * B1.8.13), and the CPU interface is asked which it was.
 */
#ifndef TESTS_GUESTS_EXITS_H
#define TESTS_GUESTS_EXITS_H

#include <stdint.h>

#include "defs.h"

#ifdef __aarch64__
#define READ(reg)                                                          \
	({                                                                 \
		uint64_t value_;                                           \
		__asm__ volatile("mrs %0, " reg : "=r"(value_)::"memory"); \
		value_;                                                    \
	})
#define WRITE(reg, value) \
	__asm__ volatile("msr " reg ", %0" ::"r"((uint64_t)(value)) : "memory")

#define ICC_IAR1    "s3_0_c12_c12_0"
#define ICC_EOIR1   "s3_0_c12_c12_1"
#define ICC_PMR     "s3_0_c4_c6_0"
#define ICC_SRE     "s3_0_c12_c12_5"
#define ICC_IGRPEN1 "s3_0_c12_c12_7"
#define CNTV_CTL    "cntv_ctl_el0"
#define CNTFRQ      "cntfrq_el0"
#define ACTLR       "actlr_el1"

static inline uint64_t cpu_counter(void)
{
	__asm__ volatile("isb");
	return READ("cntvct_el0");
}

static inline void cpu_timer(uint64_t deadline)
{
	WRITE("cntv_cval_el0", deadline);
}

static inline void cpu_send_sgi(uint64_t value)
{
	WRITE("s3_0_c12_c11_5", value);
	__asm__ volatile("isb");
}

static inline void cpu_set_way(void)
{
	__asm__ volatile("dc cisw, %0" ::"r"(0UL) : "memory");
}

static inline long cpu_psci(unsigned int fn, unsigned long a, unsigned long b,
			    unsigned long c)
{
	register unsigned long x0 __asm__("x0") = fn;
	register unsigned long x1 __asm__("x1") = a;
	register unsigned long x2 __asm__("x2") = b;
	register unsigned long x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
	return (int)x0;
}

/* PSCI CPU_ON, SMC64 */
#define PSCI_CPU_ON 0xc4000003
#else
#define READ(reg)                                           \
	({                                                  \
		uint32_t value_;                            \
		__asm__ volatile("mrc p15, 0, %0, " reg     \
				 : "=r"(value_)::"memory"); \
		value_;                                     \
	})
#define WRITE(reg, value)                                                \
	__asm__ volatile("mcr p15, 0, %0, " reg ::"r"((uint32_t)(value)) \
			 : "memory")

#define ICC_IAR1    "c12, c12, 0"
#define ICC_EOIR1   "c12, c12, 1"
#define ICC_PMR     "c4, c6, 0"
#define ICC_SRE     "c12, c12, 5"
#define ICC_IGRPEN1 "c12, c12, 7"
#define CNTV_CTL    "c14, c3, 1"
#define CNTFRQ      "c14, c0, 0"
#define ACTLR       "c1, c0, 1"

static inline uint64_t cpu_counter(void)
{
	uint64_t value;

	__asm__ volatile("isb\n\tmrrc p15, 1, %Q0, %R0, c14"
			 : "=r"(value)::"memory");
	return value;
}

static inline void cpu_timer(uint64_t deadline)
{
	__asm__ volatile("mcrr p15, 3, %Q0, %R0, c14" ::"r"(deadline)
			 : "memory");
}

static inline void cpu_send_sgi(uint64_t value)
{
	__asm__ volatile("mcrr p15, 0, %Q0, %R0, c12\n\tisb" ::"r"(value)
			 : "memory");
}

static inline void cpu_set_way(void)
{
	__asm__ volatile("mcr p15, 0, %0, c7, c14, 2" ::"r"(0) : "memory");
}

static inline long cpu_psci(unsigned int fn, unsigned long a, unsigned long b,
			    unsigned long c)
{
	register unsigned long r0 __asm__("r0") = fn;
	register unsigned long r1 __asm__("r1") = a;
	register unsigned long r2 __asm__("r2") = b;
	register unsigned long r3 __asm__("r3") = c;

	__asm__ volatile("hvc #0"
			 : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)::"memory");
	return (int)r0;
}

#define PSCI_CPU_ON 0x84000003
#endif

static inline void cpu_wfi(void)
{
	__asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

static inline void cpu_dsb(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}

/*
 * One plain load or store each, which a VMM can be told of (DDI 0487, ESR_EL2,
 * ISV).  On the 32-bit side by way of R3: QEMU reports LR as a user's R14.
 */
#ifdef __aarch64__
#define MMIO_REG
#define MMIO_OPERANDS " %w0, [%1]"
#else
#define MMIO_REG      __asm__("r3")
#define MMIO_OPERANDS " %0, [%1]"
#endif

static inline uint32_t mmio_read(uintptr_t address)
{
	register uint32_t value MMIO_REG;

	__asm__ volatile("ldr" MMIO_OPERANDS
			 : "=r"(value)
			 : "r"(address)
			 : "memory");
	return value;
}

static inline uint8_t mmio_read8(uintptr_t address)
{
	register uint32_t value MMIO_REG;

	__asm__ volatile("ldrb" MMIO_OPERANDS
			 : "=r"(value)
			 : "r"(address)
			 : "memory");
	return (uint8_t)value;
}

static inline void mmio_write(uintptr_t address, uint32_t value)
{
	register uint32_t word MMIO_REG = value;

	__asm__ volatile("str" MMIO_OPERANDS ::"r"(word), "r"(address)
			 : "memory");
}

static inline void mmio_write8(uintptr_t address, uint8_t value)
{
	register uint32_t word MMIO_REG = value;

	__asm__ volatile("strb" MMIO_OPERANDS ::"r"(word), "r"(address)
			 : "memory");
}

#endif
