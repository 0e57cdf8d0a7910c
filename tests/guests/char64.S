/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints 20,000 characters, each after a look at the flags as drivers do. */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	x1, =UART_DR
	ldr	w4, =20000
	mov	w5, #'x'
1:	ldr	w3, [x1, #UART_FR - UART_DR]
	tbnz	w3, #5, 1b		/* TXFF */
	str	w5, [x1]
	subs	w4, w4, #1
	b.ne	1b
	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
