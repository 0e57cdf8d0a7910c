/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an exit costs: 100 PSCI_VERSION calls, 25 times; prints the least number
 * of the counter's ticks that they took, in hexadecimal.  Then the same with
 * ARCH_WORKAROUND_1, which the hypervisor answers without an exit.  calls64.S is
 * the same for the other width.
 */
#include "defs.h"

	.arch	armv7-a
	.arch_extension virt
	.arm
	.text
	.globl _start
_start:
	ldr	r10, =PSCI_VERSION
	bl	measure
	ldr	r10, =ARCH_WORKAROUND_1
	bl	measure
	ldr	r0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.

@ measure(r10: the call's number)
measure:
	mov	r8, #25
	mvn	r9, #0
run:
	mov	r4, #100
	isb
	mrrc	p15, 1, r6, r7, c14	@ CNTVCT
call:
	mov	r0, r10
	hvc	#0
	subs	r4, r4, #1
	bne	call
	isb
	mrrc	p15, 1, r2, r3, c14
	sub	r2, r2, r6
	cmp	r2, r9
	movlo	r9, r2
	subs	r8, r8, #1
	bne	run

	ldr	r5, =UART_DR
	mov	r4, #8
digit:
	lsr	r3, r9, #28
	lsl	r9, r9, #4
	cmp	r3, #10
	addlo	r3, r3, #'0'
	addhs	r3, r3, #'a' - 10
	str	r3, [r5]
	subs	r4, r4, #1
	bne	digit
	mov	r3, #'\n'
	str	r3, [r5]
	bx	lr
	.ltorg
