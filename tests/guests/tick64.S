/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Says "up" and then one hexadecimal digit string a line, the virtual counter in
 * tenths of a second, whenever it has changed; for ever.
 */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	x1, =UART_DR
	adr	x2, up
1:	ldrb	w3, [x2], #1
	cbz	w3, 2f
	str	w3, [x1]
	b	1b
2:	mrs	x4, cntfrq_el0
	mov	x5, #10
	udiv	x4, x4, x5
	mov	x6, #-1
3:	yield
	isb
	mrs	x7, cntvct_el0
	udiv	x7, x7, x4
	cmp	x7, x6
	b.eq	3b
	mov	x6, x7
	mov	x8, #28			/* eight digits, the highest first */
4:	lsr	x9, x7, x8
	and	x9, x9, #15
	cmp	x9, #10
	add	x10, x9, #'0'
	add	x9, x9, #'a' - 10
	csel	x9, x10, x9, lo
	str	w9, [x1]
	subs	x8, x8, #4
	b.pl	4b
	mov	w9, #'\n'
	str	w9, [x1]
	b	3b

up:	.asciz	"up\n"
	.balign 4
