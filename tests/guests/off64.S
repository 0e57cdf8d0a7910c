/* SPDX-License-Identifier: GPL-2.0-only */
/* Powers off: what a run costs that does nothing. */
#include "defs.h"

	.text
	.globl _start
_start:
	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.
