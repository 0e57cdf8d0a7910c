/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access of any size and alignment to a device made of 32-bit registers: cut
 * into one part for each register that it touches.
 */
#ifndef TL_HW_REG32_H
#define TL_HW_REG32_H

#include <stdint.h>

/*
 * @reg is the register's offset, a multiple of 4.  @mask has the bits that the
 * access touches: whole bytes, so (@mask & 0xff) says whether the lowest byte
 * is among them, which is where a register has its side effects.  A write's
 * @val is zero outside of @mask.
 */
typedef uint32_t (*reg32_read_fn)(void *dev, uint64_t reg, uint32_t mask);
typedef void (*reg32_write_fn)(void *dev, uint64_t reg, uint32_t val,
			       uint32_t mask);

/* The bits of register @offset / 4 that @size bytes from @offset cover. */
static inline uint32_t reg32_mask(uint64_t offset, unsigned int size)
{
	uint32_t bits = size >= 4 ? UINT32_MAX : (1u << (8 * size)) - 1;

	return bits << (8 * (offset % 4));
}

static inline uint64_t reg32_read(void *dev, uint64_t offset, unsigned int size,
				  reg32_read_fn read)
{
	unsigned int done = 0;
	uint64_t val = 0;

	/* As drivers do it. */
	if (size == 4 && offset % 4 == 0)
		return read(dev, offset, UINT32_MAX);
	while (done < size) {
		const uint64_t at = offset + done;
		const unsigned int lane = at % 4;
		const uint32_t mask = reg32_mask(at, size - done);
		const uint64_t part = read(dev, at - lane, mask) & mask;

		val |= (part >> (8 * lane)) << (8 * done);
		done += 4 - lane;
	}
	return val;
}

static inline void reg32_write(void *dev, uint64_t offset, unsigned int size,
			       uint64_t val, reg32_write_fn write)
{
	unsigned int done = 0;

	while (done < size) {
		const uint64_t at = offset + done;
		const unsigned int lane = at % 4;
		const uint32_t mask = reg32_mask(at, size - done);
		const uint32_t part = (uint32_t)(val >> (8 * done))
				      << (8 * lane);

		write(dev, at - lane, part & mask, mask);
		done += 4 - lane;
	}
}

/* A plain register after a write: the bytes not touched stay. */
static inline uint32_t reg32_merge(uint32_t old, uint32_t val, uint32_t mask)
{
	return (old & ~mask) | (val & mask);
}

#endif
