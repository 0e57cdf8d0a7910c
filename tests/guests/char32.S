/* SPDX-License-Identifier: GPL-2.0-only */
/* See char64.S. */
#include "defs.h"

	.arch	armv7-a
	.arch_extension virt
	.arm
	.text
	.globl _start
_start:
	ldr	r1, =UART_DR
	ldr	r4, =20000
	mov	r5, #'x'
1:	ldr	r3, [r1, #UART_FR - UART_DR]
	tst	r3, #1 << 5		@ TXFF
	bne	1b
	str	r5, [r1]
	subs	r4, r4, #1
	bne	1b
	ldr	r0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
	.ltorg
