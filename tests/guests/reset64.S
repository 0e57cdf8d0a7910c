/* SPDX-License-Identifier: GPL-2.0-only */
/* Resets the machine at once. */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	w0, =PSCI_SYSTEM_RESET
	hvc	#0
	b	.
