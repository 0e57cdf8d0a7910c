/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A known number of traps: 100 reads of the clock, 50 PSCI_VERSION calls, 25
 * reads of an address that nobody owns, and the call that powers off.
 */
#include "defs.h"

	.arch	armv7-a
	.arch_extension virt
	.arm
	.text
	.globl _start
_start:
	ldr	r5, =RTC_DR
	mov	r4, #100
1:	ldr	r3, [r5]
	subs	r4, r4, #1
	bne	1b
	mov	r4, #50
2:	ldr	r0, =PSCI_VERSION
	hvc	#0
	subs	r4, r4, #1
	bne	2b
	ldr	r5, =NOBODY
	mov	r4, #25
3:	ldr	r3, [r5]
	subs	r4, r4, #1
	bne	3b
	ldr	r0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
	.ltorg
