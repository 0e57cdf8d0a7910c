/* SPDX-License-Identifier: GPL-2.0-only */
/* A fuzzer's input as what is left of a string of small numbers. */
#ifndef TL_TESTS_INPUT_H
#define TL_TESTS_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t *p;
	size_t left;
};

/* The next @bytes, 8 at most, lowest first; zeroes when the input is at its end. */
static inline uint64_t input_take(struct input *in, unsigned int bytes)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < bytes && in->left; i++) {
		val |= (uint64_t)*in->p++ << 8 * i;
		in->left--;
	}
	return val;
}

/*
 * A guest address.  Mostly in the memory of @size bytes from @base, or at its
 * end, so that deep states are reached; or anywhere.
 */
static inline uint64_t input_gpa(struct input *in, uint64_t base, uint64_t size)
{
	const uint8_t how = (uint8_t)input_take(in, 1);

	if (how == 0xff)
		return input_take(in, 8);
	if (how >= 0xfc)
		return base + size - input_take(in, 1);
	return base + (input_take(in, 2) << (how & 5));
}

/* What holds whatever the input: a crash for the fuzzer if it does not. */
static inline void require(int truth)
{
	if (!truth)
		abort();
}

#endif
