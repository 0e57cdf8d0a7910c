/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile64-start.S for 32 bits.  The tables have the long format (ARM DDI 0406C
 * B3.6), whose first-level blocks are those of the other.
 */
#include "hostile.h"

	.arch	armv7-a
	.arch_extension virt
	.arm

	@ Into the exception's own registers, so that it needs no stack.
	.macro	step_over back
	mrc	p15, 0, sp, c13, c0, 4	@ TPIDRPRW
	add	sp, sp, #1
	mcr	p15, 0, sp, c13, c0, 4
	subs	pc, lr, #\back
	.endm

	.text
	.globl _start
_start:
	mov	r5, r2			@ the device tree
	mov	r4, #0			@ vCPU 0
	ldr	r0, =HOSTILE_TABLE
	ldr	r1, =HOSTILE_TABLE_NC
	mov	r2, #0
	str	r1, [r0], #4		@ the first GiB: devices
	str	r2, [r0], #4
	ldr	r1, =HOSTILE_TABLE_WB
	mov	r3, #1
1:	add	r6, r1, r3, lsl #30
	str	r6, [r0], #4
	str	r2, [r0], #4
	add	r3, r3, #1
	cmp	r3, #4
	bne	1b
	b	common

	/* PSCI CPU_ON comes here with its context in r0. */
	.globl hostile_secondary
hostile_secondary:
	mov	r4, r0
common:
	cpsid	aif, #0x13		@ SVC
	adr	r0, vectors
	mcr	p15, 0, r0, c12, c0, 0	@ VBAR
	ldr	r0, =0xff44		@ attribute 0 Normal NC, 1 Normal WB
	mcr	p15, 0, r0, c10, c2, 0	@ MAIR0
	ldr	r0, =0x80003500		@ TTBCR: EAE, walks WB and shareable
	mcr	p15, 0, r0, c2, c0, 2
	ldr	r0, =HOSTILE_TABLE
	mov	r1, #0
	mcrr	p15, 0, r0, r1, c2	@ TTBR0
	dsb
	mcr	p15, 0, r1, c8, c7, 0	@ TLBIALL
	dsb
	isb
	mrc	p15, 0, r0, c1, c0, 0	@ SCTLR
	ldr	r1, =0x1005		@ I, C, M
	orr	r0, r0, r1
	bic	r0, r0, #2		@ A
	bic	r0, r0, #1 << 13	@ V: vectors where VBAR says
	bic	r0, r0, #3 << 28	@ TRE, AFE
	bic	r0, r0, #1 << 30	@ TE: exceptions in ARM state
	mcr	p15, 0, r0, c1, c0, 0
	isb
	add	r0, r4, #1
	mov	r1, #HOSTILE_STACK
	ldr	r2, =HOSTILE_STACKS
	mla	sp, r0, r1, r2
	mov	r0, r4
	mov	r1, r5
	bl	hostile_main
	b	.

undefined:
	step_over 0
prefetch:
	step_over 0
data:
	step_over 4
	.ltorg

	.balign	32
vectors:
	b	.
	b	undefined
	b	undefined		@ SVC
	b	prefetch
	b	data
	b	.
	subs	pc, lr, #4		@ IRQ
	subs	pc, lr, #4		@ FIQ
