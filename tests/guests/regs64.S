/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every register of the PL011 reads as what was written to it, at once, however
 * the host serves the read; characters come back in loopback, and out in order.
 * Prints "registers ok" or "registers wrong at N".
 */
#include "defs.h"

	.text
	.globl _start

	/* \reg has \val, or fail */
	.macro	expect reg, mask, val
	add	w20, w20, #1
	ldr	w3, [x1, #\reg]
	ldr	w5, =\mask
	and	w3, w3, w5
	ldr	w5, =\val
	cmp	w3, w5
	b.ne	wrong
	.endm

	.macro	put reg, val
	ldr	w3, =\val
	str	w3, [x1, #\reg]
	.endm

_start:
	ldr	x1, =UART_DR
	mov	w20, #0			/* the number of the check */
	mov	w21, #50		/* rounds */
round:
	expect	0xfe0, 0xff, 0x11
	expect	0xffc, 0xff, 0xb1
	put	0x24, 0x1234		/* IBRD */
	expect	0x24, 0xffff, 0x1234
	put	0x24, 1
	expect	0x24, 0xffff, 1
	put	0x28, 0x15		/* FBRD */
	expect	0x28, 0x3f, 0x15
	put	0x2c, 0x70		/* LCR_H: FIFOs on */
	expect	0x2c, 0xff, 0x70
	put	0x34, 0x09		/* IFLS */
	expect	0x34, 0x3f, 0x09
	put	0x48, 5			/* DMACR */
	expect	0x48, 7, 5
	put	0x48, 0
	put	0x38, 0			/* IMSC */

	/* Transmit interrupt: cleared, and there again with a character. */
	put	0x30, 0x301		/* CR: UARTEN, TXE, RXE */
	expect	0x30, 0xffff, 0x301
	put	0x44, 0x7ff		/* ICR */
	expect	0x3c, 0x7ff, 0
	put	0, '.'
	expect	0x3c, 0x20, 0x20	/* RIS: TX */
	put	0x38, 0x20
	expect	0x40, 0x20, 0x20	/* MIS */
	put	0x38, 0
	expect	0x40, 0x20, 0

	/* A transmitter that is off keeps what it is given. */
	put	0x30, 0x201
	put	0, '-'
	expect	0x18, 0x88, 0x08	/* FR: BUSY, not TXFE */
	put	0x30, 0x301
	expect	0x18, 0x88, 0x80

	/* Loopback: three characters, each flag at each step. */
	put	0x30, 0x381
	expect	0x18, 0x10, 0x10	/* RXFE */
	put	0, 'x'
	expect	0x18, 0x10, 0
	put	0, 'y'
	put	0, 'z'
	expect	0, 0xff, 'x'
	expect	0, 0xff, 'y'
	expect	0x18, 0x10, 0
	expect	0, 0xff, 'z'
	expect	0x18, 0x10, 0x10
	put	0x30, 0x301
	expect	0, 0xff, 0

	/* Enough reads for the host to take its shortcut again. */
	mov	w4, #40
1:	ldr	w3, [x1, #0x18]
	subs	w4, w4, #1
	b.ne	1b
	subs	w21, w21, #1
	b.ne	round

	/* 1000 characters in order. */
	mov	w4, #0
2:	mov	w5, #10
	udiv	w6, w4, w5
	msub	w6, w6, w5, w4
	add	w6, w6, #'0'
	str	w6, [x1]
	add	w4, w4, #1
	cmp	w4, #1000
	b.ne	2b

	adr	x2, ok
	bl	print
off:	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.

wrong:	put	0x30, 0x301
	adr	x2, bad
	bl	print
	mov	w5, #10
	mov	w4, #1000
3:	udiv	w6, w20, w4
	udiv	w7, w6, w5
	msub	w6, w7, w5, w6
	add	w6, w6, #'0'
	str	w6, [x1]
	udiv	w4, w4, w5
	cbnz	w4, 3b
	mov	w6, #'\n'
	str	w6, [x1]
	b	off

print:	ldrb	w3, [x2], #1
	cbz	w3, 4f
	str	w3, [x1]
	b	print
4:	ret

	.ltorg
ok:	.asciz	"\nregisters ok\n"
bad:	.asciz	"\nregisters wrong at "
