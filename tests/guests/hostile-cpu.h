/* SPDX-License-Identifier: GPL-2.0-only */
/* What hostile.c does by instructions of its own, in both widths. */
#ifndef TESTS_GUESTS_HOSTILE_CPU_H
#define TESTS_GUESTS_HOSTILE_CPU_H

#include <stdint.h>

/*
 * put() and get() are one load or store each: KVM only tells a VMM about those
 * that the syndrome describes, which no pair, no vector and no writeback is.  So
 * the largest access, of 1 << MAX_LOG2 bytes, is that of a register.
 */
#ifdef __aarch64__

#define MAX_LOG2    3
#define PSCI_CPU_ON 0xc4000003

static inline uint64_t ticks(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t));
	return t;
}

static inline uint64_t ticks_per_second(void)
{
	uint64_t hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

/* The vectors count what they step over. */
static inline void forget_faults(void)
{
	__asm__ volatile("msr tpidr_el1, xzr");
}

static inline unsigned long faults(void)
{
	unsigned long n;

	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(n));
	return n;
}

static inline unsigned long call(unsigned long function, unsigned long a,
				 unsigned long b, unsigned long d)
{
	register unsigned long x0 __asm__("x0") = function;
	register unsigned long x1 __asm__("x1") = a;
	register unsigned long x2 __asm__("x2") = b;
	register unsigned long x3 __asm__("x3") = d;

	__asm__ volatile("hvc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	return x0;
}

static inline void put(uint64_t at, uint64_t val, unsigned int log2)
{
	switch (log2) {
	case 0:
		__asm__ volatile("strb %w0, [%1]" ::"r"(val), "r"(at)
				 : "memory");
		break;
	case 1:
		__asm__ volatile("strh %w0, [%1]" ::"r"(val), "r"(at)
				 : "memory");
		break;
	case 2:
		__asm__ volatile("str %w0, [%1]" ::"r"(val), "r"(at)
				 : "memory");
		break;
	default:
		__asm__ volatile("str %0, [%1]" ::"r"(val), "r"(at) : "memory");
	}
}

static inline unsigned long get(uint64_t at, unsigned int log2)
{
	unsigned long val = 0;

	switch (log2) {
	case 0:
		__asm__ volatile("ldrb %w0, [%1]" : "+r"(val) : "r"(at));
		break;
	case 1:
		__asm__ volatile("ldrsh %w0, [%1]" : "+r"(val) : "r"(at));
		break;
	case 2:
		__asm__ volatile("ldr %w0, [%1]" : "+r"(val) : "r"(at));
		break;
	default:
		__asm__ volatile("ldr %0, [%1]" : "+r"(val) : "r"(at));
	}
	return val;
}

#else

#define MAX_LOG2    2
#define PSCI_CPU_ON 0x84000003

static inline uint64_t ticks(void)
{
	uint64_t t;

	/* CNTVCT */
	__asm__ volatile("isb; mrrc p15, 1, %Q0, %R0, c14" : "=r"(t));
	return t;
}

static inline uint64_t ticks_per_second(void)
{
	uint32_t hz;

	/* CNTFRQ */
	__asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(hz));
	return hz;
}

/* The vectors count what they step over, in TPIDRPRW. */
static inline void forget_faults(void)
{
	__asm__ volatile("mcr p15, 0, %0, c13, c0, 4" ::"r"(0));
}

static inline unsigned long faults(void)
{
	unsigned long n;

	__asm__ volatile("mrc p15, 0, %0, c13, c0, 4" : "=r"(n));
	return n;
}

static inline unsigned long call(unsigned long function, unsigned long a,
				 unsigned long b, unsigned long d)
{
	register unsigned long r0 __asm__("r0") = function;
	register unsigned long r1 __asm__("r1") = a;
	register unsigned long r2 __asm__("r2") = b;
	register unsigned long r3 __asm__("r3") = d;

	__asm__ volatile(".arch_extension virt\n\thvc #0"
			 : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
			 :
			 : "r12", "memory");
	return r0;
}

static inline void put(uint64_t at, uint64_t val, unsigned int log2)
{
	const uint32_t to = (uint32_t)at, word = (uint32_t)val;

	switch (log2) {
	case 0:
		__asm__ volatile("strb %0, [%1]" ::"r"(word), "r"(to)
				 : "memory");
		break;
	case 1:
		__asm__ volatile("strh %0, [%1]" ::"r"(word), "r"(to)
				 : "memory");
		break;
	default:
		__asm__ volatile("str %0, [%1]" ::"r"(word), "r"(to)
				 : "memory");
	}
}

static inline unsigned long get(uint64_t at, unsigned int log2)
{
	const uint32_t from = (uint32_t)at;
	unsigned long val = 0;

	switch (log2) {
	case 0:
		__asm__ volatile("ldrb %0, [%1]" : "+r"(val) : "r"(from));
		break;
	case 1:
		__asm__ volatile("ldrsh %0, [%1]" : "+r"(val) : "r"(from));
		break;
	default:
		__asm__ volatile("ldr %0, [%1]" : "+r"(val) : "r"(from));
	}
	return val;
}

#endif
#endif
