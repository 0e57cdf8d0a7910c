/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clean and invalidate the data caches of both levels by set and way, as
 * kernels did while booting: one DCCISW for each line (ARM DDI 0406C, B4.2.1),
 * then the call that powers off.  The geometry is that of QEMU's Cortex-A15,
 * whatever the host shows its guests: 32 KiB in 2 ways, 4 MiB in 16.
 */
#include "defs.h"

	.arch	armv7-a
	.arch_extension virt
	.arm
	.text
	.globl _start
_start:
	mov	r10, #0			@ level less 1, times 2
	ldr	r1, =0x701fe00a		@ CCSIDR
level:
	and	r2, r1, #7
	add	r2, r2, #4		@ log2 of the line's bytes
	ubfx	r4, r1, #3, #10		@ the last way
	clz	r5, r4			@ where the way's number begins
	cmp	r4, #0
	moveq	r5, #0
	ubfx	r7, r1, #13, #15	@ the last set
set:
	mov	r9, r4
way:
	orr	r11, r10, r9, lsl r5
	orr	r11, r11, r7, lsl r2
	mcr	p15, 0, r11, c7, c14, 2	@ DCCISW
	subs	r9, r9, #1
	bge	way
	subs	r7, r7, #1
	bge	set
	ldr	r1, =0x71ffe07a
	add	r10, r10, #2
	cmp	r10, #4
	blt	level
	dsb
	ldr	r0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
	.ltorg
