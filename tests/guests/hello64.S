/* SPDX-License-Identifier: GPL-2.0-only */
/* Says hello on the UART and powers off. */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	x1, =UART_DR
	adr	x2, text
1:	ldrb	w3, [x2], #1
	cbz	w3, 2f
	str	w3, [x1]
	b	1b
2:	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.

text:	.asciz	"hello from a 64-bit guest\n"
	.balign 4
