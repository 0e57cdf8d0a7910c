/* SPDX-License-Identifier: GPL-2.0-only */
/* See calls32.S. */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	w27, =PSCI_VERSION
	bl	measure
	ldr	w27, =ARCH_WORKAROUND_1
	bl	measure
	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.

/* measure(w27: the call's number) */
measure:
	mov	x28, #25
	mov	x29, #-1
run:
	mov	x24, #100
	isb
	mrs	x26, cntvct_el0
call:
	mov	w0, w27
	hvc	#0
	subs	x24, x24, #1
	b.ne	call
	isb
	mrs	x22, cntvct_el0
	sub	x22, x22, x26
	cmp	x22, x29
	csel	x29, x22, x29, lo
	subs	x28, x28, #1
	b.ne	run

	ldr	x25, =UART_DR
	mov	x24, #8
digit:
	ubfx	x23, x29, #28, #4
	lsl	x29, x29, #4
	cmp	x23, #10
	add	x21, x23, #'0'
	add	x22, x23, #'a' - 10
	csel	x23, x21, x22, lo
	str	w23, [x25]
	subs	x24, x24, #1
	b.ne	digit
	mov	x23, #'\n'
	str	w23, [x25]
	ret
	.ltorg
