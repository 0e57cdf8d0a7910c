/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A known number of traps: 100 reads of the clock, 50 PSCI_VERSION calls, 25
 * reads of an address that nobody owns, and the call that powers off.
 */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	x1, =RTC_DR
	mov	x4, #100
1:	ldr	w3, [x1]
	subs	x4, x4, #1
	b.ne	1b
	mov	x4, #50
2:	ldr	w0, =PSCI_VERSION
	hvc	#0
	subs	x4, x4, #1
	b.ne	2b
	ldr	x1, =NOBODY
	mov	x4, #25
3:	ldr	w3, [x1]
	subs	x4, x4, #1
	b.ne	3b
	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
