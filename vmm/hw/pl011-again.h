/* SPDX-License-Identifier: GPL-2.0-only */
/* The PL011's registers that a driver keeps writing as they were. */
#ifndef TL_HW_PL011_AGAIN_H
#define TL_HW_PL011_AGAIN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Linux writes UARTCR before and after each message, and UARTIMSC after each
 * piece of output of a program.  To tell of it costs some exits' worth.
 */
#define AGAIN_INERT 2

struct again {
	unsigned int times; /* as it was, in a row */
	bool inert;         /* what was told, and the value */
	uint16_t val;
};

/* The register was @old, and @val is written to it. */
static inline void again_count(struct again *again, uint32_t old, uint32_t val)
{
	again->times = val == old ? again->times + 1 : 0;
}

/* Whether again->inert changed; @val is what the register now has. */
static inline bool again_turned(struct again *again, uint32_t val)
{
	const bool inert = again->times >= AGAIN_INERT;

	if (inert == again->inert)
		return false;
	if (inert)
		again->val = (uint16_t)val; /* neither has more bits */
	again->inert = inert;
	return true;
}

#endif
