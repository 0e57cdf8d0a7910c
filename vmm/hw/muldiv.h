/* SPDX-License-Identifier: GPL-2.0-only */
/* Conversion between a counter's ticks and nanoseconds, on 32-bit hosts too. */
#ifndef TL_HW_MULDIV_H
#define TL_HW_MULDIV_H

#include <stdint.h>

/*
 * @a * @mul / @div, rounded down, where the product needs more than 64 bits.
 * @mul and @div are at most 10^9, @div is not 0, and the result has to fit.
 */
static inline uint64_t muldiv(uint64_t a, uint32_t mul, uint32_t div)
{
	return a / div * mul + a % div * mul / div;
}

#endif
