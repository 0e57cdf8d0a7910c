/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A load of two registers from a device: the syndrome does not describe it
 * (HSR.ISV is 0, ARM DDI 0406C B3.13.6).  See crash64.S.
 */
#include "defs.h"

	.arch	armv7-a
	.arm
	.text
	.globl _start
_start:
	ldr	r1, =RTC_DR
	ldrd	r2, r3, [r1]
	b	.
	.ltorg
