/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a GPIO register 20,000 times, each of which the VMM answers. */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	x1, =GPIO_DIR
	ldr	w4, =20000
1:	ldr	w3, [x1]
	subs	w4, w4, #1
	b.ne	1b
	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
