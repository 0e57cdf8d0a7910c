/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where hostile.c begins, on any vCPU, and what it does with an exception: it
 * steps over the instruction.  The MMU is on with everything Normal memory, for
 * else the core itself refuses a misaligned access to a device (ARM DDI 0487
 * B2.8.2) and the VMM never sees one.
 */
#include "hostile.h"

	.macro	vector
	.balign	0x80
	b	step_over
	.endm

	.text
	.globl _start
_start:
	mov	x19, x0			/* the device tree */
	mov	x20, #0			/* vCPU 0 */
	ldr	x0, =HOSTILE_TABLE
	ldr	x1, =HOSTILE_TABLE_NC
	str	x1, [x0]		/* the first GiB: devices */
	ldr	x1, =HOSTILE_TABLE_WB
	mov	x2, #1
1:	add	x3, x1, x2, lsl #30
	str	x3, [x0, x2, lsl #3]
	add	x2, x2, #1
	cmp	x2, #512
	b.ne	1b
	b	common

	/* PSCI CPU_ON comes here with its context in x0. */
	.globl hostile_secondary
hostile_secondary:
	mov	x20, x0
common:
	adr	x0, vectors
	msr	vbar_el1, x0
	ldr	x0, =0xff44		/* attribute 0 Normal NC, 1 Normal WB */
	msr	mair_el1, x0
	ldr	x0, =0x280803519	/* 39 bits of 4 KiB pages, 40 bits out */
	msr	tcr_el1, x0
	ldr	x0, =HOSTILE_TABLE
	msr	ttbr0_el1, x0
	dsb	sy
	tlbi	vmalle1
	dsb	sy
	isb
	mrs	x0, sctlr_el1
	ldr	x1, =0x1005		/* I, C, M */
	orr	x0, x0, x1
	bic	x0, x0, #2		/* A */
	msr	sctlr_el1, x0
	isb
	mov	x0, #HOSTILE_STACK
	ldr	x1, =HOSTILE_STACKS
	madd	x0, x20, x0, x1
	add	sp, x0, #HOSTILE_STACK
	mov	x0, x20
	mov	x1, x19
	bl	hostile_main
	b	.

step_over:
	stp	x0, x1, [sp, #-16]!
	mrs	x0, elr_el1
	add	x0, x0, #4
	msr	elr_el1, x0
	mrs	x0, tpidr_el1
	add	x0, x0, #1
	msr	tpidr_el1, x0
	ldp	x0, x1, [sp], #16
	eret

	.balign	0x800
vectors:
	.rept	16
	vector
	.endr
