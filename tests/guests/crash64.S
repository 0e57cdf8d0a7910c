/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A load of two registers from a device: the syndrome does not describe it
 * (ESR_EL2.ISS.ISV is 0, ARM DDI 0487 D17.2.37), so KVM cannot emulate it and
 * hands the problem to the VMM.
 */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	x1, =RTC_DR
	ldp	w2, w3, [x1]
	b	.
