/* SPDX-License-Identifier: GPL-2.0-only */
/* One of the two FIFOs: 16 entries, or one with FEN clear. */
#ifndef TL_HW_PL011_FIFO_H
#define TL_HW_PL011_FIFO_H

#include <stdint.h>

#define FIFO_DEPTH 16

struct fifo {
	uint16_t entry[FIFO_DEPTH];
	unsigned int first;
	unsigned int level;
};

/* Not full. */
static inline void fifo_push(struct fifo *fifo, uint16_t entry)
{
	fifo->entry[(fifo->first + fifo->level++) % FIFO_DEPTH] = entry;
}

/* Not empty. */
static inline uint16_t fifo_pop(struct fifo *fifo)
{
	uint16_t entry = fifo->entry[fifo->first];

	fifo->first = (fifo->first + 1) % FIFO_DEPTH;
	fifo->level--;
	return entry;
}

#endif
