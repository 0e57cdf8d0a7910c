/* SPDX-License-Identifier: GPL-2.0-only */
/* See tick64.S. */
#include "defs.h"

	.arch	armv7-a
	.arch_extension virt
	.arch_extension idiv
	.arm
	.text
	.globl _start
_start:
	ldr	r1, =UART_DR
	adr	r2, up
1:	ldrb	r3, [r2], #1
	cmp	r3, #0
	strne	r3, [r1]
	bne	1b
	mrc	p15, 0, r4, c14, c0, 0	@ CNTFRQ
	mov	r5, #10
	udiv	r4, r4, r5
	lsr	r4, r4, #4		@ the counter in 36 bits of its 64
	mvn	r6, #0
2:	yield
	isb
	mrrc	p15, 1, r7, r8, c14	@ CNTVCT
	lsr	r7, r7, #4
	orr	r7, r7, r8, lsl #28
	udiv	r7, r7, r4
	cmp	r7, r6
	beq	2b
	mov	r6, r7
	mov	r8, #28			@ eight digits, the highest first
3:	lsr	r9, r7, r8
	and	r9, r9, #15
	cmp	r9, #10
	addlo	r9, r9, #'0'
	addhs	r9, r9, #'a' - 10
	str	r9, [r1]
	subs	r8, r8, #4
	bpl	3b
	mov	r9, #'\n'
	str	r9, [r1]
	b	2b
	.ltorg

up:	.asciz	"up\n"
	.balign 4
