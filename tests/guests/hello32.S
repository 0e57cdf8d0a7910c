/* SPDX-License-Identifier: GPL-2.0-only */
/* Says hello on the UART and powers off. */
#include "defs.h"

	.arch	armv7-a
	.arch_extension virt
	.arm
	.text
	.globl _start
_start:
	ldr	r1, =UART_DR
	adr	r2, text
1:	ldrb	r3, [r2], #1
	cmp	r3, #0
	beq	2f
	str	r3, [r1]
	b	1b
2:	ldr	r0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
	.ltorg

text:	.asciz	"hello from a 32-bit guest\n"
	.balign 4
